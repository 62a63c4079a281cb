//! Handing over: a project to another organization, an organization to another owner.
//!
//! What was bound to the old place does not act at the new one. When a project moves, roles in
//! it end, but for those of people who belong to the new organization; keys, tokens of an older
//! system and invitations that are bound to it end. A personal token that was narrowed to it
//! stays: it only ever takes away from what its owner may do there.

use hallpass_core::id::{OrgId, ProjectId, UserId};
use hallpass_core::role::OrgRole;

use crate::credentials::read_ended;
use crate::db::{Tx, binds, statements};
use crate::watch::Effect;
use crate::{
    By, Error, Members, Membership, Project, Projects, Role, audit, invitations, members, orgs,
    projects, tombstones, trust, users,
};

/// What became of an organization that was to be handed over.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// The other one is an owner now, and the first an admin.
    Done,
    /// The first one is no owner, or the other has no role in it; nothing was changed.
    Not,
}

impl Projects<'_> {
    /// Moves a project to another organization. [`Error::Conflict`]`("slug")` if that one has,
    /// or had, another project with its slug; [`Error::Missing`] if either is not there.
    pub async fn transfer(
        &self,
        id: ProjectId,
        from: OrgId,
        to: OrgId,
        by: &By,
    ) -> Result<Project, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            // In one order, whichever way it goes.
            for org in [from.min(to), from.max(to)] {
                orgs::take(tx, org).await?;
            }
            let old = projects::in_org(tx, id, from).await?;
            projects::must_be_free(tx, id, to, &old.slug).await?;
            // From here on nobody binds anything more to it until we are done.
            tx.execute(&MOVE, binds![id, to]).await?;
            let mut subjects = vec![id.to_string()];
            let ended = tx.all(&END_TOKENS, binds![id, by.at, REASON], read_ended).await?;
            for (token, digest) in ended {
                tx.tell(Effect::CredentialEnded { id: token, digest });
                subjects.push(token.to_string());
            }
            // Whom the old organization trusted is not trusted by the new one.
            tx.execute(&END_TRUST, binds![id, by.at]).await?;
            subjects.extend(trust::jobs::end_of_project(tx, id, &by).await?);
            let tokens = subjects.len() - 1;
            let invitations = invitations::end_of_project(tx, id, REASON, &by).await?;
            let gone = tx.all(&LEAVE, binds![id, to], |row| row.next::<String>()).await?;
            for principal in &gone {
                let (principal, project) = (principal.clone(), Some(id));
                tx.tell(Effect::MemberGone { principal, org: from, project });
            }
            let roles = gone.len();
            subjects.extend(gone);
            projects::give_up(tx, &old, &by).await?;
            for stays in tx.all(&STAY, binds![id, to], members::read).await? {
                let (principal, project) = (stays.principal.clone(), Some(id));
                tx.tell(Effect::MemberGone { principal, org: from, project });
                tx.tell(Effect::Member(stays));
            }
            let moved = projects::tell(tx, id).await?;
            tombstones::bury(tx, &by, &subjects, None).await?;
            let detail = format!(
                "{from} to {to}: ended {roles} roles, {tokens} tokens, {invitations} invitations"
            );
            audit::write(tx, &by, "project.transfer", id, Some(&detail)).await?;
            Ok(moved)
        };
        self.0.db().change(change).await
    }
}

impl Members<'_> {
    /// Makes one member of an organization its owner in another's place, who is an admin from
    /// then on. [`Error::Missing`] if the organization or the new owner is not there.
    pub async fn hand_over(
        &self,
        org: OrgId,
        from: UserId,
        to: UserId,
        by: &By,
    ) -> Result<HandOver, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if !users::hold(tx, to).await? {
                return Err(Error::Missing("user"));
            }
            orgs::take(tx, org).await?;
            let first = members::role_now(tx, from, org, None).await?;
            let first = first.filter(|it| it.role == Role::Org(OrgRole::Owner));
            let second = members::role_now(tx, to, org, None).await?;
            let (Some(first), Some(second)) = (first, second) else { return Ok(HandOver::Not) };
            if from == to {
                return Ok(HandOver::Not);
            }
            for (it, role) in [(second, OrgRole::Owner), (first, OrgRole::Admin)] {
                members::put(tx, Membership { role: Role::Org(role), ..it }).await?;
            }
            tombstones::bury(tx, &by, &[from.to_string(), to.to_string()], None).await?;
            let detail = format!("from {from} to {to}");
            audit::write(tx, &by, "org.transfer", org, Some(&detail)).await?;
            Ok(HandOver::Done)
        };
        self.0.db().change(change).await
    }
}

/// Why what was bound to the old place has ended.
const REASON: &str = "project transferred";

statements! {
    END_TOKENS = "UPDATE credentials SET revoked_at = $2, revoke_reason = $3
        WHERE project_id = $1 AND revoked_at IS NULL RETURNING id, digest";
    END_TRUST = "UPDATE trust_policies SET ended_at = $2
        WHERE project_id = $1 AND ended_at IS NULL";
    LEAVE = "DELETE FROM memberships WHERE project_id = $1 AND principal_id NOT IN
        (SELECT principal_id FROM memberships WHERE org_id = $2 AND project_id IS NULL)
        RETURNING principal_id";
    MOVE = "UPDATE projects SET org_id = $2 WHERE id = $1";
    STAY = "UPDATE memberships SET org_id = $2 WHERE project_id = $1
        RETURNING principal_id, org_id, project_id, role, created_at";
}
