//! A mail server (RFC 5321) that keeps what it gets, and refuses what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::certificate::Certificate;
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

/// How it keeps connections private.
#[derive(Clone)]
enum Privacy {
    /// Not at all: it is on loopback.
    None,
    /// TLS from the start (RFC 8314 §3.3).
    Tls(TlsAcceptor),
    /// STARTTLS (RFC 3207), and nothing is taken without it.
    StartTls(TlsAcceptor),
}

/// The mail server.
#[derive(Debug)]
pub struct Smtp {
    address: SocketAddr,
    url: String,
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
    /// On loopback, in the clear.
    pub async fn start() -> Result<Self> {
        Self::with(Privacy::None, |address| format!("smtp://{address}")).await
    }

    /// With TLS from the start, and this certificate.
    pub async fn start_tls(certificate: &Certificate) -> Result<Self> {
        let tls = Privacy::Tls(certificate.acceptor()?);
        Self::with(tls, |address| format!("smtps://localhost:{}", address.port())).await
    }

    /// With STARTTLS. Its address is on loopback all the same, and does not look so: to one that
    /// does nobody speaks TLS.
    pub async fn start_starttls(certificate: &Certificate) -> Result<Self> {
        let tls = Privacy::StartTls(certificate.acceptor()?);
        Self::with(tls, |address| format!("smtp://[::ffff:127.0.0.1]:{}", address.port())).await
    }

    async fn with(privacy: Privacy, url: impl Fn(SocketAddr) -> String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for mail")?;
        let address = listener.local_addr()?;
        let (tell, came) = mpsc::unbounded_channel();
        let busy = Arc::new(AtomicUsize::new(0));
        let keeper = Keeper { tell, busy: busy.clone() };
        let accepting = tokio::spawn(accept(listener, keeper, privacy)).abort_handle();
        Ok(Self { address, url: url(address), came: Mutex::new(came), busy, accepting })
    }

    /// A server that sends its mail here.
    #[must_use]
    pub fn of(&self, plan: Plan) -> Plan {
        plan.set("smtp_url", &self.url).set("mail_from", &format!("hallpass <{FROM}>"))
    }

    /// Where it is, as the setting `smtp_url` has it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same place, spoken to with STARTTLS, whether it knows that or not.
    pub fn url_with_starttls(&self) -> String {
        format!("smtp://[::ffff:127.0.0.1]:{}", self.address.port())
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

/// Where mail goes that is taken.
#[derive(Clone)]
struct Keeper {
    tell: mpsc::UnboundedSender<Received>,
    busy: Arc<AtomicUsize>,
}

async fn accept(listener: TcpListener, keeper: Keeper, privacy: Privacy) {
    while let Ok((stream, _)) = listener.accept().await {
        let (keeper, privacy) = (keeper.clone(), privacy.clone());
        tokio::spawn(async move {
            let talk = async {
                match privacy {
                    Privacy::None => talk(stream, &keeper, None, true).await.map(drop),
                    Privacy::Tls(tls) => {
                        talk(tls.accept(stream).await?, &keeper, None, true).await.map(drop)
                    }
                    Privacy::StartTls(tls) => {
                        let Some(stream) = talk(stream, &keeper, Some(()), true).await? else {
                            return Ok(());
                        };
                        talk(tls.accept(stream).await?, &keeper, None, false).await.map(drop)
                    }
                }
            };
            // A client that goes away in between has sent nothing.
            let _: Result<Result<()>, _> =
                tokio::time::timeout(Duration::from_secs(300), talk).await;
        });
    }
}

/// Talks until the end, or until TLS begins, where it is `asked` for; then the stream is answered.
async fn talk<S>(stream: S, keeper: &Keeper, asked: Option<()>, greets: bool) -> Result<Option<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    let (mut to, mut data) = (String::new(), None::<String>);
    if greets {
        stream.write_all(b"220 town ESMTP\r\n").await?;
    }
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let said = std::mem::take(&mut line);
        let said = said.trim_end_matches(['\r', '\n']);
        let answer: &[u8] = match &mut data {
            Some(text) if said != "." => {
                // RFC 5321 §4.5.2: a leading point was doubled.
                text.push_str(said.strip_prefix('.').unwrap_or(said));
                text.push('\n');
                continue;
            }
            Some(text) => {
                let text = text.replace("=\n", "").replace("=3D", "=");
                let _ = keeper.tell.send(Received { to: to.clone(), text });
                data = None;
                b"250 kept\r\n"
            }
            None => match said.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" if asked.is_some() => b"250-town\r\n250 STARTTLS\r\n",
                "EHLO" | "HELO" => b"250-town\r\n250 8BITMIME\r\n",
                "STAR" if asked.is_some() => {
                    stream.write_all(b"220 go on\r\n").await?;
                    stream.flush().await?;
                    return Ok(Some(stream.into_inner()));
                }
                // RFC 3207 §4.
                "MAIL" if asked.is_some() => b"530 STARTTLS first\r\n",
                "MAIL" if keeper.busy.load(Ordering::SeqCst) > 0 => b"451 later\r\n",
                "RCPT" => {
                    let named = said.split(['<', '>']).nth(1).unwrap_or_default();
                    to = named.to_owned();
                    if named.starts_with("nobody@") { b"550 nobody\r\n" } else { b"250 yes\r\n" }
                }
                "DATA" => {
                    data = Some(String::new());
                    b"354 go on\r\n"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    stream.flush().await?;
                    return Ok(None);
                }
                _ => b"250 yes\r\n",
            },
        };
        stream.write_all(answer).await?;
        stream.flush().await?;
    }
    Ok(None)
}
