//! Permissions, and the table that says which role has which.
//!
//! A permission is a word that an API author chooses: `results:read`, `runs:create`. It is
//! a scope token too, so a credential can be narrowed to it. Which role has it is looked up
//! on every action; a credential never carries the answer.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::role::{OrgRole, ProjectRole};

/// Permissions, sorted.
pub type Permissions = BTreeSet<String>;

/// Which role has which permissions. Each role also has those of the roles below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PermissionTable {
    /// In an organization.
    pub org: OrgTable,
    /// In a project.
    pub project: ProjectTable,
}

/// What the roles of an organization add, from the lowest to the highest. A role that is not
/// named keeps what it has by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrgTable {
    /// [`OrgRole::Member`].
    pub member: Permissions,
    /// [`OrgRole::Admin`].
    pub admin: Permissions,
    /// [`OrgRole::Owner`].
    pub owner: Permissions,
}

/// What the roles of a project add, from the lowest to the highest. A role that is not named
/// keeps what it has by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectTable {
    /// [`ProjectRole::Viewer`].
    pub viewer: Permissions,
    /// [`ProjectRole::Collaborator`].
    pub collaborator: Permissions,
    /// [`ProjectRole::Owner`].
    pub owner: Permissions,
}

fn set(names: &[&str]) -> Permissions {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Default for OrgTable {
    fn default() -> Self {
        Self {
            member: set(&["org:read"]),
            admin: set(&["projects:create", "members:manage", "keys:manage"]),
            owner: set(&["org:manage", "billing:manage"]),
        }
    }
}

impl Default for ProjectTable {
    fn default() -> Self {
        Self {
            viewer: set(&["project:read"]),
            collaborator: set(&["project:publish"]),
            owner: set(&["members:manage", "keys:manage", "tokens:manage", "settings:manage"]),
        }
    }
}

/// Why a table of permissions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTable {
    /// Not TOML, or an unknown or misspelt key.
    #[error("line {line}: {what}")]
    Toml {
        /// Where, counted from 1.
        line: usize,
        /// What is wrong, naming the key; safe to show.
        what: String,
    },
    /// A permission that is no scope token.
    #[error(
        "a permission must be made of visible characters without quotes, like results:read, not {0:?}"
    )]
    Permission(String),
}

impl PermissionTable {
    /// Reads a table of its own: `[org]` and `[project]`, with a list for each role.
    pub fn parse(toml: &str) -> Result<Self, BadTable> {
        let table: Self = toml::from_str(toml).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = toml.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
            // The parser's own text would repeat the line, control characters and all.
            BadTable::Toml { line, what: crate::text::presentable(error.message(), 300) }
        })?;
        table.check().map_err(BadTable::Permission)?;
        Ok(table)
    }

    /// That every permission is a scope token; the first that is none.
    pub fn check(&self) -> Result<(), String> {
        let bad = self.all().into_iter().find(|name| {
            name.is_empty() || name.parse::<crate::Scope>().is_err() || name.contains(' ')
        });
        bad.map_or(Ok(()), Err)
    }

    /// What a role in an organization may do there.
    pub fn of_org(&self, role: OrgRole) -> Permissions {
        let OrgTable { member, admin, owner } = &self.org;
        let below: &[&Permissions] = match role {
            OrgRole::Member => &[member],
            OrgRole::Admin => &[member, admin],
            OrgRole::Owner => &[member, admin, owner],
        };
        union(below)
    }

    /// What a role in a project may do there.
    pub fn of_project(&self, role: ProjectRole) -> Permissions {
        let ProjectTable { viewer, collaborator, owner } = &self.project;
        let below: &[&Permissions] = match role {
            ProjectRole::Viewer => &[viewer],
            ProjectRole::Collaborator => &[viewer, collaborator],
            ProjectRole::Owner => &[viewer, collaborator, owner],
        };
        union(below)
    }

    /// Every permission that any role has.
    pub fn all(&self) -> Permissions {
        union(&[&self.of_org(OrgRole::Owner), &self.of_project(ProjectRole::Owner)])
    }
}

/// The role in each project that a role in its organization brings along.
pub const fn implied(role: OrgRole) -> Option<ProjectRole> {
    match role {
        OrgRole::Member => None,
        OrgRole::Admin | OrgRole::Owner => Some(ProjectRole::Owner),
    }
}

fn union(sets: &[&Permissions]) -> Permissions {
    sets.iter().flat_map(|set| set.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_has_all_of_the_lower_ones() {
        let table = PermissionTable::default();
        let (viewer, collaborator, owner) = (
            table.of_project(ProjectRole::Viewer),
            table.of_project(ProjectRole::Collaborator),
            table.of_project(ProjectRole::Owner),
        );
        assert!(viewer.is_subset(&collaborator) && collaborator.is_subset(&owner));
        assert!(!viewer.contains("project:publish") && collaborator.contains("project:publish"));
        assert!(table.of_org(OrgRole::Member).is_subset(&table.of_org(OrgRole::Owner)));
        assert!(owner.is_subset(&table.all()));
    }

    // proves: places-5
    #[test]
    fn what_is_named_is_replaced_and_the_rest_stays() {
        let table = PermissionTable::parse("[project]\nviewer = ['results:read']").unwrap();
        let usual = PermissionTable::default();
        assert_eq!(table.of_project(ProjectRole::Viewer), set(&["results:read"]));
        assert!(table.of_project(ProjectRole::Owner).contains("members:manage"));
        assert_eq!(table.of_org(OrgRole::Owner), usual.of_org(OrgRole::Owner));
        for (bad, says) in [
            ("[project]\nviewers = []", "line 2"),
            ("[org]\nowner = ['a b']", "a permission must be"),
            ("[org]\nowner = ['']", "a permission must be"),
            ("nonsense", "line 1"),
        ] {
            let error = PermissionTable::parse(bad).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    // proves: ST08
    #[test]
    fn the_default_is_the_table_of_roles_that_read_publish_and_manage() {
        let table = PermissionTable::default();
        for (role, may, may_not) in [
            (ProjectRole::Viewer, &["project:read"][..], &["project:publish"][..]),
            (ProjectRole::Collaborator, &["project:read", "project:publish"], &["members:manage"]),
            (
                ProjectRole::Owner,
                &["project:publish", "members:manage", "tokens:manage", "settings:manage"],
                &[],
            ),
        ] {
            let has = table.of_project(role);
            assert!(may.iter().all(|name| has.contains(*name)), "{role:?}: {has:?}");
            assert!(!may_not.iter().any(|name| has.contains(*name)), "{role:?}: {has:?}");
        }
    }
}
