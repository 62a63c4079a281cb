//! Where credentials are kept.
//!
//! A [`Vault`] keeps all profiles of one tool. [`FileVault`] keeps them in a 0600 file,
//! plain or sealed with a key that lies in the operating system's keyring, as a
//! [`StorePolicy`] says. Credentials are keyed by issuer, client and account
//! (CLIENT D12), and carry fields that this version does not know through every
//! change (D11).
//!
//! | module | what |
//! |---|---|
//! | [`model`] | profiles, credentials, receipts |
//! | `file` | the vault in files |
//! | `form` | plain or sealed |
//! | [`shape`](Shape) | a plain file that looks as another tool wants it |
//! | `policy` | what was said about where to keep things, and what is remembered of it |
//! | [`keyring`] | the operating system's store, on a thread with a deadline |
//! | `chest` | the one entry in it that is ours |
//! | `seal` | sealing a file |
//! | [`binding`] | the keys that bind refresh tokens, in a file apart |
//! | `kept` | one private file: reading, changing under a lock |
//! | `atomic` | replacing a file so that a crash leaves the old or the new one |
//! | `lock` | lock files: try, poll with jitter, give up at a deadline |

pub(crate) mod atomic;
pub mod binding;
mod chest;
mod file;
mod form;
pub(crate) mod kept;
pub mod keyring;
pub(crate) mod lock;
pub mod model;
mod policy;
mod seal;
mod shape;

use std::fmt;
use std::path::{Path, PathBuf};

pub use binding::BindingKey;
pub use file::FileVault;
pub use form::Rules;
pub use keyring::{Keyring, KeyringError, SystemKeyring};
pub use model::{Contents, Credential, CredentialKind, Key, Profile};
pub use policy::{StorePolicy, UnknownPolicy};
pub(crate) use shape::ID_TOKEN;
pub use shape::Shape;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::status::Warning;
use kept::{corrupt, why};

/// Keeps the profiles and credentials of one tool.
pub trait Vault: Send + Sync {
    /// Everything in it; empty if there is nothing yet.
    fn read(&self) -> Result<Contents, VaultError>;

    /// Changes it: `edit` sees what is there now, under a lock, and says whether it
    /// changed anything. Nothing is written if it did not.
    fn change(&self, edit: &mut dyn FnMut(&mut Contents) -> bool) -> Result<(), VaultError>;

    /// Whether a sign-in could be kept now, and where it would be. Asks the keyring if need
    /// be, and nobody else.
    fn ready(&self) -> Result<Place, VaultError>;

    /// Whether a change could be written: asked before something is spent whose successor has
    /// to be kept.
    fn writable(&self) -> Result<(), VaultError>;

    /// Remembers where sign-ins are to be kept, for when nothing else is said.
    fn remember(&self, policy: StorePolicy) -> Result<(), VaultError>;

    /// Moves what cannot be read out of the way, with the keys that it is bound to, and says
    /// where it is now; `None` if there was nothing.
    fn set_aside(&self) -> Result<Option<PathBuf>, VaultError>;

    /// The private keys that bind the refresh tokens of `all` (RFC 9449 §5), in their order;
    /// `None` for one that is bound to none.
    fn binding_keys(&self, all: &[&Key]) -> Result<Vec<Option<BindingKey>>, VaultError>;

    /// The one of `key`.
    fn binding_key(&self, key: &Key) -> Result<Option<BindingKey>, VaultError> {
        Ok(self.binding_keys(&[key])?.pop().flatten())
    }

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
    /// `file`, `sealed_file`, `keyring` (the refresh tokens in the keyring itself), `none`.
    pub kind: &'static str,
    /// The file; empty if there is none.
    pub path: PathBuf,
    /// The keyring that it depends on, as people know it.
    pub keyring: Option<&'static str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.keyring) {
            ("none", _) => f.write_str("memory only"),
            ("keyring", Some(keyring)) => write!(f, "the {keyring}"),
            (_, Some(keyring)) => {
                write!(f, "{}, sealed with a key in the {keyring}", self.path.display())
            }
            _ => self.path.display().fmt(f),
        }
    }
}

/// Why the vault could not be read or changed. Nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// The keyring is needed and cannot be used.
    #[error("the keyring is needed to keep sign-ins, and {why}; nothing was changed")]
    Keyring {
        /// What is wrong with it.
        why: KeyringError,
    },
    /// The keyring has another key, or none, for this file.
    #[error(
        "{} is sealed with a key that this keyring does not hold, or was changed; it was left as it is",
        .path.display()
    )]
    KeyGone {
        /// Which file.
        path: PathBuf,
    },
    /// A plain file would have to do, and nobody has said that it may (CLIENT D2).
    #[error("{why}, so a sign-in would be kept unencrypted in {}; nothing was stored", .path.display())]
    Unasked {
        /// Which file.
        path: PathBuf,
        /// What is wrong with the keyring.
        why: KeyringError,
    },
    /// What was said about where to keep sign-ins names no place.
    #[error("{0}; nothing was changed")]
    UnknownPolicy(UnknownPolicy),
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
            VaultError::Io { why, .. }
                if ["Permission denied", "Operation not permitted"]
                    .iter()
                    .any(|denied| why.starts_with(denied)) =>
            {
                "store_denied"
            }
            VaultError::Io { .. } => "store_io",
            VaultError::Corrupt { .. } => "store_corrupt",
            VaultError::Newer { .. } => "store_newer",
            VaultError::Exposed { .. } => "store_exposed",
            VaultError::NotAFile { .. } => "store_not_a_file",
            VaultError::Busy { .. } => "store_busy",
            VaultError::Keyring { why } => why.code(),
            VaultError::KeyGone { .. } => "store_sealed",
            VaultError::Unasked { .. } => "store_unencrypted",
            VaultError::UnknownPolicy(_) => "store_unknown",
        }
    }

    /// The one next command.
    pub fn next(&self, tool: &str) -> Option<String> {
        match self {
            // What cannot be read is put aside by it, and kept.
            VaultError::Corrupt { .. }
            | VaultError::KeyGone { .. }
            | VaultError::Newer { .. }
            | VaultError::NotAFile { .. } => Some(format!("{tool} login")),
            VaultError::Keyring { .. } | VaultError::Unasked { .. } => {
                Some(format!("{tool} login --store file"))
            }
            VaultError::Exposed { path, .. } => Some(format!("chmod 700 {}", path.display())),
            VaultError::UnknownPolicy(UnknownPolicy { variable, .. }) => Some(match variable {
                Some(variable) => format!("unset {variable}"),
                None => format!("{tool} --store auto status"),
            }),
            VaultError::NoHome => Some("export HOME=DIR".to_owned()),
            VaultError::Io { what, path, .. } if self.code() == "store_denied" => {
                // All but reading is about the directory.
                let directory = || match *what {
                    "write in" => path.as_path(),
                    _ => path.parent().unwrap_or(path),
                };
                Some(match *what {
                    "read" => format!("chmod u+rw {}", path.display()),
                    // It is somebody else's.
                    "make private" => format!("ls -ld {}", path.display()),
                    _ => format!("chmod u+rwx {}", directory().display()),
                })
            }
            VaultError::Io { .. } | VaultError::Busy { .. } => None,
        }
    }

    /// Whether this version can never read what is there: damaged, sealed with a key that is
    /// gone, of a newer version, or no file. What is only locked is not.
    pub fn is_unreadable(&self) -> bool {
        self.aside().is_some()
    }

    /// What stands in the name of a file that was put aside for it.
    fn aside(&self) -> Option<&'static str> {
        match self {
            VaultError::Corrupt { .. } => Some("corrupt"),
            VaultError::KeyGone { .. } => Some("sealed"),
            VaultError::Newer { .. } => Some("newer"),
            VaultError::NotAFile { .. } => Some("not-a-file"),
            _ => None,
        }
    }
}

/// Whether a login may put aside what could not be read for this reason (CLIENT D10): it
/// never will be, or a plain file was asked for in its place.
pub(crate) fn gets_over(vault: &dyn Vault, error: &VaultError) -> bool {
    error.is_unreadable() || matches!(error, VaultError::Keyring { .. }) && vault.ready().is_ok()
}

/// The version of a file of ours; a newer one is refused: it is not a corrupt one (CLIENT D11).
fn newer(bytes: &[u8], path: &Path) -> Result<u32, VaultError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
    }
    // A list would do for serde, in the place of an object.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|first| *first != b'{')
        && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
    {
        let what = if first == Some(&b'[') { "a list" } else { "a single value" };
        return Err(corrupt(path, &format!("it is JSON, but {what} and not an object")));
    }
    let version: Version =
        serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))?;
    if version.schema_version > model::SEALED_VERSION {
        return Err(VaultError::Newer {
            path: path.to_owned(),
            found: version.schema_version,
            known: model::SEALED_VERSION,
        });
    }
    Ok(version.schema_version)
}
