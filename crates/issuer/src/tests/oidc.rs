//! I01–I12, C16: OpenID Connect.

use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use serde_json::Value;

use super::house::{House, WEB, basic, changed, home, query, redirected};
use crate::admin::NewClient;
use crate::authorize::{Authorize, AuthorizeError, AuthorizePageError};
use crate::error::BearerError;
use crate::{Issuer, SignedIn};

fn claims(token: &Secret) -> Value {
    use base64::Engine as _;
    let payload = token.expose().split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The request that the browser comes back with after signing in.
fn back(answer: Result<Authorize, AuthorizeError>) -> Params {
    match answer {
        Ok(Authorize::SignIn { return_to, .. }) => {
            Params::parse(return_to.split_once('?').unwrap().1.as_bytes()).unwrap()
        }
        other => panic!("no sign-in: {other:?}"),
    }
}

async fn consents(issuer: &Issuer, request: &Params, who: &SignedIn) -> bool {
    matches!(issuer.authorize(request, Some(who), &home()).await, Ok(Authorize::Consent(_)))
}

// proves: I01, I02, I05, I07, I10
#[tokio::test]
async fn an_id_token_comes_with_openid_and_says_who_and_when() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.pass(100);
    let code =
        house.code(&ada, &[("nonce", "n-0S6_WzA2Mj"), ("scope", "openid profile email")]).await;
    let tokens = house.redeem(&code, &[]).await.unwrap();
    let id = claims(tokens.id_token.as_ref().unwrap());
    assert_eq!(id["iss"], super::house::ISSUER);
    assert_eq!(id["aud"], "hallpass-cli");
    assert_eq!(id["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(id["auth_time"], ada.session.auth_time.secs());
    assert_eq!(id["iat"], ada.session.auth_time.secs() + 100);
    assert_eq!((&id["email"], &id["email_verified"]), (&"ada@example.com".into(), &false.into()));
    assert_eq!(id["name"], "Ada Lovelace");
    let sub = id["sub"].as_str().unwrap();
    assert!(sub.is_ascii() && sub.len() <= 255 && sub == ada.user.id.to_string());
    assert_eq!(id["at_hash"], crate::jwt::claims::at_hash(&tokens.access_token),);
    assert_eq!(id["grant"], claims(&tokens.access_token)["grant"]);

    let code = house.code(&ada, &[("scope", "account")]).await;
    assert!(house.redeem(&code, &[]).await.unwrap().id_token.is_none());
    let code = house.code(&ada, &[("scope", "openid")]).await;
    let bare = claims(&house.redeem(&code, &[]).await.unwrap().id_token.unwrap());
    for absent in ["email", "email_verified", "name", "nonce"] {
        assert!(bare.get(absent).is_none(), "{absent}");
    }
}

// proves: I07
#[tokio::test]
async fn rs256_unless_the_client_wants_es256() {
    let house = House::new().await;
    let ada = house.ada().await;
    let es = NewClient {
        id: "es".to_owned(),
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        id_token_alg: Some("ES256".to_owned()),
        ..NewClient::default()
    };
    house.client(es).await;
    for (client, alg) in [("hallpass-cli", "RS256"), ("es", "ES256")] {
        let code = house.code(&ada, &[("client_id", client)]).await;
        let tokens = house.redeem(&code, &[("client_id", client)]).await.unwrap();
        let alg_of = |token: &Secret| {
            format!("{:?}", jsonwebtoken::decode_header(token.expose()).unwrap().alg)
        };
        assert_eq!(alg_of(tokens.id_token.as_ref().unwrap()), alg);
        assert_eq!(alg_of(&tokens.access_token), "ES256");
    }
}

// proves: C16
#[tokio::test]
async fn a_refreshed_id_token_tells_of_the_same_sign_in() {
    let house = House::new().await;
    let ada = house.ada().await;
    let code = house.code(&ada, &[("nonce", "n")]).await;
    let tokens = house.redeem(&code, &[]).await.unwrap();
    let first = claims(tokens.id_token.as_ref().unwrap());
    house.pass(1000);
    let refreshed = house.refresh(&tokens.refresh_token.unwrap(), &[]).await.unwrap();
    let second = claims(refreshed.id_token.as_ref().unwrap());
    for same in ["iss", "sub", "aud", "auth_time", "grant"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    assert_eq!(second["iat"].as_i64().unwrap(), first["iat"].as_i64().unwrap() + 1000);
    assert!(second.get("nonce").is_none());
    assert_eq!(second["at_hash"], crate::jwt::claims::at_hash(&refreshed.access_token));
}

// proves: I03
#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.web().await;
    let error = async |who, changes: &[(&str, &str)]| {
        query(&redirected(house.ask(who, changes).await)).remove("error")
    };
    let none = ("prompt", "none");
    assert_eq!(error(None, &[none]).await.as_deref(), Some("login_required"));
    assert_eq!(error(Some(&ada), &[none]).await.as_deref(), Some("consent_required"));
    let web = [none, ("client_id", "web"), ("redirect_uri", WEB)];
    assert_eq!(error(None, &web).await.as_deref(), Some("login_required"));
    assert_eq!(error(Some(&ada), &web).await.as_deref(), Some("consent_required"));
    house.code(&ada, &web[1..]).await;
    assert_eq!(error(Some(&ada), &web).await, None);
    house.pass(100);
    let fresh = [web.as_slice(), &[("max_age", "99")]].concat();
    assert_eq!(error(Some(&ada), &fresh).await.as_deref(), Some("login_required"));
    for mixed in ["none login", "none consent", "login none", "none select_account"] {
        assert_eq!(
            error(Some(&ada), &[("prompt", mixed)]).await.as_deref(),
            Some("invalid_request")
        );
    }
}

// proves: I04
#[tokio::test]
async fn prompt_login_asks_again_and_once() {
    let house = House::new().await;
    let ada = house.ada().await;
    for prompt in ["login", "select_account", "login consent"] {
        let asked = [("prompt", prompt)];
        let request = back(house.ask(Some(&ada), &asked).await);
        house.pass(10);
        // The old session is not the answer …
        back(house.issuer.authorize(&request, Some(&ada), &home()).await);
        // … a new sign-in is, once for this request.
        let again = house.sign_in("ada@example.com").await.signed_in;
        assert!(consents(&house.issuer, &request, &again).await, "{prompt}");
        let url = house.issuer.approve(&request, &again, &home()).await.unwrap();
        assert!(query(&url).contains_key("code"));
        house.pass(10);
        back(house.ask(Some(&again), &asked).await);
    }
    // Who is not signed in at all signs in once.
    let request = back(house.ask(None, &[("prompt", "login")]).await);
    house.pass(10);
    let fresh = house.sign_in("ada@example.com").await.signed_in;
    assert!(consents(&house.issuer, &request, &fresh).await);
}

// proves: I04
#[tokio::test]
async fn a_client_cannot_say_for_itself_that_the_person_signed_in_again() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.pass(10);
    let asked = [("prompt", "login"), ("state", "1")];
    let real = back(house.ask(Some(&ada), &asked).await);
    house.pass(10);
    let again = house.sign_in("ada@example.com").await.signed_in;
    let ticket = real.get("hallpass_ticket").unwrap();
    for forged in ["0.0.AAAA", "", "x"] {
        let request = [asked.as_slice(), &[("hallpass_ticket", forged)]].concat();
        back(house.ask(Some(&again), &request).await);
    }
    let moved = [("prompt", "login"), ("state", "2"), ("hallpass_ticket", ticket)];
    back(house.ask(Some(&again), &moved).await);
    // Nor is it approved without.
    let bare = changed(&House::ASK, &asked);
    let refused = house.issuer.approve(&bare, &again, &home()).await;
    assert!(matches!(refused, Err(AuthorizeError::Page(AuthorizePageError::Stale))));
}

// proves: I05
#[tokio::test]
async fn max_age_is_enforced() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.pass(100);
    for (max_age, fresh) in
        [("100", true), ("101", true), ("9999999999", true), ("99", false), ("0", false)]
    {
        match house.ask(Some(&ada), &[("max_age", max_age)]).await {
            Ok(Authorize::Consent(_)) => assert!(fresh, "{max_age}"),
            Ok(Authorize::SignIn { .. }) => assert!(!fresh, "{max_age}"),
            other => panic!("{max_age}: {other:?}"),
        }
    }
    // While the person reads the page, it stays fresh enough; for an hour.
    let Ok(Authorize::Consent(page)) = house.ask(Some(&ada), &[("max_age", "100")]).await else {
        panic!("no consent");
    };
    house.pass(600);
    assert!(house.issuer.approve(&page.request, &ada, &home()).await.is_ok());
    house.pass(3600);
    let late = house.issuer.approve(&page.request, &ada, &home()).await;
    assert!(matches!(late, Err(AuthorizeError::Page(AuthorizePageError::Stale))));
    // Signing in again answers it, and auth_time says so.
    let request = back(house.ask(Some(&ada), &[("max_age", "0")]).await);
    house.pass(5);
    let again = house.sign_in("ada@example.com").await.signed_in;
    house.pass(5);
    assert!(consents(&house.issuer, &request, &again).await);
    let url = house.issuer.approve(&request, &again, &home()).await.unwrap();
    let tokens = house.redeem(&query(&url)["code"], &[]).await.unwrap();
    assert_eq!(claims(&tokens.id_token.unwrap())["auth_time"], again.session.auth_time.secs());
}

// proves: I08
#[tokio::test]
async fn a_hint_about_somebody_else_asks_them_to_sign_in() {
    let house = House::new().await;
    let ada = house.ada().await;
    let bob = house.person("bob@example.com").await;
    let hint = house.tokens(&ada).await.id_token.unwrap();
    house.pass(7200);
    let hinted = [("id_token_hint", hint.expose())];
    let silent = [("id_token_hint", hint.expose()), ("prompt", "none")];
    let error = |answer| query(&redirected(answer))["error"].clone();
    assert!(
        matches!(house.ask(Some(&ada), &hinted).await, Ok(Authorize::Consent(_))),
        "expired is fine"
    );
    assert_eq!(error(house.ask(Some(&bob), &silent).await), "login_required");
    assert_eq!(error(house.ask(None, &silent).await), "login_required");
    let request = back(house.ask(Some(&bob), &hinted).await);
    house.pass(5);
    let still_bob = house.sign_in("bob@example.com").await.signed_in;
    let answer = house.issuer.authorize(&request, Some(&still_bob), &home()).await;
    assert_eq!(error(answer), "login_required", "asked once, not in circles");
    let now_ada = house.sign_in("ada@example.com").await.signed_in;
    assert!(consents(&house.issuer, &request, &now_ada).await);
}

// proves: I06
#[tokio::test]
async fn userinfo_says_what_the_scope_allows() {
    let house = House::new().await;
    let ada = house.ada().await;
    for (scope, said) in [
        ("openid", r#"{"sub":"ID"}"#),
        ("openid profile", r#"{"sub":"ID","name":"Ada Lovelace"}"#),
        ("openid email", r#"{"sub":"ID","email":"ada@example.com","email_verified":false}"#),
    ] {
        let code = house.code(&ada, &[("scope", scope)]).await;
        let tokens = house.redeem(&code, &[]).await.unwrap();
        let info = house.issuer.userinfo(tokens.access_token.expose()).await.unwrap();
        assert_eq!(
            info.sub,
            claims(&tokens.id_token.unwrap())["sub"],
            "the same as in the ID token"
        );
        let json = serde_json::to_string(&info).unwrap();
        assert_eq!(json.replace(&ada.user.id.to_string(), "ID"), said);
    }
    let code = house.code(&ada, &[("scope", "account")]).await;
    let plain = house.redeem(&code, &[]).await.unwrap();
    let refused = house.issuer.userinfo(plain.access_token.expose()).await;
    assert!(matches!(refused, Err(BearerError::InsufficientScope { needed: "openid" })));
    let refused = house.issuer.userinfo("nonsense").await;
    assert!(matches!(refused, Err(BearerError::InvalidToken { .. })));
}

#[tokio::test]
async fn confidential_clients_sign_people_in_too() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house.web().await;
    let code = house.code(&ada, &[("client_id", "web"), ("redirect_uri", WEB)]).await;
    for credentials in [basic("web", &Secret::new("hp_cs_x")), basic("web", &secret)] {
        let request =
            changed(&House::redeem_with(&code), &[("client_id", ""), ("redirect_uri", WEB)]);
        let right = credentials == basic("web", &secret);
        assert_eq!(house.issuer.token(&request, credentials, &home()).await.is_ok(), right);
    }
}
