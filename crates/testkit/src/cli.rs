//! The real command line, with a home directory and an environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::process::{self, Finished, Running};
use crate::server::Server;
use crate::terminal::Terminal;
use crate::wait;

/// Somebody's shell: `hallpass` with a scratch home and nothing of our environment.
#[derive(Debug)]
pub struct Cli {
    home: TempDir,
    program: String,
    server: String,
    variables: Vec<(String, String)>,
}

impl Cli {
    /// A shell that talks to `server`.
    pub fn new(server: &Server) -> Result<Self> {
        Ok(Self {
            home: TempDir::with_prefix("hallpass-home-")?,
            program: "hallpass".to_owned(),
            server: server.url(),
            variables: server
                .certificate()
                .map(|made| ("SSL_CERT_FILE".to_owned(), made.certificate.display().to_string()))
                .into_iter()
                .collect(),
        })
    }

    /// A shell that talks to a server that is none of ours.
    pub fn at(server: &str) -> Result<Self> {
        Ok(Self {
            home: TempDir::with_prefix("hallpass-home-")?,
            program: "hallpass".to_owned(),
            server: server.to_owned(),
            variables: Vec::new(),
        })
    }

    /// Another binary than `hallpass`: a brand's.
    #[must_use]
    pub fn program(mut self, name: &str) -> Self {
        self.program = name.to_owned();
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its home directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where it keeps its configuration and credentials.
    pub fn config(&self) -> PathBuf {
        self.home.path().join(".config/hallpass")
    }

    /// The command, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = process::command(process::binary(&self.program)?);
        command.args(arguments).current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("HALLPASS_SERVER", &self.server);
        // No keyring here, unless a test brings one.
        command.env("HALLPASS_STORE", "file");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Runs it with an empty standard input, without a terminal.
    pub async fn run(&self, arguments: &[&str]) -> Result<Finished> {
        self.run_with(arguments, "").await
    }

    /// Runs it with this standard input, without a terminal.
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Result<Finished> {
        Running::finish(&mut self.command(arguments)?, input.as_bytes()).await
    }

    /// Starts it without a terminal, and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        Running::start(self.command(arguments)?.stdin(std::process::Stdio::null()))
    }

    /// Starts it at a terminal of 80 columns.
    pub fn at_terminal(&self, arguments: &[&str]) -> Result<Terminal> {
        Terminal::start(&self.command(arguments)?, 80)
    }

    /// A program for `$BROWSER` that writes the address it is given to a file and ends
    /// with `code`; answers its path and that file's.
    pub fn launcher(&self, code: u8) -> Result<(String, PathBuf)> {
        let script = self.home.path().join(format!("launcher-{code}"));
        let opened = self.home.path().join(format!("opened-{code}"));
        let text = format!(
            "printf '%s\\n' \"$1\" >> '{0}.part'\nmv '{0}.part' '{0}'\nexit {code}",
            opened.display()
        );
        write_script(&script, &text)?;
        Ok((script.display().to_string(), opened))
    }
}

/// Writes a shell script that can be run. Another process writes it: a child that a test beside
/// this one forks meanwhile would inherit a file that is open for writing here, and such a file
/// cannot be run.
pub fn write_script(path: &Path, text: &str) -> Result<()> {
    let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
    let mut sh = Command::new("sh");
    let status = sh.args(["-c", write, "sh"]).arg(path).arg(text).status()?;
    anyhow::ensure!(status.success(), "no script at {}", path.display());
    Ok(())
}

/// Waits until `running` has written something in which `find` finds what is wanted, on
/// either stream.
pub async fn written<T>(
    running: &mut Running,
    what: &str,
    find: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    let found = wait::until(what, async || {
        let ended = running.ended()?.is_some();
        if ended {
            running.finished().await?;
        }
        match (find(&running.written()), ended) {
            (Some(found), _) => Ok(Some(found)),
            (None, true) => anyhow::bail!("it ended without {what}"),
            (None, false) => Ok(None),
        }
    })
    .await;
    found.with_context(|| format!("it wrote:\n{}", running.written()))
}

/// The first address in `text` that begins with `start`.
pub fn address(text: &str, start: &str) -> Option<String> {
    let from = &text[text.find(start)?..];
    let end = from.find(|c: char| c.is_whitespace() || c == '"' || c == '│')?;
    Some(from[..end].to_owned())
}
