//! Where the demo plays: a scratch directory with a server and a home in it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hallpass_core::wire::path::REVOKE_LEAKED;
use serde_json::Value;
use ureq::Agent;

/// Everything that the demo made, removed when it is dropped.
pub(super) struct Town {
    scratch: tempfile::TempDir,
    program: PathBuf,
    server: Option<Server>,
}

struct Server {
    process: Child,
    url: String,
    setup_link_file: PathBuf,
    // Held open: the server writes there until it stops.
    _stderr: BufReader<ChildStderr>,
}

/// A copy of the credentials file, as a thief would take it.
pub(super) struct Copy {
    access_token: String,
    refresh_token: String,
}

impl Copy {
    pub(super) fn same_access_token(&self, other: &Copy) -> bool {
        self.access_token == other.access_token
    }

    pub(super) fn same_refresh_token(&self, other: &Copy) -> bool {
        self.refresh_token == other.refresh_token
    }
}

/// Plain HTTP that answers every status, follows nothing and uses no proxy.
pub(super) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

impl Town {
    pub(super) fn found() -> Result<Self> {
        let scratch = tempfile::Builder::new()
            .prefix("hallpass-demo-")
            .tempdir()
            .context("no scratch directory")?;
        let program = std::env::current_exe().context("cannot find my own program file")?;
        Ok(Self { scratch, program, server: None })
    }

    pub(super) fn start_server(
        &mut self,
        access_token_ttl: Duration,
        grace: Duration,
    ) -> Result<()> {
        let mut process = self
            .command()
            .args([
                "serve",
                "--listen",
                "localhost:0",
                "--log-format",
                "json",
                "--log-level",
                "warn",
            ])
            .args(["--access-token-ttl", &format!("{}s", access_token_ttl.as_secs())])
            .args(["--refresh-grace", &format!("{}s", grace.as_secs())])
            .arg("--data-dir")
            .arg(self.scratch.path().join("server"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let mut stderr = BufReader::new(process.stderr.take().context("no standard error")?);
        let mut told = String::new();
        let ready = loop {
            let mut line = String::new();
            if stderr.read_line(&mut line)? == 0 {
                bail!("the server did not start: {told}");
            }
            match serde_json::from_str::<Value>(&line) {
                Ok(event) if event["event"] == "ready" => break event,
                _ => told.push_str(&line),
            }
        };
        let text =
            |key: &str| ready[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"));
        self.server = Some(Server {
            url: text("url")?,
            setup_link_file: text("setup_link_file")?.into(),
            process,
            _stderr: stderr,
        });
        Ok(())
    }

    pub(super) fn url(&self) -> &str {
        self.server.as_ref().map_or("", |server| &server.url)
    }

    pub(super) fn setup_link(&self) -> Result<String> {
        let file = self
            .server
            .as_ref()
            .map(|server| server.setup_link_file.as_path())
            .unwrap_or(Path::new(""));
        Ok(std::fs::read_to_string(file).context("cannot read the setup link")?.trim().to_owned())
    }

    /// This program's own file.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// A file of Ada's.
    pub(super) fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.scratch.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Runs a command that may say no: its exit code, and all that it printed.
    pub(super) fn tries(&self, args: &[&str]) -> Result<(Option<i32>, String)> {
        let output = self.command().args(args).stdin(Stdio::null()).output()?;
        let all = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&all).into_owned()))
    }

    /// Runs a command of hallpass in Ada's home and answers what it printed.
    pub(super) fn hallpass(&self, args: &[&str]) -> Result<String> {
        let output = self.command().args(args).stdin(Stdio::null()).output()?;
        ensure!(
            output.status.success(),
            "hallpass {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts a sign-in that tells its events.
    pub(super) fn begin(&self, args: &[&str]) -> Result<Running> {
        let mut process = self
            .command()
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let events = BufReader::new(process.stdout.take().context("no standard output")?);
        Ok(Running { process, events })
    }

    pub(super) fn copy_credentials(&self) -> Result<Copy> {
        let file = self.scratch.path().join("home/.config/hallpass/credentials.json");
        let contents: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        let credential = &contents["credentials"][0];
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no token is stored");
        Ok(Copy {
            access_token: text(&credential["access"]["token"])?,
            refresh_token: text(&credential["refresh_token"])?,
        })
    }

    /// What a thief would do with a copied file: status and error of the token endpoint.
    pub(super) fn redeem(&self, copy: &Copy) -> Result<(u16, String)> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", hallpass_core::wire::CLI_CLIENT_ID),
            ("refresh_token", &copy.refresh_token),
        ];
        let mut answer = agent().post(format!("{}/oauth/token", self.url())).send_form(form)?;
        let body: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        Ok((answer.status().as_u16(), body["error"].as_str().unwrap_or("no error").to_owned()))
    }

    /// The status that the API answers to `token`.
    pub(super) fn call_with(&self, token: &str) -> Result<u16> {
        let url = format!("{}/api/v1/whoami", self.url());
        Ok(agent()
            .get(url)
            .header("authorization", format!("Bearer {token}"))
            .call()?
            .status()
            .as_u16())
    }

    /// Where whoever finds a token has it revoked.
    pub(super) fn leak_desk(&self) -> String {
        format!("{}{REVOKE_LEAKED}", self.url())
    }

    /// Hands `token` in as leaked; the status of the answer.
    pub(super) fn report_leaked(&self, token: &str) -> Result<u16> {
        let found = serde_json::json!({ "tokens": [token] }).to_string();
        let answer = agent()
            .post(self.leak_desk())
            .header("content-type", "application/json")
            .send(found)?;
        Ok(answer.status().as_u16())
    }

    /// Stops the server and counts what its audit log holds.
    pub(super) fn stop(mut self) -> Result<usize> {
        if let Some(mut server) = self.server.take() {
            server.process.kill()?;
            server.process.wait()?;
        }
        // It was killed, not asked: what it acknowledged is there all the same.
        let list = self
            .command()
            .args(["admin", "audit", "list", "--json", "--data-dir"])
            .arg(self.scratch.path().join("server"))
            .output()?;
        ensure!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr).trim());
        Ok(list.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count())
    }

    /// Our own program with Ada's home, and nothing else of this machine's settings.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("HOME", self.scratch.path().join("home")).env("LANG", "C.UTF-8");
        // On its own disk, whatever keyring this machine has.
        command.env("HALLPASS_STORE", "file");
        command
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.process.kill();
            let _ = server.process.wait();
        }
    }
}

/// A sign-in that is under way.
pub(super) struct Running {
    process: Child,
    events: BufReader<ChildStdout>,
}

impl Running {
    /// Waits for an event that has `key`.
    pub(super) fn event(&mut self, key: &str) -> Result<String> {
        let mut line = String::new();
        while self.events.read_line(&mut line)? > 0 {
            let event: Value = serde_json::from_str(&line)?;
            if let Some(value) = event[key].as_str() {
                return Ok(value.to_owned());
            }
            line.clear();
        }
        bail!("{}", self.complaint())
    }

    /// Waits for the end.
    pub(super) fn finish(mut self) -> Result<()> {
        let mut rest = String::new();
        self.events.read_to_string(&mut rest)?;
        ensure!(self.process.wait()?.success(), "{} {rest}", self.complaint());
        Ok(())
    }

    fn complaint(&mut self) -> String {
        let mut told = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            let _ = stderr.read_to_string(&mut told);
        }
        told
    }
}
