//! C09–C16: refresh tokens.

use std::sync::Arc;

use hallpass_core::Secret;

use super::house::{House, WEB, basic, changed, code_of, home};
use crate::ClientCredentials;

// proves: C09, attack-10
#[tokio::test]
async fn every_use_brings_a_new_one() {
    let house = House::new().await;
    let ada = house.ada().await;
    let first = house.tokens(&ada).await;
    let mut seen = vec![first.refresh_token.clone().unwrap()];
    for _ in 0..5 {
        house.pass(60);
        let next = house.refresh(seen.last().unwrap(), &[]).await.unwrap();
        let token = next.refresh_token.unwrap();
        assert!(!seen.contains(&token));
        assert!(house.admits(&next.access_token).await);
        assert_eq!(next.scope, first.scope);
        seen.push(token);
    }
}

// proves: C15, attack-10
#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    let house = House::new().await;
    let ada = house.ada().await;
    let first = house.tokens(&ada).await.refresh_token.unwrap();
    let second = house.refresh(&first, &[]).await.unwrap().refresh_token.unwrap();
    house.pass(29);
    let again = house.refresh(&first, &[]).await.unwrap();
    assert_eq!(again.refresh_token.as_ref(), Some(&second), "the same successor");
    assert!(house.admits(&again.access_token).await);
    // The successor is as good as ever.
    assert!(house.refresh(&second, &[]).await.is_ok());
}

// proves: C10, C15, attack-10
#[tokio::test]
async fn a_replay_ends_its_family_and_only_that() {
    let house = House::new().await;
    let ada = house.ada().await;
    // After the grace; and within it, once the successor was spent.
    for (wait, spend_successor) in [(31, false), (1, true), (3600, true)] {
        let bystander = house.tokens(&ada).await;
        let first = house.tokens(&ada).await.refresh_token.unwrap();
        let mut newest = house.refresh(&first, &[]).await.unwrap();
        if spend_successor {
            newest = house.refresh(&newest.refresh_token.unwrap(), &[]).await.unwrap();
        }
        house.pass(wait);
        assert_eq!(code_of(house.refresh(&first, &[]).await), "invalid_grant");
        let newest_token = newest.refresh_token.unwrap();
        assert_eq!(code_of(house.refresh(&newest_token, &[]).await), "invalid_grant");
        assert!(!house.admits(&newest.access_token).await);
        assert!(house.refresh(&bystander.refresh_token.unwrap(), &[]).await.is_ok());
    }
}

// proves: C11, attack-11
#[tokio::test]
async fn another_client_gets_nothing_and_ends_nothing() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.other_cli().await;
    let web = house.web().await;
    let first = house.tokens(&ada).await.refresh_token.unwrap();
    let as_web =
        changed(&[("grant_type", "refresh_token"), ("refresh_token", first.expose())], &[]);
    for _ in 0..2 {
        let other = house.refresh(&first, &[("client_id", "other-cli")]).await;
        assert_eq!(code_of(other), "invalid_grant");
        assert_eq!(
            code_of(house.issuer.token(&as_web, basic("web", &web), &home()).await),
            "invalid_grant"
        );
        assert_eq!(code_of(house.refresh(&first, &[("client_id", "")]).await), "invalid_client");
    }
    let second = house.refresh(&first, &[]).await.unwrap().refresh_token.unwrap();
    // Nor does another client get the successor within the grace, or end the family.
    let other = house.refresh(&first, &[("client_id", "other-cli")]).await;
    assert_eq!(code_of(other), "invalid_grant");
    assert!(house.refresh(&second, &[]).await.is_ok());
}

// proves: C11, attack-11
#[tokio::test]
async fn a_confidential_clients_refresh_token_needs_its_secret() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house.web().await;
    let code = house.code(&ada, &[("client_id", "web"), ("redirect_uri", WEB)]).await;
    let redeem =
        changed(&House::redeem_with(&code), &[("client_id", "web"), ("redirect_uri", WEB)]);
    let tokens = house.issuer.token(&redeem, basic("web", &secret), &home()).await.unwrap();
    let token = tokens.refresh_token.unwrap();
    let request = |id| {
        changed(
            &[("grant_type", "refresh_token"), ("refresh_token", token.expose())],
            &[("client_id", id)],
        )
    };
    let bare = house.issuer.token(&request("web"), ClientCredentials::None, &home()).await;
    assert_eq!(code_of(bare), "invalid_client");
    let public =
        house.issuer.token(&request("hallpass-cli"), ClientCredentials::None, &home()).await;
    assert_eq!(code_of(public), "invalid_grant");
    assert!(house.issuer.token(&request(""), basic("web", &secret), &home()).await.is_ok());
}

// proves: C12
#[tokio::test]
async fn the_scope_may_shrink_and_never_grow() {
    let house = House::new().await;
    let ada = house.ada().await;
    let code = house.code(&ada, &[("scope", "openid profile")]).await;
    let token = house.redeem(&code, &[]).await.unwrap().refresh_token.unwrap();
    for (wider, error) in [
        ("openid profile email", "invalid_scope"),
        ("account", "invalid_scope"),
        ("openid  profile", "invalid_scope"),
    ] {
        assert_eq!(code_of(house.refresh(&token, &[("scope", wider)]).await), error, "{wider}");
    }
    let narrow = house.refresh(&token, &[("scope", "profile")]).await.unwrap();
    assert_eq!(narrow.scope.unwrap().to_string(), "profile");
    assert!(narrow.id_token.is_none(), "without openid there is none");
    let decision = house.issuer.verify(narrow.access_token.expose(), super::house::API).await;
    assert_eq!(decision.unwrap().scope.to_string(), "profile");
    // The refresh token itself kept everything (RFC 6749 §6).
    let whole = house.refresh(&narrow.refresh_token.unwrap(), &[]).await.unwrap();
    assert_eq!(whole.scope.unwrap().to_string(), "openid profile");
}

// proves: C14
#[tokio::test]
async fn it_ends_when_idle_and_with_its_grant() {
    let house = House::new().await;
    let ada = house.ada().await;
    let day = 24 * 3600;
    let idle = house.tokens(&ada).await.refresh_token.unwrap();
    house.pass(30 * day);
    assert_eq!(code_of(house.refresh(&idle, &[]).await), "invalid_grant");

    let ada = house.sign_in("ada@example.com").await.signed_in;
    let mut busy = house.tokens(&ada).await.refresh_token.unwrap();
    for _ in 0..14 {
        house.pass(26 * day);
        busy = house.refresh(&busy, &[]).await.unwrap().refresh_token.unwrap();
    }
    house.pass(2 * day);
    assert_eq!(code_of(house.refresh(&busy, &[]).await), "invalid_grant", "a year is over");
}

// proves: C15, attack-10
#[tokio::test(flavor = "multi_thread")]
async fn of_64_at_once_all_get_the_same_child() {
    let house = Arc::new(House::new().await);
    let ada = house.ada().await;
    for _ in 0..20 {
        let first = house.tokens(&ada).await.refresh_token.unwrap();
        let tries: Vec<_> = (0..64)
            .map(|_| {
                let (house, first) = (house.clone(), first.clone());
                tokio::spawn(async move { house.refresh(&first, &[]).await })
            })
            .collect();
        let mut children: Vec<Secret> = Vec::new();
        for attempt in tries {
            let child = attempt.await.unwrap().unwrap().refresh_token.unwrap();
            if !children.contains(&child) {
                children.push(child);
            }
        }
        assert_eq!(children.len(), 1);
        assert!(house.refresh(&children[0], &[]).await.is_ok());
    }
}

#[tokio::test]
async fn a_client_without_the_grant_type_gets_no_refresh_token() {
    let house = House::new().await;
    let ada = house.ada().await;
    let new = crate::admin::NewClient {
        id: "brief".to_owned(),
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        grant_types: Some(vec!["authorization_code".to_owned()]),
        ..Default::default()
    };
    house.client(new).await;
    let code = house.code(&ada, &[("client_id", "brief")]).await;
    let tokens = house.redeem(&code, &[("client_id", "brief")]).await.unwrap();
    assert!(tokens.refresh_token.is_none());
}
