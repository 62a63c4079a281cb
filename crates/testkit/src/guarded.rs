//! An API behind a guard, in a process of its own: the binary `guarded`.

use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::oauth::{Answer, OAuth};
use crate::process::{self, Running};
use crate::server::Server;
use crate::wait;

/// The API.
#[derive(Debug)]
pub struct Guarded {
    /// Its process.
    pub process: Running,
    url: String,
    http: reqwest::Client,
}

impl Guarded {
    /// An API that is registered at `server` as `client`, and reaches it at `address`. It also
    /// trusts outside issuers' ID tokens, each of them named as issuer and client id.
    pub async fn start(
        server: &Server,
        client: &OAuth,
        address: &str,
        outside: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start_for(server, client, address, outside, None).await
    }

    /// The same for a brand whose keys have a prefix of their own.
    pub async fn start_for(
        server: &Server,
        client: &OAuth,
        address: &str,
        outside: &[(&str, &str)],
        prefix: Option<&str>,
    ) -> Result<Self> {
        let mut command = process::command(process::binary("guarded")?);
        let secret = server.scratch().join("guard-secret");
        std::fs::write(&secret, client.secret.as_deref().context("a secret")?)?;
        command.args([&server.url(), address, &client.id]);
        command.args(outside.iter().flat_map(|(issuer, client)| [issuer, client]));
        command.envs(prefix.map(|prefix| ("GUARDED_PREFIX", prefix)));
        command.stdin(Stdio::from(std::fs::File::open(secret)?));
        let mut process = Running::start(&mut command)?;
        let url = wait::until("the API to listen", async || {
            anyhow::ensure!(process.ended()?.is_none(), "it ended: {}", process.written());
            Ok(process.stdout.text().lines().next().map(str::to_owned))
        })
        .await?;
        let this = Self { process, url, http: reqwest::Client::new() };
        this.until("a lease", |status| status["lease"] == true).await?;
        Ok(this)
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, host)| host)
    }

    /// What a request for `path` with `token` is answered: status and body.
    pub async fn get(&self, path: &str, token: &str) -> Result<(u16, String)> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(token);
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// A request for `path` with a bound token and these proofs.
    pub async fn get_bound(&self, path: &str, token: &str, proofs: &[&str]) -> Result<Answer> {
        let address = format!("{}{path}", self.url);
        let mut request = self.http.get(address).header("Authorization", format!("DPoP {token}"));
        for proof in proofs {
            request = request.header("DPoP", *proof);
        }
        Answer::of(request).await
    }

    /// What a request to do `action` with `token` is answered: status and body.
    pub async fn carry_out(&self, token: &str, action: &Value) -> Result<(u16, String)> {
        let request = self.http.post(format!("{}/actions", self.url)).bearer_auth(token);
        let answer = request.body(action.to_string()).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The status of a request with `token`.
    pub async fn ask(&self, token: &str) -> Result<u16> {
        Ok(self.get("/me", token).await?.0)
    }

    /// What the guard says of itself.
    pub async fn status(&self) -> Result<Value> {
        Ok(self.http.get(format!("{}/status", self.url)).send().await?.json().await?)
    }

    /// Waits until the guard says so of itself.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<()> {
        wait::until(what, async || Ok(holds(&self.status().await?).then_some(()))).await
    }
}
