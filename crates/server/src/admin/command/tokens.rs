//! Personal tokens, and what a scanner looks for.

use hallpass_core::wire::tokens;
use serde::{Deserialize, Serialize};

/// A command about them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Makes a token for somebody.
    Create {
        /// Whose it is to be: e-mail address or id.
        user: String,
        /// What to call it.
        name: String,
        /// When it ends, as a person says it ([`hallpass_core::ends`]); never, if nothing is
        /// said.
        expires: Option<String>,
        /// The projects to narrow it to, as `ORG/PROJECT`.
        projects: Vec<String>,
        /// What to narrow it to; empty: not at all.
        scopes: Vec<String>,
    },
    /// The tokens of one person, or of all.
    List {
        /// E-mail address or id.
        user: Option<String>,
    },
    /// Revokes a token.
    Revoke {
        /// `tok_…`.
        id: String,
    },
    /// What a scanner looks for.
    Patterns,
}

/// A personal token, as listed: what its owner sees, and who that is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// The owner's e-mail address.
    pub user: String,
    /// What its owner sees.
    #[serde(flatten)]
    pub token: tokens::Token,
}

/// The patterns of a deployment's secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Patterns {
    /// What its people call it.
    pub title: String,
    /// Its brand, in one word.
    pub brand: String,
    /// Its public URL.
    pub issuer: String,
    /// One for each kind of secret.
    pub patterns: Vec<Pattern>,
}

/// One kind of secret, as a scanner finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// What it is, in one word.
    pub id: String,
    /// What it is, for people.
    pub description: String,
    /// What it begins with.
    pub prefix: String,
    /// Matches the whole secret.
    pub regex: String,
    /// Whether the last six characters are a checksum.
    pub checksum: bool,
    /// Something that matches, and is nobody's secret.
    pub example: String,
}
