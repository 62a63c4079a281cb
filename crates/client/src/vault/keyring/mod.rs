//! The operating system's store of secrets, behind an interface.
//!
//! What is kept there is short: see [`super::chest`]. The real one is [`SystemKeyring`];
//! nobody talks to it but through `watched`, because a keyring may be locked, may wait
//! for somebody who is not there, or may never answer at all.

mod system;
pub(crate) mod watched;

use std::time::Duration;

use hallpass_core::Secret;

pub use system::SystemKeyring;

/// How long an answer is waited for (CLIENT D3).
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Keeps short secrets, each under a name.
pub trait Keyring: Send + Sync + 'static {
    /// What people know it as.
    fn name(&self) -> &'static str;

    /// The secret under `entry`, if there is one.
    fn get(&self, entry: &str) -> Result<Option<Secret>, KeyringError>;

    /// Keeps a secret under `entry`; `label` says what it is to somebody who looks.
    fn set(&self, entry: &str, label: &str, secret: &Secret) -> Result<(), KeyringError>;

    /// Removes it; it is no error if there is none.
    fn remove(&self, entry: &str) -> Result<(), KeyringError>;
}

/// Why the keyring cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none.
    #[error("there is no keyring here ({0})")]
    Absent(String),
    /// Nobody has unlocked it.
    #[error("the keyring is locked")]
    Locked,
    /// It did not answer, and was left behind.
    #[error("the keyring did not answer within {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// It does not take that much.
    #[error("the keyring is full ({0})")]
    Full(String),
    /// Something else.
    #[error("the keyring failed ({0})")]
    Failed(String),
}

impl KeyringError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            KeyringError::Absent(_) => "keyring_absent",
            KeyringError::Locked => "keyring_locked",
            KeyringError::Silent(_) => "keyring_silent",
            KeyringError::Full(_) => "keyring_full",
            KeyringError::Failed(_) => "keyring_failed",
        }
    }
}
