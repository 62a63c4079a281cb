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
