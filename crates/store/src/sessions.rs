//! Browsers that are signed in.

use hallpass_core::id::{SessionId, UserId};
use hallpass_core::{Digest, Timestamp};

use crate::store::Store;
use crate::{By, Error, User};

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
        let _ = (new, by);
        todo!()
    }

    /// The live session behind a cookie: neither ended nor expired, its user enabled.
    /// One prepared read.
    pub async fn by_digest(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, Error> {
        let _ = (digest, now);
        todo!()
    }

    /// The user's sessions that have neither ended nor expired, newest first.
    pub async fn live_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let _ = (user, now);
        todo!()
    }

    /// Ends a session if it is this user's. `false` if not, or it has ended already.
    pub async fn end(&self, id: SessionId, user: UserId, by: &By) -> Result<bool, Error> {
        let _ = (id, user, by);
        todo!()
    }

    /// Ends all sessions of the user but `keep`, and says how many those were.
    pub async fn end_others(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        by: &By,
    ) -> Result<u64, Error> {
        let _ = (user, keep, by);
        todo!()
    }

    /// Notes when sessions were last seen; never moves a note back. Writes no audit row.
    pub async fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), Error> {
        let _ = seen;
        todo!()
    }

    /// Whether this user has signed in from this address before.
    pub async fn known_address(&self, user: UserId, address: &str) -> Result<bool, Error> {
        let _ = (user, address);
        todo!()
    }
}
