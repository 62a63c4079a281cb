//! Organizations, their projects, and who has which role in them.
//!
//! Roles are rows, read on every request; no credential carries one. Whoever has no role at
//! a place is told the same as if it were not there. Nobody gives or takes a role above their
//! own, and an organization always keeps an owner.
//!
//! | module | what |
//! |---|---|
//! | `seat` | where somebody stands, and what they may do there now |
//! | `standing` | the same, for pages that show no more than what is allowed |
//! | `change` | other names, archives, other hands |
//! | [`invite`] | links that give a role once |
//! | [`error`] | why nothing became of it |

use std::collections::BTreeMap;

use hallpass_core::id::{OrgId, ProjectId, UserId};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::wire::api::Page;
use hallpass_core::wire::tokens as wire;
use hallpass_store::{KeysMade, NewOrg, NewProject, Org, Project, RemoveRole, Role, SetRole, User};

use crate::admin::display_name;
use crate::tokens::Actor;
use crate::{Issuer, Origin};

mod change;
pub mod error;
pub mod invite;
mod seat;
mod standing;
#[cfg(test)]
mod tests;

pub use error::OrgError;
pub(crate) use seat::Seat;
pub use standing::Standing;

/// Sees an organization, its projects and who is in it.
pub const ORG_READ: &str = "org:read";
/// Sees a project.
pub const PROJECT_READ: &str = "project:read";
/// Manages people.
pub const MEMBERS_MANAGE: &str = "members:manage";
/// Makes tokens for a project.
pub const TOKENS_MANAGE: &str = "tokens:manage";
/// Renames, archives and hands over an organization, and gives its projects away.
pub const ORG_MANAGE: &str = "org:manage";
/// Renames and archives a project.
pub const SETTINGS_MANAGE: &str = "settings:manage";
/// Makes projects in an organization.
pub const PROJECTS_CREATE: &str = "projects:create";

/// Longest name in addresses.
const MAX_SLUG: usize = 40;
/// Most items on a page of a list.
const MAX_PAGE: u32 = 200;

impl Issuer {
    /// Makes an organization. A person who makes one becomes its first owner; the operator
    /// says who that is, or leaves it without one.
    pub async fn create_org(
        &self,
        slug: &str,
        name: Option<&str>,
        owner: Option<&str>,
        actor: &Actor<'_>,
        origin: &Origin,
    ) -> Result<wire::Org, OrgError> {
        let owner = match (actor, owner) {
            (Actor::Operator, None) => None,
            (Actor::Operator, Some(owner)) => {
                let found = self.user_called(owner).await?;
                Some(found.ok_or(OrgError::NoUser)?.id)
            }
            _ => Some(self.whole_person(actor).await?),
        };
        let slug = slug_of(slug)?;
        let name = name.and_then(display_name).unwrap_or_else(|| slug.clone());
        let new = NewOrg { id: self.new_id(OrgId::new), slug, name, plan: String::new() };
        let by = self.by(&actor.name(), None, Some(origin));
        let org = self.0.store.orgs().create(new, owner, &by).await?;
        Ok(shown_org(org, owner.map(|_| OrgRole::Owner)))
    }

    /// Makes a project in `org`.
    pub async fn create_project(
        &self,
        org: &str,
        slug: &str,
        name: Option<&str>,
        actor: &Actor<'_>,
        origin: &Origin,
    ) -> Result<wire::Project, OrgError> {
        let seat = self.seat_with(actor, org, None, PROJECTS_CREATE).await?;
        let slug = slug_of(slug)?;
        let name = name.and_then(display_name).unwrap_or_else(|| slug.clone());
        let new = NewProject { id: self.new_id(ProjectId::new), org_id: seat.org.id, slug, name };
        let by = self.by(&actor.name(), None, Some(origin));
        let project = self.0.store.projects().create(new, &by).await?;
        let role = seat.org_role.and_then(hallpass_core::permission::implied);
        Ok(shown_project(project, &seat.org, role))
    }

    /// The organizations in which the actor has a role, or in some project of which.
    pub async fn orgs_of(&self, actor: &Actor<'_>) -> Result<Vec<wire::Org>, OrgError> {
        let reach = self.reach(actor).await?;
        let mut shown = Vec::new();
        let listed = match (reach.user, reach.roles.first()) {
            (Some(user), _) => {
                let listed = self.0.store.orgs().list_of_user(user).await?;
                listed.into_iter().map(|(org, _)| org).collect()
            }
            // A key belongs to one.
            (None, Some(own)) => Vec::from_iter(self.org_called(&own.org_id.to_string()).await?),
            (None, None) => Vec::new(),
        };
        for org in listed {
            if self.is_visible(&reach, org.id).await? {
                let role = reach.in_org(org.id);
                shown.push(shown_org(org, role));
            }
        }
        Ok(shown)
    }

    /// One of them.
    pub async fn org(&self, actor: &Actor<'_>, org: &str) -> Result<wire::Org, OrgError> {
        let reach = self.reach(actor).await?;
        let found = self.org_called(org).await?.ok_or(OrgError::Unknown("organization"))?;
        if !self.is_visible(&reach, found.id).await? {
            return Err(OrgError::Unknown("organization"));
        }
        let role = reach.in_org(found.id);
        Ok(shown_org(found, role))
    }

    /// A page of the projects of `org` in which the actor has a role.
    pub async fn projects_of(
        &self,
        actor: &Actor<'_>,
        org: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::Project>, OrgError> {
        let after = cursor_of::<ProjectId>(cursor)?;
        let reach = self.reach(actor).await?;
        let found = self.org_called(org).await?.ok_or(OrgError::Unknown("organization"))?;
        let limit = limit.clamp(1, MAX_PAGE);
        let projects = if reach.all_of(found.id) {
            self.0.store.projects().of_org(found.id, after, limit + 1).await?
        } else {
            let visible = self.visible(&reach, found.id).await?;
            if visible.is_empty() && reach.in_org(found.id).is_none() {
                return Err(OrgError::Unknown("organization"));
            }
            let later = visible.into_values().filter(|it| after.is_none_or(|after| it.id > after));
            later.take(limit as usize + 1).collect()
        };
        let page = page(projects, limit, |project| project.id.to_string());
        let items = page.items.into_iter();
        let shown = items.map(|project| {
            let role = reach.in_project(found.id, project.id);
            shown_project(project, &found, role)
        });
        Ok(Page { items: shown.collect(), next_cursor: page.next_cursor })
    }

    /// A project in which the actor has a role.
    pub async fn project(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: &str,
    ) -> Result<wire::Project, OrgError> {
        let seat = self.seat(actor, org, Some(project)).await?;
        let found = seat.project.ok_or(OrgError::Unknown("project"))?;
        Ok(shown_project(found, &seat.org, seat.role))
    }

    /// A page of those who have a role in `org`, or else in one project of it.
    pub async fn members_of(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<(User, Role)>, OrgError> {
        let after = cursor_of::<UserId>(cursor)?;
        let seat = self.seat(actor, org, project).await?;
        let limit = limit.clamp(1, MAX_PAGE);
        let at = seat.project.as_ref().map(|project| project.id);
        let found = self.0.store.members().of(seat.org.id, at, after, limit + 1).await?;
        Ok(page(found, limit, |(user, _)| user.id.to_string()))
    }

    /// Gives `user` a role in `org`, in place of the one that they have there.
    pub async fn set_org_member(
        &self,
        actor: &Actor<'_>,
        org: &str,
        user: &str,
        role: OrgRole,
        origin: &Origin,
    ) -> Result<User, OrgError> {
        let seat = self.seat_with(actor, org, None, MEMBERS_MANAGE).await?;
        self.set_role(actor, seat, user, Role::Org(role), origin).await
    }

    /// The same in a project.
    pub async fn set_project_member(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: &str,
        user: &str,
        role: ProjectRole,
        origin: &Origin,
    ) -> Result<User, OrgError> {
        let seat = self.seat_with(actor, org, Some(project), MEMBERS_MANAGE).await?;
        let at = seat.project.as_ref().ok_or(OrgError::Unknown("project"))?.id;
        self.set_role(actor, seat, user, Role::Project(at, role), origin).await
    }

    /// Takes the role away that `user` has in `org`, or else in one project of it. Roles in
    /// projects stay when the one in the organization goes. Refused where they made keys, until
    /// somebody says what becomes of those ([`Issuer::let_go`]).
    pub async fn remove_member(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        user: &str,
        origin: &Origin,
    ) -> Result<(), OrgError> {
        self.let_go(actor, (org, project), user, KeysMade::NotAsked, origin).await
    }

    /// The same, with a word about the keys that they made there.
    pub async fn let_go(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, Option<&str>),
        user: &str,
        keys: KeysMade,
        origin: &Origin,
    ) -> Result<(), OrgError> {
        let seat = self.seat_with(actor, org, project, MEMBERS_MANAGE).await?;
        let user = self.user_called(user).await?.ok_or(OrgError::NoMember)?;
        self.must_outrank(actor, &seat, user.id).await?;
        let at = seat.project.as_ref().map(|project| project.id);
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.members().leave(user.id, seat.org.id, at, keys, &by).await? {
            RemoveRole::Done => Ok(()),
            RemoveRole::None => Err(OrgError::NoMember),
            RemoveRole::LastOwner => Err(OrgError::LastOwner),
            RemoveRole::KeysMade => {
                Err(OrgError::KeysMade(self.keys_made_by(user.id, Some((seat.org.id, at))).await?))
            }
        }
    }

    /// Refuses who has no role at a place, or without `permission` there; for whoever has to
    /// know before they do something.
    pub async fn must_be_at(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        permission: Option<&str>,
    ) -> Result<(), OrgError> {
        match permission {
            Some(permission) => self.seat_with(actor, org, project, permission).await.map(drop),
            None => self.seat(actor, org, project).await.map(drop),
        }
    }

    async fn set_role(
        &self,
        actor: &Actor<'_>,
        seat: Seat,
        user: &str,
        role: Role,
        origin: &Origin,
    ) -> Result<User, OrgError> {
        let found = self.user_called(user).await?.filter(|user| user.disabled_at.is_none());
        let user = found.ok_or(OrgError::NoUser)?;
        if !seat.outranks(role) {
            return Err(OrgError::NotAllowed("nobody gives a role above their own; ask an owner"));
        }
        self.must_outrank(actor, &seat, user.id).await?;
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.members().set(user.id, seat.org.id, role, &by).await? {
            SetRole::Done | SetRole::Same => Ok(user),
            SetRole::LastOwner => Err(OrgError::LastOwner),
        }
    }

    /// Refuses to touch the role of somebody who stands above the actor.
    async fn must_outrank(
        &self,
        actor: &Actor<'_>,
        seat: &Seat,
        user: UserId,
    ) -> Result<(), OrgError> {
        if let Actor::Operator = actor {
            return Ok(());
        }
        let at = seat.project.as_ref().map(|project| project.id);
        let theirs = self.0.store.members().of_user(user).await?;
        let here = theirs.iter().find(|it| it.org_id == seat.org.id && it.role.project() == at);
        if here.is_some_and(|it| !seat.outranks(it.role)) {
            return Err(OrgError::NotAllowed("their role is above yours; ask an owner"));
        }
        Ok(())
    }

    /// A person whose credential is narrowed in no way.
    async fn whole_person(&self, actor: &Actor<'_>) -> Result<UserId, OrgError> {
        let reach = self.reach(actor).await?;
        let whole = match actor {
            Actor::Bearer(decision) if !actor.is_signed_in() => {
                self.whole_scope().is_subset(&decision.scope)
            }
            _ => true,
        };
        if !whole || reach.only.is_some() {
            return Err(OrgError::NotAllowed(
                "a token that was narrowed does not do this; sign in",
            ));
        }
        reach.user.ok_or(OrgError::NotAllowed("only a person does this; sign in"))
    }

    async fn is_visible(&self, reach: &seat::Reach, org: OrgId) -> Result<bool, OrgError> {
        Ok(reach.in_org(org).is_some() || !self.visible(reach, org).await?.is_empty())
    }

    /// The enabled projects of `org` in which there is a role, one by one.
    async fn visible(
        &self,
        reach: &seat::Reach,
        org: OrgId,
    ) -> Result<BTreeMap<ProjectId, Project>, OrgError> {
        let mut visible = BTreeMap::new();
        for id in reach.named_in(org) {
            let found = self.0.store.projects().by_id(id).await?;
            let found = found.filter(|it| it.org_id == org && it.disabled_at.is_none());
            let theirs = found.filter(|it| reach.in_project(org, it.id).is_some());
            visible.extend(theirs.map(|project| (id, project)));
        }
        Ok(visible)
    }
}

pub(crate) fn shown_org(org: Org, role: Option<OrgRole>) -> wire::Org {
    wire::Org {
        id: org.id.to_string(),
        slug: org.slug,
        name: org.name,
        plan: org.plan,
        role,
        archived_at: org.disabled_at,
    }
}

pub(crate) fn shown_project(
    project: Project,
    org: &Org,
    role: Option<ProjectRole>,
) -> wire::Project {
    wire::Project {
        id: project.id.to_string(),
        org: org.slug.clone(),
        slug: project.slug,
        name: project.name,
        role,
        archived_at: project.disabled_at,
    }
}

/// What was found, and whether one more than was asked for.
fn page<T>(mut found: Vec<T>, limit: u32, id: impl Fn(&T) -> String) -> Page<T> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(id);
    Page { items: found, next_cursor }
}

fn cursor_of<T: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<T>, OrgError> {
    cursor.map(str::parse).transpose().map_err(|_| {
        OrgError::invalid("invalid_cursor", "the cursor is not one that a list answered with")
    })
}

/// A name in addresses. It cannot look like an id, which has a `_`.
fn slug_of(text: &str) -> Result<String, OrgError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().zip(bytes.last()).is_some_and(|(a, z)| plain(*a) && plain(*z));
    if !ends || bytes.len() > MAX_SLUG || !bytes.iter().all(|b| plain(*b) || *b == b'-') {
        return Err(OrgError::invalid(
            "invalid_slug",
            "a slug has 1 to 40 lower-case letters, digits and '-', and no '-' at either end",
        ));
    }
    Ok(text.to_owned())
}
