//! Users, clients and resources are made and ended, by an operator.

use hallpass_core::id::{SigningKeyId, UserId};
use hallpass_core::{Scope, Secret};
use hallpass_store::{Client, User};

use crate::{Error, Issuer};

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// E-mail address; unique, whatever its case.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Without one nobody can sign in with a password.
    pub password: Option<Secret>,
    /// Whether they administer this deployment.
    pub admin: bool,
}

/// A client to be made.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// Its id; letters, digits, `-`, `.` and `_`.
    pub id: String,
    /// What people see; the id if empty.
    pub name: String,
    /// Whether it can keep a secret (RFC 6749 §2.1); it gets one then.
    pub confidential: bool,
    /// Complete redirect URIs (RFC 8252 §8.4).
    pub redirect_uris: Vec<String>,
    /// Where its logout may lead.
    pub post_logout_redirect_uris: Vec<String>,
    /// `None`: code and refresh, and the device flow for a public client.
    pub grant_types: Option<Vec<String>>,
    /// What it may ask for; `None`: everything that this server knows.
    pub scopes: Option<Scope>,
    /// Only for a confidential client: it may come without PKCE, then with a `nonce`.
    pub without_pkce: bool,
    /// `RS256` (default) or `ES256`.
    pub id_token_alg: Option<String>,
    /// Resources that it may introspect tokens for; `None`: the default one, if it is
    /// confidential.
    pub resources: Option<Vec<String>>,
}

/// Why it was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The e-mail address cannot be used.
    #[error(transparent)]
    Email(#[from] crate::email::BadEmail),
    /// The password cannot be used.
    #[error(transparent)]
    Password(#[from] crate::passwords::BadPassword),
    /// A redirect URI cannot be used.
    #[error("{uri}: {why}")]
    Redirect {
        /// The URI.
        uri: String,
        /// What is wrong with it.
        why: hallpass_core::redirect::BadRedirect,
    },
    /// Something else cannot be used; says what and why.
    #[error("{0}")]
    Invalid(&'static str),
    /// The name is taken; nothing was made.
    #[error("there is one with this {0} already; nothing was made")]
    Taken(&'static str),
    /// There is nobody and nothing of that name.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The server is hashing too many passwords.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Issuer {
    /// Makes a user. `actor` stands in the audit log: a user id, or `system`.
    pub async fn create_user(&self, _new: NewUser, _actor: &str) -> Result<User, AdminError> {
        todo!()
    }

    /// Disables a user: every grant and session of theirs ends. False if they were.
    pub async fn disable_user(&self, _user: UserId, _actor: &str) -> Result<bool, AdminError> {
        todo!()
    }

    /// Lets a disabled user in again; what was ended stays ended. False if they were not.
    pub async fn enable_user(&self, _user: UserId, _actor: &str) -> Result<bool, AdminError> {
        todo!()
    }

    /// Sets a user's password. Every grant and session of theirs ends.
    pub async fn set_password(
        &self,
        _user: UserId,
        _password: &Secret,
        _actor: &str,
    ) -> Result<(), AdminError> {
        todo!()
    }

    /// Makes a client; a confidential one comes with its secret, shown this once.
    pub async fn create_client(
        &self,
        _new: NewClient,
        _actor: &str,
    ) -> Result<(Client, Option<Secret>), AdminError> {
        todo!()
    }

    /// Disables a client: nothing is issued to it, and what it holds is refused.
    pub async fn disable_client(&self, _id: &str, _actor: &str) -> Result<bool, AdminError> {
        todo!()
    }

    /// Registers a resource (RFC 8707) that tokens can be made out for, and optionally a
    /// confidential client that may introspect them.
    pub async fn register_resource(
        &self,
        _uri: &str,
        _name: &str,
        _caller: Option<&str>,
        _actor: &str,
    ) -> Result<(), AdminError> {
        todo!()
    }

    /// Makes the next signing key of each algorithm now. It signs after the usual time of
    /// publication, or at once if `at_once` (a key has leaked).
    pub async fn rotate_signing_keys(
        &self,
        _at_once: bool,
        _actor: &str,
    ) -> Result<Vec<SigningKeyId>, AdminError> {
        todo!()
    }
}
