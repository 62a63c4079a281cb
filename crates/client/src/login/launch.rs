//! Launching a browser at an address.
//!
//! The address goes to the launcher as one argument, never through a shell (CLIENT A4).
//! Launchers run detached, with nothing to read from and nowhere to write to (A6), and
//! without the variables that hold our credentials. A launcher that is still running
//! after two seconds is taken to be at work; one that fails earlier gives way to the
//! next in the chain (A5).

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;

use super::choose::Launch;
use crate::time::Time;

/// How long a launcher is watched.
const WATCH: Duration = Duration::from_secs(2);
/// How often.
const PAUSE: Duration = Duration::from_millis(25);

/// Launches browsers; a test brings one that only takes notes.
pub trait Launcher: Send + Sync {
    /// Launches `what` at `url`. Called on a thread of its own, so it may take its time.
    /// `false` if nothing could be launched.
    fn launch(&self, what: &Launch, url: &str) -> bool;
}

/// Launches real browsers.
pub struct SystemLauncher {
    time: Arc<dyn Time>,
    /// Variables that a launcher must not see.
    secret_variables: Vec<String>,
}

impl SystemLauncher {
    /// A launcher that takes `secret_variables` out of what it launches.
    pub fn new(time: Arc<dyn Time>, secret_variables: Vec<String>) -> Self {
        Self { time, secret_variables }
    }

    fn run(&self, argv: &[OsString]) -> bool {
        let Some((program, arguments)) = argv.split_first() else { return false };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for variable in &self.secret_variables {
            command.env_remove(variable);
        }
        // Ctrl-C in the terminal is for us, not for the person's browser.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let Ok(mut child) = command.spawn() else { return false };
        let began = self.time.monotonic();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if self.time.monotonic().saturating_sub(began) < WATCH => {
                    self.time.sleep(PAUSE);
                }
                // Still at work, or out of sight: let it be.
                Ok(None) | Err(_) => return true,
            }
        }
    }
}

impl Launcher for SystemLauncher {
    fn launch(&self, what: &Launch, url: &str) -> bool {
        match what {
            Launch::Nothing => false,
            #[cfg(any(windows, target_os = "macos"))]
            Launch::Default => webbrowser::open(url).is_ok(),
            _ => chain(what, url).iter().any(|argv| self.run(argv)),
        }
    }
}

/// The command lines to try, in order; each is a program and its arguments.
fn chain(what: &Launch, url: &str) -> Vec<Vec<OsString>> {
    let plain = |program: &str| vec![OsString::from(program), OsString::from(url)];
    match what {
        Launch::Nothing => Vec::new(),
        Launch::Command(value) => commands(value, url),
        Launch::Wsl => vec![plain("wslview"), powershell(url), plain("xdg-open")],
        Launch::Default => vec![
            plain("xdg-open"),
            vec!["gio".into(), "open".into(), url.into()],
            plain("x-www-browser"),
            plain("sensible-browser"),
        ],
    }
}

/// The value of `BROWSER`: commands separated by colons, each with arguments separated by
/// spaces; `%s` is the address, which comes last where there is none. A value that is a
/// file is one command, whatever is in its name.
fn commands(value: &str, url: &str) -> Vec<Vec<OsString>> {
    if std::path::Path::new(value).is_file() {
        return vec![vec![value.into(), url.into()]];
    }
    let separator = if cfg!(windows) { ';' } else { ':' };
    value
        .split(separator)
        .filter_map(|command| {
            let mut named = false;
            let mut argv: Vec<OsString> = command
                .split_whitespace()
                .map(|word| {
                    named |= word.contains("%s");
                    word.replace("%s", url).into()
                })
                .collect();
            if !named && !argv.is_empty() {
                argv.push(url.into());
            }
            (!argv.is_empty()).then_some(argv)
        })
        .collect()
}

/// `powershell.exe` reads its arguments as a script, so the script is handed over encoded,
/// with the address in a single-quoted string, where only a quote has a meaning.
fn powershell(url: &str) -> Vec<OsString> {
    let script = format!("Start-Process -FilePath '{}'", url.replace('\'', "''"));
    let utf16: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = base64::engine::general_purpose::STANDARD.encode(utf16);
    ["powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand", &encoded]
        .map(OsString::from)
        .into()
}

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;
