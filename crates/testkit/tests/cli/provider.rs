//! Signing in at a standard OpenID provider that is not ours (issue 9): oidc-provider from npm,
//! as a process.

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::{self, Cli};
use hallpass_testkit::process::Running;
use hallpass_testkit::provider::{Provider, Visitor};
use serde_json::Value;

use crate::desk::events;

/// Begins a login that tells its events; answers a field of the first one.
async fn begin(shell: &Cli, flags: &[&str], field: &str) -> Result<(Running, String)> {
    let mut running = shell.start(&[&["login", "--json"], flags].concat())?;
    let value = cli::written(&mut running, field, |text| {
        events(text).iter().find_map(|event| event[field].as_str().map(str::to_owned))
    })
    .await?;
    Ok((running, value))
}

async fn json(shell: &Cli, arguments: &[&str]) -> Result<(Option<i32>, Value)> {
    let told = shell.run(arguments).await?;
    let said = serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
    Ok((told.code, said))
}

fn credentials(shell: &Cli) -> Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(shell.config().join("credentials.json"))?)?)
}

/// The access token has ended, as far as the terminal can tell.
fn age(shell: &Cli) -> Result<()> {
    let mut stored = credentials(shell)?;
    stored["credentials"][0]["access"]["expires_in"] = 0.into();
    Ok(std::fs::write(shell.config().join("credentials.json"), stored.to_string())?)
}

// proves: HP20
#[tokio::test]
async fn any_provider_by_browser_from_sign_in_to_the_end_of_the_session() -> Result<()> {
    let provider = Provider::start("{}").await?;
    let shell = Cli::at(&provider.issuer)?;
    let ada = Visitor::new("ada")?;
    let flags = [&provider.issuer, "--client-id", "native", "--web", "--no-browser"];
    let (mut login, url) = begin(&shell, &flags, "url").await?;
    assert!(url.contains("code_challenge_method=S256") && url.contains("prompt=consent"), "{url}");
    let walk = ada.walk(&url).await?;
    assert_eq!((walk.url.host_str(), walk.sign_ins), (Some("127.0.0.1"), 1), "{walk:?}");
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let last = events(&finished.stdout).pop().context("an event")?;
    assert_eq!(last["account"]["email"], "ada@idp.example");

    let (code, status) = json(&shell, &["status", "--json"]).await?;
    assert_eq!((code, &status["account"]["id"]), (Some(0), &"ada".into()), "{status}");
    // Its userinfo is asked, for it has no API of ours.
    let (code, status) = json(&shell, &["status", "--check", "--json"]).await?;
    assert_eq!((code, &status["state"]), (Some(0), &"valid".into()), "{status}");
    let whoami = shell.run(&["whoami"]).await?;
    assert_eq!(whoami.stdout, "ada@idp.example (ADA)\n", "{whoami:?}");
    let me = shell.run(&["api", "GET", "/me"]).await?;
    assert!(me.code == Some(0) && me.stdout.contains("ada@idp.example"), "{me:?}");

    // Refresh, with rotation.
    let first = shell.run(&["token", "print"]).await?.stdout;
    let before = credentials(&shell)?["credentials"][0]["refresh_token"].clone();
    age(&shell)?;
    let second = shell.run(&["token", "print"]).await?;
    assert!(second.code == Some(0) && second.stdout != first, "{second:?}");
    let after = credentials(&shell)?["credentials"][0]["refresh_token"].clone();
    assert!(after.is_string() && after != before, "its refresh tokens are used once");

    let (code, ended) = json(&shell, &["logout", "--json"]).await?;
    assert_eq!((code, &ended["ended"][0]["revocation"]), (Some(0), &"revoked".into()), "{ended}");
    let userinfo = reqwest::Client::new().get(format!("{}/me", provider.issuer));
    let refused = userinfo.bearer_auth(second.stdout.trim_end()).send().await?;
    assert_eq!(refused.status(), 401, "the access token is revoked too");
    // Her browser is still signed in there, until she goes where she is told.
    let end = ended["ended"][0]["end_session"].as_str().context("an address")?;
    assert!(!end.contains("hint"), "a token in an address: {end}");
    let (mut login, url) = begin(&shell, &flags, "url").await?;
    assert_eq!(ada.walk(&url).await?.sign_ins, 0, "the browser's session is there");
    assert_eq!(login.finished().await?.code, Some(0));
    ada.walk(end).await?;
    let (_login, url) = begin(&shell, &flags, "url").await?;
    assert_eq!(ada.walk(&url).await?.sign_ins, 1, "and now it is not");
    Ok(())
}

// proves: HP20
#[tokio::test]
async fn any_provider_by_code_below_a_path_and_resumed() -> Result<()> {
    let provider = Provider::start(r#"{"path":"/realms/lab"}"#).await?;
    let shell = Cli::at("https://elsewhere.example")?;
    let ada = Visitor::new("ada")?;
    let issuer = provider.issuer.as_str();
    let (mut login, page) =
        begin(&shell, &[issuer, "--client-id", "native", "--device"], "verification_uri_complete")
            .await?;
    ada.walk(&page).await?;
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let origin = issuer.strip_suffix("/realms/lab").context("a path")?;
    let (code, status) = json(&shell, &["status", "--check", "--json", "--server", origin]).await?;
    assert_eq!((code, &status["issuer"]), (Some(0), &issuer.into()), "{status}");
    age(&shell)?;
    let whoami = shell.run(&["whoami", "--server", origin]).await?;
    assert_eq!(whoami.stdout, "ada@idp.example (ADA)\n", "{whoami:?}");

    let left = ["login", "--issuer", issuer, "--client-id", "native", "--no-wait", "--json"];
    let (code, event) = json(&shell, &left).await?;
    assert_eq!(code, Some(0), "{event}");
    ada.walk(event["verification_uri_complete"].as_str().context("an address")?).await?;
    let handle = event["handle"].as_str().context("a handle")?;
    let resumed = shell.run(&["login", "--resume", handle]).await?;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    Ok(())
}

// proves: HP20, client-A10
#[tokio::test]
async fn what_a_provider_lacks_is_told_and_the_rest_works() -> Result<()> {
    let provider = Provider::start(r#"{"noDevice":true,"noRevocation":true}"#).await?;
    let shell = Cli::at(&provider.issuer)?;
    let refused = shell.run(&["login", "--client-id", "native", "--device"]).await?;
    assert_eq!(refused.code, Some(6), "{refused:?}");
    let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("the server offers implicit, authorization_code, refresh_token"),
        "{said}"
    );
    assert!(said.contains("names no device authorization endpoint"), "{said}");

    let flags = ["--client-id", "native", "--web", "--no-browser"];
    let (mut login, url) = begin(&shell, &flags, "url").await?;
    Visitor::new("bo")?.walk(&url).await?;
    assert_eq!(login.finished().await?.code, Some(0));
    let (code, ended) = json(&shell, &["logout", "--json"]).await?;
    assert_eq!((code, &ended["ended"][0]["revocation"]), (Some(0), &"local_only".into()));
    assert!(ended["ended"][0]["access_token_valid_until"].is_string(), "{ended}");
    // An unknown client is the provider's to refuse, and nobody signs in.
    let unknown =
        shell.run(&["login", "--client-id", "nobody", "--device", "--issuer", "x"]).await?;
    assert_ne!(unknown.code, Some(0));
    Ok(())
}
