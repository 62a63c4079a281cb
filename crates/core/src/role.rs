//! Roles. They are looked up on every action and never baked into a long-lived token.

use serde::{Deserialize, Serialize};

/// A role in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrgRole {
    /// Belongs to it.
    Member,
    /// Manages people, projects and keys.
    Admin,
    /// Manages everything, its end included.
    Owner,
}

/// A role in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProjectRole {
    /// Reads.
    Viewer,
    /// Reads and publishes.
    Collaborator,
    /// Also manages members, tokens and settings.
    Owner,
}

macro_rules! names {
    ($($type:ident { $($variant:ident = $name:literal),* })*) => {$(
        impl $type {
            /// The name as stored and spoken.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
        impl std::str::FromStr for $type {
            type Err = UnknownRole;
            fn from_str(name: &str) -> Result<Self, UnknownRole> {
                match name { $($name => Ok(Self::$variant),)* _ => Err(UnknownRole(&[$($name),*])) }
            }
        }
    )*};
}

names! {
    OrgRole { Member = "member", Admin = "admin", Owner = "owner" }
    ProjectRole { Viewer = "viewer", Collaborator = "collaborator", Owner = "owner" }
}

/// No role has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such role; the roles are {}", .0.join(", "))]
pub struct UnknownRole(&'static [&'static str]);
