//! Organizations and projects, by id and by slug.

use std::collections::HashMap;
use std::sync::Arc;

use hallpass_core::id::{OrgId, ProjectId};

use super::ask::PlaceAsked;
use super::fact;
use super::slab::{Slab, Slot};

/// An organization. It is there as soon as anything was heard of it.
pub(super) struct Org {
    pub(super) id: OrgId,
    /// Unknown until it was heard.
    pub(super) slug: Option<Arc<str>>,
    pub(super) disabled: bool,
    projects: HashMap<Arc<str>, Slot>,
}

/// A project. It is there as soon as anything was heard of it.
pub(super) struct Project {
    pub(super) id: ProjectId,
    /// Its organization and slug; unknown until they were heard.
    pub(super) named: Option<(Slot, Arc<str>)>,
    pub(super) disabled: bool,
}

/// A place that is there, and enabled.
#[derive(Clone, Copy)]
pub(super) struct Found<'p> {
    pub(super) org_slot: Slot,
    pub(super) org: OrgId,
    pub(super) org_slug: &'p Arc<str>,
    pub(super) project: Option<(Slot, ProjectId, &'p Arc<str>)>,
}

#[derive(Default)]
pub(super) struct Places {
    orgs: Slab<Org>,
    org_ids: HashMap<OrgId, Slot>,
    org_slugs: HashMap<Arc<str>, Slot>,
    projects: Slab<Project>,
    project_ids: HashMap<ProjectId, Slot>,
}

impl Places {
    /// The number of an organization that something was heard of.
    pub(super) fn org(&mut self, id: OrgId) -> Slot {
        *self.org_ids.entry(id).or_insert_with(|| {
            let projects = HashMap::new();
            self.orgs.insert(Org { id, slug: None, disabled: false, projects })
        })
    }

    /// The number of a project that something was heard of.
    pub(super) fn project(&mut self, id: ProjectId) -> Slot {
        *self
            .project_ids
            .entry(id)
            .or_insert_with(|| self.projects.insert(Project { id, named: None, disabled: false }))
    }

    pub(super) fn org_at(&self, slot: Slot) -> Option<&Org> {
        self.orgs.get(slot)
    }

    pub(super) fn project_at(&self, slot: Slot) -> Option<&Project> {
        self.projects.get(slot)
    }

    pub(super) fn set_org(&mut self, fact: fact::Org) {
        let slot = self.org(fact.id);
        let Some(org) = self.orgs.get_mut(slot) else { return };
        org.disabled = fact.disabled;
        if org.slug.as_deref() != Some(&fact.slug) {
            if let Some(old) = org.slug.take() {
                self.org_slugs.remove(&old);
            }
            let slug: Arc<str> = fact.slug.into();
            org.slug = Some(slug.clone());
            self.org_slugs.insert(slug, slot);
        }
    }

    pub(super) fn set_project(&mut self, fact: fact::Project) {
        let (slot, org) = (self.project(fact.id), self.org(fact.org));
        let Some(project) = self.projects.get_mut(slot) else { return };
        project.disabled = fact.disabled;
        let same = |(at, slug): &(Slot, Arc<str>)| *at == org && **slug == *fact.slug;
        if project.named.as_ref().is_some_and(same) {
            return;
        }
        let slug: Arc<str> = fact.slug.into();
        if let Some((old_org, old)) = project.named.replace((org, slug.clone()))
            && let Some(old_org) = self.orgs.get_mut(old_org)
        {
            old_org.projects.remove(&old);
        }
        if let Some(org) = self.orgs.get_mut(org) {
            org.projects.insert(slug, slot);
        }
    }

    /// The place that is asked about, if it is there and nobody disabled it.
    pub(super) fn find(&self, asked: PlaceAsked<'_>) -> Option<Found<'_>> {
        match asked {
            PlaceAsked::Org(org) => self.found_org(self.org_called(org)?),
            PlaceAsked::Project { org, project } => {
                let at = self.org_called(org)?;
                let slot = match project.parse::<ProjectId>() {
                    Ok(id) => *self.project_ids.get(&id)?,
                    Err(_) => *self.orgs.get(at)?.projects.get(project)?,
                };
                self.found_project(slot).filter(|found| found.org_slot == at)
            }
        }
    }

    /// A project by number, if it is there and neither it nor its organization is disabled.
    pub(super) fn found_project(&self, slot: Slot) -> Option<Found<'_>> {
        let project = self.projects.get(slot).filter(|project| !project.disabled)?;
        let (org, slug) = project.named.as_ref()?;
        let found = self.found_org(*org)?;
        Some(Found { project: Some((slot, project.id, slug)), ..found })
    }

    /// An organization by number, if it is there and enabled.
    pub(super) fn found_org(&self, slot: Slot) -> Option<Found<'_>> {
        let org = self.orgs.get(slot).filter(|org| !org.disabled)?;
        let org_slug = org.slug.as_ref()?;
        Some(Found { org_slot: slot, org: org.id, org_slug, project: None })
    }

    fn org_called(&self, text: &str) -> Option<Slot> {
        match text.parse::<OrgId>() {
            Ok(id) => self.org_ids.get(&id).copied(),
            Err(_) => self.org_slugs.get(text).copied(),
        }
    }

    pub(super) fn orgs(&self) -> impl Iterator<Item = &Org> {
        self.orgs.iter()
    }

    pub(super) fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.iter()
    }

    /// Bytes of its tables, without the slugs.
    pub(super) fn bytes(&self) -> usize {
        let of = |org: &Org| org.projects.capacity() * size_of::<(Arc<str>, Slot)>();
        self.orgs.bytes()
            + self.projects.bytes()
            + self.org_ids.capacity() * size_of::<(OrgId, Slot)>()
            + self.org_slugs.capacity() * size_of::<(Arc<str>, Slot)>()
            + self.project_ids.capacity() * size_of::<(ProjectId, Slot)>()
            + self.orgs.iter().map(of).sum::<usize>()
    }
}
