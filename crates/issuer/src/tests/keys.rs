//! F09: signing keys come and go. Also what we say about ourselves.

use std::sync::Arc;

use hallpass_core::Secret;
use hallpass_store::{Place, Store};

use super::chance::{Dice, Hourglass};
use super::house::{House, ISSUER, config};
use crate::{Error, Issuer, MasterKey, StartError};

const DAY: u64 = 24 * 3600;

fn kids(house: &House) -> Vec<String> {
    let kid = |jwk: &jsonwebtoken::jwk::Jwk| jwk.common.key_id.clone().unwrap();
    house.issuer.jwks().keys.iter().map(kid).collect()
}

fn kid_of(token: &Secret) -> String {
    jsonwebtoken::decode_header(token.expose()).unwrap().kid.unwrap()
}

// proves: F09
#[tokio::test]
async fn the_next_key_is_published_before_it_signs_and_the_last_one_afterwards() {
    let house = House::new().await;
    house.ada().await;
    let first = kids(&house);
    assert_eq!(first.len(), 2, "one for each algorithm");
    let tokens = async || {
        let ada = house.sign_in("ada@example.com").await.signed_in;
        house.tokens(&ada).await
    };
    house.pass(88 * DAY);
    house.issuer.tend().await.unwrap();
    assert_eq!(kids(&house), first);

    house.pass(DAY);
    for _ in 0..3 {
        house.issuer.tend().await.unwrap();
    }
    let both = kids(&house);
    assert_eq!(both.len(), 4, "the next of each, once");
    assert!(first.contains(&kid_of(&tokens().await.access_token)), "not signing yet");

    house.pass(DAY - 60);
    let last = tokens().await;
    house.pass(60);
    let newest = tokens().await;
    assert!(first.contains(&kid_of(&last.access_token)));
    assert!(!first.contains(&kid_of(&newest.access_token)));
    assert!(!first.contains(&kid_of(newest.id_token.as_ref().unwrap())));
    // What the old key signed is good until it expires, and so long the key is published.
    assert!(house.admits(&last.access_token).await);
    house.pass(3600);
    house.issuer.tend().await.unwrap();
    assert_eq!(kids(&house).len(), 4);
    house.pass(120);
    house.issuer.tend().await.unwrap();
    let left = kids(&house);
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|kid| both.contains(kid) && !first.contains(kid)));
}

// proves: F09, G05
#[tokio::test]
async fn only_public_halves_are_published_each_for_one_algorithm() {
    let house = House::new().await;
    for jwk in house.issuer.jwks().keys {
        let jwk = serde_json::to_value(jwk).unwrap();
        let mut names: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
        names.sort_unstable();
        match jwk["kty"].as_str().unwrap() {
            "EC" => {
                assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
                assert_eq!((&jwk["alg"], &jwk["crv"]), (&"ES256".into(), &"P-256".into()));
            }
            _ => {
                assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
                assert_eq!((&jwk["alg"], &jwk["e"]), (&"RS256".into(), &"AQAB".into()));
            }
        }
        assert_eq!(jwk["use"], "sig");
    }
}

#[tokio::test]
async fn an_operator_rotates_in_time_or_at_once() {
    let house = House::new().await;
    let ada = house.ada().await;
    let before = house.tokens(&ada).await;
    let made = house.issuer.rotate_signing_keys(false, "system").await.unwrap();
    assert_eq!((made.len(), kids(&house).len()), (2, 4));
    assert!(house.admits(&before.access_token).await);
    assert!(!made.iter().any(|id| id.to_string() == kid_of(&before.access_token)));

    let urgent = house.issuer.rotate_signing_keys(true, "system").await.unwrap();
    let mut urgent: Vec<_> = urgent.iter().map(ToString::to_string).collect();
    // Made at the same moment, they are in the order of their ids.
    urgent.sort_unstable();
    assert_eq!(kids(&house), urgent, "nothing else is published");
    assert!(!house.admits(&before.access_token).await, "nothing that the leaked one signed");
    let after = house.refresh(&before.refresh_token.unwrap(), &[]).await.unwrap();
    assert!(urgent.contains(&kid_of(&after.access_token)));
    assert!(house.admits(&after.access_token).await);
}

#[tokio::test]
async fn keys_survive_a_restart_and_do_not_open_with_another_master_key() {
    let store = Store::open(&Place::Memory).await.unwrap();
    let house = House::over(store.clone(), config()).await;
    let again = House::over(store.clone(), config()).await;
    assert_eq!(kids(&house), kids(&again));
    let (clock, dice) = (Arc::new(Hourglass::new()), Arc::new(Dice::new()));
    let other = Issuer::start(store, MasterKey::new([8; 32]), config(), clock, dice).await;
    let Err(StartError::Failed(error @ Error::Sealed { .. })) = other else { panic!("it opened") };
    assert!(error.to_string().contains("master key"));
}

// proves: A16, A17, B04, F01, F04
#[tokio::test]
async fn metadata_says_what_is_so() {
    let house = House::new().await;
    let metadata = house.issuer.metadata();
    assert_eq!(metadata.issuer, ISSUER);
    assert!(metadata.authorization_response_iss_parameter_supported);
    assert_eq!(metadata.code_challenge_methods_supported, ["S256"]);
    assert_eq!(metadata.response_types_supported, ["code"]);
    assert!(!metadata.request_uri_parameter_supported);
    let json = serde_json::to_value(&metadata).unwrap();
    for (name, value) in json.as_object().unwrap() {
        assert!(value.as_array().is_none_or(|list| !list.is_empty()), "{name}");
    }
    let config = house.issuer.auth_config();
    assert_eq!(config.issuer.as_deref(), Some(ISSUER));
    assert_eq!(config.client_id.as_deref(), Some("hallpass-cli"));
}
