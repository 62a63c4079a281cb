//! E01–E06: tokens are given back.

use hallpass_core::wire::params::Params;

use super::house::{House, basic, changed, code_of, home};
use crate::{ClientCredentials, OAuthError};

async fn revoke(house: &House, token: &str, more: &[(&str, &str)]) -> Result<(), OAuthError> {
    let request = changed(&[("client_id", "hallpass-cli"), ("token", token)], more);
    house.issuer.revoke(&request, ClientCredentials::None, &home()).await
}

// proves: E01, E05, E06
#[tokio::test]
async fn a_refresh_token_takes_its_grant_along() {
    let house = House::new().await;
    let ada = house.ada().await;
    for hint in ["", "refresh_token", "access_token", "nonsense"] {
        let first = house.tokens(&ada).await;
        let refresh = first.refresh_token.unwrap();
        let second = house.refresh(&refresh, &[]).await.unwrap();
        revoke(
            &house,
            second.refresh_token.as_ref().unwrap().expose(),
            &[("token_type_hint", hint)],
        )
        .await
        .unwrap();
        assert!(!house.admits(&first.access_token).await, "{hint}");
        assert!(!house.admits(&second.access_token).await, "{hint}");
        assert_eq!(
            code_of(house.refresh(&second.refresh_token.unwrap(), &[]).await),
            "invalid_grant"
        );
    }
}

// proves: E05
#[tokio::test]
async fn a_rotated_refresh_token_does_too() {
    let house = House::new().await;
    let ada = house.ada().await;
    let first = house.tokens(&ada).await.refresh_token.unwrap();
    let second = house.refresh(&first, &[]).await.unwrap();
    revoke(&house, first.expose(), &[]).await.unwrap();
    assert!(!house.admits(&second.access_token).await);
}

// proves: E01, E04, E06
#[tokio::test]
async fn an_access_token_goes_alone() {
    let house = House::new().await;
    let ada = house.ada().await;
    for hint in ["", "access_token", "refresh_token", "nonsense"] {
        let tokens = house.tokens(&ada).await;
        let refresh = tokens.refresh_token.unwrap();
        let sibling = house.refresh(&refresh, &[]).await.unwrap();
        revoke(&house, tokens.access_token.expose(), &[("token_type_hint", hint)]).await.unwrap();
        assert!(!house.admits(&tokens.access_token).await, "{hint}");
        assert!(house.admits(&sibling.access_token).await, "{hint}");
        assert!(house.refresh(&sibling.refresh_token.unwrap(), &[]).await.is_ok());
    }
}

// proves: E02
#[tokio::test]
async fn what_nobody_knows_is_revoked_already() {
    let house = House::new().await;
    let ada = house.ada().await;
    let tokens = house.tokens(&ada).await;
    let refresh = tokens.refresh_token.unwrap();
    for token in [
        "x",
        "a.b.c",
        "hp_rt_0123456789ABCDEFGHIJKLMNOPQRST3OurKA",
        tokens.id_token.unwrap().expose(),
    ] {
        revoke(&house, token, &[]).await.unwrap();
    }
    assert!(house.admits(&tokens.access_token).await);
    for _ in 0..2 {
        revoke(&house, tokens.access_token.expose(), &[]).await.unwrap();
        revoke(&house, refresh.expose(), &[]).await.unwrap();
    }
    house.pass(3600);
    revoke(&house, tokens.access_token.expose(), &[]).await.unwrap();
}

// proves: E03
#[tokio::test]
async fn another_client_revokes_nothing() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.other_cli().await;
    let web = house.web().await;
    let tokens = house.tokens(&ada).await;
    let refresh = tokens.refresh_token.unwrap();
    for token in [tokens.access_token.expose(), refresh.expose()] {
        let other = revoke(&house, token, &[("client_id", "other-cli")]).await;
        assert_eq!(code_of(other), "invalid_grant");
        let request = Params::parse(format!("token={token}").as_bytes()).unwrap();
        let other = house.issuer.revoke(&request, basic("web", &web), &home()).await;
        assert_eq!(code_of(other), "invalid_grant");
        assert_eq!(code_of(revoke(&house, token, &[("client_id", "")]).await), "invalid_client");
        assert_eq!(code_of(revoke(&house, token, &[("client_id", "web")]).await), "invalid_client");
    }
    assert!(house.admits(&tokens.access_token).await);
    assert!(house.refresh(&refresh, &[]).await.is_ok());
    assert_eq!(code_of(revoke(&house, "", &[]).await), "invalid_request");
}
