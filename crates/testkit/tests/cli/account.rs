//! `whoami`, `token`, `api`, `session`: a person's own account.

use anyhow::{Context as _, Result};
use hallpass_testkit::process::Running;
use hallpass_testkit::server::Plan;
use serde_json::Value;

use crate::desk::Desk;

#[tokio::test]
async fn whoami_asks_the_server() -> Result<()> {
    let desk = Desk::signed_in().await?;
    assert_eq!(desk.cli.run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");
    let told: Value = serde_json::from_str(&desk.cli.run(&["whoami", "--json"]).await?.stdout)?;
    assert_eq!((&told["email"], &told["name"]), (&"ada@example.com".into(), &"Ada".into()));
    Ok(())
}

// proves: client-H6
#[tokio::test]
async fn token_print_writes_the_token_and_a_line_feed() -> Result<()> {
    let desk = Desk::signed_in().await?;
    for flags in [&["token", "print"][..], &["token", "print", "-v"]] {
        let printed = desk.cli.run(flags).await?;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        let token = printed.stdout.strip_suffix('\n').context("a line feed")?;
        assert!(!token.is_empty() && !token.contains(char::is_whitespace), "{token:?}");
        assert_eq!(desk.admits(token).await?, 200);
        assert!(!printed.stderr.contains(token), "{}", printed.stderr);
    }
    Ok(())
}

// proves: client-F2
#[tokio::test]
async fn a_token_in_the_environment_wins_and_is_named() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    // What is stored would be refreshed, and so be another one.
    desk.age()?;
    let variable = ("HALLPASS_TOKEN", token.as_str());
    let printed = desk.run_with(variable, &["token", "print"]).await?;
    assert_eq!(printed.stdout, format!("{token}\n"));
    let whoami = desk.run_with(variable, &["whoami"]).await?;
    assert_eq!(whoami.stdout, "ada@example.com (Ada)\n");
    let status = desk.run_with(variable, &["status"]).await?;
    let said = status.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("HALLPASS_TOKEN is set and wins over every stored sign-in"), "{said}");
    assert!(status.code == Some(0) && !said.contains(&token), "{said}");

    let stored = desk.run_with(variable, &["token", "print", "--no-env"]).await?;
    assert!(stored.code == Some(0) && stored.stdout != printed.stdout, "{stored:?}");
    // Empty is unset.
    let empty = desk.run_with(("HALLPASS_TOKEN", ""), &["token", "print"]).await?;
    assert_eq!(empty.stdout, stored.stdout);
    Ok(())
}

// proves: client-J2
#[tokio::test]
async fn a_corporate_certificate_authority_is_named_by_flag_or_variable() -> Result<()> {
    let desk = Desk::of(Plan::new().tls()).await?;
    let bundle =
        desk.server.certificate().context("a certificate")?.certificate.display().to_string();
    let try_with = async |flags: &[&str], variable: bool| {
        let mut login =
            desk.cli.command(&[&["login", "--with-token", "--json"], flags].concat())?;
        if !variable {
            login.env_remove("SSL_CERT_FILE");
        }
        Running::finish(&mut login, b"not-a-token-of-this-server").await
    };
    let unknown = try_with(&[], false).await?;
    assert_eq!(unknown.code, Some(5), "{unknown:?}");
    assert!(unknown.written().contains("--ca-bundle FILE or SSL_CERT_FILE"), "{unknown:?}");
    // The server is asked, and knows no such token.
    for (flags, variable) in [(&["--ca-bundle", bundle.as_str()][..], false), (&[][..], true)] {
        let refused = try_with(flags, variable).await?;
        assert_eq!(refused.code, Some(4), "{refused:?}");
    }
    let missing = try_with(&["--ca-bundle", "/nowhere.pem"], true).await?;
    assert_eq!(missing.code, Some(5), "{missing:?}");
    assert!(missing.written().contains("cannot read /nowhere.pem"), "{missing:?}");
    Ok(())
}

#[tokio::test]
async fn api_calls_as_the_person_and_passes_the_answer_on() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let answer = desk.cli.run(&["api", "GET", "/api/v1/whoami"]).await?;
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(serde_json::from_str::<Value>(&answer.stdout)?["email"], "ada@example.com");
    let missing = desk.cli.run(&["api", "GET", "/api/v1/nothing"]).await?;
    assert!(missing.code == Some(1) && missing.stderr.contains("404"), "{missing:?}");
    // Never to another origin.
    let elsewhere = desk.cli.run(&["api", "GET", "http://127.0.0.1:9/steal"]).await?;
    assert!(elsewhere.code != Some(0) && elsewhere.stdout.is_empty(), "{elsewhere:?}");
    Ok(())
}

// proves: client-E8
#[tokio::test]
async fn a_401_is_answered_by_one_refresh_and_the_call_is_made_again() -> Result<()> {
    let desk = Desk::signed_in().await?;
    // Good as far as anybody here can tell, and unknown to the server.
    desk.change_access(|access| {
        let token = access["token"].as_str().unwrap_or_default();
        access["token"] = token.chars().rev().collect::<String>().into();
    })?;
    assert_eq!(desk.cli.run(&["status"]).await?.code, Some(0));
    let answer = desk.cli.run(&["api", "GET", "/api/v1/whoami"]).await?;
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("ada@example.com"), "{answer:?}");
    assert_eq!(desk.counted("refresh_token", "issued").await?, 1);
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0));
    assert_eq!(desk.counted("refresh_token", "issued").await?, 1, "what came was kept");
    Ok(())
}

#[tokio::test]
async fn sessions_are_listed_and_ended() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let listed = desk.cli.run(&["session", "list"]).await?;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let rows: Vec<Vec<&str>> =
        listed.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 2, "her browser and this terminal: {listed:?}");
    let find = |prefix: &str| rows.iter().find(|row| row[0].starts_with(prefix));
    let (browser, this) = (find("ses_").context("a browser")?, find("grt_").context("a grant")?);
    assert_eq!((browser[1], this[1], this[7]), ("browser", "program", "current"));

    let ended = desk.cli.run(&["session", "end", browser[0]]).await?;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let page = desk.person.get("/settings/sessions").await?;
    assert!(page.text("#signin").is_some(), "her browser is still signed in: {}", page.body);

    // And this one: it is over when the command says so.
    let token = desk.token().await?;
    assert_eq!(desk.cli.run(&["session", "end", this[0]]).await?.code, Some(0));
    assert_eq!(desk.admits(&token).await?, 401);
    assert_eq!(desk.cli.run(&["session", "end", "nonsense"]).await?.code, Some(2));
    Ok(())
}
