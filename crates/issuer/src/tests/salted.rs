//! Tokens of an older system that kept salted hashes: tried at first use, found ever after.

use hallpass_core::Secret;
use hallpass_core::brand::Brand;
use hallpass_store::{Place, Store};
use hallpass_verdict::{Ask, PlaceAsked, Refusal};

use super::house::{API, House, basic, cheap, config, from, home, params};
use crate::legacy::salted::tests::{argon2id, bcrypted};
use crate::legacy::{Defaults, LegacyError};
use crate::tokens::Actor;
use crate::{ClientCredentials, Config, Error, Limits, PasswordCost};

const ONE: &str = "stk_ab12cd34.0123456789abcdef0123";
/// The same lookup.
const TWO: &str = "stk_ab12cd34.fedcba9876543210fedc";
/// A guess at them.
const GUESS: &str = "stk_ab12cd34.00000000000000000000";

async fn house(change: impl FnOnce(&mut Config)) -> House {
    let mut config = config();
    config.brand = Brand::hallpass();
    config.brand.tokens.legacy_prefix = Some("stk_".to_owned());
    change(&mut config);
    let house = House::over(Store::open(&Place::Memory).await.unwrap(), config).await;
    let (issuer, operator) = (&house.issuer, Actor::Operator);
    issuer.create_org("acme", None, None, &operator, &home()).await.unwrap();
    for project in ["site", "docs"] {
        issuer.create_project("acme", project, None, &operator, &home()).await.unwrap();
    }
    house
}

fn line(hash: &str, lookup: &str, text: &str) -> String {
    let length = text.len();
    format!(r#"{{"hash":"{hash}","lookup":"{lookup}","length":{length}}}"#)
}

async fn import(house: &House, lines: &[String]) -> Result<u64, LegacyError> {
    let defaults = Defaults { project: Some("acme/site".to_owned()), ..Defaults::default() };
    let done = house.issuer.import_legacy(&lines.join("\n"), defaults, "system").await?;
    Ok(done.imported)
}

async fn both() -> House {
    let house = house(|_| ()).await;
    let lines = [line(&bcrypted(ONE), "ab12", ONE), line(&argon2id(TWO), "ab12cd34", TWO)];
    assert_eq!(import(&house, &lines).await.unwrap(), 2);
    house
}

/// Whether it may publish in its project, asked from some address.
async fn works(house: &House, text: &str) -> bool {
    let place = PlaceAsked::Project { org: "acme", project: "site" };
    let ask = Ask { resource: None, place: Some(place) };
    let judged = house.issuer.check_from(text, &ask, home().address).await.unwrap();
    judged.is_ok_and(|decision| decision.may("project:publish"))
}

/// How many are left of which only a salted hash is known.
async fn untried(house: &House) -> usize {
    let lookups = crate::legacy::salted::keys(GUESS, "stk_");
    let now = house.issuer.now();
    house.issuer.0.store.legacy().candidates(&lookups, now).await.unwrap().len()
}

// proves: HP07, attack-50
#[tokio::test]
async fn it_is_tried_at_first_use_and_found_like_any_other_ever_after() {
    let house = both().await;
    for (text, left) in [(ONE, 1), (TWO, 0)] {
        assert!(!works(&house, GUESS).await);
        assert!(works(&house, text).await && works(&house, text).await);
        assert_eq!(untried(&house).await, left);
        let facts = house.issuer.0.store.credentials();
        let key = house.issuer.lookup_keys(text).0;
        assert!(facts.facts(&key).await.unwrap().is_some(), "as a plain digest");
    }
    // The same file again, and with another part of the text: nothing.
    let again = [line(&bcrypted(ONE), "ab12", ONE), line(&argon2id(TWO), "ab12c", TWO)];
    assert_eq!(import(&house, &again).await.unwrap(), 0);
    // Nowhere but in its project.
    let elsewhere = PlaceAsked::Project { org: "acme", project: "docs" };
    let ask = Ask { resource: None, place: Some(elsewhere) };
    let judged = house.issuer.check(ONE, &ask).await.unwrap().unwrap();
    assert!(judged.place.is_none());
}

#[tokio::test]
async fn introspection_and_our_own_api_try_it_too() {
    let house = both().await;
    let decision = house.issuer.verify(ONE, API).await.unwrap();
    assert!(!decision.scope.contains("account"));
    let secret = house.api().await;
    let request = params(&[("token", TWO), ("project", "acme/site")]);
    let said = house.issuer.introspect(&request, basic("api", &secret), &home()).await.unwrap();
    assert!(said.active && said.place.is_some());
}

#[tokio::test]
async fn what_was_revoked_before_anybody_presented_it_stays_revoked() {
    let house = both().await;
    let report = house.issuer.legacy_report(None).await.unwrap();
    let one = report.iter().find(|it| it.token.name == "legacy ab12").unwrap();
    assert!(house.issuer.revoke_legacy(&one.token.id.to_string(), "system").await.unwrap());
    assert!(!works(&house, ONE).await && works(&house, TWO).await);
    let again = import(&house, &[line(&bcrypted(ONE), "ab12cd34", ONE)]).await;
    assert_eq!(again.unwrap(), 0);
    assert!(!works(&house, ONE).await);

    // Nor does what was known by its digest come back by another hash of it.
    let house = by_digest().await;
    assert!(works(&house, ONE).await);
    let id = house.issuer.legacy_report(None).await.unwrap()[0].token.id.to_string();
    house.issuer.revoke_legacy(&id, "system").await.unwrap();
    assert_eq!(import(&house, &[line(&bcrypted(ONE), "ab12", ONE)]).await.unwrap(), 1);
    assert!(!works(&house, ONE).await);
}

async fn by_digest() -> House {
    let house = house(|_| ()).await;
    let digest = house.issuer.lookup_keys(ONE).0;
    let hex: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(import(&house, &[format!(r#"{{"hash":"{hex}"}}"#)]).await.unwrap(), 1);
    house
}

#[tokio::test]
async fn whoever_holds_it_may_end_it_before_its_first_use() {
    let house = both().await;
    let finder = from("198.51.100.9");
    let were = house.issuer.revoke_leaked(&[Secret::new(ONE)], "a test", &finder).await.unwrap();
    assert_eq!(were, [true]);
    let client = ClientCredentials::None;
    let request = params(&[("token", TWO), ("client_id", "hallpass-cli")]);
    house.issuer.revoke(&request, client, &home()).await.unwrap();
    assert!(!works(&house, ONE).await && !works(&house, TWO).await);
    assert_eq!(untried(&house).await, 0);
}

// proves: attack-44
#[tokio::test]
async fn a_text_without_a_lookup_costs_no_hashing_and_the_others_wait_their_turn() {
    let one_at_a_time = PasswordCost { permits: 1, queue: 0, ..cheap() };
    let house = house(|config| config.password = one_at_a_time).await;
    assert_eq!(import(&house, &[line(&bcrypted(ONE), "ab12", ONE)]).await.unwrap(), 1);
    // Somebody signs in, and that takes long.
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let issuer = house.issuer.clone();
    let long = tokio::spawn(async move {
        let work = move |_: &argon2::Argon2<'_>| {
            let _ = begun.send(());
            let _ = wait.recv();
        };
        issuer.0.hasher.slowly(work).await.map(drop)
    });
    is_begun.await.unwrap();
    let check = async |text: &str| house.issuer.check(text, &Ask::default()).await;
    let shorter = &GUESS[..GUESS.len() - 1];
    for text in ["stk_xy12cd34.0123456789abcdef0123", shorter, "stk_ab12", "stk_"] {
        assert!(matches!(check(text).await, Ok(Err(Refusal::Unknown))), "{text}");
    }
    for text in [ONE, GUESS] {
        assert!(matches!(check(text).await, Err(Error::Busy)), "{text}");
    }
    done.send(()).unwrap();
    long.await.unwrap().unwrap();
    assert!(works(&house, ONE).await, "it was held up, and not refused");
}

#[tokio::test]
async fn guessing_is_limited_by_lookup_and_by_network() {
    let limits = Limits {
        sign_in_per_account_and_network: 3,
        sign_in_per_account: 5,
        sign_in_per_network: 4,
        ..Limits::default()
    };
    let window = limits.sign_in_window;
    let house = house(|config| config.limits = limits).await;
    let lines = [line(&bcrypted(ONE), "ab12", ONE)];
    assert_eq!(import(&house, &lines).await.unwrap(), 1);
    let guess = async |text: &str, address: &str| {
        house.issuer.check_from(text, &Ask::default(), from(address).address).await
    };
    for n in 0..3 {
        let text = format!("stk_ab12cd34.{n:020}");
        assert!(matches!(guess(&text, "198.51.100.9").await, Ok(Err(Refusal::Unknown))));
    }
    // Not even the right one, from there; and it is not said that it is not good.
    assert!(matches!(guess(ONE, "198.51.100.200").await, Err(Error::Busy)));
    for n in 0..2 {
        let text = format!("stk_ab12cd34.{n:020}");
        assert!(guess(&text, "192.0.2.1").await.is_ok());
    }
    assert!(matches!(guess(ONE, "203.0.113.1").await, Err(Error::Busy)), "enough of everybody");
    // What has no lookup is not held up by it.
    assert!(matches!(guess("stk_xy12", "198.51.100.9").await, Ok(Err(Refusal::Unknown))));
    house.pass(window.as_secs() + 1);
    assert!(guess(ONE, "198.51.100.9").await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_come_with_it_at_once_are_all_let_in() {
    let house = std::sync::Arc::new(both().await);
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..64 {
        let house = house.clone();
        crowd.spawn(async move { works(&house, [ONE, TWO][n % 2]).await });
    }
    assert!(crowd.join_all().await.into_iter().all(|good| good));
}

#[tokio::test]
async fn too_many_of_one_lookup_are_refused_with_their_line() {
    let house = house(|_| ()).await;
    let texts: Vec<String> = (0..6).map(|n| format!("stk_ab12{n:022}")).collect();
    let lines: Vec<String> = texts.iter().map(|text| line(&bcrypted(text), "ab12", text)).collect();
    let refused = import(&house, &lines).await.unwrap_err().to_string();
    assert!(refused.starts_with("line 5: more than 4 tokens"), "{refused}");
    assert_eq!(import(&house, &lines[..4]).await.unwrap(), 4);
    let refused = import(&house, &lines[4..]).await.unwrap_err().to_string();
    assert!(refused.starts_with("line 1: more than 4 tokens"), "{refused}");
    assert_eq!(import(&house, &lines[..4]).await.unwrap(), 0);
    for text in &texts[..4] {
        assert!(works(&house, text).await);
    }
    // Who was found makes room.
    assert_eq!(import(&house, &lines[4..]).await.unwrap(), 2);
}
