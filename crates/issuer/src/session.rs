//! Browser sessions, and the list of everything that is signed in to an account.

use hallpass_core::id::{GrantId, UserId};
use hallpass_core::wire::api;
use hallpass_store::{Session, User};

use crate::{Error, Issuer, Origin};

/// A browser that is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// By which session.
    pub session: Session,
}

/// Which sign-in a request itself belongs to, to be marked in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Current {
    /// A browser session.
    Session(hallpass_core::id::SessionId),
    /// A program's grant.
    Grant(GrantId),
}

impl Issuer {
    /// Whom a session cookie stands for; `None` if for nobody, now.
    pub async fn session(&self, _cookie: &str) -> Result<Option<SignedIn>, Error> {
        todo!()
    }

    /// Ends this browser's session.
    pub async fn sign_out(&self, _signed_in: &SignedIn, _origin: &Origin) -> Result<(), Error> {
        todo!()
    }

    /// Everything that is signed in to an account, newest first.
    pub async fn sessions_of(
        &self,
        _user: UserId,
        _current: Option<Current>,
    ) -> Result<Vec<api::Session>, Error> {
        todo!()
    }

    /// Ends one sign-in (`ses_…` or `grt_…`) of `user`. False if it is none of theirs, or
    /// had ended before.
    pub async fn end_session(
        &self,
        _user: UserId,
        _id: &str,
        _origin: &Origin,
    ) -> Result<bool, Error> {
        todo!()
    }
}
