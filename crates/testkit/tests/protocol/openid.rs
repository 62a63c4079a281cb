//! I: OpenID Connect.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hallpass_core::Clock as _;
use hallpass_testkit::oauth::{self, Answer};
use hallpass_testkit::person::{Page, Person};
use hallpass_testkit::system::RealClock;
use hallpass_testkit::town::{self, Town};
use hallpass_testkit::{html, wait};
use reqwest::Url;

fn asks_for_a_password(page: &Page) -> bool {
    html::form(&page.body, "#signin").is_some()
}

/// The error that the client is told, or none if it is told nothing.
fn told(page: &Page) -> Option<String> {
    oauth::query(&page.leads_to()?, "error")
}

// proves: I01, I07, I10
#[tokio::test]
async fn an_id_token_comes_with_openid_and_only_then() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let (header, claims) = oauth::peek(&tokens.id)?;
    assert_eq!(header["alg"], "RS256");
    assert_eq!(claims["iss"], town.server.url());
    assert!(claims["aud"] == "tool" || claims["aud"] == serde_json::json!(["tool"]));
    let sub = claims["sub"].as_str().context("sub")?;
    assert!(sub.len() <= 255 && sub.is_ascii());
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64());
    assert!(claims["auth_time"].is_i64());

    let without = town.tool.tokens(&town.person, &[("scope", "account")]).await?;
    assert_eq!(without.id, "");

    let es256 = ["--id-token-alg", "ES256"];
    town.server.client("es256", &[town::REGISTERED], &es256).await?;
    let client = oauth::OAuth::public(&town.server, "es256");
    let tokens = client.tokens(&town.person, &[]).await?;
    assert_eq!(oauth::peek(&tokens.id)?.0["alg"], "ES256");
    assert_eq!(oauth::peek(&tokens.id)?.1["sub"], sub);

    // A user who is made anew under the same address is somebody else.
    town.server.admin(&["user", "disable", &town.ada.email], "").await?;
    let again = ["user", "create", "--email", &town.ada.email, "--name", "Ada", "--password-stdin"];
    let refused = town.server.try_admin(&again, "another password").await?;
    assert_ne!(refused.code, Some(0), "the address still belongs to the first");
    Ok(())
}

// proves: I02
#[tokio::test]
async fn nonce_comes_back() -> Result<()> {
    let town = Town::build().await?;
    for nonce in ["n-0S6_WzA2Mj", "ünï & = +", &"x".repeat(512)] {
        let tokens = town.tool.tokens(&town.person, &[("nonce", nonce)]).await?;
        assert_eq!(oauth::peek(&tokens.id)?.1["nonce"], nonce);
    }
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    assert!(oauth::peek(&tokens.id)?.1["nonce"].is_null());
    Ok(())
}

// proves: I03
#[tokio::test]
async fn silence_is_kept() -> Result<()> {
    let town = Town::build().await?;
    let stranger = Person::new(&town.server)?;
    let ask = async |person: &Person, client: &oauth::OAuth, extra: &[(&str, &str)]| {
        let (address, _) = client.authorization(extra)?;
        let page = person.get_once(Url::parse(&address)?).await?;
        let to = page.leads_to().with_context(|| format!("a page was shown: {}", page.body))?;
        assert!(to.as_str().starts_with(oauth::CALLBACK), "{to}");
        Ok::<_, anyhow::Error>(to)
    };
    let error = |to: &Url| oauth::query(to, "error").unwrap_or_default();
    assert_eq!(error(&ask(&stranger, &town.tool, &[("prompt", "none")]).await?), "login_required");
    assert_eq!(error(&ask(&stranger, &town.api, &[("prompt", "none")]).await?), "login_required");
    assert_eq!(
        error(&ask(&town.person, &town.tool, &[("prompt", "none")]).await?),
        "consent_required"
    );
    assert_eq!(
        error(&ask(&town.person, &town.api, &[("prompt", "none")]).await?),
        "consent_required"
    );
    let stale = [("prompt", "none"), ("max_age", "0")];
    assert_eq!(error(&ask(&town.person, &town.api, &stale).await?), "login_required");
    for mixed in ["none login", "login none", "none consent", "none none"] {
        assert_eq!(
            error(&ask(&town.person, &town.tool, &[("prompt", mixed)]).await?),
            "invalid_request",
            "{mixed}"
        );
    }
    // Remembered consent is enough for a client that proves who it is.
    town.api.tokens(&town.person, &[]).await?;
    let to = ask(&town.person, &town.api, &[("prompt", "none")]).await?;
    assert!(oauth::query(&to, "code").is_some(), "{to}");
    Ok(())
}

// proves: I04
#[tokio::test]
async fn a_client_can_ask_for_the_password_again() -> Result<()> {
    let town = Town::build().await?;
    let (address, verifier) = town.tool.authorization(&[("prompt", "login")])?;
    let page = town.person.get(&address).await?;
    assert!(asks_for_a_password(&page));
    // Going around the question does not help.
    let back =
        html::value(&page.body, "#signin input[name=return_to]", "value").context("a way back")?;
    for detour in [address.as_str(), back.as_str()] {
        let around = town.person.get(detour).await?;
        assert!(html::form(&around.body, "#consent").is_none(), "{detour}");
    }
    let page = town.person.sign_in_at(&page, &town.ada.email).await?;
    let page = town.person.submit(&page, "#consent", &[], Some("approve")).await?;
    let redirect = page.leads_to().context("a redirect")?;
    let approved = oauth::Approved {
        code: oauth::query(&redirect, "code").context("a code")?,
        verifier,
        redirect,
    };
    assert_eq!(town.tool.redeem(&approved).await?.status, 200);
    // A marker of the server's own making cannot be made by anybody else.
    let query = Url::parse(&town.server.at(&back))?;
    for (name, value) in query.query_pairs().filter(|(name, _)| !address.contains(name.as_ref())) {
        let forged = format!("{address}&{name}={}x", value);
        assert!(asks_for_a_password(&town.person.get(&forged).await?), "{name}");
    }
    Ok(())
}

// proves: I05
#[tokio::test]
async fn a_sign_in_that_is_too_old_is_done_again() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[("max_age", "1000")]).await?;
    let before = oauth::peek(&tokens.id)?.1["auth_time"].as_i64().context("auth_time")?;
    let later = RealClock.now() + Duration::from_millis(2100);
    wait::until("two seconds", async || Ok((RealClock.now() > later).then_some(()))).await?;
    let (address, verifier) = town.tool.authorization(&[("max_age", "1")])?;
    let page = town.person.get(&address).await?;
    assert!(asks_for_a_password(&page), "{}", page.body);
    let page = town.person.sign_in_at(&page, &town.ada.email).await?;
    let page = town.person.submit(&page, "#consent", &[], Some("approve")).await?;
    let redirect = page.leads_to().context("a redirect")?;
    let approved = oauth::Approved {
        code: oauth::query(&redirect, "code").context("a code")?,
        verifier,
        redirect,
    };
    let id = town.tool.redeem(&approved).await?.get("id_token");
    assert!(oauth::peek(&id)?.1["auth_time"].as_i64().context("auth_time")? > before);
    Ok(())
}

// proves: I06
#[tokio::test]
async fn userinfo_is_about_the_same_person_by_get_and_by_post() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[("scope", "openid email profile")]).await?;
    let got = town.tool.get_with("/userinfo", &tokens.access).await?;
    let posted =
        Answer::of(town.tool.request("POST", "/userinfo").bearer_auth(&tokens.access)).await?;
    let in_body = town.tool.request("POST", "/userinfo").form(&[("access_token", &tokens.access)]);
    let in_body = Answer::of(in_body).await?;
    assert_eq!(got.json()["sub"], oauth::peek(&tokens.id)?.1["sub"]);
    assert_eq!(got.json()["email"], town.ada.email);
    assert_eq!(got.json()["name"], town.ada.name);
    assert!(got.json() == posted.json() && got.json() == in_body.json());
    let narrow = town.tool.tokens(&town.person, &[]).await?;
    let narrow = town.tool.get_with("/userinfo", &narrow.access).await?.json();
    assert!(narrow["email"].is_null() && narrow["name"].is_null() && !narrow["sub"].is_null());
    Ok(())
}

// proves: I09
#[tokio::test]
async fn what_may_be_sent_never_hurts() -> Result<()> {
    let town = Town::build().await?;
    for extra in [
        ("ui_locales", "de-CH fr x-klingon"),
        ("display", "touch"),
        ("display", "no-such-display"),
        ("claims_locales", "de"),
        ("acr_values", "urn:mace:incommon:iap:silver"),
        ("login_hint", "ada@example.com"),
        ("login_hint", "<b>\"'"),
        ("claims", "{\"userinfo\":{\"email\":null}}"),
        ("registration_hint", "x"),
    ] {
        let (address, _) = town.tool.authorization(&[extra])?;
        let redirect = town.person.approve(&address).await.with_context(|| format!("{extra:?}"))?;
        assert!(oauth::query(&redirect, "code").is_some(), "{extra:?}");
    }
    // The hint is filled in for a stranger, and is text.
    let stranger = Person::new(&town.server)?;
    let (address, _) = town.tool.authorization(&[("login_hint", "ada@example.com")])?;
    let page = stranger.get(&address).await?;
    assert_eq!(
        html::value(&page.body, "#signin #email", "value").as_deref(),
        Some("ada@example.com")
    );
    Ok(())
}

// proves: I12
#[tokio::test]
async fn request_objects_are_refused_by_name() -> Result<()> {
    let town = Town::build().await?;
    let object = "eyJhbGciOiJub25lIn0.eyJzY29wZSI6Im9wZW5pZCJ9.";
    for (name, value, error) in [
        ("request", object, "request_not_supported"),
        ("request_uri", "https://evil.example/r", "request_uri_not_supported"),
        ("registration", "{}", "registration_not_supported"),
    ] {
        let (address, _) = town.tool.authorization(&[(name, value)])?;
        assert_eq!(told(&town.person.get(&address).await?).as_deref(), Some(error), "{name}");
    }
    Ok(())
}

// proves: I13
#[tokio::test]
async fn signing_out_asks_when_in_doubt_and_leads_nowhere_strange() -> Result<()> {
    let town = Town::build().await?;
    let registered = "https://app.example.com/bye";
    let more = ["--post-logout-redirect-uri", registered];
    town.server.client("web", &[town::REGISTERED], &more).await?;
    let web = oauth::OAuth::public(&town.server, "web");
    let address = |hint: &str, to: &str, client: &str| -> Result<String> {
        let mut url = Url::parse(&town.server.at("/oauth/logout"))?;
        let given = [
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", to),
            ("client_id", client),
            ("state", "s"),
        ];
        url.query_pairs_mut().extend_pairs(given.iter().filter(|(_, value)| !value.is_empty()));
        Ok(url.into())
    };
    let signed_in = async |person: &Person| -> Result<bool> {
        Ok(person.get("/settings/sessions").await?.url.path() == "/settings/sessions")
    };
    let person = Person::signed_in(&town.server, &town.ada).await?;
    let id = web.tokens(&person, &[]).await?.id;
    let (_, bo) = town.bo().await?;
    let bos = web.tokens(&bo, &[]).await?.id;
    let forged = format!("{}x", &id[..id.len() - 1]);
    // Nobody knows who wants it: she is asked first, and is sent nowhere.
    for (hint, to, client) in [
        ("", "", ""),
        ("", registered, "web"),
        (forged.as_str(), registered, "web"),
        (bos.as_str(), registered, "web"),
        ("", "https://evil.example/", ""),
    ] {
        let page = person.get(&address(hint, to, client)?).await?;
        assert!(page.leads_to().is_none(), "{hint:?} {to} leads to {:?}", page.leads_to());
        assert!(signed_in(&person).await?, "{hint:?} {to}: signed out without a question");
        let form = html::form(&page.body, "#logout").with_context(|| page.body.clone())?;
        assert_eq!(form.method, "post");
    }
    // A good hint, and an address that is not registered for its client.
    for (to, client) in [
        ("https://evil.example/", "web"),
        ("https://app.example.com/bye?x", "web"),
        (registered, "tool"),
    ] {
        let person = Person::signed_in(&town.server, &town.ada).await?;
        let page = person.get(&address(&id, to, client)?).await?;
        assert!(page.leads_to().is_none(), "{to} leads to {:?}", page.leads_to());
        assert!(!page.body.contains("evil.example"), "{to}");
    }
    // It may have to be confirmed even so; it ends with her signed out and at that address.
    let mut page = person.get(&address(&id, registered, "web")?).await?;
    if html::form(&page.body, "#logout").is_some() {
        page = person.submit(&page, "#logout", &[], Some("signout")).await?;
    }
    let to = page.leads_to().context("the registered address")?;
    assert!(to.as_str().starts_with(registered), "{to}");
    assert_eq!(oauth::query(&to, "state").as_deref(), Some("s"));
    assert!(!signed_in(&person).await?);
    Ok(())
}
