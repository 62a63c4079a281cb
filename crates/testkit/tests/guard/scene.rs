//! A server, an API behind a guard in a process of its own, and a wire between them.

use std::process::Stdio;

use anyhow::{Context as _, Result};
use hallpass_testkit::link::Link;
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::town::Town;
use hallpass_testkit::wait;
use serde_json::Value;

/// All of it.
pub(crate) struct Scene {
    pub(crate) town: Town,
    pub(crate) link: Link,
    pub(crate) api: Api,
}

/// The API.
pub(crate) struct Api {
    pub(crate) process: Running,
    url: String,
    http: reqwest::Client,
}

impl Scene {
    pub(crate) async fn build() -> Result<Self> {
        let town = Town::build().await?;
        let link = Link::to(town.server.port()).await?;
        let api = Api::start(&town, &link).await?;
        api.until("a lease", |status| status["lease"] == true).await?;
        Ok(Self { town, link, api })
    }

    /// A token that the guard has admitted, from memory too.
    pub(crate) async fn admitted(&self) -> Result<hallpass_testkit::oauth::Tokens> {
        let tokens = self.town.tool.tokens(&self.town.person, &[]).await?;
        let before = self.api.status().await?["from_memory"].as_u64();
        wait::until("an answer from memory", async || {
            assert_eq!(self.api.ask(&tokens.access).await?, 200);
            Ok((self.api.status().await?["from_memory"].as_u64() > before).then_some(()))
        })
        .await?;
        Ok(tokens)
    }
}

impl Api {
    async fn start(town: &Town, link: &Link) -> Result<Self> {
        let mut command = process::command(process::binary("guarded")?);
        let secret = town.server.scratch().join("guard-secret");
        std::fs::write(&secret, town.api.secret.as_deref().context("a secret")?)?;
        command.args([town.server.url(), link.url(), town.api.id.clone()]);
        command.stdin(Stdio::from(std::fs::File::open(secret)?));
        let mut process = Running::start(&mut command)?;
        let url = wait::until("the API to listen", async || {
            anyhow::ensure!(process.ended()?.is_none(), "it ended: {}", process.written());
            Ok(process.stdout.text().lines().next().map(str::to_owned))
        })
        .await?;
        Ok(Self { process, url, http: reqwest::Client::new() })
    }

    /// The status of a request with `token`.
    pub(crate) async fn ask(&self, token: &str) -> Result<u16> {
        let request = self.http.get(format!("{}/me", self.url)).bearer_auth(token);
        Ok(request.send().await?.status().as_u16())
    }

    pub(crate) async fn status(&self) -> Result<Value> {
        Ok(self.http.get(format!("{}/status", self.url)).send().await?.json().await?)
    }

    /// Waits until the guard says so of itself.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<()> {
        wait::until(what, async || Ok(holds(&self.status().await?).then_some(()))).await
    }

    /// Waits until a request with `token` is answered so.
    pub(crate) async fn answers(&self, token: &str, wanted: u16) -> Result<()> {
        let what = format!("{wanted} from the API");
        wait::until(&what, async || Ok((self.ask(token).await? == wanted).then_some(()))).await
    }
}
