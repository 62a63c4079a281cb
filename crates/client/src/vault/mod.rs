//! Where credentials are kept.
//!
//! A [`Vault`] keeps all profiles of one tool. There is one today, a 0600 file
//! ([`FileVault`]); a keyring, or a file sealed with a key from a keyring, fits
//! behind the same trait. Credentials are keyed by issuer, client and account
//! (CLIENT D12), and carry fields that this version does not know through every
//! change (D11).
//!
//! | module | what |
//! |---|---|
//! | [`model`] | profiles, credentials, receipts |
//! | `file` | the vault in files |
//! | [`binding`] | the keys that bind refresh tokens, in a file apart |
//! | `kept` | one private file: reading, changing under a lock |
//! | `atomic` | replacing a file so that a crash leaves the old or the new one |
//! | `lock` | lock files: try, poll with jitter, give up at a deadline |

pub(crate) mod atomic;
pub mod binding;
mod file;
mod kept;
pub(crate) mod lock;
pub mod model;

use std::fmt;
use std::path::{Path, PathBuf};

pub use binding::BindingKey;
pub use file::FileVault;
pub use model::{Contents, Credential, CredentialKind, Key, Profile};

use serde::Deserialize;

use crate::status::Warning;
use kept::{corrupt, why};

/// Keeps the profiles and credentials of one tool.
pub trait Vault: Send + Sync {
    /// Everything in it; empty if there is nothing yet.
    fn read(&self) -> Result<Contents, VaultError>;

    /// Changes it: `edit` sees what is there now, under a lock, and says whether it
    /// changed anything. Nothing is written if it did not.
    fn change(&self, edit: &mut dyn FnMut(&mut Contents) -> bool) -> Result<(), VaultError>;

    /// Moves what cannot be read out of the way and says where it is now;
    /// `None` if there was nothing.
    fn set_aside(&self) -> Result<Option<PathBuf>, VaultError>;

    /// The private key that binds the refresh token of `key` (RFC 9449 §5); `None` if it
    /// is bound to none.
    fn binding_key(&self, key: &Key) -> Result<Option<BindingKey>, VaultError>;

    /// Keeps it, in the place of an older one. Never in the file that holds the tokens.
    fn keep_binding_key(&self, key: &Key, private: &BindingKey) -> Result<(), VaultError>;

    /// Removes it, if there is one.
    fn remove_binding_key(&self, key: &Key) -> Result<(), VaultError>;

    /// The directory for lock files and started logins.
    fn dir(&self) -> &Path;

    /// What and where it is, for people.
    fn place(&self) -> Place;

    /// What is wrong with it without being an error.
    fn warnings(&self) -> Vec<Warning>;
}

/// What and where a vault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `file`, `keyring`.
    pub kind: &'static str,
    /// The file, or the collection.
    pub path: PathBuf,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Why the vault could not be read or changed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no directory to keep it in.
    #[error("there is no home directory to keep sign-ins in; nothing was stored")]
    NoHome,
    /// The system refused.
    #[error("cannot {what} {}: {why}; nothing was changed", .path.display())]
    Io {
        /// `read`, `write`, …
        what: &'static str,
        /// What.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The file is not one of ours, or damaged.
    #[error("{} is corrupted: {why}; it was left as it is", .path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A newer version wrote it.
    #[error(
        "{} was written by a newer version (schema {found}, this one knows {known}); it was left as it is",
        .path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema that this version knows.
        known: u32,
    },
    /// Other users could replace the file (CLIENT D7).
    #[error("{} can be changed by other users (mode {mode:03o}); nothing was changed", .path.display())]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something that is no plain file stands in its place.
    #[error("{} is {what}; it was left as it is", .path.display())]
    NotAFile {
        /// Which path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Another process holds the lock for longer than anybody should.
    #[error("another process is changing {} and has not finished; nothing was changed", .path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
    },
}

impl VaultError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            VaultError::NoHome => "no_home",
            VaultError::Io { .. } => "store_io",
            VaultError::Corrupt { .. } => "store_corrupt",
            VaultError::Newer { .. } => "store_newer",
            VaultError::Exposed { .. } => "store_exposed",
            VaultError::NotAFile { .. } => "store_not_a_file",
            VaultError::Busy { .. } => "store_busy",
        }
    }

    /// The one next command.
    pub fn next(&self, tool: &str) -> Option<String> {
        match self {
            VaultError::Corrupt { .. } => Some(format!("{tool} login")),
            VaultError::Exposed { path, .. } => Some(format!("chmod 700 {}", path.display())),
            VaultError::Io { .. }
            | VaultError::NoHome
            | VaultError::Newer { .. }
            | VaultError::NotAFile { .. }
            | VaultError::Busy { .. } => None,
        }
    }
}

/// Refuses a file of a newer version: it is not a corrupt one (CLIENT D11).
fn newer(bytes: &[u8], path: &Path) -> Result<(), VaultError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
    }
    let version: Version =
        serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))?;
    if version.schema_version > model::SCHEMA_VERSION {
        return Err(VaultError::Newer {
            path: path.to_owned(),
            found: version.schema_version,
            known: model::SCHEMA_VERSION,
        });
    }
    Ok(())
}
