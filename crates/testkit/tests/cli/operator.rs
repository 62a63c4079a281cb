//! `admin`, `demo`, `completions`, `man`.

use anyhow::Result;
use hallpass_testkit::person::Person;
use hallpass_testkit::process::{self, Finished, Running};
use hallpass_testkit::server::PASSWORD;

use crate::desk::Desk;

// proves: client-L1
#[tokio::test]
async fn completions_and_manual_pages_come_out() -> Result<()> {
    let desk = Desk::set().await?;
    for shell in ["bash", "zsh", "fish", "powershell", "nushell", "elvish"] {
        let printed = desk.cli.run(&["completions", shell]).await?;
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["login", "whoami", "logout", "rotate", "serve"] {
            assert!(printed.stdout.contains(word), "{shell} does not know {word}");
        }
    }
    let written = desk.cli.run(&["man", "pages"]).await?;
    assert_eq!(written.code, Some(0), "{written:?}");
    for page in [
        "hallpass.1",
        "hallpass-login.1",
        "hallpass-session-list.1",
        "hallpass-token-create.1",
        "hallpass-serve.1",
    ] {
        let text = std::fs::read_to_string(desk.cli.home().join("pages").join(page))?;
        assert!(text.contains(".TH"), "{page}");
    }
    Ok(())
}

#[tokio::test]
async fn a_command_on_an_empty_directory_says_nothing_beside_its_answer() -> Result<()> {
    let desk = Desk::set().await?;
    let empty = desk.server.scratch().join("empty").display().to_string();
    for _ in 0..2 {
        let listed = desk.server.try_admin(&["user", "list", "--data-dir", &empty], "").await?;
        assert_eq!((listed.code, listed.written().as_str()), (Some(0), ""));
    }
    Ok(())
}

#[tokio::test]
async fn an_operator_is_served_whether_the_server_runs_or_not() -> Result<()> {
    let mut desk = Desk::set().await?;
    let running = desk.server.admin(&["user", "list"], "").await?;
    assert!(running.contains("ada@example.com"), "{running}");
    // What is made while it runs is there at once.
    let bo = desk.server.person("bo@example.com", "Bo").await?;
    Person::signed_in(&desk.server, &bo).await?;

    desk.server.stop().await?;
    assert_eq!(desk.server.admin(&["user", "list"], "").await?.lines().count(), 2);
    let cy = desk.server.person("cy@example.com", "Cy").await?;
    desk.server.start_again().await?;
    Person::signed_in(&desk.server, &cy).await?;

    // Who is disabled is out, on the spot.
    desk.sign_in().await?;
    let token = desk.token().await?;
    desk.server.admin(&["user", "disable", "ada@example.com"], "").await?;
    assert_eq!(desk.admits(&token).await?, 401);
    let audit = desk.server.admin(&["audit", "list"], "").await?;
    assert!(!audit.is_empty() && !audit.contains(&token) && !audit.contains(PASSWORD));
    let secret = desk.server.confidential_client("api", &["https://api.example/cb"]).await?;
    assert!(!secret.is_empty() && secret.lines().count() == 1, "only the secret is printed");
    Ok(())
}

#[tokio::test]
async fn what_an_operator_gets_wrong_is_said() -> Result<()> {
    let desk = Desk::set().await?;
    for (arguments, input) in [
        (
            &["user", "create", "--email", "ada@example.com", "--name", "A", "--password-stdin"][..],
            PASSWORD,
        ),
        (&["user", "create", "--email", "nobody", "--name", "A", "--password-stdin"], PASSWORD),
        (&["user", "create", "--email", "x@example.com", "--name", "A", "--password-stdin"], ""),
        (&["user", "disable", "nobody@example.com"], ""),
        (&["client", "create", "--id", "x", "--redirect-uri", "not a uri"], ""),
        (&["client", "disable", "nobody"], ""),
    ] {
        let refused: Finished = desk.server.try_admin(arguments, input).await?;
        assert!(!matches!(refused.code, Some(0) | None), "{arguments:?}: {refused:?}");
        assert_eq!(refused.stdout, "", "{arguments:?}");
        assert!(refused.stderr.contains("hallpass admin"), "{arguments:?}: {refused:?}");
        assert!(!refused.stderr.contains("panicked"), "{arguments:?}: {refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_demo_tells_its_whole_story() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = process::command(process::binary("hallpass")?);
    command.arg("demo").env("HOME", home.path()).env("TMPDIR", home.path());
    let told = Running::finish(&mut command, b"").await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    for step in [
        "A server starts on an empty database",
        "Ada follows its one-time link",
        "signs her terminal in through the browser",
        "She calls an API as herself",
        "The next call refreshes it first",
        "A thief uses a refresh token",
        "this time over SSH, with a code",
        "She makes a token for her CI",
        "who finds it hands it in",
        "A program of hers runs as an agent",
        "Jobs of her main branch may come without a secret",
        "a tool of hers, from one file",
        "She signs out",
        "200 before, 401 after",
        "For real:",
    ] {
        assert!(told.stdout.contains(step), "no {step:?} in {}", told.stdout);
    }
    assert_eq!(std::fs::read_dir(home.path())?.count(), 0, "it left something behind");
    Ok(())
}
