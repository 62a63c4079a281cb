//! Nonces that a server makes and keeps nowhere (RFC 9449 §8, §9): the time, and a MAC over it
//! under a key that all servers of a deployment share. Whoever has one has been here within its
//! life, so a proof that carries it was not made in advance and put aside.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::Crypto;
use crate::Timestamp;

/// How long a nonce is taken.
pub const LIFE: Duration = Duration::from_secs(300);
/// All nonces of one bucket are the same one.
const BUCKET: i64 = 30;
/// How far the clocks of servers that share the key may be apart.
const SKEW: Duration = Duration::from_secs(30);
/// Bytes of time, and of the MAC that stands behind them.
const TIME: usize = 8;
const MAC: usize = 16;

/// A nonce of `now`.
pub fn nonce(now: Timestamp, crypto: &impl Crypto) -> String {
    let made = now.secs().div_euclid(BUCKET) * BUCKET;
    let mut bytes = [0; TIME + MAC];
    bytes[..TIME].copy_from_slice(&made.to_be_bytes());
    let mac = crypto.mac(&bytes[..TIME]);
    bytes[TIME..].copy_from_slice(&mac[..MAC]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// When `text` ends to be taken. `None`: it is not ours, or it is over.
pub(super) fn good_until(text: &str, now: Timestamp, crypto: &impl Crypto) -> Option<Timestamp> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (time, mac) = bytes.split_first_chunk::<TIME>()?;
    let ours: bool = crypto.mac(time)[..MAC].ct_eq(mac).into();
    let made = Timestamp::from_secs(i64::from_be_bytes(*time));
    let until = made + LIFE;
    (ours && made <= now + SKEW && now < until).then_some(until)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::dpop::PublicKey;

    /// A MAC that is good enough for a test.
    struct Keyed(u8);

    impl Crypto for Keyed {
        fn es256(&self, _: &PublicKey, _: &[u8], _: &[u8; 64]) -> bool {
            false
        }

        fn mac(&self, message: &[u8]) -> [u8; 32] {
            Sha256::new().chain_update([self.0]).chain_update(message).finalize().into()
        }
    }

    // proves: HP03
    #[test]
    fn a_nonce_is_taken_while_it_lives_by_whoever_has_the_key() {
        let now = Timestamp::from_secs(1_800_000_000);
        let made = nonce(now, &Keyed(1));
        assert_eq!(made, nonce(now + Duration::from_secs(29), &Keyed(1)), "one for each bucket");
        assert_eq!(good_until(&made, now, &Keyed(1)), Some(now + LIFE));
        let late = now + LIFE - Duration::from_millis(1);
        assert!(good_until(&made, late, &Keyed(1)).is_some());
        assert_eq!(good_until(&made, now + LIFE, &Keyed(1)), None, "expired");
        assert_eq!(good_until(&made, now - Duration::from_secs(31), &Keyed(1)), None, "future");
        assert_eq!(good_until(&made, now, &Keyed(2)), None, "another key");
        for at in 0..made.len() {
            let mut bytes = made.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let bad = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(good_until(&bad, now, &Keyed(1)), None, "{at}");
            assert_eq!(good_until(&made[..at], now, &Keyed(1)), None, "{at}");
        }
    }
}
