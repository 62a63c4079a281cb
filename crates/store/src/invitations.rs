//! Invitations: a link that gives whoever has an address a role, once.
//!
//! Whoever invites has to be allowed to when it is accepted, too: that is judged in the same
//! transaction, with the organization's roles held.

use hallpass_core::id::{InvitationId, OrgId, ProjectId, UserId};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::{Digest, Timestamp};

use crate::db::{Row, Tx, binds, kept, statements};
use crate::store::Store;
use crate::{
    By, Error, Membership, NewMail, NewUser, Role, audit, mail, members, orgs, projects,
    tombstones, users,
};

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// To which organization.
    pub org_id: OrgId,
    /// Who has this address, in its one spelling, is invited.
    pub email: String,
    /// The role that it gives, in the organization or in one of its projects.
    pub role: Role,
    /// Who invites.
    pub inviter: UserId,
    /// Whether the link was sent to the address, and shown to nobody.
    pub mailed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// An invitation to make.
#[derive(Clone)]
pub struct NewInvitation {
    /// The id that it will have.
    pub id: InvitationId,
    /// The digest of the secret in its link.
    pub digest: Digest,
    /// To which organization.
    pub org_id: OrgId,
    /// Who is invited.
    pub email: String,
    /// The role that it gives.
    pub role: Role,
    /// Who invites.
    pub inviter: UserId,
    /// Whether the link is sent to the address, and shown to nobody.
    pub mailed: bool,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// The roles of which an inviter needs one when the invitation is accepted: in the
/// organization, or in the project that it is to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entitled {
    /// In the organization.
    pub org: Vec<OrgRole>,
    /// In the project.
    pub project: Vec<ProjectRole>,
}

/// Who accepts.
#[derive(Clone)]
pub enum Guest {
    /// Somebody with an account: this one, with this address.
    Known(UserId, String),
    /// Somebody who gets one, with the address of the invitation whatever it says here.
    New(NewUser),
}

/// What became of an invitation that was accepted.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept {
    /// They have the role.
    Done(UserId),
    /// They had that role or a higher one already; the invitation is used up.
    Already(UserId),
    /// It is for another address; nothing was changed.
    NotTheirs,
    /// It was used, revoked or replaced, has expired, or whoever invites may not any more; or
    /// what it is to is not there. Nothing was changed.
    Gone,
}

/// See [`Store::invitations`].
#[derive(Clone, Copy)]
pub struct Invitations<'s>(pub(crate) &'s Store);

impl Invitations<'_> {
    /// Makes an invitation, in place of one that the same address has to the same place;
    /// `letters` bring it there.
    /// `None` if the organization has `most` open ones; [`Error::Missing`] if the place is not
    /// there.
    pub async fn create(
        &self,
        new: NewInvitation,
        letters: &[NewMail],
        most: u32,
        by: &By,
    ) -> Result<Option<Invitation>, Error> {
        let (letters, by) = (letters.to_vec(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            orgs::take(tx, new.org_id).await?;
            let project = new.role.project();
            if let Some(project) = project {
                projects::hold(tx, project, new.org_id).await?;
            }
            let open = tx.first(&COUNT, binds![new.org_id, by.at], |row| row.next::<i64>()).await?;
            if open.unwrap_or(0) >= i64::from(most) {
                return Ok(None);
            }
            let email = kept(&new.email);
            tx.execute(&REPLACE, binds![new.org_id, project, email, by.at]).await?;
            let made = Invitation {
                id: new.id,
                org_id: new.org_id,
                email,
                role: new.role,
                inviter: new.inviter,
                mailed: new.mailed,
                created_at: by.at,
                expires_at: new.expires_at,
            };
            let role = made.role.as_str();
            let row = binds![
                made.id,
                new.digest,
                made.org_id,
                project,
                made.email,
                role,
                made.inviter,
                made.mailed,
                made.created_at,
                made.expires_at
            ];
            tx.execute(&INSERT, row).await?;
            mail::put(tx, &letters, by.at).await?;
            let detail = members::detail(made.org_id, project, Some(made.role));
            audit::write(tx, &by, "invitation.create", made.id, Some(&detail)).await?;
            Ok(Some(made))
        };
        self.0.db().change(change).await
    }

    /// An open invitation by its secret.
    pub async fn by_digest(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<Invitation>, Error> {
        self.0.db().first(&BY_DIGEST, binds![digest, now], read).await
    }

    /// The open invitations to an organization, or else to one project of it, after `after` in
    /// the order of their ids, at most `limit`.
    pub async fn of(
        &self,
        org: OrgId,
        project: Option<ProjectId>,
        after: Option<InvitationId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Invitation>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&OF, binds![org, project, after, limit, now], read).await
    }

    /// Ends an open invitation to this place. `false` if there is none such.
    pub async fn revoke(
        &self,
        id: InvitationId,
        org: OrgId,
        project: Option<ProjectId>,
        by: &By,
    ) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&REVOKE, binds![id, org, project, by.at]).await? == 0 {
                return Ok(false);
            }
            let detail = members::detail(org, project, None);
            audit::write(tx, &by, "invitation.revoke", id, Some(&detail)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Spends an invitation: its guest has the role from then on, if whoever invites may still
    /// give it. Single use is the conditional statement `SPEND` and its row count.
    /// [`Error::Conflict`]`("email")` if a new account's address has one already.
    pub async fn accept(
        &self,
        digest: &Digest,
        guest: Guest,
        entitled: Entitled,
        by: &By,
    ) -> Result<Accept, Error> {
        let (digest, by) = (*digest, by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let found = tx.first(&BY_DIGEST, binds![digest, by.at], read).await?;
            let Some(found) = found else { return Ok(Accept::Gone) };
            if let Guest::Known(id, email) = &guest {
                if *email != found.email {
                    return Ok(Accept::NotTheirs);
                }
                if !users::hold(tx, *id).await? {
                    return Ok(Accept::Gone);
                }
            }
            if !users::hold(tx, found.inviter).await? {
                return Ok(Accept::Gone);
            }
            // From here on nobody changes a role in the organization.
            let project = found.role.project();
            if !is_there(tx, found.org_id, project).await?
                || !may_invite(tx, &found, &entitled).await?
                || tx.execute(&SPEND, binds![found.id, by.at]).await? == 0
            {
                return Ok(Accept::Gone);
            }
            let (user, made) = match &guest {
                Guest::Known(id, _) => (*id, false),
                Guest::New(new) => {
                    let new = NewUser { email: found.email.clone(), ..new.clone() };
                    (users::insert(tx, &new, false, &by).await?.id, true)
                }
            };
            let had = members::role_now(tx, user, found.org_id, project).await?;
            // The two are of one place, so of one kind.
            let already = had.as_ref().is_some_and(|had| had.role >= found.role);
            if !already {
                let created_at = had.map_or(by.at, |had| had.created_at);
                let (principal, org_id, role) = (user.to_string(), found.org_id, found.role);
                members::put(tx, Membership { principal, org_id, role, created_at }).await?;
                // Whoever judged them by the old role judges anew.
                tombstones::bury(tx, &by, &[user.to_string()], None).await?;
            }
            let place = members::detail(found.org_id, project, Some(found.role));
            let account = if made { ", with a new account" } else { "" };
            let detail = format!("{place}, {user}{account}");
            audit::write(tx, &by, "invitation.accept", found.id, Some(&detail)).await?;
            Ok(if already { Accept::Already(user) } else { Accept::Done(user) })
        };
        self.0.db().change(change).await
    }
}

/// Takes the organization; whether the place is there and not archived.
async fn is_there(tx: &mut Tx<'_>, org: OrgId, project: Option<ProjectId>) -> Result<bool, Error> {
    let missing = |answer| match answer {
        Ok(()) => Ok(true),
        Err(Error::Missing(_)) => Ok(false),
        Err(other) => Err(other),
    };
    if !missing(orgs::take(tx, org).await)? {
        return Ok(false);
    }
    match project {
        Some(project) => missing(projects::hold(tx, project, org).await),
        None => Ok(true),
    }
}

/// Whether the inviter has one of the roles that it takes.
async fn may_invite(
    tx: &mut Tx<'_>,
    invitation: &Invitation,
    entitled: &Entitled,
) -> Result<bool, Error> {
    let Invitation { inviter, org_id, role, .. } = invitation;
    let in_org = members::role_now(tx, *inviter, *org_id, None).await?;
    if matches!(in_org, Some(it) if matches!(it.role, Role::Org(has) if entitled.org.contains(&has)))
    {
        return Ok(true);
    }
    let Some(project) = role.project() else { return Ok(false) };
    let there = members::role_now(tx, *inviter, *org_id, Some(project)).await?;
    Ok(matches!(there, Some(it)
        if matches!(it.role, Role::Project(_, has) if entitled.project.contains(&has))))
}

/// Ends the open invitations to a project, and says how many; all but the rows is the caller's.
pub(crate) async fn end_of_project(
    tx: &mut Tx<'_>,
    project: ProjectId,
    reason: &str,
    by: &By,
) -> Result<u64, Error> {
    tx.execute(&END_OF_PROJECT, binds![project, by.at, reason]).await
}

/// Ends the open invitations of somebody who is removed: to the organization and all of its
/// projects, or to one of these. Says how many; all but the rows is the caller's.
pub(crate) async fn end_of_person(
    tx: &mut Tx<'_>,
    email: &str,
    (org, project): (OrgId, Option<ProjectId>),
    reason: &str,
    by: &By,
) -> Result<u64, Error> {
    tx.execute(&END_OF_PERSON, binds![org, project, kept(email), by.at, reason]).await
}

/// Ends all open invitations, and says how many; all but the rows is the caller's.
pub(crate) async fn end_all(tx: &mut Tx<'_>, reason: &str, by: &By) -> Result<u64, Error> {
    tx.execute(&END_ALL, binds![by.at, reason]).await
}

macro_rules! columns {
    () => {
        "id, org_id, project_id, email, role, inviter_id, mailed, created_at, expires_at"
    };
}

/// Where: the organization itself if `$2`, the project, is null.
macro_rules! there {
    ($org:literal, $project:literal) => {
        concat!(
            "org_id = ",
            $org,
            " AND (project_id = ",
            $project,
            " OR (project_id IS NULL AND CAST(",
            $project,
            " AS TEXT) IS NULL))"
        )
    };
}

statements! {
    INSERT = "INSERT INTO invitations (id, digest, org_id, project_id, email, role, inviter_id,
            mailed, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    REPLACE = concat!(
        "UPDATE invitations SET ended_at = $4, end_reason = 'replaced' WHERE ",
        there!("$1", "$2"), " AND email = $3 AND ended_at IS NULL"
    );
    COUNT = "SELECT COUNT(*) FROM invitations
        WHERE org_id = $1 AND ended_at IS NULL AND expires_at > $2";
    BY_DIGEST = concat!(
        "SELECT ", columns!(), " FROM invitations
        WHERE digest = $1 AND ended_at IS NULL AND expires_at > $2"
    );
    OF = concat!(
        "SELECT ", columns!(), " FROM invitations WHERE ", there!("$1", "$2"),
        " AND id > $3 AND ended_at IS NULL AND expires_at > $5 ORDER BY id LIMIT $4"
    );
    REVOKE = concat!(
        "UPDATE invitations SET ended_at = $4, end_reason = 'revoked' WHERE id = $1 AND ",
        there!("$2", "$3"), " AND ended_at IS NULL AND expires_at > $4"
    );
    SPEND = "UPDATE invitations SET ended_at = $2, end_reason = 'accepted'
        WHERE id = $1 AND ended_at IS NULL AND expires_at > $2";
    END_ALL = "UPDATE invitations SET ended_at = $1, end_reason = $2
        WHERE ended_at IS NULL AND expires_at > $1";
    END_OF_PERSON = "UPDATE invitations SET ended_at = $4, end_reason = $5
        WHERE org_id = $1 AND (CAST($2 AS TEXT) IS NULL OR project_id = $2) AND email = $3
        AND ended_at IS NULL AND expires_at > $4";
    END_OF_PROJECT = "UPDATE invitations SET ended_at = $2, end_reason = $3
        WHERE project_id = $1 AND ended_at IS NULL";
}

fn read(row: &mut Row<'_>) -> Result<Invitation, Error> {
    let (id, org_id, project) = (row.next()?, row.next()?, row.next::<Option<ProjectId>>()?);
    let email = row.next()?;
    let role = match project {
        None => Role::Org(row.next()?),
        Some(project) => Role::Project(project, row.next()?),
    };
    Ok(Invitation {
        id,
        org_id,
        email,
        role,
        inviter: row.next()?,
        mailed: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
    })
}
