//! E: revocation and introspection.

use std::time::Duration;

use anyhow::Result;
use hallpass_core::Clock as _;
use hallpass_testkit::oauth::{self, OAuth, Tokens};
use hallpass_testkit::server::Plan;
use hallpass_testkit::system::RealClock;
use hallpass_testkit::town::{self, Town};
use hallpass_testkit::wait;
use serde_json::json;

// proves: E01, E05, E06
#[tokio::test]
async fn revoking_ends_what_it_says_at_once() -> Result<()> {
    let town = Town::build().await?;
    // The refresh token: everything of its grant.
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    assert!(town.admits(&tokens.access).await?);
    assert_eq!(town.tool.revoke(&tokens.refresh).await?.status, 200);
    assert!(!town.admits(&tokens.access).await?);
    assert_eq!(town.tool.refresh(&tokens.refresh).await?.error(), "invalid_grant");

    // An access token: that one, at every place.
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let newer = Tokens::read(&town.tool.refresh(&tokens.refresh).await?)?;
    assert_eq!(town.tool.revoke(&tokens.access).await?.status, 200);
    assert!(!town.admits(&tokens.access).await?);
    assert!(town.admits(&newer.access).await?, "RFC 7009 §2.1 asks for no more than that");
    Ok(())
}

// proves: E02, E04
#[tokio::test]
async fn unknown_tokens_and_wrong_hints_are_no_errors() -> Result<()> {
    let town = Town::build().await?;
    for token in
        ["x", "hp_rt_", "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA", "a.b.c", "\u{1F511}"]
    {
        assert_eq!(town.tool.revoke(token).await?.status, 200, "{token}");
    }
    for hint in ["access_token", "refresh_token", "no-such-type", ""] {
        let tokens = town.tool.tokens(&town.person, &[]).await?;
        for token in [&tokens.refresh, &tokens.access] {
            for _ in 0..2 {
                let params = [("token", token.as_str()), ("token_type_hint", hint)];
                assert_eq!(town.tool.post("/oauth/revoke", &params).await?.status, 200, "{hint}");
            }
        }
        assert!(!town.admits(&tokens.access).await?, "{hint}");
        assert_eq!(town.tool.refresh(&tokens.refresh).await?.status, 400, "{hint}");
        let fresh = town.tool.tokens(&town.person, &[]).await?;
        let params = [("token", fresh.access.as_str()), ("token_type_hint", hint)];
        assert_eq!(
            town.api.post("/oauth/introspect", &params).await?.json()["active"],
            true,
            "{hint}"
        );
    }
    assert_eq!(town.tool.post("/oauth/revoke", &[]).await?.error(), "invalid_request");
    Ok(())
}

// proves: E03
#[tokio::test]
async fn another_client_cannot_revoke() -> Result<()> {
    let town = Town::build().await?;
    let other = town.other_tool().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let unproven = OAuth { secret: Some("hp_cs_wrong".to_owned()), ..town.api.clone() };
    for token in [&tokens.access, &tokens.refresh] {
        // Whether it exists is not told either (RFC 7009 §2.1 leaves the answer open).
        let (foreign, unknown) = (other.revoke(token).await?, other.revoke("x").await?);
        assert!(matches!(foreign.status.as_u16(), 200 | 400), "{foreign:?}");
        assert!(foreign.status == 400 || foreign.body == unknown.body);
        town.api.revoke(token).await?;
        assert_eq!(unproven.revoke(token).await?.error(), "invalid_client");
    }
    assert!(town.admits(&tokens.access).await?);
    assert_eq!(town.tool.refresh(&tokens.refresh).await?.status, 200);
    Ok(())
}

// proves: E07
#[tokio::test]
async fn introspection_is_for_callers_who_prove_who_they_are() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let params = [("token", tokens.access.as_str())];
    for stranger in [
        town.tool.clone(),
        OAuth { secret: Some("hp_cs_wrong".to_owned()), ..town.api.clone() },
        OAuth { secret: None, ..town.api.clone() },
        OAuth { id: "nobody".to_owned(), ..town.api.clone() },
    ] {
        let answer = stranger.post("/oauth/introspect", &params).await?;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{}: {answer:?}", stranger.id);
        assert!(!answer.body.contains("active"), "{}", stranger.id);
    }
    let bare = town.tool.post_bare("/oauth/introspect", &params).await?;
    assert_eq!(bare.status, 401);
    let by_token = town.tool.request("POST", "/oauth/introspect").bearer_auth(&tokens.access);
    assert!(matches!(oauth::Answer::of(by_token.form(&params)).await?.status.as_u16(), 400 | 401));
    Ok(())
}

// proves: E08, E09, E10
#[tokio::test]
async fn whatever_is_not_good_now_for_this_caller_is_inactive_and_nothing_else() -> Result<()> {
    let town = Town::of(Plan::new().set("access_token_ttl", "2s")).await?;
    let elsewhere = ["--confidential", "--resource", "https://elsewhere.example/api"];
    let secret = town.server.client("elsewhere", &[town::REGISTERED], &elsewhere).await?;
    let elsewhere = OAuth::confidential(&town.server, "elsewhere", &secret);

    let good = town.tool.tokens(&town.person, &[]).await?;
    let active = town.api.introspect(&good.access).await?.json();
    assert_eq!(active["active"], true);
    for member in ["scope", "client_id", "exp", "iat", "sub", "aud", "iss", "token_type"] {
        assert!(!active[member].is_null(), "{member} is missing: {active}");
    }
    let inactive = json!({ "active": false });
    assert_eq!(elsewhere.introspect(&good.access).await?.json(), inactive, "not for that caller");

    let revoked = town.tool.tokens(&town.person, &[]).await?;
    town.tool.revoke(&revoked.access).await?;
    let tampered = format!("{}x", good.access);
    for (what, token) in [
        ("revoked", revoked.access.as_str()),
        ("tampered with", tampered.as_str()),
        ("an ID token", good.id.as_str()),
        ("unknown", "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA"),
        ("nonsense", "x"),
    ] {
        let answer = town.api.introspect(token).await?;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, inactive.clone()), "{what}");
    }
    let expired = RealClock.now() + Duration::from_secs(3);
    wait::until("it to expire", async || Ok((RealClock.now() > expired).then_some(()))).await?;
    assert_eq!(town.api.introspect(&good.access).await?.json(), inactive, "expired");
    assert_eq!(town.tool.get_with("/userinfo", &good.access).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn a_caller_sees_its_own_refresh_tokens() -> Result<()> {
    let town = Town::build().await?;
    let own = town.api.tokens(&town.person, &[]).await?;
    let foreign = town.tool.tokens(&town.person, &[]).await?;
    assert_eq!(town.api.introspect(&own.refresh).await?.json()["active"], true);
    assert_eq!(town.api.introspect(&foreign.refresh).await?.json(), json!({ "active": false }));
    // Looking at it does not spend it.
    assert_eq!(town.api.refresh(&own.refresh).await?.status, 200);
    Ok(())
}
