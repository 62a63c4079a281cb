//! Proofs that are good, and many that are nearly so.

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const URL: &str = "https://id.example/oauth/token";

/// Takes every signature whose first byte is 1; a hash stands for the MAC.
struct Fake;

impl Crypto for Fake {
    fn es256(&self, _: &PublicKey, _: &[u8], signature: &[u8; 64]) -> bool {
        signature[0] == 1
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        Sha256::digest(message).into()
    }
}

fn key() -> PublicKey {
    PublicKey { x: [7; 32], y: [9; 32] }
}

fn expected() -> Expected<'static> {
    Expected { method: "POST", url: URL, now: NOW, access_token: None }
}

fn proof(url: &str) -> String {
    let url = Url::parse(url).expect("a URL");
    let nonce = nonce::nonce(NOW, &Fake);
    let claims = super::super::Claims {
        method: "POST",
        url: &url,
        at: NOW,
        jti: "one",
        nonce: Some(&nonce),
        access_token: None,
    };
    super::super::write(&key(), &claims, |_| Some([1; 64])).expect("a proof")
}

// proves: HP03
#[test]
fn what_was_written_is_read() {
    let proven = check(&proof(URL), &expected(), &Fake).expect("good");
    assert_eq!(proven.jkt, key().thumbprint());
    assert_eq!((proven.until, proven.renew), (NOW + nonce::LIFE, false));
    let later = Expected { now: NOW + nonce::LIFE / 2, ..expected() };
    assert!(check(&proof(URL), &later, &Fake).expect("good").renew);
    let query = format!("{URL}?a=b#c");
    assert_eq!(check(&proof(&query), &expected(), &Fake), Ok(proven), "they are left out");
}

// proves: HP03
#[test]
fn an_address_is_the_same_after_normalization_and_not_otherwise() {
    for same in ["HTTPS://ID.example:443/oauth/token", "https://id.example/x/../oauth/token"] {
        assert!(same_address(same, URL), "{same}");
    }
    for other in [
        "https://id.example/oauth/token/",
        "https://id.example/oauth/Token",
        "https://id.example//oauth/token",
        "https://id.example/oauth/token?",
        "https://id.example/oauth/token?a=b",
        "https://id.example/oauth/token#",
        "https://id.example/oauth/%74oken",
        "https://id.example:8443/oauth/token",
        "https://u@id.example/oauth/token",
        "https://@id.example/oauth/token",
        "http://id.example/oauth/token",
        "https://id.example.evil.example/oauth/token",
        "https://id.example./oauth/token",
        "https:id.example/oauth/token",
        "https:\\\\id.example\\oauth\\token",
        " https://id.example/oauth/token",
        "https://id.example/oauth/to\tken",
        "//id.example/oauth/token",
        "/oauth/token",
        "",
    ] {
        assert!(!same_address(other, URL), "{other}");
    }
}
