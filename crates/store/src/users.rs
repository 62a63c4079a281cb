//! People.

use hallpass_core::Timestamp;
use hallpass_core::id::{SessionId, UserId};

use crate::store::Store;
use crate::{By, Error};

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Also the OIDC `sub`; never reused.
    pub id: UserId,
    /// In lower case; unique.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Whether they administer the deployment.
    pub admin: bool,
    /// The argon2id hash, as a PHC string.
    pub password: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Since when nothing of theirs is good.
    pub disabled_at: Option<Timestamp>,
}

impl std::fmt::Debug for User {
    /// Without the password's hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("admin", &self.admin)
            .field("disabled_at", &self.disabled_at)
            .finish_non_exhaustive()
    }
}

/// A person to create.
#[derive(Clone)]
pub struct NewUser {
    /// The id that they will have.
    pub id: UserId,
    /// E-mail address; kept in lower case.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Whether they administer the deployment.
    pub admin: bool,
    /// The argon2id hash, as a PHC string.
    pub password: Option<String>,
}

/// See [`Store::users`].
#[derive(Clone, Copy)]
pub struct Users<'s>(pub(crate) &'s Store);

impl Users<'_> {
    /// Creates a user. [`Error::Conflict`]`("email")` if the address is taken.
    /// Ends the setup code, if there is one.
    pub async fn create(&self, new: NewUser, by: &By) -> Result<User, Error> {
        let _ = (new, by);
        todo!()
    }

    /// By id, disabled or not.
    pub async fn by_id(&self, id: UserId) -> Result<Option<User>, Error> {
        let _ = id;
        todo!()
    }

    /// By e-mail address in any case, disabled or not.
    pub async fn by_email(&self, email: &str) -> Result<Option<User>, Error> {
        let _ = email;
        todo!()
    }

    /// Users after `after` in the order of their ids, at most `limit`.
    pub async fn list(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, Error> {
        let _ = (after, limit);
        todo!()
    }

    /// How many there are, disabled ones included.
    pub async fn count(&self) -> Result<u64, Error> {
        todo!()
    }

    /// Disables a user, and ends all their grants and sessions. `false` if there is no
    /// such user, or they are disabled already.
    pub async fn disable(&self, id: UserId, by: &By) -> Result<bool, Error> {
        let _ = (id, by);
        todo!()
    }

    /// Lets a disabled user sign in again. What was ended stays ended. `false` if there
    /// is no such user, or they are not disabled.
    pub async fn enable(&self, id: UserId, by: &By) -> Result<bool, Error> {
        let _ = (id, by);
        todo!()
    }

    /// Sets the password's hash, and ends all their grants and all their sessions but
    /// `keep_session`. `false` if there is no such user, or they are disabled.
    pub async fn change_password(
        &self,
        id: UserId,
        phc: &str,
        keep_session: Option<SessionId>,
        by: &By,
    ) -> Result<bool, Error> {
        let _ = (id, phc, keep_session, by);
        todo!()
    }
}
