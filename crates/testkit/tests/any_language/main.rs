//! The examples in other languages do what they say, against a real server.
//!
//! Python and Node.js must be there; Go is run where there is a toolchain. Each example checks
//! a token offline, by introspection, and as a proxy does, before and after it was revoked.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use hallpass_testkit::oauth::{self, CALLBACK};
use hallpass_testkit::possession::{self, Key};
use hallpass_testkit::process::{self, Finished, Running};
use hallpass_testkit::town::Town;
use hallpass_testkit::{system, tree};

/// How one language's example is run.
struct Language {
    program: &'static str,
    arguments: &'static [&'static str],
}

const PYTHON: Language =
    Language { program: "python3", arguments: &["examples/python/protect.py"] };
const NODE: Language = Language { program: "node", arguments: &["examples/node/protect.mjs"] };
const GO: Language = Language { program: "go", arguments: &["run", "examples/go/protect.go"] };

impl Language {
    fn is_there(&self) -> bool {
        let path = system::var("PATH").unwrap_or_default();
        path.split(':').any(|directory| Path::new(directory).join(self.program).exists())
    }

    async fn run(&self, town: &Town, more: &[&str], input: &str) -> Result<Finished> {
        let mut command = process::command(self.program);
        command.current_dir(tree::root()).args(self.arguments).args(more);
        command.env("HOME", town.server.scratch());
        Running::finish(&mut command, input.as_bytes()).await
    }
}

async fn does_what_it_says(language: Language) -> Result<()> {
    let town = Town::build().await?;
    let (issuer, resource) = (town.server.url(), town.server.at("/api"));
    let secret = town.api.secret.clone().context("a secret")?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let sub = oauth::peek(&tokens.access)?.1["sub"].as_str().context("sub")?.to_owned();
    let ways: [&[&str]; 3] = [
        &["offline", &issuer, &resource],
        &["introspect", &issuer, &resource, "api"],
        &["check", &issuer],
    ];
    let expect = async |way: &[&str], token: &str, wanted: Option<&str>, why: &str| {
        let input = match way[0] {
            "introspect" => format!("{token}\n{secret}\n"),
            _ => format!("{token}\n"),
        };
        let Finished { code, stdout, stderr } = language.run(&town, way, &input).await?;
        let as_wanted = match wanted {
            Some(sub) => code == Some(0) && stdout.trim() == sub,
            None => code == Some(1) && stdout.starts_with("refused"),
        };
        if !as_wanted {
            bail!("{} {} ({why}): {code:?} {stdout}{stderr}", language.program, way[0]);
        }
        Ok(())
    };
    // The last character of a signature has bits that say nothing; the first has none.
    let at = tokens.access.rfind('.').context("a JWT")? + 1;
    let other = if tokens.access[at..].starts_with('A') { "B" } else { "A" };
    let forged = format!("{}{other}{}", &tokens.access[..at], &tokens.access[at + 1..]);
    let approved = town.tool.approved(&town.person, &[]).await?;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", approved.code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &approved.verifier),
    ];
    let bound = possession::token(&town.tool, &redeem, &Key::new()?).await?.get("access_token");
    for way in ways {
        expect(way, &bound, None, "bound to a key that nobody proves").await?;
        expect(way, &tokens.access, Some(&sub), "good").await?;
        expect(way, &forged, None, "forged").await?;
        expect(way, &tokens.id, None, "an ID token").await?;
    }
    expect(&["offline", &issuer, "https://other.example"], &tokens.access, None, "not for us")
        .await?;
    assert_eq!(town.tool.revoke(&tokens.access).await?.status, 200);
    expect(ways[0], &tokens.access, Some(&sub), "offline knows of no revocation").await?;
    for way in &ways[1..] {
        expect(way, &tokens.access, None, "revoked").await?;
    }
    Ok(())
}

// proves: HP19
#[tokio::test]
async fn python() -> Result<()> {
    assert!(PYTHON.is_there(), "install python3 and openssl");
    does_what_it_says(PYTHON).await
}

// proves: HP19
#[tokio::test]
async fn node() -> Result<()> {
    assert!(NODE.is_there(), "install Node.js 18 or newer (Debian: nodejs)");
    does_what_it_says(NODE).await
}

/// Without a toolchain the program is at least the one whose checks are described.
#[tokio::test]
async fn go_where_there_is_a_toolchain() -> Result<()> {
    if GO.is_there() {
        return does_what_it_says(GO).await;
    }
    let text = std::fs::read_to_string(tree::root().join("examples/go/protect.go"))?;
    for needed in [
        "at+jwt",
        "ES256",
        "claims.Iss != issuer",
        "claims.Exp",
        "claims.Cnf",
        "said.Active",
        "said.Cnf",
    ] {
        assert!(text.contains(needed), "{needed}");
    }
    Ok(())
}
