//! A real keyring: unlocked, locked, silent or absent (CLIENT group D).

use std::os::unix::net::UnixListener;

use anyhow::Result;
use hallpass_testkit::cli::Cli;
use hallpass_testkit::keyring::Session;
use hallpass_testkit::process::Finished;
use serde_json::Value;

use crate::desk::Desk;

/// On one line, however narrow it was told.
fn unwrapped(finished: &Finished) -> String {
    finished.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn done(shell: &Cli, arguments: &[&str]) -> Result<Finished> {
    let finished = shell.run(arguments).await?;
    assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
    Ok(finished)
}

/// The store cannot be used: said on standard error, with one next command.
#[track_caller]
fn unavailable(finished: &Finished, says: &str) {
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(7), ""), "{finished:?}");
    assert!(unwrapped(finished).contains(says), "no {says:?} in {finished:?}");
    assert_eq!(finished.stderr.matches("Next: ").count(), 1, "{finished:?}");
}

/// Ada's desk in a session with an unlocked keyring, signed in there.
async fn sealed() -> Result<(Desk, Session)> {
    let mut desk = Desk::set().await?;
    let session = Session::unlocked().await?;
    desk.cli = session.shell(Cli::new(&desk.server)?);
    desk.sign_in().await?;
    Ok((desk, session))
}

// proves: client-D1, client-D6, client-K2
#[tokio::test]
async fn a_sign_in_is_sealed_with_a_key_in_the_keyring() -> Result<()> {
    let (desk, session) = sealed().await?;
    let token = desk.token().await?;
    let text = std::fs::read_to_string(desk.credentials())?;
    assert!(!text.contains(&token) && !text.contains("ada@example.com"), "{text}");
    let entries = session.entries("hallpass").await?;
    assert!(entries.len() == 1 && entries[0].len() < 100, "{entries:?}");
    assert!(!entries[0].contains(&token));

    let status: Value =
        serde_json::from_str(&done(&desk.cli, &["status", "--json"]).await?.stdout)?;
    assert_eq!(status["store"]["kind"], "sealed_file");
    assert_eq!(status["store"]["keyring"], "Secret Service");
    let status = done(&desk.cli, &["status"]).await?;
    assert!(status.stdout.contains("system keyring (Secret Service)"), "{status:?}");
    assert_eq!(done(&desk.cli, &["whoami"]).await?.stdout, "ada@example.com (Ada)\n");

    done(&desk.cli, &["logout"]).await?;
    assert_eq!(desk.admits(&token).await?, 401);
    assert!(!desk.credentials().exists());
    assert!(session.entries("hallpass").await?.is_empty());
    Ok(())
}

// proves: client-D10, client-K3
#[tokio::test]
async fn a_locked_keyring_is_exit_7_and_stops_only_what_needs_it() -> Result<()> {
    let (desk, mut session) = sealed().await?;
    let token = desk.token().await?;
    let before = std::fs::read(desk.credentials())?;
    session.lock().await?;
    for arguments in [&["token", "print"][..], &["status"], &["whoami"], &["logout"], &["login"]] {
        let finished = desk.cli.run(arguments).await?;
        if arguments == ["login"] {
            // Nobody is there to sign in; that comes first.
            assert!(matches!(finished.code, Some(2 | 7)), "{finished:?}");
        } else {
            unavailable(&finished, "the keyring");
        }
    }
    assert!(std::fs::read(desk.credentials())? == before, "nothing was changed");
    assert_eq!(desk.admits(&token).await?, 200, "nothing was revoked");
    for arguments in [&["--version"][..], &["--help"], &["completions", "bash"]] {
        done(&desk.cli, arguments).await?;
    }
    // A variable needs no store (D4).
    let script = desk.run_with(("HALLPASS_TOKEN", token.as_str()), &["whoami"]).await?;
    assert_eq!(script.code, Some(0), "{script:?}");

    session.unlock().await?;
    assert_eq!(desk.token().await?, token);

    // Whoever wants to go on without it begins anew, and what was sealed is kept.
    session.lock().await?;
    let mut again = desk.cli.command(&["login", "--store", "file", "--with-token"])?;
    let again = hallpass_testkit::process::Running::finish(&mut again, token.as_bytes()).await?;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stderr.contains("credentials.json.sealed-"), "{again:?}");
    assert_eq!(done(&desk.cli, &["token", "print"]).await?.stdout.trim_end(), token);
    Ok(())
}

// proves: client-D2, client-D3
#[tokio::test]
async fn a_keyring_that_never_answers_is_left_behind() -> Result<()> {
    let (desk, session) = sealed().await?;
    let token = desk.token().await?;
    session.silence()?;
    // That these end at all is the proof: the keyring holds its caller for ever.
    let silent = ("HALLPASS_KEYRING_TIMEOUT", "1");
    for arguments in [&["token", "print"][..], &["status"], &["logout"]] {
        unavailable(&desk.run_with(silent, arguments).await?, "did not answer within 1 s");
    }
    // So does a bus that takes the call and says nothing.
    let other = Cli::new(&desk.server)?;
    let socket = other.home().join("bus");
    let _bus = UnixListener::bind(&socket)?;
    let other = other
        .variable("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", socket.display()))
        .variable("HALLPASS_STORE", "auto")
        .variable(silent.0, silent.1);
    let login = other.run_with(&["login", "--with-token"], &token).await?;
    unavailable(&login, "kept unencrypted in");
    assert!(login.stderr.ends_with("Next: hallpass login --store file\n"), "{login:?}");
    assert!(!other.config().join("credentials.json").exists());
    Ok(())
}

// proves: client-D2
#[tokio::test]
async fn without_a_keyring_a_plain_file_is_agreed_to_once() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let session = Session::without_a_keyring().await?;
    for shell in [
        session.shell(Cli::new(&desk.server)?),
        Cli::new(&desk.server)?.variable("HALLPASS_STORE", ""),
    ] {
        let refused = shell.run_with(&["login", "--with-token"], &token).await?;
        unavailable(&refused, "there is no keyring here");
        assert!(!shell.config().join("credentials.json").exists());

        let agreed = shell.run_with(&["login", "--with-token", "--store", "file"], &token).await?;
        assert_eq!(agreed.code, Some(0), "{agreed:?}");
        assert!(agreed.stderr.contains("readable by you only"), "{agreed:?}");
        // Remembered: from now on nobody has to say it.
        assert_eq!(done(&shell, &["token", "print"]).await?.stdout.trim_end(), token);
        done(&shell, &["logout"]).await?;
        let again = shell.run_with(&["login", "--with-token"], &token).await?;
        assert_eq!(again.code, Some(0), "{again:?}");
    }
    Ok(())
}

// proves: client-D11
#[tokio::test]
async fn an_old_plain_file_moves_to_the_sealed_form_with_the_next_write() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let session = Session::unlocked().await?;
    let old = desk.token().await?;
    desk.age()?;
    let address = session.address();
    let mut print = desk.cli.command(&["token", "print"])?;
    print.env("DBUS_SESSION_BUS_ADDRESS", &address).env("HALLPASS_STORE", "auto");
    let printed = hallpass_testkit::process::Running::finish(&mut print, b"").await?;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let new = printed.stdout.trim_end();
    assert!(new != old && !std::fs::read_to_string(desk.credentials())?.contains(new));
    let mut print = desk.cli.command(&["token", "print"])?;
    print.env("DBUS_SESSION_BUS_ADDRESS", &address).env("HALLPASS_STORE", "auto");
    let again = hallpass_testkit::process::Running::finish(&mut print, b"").await?;
    assert_eq!(again.stdout.trim_end(), new, "{again:?}");
    Ok(())
}

// proves: client-D2
#[tokio::test]
async fn at_a_terminal_a_plain_file_is_asked_about_and_the_answer_remembered() -> Result<()> {
    let desk = Desk::set().await?;
    let session = Session::without_a_keyring().await?;
    let shell = session.shell(Cli::new(&desk.server)?);
    let mut terminal = shell.at_terminal(&["login", "--device"])?;
    terminal.shows("there is no keyring here").await?;
    terminal.shows("Keep them unencrypted").await?;
    terminal.type_text("n\r")?;
    let (exit, shown) = terminal.finished().await?;
    assert_eq!(exit, Some(7), "{shown}");
    assert!(shown.contains("Next: hallpass login --store keyring"), "{shown}");

    let mut terminal = shell.at_terminal(&["login", "--device"])?;
    terminal.shows("Keep them unencrypted").await?;
    terminal.type_text("y\r")?;
    terminal.shows("Waiting for your approval").await?;
    terminal.type_text("\x03")?;
    assert_eq!(terminal.finished().await?.0, Some(130));
    // Not a second time.
    let mut terminal = shell.at_terminal(&["login", "--device"])?;
    let shown = terminal.shows("Waiting for your approval").await?;
    assert!(!shown.contains("Keep them unencrypted"), "{shown}");
    terminal.type_text("\x03")?;
    terminal.finished().await?;
    Ok(())
}
