//! `token`: made, used, listed, changed, rotated and ended by a person at a terminal, and by
//! the scripts that hold one.

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::Cli;
use hallpass_testkit::person::Person;
use hallpass_testkit::process::{self, Finished, Running};
use hallpass_testkit::server::Account;
use serde_json::Value;

use crate::desk::Desk;

/// Runs a command that has to work.
async fn done(shell: &Cli, arguments: &[&str]) -> Result<Finished> {
    let finished = shell.run(arguments).await?;
    assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
    Ok(finished)
}

/// Runs one that has to be refused, and answers what it said on one line.
async fn refused(shell: &Cli, arguments: &[&str], exit: i32) -> Result<String> {
    let finished = shell.run(arguments).await?;
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (Some(exit), ""),
        "{arguments:?}: {finished:?}"
    );
    assert_eq!(finished.stderr.matches("Next: ").count(), 1, "{finished:?}");
    Ok(unwrapped(&finished.stderr))
}

/// On one line, however narrow it was told.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `token create` as a script runs it: what comes out is the token.
async fn made(shell: &Cli, arguments: &[&str]) -> Result<String> {
    let finished = done(shell, &[&["token", "create"], arguments].concat()).await?;
    let token = finished.stdout.strip_suffix('\n').context("a line feed")?.to_owned();
    assert!(token.starts_with("hp_user_") && !token.contains(char::is_whitespace), "{token:?}");
    assert!(!finished.stderr.contains(&token), "{}", finished.stderr);
    Ok(token)
}

/// The rows of `token list`, as `cut` sees them.
async fn listed(shell: &Cli) -> Result<Vec<Vec<String>>> {
    let finished = done(shell, &["token", "list"]).await?;
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    Ok(finished.stdout.lines().map(row).collect())
}

// proves: SN01, ST06, ST07
#[tokio::test]
async fn a_token_is_made_told_apart_changed_and_revoked() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let nothing = done(&desk.cli, &["token", "list"]).await?;
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("hallpass token create NAME"));

    let (ci, cd) =
        (made(&desk.cli, &["ci"]).await?, made(&desk.cli, &["cd", "--expires", "30d"]).await?);
    assert_ne!(ci, cd);
    assert_eq!((desk.admits(&ci).await?, desk.admits(&cd).await?), (200, 200));
    let rows = listed(&desk.cli).await?;
    let names: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(names, ["cd", "ci"], "newest first");
    let ends = |token: &str| format!("hp_user_...{}", &token[token.len() - 4..]);
    assert_eq!((&rows[0][2], &rows[1][2]), (&ends(&cd), &ends(&ci)));
    assert!(!rows[0][3].is_empty() && rows[1][3].is_empty(), "{rows:?}");

    done(&desk.cli, &["token", "rename", "ci", "build"]).await?;
    done(&desk.cli, &["token", "expire", "build", "2099-12-31"]).await?;
    done(&desk.cli, &["token", "expire", &rows[0][0], "never"]).await?;
    let rows = listed(&desk.cli).await?;
    assert_eq!((rows[1][1].as_str(), rows[1][3].as_str()), ("build", "2100-01-01T00:00:00Z"));
    assert_eq!(rows[0][3], "");
    assert_eq!(desk.admits(&ci).await?, 200, "another name is the same token");

    let revoked = done(&desk.cli, &["token", "revoke", "build", &cd[cd.len() - 4..]]).await?;
    assert!(
        revoked.stderr.contains("\"build\"") && revoked.stderr.contains("\"cd\""),
        "{revoked:?}"
    );
    assert_eq!((desk.admits(&ci).await?, desk.admits(&cd).await?), (401, 401));
    assert!(listed(&desk.cli).await?.is_empty());
    Ok(())
}

// proves: ST04, SN03, client-G1
#[tokio::test]
async fn a_script_signs_in_with_a_token_and_is_told_when_it_is_over() -> Result<()> {
    let mut desk = Desk::signed_in().await?;
    let token = made(&desk.cli, &["ci", "--expires", "7d"]).await?;
    let script = desk.shell(&[("HALLPASS_TOKEN", &token)])?;
    let whoami = done(&script, &["whoami"]).await?;
    assert_eq!(whoami.stdout, "ada@example.com (Ada)\n");
    assert!(whoami.stderr.contains("ends on"), "a near end is spoken of: {whoami:?}");
    assert_eq!(done(&script, &["token", "print"]).await?.stdout, format!("{token}\n"));
    let status = done(&script, &["status", "--check"]).await?;
    let last_four = &token[token.len() - 4..];
    assert!(
        status.stdout.contains(&format!("hp_user_…{last_four}"))
            || status.stdout.contains(&format!("hp_user_...{last_four}")),
        "{status:?}"
    );
    assert!(!status.stdout.contains(&token) && !status.stderr.contains(&token));
    let told: Value =
        serde_json::from_str(&done(&script, &["status", "--check", "--json"]).await?.stdout)?;
    assert_eq!(
        (&told["token"]["kind"], &told["token"]["last_four"]),
        (&"personal_token".into(), &last_four.into())
    );
    assert!(told["expires_at"].is_string(), "{told}");
    assert!(!script.config().exists(), "nothing was stored");

    // What cannot be checked is not what was refused.
    desk.server.stop().await?;
    assert_eq!(script.run(&["status", "--check"]).await?.code, Some(5));
    assert_eq!(script.run(&["whoami"]).await?.code, Some(5));
    desk.server.start_again().await?;
    done(&desk.cli, &["token", "revoke", "ci"]).await?;
    let over = refused(&script, &["whoami"], 4).await?;
    assert!(over.contains("HALLPASS_TOKEN") && !over.contains(&token), "{over}");
    assert_eq!(script.run(&["status", "--check"]).await?.code, Some(4));
    Ok(())
}

// proves: ST04, ST09, client-H2
#[tokio::test]
async fn a_token_from_a_pipe_or_a_file_is_checked_and_stored() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = made(&desk.cli, &["laptop"]).await?;
    for from_file in [false, true] {
        let other = Cli::new(&desk.server)?;
        let login = if from_file {
            std::fs::write(other.home().join("token"), format!("{token}\n"))?;
            other.run(&["login", "--token-file", "token"]).await?
        } else {
            other.run_with(&["login", "--with-token"], &format!("{token}\n")).await?
        };
        assert_eq!(login.code, Some(0), "{login:?}");
        assert_eq!(done(&other, &["whoami"]).await?.stdout, "ada@example.com (Ada)\n");
        assert_eq!(done(&other, &["token", "print"]).await?.stdout, format!("{token}\n"));
        let status = done(&other, &["status"]).await?;
        assert!(status.stdout.contains("personal token") && !status.stdout.contains(&token));
    }
    // A typo is not sent, and what the server does not know is not stored.
    let other = Cli::new(&desk.server)?;
    let typo = other.run_with(&["login", "--with-token"], &token[..token.len() - 1]).await?;
    assert_eq!(typo.code, Some(2), "{typo:?}");
    done(&desk.cli, &["token", "revoke", "laptop"]).await?;
    let over = other.run_with(&["login", "--with-token"], &token).await?;
    assert!(
        over.code == Some(4) && unwrapped(&over.stderr).contains("nothing was stored"),
        "{over:?}"
    );
    assert!(!other.config().join("credentials.json").exists());
    // Good, but so narrow that it does not say whose it is.
    let narrow = made(&desk.cli, &["narrow", "--scope", "project:read"]).await?;
    let told = other.run_with(&["login", "--with-token"], &narrow).await?;
    assert!(
        told.code == Some(4) && unwrapped(&told.stderr).contains("takes the token"),
        "{told:?}"
    );
    let script = desk.shell(&[("HALLPASS_TOKEN", &narrow)])?;
    let status = done(&script, &["status", "--check"]).await?;
    assert!(status.stdout.contains("scope"), "{status:?}");
    Ok(())
}

// proves: HP06
#[tokio::test]
async fn a_rotated_token_is_good_beside_its_successor_for_as_long_as_was_said() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let old = made(&desk.cli, &["ci", "--scope", "account"]).await?;
    let rotated = done(&desk.cli, &["token", "rotate", "ci", "--overlap", "7d"]).await?;
    let new = rotated.stdout.trim_end();
    assert!(!rotated.stderr.contains(new) && rotated.stderr.contains("7 days"), "{rotated:?}");
    assert_eq!((desk.admits(&old).await?, desk.admits(new).await?), (200, 200));
    let rows = listed(&desk.cli).await?;
    let overlaps: Vec<bool> = rows.iter().map(|row| !row[7].is_empty()).collect();
    assert_eq!(overlaps, [false, true], "{rows:?}");
    assert!(rows.iter().all(|row| row[1] == "ci" && row[8] == "account"), "{rows:?}");

    // The old one again: it has a successor. The name means that one.
    let again = refused(&desk.cli, &["token", "rotate", &rows[1][0]], 1).await?;
    assert!(again.contains("rotated already"), "{again}");
    let rotated = done(&desk.cli, &["token", "rotate", "ci", "--json"]).await?;
    let told: Value = serde_json::from_str(&rotated.stdout)?;
    let newest = told["value"].as_str().context("a value")?;
    assert_eq!(told["rotated_from"], rows[0][0].as_str());
    let admitted = (desk.admits(&old).await?, desk.admits(new).await?, desk.admits(newest).await?);
    assert_eq!(admitted, (200, 401, 200), "at once, where no overlap was asked for");
    Ok(())
}

// proves: attack-29
#[tokio::test]
async fn a_token_makes_tokens_only_if_it_was_given_that_and_none_above_itself() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let plain = made(&desk.cli, &["plain"]).await?;
    let script = desk.shell(&[("HALLPASS_TOKEN", &plain)])?;
    let said = refused(&script, &["token", "create", "child"], 4).await?;
    assert!(
        said.contains("scope tokens") && said.ends_with("Next: unset HALLPASS_TOKEN"),
        "{said}"
    );
    assert_eq!(listed(&script).await?.len(), 1, "looking is allowed");

    let scopes = ["maker", "--scope", "account", "--scope", "tokens", "--expires", "30d"];
    let maker = made(&desk.cli, &scopes).await?;
    let script = desk.shell(&[("HALLPASS_TOKEN", &maker)])?;
    let child = made(&script, &["child", "--scope", "account", "--expires", "1d"]).await?;
    assert_eq!(desk.admits(&child).await?, 200);
    for beyond in [
        &["token", "create", "x", "--scope", "project:read"][..],
        &["token", "create", "x", "--scope", "account", "--expires", "31d"],
        &["token", "expire", "child", "never"],
    ] {
        let said = refused(&script, beyond, 4).await?;
        assert!(said.contains("exceeds it"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_said_in_one_line_with_the_next_command() -> Result<()> {
    let desk = Desk::signed_in().await?;
    made(&desk.cli, &["ci"]).await?;
    made(&desk.cli, &["cd"]).await?;
    let id = "tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN";
    for (arguments, exit, said, next) in [
        (&["create", "ci"][..], 1, "called \"ci\" already", "hallpass token rotate ci"),
        (&["rename", "cd", "ci"], 1, "\"ci\"", "hallpass token list"),
        (&["revoke", "nobody"], 1, "no token \"nobody\"", "hallpass token list"),
        (&["revoke", "ci", "nobody"], 1, "Nothing was changed", "hallpass token list"),
        (&["revoke", id], 1, id, "hallpass token list"),
        (
            &["create", "x", "--scope", "acount"],
            2,
            "did you mean account",
            "hallpass token create --help",
        ),
        (&["create", "x", "--project", "no/such"], 2, "project", "hallpass token create --help"),
        (
            &["create", "x", "--expires", "2020-01-01"],
            2,
            "over already",
            "hallpass token create --help",
        ),
        (&["create", "x", "--user", "bo@example.com"], 4, "administrator", "hallpass whoami"),
        (&["list", "--user", "bo@example.com"], 4, "administrator", "hallpass whoami"),
        (&["rotate", "ci", "--overlap", "2y"], 2, "90 days", "hallpass token rotate --help"),
    ] {
        let text = refused(&desk.cli, &[&["token"], arguments].concat(), exit).await?;
        assert!(text.contains(said), "{arguments:?}: {text}");
        assert!(text.ends_with(&format!("Next: {next}")), "{arguments:?}: {text}");
    }
    assert_eq!(listed(&desk.cli).await?.len(), 2, "nothing was changed");
    Ok(())
}

#[tokio::test]
async fn all_pages_of_a_long_list_are_shown_and_every_one_can_be_named() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let client = desk.server.http()?.build()?;
    for n in 0..230 {
        let asked = client.post(desk.server.at("/api/v1/tokens")).bearer_auth(&token);
        let answer = asked.json(&serde_json::json!({ "name": format!("job {n}") })).send().await?;
        assert_eq!(answer.status(), 201, "{n}");
    }
    let rows = listed(&desk.cli).await?;
    assert_eq!(rows.len(), 230);
    let told: Value =
        serde_json::from_str(&done(&desk.cli, &["token", "list", "--json"]).await?.stdout)?;
    assert_eq!(told["items"].as_array().map(Vec::len), Some(230));
    // The oldest is on the last page.
    done(&desk.cli, &["token", "revoke", "job 0"]).await?;
    assert_eq!(listed(&desk.cli).await?.len(), 229);
    Ok(())
}

#[tokio::test]
async fn an_operator_makes_a_token_for_somebody_and_a_token_does_not() -> Result<()> {
    let desk = Desk::set().await?;
    let by = &[
        "user",
        "create",
        "--email",
        "root@example.com",
        "--name",
        "Root",
        "--admin",
        "--password-stdin",
    ];
    desk.server.admin(by, hallpass_testkit::server::PASSWORD).await?;
    let token = desk
        .server
        .admin(&["token", "create", "--user", "ada@example.com", "--name", "ci"], "")
        .await?;
    assert_eq!(desk.admits(token.trim_end()).await?, 200);
    // A token of an administrator's is no administrator.
    let root = desk
        .server
        .admin(&["token", "create", "--user", "root@example.com", "--name", "r"], "")
        .await?;
    let script = desk.shell(&[("HALLPASS_TOKEN", root.trim_end())])?;
    let said = refused(&script, &["token", "list", "--user", "ada@example.com"], 4).await?;
    assert!(said.contains("signed in"), "{said}");
    Ok(())
}

// proves: SM13
#[tokio::test]
async fn an_administrator_who_is_signed_in_does_all_of_it_for_somebody() -> Result<()> {
    let mut desk = Desk::signed_in().await?;
    let own = made(&desk.cli, &["ci"]).await?;
    let adas = std::mem::replace(&mut desk.cli, Cli::new(&desk.server)?);
    let root = ["user", "create", "--email", "root@example.com", "--name", "Root", "--admin"];
    let root = [&root[..], &["--password-stdin"]].concat();
    desk.server.admin(&root, hallpass_testkit::server::PASSWORD).await?;
    let account = Account { email: "root@example.com".to_owned(), name: "Root".to_owned() };
    desk.person = Person::signed_in(&desk.server, &account).await?;
    desk.sign_in().await?;

    let of_ada = ["--user", "ada@example.com"];
    let with = |words: &[&'static str]| [&["token"], words, &of_ada].concat();
    done(&desk.cli, &with(&["rename", "ci", "build"])).await?;
    done(&desk.cli, &with(&["expire", "build", "2099-12-31"])).await?;
    let rows = listed(&adas).await?;
    assert_eq!((&*rows[0][1], &*rows[0][3]), ("build", "2100-01-01T00:00:00Z"), "{rows:?}");
    let rotated = done(&desk.cli, &with(&["rotate", "build"])).await?;
    let rotated = rotated.stdout.trim_end();
    assert_eq!((desk.admits(&own).await?, desk.admits(rotated).await?), (401, 200));
    let id = listed(&adas).await?[0][0].clone();
    // Her token is none of the administrator's own, whatever it is called by.
    let said = refused(&desk.cli, &["token", "revoke", "build"], 1).await?;
    assert!(said.contains("you have no token"), "{said}");
    let said = refused(&desk.cli, &with(&["revoke", "nothing"]), 1).await?;
    assert!(said.contains("ada@example.com has no token"), "{said}");
    assert!(said.ends_with("Next: hallpass token list --user ada@example.com"), "{said}");
    let by_id = [&["token", "revoke", &id][..], &of_ada].concat();
    done(&desk.cli, &by_id).await?;
    assert_eq!(desk.admits(rotated).await?, 401);
    // She may not do the same to the administrator.
    let said = refused(&adas, &["token", "revoke", "x", "--user", "root@example.com"], 4).await?;
    assert!(said.contains("only an administrator"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_token_that_could_not_be_written_is_revoked_again() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let mut command = process::command("sh");
    let hallpass = desk.cli.command(&["token", "create", "ci"])?;
    command.args(["-c", "exec \"$0\" \"$@\" > /dev/full"]).arg(hallpass.get_program());
    command.args(hallpass.get_args());
    command.envs(hallpass.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let finished = Running::finish(&mut command, b"").await?;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("it was revoked again"), "{finished:?}");
    assert!(listed(&desk.cli).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn at_a_terminal_the_token_stands_between_two_lines_and_the_list_is_a_table() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let (code, shown) =
        desk.cli.at_terminal(&["token", "create", "ci", "--expires", "90d"])?.finished().await?;
    assert_eq!(code, Some(0), "{shown}");
    for said in ["Copy it now: it is not shown again", "in 90 days", "hallpass token revoke tok_"] {
        assert!(shown.contains(said), "no {said:?} in {shown}");
    }
    assert!(shown.lines().any(|line| line.trim_end().starts_with("hp_user_")), "{shown}");
    let (_, table) = desk.cli.at_terminal(&["token", "list"])?.finished().await?;
    for said in ["NAME", "LAST USED", "in 90 days", "hp_user_", "tok_"] {
        assert!(table.contains(said), "no {said:?} in {table}");
    }
    Ok(())
}

// proves: client-D9
#[tokio::test]
async fn a_limit_on_file_sizes_is_told_and_kills_nothing() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let before = std::fs::read(desk.credentials())?;
    desk.age()?;
    let aged = std::fs::read(desk.credentials())?;
    assert_ne!(before, aged);
    let mut command = process::command("sh");
    let hallpass = desk.cli.command(&["token", "print"])?;
    command.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]).arg(hallpass.get_program());
    command.args(hallpass.get_args());
    command.envs(hallpass.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let finished = Running::finish(&mut command, b"").await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(desk.admits(finished.stdout.trim_end()).await?, 200, "the new one is used");
    assert!(finished.stderr.contains("could not be saved"), "{finished:?}");
    assert_eq!(std::fs::read(desk.credentials())?, aged, "what was there is still there");
    Ok(())
}

#[tokio::test]
async fn the_version_is_said_whatever_else_is_wrong() -> Result<()> {
    let desk = Desk::set().await?;
    for flag in ["--version", "-V"] {
        let said = desk.cli.run(&[flag]).await?;
        let version = format!("hallpass {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((said.code, said.stdout, said.stderr), (Some(0), version, String::new()));
    }
    Ok(())
}
