//! The one HTTP client (CLIENT J1): discovery, login, refresh, calls and sign-out all
//! go through [`Http`], so time limits, TLS, proxies and size limits hold everywhere.
//!
//! https only, except on loopback. No redirect is followed. The TLS roots are read
//! when the first request is made, not before (CLIENT J4).

mod reply;
mod trouble;
mod wait;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hallpass_core::dpop;
use hallpass_core::public_url::is_loopback;
use hallpass_core::text::presentable;
use ureq::http::{HeaderValue, Method, Request as HttpRequest, header};
use url::Url;
use zeroize::Zeroizing;

use crate::dpop::Told;
use crate::environment::Environment;
use crate::session::Call;
use crate::time::Time;
pub(crate) use reply::Reply;
use reply::http_date;
#[cfg(test)]
use trouble::insecure;
use trouble::{by_proxy, describe};
use wait::Limit;
pub(crate) use wait::Waits;

/// Time to a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Time to the last byte of the answer.
const TOTAL: Duration = Duration::from_secs(30);
/// The largest answer of a protocol endpoint.
const PROTOCOL_BODY: u64 = 256 * 1024;
/// The longest nonce; it goes back with every request.
const MAX_NONCE: usize = 512;
/// The largest answer of an API call.
const CALL_BODY: u64 = 64 * 1024 * 1024;
/// An API may answer as it likes.
const ANYTHING: &str = "application/json, */*;q=0.5";

/// Why a server could not be asked, or did not answer as one. Nothing secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection, or it broke.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's words.
        why: String,
    },
    /// The connection could not be secured.
    #[error(
        "cannot secure the connection to {host}: {why}; behind a corporate CA, name its certificates with --ca-bundle FILE or SSL_CERT_FILE"
    )]
    Tls {
        /// Host and port.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// It took too long.
    #[error("{host} did not answer in time")]
    Timeout {
        /// Host and port.
        host: String,
    },
    /// An http address that is not loopback.
    #[error("{url} is not https; http is for localhost, 127.0.0.1 and [::1] only")]
    Insecure {
        /// The address.
        url: String,
    },
    /// Redirects are not followed: they would lead credentials astray.
    #[error("{host} answered with a redirect to {to}; use that address if it is the right one")]
    Redirect {
        /// Host and port.
        host: String,
        /// Where to.
        to: String,
    },
    /// A status that says to try again later, or one that nobody expected.
    #[error(
        "{host} answered {status}{}",
        .said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default()
    )]
    Status {
        /// Host and port.
        host: String,
        /// HTTP status.
        status: u16,
        /// The server's own words, if it has any.
        said: Option<String>,
    },
    /// The answer is not what the protocol says.
    #[error("{host} gave an answer that is not understood: {why}")]
    Malformed {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// One of these, when a sign-in was to be refreshed; it is kept, and may still work.
    #[error(transparent)]
    Refresh(Box<HttpError>),
}

/// The HTTP client. Clones share connections, and what servers told about proofs.
#[derive(Clone, Debug)]
pub struct Http {
    user_agent: String,
    proxy: Option<String>,
    no_proxy: Vec<String>,
    /// Certificates to trust instead of the system's.
    ca_bundle: Option<PathBuf>,
    /// Until when all requests together have to be done.
    limit: Option<Limit>,
    agent: Arc<OnceLock<Result<ureq::Agent, String>>>,
    /// What servers told about proofs.
    pub(crate) told: Arc<Told>,
    /// Who is told of a long wait.
    pub(crate) waits: Waits,
}

/// One request.
pub(crate) struct Request<'a> {
    pub method: &'a str,
    pub url: &'a str,
    /// Sent as `Authorization: Bearer`, or as `Authorization: DPoP` if there is a proof.
    pub token: Option<&'a str>,
    /// Sent as `DPoP` (RFC 9449 §4.1).
    pub proof: Option<&'a str>,
    pub accept: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// Media type and bytes.
    pub body: Option<(&'a str, &'a [u8])>,
    pub largest_answer: u64,
}

impl Http {
    /// A client that sends `user_agent` and uses the proxy that the variables name
    /// (CLIENT J2). Opens nothing.
    pub fn new(environment: &dyn Environment, user_agent: impl Into<String>) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| environment.var(name));
        let no_proxy = first(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
        Self {
            user_agent: user_agent.into(),
            // HTTP_PROXY is not asked: plain http is for loopback, which no proxy serves.
            proxy: first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            no_proxy: no_proxy
                .split(',')
                .map(|entry| entry.trim().trim_start_matches("*.").trim_start_matches('.'))
                .filter(|entry| !entry.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
            ca_bundle: None,
            limit: None,
            agent: Arc::default(),
            told: Arc::default(),
            waits: Waits::default(),
        }
    }

    /// The same, all of whose requests from now on may take this long together.
    #[must_use]
    pub fn within(mut self, time: &Arc<dyn Time>, whole: Duration) -> Self {
        let whole = self.patience(whole);
        self.limit = Some(Limit::new(time, whole));
        self
    }

    /// The same with a limit of its own, whatever is left of the one before.
    #[must_use]
    pub(crate) fn afresh(mut self, time: &Arc<dyn Time>, whole: Duration) -> Self {
        self.limit = Some(Limit::new(time, whole));
        self
    }

    /// How long the next request may take.
    pub(crate) fn left(&self) -> Duration {
        self.patience(TOTAL)
    }

    /// How long to wait for something else than a server, at most this long.
    pub(crate) fn patience(&self, longest: Duration) -> Duration {
        self.limit.as_ref().map_or(longest, |limit| limit.left().min(longest))
    }

    /// The same, but somebody is told what is waited for, if it takes long.
    pub(crate) fn telling(mut self, waits: Waits) -> Self {
        self.waits = waits;
        self
    }

    /// The same, but trusts the certificates in this PEM file, and no others (CLIENT J2).
    pub fn trusting(mut self, ca_bundle: Option<PathBuf>) -> Self {
        self.ca_bundle = ca_bundle;
        self
    }

    /// Whether anything of TLS was loaded.
    #[cfg(test)]
    pub(crate) fn is_loaded(&self) -> bool {
        self.agent.get().is_some()
    }

    /// A GET of a protocol document.
    pub(crate) fn get(&self, url: &str, bearer: Option<&str>) -> Result<Reply, HttpError> {
        self.get_proven(url, bearer, None)
    }

    /// The same with a token that is bound to a key, and a proof of it.
    pub(crate) fn get_proven(
        &self,
        url: &str,
        token: Option<&str>,
        proof: Option<&str>,
    ) -> Result<Reply, HttpError> {
        self.send(&Request {
            method: "GET",
            url,
            token,
            proof,
            accept: "application/json",
            headers: &[],
            body: None,
            largest_answer: PROTOCOL_BODY,
        })
    }

    /// A POST to an OAuth endpoint: form-urlencoded (RFC 6749 §4.1.3).
    pub(crate) fn post_form(
        &self,
        url: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Reply, HttpError> {
        self.post_form_proven(url, parameters, None)
    }

    /// The same with a proof.
    pub(crate) fn post_form_proven(
        &self,
        url: &str,
        parameters: &[(&str, &str)],
        proof: Option<&str>,
    ) -> Result<Reply, HttpError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            form.append_pair(name, value);
        }
        let form = Zeroizing::new(form.finish());
        self.send(&Request {
            method: "POST",
            url,
            token: None,
            proof,
            accept: "application/json",
            headers: &[],
            body: Some(("application/x-www-form-urlencoded", form.as_bytes())),
            largest_answer: PROTOCOL_BODY,
        })
    }

    /// A call to an API that wants to know nobody.
    pub(crate) fn call_openly(&self, url: &str, call: &Call<'_>) -> Result<Reply, HttpError> {
        let Call { method, headers, body, .. } = *call;
        let (token, proof, accept, largest_answer) = (None, None, ANYTHING, CALL_BODY);
        self.send(&Request { method, url, token, proof, accept, headers, body, largest_answer })
    }

    /// Any call to an API.
    pub(crate) fn call(
        &self,
        method: &str,
        url: &str,
        token: &str,
        proof: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<(&str, &[u8])>,
    ) -> Result<Reply, HttpError> {
        let (token, accept, largest_answer) = (Some(token), ANYTHING, CALL_BODY);
        self.send(&Request { method, url, token, proof, accept, headers, body, largest_answer })
    }

    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Reply, HttpError> {
        let url = Url::parse(request.url).map_err(|_| HttpError::Malformed {
            host: presentable(request.url, 80),
            why: "it is not an address".to_owned(),
        })?;
        let host = authority(&url);
        let malformed =
            |why: &str| HttpError::Malformed { host: host.clone(), why: why.to_owned() };
        if !is_safe(&url) {
            return Err(HttpError::Insecure { url: presentable(request.url, 200) });
        }
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| malformed("the method is not one"))?;
        let mut builder = HttpRequest::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::ACCEPT, request.accept);
        for (name, value) in request.headers {
            builder = builder.header(*name, *value);
        }
        if let Some(proof) = request.proof {
            builder = builder.header(dpop::HEADER, proof);
        }
        if let Some(token) = request.token {
            let scheme = if request.proof.is_some() { dpop::SCHEME } else { "Bearer" };
            let header = Zeroizing::new(format!("{scheme} {token}"));
            let mut value = HeaderValue::from_str(&header)
                .map_err(|_| malformed("the token has a character that no token has"))?;
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        if let Some((media_type, _)) = request.body {
            builder = builder.header(header::CONTENT_TYPE, media_type);
        }
        let way = Way { direct: self.goes_direct(&url), left: self.left() };
        if way.left.is_zero() {
            return Err(HttpError::Timeout { host });
        }
        let agent = self.agent.get_or_init(|| self.build());
        let agent = agent
            .as_ref()
            .map_err(|why| HttpError::Tls { host: host.clone(), why: why.clone() })?;
        let _waiting = self.waits.watch(&host);
        let unsent = |_| malformed("a header cannot be sent");
        let answer = match request.body {
            Some((_, bytes)) => run(agent, builder.body(bytes).map_err(unsent)?, way),
            None => run(agent, builder.body(()).map_err(unsent)?, way),
        };
        let mut answer = answer
            .map_err(|error| by_proxy(describe(error, &url), self.proxy_for(url.as_str())))?;
        let text = |name: header::HeaderName| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let mut reply = Reply {
            status: answer.status().as_u16(),
            content_type: text(header::CONTENT_TYPE),
            location: text(header::LOCATION),
            www_authenticate: text(header::WWW_AUTHENTICATE),
            retry_after: text(header::RETRY_AFTER)
                .and_then(|text| text.trim().parse().ok())
                .map(Duration::from_secs),
            dpop_nonce: text(header::HeaderName::from_static(dpop::NONCE_HEADER))
                .filter(|nonce| nonce.len() <= MAX_NONCE),
            date: text(header::DATE).and_then(|text| http_date(&text)),
            body: Zeroizing::new(Vec::new()),
            host,
        };
        let mut reader = answer.body_mut().with_config().limit(request.largest_answer).reader();
        reader
            .read_to_end(&mut reply.body)
            .map_err(|error| describe(ureq::Error::from(error), &url))?;
        Ok(reply)
    }

    fn build(&self) -> Result<ureq::Agent, String> {
        let roots = match &self.ca_bundle {
            Some(path) => certificates(path)?.into(),
            None => ureq::tls::RootCerts::PlatformVerifier,
        };
        let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // A proxy that cannot be understood is no proxy; the connection then says why it failed.
            .proxy(self.proxy.as_deref().and_then(|proxy| ureq::Proxy::new(proxy).ok()))
            .tls_config(tls)
            .user_agent(self.user_agent.as_str())
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        Ok(agent)
    }

    /// The proxy that `url` is reached through, without what it is signed in to with.
    pub(crate) fn proxy_for(&self, url: &str) -> Option<String> {
        let url = Url::parse(url).ok()?;
        let proxy = self.proxy.as_deref().filter(|_| !self.goes_direct(&url))?;
        let shown = proxy.rsplit_once('@').map_or(proxy, |(_, rest)| rest);
        Some(presentable(shown, 200))
    }

    /// Loopback is never proxied, and neither is what `NO_PROXY` names: a host, or a
    /// domain with everything below it.
    fn goes_direct(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let with_port = authority(url);
        is_loopback(url)
            || self.no_proxy.iter().any(|entry| {
                entry == "*"
                    || entry == host
                    || *entry == with_port
                    || host.strip_suffix(entry.as_str()).is_some_and(|rest| rest.ends_with('.'))
            })
    }
}

/// How one request goes.
#[derive(Clone, Copy)]
struct Way {
    /// Past the proxy.
    direct: bool,
    /// How long it may take.
    left: Duration,
}

fn run(
    agent: &ureq::Agent,
    request: HttpRequest<impl ureq::AsSendBody>,
    way: Way,
) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    let request = agent
        .configure_request(request)
        .timeout_connect(Some(CONNECT.min(way.left)))
        .timeout_global(Some(way.left));
    let request = if way.direct { request.proxy(None) } else { request };
    agent.run(request.build())
}

/// The certificates in a PEM file. A file without any would trust nobody, which is no
/// mistake that anybody makes on purpose.
fn certificates(path: &Path) -> Result<Vec<ureq::tls::Certificate<'static>>, String> {
    let shown = presentable(&path.display().to_string(), 200);
    let pem = std::fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let found: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(format!("there is no certificate in {shown}"));
    }
    Ok(found)
}

/// https, or http on loopback.
pub(crate) fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
