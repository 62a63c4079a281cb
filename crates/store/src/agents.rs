//! Agents: programs that a person lent a part of what they may do, as trees.
//!
//! An agent is a principal, and its grant is one of its owner's: whatever ends those ends it,
//! and whether it runs is read from there. The grant expires unless it is renewed. Below an
//! agent there may be others, which are its children for good: they never outlive it, and
//! stopping it stops all of them in one transaction. Whoever adds to a tree, or stops a part of
//! it, holds its root, so no child slips in while its parent is stopped.

use hallpass_core::id::{AgentId, GrantId, OrgId, ProjectId, TokenId, UserId};
use hallpass_core::{Scope, Timestamp};

use crate::db::{Row, Tx, binds, kept, statements};
use crate::grants::{self, good_grant};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, Grant, NewGrant, agent_secrets, audit, tombstones};

/// An agent to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAgent {
    /// Its grant, which says who it is and when it ends unless it is renewed.
    pub grant: NewGrant,
    /// The organization and the project that it is bound to.
    pub place: Option<(OrgId, ProjectId)>,
    /// For how long it is renewed, in seconds.
    pub ttl: u32,
    /// The token through which it is started, if its owner does not do it in person.
    pub broker: Option<TokenId>,
}

/// What became of an agent that was to be started.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It runs, with this grant.
    Begun(Box<Grant>),
    /// Its owner, the client or the broker's token is not good any more, or its parent has ended.
    Gone,
    /// Its parent may have no children.
    TooDeep,
    /// Its owner has as many that run as are allowed.
    TooMany,
}

/// What became of an agent that was to be renewed.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renew {
    /// It goes on, with this grant.
    Renewed(Box<Grant>),
    /// There is none such, or it has ended.
    Gone,
}

/// Through whom an agent is looked for: whatever is not found there does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Among all of this person's.
    Owner(UserId),
    /// Among those of this person's that were started through this token, and those below them.
    Broker(UserId, TokenId),
    /// Among the children of this agent, theirs, and so on.
    Below(AgentId),
    /// It itself.
    Itself,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Whose it is.
    pub owner: UserId,
    /// The organization and the project that it is bound to: their slugs.
    pub place: Option<(String, String)>,
    /// That project's id.
    pub project: Option<ProjectId>,
    /// What stands behind its tokens.
    pub grant: GrantId,
    /// The agent that started it.
    pub parent: Option<AgentId>,
    /// How many levels of agents may come below it.
    pub depth: u32,
    /// What it is called.
    pub name: String,
    /// For how long it is renewed, in seconds.
    pub ttl: u32,
    /// Who started it: [`By::actor`].
    pub started_by: String,
    /// The token through which it was started, and what that is called.
    pub broker: Option<(TokenId, String)>,
    /// What it was granted; what of it holds is asked of its owner's role.
    pub scope: Scope,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub end_reason: Option<String>,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// What it last said of itself.
    pub report: Option<String>,
    /// How far it is, in percent.
    pub progress: Option<u32>,
    /// When it said so.
    pub reported_at: Option<Timestamp>,
    /// The host that it was started on, as that said.
    pub host: Option<String>,
    /// The command that it is, as its broker said.
    pub command: Option<String>,
}

impl Agent {
    /// Whether it runs, as far as anybody knows.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

/// See [`Store::agents`].
#[derive(Clone, Copy)]
pub struct Agents<'s>(pub(crate) &'s Store);

impl Agents<'_> {
    /// Starts an agent, if its owner has fewer than `most` that run. Below a parent it ends with
    /// that at the latest.
    pub async fn begin(&self, new: NewAgent, most: u32, by: &By) -> Result<Begin, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let mut new = new.clone();
            let Some(mut agent) = new.grant.agent.clone() else { return Ok(Begin::Gone) };
            let root = match agent.parents.first() {
                None => agent.id,
                Some(parent) => {
                    let owner = new.grant.user_id;
                    let Some(root) = hold_root(tx, *parent, Whose::Owner(owner)).await? else {
                        return Ok(Begin::Gone);
                    };
                    let found = tx.first(&ROOM_BELOW, binds![parent, by.at], read_room).await?;
                    let Some((depth, expires_at)) = found else { return Ok(Begin::Gone) };
                    if depth == 0 {
                        return Ok(Begin::TooDeep);
                    }
                    agent.depth = agent.depth.min(depth - 1);
                    new.grant.expires_at =
                        [new.grant.expires_at, expires_at].into_iter().flatten().min();
                    root
                }
            };
            new.grant.agent = Some(agent.clone());
            if !grants::may_begin(tx, &new.grant, &by).await? {
                return Ok(Begin::Gone);
            }
            // Held until this is committed: whoever revokes it finds the agent.
            if let Some(broker) = new.broker
                && tx.first(&BROKER, binds![broker, by.at], |_| Ok(())).await?.is_none()
            {
                return Ok(Begin::Gone);
            }
            let running = binds![new.grant.user_id, by.at];
            let running: Option<u32> = tx.first(&RUNNING, running, |row| row.next()).await?;
            if running.unwrap_or(0) >= most {
                return Ok(Begin::TooMany);
            }
            tx.execute(&INSERT_PRINCIPAL, binds![agent.id, by.at]).await?;
            grants::insert(tx, &new.grant, &by).await?;
            let parent = agent.parents.first();
            let row = binds![
                agent.id,
                new.grant.user_id,
                agent.project,
                new.grant.id,
                parent,
                root,
                agent.depth,
                agent.name,
                new.ttl,
                by.actor,
                by.at,
                new.broker,
            ];
            tx.execute(&INSERT, row).await?;
            let place = new.place.map(|(org, project)| format!("{org} {project} "));
            let scope = &new.grant.scope;
            let detail = format!("{}{}: {scope}", place.unwrap_or_default(), kept(&agent.name));
            audit::write(tx, &by, "agent.start", agent.id, Some(&detail)).await?;
            let begun = grants::again(tx, new.grant.id).await?;
            Ok(begun.map_or(Begin::Gone, |grant| Begin::Begun(Box::new(grant))))
        };
        self.0.db().change(change).await
    }

    /// One, in whatever state.
    pub async fn one(&self, id: AgentId, whose: Whose) -> Result<Option<Agent>, Error> {
        let found = self.0.db().first(&ONE, binds![id], read).await?;
        let Some(agent) = found else { return Ok(None) };
        let theirs = match whose {
            Whose::Owner(owner) => agent.owner == owner,
            Whose::Broker(owner, broker) => {
                agent.owner == owner && agent.broker.as_ref().is_some_and(|(id, _)| *id == broker)
            }
            Whose::Itself => true,
            Whose::Below(above) => {
                self.0.db().number(&IS_BELOW, binds![id, above]).await? > 0 && id != above
            }
        };
        Ok(theirs.then_some(agent))
    }

    /// A person's agents that run at `now` or ended after `since`, all or those of one broker: after `after` in the order of
    /// their ids, newest first, at most `limit`.
    pub async fn of_owner(
        &self,
        (owner, broker): (UserId, Option<TokenId>),
        after: Option<AgentId>,
        limit: u32,
        (now, since): (Timestamp, Timestamp),
    ) -> Result<Vec<Agent>, Error> {
        let before = after.map_or_else(|| BEYOND.to_owned(), |id| id.to_string());
        let which = binds![owner, before, now, since, limit, broker];
        self.0.db().all(&OF_OWNER, which, read).await
    }

    /// Lets an agent that runs go on until `until`, or as long as its parent if that is shorter.
    pub async fn renew(
        &self,
        id: AgentId,
        whose: Whose,
        until: Timestamp,
        by: &By,
    ) -> Result<Renew, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if hold_root(tx, id, whose).await?.is_none() {
                return Ok(Renew::Gone);
            }
            let renewed = tx.first(&RENEW, binds![id, until, by.at], |row| row.next()).await?;
            let Some(grant): Option<GrantId> = renewed else { return Ok(Renew::Gone) };
            tx.execute(&SEEN, binds![id, by.at]).await?;
            let grant = grants::again(tx, grant).await?;
            let Some(grant) = grant else { return Ok(Renew::Gone) };
            tx.tell(Effect::Grant(grant.clone()));
            audit::write(tx, &by, "agent.renew", id, None).await?;
            Ok(Renew::Renewed(Box::new(grant)))
        };
        self.0.db().change(change).await
    }

    /// Stops an agent and all below it, and answers whether it was there. Whatever of them had
    /// ended before stays as it ended.
    pub async fn stop(
        &self,
        id: AgentId,
        whose: Whose,
        reason: &str,
        by: &By,
    ) -> Result<bool, Error> {
        let (reason, by) = (reason.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if hold_root(tx, id, whose).await?.is_none() {
                return Ok(false);
            }
            let ended = grants::tell_ended(tx, &STOP, binds![id, by.at, reason]).await?;
            if ended.is_empty() {
                tombstones::wait(tx).await?;
                return Ok(true);
            }
            tombstones::bury(tx, &by, &ended, None).await?;
            agent_secrets::end_with(tx, id).await?;
            let detail = format!("{reason}; ended {} of its tree", ended.len());
            audit::write(tx, &by, "agent.stop", id, Some(&detail)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Keeps what an agent says of itself. Writes no audit row.
    pub async fn report(
        &self,
        id: AgentId,
        report: &str,
        progress: Option<u32>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let report = report.to_owned();
        let change = async move |tx: &mut Tx<'_>| {
            tx.execute(&REPORT, binds![id, report, progress, at]).await.map(drop)
        };
        self.0.db().change(change).await
    }
}

/// Beyond every id.
const BEYOND: &str = "agt_~";

/// Takes the root of the tree that an agent is in, if it is found through `whose`.
async fn hold_root(tx: &mut Tx<'_>, id: AgentId, whose: Whose) -> Result<Option<AgentId>, Error> {
    let (owner, broker, above) = match whose {
        Whose::Owner(owner) => (Some(owner), None, None),
        Whose::Broker(owner, broker) => (Some(owner), Some(broker), None),
        Whose::Below(above) if above != id => (None, None, Some(above)),
        Whose::Below(_) => return Ok(None),
        Whose::Itself => (None, None, None),
    };
    let found = tx.first(&ROOT_OF, binds![id, owner, broker], |row| row.next()).await?;
    let Some(root): Option<AgentId> = found else { return Ok(None) };
    tx.first(&TAKE, binds![root], |_| Ok(())).await?;
    if let Some(above) = above {
        let below: Option<u32> = tx.first(&IS_BELOW, binds![id, above], |row| row.next()).await?;
        if below.unwrap_or(0) == 0 {
            return Ok(None);
        }
    }
    Ok(Some(root))
}

/// Ends all agents that were started through a token which was just revoked, and all below them;
/// answers their grants. Tombstones and audit row are the caller's.
pub(crate) async fn end_of_broker(
    tx: &mut Tx<'_>,
    token: TokenId,
    by: &By,
) -> Result<Vec<String>, Error> {
    // As in a stop: no child slips in meanwhile.
    tx.all(&TAKE_OF_BROKER, binds![token], |_| Ok(())).await?;
    let reason = "the token that it was started through was revoked";
    grants::tell_ended(tx, &END_OF_BROKER, binds![token, by.at, reason]).await
}

/// What was started through a token that is rotated is its successor's from now on.
pub(crate) async fn hand_over(tx: &mut Tx<'_>, old: TokenId, new: TokenId) -> Result<(), Error> {
    tx.execute(&HAND_OVER, binds![old, new]).await.map(drop)
}

/// What an agent is read from: `agents a`, `grants g`, and `projects j` and `orgs o` if it is
/// bound to a project.
macro_rules! columns {
    () => {
        "a.id, a.owner_id, o.slug, j.slug, a.project_id, a.grant_id, a.parent_id, a.depth, \
         a.name, a.ttl, a.started_by, a.broker_id, b.name, g.scope, g.created_at, g.expires_at, g.ended_at, \
         g.end_reason, a.seen_at, g.last_used_at, a.report, a.progress, a.reported_at, \
         g.reported_host, g.reported_command \
         FROM agents a JOIN grants g ON g.id = a.grant_id \
         LEFT JOIN credentials b ON b.id = a.broker_id \
         LEFT JOIN projects j ON j.id = a.project_id LEFT JOIN orgs o ON o.id = j.org_id"
    };
}

statements! {
    INSERT_PRINCIPAL = "INSERT INTO principals (id, kind, created_at) VALUES ($1, 'agent', $2)";
    INSERT = "INSERT INTO agents (id, owner_id, project_id, grant_id, parent_id, root_id, depth,
            name, ttl, started_by, seen_at, broker_id)
        SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT),
            CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS BIGINT), CAST($8 AS TEXT),
            CAST($9 AS BIGINT), CAST($10 AS TEXT), CAST($11 AS BIGINT),
            COALESCE(CAST($12 AS TEXT), (SELECT p.broker_id FROM agents p WHERE p.id = $5))";
    BROKER = "SELECT id FROM credentials WHERE id = $1 AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > $2)
        AND (overlap_until IS NULL OR overlap_until > $2)", postgres + "FOR SHARE";
    TAKE_OF_BROKER = "SELECT id FROM agents
        WHERE id IN (SELECT root_id FROM agents WHERE broker_id = $1)", postgres + "FOR UPDATE";
    END_OF_BROKER = "UPDATE grants SET ended_at = $2, end_reason = $3
        WHERE ended_at IS NULL AND id IN (SELECT grant_id FROM agents WHERE broker_id = $1)
        RETURNING id";
    HAND_OVER = "UPDATE agents SET broker_id = $2 WHERE broker_id = $1";
    ONE = concat!("SELECT ", columns!(), " WHERE a.id = $1");
    OF_OWNER = concat!(
        "SELECT ", columns!(), " WHERE a.owner_id = $1 AND a.id < $2
        AND (CAST($6 AS TEXT) IS NULL OR a.broker_id = $6)
        AND (g.ended_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > $3)
            OR COALESCE(g.ended_at, g.expires_at) > $4)
        ORDER BY a.id DESC LIMIT $5"
    );
    RUNNING = "SELECT COUNT(*) FROM agents a JOIN grants g ON g.id = a.grant_id
        WHERE a.owner_id = $1 AND g.ended_at IS NULL
        AND (g.expires_at IS NULL OR g.expires_at > $2)";
    ROOT_OF = "SELECT root_id FROM agents
        WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR owner_id = $2)
        AND (CAST($3 AS TEXT) IS NULL OR broker_id = $3)";
    TAKE = "SELECT id FROM agents WHERE id = $1", postgres + "FOR UPDATE";
    /// How many levels may come below a parent that is good now, and when that ends.
    ROOM_BELOW = concat!(
        "SELECT a.depth, k.expires_at FROM agents a JOIN grants k ON k.id = a.grant_id
        WHERE a.id = $1 AND ", good_grant!("k.id", "$2")
    );
    IS_BELOW = "WITH RECURSIVE up(id, parent_id) AS (
            SELECT id, parent_id FROM agents WHERE id = $1
            UNION ALL SELECT a.id, a.parent_id FROM agents a JOIN up ON a.id = up.parent_id)
        SELECT COUNT(*) FROM up WHERE up.id = $2";
    /// No child outlives its parent.
    RENEW = concat!(
        "UPDATE grants SET expires_at = COALESCE((SELECT p.expires_at FROM agents a
                JOIN agents b ON b.id = a.parent_id JOIN grants p ON p.id = b.grant_id
                WHERE a.id = $1 AND p.expires_at < $2), $2)
        WHERE id = (SELECT grant_id FROM agents WHERE id = $1) AND ", good_grant!("grants.id", "$3"),
        " RETURNING id"
    );
    STOP = "WITH RECURSIVE tree(id, grant_id) AS (
            SELECT id, grant_id FROM agents WHERE id = $1
            UNION ALL SELECT a.id, a.grant_id FROM agents a JOIN tree ON a.parent_id = tree.id)
        UPDATE grants SET ended_at = $2, end_reason = $3
        WHERE ended_at IS NULL AND id IN (SELECT grant_id FROM tree) RETURNING id";
    SEEN = "UPDATE agents SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
    REPORT = "UPDATE agents SET report = $2, progress = $3, reported_at = $4, seen_at = $4
        WHERE id = $1";
}

fn read_room(row: &mut Row<'_>) -> Result<(u32, Option<Timestamp>), Error> {
    Ok((row.next()?, row.next()?))
}

fn read(row: &mut Row<'_>) -> Result<Agent, Error> {
    let (id, owner) = (row.next()?, row.next()?);
    let (org, project): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let mut agent = Agent {
        id,
        owner,
        place: org.zip(project),
        project: row.next()?,
        grant: row.next()?,
        parent: row.next()?,
        depth: row.next()?,
        name: row.next()?,
        ttl: row.next()?,
        started_by: row.next()?,
        broker: row.next::<Option<TokenId>>()?.zip(row.next::<Option<String>>()?),
        scope: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        ended_at: row.next()?,
        end_reason: row.next()?,
        seen_at: row.next()?,
        report: None,
        progress: None,
        reported_at: None,
        host: None,
        command: None,
    };
    let used: Option<Timestamp> = row.next()?;
    agent.seen_at = used.map_or(agent.seen_at, |used| used.max(agent.seen_at));
    (agent.report, agent.progress, agent.reported_at) = (row.next()?, row.next()?, row.next()?);
    (agent.host, agent.command) = (row.next()?, row.next()?);
    Ok(agent)
}
