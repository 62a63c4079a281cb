//! The real server: `hallpass serve` as a process of its own, on loopback.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::certificate::Certificate;
use crate::front::Front;
use crate::process::{self, Finished, Running};
use crate::{ports, wait};

/// The password of everybody that these tests make.
pub const PASSWORD: &str = "correct horse battery staple";
/// Starting on a port that was free a moment ago may still find it taken.
const ATTEMPTS: u32 = 3;

/// How a server is to be started.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    settings: Vec<(String, String)>,
    database_url: Option<String>,
    directory: Option<PathBuf>,
    variables: Vec<(String, String)>,
    tls: bool,
    front: Option<Front>,
}

impl Plan {
    /// Defaults: SQLite in a scratch directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// A setting by its name in the configuration, for example `code_ttl`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps its data in PostgreSQL.
    #[must_use]
    pub fn database_url(mut self, url: &str) -> Self {
        self.database_url = Some(url.to_owned());
        self
    }

    /// Keeps its data here instead of in a scratch directory.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Ends TLS itself, with a certificate that [`Server::http`] trusts.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Stands behind a tool's own site, whose address is the public one.
    #[must_use]
    pub fn behind(mut self, front: &Front) -> Self {
        self.front = Some(front.clone());
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self) -> Result<Server> {
        let scratch = TempDir::with_prefix("hallpass-test-")?;
        let directory = self.directory.clone().unwrap_or_else(|| scratch.path().join("data"));
        let certificate = self.tls.then(|| Certificate::make(scratch.path())).transpose()?;
        let mut server = Server {
            plan: self,
            scratch,
            directory,
            port: 0,
            certificate,
            running: None,
            log: String::new(),
        };
        for attempt in 1.. {
            server.port = ports::free()?;
            if let Some(front) = &server.plan.front {
                front.leads_to(server.port);
            }
            match server.start_again().await {
                Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("in use") => {}
                outcome => {
                    outcome?;
                    break;
                }
            }
        }
        Ok(server)
    }
}

/// A running server, or one that was stopped and can be started again.
#[derive(Debug)]
pub struct Server {
    plan: Plan,
    scratch: TempDir,
    directory: PathBuf,
    port: u16,
    certificate: Option<Certificate>,
    running: Option<Running>,
    /// What earlier processes on this data wrote.
    log: String,
}

/// A person's account.
#[derive(Clone, Debug)]
pub struct Account {
    /// What they sign in with.
    pub email: String,
    /// Their display name.
    pub name: String,
}

impl Server {
    /// A server with all defaults.
    pub async fn start() -> Result<Self> {
        Plan::new().start().await
    }

    /// Sets something otherwise from the next start on; an empty value sets nothing.
    pub fn set(&mut self, name: &str, value: &str) {
        self.plan.settings.retain(|(known, _)| known != name);
        self.plan.settings.push((name.to_owned(), value.to_owned()));
    }

    /// A variable of its environment from the next start on.
    pub fn variable(&mut self, name: &str, value: &str) {
        self.plan.variables.retain(|(known, _)| known != name);
        self.plan.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The public URL, which is also the issuer.
    pub fn url(&self) -> String {
        if let Some(front) = &self.plan.front {
            return front.url();
        }
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }

    /// Its certificate, if it ends TLS.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// An HTTP client that trusts it, to be configured further.
    pub fn http(&self) -> Result<reqwest::ClientBuilder> {
        let builder = reqwest::Client::builder();
        let Some(certificate) = &self.certificate else { return Ok(builder) };
        let trusted = reqwest::Certificate::from_pem(certificate.pem.as_bytes())?;
        Ok(builder.tls_certs_only([trusted]))
    }

    /// `path` at the public URL.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url())
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its data is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A directory that goes away with the server, and holds nothing of its.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The process id.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running.as_ref().context("the server is not running")?.id())
    }

    /// Everything that it and its predecessors on this data wrote.
    pub fn log(&self) -> String {
        let now = self.running.as_ref().map(Running::written).unwrap_or_default();
        format!("{}{now}", self.log)
    }

    /// `hallpass serve`, as it would be started.
    pub fn command(&self) -> Result<Command> {
        let mut command = self.hallpass()?;
        command.arg("serve");
        command.env("HALLPASS_SERVER_LISTEN", format!("localhost:{}", self.port));
        command.env("HALLPASS_SERVER_PUBLIC_URL", self.url());
        if let Some(certificate) = &self.certificate {
            command.env("HALLPASS_SERVER_TLS_CERT", &certificate.certificate);
            command.env("HALLPASS_SERVER_TLS_KEY", &certificate.key);
        }
        for (name, value) in &self.plan.settings {
            command.env(format!("HALLPASS_SERVER_{}", name.to_ascii_uppercase()), value);
        }
        command.envs(self.plan.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    fn hallpass(&self) -> Result<Command> {
        let mut command = process::command(process::binary("hallpass")?);
        command.env("HOME", self.scratch.path());
        command.env("HALLPASS_SERVER_DATA_DIR", &self.directory);
        // It holds a password, which an argument would show to everybody on the machine.
        command
            .envs(self.plan.database_url.iter().map(|url| ("HALLPASS_SERVER_DATABASE_URL", url)));
        Ok(command)
    }

    /// Starts it on the same data and the same port, and waits until it is ready.
    pub async fn start_again(&mut self) -> Result<()> {
        self.running = Some(Running::start(&mut self.command()?)?);
        self.ready().await
    }

    /// Starts it where it must not come up, and waits for its end.
    pub async fn refusal(&mut self) -> Result<Finished> {
        let mut running = Running::start(&mut self.command()?)?;
        running.finished().await
    }

    /// Waits until it answers, or says why it does not.
    pub async fn ready(&mut self) -> Result<()> {
        let http = self.http()?.build()?;
        let probe = self.at("/health/ready");
        let running = self.running.as_mut().context("the server is not running")?;
        let came_up = wait::until("the server to be ready", async || {
            if let Some(status) = running.ended()? {
                bail!("the server ended ({status})");
            }
            let answer = http.get(&probe).send().await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await;
        came_up.with_context(|| format!("it wrote:\n{}", self.log()))
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        let mut running = self.running.take().context("the server is not running")?;
        running.kill()?;
        self.log.push_str(&running.written());
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(&mut self) -> Result<Finished> {
        let mut running = self.running.take().context("the server is not running")?;
        running.signal(Signal::TERM)?;
        let finished = running.finished().await?;
        self.log.push_str(&running.written());
        Ok(finished)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.running.as_ref().context("the server is not running")?.signal(signal)
    }

    /// Runs `hallpass admin …` on the same data; it must succeed. Answers its output.
    pub async fn admin(&self, arguments: &[&str], input: &str) -> Result<String> {
        let finished = self.try_admin(arguments, input).await?;
        if finished.code != Some(0) {
            bail!("hallpass admin {}: {finished:?}", arguments.join(" "));
        }
        Ok(finished.stdout.trim_end().to_owned())
    }

    /// Runs `hallpass admin …` on the same data.
    pub async fn try_admin(&self, arguments: &[&str], input: &str) -> Result<Finished> {
        let mut command = self.hallpass()?;
        command.arg("admin").args(arguments);
        Running::finish(&mut command, input.as_bytes()).await
    }

    /// A person with [`PASSWORD`].
    pub async fn person(&self, email: &str, name: &str) -> Result<Account> {
        let create = ["user", "create", "--email", email, "--name", name, "--password-stdin"];
        self.admin(&create, PASSWORD).await?;
        Ok(Account { email: email.to_owned(), name: name.to_owned() })
    }

    /// A public client with these redirect URIs.
    pub async fn public_client(&self, id: &str, redirect_uris: &[&str]) -> Result<()> {
        self.client(id, redirect_uris, &[]).await.map(drop)
    }

    /// A confidential client; answers its secret.
    pub async fn confidential_client(&self, id: &str, redirect_uris: &[&str]) -> Result<String> {
        self.client(id, redirect_uris, &["--confidential"]).await
    }

    /// `admin client create` with more flags; answers what it prints.
    pub async fn client(&self, id: &str, redirect_uris: &[&str], more: &[&str]) -> Result<String> {
        let mut create = vec!["client", "create", "--id", id];
        create.extend(redirect_uris.iter().flat_map(|uri| ["--redirect-uri", uri]));
        create.extend(more);
        self.admin(&create, "").await
    }
}
