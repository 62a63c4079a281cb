//! Processes that are measured, and what the kernel says about them in `/proc`.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::system::Stopwatch;

/// `USER_HZ`: what `/proc/PID/stat` counts in, on every Linux that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// How long a server may take to stop after it was asked to.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// How long a server may take to fill its index.
const QUIET_WITHIN: Duration = Duration::from_secs(300);

/// A server in a process of its own. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts the bare handlers: this very program, which says where it listens.
    pub(crate) fn bare(scratch: &Path) -> Result<Self> {
        let log = scratch.join("bare.log");
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .arg("bare")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("starting the bare handlers")?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .context("asking the bare handlers for their address")?;
        }
        let address = line.trim().parse();
        let address = address.with_context(|| format!("the bare handlers said {line:?}"))?;
        Ok(Self { child, address, log })
    }

    /// Starts `hallpass serve` on a data directory. It may not listen yet.
    pub(crate) fn hallpass(
        program: &Path,
        data: &Path,
        address: SocketAddr,
        public_url: &str,
    ) -> Result<Self> {
        let log = data.with_extension("log");
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new(program)
            .arg("serve")
            .arg("--data-dir")
            .arg(data)
            .args(["--listen", &address.to_string(), "--public-url", public_url])
            // Longer than a run, which asks about the same tokens throughout.
            .args(["--access-token-ttl", "12h"])
            // Nothing of the caller's own deployment.
            .env_clear()
            .stdin(Stdio::null())
            .stdout(errors.try_clone()?)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self { child, address, log })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Seconds of processor time so far, of all its threads, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let stat = self.proc("stat")?;
        cpu_seconds(&stat).context("/proc/PID/stat is not as it was")
    }

    /// Waits until it has nothing to do: a whole second took less than a tick or two.
    pub(crate) fn quiet(&self) -> Result<()> {
        let watch = Stopwatch::start();
        let mut before = self.cpu()?;
        while watch.elapsed() < QUIET_WITHIN {
            std::thread::sleep(Duration::from_secs(1));
            let now = self.cpu()?;
            if (now - before) * TICKS_PER_SECOND < 3.0 {
                return Ok(());
            }
            before = now;
        }
        bail!("the server was still busy after {QUIET_WITHIN:?}, though nobody asked it anything")
    }

    /// Bytes in memory now, and at most so far.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = self.proc("status")?;
        let field = |name| {
            bytes_of(&status, name).with_context(|| format!("/proc/PID/status has no {name}"))
        };
        Ok(Memory { now: field("VmRSS:")?, peak: field("VmHWM:")? })
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(&path).with_context(|| format!("reading {path}; is this Linux?"))
    }

    /// Fails if it is no longer there, with the end of its log.
    pub(crate) fn still_runs(&mut self) -> Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        bail!("the server ended with {status}:\n{}", self.last_words());
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// Asks it to stop, as an operator would, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("stopping the server")?;
        let watch = Stopwatch::start();
        while watch.elapsed() < STOP_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "the server stopped with {status}:\n{}",
                    self.last_words()
                );
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the server did not stop within {STOP_WITHIN:?} of a SIGTERM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has been stopped already, or something failed and nothing it holds matters.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    pub(crate) peak: f64,
}

/// Fields 14 and 15 of proc_pid_stat(5). The second may hold spaces and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn bytes_of(status: &str, name: &str) -> Option<f64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Ends this process when whoever started it is gone: their end of our stdin closes.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let mut byte = [0];
        while std::io::stdin().read(&mut byte).is_ok_and(|count| count > 0) {}
        std::process::exit(0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_confuse_its_times() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 98 0 0 0 150 50 9 9 20 0 1 0 2273 3133440 376";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("7 (a) S"), None);
    }

    #[test]
    fn memory_is_found_by_name() {
        let status = "Name:\thallpass\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(bytes_of(status, "VmHWM:"), Some(2_097_152.0));
        assert_eq!(bytes_of(status, "VmRSS:"), Some(1_048_576.0));
        assert_eq!(bytes_of(status, "VmSwap:"), None);
    }
}
