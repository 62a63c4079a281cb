//! A keyring with a deadline (CLIENT D3).
//!
//! Each call runs on a plain thread of its own that nobody waits for at exit: a D-Bus
//! that never answers must hold up neither the command nor its end, and inside an async
//! runtime the D-Bus library must not be called at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::{Keyring, KeyringError};

/// A keyring that is given up on after a while.
pub(crate) struct Watched {
    keyring: Arc<dyn Keyring>,
    deadline: Duration,
    /// A call that was given up on has still not ended.
    stuck: Arc<AtomicBool>,
}

impl Watched {
    pub(crate) fn new(keyring: Arc<dyn Keyring>, deadline: Duration) -> Self {
        Self { keyring, deadline, stuck: Arc::default() }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.keyring.name()
    }

    /// Asks. While an earlier call is stuck nobody waits again.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn Keyring) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        if self.stuck.load(Ordering::SeqCst) {
            return Err(KeyringError::Silent(self.deadline));
        }
        let (sender, answer) = sync_channel(1);
        let (keyring, stuck) = (Arc::clone(&self.keyring), Arc::clone(&self.stuck));
        let thread = std::thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            let said = act(&*keyring);
            stuck.store(false, Ordering::SeqCst);
            // Nobody listens any more if it took too long.
            let _ = sender.send(said);
        });
        if let Err(error) = thread {
            return Err(KeyringError::Failed(error.to_string()));
        }
        match answer.recv_timeout(self.deadline) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => {
                self.stuck.store(true, Ordering::SeqCst);
                // It may have ended between the two.
                match answer.try_recv() {
                    Ok(said) => {
                        self.stuck.store(false, Ordering::SeqCst);
                        said
                    }
                    Err(_) => Err(KeyringError::Silent(self.deadline)),
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(KeyringError::Failed("it ended without an answer".to_owned()))
            }
        }
    }
}
