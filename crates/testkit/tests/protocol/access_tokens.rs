//! G: what is in a token, and where it is good.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{self, Answer, OAuth};
use hallpass_testkit::town::{self, Town};

// proves: G01, G02, A27
#[tokio::test]
async fn an_access_token_is_a_signed_jwt_with_all_that_rfc_9068_asks_for() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let (header, claims) = oauth::peek(&tokens.access)?;
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["alg"], "ES256");
    assert!(header["kid"].is_string() && header["jku"].is_null() && header["jwk"].is_null());
    assert_eq!(claims["iss"], town.server.url());
    assert_eq!(claims["client_id"], "tool");
    assert!(claims["sub"].as_str().context("sub")?.starts_with("usr_"));
    let (iat, exp) =
        (claims["iat"].as_i64().context("iat")?, claims["exp"].as_i64().context("exp")?);
    assert_eq!(exp - iat, 300);
    let default = format!("{}/api", town.server.url());
    assert!(claims["aud"] == default.as_str() || claims["aud"] == serde_json::json!([default]));
    let other = town.tool.tokens(&town.person, &[]).await?;
    let (_, others) = oauth::peek(&other.access)?;
    assert_ne!(claims["jti"], others["jti"]);
    assert_eq!(claims["sub"], others["sub"]);
    Ok(())
}

// proves: G04, G09
#[tokio::test]
async fn a_token_is_good_for_what_it_was_made_for() -> Result<()> {
    let town = Town::build().await?;
    let elsewhere = "https://elsewhere.example/api";
    let confidential = ["--confidential", "--resource", elsewhere];
    let secret = town.server.client("elsewhere", &[town::REGISTERED], &confidential).await?;
    let its_api = OAuth::confidential(&town.server, "elsewhere", &secret);
    let tokens = town.tool.tokens(&town.person, &[("resource", elsewhere)]).await?;
    assert_eq!(its_api.introspect(&tokens.access).await?.json()["active"], true);
    assert_eq!(
        town.api.introspect(&tokens.access).await?.json(),
        serde_json::json!({ "active": false })
    );
    assert_eq!(town.tool.get_with("/api/v1/whoami", &tokens.access).await?.status, 401);

    // An ID token is no access token, wherever it is shown, and the other way round.
    for path in ["/userinfo", "/api/v1/whoami", "/api/v1/sessions"] {
        assert_eq!(town.tool.get_with(path, &tokens.id).await?.status, 401, "{path}");
    }
    let ours = town.tool.tokens(&town.person, &[]).await?;
    let (address, _) =
        town.tool.authorization(&[("id_token_hint", &ours.access), ("prompt", "none")])?;
    let told = town.person.get(&address).await?.leads_to().context("a redirect")?;
    assert_ne!(
        oauth::query(&told, "error").as_deref(),
        Some("consent_required"),
        "taken for a hint"
    );
    Ok(())
}

// proves: G07, G08
#[tokio::test]
async fn the_audience_is_what_was_asked_for() -> Result<()> {
    let town = Town::build().await?;
    let (one, two) = ("https://one.example/api", "https://two.example/api");
    for (id, uri) in [("one", one), ("two", two)] {
        town.server.client(id, &[town::REGISTERED], &["--confidential", "--resource", uri]).await?;
    }
    for bad in [
        "relative",
        "/path",
        "https://one.example/api#fragment",
        "https://unknown.example/",
        "urn:x",
        "",
    ] {
        let (address, _) = town.tool.authorization(&[("resource", bad)])?;
        let page = town.person.get(&address).await?;
        let told = page.leads_to().and_then(|to| oauth::query(&to, "error"));
        let wanted = (!bad.is_empty()).then_some("invalid_target");
        assert_eq!(told.as_deref(), wanted, "{bad:?}");
    }
    let (address, verifier) = town.tool.authorization(&[("resource", one)])?;
    let redirect = town.person.approve(&format!("{address}&resource={two}")).await?;
    let code = oauth::query(&redirect, "code").context("a code")?;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", verifier.as_str()),
        ("redirect_uri", oauth::CALLBACK),
        ("resource", one),
    ];
    let answer = town.tool.post("/oauth/token", &redeem).await?;
    let aud = oauth::peek(&answer.get("access_token"))?.1["aud"].clone();
    assert!(aud == one || aud == serde_json::json!([one]), "narrowed to one: {aud}");
    let refresh = answer.get("refresh_token");
    let ask = async |refresh: &str, resource: &str| {
        let params =
            [("grant_type", "refresh_token"), ("refresh_token", refresh), ("resource", resource)];
        town.tool.post("/oauth/token", &params).await
    };
    let default = format!("{}/api", town.server.url());
    assert_eq!(ask(&refresh, &default).await?.error(), "invalid_target", "never widened");
    let second = ask(&refresh, two).await?;
    let aud = oauth::peek(&second.get("access_token"))?.1["aud"].clone();
    assert!(aud == two || aud == serde_json::json!([two]), "{aud}");

    // Nor at the redemption of a code.
    let approved = town.tool.approved(&town.person, &[("resource", one)]).await?;
    let wider = [
        ("grant_type", "authorization_code"),
        ("code", approved.code.as_str()),
        ("resource", two),
        ("code_verifier", approved.verifier.as_str()),
        ("redirect_uri", oauth::CALLBACK),
    ];
    assert_eq!(town.tool.post("/oauth/token", &wider).await?.error(), "invalid_target");
    Ok(())
}

// proves: G11
#[tokio::test]
async fn a_token_in_the_address_is_no_credential() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    for path in ["/userinfo", "/api/v1/whoami"] {
        for name in ["access_token", "token", "bearer_token"] {
            let answer =
                Answer::of(town.tool.request("GET", &format!("{path}?{name}={}", tokens.access)))
                    .await?;
            assert!(
                matches!(answer.status.as_u16(), 400 | 401),
                "{path} {name}: {}",
                answer.status
            );
        }
    }
    Ok(())
}

// proves: G12
#[tokio::test]
async fn nothing_something_wrong_and_too_little_are_told_apart() -> Result<()> {
    let town = Town::build().await?;
    let weak = town.tool.tokens(&town.person, &[("scope", "email")]).await?;
    for path in ["/userinfo", "/api/v1/sessions"] {
        let none = Answer::of(town.tool.request("GET", path)).await?;
        assert_eq!(none.status, 401, "{path}");
        let challenge = none.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer") && !challenge.contains("error"),
            "{path}: {challenge}"
        );

        let other_scheme =
            town.tool.request("GET", path).basic_auth("api", town.api.secret.as_deref());
        assert_eq!(Answer::of(other_scheme).await?.status, 401, "{path}");

        let bad = town.tool.get_with(path, "a.b.c").await?;
        assert_eq!(bad.status, 401, "{path}");
        assert!(
            bad.header("www-authenticate").contains("error=\"invalid_token\""),
            "{path}: {bad:?}"
        );

        let short = town.tool.get_with(path, &weak.access).await?;
        assert_eq!(short.status, 403, "{path}");
        let challenge = short.header("www-authenticate");
        assert!(
            challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope="),
            "{path}: {challenge}"
        );
    }
    Ok(())
}

// proves: G13
#[tokio::test]
async fn two_credentials_are_one_too_many() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    for path in ["/userinfo", "/api/v1/whoami"] {
        let twice =
            town.tool.request("GET", path).bearer_auth(&tokens.access).bearer_auth(&tokens.access);
        assert_eq!(Answer::of(twice).await?.status, 400, "{path}");
        let request = town.tool.request("GET", path).bearer_auth(&tokens.access);
        let also_in_query = request.query(&[("access_token", &tokens.access)]);
        assert_eq!(Answer::of(also_in_query).await?.status, 400, "{path}");
    }
    let both = town.tool.request("POST", "/userinfo").bearer_auth(&tokens.access);
    let both = both.form(&[("access_token", &tokens.access)]);
    assert_eq!(Answer::of(both).await?.status, 400);
    Ok(())
}

// proves: G10
#[tokio::test]
async fn a_received_token_goes_nowhere() -> Result<()> {
    // The whole server makes one kind of request of its own, for what outside issuers publish:
    // nothing else in its tree can make any, and with that one goes nothing that was received.
    const OUTSIDE: &str = "crates/server/src/outside.rs";
    let mut sources = hallpass_testkit::tree::sources("crates/server/src", &[".rs"])?;
    sources.retain(|source| !source.path.contains("/tests"));
    let outside = sources.iter().position(|source| source.path.ends_with(OUTSIDE));
    let outside = sources.remove(outside.context("the one that fetches keys")?);
    for carries in ["bearer_auth", "basic_auth", "AUTHORIZATION", ".body(", ".post(", "Request<"] {
        assert!(!outside.text.contains(carries), "{OUTSIDE} has {carries}");
    }
    for source in sources {
        for client in ["reqwest::", "ureq::", "hyper_util::client", "TcpStream::connect"] {
            assert!(!source.text.contains(client), "{} uses {client}", source.path);
        }
    }
    Ok(())
}
