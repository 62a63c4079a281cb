//! Mail that waits to be sent.
//!
//! It is put here in the transaction of what it tells of, so that it is sent if that was done,
//! whenever the mail server can be reached, and not if it was not. Whoever sends takes one for
//! a while: if they die, somebody else sends it.

use hallpass_core::Timestamp;
use hallpass_core::id::MailId;

use crate::Error;
use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;

/// So many wait at most: what cannot be sent for long must not fill the disk.
pub const MOST: i64 = 5_000;

/// A mail to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// The id that it will have.
    pub id: MailId,
    /// To which address.
    pub recipient: String,
    /// Its subject; never a secret.
    pub subject: String,
    /// Its text, sealed.
    pub sealed: Vec<u8>,
}

/// A mail that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// To which address.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its text, sealed.
    pub sealed: Vec<u8>,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// See [`Store::outbox`]. It is bookkeeping: none of this writes audit rows.
#[derive(Clone, Copy)]
pub struct Outbox<'s>(pub(crate) &'s Store);

impl Outbox<'_> {
    /// Puts mails that tell of nothing that was changed.
    pub async fn put(&self, mails: &[NewMail], at: Timestamp) -> Result<(), Error> {
        let mails = mails.to_vec();
        let change = async move |tx: &mut Tx<'_>| put(tx, &mails, at).await;
        self.0.db().change(change).await
    }

    /// How many wait, and since when the oldest does.
    pub async fn waiting(&self) -> Result<(u64, Option<Timestamp>), Error> {
        let read = |row: &mut Row<'_>| Ok((row.next::<i64>()?, row.next::<Option<Timestamp>>()?));
        let (count, oldest) =
            self.0.db().first(&WAITING, binds![], read).await?.unwrap_or_default();
        Ok((count.unsigned_abs(), oldest))
    }

    /// Takes one that is due at `now`. Until `again_at` nobody else gets it.
    pub async fn take(&self, now: Timestamp, again_at: Timestamp) -> Result<Option<Mail>, Error> {
        let change =
            async move |tx: &mut Tx<'_>| tx.first(&TAKE, binds![now, again_at], read).await;
        self.0.db().change(change).await
    }

    /// It was sent, or never will be.
    pub async fn remove(&self, id: MailId) -> Result<(), Error> {
        let change = async move |tx: &mut Tx<'_>| tx.execute(&REMOVE, binds![id]).await.map(drop);
        self.0.db().change(change).await
    }

    /// It could not be sent, and is due again at `at`.
    pub async fn put_off(&self, id: MailId, at: Timestamp) -> Result<(), Error> {
        let change =
            async move |tx: &mut Tx<'_>| tx.execute(&PUT_OFF, binds![id, at]).await.map(drop);
        self.0.db().change(change).await
    }
}

statements! {
    COUNT = "SELECT COUNT(*) FROM outbox";
    WAITING = "SELECT COUNT(*), MIN(created_at) FROM outbox";
    PUT = "INSERT INTO outbox (id, recipient, subject, sealed, created_at, due_at, attempts)
        VALUES ($1, $2, $3, $4, $5, $5, 0)";
    /// `due_at` is asked twice: on PostgreSQL the inner one may have read it before somebody
    /// else took the mail, the outer one is asked again after waiting for them.
    TAKE = "UPDATE outbox SET due_at = $2, attempts = attempts + 1
        WHERE due_at <= $1 AND id =
            (SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at, id LIMIT 1)
        RETURNING id, recipient, subject, sealed, created_at, attempts";
    REMOVE = "DELETE FROM outbox WHERE id = $1";
    PUT_OFF = "UPDATE outbox SET due_at = $2 WHERE id = $1";
}

/// Puts mails, in the transaction of what they tell of. What there is no room for is not sent.
pub(crate) async fn put(tx: &mut Tx<'_>, mails: &[NewMail], at: Timestamp) -> Result<(), Error> {
    if mails.is_empty() {
        return Ok(());
    }
    let waiting: i64 = tx.first(&COUNT, binds![], |row| row.next()).await?.unwrap_or(0);
    let room = usize::try_from(MOST - waiting).unwrap_or(0);
    for mail in mails.iter().take(room) {
        let row = binds![mail.id, mail.recipient, mail.subject, mail.sealed, at];
        tx.execute(&PUT, row).await?;
    }
    Ok(())
}

fn read(row: &mut Row<'_>) -> Result<Mail, Error> {
    Ok(Mail {
        id: row.next()?,
        recipient: row.next()?,
        subject: row.next()?,
        sealed: row.next()?,
        created_at: row.next()?,
        attempts: row.next()?,
    })
}
