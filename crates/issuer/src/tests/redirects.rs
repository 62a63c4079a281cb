//! A02–A19: who is redirected where, and with what.

use super::house::{
    CHALLENGE, House, ISSUER, LOOPBACK, WEB, changed, home, params, query, redirected,
};
use crate::admin::NewClient;
use crate::authorize::{Authorize, AuthorizeError, AuthorizePageError};

// proves: A05, A07, A08, A09, A10, attack-7
#[tokio::test]
async fn without_a_known_client_and_its_redirect_uri_nobody_is_redirected() {
    use AuthorizePageError::{NoClient, NoRedirect, UnknownClient, WrongRedirect};
    let house = House::new().await;
    let ada = house.ada().await;
    house.web().await;
    house
        .client(NewClient {
            id: "gone".to_owned(),
            redirect_uris: vec![WEB.to_owned()],
            ..NewClient::default()
        })
        .await;
    assert!(house.issuer.disable_client("gone", "system").await.unwrap());
    let table: [(&[(&str, &str)], AuthorizePageError); 26] = [
        (&[("client_id", "")], NoClient),
        (&[("client_id", "nobody")], UnknownClient),
        (&[("client_id", "HALLPASS-CLI")], UnknownClient),
        (&[("client_id", "gone"), ("redirect_uri", WEB)], UnknownClient),
        (&[("redirect_uri", "")], NoRedirect),
        (&[("redirect_uri", "https://evil.example/callback")], WrongRedirect),
        (&[("redirect_uri", WEB)], WrongRedirect),
        (&[("redirect_uri", "http://localhost:4711/callback")], WrongRedirect),
        (&[("redirect_uri", "https://127.0.0.1:4711/callback")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:4711/callback/")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:4711/callback?x")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:4711/callback#x")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:4711/Callback")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:4711/./callback")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:4711@evil.example/callback")], WrongRedirect),
        (&[("redirect_uri", "http://user@127.0.0.1:4711/callback")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1.evil.example:4711/callback")], WrongRedirect),
        (&[("redirect_uri", "http://0x7f.1:4711/callback")], WrongRedirect),
        (&[("redirect_uri", "http://2130706433/callback")], WrongRedirect),
        (&[("redirect_uri", "http://[::ffff:127.0.0.1]:4711/callback")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:0/callback")], WrongRedirect),
        (&[("redirect_uri", "http://127.0.0.1:65536/callback")], WrongRedirect),
        (&[("redirect_uri", "http:\\\\127.0.0.1:4711\\callback")], WrongRedirect),
        (&[("client_id", "web"), ("redirect_uri", "https://app.example.com/cb/")], WrongRedirect),
        (
            &[("client_id", "web"), ("redirect_uri", "https://app.example.com:444/cb")],
            WrongRedirect,
        ),
        (&[("client_id", "web"), ("redirect_uri", "HTTPS://app.example.com/cb")], WrongRedirect),
    ];
    for (changes, why) in table {
        // Other faults and an approving person change nothing about it.
        let worse = [changes, &[("response_type", "token"), ("prompt", "none")]].concat();
        for changes in [changes, &worse] {
            for who in [None, Some(&ada)] {
                match house.ask(who, changes).await {
                    Err(AuthorizeError::Page(page)) => assert_eq!(page, why, "{changes:?}"),
                    other => panic!("{changes:?}: {other:?}"),
                }
            }
            let request = changed(&House::ASK, changes);
            for answer in [
                house.issuer.approve(&request, &ada, &home()).await,
                house.issuer.deny(&request, &ada).await,
            ] {
                assert!(matches!(answer, Err(AuthorizeError::Page(page)) if page == why));
            }
        }
    }
    for good in
        ["http://127.0.0.1/callback", "http://127.0.0.1:1/callback", "http://[::1]:65535/callback"]
    {
        let answer = house.ask(Some(&ada), &[("redirect_uri", good)]).await;
        assert!(matches!(answer, Ok(Authorize::Consent(_))), "{good}");
    }
}

// proves: A12, A13, A14, A15, B03, G07, I03, I12
#[tokio::test]
async fn the_client_hears_the_registered_code_its_state_and_iss() {
    let house = House::new().await;
    let ada = house.ada().await;
    let narrow = NewClient {
        id: "narrow".to_owned(),
        redirect_uris: vec![WEB.to_owned()],
        scopes: Some("openid".parse().unwrap()),
        ..NewClient::default()
    };
    house.client(narrow).await;
    let device_only = NewClient {
        id: "device-only".to_owned(),
        redirect_uris: vec![WEB.to_owned()],
        grant_types: Some(vec![super::house::DEVICE.to_owned()]),
        ..NewClient::default()
    };
    house.client(device_only).await;
    let table: [(&[(&str, &str)], &str); 30] = [
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "id_token")], "unsupported_response_type"),
        (&[("response_type", "id_token token")], "unsupported_response_type"),
        (&[("response_type", "code token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "none")], "unsupported_response_type"),
        (&[("response_type", "CODE")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "form_post")], "invalid_request"),
        (&[("scope", "openid admin")], "invalid_scope"),
        (&[("scope", "openid  profile")], "invalid_scope"),
        (&[("scope", "\"openid\"")], "invalid_scope"),
        (&[("client_id", "narrow"), ("redirect_uri", WEB)], "invalid_scope"),
        (&[("client_id", "device-only"), ("redirect_uri", WEB)], "unauthorized_client"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("request_uri", "https://a.example/r")], "request_uri_not_supported"),
        (&[("registration", "{}")], "registration_not_supported"),
        (&[("resource", "https://unknown.example")], "invalid_target"),
        (&[("resource", "not-absolute")], "invalid_target"),
        (&[("resource", "http://localhost:8470/api#x")], "invalid_target"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "none none")], "invalid_request"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("max_age", "soon")], "invalid_request"),
        (&[("max_age", "99999999999")], "invalid_request"),
        (&[("id_token_hint", "a.b.c")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("nonce", &"n".repeat(1025))], "invalid_request"),
    ];
    let state = "%2B+ &=#\u{e9}";
    for (changes, error) in table {
        let changes = [changes, &[("state", state)]].concat();
        let url = redirected(house.ask(Some(&ada), &changes).await);
        let said = query(&url);
        assert_eq!((said["error"].as_str(), said["state"].as_str()), (error, state), "{changes:?}");
        assert_eq!(said["iss"], ISSUER);
        let description = said["error_description"].bytes();
        assert!(
            description.into_iter().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
        );
        assert!(!said.contains_key("code") && !url.contains('#'));
        let to = changes.iter().find(|(name, _)| *name == "redirect_uri").map_or(LOOPBACK, |c| c.1);
        assert!(url.starts_with(&format!("{to}?")), "{url}");
    }
    // Without a state there is none in the answer.
    let url = redirected(house.ask(Some(&ada), &[("state", ""), ("response_type", "token")]).await);
    assert!(!query(&url).contains_key("state"));
}

// proves: A12, A15, B13
#[tokio::test]
async fn success_and_denial_carry_state_and_iss_too() {
    let house = House::new().await;
    let ada = house.ada().await;
    let request = changed(&House::ASK, &[]);
    let approved = query(&house.issuer.approve(&request, &ada, &home()).await.unwrap());
    assert_eq!((approved["state"].as_str(), approved["iss"].as_str()), ("a state", ISSUER));
    assert!(hallpass_core::TokenText::parse(hallpass_core::Kind::Code, &approved["code"]).is_ok());
    let denied = query(&house.issuer.deny(&request, &ada).await.unwrap());
    assert_eq!((denied["state"].as_str(), denied["iss"].as_str()), ("a state", ISSUER));
    assert_eq!(denied["error"], "access_denied");
}

// proves: A19
#[tokio::test]
async fn a_stranger_is_not_bounced_to_a_client_that_proves_nothing() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.web().await;
    let faulty = [("response_type", "token")];
    // A public client: sign in first, and come back to the very same request.
    let Ok(Authorize::SignIn { return_to, .. }) = house.ask(None, &faulty).await else {
        panic!("a redirect");
    };
    let again = params(
        &url::Url::parse(&format!("{ISSUER}{return_to}"))
            .unwrap()
            .query_pairs()
            .collect::<Vec<_>>()
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .collect::<Vec<_>>(),
    );
    let url = redirected(house.issuer.authorize(&again, Some(&ada), &home()).await);
    assert_eq!(query(&url)["error"], "unsupported_response_type");
    // The silent use case is the RFC's exception, and a client with a secret is known.
    let silent = [("response_type", "token"), ("prompt", "none")];
    assert_eq!(
        query(&redirected(house.ask(None, &silent).await))["error"],
        "unsupported_response_type"
    );
    let web = [("response_type", "token"), ("client_id", "web"), ("redirect_uri", WEB)];
    assert_eq!(
        query(&redirected(house.ask(None, &web).await))["error"],
        "unsupported_response_type"
    );
}

// proves: A02, A03, I09
#[tokio::test]
async fn what_we_do_not_know_or_need_does_no_harm() {
    let house = House::new().await;
    let ada = house.ada().await;
    for extra in [
        ("unknown", "x"),
        ("ui_locales", "fr-CA fr en"),
        ("claims_locales", "de"),
        ("display", "popup"),
        ("acr_values", "urn:x"),
        ("login_hint", "somebody@example.com"),
        ("claims", "{}"),
        ("response_mode", "query"),
    ] {
        let answer = house.ask(Some(&ada), &[extra]).await;
        assert!(matches!(answer, Ok(Authorize::Consent(_))), "{extra:?}: {answer:?}");
    }
    let Ok(Authorize::SignIn { return_to, login_hint }) =
        house.ask(None, &[("login_hint", "ada@example.com")]).await
    else {
        panic!("no sign-in");
    };
    assert_eq!(login_hint.as_deref(), Some("ada@example.com"));
    assert!(return_to.starts_with("/oauth/authorize?") && return_to.contains(CHALLENGE));
}
