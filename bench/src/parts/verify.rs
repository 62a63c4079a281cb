//! Verifying a personal token in the process: from its text to who it is and what they may do,
//! against the one SHA-256 that nobody can do without, and against the signature that a JWT
//! would need.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_lc_rs::rand::SystemRandom as Chance;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use hallpass_core::id::{TokenId, UserId};
use hallpass_core::permission::PermissionTable;
use hallpass_core::token::Kind;
use hallpass_core::{Clock, Digest, TokenText};
use hallpass_verdict::CredentialKind;
use hallpass_verdict::live::{Ask, Fact, Live, Principal, Rules, fact};

use super::Bench;
use crate::spread::Pairs;
use crate::system::{Stopwatch, SystemClock, SystemRandom};
use crate::table::{Goal, Row, Unit};

/// Few enough to stay in the processor's cache.
const HOT: usize = 256;
/// Enough to outgrow it.
const COLD: usize = 1_000_000;

/// Everything in one thread, in turns.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let cold = COLD.min(bench.size.tokens[1] as usize);
    let (hot, cold) = (House::with(HOT), House::with(cold));
    let signed = Signed::new()?;
    let time = bench.size.writing / 4;
    let (mut sha, mut es256) = (Pairs::default(), Pairs::default());
    let (mut misses, mut many) = (Pairs::default(), Pairs::default());
    // The first round warms everything up and is not counted.
    for round in 0..=bench.size.rounds {
        let digest = each(time, &hot.good, |text| {
            black_box(Digest::of(text.as_bytes()));
        });
        let verified = each(time, &hot.good, |text| hot.admits(text, true));
        let missed = each(time, &hot.invented, |text| hot.admits(text, false));
        let among_many = each(time, &cold.good, |text| cold.admits(text, true));
        let signature = each(time, &[()], |()| signed.verify());
        if round > 0 {
            sha.push(verified, digest);
            es256.push(signature, verified);
            misses.push(missed, verified);
            many.push(among_many, verified);
        }
    }
    Ok(vec![
        Row::new("verify, against one SHA-256", Unit::Seconds, &sha, Goal::AtMost(3.0)),
        Row::new("an ES256 signature, against verify", Unit::Seconds, &es256, Goal::AtLeast(100.0)),
        Row::new("a miss, against a hit", Unit::Seconds, &misses, Goal::AtMost(1.0)),
        Row::new("verify cold among 10⁶, against hot", Unit::Seconds, &many, Goal::Nothing),
    ])
}

/// Seconds that one of `things` takes.
fn each<T>(time: Duration, things: &[T], what: impl Fn(&T)) -> f64 {
    let (watch, mut done) = (Stopwatch::start(), 0_u64);
    while watch.elapsed() < time {
        things.iter().take(4_096).for_each(&what);
        done += things.len().min(4_096) as u64;
    }
    watch.elapsed().as_secs_f64() / done as f64
}

/// An index with tokens of one person in it.
struct House {
    live: Live,
    good: Vec<String>,
    invented: Vec<String>,
}

impl House {
    fn with(count: usize) -> Self {
        let live = Live::new(Rules::new(&PermissionTable::default(), false));
        let user = UserId::new(&SystemClock, &SystemRandom);
        live.apply(vec![Fact::Person(fact::Person {
            id: user,
            email: "ada@example.com".to_owned(),
            name: "Ada Lovelace".to_owned(),
            admin: false,
            disabled: false,
        })]);
        let mut good = Vec::with_capacity(count.min(4_096));
        for number in 0..count {
            let text = mint();
            live.apply(vec![Fact::Credential(fact::Credential {
                id: TokenId::new(&SystemClock, &SystemRandom),
                kind: CredentialKind::PersonalToken,
                digest: Digest::of(text.as_bytes()),
                principal: Principal::User(user),
                name: "ci".to_owned(),
                scope: None,
                projects: Vec::new(),
                bound: None,
                expires_at: None,
                overlap_until: None,
            })]);
            // Spread over all of them, so that what is asked about is not what came last.
            if number % count.div_ceil(4_096) == 0 {
                good.push(text);
            }
        }
        live.complete();
        let invented = good.iter().map(|_| mint()).collect();
        Self { live, good, invented }
    }

    /// What the server does between reading a header and writing an answer.
    fn admits(&self, text: &str, expected: bool) {
        let digest = TokenText::digest_of(Kind::Personal.prefix(), text).expect("one of ours");
        let answer = self.live.check(&digest, &Ask::default(), SystemClock.now());
        assert_eq!(black_box(answer).is_some_and(|answer| answer.is_ok()), expected);
    }
}

fn mint() -> String {
    TokenText::mint(Kind::Personal, &SystemRandom).expose().to_owned()
}

/// A signature as an access token has it.
struct Signed {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn new() -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = pair.ok().context("making a key")?;
        let message = vec![b'a'; 500];
        let signature = pair.sign(&Chance::new(), &message).ok().context("signing")?;
        let key = pair.public_key().as_ref().to_vec();
        Ok(Self { key, message, signature: signature.as_ref().to_vec() })
    }

    fn verify(&self) {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.key);
        assert!(black_box(key.verify(&self.message, &self.signature)).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_right() {
        let house = House::with(10);
        house.good.iter().for_each(|text| house.admits(text, true));
        house.invented.iter().for_each(|text| house.admits(text, false));
        assert_eq!(house.good.len(), 10);
        Signed::new().unwrap().verify();
    }
}
