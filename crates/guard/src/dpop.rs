//! Tokens that are bound to a key (RFC 9449 §7): good together with a proof of that key, and
//! for nobody otherwise.
//!
//! The proof is read first, which costs no look-up; then the token is asked about; and only
//! a proof that belongs to a good token is spent.

use std::future::Future;

use hallpass_core::dpop::{BadProof, HEADER, NONCE_HEADER, Proven};
use hallpass_verdict::Decision;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::bearer::Presented;
use crate::{Refusal, Unverified, Verifier, Where};

/// What a proof that came with a request has to be about.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'r> {
    /// The value of the one `DPoP` header.
    pub proof: &'r str,
    /// The method of the request.
    pub method: &'r str,
    /// Its path, as it was sent.
    pub path: &'r str,
    /// The token that came with it.
    pub access_token: &'r str,
}

/// Who reads proofs at an API, and sees to it that each is taken once.
pub trait Prover: Send + Sync {
    /// Reads and checks a proof (§4.3).
    fn read(&self, claim: &Claim<'_>) -> Result<Proven, BadProof>;

    /// Takes it, this once. `false`: it was taken before.
    fn spend(&self, proven: &Proven) -> impl Future<Output = Result<bool, Unverified>> + Send;

    /// A nonce for the next proof (§9).
    fn nonce(&self) -> String;
}

/// Where no proof can be read, nothing that is bound is good.
#[derive(Clone, Copy, Debug)]
pub enum Nobody {}

impl Prover for Nobody {
    fn read(&self, _: &Claim<'_>) -> Result<Proven, BadProof> {
        match *self {}
    }

    async fn spend(&self, _: &Proven) -> Result<bool, Unverified> {
        match *self {}
    }

    fn nonce(&self) -> String {
        match *self {}
    }
}

/// What of a request a proof is about.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    proof: Result<String, BadProof>,
}

impl Request {
    /// Of a request to `path`.
    pub fn new(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        Self { method: method.clone(), path: path.to_owned(), proof: one_proof(headers) }
    }

    /// Of the head of a request. A router that takes off what it is mounted at has left the
    /// whole path beside it.
    pub(crate) fn of(parts: &Parts) -> Self {
        #[cfg(feature = "axum")]
        if let Some(original) = parts.extensions.get::<::axum::extract::OriginalUri>() {
            return Self::new(&parts.method, original.path(), &parts.headers);
        }
        Self::new(&parts.method, parts.uri.path(), &parts.headers)
    }
}

/// §4.3 1: exactly one.
fn one_proof(headers: &HeaderMap) -> Result<String, BadProof> {
    let mut sent = headers.get_all(HEADER).iter();
    match (sent.next(), sent.next()) {
        (None, _) => Err(BadProof::Missing),
        (Some(one), None) => one.to_str().map(str::to_owned).map_err(|_| BadProof::NotOne),
        (Some(_), Some(_)) => Err(BadProof::NotOne),
    }
}

/// A decision, and a nonce that is to go with the answer.
pub type Admitted = (Decision, Option<HeaderValue>);

/// A refusal, and a nonce that is to go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// For the next proof.
    pub nonce: Option<HeaderValue>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, nonce: None }
    }
}

impl From<Unverified> for Refused {
    fn from(unverified: Unverified) -> Self {
        Refusal::from(unverified).into()
    }
}

/// The header that a nonce goes in (§8.1).
pub const NONCE: HeaderName = HeaderName::from_static(NONCE_HEADER);

/// Asks `verifier` about what was presented with `request`, and whether the key that it is
/// bound to was proved. `request` is looked at only if it is bound.
pub async fn admit<V: Verifier>(
    verifier: &V,
    presented: &Presented,
    request: impl FnOnce() -> Request,
    place: Option<&Where>,
) -> Result<Admitted, Refused> {
    match presented {
        Presented::Bearer(token) => {
            let decision = verify(verifier, token.expose(), place).await?;
            // §7.2: a bound token that comes as a bearer token was taken from somebody.
            if decision.jkt.is_some() {
                return Err(Refusal::KeyMissing.into());
            }
            Ok((decision, None))
        }
        Presented::Bound(token) => {
            let Some(prover) = verifier.prover() else { return Err(Refusal::NoCredential.into()) };
            let request = request();
            bound(verifier, prover, token.expose(), &request, place).await
        }
    }
}

async fn bound<V: Verifier>(
    verifier: &V,
    prover: &V::Prover,
    token: &str,
    request: &Request,
    place: Option<&Where>,
) -> Result<Admitted, Refused> {
    let refuse = |why| refused(prover, why);
    let proof = request.proof.as_ref().map_err(|why| refuse(*why))?;
    let (method, path) = (request.method.as_str(), request.path.as_str());
    let claim = Claim { proof, method, path, access_token: token };
    let proven = prover.read(&claim).map_err(refuse)?;
    let decision = verify(verifier, token, place).await?;
    match decision.jkt {
        Some(jkt) if jkt == proven.jkt => {}
        Some(_) => return Err(refuse(BadProof::OtherKey)),
        // §7.1: a token that is bound to nothing is no DPoP token.
        None => return Err(Refusal::NotGood.into()),
    }
    if !prover.spend(&proven).await? {
        return Err(refuse(BadProof::Replay));
    }
    let renewed = proven.renew.then(|| nonce(prover)).flatten();
    Ok((decision, renewed))
}

async fn verify<V: Verifier>(
    verifier: &V,
    token: &str,
    place: Option<&Where>,
) -> Result<Decision, Unverified> {
    match place {
        Some(place) => verifier.verify_at(token, place).await,
        None => verifier.verify(token).await,
    }
}

fn refused(prover: &impl Prover, why: BadProof) -> Refused {
    let refusal = match why {
        BadProof::Nonce => Refusal::NonceMissing,
        _ => Refusal::BadProof,
    };
    Refused { refusal, nonce: nonce(prover) }
}

fn nonce(prover: &impl Prover) -> Option<HeaderValue> {
    HeaderValue::from_str(&prover.nonce()).ok()
}
