//! Browsers that are signed in.

use hallpass_core::id::{SessionId, UserId};
use hallpass_core::{Digest, Timestamp};

use crate::db::{Row, Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, User, audit, tombstones, users};

/// Rows that are touched in one transaction, at most.
const PORTION: usize = 256;

/// A browser's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who is signed in.
    pub user_id: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When the person last proved who they are (OIDC Core §2).
    pub auth_time: Timestamp,
    /// When it was last seen, to within what [`Sessions::touch`] was told. Being idle
    /// for too long is the caller's to judge.
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// The address that signed in.
    pub address: Option<String>,
    /// The browser, as it named itself.
    pub user_agent: Option<String>,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

/// A session to start.
#[derive(Clone)]
pub struct NewSession {
    /// The id that it will have.
    pub id: SessionId,
    /// The digest of the cookie.
    pub digest: Digest,
    /// Who signs in.
    pub user_id: UserId,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// The address that signs in.
    pub address: Option<String>,
    /// The browser, as it names itself.
    pub user_agent: Option<String>,
    /// The hash that the password was checked against. If it was changed meanwhile, the
    /// session is not started: checking takes long enough for that.
    pub checked_password: Option<String>,
}

/// See [`Store::sessions`].
#[derive(Clone, Copy)]
pub struct Sessions<'s>(pub(crate) &'s Store);

impl Sessions<'_> {
    /// Starts a session. `false` if the user is disabled, unknown, or changed the
    /// password meanwhile; nothing was kept then.
    pub async fn start(&self, new: NewSession, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if !users::hold(tx, new.user_id).await? {
                return Ok(false);
            }
            let same = binds![new.user_id, new.checked_password];
            if tx.first(&SAME_PASSWORD, same, |_| Ok(())).await?.is_none() {
                return Ok(false);
            }
            let row = binds![
                new.id,
                new.digest,
                new.user_id,
                by.at,
                new.auth_time,
                new.expires_at,
                new.address,
                new.user_agent,
            ];
            tx.execute(&INSERT, row).await?;
            audit::write(tx, &by, "session.start", new.id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// The live session behind a cookie: neither ended nor expired, its user enabled.
    /// One prepared read.
    pub async fn by_digest(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, Error> {
        self.0.db().first(&BY_DIGEST, binds![digest, now], read_with_user).await
    }

    /// The user's sessions that have neither ended nor expired, newest first.
    pub async fn live_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        self.0.db().all(&LIVE_OF_USER, binds![user, now], read).await
    }

    /// Ends a session if it is this user's. `false` if not, or it has ended already.
    pub async fn end(&self, id: SessionId, user: UserId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let ended = tx.execute(&END, binds![id, user, by.at]).await? > 0;
            if ended {
                tombstones::bury(tx, &by, &[id.to_string()], None).await?;
                audit::write(tx, &by, "session.end", id, None).await?;
            } else {
                tombstones::wait(tx).await?;
            }
            Ok(ended)
        };
        self.0.db().change(change).await
    }

    /// Ends all sessions of the user but `keep`, and says how many those were.
    pub async fn end_others(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        by: &By,
    ) -> Result<u64, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let ended = end_of_user(tx, user, keep, &by).await?;
            if ended.is_empty() {
                tombstones::wait(tx).await?;
            } else {
                tombstones::bury(tx, &by, &ended, None).await?;
                let detail = format!("ended {} sessions", ended.len());
                audit::write(tx, &by, "session.end_others", user, Some(&detail)).await?;
            }
            Ok(ended.len() as u64)
        };
        self.0.db().change(change).await
    }

    /// Notes when sessions were last seen; never moves a note back. Writes no audit row.
    pub async fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), Error> {
        let mut seen = seen.to_vec();
        // In one order, so that two of these do not wait for each other.
        seen.sort_unstable();
        for portion in seen.chunks(PORTION) {
            let portion = portion.to_vec();
            let change = async move |tx: &mut Tx<'_>| {
                for (id, at) in &portion {
                    tx.execute(&TOUCH, binds![id, at]).await?;
                }
                Ok(())
            };
            self.0.db().change(change).await?;
        }
        Ok(())
    }

    /// Whether this user has signed in from this address before.
    pub async fn known_address(&self, user: UserId, address: &str) -> Result<bool, Error> {
        let which = binds![user, address];
        Ok(self.0.db().first(&KNOWN_ADDRESS, which, |_| Ok(())).await?.is_some())
    }
}

macro_rules! columns {
    () => {
        "s.id, s.user_id, s.created_at, s.auth_time, s.last_seen_at, s.expires_at, s.address, \
         s.user_agent, s.ended_at"
    };
}

statements! {
    SAME_PASSWORD = "SELECT id FROM users
        WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR password = $2)";
    INSERT = "INSERT INTO sessions (id, digest, user_id, created_at, auth_time, last_seen_at,
            expires_at, address, user_agent)
        VALUES ($1, $2, $3, $4, $5, $4, $6, $7, $8)";
    BY_DIGEST = concat!(
        "SELECT ", columns!(), ", ", users::columns!(), " FROM sessions s
        JOIN users u ON u.id = s.user_id JOIN principals p ON p.id = s.user_id
        WHERE s.digest = $1 AND s.ended_at IS NULL AND s.expires_at > $2
        AND p.disabled_at IS NULL"
    );
    LIVE_OF_USER = concat!(
        "SELECT ", columns!(), " FROM sessions s
        WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
        ORDER BY s.created_at DESC, s.id DESC"
    );
    END = "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
    END_OF_USER = "UPDATE sessions SET ended_at = $2
        WHERE user_id = $1 AND ended_at IS NULL AND id <> $3 RETURNING id";
    TOUCH = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";
    KNOWN_ADDRESS = "SELECT id FROM sessions WHERE user_id = $1 AND address = $2 LIMIT 1";
}

/// Ends all sessions of a user but `keep`, and answers their ids; tombstones and audit
/// row are the caller's.
pub(crate) async fn end_of_user(
    tx: &mut Tx<'_>,
    user: UserId,
    keep: Option<SessionId>,
    by: &By,
) -> Result<Vec<String>, Error> {
    // No session has the empty id.
    let keep = keep.map(|id| id.to_string()).unwrap_or_default();
    tx.all(&END_OF_USER, binds![user, by.at, keep], |row| row.next()).await
}

fn read(row: &mut Row<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: row.next()?,
        user_id: row.next()?,
        created_at: row.next()?,
        auth_time: row.next()?,
        last_seen_at: row.next()?,
        expires_at: row.next()?,
        address: row.next()?,
        user_agent: row.next()?,
        ended_at: row.next()?,
    })
}

fn read_with_user(row: &mut Row<'_>) -> Result<(Session, User), Error> {
    Ok((read(row)?, users::read(row)?))
}
