//! Where the credential of an invocation comes from.
//!
//! One function decides, and everything uses it, so that `token` and `status`
//! cannot disagree (CLIENT F3). A source is not a vault: the vault is where we
//! keep credentials, the source is where this invocation takes one from.

use std::fmt;

use hallpass_core::Secret;

/// What the caller asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// A token handed over by the program itself; wins over everything.
    pub token: Option<Secret>,
    /// `--profile`: this account and no other; variables are ignored (CLIENT F4).
    pub profile: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--no-env`: variables that hold credentials are ignored.
    pub ignore_variables: bool,
}

/// Where a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The program handed it over.
    Explicit,
    /// A variable.
    Variable {
        /// Its name; never its value.
        name: String,
    },
    /// The vault, under this profile.
    Profile {
        /// The profile's name.
        name: String,
    },
    /// There is none.
    None,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Explicit => f.write_str("given token"),
            Source::Variable { name } => write!(f, "variable {name}"),
            Source::Profile { name } => write!(f, "profile {name}"),
            Source::None => f.write_str("none"),
        }
    }
}
