//! The audit log: one row for every change, written in the same transaction.

use hallpass_core::Timestamp;
use hallpass_core::id::AuditId;

use crate::Error;
use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;

/// Who makes a change, when, and from where. Each change needs one of its own:
/// `id` becomes the id of its audit row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// The id of the audit row.
    pub id: AuditId,
    /// Now, by the database's time ([`Store::database_time`]).
    pub at: Timestamp,
    /// A principal's id (`usr_…`), a client's id, `system` or `anonymous`.
    pub actor: String,
    /// The client through which it was done.
    pub client_id: Option<String>,
    /// The address that it was done from, as the server saw it.
    pub address: Option<String>,
}

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the log. Gaps are possible on PostgreSQL.
    pub seq: i64,
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: `grant.end`, `code.spend`, …
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// Through which client.
    pub client_id: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// More about it, in words. Never a secret.
    pub detail: Option<String>,
}

/// The audit log. See [`Store::audit`].
#[derive(Clone, Copy)]
pub struct Audit<'s>(pub(crate) &'s Store);

impl Audit<'_> {
    /// Rows after `after` in their order, at most `limit`.
    pub async fn page(&self, after: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, Error> {
        self.0.db().all(&PAGE, binds![after.unwrap_or(0), limit], read).await
    }

    /// How many rows there are.
    pub async fn count(&self) -> Result<u64, Error> {
        Ok(self.0.db().number(&COUNT, binds![]).await?.unsigned_abs())
    }
}

statements! {
    PAGE = "SELECT seq, id, at, actor, action, subject, client_id, address, detail FROM audit
        WHERE seq > $1 ORDER BY seq LIMIT $2";
    COUNT = "SELECT COUNT(*) FROM audit";
    WRITE = "INSERT INTO audit (id, at, actor, action, subject, client_id, address, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
}

/// Writes the audit row of a change, in its transaction.
pub(crate) async fn write(
    tx: &mut Tx<'_>,
    by: &By,
    action: &'static str,
    subject: impl ToString + Send,
    detail: Option<&str>,
) -> Result<(), Error> {
    let subject = subject.to_string();
    let row = binds![by.id, by.at, by.actor, action, subject, by.client_id, by.address, detail];
    match tx.execute(&WRITE, row).await? {
        1 => Ok(()),
        // One `By` was used for two changes: neither would be told apart.
        _ => Err(Error::Conflict("the id of the audit row")),
    }
}

fn read(row: &mut Row<'_>) -> Result<AuditRow, Error> {
    Ok(AuditRow {
        seq: row.next()?,
        id: row.next()?,
        at: row.next()?,
        actor: row.next()?,
        action: row.next()?,
        subject: row.next()?,
        client_id: row.next()?,
        address: row.next()?,
        detail: row.next()?,
    })
}
