//! A [`Verifier`] that asks a hallpass server elsewhere, and remembers what it may.
//!
//! ```text
//! token → shape → remembered, and the lease is live? → yes
//!                 ↓ no
//!                 JWT: signature, issuer, audience, time (offline) → no
//!                 ↓
//!                 introspection (RFC 7662), the live state → yes, remembered; or no
//!                 ↓ nobody answers
//!                 503
//! ```
//!
//! **A revoked token is refused as soon as the revocation was answered.** The server tells
//! every guard what was revoked, over a feed, and waits until it knows, or until its lease has
//! run out; a guard admits from memory only while its lease is live ([`hallpass_verdict::lease`]).
//! A guard that is cut off asks about every token, and refuses with 503 when it cannot.
//!
//! [`Connect::offline_jwt`] is another promise, to be chosen knowingly: nobody is asked about
//! JWTs, and a revoked one is admitted until it expires.
//!
//! | module | what |
//! |---|---|
//! | `server` | requests to the server |
//! | `feed` | the task that holds the lease |
//! | [`action`] | one exact action that a person approved, done once |
//! | `answer` | an introspection answer as a decision |
//! | `proofs` | proofs of possession: tokens that are bound to a key |
//! | `jwt`, `keys` | what a JWT says of itself, and the keys for it |
//! | [`outside`] | ID tokens of outside issuers that are trusted by name |
//! | `system` | clocks and chance |

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hallpass_core::public_url::BadPublicUrl;
use hallpass_core::{Clock as _, PublicUrl, Secret, Timestamp};
use hallpass_verdict::cache::{Key, Remembered, Verdicts};
use hallpass_verdict::lease::{BootClock as _, Lease};
use hallpass_verdict::{CredentialKind, Decision};
use tokio::task::AbortHandle;

use self::keys::{Found, Keys};
use self::outside::Outside;
use self::proofs::Proofs;
use self::server::Server;
use self::system::{UptimeClock, WallClock};
use crate::shape::is_access_token;
use crate::{Guard, Resource, Shapes, Unverified, Verifier, Where};
use jsonwebtoken::DecodingKey;

pub mod action;
mod answer;
mod feed;
#[cfg(test)]
mod forge;
mod jwt;
mod keys;
pub mod outside;
pub mod proofs;
mod server;
mod system;

pub use action::Approved;
pub use outside::OutsideIssuer;

/// Decisions that are remembered, unless told otherwise.
const MANY: usize = 100_000;
/// A decision is asked for anew after this. Revocations do not wait for it; a new name or a
/// wider role does, and the token's time of last use is right to within it.
const AT_MOST: Duration = Duration::from_secs(30);

/// Why a guard cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BadSetup {
    /// The issuer is no address of a hallpass server.
    #[error("{what}: {cause}")]
    Address {
        /// Which address.
        what: &'static str,
        /// What is wrong with it.
        cause: BadPublicUrl,
    },
    /// An outside issuer cannot be trusted.
    #[error("the outside issuer {issuer:?}: {cause}")]
    Outside {
        /// Which issuer.
        issuer: String,
        /// What is wrong with it.
        cause: outside::BadIssuer,
    },
    /// The guard's feed is a tokio task.
    #[error("call `start` inside of a tokio runtime, for example below #[tokio::main]")]
    NoRuntime,
    /// TLS could not be set up.
    #[error("no HTTP client can be made: {0}")]
    Http(String),
}

/// How to reach the server, and what to ask it. Made by [`Remote::connect`].
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `start`"]
pub struct Connect {
    issuer: String,
    address: Option<String>,
    client_id: String,
    client_secret: Secret,
    resource: Option<String>,
    public_url: Option<String>,
    shapes: Shapes,
    remember: usize,
    at_most: Duration,
    offline_jwt: bool,
    outside: Vec<OutsideIssuer>,
}

/// Asks a hallpass server. A cheap clone; the lease is held until the last one is dropped.
#[derive(Clone)]
pub struct Remote(Arc<Owner>);

/// Ends the feed when nobody needs it any more.
struct Owner {
    shared: Arc<Shared>,
    feed: AbortHandle,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.feed.abort();
    }
}

struct Shared {
    issuer: PublicUrl,
    resource: Resource,
    shapes: Shapes,
    proofs: Option<Proofs>,
    at_most: Duration,
    offline_jwt: bool,
    server: Arc<Server>,
    keys: Keys<DecodingKey>,
    outside: Outside,
    verdicts: Verdicts,
    lease: Lease,
    boot: UptimeClock,
    clock: WallClock,
    asked: AtomicU64,
    remembered: AtomicU64,
}

/// How a guard is doing, for its own health page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it may admit from memory now.
    pub lease: bool,
    /// How many decisions it remembers.
    pub decisions: usize,
    /// How often it has asked the server about a token.
    pub asked: u64,
    /// How often it did not need to.
    pub from_memory: u64,
}

impl Remote {
    /// A guard for the API that is registered at `issuer` as the confidential client
    /// `client_id` (`hallpass admin client create --confidential`).
    pub fn connect(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Connect {
        Connect {
            issuer: issuer.into(),
            address: None,
            client_id: client_id.into(),
            client_secret: Secret::new(client_secret),
            resource: None,
            public_url: None,
            shapes: Shapes::standard(),
            remember: MANY,
            at_most: AT_MOST,
            offline_jwt: false,
            outside: Vec::new(),
        }
    }

    /// The API, as it describes itself.
    pub fn resource(&self) -> &Resource {
        &self.0.shared.resource
    }

    /// The layer around the API.
    pub fn guard(&self) -> Guard<Self> {
        Guard::new(self.clone(), self.resource().metadata_url())
    }

    fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        let shared = &self.0.shared;
        Status {
            lease: shared.lease.is_live(shared.boot.now()),
            decisions: shared.verdicts.len(),
            asked: shared.asked.load(Ordering::Relaxed),
            from_memory: shared.remembered.load(Ordering::Relaxed),
        }
    }
}

impl Connect {
    /// What tokens must be made out for; by default the issuer's own API, `<issuer>/api`.
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.resource = Some(uri.into());
        self
    }

    /// Where the API is, as its callers see it: scheme, host and port. Tokens that are bound to
    /// a key (RFC 9449) are good only with a proof that names this address, so without it they
    /// are refused. By default the origin of [`Connect::resource`], if one is named.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Also asks about tokens that begin with a brand's own prefix.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.shapes = self.shapes.prefix(prefix);
        self
    }

    /// Also asks about tokens of an older system, which begin with `prefix`.
    pub fn legacy_prefix(mut self, prefix: &str) -> Self {
        self.shapes = self.shapes.legacy_prefix(prefix);
        self
    }

    /// Reaches the server at another address than its public one, for example inside of a
    /// cluster. Tokens still name the issuer.
    pub fn reach_at(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Remembers this many decisions.
    pub fn remember(mut self, decisions: usize) -> Self {
        self.remember = decisions;
        self
    }

    /// Asks anew after this time, though nothing was revoked; 30 seconds by default.
    pub fn ask_again_after(mut self, time: Duration) -> Self {
        self.at_most = time;
        self
    }

    /// Asks nobody about JWTs: signature, issuer, audience and time are all that is checked.
    ///
    /// **A revoked JWT is admitted until it expires**, five minutes by default, and so is that
    /// of somebody whose account was disabled. Decisions hold no name, e-mail address or role,
    /// and nobody may do anything at a place. Opaque tokens are asked about as ever.
    pub fn offline_jwt(mut self) -> Self {
        self.offline_jwt = true;
        self
    }

    /// Also admits who presents an ID token of `issuer`, an OpenID provider that is not this
    /// hallpass. May be called more than once.
    ///
    /// Such a caller is [`Who::Outside`](hallpass_verdict::Who::Outside): issuer and subject, and
    /// no principal of ours. They have no role, so [`Require`](crate::axum::Require) refuses them,
    /// and no scope unless [`OutsideIssuer::scope`] gives them one. **Nobody here can revoke an ID
    /// token**, and nobody is asked about it: it is good until it expires.
    pub fn trust(mut self, issuer: OutsideIssuer) -> Self {
        self.outside.push(issuer);
        self
    }

    /// Begins. The server need not be up: until it is, requests are answered 503.
    pub fn start(self) -> Result<Remote, BadSetup> {
        let parse = |what, text: &str| {
            PublicUrl::parse(text).map_err(|cause| BadSetup::Address { what, cause })
        };
        let issuer = parse("the issuer", &self.issuer)?;
        let address = parse("the server's address", self.address.as_ref().unwrap_or(&self.issuer))?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BadSetup::NoRuntime)?;
        let server = Server::new(address, &self.client_id, &self.client_secret)
            .map_err(|error| BadSetup::Http(error.to_string()))?;
        let proofs = self.address_of_api()?;
        let proofs = proofs.map(|address| Proofs::new(address, &self.client_secret));
        let outside = Outside::new(self.outside, &issuer)?;
        let shapes = if outside.is_empty() { self.shapes } else { self.shapes.id_tokens() };
        let resource = self.resource.unwrap_or_else(|| issuer.default_resource().to_owned());
        let shared = Arc::new(Shared {
            resource: Resource::new(resource, issuer.issuer()),
            issuer,
            shapes,
            proofs,
            at_most: self.at_most,
            offline_jwt: self.offline_jwt,
            server: Arc::new(server),
            keys: Keys::default(),
            outside,
            verdicts: Verdicts::new(self.remember),
            lease: Lease::none(),
            boot: UptimeClock,
            clock: WallClock,
            asked: AtomicU64::new(0),
            remembered: AtomicU64::new(0),
        });
        let feed = runtime.spawn(feed::hold(shared.clone())).abort_handle();
        Ok(Remote(Arc::new(Owner { shared, feed })))
    }
}

impl Connect {
    /// Where the API is. The origin of its resource is taken if it can be one.
    fn address_of_api(&self) -> Result<Option<PublicUrl>, BadSetup> {
        if let Some(url) = &self.public_url {
            let what = "the API's public URL";
            let address =
                PublicUrl::parse(url).map_err(|cause| BadSetup::Address { what, cause })?;
            return Ok(Some(address));
        }
        let resource = self.resource.as_ref().and_then(|uri| url::Url::parse(uri).ok());
        let origin = resource.map(|uri| uri.origin().ascii_serialization());
        Ok(origin.and_then(|origin| PublicUrl::parse(&origin).ok()))
    }
}

impl Verifier for Remote {
    type Prover = Proofs;

    fn prover(&self) -> Option<&Proofs> {
        self.0.shared.proofs.as_ref()
    }

    async fn verify(&self, token: &str) -> Result<Decision, Unverified> {
        self.0.shared.check(token, None).await
    }

    async fn verify_at(&self, token: &str, place: &Where) -> Result<Decision, Unverified> {
        self.0.shared.check(token, Some(place)).await
    }

    fn now(&self) -> Option<Timestamp> {
        Some(self.0.shared.clock.now())
    }

    fn shapes(&self) -> &Shapes {
        &self.0.shared.shapes
    }
}

impl Shared {
    async fn check(&self, token: &str, place: Option<&Where>) -> Result<Decision, Unverified> {
        if !self.shapes.fits(token) {
            return Err(Unverified::NotGood);
        }
        let jwt = !self.shapes.is_opaque(token);
        if jwt && !self.outside.is_empty() && !is_access_token(token) {
            return self.outside.check(token, self.clock.now(), self.boot.now()).await;
        }
        let key = Key::of(token, place.map(question).as_deref());
        if let Some(decision) = self.remembered(&key) {
            return Ok(decision);
        }
        if jwt {
            let kid = jwt::key_id(token).ok_or(Unverified::NotGood)?;
            let decision = self.read_jwt(token, &kid).await?;
            if let Some(decision) = decision.filter(|_| self.offline_jwt) {
                return Ok(decision);
            }
        }
        self.ask(token, place, key).await
    }

    /// What is remembered, if it counts. The verdict is read first and the clock last: a
    /// revocation that was answered before this began has either been applied, or the lease
    /// that it waited for is over.
    fn remembered(&self, key: &Key) -> Option<Decision> {
        let decision = self.verdicts.get(key, self.clock.now())?;
        if !self.lease.is_live(self.boot.now()) {
            return None;
        }
        self.remembered.fetch_add(1, Ordering::Relaxed);
        Some(Decision::clone(&decision))
    }

    /// What a JWT says of itself, if its key is known. `None`: only the server can tell.
    async fn read_jwt(&self, token: &str, kid: &str) -> Result<Option<Decision>, Unverified> {
        let fetch = || {
            let server = self.server.clone();
            async move { server.keys().await.map(|set| keys::usable(&set)) }
        };
        let key = match self.keys.find(kid, self.boot.now(), fetch).await {
            Found::Key(key) => key,
            Found::Nowhere => return Err(Unverified::NotGood),
            Found::Unknown if self.offline_jwt => return Err(Unverified::Unavailable),
            Found::Unknown => return Ok(None),
        };
        let (issuer, resource) = (self.issuer.issuer(), self.resource.uri());
        jwt::read(token, &key, issuer, resource, self.clock.now())
            .map(Some)
            .map_err(|_| Unverified::NotGood)
    }

    /// Asks the server.
    async fn ask(
        &self,
        token: &str,
        place: Option<&Where>,
        key: Key,
    ) -> Result<Decision, Unverified> {
        let begun = self.verdicts.begin();
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.server.introspect(token, place).await.map_err(|error| {
            tracing::warn!(%error, "a token could not be checked");
            Unverified::Unavailable
        })?;
        let decision = answer::decision(answer, self.issuer.issuer(), self.resource.uri());
        let decision = decision.map_err(|error| {
            tracing::error!(%error, "a token could not be checked");
            Unverified::Unavailable
        })?;
        let Some(decision) = decision else { return Err(Unverified::NotGood) };
        let now = self.clock.now();
        if decision.expires_at.is_some_and(|end| now >= end) {
            return Err(Unverified::NotGood);
        }
        // Who has no role there may be given one any time, and that is no revocation.
        // And what is bound to a place ends with it: only an answer about that place names it.
        let bound = matches!(
            decision.kind,
            CredentialKind::ProjectKey
                | CredentialKind::OrgKey
                | CredentialKind::LegacyToken
                | CredentialKind::JobToken
        );
        let whole = decision.place.is_some() || (place.is_none() && !bound);
        if let (Some(begun), true) = (begun, whole) {
            let later = now + self.at_most;
            let remembered = Remembered {
                depends_on: answer::depends_on(&decision),
                until: decision.expires_at.map_or(later, |end| end.min(later)),
                decision: Arc::new(decision.clone()),
            };
            self.verdicts.fill(begun, key, remembered);
        }
        Ok(decision)
    }
}

/// What was asked, as text: two questions have the same only if they are the same.
fn question(place: &Where) -> String {
    match place {
        Where::Org(org) => format!("org\n{org}"),
        Where::Project { org, project } => format!("project\n{org}\n{project}"),
    }
}
