//! What the owners of a project do about an older system's tokens: find them, and end one.

use hallpass_core::id::TokenId;
use hallpass_core::permission::implied;
use hallpass_core::role::ProjectRole;
use hallpass_store::{Project, Role, TokenKind, User};

use crate::orgs::{OrgError, TOKENS_MANAGE};
use crate::tokens::Actor;
use crate::{Error, Issuer, Origin};

/// Projects of one person that are looked through, at most.
const LOOKED_AT: u32 = 200;
/// Why they were revoked.
const REASON: &str = "revoked by an owner of the project";

impl Issuer {
    /// The projects (`ORG/PROJECT`) that a person owns now and that still have live tokens of
    /// an older system. Costs nothing where there never was one.
    pub async fn legacy_places_of(&self, person: &User) -> Result<Vec<String>, Error> {
        let mut places = Vec::new();
        if self.legacy_move().is_none() {
            return Ok(places);
        }
        for project in self.owned_by(person).await? {
            let legacy = self.0.store.legacy();
            if !legacy.of_project(project.id, None, 1, self.now()).await?.is_empty() {
                places.push(self.place(project.id).await?);
            }
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// Revokes a legacy token of this project, for whoever manages its tokens; `false` if it
    /// has none such, or it had ended before.
    pub async fn revoke_legacy_at(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, &str),
        id: &str,
        origin: &Origin,
    ) -> Result<bool, OrgError> {
        let seat = self.seat_with(actor, org, Some(project), TOKENS_MANAGE).await?;
        let project = seat.project.ok_or(OrgError::Unknown("project"))?;
        let Ok(id) = id.parse::<TokenId>() else { return Ok(false) };
        let credentials = self.0.store.credentials();
        let kept = credentials
            .by_id(id)
            .await?
            .filter(|kept| kept.kind == TokenKind::Legacy && kept.project_id == Some(project.id));
        if kept.is_none() {
            return Ok(false);
        }
        let by = self.by(&actor.name(), None, Some(origin));
        Ok(credentials.revoke(None, id, REASON, &by).await?)
    }

    async fn owned_by(&self, person: &User) -> Result<Vec<Project>, Error> {
        let projects = self.0.store.projects();
        let mut owned = Vec::new();
        for membership in self.0.store.members().of_user(person.id).await? {
            match membership.role {
                Role::Project(id, ProjectRole::Owner) => {
                    let found = projects.by_id(id).await?;
                    owned.extend(found.filter(|project| project.disabled_at.is_none()));
                }
                Role::Org(role) if implied(role) == Some(ProjectRole::Owner) => {
                    let org = self.0.store.orgs().by_id(membership.org_id).await?;
                    if org.is_some_and(|org| org.disabled_at.is_none()) {
                        owned.extend(projects.of_org(membership.org_id, None, LOOKED_AT).await?);
                    }
                }
                _ => {}
            }
            if owned.len() >= LOOKED_AT as usize {
                break;
            }
        }
        Ok(owned)
    }
}
