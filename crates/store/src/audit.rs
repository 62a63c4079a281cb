//! The audit log: one row for every change, written in the same transaction; and rows about
//! what was denied, written later ([`Audit::denied`]).
//!
//! What chains and proves it is in [`sealing`](crate::sealing).

use hallpass_core::id::{AuditId, OrgId};
use hallpass_core::{Digest, Timestamp};

use crate::db::{Row, Statement, Tx, binds, statements};
use crate::store::Store;
use crate::{Error, NewMail, mail};

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
    /// What people are told about it by mail: put into the outbox with the audit row, and not
    /// sent if nothing was changed.
    pub letters: Vec<NewMail>,
}

impl By {
    /// For another change in the same transaction: the one after this in the order of ids.
    pub(crate) fn next(&self) -> Self {
        Self {
            id: AuditId::from_bits(self.id.to_bits().wrapping_add(1)),
            letters: Vec::new(),
            ..self.clone()
        }
    }
}

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place among the rows as they were written. Gaps are possible on PostgreSQL, and a
    /// row with a lower one may be committed later.
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
    /// The organization that it happened in.
    pub org_id: Option<String>,
    /// Through which client.
    pub client_id: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// More about it, in words. Never a secret.
    pub detail: Option<String>,
    /// Its place in the chain, and the hash over it and all rows before it, once it is sealed.
    pub link: Option<(i64, Digest)>,
}

/// Which rows are looked for. What is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who did it.
    pub actor: Option<String>,
    /// What was done: `token.create`, or what that begins with: `token.`.
    pub action: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// In which organization.
    pub org: Option<OrgId>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
}

/// What was found, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFound {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// Where to go on, if there may be more: before this row.
    pub next: Option<i64>,
}

/// Something that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Who was denied: a principal's or client's id, or `anonymous`.
    pub by: By,
    /// What: `….denied`.
    pub action: &'static str,
    /// The id of what was asked about.
    pub subject: String,
    /// The organization that it would have happened in.
    pub org: Option<OrgId>,
    /// Why, in words. Never a secret.
    pub detail: String,
}

/// The audit log. See [`Store::audit`].
#[derive(Clone, Copy)]
pub struct Audit<'s>(pub(crate) &'s Store);

/// Rows that one step of a search looks at, at most, and how many steps it takes before it
/// says where to go on: a search for what is not there ends.
const STRIDE: i64 = 20_000;
const STRIDES: usize = 10;
/// Rows are written in the order of their times, but for so many at most.
const OUT_OF_ORDER: i64 = 1000;

impl Audit<'_> {
    /// Rows after `after` as they were written, at most `limit`.
    pub async fn page(&self, after: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, Error> {
        self.0.db().all(&PAGE, binds![after.unwrap_or(0), limit], read).await
    }

    /// How many rows there are.
    pub async fn count(&self) -> Result<u64, Error> {
        Ok(self.0.db().number(&COUNT, binds![]).await?.unsigned_abs())
    }

    /// The newest rows that `filter` lets through, those before the row `before` if it is
    /// given, at most `limit`. However much is looked through, it ends soon: there may be
    /// fewer rows than asked for, and still more of them.
    pub async fn search(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<AuditFound, Error> {
        let mut end = match before {
            Some(before) => before,
            None => self.end_of(filter).await?,
        };
        let mut rows = Vec::new();
        for _ in 0..STRIDES {
            let begin = match filter.org {
                // There is an index of them.
                Some(_) => 0,
                None => end.saturating_sub(STRIDE),
            };
            let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
            let asked = binds![
                begin,
                end,
                filter.actor,
                filter.action,
                filter.subject,
                filter.since,
                filter.until,
                left,
                filter.org
            ];
            let found = match filter.org {
                Some(_) => self.0.db().all(&SEARCH_ORG, asked, read).await?,
                None => self.0.db().all(&SEARCH, &asked[..8], read).await?,
            };
            rows.extend(found);
            if rows.len() >= limit as usize {
                let next = rows.last().map(|row| row.seq);
                return Ok(AuditFound { rows, next });
            }
            end = begin;
            if end <= 0 || self.is_over(filter, end).await? {
                return Ok(AuditFound { rows, next: None });
            }
        }
        Ok(AuditFound { rows, next: Some(end) })
    }

    /// Behind the last row that can be meant.
    async fn end_of(&self, filter: &AuditFilter) -> Result<i64, Error> {
        let last = match filter.until {
            None => self.0.db().number(&LAST, binds![]).await?,
            Some(until) => self.0.db().number(&LAST_BY, binds![until]).await? + OUT_OF_ORDER,
        };
        Ok(last.saturating_add(1))
    }

    /// Whether everything before this row is too old to be meant.
    async fn is_over(&self, filter: &AuditFilter, before: i64) -> Result<bool, Error> {
        let Some(since) = filter.since else { return Ok(false) };
        let first = self.0.db().number(&FIRST_SINCE, binds![since]).await?;
        Ok(first == 0 || before < first - OUT_OF_ORDER)
    }

    /// Writes down what was denied: one row each. Nothing else is changed.
    pub async fn denied(&self, all: Vec<Denied>) -> Result<(), Error> {
        let change = async move |tx: &mut Tx<'_>| {
            for it in &all {
                let org = it.org.map(|org| org.to_string());
                insert(tx, &WRITE, &it.by, it.action, &it.subject, org, Some(&it.detail)).await?;
            }
            Ok(())
        };
        self.0.db().change(change).await
    }
}

macro_rules! columns {
    () => {
        "seq, id, at, actor, action, subject, org_id, client_id, address, detail, number, hash"
    };
}
pub(crate) use columns;

/// What the first eight parameters of a search mean.
macro_rules! found {
    ($org:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM audit WHERE seq >= $1 AND seq < $2
            AND (actor = $3 OR CAST($3 AS TEXT) IS NULL)
            AND (substr(action, 1, length(CAST($4 AS TEXT))) = $4 OR CAST($4 AS TEXT) IS NULL)
            AND (subject = $5 OR CAST($5 AS TEXT) IS NULL)
            AND (at >= $6 OR CAST($6 AS BIGINT) IS NULL)
            AND (at <= $7 OR CAST($7 AS BIGINT) IS NULL)",
            $org,
            " ORDER BY seq DESC LIMIT $8"
        )
    };
}

statements! {
    PAGE = concat!("SELECT ", columns!(), " FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
    COUNT = "SELECT COUNT(*) FROM audit";
    SEARCH = found!("");
    SEARCH_ORG = found!(" AND org_id = $9");
    LAST = "SELECT COALESCE(MAX(seq), 0) FROM audit";
    LAST_BY = "SELECT seq FROM audit WHERE at <= $1 ORDER BY at DESC, seq DESC LIMIT 1";
    FIRST_SINCE = "SELECT seq FROM audit WHERE at >= $1 ORDER BY at, seq LIMIT 1";
    WRITE = "INSERT INTO audit
            (id, at, actor, action, subject, client_id, address, detail, org_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    /// Of a project, a token or an invitation: $9 is its id.
    WRITE_OF_PROJECT = "INSERT INTO audit
            (id, at, actor, action, subject, client_id, address, detail, org_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT org_id FROM projects WHERE id = $9))
        ON CONFLICT (id) DO NOTHING";
    WRITE_OF_TOKEN = "INSERT INTO audit
            (id, at, actor, action, subject, client_id, address, detail, org_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT org_id FROM credentials WHERE id = $9))
        ON CONFLICT (id) DO NOTHING";
    WRITE_OF_INVITATION = "INSERT INTO audit
            (id, at, actor, action, subject, client_id, address, detail, org_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT org_id FROM invitations WHERE id = $9))
        ON CONFLICT (id) DO NOTHING";
}

/// Writes the audit row of a change, in its transaction.
///
/// Its organization is the one that `subject` is, or that `detail` begins with, or that the
/// project, the token or the invitation belongs to.
pub(crate) async fn write(
    tx: &mut Tx<'_>,
    by: &By,
    action: &'static str,
    subject: impl ToString + Send,
    detail: Option<&str>,
) -> Result<(), Error> {
    let subject = subject.to_string();
    let named = [Some(&*subject), detail].into_iter().flatten().find_map(org_in_front);
    let (statement, org) = match subject.split('_').next() {
        _ if named.is_some() => (&WRITE, named),
        Some("prj") => (&WRITE_OF_PROJECT, Some(subject.clone())),
        Some("tok") => (&WRITE_OF_TOKEN, Some(subject.clone())),
        Some("inv") => (&WRITE_OF_INVITATION, Some(subject.clone())),
        _ => (&WRITE, None),
    };
    insert(tx, statement, by, action, &subject, org, detail).await
}

/// The id of an organization that `text` begins with.
fn org_in_front(text: &str) -> Option<String> {
    let id = text.split([' ', ':', ',', ';']).next()?;
    id.parse::<OrgId>().ok().map(|org| org.to_string())
}

async fn insert(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    by: &By,
    action: &'static str,
    subject: &str,
    org: Option<String>,
    detail: Option<&str>,
) -> Result<(), Error> {
    let row =
        binds![by.id, by.at, by.actor, action, subject, by.client_id, by.address, detail, org];
    match tx.execute(statement, row).await? {
        1 => mail::put(tx, &by.letters, by.at).await,
        // One `By` was used for two changes: neither would be told apart.
        _ => Err(Error::Conflict("the id of the audit row")),
    }
}

pub(crate) fn read(row: &mut Row<'_>) -> Result<AuditRow, Error> {
    Ok(AuditRow {
        seq: row.next()?,
        id: row.next()?,
        at: row.next()?,
        actor: row.next()?,
        action: row.next()?,
        subject: row.next()?,
        org_id: row.next()?,
        client_id: row.next()?,
        address: row.next()?,
        detail: row.next()?,
        link: row.next::<Option<i64>>()?.zip(row.next::<Option<Digest>>()?),
    })
}

#[cfg(test)]
mod tests {
    use super::org_in_front;

    #[test]
    fn a_row_is_in_the_log_of_the_organization_that_its_detail_begins_with() {
        let org = "org_01M8N3CZ4J6J3PVMGNG8TZCA2P";
        for rest in ["", " prj_1", ": x", ", x", "; kept the keys tok_1"] {
            assert_eq!(org_in_front(&format!("{org}{rest}")).as_deref(), Some(org), "{rest}");
        }
        assert_eq!(org_in_front("for org_01M8N3CZ4J6J3PVMGNG8TZCA2P"), None);
    }
}
