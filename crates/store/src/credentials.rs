//! Long-lived credentials: personal tokens, here; tokens of an older system in
//! [`legacy`](crate::legacy); how one token takes over from another in
//! [`rotation`](crate::rotation).

use std::time::Duration;

use hallpass_core::id::{TokenId, UserId};
use hallpass_core::{Digest, Timestamp};

use crate::db::{Tx, binds, kept, statements};
use crate::others::{self, Act};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, NewMail, agents, audit, grants, mail, members, tombstones, users};

mod record;

use record::read_facts;
pub use record::{Credential, Facts, NewToken, TokenKind};
pub(crate) use record::{read, read_ended};

/// Why a token was revoked that somebody found where it should not be.
pub const LEAKED: &str = "leaked";
/// For how long its owner is shown that a token leaked.
const LEAK_SHOWN: Duration = Duration::from_secs(30 * 86_400);
/// Rows that are touched in one transaction, at most.
const PORTION: usize = 256;

/// See [`Store::credentials`].
#[derive(Clone, Copy)]
pub struct Credentials<'s>(pub(crate) &'s Store);

impl Credentials<'_> {
    /// Creates a personal token and its grant. [`Error::Conflict`]`("name")` if a live token
    /// of the owner has this name, [`Error::Missing`]`("user")` if the owner does not exist or
    /// is disabled.
    pub async fn create(&self, new: NewToken, by: &By) -> Result<Credential, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let created = new.to_credential(&by);
            keep(tx, &created, &by).await?;
            let owner = &created.principal;
            let detail = (by.actor != *owner).then(|| format!("for {owner}"));
            audit::write(tx, &by, "token.create", created.id, detail.as_deref()).await?;
            Ok(created)
        };
        self.0.db().change(change).await
    }

    /// By id, in whatever state it is.
    pub async fn by_id(&self, id: TokenId) -> Result<Option<Credential>, Error> {
        self.0.db().first(&BY_ID, binds![id], read).await
    }

    /// All that decides what a credential may do now. One prepared read.
    pub async fn facts(&self, digest: &Digest) -> Result<Option<Facts>, Error> {
        let mut rows = self.0.db().all(&FACTS, binds![digest], read_facts).await?.into_iter();
        let Some((credential, user, first)) = rows.next() else { return Ok(None) };
        let memberships = first.into_iter().chain(rows.filter_map(|(_, _, more)| more)).collect();
        Ok(Some(Facts { credential, user, memberships }))
    }

    /// A user's personal tokens that are live at `now`, and those that leaked in the 30 days
    /// before: after `after` in the order of their ids, newest first, at most `limit`.
    pub async fn of_user(
        &self,
        user: UserId,
        after: Option<TokenId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Credential>, Error> {
        let before = after.map_or_else(|| BEYOND.to_owned(), |id| id.to_string());
        let leaked_after = now - LEAK_SHOWN;
        self.0.db().all(&OF_USER, binds![user, before, now, leaked_after, limit], read).await
    }

    /// Gives a live token another name. `None` if the owner has no such live token, or it was
    /// rotated: the name is its successor's. [`Error::Conflict`]`("name")` if another live one
    /// has this name.
    pub async fn rename(
        &self,
        owner: UserId,
        id: TokenId,
        name: &str,
        by: &By,
    ) -> Result<Option<Credential>, Error> {
        let (name, by) = (kept(name), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            // Taken, so that nobody gives this name to another of theirs meanwhile.
            if !users::take(tx, owner).await? {
                return Ok(None);
            }
            let Some(mut token) = take(tx, owner, id, by.at).await? else { return Ok(None) };
            if token.name == name {
                return Ok(Some(token));
            }
            if tx.first(&NAMED, binds![owner, name], |_| Ok(())).await?.is_some() {
                free_name(tx, &token.principal, &name, by.at).await?;
            }
            tx.execute(&RENAME, binds![id, name]).await?;
            let detail = others::note(tx, &token, Act::Renamed, &name, &by).await?;
            audit::write(tx, &by, "token.rename", id, Some(&detail)).await?;
            token.name.clone_from(&name);
            tx.tell(Effect::Credential(token.clone()));
            Ok(Some(token))
        };
        self.0.db().change(change).await
    }

    /// Gives a live token another end. `None` if the owner has no such live token, or it was
    /// rotated: what has ended stays ended.
    pub async fn set_expiry(
        &self,
        owner: UserId,
        id: TokenId,
        expires_at: Option<Timestamp>,
        by: &By,
    ) -> Result<Option<Credential>, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let Some(mut token) = take(tx, owner, id, by.at).await? else { return Ok(None) };
            let was = std::mem::replace(&mut token.expires_at, expires_at);
            if was == expires_at {
                return Ok(Some(token));
            }
            tx.execute(&SET_EXPIRY, binds![id, expires_at]).await?;
            grants::set_expiry_of_token(tx, &token).await?;
            tx.tell(Effect::Credential(token.clone()));
            if expires_at.is_some_and(|now| was.is_none_or(|was| now < was)) {
                tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            }
            let until = expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
            let detail = others::note(tx, &token, Act::EndChanged, &until, &by).await?;
            audit::write(tx, &by, "token.set_expiry", id, Some(&detail)).await?;
            Ok(Some(token))
        };
        self.0.db().change(change).await
    }

    /// Revokes a credential of any kind, if it is this owner's where one is named. `false` if
    /// there is none such, or it was revoked already.
    pub async fn revoke(
        &self,
        owner: Option<UserId>,
        id: TokenId,
        reason: &str,
        by: &By,
    ) -> Result<bool, Error> {
        let (reason, by) = (reason.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let which = binds![id, owner, by.at, reason];
            let Some(revoked) = tx.first(&REVOKE, which, read).await? else {
                tombstones::wait(tx).await?;
                return Ok(false);
            };
            end(tx, &revoked, &by).await?;
            let detail = others::note(tx, &revoked, Act::Revoked, &reason, &by).await?;
            let action = if revoked.is_key() { "key.revoke" } else { "token.revoke" };
            audit::write(tx, &by, action, id, Some(&detail)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Revokes a live credential because somebody who should not have its text does; `source`
    /// says who told, in words, and `mails` tell whose it is. `None` if there is none such, or
    /// it has ended already; then nobody is told.
    pub async fn revoke_leaked(
        &self,
        digest: &Digest,
        source: &str,
        mails: &[NewMail],
        by: &By,
    ) -> Result<Option<Credential>, Error> {
        let (digest, source, by) = (*digest, source.to_owned(), by.clone());
        let mails = mails.to_vec();
        let change = async move |tx: &mut Tx<'_>| {
            let which = binds![digest, by.at, LEAKED];
            let Some(revoked) = tx.first(&REVOKE_LEAKED, which, read).await? else {
                tombstones::wait(tx).await?;
                return Ok(None);
            };
            mail::put(tx, &mails, by.at).await?;
            end(tx, &revoked, &by).await?;
            let action = if revoked.is_key() { "key.leaked" } else { "token.leaked" };
            audit::write(tx, &by, action, revoked.id, Some(&source)).await?;
            Ok(Some(revoked))
        };
        self.0.db().change(change).await
    }

    /// Notes when, and from which address, credentials were last used; never moves a note
    /// back. Writes no audit row.
    pub async fn touch(&self, used: &[(TokenId, Timestamp, Option<String>)]) -> Result<(), Error> {
        let mut used = used.to_vec();
        // In one order, so that two of these do not wait for each other.
        used.sort_unstable();
        for portion in used.chunks(PORTION) {
            let portion = portion.to_vec();
            let change = async move |tx: &mut Tx<'_>| {
                for (id, at, address) in &portion {
                    tx.execute(&TOUCH, binds![id, at, address]).await?;
                }
                Ok(())
            };
            self.0.db().change(change).await?;
        }
        Ok(())
    }
}

/// In the order of texts on any engine, after every id of a token.
pub(crate) const BEYOND: &str = "tok_Z";

/// What a credential is read from: `credentials`.
macro_rules! columns {
    () => {
        "credentials.id, credentials.kind, credentials.digest, credentials.prefix, \
         credentials.last_four, credentials.principal_id, credentials.org_id, \
         credentials.project_id, credentials.role, credentials.grant_id, credentials.name, \
         credentials.scope, credentials.projects, credentials.created_by, \
         credentials.created_at, credentials.expires_at, credentials.last_used_at, \
         credentials.last_used_address, credentials.rotated_from, credentials.overlap_until, \
         credentials.revoked_at, credentials.revoke_reason"
    };
}
pub(crate) use columns;

/// A condition on `credentials`: [`Credential::is_live`] at this time.
macro_rules! live {
    ($now:literal) => {
        concat!(
            "credentials.revoked_at IS NULL AND (credentials.overlap_until IS NULL OR credentials.overlap_until > ",
            $now,
            ") AND (credentials.expires_at IS NULL OR credentials.expires_at > ",
            $now,
            ")"
        )
    };
}
pub(crate) use live;

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM credentials WHERE credentials.id = $1");
    FACTS = concat!(
        "SELECT ", columns!(), ", ", users::columns!(), ", ", members::columns!(), "
        FROM credentials
        LEFT JOIN users u ON u.id = credentials.principal_id
        LEFT JOIN principals p ON p.id = u.id
        LEFT JOIN memberships m ON m.principal_id = credentials.principal_id
        WHERE credentials.digest = $1"
    );
    OF_USER = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.principal_id = $1 AND credentials.kind = 'personal' AND credentials.id < $2 AND ((",
        live!("$3"),
        ") OR (credentials.revoke_reason = 'leaked' AND credentials.revoked_at > $4))
        ORDER BY credentials.id DESC LIMIT $5"
    );
    /// One live token of a name: of all who try at once, one gets a row.
    INSERT = "INSERT INTO credentials (id, kind, digest, prefix, last_four, principal_id, org_id,
            project_id, role, grant_id, name, scope, projects, created_by, created_at, expires_at,
            rotated_from)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT (principal_id, name)
            WHERE kind = 'personal' AND revoked_at IS NULL AND overlap_until IS NULL
        DO NOTHING";
    NAMED = "SELECT id FROM credentials WHERE principal_id = $1 AND name = $2
        AND kind = 'personal' AND revoked_at IS NULL AND overlap_until IS NULL";
    FREE_NAME = "UPDATE credentials SET revoked_at = $3, revoke_reason = 'expired'
        WHERE principal_id = $1 AND name = $2
        AND kind = 'personal' AND revoked_at IS NULL AND overlap_until IS NULL
        AND expires_at <= $3 RETURNING id, digest";
    TAKE = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.id = $1 AND credentials.principal_id = $2 AND credentials.kind = 'personal'
        AND credentials.overlap_until IS NULL AND ", live!("$3")
    ), postgres + "FOR UPDATE";
    RENAME = "UPDATE credentials SET name = $2 WHERE id = $1";
    SET_EXPIRY = "UPDATE credentials SET expires_at = $2 WHERE id = $1";
    REVOKE = concat!(
        "UPDATE credentials SET revoked_at = $3, revoke_reason = $4
        WHERE credentials.id = $1 AND (CAST($2 AS TEXT) IS NULL OR credentials.principal_id = $2)
        AND credentials.revoked_at IS NULL RETURNING ", columns!()
    );
    REVOKE_LEAKED = concat!(
        "UPDATE credentials SET revoked_at = $2, revoke_reason = $3
        WHERE credentials.digest = $1 AND ", live!("$2"), " RETURNING ", columns!()
    );
    END_OF_USER = "UPDATE credentials SET revoked_at = $2, revoke_reason = $3
        WHERE principal_id = $1 AND revoked_at IS NULL RETURNING id, digest";
    TOUCH = "UPDATE credentials SET last_used_at = $2, last_used_address = $3
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
}

/// Keeps a personal token and its grant; the audit row is the caller's.
pub(crate) async fn keep(tx: &mut Tx<'_>, new: &Credential, by: &By) -> Result<(), Error> {
    if !grants::insert_of_token(tx, new, by).await? {
        return Err(Error::Missing("user"));
    }
    if insert(tx, new).await? == 0 {
        // If that one has expired, its name is free.
        free_name(tx, &new.principal, &new.name, by.at).await?;
        if insert(tx, new).await? == 0 {
            return Err(Error::Conflict("name"));
        }
    }
    tx.tell(Effect::Credential(new.clone()));
    Ok(())
}

/// Inserts the row, unless its owner has a token of this name.
pub(crate) async fn insert(tx: &mut Tx<'_>, new: &Credential) -> Result<u64, Error> {
    let row = binds![
        new.id,
        new.kind,
        new.digest,
        new.prefix,
        new.last_four,
        new.principal,
        new.org_id,
        new.project_id,
        new.role,
        new.grant_id,
        new.name,
        new.scope,
        new.projects,
        new.created_by,
        new.created_at,
        new.expires_at,
        new.rotated_from,
    ];
    tx.execute(&INSERT, row).await
}

/// Ends an expired token that stands in the way of its name. [`Error::Conflict`]`("name")` if
/// the one that has the name has not expired.
async fn free_name(
    tx: &mut Tx<'_>,
    principal: &str,
    name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let freed = tx.first(&FREE_NAME, binds![principal, name, now], read_ended).await?;
    let (id, digest) = freed.ok_or(Error::Conflict("name"))?;
    tx.tell(Effect::CredentialEnded { id, digest });
    Ok(())
}

/// A live personal token of `owner` that was not rotated, taken for a change.
async fn take(
    tx: &mut Tx<'_>,
    owner: UserId,
    id: TokenId,
    now: Timestamp,
) -> Result<Option<Credential>, Error> {
    tx.first(&TAKE, binds![id, owner, now], read).await
}

/// Ends the grant of a credential that was just revoked, and the agents that were started through
/// it, with their tombstones; the audit row is the caller's.
pub(crate) async fn end(tx: &mut Tx<'_>, revoked: &Credential, by: &By) -> Result<(), Error> {
    grants::end_of_token(tx, revoked, by).await?;
    tx.tell(Effect::CredentialEnded { id: revoked.id, digest: revoked.digest });
    let mut over = agents::end_of_broker(tx, revoked.id, by).await?;
    over.push(revoked.id.to_string());
    tombstones::bury(tx, by, &over, None).await
}

/// Revokes all credentials of a user and answers their ids; grants, tombstones and audit row
/// are the caller's.
pub(crate) async fn end_of_user(
    tx: &mut Tx<'_>,
    user: UserId,
    reason: &str,
    by: &By,
) -> Result<Vec<String>, Error> {
    let ended = tx.all(&END_OF_USER, binds![user, by.at, reason], read_ended).await?;
    let ids = ended.iter().map(|(id, _)| id.to_string()).collect();
    for (id, digest) in ended {
        tx.tell(Effect::CredentialEnded { id, digest });
    }
    Ok(ids)
}
