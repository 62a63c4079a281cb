//! HTTP/1.1 as a load generator needs it: prepared bytes out, one answer in.
//!
//! A client library would spend more on each request than the handlers that are
//! measured, on the same cores.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than any answer that is measured.
const MOST: usize = 64 * 1024;

/// A `POST` of a form, as bytes.
pub(crate) fn post(path: &str, authorization: Option<&str>, form: &str) -> Vec<u8> {
    let authorization = header(authorization);
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// A `POST` of JSON, as bytes.
pub(crate) fn json(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A `GET`, as bytes.
pub(crate) fn get(path: &str, authorization: Option<&str>) -> Vec<u8> {
    let authorization = header(authorization);
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n").into_bytes()
}

fn header(authorization: Option<&str>) -> String {
    authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default()
}

/// An answer: its status and its body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// Whether `part` is in the body.
    pub(crate) fn has(&self, part: &[u8]) -> bool {
        part.is_empty() || self.body.windows(part.len()).any(|window| window == part)
    }

    /// For messages. Bodies here are of a bench, and hold no secret that outlives it.
    pub(crate) fn show(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(self.body))
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(to: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; MOST], filled: 0 })
    }

    /// Sends one request and reads its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await.context("sending a request")?;
        self.filled = 0;
        loop {
            if let Some(head) = Head::read(&self.buffer[..self.filled])? {
                ensure!(head.body.end <= MOST, "an answer is larger than {MOST} bytes");
                if self.filled >= head.body.end {
                    return Ok(Answer { status: head.status, body: &self.buffer[head.body] });
                }
            }
            ensure!(self.filled < MOST, "the head of an answer is larger than {MOST} bytes");
            let more = self
                .stream
                .read(&mut self.buffer[self.filled..])
                .await
                .context("reading an answer")?;
            ensure!(more > 0, "the server closed a connection that was to be kept");
            self.filled += more;
        }
    }
}

/// The head of an answer.
#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    body: Range<usize>,
}

impl Head {
    /// Reads it, if it is there as a whole.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head =
            std::str::from_utf8(&bytes[..end]).context("the head of an answer is not text")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status.and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let Some(status) = status else { bail!("not an answer of HTTP/1.1") };
        let mut length = 0;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("Content-Length is not a number")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                bail!("an answer comes in chunks; this load generator reads Content-Length only");
            }
        }
        Ok(Some(Self { status, body: end + 4..end + 4 + length }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-length: 3\r\nX: y\r\n\r\nabc";
        for cut in 0..bytes.len() - 3 {
            assert_eq!(Head::read(&bytes[..cut]).unwrap(), None, "{cut}");
        }
        let head = Head::read(bytes).unwrap().unwrap();
        assert_eq!((head.status, &bytes[head.body]), (200, b"abc".as_slice()));
    }

    #[test]
    fn what_it_cannot_read_is_an_error_not_a_count() {
        for bad in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "SSH-2.0-x\r\n\r\n",
        ] {
            assert!(Head::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_searched() {
        let answer = Answer { status: 200, body: br#"{"active":true}"# };
        assert!(answer.has(br#""active":true"#) && !answer.has(br#""active":false"#));
        assert!(!Answer { status: 204, body: b"" }.has(b"x"));
    }
}
