//! Signing keys: made, published, used, retired (OIDC Core §10.1.1).
//!
//! One key signs with one algorithm (RFC 8725 §3.1): `ES256` for access tokens, `RS256`
//! (OIDC Core §15.1) or `ES256` for ID tokens. The next key is published for a while
//! before it signs, and the last one for as long afterwards as something that it signed
//! may live. The private halves are kept sealed under the master key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair};
use hallpass_core::Timestamp;
use hallpass_core::id::SigningKeyId;
use hallpass_store::SigningKey;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Serialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::seal::Keys;
use crate::{Error, Issuer, Origin};

/// Added to the life of what a key signed, before the key is published no more.
const MARGIN: Duration = Duration::from_secs(60);

/// A signature algorithm (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Alg {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Alg {
    const ALL: [Alg; 2] = [Alg::Es256, Alg::Rs256];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Alg::Es256 => "ES256",
            Alg::Rs256 => "RS256",
        }
    }

    /// As jsonwebtoken calls it.
    pub(crate) const fn jws(self) -> Algorithm {
        match self {
            Alg::Es256 => Algorithm::ES256,
            Alg::Rs256 => Algorithm::RS256,
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == name)
    }
}

/// RFC 7517 §5: the public keys, as `/oauth/jwks` publishes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Jwks {
    /// Each a public JWK.
    pub keys: Vec<Jwk>,
}

/// A key in use: opened once, kept in memory.
pub(crate) struct Key {
    pub(crate) id: SigningKeyId,
    pub(crate) alg: Alg,
    pub(crate) private: EncodingKey,
    pub(crate) public: DecodingKey,
    jwk: Jwk,
}

impl Key {
    fn from_pkcs8(id: SigningKeyId, alg: Alg, pkcs8: &[u8]) -> Option<Self> {
        let private = match alg {
            Alg::Es256 => EncodingKey::from_ec_der(pkcs8),
            Alg::Rs256 => {
                // Its DER constructor wants PKCS#1; only the PEM one takes PKCS#8.
                let mut pem = pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8));
                let private = EncodingKey::from_rsa_pem(pem.as_bytes());
                pem.zeroize();
                private.ok()?
            }
        };
        // RFC 7517 §4, RFC 7518 §6: the public half alone.
        let mut jwk = Jwk::from_encoding_key(&private, alg.jws()).ok()?;
        jwk.common.key_id = Some(id.to_string());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id, alg, private, public, jwk })
    }
}

/// A new key pair as PKCS#8. RSA takes a good part of a second, so never on a thread that
/// answers requests.
fn generate(alg: Alg) -> Option<Zeroizing<Vec<u8>>> {
    let der = match alg {
        Alg::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .ok()?
            .to_pkcs8v1()
            .ok()?
            .as_ref()
            .to_vec(),
        Alg::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?.as_ref().to_vec()
        }
    };
    Some(Zeroizing::new(der))
}

/// The keys that are published now or will be, with their times.
#[derive(Default)]
pub(crate) struct Ring(Vec<Placed>);

struct Placed {
    key: Arc<Key>,
    record: SigningKey,
}

impl Ring {
    /// Opens what is kept. Keys that `old` holds already are not opened again.
    fn open(records: Vec<SigningKey>, old: &Ring, keys: &Keys) -> Result<Self, Error> {
        let mut opened: HashMap<_, _> =
            old.0.iter().map(|placed| (placed.key.id, placed.key.clone())).collect();
        records
            .into_iter()
            .map(|record| {
                let key = match opened.remove(&record.id) {
                    Some(key) => key,
                    None => Arc::new(unseal(&record, keys)?),
                };
                Ok(Placed { key, record })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The key that signs with `alg` at `now`: the latest of those that may. Before all of
    /// them, after a clock was put back, it is the first: it is published, and nobody
    /// else can.
    pub(crate) fn signing(&self, alg: Alg, now: Timestamp) -> Option<&Key> {
        let latest =
            self.of(alg).filter(|placed| placed.record.signs(now)).max_by_key(|p| p.place());
        let first = || {
            let to_come = self.of(alg).filter(|placed| now < placed.record.signs_from);
            to_come.min_by_key(|placed| placed.place())
        };
        latest.or_else(first).map(|placed| &*placed.key)
    }

    /// A key that is published at `now`.
    pub(crate) fn published(&self, kid: SigningKeyId, now: Timestamp) -> Option<&Key> {
        self.0
            .iter()
            .find(|placed| placed.key.id == kid && placed.is_published(now))
            .map(|p| &*p.key)
    }

    fn of(&self, alg: Alg) -> impl Iterator<Item = &Placed> {
        self.0.iter().filter(move |placed| placed.key.alg == alg)
    }

    fn jwks(&self, now: Timestamp) -> Jwks {
        let published = self.0.iter().filter(|placed| placed.is_published(now));
        Jwks { keys: published.map(|placed| placed.key.jwk.clone()).collect() }
    }
}

impl Placed {
    fn is_published(&self, now: Timestamp) -> bool {
        self.record.published_until.is_none_or(|until| now < until)
    }

    /// Keys take over from each other in this order, on every node the same.
    fn place(&self) -> (Timestamp, SigningKeyId) {
        (self.record.signs_from, self.record.id)
    }
}

fn unseal(record: &SigningKey, keys: &Keys) -> Result<Key, Error> {
    let sealed = Error::Sealed { what: "a signing key" };
    let Some(alg) = Alg::from_name(&record.alg) else { return Err(sealed) };
    keys.signing
        .open(&record.id.to_string(), &record.sealed_private)
        .and_then(|pkcs8| Key::from_pkcs8(record.id, alg, &pkcs8))
        .ok_or(sealed)
}

impl Issuer {
    /// The keys that sign now, the next ones, and those whose tokens may still live.
    pub fn jwks(&self) -> Jwks {
        self.ring().jwks(self.now())
    }

    /// Makes sure that a key of each algorithm signs, and opens all of them.
    pub(crate) async fn ensure_signing_keys(&self) -> Result<(), Error> {
        let _turn = self.0.key_turn.lock().await;
        self.ensure_keys().await
    }

    async fn ensure_keys(&self) -> Result<(), Error> {
        let now = self.now();
        let mut records = self.0.store.signing_keys().all().await?;
        for alg in Alg::ALL {
            if !records.iter().any(|key| key.alg == alg.as_str() && key.signs(now)) {
                let candidate = self.new_key(alg, now).await?;
                records = self.0.store.signing_keys().ensure(candidate).await?;
            }
        }
        self.keep_ring(records)
    }

    /// What is due: the next key is made and published, the last one retired, those of no
    /// use dropped, and what other nodes have done is taken over.
    pub(crate) async fn tend_signing_keys(&self) -> Result<(), Error> {
        let _turn = self.0.key_turn.lock().await;
        self.ensure_keys().await?;
        let (ring, now) = (self.ring(), self.now());
        let turn = self.0.config.key_rotation.saturating_sub(self.0.config.key_publish_ahead);
        for alg in Alg::ALL {
            // Also the next one, where there is one already.
            if ring.of(alg).all(|placed| placed.record.signs_from + turn <= now) {
                self.add_key(alg, now + self.0.config.key_publish_ahead, "system").await?;
            }
        }
        self.retire_keys("system").await?;
        if ring.0.iter().any(|placed| !placed.is_published(now)) {
            self.0.store.signing_keys().drop_unpublished(now).await?;
        }
        self.reload_ring().await
    }

    /// The next key of each algorithm, now. After a leak (`at_once`) it signs at once, and
    /// nothing that the old one signed is good any more.
    pub(crate) async fn rotate_keys(
        &self,
        at_once: bool,
        actor: &str,
        origin: Option<&Origin>,
    ) -> Result<Vec<SigningKeyId>, Error> {
        // One after the other: a slow reload must not put back what was just taken away.
        let _turn = self.0.key_turn.lock().await;
        let now = self.now();
        let signs_from = if at_once { now } else { now + self.0.config.key_publish_ahead };
        let old = self.0.store.signing_keys().all().await?;
        let mut new = Vec::new();
        for alg in Alg::ALL {
            new.push(self.new_key(alg, signs_from).await?);
        }
        let made = new.iter().map(|key| key.id).collect();
        let ends = if at_once {
            old.iter().map(|key| (key.id, now, now)).collect()
        } else {
            self.ends_of(old.into_iter().chain(new.iter().cloned()).collect())
        };
        self.0.store.signing_keys().rotate(new, ends, &self.by(actor, None, origin)).await?;
        self.reload_ring().await?;
        Ok(made)
    }

    async fn add_key(
        &self,
        alg: Alg,
        signs_from: Timestamp,
        actor: &str,
    ) -> Result<SigningKeyId, Error> {
        let key = self.new_key(alg, signs_from).await?;
        let id = key.id;
        self.0.store.signing_keys().insert(key, &self.by(actor, None, None)).await?;
        Ok(id)
    }

    /// Gives every key that has a successor its end: it signs until that one does, and is
    /// published until the last thing that it signed has expired. Repeating it changes
    /// nothing, so a crash in between is mended by the next turn.
    async fn retire_keys(&self, actor: &str) -> Result<(), Error> {
        let records = self.0.store.signing_keys().all().await?;
        for (id, until, published) in self.ends_of(records) {
            let by = self.by(actor, None, None);
            self.0.store.signing_keys().retire(id, until, published, &by).await?;
        }
        Ok(())
    }

    /// The ends of keys that have a successor and no end yet: until when each signs, and until
    /// when it is published.
    fn ends_of(&self, mut keys: Vec<SigningKey>) -> Vec<(SigningKeyId, Timestamp, Timestamp)> {
        let life = self.0.config.access_token_ttl.max(self.0.config.id_token_ttl) + MARGIN;
        keys.sort_by_key(|key| (key.signs_from, key.id));
        let mut ends = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let successor = keys[at + 1..].iter().find(|other| other.alg == key.alg);
            if let (None, Some(next)) = (key.signs_until, successor) {
                ends.push((key.id, next.signs_from, next.signs_from + life));
            }
        }
        ends
    }

    async fn reload_ring(&self) -> Result<(), Error> {
        let records = self.0.store.signing_keys().all().await?;
        self.keep_ring(records)
    }

    fn keep_ring(&self, records: Vec<SigningKey>) -> Result<(), Error> {
        let ring = Ring::open(records, &self.ring(), &self.0.keys)?;
        *self.0.ring.write().unwrap_or_else(|broken| broken.into_inner()) = Arc::new(ring);
        Ok(())
    }

    async fn new_key(&self, alg: Alg, signs_from: Timestamp) -> Result<SigningKey, Error> {
        let broken = || Error::Crypto { doing: "making a signing key" };
        let pkcs8 = tokio::task::spawn_blocking(move || generate(alg))
            .await
            .ok()
            .flatten()
            .ok_or_else(broken)?;
        let id = SigningKeyId::new(&*self.0.clock, &*self.0.random);
        let key = Key::from_pkcs8(id, alg, &pkcs8).ok_or_else(broken)?;
        let sealed = self.0.keys.signing.seal(&id.to_string(), &pkcs8, &*self.0.random)?;
        Ok(SigningKey {
            id,
            alg: alg.as_str().to_owned(),
            public_jwk: serde_json::to_string(&key.jwk).map_err(|_| broken())?,
            sealed_private: sealed,
            created_at: self.now(),
            signs_from,
            signs_until: None,
            published_until: None,
        })
    }
}
