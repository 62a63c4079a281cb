//! What somebody may do at a place now, whole: for pages, which show what is allowed and
//! nothing else. Whatever is done there is judged anew.

use hallpass_core::permission::Permissions;
use hallpass_core::wire::tokens as wire;
use hallpass_store::User;

use super::{OrgError, shown_org, shown_project};
use crate::Issuer;
use crate::tokens::Actor;

/// An organization or a project, and what somebody who is signed in may do there now.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The organization, with the role in it: none if there are only roles in its projects.
    pub org: wire::Org,
    /// The project, with the role in it.
    pub project: Option<wire::Project>,
    in_org: Permissions,
    in_project: Permissions,
}

impl Standing {
    /// Whether the role in the organization allows it there.
    pub fn may_in_org(&self, permission: &str) -> bool {
        self.in_org.contains(permission)
    }

    /// Whether the role in the project allows it there.
    pub fn may_in_project(&self, permission: &str) -> bool {
        self.in_project.contains(permission)
    }
}

impl Issuer {
    /// Where a person stands who is signed in. `Unknown` where they have no role, neither in
    /// the organization nor, if no project is named, in one of its projects.
    pub async fn standing_at(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
    ) -> Result<Standing, OrgError> {
        let table = &self.0.config.brand.roles;
        if project.is_none() {
            let org = self.org(actor, org).await?;
            let in_org = org.role.map(|role| table.of_org(role)).unwrap_or_default();
            return Ok(Standing { org, project: None, in_org, in_project: Permissions::new() });
        }
        let seat = self.seat(actor, org, project).await?;
        let in_org = seat.org_role.map(|role| table.of_org(role)).unwrap_or_default();
        let in_project = seat.role.map(|role| table.of_project(role)).unwrap_or_default();
        let project = seat.project.ok_or(OrgError::Unknown("project"))?;
        let project = shown_project(project, &seat.org, seat.role);
        let org = shown_org(seat.org, seat.org_role);
        Ok(Standing { org, project: Some(project), in_org, in_project })
    }

    /// Whether a person was given a role at this very place: one in a project that comes with
    /// the organization is none.
    pub async fn has_own_role(
        &self,
        user: &User,
        org: &str,
        project: Option<&str>,
    ) -> Result<bool, OrgError> {
        let seat = self.seat(&Actor::Person(user), org, project).await?;
        let at = seat.project.map(|project| project.id);
        let roles = self.0.store.members().of_user(user.id).await?;
        Ok(roles.iter().any(|it| it.org_id == seat.org.id && it.role.project() == at))
    }
}
