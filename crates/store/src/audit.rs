//! The audit log: one row for every change, written in the same transaction.

use hallpass_core::Timestamp;
use hallpass_core::id::AuditId;

use crate::Error;
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
        let _ = (after, limit);
        todo!()
    }

    /// How many rows there are.
    pub async fn count(&self) -> Result<u64, Error> {
        todo!()
    }
}
