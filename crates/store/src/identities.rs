//! Who somebody is whom an outside issuer signs in: issuer and subject together, byte for byte.

use hallpass_core::id::UserId;

use crate::db::{Tx, binds, kept, statements};
use crate::store::Store;
use crate::{By, Error, NewUser, audit, users};

/// Somebody, as an outside issuer knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The issuer identifier.
    pub issuer: String,
    /// Who they are there.
    pub subject: String,
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// The identity is this user's from now on.
    Done,
    /// It was before.
    Same,
    /// There is no such user.
    Unknown,
}

/// See [`Store::identities`].
#[derive(Clone, Copy)]
pub struct Identities<'s>(pub(crate) &'s Store);

impl Identities<'_> {
    /// Whose an identity is.
    pub async fn whose(&self, identity: &Identity) -> Result<Option<UserId>, Error> {
        let which = binds![identity.issuer, identity.subject];
        self.0.db().first(&WHOSE, which, |row| row.next()).await
    }

    /// Whose an identity is; at its first coming a user is made as `new`, with `other` for an
    /// e-mail address if the one in `new` is somebody's already: an address is no proof of who
    /// somebody is (OIDC Core §5.7).
    pub async fn admit(
        &self,
        identity: &Identity,
        new: NewUser,
        other: &str,
        by: &By,
    ) -> Result<UserId, Error> {
        let (identity, other, by) = (identity.clone(), other.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let which = binds![identity.issuer, identity.subject];
            if let Some(known) = tx.first(&WHOSE, which, |row| row.next()).await? {
                return Ok(known);
            }
            let mut new = new.clone();
            if !users::is_free(tx, &new.email).await? {
                new.email.clone_from(&other);
            }
            let user = users::insert(tx, &new, false, &by).await?;
            put(tx, &identity, user.id, &by).await?;
            let detail = said(&identity);
            audit::write(tx, &by, "identity.admit", user.id, Some(&detail)).await?;
            Ok(user.id)
        };
        self.0.db().change(change).await
    }

    /// From now on the identity is this user's, whoever's it was.
    pub async fn link(&self, identity: &Identity, user: UserId, by: &By) -> Result<Linked, Error> {
        let (identity, by) = (identity.clone(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if users::find(tx, user).await?.is_none() {
                return Ok(Linked::Unknown);
            }
            let which = binds![identity.issuer, identity.subject];
            let known = tx.first(&WHOSE, which, |row| row.next::<UserId>()).await?;
            if known == Some(user) {
                return Ok(Linked::Same);
            }
            put(tx, &identity, user, &by).await?;
            audit::write(tx, &by, "identity.link", user, Some(&said(&identity))).await?;
            Ok(Linked::Done)
        };
        self.0.db().change(change).await
    }
}

statements! {
    WHOSE = "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2";
    PUT = "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (issuer, subject) DO UPDATE
        SET user_id = excluded.user_id, created_at = excluded.created_at";
}

async fn put(tx: &mut Tx<'_>, identity: &Identity, user: UserId, by: &By) -> Result<(), Error> {
    let (issuer, subject) = (kept(&identity.issuer), kept(&identity.subject));
    tx.execute(&PUT, binds![issuer, subject, user, by.at]).await.map(drop)
}

fn said(identity: &Identity) -> String {
    format!("{} at {}", identity.subject, identity.issuer)
}
