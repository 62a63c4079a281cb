//! `agent ask` and `agent approvals`: an agent in one process asks, its owner says yes or no in
//! another.

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::{write_script, written};
use hallpass_testkit::oauth::OAuth;
use hallpass_testkit::process::Running;
use hallpass_testkit::wait;
use serde_json::Value;

use crate::agents::{run, shell};
use crate::desk::Desk;

const ACTION: &str = r#"{"type":"deploy","actions":["restart"],"identifier":"shop"}"#;

/// The question that waits.
async fn waiting(desk: &Desk) -> Result<Vec<String>> {
    wait::until("a question", async || {
        let listed = desk.cli.run(&["agent", "approvals"]).await?;
        assert_eq!(listed.code, Some(0), "{listed:?}");
        let line = listed.stdout.lines().find(|line| line.contains("\tpending\t"));
        Ok(line.map(|line| line.split('\t').map(str::to_owned).collect()))
    })
    .await
}

// proves: HP09
#[tokio::test]
async fn an_agent_waits_for_a_yes_in_another_place_and_gets_a_token_for_once() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let secret = desk.server.confidential_client("shop", &[]).await?;
    let shop = OAuth::confidential(&desk.server, "shop", &secret);
    let script = desk.cli.home().join("asks");
    write_script(
        &script,
        &format!(
            "hallpass agent ask --action '{ACTION}' --reason 'all green' --wait\necho ended $?"
        ),
    )?;
    let script = script.display().to_string();
    let asks = || -> Result<Running> {
        Running::start(&mut shell(&desk, &run(&["--name", "deployer"], &[&script]))?)
    };
    let mut agent = asks()?;
    let question = waiting(&desk).await?;
    assert_eq!((&*question[2], &*question[3]), ("deployer", "deploy"));
    // Seen whole; nobody says yes by accident.
    let shown = desk.cli.run(&["agent", "approvals", "show", &question[0]]).await?;
    for said in ["restart", "shop", "all green", &question[4]] {
        assert!(shown.stdout.contains(said), "{shown:?}");
    }
    let unsure = desk.cli.run(&["agent", "approvals", "approve", &question[0]]).await?;
    assert_eq!(unsure.code, Some(2), "{unsure:?}");
    let yes = desk.cli.run(&["agent", "approvals", "approve", &question[0], "--confirm"]).await?;
    assert_eq!(yes.code, Some(0), "{yes:?}");
    let token = written(&mut agent, "a token", |text| {
        text.lines().find(|line| line.split('.').count() == 3).map(str::to_owned)
    })
    .await?;
    let finished = agent.finished().await?;
    assert!(finished.stdout.contains("ended 0"), "{finished:?}");
    // The agent has ended, and its approval with it.
    let params = [("token", token.as_str()), ("authorization_details", ACTION)];
    let late = shop.post("/oauth/action", &params).await?;
    assert_eq!(late.json()["active"], false, "{late:?}");

    // Whoever watches is told, and so is a program of theirs: in JSON, never in its words.
    let told = desk.cli.home().join("told");
    let hook = desk.cli.home().join("hook");
    let path = told.display();
    write_script(
        &hook,
        &format!("echo \"$# words\" > {path}.new\ncat >> {path}.new\nmv {path}.new {path}"),
    )?;
    let hook = hook.display().to_string();
    let mut watch = desk.cli.command(&["agent", "approvals", "watch", "--", &hook])?;
    let mut watch = Running::start(&mut watch)?;

    // A no is told as that.
    let mut agent = asks()?;
    let question = waiting(&desk).await?;
    let read =
        wait::until("the program to be told", async || Ok(std::fs::read_to_string(&told).ok()));
    let read = read.await?;
    let (words, read) = read.split_once('\n').context("two lines")?;
    let read: Value = serde_json::from_str(read)?;
    assert_eq!((words, read["id"].as_str()), ("0 words", Some(&*question[0])));
    assert_eq!((&read["reason"], &read["state"]), (&"all green".into(), &"pending".into()));
    written(&mut watch, "the question", |text| text.contains(&question[0]).then_some(())).await?;
    watch.kill()?;
    let status = desk.cli.run(&["status", "--check"]).await?;
    assert!(format!("{}{}", status.stdout, status.stderr).contains("approvals"), "{status:?}");
    let no = desk.cli.run(&["agent", "approvals", "deny", &question[0], "--json"]).await?;
    let said: Value = serde_json::from_str(&no.stdout).context("JSON")?;
    assert_eq!(said["state"], "denied");
    let finished = agent.finished().await?;
    assert!(finished.stdout.contains("ended 6"), "{finished:?}");
    assert!(finished.stderr.contains("its owner said no"), "{finished:?}");
    let again = desk.cli.run(&["agent", "approvals", "approve", &question[0], "--confirm"]).await?;
    assert_eq!(again.code, Some(1), "{again:?}");
    Ok(())
}
