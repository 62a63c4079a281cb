//! What stands behind the pass of a job: the row of its exchange is its grant. The pass is a JWT
//! that names it, and is good for as long as the row says.

use hallpass_core::id::{GrantId, JobId, OrgId, ProjectId, TrustId};
use hallpass_core::role::ProjectRole;
use hallpass_core::trust::MAX_TTL;
use hallpass_core::{Scope, Timestamp};

use super::Trust;
use crate::db::{Row, Tx, Value, binds, statements};
use crate::watch::Effect;
use crate::{By, Error, audit, tombstones};

/// The grant of a job that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobGrant {
    /// The job; its grant has the same number.
    pub id: JobId,
    /// The policy that let it in.
    pub policy: TrustId,
    /// The organization.
    pub org: OrgId,
    /// The project that its pass is for.
    pub project: ProjectId,
    /// The client that the pass is given to.
    pub client_id: String,
    /// The role that it has in the project, at most.
    pub role: ProjectRole,
    /// What the pass is narrowed to.
    pub scope: Scope,
    /// Who it is, in short.
    pub name: String,
    /// When it was let in.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended before.
    pub ended_at: Option<Timestamp>,
}

impl JobGrant {
    /// As its pass names it.
    pub const fn grant(&self) -> GrantId {
        GrantId::from_bits(self.id.to_bits())
    }

    /// Whether it has neither ended nor expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// All that decides whether the pass of a job is good now, but for its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStanding {
    /// Its grant.
    pub job: JobGrant,
    /// Whether the client that holds it is disabled.
    pub client_disabled: bool,
}

impl Trust<'_> {
    /// What stands behind the pass of a job. One prepared read.
    pub async fn standing(&self, id: JobId) -> Result<Option<JobStanding>, Error> {
        let read =
            |row: &mut Row<'_>| Ok(JobStanding { job: read(row)?, client_disabled: row.next()? });
        self.0.db().first(&STANDING, binds![id], read).await
    }

    /// Ends the pass of a job. `false` if there is none such, or it has ended already.
    pub async fn end_job(&self, id: JobId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let place = |row: &mut Row<'_>| Ok((row.next()?, row.next()?));
            let ended: Option<(OrgId, ProjectId)> =
                tx.first(&END, binds![id, by.at], place).await?;
            let Some((org, project)) = ended else {
                tombstones::wait(tx).await?;
                return Ok(false);
            };
            tx.tell(Effect::GrantEnded(GrantId::from_bits(id.to_bits())));
            tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            let detail = format!("{org} {project}: given back by its job");
            audit::write(tx, &by, "trust.end", id, Some(&detail)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Those that have neither ended nor expired at `now`, for an image. What came before any
    /// that could live is not looked at: exchanges are kept for long, and ids go by time.
    pub(crate) async fn live_jobs(
        &self,
        after: Option<JobId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<JobGrant>, Error> {
        let after = after.unwrap_or_else(|| oldest_live(now)).to_string();
        self.0.db().all(&LIVE, binds![after, now, limit], read).await
    }
}

/// Before every job that could be live at `now`. Twice the longest life of a pass leaves room for
/// clocks that differ.
fn oldest_live(now: Timestamp) -> JobId {
    let millis = u128::try_from((now - 2 * MAX_TTL).millis()).unwrap_or_default();
    JobId::from_bits(millis << 80)
}

/// What a grant is read from: `trust_exchanges x`. One from before passes were JWTs has no role.
macro_rules! job {
    ($more:literal, $rest:literal) => {
        concat!(
            "SELECT x.id, x.policy_id, x.org_id, x.project_id, x.client_id, x.role, x.scope, x.who,
                x.at, x.expires_at, x.ended_at",
            $more,
            " FROM trust_exchanges x",
            $rest
        )
    };
}

statements! {
    AGAIN = job!("", " WHERE x.id = $1");
    STANDING = job!(", c.disabled_at IS NOT NULL",
        " LEFT JOIN clients c ON c.id = x.client_id WHERE x.id = $1 AND x.role IS NOT NULL");
    LIVE = job!("", " WHERE x.id > $1 AND x.role IS NOT NULL AND x.ended_at IS NULL
        AND x.expires_at > $2 ORDER BY x.id LIMIT $3");
    END = "UPDATE trust_exchanges SET ended_at = $2
        WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 RETURNING org_id, project_id";
    END_OF_POLICY = "UPDATE trust_exchanges SET ended_at = $2
        WHERE policy_id = $1 AND ended_at IS NULL AND expires_at > $2 RETURNING id";
    END_OF_PROJECT = "UPDATE trust_exchanges SET ended_at = $2
        WHERE project_id = $1 AND ended_at IS NULL AND expires_at > $2 RETURNING id";
}

/// A grant that was just made.
pub(super) async fn again(tx: &mut Tx<'_>, id: JobId) -> Result<JobGrant, Error> {
    tx.first(&AGAIN, binds![id], read).await?.ok_or(Error::Missing("job"))
}

/// Ends all passes of a policy, and answers whose they were; tombstones and audit row are the
/// caller's.
pub(super) async fn end_of_policy(
    tx: &mut Tx<'_>,
    policy: TrustId,
    by: &By,
) -> Result<Vec<String>, Error> {
    tell_ended(tx, &END_OF_POLICY, binds![policy, by.at]).await
}

/// The same, for all passes of a project.
pub(crate) async fn end_of_project(
    tx: &mut Tx<'_>,
    project: ProjectId,
    by: &By,
) -> Result<Vec<String>, Error> {
    tell_ended(tx, &END_OF_PROJECT, binds![project, by.at]).await
}

async fn tell_ended(
    tx: &mut Tx<'_>,
    statement: &'static crate::db::Statement,
    which: &[Value<'_>],
) -> Result<Vec<String>, Error> {
    let ended: Vec<JobId> = tx.all(statement, which, |row| row.next()).await?;
    ended.iter().for_each(|id| tx.tell(Effect::GrantEnded(GrantId::from_bits(id.to_bits()))));
    Ok(ended.iter().map(JobId::to_string).collect())
}

fn read(row: &mut Row<'_>) -> Result<JobGrant, Error> {
    Ok(JobGrant {
        id: row.next()?,
        policy: row.next()?,
        org: row.next()?,
        project: row.next()?,
        client_id: row.next()?,
        role: row.next()?,
        scope: row.next()?,
        name: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        ended_at: row.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_still_live_is_after_the_oldest_that_is_read() {
        let now = Timestamp::from_secs(1_800_000_000);
        let id = |at: Timestamp| {
            JobId::from_bits((u128::from(at.millis().unsigned_abs()) << 80) | 1).to_string()
        };
        let oldest = oldest_live(now).to_string();
        assert!(oldest < id(now - MAX_TTL) && oldest < id(now));
        assert!(oldest > id(now - 3 * MAX_TTL), "nor is the history");
    }
}
