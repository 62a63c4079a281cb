//! HTTP/1.1 over one connection that is kept, as little of it as will do.

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection, opened when it is first needed and again when it was closed.
#[derive(Debug)]
pub(crate) struct Wire {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Wire {
    /// To `host:port`.
    pub(crate) fn new(address: String) -> Self {
        Self { address, stream: None }
    }

    /// Sends a request and answers its status and body.
    pub(crate) async fn ask(&mut self, request: &str) -> Result<(u16, String)> {
        let reused = self.stream.is_some();
        match self.once(request).await {
            // A connection that was kept may have been closed meanwhile.
            Err(_) if reused => {
                self.stream = None;
                self.once(request).await
            }
            answer => answer,
        }
    }

    async fn once(&mut self, request: &str) -> Result<(u16, String)> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut().context("no connection")?;
        stream.get_mut().write_all(request.as_bytes()).await?;
        let (mut status, mut length, mut close) = (0, 0, false);
        let mut line = String::new();
        loop {
            line.clear();
            anyhow::ensure!(stream.read_line(&mut line).await? > 0, "the connection was closed");
            let head = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = head.strip_prefix("http/1.1 ") {
                status = rest.get(..3).context("no status")?.parse()?;
            } else if let Some(value) = head.strip_prefix("content-length: ") {
                length = value.parse()?;
            } else if head == "connection: close" {
                close = true;
            } else if head.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        if close {
            self.stream = None;
        }
        Ok((status, String::from_utf8(body)?))
    }
}
