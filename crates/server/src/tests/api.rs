//! `/api/v1` behind the guard.

use hallpass_core::Secret;
use hallpass_core::wire::{metadata::ServerMetadata, path};
use http::{Method, StatusCode};

use super::town::{Town, bearer, with_bearer};

// proves: F06, F07, G12
#[tokio::test]
async fn a_challenge_leads_to_the_metadata_and_those_to_the_issuer() {
    let town = Town::with("https://id.example.com", &[]).await;
    let answer = town.get(path::SESSIONS, &[("host", "evil.example")]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let challenge = answer.header("www-authenticate");
    let url = "https://id.example.com/.well-known/oauth-protected-resource/api";
    assert_eq!(challenge, format!("Bearer scope=\"account\", resource_metadata=\"{url}\""));

    let metadata = town.get("/.well-known/oauth-protected-resource/api", &[]).await.json();
    // RFC 9728 §3.3: identical to the resource whose path the well-known one was put before.
    assert_eq!(metadata["resource"], "https://id.example.com/api");
    let issuer = metadata["authorization_servers"][0].as_str().expect("an issuer");
    let document = town.get(path::OAUTH_AUTHORIZATION_SERVER, &[]).await;
    let document: ServerMetadata = serde_json::from_str(&document.body).expect("metadata");
    assert_eq!(document.issuer, issuer);
}

// proves: G04, G12, G13
#[tokio::test]
async fn what_is_no_access_token_for_this_api_is_refused() {
    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let tokens = town.tokens(&ada, "openid account").await;
    let good = bearer(&tokens.access_token);
    assert_eq!(town.get(path::WHOAMI, &with_bearer(&good)).await.status, StatusCode::OK);

    let id_token = bearer(&tokens.id_token.expect("an ID token"));
    let refresh = bearer(&tokens.refresh_token.expect("a refresh token"));
    let tampered = bearer(&Secret::new(format!("{}x", tokens.access_token.expose())));
    for header in [id_token, refresh, tampered, "Bearer abc".to_owned()] {
        for at in [path::WHOAMI, path::USERINFO] {
            let answer = town.get(at, &with_bearer(&header)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{at}");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        }
    }
    for at in [path::WHOAMI, path::USERINFO] {
        let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
        let answer = town.get(at, &twice).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{at}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_request\""));
    }
    let body = [("access_token", tokens.access_token.expose())];
    let both = town.post(path::USERINFO, &body, &with_bearer(&good)).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
}

// proves: I06
#[tokio::test]
async fn userinfo_by_get_and_by_post() {
    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let tokens = town.tokens(&ada, "openid email").await;
    let header = bearer(&tokens.access_token);
    let got = town.get(path::USERINFO, &with_bearer(&header)).await;
    let posted = town.ask(Method::POST, path::USERINFO, &with_bearer(&header), "").await;
    let body = [("access_token", tokens.access_token.expose())];
    let in_body = town.post(path::USERINFO, &body, &[]).await;
    assert_eq!(got.json()["sub"], ada.user.id.to_string());
    assert_eq!([&got.body, &got.body], [&posted.body, &in_body.body]);
}

// proves: G12
#[tokio::test]
async fn a_token_without_the_scope_is_told_which_one_is_needed() {
    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let tokens = town.tokens(&ada, "openid").await;
    let header = bearer(&tokens.access_token);
    let answer = town.get(path::WHOAMI, &with_bearer(&header)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"account\""), "{challenge}");
}

// proves: E06
#[tokio::test]
async fn a_revoked_sign_in_is_over_when_revoke_answers() {
    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let tokens = town.tokens(&ada, "account").await;
    let header = bearer(&tokens.access_token);
    assert_eq!(town.get(path::WHOAMI, &with_bearer(&header)).await.status, StatusCode::OK);
    let refresh = tokens.refresh_token.expect("a refresh token");
    let fields = [("token", refresh.expose()), ("client_id", super::town::CLIENT)];
    let revoked = town.post(path::REVOKE, &fields, &[]).await;
    assert_eq!((revoked.status, revoked.body.as_str()), (StatusCode::OK, ""));
    let after = town.get(path::WHOAMI, &with_bearer(&header)).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

// proves: attack-27
#[tokio::test]
async fn sign_ins_are_listed_and_ended_within_the_account_only() {
    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let eve = town.person("eve@example.com").await;
    let mine = bearer(&town.tokens(&ada, "account").await.access_token);
    let hers = bearer(&town.tokens(&eve, "account").await.access_token);

    let listed = town.get(path::SESSIONS, &with_bearer(&mine)).await.json();
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 2, "{listed}");
    let current: Vec<_> = items.iter().filter(|item| item["current"] == true).collect();
    assert_eq!(current.len(), 1);
    let program = current[0]["id"].as_str().expect("an id").to_owned();
    let browser = ada.session.id.to_string();

    for id in [program.as_str(), &browser, "ses_1", "grt_1", "%20", "usr_1"] {
        let at = format!("{}/{id}", path::SESSIONS);
        let answer = town.ask(Method::DELETE, &at, &with_bearer(&hers), "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
        assert_eq!(answer.json()["code"], "not_found");
    }
    for id in [&browser, &program] {
        let at = format!("{}/{id}", path::SESSIONS);
        let answer = town.ask(Method::DELETE, &at, &with_bearer(&mine), "").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{id}");
    }
    // It has ended itself.
    let after = town.get(path::SESSIONS, &with_bearer(&mine)).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    assert_eq!(town.get(path::SESSIONS, &with_bearer(&hers)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoami_tells_who_and_until_when() {
    let town = Town::new().await;
    let ada = town.person("ada@example.com").await;
    let header = bearer(&town.tokens(&ada, "account openid").await.access_token);
    let who: hallpass_core::wire::api::Whoami =
        serde_json::from_str(&town.get(path::WHOAMI, &with_bearer(&header)).await.body)
            .expect("whoami");
    assert_eq!(who.email, "ada@example.com");
    assert_eq!(who.scope.to_string(), "account openid");
    assert!(who.expires_at.expect("an end") > town.now());
}
