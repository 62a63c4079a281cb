//! Bearer tokens for programs that can do no better (RFC 8693), and smaller ones for those
//! that need less (CLIENT F6).
//!
//! What a sign-in holds is bound to a key, and stays here. A tool that is handed a token gets
//! a bearer token that was exchanged for it: it lives minutes, cannot be refreshed, has no more
//! scope, and ends with the sign-in. It is kept until shortly before its end, so that printing
//! it again sends nothing and opens no key.

use std::sync::PoisonError;
use std::time::Duration;

use hallpass_core::wire::oauth::{TOKEN_EXCHANGE, TYPE_ACCESS_TOKEN};
use hallpass_core::{Scope, Secret};

use crate::Error;
use crate::dpop::{BoundKey, Signer};
use crate::oauth::{NoTokens, redeem};
use crate::refresh::{Need, Refresh, Refreshed, Turn};
use crate::session::{Handed, Held, Session};
use crate::vault::model::{Access, Narrowed, Receipt};
use crate::vault::{Credential, CredentialKind, Key};

/// A token is handed out until this long before its end, or a tenth of its life.
const MARGIN: Duration = Duration::from_secs(30);
/// What a token lives if the server does not say.
const UNSAID_LIFETIME: u64 = 60;

/// What a token is wanted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// No more than this; `None`: all that the sign-in has.
    pub scope: Option<Scope>,
    /// For this resource alone (RFC 8707); `None`: for all that the sign-in is for.
    pub audience: Option<String>,
}

impl Wanted {
    /// Whether it is any token of the sign-in.
    pub fn is_whole(&self) -> bool {
        self.scope.is_none() && self.audience.is_none()
    }
}

/// The token that `credential` keeps for `wanted`, if it is good for a while.
pub(crate) fn kept<'c>(
    credential: &'c Credential,
    wanted: &Wanted,
    time: &dyn crate::time::Time,
) -> Option<&'c Access> {
    let found = credential.narrowed.iter().find(|kept| kept.wanted() == *wanted)?;
    is_good(&found.access, time).then_some(&found.access)
}

fn is_good(access: &Access, time: &dyn crate::time::Time) -> bool {
    let lifetime = Duration::from_secs(access.expires_in.unwrap_or(UNSAID_LIFETIME));
    let left = access.remaining(time).unwrap_or_default();
    left > MARGIN.min(lifetime / 10)
}

impl Session {
    /// A bearer token that is good now, for any program. One of a sign-in that is bound to a
    /// key lives minutes, and was exchanged for what stays here ([`crate::narrow`]).
    ///
    /// # Errors
    /// [`Error::SessionEnded`] and [`Error::Expired`] if there is none to be had,
    /// [`Error::Http`] and [`Error::Busy`] if it may be had later.
    pub fn access_token(&self) -> Result<Secret, Error> {
        self.narrowed_token(&Wanted::default())
    }

    /// The same, with no more scope than is wanted, or for one resource alone (CLIENT F6).
    ///
    /// # Errors
    /// As [`Session::access_token`]; [`Error::NothingToNarrow`] if the token was handed over,
    /// and [`Error::Rejected`] if more is wanted than the sign-in has.
    pub fn narrowed_token(&self, wanted: &Wanted) -> Result<Secret, Error> {
        let exchange = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            match &*held {
                Held::Outside(_) | Held::Nothing | Held::Workload(_) => !wanted.is_whole(),
                Held::Stored { credential, .. } => {
                    if let Some(access) = kept(credential, wanted, &*self.parts.time) {
                        return Ok(access.token.clone());
                    }
                    credential.binding.is_some() || !wanted.is_whole()
                }
            }
        };
        if !exchange {
            let token = self.presented(Need::Age)?.token;
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if let Held::Workload(workload) = &mut *held {
                workload.hand_over(&self.parts, &self.server);
            }
            return Ok(token);
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held::Stored { profile, credential, .. } = &mut *held else {
            return Err(Error::NothingToNarrow);
        };
        if credential.kind == CredentialKind::Given {
            return Err(Error::NothingToNarrow);
        }
        let (refreshed, access) = self.refresh(profile).narrow(credential, wanted)?;
        **credential = refreshed.credential;
        refreshed.warning.into_iter().for_each(|warning| self.warn(warning));
        Ok(access.token)
    }

    /// A token that is good now, for another program: with its end, and whose it is.
    ///
    /// # Errors
    /// As [`Session::access_token`].
    pub fn handed(&self) -> Result<Handed, Error> {
        let token = self.access_token()?;
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (expires_at, account) = match &*held {
            Held::Outside(_) | Held::Nothing => (None, None),
            Held::Workload(workload) => (workload.expires_at(&self.parts), None),
            Held::Stored { credential, .. } => {
                // What was exchanged for the access token has an end of its own.
                let narrowed = credential.narrowed.iter().map(|kept| &kept.access);
                let mut all = credential.access.iter().chain(narrowed);
                let access = all.find(|access| access.token == token);
                let end = access.and_then(|access| access.expires_at(&*self.parts.time));
                (end, Some(credential.account()))
            }
        };
        Ok(Handed { token, expires_at, account })
    }

    pub(crate) fn refresh<'a>(&'a self, profile: &'a str) -> Refresh<'a> {
        Refresh {
            parts: &self.parts,
            http: &self.http,
            profile,
            server: &self.server,
            jitter: self.jitter,
        }
    }
}

impl Refresh<'_> {
    /// Gets a bearer token for `wanted`: another process's, or a new one. Answers the
    /// credential that has it, and the token.
    pub(crate) fn narrow(
        &self,
        held: &Credential,
        wanted: &Wanted,
    ) -> Result<(Refreshed, Access), Error> {
        let time = &*self.parts.time;
        match self.turn(&held.key, |there| kept(there, wanted, time).is_some())? {
            Turn::Ours(_lock) => self.exchange(&held.key, wanted),
            Turn::Theirs(there) => {
                let access = kept(&there, wanted, time).cloned().ok_or(Error::Busy)?;
                Ok(((*there).into(), access))
            }
        }
    }

    /// Under the lock: what is on disk is what is exchanged, refreshed if that is due.
    fn exchange(&self, key: &Key, wanted: &Wanted) -> Result<(Refreshed, Access), Error> {
        let time = &*self.parts.time;
        let current = self.current(key)?;
        if let Some(access) = kept(&current, wanted, time).cloned() {
            return Ok((current.into(), access));
        }
        let Refreshed { credential, warning } = self.redeem_reloaded(key, Need::Age)?;
        let access = self.ask(&credential, wanted)?;
        let narrowed = Narrowed {
            scope: wanted.scope.clone(),
            audience: wanted.audience.clone(),
            access: access.clone(),
        };
        let mut held = credential;
        held.narrowed.retain(|kept| kept.wanted() != *wanted && is_good(&kept.access, time));
        held.narrowed.push(narrowed);
        // A token that cannot be kept is good all the same.
        let _ = self.parts.vault.change(&mut |contents| {
            let there = contents.credentials.iter_mut().find(|there| there.key == *key);
            let Some(there) = there.filter(|there| there.fingerprint() == held.fingerprint())
            else {
                return false;
            };
            there.narrowed.clone_from(&held.narrowed);
            true
        });
        Ok((Refreshed { credential: held, warning }, access))
    }

    /// RFC 8693 §2.1.
    fn ask(&self, credential: &Credential, wanted: &Wanted) -> Result<Access, Error> {
        let expired = || Error::Expired { profile: self.profile.to_owned() };
        let subject = credential.access.as_ref().ok_or_else(expired)?;
        let endpoint = credential.endpoints.token.as_deref().ok_or_else(expired)?;
        let scope = wanted.scope.as_ref().map(Scope::to_string);
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("client_id", &*credential.key.client_id),
            ("subject_token", subject.token.expose()),
            ("subject_token_type", TYPE_ACCESS_TOKEN),
            ("requested_token_type", TYPE_ACCESS_TOKEN),
        ];
        if let Some(scope) = &scope {
            parameters.push(("scope", scope));
        }
        if let Some(audience) = &wanted.audience {
            parameters.push(("audience", audience));
        }
        let key = BoundKey::of(self.parts, credential)?;
        let signer = key.as_ref().map(|key| Signer::new(key, self.parts));
        match redeem(self.http, endpoint, &parameters, signer) {
            Ok(granted) if granted.bound => {
                let why = "the token is bound to a key, and no other program has that".to_owned();
                let host = credential.key.issuer.clone();
                Err(crate::http::HttpError::Malformed { host, why }.into())
            }
            Ok(granted) => Ok(Access {
                token: granted.tokens.access_token,
                received: Receipt::now(&*self.parts.time),
                expires_in: Some(granted.tokens.expires_in.unwrap_or(UNSAID_LIFETIME)),
                refreshed: true,
            }),
            Err(NoTokens::Refused(_)) if credential.binding.is_some() && key.is_none() => {
                Err(Error::KeyMissing { profile: self.profile.to_owned() })
            }
            Err(NoTokens::Refused(refusal)) => {
                Err(refusal.into_error(self.server, "to hand out a smaller token"))
            }
            Err(NoTokens::Unavailable { why, .. }) => Err(why.into()),
        }
    }
}
