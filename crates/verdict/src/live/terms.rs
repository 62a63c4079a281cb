//! What credentials were made with: kind, scope, projects. Many share the same, so each
//! is kept once, with all that follows from it computed once.

use std::collections::HashMap;
use std::sync::Arc;

use hallpass_core::Scope;
use hallpass_core::permission::{PermissionTable, Permissions, implied};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::scope::{ACCOUNT, AGENTS, TOKENS};

use super::slab::{Slab, Slot};
use crate::CredentialKind;

/// The rules of a deployment, and what follows from them. Shared by every image.
pub struct Rules {
    roles: Roles,
    /// The scope of a person's token that was not narrowed.
    person: Arc<Scoped>,
    /// That of what is bound to an organization, or to a project, by its role there: it can be
    /// used nowhere else, so nothing else is said to be its scope.
    of_org: [Arc<Scoped>; 3],
    of_project: [Arc<Scoped>; 3],
}

/// What each role may do.
struct Roles {
    org: [Arc<Permissions>; 3],
    project: [Arc<Permissions>; 3],
}

/// A scope, and what it leaves of each role.
pub(super) struct Scoped {
    pub(super) scope: Scope,
    left: Roles,
}

impl Rules {
    /// The rules that `table` makes. `may_make_tokens`: whether a person's token that was
    /// not narrowed may make tokens.
    pub fn new(table: &PermissionTable, may_make_tokens: bool) -> Arc<Self> {
        let roles = Roles {
            org: ORG_ROLES.map(|role| Arc::new(table.of_org(role))),
            project: PROJECT_ROLES.map(|role| Arc::new(table.of_project(role))),
        };
        let all = table.all();
        let names = all.iter().map(String::as_str);
        let more = if may_make_tokens { &[ACCOUNT, TOKENS][..] } else { &[ACCOUNT][..] };
        let person = names.chain(more.iter().copied()).collect();
        let whole = |of: &[&Permissions]| {
            let names = of.iter().flat_map(|all| all.iter().map(String::as_str));
            Arc::new(roles.scoped(names.filter(|name| !OF_PEOPLE.contains(name)).collect()))
        };
        let of_project = PROJECT_ROLES.map(|role| whole(&[&*roles.project[role as usize]]));
        let of_org = ORG_ROLES.map(|role| {
            let below = implied(role).map(|role| &*roles.project[role as usize]);
            let all: Vec<_> = [&*roles.org[role as usize]].into_iter().chain(below).collect();
            whole(&all)
        });
        Arc::new(Self { person: Arc::new(roles.scoped(person)), of_org, of_project, roles })
    }

    /// Every scope that a personal token can have if it was not narrowed.
    pub fn whole(&self) -> &Scope {
        &self.person.scope
    }

    pub(super) fn scoped(&self, scope: Scope) -> Scoped {
        self.roles.scoped(scope)
    }

    /// What the scope of a person's JWT leaves of a role in an organization.
    pub(super) fn of_org(&self, role: OrgRole, scope: &Scope) -> Arc<Permissions> {
        left_to_jwt(&self.roles.org[role as usize], scope)
    }

    /// What the scope of a person's JWT leaves of a role in a project.
    pub(super) fn of_project(&self, role: ProjectRole, scope: &Scope) -> Arc<Permissions> {
        left_to_jwt(&self.roles.project[role as usize], scope)
    }
}

/// A sign-in that may make tokens could make one that is not narrowed, so it is not narrowed
/// itself: whoever signs in with the command line acts with their roles.
fn left_to_jwt(all: &Arc<Permissions>, scope: &Scope) -> Arc<Permissions> {
    if scope.contains(TOKENS) { all.clone() } else { narrowed(all, scope) }
}

const ORG_ROLES: [OrgRole; 3] = [OrgRole::Member, OrgRole::Admin, OrgRole::Owner];
const PROJECT_ROLES: [ProjectRole; 3] =
    [ProjectRole::Viewer, ProjectRole::Collaborator, ProjectRole::Owner];
/// Scopes that only a person's own credentials can have.
const OF_PEOPLE: [&str; 3] = [ACCOUNT, AGENTS, TOKENS];

impl Roles {
    fn scoped(&self, scope: Scope) -> Scoped {
        let left = Roles {
            org: self.org.each_ref().map(|all| narrowed(all, &scope)),
            project: self.project.each_ref().map(|all| narrowed(all, &scope)),
        };
        Scoped { scope, left }
    }
}

/// What of `all` is in `scope`; the same set, if that is all of it.
fn narrowed(all: &Arc<Permissions>, scope: &Scope) -> Arc<Permissions> {
    if all.iter().all(|name| scope.contains(name)) {
        return all.clone();
    }
    Arc::new(all.iter().filter(|name| scope.contains(name)).cloned().collect())
}

impl Scoped {
    pub(super) fn of_org(&self, role: OrgRole) -> Arc<Permissions> {
        self.left.org[role as usize].clone()
    }

    pub(super) fn of_project(&self, role: ProjectRole) -> Arc<Permissions> {
        self.left.project[role as usize].clone()
    }
}

/// What a credential was made with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Made {
    pub(super) kind: CredentialKind,
    /// What it was narrowed to.
    pub(super) scope: Option<Scope>,
    /// The projects that it was narrowed to, sorted; empty: all.
    pub(super) projects: Vec<Slot>,
    /// The place that it is bound to, and its role there.
    pub(super) bound: Option<Bound>,
}

/// The one place that a credential is bound to, and its role there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bound {
    /// A project.
    Project(Slot, ProjectRole),
    /// An organization, and its projects as the role there brings them along.
    Org(Slot, OrgRole),
}

/// The same, with what follows from it.
pub(super) struct Terms {
    pub(super) made: Arc<Made>,
    pub(super) scoped: Arc<Scoped>,
    /// How many credentials were made with it.
    users: usize,
}

/// Everything that any credential was made with.
#[derive(Default)]
pub(super) struct Book {
    rows: Slab<Terms>,
    by_made: HashMap<Arc<Made>, Slot>,
    scopes: HashMap<Scope, Arc<Scoped>>,
}

impl Book {
    pub(super) fn get(&self, slot: Slot) -> Option<&Terms> {
        self.rows.get(slot)
    }

    /// The number of `made`, held until it is [`Book::let_go`].
    pub(super) fn hold(&mut self, made: Made, rules: &Rules) -> Slot {
        if let Some(slot) = self.by_made.get(&made) {
            if let Some(terms) = self.rows.get_mut(*slot) {
                terms.users += 1;
            }
            return *slot;
        }
        let scoped = self.scope_of(&made, rules);
        let made = Arc::new(made);
        let slot = self.rows.insert(Terms { made: made.clone(), scoped, users: 1 });
        self.by_made.insert(made, slot);
        slot
    }

    pub(super) fn let_go(&mut self, slot: Slot) {
        let Some(terms) = self.rows.get_mut(slot) else { return };
        terms.users -= 1;
        if terms.users == 0 {
            self.by_made.remove(&terms.made);
            self.rows.remove(slot);
        }
    }

    fn scope_of(&mut self, made: &Made, rules: &Rules) -> Arc<Scoped> {
        let kinds = [CredentialKind::PersonalToken, CredentialKind::AccessToken];
        let personal = kinds.contains(&made.kind);
        match (&made.scope, made.bound) {
            (None, Some(Bound::Org(_, role))) if !personal => rules.of_org[role as usize].clone(),
            (None, Some(Bound::Project(_, role))) if !personal => {
                rules.of_project[role as usize].clone()
            }
            (None, _) => rules.person.clone(),
            (Some(scope), _) if personal => self.scoped(scope, rules),
            // Keys act for themselves: they have no account to read and make no tokens.
            (Some(scope), _) => {
                let own = scope.iter().filter(|name| !OF_PEOPLE.contains(name));
                self.scoped(&own.collect(), rules)
            }
        }
    }

    /// `scope`, shared.
    pub(super) fn scoped(&mut self, scope: &Scope, rules: &Rules) -> Arc<Scoped> {
        if let Some(known) = self.scopes.get(scope) {
            return known.clone();
        }
        let scoped = Arc::new(rules.scoped(scope.clone()));
        self.scopes.insert(scope.clone(), scoped.clone());
        scoped
    }

    /// Forgets scopes that nobody has any more.
    pub(super) fn sweep(&mut self) {
        self.scopes.retain(|_, scoped| Arc::strong_count(scoped) > 1);
    }

    /// Bytes of its tables, without the scopes' own texts.
    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes()
            + self.rows.len() * (size_of::<Made>() + size_of::<(Arc<Made>, Slot)>())
            + self.rows.iter().map(|it| it.made.projects.len() * size_of::<Slot>()).sum::<usize>()
            + self.scopes.capacity() * size_of::<(Scope, Arc<Scoped>)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_that_may_make_tokens_has_its_persons_roles() {
        let table = PermissionTable::default();
        let rules = Rules::new(&table, false);
        let left = |scope: &str| {
            let scope = scope.parse().expect("a scope");
            Permissions::clone(&rules.of_project(ProjectRole::Collaborator, &scope))
        };
        assert_eq!(left("account tokens"), table.of_project(ProjectRole::Collaborator));
        assert_eq!(left("account project:read"), Permissions::from(["project:read".to_owned()]));
        assert!(left("account openid").is_empty());
    }
}
