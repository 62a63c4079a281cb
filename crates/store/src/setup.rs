//! The one-time setup code, which makes the first administrator.

use hallpass_core::Digest;

use crate::db::{Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, NewUser, audit, local, users};

/// What became of a setup code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The first administrator now exists.
    Claimed,
    /// It is not the code.
    Wrong,
    /// There is a user already; no setup code is good any more.
    AlreadySetUp,
}

/// See [`Store::setup`].
#[derive(Clone, Copy)]
pub struct Setup<'s>(pub(crate) &'s Store);

impl Setup<'_> {
    /// Keeps `code` as the one setup code while there is no user; does nothing once
    /// there is one. Writes no audit row.
    pub async fn begin(&self, code: &Digest) -> Result<(), Error> {
        let code = *code;
        let change = async move |tx: &mut Tx<'_>| {
            if nobody(tx).await? {
                tx.execute(&BEGIN, binds![hex(&code)]).await?;
            }
            Ok(())
        };
        self.0.db().change(change).await
    }

    /// Whether there is no user yet, or nobody has taken the local user's place.
    pub async fn needed(&self) -> Result<bool, Error> {
        Ok(self.0.db().first(&ANYBODY, binds![], |_| Ok(())).await?.is_none())
    }

    /// Spends the setup code and creates the first user, who is an administrator
    /// whatever [`NewUser::admin`] says. With the local user's id they take that one's place.
    pub async fn claim(&self, code: &Digest, new: NewUser, by: &By) -> Result<Claim, Error> {
        let (code, by) = (*code, by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let spent = tx.execute(&SPEND, binds![hex(&code)]).await?;
            if !nobody(tx).await? {
                return Ok(Claim::AlreadySetUp);
            }
            if spent == 0 {
                return Ok(Claim::Wrong);
            }
            let (user, detail) = match local::adopt(tx, &new, &by).await? {
                Some((user, ended)) => (user, Some(ended)),
                None => (users::insert(tx, &new, true, &by).await?, None),
            };
            audit::write(tx, &by, "setup.claim", user.id, detail.as_deref()).await?;
            Ok(Claim::Claimed)
        };
        self.0.db().change(change).await
    }
}

statements! {
    ANYBODY = "SELECT id FROM users
        WHERE NOT EXISTS (SELECT 1 FROM settings WHERE key = 'local.user') LIMIT 1";
    BEGIN = "INSERT INTO settings (key, value) VALUES ('setup.code', $1)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    SPEND = "DELETE FROM settings WHERE key = 'setup.code' AND value = $1";
    END = "DELETE FROM settings WHERE key = 'setup.code'";
}

/// Whether nobody has an account. True also while the local user is there, whoever else has one:
/// nobody administers the server yet.
pub(crate) async fn nobody(tx: &mut Tx<'_>) -> Result<bool, Error> {
    Ok(tx.first(&ANYBODY, binds![], |_| Ok(())).await?.is_none())
}

/// Ends the setup code: somebody exists, or is about to.
pub(crate) async fn end(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.execute(&END, binds![]).await.map(drop)
}

fn hex(digest: &Digest) -> String {
    use std::fmt::Write;
    digest.as_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
