//! A server, Ada, her terminal, and the traps around it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::{self, Cli, write_script};
use hallpass_testkit::oauth::OAuth;
use hallpass_testkit::person::Person;
use hallpass_testkit::process::{Finished, Running};
use hallpass_testkit::server::{Plan, Server};
use reqwest::Url;
use serde_json::Value;

/// Everything that a launcher of ours might start.
const BROWSERS: [&str; 6] =
    ["xdg-open", "gio", "x-www-browser", "sensible-browser", "wslview", "powershell.exe"];

/// A server and Ada, who is signed in in her browser, but not in her terminal.
pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) person: Person,
    pub(crate) cli: Cli,
    pub(crate) traps: Traps,
}

impl Desk {
    pub(crate) async fn set() -> Result<Self> {
        Self::of(Plan::new().set("device_interval", "1s")).await
    }

    pub(crate) async fn of(plan: Plan) -> Result<Self> {
        let server = plan.start().await?;
        let ada = server.person("ada@example.com", "Ada").await?;
        let person = Person::signed_in(&server, &ada).await?;
        let cli = Cli::new(&server)?;
        let traps = Traps::set(&server)?;
        Ok(Self { server, person, cli, traps })
    }

    /// A server where Ada is signed in in her terminal, too.
    pub(crate) async fn signed_in() -> Result<Self> {
        let desk = Self::set().await?;
        desk.sign_in().await?;
        Ok(desk)
    }

    /// The same, as a version that knew no keys left it: bound to nothing.
    pub(crate) async fn signed_in_unbound() -> Result<Self> {
        let desk = Self::signed_in().await?;
        desk.unbind().await?;
        Ok(desk)
    }

    /// Puts a sign-in of the same account in the place of the stored one that is bound to
    /// nothing; answers its access token.
    pub(crate) async fn unbind(&self) -> Result<String> {
        let tool = OAuth::public(&self.server, "hallpass-cli");
        let callback = "http://127.0.0.1:9/callback";
        let asked = [("scope", "openid account email profile tokens"), ("redirect_uri", callback)];
        let tokens = tool.tokens(&self.person, &asked).await?;
        self.change(|credential| {
            credential["access"]["token"] = tokens.access.clone().into();
            credential["refresh_token"] = tokens.refresh.clone().into();
            credential.as_object_mut().expect("an object").remove("binding");
        })?;
        std::fs::remove_file(self.cli.config().join("keys.json"))?;
        Ok(tokens.access)
    }

    /// Another shell of hers with these variables, every launcher of which is a trap.
    pub(crate) fn shell(&self, variables: &[(&str, &str)]) -> Result<Cli> {
        let shell = Cli::new(&self.server)?.variable("PATH", &self.traps.path());
        Ok(variables.iter().fold(shell, |shell, (name, value)| shell.variable(name, value)))
    }

    /// Runs a command in her terminal with one more variable.
    pub(crate) async fn run_with(
        &self,
        (name, value): (&str, &str),
        arguments: &[&str],
    ) -> Result<Finished> {
        Running::finish(self.cli.command(arguments)?.env(name, value), b"").await
    }

    /// Signs her terminal in, through the browser.
    pub(crate) async fn sign_in(&self) -> Result<()> {
        let (mut login, url) = self.begin(&["--web", "--no-browser"], "url").await?;
        let page = self.come_back(&url).await?;
        assert_eq!(page.status, 200, "{}", page.body);
        let finished = login.finished().await?;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        Ok(())
    }

    /// Begins a login that tells its events; answers a field of the first one.
    pub(crate) async fn begin(&self, flags: &[&str], field: &str) -> Result<(Running, String)> {
        let mut running = self.cli.start(&[&["login", "--json"], flags].concat())?;
        let value = cli::written(&mut running, field, |text| {
            events(text).iter().find_map(|event| event[field].as_str().map(str::to_owned))
        })
        .await?;
        Ok((running, value))
    }

    /// Approves an authorization request, and follows to the end that the terminal shows.
    pub(crate) async fn come_back(&self, request: &str) -> Result<hallpass_testkit::person::Page> {
        let callback = self.person.approve(request).await?;
        let answer = self.person.get_once(callback).await?;
        match answer.leads_to() {
            Some(done) => self.person.get_once(done).await,
            None => Ok(answer),
        }
    }

    /// What the server counted, as Prometheus text.
    pub(crate) async fn metrics(&self) -> Result<String> {
        Ok(self.person.get("/metrics").await?.body)
    }

    /// How many token requests of this kind ended like this.
    pub(crate) async fn counted(&self, grant_type: &str, outcome: &str) -> Result<u32> {
        let series = format!(r#"grant_type="{grant_type}",outcome="{outcome}"}} "#);
        let metrics = self.metrics().await?;
        let count = metrics.split_once(&series).and_then(|(_, rest)| rest.lines().next());
        count.map_or(Ok(0), |count| Ok(count.trim().parse()?))
    }

    /// The status of a call with this access token.
    pub(crate) async fn admits(&self, token: &str) -> Result<u16> {
        let client = OAuth::public(&self.server, "hallpass-cli");
        Ok(client.get_with("/api/v1/whoami", token).await?.status.as_u16())
    }

    /// The access token that her terminal would use now.
    pub(crate) async fn token(&self) -> Result<String> {
        let printed = self.cli.run(&["token", "print"]).await?;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        Ok(printed.stdout.trim_end().to_owned())
    }

    /// Where the terminal keeps its sign-ins.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.cli.config().join("credentials.json")
    }

    /// Changes the stored access token.
    pub(crate) fn change_access(&self, change: impl Fn(&mut Value)) -> Result<()> {
        self.change(|credential| change(&mut credential["access"]))
    }

    /// Changes the stored sign-in.
    pub(crate) fn change(&self, change: impl Fn(&mut Value)) -> Result<()> {
        let path = self.credentials();
        let mut stored: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        change(&mut stored["credentials"][0]);
        Ok(std::fs::write(&path, stored.to_string())?)
    }

    /// The access token has ended as far as the terminal can tell, and what was exchanged for
    /// it; the server would still take both.
    pub(crate) fn age(&self) -> Result<()> {
        self.change(|credential| {
            credential["access"]["expires_in"] = 0.into();
            credential["narrowed"] = Value::Array(Vec::new());
        })
    }
}

/// The events in what `login --json` wrote.
pub(crate) fn events(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The address of an authorization request that is shown, once all of it is there.
pub(crate) fn request_address(server: &Server, shown: &str) -> Option<String> {
    // A terminal of 80 columns breaks nothing: what it wraps is still one line.
    cli::address(shown, &server.at("/oauth/authorize?"))
}

/// Where the browser is to come back to.
pub(crate) fn redirect_uri(request: &str) -> Result<Url> {
    let request = Url::parse(request)?;
    let uri = hallpass_testkit::oauth::query(&request, "redirect_uri").context("redirect_uri")?;
    Ok(Url::parse(&uri)?)
}

/// Programs that only note that they were started, in the place of browsers.
pub(crate) struct Traps {
    directory: PathBuf,
}

impl Traps {
    fn set(server: &Server) -> Result<Self> {
        let directory = server.scratch().join("traps");
        std::fs::create_dir(&directory)?;
        let note = directory.join("sprung");
        for name in BROWSERS {
            write_script(&directory.join(name), &format!("echo {name} >> '{}'", note.display()))?;
        }
        Ok(Self { directory })
    }

    fn path(&self) -> String {
        format!("{}:/usr/local/bin:/usr/bin:/bin", self.directory.display())
    }

    /// What was started, one line each.
    pub(crate) fn sprung(&self) -> String {
        std::fs::read_to_string(self.directory.join("sprung")).unwrap_or_default()
    }
}
