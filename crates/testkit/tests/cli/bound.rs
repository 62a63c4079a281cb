//! Sign-ins that are bound to a key (HP03): what a copy of them is worth, and what other
//! programs are given.

use std::path::Path;

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::Cli;
use hallpass_testkit::oauth;
use serde_json::{Value, json};

use crate::desk::Desk;

/// Copies the file with the tokens to somebody else's home.
fn copied(desk: &Desk) -> Result<Cli> {
    let thief = Cli::new(&desk.server)?;
    private_directory(&thief.config())?;
    std::fs::copy(desk.credentials(), thief.config().join("credentials.json"))?;
    Ok(thief)
}

fn private_directory(path: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?)
}

fn stored(desk: &Desk) -> Result<Value> {
    let stored: Value = serde_json::from_slice(&std::fs::read(desk.credentials())?)?;
    Ok(stored["credentials"][0].clone())
}

async fn audited(desk: &Desk) -> Result<usize> {
    let log = desk.server.admin(&["audit", "list"], "").await?;
    Ok(log.lines().filter(|line| line.contains("refresh.copy")).count())
}

// proves: HP03
#[tokio::test]
async fn a_copied_file_is_refused_and_its_owner_sees_it_and_goes_on() -> Result<()> {
    let desk = Desk::signed_in().await?;
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0));
    desk.age()?;
    let before = std::fs::read(desk.credentials())?;
    assert_eq!(audited(&desk).await?, 0);
    let thief = copied(&desk)?;
    for command in [&["whoami"][..], &["token", "print"], &["api", "GET", "/api/v1/tokens"]] {
        let refused = thief.run(command).await?;
        assert_eq!(refused.code, Some(3), "{command:?}: {refused:?}");
        assert!(refused.stdout.is_empty(), "{command:?}: {refused:?}");
        assert!(refused.stderr.contains("bound to"), "{command:?}: {refused:?}");
    }
    // Nothing in the copy helps, not even a key of the thief's own making.
    let other = Desk::signed_in().await?;
    let key = other.cli.config().join("keys.json");
    let text = std::fs::read_to_string(&key).context("where keys are kept")?;
    let account = |desk: &Desk| {
        Ok::<_, anyhow::Error>(stored(desk)?["account"].as_str().unwrap_or_default().to_owned())
    };
    let text = text.replace(&account(&other)?, &account(&desk)?);
    let text = text.replace(&other.server.url(), &desk.server.url());
    std::fs::write(thief.config().join("keys.json"), text)?;
    assert_eq!(thief.run(&["whoami"]).await?.code, Some(3));

    let page = desk.person.get("/settings/sessions").await?;
    assert!(page.body.contains("A copy of this sign-in was tried from"), "{}", page.body);
    assert_eq!(audited(&desk).await?, 1, "once, however often it was tried");
    // The owner has noticed nothing in the terminal, and has lost nothing.
    assert_eq!(std::fs::read(desk.credentials())?, before);
    let who = desk.cli.run(&["whoami"]).await?;
    assert_eq!(who.code, Some(0), "{who:?}");
    assert_eq!(desk.cli.run(&["token", "print"]).await?.code, Some(0));
    Ok(())
}

// proves: HP03, client-F6
#[tokio::test]
async fn a_copy_is_worth_a_bearer_tokens_five_minutes_at_most() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let stored_access = stored(&desk)?["access"]["token"].as_str().unwrap_or_default().to_owned();
    assert_eq!(desk.admits(&stored_access).await?, 401, "what is stored is no bearer token");
    let printed = desk.token().await?;
    assert_eq!(desk.admits(&printed).await?, 200);
    let (_, claims) = oauth::peek(&printed)?;
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    assert!(life.is_some_and(|life| life <= 300), "{claims}");
    // A thief has that one, and nothing after it.
    let thief = copied(&desk)?;
    assert_eq!(thief.run(&["token", "print"]).await?.stdout.trim_end(), printed);
    desk.age()?;
    let thief = copied(&desk)?;
    assert_eq!(thief.run(&["token", "print"]).await?.code, Some(3));
    Ok(())
}

// proves: client-F6, client-J4
#[tokio::test]
async fn a_smaller_token_is_printed_and_kept_for_as_long_as_it_is_good() -> Result<()> {
    let mut desk = Desk::signed_in().await?;
    let small = desk.cli.run(&["token", "print", "--scope", "openid"]).await?;
    assert_eq!(small.code, Some(0), "{small:?}");
    let (_, claims) = oauth::peek(small.stdout.trim_end())?;
    assert_eq!((&claims["scope"], &claims["cnf"]), (&json!("openid"), &Value::Null));
    let api = desk.server.at("/api");
    let for_one = desk.cli.run(&["token", "print", "--audience", &api]).await?;
    let (_, claims) = oauth::peek(for_one.stdout.trim_end())?;
    assert_eq!(claims["aud"], json!(api));
    for (more, code) in [
        (&["--scope", "root"][..], 4),
        (&["--audience", "https://other.example"], 4),
        (&["--scope", "a\"b"], 2),
    ] {
        let refused = desk.cli.run(&[&["token", "print"], more].concat()).await?;
        assert_eq!(refused.code, Some(code), "{more:?}: {refused:?}");
        assert!(refused.stdout.is_empty(), "{more:?}");
    }
    let given = desk.run_with(("HALLPASS_TOKEN", "t"), &["token", "print", "--scope", "openid"]);
    assert_eq!(given.await?.code, Some(2), "what was handed over is not ours to exchange");
    // With nobody to ask it is printed again.
    let whole = desk.token().await?;
    desk.server.kill()?;
    assert_eq!(desk.token().await?, whole);
    let again = desk.cli.run(&["token", "print", "--scope", "openid"]).await?;
    assert_eq!(again.stdout, small.stdout);
    Ok(())
}

// proves: HP03, client-C10
#[tokio::test]
async fn a_device_sign_in_is_bound_however_it_is_taken_up_again() -> Result<()> {
    let desk = Desk::set().await?;
    let started = desk.cli.run(&["login", "--device", "--no-wait", "--json"]).await?;
    assert_eq!(started.code, Some(0), "{started:?}");
    let code = crate::desk::events(&started.stdout)
        .iter()
        .find_map(|event| event["user_code"].as_str().map(str::to_owned))
        .context("a code")?;
    desk.person.decide_device(&code, "approve").await?;
    let resumed = desk.cli.run(&["login", "--resume", "--json"]).await?;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(stored(&desk)?["binding"]["jkt"].is_string());
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0));
    desk.age()?;
    assert_eq!(copied(&desk)?.run(&["whoami"]).await?.code, Some(3));
    Ok(())
}

/// What a newer version keeps is put aside by a login, with the keys that it is bound to.
// proves: client-D11, HP03
#[tokio::test]
async fn a_newer_file_that_was_put_aside_is_as_good_as_before_when_it_is_put_back() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let file = desk.credentials();
    let newer =
        std::fs::read_to_string(&file)?.replace("\"schema_version\": 1,", "\"schema_version\": 9,");
    std::fs::write(&file, &newer)?;
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(7));
    // The same account, and so a key under the same name.
    desk.sign_in().await?;
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0));
    let aside = |name: &str| -> Result<std::path::PathBuf> {
        let entries = std::fs::read_dir(desk.cli.config())?;
        let begins = format!("{name}.newer-");
        let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.find(|path| path.to_string_lossy().contains(&begins)).context("put aside")
    };
    for name in ["credentials.json", "keys.json"] {
        std::fs::rename(aside(name)?, desk.cli.config().join(name))?;
    }
    assert_eq!(std::fs::read_to_string(&file)?, newer, "as it was");
    // The newer version reads it; for us it is made an old one.
    std::fs::write(&file, newer.replace("\"schema_version\": 9,", "\"schema_version\": 1,"))?;
    desk.age()?;
    let who = desk.cli.run(&["whoami"]).await?;
    assert_eq!(who.code, Some(0), "{who:?}");
    Ok(())
}

// proves: HP03
#[tokio::test]
async fn a_sign_in_without_a_key_goes_on_until_the_next_one_is_bound() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let access = desk.unbind().await?;
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0));
    assert_eq!(desk.token().await?, access, "it is a bearer token itself");
    desk.age()?;
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0), "refreshed as ever");
    assert_eq!(stored(&desk)?["binding"], Value::Null);
    desk.sign_in().await?;
    assert!(stored(&desk)?["binding"]["jkt"].is_string(), "from now on");
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0));
    Ok(())
}
