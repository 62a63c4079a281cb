//! Tokens of an older system.

use hallpass_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A command about them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Takes tokens over, by their hashes.
    Import {
        /// What the file holds.
        file: String,
        /// `ORG/PROJECT`, for lines that do not say.
        project: Option<String>,
        /// Their role there, for lines that do not say.
        role: Option<String>,
        /// Whose they are, for lines that do not say: e-mail address or id.
        owner: Option<String>,
    },
    /// How far the move is; nothing changes.
    Show,
    /// Begins a phase, or sets the end.
    Phase {
        /// `A`, `B` or `C`; the one that it is in, if nothing is said.
        phase: Option<String>,
        /// When the tokens end, as a person says it ([`hallpass_core::ends`]).
        sunset: Option<String>,
        /// Going back is meant.
        back: bool,
    },
    /// All that were not revoked.
    Report {
        /// `ORG/PROJECT`; all if nothing is said.
        project: Option<String>,
    },
    /// Revokes one.
    Revoke {
        /// `tok_…`.
        id: String,
    },
    /// Revokes all of one project.
    RevokeProject {
        /// `ORG/PROJECT`.
        project: String,
    },
}

/// How far the move away from the older system is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// `A`, `B` or `C`.
    pub phase: String,
    /// Since when.
    pub since: Timestamp,
    /// Since when its tokens are deprecated, whatever the phase.
    pub deprecated_since: Timestamp,
    /// When its tokens end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sunset: Option<Timestamp>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Tokens in it.
    pub read: u64,
    /// Those that were not known before.
    pub imported: u64,
}

/// A token of an older system, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What it was called.
    pub name: String,
    /// `ORG/PROJECT`.
    pub project: String,
    /// The most that it may do there.
    pub role: String,
    /// Whose it is, if that is known: e-mail address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to within a minute; absent: not since it was imported.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_used_at: Option<Timestamp>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_used_address: Option<String>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
}
