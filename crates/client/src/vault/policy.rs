//! Where sign-ins are to be kept: what was said, and what was said once and remembered.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::kept::{corrupt, why};
use super::model::SCHEMA_VERSION;
use super::{VaultError, newer};

/// The name of the file with what is remembered.
pub(crate) const NAME: &str = "settings.json";

/// Where sign-ins are kept (CLIENT D1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorePolicy {
    /// In a file that is sealed with a key from the keyring; without a keyring in a plain
    /// file, after a question.
    #[default]
    Auto,
    /// In a file that is sealed with a key from the keyring, or not at all.
    Keyring,
    /// In a plain file that only its owner can read.
    File,
    /// Nowhere: in memory, as long as the program runs.
    None,
}

impl StorePolicy {
    /// All of them, as they are written.
    pub const NAMES: [&str; 4] = ["auto", "keyring", "file", "none"];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            StorePolicy::Auto => "auto",
            StorePolicy::Keyring => "keyring",
            StorePolicy::File => "file",
            StorePolicy::None => "none",
        }
    }
}

impl fmt::Display for StorePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// That is none of the four words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}{text:?} is none of auto, keyring, file, none",
    .variable.as_ref().map(|name| format!("{name}: ")).unwrap_or_default()
)]
pub struct UnknownPolicy {
    /// What was said instead.
    pub text: String,
    /// The variable that says it, if one does.
    pub variable: Option<String>,
}

impl FromStr for StorePolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        Ok(match text {
            "auto" => StorePolicy::Auto,
            "keyring" => StorePolicy::Keyring,
            "file" => StorePolicy::File,
            "none" => StorePolicy::None,
            other => {
                let text = hallpass_core::text::presentable(other, 40);
                return Err(UnknownPolicy { text, variable: None });
            }
        })
    }
}

/// What is remembered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    schema_version: u32,
    /// Where sign-ins are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<StorePolicy>,
    /// The entry in the keyring that is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keyring_entry: Option<String>,
    /// Fields of later versions, kept.
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { schema_version: SCHEMA_VERSION, store: None, keyring_entry: None, rest: Map::new() }
    }
}

impl Settings {
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, VaultError> {
        newer(bytes, path)?;
        serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.store.is_none() && self.keyring_entry.is_none() && self.rest.is_empty()
    }
}
