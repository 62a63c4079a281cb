//! B: PKCE and redemption of codes.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use hallpass_core::{Clock as _, Kind, TokenText};
use hallpass_testkit::oauth::{self, Answer, CALLBACK, OAuth, Tokens};
use hallpass_testkit::server::Plan;
use hallpass_testkit::system::RealClock;
use hallpass_testkit::town::{self, Town};
use hallpass_testkit::wait;

/// Parameters of a redemption; one given in `changed` replaces, or with an empty value removes.
fn redemption<'a>(
    approved: &'a oauth::Approved,
    changed: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("grant_type", "authorization_code"),
        ("code", approved.code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", approved.verifier.as_str()),
    ];
    let usual =
        usual.into_iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    usual.chain(changed.iter().copied().filter(|(_, value)| !value.is_empty())).collect()
}

async fn redeem(
    client: &OAuth,
    approved: &oauth::Approved,
    changed: &[(&str, &str)],
) -> Result<Answer> {
    client.post("/oauth/token", &redemption(approved, changed)).await
}

// proves: B01, attack-8
#[tokio::test]
async fn s256_works_and_is_all_that_does() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    assert!(town.admits(&tokens.access).await?);
    Ok(())
}

// proves: B02, B03, attack-8
#[tokio::test]
async fn a_request_without_a_good_challenge_gets_no_code() -> Result<()> {
    let town = Town::build().await?;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let table: [&[(&str, &str)]; 8] = [
        &[("code_challenge", ""), ("code_challenge_method", "")],
        &[("code_challenge", "")],
        &[("code_challenge", challenge), ("code_challenge_method", "")],
        &[("code_challenge", challenge), ("code_challenge_method", "plain")],
        &[("code_challenge", challenge), ("code_challenge_method", "s256")],
        &[("code_challenge", challenge), ("code_challenge_method", "S512")],
        &[("code_challenge", "too-short")],
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")],
    ];
    for (client, wrong) in
        [&town.tool, &town.api].into_iter().flat_map(|c| table.map(|wrong| (c, wrong)))
    {
        let (address, _) = client.authorization(wrong)?;
        let page = town.person.get(&address).await?;
        let told = page.leads_to().with_context(|| format!("{wrong:?}: {}", page.body))?;
        assert_eq!(oauth::query(&told, "error").as_deref(), Some("invalid_request"), "{wrong:?}");
        assert_eq!(oauth::query(&told, "code"), None);
    }
    Ok(())
}

// proves: B05, B06, attack-8
#[tokio::test]
async fn a_wrong_verifier_burns_the_code() -> Result<()> {
    let town = Town::build().await?;
    let good = "a".repeat(43);
    let malformed =
        ["a".repeat(42), "a".repeat(129), "+".repeat(43), "é".repeat(43), String::new()];
    for wrong in malformed.iter().chain([&good]) {
        let approved = town.tool.approved(&town.person, &[]).await?;
        let answer = redeem(&town.tool, &approved, &[("code_verifier", wrong)]).await?;
        let (status, error) = answer.outcome();
        assert_eq!(status, 400, "{wrong:?}");
        assert!(
            matches!(error.as_str(), "invalid_grant" | "invalid_request"),
            "{wrong:?}: {error}"
        );
        if *wrong == good {
            assert_eq!(error, "invalid_grant");
            // There is no second guess.
            let late = town.tool.redeem(&approved).await?;
            assert_eq!(late.outcome(), (400, "invalid_grant".to_owned()));
        }
    }
    Ok(())
}

// proves: B07, attack-8
#[tokio::test]
async fn a_verifier_is_required_exactly_when_a_challenge_was_sent() -> Result<()> {
    let town = Town::build().await?;
    let approved = town.tool.approved(&town.person, &[]).await?;
    let answer = redeem(&town.tool, &approved, &[("code_verifier", "")]).await?;
    assert!(matches!(answer.error().as_str(), "invalid_grant" | "invalid_request"), "{answer:?}");

    let secret = town
        .server
        .client("old", &[town::REGISTERED], &["--confidential", "--without-pkce"])
        .await?;
    let old = OAuth::confidential(&town.server, "old", &secret);
    let bare = [
        ("code_challenge", ""),
        ("code_challenge_method", ""),
        ("nonce", "n"),
        ("prompt", "consent"),
    ];
    let approved = old.approved(&town.person, &bare).await?;
    let answer = redeem(&old, &approved, &[]).await?;
    assert_eq!(answer.outcome(), (400, "invalid_grant".to_owned()), "a verifier for no challenge");
    let approved = old.approved(&town.person, &bare).await?;
    assert_eq!(redeem(&old, &approved, &[("code_verifier", "")]).await?.status, 200);
    // Without PKCE there must at least be a nonce.
    let (address, _) =
        old.authorization(&[("code_challenge", ""), ("code_challenge_method", "")])?;
    let told = town.person.get(&address).await?.leads_to().context("a redirect")?;
    assert_eq!(oauth::query(&told, "error").as_deref(), Some("invalid_request"));
    // And one that sends a challenge is held to it.
    let approved = old.approved(&town.person, &[("nonce", "n"), ("prompt", "consent")]).await?;
    let answer = redeem(&old, &approved, &[("code_verifier", "")]).await?;
    assert!(matches!(answer.error().as_str(), "invalid_grant" | "invalid_request"), "{answer:?}");
    Ok(())
}

// proves: B08, attack-8
#[tokio::test]
async fn the_redirect_holds_code_state_and_issuer_and_nothing_else() -> Result<()> {
    let town = Town::build().await?;
    let approved = town.tool.approved(&town.person, &[("nonce", "n-0S6")]).await?;
    let names: BTreeSet<String> =
        approved.redirect.query_pairs().map(|(name, _)| name.into()).collect();
    assert_eq!(names, ["code", "iss", "state"].map(str::to_owned).into());
    assert_eq!(approved.redirect.fragment(), None);
    Ok(())
}

// proves: B09, attack-9
#[tokio::test]
async fn a_second_use_is_refused_and_ends_everything_of_the_first() -> Result<()> {
    let town = Town::build().await?;
    let bystander = town.tool.tokens(&town.person, &[]).await?;
    let approved = town.tool.approved(&town.person, &[]).await?;
    let tokens = Tokens::read(&town.tool.redeem(&approved).await?)?;
    assert!(town.admits(&tokens.access).await?);

    let again = town.tool.redeem(&approved).await?;
    assert_eq!(again.outcome(), (400, "invalid_grant".to_owned()));
    assert!(!town.admits(&tokens.access).await?);
    assert_eq!(town.tool.refresh(&tokens.refresh).await?.error(), "invalid_grant");
    assert!(town.admits(&bystander.access).await?, "another sign-in of hers goes on");
    Ok(())
}

// proves: B10
#[tokio::test]
async fn a_code_that_is_too_old_is_refused() -> Result<()> {
    let town = Town::of(Plan::new().set("code_ttl", "1s")).await?;
    let approved = town.tool.approved(&town.person, &[]).await?;
    let expired = RealClock.now() + std::time::Duration::from_secs(1);
    wait::until("the code to expire", async || Ok((RealClock.now() > expired).then_some(())))
        .await?;
    assert_eq!(town.tool.redeem(&approved).await?.outcome(), (400, "invalid_grant".to_owned()));

    let mut server = Plan::new().set("code_ttl", "601s").start().await;
    let refused = match &mut server {
        Ok(_) => anyhow::bail!("a longer life was accepted"),
        Err(error) => format!("{error:#}"),
    };
    assert!(refused.contains("code_ttl"), "{refused}");
    Ok(())
}

// proves: B11
#[tokio::test]
async fn another_client_cannot_redeem_a_code_nor_spoil_it() -> Result<()> {
    let town = Town::build().await?;
    let other = town.other_tool().await?;
    let approved = town.tool.approved(&town.person, &[]).await?;
    for stranger in [&other, &town.api] {
        assert_eq!(stranger.redeem(&approved).await?.outcome(), (400, "invalid_grant".to_owned()));
    }
    assert_eq!(town.tool.redeem(&approved).await?.status, 200);
    Ok(())
}

// proves: B12
#[tokio::test]
async fn a_code_belongs_to_its_redirect_uri() -> Result<()> {
    let town = Town::build().await?;
    let approved = town.tool.approved(&town.person, &[]).await?;
    for wrong in [
        "http://127.0.0.1:10/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:9/callback",
        "x",
    ] {
        let answer = redeem(&town.tool, &approved, &[("redirect_uri", wrong)]).await?;
        assert_eq!(answer.outcome(), (400, "invalid_grant".to_owned()), "{wrong}");
    }
    assert_eq!(town.tool.redeem(&approved).await?.status, 200);
    Ok(())
}

// proves: B13, D08
#[tokio::test]
async fn everything_that_could_be_guessed_is_long_and_never_the_same() -> Result<()> {
    let town = Town::build().await?;
    let mut seen = BTreeSet::new();
    for _ in 0..8 {
        let approved = town.tool.approved(&town.person, &[]).await?;
        let tokens = Tokens::read(&town.tool.redeem(&approved).await?)?;
        let device = town.tool.device(&[]).await?;
        for (kind, text) in [
            (Kind::Code, approved.code),
            (Kind::Refresh, tokens.refresh),
            (Kind::Device, device.get("device_code")),
        ] {
            let token = TokenText::parse(kind, &text).with_context(|| format!("{kind:?}"))?;
            // The core's own tests count the random bits of such a text.
            assert!(seen.insert(token.digest()));
        }
    }
    Ok(())
}
