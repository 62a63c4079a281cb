//! States, exit codes, JSON (CLIENT group G).

use anyhow::Result;
use hallpass_testkit::process::Finished;
use hallpass_testkit::wait;
use serde_json::Value;

use crate::desk::Desk;

/// `status` as a program reads it: exit code, state, and that it was not contradicted.
async fn state(desk: &Desk, flags: &[&str]) -> Result<(Option<i32>, String)> {
    let json = desk.cli.run(&[&["status", "--json"], flags].concat()).await?;
    let told: Value = serde_json::from_str(&json.stdout)?;
    assert_eq!(told["schema_version"], 1, "{json:?}");
    assert_eq!(told["usable"].as_bool(), Some(json.code == Some(0)), "{json:?}");
    let text = desk.cli.run(&[&["status"], flags].concat()).await?;
    assert_eq!(text.code, json.code, "{text:?} {json:?}");
    one_stream(&text);
    Ok((json.code, told["state"].as_str().unwrap_or_default().to_owned()))
}

/// Standard output when all is well, standard error when not.
fn one_stream(text: &Finished) {
    let well = text.code == Some(0);
    assert_eq!((text.stdout.is_empty(), text.stderr.is_empty()), (!well, well), "{text:?}");
    assert_eq!(text.stdout.contains("Signed in to"), well, "{text:?}");
}

fn is(exit: i32, state: &str) -> (Option<i32>, String) {
    (Some(exit), state.to_owned())
}

// proves: client-G1, client-G2, client-G4
#[tokio::test]
async fn every_state_has_its_exit_code() -> Result<()> {
    let mut desk = Desk::set().await?;
    assert_eq!(state(&desk, &[]).await?, is(3, "not_signed_in"));
    desk.sign_in().await?;
    assert_eq!(state(&desk, &[]).await?, is(0, "valid"));
    assert_eq!(state(&desk, &["--check"]).await?, is(0, "valid"));
    desk.age()?;
    assert_eq!(state(&desk, &[]).await?, is(0, "refreshable"));

    // Without the server, it is said what is known here; or that it could not be asked.
    desk.token().await?;
    desk.server.stop().await?;
    assert_eq!(state(&desk, &[]).await?, is(0, "valid"));
    assert_eq!(state(&desk, &["--check"]).await?, is(5, "cannot_verify"));
    desk.server.start_again().await?;

    // A file that is no longer one.
    let stored = std::fs::read(desk.credentials())?;
    std::fs::write(desk.credentials(), "{")?;
    assert_eq!(state(&desk, &[]).await?, is(7, "store_unavailable"));
    std::fs::write(desk.credentials(), stored)?;
    assert_eq!(state(&desk, &[]).await?, is(0, "valid"));

    // The key that it is bound to: damaged, then gone.
    let keys = desk.cli.config().join("keys.json");
    let kept = std::fs::read(&keys)?;
    std::fs::write(&keys, "{")?;
    assert_eq!(state(&desk, &[]).await?, is(7, "store_unavailable"));
    assert_eq!(desk.cli.run(&["doctor"]).await?.code, Some(7));
    std::fs::remove_file(&keys)?;
    assert_eq!(state(&desk, &[]).await?, is(3, "key_missing"));
    for command in ["status", "doctor"] {
        let told = desk.cli.run(&[command]).await?;
        assert_eq!(told.code, Some(3), "{told:?}");
        assert!(told.stderr.contains("Next: hallpass login --profile "), "{told:?}");
    }
    std::fs::write(&keys, kept)?;
    assert_eq!(state(&desk, &["--check"]).await?, is(0, "valid"));
    Ok(())
}

// proves: client-G1, client-F3, client-L3
#[tokio::test]
async fn a_variable_that_holds_half_a_token_signs_nobody_in() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let made = desk.cli.run(&["token", "create", "ci", "--json"]).await?;
    let made: Value = serde_json::from_str(&made.stdout)?;
    let token = made["value"].as_str().unwrap_or_default();
    let half = ("HALLPASS_TOKEN", &token[..token.len() - 3]);
    for command in [&["status"][..], &["status", "--check"], &["token", "print"], &["whoami"]] {
        let told = desk.run_with(half, command).await?;
        assert_eq!((told.code, told.stdout.as_str()), (Some(3), ""), "{command:?}: {told:?}");
        assert!(told.stderr.contains("the value of HALLPASS_TOKEN is no token"), "{told:?}");
        assert!(told.stderr.ends_with("Next: unset HALLPASS_TOKEN\n"), "{told:?}");
    }
    assert_eq!(desk.run_with(("HALLPASS_TOKEN", token), &["whoami"]).await?.code, Some(0));
    Ok(())
}

// proves: client-G1
#[tokio::test]
async fn a_session_that_was_ended_elsewhere_is_over_and_its_token_rejected() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let page = desk.person.get("/settings/sessions").await?;
    desk.person.submit(&page, "#end-others form", &[], None).await?;
    // Nothing here can know it yet; the server does.
    assert_eq!(state(&desk, &[]).await?, is(0, "valid"));
    assert_eq!(state(&desk, &["--check"]).await?, is(3, "ended"));
    assert_eq!(state(&desk, &[]).await?, is(3, "ended"));
    let refused = desk.cli.run(&["whoami"]).await?;
    assert!(refused.code == Some(3) && refused.stderr.contains("signed out"), "{refused:?}");

    // The bare token, which nothing can be refreshed with.
    let shell = desk.shell(&[("HALLPASS_TOKEN", &token)])?;
    let checked = shell.run(&["status", "--check", "--json"]).await?;
    let told: Value = serde_json::from_str(&checked.stdout)?;
    assert_eq!((checked.code, &told["state"]), (Some(4), &"rejected".into()), "{told}");
    assert_eq!(shell.run(&["whoami"]).await?.code, Some(4));
    Ok(())
}

// proves: client-G2
#[tokio::test]
async fn only_check_asks_the_server() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let asked = async || -> Result<usize> {
        let metrics = desk.metrics().await?;
        let counts = metrics.lines().filter(|line| {
            line.starts_with("hallpass_http_requests_total") && !line.contains("/metrics")
        });
        let numbers = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
        Ok(numbers.sum())
    };
    let before = asked().await?;
    assert_eq!(desk.cli.run(&["status"]).await?.code, Some(0));
    assert_eq!(asked().await?, before);
    assert_eq!(desk.cli.run(&["status", "--check"]).await?.code, Some(0));
    // Who it is, and whether agents wait for an answer. An answer is counted when it is on its way.
    // The first is sent twice: who has just begun knows no nonce of the server (RFC 9449 §9).
    wait::until("two requests", async || Ok((asked().await? == before + 3).then_some(()))).await
}

// proves: client-G3
#[tokio::test]
async fn a_program_reads_one_object_without_the_token() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let finished = desk.cli.run(&["status", "--json"]).await?;
    assert_eq!(finished.stdout.lines().count(), 1);
    assert!(!finished.stdout.contains(&token), "{}", finished.stdout);
    let told: Value = serde_json::from_str(&finished.stdout)?;
    assert_eq!(told["source"]["kind"], "profile");
    assert_eq!(told["store"]["path"], desk.credentials().display().to_string());
    assert_eq!(told["issuer"], desk.server.url());
    assert_eq!(told["account"]["email"], "ada@example.com");
    assert!(told["scopes"].as_array().is_some_and(|scopes| !scopes.is_empty()), "{told}");
    assert!(told["expires_at"].is_string() && told["warnings"].is_array(), "{told}");
    Ok(())
}
