//! Trust in outside issuers: policies, the ids that they have pinned, and what was exchanged.
//!
//! That a token is taken once is decided here, by one conditional statement in the transaction
//! that makes its pass: of all who bring it at once, to any process, one gets a pass. What stands
//! behind a pass is the row of its exchange ([`jobs`]).

use hallpass_core::id::{JobId, OrgId, ProjectId, TrustDeniedId, TrustId};
use hallpass_core::role::ProjectRole;
use hallpass_core::trust::Pin;
use hallpass_core::{Digest, Scope, Timestamp};

use crate::db::{Tx, binds, kept, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, audit, orgs, projects, tombstones};

pub(crate) mod jobs;
pub(crate) mod pins;
mod record;

pub use jobs::{JobGrant, JobStanding};
pub use pins::Repin;

pub use record::{NewDenied, NewTrust, TrustDenied, TrustExchange, TrustPolicy};
use record::{read_denied, read_exchange, read_policy};

/// The most policies of one issuer that are held against a token, and of one place in a list.
const MOST: i64 = 1000;
/// The most denied exchanges that are kept for an organization.
const MOST_DENIED: i64 = 500;
/// In the order of texts on any engine, after every id.
const BEYOND: &str = "z";

/// See [`Store::trust`].
#[derive(Clone, Copy)]
pub struct Trust<'s>(pub(crate) &'s Store);

/// A pass to be made for somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The policy that lets them in.
    pub policy: TrustId,
    /// By what issuer and `jti` are known together.
    pub once: Digest,
    /// Until when nobody would take that token anyway.
    pub once_until: Timestamp,
    /// Ids that they are let in with: they have to be those that are pinned, and are pinned where
    /// none is.
    pub pins: Vec<Pin>,
    /// The id that the job will have.
    pub id: JobId,
    /// The client that its pass is given to.
    pub client_id: String,
    /// The role that it has in the project, at most.
    pub role: ProjectRole,
    /// What it is narrowed to.
    pub scope: Scope,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Who it is, in short.
    pub who: String,
    /// The `sub` of the token.
    pub subject: String,
}

/// What became of an [`Admission`].
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admit {
    /// There is a pass now.
    Done(Box<JobGrant>),
    /// The token was exchanged before.
    Again,
    /// Another id was pinned meanwhile.
    OtherId,
    /// The policy, or its place, is not there any more.
    Gone,
}

impl Trust<'_> {
    /// Creates a policy. [`Error::Missing`]`("organization")` or `("project")` if there is none.
    pub async fn create(&self, new: NewTrust, by: &By) -> Result<TrustPolicy, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            orgs::hold(tx, new.org).await?;
            projects::hold(tx, new.project, new.org).await?;
            let row = binds![
                new.id,
                new.org,
                new.project,
                new.issuer,
                new.platform,
                new.conditions,
                new.pin_first_use,
                new.permissions,
                new.ttl_seconds,
                by.actor,
                by.at
            ];
            tx.execute(&CREATE, row).await?;
            for pin in &new.pins {
                pins::put(tx, new.id, pin).await?;
            }
            let detail = format!("{} {}: {}", new.org, new.project, kept(&new.words));
            audit::write(tx, &by, "trust.create", new.id, Some(&detail)).await?;
            tx.first(&BY_ID, binds![new.id], read_policy).await?.ok_or(Error::Missing("policy"))
        };
        let made = self.0.db().change(change).await?;
        self.with_pins(vec![made]).await?.pop().ok_or(Error::Missing("policy"))
    }

    /// A live policy.
    pub async fn by_id(&self, id: TrustId) -> Result<Option<TrustPolicy>, Error> {
        let found = self.0.db().first(&BY_ID, binds![id], read_policy).await?;
        Ok(self.with_pins(found.into_iter().collect()).await?.pop())
    }

    /// The live policies of one project, or else of an organization: newest first.
    pub async fn of(
        &self,
        org: OrgId,
        project: Option<ProjectId>,
    ) -> Result<Vec<TrustPolicy>, Error> {
        let found = self.0.db().all(&OF, binds![org, project, MOST], read_policy).await?;
        self.with_pins(found).await
    }

    /// The live policies for an issuer, the oldest first.
    pub async fn of_issuer(&self, issuer: &str) -> Result<Vec<TrustPolicy>, Error> {
        let found = self.0.db().all(&OF_ISSUER, binds![issuer, MOST], read_policy).await?;
        self.with_pins(found).await
    }

    async fn with_pins(&self, mut found: Vec<TrustPolicy>) -> Result<Vec<TrustPolicy>, Error> {
        for policy in &mut found {
            let read = |row: &mut crate::db::Row<'_>| {
                Ok(Pin {
                    claim: row.next()?,
                    name: row.next()?,
                    id_claim: row.next()?,
                    id: row.next()?,
                })
            };
            policy.pins = self.0.db().all(&PINS, binds![policy.id], read).await?;
        }
        Ok(found)
    }

    /// Ends a policy and every pass of it. `false` if there is none such. `settled` are alarms of the
    /// organization that are none any more.
    pub async fn revoke(
        &self,
        id: TrustId,
        settled: Vec<TrustDeniedId>,
        by: &By,
    ) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let place = |row: &mut crate::db::Row<'_>| Ok((row.next()?, row.next()?));
            let ended: Option<(OrgId, ProjectId)> =
                tx.first(&END, binds![id, by.at], place).await?;
            let Some((org, project)) = ended else {
                tombstones::wait(tx).await?;
                return Ok(false);
            };
            pins::settle(tx, &settled, org).await?;
            let mut subjects = vec![id.to_string()];
            subjects.extend(jobs::end_of_policy(tx, id, &by).await?);
            let ended = subjects.len() - 1;
            tombstones::bury(tx, &by, &subjects, None).await?;
            let detail = format!("{org} {project}: ended {ended} passes");
            audit::write(tx, &by, "trust.revoke", id, Some(&detail)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Makes a pass for whom a policy lets in, if their token was not taken before.
    pub async fn admit(&self, new: Admission, by: &By) -> Result<Admit, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let Some(policy) = tx.first(&BY_ID, binds![new.policy], read_policy).await? else {
                return Ok(Admit::Gone);
            };
            // The place before the policy, as whoever moves a project does. Ids that are seen for the
            // first time are pinned one after the other in an organization: of two jobs that bring
            // different ones through two policies, the second sees what the first has pinned.
            let first_use = pins::is_first_use(tx, policy.id, &new.pins).await?;
            for held in [
                match first_use {
                    true => orgs::take(tx, policy.org).await,
                    false => orgs::hold(tx, policy.org).await,
                },
                projects::hold(tx, policy.project, policy.org).await,
            ] {
                match held {
                    Err(Error::Missing(_)) => return Ok(Admit::Gone),
                    held => held?,
                }
            }
            // Taken: who revokes the policy ends this pass too, or this sees that it is gone. For
            // change at once, or two that share it would each wait for the other.
            if tx.first(&TAKE, binds![new.policy], read_policy).await?.is_none() {
                return Ok(Admit::Gone);
            }
            if tx.execute(&ONCE, binds![new.once, new.once_until]).await? == 0 {
                return Ok(Admit::Again);
            }
            if !pins::hold(tx, &policy, &new.pins).await? {
                return Ok(Admit::OtherId);
            }
            let row = binds![
                new.id,
                policy.id,
                policy.org,
                policy.project,
                by.at,
                new.who,
                new.subject,
                new.scope,
                new.expires_at,
                by.address,
                new.client_id,
                new.role
            ];
            tx.execute(&EXCHANGED, row).await?;
            tx.execute(&USED, binds![policy.id, by.at]).await?;
            let job = jobs::again(tx, new.id).await?;
            tx.tell(Effect::Job(job.clone()));
            let detail = format!("{} {} {}: {}", policy.org, policy.project, policy.id, job.name);
            audit::write(tx, &by, "trust.exchange", new.id, Some(&detail)).await?;
            Ok(Admit::Done(Box::new(job)))
        };
        self.0.db().change(change).await
    }

    /// Exchanges of one project, or else of an organization: after `after`, newest first.
    pub async fn exchanges(
        &self,
        org: OrgId,
        project: Option<ProjectId>,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<TrustExchange>, Error> {
        let before = after.map_or_else(|| BEYOND.to_owned(), |id| id.to_string());
        self.0.db().all(&EXCHANGES, binds![org, project, before, limit], read_exchange).await
    }

    /// Keeps an exchange that was denied, or counts it with its like. What is too much for an
    /// organization is forgotten, the oldest first. Writes no audit row.
    pub async fn deny(&self, new: NewDenied, by: &By) -> Result<(), Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let row = binds![
                new.id,
                new.org,
                new.project,
                new.fingerprint,
                by.at,
                new.issuer,
                new.who,
                new.why,
                new.alarm,
                by.address,
                new.claims
            ];
            tx.execute(&DENY, row).await?;
            tx.execute(&FORGET_MOST, binds![new.org, MOST_DENIED]).await.map(drop)
        };
        self.0.db().change(change).await
    }

    /// Denied exchanges of one project, or else of an organization, since `since`: those that were
    /// last tried before `before`, newest first. Of those that were at one time, the id says which
    /// come before.
    pub async fn denied(
        &self,
        org: OrgId,
        project: Option<ProjectId>,
        since: Timestamp,
        before: Option<(Timestamp, TrustDeniedId)>,
        limit: u32,
    ) -> Result<Vec<TrustDenied>, Error> {
        let (at, id) = match before {
            Some((at, id)) => (at, id.to_string()),
            None => (Timestamp::from_millis(i64::MAX), BEYOND.to_owned()),
        };
        let which = binds![org, project, since, at, id, limit];
        self.0.db().all(&DENIED, which, read_denied).await
    }

    /// Alarms of one project, or else of an organization, since `since`: newest first.
    pub async fn alarms(
        &self,
        org: OrgId,
        project: Option<ProjectId>,
        since: Timestamp,
    ) -> Result<Vec<TrustDenied>, Error> {
        let which = binds![org, project, since, MOST_DENIED];
        self.0.db().all(&ALARMS, which, read_denied).await
    }

    /// One denied exchange.
    pub async fn denied_by_id(&self, id: TrustDeniedId) -> Result<Option<TrustDenied>, Error> {
        self.0.db().first(&DENIED_BY_ID, binds![id], read_denied).await
    }

    /// Forgets denied exchanges from before `denied`, and others from before `exchanges`.
    pub async fn forget(&self, denied: Timestamp, exchanges: Timestamp) -> Result<(), Error> {
        let change = async move |tx: &mut Tx<'_>| {
            tx.execute(&FORGET_DENIED, binds![denied]).await?;
            tx.execute(&FORGET_EXCHANGES, binds![exchanges]).await.map(drop)
        };
        self.0.db().change(change).await
    }
}

/// What a policy is read from, with its place's slugs.
macro_rules! policy {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.org_id, o.slug, t.project_id, p.slug, t.issuer, t.platform,
                t.conditions, t.pin_first_use, t.permissions, t.ttl, t.created_by, t.created_at,
                t.last_used_at
            FROM trust_policies t JOIN orgs o ON o.id = t.org_id
            JOIN projects p ON p.id = t.project_id
            WHERE t.ended_at IS NULL AND o.disabled_at IS NULL AND p.disabled_at IS NULL AND ",
            $rest
        )
    };
}

/// What a denied exchange is read from, with its project's slug.
macro_rules! denied {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.org_id, d.project_id, p.slug, d.first_at, d.at, d.count, d.issuer,
                d.who, d.why, d.alarm, d.address, d.claims
            FROM trust_denied d LEFT JOIN projects p ON p.id = d.project_id WHERE ",
            $rest
        )
    };
}

/// Ends all policies and their passes, and answers whose they were; tombstones and audit row are
/// the caller's.
pub(crate) async fn end_all(tx: &mut Tx<'_>, by: &By) -> Result<Vec<String>, Error> {
    let policies: Vec<TrustId> = tx.all(&END_ALL, binds![by.at], |row| row.next()).await?;
    let mut ended: Vec<String> = policies.iter().map(TrustId::to_string).collect();
    for policy in policies {
        ended.extend(jobs::end_of_policy(tx, policy, by).await?);
    }
    Ok(ended)
}

statements! {
    END_ALL = "UPDATE trust_policies SET ended_at = $1 WHERE ended_at IS NULL RETURNING id";
    CREATE = "INSERT INTO trust_policies (id, org_id, project_id, issuer, platform, conditions,
            pin_first_use, permissions, ttl, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    PINS = "SELECT claim, name, id_claim, value FROM trust_pins WHERE policy_id = $1
        ORDER BY claim, name LIMIT 1000";
    BY_ID = policy!("t.id = $1");
    TAKE = policy!("t.id = $1"), postgres + "FOR UPDATE OF t";
    OF = policy!("t.org_id = $1 AND (CAST($2 AS TEXT) IS NULL OR t.project_id = $2)
        ORDER BY t.id DESC LIMIT $3");
    OF_ISSUER = policy!("t.issuer = $1 ORDER BY t.id LIMIT $2");
    END = "UPDATE trust_policies SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL
        RETURNING org_id, project_id";
    /// One conditional statement: of all who try at once, one inserts.
    ONCE = "INSERT INTO proofs (digest, until) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    EXCHANGED = "INSERT INTO trust_exchanges (id, policy_id, org_id, project_id, at, who, subject,
            scope, expires_at, address, client_id, role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    USED = "UPDATE trust_policies SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    EXCHANGES = "SELECT x.id, x.policy_id, p.slug, x.at, x.who, x.subject, x.scope, x.expires_at,
            x.ended_at, x.address
        FROM trust_exchanges x JOIN projects p ON p.id = x.project_id
        WHERE x.org_id = $1 AND (CAST($2 AS TEXT) IS NULL OR x.project_id = $2) AND x.id < $3
        ORDER BY x.id DESC LIMIT $4";
    DENY = "INSERT INTO trust_denied (id, org_id, project_id, fingerprint, first_at, at, count,
            issuer, who, why, alarm, address, claims)
        VALUES ($1, $2, $3, $4, $5, $5, 1, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (org_id, fingerprint) DO UPDATE SET at = excluded.at,
            count = trust_denied.count + 1, why = excluded.why, alarm = excluded.alarm,
            address = excluded.address, claims = excluded.claims";
    FORGET_MOST = "DELETE FROM trust_denied WHERE org_id = $1 AND id NOT IN
        (SELECT id FROM trust_denied WHERE org_id = $1 ORDER BY alarm DESC, at DESC, id LIMIT $2)";
    DENIED = denied!("d.org_id = $1 AND (CAST($2 AS TEXT) IS NULL OR d.project_id = $2)
        AND d.at >= $3 AND (d.at < $4 OR d.at = $4 AND d.id < $5)
        ORDER BY d.at DESC, d.id DESC LIMIT $6");
    ALARMS = denied!("d.org_id = $1 AND (CAST($2 AS TEXT) IS NULL OR d.project_id = $2)
        AND d.at >= $3 AND d.alarm ORDER BY d.at DESC, d.id DESC LIMIT $4");
    DENIED_BY_ID = denied!("d.id = $1");
    FORGET_DENIED = "DELETE FROM trust_denied WHERE at < $1";
    FORGET_EXCHANGES = "DELETE FROM trust_exchanges WHERE at < $1";
}
