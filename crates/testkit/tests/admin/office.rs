//! A server with a brand of its own, whose older system's tokens begin with `stk_`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::process::Finished;
use hallpass_testkit::server::{Plan, Server};
use hallpass_testkit::tree;
use tempfile::TempDir;

/// What the older system's tokens begin with.
pub(crate) const LEGACY: &str = "stk_";
/// The brand's personal tokens.
pub(crate) const PERSONAL: &str = "sct_user_";

/// A server, its brand file, and Ada.
pub(crate) struct Office {
    pub(crate) server: Server,
    pub(crate) brand: PathBuf,
    _scratch: TempDir,
}

impl Office {
    /// With Ada, the organization `acme`, and its projects `site` and `docs`.
    pub(crate) async fn open() -> Result<Self> {
        Self::of(Plan::new()).await
    }

    /// The same, on a server that was planned.
    pub(crate) async fn of(plan: Plan) -> Result<Self> {
        Self::with(plan, &format!("prefix = '{PERSONAL}'\nlegacy_prefix = '{LEGACY}'")).await
    }

    /// The same, with these rules about tokens.
    pub(crate) async fn with(plan: Plan, tokens: &str) -> Result<Self> {
        let scratch = TempDir::with_prefix("hallpass-brand-")?;
        let brand = scratch.path().join("brand.toml");
        let ours = std::fs::read_to_string(tree::root().join("brands/hallpass.toml"))?;
        std::fs::write(&brand, format!("{ours}\n[tokens]\n{tokens}\n"))?;
        let named = brand.to_str().context("a path in UTF-8")?;
        let server = plan.set("brand_file", named).start().await?;
        server.person("ada@example.com", "Ada").await?;
        let office = Self { server, brand, _scratch: scratch };
        for words in [
            &["org", "create", "acme"][..],
            &["project", "create", "acme/site"],
            &["project", "create", "acme/docs"],
        ] {
            office.admin(words).await?;
        }
        Ok(office)
    }

    /// Runs `hallpass admin …`, which must succeed; answers what it printed.
    pub(crate) async fn admin(&self, words: &[&str]) -> Result<String> {
        let finished = self.try_admin(words, "").await?;
        anyhow::ensure!(finished.code == Some(0), "{words:?}: {finished:?}");
        Ok(finished.stdout)
    }

    /// Runs it, whatever comes of it.
    pub(crate) async fn try_admin(&self, words: &[&str], input: &str) -> Result<Finished> {
        let brand = self.brand.to_str().context("a path in UTF-8")?;
        let words = [words, &["--brand-file", brand]].concat();
        self.server.try_admin(&words, input).await
    }

    /// What it says when it refuses.
    pub(crate) async fn refused(&self, words: &[&str], input: &str) -> Result<String> {
        let finished = self.try_admin(words, input).await?;
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (Some(2), ""),
            "{words:?}: {finished:?}"
        );
        Ok(finished.stderr)
    }

    /// A file in the scratch directory.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.server.scratch().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_str().context("a path in UTF-8")?.to_owned())
    }

    /// A confidential client that may introspect.
    pub(crate) async fn api(&self) -> Result<OAuth> {
        let secret = self.server.confidential_client("api", &[]).await?;
        Ok(OAuth::confidential(&self.server, "api", &secret))
    }

    /// What `/api/v1/whoami` answers to a token.
    pub(crate) async fn whoami(&self, token: &str) -> Result<Answer> {
        OAuth::public(&self.server, "hallpass-cli").get_with("/api/v1/whoami", token).await
    }

    /// The rows of a list, in JSON.
    pub(crate) async fn rows(&self, words: &[&str]) -> Result<Vec<serde_json::Value>> {
        let text = self.admin(&[words, &["--json"]].concat()).await?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

/// Asks about a token at a place, as an API would.
pub(crate) async fn ask(api: &OAuth, token: &str, place: (&str, &str)) -> Result<Answer> {
    api.post("/oauth/introspect", &[("token", token), place]).await
}

/// The permissions in an answer; empty for a token that is not good.
pub(crate) fn permissions(answer: &Answer) -> Vec<String> {
    let permissions = answer.json()["place"]["permissions"].as_array().cloned();
    let permissions = permissions.unwrap_or_default();
    permissions.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

pub(crate) fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

pub(crate) fn sha512(text: &str) -> String {
    hex(digest::digest(&digest::SHA512, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether some file below `directory` holds `text`.
pub(crate) fn kept_anywhere(directory: &Path, text: &str) -> Result<bool> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        // The socket is there while the server runs.
        let found = match std::fs::symlink_metadata(&path)?.file_type() {
            kind if kind.is_dir() => kept_anywhere(&path, text)?,
            kind if kind.is_file() => memchr_in(&std::fs::read(&path)?, text.as_bytes()),
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn memchr_in(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}
