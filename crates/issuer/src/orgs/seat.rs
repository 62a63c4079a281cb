//! Where somebody stands: an organization or a project, and what they may do there now.

use std::collections::BTreeSet;

use hallpass_core::id::{OrgId, ProjectId, TokenId, UserId};
use hallpass_core::permission::implied;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_store::{Membership, Org, Project, Role};
use hallpass_verdict::{CredentialKind, Place};

use super::OrgError;
use crate::Issuer;
use crate::live::KEY_OF_ORG;
use crate::tokens::{Actor, TokenError};

/// An organization or a project in it, and the actor's role there.
pub(crate) struct Seat {
    pub(crate) org: Org,
    pub(crate) project: Option<Project>,
    pub(crate) org_role: Option<OrgRole>,
    /// In the project; an organization's admins and owners own its projects.
    pub(crate) role: Option<ProjectRole>,
}

impl Seat {
    /// The highest role that the actor may give here, or take away.
    pub(crate) fn outranks(&self, role: Role) -> bool {
        match role {
            Role::Org(role) => self.org_role.is_some_and(|own| own >= role),
            Role::Project(_, role) => self.role.is_some_and(|own| own >= role),
        }
    }
}

/// Whose roles count, and in which projects: a token that was narrowed sees no other.
pub(super) struct Reach {
    /// `None`: a key.
    pub(super) user: Option<UserId>,
    pub(super) roles: Vec<Membership>,
    /// `None`: everywhere.
    pub(super) only: Option<BTreeSet<ProjectId>>,
}

impl Reach {
    /// The role in an organization itself, which a narrowed credential has nothing to do with.
    pub(super) fn in_org(&self, org: OrgId) -> Option<OrgRole> {
        self.only.is_none().then(|| self.org_role(org)).flatten()
    }

    /// The role in a project: given there, or brought along by the one in its organization.
    pub(super) fn in_project(&self, org: OrgId, project: ProjectId) -> Option<ProjectRole> {
        if self.only.as_ref().is_some_and(|only| !only.contains(&project)) {
            return None;
        }
        let given = self.roles.iter().find_map(|it| match it.role {
            Role::Project(id, role) if id == project => Some(role),
            _ => None,
        });
        self.org_role(org).and_then(implied).max(given)
    }

    /// Whether all projects of an organization are theirs.
    pub(super) fn all_of(&self, org: OrgId) -> bool {
        self.only.is_none() && self.org_role(org).and_then(implied).is_some()
    }

    /// The projects of an organization that may be theirs, one by one.
    pub(super) fn named_in(&self, org: OrgId) -> BTreeSet<ProjectId> {
        let given = self.roles.iter().filter(|it| it.org_id == org);
        let given = given.filter_map(|it| it.role.project());
        // Narrowed to projects that come with the organization: those are named by nothing else.
        let narrowed = self.only.iter().flatten().copied();
        given.chain(narrowed).collect()
    }

    fn org_role(&self, org: OrgId) -> Option<OrgRole> {
        self.roles.iter().find_map(|it| match it.role {
            Role::Org(role) if it.org_id == org => Some(role),
            _ => None,
        })
    }
}

impl Issuer {
    /// Whose roles count for `actor`: a person's, or the one that a key has at its place.
    pub(super) async fn reach(&self, actor: &Actor<'_>) -> Result<Reach, OrgError> {
        if let Some(reach) = self.reach_of_key(actor).await? {
            return Ok(reach);
        }
        let person = actor.person().filter(|_| actor.is_person());
        let Some((user, ..)) = person else {
            return Err(OrgError::NotAllowed(
                "a token of an older system has no say here; sign in, or present a personal token or a key",
            ));
        };
        let bounds = self.bounds_of(actor).await.map_err(|error| match error {
            TokenError::Failed(error) => OrgError::Failed(error),
            // It ended while it was looked at.
            _ => OrgError::NotAllowed("the credential has just ended; sign in again"),
        })?;
        let only = bounds.map(|it| it.projects).filter(|projects| !projects.is_empty());
        Ok(Reach {
            user: Some(user),
            roles: self.0.store.members().of_user(user).await?,
            only: only.map(|projects| projects.into_iter().collect()),
        })
    }

    /// What a key reaches: its project, or its organization, whatever else it may be given.
    async fn reach_of_key(&self, actor: &Actor<'_>) -> Result<Option<Reach>, OrgError> {
        let Actor::Bearer(decision) = actor else { return Ok(None) };
        if !matches!(decision.kind, CredentialKind::OrgKey | CredentialKind::ProjectKey) {
            return Ok(None);
        }
        let id: Option<TokenId> = decision.id.parse().ok();
        let kept = match id {
            Some(id) => self.0.store.credentials().by_id(id).await?,
            None => None,
        };
        let live = kept.filter(|kept| kept.is_key() && kept.is_live(self.now()));
        let Some((kept, org_id)) = live.and_then(|kept| kept.org_id.map(|org| (kept, org))) else {
            return Err(OrgError::NotAllowed("the key has just ended; take another"));
        };
        let role = match kept.project_id.zip(kept.role) {
            Some((project, role)) => Role::Project(project, role),
            None => Role::Org(KEY_OF_ORG),
        };
        let only = kept.project_id.map(|project| BTreeSet::from([project]));
        let (principal, created_at) = (kept.principal, kept.created_at);
        let role = Membership { principal, org_id, role, created_at };
        Ok(Some(Reach { user: None, roles: vec![role], only }))
    }

    /// Where `actor` has a role now. `Unknown` where they have none.
    pub(crate) async fn seat(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
    ) -> Result<Seat, OrgError> {
        let found = self.org_called(org).await?.ok_or(OrgError::Unknown("organization"))?;
        let project = match project {
            None => None,
            Some(slug) => {
                Some(self.project_called(&found, slug).await?.ok_or(OrgError::Unknown("project"))?)
            }
        };
        if let Actor::Operator = actor {
            let (org_role, role) = (Some(OrgRole::Owner), Some(ProjectRole::Owner));
            return Ok(Seat { org: found, project, org_role, role });
        }
        let reach = self.reach(actor).await?;
        let org_role = reach.in_org(found.id);
        let role = project.as_ref().and_then(|it| reach.in_project(found.id, it.id));
        match &project {
            None if org_role.is_none() => Err(OrgError::Unknown("organization")),
            Some(_) if role.is_none() => Err(OrgError::Unknown("project")),
            _ => Ok(Seat { org: found, project, org_role, role }),
        }
    }

    /// The same, if `permission` comes with the role there and the credential was scoped to
    /// it.
    pub(crate) async fn seat_with(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        permission: &str,
    ) -> Result<Seat, OrgError> {
        let seat = self.seat(actor, org, project).await?;
        let in_project = seat.project.is_some();
        let by_role = self.allows((in_project, seat.org_role, seat.role), permission);
        let scoped = self.is_scoped_to(actor, permission);
        match (by_role, scoped) {
            (true, true) => Ok(seat),
            (false, _) => {
                Err(OrgError::NotAllowed("your role there does not allow this; ask an owner"))
            }
            (true, false) => Err(OrgError::NotScoped),
        }
    }

    /// Whether the role at a place that was asked about comes with `permission`, whatever the
    /// credential was made for.
    pub fn role_allows(&self, place: &Place, permission: &str) -> bool {
        self.allows((place.project.is_some(), place.org_role, place.role), permission)
    }

    /// Whether the role in a project, or else in an organization, comes with `permission`.
    fn allows(
        &self,
        (in_project, org_role, role): (bool, Option<OrgRole>, Option<ProjectRole>),
        permission: &str,
    ) -> bool {
        let table = &self.0.config.brand.roles;
        match in_project {
            true => role.is_some_and(|role| table.of_project(role).contains(permission)),
            false => org_role.is_some_and(|role| table.of_org(role).contains(permission)),
        }
    }

    /// Whether the credential that acts, if one does, was scoped to `permission`.
    pub(crate) fn is_scoped_to(&self, actor: &Actor<'_>, permission: &str) -> bool {
        match actor {
            Actor::Person(_) | Actor::Operator => true,
            Actor::Bearer(decision) => decision.is_scoped_to(permission),
        }
    }

    /// An enabled organization by slug or id.
    pub(super) async fn org_called(&self, org: &str) -> Result<Option<Org>, OrgError> {
        let found = match org.parse::<OrgId>() {
            Ok(id) => self.0.store.orgs().by_id(id).await?,
            Err(_) => self.0.store.orgs().by_slug(org).await?,
        };
        Ok(found.filter(|org| org.disabled_at.is_none()))
    }

    /// An enabled project of `org` by slug or id.
    async fn project_called(&self, org: &Org, project: &str) -> Result<Option<Project>, OrgError> {
        let found = match project.parse::<ProjectId>() {
            Ok(id) => self.0.store.projects().by_id(id).await?,
            Err(_) => self.0.store.projects().by_slug(&org.slug, project).await?,
        };
        Ok(found.filter(|it| it.org_id == org.id && it.disabled_at.is_none()))
    }
}
