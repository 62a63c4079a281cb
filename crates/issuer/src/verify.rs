//! Whether a credential is good, now: for our own API (RFC 6750, RFC 9068 §4), and for
//! everybody who asks through us.
//!
//! The text says what it is: a prefix and a checksum, or a JWT. A text that is neither costs
//! no look-up. What is looked up is answered from memory ([`crate::live`]); who the ID token of
//! a provider elsewhere is about, from the database.

use std::net::IpAddr;
use std::pin::Pin;

use hallpass_core::{Digest, TokenText};
use hallpass_verdict::live::Principal;
use hallpass_verdict::{Ask, Decision, Refusal};

use crate::error::Rejected;
use crate::jwt::claims::AccessClaims;
use crate::legacy::adopt::Presenter;
use crate::{BearerError, Error, Issuer};

/// What a credential may be kept under; an older system's, under a second one too.
pub(crate) type Keys = (Digest, Option<Digest>);

/// No credential of an older system is longer.
const MAX_LEN: usize = 1024;

/// What is seldom awaited is kept elsewhere: each check would carry, and copy, the room for it.
pub(crate) fn rare<F: Future>(future: F) -> Pin<Box<F>> {
    Box::pin(future)
}

impl Issuer {
    /// Whether `token`, a credential of any kind, is good now, and what it may do at the place
    /// that is asked about.
    pub async fn check(
        &self,
        token: &str,
        ask: &Ask<'_>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        self.check_from(token, ask, None).await
    }

    /// The same, of a credential that came from `address`: whoever guesses is counted by it.
    pub async fn check_from(
        &self,
        token: &str,
        ask: &Ask<'_>,
        address: Option<IpAddr>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let presenter = address.map_or(Presenter::Somebody, Presenter::Address);
        let judged = self.judge(token, ask, presenter).await?;
        Ok(judged.map_err(|why| match why {
            Rejected::Verdict(refusal) => refusal,
            Rejected::Jwt(_) => Refusal::Unknown,
        }))
    }

    /// Whether `token` is good now at `resource`, and for what. A JWT of ours must be made out for it;
    /// every other credential is good at any resource of the deployment.
    pub async fn verify(&self, token: &str, resource: &str) -> Result<Decision, BearerError> {
        let ask = Ask { resource: Some(resource), place: None };
        let judged = self.judge(token, &ask, Presenter::Somebody).await?;
        judged.map_err(|why| BearerError::InvalidToken { why })
    }

    /// Notes from where a credential was used that has just been found good.
    pub fn used_from(&self, decision: &Decision, address: Option<IpAddr>) {
        if address.is_some() {
            self.0.token_use.note(&decision.id, self.now(), address);
        }
    }

    async fn judge(
        &self,
        token: &str,
        ask: &Ask<'_>,
        presenter: Presenter<'_>,
    ) -> Result<Result<Decision, Rejected>, Error> {
        if self.is_local()
            && let Some(judged) = rare(self.judge_local(token, ask)).await?
        {
            return Ok(judged.map_err(Rejected::Verdict));
        }
        if let Some(keys) = self.kept_under(token) {
            let judged = self.judge_kept(token, keys, ask, presenter).await?;
            return Ok(judged.map_err(Rejected::Verdict));
        }
        match self.read_access_token(token) {
            Ok(claims) => Ok(self.judge_jwt(claims, ask).await?.map_err(Rejected::Verdict)),
            Err(why) => match rare(self.judge_outside(token, ask)).await? {
                Some(judged) => Ok(judged.map_err(Rejected::Verdict)),
                None => Ok(Err(Rejected::Jwt(why))),
            },
        }
    }

    /// What a credential that is looked up may be kept under. `None`: it is none; also if its
    /// checksum is wrong, and it is no token of an older system.
    pub(crate) fn kept_under(&self, token: &str) -> Option<Keys> {
        let own = self.0.config.brand.prefixes();
        own.into_iter()
            .find_map(|prefix| TokenText::digest_of(prefix, token).ok())
            .map(|digest| (digest, None))
            .or_else(|| {
                let legacy = token.len() <= MAX_LEN && self.is_legacy_text(token);
                legacy.then(|| self.lookup_keys(token))
            })
    }

    /// Whether `token`, which is kept under one of these, is good.
    pub(crate) async fn judge_kept(
        &self,
        token: &str,
        keys: Keys,
        ask: &Ask<'_>,
        presenter: Presenter<'_>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let mut judged = self.judge_keys(&keys, ask).await?;
        // Perhaps only a salted hash of it is known yet.
        if judged == Err(Refusal::Unknown) && rare(self.adopt(token, &keys, presenter)).await? {
            judged = self.judge_keys(&keys, ask).await?;
        }
        if let Err(Refusal::Unknown | Refusal::Revoked | Refusal::UserDisabled) = judged {
            let address = match presenter {
                Presenter::Address(address) => Some(address),
                Presenter::Behind(_) | Presenter::Somebody => None,
            };
            self.0.denials.unknown_token(keys.0, address);
        }
        Ok(judged)
    }

    async fn judge_keys(
        &self,
        (first, second): &Keys,
        ask: &Ask<'_>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let judged = self.judge_digest(first, ask).await?;
        match (&judged, second) {
            (Err(Refusal::Unknown), Some(second)) => self.judge_digest(second, ask).await,
            _ => Ok(judged),
        }
    }

    async fn judge_digest(
        &self,
        digest: &Digest,
        ask: &Ask<'_>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let now = self.now();
        let known = self.0.keeper.live().and_then(|live| live.check(digest, ask, now));
        let judged = match known {
            Some(judged) => judged,
            None => rare(self.ask_kept(digest, ask, now)).await?,
        };
        if let Ok(decision) = &judged {
            self.0.token_use.note(&decision.id, now, None);
        }
        Ok(judged)
    }

    /// Whether a JWT of ours, whose signature was checked, is good.
    pub(crate) async fn judge_jwt(
        &self,
        claims: AccessClaims,
        ask: &Ask<'_>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let (now, grant, who) = (self.now(), claims.grant, claims.sub);
        let complete = self.0.keeper.live().filter(|live| live.is_complete());
        let known = match complete {
            Some(live) => live.check_jwt(claims.clone().into(), ask, now),
            None => None,
        };
        let judged = match known {
            Some(judged) => judged,
            None => rare(self.ask_jwt(claims.into(), ask, now)).await?,
        };
        match &judged {
            // A job's grant lives for minutes: that it was used is known.
            Ok(_) if matches!(who, Principal::Job(_)) => {}
            Ok(_) => self.used(grant, now),
            Err(refusal) => self.note_jwt(who, grant, *refusal),
        }
        Ok(judged)
    }
}
