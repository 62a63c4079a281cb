//! Finding out where and how a server is signed in to.
//!
//! First `GET {server}/auth/config`, which names the issuer, the client and the
//! scopes; a server without one is its own issuer. Then the issuer's metadata, at
//! the three well-known places (RFC 8414 §3.1, OIDC Discovery §4). A document that
//! describes anybody but the issuer that was asked for is refused byte for byte
//! (RFC 8414 §3.3), and nothing in it is believed before that.

use hallpass_core::public_url::PublicUrl;
use hallpass_core::text::presentable;
use hallpass_core::wire::metadata::{AuthConfig, AuthMode, ServerMetadata};
use hallpass_core::wire::{oauth, path};
use hallpass_core::{Scope, Timestamp, scope};
use url::Url;

use crate::Error;
use crate::http::{Http, HttpError, Reply, is_safe};
use crate::login::Flow;

/// What is asked for when the server suggests nothing.
const DEFAULT_SCOPES: [&str; 6] = [
    scope::OPENID,
    scope::PROFILE,
    scope::EMAIL,
    scope::OFFLINE_ACCESS,
    scope::ACCOUNT,
    scope::TOKENS,
];

/// Why a server's description of itself cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// It could not be asked.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no such description (RFC 8414, OIDC Discovery).
    #[error("{issuer} is not an authorization server: {why}")]
    NotFound {
        /// Who was asked.
        issuer: String,
        /// What came instead.
        why: String,
    },
    /// The document describes somebody else (RFC 8414 §3.3, PROTOCOL F03, F08).
    #[error("{asked} describes itself as {found}; this could be an attack, so nothing was sent")]
    IssuerMismatch {
        /// Who was asked.
        asked: String,
        /// Who it says it is.
        found: String,
    },
    /// An address in it cannot be used.
    #[error("{issuer} names an unusable {what}: {why}")]
    BadEndpoint {
        /// Whose document it is.
        issuer: String,
        /// Which member.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A server sends us to an issuer elsewhere without saying what the tokens are for,
    /// so whatever that issuer gives us could be meant for somebody else.
    #[error(
        "{server} sends sign-ins to {issuer}, but names no resource of its own for the token; nothing was sent"
    )]
    ForeignIssuer {
        /// The server.
        server: String,
        /// The issuer that it names.
        issuer: String,
    },
}

/// Where and how a server is signed in to.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// The server: scheme, host and port.
    pub server: String,
    /// Who issues its tokens.
    pub issuer: String,
    /// The client to sign in as.
    pub client_id: String,
    /// What to ask for.
    pub scope: Scope,
    /// RFC 8707: what the token is for, if that has to be said.
    pub resource: Option<String>,
    /// The issuer's metadata, checked.
    pub metadata: ServerMetadata,
    /// The flows that it offers.
    pub offer: Offer,
    /// The issuer's clock.
    pub date: Option<Timestamp>,
    /// Nothing but the standards is known about the issuer: it said no more about itself
    /// than its metadata.
    pub standard: bool,
}

/// What somebody said about where to sign in, instead of the server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    /// The issuer, letter by letter; then the server is not asked.
    pub issuer: Option<&'a str>,
    /// The client.
    pub client_id: Option<&'a str>,
    /// The server may name whatever issuer it wants.
    pub foreign: bool,
}

impl Discovered {
    /// Whether the sign-in is at a provider that is not the server itself.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.issuer != self.server
    }

    /// What to ask the issuer's pages for, so that `scope` is granted: OIDC Core §11 has
    /// `offline_access` ignored unless the person is asked for consent.
    pub(crate) fn prompt(&self, scope: &Scope) -> Option<&'static str> {
        const CONSENT: &str = "consent";
        let offline = scope.iter().any(|scope| scope == scope::OFFLINE_ACCESS);
        let values = &self.metadata.prompt_values_supported;
        let known = values.is_empty() || values.iter().any(|value| value == CONSENT);
        (self.standard && offline && known).then_some(CONSENT)
    }
}

/// What a server offers for signing in, and why not the rest (CLIENT A10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The grant types that its metadata names.
    pub grant_types: Vec<String>,
    /// Why the browser flow cannot be used, if so.
    pub no_browser: Option<String>,
    /// Why the device flow cannot be used, if so.
    pub no_device: Option<String>,
}

impl Offer {
    /// Why `flow` cannot be used; `None` if it can.
    pub fn refusal(&self, flow: Flow) -> Option<String> {
        match flow {
            Flow::Browser => self.no_browser.clone(),
            Flow::Device => self.no_device.clone(),
        }
    }

    fn read(metadata: &ServerMetadata) -> Self {
        // What a document leaves out is not held against it: RFC 8414 §2 gives defaults
        // that real servers do not mean.
        let lacks = |list: &[String], wanted: &str| {
            !list.is_empty() && !list.iter().any(|item| item == wanted)
        };
        let grants = &metadata.grant_types_supported;
        let because = |reasons: &[(bool, &str)]| {
            reasons.iter().find(|(holds, _)| *holds).map(|(_, why)| (*why).to_owned())
        };
        // RFC 9700 §2.1.1, PROTOCOL J06: a server that does not say so may ignore the challenge.
        let s256 = metadata.code_challenge_methods_supported.iter().any(|method| method == "S256");
        Self {
            grant_types: grants.iter().map(|grant| presentable(grant, 80)).collect(),
            no_browser: because(&[
                (
                    metadata.authorization_endpoint.is_none(),
                    "the server names no authorization endpoint",
                ),
                (
                    lacks(grants, oauth::AUTHORIZATION_CODE),
                    "the server does not offer authorization codes",
                ),
                (
                    lacks(&metadata.response_types_supported, "code"),
                    "the server does not offer authorization codes",
                ),
                (!s256, "the server does not say that it supports PKCE with S256"),
            ]),
            no_device: because(&[
                (
                    metadata.device_authorization_endpoint.is_none(),
                    "the server names no device authorization endpoint",
                ),
                (lacks(grants, oauth::DEVICE_CODE), "the server does not offer device codes"),
            ]),
        }
    }
}

/// Reads a server's address as a person gives it; a bare host means https, or http
/// for localhost.
pub(crate) fn parse_server(text: &str) -> Result<PublicUrl, Error> {
    let text = text.trim();
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        let https = format!("https://{text}");
        let url = Url::parse(&https).ok();
        // A single word is more likely a mistake than a host; who means one says so.
        if url.as_ref().is_some_and(is_a_word) {
            let (text, whole) = (presentable(text, 200), presentable(&https, 200));
            let why = format!("it is a single word; if that is a host, write {whole}");
            return Err(Error::bad_server(text, why));
        }
        let local = url.is_some_and(|url| hallpass_core::public_url::is_loopback(&url));
        if local { format!("http://{text}") } else { https }
    };
    PublicUrl::parse(&full)
        .map_err(|why| Error::bad_server(presentable(text, 200), why.to_string()))
}

/// A name without a dot and without a port, and not this machine.
fn is_a_word(url: &Url) -> bool {
    let word = url.domain().is_some_and(|name| !name.contains('.'));
    word && url.port().is_none() && !hallpass_core::public_url::is_loopback(url)
}

/// Asks `server`, then the issuer that it names. `client_id` is used if nobody names one.
pub(crate) fn discover(
    http: &Http,
    server: &PublicUrl,
    client_id: &str,
    said: Said<'_>,
) -> Result<Discovered, Error> {
    // Whoever names the issuer has decided for whom the token is.
    let config = match said.issuer {
        Some(_) => None,
        None => auth_config(http, server)?,
    };
    if config.as_ref().is_some_and(|config| config.mode == AuthMode::Local) {
        return Err(Error::LocalMode { server: server.to_string() });
    }
    let issuer = said
        .issuer
        .map(str::to_owned)
        .or_else(|| config.as_ref().and_then(|config| config.issuer.clone()))
        .unwrap_or_else(|| server.issuer().to_owned());
    let resource = config
        .as_ref()
        .and_then(|config| config.audience.clone())
        .filter(|audience| is_resource(audience) && !(said.foreign && issuer != server.issuer()));
    if said.issuer.is_none() && !said.foreign {
        check_foreign(server, &issuer, resource.as_deref())?;
    }
    let (metadata, date) = issuer_metadata(http, &issuer)?;
    let suggested: Vec<String> = config.as_ref().map(|c| c.scopes.clone()).unwrap_or_default();
    let scope = suggested
        .join(" ")
        .parse::<Scope>()
        .ok()
        .filter(|scope| !scope.is_empty())
        .unwrap_or_else(|| default_scope(&metadata));
    Ok(Discovered {
        server: server.issuer().to_owned(),
        standard: config.is_none() || said.foreign && issuer != server.issuer(),
        client_id: said
            .client_id
            .map(str::to_owned)
            .or_else(|| config.and_then(|c| c.client_id))
            .unwrap_or_else(|| client_id.to_owned()),
        scope,
        resource,
        offer: Offer::read(&metadata),
        issuer,
        metadata,
        date,
    })
}

/// What is asked for when the server suggests nothing: not what it says it does not know.
fn default_scope(metadata: &ServerMetadata) -> Scope {
    let known = &metadata.scopes_supported;
    let asked = |scope: &&str| known.is_empty() || known.iter().any(|other| other == scope);
    DEFAULT_SCOPES.into_iter().filter(asked).collect()
}

/// `GET /auth/config`; `None` if the server has none.
pub(crate) fn auth_config(
    http: &Http,
    server: &PublicUrl,
) -> Result<Option<AuthConfig>, DiscoveryError> {
    let reply = http.get(&server.join(path::AUTH_CONFIG), None)?;
    match reply.status {
        200 if reply.is_json() => Ok(Some(reply.json()?)),
        // A site that answers every path with its front page has no configuration either, and
        // neither has a provider for which the path means something else.
        200 | 400..500 if !reply.is_temporary() => Ok(None),
        _ => Err(reply.unexpected().into()),
    }
}

/// RFC 8707 §2: an absolute URI without a fragment. Other audiences cannot be asked for.
fn is_resource(audience: &str) -> bool {
    Url::parse(audience).is_ok_and(|url| url.has_host() && url.fragment().is_none())
}

/// PROTOCOL J07, CLIENT H7: a server may not collect tokens that are for another one.
fn check_foreign(
    server: &PublicUrl,
    issuer: &str,
    resource: Option<&str>,
) -> Result<(), DiscoveryError> {
    let at_server = |address: &str| {
        Url::parse(address).is_ok_and(|url| url.origin().ascii_serialization() == server.origin())
    };
    if at_server(issuer) || resource.is_some_and(at_server) {
        return Ok(());
    }
    Err(DiscoveryError::ForeignIssuer {
        server: server.to_string(),
        issuer: presentable(issuer, 200),
    })
}

/// The three well-known places of an issuer's metadata, in the order to try
/// (RFC 8414 §3.1 and §5, OIDC Discovery §4.1).
fn well_known(issuer: &Url) -> Vec<String> {
    let origin = issuer.origin().ascii_serialization();
    let path = issuer.path().trim_end_matches('/');
    let mut places = vec![
        format!("{origin}{}{path}", path::OAUTH_AUTHORIZATION_SERVER),
        format!("{origin}{}{path}", path::OPENID_CONFIGURATION),
        format!("{origin}{path}{}", path::OPENID_CONFIGURATION),
    ];
    places.dedup();
    places
}

fn issuer_metadata(
    http: &Http,
    issuer: &str,
) -> Result<(ServerMetadata, Option<Timestamp>), DiscoveryError> {
    let not_found =
        |why: String| DiscoveryError::NotFound { issuer: presentable(issuer, 200), why };
    let url = Url::parse(issuer).map_err(|_| not_found("its issuer is not an address".into()))?;
    // RFC 8414 §2, PROTOCOL F01.
    let plain = issuer.bytes().all(|b| b.is_ascii_graphic())
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain {
        return Err(not_found(
            "its issuer has a query, a fragment, a user name or an odd character".into(),
        ));
    }
    if !is_safe(&url) {
        return Err(HttpError::Insecure { url: presentable(issuer, 200) }.into());
    }
    let mut last = String::new();
    for place in well_known(&url) {
        let reply = http.get(&place, None)?;
        match reply.status {
            200 if reply.is_json() => {
                let metadata: ServerMetadata = reply.json()?;
                check(&metadata, issuer)?;
                return Ok((metadata, reply.date));
            }
            200 => last = what_came(&reply),
            400..500 if reply.status != 408 && reply.status != 429 => {
                if last.is_empty() {
                    last = format!("it has no metadata ({} at {place})", reply.status);
                }
            }
            _ => return Err(reply.unexpected().into()),
        }
    }
    Err(not_found(last))
}

fn what_came(reply: &Reply) -> String {
    let content_type = reply.content_type.as_deref().unwrap_or_default();
    if content_type.starts_with("text/html") {
        "a web page came instead of metadata; is the address right?".to_owned()
    } else {
        format!("{:?} came instead of JSON", presentable(content_type, 60))
    }
}

/// RFC 8414 §3.3, then every address that we are going to use.
fn check(metadata: &ServerMetadata, issuer: &str) -> Result<(), DiscoveryError> {
    // No normalisation: a trailing slash is another issuer (PROTOCOL A16, F08, J04).
    if metadata.issuer != issuer {
        return Err(DiscoveryError::IssuerMismatch {
            asked: presentable(issuer, 200),
            found: presentable(&metadata.issuer, 200),
        });
    }
    let bad = |what: &'static str, why: &str| DiscoveryError::BadEndpoint {
        issuer: presentable(issuer, 200),
        what,
        why: why.to_owned(),
    };
    if metadata.token_endpoint.is_none() {
        return Err(bad("token_endpoint", "it is missing"));
    }
    let secure = issuer.starts_with("https:");
    for (what, endpoint) in [
        ("authorization_endpoint", &metadata.authorization_endpoint),
        ("token_endpoint", &metadata.token_endpoint),
        ("device_authorization_endpoint", &metadata.device_authorization_endpoint),
        ("revocation_endpoint", &metadata.revocation_endpoint),
        ("userinfo_endpoint", &metadata.userinfo_endpoint),
        ("end_session_endpoint", &metadata.end_session_endpoint),
    ] {
        let Some(endpoint) = endpoint else { continue };
        let url = Url::parse(endpoint).map_err(|_| bad(what, "it is not an address"))?;
        // A secure issuer has no business on plain http, not even on loopback.
        if !is_safe(&url) || secure && url.scheme() != "https" {
            return Err(bad(what, "it is not https"));
        }
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(bad(what, "it has a fragment or a user name"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
