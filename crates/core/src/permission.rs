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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PermissionTable {
    /// In an organization.
    pub org: OrgTable,
    /// In a project.
    pub project: ProjectTable,
}

/// What the roles of an organization add, from the lowest to the highest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrgTable {
    /// [`OrgRole::Member`].
    pub member: Permissions,
    /// [`OrgRole::Admin`].
    pub admin: Permissions,
    /// [`OrgRole::Owner`].
    pub owner: Permissions,
}

/// What the roles of a project add, from the lowest to the highest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectTable {
    /// [`ProjectRole::Viewer`].
    pub viewer: Permissions,
    /// [`ProjectRole::Collaborator`].
    pub collaborator: Permissions,
    /// [`ProjectRole::Owner`].
    pub owner: Permissions,
}

impl Default for PermissionTable {
    fn default() -> Self {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            org: OrgTable {
                member: set(&["org:read"]),
                admin: set(&["projects:create", "members:manage", "keys:manage"]),
                owner: set(&["org:manage", "billing:manage"]),
            },
            project: ProjectTable {
                viewer: set(&["project:read"]),
                collaborator: set(&["project:publish"]),
                owner: set(&["members:manage", "keys:manage", "tokens:manage", "settings:manage"]),
            },
        }
    }
}

impl PermissionTable {
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
}
