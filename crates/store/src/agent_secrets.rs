//! Secrets that a person keeps for their agents, sealed by whoever has the key: for one run, for
//! all that are called alike, or for all in a project.
//!
//! Nothing here can open them. What they are sealed under is a generation of a key that is not
//! in the database; a new one takes over row by row, and a row that was changed meanwhile is
//! newer already.
//!
//! What is for one run goes with it: at once if it is stopped, and soon after it has ended
//! otherwise, when nobody could read it any more.

use hallpass_core::Timestamp;
use hallpass_core::id::{AgentId, UserId};

use crate::db::{Row, Tx, binds, kept, statements};
use crate::store::Store;
use crate::{Agent, By, Error, audit};

/// A secret as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Whose.
    pub owner: UserId,
    /// Whom it is for: the first of [`SecretOf::parts`](hallpass_core::wire::agents::SecretOf::parts).
    pub kind: String,
    /// See `kind`.
    pub which: String,
    /// What it is called.
    pub name: String,
    /// Sealed.
    pub sealed: Vec<u8>,
    /// The generation of the key that it is sealed under.
    pub generation: u32,
}

/// A secret as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSecret {
    /// As in [`SealedSecret`].
    pub kind: String,
    /// See `kind`; of a project, `ORG/PROJECT`.
    pub which: String,
    /// What it is called.
    pub name: String,
    /// When it was last set.
    pub set_at: Timestamp,
    /// When an agent last read it.
    pub read_at: Option<Timestamp>,
}

/// See [`Store::agent_secrets`].
#[derive(Clone, Copy)]
pub struct AgentSecrets<'s>(pub(crate) &'s Store);

impl AgentSecrets<'_> {
    /// Keeps a secret, in the place of one of the same name for the same agents.
    /// [`Error::Conflict`]`("too many")` if its owner has `most` others already.
    pub async fn set(&self, new: SealedSecret, most: u32, by: &By) -> Result<(), Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let others = binds![new.owner, new.kind, new.which, new.name];
            let count: Option<u32> = tx.first(&COUNT, others, |row| row.next()).await?;
            if count.unwrap_or(0) >= most {
                return Err(Error::Conflict("too many"));
            }
            let row = binds![
                new.owner,
                new.kind,
                new.which,
                new.name,
                new.sealed,
                new.generation,
                by.at,
            ];
            tx.execute(&SET, row).await?;
            let detail = format!("{} for {} {}", new.name, new.kind, new.which);
            audit::write(tx, &by, "agent_secret.set", new.owner, Some(&detail)).await
        };
        self.0.db().change(change).await
    }

    /// Takes one away, named as [`AgentSecrets::of_owner`] does. `false` if there is none such.
    pub async fn remove(
        &self,
        owner: UserId,
        (kind, which): (&str, &str),
        name: &str,
        by: &By,
    ) -> Result<bool, Error> {
        let (kind, which) = (kind.to_owned(), kept(which));
        let (name, by) = (name.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&REMOVE, binds![owner, kind, which, name]).await? == 0 {
                return Ok(false);
            }
            let detail = format!("{name} for {kind} {which}");
            audit::write(tx, &by, "agent_secret.remove", owner, Some(&detail)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// A person's, without what is in them; not those of runs that are over at `now`.
    pub async fn of_owner(&self, owner: UserId, now: Timestamp) -> Result<Vec<KeptSecret>, Error> {
        self.0.db().all(&OF_OWNER, binds![owner, now], read_kept).await
    }

    /// The secret `name` of an agent: the one for this run, or else for its name, or else for its
    /// project. A child was named by its parent, so its name is nobody's. That it was read is a
    /// row of the log.
    pub async fn read(
        &self,
        agent: &Agent,
        name: &str,
        by: &By,
    ) -> Result<Option<SealedSecret>, Error> {
        let (agent, name, by) = (agent.clone(), name.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let called = agent.parent.is_none().then(|| kept(&agent.name));
            let which = binds![agent.owner, name, agent.id, called, agent.project];
            let Some(found) = tx.first(&FOR_AGENT, which, read_sealed).await? else {
                return Ok(None);
            };
            let row = binds![found.owner, found.kind, found.which, found.name, by.at];
            tx.execute(&NOTE_READ, row).await?;
            let detail = format!("{name} for {} {}", found.kind, found.which);
            audit::write(tx, &by, "agent_secret.read", agent.id, Some(&detail)).await?;
            Ok(Some(found))
        };
        self.0.db().change(change).await
    }

    /// Those that are sealed under an older generation than this, at most `limit`.
    pub async fn older_than(
        &self,
        generation: u32,
        limit: u32,
    ) -> Result<Vec<SealedSecret>, Error> {
        self.0.db().all(&OLDER, binds![generation, limit], read_sealed).await
    }

    /// Deletes what was for runs that are over. Writes no audit row: their ends have theirs.
    pub async fn forget(&self, now: Timestamp) -> Result<u64, Error> {
        self.0
            .db()
            .change(async move |tx: &mut Tx<'_>| tx.execute(&FORGET, binds![now]).await)
            .await
    }

    /// Puts what was sealed anew in the place of what it was, unless that was set meanwhile.
    /// Writes no audit row: what is in it is the same.
    pub async fn reseal(
        &self,
        old: &SealedSecret,
        sealed: Vec<u8>,
        generation: u32,
    ) -> Result<bool, Error> {
        let old = old.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let row =
                binds![old.owner, old.kind, old.which, old.name, old.sealed, sealed, generation];
            Ok(tx.execute(&RESEAL, row).await? > 0)
        };
        self.0.db().change(change).await
    }
}

/// Deletes what was for these runs, which have just been ended.
pub(crate) async fn end_with(tx: &mut Tx<'_>, above: AgentId) -> Result<(), Error> {
    tx.execute(&END_WITH, binds![above]).await.map(drop)
}

/// Whether the run that a secret is for is over at a time.
macro_rules! over {
    ($now:literal) => {
        concat!(
            "s.kind = 'run' AND NOT EXISTS (SELECT 1 FROM agents a JOIN grants g ON g.id = a.grant_id
            WHERE a.id = s.which AND g.ended_at IS NULL
            AND (g.expires_at IS NULL OR g.expires_at > ", $now, "))"
        )
    };
}

statements! {
    COUNT = "SELECT COUNT(*) FROM agent_secrets
        WHERE owner_id = $1 AND NOT (kind = $2 AND which = $3 AND name = $4)";
    SET = "INSERT INTO agent_secrets (owner_id, kind, which, name, sealed, generation, set_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (owner_id, kind, which, name) DO UPDATE
        SET sealed = excluded.sealed, generation = excluded.generation,
            set_at = excluded.set_at, read_at = NULL";
    REMOVE = "DELETE FROM agent_secrets WHERE owner_id = $1 AND kind = $2 AND name = $4
        AND (which = $3 OR kind = 'project' AND which IN (SELECT j.id FROM projects j
            JOIN orgs o ON o.id = j.org_id WHERE o.slug || '/' || j.slug = $3))";
    OF_OWNER = concat!(
        "SELECT s.kind, COALESCE(o.slug || '/' || j.slug, s.which), s.name, s.set_at, s.read_at
        FROM agent_secrets s LEFT JOIN projects j ON s.kind = 'project' AND j.id = s.which
        LEFT JOIN orgs o ON o.id = j.org_id
        WHERE s.owner_id = $1 AND NOT (", over!("$2"), ") ORDER BY s.kind, 2, s.name"
    );
    FORGET = concat!(
        "DELETE FROM agent_secrets WHERE kind = 'run' AND which IN
        (SELECT s.which FROM agent_secrets s WHERE ", over!("$1"), ")"
    );
    END_WITH = "WITH RECURSIVE tree(id) AS (
            SELECT id FROM agents WHERE id = $1
            UNION ALL SELECT a.id FROM agents a JOIN tree ON a.parent_id = tree.id)
        DELETE FROM agent_secrets WHERE kind = 'run' AND which IN (SELECT id FROM tree)";
    FOR_AGENT = "SELECT owner_id, kind, which, name, sealed, generation FROM agent_secrets
        WHERE owner_id = $1 AND name = $2 AND (kind = 'run' AND which = $3
            OR kind = 'name' AND which = CAST($4 AS TEXT)
            OR kind = 'project' AND which = CAST($5 AS TEXT))
        ORDER BY CASE kind WHEN 'run' THEN 1 WHEN 'name' THEN 2 ELSE 3 END LIMIT 1";
    NOTE_READ = "UPDATE agent_secrets SET read_at = $5
        WHERE owner_id = $1 AND kind = $2 AND which = $3 AND name = $4";
    OLDER = "SELECT owner_id, kind, which, name, sealed, generation FROM agent_secrets
        WHERE generation < $1 ORDER BY owner_id, kind, which, name LIMIT $2";
    RESEAL = "UPDATE agent_secrets SET sealed = $6, generation = $7
        WHERE owner_id = $1 AND kind = $2 AND which = $3 AND name = $4 AND sealed = $5";
}

fn read_sealed(row: &mut Row<'_>) -> Result<SealedSecret, Error> {
    Ok(SealedSecret {
        owner: row.next()?,
        kind: row.next()?,
        which: row.next()?,
        name: row.next()?,
        sealed: row.next()?,
        generation: row.next()?,
    })
}

fn read_kept(row: &mut Row<'_>) -> Result<KeptSecret, Error> {
    Ok(KeptSecret {
        kind: row.next()?,
        which: row.next()?,
        name: row.next()?,
        set_at: row.next()?,
        read_at: row.next()?,
    })
}
