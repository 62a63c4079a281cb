//! Signing in with a code (CLIENT group C).

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::{self, Cli};
use hallpass_testkit::server::Plan;
use serde_json::Value;

use crate::desk::{Desk, events};

/// The code in what a person is shown.
fn code(shown: &str) -> Option<String> {
    let (_, rest) = shown.split_once("Letter by letter: ")?;
    let (line, _) = rest.split_once('\n')?;
    Some(line.split_whitespace().collect())
}

// proves: client-C1, client-C7
#[tokio::test]
async fn at_a_terminal_the_countdown_is_updated_in_place() -> Result<()> {
    let desk = Desk::set().await?;
    let mut terminal = desk.cli.at_terminal(&["login", "--device"])?;
    let code = terminal.until("a code", code).await?;
    let shown = terminal.shows("Waiting for your approval").await?;
    assert!(shown.contains(&desk.server.at("/device")), "{shown}");
    assert!(shown.contains("Only continue if you started this sign-in here."), "{shown}");
    // Two different times, and no line feed between them.
    terminal
        .until("the countdown to go on", |shown| {
            let mut times: Vec<&str> = shown
                .split("Waiting for your approval, ")
                .skip(1)
                .filter_map(|rest| Some(rest.split_once(" left")?.0))
                .collect();
            times.dedup();
            (times.len() > 1).then_some(())
        })
        .await?;
    let raw = terminal.raw();
    let (_, countdown) = raw.split_once("Waiting for your approval").context("a countdown")?;
    assert!(!countdown.contains('\n'), "{countdown:?}");
    desk.person.decide_device(&code, "approve").await?;
    let (exit, shown) = terminal.finished().await?;
    assert_eq!(exit, Some(0), "{shown}");
    assert!(shown.contains("Signed in to") && shown.contains("ada@example.com"), "{shown}");
    Ok(())
}

// proves: client-C1, client-C5
#[tokio::test]
async fn off_a_terminal_everything_is_said_once() -> Result<()> {
    let desk = Desk::set().await?;
    let mut login = desk.cli.start(&["login", "--device", "--qr"])?;
    let code = cli::written(&mut login, "a code", code).await?;
    desk.person.decide_device(&code, "approve").await?;
    let finished = login.finished().await?;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{finished:?}");
    let said = &finished.stderr;
    assert_eq!(said.matches("The code is good for 10 minutes, until 2").count(), 1, "{said}");
    assert!(!said.contains('\r') && !said.contains('\u{1b}'), "{said:?}");
    assert!(!said.contains('█') && !said.contains('▀'), "a QR code for nobody: {said}");
    Ok(())
}

// proves: client-C5
#[tokio::test]
async fn a_terminal_gets_the_code_drawn() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = desk.shell(&[("LANG", "C.UTF-8")])?;
    let mut terminal = shell.at_terminal(&["login", "--qr"])?;
    let shown = terminal.shows("Waiting for your approval").await?;
    assert!(shown.contains('█') && shown.contains('▀'), "{shown}");
    terminal.type_text("\u{3}")?;
    assert_eq!(terminal.finished().await?.0, Some(130));
    Ok(())
}

/// Begins a device login that a person would watch in a log; answers its end once
/// `decide` has done something with the code.
async fn told(desk: &Desk, decide: &str) -> Result<(Option<i32>, String)> {
    let mut login = desk.cli.start(&["login", "--device"])?;
    let code = cli::written(&mut login, "a code", code).await?;
    if !decide.is_empty() {
        desk.person.decide_device(&code, decide).await?;
    }
    let finished = login.finished().await?;
    Ok((finished.code, finished.stderr))
}

// proves: client-C2
#[tokio::test]
async fn denied_and_expired_are_told_apart() -> Result<()> {
    let plan = Plan::new().set("device_interval", "1s").set("device_ttl", "5s");
    let desk = Desk::of(plan).await?;
    let (exit, denied) = told(&desk, "deny").await?;
    assert!(exit == Some(6) && denied.contains("the sign-in was denied"), "{denied}");
    let (exit, expired) = told(&desk, "").await?;
    assert!(exit == Some(6) && expired.contains("the code expired"), "{expired}");
    Ok(())
}

// proves: client-C2
#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_ends_nothing() -> Result<()> {
    let mut desk = Desk::set().await?;
    let mut login = desk.cli.start(&["login", "--device"])?;
    let code = cli::written(&mut login, "a code", code).await?;
    desk.server.kill()?;
    cli::written(&mut login, "the trouble", |said| said.contains("trying again in").then_some(()))
        .await?;
    desk.server.start_again().await?;
    desk.person.decide_device(&code, "approve").await?;
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    Ok(())
}

/// Every secret that the shell has stored.
fn stored_secrets(shell: &Cli) -> Result<Vec<String>> {
    let stored = std::fs::read(shell.config().join("credentials.json"))?;
    let stored: Value = serde_json::from_slice(&stored)?;
    let credential = &stored["credentials"][0];
    let secrets = [&credential["access"]["token"], &credential["refresh_token"]];
    secrets.iter().map(|secret| Ok(secret.as_str().context("a secret")?.to_owned())).collect()
}

// proves: client-C9
#[tokio::test]
async fn a_program_reads_one_event_a_line_and_no_secret() -> Result<()> {
    let desk = Desk::set().await?;
    let (mut login, code) = desk.begin(&["--device"], "user_code").await?;
    desk.person.decide_device(&code, "approve").await?;
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let told = events(&finished.stdout);
    assert_eq!(told.len(), finished.stdout.lines().count(), "{}", finished.stdout);
    let names: Vec<_> = told.iter().map(|event| event["event"].as_str()).collect();
    assert_eq!(names, [Some("verification"), Some("authenticated")]);
    assert_eq!(told[0]["verification_uri"], desk.server.at("/device"));
    let left = told[0]["expires_in"].as_u64().context("a number")?;
    assert!((590..=600).contains(&left), "{left}");
    assert_eq!(told[1]["account"]["email"], "ada@example.com");
    for secret in stored_secrets(&desk.cli)? {
        assert!(!finished.stdout.contains(&secret) && !finished.stderr.contains(&secret));
    }
    let (mut login, code) = desk.begin(&["--device"], "user_code").await?;
    desk.person.decide_device(&code, "deny").await?;
    let finished = login.finished().await?;
    let told = events(&finished.stdout);
    let last = told.last().context("an event")?;
    assert_eq!((&last["event"], &last["code"]), (&"error".into(), &"access_denied".into()));
    assert_eq!(finished.code, Some(6));
    Ok(())
}

// proves: client-C10
#[tokio::test]
async fn a_login_that_was_left_goes_on_here_and_nowhere_else() -> Result<()> {
    let desk = Desk::set().await?;
    let left = desk.cli.run(&["login", "--device", "--no-wait", "--json"]).await?;
    assert_eq!(left.code, Some(0), "{left:?}");
    let event = events(&left.stdout).pop().context("an event")?;
    let handle = event["handle"].as_str().context("a handle")?;
    let file = desk.cli.config().join(format!("login-{handle}.json"));
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    let saved: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let device_code = saved["device_code"].as_str().context("a device code")?;
    assert!(!left.stdout.contains(device_code), "the handle is all that is told");

    // The handle alone, on another machine.
    let elsewhere = Cli::new(&desk.server)?.run(&["login", "--resume", handle]).await?;
    assert!(elsewhere.code != Some(0) && elsewhere.stderr.contains("no login to resume"));

    let user_code = event["user_code"].as_str().context("a code")?;
    desk.person.decide_device(user_code, "approve").await?;
    let resumed = desk.cli.run(&["login", "--resume", handle]).await?;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(!file.exists(), "its file is left");
    assert_eq!(desk.cli.run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");
    assert_ne!(desk.cli.run(&["login", "--resume", handle]).await?.code, Some(0));
    Ok(())
}
