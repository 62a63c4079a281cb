//! Attack 37: nothing is learnt from how long a secret is compared.
//!
//! Secrets are looked up by their SHA-256, in an index, and compared by it, in constant
//! time (`Digest`). What an index lets through in its timing is how many leading bytes of
//! a *digest* are right, and nobody can steer those by changing the secret.

use hallpass_core::{Kind, Secret, TokenText};

use super::chance::Dice;
use super::house::{House, basic, changed, home};

/// Every token that differs from `text` in one character of its body, with a right check.
fn neighbours(kind: Kind, text: &str) -> Vec<TokenText> {
    let prefix = kind.prefix().len();
    let body_end = text.len() - 6;
    (prefix..body_end)
        .map(|at| {
            let mut near = text[..body_end].to_owned();
            let other = if &near[at..=at] == "A" { "B" } else { "A" };
            near.replace_range(at..=at, other);
            TokenText::parse(kind, &with_check(near)).unwrap()
        })
        .collect()
}

/// CRC-32 in base62, worked out here once more.
fn with_check(signed: String) -> String {
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = u32::MAX;
    for byte in signed.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut rest = !crc;
    let mut check = [b'0'; 6];
    for place in check.iter_mut().rev() {
        *place = alphabet[(rest % 62) as usize];
        rest /= 62;
    }
    signed + std::str::from_utf8(&check).unwrap()
}

// proves: attack-37
#[test]
fn a_near_miss_is_no_nearer_than_any_other() {
    let dice = Dice::new();
    for kind in Kind::ALL {
        let right = TokenText::mint(kind, &dice);
        let near = neighbours(kind, right.expose());
        assert_eq!(near.len(), 30);
        for miss in near {
            let (right, miss) = (right.digest(), miss.digest());
            let both = right.as_bytes().iter().zip(miss.as_bytes());
            let common = both.take_while(|(a, b)| a == b).count();
            assert!(common <= 2, "{kind:?}: {common} leading bytes are alike");
        }
    }
}

// proves: attack-37
#[tokio::test]
async fn a_near_miss_is_answered_like_any_other() {
    let house = House::new().await;
    let right = house.web().await;
    let request = changed(&[("token", "x")], &[]);
    let mut answers = Vec::new();
    let near =
        neighbours(Kind::ClientSecret, right.expose()).into_iter().map(TokenText::into_secret);
    let far = ["x", "hp_cs_", "hp_cs_0123456789ABCDEFGHIJKLMNOPQRST3OurKA"].map(Secret::new);
    for wrong in near.take(10).chain(far) {
        let refused = house.issuer.introspect(&request, basic("web", &wrong), &home()).await;
        answers.push(format!("{:?}", refused.unwrap_err().body()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let passed = house.issuer.introspect(&request, basic("web", &right), &home()).await;
    assert!(passed.is_ok());
}
