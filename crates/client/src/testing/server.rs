//! Small authorization servers over `std::net` that answer as a test tells them, and
//! remember what they were asked.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

type Answer = Arc<dyn Fn(&Seen) -> Said + Send + Sync>;

/// A server that answers as it is told.
pub(crate) struct FakeServer {
    pub(crate) origin: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<BTreeMap<String, Answer>>,
    seen: Mutex<Vec<Seen>>,
    closed: AtomicBool,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Close the connection instead of answering.
    pub(crate) hang_up: bool,
}

impl Said {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.to_owned(), hang_up: false }
    }

    pub(crate) fn error(code: &str) -> Self {
        Self::json(400, &json!({ "error": code }))
    }

    pub(crate) fn hang_up() -> Self {
        Self { hang_up: true, ..Self::text(200, "text/plain", "") }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Seen {
    /// A parameter of the form body; panics if there is not exactly one.
    pub(crate) fn form(&self, name: &str) -> String {
        let values: Vec<_> = url::form_urlencoded::parse(self.body.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(values.len(), 1, "{name} in {}", self.body);
        values.into_iter().next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl FakeServer {
    /// Knows no path yet: everything is 404.
    pub(crate) fn empty() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.closed.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || {
                    // A client may hang up whenever it likes.
                    let _ = serve(stream.unwrap(), &shared);
                });
            }
        });
        Self { origin: format!("http://{address}"), address, shared, thread: Some(thread) }
    }

    /// An issuer with metadata and an account (ada), and no `/auth/config`.
    pub(crate) fn issuer() -> Self {
        let server = Self::empty();
        server.says("/.well-known/oauth-authorization-server", Said::json(200, &server.metadata()));
        let userinfo = json!({ "sub": "usr_ada", "email": "ada@example.com", "name": "Ada" });
        server.says("/userinfo", Said::json(200, &userinfo));
        server.says("/oauth/revoke", Said::json(200, &json!({})));
        server
    }

    /// What a well-made server says about itself.
    pub(crate) fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.origin);
        json!({
            "issuer": self.origin,
            "authorization_endpoint": at("/oauth/authorize"),
            "token_endpoint": at("/oauth/token"),
            "device_authorization_endpoint": at("/oauth/device"),
            "revocation_endpoint": at("/oauth/revoke"),
            "userinfo_endpoint": at("/userinfo"),
            "response_types_supported": ["code"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code"
            ],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// The same answer every time.
    pub(crate) fn says(&self, path: &str, said: Said) {
        self.answers(path, move |_| said.clone());
    }

    /// These answers in turn, and the last one from then on.
    pub(crate) fn script(&self, path: &str, said: Vec<Said>) {
        let turn = Mutex::new(said.into_iter().peekable());
        self.answers(path, move |_| {
            let mut turn = turn.lock().unwrap();
            let next = turn.next().expect("a script is never empty");
            if turn.peek().is_none() {
                *turn = vec![next.clone()].into_iter().peekable();
            }
            next
        });
    }

    /// An answer that looks at the request.
    pub(crate) fn answers(
        &self,
        path: &str,
        answer: impl Fn(&Seen) -> Said + Send + Sync + 'static,
    ) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), Arc::new(answer));
    }

    /// What came for `path`.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.path == path).collect()
    }

    /// Everything that came.
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    // One request for each connection, so that nothing depends on reuse.
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut first = line.split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let target = first.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut seen =
        Seen { method, path: path.to_owned(), query: query.to_owned(), ..Seen::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        seen.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    seen.body = String::from_utf8_lossy(&body).into_owned();
    shared.seen.lock().unwrap().push(seen.clone());
    let answer = shared.answers.lock().unwrap().get(&seen.path).cloned();
    let said = answer.map_or_else(|| Said::text(404, "text/plain", "no"), |answer| answer(&seen));
    if said.hang_up {
        return Ok(());
    }
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", said.status);
    for (name, value) in &said.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", said.body.len()));
    writer.write_all(head.as_bytes())?;
    writer.write_all(said.body.as_bytes())
}

/// Sends `request` as it is and reads the answer to its end.
pub(crate) fn raw(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A browser's request for `url`, without following anything.
pub(crate) fn get(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let address = url.socket_addrs(|| None).unwrap()[0].to_string();
    let target = &url[url::Position::BeforePath..];
    raw(&address, &format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\n\r\n"))
}
