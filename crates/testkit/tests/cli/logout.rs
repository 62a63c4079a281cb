//! `logout` (CLIENT group K).

use anyhow::Result;
use serde_json::Value;

use crate::desk::Desk;

// proves: client-K1, client-K2
#[tokio::test]
async fn it_revokes_at_the_server_and_removes_here_once() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    assert_eq!(desk.admits(&token).await?, 200);
    let out = desk.cli.run(&["logout"]).await?;
    assert_eq!((out.code, out.stdout.as_str()), (Some(0), ""), "{out:?}");
    assert!(out.stderr.contains("Revoked at the server, and removed here."), "{out:?}");
    assert_eq!(desk.admits(&token).await?, 401);
    assert!(!std::fs::read_to_string(desk.credentials()).unwrap_or_default().contains(&token));
    assert_eq!(desk.cli.run(&["status"]).await?.code, Some(3));
    let again = desk.cli.run(&["logout"]).await?;
    assert!(again.code == Some(0) && again.stderr.contains("Nobody was signed in."), "{again:?}");
    Ok(())
}

// proves: client-K1
#[tokio::test]
async fn without_the_server_it_removes_here_and_says_what_is_left() -> Result<()> {
    for (flags, exit) in [(&["logout"][..], 0), (&["logout", "--require-revoke"], 5)] {
        let mut desk = Desk::signed_in().await?;
        let token = desk.token().await?;
        desk.server.stop().await?;
        let out = desk.cli.run(flags).await?;
        assert_eq!(out.code, Some(exit), "{out:?}");
        let said = out.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("Removed here only."), "{said}");
        assert!(said.contains("it could not be revoked at the server"), "{said}");
        assert!(said.contains("the access token is good until"), "{said}");
        assert_eq!(desk.cli.run(&["status"]).await?.code, Some(3));
        desk.server.start_again().await?;
        assert_eq!(desk.admits(&token).await?, 200, "nobody told the server");
    }
    // What cannot be read cannot be revoked: whoever requires that hears so.
    let desk = Desk::signed_in().await?;
    std::fs::write(desk.credentials(), "{")?;
    let out = desk.cli.run(&["logout", "--require-revoke"]).await?;
    assert!(out.code == Some(5) && !out.stderr.contains("Nobody was signed in"), "{out:?}");
    let said = out.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("no sign-in was revoked at the server"), "{said}");
    Ok(())
}

// proves: client-K2
#[tokio::test]
async fn all_means_every_profile_and_the_logins_that_were_left() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let (mut login, url) =
        desk.begin(&["--web", "--no-browser", "--profile", "work"], "url").await?;
    desk.come_back(&url).await?;
    assert_eq!(login.finished().await?.code, Some(0));
    assert_eq!(desk.cli.run(&["login", "--device", "--no-wait"]).await?.code, Some(0));
    let out = desk.cli.run(&["logout", "--all", "--json"]).await?;
    assert_eq!(out.code, Some(0), "{out:?}");
    let told: Value = serde_json::from_str(&out.stdout)?;
    assert_eq!(told["ended"].as_array().map(Vec::len), Some(2), "{told}");
    let left: Vec<_> = std::fs::read_dir(desk.cli.config())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("login-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

// proves: client-K2
#[tokio::test]
async fn a_variable_that_still_signs_in_is_named() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let out = desk.run_with(("HALLPASS_TOKEN", &token), &["logout"]).await?;
    assert_eq!(out.code, Some(0), "{out:?}");
    assert!(out.stderr.contains("Revoked at the server"), "{out:?}");
    assert!(out.stderr.contains("HALLPASS_TOKEN is set and still signs you in"), "{out:?}");
    assert!(out.stderr.contains("Next: unset HALLPASS_TOKEN"), "{out:?}");
    Ok(())
}
