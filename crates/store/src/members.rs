//! Who has which role in an organization and in its projects.

use hallpass_core::Timestamp;
use hallpass_core::id::{OrgId, ProjectId, UserId};
use hallpass_core::role::{OrgRole, ProjectRole};

use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, User, audit, invitations, keys, orgs, projects, tombstones, users};

/// A role, and where in the organization it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// In the organization itself.
    Org(OrgRole),
    /// In one of its projects.
    Project(ProjectId, ProjectRole),
}

impl Role {
    /// The project that it is in, if it is not in the organization itself.
    pub const fn project(self) -> Option<ProjectId> {
        match self {
            Self::Org(_) => None,
            Self::Project(project, _) => Some(project),
        }
    }

    /// As stored and spoken.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Org(role) => role.as_str(),
            Self::Project(_, role) => role.as_str(),
        }
    }
}

/// Somebody's role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who: the id of a principal, `usr_…` for a person.
    pub principal: String,
    /// In which organization.
    pub org_id: OrgId,
    /// Which role, and whether it is in one of its projects.
    pub role: Role,
    /// Since when they have a role there.
    pub created_at: Timestamp,
}

/// What became of a role that was to be given.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetRole {
    /// They have it.
    Done,
    /// They had it already; nothing was changed.
    Same,
    /// They are the last owner of the organization and stay it; nothing was changed.
    LastOwner,
}

/// What became of a role that was to be taken away.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveRole {
    /// They have none there any more.
    Done,
    /// They had none there.
    None,
    /// They are the last owner of the organization and stay it; nothing was changed.
    LastOwner,
    /// They made keys there that are live, and nobody said what becomes of those; nothing was
    /// changed.
    KeysMade,
}

/// What becomes of the keys that somebody made, when they leave. Keys belong to their place, so
/// none of the two goes without saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysMade {
    /// Nobody said.
    NotAsked,
    /// They stay, as keys of the place.
    Keep,
    /// They end with the role.
    Revoke,
}

/// See [`Store::members`].
#[derive(Clone, Copy)]
pub struct Members<'s>(pub(crate) &'s Store);

impl Members<'_> {
    /// Gives a user a role in an organization or one of its projects, in place of the one that
    /// they have there. [`Error::Missing`]`("user")`, `("organization")` or `("project")` if
    /// there is none such, or it is disabled.
    pub async fn set(
        &self,
        user: UserId,
        org: OrgId,
        role: Role,
        by: &By,
    ) -> Result<SetRole, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if !users::hold(tx, user).await? {
                return Err(Error::Missing("user"));
            }
            orgs::take(tx, org).await?;
            if let Some(project) = role.project() {
                projects::hold(tx, project, org).await?;
            }
            let had = role_now(tx, user, org, role.project()).await?;
            if had.as_ref().is_some_and(|had| had.role == role) {
                return Ok(SetRole::Same);
            }
            let owned = had.as_ref().is_some_and(|had| had.role == Role::Org(OrgRole::Owner));
            if owned && !others_own(tx, user, org).await? {
                return Ok(SetRole::LastOwner);
            }
            let created_at = had.map_or(by.at, |had| had.created_at);
            let membership =
                Membership { principal: user.to_string(), org_id: org, role, created_at };
            put(tx, membership).await?;
            // Whoever judged them by the old role judges anew: a wider one counts at once, too.
            tombstones::bury(tx, &by, &[user.to_string()], None).await?;
            let detail = detail(org, role.project(), Some(role));
            audit::write(tx, &by, "member.set", user, Some(&detail)).await?;
            Ok(SetRole::Done)
        };
        self.0.db().change(change).await
    }

    /// Takes away the role that a user has in an organization, or else in one project of it.
    /// Roles in projects stay when the one in the organization goes, and so do the keys that
    /// they made.
    pub async fn remove(
        &self,
        user: UserId,
        org: OrgId,
        project: Option<ProjectId>,
        by: &By,
    ) -> Result<RemoveRole, Error> {
        self.leave(user, org, project, KeysMade::Keep, by).await
    }

    /// The same, with a word about the live keys there that they made. The audit row says what
    /// became of them.
    pub async fn leave(
        &self,
        user: UserId,
        org: OrgId,
        project: Option<ProjectId>,
        made: KeysMade,
        by: &By,
    ) -> Result<RemoveRole, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            orgs::take(tx, org).await?;
            let Some(had) = role_now(tx, user, org, project).await? else {
                tombstones::wait(tx).await?;
                return Ok(RemoveRole::None);
            };
            let owned = had.role == Role::Org(OrgRole::Owner);
            if owned && !others_own(tx, user, org).await? {
                return Ok(RemoveRole::LastOwner);
            }
            let Some(left) = keys::left_by(tx, user, Some((org, project)), made, &by).await? else {
                return Ok(RemoveRole::KeysMade);
            };
            tx.execute(&REMOVE, binds![user, org, project]).await?;
            // Whoever is removed does not come back by a link that was sent before.
            let open = match users::find(tx, user).await? {
                Some(gone) => {
                    let reason = "they were removed";
                    invitations::end_of_person(tx, &gone.email, (org, project), reason, &by).await?
                }
                None => 0,
            };
            tx.tell(Effect::MemberGone { principal: user.to_string(), org, project });
            let subjects: Vec<String> =
                [user.to_string()].into_iter().chain(left.ended()).collect();
            tombstones::bury(tx, &by, &subjects, None).await?;
            let mut detail = detail(org, project, None);
            detail.push_str(&left.words);
            if open > 0 {
                detail.push_str(&format!("; ended {open} open invitations"));
            }
            audit::write(tx, &by, "member.remove", user, Some(&detail)).await?;
            Ok(RemoveRole::Done)
        };
        self.0.db().change(change).await
    }

    /// Who has a role in the organization, or else in one project of it: users after `after`
    /// in the order of their ids, at most `limit`. Disabled ones are among them.
    pub async fn of(
        &self,
        org: OrgId,
        project: Option<ProjectId>,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<(User, Role)>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&OF, binds![org, project, after, limit], read_with_user).await
    }

    /// Roles of a user where nothing is archived: neither the organization nor the project.
    pub async fn live_of_user(&self, user: UserId) -> Result<Vec<Membership>, Error> {
        self.0.db().all(&LIVE_OF_PRINCIPAL, binds![user], read).await
    }

    /// All roles of a user, in organizations and projects, disabled ones included.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, Error> {
        let mut all = self.0.db().all(&OF_PRINCIPAL, binds![user], read).await?;
        all.sort_unstable_by_key(|it| (it.org_id, it.role.project()));
        Ok(all)
    }
}

macro_rules! columns {
    () => {
        "m.principal_id, m.org_id, m.project_id, m.role, m.created_at"
    };
}
pub(crate) use columns;

/// Where: the organization itself if `$3` is null, or else a project of it.
macro_rules! there {
    () => {
        "org_id = $2 AND (project_id = $3 OR (project_id IS NULL AND CAST($3 AS TEXT) IS NULL))"
    };
}

statements! {
    NOW = concat!(
        "SELECT ", columns!(), " FROM memberships m WHERE principal_id = $1 AND ", there!()
    );
    REMOVE = concat!("DELETE FROM memberships WHERE principal_id = $1 AND ", there!());
    INSERT = "INSERT INTO memberships (principal_id, org_id, project_id, role, created_at)
        VALUES ($1, $2, $3, $4, $5)";
    CHANGE = concat!("UPDATE memberships SET role = $4 WHERE principal_id = $1 AND ", there!());
    OTHER_OWNER = "SELECT m.principal_id FROM memberships m
        JOIN principals p ON p.id = m.principal_id
        WHERE m.org_id = $1 AND m.project_id IS NULL AND m.role = 'owner'
        AND m.principal_id <> $2 AND p.disabled_at IS NULL LIMIT 1";
    OF = concat!(
        "SELECT ", columns!(), ", ", users::columns!(), " FROM memberships m
        JOIN users u ON u.id = m.principal_id JOIN principals p ON p.id = m.principal_id
        WHERE m.org_id = $1
        AND (m.project_id = $2 OR (m.project_id IS NULL AND CAST($2 AS TEXT) IS NULL))
        AND m.principal_id > $3 ORDER BY m.principal_id LIMIT $4"
    );
    OF_PRINCIPAL = concat!(
        "SELECT ", columns!(), " FROM memberships m WHERE m.principal_id = $1"
    );
    LIVE_OF_PRINCIPAL = concat!(
        "SELECT ", columns!(), " FROM memberships m JOIN orgs o ON o.id = m.org_id
        LEFT JOIN projects j ON j.id = m.project_id
        WHERE m.principal_id = $1 AND o.disabled_at IS NULL AND j.disabled_at IS NULL"
    );
}

/// The role that a user has at one place.
pub(crate) async fn role_now(
    tx: &mut Tx<'_>,
    user: UserId,
    org: OrgId,
    project: Option<ProjectId>,
) -> Result<Option<Membership>, Error> {
    tx.first(&NOW, binds![user, org, project], read).await
}

/// Whether somebody else owns the organization and can do so: is not disabled. The
/// organization is [taken](orgs::take), so it stays so.
pub(crate) async fn others_own(tx: &mut Tx<'_>, user: UserId, org: OrgId) -> Result<bool, Error> {
    Ok(tx.first(&OTHER_OWNER, binds![org, user], |_| Ok(())).await?.is_some())
}

/// Keeps a role, whatever was there before; all but the row is the caller's.
pub(crate) async fn put(tx: &mut Tx<'_>, new: Membership) -> Result<(), Error> {
    let (project, role) = (new.role.project(), new.role.as_str());
    let there = binds![new.principal, new.org_id, project, role];
    if tx.execute(&CHANGE, there).await? == 0 {
        let row = binds![new.principal, new.org_id, project, role, new.created_at];
        tx.execute(&INSERT, row).await?;
    }
    tx.tell(Effect::Member(new));
    Ok(())
}

/// Where, and which role, in words.
pub(crate) fn detail(org: OrgId, project: Option<ProjectId>, role: Option<Role>) -> String {
    let mut text = org.to_string();
    if let Some(project) = project {
        text.push_str(&format!(" {project}"));
    }
    if let Some(role) = role {
        text.push_str(&format!(": {}", role.as_str()));
    }
    text
}

pub(crate) fn read(row: &mut Row<'_>) -> Result<Membership, Error> {
    let (principal, org_id, project) = (row.next()?, row.next()?, row.next::<Option<ProjectId>>()?);
    let role = match project {
        None => Role::Org(row.next()?),
        Some(project) => Role::Project(project, row.next()?),
    };
    Ok(Membership { principal, org_id, role, created_at: row.next()? })
}

/// A membership that a `LEFT JOIN` may not have found.
pub(crate) fn read_optional(row: &mut Row<'_>) -> Result<Option<Membership>, Error> {
    let Some(principal) = row.next()? else { return Ok(None) };
    let (org_id, project) = (row.next()?, row.next::<Option<ProjectId>>()?);
    let role = match project {
        None => Role::Org(row.next()?),
        Some(project) => Role::Project(project, row.next()?),
    };
    Ok(Some(Membership { principal, org_id, role, created_at: row.next()? }))
}

fn read_with_user(row: &mut Row<'_>) -> Result<(User, Role), Error> {
    let membership = read(row)?;
    Ok((users::read(row)?, membership.role))
}
