//! `/api/v1`: RFC 9457 problems, lists, the account and its sessions.

use serde::{Deserialize, Serialize};

use super::tokens::{Org, Project};
use crate::{Scope, Timestamp};

/// RFC 9457 `application/problem+json`, with a stable `code` for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `about:blank`, or a page that explains the problem.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// What happened, in a few words; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs: `not_found`, `name_taken`, …
    pub code: String,
    /// What happened this time, and what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

fn about_blank() -> String {
    "about:blank".to_owned()
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Who acts with a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// A person.
    #[default]
    User,
    /// A key of a project or an organization, for itself.
    Key,
    /// A job of a CI platform, with the pass that a policy gave it.
    Job,
}

/// `GET /api/v1/whoami`: who the presented credential is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    /// The user's id, also the OIDC `sub`; of a key that of its first generation; of a job its own.
    pub id: String,
    /// Who acts.
    #[serde(default)]
    pub kind: Whose,
    /// E-mail address; a key has none.
    #[serde(default)]
    pub email: String,
    /// Display name, or what the key is called.
    pub name: String,
    /// The organization that a key belongs to, or that was asked about; with its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<Org>,
    /// The project, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// It is a token of an older system: good in its project alone, and no sign-in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub older: bool,
    /// The client that the credential was issued to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What the credential was scoped to.
    pub scope: Scope,
    /// When the credential ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What kind of sign-in a [`Session`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// A browser that is signed in here.
    Browser,
    /// A program that was signed in through a browser on the same machine.
    Program,
    /// A program that was signed in with a device code.
    Device,
}

/// One sign-in of the account: a browser, or a program that holds a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `ses_…` for a browser, `grt_…` for a program.
    pub id: String,
    /// Which of the two, and how it came to be.
    pub kind: SessionKind,
    /// The browser, or the program's name.
    pub name: String,
    /// Host name as reported by the requester; not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_host: Option<String>,
    /// The address that it was signed in from, as the server saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it was signed in.
    pub created_at: Timestamp,
    /// When it was last used, to within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Whether the credential of this very request belongs to it.
    pub current: bool,
    /// Whether what it holds is worth nothing without its key (RFC 9449).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
    /// Somebody presented a copy of what it holds, without the key, and was refused: the last
    /// time that they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_tried: Option<CopyTried>,
}

/// A copy of a sign-in was tried, and refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyTried {
    /// When.
    pub at: Timestamp,
    /// From where, as the server saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}
