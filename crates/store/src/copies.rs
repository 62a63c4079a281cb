//! Copies of sign-ins: a refresh token that is bound to a key was presented without it. The
//! owner is shown the last time; the log has a row for each that was noted.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::id::{GrantId, UserId};

use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, audit};

/// How long one that was noted stands for all that follow, so that whoever tries on writes
/// nothing: from the same address, and from any.
const SAME: Duration = Duration::from_secs(3600);
const ANY: Duration = Duration::from_secs(60);

/// A copy that was tried, the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The grant that it is a copy of.
    pub grant_id: GrantId,
    /// When.
    pub at: Timestamp,
    /// From where, as the server saw it.
    pub address: Option<String>,
}

/// See [`Store::copies`].
#[derive(Clone, Copy)]
pub struct Copies<'s>(pub(crate) &'s Store);

impl Copies<'_> {
    /// Notes that a copy was tried. `false`, and nothing changed: that was noted lately.
    pub async fn note(&self, grant: GrantId, by: &By) -> Result<bool, Error> {
        let known = self.0.db().first(&OF_GRANT, binds![grant], read).await?;
        if known.is_some_and(|known| stands(&known, by)) {
            return Ok(false);
        }
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let (same, any) = (by.at - SAME, by.at - ANY);
            let noted = binds![grant, by.at, by.address, same, any];
            if tx.execute(&NOTE, noted).await? == 0 {
                return Ok(false);
            }
            audit::write(tx, &by, "refresh.copy", grant, Some("presented without its key")).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Those of a user's grants.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Copied>, Error> {
        self.0.db().all(&OF_USER, binds![user], read).await
    }
}

fn stands(known: &Copied, by: &By) -> bool {
    let wait = if known.address == by.address { SAME } else { ANY };
    known.at > by.at - wait
}

statements! {
    OF_GRANT = "SELECT grant_id, at, address FROM copies WHERE grant_id = $1";
    OF_USER = "SELECT c.grant_id, c.at, c.address
        FROM copies c JOIN grants g ON g.id = c.grant_id
        WHERE g.principal_id = $1 AND g.ended_at IS NULL";
    /// Of all who are noted at once, one is.
    NOTE = "INSERT INTO copies (grant_id, at, address) VALUES ($1, $2, $3)
        ON CONFLICT (grant_id) DO UPDATE SET at = excluded.at, address = excluded.address
        WHERE copies.at <= CASE
            WHEN COALESCE(copies.address, '') = COALESCE(excluded.address, '')
            THEN CAST($4 AS BIGINT) ELSE CAST($5 AS BIGINT) END";
}

fn read(row: &mut Row<'_>) -> Result<Copied, Error> {
    Ok(Copied { grant_id: row.next()?, at: row.next()?, address: row.next()? })
}
