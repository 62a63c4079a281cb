//! Who has been told that a credential of theirs ends.
//!
//! The mark is written in the transaction that puts the mail, so each nearness is told once,
//! whoever of several servers notices it, and whatever happens to them.

use hallpass_core::Timestamp;
use hallpass_core::id::TokenId;

use crate::credentials::{self, columns};
use crate::db::{Tx, binds, statements};
use crate::store::Store;
use crate::{Credential, Error, NewMail, mail};

/// See [`Store::reminders`]. It is bookkeeping: none of this writes audit rows.
#[derive(Clone, Copy)]
pub struct Reminders<'s>(pub(crate) &'s Store);

impl Reminders<'_> {
    /// Credentials that nobody revoked or rotated, that end between `from` and `to`, and of
    /// which it was not told yet that they are as near to their end as `days` days; the ones that
    /// end first, at most `limit`.
    pub async fn due(
        &self,
        from: Timestamp,
        to: Timestamp,
        days: u32,
        limit: u32,
    ) -> Result<Vec<Credential>, Error> {
        self.0.db().all(&DUE, binds![from, to, days, limit], credentials::read).await
    }

    /// Tells that a credential ends: puts `mails` and the mark that it was told. `false`, and
    /// nothing is put, if somebody told it before, or it does not end then any more.
    pub async fn tell(
        &self,
        id: TokenId,
        expires_at: Timestamp,
        days: u32,
        mails: &[NewMail],
        at: Timestamp,
    ) -> Result<bool, Error> {
        let mails = mails.to_vec();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&MARK, binds![id, expires_at, days]).await? == 0 {
                return Ok(false);
            }
            mail::put(tx, &mails, at).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }
}

statements! {
    DUE = concat!(
        "SELECT ", columns!(), " FROM credentials
        LEFT JOIN expiry_told e
            ON e.token_id = credentials.id AND e.expires_at = credentials.expires_at
        WHERE COALESCE(credentials.revoked_at, credentials.overlap_until, credentials.expires_at) > $1
        AND COALESCE(credentials.revoked_at, credentials.overlap_until, credentials.expires_at) <= $2
        AND credentials.revoked_at IS NULL AND credentials.overlap_until IS NULL
        AND credentials.kind IN ('personal', 'project_key', 'org_key')
        AND (e.days IS NULL OR e.days > $3)
        ORDER BY COALESCE(credentials.revoked_at, credentials.overlap_until, credentials.expires_at), credentials.id
        LIMIT $4"
    );
    /// Of all who try at once, one writes it.
    MARK = "INSERT INTO expiry_told (token_id, expires_at, days)
        SELECT id, expires_at, CAST($3 AS BIGINT) FROM credentials
        WHERE id = $1 AND expires_at = $2 AND revoked_at IS NULL AND overlap_until IS NULL
        ON CONFLICT (token_id) DO UPDATE
        SET expires_at = excluded.expires_at, days = excluded.days
        WHERE expiry_told.expires_at <> excluded.expires_at OR expiry_told.days > excluded.days";
}
