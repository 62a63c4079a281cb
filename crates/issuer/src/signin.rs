//! A person signs in with e-mail and password.

use std::time::Duration;

use hallpass_core::id::{SessionId, UserId};
use hallpass_core::text::presentable;
use hallpass_core::{Kind, Secret, TokenText};
use hallpass_store::{NewSession, Session, User};

use crate::limits::{Limit, network_of, typed};
use crate::passwords::{self, Busy};
use crate::{Error, Issuer, Origin, SignedIn, email};

/// A browser's name for itself is cut to this many characters.
const MAX_USER_AGENT: usize = 200;

/// A new session: its cookie's value, and what it stands for.
#[derive(Clone, Debug)]
pub struct SignedInCookie {
    /// The value to set as the session cookie.
    pub cookie: Secret,
    /// Who is signed in now.
    pub signed_in: SignedIn,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown, disabled, or another password: always the same answer.
    #[error("e-mail address or password is wrong")]
    Wrong,
    /// Too many wrong passwords.
    #[error("too many wrong passwords; wait a while and try again")]
    Limited {
        /// When to come back.
        retry_after: Duration,
    },
    /// Too many people are signing in at this moment.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<Busy> for SignInError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<hallpass_store::Error> for SignInError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The present password was not given correctly, or that was tried too often.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The new one cannot be used.
    #[error(transparent)]
    Password(#[from] crate::passwords::BadPassword),
}

impl Issuer {
    /// Signs a person in. The session behind `old_cookie`, if any, is ended: a session's
    /// id never survives a sign-in.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &Secret,
        old_cookie: Option<&Secret>,
        origin: &Origin,
    ) -> Result<SignedInCookie, SignInError> {
        let email = email::normalize(email);
        let user = self.0.store.users().by_email(&email).await?;
        let user = self.prove(&email, user, password, origin).await?;
        let checked = user.password.clone();
        // Disabled, or another password since we looked: as if it had been wrong.
        let started = self.start_session(user, checked, origin).await?;
        let signed_in = started.ok_or(SignInError::Wrong)?;
        if let Some(cookie) = old_cookie {
            self.end_old_session(cookie, origin).await?;
        }
        Ok(signed_in)
    }

    /// Changes the password of a signed-in person. Every grant and every other session of
    /// theirs ends.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        present: &Secret,
        new: &Secret,
        origin: &Origin,
    ) -> Result<(), ChangePasswordError> {
        passwords::check(new)?;
        let user =
            self.0.store.users().by_id(signed_in.user.id).await.map_err(SignInError::from)?;
        let user = self.prove(&signed_in.user.email, user, present, origin).await?;
        let phc = self.0.hasher.hash(new).await.map_err(SignInError::from)?;
        let phc = phc.map_err(SignInError::from)?;
        let by = self.by(&user.id.to_string(), None, Some(origin));
        let keep = Some(signed_in.session.id);
        let changed = self.0.store.users().change_password(user.id, &phc, keep, &by).await;
        if changed.map_err(SignInError::from)? { Ok(()) } else { Err(SignInError::Wrong.into()) }
    }

    /// Lets who knows the password of `user` pass. Everything takes the same way, whether
    /// there is such a user or not: the same look-ups, one password hash, the same answer.
    async fn prove(
        &self,
        email: &str,
        user: Option<User>,
        password: &Secret,
        origin: &Origin,
    ) -> Result<User, SignInError> {
        let limits = &self.0.config.limits;
        let window = limits.sign_in_window;
        let bounds = self.sign_in_limits(email, user.as_ref(), origin).await?;
        let Some(attempt) = self.attempt(bounds, window).await? else {
            self.note_sign_in(user.as_ref(), origin, "too many wrong passwords before");
            return Err(SignInError::Limited { retry_after: window });
        };
        let phc = user.as_ref().and_then(|user| user.password.as_deref());
        // Far more than anybody's password: wrong, and not worth hashing.
        let right = password.expose().len() <= passwords::MAX_BYTES
            && self.0.hasher.check(password, phc).await??;
        match user {
            Some(user) if right && user.disabled_at.is_none() => {
                attempt.succeeded().await?;
                Ok(user)
            }
            refused => {
                attempt.failed().await?;
                self.note_sign_in(refused.as_ref(), origin, "e-mail address or password is wrong");
                Err(SignInError::Wrong)
            }
        }
    }

    /// What bounds guessing at `email` from here; the first is the account's own counter.
    ///
    /// From an address that the account has signed in from before, only that address's own
    /// failures count, so nobody elsewhere can lock the person out.
    async fn sign_in_limits(
        &self,
        email: &str,
        user: Option<&User>,
        origin: &Origin,
    ) -> Result<Vec<Limit>, Error> {
        let limits = &self.0.config.limits;
        let account = typed(email);
        // Nobody has this id; asking takes as long.
        let id = user.map_or_else(|| self.new_id(UserId::new), |user| user.id);
        let address = origin.address_text().unwrap_or_default();
        let near = limits.sign_in_per_account_and_network;
        if self.0.store.sessions().known_address(id, &address).await? {
            return Ok(vec![Limit::new(format!("in:{account}:{address}"), near)]);
        }
        let network = network_of(origin);
        Ok(vec![
            Limit::new(format!("in:{account}:{network}"), near),
            Limit::new(format!("in:{network}"), limits.sign_in_per_network),
            Limit::new(format!("in:{account}"), limits.sign_in_per_account),
        ])
    }

    /// A new session with a new cookie. `None` if the user may not have one (any more).
    pub(crate) async fn start_session(
        &self,
        user: User,
        checked_password: Option<String>,
        origin: &Origin,
    ) -> Result<Option<SignedInCookie>, Error> {
        let cookie = TokenText::mint(Kind::Session, &*self.0.random);
        let by = self.by(&user.id.to_string(), None, Some(origin));
        let now = by.at;
        let user_agent = origin.user_agent.as_deref().map(|text| presentable(text, MAX_USER_AGENT));
        let session = Session {
            id: self.new_id(SessionId::new),
            user_id: user.id,
            created_at: now,
            auth_time: now,
            last_seen_at: now,
            expires_at: now + self.0.config.session_max_ttl,
            address: origin.address_text(),
            user_agent,
            ended_at: None,
        };
        let new = NewSession {
            id: session.id,
            digest: cookie.digest(),
            user_id: user.id,
            auth_time: session.auth_time,
            expires_at: session.expires_at,
            address: session.address.clone(),
            user_agent: session.user_agent.clone(),
            checked_password,
        };
        let started = self.0.store.sessions().start(new, &by).await?;
        let manages_keys = self.manages_keys(user.id).await?;
        let signed_in = SignedIn { user, session, manages_keys };
        Ok(started.then(|| SignedInCookie { cookie: cookie.into_secret(), signed_in }))
    }

    async fn end_old_session(&self, cookie: &Secret, origin: &Origin) -> Result<(), Error> {
        match self.session(cookie.expose()).await? {
            Some(old) => self.sign_out(&old, origin).await,
            None => Ok(()),
        }
    }
}
