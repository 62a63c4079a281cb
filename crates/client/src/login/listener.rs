//! The one-shot HTTP listener on loopback (RFC 8252 §7.3, CLIENT group B).
//!
//! It binds `127.0.0.1` and, if it can, `[::1]` on the same port. Anything that is not
//! the awaited callback is answered with a 4xx and forgotten; the callback itself waits
//! until the login is exchanged *and* stored, and is then sent on to `/done`, so that
//! the page tells the truth and the address bar holds no code.
//!
//! Sockets are polled rather than blocked on, so that closing needs no trick: the
//! threads see the flag within one pause, and the port is free when `close` returns.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::answer::{Expected, Judged};
use super::inbox::Message;
use super::page::{self, Page};
use crate::Error;

/// The path of the redirect URI.
pub(crate) const CALLBACK: &str = "/callback";
/// Where the browser ends, with nothing secret in its address bar.
const DONE: &str = "/done";
/// How often an idle listener looks.
const PAUSE: Duration = Duration::from_millis(10);
/// A request that takes longer to arrive is no browser's.
const READ_TIME: Duration = Duration::from_secs(5);
/// The largest request head; a browser's, with cookies of other tools on 127.0.0.1, is smaller.
const MAX_HEAD: usize = 32 * 1024;
/// Connections at one time; browsers open a few idle ones ahead.
const MAX_CONNECTIONS: usize = 64;

/// A browser that waits to hear how the login ends.
#[derive(Debug)]
pub(crate) struct Visit {
    /// Whether a browser shows the page, and so will ask for `/done`.
    pub is_browser: bool,
    reply: mpsc::Sender<Page>,
}

impl Visit {
    /// Tells the waiting browser how it ended.
    pub(crate) fn reply(&self, page: Page) {
        // It may have gone away; the login does not depend on it.
        let _ = self.reply.send(page);
    }
}

/// A listener that runs until it is closed or dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    expected: Expected,
    inbox: mpsc::Sender<Message>,
    look: page::Look,
    /// The awaited callback has come, or a code was pasted.
    taken: AtomicBool,
    /// How it ended; `/done` shows it.
    ended: Mutex<Option<Page>>,
    closed: AtomicBool,
    connections: AtomicUsize,
}

/// Bound, not yet answering.
pub(crate) struct Bound {
    sockets: Vec<TcpListener>,
    address: SocketAddr,
}

/// Binds port 0, or a fixed one (CLIENT B1, B2).
pub(crate) fn bind(port: Option<u16>) -> Result<Bound, Error> {
    bind_with(port, &|address| TcpListener::bind(address))
}

fn bind_with(
    port: Option<u16>,
    bind: &dyn Fn(SocketAddr) -> io::Result<TcpListener>,
) -> Result<Bound, Error> {
    let v4 = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let wanted = port.unwrap_or(0);
    let first = match bind(v4(wanted)) {
        // The machine may have no IPv4; but a port that is taken is taken.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => bind(v6(wanted)),
        bound => bound,
    };
    let failed = |error: io::Error| match (error.kind(), port) {
        (io::ErrorKind::AddrInUse, Some(port)) => Error::PortInUse { port },
        _ => Error::NoListener { why: error.to_string() },
    };
    let first = first.map_err(failed)?;
    let address = first.local_addr().map_err(failed)?;
    let mut sockets = vec![first];
    if address.is_ipv4() {
        // The redirect URI is an IPv4 literal, so this one only helps; it may be missing.
        sockets.extend(bind(v6(address.port())));
    }
    for socket in &sockets {
        socket.set_nonblocking(true).map_err(failed)?;
    }
    Ok(Bound { sockets, address })
}

impl Bound {
    /// The redirect URI: an IP literal, never a name (RFC 8252 §8.3).
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://{}{CALLBACK}", self.address)
    }

    /// Starts answering.
    pub(crate) fn listen(
        self,
        expected: Expected,
        inbox: mpsc::Sender<Message>,
        look: page::Look,
    ) -> Listener {
        let shared = Arc::new(Shared {
            expected,
            inbox,
            look,
            taken: AtomicBool::new(false),
            ended: Mutex::new(None),
            closed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
        });
        let threads = self
            .sockets
            .into_iter()
            .map(|socket| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || accept(&socket, &shared))
            })
            .collect();
        Listener { shared, threads }
    }
}

impl Listener {
    /// Judges a pasted line; like a callback, only the first right one counts.
    pub(crate) fn judge_pasted(&self, line: &hallpass_core::Secret) -> Judged {
        match self.shared.expected.judge_pasted(line) {
            Judged::Ours(_) if self.shared.taken.swap(true, Ordering::SeqCst) => {
                Judged::NotOurs("the browser was faster")
            }
            judged => judged,
        }
    }

    /// Stops, and frees the port before it returns (CLIENT B10).
    pub(crate) fn close(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            // A thread that panicked has let go of its socket, too.
            let _ = thread.join();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept(socket: &TcpListener, shared: &Arc<Shared>) {
    while !shared.closed.load(Ordering::SeqCst) {
        let Ok((stream, _)) = socket.accept() else {
            std::thread::sleep(PAUSE);
            continue;
        };
        if shared.connections.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
            shared.connections.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A broken connection is the visitor's trouble.
            let _ = serve(stream, &shared);
            shared.connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// One request, one answer, and the connection ends.
fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(READ_TIME))?;
    stream.set_write_timeout(Some(READ_TIME))?;
    let local = stream.local_addr()?;
    let Some(head) = read_head(&mut stream)? else { return Ok(()) };
    let request = Request::parse(&head);
    let response = match &request {
        Some(request) => answer(request, local, shared),
        None => Response::error(400, &shared.look),
    };
    stream.write_all(response.head().as_bytes())?;
    if request.is_none_or(|request| request.method != "HEAD") {
        stream.write_all(response.body.as_bytes())?;
    }
    stream.flush()?;
    if response.is_done {
        let _ = shared.inbox.send(Message::PageShown);
    }
    // Let the answer arrive before the socket is torn down over unread bytes.
    stream.shutdown(std::net::Shutdown::Write)?;
    let _ = stream.read(&mut [0; 512]);
    Ok(())
}

fn answer(request: &Request<'_>, local: SocketAddr, shared: &Shared) -> Response {
    let error = |status| Response::error(status, &shared.look);
    // CLIENT B5: a name that was made to point here (DNS rebinding) is not us.
    if !request.host.is_some_and(|host| is_us(host, local)) {
        return error(400);
    }
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    if path != CALLBACK && path != DONE {
        return error(404);
    }
    if request.method != "GET" {
        return error(405);
    }
    if path == DONE {
        let ended = shared.ended.lock().unwrap_or_else(PoisonError::into_inner);
        return ended
            .as_ref()
            .map_or_else(|| error(404), |page| Response::done(page, &shared.look));
    }
    // CLIENT B9: a code comes by navigating here, never by a script or an image.
    if request.fetch_mode.is_some_and(|mode| mode != "navigate") {
        return error(403);
    }
    let ours = match shared.expected.judge(query) {
        Judged::Ours(answer) => answer,
        Judged::NotOurs(why) => {
            let _ = shared.inbox.send(Message::Ignored(why));
            return error(400);
        }
    };
    if shared.taken.swap(true, Ordering::SeqCst) {
        return error(409);
    }
    let (reply, ended) = mpsc::channel();
    let visit = Visit { is_browser: request.wants_html, reply };
    if shared.inbox.send(Message::Callback { answer: ours, visit }).is_err() {
        return error(410);
    }
    // The login answers when it is over; if it is given up instead, the channel closes.
    match ended.recv() {
        Ok(page) => {
            *shared.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(page);
            Response::see_done()
        }
        Err(_) => error(410),
    }
}

/// Whether a `Host` header names the address that the connection came to. Browsers
/// leave out the scheme's own port.
fn is_us(host: &str, local: SocketAddr) -> bool {
    let full = local.to_string();
    host == full || local.port() == 80 && full.strip_suffix(":80") == Some(host)
}

/// The head of a request, up to the empty line; `None` if none came.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(None);
        }
        head.extend_from_slice(&buffer[..count]);
        if head.windows(4).any(|window| window == b"\r\n\r\n") {
            return Ok(Some(head));
        }
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

/// What matters of a request.
struct Request<'a> {
    method: &'a str,
    target: &'a str,
    host: Option<&'a str>,
    fetch_mode: Option<&'a str>,
    wants_html: bool,
}

impl<'a> Request<'a> {
    /// `None` if it is not HTTP/1, or has two `Host` headers (RFC 9112 §3.2).
    fn parse(head: &'a [u8]) -> Option<Self> {
        let head = std::str::from_utf8(head).ok()?;
        let (head, _) = head.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target, version) = (first.next()?, first.next()?, first.next()?);
        if first.next().is_some() || !version.starts_with("HTTP/1.") || !target.starts_with('/') {
            return None;
        }
        let mut request = Self { method, target, host: None, fetch_mode: None, wants_html: false };
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("host") && request.host.replace(value).is_some() {
                return None;
            }
            if name.eq_ignore_ascii_case("sec-fetch-mode") {
                request.fetch_mode = Some(value);
            }
            if name.eq_ignore_ascii_case("accept") {
                request.wants_html = value.contains("text/html");
            }
        }
        Some(request)
    }
}

struct Response {
    status: u16,
    location: Option<&'static str>,
    body: String,
    is_done: bool,
}

impl Response {
    fn error(status: u16, look: &page::Look) -> Self {
        Self { status, location: None, body: page::ignored(look), is_done: false }
    }

    fn done(page: &Page, look: &page::Look) -> Self {
        Self { status: 200, location: None, body: page::ended(page, look), is_done: true }
    }

    fn see_done() -> Self {
        Self { status: 303, location: Some(DONE), body: String::new(), is_done: false }
    }

    /// CLIENT B8.
    fn head(&self) -> String {
        let reason = match self.status {
            200 => "OK",
            303 => "See Other",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            _ => "Gone",
        };
        let mut head = format!(
            "HTTP/1.1 {} {reason}\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {}\r\n\
             Cache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Connection: close\r\n",
            self.status,
            self.body.len(),
        );
        if let Some(location) = self.location {
            head.push_str(&format!("Location: {location}\r\n"));
        }
        if self.status == 405 {
            head.push_str("Allow: GET\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
