//! How much a token weighs.

use hallpass_core::id::TokenId;
use hallpass_core::{Digest, Timestamp};
use hallpass_verdict::live::fact::{Credential, Principal};
use hallpass_verdict::{Ask, Fact, Live};

use crate::town::*;

const TOKENS: u32 = 1_000_000;

/// As random as is needed here: SplitMix64.
fn random(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn number(n: u32) -> Digest {
    let mut bytes = [0; 32];
    for (at, part) in bytes.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&random(u64::from(n) * 4 + at as u64 + 1).to_le_bytes());
    }
    Digest::from_bytes(bytes)
}

fn numbered(n: u32) -> Credential {
    let mut credential = personal(0, 0);
    credential.id = TokenId::from_bits(u128::from(n));
    credential.digest = number(n);
    credential.principal = Principal::User(user((n % 100) as u8));
    credential.expires_at = n.is_multiple_of(2).then_some(at(1_000_000 + i64::from(n)));
    credential
}

#[test]
#[expect(clippy::print_stdout, reason = "a figure to look at: --nocapture")]
fn a_million_tokens_weigh_less_than_sixty_bytes_each() {
    let live = Live::new(rules());
    live.fill((0..100).map(|n| Fact::Person(person(n))).collect());
    for first in (0..TOKENS).step_by(1000) {
        live.fill((first..first + 1000).map(|n| Fact::Credential(numbered(n))).collect());
    }
    live.complete();
    let size = live.size();
    assert_eq!(size.credentials, TOKENS as usize);
    let each = size.bytes as f64 / f64::from(TOKENS);
    println!("{each:.1} bytes for each of {TOKENS} tokens");
    assert!(each < 60.0, "{each} bytes");

    // What is ended makes room for what comes.
    for n in 0..1000 {
        live.apply(vec![Fact::CredentialEnded(number(n))]);
        live.apply(vec![Fact::Credential(numbered(TOKENS + n))]);
    }
    let (now, then) = (live.size(), size);
    assert_eq!(now.credentials, then.credentials);
    // A table may have been full; none has grown for each that came.
    assert!(now.bytes < then.bytes + 32 * 1024, "{now:?} {then:?}");
    let known = |n| live.check(&number(n), &Ask::default(), NOW).expect("complete").is_ok();
    assert!((0..1000).all(|n| !known(n)));
    assert!((1000..TOKENS + 1000).step_by(997).all(known));
    live.tidy(Timestamp::from_millis(i64::MAX));
    assert_eq!(live.size().credentials, TOKENS as usize / 2);
}
