//! What is asked of the operating system: signals, and limits.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Files that we make are ours alone; no core dumps, because memory holds secrets; and
/// as many open files as we may have.
pub fn harden() {
    umask(Mode::from_raw_mode(0o077));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if setrlimit(Resource::Core, none).is_err() {
        tracing::warn!("core dumps could not be switched off");
    }
    let files = getrlimit(Resource::Nofile);
    let most = Rlimit { current: files.maximum, maximum: files.maximum };
    if setrlimit(Resource::Nofile, most).is_err() {
        tracing::debug!("the limit of open files stays as it was");
    }
}

/// How many connections may be open at once: `wanted`, or what the limit of open files leaves
/// beside the database and the listeners.
pub fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let left = limit.and_then(|limit| usize::try_from(limit).ok()).map(spare);
    match left {
        Some(left) if left < wanted => {
            tracing::warn!(
                wanted,
                left,
                "the limit of open files leaves fewer connections than max_connections; raise it (ulimit -n, LimitNOFILE)"
            );
            left
        }
        _ => wanted,
    }
}

/// What a limit of open files leaves for connections: never nothing.
fn spare(limit: usize) -> usize {
    const OWN: usize = 128;
    limit.saturating_sub(OWN).max(limit / 2).max(1)
}

/// SIGTERM, SIGINT and SIGHUP (the terminal was closed), caught from when this is made.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_left_for_ourselves() {
        assert_eq!((spare(20_000), spare(1024), spare(64), spare(1)), (19_872, 896, 32, 1));
        assert_eq!(connections(1), 1);
    }
}
