//! ID tokens that are not what they seem, and an issuer that is not as it should be.
//!
//! Each forgery starts as a token that is good, and has one thing wrong with it. Where that is
//! not the signature itself, it is signed with the issuer's own key, so that nothing but the one
//! wrong thing can be the reason.

use hallpass_core::{PublicUrl, Scope, Timestamp};
use hallpass_outside::Bad;
use hallpass_verdict::CredentialKind;
use hallpass_verdict::lease::BootTime;
use serde_json::{Value, json};

use self::forge::{CLIENT, Forge, ISSUER, SUBJECT};
use super::{Outside, OutsideIssuer};
use crate::Decision;

mod forge;
mod metadata;
mod table;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn at(seconds: u64) -> BootTime {
    BootTime::from_nanos(seconds * 1_000_000_000)
}

fn ours() -> PublicUrl {
    PublicUrl::parse("https://id.example").expect("a public URL")
}

/// Trusts `issuer` and has its keys already.
async fn trusting(issuer: OutsideIssuer, forge: &Forge) -> Outside {
    let outside = Outside::new(vec![issuer], &ours()).expect("an issuer to trust");
    let keys = forge.published();
    outside.0[0].keys.find("es", at(0), async || Ok::<_, Bad>(keys)).await;
    outside
}

async fn read(outside: &Outside, token: &str) -> Result<Decision, Bad> {
    outside.read(token, NOW, at(1)).await
}

// proves: G03, G04, G05, G06, G09, attack-14, attack-15
#[tokio::test]
async fn no_forgery_is_taken_for_an_id_token() {
    let forge = Forge::new();
    let outside = trusting(OutsideIssuer::new(ISSUER, CLIENT), &forge).await;
    for (name, token) in table::good(&forge) {
        let read = read(&outside, &token).await;
        assert!(read.is_ok(), "{name}: {:?}", read.err());
    }
    let forged = table::forged(&forge);
    assert!(forged.len() >= 90, "{}", forged.len());
    for (name, token, why) in forged {
        assert_eq!(read(&outside, &token).await.err(), Some(why), "{name}");
    }
}

// proves: G04
#[tokio::test]
async fn who_comes_from_outside_is_no_principal_of_ours() {
    let forge = Forge::new();
    let outside = trusting(OutsideIssuer::new(ISSUER, CLIENT), &forge).await;
    let decision = read(&outside, &forge.claim("email", json!("ada@example.com"))).await;
    let decision = decision.expect("a good token");
    // The subject is spelled as an id of ours.
    assert!(SUBJECT.parse::<hallpass_core::id::UserId>().is_ok());
    assert_eq!(decision.kind, CredentialKind::IdToken);
    assert_eq!(decision.who.outside(), Some((ISSUER, SUBJECT)));
    assert_eq!(decision.who.id(), format!("{ISSUER}#{SUBJECT}"));
    assert_eq!(decision.who.kind(), "outside");
    assert_eq!((decision.user(), decision.who.email(), decision.who.admin()), (None, None, false));
    assert_eq!((decision.client_id.clone(), decision.grant), (None, None));
    assert!(decision.scope.is_empty() && decision.place.is_none() && !decision.may("project:read"));
    assert!(decision.id.starts_with("idt_"));
}

#[tokio::test]
async fn a_scope_is_what_the_api_says_and_nothing_that_the_token_says() {
    let forge = Forge::new();
    let staff = OutsideIssuer::new(ISSUER, CLIENT).scope(|claims| {
        assert_eq!(claims.subject(), SUBJECT);
        let staff = claims.get("hd") == Some(&Value::from("example.com"));
        if staff { ["publish"].into_iter().collect() } else { Scope::empty() }
    });
    let outside = trusting(staff, &forge).await;
    let scope = async |token: &str| read(&outside, token).await.expect("a good token").scope;
    assert!(scope(&forge.claim("hd", json!("example.com"))).await.contains("publish"));
    assert!(scope(&forge.claim("hd", json!("example.com.evil.example"))).await.is_empty());
    assert!(scope(&forge.claim("groups", json!(["publish"]))).await.is_empty());
}

#[tokio::test]
async fn an_api_says_how_old_an_id_token_may_be() {
    let forge = Forge::new();
    let hour = std::time::Duration::from_secs(3600);
    let outside = trusting(OutsideIssuer::new(ISSUER, CLIENT).max_age(hour), &forge).await;
    let issued = |ago: i64| forge.claim("iat", json!(NOW.secs() - ago));
    assert!(read(&outside, &issued(3_599)).await.is_ok());
    assert_eq!(read(&outside, &issued(3_600)).await.err(), Some(Bad::TooOld));
}
