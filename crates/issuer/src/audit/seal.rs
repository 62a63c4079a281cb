//! The sealer: rows that are committed are chained, and the end of the chain is signed.
//!
//! One turn reads what is not sealed, hashes it, signs the last hash, and moves the head of the
//! chain on in one transaction. Several servers may do so at once: whoever finds the head moved
//! has done nothing, and reads anew. A server that is killed at any moment leaves a whole turn
//! or none.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::id::AuditKeyId;
use hallpass_core::wire::audit::{Jwk, Jwks};
use hallpass_store::{AuditKey, Checkpoint, Link};

use super::line::{beginning, chained, row, to_sign};
use crate::tokens::Actor;
use crate::{Error, Issuer, Origin};

/// Rows in one turn: other changes wait for no more than these.
const PORTION: u32 = 500;
/// Turns in a row, so that stopping does not wait for ever.
const TURNS: usize = 10_000;

/// The key that signs, once it is opened.
#[derive(Default)]
pub(crate) struct Sealer(Mutex<Option<(AuditKeyId, std::sync::Arc<Ed25519KeyPair>)>>);

impl Issuer {
    /// Seals all rows that are committed by now, and says how many those were. The server calls
    /// it each second.
    pub async fn seal_audit(&self) -> Result<u64, Error> {
        let mut sealed = 0;
        for _ in 0..TURNS {
            match self.seal_portion().await? {
                Some(0) => break,
                Some(rows) => sealed += rows,
                // Somebody else was quicker.
                None => {}
            }
        }
        Ok(sealed)
    }

    /// `None`: somebody else has moved the head meanwhile.
    async fn seal_portion(&self) -> Result<Option<u64>, Error> {
        let audit = self.0.store.audit();
        // The head first: what is read after it and was sealed after it is not sealed again.
        let head = audit.head().await?;
        let rows = audit.unsealed(0, PORTION).await?;
        if rows.is_empty() {
            return Ok(Some(0));
        }
        let (key, pair) = self.sealing_key().await?;
        let (mut number, mut hash) = (head.number, head.hash.unwrap_or(beginning()));
        let mut links = Vec::with_capacity(rows.len());
        for kept in &rows {
            number += 1;
            let mut text = row(kept);
            text.n = Some(number);
            hash = chained(&hash, &text);
            links.push(Link { seq: kept.seq, number, hash });
        }
        let at = self.now();
        let text = to_sign(number, at, &hash, &key.to_string());
        let signature = pair.sign(text.as_bytes()).as_ref().to_vec();
        let checkpoint = Checkpoint { number, at, hash, key, signature };
        let moved = audit.seal(head.number, links, checkpoint).await?;
        Ok(moved.then_some(rows.len() as u64))
    }

    /// The public keys that prove the log, to be pinned by whoever verifies it.
    pub async fn audit_keys(&self) -> Result<Jwks, Error> {
        let keys = self.kept_audit_keys().await?;
        Ok(Jwks { keys: keys.iter().map(jwk).collect() })
    }

    async fn kept_audit_keys(&self) -> Result<Vec<AuditKey>, Error> {
        let audit = self.0.store.audit();
        let keys = audit.keys().await?;
        if !keys.is_empty() {
            return Ok(keys);
        }
        Ok(audit.ensure_key(self.new_audit_key()?).await?)
    }

    fn new_audit_key(&self) -> Result<AuditKey, Error> {
        let broken = || Error::Crypto { doing: "making a key for the audit log" };
        let pair = Ed25519KeyPair::generate().map_err(|_| broken())?;
        let private = pair.to_pkcs8().map_err(|_| broken())?;
        let id = self.new_id(AuditKeyId::new);
        let sealed = &self.0.keys.audit;
        Ok(AuditKey {
            id,
            public: pair.public_key().as_ref().to_vec(),
            sealed_private: sealed.seal(&id.to_string(), private.as_ref(), &*self.0.random)?,
            created_at: self.now(),
        })
    }

    /// Makes another key, which signs from now on, and answers all of them. The log itself
    /// announces it, in a row that the key before it signs: whoever trusts that one can follow.
    pub async fn rotate_audit_key(
        &self,
        actor: &Actor<'_>,
        origin: &Origin,
    ) -> Result<Jwks, Error> {
        // There is one to begin with.
        self.kept_audit_keys().await?;
        let key = self.new_audit_key()?;
        let named = jwk(&key).x;
        let by = self.by(&actor.name(), None, Some(origin));
        self.0.store.audit().add_key(key, &named, &by).await?;
        self.seal_audit().await?;
        self.audit_keys().await
    }

    /// The key that signs now.
    async fn sealing_key(&self) -> Result<(AuditKeyId, std::sync::Arc<Ed25519KeyPair>), Error> {
        let sealed = || Error::Sealed { what: "the key of the audit log" };
        // Another server may have made another one.
        let current = self.0.store.audit().signing_key().await?;
        let opened = self.0.sealer.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(opened) = opened.filter(|opened| Some(opened.0) == current) {
            return Ok(opened);
        }
        let keys = self.kept_audit_keys().await?;
        let signs = |key: &&AuditKey| current.is_none_or(|current| key.id == current);
        let key = keys.iter().find(signs).ok_or_else(sealed)?;
        let private = self.0.keys.audit.open(&key.id.to_string(), &key.sealed_private);
        let pair = private.and_then(|private| Ed25519KeyPair::from_pkcs8(&private).ok());
        let opened = (key.id, std::sync::Arc::new(pair.ok_or_else(sealed)?));
        *self.0.sealer.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened.clone());
        Ok(opened)
    }
}

pub(super) fn jwk(key: &AuditKey) -> Jwk {
    Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: URL_SAFE_NO_PAD.encode(&key.public),
        kid: key.id.to_string(),
    }
}
