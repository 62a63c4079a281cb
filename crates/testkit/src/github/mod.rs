//! A stand-in for the issuer of GitHub Actions: real keys, metadata and key set over HTTP, and
//! the endpoint where a job asks for its token. Whatever a test wants it to say, it says; it can
//! rotate its keys, and it can fail.

mod job;
mod keys;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hallpass_core::chance;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::possession::b64;
use crate::system::RealRandom;
pub use job::{Job, Subject};
use keys::SigningKey;

/// What it answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `/.well-known/openid-configuration`
    Metadata,
    /// `/.well-known/jwks`
    Keys,
    /// The endpoint where a job asks for its token.
    Tokens,
}

/// How a part fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 503.
    Unavailable,
    /// It takes the request and never answers.
    Silent,
    /// 200 with this text.
    Says(String),
    /// 200 with this many bytes of JSON, and no end before.
    Endless(usize),
    /// 302 to this address.
    Redirects(String),
}

/// The issuer.
#[derive(Debug)]
pub struct GitHub {
    issuer: String,
    office: Arc<Office>,
    _stop: oneshot::Sender<()>,
}

/// A job's surroundings, as each of its steps has them.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Every variable, the two of the request endpoint among them.
    pub variables: Vec<(String, String)>,
}

#[derive(Debug)]
struct Office {
    issuer: String,
    path: String,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    /// The last one signs.
    keys: Vec<Arc<SigningKey>>,
    /// How many of the newest are not published yet.
    unpublished: usize,
    made: u32,
    jobs: HashMap<String, Job>,
    troubles: HashMap<Part, Trouble>,
    asked: HashMap<Part, u32>,
    /// What the metadata says instead.
    metadata: HashMap<String, Value>,
}

impl GitHub {
    /// Github.com's: its issuer has no path.
    pub async fn start() -> Result<Self> {
        Self::start_at("").await
    }

    /// An enterprise's own, or a server's: its issuer has a path, which begins with a slash.
    pub async fn start_at(path: &str) -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("a port")?;
        listener.set_nonblocking(true)?;
        let issuer = format!("http://{}{path}", listener.local_addr()?);
        let books = Mutex::default();
        let (issuer, path) = (issuer.clone(), path.to_owned());
        let office = Arc::new(Office { issuer: issuer.clone(), path, books });
        let (stop, stopped) = oneshot::channel::<()>();
        let app = Router::new().fallback(answer).with_state(office.clone());
        // On a thread of its own: it answers also while a test waits and awaits nothing.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                tokio::select! {
                    served = async { axum::serve(listener, app).await } => served,
                    _ = stopped => Ok(()),
                }
            };
            runtime.and_then(|runtime| runtime.block_on(served)).expect("it serves");
        });
        let this = Self { issuer, office, _stop: stop };
        this.rotate()?;
        Ok(this)
    }

    /// `iss`
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A job begins: what its steps have in their environment.
    pub fn job(&self, job: &Job) -> Runner {
        let secret = b64(chance::bytes::<24>(&RealRandom));
        let url = format!("{}/request/{}?api-version=2.0", self.issuer, job.run_id);
        let mut variables = job.variables();
        variables.push(("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), url));
        variables.push(("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), secret.clone()));
        self.office.books().jobs.insert(secret, job.clone());
        Runner { variables }
    }

    /// The job is over: its endpoint gives nothing any more.
    pub fn end(&self, runner: &Runner) {
        let secret = runner.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
        self.office.books().jobs.remove(secret.unwrap_or_default());
    }

    /// The token that `job` would get for `audience`.
    pub fn token(&self, job: &Job, audience: &str) -> String {
        self.sign(&job.claims(&self.issuer, audience))
    }

    /// Any claims, signed as GitHub signs.
    pub fn sign(&self, claims: &Value) -> String {
        self.office.books().sign(claims)
    }

    /// Any header and any claims, letter by letter, signed with the key that signs now.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        self.office.books().key().sign(header, claims)
    }

    /// The header of an honest token.
    pub fn header(&self) -> Value {
        self.office.books().header()
    }

    /// The bytes of the public key that signs now, for whoever takes them for a secret.
    pub fn public_key(&self) -> Vec<u8> {
        self.office.books().key().public().to_vec()
    }

    /// A new key signs, and is published; those before stay published.
    pub fn rotate(&self) -> Result<()> {
        self.office.books().add_key()
    }

    /// A new key signs that is not published: an impostor's, or a rotation that is half done.
    pub fn rotate_in_secret(&self) -> Result<()> {
        let mut books = self.office.books();
        books.add_key()?;
        books.unpublished += 1;
        Ok(())
    }

    /// All keys are published from now on.
    pub fn publish(&self) {
        self.office.books().unpublished = 0;
    }

    /// Only the key that signs now is published from now on.
    pub fn retire(&self) {
        let mut books = self.office.books();
        let all = books.keys.len();
        books.keys.drain(..all - 1);
        books.unpublished = 0;
    }

    /// From now on this part fails, or works again.
    pub fn set(&self, part: Part, trouble: Option<Trouble>) {
        let mut books = self.office.books();
        match trouble {
            Some(trouble) => books.troubles.insert(part, trouble),
            None => books.troubles.remove(&part),
        };
    }

    /// From now on the metadata says this about `member`; `null` is left out.
    pub fn say(&self, member: &str, value: Value) {
        self.office.books().metadata.insert(member.to_owned(), value);
    }

    /// How often this part was asked.
    pub fn asked(&self, part: Part) -> u32 {
        self.office.books().asked.get(&part).copied().unwrap_or_default()
    }
}

impl Runner {
    /// The value of one of them.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut all = self.variables.iter();
        all.find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// The same with a variable different.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(there, _)| there != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Office {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        let mut document = json!({
            "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks"),
            "response_types_supported": ["id_token"],
            "scopes_supported": ["openid"],
            "subject_types_supported": ["public", "pairwise"],
        });
        let members = document.as_object_mut().expect("an object");
        for (name, value) in &self.books().metadata {
            match value {
                Value::Null => members.remove(name),
                value => members.insert(name.clone(), value.clone()),
            };
        }
        document
    }
}

impl Books {
    fn key(&self) -> &SigningKey {
        self.keys.last().expect("a key since the start")
    }

    fn add_key(&mut self) -> Result<()> {
        self.made += 1;
        let id =
            format!("{:08X}-{}", 0x38A1_0000 + self.made, b64(chance::bytes::<6>(&RealRandom)));
        self.keys.push(Arc::new(SigningKey::new(id)?));
        Ok(())
    }

    fn header(&self) -> Value {
        json!({ "alg": "RS256", "kid": self.key().id, "typ": "JWT" })
    }

    fn sign(&self, claims: &Value) -> String {
        self.key().sign(&self.header().to_string(), &claims.to_string())
    }

    fn jwks(&self) -> Value {
        let published = &self.keys[..self.keys.len() - self.unpublished];
        json!({ "keys": published.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
    }
}

async fn answer(State(office): State<Arc<Office>>, request: Request) -> Response {
    let path = request.uri().path().strip_prefix(&*office.path).unwrap_or_default();
    let part = match path {
        "/.well-known/openid-configuration" => Part::Metadata,
        "/.well-known/jwks" => Part::Keys,
        path if path.starts_with("/request/") => Part::Tokens,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let trouble = {
        let mut books = office.books();
        *books.asked.entry(part).or_default() += 1;
        books.troubles.get(&part).cloned()
    };
    match trouble {
        Some(Trouble::Unavailable) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Trouble::Silent) => std::future::pending().await,
        Some(Trouble::Says(text)) => json_text(text),
        Some(Trouble::Endless(bytes)) => json_text(format!("[{}]", " ".repeat(bytes))),
        Some(Trouble::Redirects(to)) => {
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        None => match part {
            Part::Metadata => json_text(office.metadata().to_string()),
            Part::Keys => json_text(office.books().jwks().to_string()),
            Part::Tokens => token_for(&office, &request),
        },
    }
}

/// `GET $ACTIONS_ID_TOKEN_REQUEST_URL&audience=…`, with the job's secret as a bearer token.
/// Without an audience it is the owner's page, which is nobody's.
fn token_for(office: &Office, request: &Request) -> Response {
    let refused = |status: StatusCode| status.into_response();
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let secret = bearer.and_then(|text| {
        let (scheme, secret) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(secret)
    });
    let books = office.books();
    let Some(job) = secret.and_then(|secret| books.jobs.get(secret)) else {
        return refused(StatusCode::UNAUTHORIZED);
    };
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let one = |name: &str| query.iter().find(|(there, _)| there == name).map(|(_, value)| value);
    if one("api-version").is_none() {
        return refused(StatusCode::BAD_REQUEST);
    }
    let default = format!("https://github.com/{}", job.owner);
    let audience = one("audience").unwrap_or(&default);
    let value = books.sign(&job.claims(&office.issuer, audience));
    json_text(json!({ "count": 1, "value": value }).to_string())
}

fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

#[cfg(test)]
mod tests;
