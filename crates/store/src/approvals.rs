//! Actions that an agent asks its owner to approve, each once.
//!
//! A row is one question about one exact action. One decision stands, and one use: each is one
//! conditional statement over the row, over its digest, and over the agent's grant as it is now.
//! So what was approved dies with the agent, and whoever asks for another action finds nothing.

use std::time::Duration;

use hallpass_core::id::{AgentId, ApprovalId, UserId};
use hallpass_core::{Digest, Timestamp};

use crate::db::{Bind, Cell, Column, Row, Tx, Value, binds, statements};
use crate::grants::good_grant;
use crate::store::Store;
use crate::{By, Decide, Error, audit};

/// How far a question has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalStatus {
    /// Nobody has decided.
    Pending,
    /// The owner said yes.
    Approved,
    /// The owner said no.
    Denied,
    /// It was done.
    Used,
}

/// A question to the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// The id that it will have.
    pub id: ApprovalId,
    /// Who asks.
    pub agent: AgentId,
    /// Whose agent that is.
    pub owner: UserId,
    /// The action in its one spelling.
    pub details: String,
    /// The digest of that.
    pub digest: Digest,
    /// What the log says of it: no more than what it is called, for it is kept for ever.
    pub summary: String,
    /// Where it will be done.
    pub resources: Vec<String>,
    /// Why, in the agent's words.
    pub reason: Option<String>,
    /// The least time between two polls.
    pub interval_secs: u32,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
}

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// Who asked.
    pub agent: AgentId,
    /// What that is called.
    pub agent_name: String,
    /// The organization and the project that it is bound to: their slugs.
    pub place: Option<(String, String)>,
    /// Whose agent that is.
    pub owner: UserId,
    /// The action in its one spelling.
    pub details: String,
    /// The digest of that.
    pub digest: Digest,
    /// Where it will be done.
    pub resources: Vec<String>,
    /// Why, in the agent's words.
    pub reason: Option<String>,
    /// The least time between two polls, now; it grows.
    pub interval_secs: u32,
    /// How far it has come.
    pub status: ApprovalStatus,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when it can be decided; once approved, used.
    pub expires_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When it was done.
    pub used_at: Option<Timestamp>,
    /// The client that did it.
    pub used_by: Option<String>,
    /// Whether the agent still runs.
    pub runs: bool,
}

impl Approval {
    /// Whether nothing can come of it any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        !self.runs || now >= self.expires_at
    }
}

/// What became of a question.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The owner is asked.
    Asked,
    /// So many wait already.
    TooMany,
    /// The agent has ended.
    Gone,
}

/// What a poll finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalPoll {
    /// Nobody has decided.
    Pending,
    /// Too early, and the interval has grown for good.
    SlowDown {
        /// The interval from now on.
        interval_secs: u32,
    },
    /// It can be done.
    Approved(Box<Approval>),
    /// The owner said no.
    Denied,
    /// Its time is over, or the agent has ended.
    Expired,
    /// It was done.
    Used,
    /// This agent asked no such thing.
    Unknown,
}

/// See [`Store::approvals`].
#[derive(Clone, Copy)]
pub struct Approvals<'s>(pub(crate) &'s Store);

impl Approvals<'_> {
    /// Asks, unless `most` questions of this agent, or of all its owner's agents, wait already.
    pub async fn ask(&self, new: NewApproval, most: (u32, u32), by: &By) -> Result<Ask, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            // Whoever asks for the same owner waits here, so that no two are the last one.
            tx.first(&HOLD, binds![new.owner], |_| Ok(())).await?;
            let running = binds![new.agent, new.owner, by.at];
            if tx.first(&RUNS, running, |_| Ok(())).await?.is_none() {
                return Ok(Ask::Gone);
            }
            let waiting = binds![new.owner, by.at, new.agent];
            let waiting = tx.first(&WAITING, waiting, |row| Ok((row.next()?, row.next()?))).await?;
            let (all, own): (u32, u32) = waiting.unwrap_or_default();
            if own >= most.0 || all >= most.1 {
                return Ok(Ask::TooMany);
            }
            let row = binds![
                new.id,
                new.agent,
                new.owner,
                new.details,
                new.digest,
                new.resources,
                new.reason,
                new.interval_secs,
                by.at,
                new.expires_at,
            ];
            tx.execute(&INSERT, row).await?;
            audit::write(tx, &by, "approval.ask", new.id, Some(&new.summary)).await?;
            Ok(Ask::Asked)
        };
        self.0.db().change(change).await
    }

    /// One, in whatever state, if it is this person's to decide.
    pub async fn one(
        &self,
        id: ApprovalId,
        owner: UserId,
        now: Timestamp,
    ) -> Result<Option<Approval>, Error> {
        self.0.db().first(&ONE, binds![id, owner, now], read).await
    }

    /// What was asked of a person since `since`: after `after` in the order of the ids, newest
    /// first, at most `limit`.
    pub async fn of_owner(
        &self,
        owner: UserId,
        after: Option<ApprovalId>,
        limit: u32,
        (now, since): (Timestamp, Timestamp),
    ) -> Result<Vec<Approval>, Error> {
        let before = after.map_or_else(|| BEYOND.to_owned(), |id| id.to_string());
        self.0.db().all(&OF_OWNER, binds![before, owner, now, since, limit], read).await
    }

    /// How many questions wait for a person.
    pub async fn waiting(&self, owner: UserId, now: Timestamp) -> Result<u64, Error> {
        let waiting = self.0.db().number(&WAITING_OF, binds![owner, now]).await?;
        Ok(waiting.unsigned_abs())
    }

    /// One poll of the agent. Writes no audit row.
    pub async fn poll(
        &self,
        id: ApprovalId,
        agent: AgentId,
        now: Timestamp,
    ) -> Result<ApprovalPoll, Error> {
        let asked = binds![id, agent, now];
        let found = self.0.db().first(&OF_AGENT, asked, read).await?;
        let Some(found) = found else { return Ok(ApprovalPoll::Unknown) };
        if let Some(answer) = decided(&found, now) {
            return Ok(answer);
        }
        // Only one that waits is written to.
        let change = async move |tx: &mut Tx<'_>| {
            let taken = tx.first(&TAKE, binds![id], |row| Ok((row.next()?, row.next()?))).await?;
            let taken: Option<(Option<Timestamp>, u32)> = taken;
            let Some((polled_at, interval_secs)) = taken else {
                // It has just been decided: the next poll says how.
                return Ok(ApprovalPoll::Pending);
            };
            let interval = Duration::from_secs(interval_secs.into());
            let early = polled_at.is_some_and(|last| now < last + interval);
            let slower = interval_secs.saturating_add(SLOWER);
            let interval_secs = if early { slower } else { interval_secs };
            tx.execute(&POLLED, binds![id, now, interval_secs]).await?;
            Ok(if early { ApprovalPoll::SlowDown { interval_secs } } else { ApprovalPoll::Pending })
        };
        self.0.db().change(change).await
    }

    /// The owner says yes to what has this digest. It can be done until `until`.
    pub async fn approve(
        &self,
        id: ApprovalId,
        owner: UserId,
        digest: Digest,
        until: Timestamp,
        by: &By,
    ) -> Result<Decide, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let which = binds![id, owner, by.at, digest, until];
            if tx.execute(&APPROVE, which).await? == 0 {
                return undecidable(tx, id, owner).await;
            }
            audit::write(tx, &by, "approval.approve", id, None).await?;
            Ok(Decide::Done)
        };
        self.0.db().change(change).await
    }

    /// The owner says no, also to what they said yes to, as long as it was not done.
    pub async fn deny(&self, id: ApprovalId, owner: UserId, by: &By) -> Result<Decide, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&DENY, binds![id, owner, by.at]).await? == 0 {
                return undecidable(tx, id, owner).await;
            }
            audit::write(tx, &by, "approval.deny", id, None).await?;
            Ok(Decide::Done)
        };
        self.0.db().change(change).await
    }

    /// Spends what was approved: of all who try at once, one is told yes, and only about the
    /// action that has this digest. `client` is who does it.
    pub async fn spend(
        &self,
        id: ApprovalId,
        digest: Digest,
        client: &str,
        by: &By,
    ) -> Result<bool, Error> {
        let (client, by) = (client.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let which = binds![id, digest, by.at, client];
            if tx.execute(&SPEND, which).await? == 0 {
                return Ok(false);
            }
            audit::write(tx, &by, "approval.use", id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }
}

/// By how many seconds the interval grows for good (CIBA Core §11).
const SLOWER: u32 = hallpass_core::wire::approvals::SLOWER;
/// Beyond every id.
const BEYOND: &str = "apr_~";

/// What is read: `approvals q`, `agents a`, and the slugs of the agent's place.
macro_rules! columns {
    ($now:literal) => {
        concat!(
            "q.id, q.agent_id, a.name, o.slug, j.slug, q.owner_id, q.details, q.digest, \
             q.resources, q.reason, q.interval_secs, q.status, q.created_at, q.expires_at, \
             q.decided_at, q.used_at, q.used_by, ",
            good_grant!("a.grant_id", $now),
            " FROM approvals q JOIN agents a ON a.id = q.agent_id
             LEFT JOIN projects j ON j.id = a.project_id LEFT JOIN orgs o ON o.id = j.org_id"
        )
    };
}

/// That the agent whose question `approvals` is runs at this time.
macro_rules! runs {
    ($now:literal) => {
        good_grant!("(SELECT a.grant_id FROM agents a WHERE a.id = approvals.agent_id)", $now)
    };
}

statements! {
    HOLD = "SELECT id FROM principals WHERE id = $1", postgres + "FOR UPDATE";
    RUNS = concat!(
        "SELECT a.id FROM agents a WHERE a.id = $1 AND a.owner_id = $2 AND ",
        good_grant!("a.grant_id", "$3")
    );
    WAITING = concat!(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN agent_id = $3 THEN 1 ELSE 0 END), 0)
        FROM approvals
        WHERE owner_id = $1 AND status = 'pending' AND expires_at > $2 AND ", runs!("$2")
    );
    WAITING_OF = concat!(
        "SELECT COUNT(*) FROM approvals
        WHERE owner_id = $1 AND status = 'pending' AND expires_at > $2 AND ", runs!("$2")
    );
    INSERT = "INSERT INTO approvals (id, agent_id, owner_id, details, digest, resources, reason,
            interval_secs, status, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10)";
    ONE = concat!("SELECT ", columns!("$3"), " WHERE q.id = $1 AND q.owner_id = $2");
    OF_AGENT = concat!("SELECT ", columns!("$3"), " WHERE q.id = $1 AND q.agent_id = $2");
    OF_OWNER = concat!(
        "SELECT ", columns!("$3"), " WHERE q.id < $1 AND q.owner_id = $2 AND q.created_at > $4
        ORDER BY q.id DESC LIMIT $5"
    );
    TAKE = "SELECT polled_at, interval_secs FROM approvals WHERE id = $1 AND status = 'pending'",
        postgres + "FOR UPDATE";
    POLLED = "UPDATE approvals SET polled_at = $2, interval_secs = $3 WHERE id = $1";
    APPROVE = concat!(
        "UPDATE approvals SET status = 'approved', decided_at = $3, expires_at = $5
        WHERE id = $1 AND owner_id = $2 AND digest = $4 AND status = 'pending'
        AND expires_at > $3 AND ", runs!("$3")
    );
    DENY = "UPDATE approvals SET status = 'denied', decided_at = $3
        WHERE id = $1 AND owner_id = $2 AND status IN ('pending', 'approved')
        AND expires_at > $3";
    STATUS = "SELECT status FROM approvals WHERE id = $1 AND owner_id = $2";
    /// One conditional statement: of all who try at once, one gets a row.
    SPEND = concat!(
        "UPDATE approvals SET status = 'used', used_at = $3, used_by = $4
        WHERE id = $1 AND digest = $2 AND status = 'approved' AND expires_at > $3 AND ",
        runs!("$3")
    );
}

/// What a poll is answered if nobody needs to decide any more.
fn decided(found: &Approval, now: Timestamp) -> Option<ApprovalPoll> {
    match found.status {
        ApprovalStatus::Used => Some(ApprovalPoll::Used),
        ApprovalStatus::Denied => Some(ApprovalPoll::Denied),
        _ if found.is_over(now) => Some(ApprovalPoll::Expired),
        ApprovalStatus::Approved => Some(ApprovalPoll::Approved(Box::new(found.clone()))),
        ApprovalStatus::Pending => None,
    }
}

/// Why there was nothing to decide.
async fn undecidable(tx: &mut Tx<'_>, id: ApprovalId, owner: UserId) -> Result<Decide, Error> {
    let status = tx.first(&STATUS, binds![id, owner], |row| row.next()).await?;
    let status: Option<ApprovalStatus> = status;
    Ok(match status {
        None | Some(ApprovalStatus::Pending) => Decide::Gone,
        Some(_) => Decide::AlreadyDecided,
    })
}

fn read(row: &mut Row<'_>) -> Result<Approval, Error> {
    let (id, agent, agent_name) = (row.next()?, row.next()?, row.next()?);
    let (org, project): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    Ok(Approval {
        id,
        agent,
        agent_name,
        place: org.zip(project),
        owner: row.next()?,
        details: row.next()?,
        digest: row.next()?,
        resources: row.next()?,
        reason: row.next()?,
        interval_secs: row.next()?,
        status: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        decided_at: row.next()?,
        used_at: row.next()?,
        used_by: row.next()?,
        runs: row.next()?,
    })
}

impl Bind for ApprovalStatus {
    fn bind(&self) -> Value<'_> {
        match self {
            Self::Pending => "pending".bind(),
            Self::Approved => "approved".bind(),
            Self::Denied => "denied".bind(),
            Self::Used => "used".bind(),
        }
    }
}

impl Column for ApprovalStatus {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("pending") => Some(Self::Pending),
            Cell::Text("approved") => Some(Self::Approved),
            Cell::Text("denied") => Some(Self::Denied),
            Cell::Text("used") => Some(Self::Used),
            _ => None,
        }
    }
}
