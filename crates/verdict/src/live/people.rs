//! Whoever can act, and the roles that they have.

use std::collections::HashMap;
use std::sync::Arc;

use hallpass_core::id::JobId;
use hallpass_core::role::{OrgRole, ProjectRole};

use super::fact::{Agent, Person, Principal};
use super::slab::{Slab, Slot};
use crate::Who;

/// A principal. It is there as soon as anything was heard of it, a role for example.
pub(super) struct Row {
    pub(super) id: Principal,
    /// Who it is; unknown until that was heard.
    pub(super) who: Option<Arc<Who>>,
    /// Whether nothing of theirs is good.
    pub(super) disabled: bool,
    /// Of an agent: its owner.
    pub(super) owner: Option<Slot>,
    /// For a key, an agent or a job: how many credentials it has. It goes with the last one.
    credentials: usize,
    /// Sorted by place, as are the next.
    orgs: Vec<(Slot, OrgRole)>,
    projects: Vec<(Slot, ProjectRole)>,
}

impl Row {
    pub(super) fn in_org(&self, org: Slot) -> Option<OrgRole> {
        find(&self.orgs, org)
    }

    pub(super) fn in_project(&self, project: Slot) -> Option<ProjectRole> {
        find(&self.projects, project)
    }

    pub(super) fn orgs(&self) -> &[(Slot, OrgRole)] {
        &self.orgs
    }

    pub(super) fn projects(&self) -> &[(Slot, ProjectRole)] {
        &self.projects
    }
}

#[derive(Default)]
pub(super) struct People {
    rows: Slab<Row>,
    by_id: HashMap<Principal, Slot>,
}

impl People {
    pub(super) fn get(&self, slot: Slot) -> Option<&Row> {
        self.rows.get(slot)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number of a principal that something was heard of.
    pub(super) fn slot(&mut self, id: Principal) -> Slot {
        *self.by_id.entry(id).or_insert_with(|| {
            self.rows.insert(Row {
                id,
                who: None,
                disabled: false,
                owner: None,
                credentials: 0,
                orgs: Vec::new(),
                projects: Vec::new(),
            })
        })
    }

    /// A principal that something was heard of.
    pub(super) fn of(&self, id: Principal) -> Option<&Row> {
        self.rows.get(*self.by_id.get(&id)?)
    }

    fn row(&mut self, id: Principal) -> Option<&mut Row> {
        let slot = self.slot(id);
        self.rows.get_mut(slot)
    }

    fn known(&mut self, id: Principal) -> Option<&mut Row> {
        self.rows.get_mut(*self.by_id.get(&id)?)
    }

    pub(super) fn person(&mut self, person: Person) {
        let Person { id, email, name, admin, disabled } = person;
        if let Some(row) = self.row(Principal::User(id)) {
            row.who = Some(Arc::new(Who::User { id, email, name, admin }));
            row.disabled = disabled;
        }
    }

    /// The number of whoever acts with a credential of this name, held until it is
    /// [`People::let_go`].
    pub(super) fn hold(&mut self, id: Principal, name: &str) -> Slot {
        let slot = self.slot(id);
        if let (Principal::Key(key), Some(row)) = (id, self.rows.get_mut(slot)) {
            row.credentials += 1;
            let same = row.who.as_ref().is_some_and(|who| who.name() == name);
            if !same {
                let (id, name) = (key.to_string(), name.to_owned());
                row.who = Some(Arc::new(Who::Key { id, name }));
            }
        }
        slot
    }

    /// The number of an agent, held until it is [`People::let_go`].
    pub(super) fn hold_agent(&mut self, agent: Agent) -> Slot {
        let owner = self.slot(Principal::User(agent.owner));
        let slot = self.slot(Principal::Agent(agent.id));
        if let Some(row) = self.rows.get_mut(slot) {
            row.credentials += 1;
            row.owner = Some(owner);
            row.who = Some(Arc::new(Who::Agent(agent)));
        }
        slot
    }

    /// The number of a job, held until it is [`People::let_go`].
    pub(super) fn hold_job(&mut self, id: JobId, name: String) -> Slot {
        let slot = self.slot(Principal::Job(id));
        if let Some(row) = self.rows.get_mut(slot) {
            row.credentials += 1;
            row.who = Some(Arc::new(Who::Job { id, name }));
        }
        slot
    }

    /// Whoever's roles count for what this principal does: an agent's owner.
    pub(super) fn behind<'s>(&'s self, row: &'s Row) -> Option<&'s Row> {
        row.owner.map_or(Some(row), |owner| self.get(owner))
    }

    pub(super) fn let_go(&mut self, slot: Slot) {
        let Some(row) = self.rows.get_mut(slot) else { return };
        if let Principal::Key(_) | Principal::Agent(_) | Principal::Job(_) = row.id {
            row.credentials -= 1;
            if row.credentials == 0 {
                self.by_id.remove(&row.id);
                self.rows.remove(slot);
            }
        }
    }

    /// Their role in an organization from now on.
    pub(super) fn set_org(&mut self, id: Principal, org: Slot, role: OrgRole) {
        if let Some(row) = self.row(id) {
            put(&mut row.orgs, org, role);
        }
    }

    /// Their role in a project from now on.
    pub(super) fn set_project(&mut self, id: Principal, project: Slot, role: ProjectRole) {
        if let Some(row) = self.row(id) {
            put(&mut row.projects, project, role);
        }
    }

    /// They have no role in this organization any more.
    pub(super) fn leave_org(&mut self, id: Principal, org: Slot) {
        if let Some(row) = self.known(id) {
            row.orgs.retain(|(place, _)| *place != org);
        }
    }

    /// They have no role in this project any more.
    pub(super) fn leave_project(&mut self, id: Principal, project: Slot) {
        if let Some(row) = self.known(id) {
            row.projects.retain(|(place, _)| *place != project);
        }
    }

    /// Bytes, names included.
    pub(super) fn bytes(&self) -> usize {
        let of = |row: &Row| {
            let who = row.who.as_deref().map_or(0, |who| {
                size_of::<Who>() + who.name().len() + who.email().map_or(0, str::len)
            });
            who + row.orgs.capacity() * size_of::<(Slot, OrgRole)>()
                + row.projects.capacity() * size_of::<(Slot, ProjectRole)>()
        };
        self.rows.bytes()
            + self.by_id.capacity() * size_of::<(Principal, Slot)>()
            + self.rows.iter().map(of).sum::<usize>()
    }
}

fn find<R: Copy>(roles: &[(Slot, R)], place: Slot) -> Option<R> {
    let at = roles.binary_search_by_key(&place, |(place, _)| *place).ok()?;
    Some(roles[at].1)
}

fn put<R>(roles: &mut Vec<(Slot, R)>, place: Slot, role: R) {
    match roles.binary_search_by_key(&place, |(place, _)| *place) {
        Ok(at) => roles[at].1 = role,
        Err(at) => roles.insert(at, (place, role)),
    }
}
