//! skillsctl: sign-in at the provider that the registry names, an outside process.

use std::fs;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use hallpass_testkit::cli::Cli;
use hallpass_testkit::process::Finished;
use hallpass_testkit::provider::Provider;
use serde_json::{Value, json};

use crate::elsewhere::{SKILLSCTL, signs_in};
use crate::registry::Registry;

struct Desk {
    registry: Registry,
    provider: Provider,
    shell: Cli,
}

impl Desk {
    async fn set() -> Result<Self> {
        let provider = Provider::start("{}").await?;
        let config = json!({
            "client_id": "native", "issuer": provider.issuer, "mode": "oidc",
            "scopes": ["openid", "email", "profile", "offline_access"],
        });
        let registry = Registry::open(config).await?;
        let shell = shell(&registry.url)?;
        let set = shell.run(&["config", "set", "api_url", &registry.url]).await?;
        assert_eq!(set.code, Some(0), "{set:?}");
        Ok(Self { registry, provider, shell })
    }

    async fn sign_in(&self, more: &[&str]) -> Result<Finished> {
        let login = self.shell.start(&[&["auth", "login"], more].concat())?;
        signs_in(login, SKILLSCTL, "ada").await
    }
}

/// Nothing but what a person would have: no variable says where the registry is.
fn shell(server: &str) -> Result<Cli> {
    Ok(Cli::at(server)?.program("skillsctl"))
}

fn said(finished: &Finished) -> (Option<i32>, &str, Option<&str>) {
    (finished.code, &finished.stdout, finished.stderr.lines().next())
}

// proves: SC01, SC02, SC03, SC04, SC05, SC07, SC09
#[tokio::test]
async fn a_person_signs_in_at_the_provider_and_the_registry_gets_the_id_token() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = &desk.shell;
    let url = shell.run(&["config", "get", "api_url"]).await?;
    assert_eq!((url.code, url.stdout.trim_end()), (Some(0), &*desk.registry.url));
    let list = shell.run(&["config", "list"]).await?.stdout;
    assert!(list.starts_with(&format!("api_url\t{}\tfile\t", desk.registry.url)), "{list}");
    let help = shell.run(&["auth", "--help"]).await?.stdout;
    for line in [
        "Manage authentication with the registry",
        "login   Authenticate and cache credentials",
        "status  Check current authentication state",
        "logout  Delete cached credentials",
    ] {
        assert!(help.contains(line), "{line}: {help}");
    }
    let help = shell.run(&["auth", "login", "--help"]).await?.stdout;
    for flag in ["--web", "--callback-port", "--no-browser"] {
        assert!(!help.contains(flag), "{flag}: {help}");
    }
    let help = shell.run(&["publish", "--help"]).await?.stdout;
    assert!(help.contains("What the skill is called in the registry"), "{help}");
    let before = shell.run(&["auth", "status"]).await?;
    assert_eq!(said(&before), (Some(1), "", Some("Not logged in.")));
    assert!(before.stderr.ends_with("Next: skillsctl auth login\n"), "{before:?}");

    let done = desk.sign_in(&[]).await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("\nWaiting for authorization...\n"), "{done:?}");
    assert!(done.stderr.contains("\nLogged in as ada@idp.example\n"), "{done:?}");

    let file = shell.home().join(".config/skillsctl/credentials.json");
    let stored: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let token = stored["id_token"].as_str().context("an ID token")?.to_owned();
    let payload = token.split('.').nth(1).context("a JWT")?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload)?;
    let claims: Value = serde_json::from_slice(&claims)?;
    assert_eq!(claims["aud"], "native");
    assert!(stored["refresh_token"].is_string());
    let endpoint = stored["token_endpoint"].as_str().context("an endpoint")?;
    assert!(endpoint.starts_with(&desk.provider.issuer), "{endpoint}");

    let status = shell.run(&["auth", "status"]).await?;
    let lines: Vec<_> = status.stdout.lines().collect();
    assert_eq!((status.code, lines[0]), (Some(0), "Logged in as ada@idp.example"), "{status:?}");
    assert!(lines[1].starts_with("Token expires: 20") && lines[1].ends_with(" UTC"), "{status:?}");

    for command in [&["publish", "--name", "x"][..], &["install", "x"], &["explore"]] {
        assert_eq!(shell.run(command).await?.code, Some(0), "{command:?}");
    }
    let seen = desk.registry.seen();
    let calls: Vec<_> = seen.iter().map(|(call, _)| call.as_str()).collect();
    assert_eq!(calls, ["POST /api/skills", "GET /api/skills/x", "GET /api/skills"]);
    assert!(seen.iter().all(|(_, sent)| *sent == format!("Bearer {token}")));

    // The ID token has ended: status says so and asks nobody, a call refreshes once.
    let age = || -> Result<()> {
        let mut stored: Value = serde_json::from_slice(&fs::read(&file)?)?;
        stored["credentials"][0]["access"]["expires_in"] = 0.into();
        Ok(fs::write(&file, stored.to_string())?)
    };
    age()?;
    let status = shell.run(&["auth", "status"]).await?;
    let expired = Some("Session expired. Run 'skillsctl auth login'.");
    assert_eq!(said(&status), (Some(1), "", expired));
    assert_eq!(serde_json::from_slice::<Value>(&fs::read(&file)?)?["id_token"], *token);
    assert_eq!(shell.run(&["explore"]).await?.code, Some(0));
    let fresh: Value = serde_json::from_slice(&fs::read(&file)?)?;
    assert_ne!(fresh["id_token"], *token, "a new one");
    let last = desk.registry.seen().pop().context("a call")?.1;
    assert_eq!(last, format!("Bearer {}", fresh["id_token"].as_str().unwrap_or_default()));
    assert_eq!(shell.run(&["auth", "status"]).await?.code, Some(0));

    for _ in 0..2 {
        let out = shell.run(&["auth", "logout"]).await?;
        assert_eq!(said(&out), (Some(0), "", Some("Logged out.")));
        assert!(!file.exists());
    }

    // In another file, and that directory stays as it is.
    let other = shell.home().join("other");
    fs::create_dir(&other)?;
    let done = desk.sign_in(&["--credentials-path", "other/mine.json"]).await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&other)?.permissions());
    assert!(other.join("mine.json").exists() && !file.exists() && mode & 0o055 != 0);
    let there = ["auth", "status", "--credentials-path", "other/mine.json"];
    assert_eq!(shell.run(&there).await?.code, Some(0));
    assert_eq!(shell.run(&["auth", "status"]).await?.code, Some(1));

    // What somebody names may be anything, so it is neither moved nor deleted.
    let notes = shell.home().join("notes.json");
    fs::write(&notes, "{\"mine\": true}")?;
    let out = shell.run(&["auth", "logout", "--credentials-path", "notes.json"]).await?;
    assert!(out.code == Some(1) && out.stderr.contains("ls -l notes.json"), "{out:?}");
    assert_eq!(fs::read_to_string(&notes)?, "{\"mine\": true}");
    assert_eq!(shell.run(&there).await?.code, Some(0));
    Ok(())
}

// proves: SC02, SC03, SC04, SC06
#[tokio::test]
async fn a_file_of_the_older_tool_goes_on_as_it_is() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = &desk.shell;
    desk.sign_in(&[]).await?;
    let file = shell.home().join(".config/skillsctl/credentials.json");
    let stored: Value = serde_json::from_slice(&fs::read(&file)?)?;
    // What the page names, and nothing else.
    let older = |token: &str, refresh: &str| {
        let endpoint = &stored["token_endpoint"];
        let text = json!({
            "id_token": token, "refresh_token": refresh, "token_endpoint": endpoint,
        });
        fs::write(&file, text.to_string())
    };
    let token = stored["id_token"].as_str().context("an ID token")?;
    let refresh = stored["refresh_token"].as_str().context("a refresh token")?;
    let altered = |claim: &str, value: Value| -> Result<String> {
        let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let parts: Vec<_> = token.split('.').collect();
        let mut claims: Value = serde_json::from_slice(&base64.decode(parts[1])?)?;
        claims[claim] = value;
        Ok(format!("{}.{}.{}", parts[0], base64.encode(claims.to_string()), parts[2]))
    };
    let over = altered("exp", 1.into())?;

    older(token, refresh)?;
    for asked in [&["auth", "status"][..], &["auth", "status", "--server", &desk.registry.url]] {
        let status = shell.run(asked).await?;
        let lines: Vec<_> = status.stdout.lines().collect();
        assert_eq!((status.code, lines[0]), (Some(0), "Logged in as ada"), "{status:?}");
        assert!(lines[1].starts_with("Token expires: 20"), "{status:?}");
    }
    // It does not say for which registry it is: it goes to the one that is set, and to no other.
    let other = Registry::open(json!({ "mode": "local" })).await?;
    let away = shell.run(&["explore", "--server", &other.url]).await?;
    assert_eq!(away.code, Some(0), "nobody has to sign in there: {away:?}");
    assert_eq!(other.seen(), [("GET /api/skills".to_owned(), String::new())]);
    // A registry that says of nobody who it is does not make a good token a bad one.
    let status = shell.run(&["auth", "status", "--check"]).await?;
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stderr.contains("does not say who is signed in"), "{status:?}");

    // A client that the provider does not know: the provider is named, and not the registry.
    older(&altered("aud", "nobody".into())?, refresh)?;
    fs::write(&file, fs::read_to_string(&file)?.replace('}', r#","expires_at":1}"#))?;
    let refused = shell.run(&["explore"]).await?;
    let told = format!("error: {} refused this sign-in: invalid_client", desk.provider.issuer);
    assert!(refused.code == Some(1) && refused.stderr.starts_with(&told), "{refused:?}");

    older(&over, refresh)?;
    let expired = "Session expired. Run 'skillsctl auth login'.";
    assert_eq!(said(&shell.run(&["auth", "status"]).await?), (Some(1), "", Some(expired)));
    assert_eq!(shell.run(&["explore"]).await?.code, Some(0));
    let fresh: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let sent = desk.registry.seen().pop().context("a call")?.1;
    assert_eq!(sent, format!("Bearer {}", fresh["id_token"].as_str().unwrap_or_default()));
    assert!(fresh["id_token"] != *token && fresh["id_token"] != *over, "{fresh}");

    // The provider has ended it.
    older(&over, "nothing")?;
    let ended = shell.run(&["explore"]).await?;
    assert_eq!((ended.code, &*ended.stderr), (Some(1), &*format!("{expired}\n")));
    Ok(())
}

// proves: SC06, SC08
#[tokio::test]
async fn each_trouble_has_its_words() -> Result<()> {
    // Nobody has to sign in, nobody can, and every call works.
    let registry = Registry::open(json!({ "mode": "local" })).await?;
    let dev = shell(&registry.url)?;
    dev.run(&["config", "set", "api_url", &registry.url]).await?;
    let login = dev.run(&["auth", "login"]).await?;
    assert_eq!(login.code, Some(1), "{login:?}");
    let told = "Error: server does not have OIDC configured\nNo login is required.\n";
    assert!(login.stderr.starts_with(told), "{login:?}");
    assert_eq!(dev.run(&["explore"]).await?.code, Some(0));
    assert_eq!(registry.seen(), [("GET /api/skills".to_owned(), String::new())]);
    // What went wrong is said once, on a line of its own, and nothing is stored here.
    let failed = async |skill: &str| -> Result<(String, String)> {
        let done = dev.run(&["install", skill]).await?;
        assert_eq!(done.code, Some(1), "{done:?}");
        let said = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("Nothing was changed here."), "{done:?}");
        assert!(said.ends_with("Next: skillsctl config get api_url"), "{done:?}");
        Ok((done.stdout, said))
    };
    let (body, said) = failed("missing").await?;
    let path = format!("{} has nothing at /api/skills/missing: No such skill ", registry.url);
    assert!(body.is_empty() && said.contains(&path), "{body}: {said}");
    let (body, said) = failed("elsewhere").await?;
    assert_eq!(body, "<html>\n");
    assert!(said.contains("/api/skills/elsewhere; is that where the API"), "{said}");
    // It can be typed again as it was.
    let install = dev.run(&["install", "later on"]).await?;
    assert!(install.stderr.ends_with("Next: skillsctl install 'later on'\n"), "{install:?}");

    let away = shell("http://localhost:1")?;
    away.run(&["config", "set", "api_url", "http://localhost:1"]).await?;
    let login = away.run(&["auth", "login"]).await?;
    assert_eq!(login.code, Some(1), "{login:?}");
    let told = "Error: failed to fetch auth config from server: ";
    assert!(login.stderr.starts_with(told), "{login:?}");
    assert!(login.stderr.contains("\nCheck skillsctl config get api_url."), "{login:?}");

    let desk = Desk::set().await?;
    let login = desk.shell.run(&["auth", "login", "--timeout", "1"]).await?;
    assert_eq!(login.code, Some(1), "{login:?}");
    assert!(login.stderr.contains("Authorization timed out.\n"), "{login:?}");
    Ok(())
}
