//! A server, Ada, her browser, her terminal.

use anyhow::{Context as _, Result};
use hallpass_testkit::browser::{Browser, Options};
use hallpass_testkit::cli::{self, Cli};
use hallpass_testkit::oauth::OAuth;
use hallpass_testkit::process::{Finished, Running};
use hallpass_testkit::server::{Account, PASSWORD, Plan, Server};
use tokio::sync::{Semaphore, SemaphorePermit};

/// However many tests run at once: a browser takes half a gigabyte and a core.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// Waits until one more browser may run; it may for as long as the answer lives.
pub(crate) async fn turn() -> Result<SemaphorePermit<'static>> {
    Ok(BROWSERS.acquire().await?)
}

/// Whoever administers, where somebody does.
pub(crate) const ROOT: &str = "root@example.com";

/// Ada is not signed in yet, anywhere.
pub(crate) struct Scene {
    _turn: SemaphorePermit<'static>,
    pub(crate) server: Server,
    pub(crate) ada: Account,
    pub(crate) browser: Browser,
    pub(crate) cli: Cli,
}

impl Scene {
    pub(crate) async fn set() -> Result<Self> {
        Self::of(Plan::new(), Options::default()).await
    }

    pub(crate) async fn of(plan: Plan, options: Options) -> Result<Self> {
        let turn = turn().await?;
        let server = plan.start().await?;
        let ada = server.person("ada@example.com", "Ada").await?;
        let cli = Cli::new(&server)?;
        let browser = Browser::open_with(options).await?;
        Ok(Self { _turn: turn, server, ada, browser, cli })
    }

    /// Signs Ada's browser in.
    pub(crate) async fn sign_in(&self) -> Result<()> {
        self.browser.goto(&self.server.at("/signin")).await?;
        self.browser.sign_in(&self.ada.email, PASSWORD).await?;
        self.browser.find("#signout-button").await.map(drop)
    }

    /// Signs an administrator in instead of Ada.
    pub(crate) async fn sign_root_in(&self) -> Result<()> {
        let root = ["user", "create", "--email", ROOT, "--name", "Root"];
        let root = [&root[..], &["--admin", "--password-stdin"]].concat();
        self.server.admin(&root, PASSWORD).await?;
        self.browser.goto(&self.server.at("/signin")).await?;
        self.browser.sign_in(ROOT, PASSWORD).await?;
        self.browser.find("#signout-button").await.map(drop)
    }

    /// Begins `hallpass login` with these flags; answers the field of its first event.
    pub(crate) async fn login(&self, flags: &[&str], field: &str) -> Result<(Running, String)> {
        let arguments = [&["login", "--json"], flags].concat();
        let mut running = self.cli.start(&arguments)?;
        let value = cli::written(&mut running, field, |text| {
            text.lines().find_map(|line| {
                let event: serde_json::Value = serde_json::from_str(line).ok()?;
                event[field].as_str().map(str::to_owned)
            })
        })
        .await?;
        Ok((running, value))
    }

    /// A device login that waits; answers its user code.
    pub(crate) async fn device_login(&self) -> Result<(Running, String)> {
        self.login(&["--device"], "user_code").await
    }

    /// Types a code on the device page.
    pub(crate) async fn type_code(&self, typed: &str) -> Result<()> {
        self.browser.goto(&self.server.at("/device")).await?;
        self.browser.fill("#user_code", typed).await?;
        self.browser.click("#device #submit").await
    }

    /// What the page that is shown says came of it.
    pub(crate) async fn outcome(&self) -> Result<String> {
        let heading = self.browser.find("#outcome").await?;
        heading.attr("data-outcome").await?.context("an outcome")
    }

    /// Somebody tries what the terminal keeps, without the key that it is bound to; answers
    /// what they are told.
    pub(crate) async fn try_a_copy(&self) -> Result<String> {
        let file = std::fs::read(self.cli.config().join("credentials.json"))?;
        let file: serde_json::Value = serde_json::from_slice(&file)?;
        let token = file["credentials"][0]["refresh_token"].as_str().context("a token")?;
        let thief = OAuth::public(&self.server, "hallpass-cli");
        Ok(thief.refresh(token).await?.error())
    }

    /// Who the terminal is signed in as.
    pub(crate) async fn whoami(&self) -> Result<Finished> {
        self.cli.run(&["whoami"]).await
    }

    /// A sign-in that worked.
    pub(crate) async fn is_signed_in(&self, mut login: Running) -> Result<()> {
        let finished = login.finished().await?;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let whoami = self.whoami().await?;
        assert!(whoami.code == Some(0) && whoami.stdout.contains(&self.ada.email), "{whoami:?}");
        Ok(())
    }

    /// A sign-in that ended without one, with `code`, and says why.
    pub(crate) async fn is_refused(&self, mut login: Running, error: &str) -> Result<()> {
        let finished = login.finished().await?;
        assert_eq!(finished.code, Some(6), "{finished:?}");
        assert!(finished.stdout.contains(error), "{finished:?}");
        assert_eq!(self.whoami().await?.code, Some(3));
        Ok(())
    }
}
