//! The guardian: a process of its own that ends an agent when its broker is killed.
//!
//! The broker writes to its standard input what it needs: the agent's token, anew after each
//! renewal, its process, and the directory that the token lies in. When that ends without a word
//! that all is done, the broker is gone: the guardian says at the server that the agent is done,
//! with the agent's own token, ends the process, and takes the directory away. It holds no
//! credential of the person's. If it is killed too, nobody renews the agent, and its token ends
//! by itself.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use hallpass_core::Secret;

use super::child::{remove, strip};
use crate::arguments::Globals;
use crate::commands::client;
use crate::system::Target;
use crate::{Context, Exit, Failure, Input, tree};

/// How often the server is asked once more, if it cannot be reached.
const TRIES: u32 = 60;
/// How long is waited between.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the process may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

const TOKEN: &str = "token ";
const PROCESS: &str = "process ";
const DIRECTORY: &str = "directory ";
const DONE: &str = "done";

pub(super) fn command() -> clap::Command {
    clap::Command::new("guard").about("Ends an agent whose broker was killed").hide(true)
}

/// The broker's end of the line.
pub(super) struct Guard(Option<ChildStdin>);

impl Guard {
    /// Starts the guardian, out of reach of Ctrl-C at the broker's terminal.
    pub(super) fn start(cx: &Context<'_>, globals: &Globals, server: &str) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(cx.program.split(' ').skip(1)).args(tree::guard(cx.brand));
        command.arg("--server").arg(server);
        if let Some(bundle) = &globals.ca_bundle {
            command.arg("--ca-bundle").arg(bundle);
        }
        strip(cx, &mut command, &[]);
        command.env(cx.brand.variable("STORE"), "none");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(Self(command.spawn()?.stdin))
    }

    fn tell(&mut self, line: &str) {
        // Without a guardian the agent ends with its token.
        if let Some(pipe) = &mut self.0
            && pipe.write_all(format!("{line}\n").as_bytes()).is_err()
        {
            self.0 = None;
        }
    }

    pub(super) fn token(&mut self, token: &Secret) {
        self.tell(&format!("{TOKEN}{}", token.expose()));
    }

    pub(super) fn process(&mut self, pid: u32) {
        self.tell(&format!("{PROCESS}{pid}"));
    }

    pub(super) fn directory(&mut self, dir: &Path) {
        self.tell(&format!("{DIRECTORY}{}", dir.display()));
    }

    /// There is nothing to guard any more.
    pub(super) fn done(&mut self) {
        self.tell(DONE);
    }
}

/// Waits, and ends what is to be ended.
pub(super) fn run(
    cx: &Context<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let (heard, lines) = mpsc::channel();
    stdin.each_line(Box::new(move |line| heard.send(Secret::new(line)).is_ok()));
    let (mut token, mut target, mut dir) = (None, None, None);
    // Until the broker is gone, and with it the other end of the pipe.
    while let Ok(line) = lines.recv() {
        let line = line.expose();
        if line == DONE {
            return Ok(Exit::Usable);
        } else if let Some(fresh) = line.strip_prefix(TOKEN) {
            token = Some(Secret::new(fresh));
        } else if let Some(pid) = line.strip_prefix(PROCESS) {
            target = pid.parse().ok().and_then(Target::of);
        } else if let Some(path) = line.strip_prefix(DIRECTORY) {
            dir = Some(PathBuf::from(path));
        }
    }
    if let Some(target) = &target {
        target.end(GRACE);
    }
    if let Some(token) = &token {
        give_back(cx, globals, token);
    }
    if let Some(dir) = &dir {
        remove(dir);
    }
    Ok(Exit::Usable)
}

/// Says that the agent is done, until the server has heard it.
fn give_back(cx: &Context<'_>, globals: &Globals, token: &Secret) {
    let client = client(cx, globals);
    let Ok(server) = client.server() else { return };
    for _ in 0..TRIES {
        let said = client.as_bearer(&server, token).and_then(|session| session.done());
        match said {
            Err(hallpass_client::Error::Http(_)) => std::thread::sleep(PAUSE),
            // It is over, or was before.
            _ => return,
        }
    }
}
