//! C: refresh tokens.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hallpass_core::Clock as _;
use hallpass_testkit::oauth::{self, OAuth, Tokens};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::{PASSWORD, Plan};
use hallpass_testkit::system::RealClock;
use hallpass_testkit::town::Town;
use hallpass_testkit::{html, wait};

async fn refreshed(client: &OAuth, refresh_token: &str) -> Result<Tokens> {
    Tokens::read(&client.refresh(refresh_token).await?)
}

async fn is_refused(client: &OAuth, refresh_token: &str) -> Result<bool> {
    let answer = client.refresh(refresh_token).await?;
    anyhow::ensure!(
        answer.status == 200 || answer.outcome() == (400, "invalid_grant".to_owned()),
        "{answer:?}"
    );
    Ok(answer.status != 200)
}

// proves: C09, C10
#[tokio::test]
async fn each_use_brings_another_and_an_old_one_ends_the_family() -> Result<()> {
    let town = Town::build().await?;
    let bystander = town.tool.tokens(&town.person, &[]).await?;
    let first = town.tool.tokens(&town.person, &[]).await?;
    let second = refreshed(&town.tool, &first.refresh).await?;
    let third = refreshed(&town.tool, &second.refresh).await?;
    assert!(first.refresh != second.refresh && second.refresh != third.refresh);
    assert!(town.admits(&third.access).await?);

    assert!(is_refused(&town.tool, &first.refresh).await?, "its successor was used");
    assert!(is_refused(&town.tool, &third.refresh).await?, "the family has ended");
    for tokens in [&first, &second, &third] {
        assert!(!town.admits(&tokens.access).await?);
    }
    assert!(town.admits(&bystander.access).await?, "and only that family");
    assert!(!is_refused(&town.tool, &bystander.refresh).await?);
    Ok(())
}

// proves: C15, attack-10, HP02
#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again_by_the_same_client_only() -> Result<()> {
    let town = Town::build().await?;
    let other = town.other_tool().await?;
    let first = town.tool.tokens(&town.person, &[]).await?;
    let second = refreshed(&town.tool, &first.refresh).await?;
    let again = refreshed(&town.tool, &first.refresh).await?;
    assert_eq!(second.refresh, again.refresh, "the same successor, not another");
    assert!(is_refused(&other, &first.refresh).await?);
    let third = refreshed(&town.tool, &second.refresh).await?;
    assert!(town.admits(&third.access).await?, "another client's attempt has ended nothing");

    // After the grace period a second use is a replay, though the successor is unspent.
    let town = Town::of(Plan::new().set("refresh_grace", "1s")).await?;
    let first = town.tool.tokens(&town.person, &[]).await?;
    let second = refreshed(&town.tool, &first.refresh).await?;
    let over = RealClock.now() + Duration::from_millis(1100);
    wait::until("the grace to end", async || Ok((RealClock.now() > over).then_some(()))).await?;
    assert!(is_refused(&town.tool, &first.refresh).await?);
    assert!(is_refused(&town.tool, &second.refresh).await?);
    Ok(())
}

// proves: C11, attack-11
#[tokio::test]
async fn another_client_or_none_cannot_use_it_nor_spoil_it() -> Result<()> {
    let town = Town::build().await?;
    let other = town.other_tool().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    assert!(is_refused(&other, &tokens.refresh).await?);
    assert!(is_refused(&town.api, &tokens.refresh).await?);
    let bare = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let answer = town.tool.post_bare("/oauth/token", &bare).await?;
    assert!(matches!(answer.status.as_u16(), 400 | 401), "{answer:?}");
    assert!(!is_refused(&town.tool, &tokens.refresh).await?);

    // A confidential client's needs its secret, whoever holds it.
    let tokens = town.api.tokens(&town.person, &[]).await?;
    let thief = OAuth { secret: None, ..town.api.clone() };
    let answer = thief.refresh(&tokens.refresh).await?;
    assert_eq!(answer.error(), "invalid_client");
    let thief = OAuth { secret: Some("hp_cs_wrong".to_owned()), ..town.api.clone() };
    assert_eq!(thief.refresh(&tokens.refresh).await?.error(), "invalid_client");
    assert!(!is_refused(&town.api, &tokens.refresh).await?);
    // Other kinds of token are no refresh tokens.
    for wrong in [tokens.access.as_str(), tokens.id.as_str(), "hp_rt_", "", " "] {
        let answer = town.api.refresh(wrong).await?;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    Ok(())
}

// proves: C11, C12
#[tokio::test]
async fn scope_and_resource_can_be_narrowed_and_never_widened() -> Result<()> {
    let town = Town::build().await?;
    let scope = [("scope", "openid email account")];
    let tokens = town.tool.tokens(&town.person, &scope).await?;
    let ask = async |refresh: &str, extra: (&str, &str)| {
        let params = [("grant_type", "refresh_token"), ("refresh_token", refresh), extra];
        town.tool.post("/oauth/token", &params).await
    };
    for wider in ["openid email account profile", "profile", "openid no-such-scope"] {
        let answer = ask(&tokens.refresh, ("scope", wider)).await?;
        assert_eq!(answer.outcome(), (400, "invalid_scope".to_owned()), "{wider}");
    }
    let answer = ask(&tokens.refresh, ("resource", "https://elsewhere.example/api")).await?;
    assert_eq!(answer.outcome(), (400, "invalid_target".to_owned()));

    let narrow = ask(&tokens.refresh, ("scope", "email")).await?;
    assert_eq!(narrow.get("scope"), "email");
    let (_, claims) = oauth::peek(&narrow.get("access_token"))?;
    assert_eq!(claims["scope"], "email");
    // Narrowing one token does not narrow the grant (RFC 6749 §6).
    let whole = town.tool.refresh(&narrow.get("refresh_token")).await?;
    assert_eq!(whole.get("scope"), "account email openid");
    Ok(())
}

// proves: C13, attack-12, E11
#[tokio::test]
async fn whatever_ends_a_sign_in_ends_every_credential_of_it() -> Result<()> {
    let events: [(&str, Event); 7] = [
        ("the user is disabled", Event::UserDisabled),
        ("the password is changed by its owner", Event::PasswordChanged),
        ("the password is set by an operator", Event::PasswordSet),
        ("the grant is ended on the sessions page", Event::EndedOnPage),
        ("the refresh token is revoked", Event::RefreshRevoked),
        ("the client is disabled", Event::ClientDisabled),
        ("its code is replayed", Event::CodeReplayed),
    ];
    for (what, event) in events {
        let town = Town::build().await?;
        let (bo, bo_at_browser) = town.bo().await?;
        let bystander = town.api.tokens(&bo_at_browser, &[]).await?;
        let approved = town.tool.approved(&town.person, &[("scope", "openid account")]).await?;
        let tokens = Tokens::read(&town.tool.redeem(&approved).await?)?;
        let newer = refreshed(&town.tool, &tokens.refresh).await?;
        // Not redeemed yet, and so easy to forget.
        let pending = town.tool.approved(&town.person, &[]).await?;
        let device = town.tool.device(&[]).await?;
        let page = town.person.decide_device(&device.get("user_code"), "approve").await?;
        assert_eq!(
            html::value(&page.body, "#outcome", "data-outcome").as_deref(),
            Some("approved")
        );
        assert!(town.admits(&newer.access).await?);

        event.happen(&town, &approved, &newer).await.context(what)?;

        let mut alive = Vec::new();
        if town.admits(&tokens.access).await? || town.admits(&newer.access).await? {
            alive.push("access token");
        }
        for refresh in [&newer.refresh, &tokens.refresh] {
            if town.tool.refresh(refresh).await?.status == 200 {
                alive.push("refresh token");
            }
        }
        if event.ends_all_of_the_user_or_client() {
            if town.tool.redeem(&pending).await?.status == 200 {
                alive.push("unredeemed code");
            }
            if town.tool.poll(&device.get("device_code")).await?.status == 200 {
                alive.push("approved device code");
            }
        }
        assert!(alive.is_empty(), "after {what} there lives: {alive:?}");
        assert!(town.admits(&bystander.access).await?, "after {what} {} is out too", bo.email);
        assert!(!is_refused(&town.api, &bystander.refresh).await?);
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Event {
    UserDisabled,
    PasswordChanged,
    PasswordSet,
    EndedOnPage,
    RefreshRevoked,
    ClientDisabled,
    CodeReplayed,
}

impl Event {
    fn ends_all_of_the_user_or_client(self) -> bool {
        use Event::{ClientDisabled, PasswordChanged, PasswordSet, UserDisabled};
        [UserDisabled, PasswordChanged, PasswordSet, ClientDisabled].contains(&self)
    }

    async fn happen(self, town: &Town, approved: &oauth::Approved, tokens: &Tokens) -> Result<()> {
        let email = town.ada.email.as_str();
        match self {
            Self::UserDisabled => {
                town.server.admin(&["user", "disable", email], "").await.map(drop)
            }
            Self::PasswordSet => {
                let set = ["user", "set-password", email, "--password-stdin"];
                town.server.admin(&set, "another battery staple").await.map(drop)
            }
            Self::ClientDisabled => {
                town.server.admin(&["client", "disable", "tool"], "").await.map(drop)
            }
            Self::PasswordChanged => change_password(&town.person).await,
            Self::EndedOnPage => {
                let (_, claims) = oauth::peek(&tokens.access)?;
                let grant = claims["grant"].as_str().context("a grant")?;
                let page = town.person.get("/settings/sessions").await?;
                let form = format!("[id={grant}] form");
                town.person.submit(&page, &form, &[], None).await.map(drop)
            }
            Self::RefreshRevoked => town.tool.revoke(&tokens.refresh).await.map(drop),
            Self::CodeReplayed => town.tool.redeem(approved).await.map(drop),
        }
    }
}

async fn change_password(person: &Person) -> Result<()> {
    let new = "a different battery staple";
    let page = person.get("/settings/security").await?;
    let fields = [("password", PASSWORD), ("new_password", new), ("repeat_password", new)];
    let page = person.submit(&page, "#password-form", &fields, None).await?;
    anyhow::ensure!(page.status == 200, "{} {}", page.status, page.body);
    Ok(())
}

// proves: C14
#[tokio::test]
async fn one_that_nobody_uses_ends() -> Result<()> {
    let town = Town::of(Plan::new().set("refresh_idle_ttl", "2s")).await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let tokens = refreshed(&town.tool, &tokens.refresh).await?;
    let expired = RealClock.now() + Duration::from_secs(2);
    wait::until("it to expire", async || Ok((RealClock.now() > expired).then_some(()))).await?;
    assert!(is_refused(&town.tool, &tokens.refresh).await?);
    Ok(())
}

// proves: C16
#[tokio::test]
async fn an_id_token_from_a_refresh_is_about_the_same_sign_in() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[("nonce", "n-1"), ("max_age", "100000")]).await?;
    let (_, first) = oauth::peek(&tokens.id)?;
    let second_later = RealClock.now() + Duration::from_millis(1100);
    wait::until("another second", async || Ok((RealClock.now() > second_later).then_some(())))
        .await?;
    let (_, second) = oauth::peek(&refreshed(&town.tool, &tokens.refresh).await?.id)?;
    for claim in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(first[claim], second[claim], "{claim}");
        assert!(!first[claim].is_null(), "{claim}");
    }
    assert!(second["iat"].as_i64() > first["iat"].as_i64());
    // OIDC Core §12.2: it SHOULD NOT have a nonce, and if it has one it is the same.
    assert!(second["nonce"].is_null() || second["nonce"] == first["nonce"]);
    Ok(())
}
