//! The books: the log of changes is sealed, exported, proved and looked through.
//!
//! | module | what |
//! |---|---|
//! | `line` | how a row is written, and what is hashed and signed |
//! | `seal` | rows are chained, and the end of the chain is signed |
//! | [`verify`] | an exported log is proved, without a database |
//! | [`export`], `csv` | it goes out, portion by portion |
//! | [`denied`] | what was refused and is of interest, bounded |
//! | [`names`] | what the ids in it are called |

use hallpass_core::role::OrgRole;
use hallpass_core::wire::api::Page;
use hallpass_core::wire::audit::Row;
use hallpass_store::AuditFilter;

use crate::orgs::{MEMBERS_MANAGE, OrgError};
use crate::tokens::Actor;
use crate::{Error, Issuer};

mod csv;
pub mod denied;
pub mod export;
mod line;
pub mod names;
pub(crate) mod seal;
#[cfg(test)]
mod tests;
pub mod verify;

/// Most rows on a page.
const MAX_PAGE: u32 = 200;

/// How the books stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// The last row that is sealed; 0 if none is.
    pub sealed: i64,
    /// When its checkpoint was signed.
    pub signed_at: Option<hallpass_core::Timestamp>,
    /// Rows that wait for the sealer.
    pub unsealed: u64,
}

impl Issuer {
    /// How the books stand.
    pub async fn books(&self) -> Result<Books, Error> {
        let audit = self.0.store.audit();
        let last = audit.last_checkpoint().await?;
        Ok(Books {
            sealed: audit.head().await?.number,
            signed_at: last.map(|it| it.at),
            unsealed: audit.unsealed_count().await?,
        })
    }

    /// The newest rows that `filter` lets through; the right to see them has been asked. There
    /// may be fewer than asked for, and still a cursor to go on with.
    pub async fn audit_rows(
        &self,
        filter: &AuditFilter,
        cursor: Option<i64>,
        limit: u32,
    ) -> Result<Page<Row>, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        let filter = self.by_ids(filter).await?;
        let found = self.0.store.audit().search(&filter, cursor, limit).await?;
        let next_cursor = found.next.map(|seq| seq.to_string());
        Ok(Page { items: found.rows.iter().map(line::row).collect(), next_cursor })
    }

    /// The organization whose books `actor` may read: its owners and admins. To whoever has no
    /// role there it is not there.
    pub async fn org_of_books(
        &self,
        actor: &Actor<'_>,
        org: &str,
    ) -> Result<hallpass_store::Org, OrgError> {
        let seat = self.seat_with(actor, org, None, MEMBERS_MANAGE).await?;
        match seat.org_role {
            Some(OrgRole::Owner | OrgRole::Admin) => Ok(seat.org),
            _ => Err(OrgError::NotAllowed("its owners and admins read its log; ask one of them")),
        }
    }
}
