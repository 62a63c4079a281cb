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

    let rotate = [&["key", "rotate", "gitlab-ci", "--overlap", "7d"][..], &place].concat();
    let second = done(&rotate, "").await?.stdout.trim_end().to_owned();
    assert_eq!((good(&first).await?, good(&second).await?), (200, 200));
    let listed: Value = serde_json::from_str(&done(&["key", "list", "--json"], "").await?.stdout)?;
    let items = listed["items"].as_array().context("items")?;
    assert_eq!(items.len(), 2, "{listed}");
    assert_eq!(items[0]["rotated_from"], items[1]["id"]);
    assert!(items[1]["overlap_until"].is_string() && items[0]["creator"] == "ada@example.com");
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
