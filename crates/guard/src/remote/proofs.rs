//! Proofs of possession at an API in another process than the server (RFC 9449).
//!
//! Nonces are made under a key that comes from the client's secret, so all processes of one
//! API take each other's. Which proofs were used is remembered in this process, for as long as
//! their nonces live: behind several processes, somebody who sees a request on its way could
//! have it answered once more by each of the others, within those minutes. Whoever cannot bear
//! that lets one process answer, or sends each client to the same one.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::dpop::{self, BadProof, Crypto, Expected, Proven, PublicKey};
use hallpass_core::{Clock as _, Digest, PublicUrl, Secret, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};

use super::system::WallClock;
use crate::Unverified;
use crate::dpop::{Claim, Prover};

/// Proofs that are remembered; when there are more, the next are refused for want of room:
/// better that than to forget one. Each came with a good token.
const MANY: usize = 200_000;

/// Reads proofs for one API.
pub struct Proofs {
    /// Where the API is, as its callers see it.
    address: PublicUrl,
    crypto: Keyed,
    clock: WallClock,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    all: HashSet<Digest>,
    by_end: BTreeSet<(Timestamp, [u8; 32])>,
}

struct Keyed(EncodingKey);

impl Proofs {
    pub(super) fn new(address: PublicUrl, secret: &Secret) -> Self {
        // A MAC under the secret is a key that says nothing about the secret.
        let secret = EncodingKey::from_secret(secret.expose().as_bytes());
        let key = crypto::sign(b"hallpass guard dpop nonces v1", &secret, Algorithm::HS256);
        let key = EncodingKey::from_secret(key.unwrap_or_default().as_bytes());
        Self { address, crypto: Keyed(key), clock: WallClock, used: Mutex::default() }
    }
}

impl Crypto for Keyed {
    fn es256(&self, key: &PublicKey, signed: &[u8], signature: &[u8; 64]) -> bool {
        let [x, y] = [key.x, key.y].map(|part| URL_SAFE_NO_PAD.encode(part));
        let Ok(key) = DecodingKey::from_ec_components(&x, &y) else { return false };
        let signature = URL_SAFE_NO_PAD.encode(signature);
        crypto::verify(&signature, signed, &key, Algorithm::ES256).unwrap_or_default()
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mac = crypto::sign(message, &self.0, Algorithm::HS256).unwrap_or_default();
        let mac = URL_SAFE_NO_PAD.decode(mac).unwrap_or_default();
        // HMAC-SHA-256 does not fail; a nonce of zeros would be the same for all.
        mac.try_into().expect("HMAC-SHA-256 has 32 bytes")
    }
}

impl Prover for Proofs {
    fn read(&self, claim: &Claim<'_>) -> Result<Proven, BadProof> {
        let url = self.address.join(claim.path);
        let expected = Expected {
            method: claim.method,
            url: &url,
            now: self.clock.now(),
            access_token: Some(claim.access_token),
        };
        dpop::check(claim.proof, &expected, &self.crypto)
    }

    async fn spend(&self, proven: &Proven) -> Result<bool, Unverified> {
        let now = self.clock.now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, over)) = used.by_end.first().filter(|(end, _)| *end <= now).copied() {
            used.by_end.pop_first();
            used.all.remove(&Digest::from_bytes(over));
        }
        if used.all.len() >= MANY {
            return Err(Unverified::Unavailable);
        }
        let new = used.all.insert(proven.replay);
        if new {
            used.by_end.insert((proven.until, *proven.replay.as_bytes()));
        }
        Ok(new)
    }

    fn nonce(&self) -> String {
        dpop::nonce(self.clock.now(), &self.crypto)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn proofs(secret: &str) -> Proofs {
        let address = PublicUrl::parse("https://api.example").expect("an address");
        Proofs::new(address, &Secret::new(secret))
    }

    // proves: HP03
    #[tokio::test]
    async fn a_proof_is_taken_once_and_forgotten_when_it_is_over() {
        let proofs = proofs("secret");
        let now = proofs.clock.now();
        let key = PublicKey { x: [1; 32], y: [2; 32] };
        let proven = |n: u8, until| Proven {
            jkt: key.thumbprint(),
            replay: Digest::from_bytes([n; 32]),
            until,
            renew: false,
        };
        let later = now + Duration::from_secs(300);
        assert_eq!(proofs.spend(&proven(1, later)).await, Ok(true));
        assert_eq!(proofs.spend(&proven(1, later)).await, Ok(false));
        assert_eq!(proofs.spend(&proven(2, now)).await, Ok(true));
        assert_eq!(proofs.spend(&proven(3, later)).await, Ok(true));
        assert_eq!(proofs.used.lock().expect("whole").all.len(), 2, "what is over is forgotten");
    }

    // proves: HP03
    #[test]
    fn processes_of_one_api_take_each_others_nonces() {
        let mac = |secret| proofs(secret).crypto.mac(b"time");
        assert_eq!(mac("one"), mac("one"));
        assert_ne!(mac("one"), mac("two"));
    }
}
