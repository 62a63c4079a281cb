//! Our sign-in in somebody else's tool: `examples/mytool`, and the library inside a runtime.

use anyhow::{Context as _, Result};
use hallpass_cli::embed::{Client, Selection};
use hallpass_core::brand::Brand;
use hallpass_testkit::cli::{self, Cli};
use hallpass_testkit::tree;
use serde_json::Value;

use crate::desk::{Desk, events};

// proves: HP17
#[tokio::test]
async fn a_tool_of_somebody_elses_signs_in_and_calls() -> Result<()> {
    let desk = Desk::set().await?;
    let tool = Cli::new(&desk.server)?.program("mytool");
    let tool = tool.variable("MYTOOL_SERVER", &desk.server.url()).variable("MYTOOL_STORE", "file");
    let refused = tool.run(&["greet"]).await?;
    let next = format!("Next: mytool auth login {}\n", desk.server.url());
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(3), ""), "{refused:?}");
    assert!(refused.stderr.ends_with(&next), "{refused:?}");

    let mut login = tool.start(&["auth", "login", "--device", "--json"])?;
    let code = cli::written(&mut login, "a code", |text| {
        events(text).iter().find_map(|event| event["user_code"].as_str().map(str::to_owned))
    })
    .await?;
    desk.person.decide_device(&code, "approve").await?;
    let signed_in = login.finished().await?;
    assert_eq!(signed_in.code, Some(0), "{signed_in:?}");
    assert_eq!(tool.run(&["greet"]).await?.stdout, "Hello, Ada!\n");
    assert_eq!(tool.run(&["greet", "Ahoy"]).await?.stdout, "Ahoy, Ada!\n");
    assert!(tool.home().join(".config/mytool/credentials.json").exists());

    let status = tool.run(&["auth", "status", "--json"]).await?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    assert_eq!(status["account"]["email"], "ada@example.com");
    let token = tool.run(&["auth", "token", "print"]).await?;
    assert_eq!(desk.admits(token.stdout.trim_end()).await?, 200);
    let script = tool.run(&["auth", "completions", "bash"]).await?.stdout;
    assert!(script.contains("mytool") && script.contains("greet") && !script.contains("hallpass"));
    assert_eq!(tool.run(&["auth", "logout"]).await?.code, Some(0));
    assert_eq!(desk.admits(token.stdout.trim_end()).await?, 401);
    assert_eq!(tool.run(&["greet"]).await?.code, Some(3));
    Ok(())
}

// proves: HP17
#[test]
fn it_takes_ten_lines() -> Result<()> {
    let main = std::fs::read_to_string(tree::root().join("examples/mytool/src/main.rs"))?;
    let ours = |line: &&str| {
        let code = line.trim();
        let words = ["auth", "Auth", "session", "hallpass", "Ok(())"];
        !code.starts_with("//") && words.iter().any(|word| code.contains(word))
    };
    let lines: Vec<_> = main.lines().filter(ours).collect();
    assert!(lines.len() <= 10, "{} lines: {lines:#?}", lines.len());
    // What the documentation shows is that program.
    let docs = std::fs::read_to_string(tree::root().join("docs/embed.md"))?;
    let program = main.find("use std").and_then(|start| main.get(start..)).context("a program")?;
    assert!(docs.contains(program), "docs/embed.md shows another program");
    let brand = std::fs::read_to_string(tree::root().join("examples/mytool/mytool.toml"))?;
    Brand::parse(&brand)?;
    let block = docs.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(Brand::parse(block.context("the brand in docs/embed.md")?)?.name, "mytool");
    Ok(())
}

// proves: HP17
#[tokio::test(flavor = "multi_thread")]
async fn the_library_works_inside_a_runtime() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let config = desk.cli.home().to_owned();
    // What is stored has ended: the call refreshes, on this runtime's thread.
    desk.age()?;
    let client = Client::on_this_machine(
        Brand::hallpass(),
        std::sync::Arc::new(Home(config)),
        Selection { server: Some(desk.server.url()), ..Selection::default() },
    );
    let me: Value = client.session()?.get("/api/v1/whoami")?;
    assert_eq!(me["email"], "ada@example.com");
    let session = client.session()?;
    let me = tokio::task::spawn_blocking(move || session.whoami()).await??;
    assert_eq!(me.name, "Ada");
    Ok(())
}

struct Home(std::path::PathBuf);

impl hallpass_client::Environment for Home {
    fn raw_var(&self, name: &str) -> Option<String> {
        (name == "HALLPASS_STORE").then(|| "file".to_owned())
    }

    fn home(&self) -> Option<std::path::PathBuf> {
        Some(self.0.clone())
    }
}
