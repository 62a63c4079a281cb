//! Organizations, projects, and roles in them.

use hallpass_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A command about them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Makes an organization.
    Create {
        /// Its name in addresses.
        slug: String,
        /// What people call it; the slug if it is empty.
        name: String,
        /// Its first owner: e-mail address or id.
        owner: Option<String>,
    },
    /// All organizations.
    List,
    /// Sets the label of an organization's plan.
    Plan {
        /// Its slug or id.
        org: String,
        /// The label; empty for none.
        plan: String,
    },
    /// Archives an organization or a project.
    Archive {
        /// `ORG`, or `ORG/PROJECT`.
        place: String,
    },
    /// Brings one back.
    Unarchive {
        /// `ORG`, or `ORG/PROJECT`.
        place: String,
    },
    /// Makes a project.
    ProjectCreate {
        /// `ORG/PROJECT`.
        place: String,
        /// What people call it; its slug if it is empty.
        name: String,
    },
    /// The projects of one organization, or all.
    ProjectList {
        /// The organization's slug.
        org: Option<String>,
    },
    /// Gives somebody a role.
    MemberSet {
        /// `ORG`, or `ORG/PROJECT`.
        place: String,
        /// E-mail address or id.
        user: String,
        /// Which role.
        role: String,
    },
    /// Takes somebody's role away.
    MemberRemove {
        /// `ORG`, or `ORG/PROJECT`.
        place: String,
        /// E-mail address or id.
        user: String,
        /// What becomes of the keys that they made there: `keep` or `revoke`.
        #[serde(default)]
        keys: Option<String>,
    },
    /// Who has a role somewhere.
    MemberList {
        /// `ORG`, or `ORG/PROJECT`.
        place: String,
    },
}

/// An organization, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Org {
    /// Its id.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The label of its plan.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub plan: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody has any rights in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_at: Option<Timestamp>,
}

/// A project, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// `ORG/PROJECT`.
    pub place: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody has any rights in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_at: Option<Timestamp>,
}

/// Somebody's role, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: String,
    /// Their e-mail address.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Which role.
    pub role: String,
}
