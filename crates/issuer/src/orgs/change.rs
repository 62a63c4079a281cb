//! What becomes of an organization or a project: another name, an archive, other hands.

use hallpass_core::id::{OrgId, ProjectId};
use hallpass_core::role::OrgRole;
use hallpass_core::text::presentable;
use hallpass_core::wire::tokens as wire;
use hallpass_store::{HandOver, KeysMade, Org, Project, User};

use super::{
    ORG_MANAGE, OrgError, PROJECTS_CREATE, SETTINGS_MANAGE, shown_org, shown_project, slug_of,
};
use crate::admin::display_name;
use crate::keys::KEYS_MANAGE;
use crate::tokens::Actor;
use crate::{Issuer, Origin};

/// Longest label of a plan.
const MAX_PLAN: usize = 40;
/// Archived ones of a page.
const MAX_ARCHIVED: u32 = 200;

impl Issuer {
    /// Gives an organization another name, in addresses, for people, or both. What is absent
    /// stays. Nobody else ever gets the address that it gives up.
    pub async fn rename_org(
        &self,
        actor: &Actor<'_>,
        org: &str,
        change: &wire::PlaceChange,
        origin: &Origin,
    ) -> Result<wire::Org, OrgError> {
        let seat = self.seat_with(actor, org, None, ORG_MANAGE).await?;
        let (slug, name) = named(change, &seat.org.slug, &seat.org.name)?;
        let by = self.by(&actor.name(), None, Some(origin));
        let renamed = self.0.store.orgs().rename(seat.org.id, &slug, &name, &by).await?;
        Ok(shown_org(renamed, seat.org_role))
    }

    /// The same for a project.
    pub async fn rename_project(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, &str),
        change: &wire::PlaceChange,
        origin: &Origin,
    ) -> Result<wire::Project, OrgError> {
        let seat = self.seat_with(actor, org, Some(project), SETTINGS_MANAGE).await?;
        let found = seat.project.ok_or(OrgError::Unknown("project"))?;
        let (slug, name) = named(change, &found.slug, &found.name)?;
        let by = self.by(&actor.name(), None, Some(origin));
        let projects = self.0.store.projects();
        let renamed = projects.rename(found.id, seat.org.id, &slug, &name, &by).await?;
        Ok(shown_project(renamed, &seat.org, seat.role))
    }

    /// Sets the label of an organization's plan; empty for none. Only the operator and
    /// administrators of the deployment do.
    pub async fn set_plan(
        &self,
        actor: &Actor<'_>,
        org: &str,
        plan: &str,
        origin: &Origin,
    ) -> Result<wire::Org, OrgError> {
        if !matches!(actor, Actor::Operator) && !actor.administers() {
            return Err(OrgError::NotAllowed(
                "only an administrator who is signed in sets an organization's plan",
            ));
        }
        let found = self.org_called(org).await?.ok_or(OrgError::Unknown("organization"))?;
        let plan = plan.trim();
        if presentable(plan, MAX_PLAN) != plan {
            return Err(OrgError::invalid(
                "invalid_plan",
                "the label of a plan has at most 40 characters, all of them visible",
            ));
        }
        let by = self.by(&actor.name(), None, Some(origin));
        let org = self.0.store.orgs().set_plan(found.id, plan, &by).await?;
        Ok(shown_org(org, None))
    }

    /// Archives an organization: nothing in it admits any more, and nothing is lost.
    pub async fn archive_org(
        &self,
        actor: &Actor<'_>,
        org: &str,
        origin: &Origin,
    ) -> Result<(), OrgError> {
        let seat = self.seat_with(actor, org, None, ORG_MANAGE).await?;
        let by = self.by(&actor.name(), None, Some(origin));
        self.0.store.orgs().archive(seat.org.id, &by).await?;
        Ok(())
    }

    /// The same for a project.
    pub async fn archive_project(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, &str),
        origin: &Origin,
    ) -> Result<(), OrgError> {
        let seat = self.seat_with(actor, org, Some(project), SETTINGS_MANAGE).await?;
        let found = seat.project.ok_or(OrgError::Unknown("project"))?;
        let by = self.by(&actor.name(), None, Some(origin));
        self.0.store.projects().archive(found.id, &by).await?;
        Ok(())
    }

    /// Brings an archived organization back, with everything that was in it. To whoever could
    /// not, there is none.
    pub async fn unarchive_org(
        &self,
        actor: &Actor<'_>,
        org: &str,
        origin: &Origin,
    ) -> Result<wire::Org, OrgError> {
        let found = self.archived_org_called(org).await?;
        let role = self.role_at_archived(actor, &found).await?;
        let by = self.by(&actor.name(), None, Some(origin));
        if !self.0.store.orgs().unarchive(found.id, &by).await? {
            return Err(OrgError::Unknown("organization"));
        }
        Ok(shown_org(Org { disabled_at: None, ..found }, Some(role)))
    }

    /// The same for a project of an organization that is not archived itself.
    pub async fn unarchive_project(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, &str),
        origin: &Origin,
    ) -> Result<wire::Project, OrgError> {
        let unknown = || OrgError::Unknown("project");
        let of = self.org_called(org).await?.ok_or_else(unknown)?;
        let found = match project.parse::<ProjectId>() {
            Ok(id) => self.0.store.projects().by_id(id).await?,
            Err(_) => self.0.store.projects().by_slug(&of.slug, project).await?,
        };
        let archived = |it: &Project| it.org_id == of.id && it.disabled_at.is_some();
        let found = found.filter(archived).ok_or_else(unknown)?;
        let role = match actor {
            Actor::Operator => None,
            _ => {
                let role = self.reach(actor).await?.in_project(of.id, found.id);
                let role = role.ok_or_else(unknown)?;
                let allowed = self.0.config.brand.roles.of_project(role).contains(SETTINGS_MANAGE);
                if !allowed || !self.is_scoped_to(actor, SETTINGS_MANAGE) {
                    return Err(unknown());
                }
                Some(role)
            }
        };
        let by = self.by(&actor.name(), None, Some(origin));
        if !self.0.store.projects().unarchive(found.id, &by).await? {
            return Err(unknown());
        }
        Ok(shown_project(Project { disabled_at: None, ..found }, &of, role))
    }

    /// The archived organizations that the actor could bring back.
    pub async fn archived_orgs_of(&self, actor: &Actor<'_>) -> Result<Vec<wire::Org>, OrgError> {
        let reach = self.reach(actor).await?;
        let Some(user) = reach.user else { return Ok(Vec::new()) };
        let found = self.0.store.orgs().archived_of_user(user).await?;
        let table = &self.0.config.brand.roles;
        let could = found.into_iter().filter(|(org, role)| {
            reach.in_org(org.id).is_some() && table.of_org(*role).contains(ORG_MANAGE)
        });
        Ok(could.map(|(org, role)| shown_org(org, Some(role))).collect())
    }

    /// The archived projects of an organization that the actor could bring back; the first 200.
    pub async fn archived_projects_of(
        &self,
        actor: &Actor<'_>,
        org: &str,
    ) -> Result<Vec<wire::Project>, OrgError> {
        let found = self.org(actor, org).await?;
        let id: OrgId = found.id.parse().map_err(|_| OrgError::Unknown("organization"))?;
        let reach = self.reach(actor).await?;
        let org = self.org_called(&found.slug).await?.ok_or(OrgError::Unknown("organization"))?;
        let table = &self.0.config.brand.roles;
        let archived = self.0.store.projects().archived_of_org(id, None, MAX_ARCHIVED).await?;
        let could = archived.into_iter().filter_map(|project| {
            let role = reach.in_project(id, project.id)?;
            let allowed = table.of_project(role).contains(SETTINGS_MANAGE);
            allowed.then(|| shown_project(project, &org, Some(role)))
        });
        Ok(could.collect())
    }

    /// Makes a member the owner of an organization in the actor's place, who is an admin then.
    pub async fn transfer_org(
        &self,
        actor: &Actor<'_>,
        org: &str,
        user: &str,
        origin: &Origin,
    ) -> Result<(), OrgError> {
        let seat = self.seat_with(actor, org, None, ORG_MANAGE).await?;
        let (Some((from, ..)), Some(OrgRole::Owner)) = (actor.person(), seat.org_role) else {
            return Err(OrgError::NotAllowed("only an owner hands an organization over"));
        };
        let to = self.user_called(user).await?.ok_or(OrgError::NoMember)?;
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.members().hand_over(seat.org.id, from, to.id, &by).await {
            Ok(HandOver::Done) => Ok(()),
            Ok(HandOver::Not) | Err(hallpass_store::Error::Missing("user")) => {
                Err(OrgError::NoMember)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Moves a project to another organization: the one gives it away, which takes its owner's
    /// right, and the other takes it in, which takes the right to make projects there. What was
    /// bound to the old place does not act at the new one ([`hallpass_store::transfer`]).
    pub async fn transfer_project(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, &str),
        to: &str,
        origin: &Origin,
    ) -> Result<wire::Project, OrgError> {
        let here = self.seat(actor, org, Some(project)).await?;
        let found = here.project.ok_or(OrgError::Unknown("project"))?;
        let gives = self.seat_with(actor, org, None, ORG_MANAGE).await;
        gives.map_err(|error| match error {
            OrgError::Failed(error) => OrgError::Failed(error),
            _ => OrgError::NotAllowed("only an owner of its organization gives a project away"),
        })?;
        let there = self.seat_with(actor, to, None, PROJECTS_CREATE).await?;
        if there.org.id == here.org.id {
            return Err(OrgError::invalid(
                "same_organization",
                "it is in that organization already",
            ));
        }
        let by = self.by(&actor.name(), None, Some(origin));
        let projects = self.0.store.projects();
        let moved = projects.transfer(found.id, here.org.id, there.org.id, &by).await?;
        let role = there.org_role.and_then(hallpass_core::permission::implied);
        Ok(shown_project(moved, &there.org, role))
    }

    /// Gives up the actor's own role in an organization, or else in one project of it, with a
    /// word about the keys that they made there. Only who manages keys there can revoke them:
    /// they are the place's.
    pub async fn leave(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, Option<&str>),
        keys: KeysMade,
        origin: &Origin,
    ) -> Result<(), OrgError> {
        let user = self.whole_person(actor).await?;
        let seat = self.seat(actor, org, project).await?;
        if keys == KeysMade::Revoke {
            let manages = self.seat_with(actor, org, project, KEYS_MANAGE).await;
            manages.map_err(|error| match error {
                OrgError::NotAllowed(_) | OrgError::NotScoped => OrgError::NotAllowed(
                    "you do not manage keys there, so those that you made stay; say that you keep them",
                ),
                error => error,
            })?;
        }
        let at = seat.project.as_ref().map(|project| project.id);
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.members().leave(user, seat.org.id, at, keys, &by).await? {
            hallpass_store::RemoveRole::Done => Ok(()),
            // It came with the one in the organization.
            hallpass_store::RemoveRole::None => Err(OrgError::Unknown("role of your own")),
            hallpass_store::RemoveRole::LastOwner => Err(OrgError::LastOwner),
            hallpass_store::RemoveRole::KeysMade => {
                Err(OrgError::KeysMade(self.keys_made_by(user, Some((seat.org.id, at))).await?))
            }
        }
    }

    /// What the keys are called that a person made at a place where they have a role.
    pub async fn own_keys_at(
        &self,
        person: &User,
        org: &str,
        project: Option<&str>,
    ) -> Result<Vec<String>, OrgError> {
        let seat = self.seat(&Actor::Person(person), org, project).await?;
        let at = seat.project.as_ref().map(|project| project.id);
        Ok(self.keys_made_by(person.id, Some((seat.org.id, at))).await?)
    }

    async fn archived_org_called(&self, org: &str) -> Result<Org, OrgError> {
        let found = match org.parse::<OrgId>() {
            Ok(id) => self.0.store.orgs().by_id(id).await?,
            Err(_) => self.0.store.orgs().by_slug(org).await?,
        };
        let archived = found.filter(|org| org.disabled_at.is_some());
        archived.ok_or(OrgError::Unknown("organization"))
    }

    /// The role with which the actor may bring an archived organization back.
    async fn role_at_archived(&self, actor: &Actor<'_>, org: &Org) -> Result<OrgRole, OrgError> {
        if let Actor::Operator = actor {
            return Ok(OrgRole::Owner);
        }
        let role = self.reach(actor).await?.in_org(org.id);
        let allowed = |role: &OrgRole| self.0.config.brand.roles.of_org(*role).contains(ORG_MANAGE);
        let role = role.filter(allowed).filter(|_| self.is_scoped_to(actor, ORG_MANAGE));
        role.ok_or(OrgError::Unknown("organization"))
    }
}

/// The slug and the name from now on.
fn named(change: &wire::PlaceChange, slug: &str, name: &str) -> Result<(String, String), OrgError> {
    let slug = change.slug.as_deref().map_or_else(|| Ok(slug.to_owned()), slug_of)?;
    let name = match change.name.as_deref() {
        None => name.to_owned(),
        Some(typed) => display_name(typed).ok_or_else(|| {
            OrgError::invalid("invalid_name", "a name has something to be seen in it")
        })?,
    };
    Ok((slug, name))
}
