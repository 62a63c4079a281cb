//! A24–A27: the person decides.

use super::house::{House, WEB, changed, home, query, redirected};
use crate::admin::{AdminError, NewClient};
use crate::authorize::{Authorize, AuthorizeError, AuthorizePageError, ConsentPrompt};

fn prompt(answer: Result<Authorize, AuthorizeError>) -> ConsentPrompt {
    match answer {
        Ok(Authorize::Consent(prompt)) => *prompt,
        other => panic!("no consent page: {other:?}"),
    }
}

// proves: A25
#[tokio::test]
async fn the_page_names_client_host_and_scopes() {
    let house = House::new().await;
    let ada = house.ada().await;
    let new = NewClient {
        id: "app".to_owned(),
        name: "An\u{202e} App".to_owned(),
        redirect_uris: vec![
            WEB.to_owned(),
            "com.example.app:/cb".to_owned(),
            "http://localhost:3000/cb".to_owned(),
        ],
        ..NewClient::default()
    };
    house.client(new).await;
    for (uri, host, loopback, private) in [
        (WEB, "app.example.com", false, false),
        ("http://localhost:3000/cb", "localhost", true, false),
        ("com.example.app:/cb", "com.example.app", false, true),
    ] {
        let changes = [("client_id", "app"), ("redirect_uri", uri), ("scope", "openid email")];
        let shown = prompt(house.ask(Some(&ada), &changes).await);
        assert_eq!((shown.client_name.as_str(), shown.client_id.as_str()), ("An App", "app"));
        assert_eq!(shown.redirect_host, host);
        assert_eq!((shown.loopback, shown.private_scheme), (loopback, private), "{uri}");
        let scopes: Vec<_> = shown.scopes.iter().map(|(token, _)| token.as_str()).collect();
        assert_eq!(scopes, ["email", "openid"]);
        assert_eq!(shown.user_email, "ada@example.com");
        assert!(shown.resources.is_empty());
    }
    let shown = prompt(house.ask(Some(&ada), &[]).await);
    assert_eq!((shown.redirect_host.as_str(), shown.loopback), ("127.0.0.1", true));
}

// proves: A24
#[tokio::test]
async fn consent_is_remembered_only_for_clients_that_prove_who_they_are() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.web().await;
    // A public client is asked for again and again.
    house.tokens(&ada).await;
    prompt(house.ask(Some(&ada), &[]).await);
    let silent = house.ask(Some(&ada), &[("prompt", "none")]).await;
    assert_eq!(query(&redirected(silent))["error"], "consent_required");

    let web = [("client_id", "web"), ("redirect_uri", WEB), ("scope", "openid email")];
    let with = |more: &[(&'static str, &'static str)]| {
        let kept = web.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        kept.chain(more).copied().collect::<Vec<_>>()
    };
    prompt(house.ask(Some(&ada), &web).await);
    house.code(&ada, &web).await;
    for (more, remembered) in [
        (with(&[]), true),
        (with(&[("scope", "openid")]), true),
        (with(&[("prompt", "none")]), true),
        (with(&[("scope", "openid profile")]), false),
        (with(&[("prompt", "consent")]), false),
    ] {
        match house.ask(Some(&ada), &more).await {
            Ok(Authorize::Redirect(url)) => {
                assert!(remembered && query(&url).contains_key("code"), "{more:?}");
            }
            Ok(Authorize::Consent(_)) => assert!(!remembered, "{more:?}"),
            other => panic!("{more:?}: {other:?}"),
        }
    }
    // Somebody else has agreed to nothing.
    let bob = house.person("bob@example.com").await;
    prompt(house.ask(Some(&bob), &web).await);
}

// proves: A26
#[tokio::test]
async fn what_was_granted_is_said() {
    let house = House::new().await;
    let ada = house.ada().await;
    for (asked, granted) in [
        ("profile openid", "openid profile"),
        ("", "account email offline_access openid profile tokens"),
    ] {
        let code = house.code(&ada, &[("scope", asked)]).await;
        let tokens = house.redeem(&code, &[]).await.unwrap();
        assert_eq!(tokens.scope.unwrap().to_string(), granted);
    }
}

// proves: A27
#[tokio::test]
async fn no_client_looks_like_a_user() {
    let house = House::new().await;
    let ada = house.ada().await;
    let like_ada = ada.user.id.to_string();
    for id in
        [like_ada.as_str(), "usr_x", "USR_x", "org_1", "agt_1", "a b", "", "é", &"x".repeat(81)]
    {
        let new = NewClient { id: id.to_owned(), ..NewClient::default() };
        let refused = house.issuer.create_client(new, "system").await;
        assert!(matches!(refused, Err(AdminError::Invalid(_))), "{id}");
    }
}

#[tokio::test]
async fn a_decision_after_the_session_has_ended_is_too_late() {
    let house = House::new().await;
    let ada = house.ada().await;
    let shown = prompt(house.ask(Some(&ada), &[]).await);
    house.issuer.sign_out(&ada, &home()).await.unwrap();
    let late = house.issuer.approve(&shown.request, &ada, &home()).await;
    assert!(matches!(late, Err(AuthorizeError::Page(AuthorizePageError::Stale))), "{late:?}");
}

#[tokio::test]
async fn the_request_is_checked_again_when_it_is_approved() {
    let house = House::new().await;
    let ada = house.ada().await;
    let shown = prompt(house.ask(Some(&ada), &[("scope", "openid")]).await);
    let mut widened = shown.request.clone();
    widened.set("scope", "openid root");
    let refused = house.issuer.approve(&widened, &ada, &home()).await;
    assert!(matches!(refused, Err(AuthorizeError::Redirect(url)) if url.contains("invalid_scope")));
    let plain = changed(&House::ASK, &[("code_challenge_method", "plain")]);
    let refused = house.issuer.approve(&plain, &ada, &home()).await;
    assert!(
        matches!(refused, Err(AuthorizeError::Redirect(url)) if url.contains("invalid_request"))
    );
}
