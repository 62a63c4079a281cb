//! A mail server (RFC 5321) that keeps what it gets, and refuses what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};

use crate::server::Plan;
use crate::wait::PATIENCE;

/// Who mail of a test's server is from.
pub const FROM: &str = "no-reply@example.com";

/// A mail that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The envelope's recipient.
    pub to: String,
    /// Header and text, lines ended by `\n`, soft line breaks undone.
    pub text: String,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// The mail server.
#[derive(Debug)]
pub struct Smtp {
    address: SocketAddr,
    came: Mutex<mpsc::UnboundedReceiver<Received>>,
    busy: Arc<AtomicUsize>,
    accepting: tokio::task::AbortHandle,
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Smtp {
    /// On loopback.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for mail")?;
        let address = listener.local_addr()?;
        let (tell, came) = mpsc::unbounded_channel();
        let busy = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(listener, tell, busy.clone())).abort_handle();
        Ok(Self { address, came: Mutex::new(came), busy, accepting })
    }

    /// A server that sends its mail here.
    #[must_use]
    pub fn of(&self, plan: Plan) -> Plan {
        plan.set("smtp_url", &self.url()).set("mail_from", &format!("hallpass <{FROM}>"))
    }

    /// Where it is, as the setting `smtp_url` has it.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// From now on it takes nothing (`true`: 451, try again later), or everything.
    pub fn is_busy(&self, busy: bool) {
        self.busy.store(usize::from(busy), Ordering::SeqCst);
    }

    /// The next mail, however long it takes.
    pub async fn next(&self) -> Result<Received> {
        let mut came = self.came.lock().await;
        let next = tokio::time::timeout(PATIENCE, came.recv()).await;
        next.context("no mail came")?.context("the mail server is gone")
    }

    /// Those that have come, without waiting for more.
    pub async fn so_far(&self) -> Vec<Received> {
        let mut came = self.came.lock().await;
        std::iter::from_fn(|| came.try_recv().ok()).collect()
    }
}

async fn accept(
    listener: TcpListener,
    tell: mpsc::UnboundedSender<Received>,
    busy: Arc<AtomicUsize>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tell, busy) = (tell.clone(), busy.clone());
        tokio::spawn(async move {
            // A client that goes away in between has sent nothing.
            let _ = tokio::time::timeout(Duration::from_secs(300), talk(stream, tell, busy)).await;
        });
    }
}

async fn talk(
    stream: TcpStream,
    tell: mpsc::UnboundedSender<Received>,
    busy: Arc<AtomicUsize>,
) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut to, mut data) = (String::new(), None::<String>);
    write.write_all(b"220 town ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match &mut data {
            Some(text) if line != "." => {
                // RFC 5321 §4.5.2: a leading point was doubled.
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push('\n');
                continue;
            }
            Some(text) => {
                let text = text.replace("=\n", "").replace("=3D", "=");
                let _ = tell.send(Received { to: to.clone(), text });
                data = None;
                b"250 kept\r\n"
            }
            None => match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => b"250-town\r\n250 8BITMIME\r\n",
                "MAIL" if busy.load(Ordering::SeqCst) > 0 => b"451 later\r\n",
                "RCPT" => {
                    let named = line.split(['<', '>']).nth(1).unwrap_or_default();
                    to = named.to_owned();
                    if named.starts_with("nobody@") { b"550 nobody\r\n" } else { b"250 yes\r\n" }
                }
                "DATA" => {
                    data = Some(String::new());
                    b"354 go on\r\n"
                }
                "QUIT" => {
                    write.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => b"250 yes\r\n",
            },
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
