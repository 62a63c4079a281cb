//! Zero-auth mode: on this machine alone, nobody has to sign in (HP18).
//!
//! There is one person, a user like any other, so everything is kept and decided as always; their
//! credential is a text that this process made and nobody else ever sees. The server puts it into
//! each request that it let through its door. Started in the other way, the first administrator
//! takes the person's place ([`hallpass_store::Local`]) and what is theirs.

use hallpass_core::id::UserId;
use hallpass_core::{Digest, Secret, TokenText};
use hallpass_store::NewUser;
use hallpass_verdict::{Ask, CredentialKind, Decision, Refusal, Vouched};

use crate::authorize::known_scopes;
use crate::{Error, Issuer, Origin};

/// What they are called until they have an account.
const EMAIL: &str = "local@localhost";
const NAME: &str = "Local user";

/// The person, and what this process knows them by.
pub(crate) struct Door {
    user: UserId,
    token: Secret,
    digest: Digest,
    /// The browser session of all pages; begun when it is needed.
    cookie: tokio::sync::Mutex<Option<Secret>>,
}

impl Issuer {
    /// From now on nobody has to sign in. `false`: somebody has an account, and nothing was done.
    pub async fn open_locally(&self) -> Result<bool, Error> {
        let new = NewUser {
            id: self.new_id(UserId::new),
            email: EMAIL.to_owned(),
            name: NAME.to_owned(),
            admin: true,
            password: None,
        };
        let by = self.by("system", None, None);
        let Some(user) = self.0.store.local().begin(new, &by).await? else { return Ok(false) };
        let prefix = &self.0.config.brand.tokens.prefix;
        let token = TokenText::mint_with_prefix(prefix, &*self.0.random);
        let digest = token.digest();
        let (user, token, cookie) = (user.id, token.into_secret(), Default::default());
        Ok(self.0.local.set(Door { user, token, digest, cookie }).is_ok())
    }

    /// Whether nobody has to sign in.
    pub fn is_local(&self) -> bool {
        self.0.local.get().is_some()
    }

    /// What the local user presents to the API.
    pub fn local_token(&self) -> Option<&Secret> {
        self.0.local.get().map(|door| &door.token)
    }

    /// The cookie of the local user's browser session; another one if that was ended.
    pub async fn local_cookie(&self) -> Result<Option<Secret>, Error> {
        let Some(door) = self.0.local.get() else { return Ok(None) };
        let mut kept = door.cookie.lock().await;
        if let Some(cookie) = &*kept
            && self.session(cookie.expose()).await?.is_some()
        {
            return Ok(Some(cookie.clone()));
        }
        let Some(user) = self.0.store.users().by_id(door.user).await? else { return Ok(None) };
        let started = self.start_session(user, None, &Origin::default()).await?;
        *kept = started.map(|started| started.cookie);
        Ok(kept.clone())
    }

    /// Whether `token` is the local user's, and what they may do at the place that is asked about.
    pub(crate) async fn judge_local(
        &self,
        token: &str,
        ask: &Ask<'_>,
    ) -> Result<Option<Result<Decision, Refusal>>, Error> {
        let Some(door) = self.0.local.get() else { return Ok(None) };
        if Digest::of(token.as_bytes()) != door.digest {
            return Ok(None);
        }
        let vouched = Vouched {
            user: door.user,
            kind: CredentialKind::Local,
            scope: known_scopes(),
            id: "local".to_owned(),
            audience: Vec::new(),
            auth_time: None,
            issued_at: self.now(),
            expires_at: None,
        };
        self.judge_vouched(vouched, ask).await.map(Some)
    }

    /// Whether a person whom somebody else vouches for may come in.
    pub(crate) async fn judge_vouched(
        &self,
        vouched: Vouched,
        ask: &Ask<'_>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let now = self.now();
        match self.0.keeper.live().filter(|live| live.is_complete()) {
            Some(live) => Ok(live.check_person(vouched, ask, now).unwrap_or(Err(Refusal::Unknown))),
            None => self.ask_person(vouched, ask, now).await,
        }
    }
}
