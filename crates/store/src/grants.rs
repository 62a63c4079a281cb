//! Grants: the root of one authorization, its codes, its refresh family, its JWTs.

use hallpass_core::id::{GrantId, SessionId, UserId};
use hallpass_core::{Scope, Timestamp};

use crate::store::Store;
use crate::{By, Error, User};

/// How a grant came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// Authorization code (RFC 6749 §4.1).
    Code,
    /// Device authorization (RFC 8628).
    Device,
}

/// What a program said about itself. Never verified; show it as such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Host name.
    pub host: Option<String>,
    /// Name of the user on that host.
    pub user: Option<String>,
    /// The command that was run.
    pub command: Option<String>,
}

/// A grant to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    /// The id that it will have.
    pub id: GrantId,
    /// Whose it is.
    pub user_id: UserId,
    /// The client that it is given to.
    pub client_id: String,
    /// How it came to be.
    pub kind: GrantKind,
    /// What was granted.
    pub scope: Scope,
    /// The resources that tokens may be made out for (RFC 8707).
    pub resources: Vec<String>,
    /// When the person proved who they are (OIDC Core §2).
    pub auth_time: Timestamp,
    /// The session in which it was approved.
    pub session_id: Option<SessionId>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The address of the program, as the server saw it.
    pub address: Option<String>,
    /// What the program said about itself.
    pub reported: Reported,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Whose it is.
    pub user_id: UserId,
    /// The client that it was given to.
    pub client_id: String,
    /// How it came to be.
    pub kind: GrantKind,
    /// What was granted.
    pub scope: Scope,
    /// The resources that tokens may be made out for (RFC 8707).
    pub resources: Vec<String>,
    /// When the person proved who they are (OIDC Core §2).
    pub auth_time: Timestamp,
    /// The session in which it was approved.
    pub session_id: Option<SessionId>,
    /// When it was approved.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended. Nothing that hangs on it is good from then on.
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<String>,
    /// When it was last used, to within what [`Grants::touch`] was told.
    pub last_used_at: Option<Timestamp>,
    /// The address of the program, as the server saw it.
    pub address: Option<String>,
    /// What the program said about itself.
    pub reported: Reported,
}

impl Grant {
    /// Whether it has neither ended nor expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

/// All that decides whether a JWT of a grant is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The grant.
    pub grant: Grant,
    /// Whose it is.
    pub user: User,
    /// Whether the client that holds it is disabled.
    pub client_disabled: bool,
    /// Whether this one JWT was revoked.
    pub jti_revoked: bool,
}

impl Standing {
    /// Whether it is good now: grant live, user and client enabled, JWT not revoked.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.grant.is_live(now)
            && self.user.disabled_at.is_none()
            && !self.client_disabled
            && !self.jti_revoked
    }
}

/// What became of a single-use secret that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spend {
    /// It was good, and now it is spent. This answer is given once.
    Won,
    /// It had been spent before. Its grant is ended, in the same transaction.
    Reused(GrantId),
    /// Unknown, expired, or its grant, user or client is not good any more.
    Gone,
}

/// See [`Store::grants`].
#[derive(Clone, Copy)]
pub struct Grants<'s>(pub(crate) &'s Store);

impl Grants<'_> {
    /// By id, ended or not.
    pub async fn by_id(&self, id: GrantId) -> Result<Option<Grant>, Error> {
        let _ = id;
        todo!()
    }

    /// What decides whether a JWT of this grant is good now. One prepared read.
    pub async fn standing(
        &self,
        id: GrantId,
        jti: Option<&str>,
    ) -> Result<Option<Standing>, Error> {
        let _ = (id, jti);
        todo!()
    }

    /// The grants of a user that have neither ended nor expired at `now`, newest first.
    pub async fn live_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>, Error> {
        let _ = (user, now);
        todo!()
    }

    /// What the user has granted to the client before and not ended: the union of live
    /// code grants. `None` if there is none.
    pub async fn granted_scope(
        &self,
        user: UserId,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Option<Scope>, Error> {
        let _ = (user, client_id, now);
        todo!()
    }

    /// Ends a grant. `false` if there is none such, or it has ended already.
    pub async fn end(&self, id: GrantId, reason: &str, by: &By) -> Result<bool, Error> {
        let _ = (id, reason, by);
        todo!()
    }

    /// Ends a grant if it is this user's. `false` if not, or it has ended already.
    pub async fn end_owned(
        &self,
        user: UserId,
        id: GrantId,
        reason: &str,
        by: &By,
    ) -> Result<bool, Error> {
        let _ = (user, id, reason, by);
        todo!()
    }

    /// Ends all grants that a user gave to a client, and says how many those were.
    pub async fn end_for_client(
        &self,
        user: UserId,
        client_id: &str,
        by: &By,
    ) -> Result<u64, Error> {
        let _ = (user, client_id, by);
        todo!()
    }

    /// Notes when grants were last used; never moves a note back. Writes no audit row.
    pub async fn touch(&self, used: &[(GrantId, Timestamp)]) -> Result<(), Error> {
        let _ = used;
        todo!()
    }
}
