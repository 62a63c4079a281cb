//! Deleting what has been of no use for long, in small portions.

use hallpass_core::Timestamp;

use crate::credentials::read_ended;
use crate::db::{Statement, Tx, binds, statements};
use crate::watch::Effect;
use crate::{Error, Store};

statements! {
    CODES = "DELETE FROM codes WHERE digest IN
        (SELECT digest FROM codes WHERE expires_at < $1 LIMIT $2)";
    DEVICES = "DELETE FROM devices WHERE id IN
        (SELECT id FROM devices WHERE expires_at < $1 LIMIT $2)";
    APPROVALS = "DELETE FROM approvals WHERE id IN
        (SELECT id FROM approvals WHERE expires_at < $1 LIMIT $2)";
    REFRESH = "DELETE FROM refresh WHERE digest IN
        (SELECT digest FROM refresh WHERE expires_at < $1 LIMIT $2)";
    SESSIONS = "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2)";
    INVITATIONS = "DELETE FROM invitations WHERE id IN
        (SELECT id FROM invitations WHERE expires_at < $1 LIMIT $2)";
    FAILURES = "DELETE FROM failures WHERE second IN
        (SELECT second FROM failures WHERE second < CAST($1 AS BIGINT) / 1000 LIMIT $2)";
    MAILS = "DELETE FROM outbox WHERE id IN
        (SELECT id FROM outbox WHERE created_at < $1 LIMIT $2)";
    /// A legacy token stays: imported once more, it must not come back.
    TOKENS = "DELETE FROM credentials WHERE id IN
        (SELECT id FROM credentials WHERE COALESCE(revoked_at, overlap_until, expires_at) < $1
        AND kind IN ('personal', 'project_key', 'org_key') LIMIT $2) RETURNING id, digest";
}

/// Rows in one portion: other changes wait for no more than these.
const PORTION: i64 = 500;

const SWEPT: [&Statement; 8] =
    [&CODES, &DEVICES, &APPROVALS, &REFRESH, &SESSIONS, &INVITATIONS, &FAILURES, &MAILS];

impl Store {
    /// Deletes what has been of no use since `before`: codes, device codes, refresh tokens,
    /// sessions, questions of agents and invitations that expired before it, personal tokens and keys that expired or were revoked
    /// before it, and counters of failures and unsent mail from before it. Says how many rows those were.
    /// Writes no audit row.
    ///
    /// A spent secret that is deleted is merely unknown when it is presented again, and an
    /// address is known for as long as its session is kept: leave months, not minutes.
    pub async fn tidy(&self, before: Timestamp) -> Result<u64, Error> {
        let mut deleted = 0;
        for which in 0..SWEPT.len() {
            loop {
                let portion = self.tidy_portion(which, before).await?;
                deleted += portion;
                if portion < PORTION.unsigned_abs() {
                    break;
                }
            }
        }
        loop {
            let portion = self.tidy_tokens(before).await?;
            deleted += portion;
            if portion < PORTION.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }

    async fn tidy_tokens(&self, before: Timestamp) -> Result<u64, Error> {
        let change = async move |tx: &mut Tx<'_>| {
            let gone = tx.all(&TOKENS, binds![before, PORTION], read_ended).await?;
            let deleted = gone.len() as u64;
            for (id, digest) in gone {
                tx.tell(Effect::CredentialEnded { id, digest });
            }
            Ok(deleted)
        };
        self.db().change(change).await
    }

    // An index, because a change that captures a reference is not `Send` enough for rustc
    // (rust-lang/rust#110338).
    async fn tidy_portion(&self, which: usize, before: Timestamp) -> Result<u64, Error> {
        let change =
            async move |tx: &mut Tx<'_>| tx.execute(SWEPT[which], binds![before, PORTION]).await;
        self.db().change(change).await
    }
}
