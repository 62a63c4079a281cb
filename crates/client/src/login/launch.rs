//! Launching a browser at an address.

use super::choose::Launch;

/// Launches browsers; a test brings one that only takes notes.
pub trait Launcher: Send + Sync {
    /// Launches `what` at `url`. Called on a thread of its own, so it may take its time.
    /// `false` if nothing could be launched.
    fn launch(&self, what: &Launch, url: &str) -> bool;
}
