//! What scanners look for: every secret of ours is found, and nothing that is none.

use anyhow::{Context as _, Result};
use hallpass_core::{Kind, TokenText};
use hallpass_server::system::SystemRandom;
use regex::Regex;
use serde_json::Value;

use crate::office::{LEGACY, Office, PERSONAL};

/// A secret of each kind, freshly made, and how this brand's begins.
fn minted() -> Vec<(String, String)> {
    let kinds = Kind::ALL.map(|kind| match kind {
        Kind::Personal => PERSONAL,
        other => other.prefix(),
    });
    let mint = |prefix: &str| {
        let text = TokenText::mint_with_prefix(prefix, &SystemRandom);
        (prefix.to_owned(), text.expose().to_owned())
    };
    kinds.iter().map(|prefix| mint(prefix)).collect()
}

#[tokio::test]
async fn every_kind_of_secret_is_found_by_exactly_one_pattern() -> Result<()> {
    let office = Office::open().await?;
    let lines = office.admin(&["tokens", "patterns", "--format", "regex"]).await?;
    let patterns: Vec<Regex> = lines.lines().map(Regex::new).collect::<Result<_, _>>()?;

    let real =
        office.admin(&["token", "create", "--user", "ada@example.com", "--name", "ci"]).await?;
    let secret = office.server.confidential_client("api", &[]).await?;
    let mut secrets = minted();
    secrets.push((PERSONAL.to_owned(), real.trim_end().to_owned()));
    secrets.push((Kind::ClientSecret.prefix().to_owned(), secret));
    secrets.push((LEGACY.to_owned(), format!("{LEGACY}Zm9vYmFyYmF6_cXV4-1234")));
    for _ in 0..50 {
        secrets.extend(minted());
    }
    for (prefix, secret) in &secrets {
        for text in [secret.clone(), format!("TOKEN={secret}\n"), format!("{{\"t\":\"{secret}\"}}")]
        {
            let found: Vec<&str> =
                patterns.iter().flat_map(|it| it.find_iter(&text)).map(|it| it.as_str()).collect();
            assert_eq!(found, [secret.as_str()], "{prefix}");
        }
    }
    for innocent in [
        "sct_user_",
        "sct_user_name",
        "hp_rt_too_short",
        "stk_short",
        "a JWT: eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
        "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA of another brand",
    ] {
        assert!(!patterns.iter().any(|it| it.is_match(innocent)), "{innocent}");
    }
    Ok(())
}

#[tokio::test]
async fn gitleaks_reads_its_configuration() -> Result<()> {
    let office = Office::open().await?;
    let text = office.admin(&["tokens", "patterns"]).await?;
    assert_eq!(text, office.admin(&["tokens", "patterns", "--format", "gitleaks"]).await?);
    let config: toml::Table = text.parse()?;
    assert_eq!(config["extend"]["useDefault"].as_bool(), Some(true));
    let rules = config["rules"].as_array().context("rules")?;
    assert_eq!(rules.len(), Kind::ALL.len() + 1);
    let mut ids = std::collections::BTreeSet::new();
    for rule in rules {
        assert!(ids.insert(rule["id"].as_str().context("an id")?), "{rule:?}");
        Regex::new(rule["regex"].as_str().context("an expression")?)?;
        let keywords = rule["keywords"].as_array().context("keywords")?;
        // gitleaks compares them in lower case.
        let keyword = keywords[0].as_str().context("a keyword")?;
        assert_eq!(keyword, keyword.to_lowercase());
        assert!(rule["description"].as_str().is_some_and(|it| !it.is_empty()));
    }
    assert!(text.contains("CRC-32"), "{text}");
    Ok(())
}

#[tokio::test]
async fn github_is_told_what_its_form_asks_for() -> Result<()> {
    let office = Office::open().await?;
    let text = office.admin(&["tokens", "patterns", "--format", "github"]).await?;
    for line in text.lines() {
        let form: Value = serde_json::from_str(line)?;
        let field = |name: &str| form[name].as_str().unwrap_or_default().to_owned();
        // As GitHub puts them together.
        let whole = format!(
            "(?:{})({})(?:{})",
            field("before_secret"),
            field("secret_format"),
            field("after_secret")
        );
        let test = field("test_string");
        let found = Regex::new(&whole)?.captures(&test).and_then(|it| it.get(1));
        assert_eq!(found.map(|it| it.as_str()), Some(test.as_str()), "{line}");
        assert!(!field("name").is_empty());
    }
    assert_eq!(text.lines().count(), Kind::ALL.len() + 1);
    let rows = office.rows(&["tokens", "patterns"]).await?;
    assert!(rows.iter().any(|row| row["prefix"] == LEGACY && row["checksum"] == false), "{rows:?}");
    Ok(())
}
