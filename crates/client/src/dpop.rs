//! Proofs of possession (RFC 9449): what is kept here is worth nothing without its key.
//!
//! At sign-in a key is made, and what the server issues is bound to it. The key is kept apart
//! from the tokens ([`crate::vault::Vault::binding_key`]). Every request that uses a bound
//! token carries a proof, signed anew. Nonces are the server's: they are taken from its
//! answers, by origin, and a request that lacked one is sent once more with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::dpop::{self, Claims, PublicKey, Thumbprint};
use hallpass_core::wire::metadata::ServerMetadata;
use hallpass_core::wire::oauth::{ErrorCode, ErrorResponse, TOKEN_EXCHANGE};
use hallpass_core::{Random, chance};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use url::Url;

use crate::client::Parts;
use crate::http::{Http, HttpError, Reply};
use crate::time::Time;
use crate::vault::{BindingKey, Credential, VaultError};

/// A key that tokens are bound to.
pub(crate) struct BoundKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    private: BindingKey,
    /// For signatures; the library takes no other.
    random: SystemRandom,
}

impl fmt::Debug for BoundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundKey({})", self.thumbprint())
    }
}

impl BoundKey {
    /// A new one; `None` if the system has no randomness.
    pub(crate) fn make() -> Option<Self> {
        let random = SystemRandom::new();
        let private =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
        Self::read(BindingKey::new(private.as_ref().to_vec()))
    }

    /// One that was kept; `None` if it is none.
    pub(crate) fn read(private: BindingKey) -> Option<Self> {
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.expose(), &random);
        let pair = pair.ok()?;
        let public = PublicKey::from_point(pair.public_key().as_ref())?;
        Some(Self { pair, public, private, random })
    }

    /// The key of a credential, if it is bound to one and that is here.
    pub(crate) fn of(parts: &Parts, credential: &Credential) -> Result<Option<Self>, VaultError> {
        if credential.binding.is_none() {
            return Ok(None);
        }
        Ok(Self::that_binds(credential, parts.vault.binding_key(&credential.key)?))
    }

    /// The kept key, if it is the one that a credential is bound to.
    pub(crate) fn that_binds(credential: &Credential, kept: Option<BindingKey>) -> Option<Self> {
        let binding = credential.binding.as_ref()?;
        kept.and_then(Self::read).filter(|key| key.thumbprint().to_string() == binding.jkt)
    }

    /// What the server knows it by.
    pub(crate) fn thumbprint(&self) -> Thumbprint {
        self.public.thumbprint()
    }

    /// To be kept.
    pub(crate) fn private(&self) -> &BindingKey {
        &self.private
    }

    fn sign(&self, text: &[u8]) -> Option<[u8; 64]> {
        self.pair.sign(&self.random, text).ok()?.as_ref().try_into().ok()
    }
}

/// Whether sign-ins at a server are bound: it takes our algorithm, and hands out smaller
/// bearer tokens for programs that cannot prove anything.
pub(crate) fn is_spoken(metadata: &ServerMetadata) -> bool {
    let algs = &metadata.dpop_signing_alg_values_supported;
    let grants = &metadata.grant_types_supported;
    algs.iter().any(|alg| alg == dpop::ALG) && grants.iter().any(|kind| kind == TOKEN_EXCHANGE)
}

/// A key, and what it takes to write proofs with it.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub key: &'a BoundKey,
    pub time: &'a dyn Time,
    pub random: &'a dyn Random,
}

impl<'a> Signer<'a> {
    pub(crate) fn new(key: &'a BoundKey, parts: &'a Parts) -> Self {
        Self { key, time: &*parts.time, random: &*parts.random }
    }

    fn proof(
        &self,
        known: &Known,
        method: &str,
        url: &Url,
        access_token: Option<&str>,
    ) -> Result<String, HttpError> {
        let jti = URL_SAFE_NO_PAD.encode(chance::bytes::<16>(self.random));
        let claims = Claims {
            method,
            url,
            // The server's clock counts, and ours may be wrong (CLIENT J3).
            at: known.at_server(self.time.now()),
            jti: &jti,
            nonce: known.nonce.as_deref(),
            access_token,
        };
        dpop::write(&self.key.public, &claims, |text| self.key.sign(text)).ok_or_else(|| {
            let why = "a proof for it could not be signed".to_owned();
            HttpError::Malformed { host: url.host_str().unwrap_or_default().to_owned(), why }
        })
    }
}

/// What servers have told about proofs, by origin.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<HashMap<String, Known>>);

impl Told {
    fn by(&self, origin: &str) -> Known {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(origin).cloned().unwrap_or_default()
    }

    fn keep(&self, origin: &str, known: &Known) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(origin.to_owned(), known.clone());
    }
}

/// What one server has told.
#[derive(Clone, Debug, Default)]
struct Known {
    nonce: Option<String>,
    /// By how many milliseconds its clock is ahead of ours, if that is worth minding.
    ahead: i64,
}

/// Clocks that are less apart than this agree: `Date` has whole seconds, and takes its way.
const AGREE: i64 = 10_000;

impl Known {
    fn at_server(&self, now: hallpass_core::Timestamp) -> hallpass_core::Timestamp {
        hallpass_core::Timestamp::from_millis(now.millis().saturating_add(self.ahead))
    }

    /// Takes in what an answer tells.
    fn learn(&mut self, reply: &Reply, now: hallpass_core::Timestamp) {
        if let Some(nonce) = &reply.dpop_nonce {
            self.nonce = Some(nonce.clone());
        }
        if let Some(date) = reply.date {
            let ahead = date.millis().saturating_sub(now.millis());
            self.ahead = if ahead.abs() < AGREE { 0 } else { ahead };
        }
    }
}

/// Sends a request with a proof, if there is who signs one; once more if the server wants
/// another nonce (§8, §9), and never a third time.
pub(crate) fn proven(
    http: &Http,
    signer: Option<Signer<'_>>,
    method: &str,
    url: &str,
    access_token: Option<&str>,
    send: impl Fn(Option<&str>) -> Result<Reply, HttpError>,
) -> Result<Reply, HttpError> {
    let (Some(signer), Ok(address)) = (signer, Url::parse(url)) else { return send(None) };
    let origin = address.origin().ascii_serialization();
    let mut known = http.told.by(&origin);
    let attempt = |known: &mut Known| {
        let proof = signer.proof(known, method, &address, access_token)?;
        let reply = send(Some(&proof))?;
        known.learn(&reply, signer.time.now());
        http.told.keep(&origin, known);
        Ok::<_, HttpError>(reply)
    };
    let reply = attempt(&mut known)?;
    if wants_a_nonce(&reply) { attempt(&mut known) } else { Ok(reply) }
}

fn wants_a_nonce(reply: &Reply) -> bool {
    let code = ErrorCode::UseDpopNonce.as_str();
    match reply.status {
        _ if reply.dpop_nonce.is_none() => false,
        400 => reply.json::<ErrorResponse>().is_ok_and(|answer| answer.error == code),
        401 => reply.challenges_with(code),
        _ => false,
    }
}

#[cfg(test)]
#[path = "dpop_tests.rs"]
mod tests;
