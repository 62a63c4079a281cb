//! `key`: made, listed, rotated and revoked by somebody at a terminal.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::Answer;
use serde_json::Value;

use crate::desk::Desk;

// proves: RB06, RB07, HP06
#[tokio::test]
async fn a_key_is_made_rotated_and_ended_with_a_word() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let (cli, server) = (&desk.cli, &desk.server);
    server.admin(&["org", "create", "acme", "--owner", "ada@example.com"], "").await?;
    server.admin(&["project", "create", "acme/warehouse"], "").await?;
    let done = async |line: &[&str], input: &str| {
        let finished = cli.run_with(line, input).await?;
        anyhow::ensure!(finished.code == Some(0), "{line:?}: {finished:?}");
        Ok(finished)
    };
    let good = async |key: &str| {
        let http = server.http()?.build()?;
        let path = "/check?project=acme/warehouse&permission=project:read";
        let answer = Answer::of(http.get(server.at(path)).bearer_auth(key)).await?;
        anyhow::Ok(answer.status.as_u16())
    };
    let none = done(&["key", "list"], "").await?;
    assert!(none.stdout.is_empty() && none.stderr.contains("hallpass key create NAME"), "{none:?}");
    // Nothing is made for nowhere.
    let nowhere = cli.run(&["key", "create", "ci"]).await?;
    assert_eq!((nowhere.code, nowhere.stdout.as_str()), (Some(2), ""), "{nowhere:?}");

    let place = ["--project", "acme/warehouse"];
    let made = done(&[&["key", "create", "gitlab-ci"][..], &place].concat(), "").await?;
    let first = made.stdout.trim_end().to_owned();
    assert!(first.starts_with("hp_proj_") && !made.stderr.contains(&first), "{made:?}");
    let said = made.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("nowhere else") && said.contains("in 90 days"), "{said}");
    assert_eq!(good(&first).await?, 200);
    let again = cli.run(&[&["key", "create", "gitlab-ci"][..], &place].concat()).await?;
    assert!(again.code == Some(1) && again.stderr.contains("key rotate gitlab-ci"), "{again:?}");

    let ends = ["--overlap", "7d", "--expires", "2099-01-31"];
    let rotate = [&["key", "rotate", "gitlab-ci"][..], &ends, &place].concat();
    let second = done(&rotate, "").await?.stdout.trim_end().to_owned();
    assert_eq!((good(&first).await?, good(&second).await?), (200, 200));
    let listed: Value = serde_json::from_str(&done(&["key", "list", "--json"], "").await?.stdout)?;
    let items = listed["items"].as_array().context("items")?;
    assert_eq!(items.len(), 2, "{listed}");
    assert_eq!(items[0]["rotated_from"], items[1]["id"]);
    assert!(items[1]["overlap_until"].is_string() && items[0]["creator"] == "ada@example.com");
    assert_eq!(items[0]["expires_at"].as_str().map(|at| &at[..10]), Some("2099-02-01"));
    let lines = done(&["key", "list", "--org", "acme"], "").await?.stdout;
    assert!(lines.lines().count() == 2 && lines.contains("acme/warehouse"), "{lines}");

    // By its text, from standard input; without --confirm it only says what would happen.
    let line = ["key", "revoke", "--key-stdin"];
    let asked = cli.run_with(&line, &format!("{first}\n")).await?;
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(2), ""), "{asked:?}");
    assert!(asked.stderr.contains("--confirm") && !asked.stderr.contains(&first), "{asked:?}");
    assert_eq!(good(&first).await?, 200);
    done(&[&line[..], &["--confirm"]].concat(), &format!("{first}\n")).await?;
    assert_eq!((good(&first).await?, good(&second).await?), (401, 200));
    // In argv it is refused, and not repeated.
    let typed = cli.run(&["key", "revoke", &second, "--confirm"]).await?;
    assert!(typed.code == Some(2) && !typed.stderr.contains(&second), "{typed:?}");
    assert_eq!(good(&second).await?, 200);
    let id = items[0]["id"].as_str().context("an id")?;
    done(&["key", "revoke", id, "--confirm"], "").await?;
    assert_eq!(good(&second).await?, 401);
    let gone = cli.run(&["key", "revoke", id, "--confirm"]).await?;
    assert!(gone.code == Some(1) && gone.stderr.contains("hallpass key list"), "{gone:?}");

    let org = done(&["key", "create", "audit", "--org", "acme", "--expires", "never"], "").await?;
    assert!(org.stdout.starts_with("hp_org_") && org.stderr.contains("not by itself"), "{org:?}");
    // What becomes of a leaver's keys is asked.
    server.person("bo@example.com", "Bo").await?;
    server.admin(&["member", "set", "acme", "bo@example.com", "owner"], "").await?;
    let leave = ["member", "remove", "acme", "ada@example.com"];
    let asked = server.try_admin(&leave, "").await?;
    assert!(asked.code != Some(0) && asked.stderr.contains("audit"), "{asked:?}");
    server.admin(&[&leave[..], &["--keys", "keep"]].concat(), "").await?;
    assert_eq!(good(org.stdout.trim_end()).await?, 200);
    let books = server.admin(&["audit", "list"], "").await?;
    assert!(books.contains("kept the keys"), "{books}");
    Ok(())
}

/// What was chosen for all commands is what keys are about too, and a key says what it is.
// proves: RB03, RB07, RB12
#[tokio::test]
async fn keys_are_about_the_place_that_was_chosen() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let (cli, server) = (&desk.cli, &desk.server);
    server.admin(&["org", "create", "acme", "--owner", "ada@example.com"], "").await?;
    server.admin(&["org", "plan", "acme", "Team"], "").await?;
    for project in ["acme/warehouse", "acme/site"] {
        server.admin(&["project", "create", project], "").await?;
    }
    let done = async |line: &str| {
        let finished = cli.run(&line.split(' ').collect::<Vec<_>>()).await?;
        anyhow::ensure!(finished.code == Some(0), "{line}: {finished:?}");
        Ok(finished)
    };
    // Nobody gets a key to everything because of what was kept.
    done("org use acme").await?;
    let refused = cli.run(&["key", "create", "ci"]).await?;
    assert!(refused.code == Some(2) && refused.stderr.contains("--org acme"), "{refused:?}");
    done("project use warehouse").await?;
    let made = done("key create ci").await?;
    let key = made.stdout.trim_end().to_owned();
    assert!(key.starts_with("hp_proj_") && made.stderr.contains("acme/warehouse"), "{made:?}");
    done("key create web --project site").await?;
    let count = async |line: &str| anyhow::Ok(done(line).await?.stdout.lines().count());
    assert_eq!(count("key list").await?, 1);
    assert_eq!(count("key list --project acme/site").await?, 1);
    assert_eq!(count("key list --org acme").await?, 2);
    let elsewhere = desk.run_with(("HALLPASS_PROJECT", "acme/site"), &["key", "list"]).await?;
    assert!(elsewhere.stdout.contains("web") && !elsewhere.stdout.contains("ci"), "{elsewhere:?}");

    // The plan is said where the server is asked; a key says what it is and where it belongs.
    let told = done("status --check").await?.stdout;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("Organization acme") && told.contains("Plan Team"), "{told}");
    let variable = ("HALLPASS_TOKEN", key.as_str());
    let told = desk.run_with(variable, &["status", "--check"]).await?;
    let text = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("as the key ci") && text.contains("Bound to acme/warehouse"), "{told:?}");
    assert!(text.contains("Plan Team") && text.contains("key of a project, hp_proj_"), "{told:?}");
    let told = desk.run_with(variable, &["status", "--check", "--json"]).await?;
    let told: Value = serde_json::from_str(&told.stdout)?;
    assert_eq!(
        (&told["place"]["bound"], &told["place"]["org"]["plan"]),
        (&true.into(), &"Team".into())
    );
    let me = desk.run_with(variable, &["whoami"]).await?;
    assert_eq!(me.stdout, "ci (a key of acme/warehouse)\n", "{me:?}");
    // Offline it says what its text tells.
    let told = desk.run_with(variable, &["status"]).await?;
    assert!(told.stdout.contains("key of a project") && told.code == Some(0), "{told:?}");
    // A key cannot sign in: it is told what its kind may not do.
    let told = desk.run_with(variable, &["org", "list"]).await?;
    assert!(told.code == Some(4) && told.stderr.contains("key of a project may not"), "{told:?}");
    assert!(!told.stderr.contains("sign in again") && !told.stderr.contains("login"), "{told:?}");
    // One that ends in 90 days makes another that nobody gave an end, and it ends with the first.
    let bot = done("key create bot --org acme").await?.stdout.trim_end().to_owned();
    let made = ["key", "create", "made", "--project", "acme/site"];
    let made = desk.run_with(("HALLPASS_TOKEN", &bot), &made).await?;
    assert_eq!(made.code, Some(0), "{made:?}");
    // What is kept and is not there any more does not keep anybody from knowing who they are.
    done("context use acme/nowhere").await?;
    let told = done("status --check").await?;
    assert!(told.stdout.contains("there is no acme/nowhere"), "{told:?}");

    // Whoever leaves is asked about the keys that they made.
    server.person("bo@example.com", "Bo").await?;
    server.admin(&["member", "set", "acme", "bo@example.com", "owner"], "").await?;
    let leave = ["member", "leave", "acme", "--confirm"];
    let asked = cli.run(&leave).await?;
    assert!(asked.code == Some(1) && asked.stderr.contains("--keys"), "{asked:?}");
    done("member leave acme --confirm --keys revoke").await?;
    let ended = desk.run_with(variable, &["whoami"]).await?;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    Ok(())
}
