//! The door of a tool's own site: the server's pages and API pass through it, and the calls of
//! the tool's brand are answered there, after `/check` has said who calls and whether they may.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use hallpass_core::brand::Brand;
use reqwest::redirect::Policy;
use tokio::net::TcpListener;

/// The organization that the calls are about.
pub const ORG: &str = "acme";
/// The project, where a call's path names none.
pub const PROJECT: &str = "genome";

/// A site in front of a server.
#[derive(Clone, Debug)]
pub struct Front {
    port: u16,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    upstream: AtomicU16,
    brand: Brand,
    http: reqwest::Client,
    /// What was called, and with which `Authorization`.
    seen: Mutex<Vec<(String, String)>>,
}

impl Front {
    /// The site of a brand's tool. It leads nowhere yet.
    pub async fn start(brand: Brand) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build()?;
        let (upstream, seen) = (AtomicU16::new(0), Mutex::default());
        let inner = Arc::new(Inner { upstream, brand, http, seen });
        let routes = axum::Router::new().fallback(any(pass)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { port, inner })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// From now on it leads to the server at this port.
    pub fn leads_to(&self, port: u16) {
        self.inner.upstream.store(port, Ordering::SeqCst);
    }

    /// The calls that came, and the credential that each of them carried.
    pub fn seen(&self) -> Vec<(String, String)> {
        self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    /// The permission that a call needs, and the project that it is about.
    fn call(&self, method: &str, path: &str) -> Option<(Option<&str>, String)> {
        self.brand.calls.values().find_map(|call| {
            let named: Vec<_> = call.path.split('/').collect();
            let asked: Vec<_> = path.split('/').collect();
            let fits = call.method == method && named.len() == asked.len();
            let mut project = PROJECT.to_owned();
            for (named, asked) in named.iter().zip(&asked).filter(|_| fits) {
                if named.starts_with('{') {
                    project = (*asked).to_owned();
                } else if named != asked {
                    return None;
                }
            }
            fits.then_some((call.permission.as_deref(), project))
        })
    }

    fn at(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.upstream.load(Ordering::SeqCst))
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    answer(&inner, request).await.unwrap_or_else(|error| {
        let text = Body::from(format!("{error:#}"));
        Response::builder().status(502).body(text).expect("a response")
    })
}

async fn answer(inner: &Inner, request: Request) -> Result<Response> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let whole = head.uri.path_and_query().map_or(&*path, |whole| whole.as_str()).to_owned();
    let (method, url, call) = match inner.call(head.method.as_str(), &path) {
        Some((permission, project)) => {
            let shown = head.headers.get("authorization").and_then(|value| value.to_str().ok());
            let call = (format!("{} {whole}", head.method), shown.unwrap_or_default().to_owned());
            inner.seen.lock().unwrap_or_else(PoisonError::into_inner).push(call);
            let needs = permission
                .map(|needs| format!("?project={ORG}/{project}&permission={needs}"))
                .unwrap_or_default();
            (reqwest::Method::GET, inner.at(&format!("/check{needs}")), true)
        }
        None => (head.method.clone(), inner.at(&whole), false),
    };
    let mut headers = head.headers.clone();
    for hop in ["host", "connection", "content-length", "transfer-encoding"] {
        headers.remove(hop);
    }
    // What is bound to a key is proved to an API itself, and not to whoever asks for it.
    let bound =
        head.headers.get("authorization").is_some_and(|it| it.as_bytes().starts_with(b"DPoP "));
    if call && bound {
        return Ok(Response::new(Body::from("{}")));
    }
    let sent = if call { Vec::new() } else { to_bytes(body, 1 << 20).await?.to_vec() };
    let came = inner.http.request(method, url).headers(headers).body(sent).send().await?;
    let status = came.status();
    let mut response = Response::builder().status(status);
    for (name, value) in came.headers() {
        if !["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
            response = response.header(name, value);
        }
    }
    if call && status == 200 {
        let who = came.headers().get("x-hallpass-sub").and_then(|who| who.to_str().ok());
        let body = serde_json::json!({ "by": who, "done": true }).to_string();
        let response = response.header("content-type", "application/json");
        return Ok(response.body(Body::from(body))?);
    }
    Ok(response.body(Body::from(came.bytes().await?))?)
}
