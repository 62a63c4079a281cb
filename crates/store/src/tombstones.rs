//! What was revoked, and the epoch: a number that grows with every revocation.

use hallpass_core::Timestamp;

use crate::db::{Tx, binds, kept, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, audit};

/// See [`Store::tombstones`].
#[derive(Clone, Copy)]
pub struct Tombstones<'s>(pub(crate) &'s Store);

impl Tombstones<'_> {
    /// Revokes one JWT by its `jti`. It expires by itself at `until`.
    pub async fn revoke_jwt(&self, jti: &str, until: Timestamp, by: &By) -> Result<(), Error> {
        let (jti, by) = (jti.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            tx.tell(Effect::JwtRevoked { jti: kept(&jti), until });
            bury(tx, &by, std::slice::from_ref(&jti), Some(until)).await?;
            audit::write(tx, &by, "jwt.revoke", &jti, None).await
        };
        self.0.db().change(change).await
    }

    /// What was revoked after `epoch`, `limit` ids at most, the oldest first. To be complete up
    /// to an epoch, read that epoch before.
    pub async fn since(&self, epoch: i64, limit: u32) -> Result<Vec<String>, Error> {
        self.0.db().all(&SINCE, binds![epoch, limit], |row| row.next()).await
    }

    /// The epoch now.
    pub async fn epoch(&self) -> Result<i64, Error> {
        self.0.db().number(&EPOCH, binds![]).await
    }
}

statements! {
    EPOCH = "SELECT value FROM epoch WHERE id = 1";
    SINCE = "SELECT subject FROM tombstones WHERE epoch > $1 ORDER BY epoch, subject LIMIT $2";
    NEXT_EPOCH = "UPDATE epoch SET value = value + 1 WHERE id = 1 RETURNING value";
    BURY = "INSERT INTO tombstones (subject, epoch, at, until) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject) DO UPDATE
        SET epoch = excluded.epoch, at = excluded.at, until = excluded.until";
}

/// Marks `subjects` as revoked under the next epoch. The last thing that a change does
/// before its audit row: until it is committed, no other revocation gets an epoch.
pub(crate) async fn bury(
    tx: &mut Tx<'_>,
    by: &By,
    subjects: &[String],
    until: Option<Timestamp>,
) -> Result<(), Error> {
    let epoch = tx.first(&NEXT_EPOCH, binds![], |row| row.next()).await?.ok_or_else(lost)?;
    for subject in subjects {
        tx.execute(&BURY, binds![subject, epoch, by.at, until]).await?;
    }
    tx.narrowed(epoch, subjects);
    Ok(())
}

/// Before an answer that something had been narrowed already: lets it wait until nobody admits
/// it any more, as the answer of the change that did it.
pub(crate) async fn wait(tx: &mut Tx<'_>) -> Result<(), Error> {
    let epoch = tx.first(&EPOCH, binds![], |row| row.next()).await?.ok_or_else(lost)?;
    tx.wait_for(epoch);
    Ok(())
}

#[cold]
fn lost() -> Error {
    Error::Corrupt { what: "the table `epoch` is empty".to_owned() }
}
