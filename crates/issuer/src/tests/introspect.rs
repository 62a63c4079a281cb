//! E07–E09: resource servers ask.

use hallpass_core::Secret;
use hallpass_core::wire::oauth::Introspection;

use super::house::{API, House, ISSUER, basic, changed, code_of, home};
use crate::admin::NewClient;
use crate::{ClientCredentials, OAuthError};

async fn ask(
    house: &House,
    caller: &str,
    secret: &Secret,
    token: &str,
) -> Result<Introspection, OAuthError> {
    let request = changed(&[("token", token)], &[]);
    house.issuer.introspect(&request, basic(caller, secret), &home()).await
}

#[track_caller]
fn assert_says_nothing(answer: &Introspection) {
    assert_eq!(serde_json::to_string(answer).unwrap(), r#"{"active":false}"#);
}

// proves: E09
#[tokio::test]
async fn an_active_token_is_described() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house.api().await;
    let tokens = house.tokens(&ada).await;
    let said = ask(&house, "api", &secret, tokens.access_token.expose()).await.unwrap();
    assert!(said.active);
    assert_eq!(said.sub, Some(ada.user.id.to_string()));
    assert_eq!(said.username.as_deref(), Some("ada@example.com"));
    assert_eq!(said.client_id.as_deref(), Some("hallpass-cli"));
    assert_eq!((said.aud, said.iss.as_deref()), (vec![API.to_owned()], Some(ISSUER)));
    assert_eq!(said.exp.unwrap() - said.iat.unwrap(), 300);
    assert_eq!(said.token_type.as_deref(), Some("Bearer"));
    assert!(said.jti.unwrap().starts_with("jti_") && said.grant.unwrap().starts_with("grt_"));
    assert_eq!(said.scope, tokens.scope);
}

// proves: E07
#[tokio::test]
async fn only_who_proves_to_be_a_resource_server_may_ask() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house.api().await;
    let token = house.tokens(&ada).await.access_token;
    let table: [(ClientCredentials, &[(&str, &str)]); 7] = [
        (ClientCredentials::None, &[]),
        (ClientCredentials::None, &[("client_id", "hallpass-cli")]),
        (ClientCredentials::None, &[("client_id", "api")]),
        (ClientCredentials::None, &[("client_id", "api"), ("client_secret", "hp_cs_x")]),
        (ClientCredentials::Unusable, &[]),
        (basic("api", &Secret::new("hp_cs_x")), &[]),
        (basic("nobody", &secret), &[]),
    ];
    for (credentials, more) in table {
        let request = changed(&[("token", token.expose())], more);
        let refused = house.issuer.introspect(&request, credentials, &home()).await;
        assert_eq!(refused.as_ref().unwrap_err().status(), 401, "{more:?}");
        assert_eq!(code_of(refused), "invalid_client");
    }
    assert_eq!(code_of(ask(&house, "api", &secret, "").await), "invalid_request");
}

// proves: E08, E09
#[tokio::test]
async fn everything_else_is_exactly_active_false() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house.api().await;
    let stranger = house
        .client(NewClient {
            id: "elsewhere".to_owned(),
            confidential: true,
            resources: Some(vec!["https://elsewhere.example".to_owned()]),
            ..NewClient::default()
        })
        .await
        .unwrap();
    let tokens = house.tokens(&ada).await;
    let token = tokens.access_token.expose();
    assert!(ask(&house, "api", &secret, token).await.unwrap().active);
    // Not for this caller.
    assert_says_nothing(&ask(&house, "elsewhere", &stranger, token).await.unwrap());
    // A refresh token is nobody's business but its client's; an ID token is no credential.
    let refresh = tokens.refresh_token.as_ref().unwrap();
    assert_says_nothing(&ask(&house, "api", &secret, refresh.expose()).await.unwrap());
    let id_token = tokens.id_token.unwrap();
    assert_says_nothing(&ask(&house, "api", &secret, id_token.expose()).await.unwrap());
    // Never ours.
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    for nonsense in ["x", "a.b.c", &forged, "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA"] {
        assert_says_nothing(&ask(&house, "api", &secret, nonsense).await.unwrap());
    }
    // Expired.
    house.pass(299);
    assert!(ask(&house, "api", &secret, token).await.unwrap().active);
    house.pass(1);
    assert_says_nothing(&ask(&house, "api", &secret, token).await.unwrap());
    // Revoked.
    let fresh = house.refresh(refresh, &[]).await.unwrap();
    let revoke =
        changed(&[("client_id", "hallpass-cli"), ("token", fresh.access_token.expose())], &[]);
    house.issuer.revoke(&revoke, ClientCredentials::None, &home()).await.unwrap();
    assert_says_nothing(&ask(&house, "api", &secret, fresh.access_token.expose()).await.unwrap());
}

// proves: E08
#[tokio::test]
async fn a_client_sees_its_own_tokens() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house
        .client(NewClient {
            id: "web".to_owned(),
            confidential: true,
            redirect_uris: vec![super::house::WEB.to_owned()],
            resources: Some(vec![]),
            ..NewClient::default()
        })
        .await
        .unwrap();
    let code = house.code(&ada, &[("client_id", "web"), ("redirect_uri", super::house::WEB)]).await;
    let redeem = changed(
        &House::redeem_with(&code),
        &[("client_id", ""), ("redirect_uri", super::house::WEB)],
    );
    let tokens = house.issuer.token(&redeem, basic("web", &secret), &home()).await.unwrap();
    let access = ask(&house, "web", &secret, tokens.access_token.expose()).await.unwrap();
    assert!(access.active);
    let token = tokens.refresh_token.unwrap();
    let refresh = ask(&house, "web", &secret, token.expose()).await.unwrap();
    assert!(refresh.active && refresh.token_type.is_none());
    // Spent, it is not.
    let spend = changed(&[("grant_type", "refresh_token"), ("refresh_token", token.expose())], &[]);
    house.issuer.token(&spend, basic("web", &secret), &home()).await.unwrap();
    assert_says_nothing(&ask(&house, "web", &secret, token.expose()).await.unwrap());
    // Nor are others' tokens its business, without a resource of its own.
    let others = house.tokens(&ada).await;
    assert_says_nothing(&ask(&house, "web", &secret, others.access_token.expose()).await.unwrap());
}
