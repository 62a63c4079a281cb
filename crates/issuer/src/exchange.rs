//! Token exchange (RFC 8693): a token for somebody who cannot do better, from one that can.
//!
//! So far there is one kind: a client exchanges its own access token for a bearer token with
//! no more scope, for no other resource, that lives no longer, and ends with the same grant.
//! That is what a program gives to tools that know bearer tokens only. It brings no refresh
//! token and no ID token, and whatever is wrong with the request is an error of it: nothing
//! falls back to another grant (CVE-2026-9704).
//!
//! To add a kind of subject: a type in [`Subject::read`]. With `actor_token` it is an agent that
//! wants a child ([`crate::agents::child`]).

use std::time::Duration;

use hallpass_core::wire::oauth::{ErrorCode, TYPE_ACCESS_TOKEN};
use hallpass_core::{Scope, Timestamp};
use hallpass_store::{Grant, User};
use hallpass_verdict::Ask;
use hallpass_verdict::live::Principal;

use crate::OAuthError;
use crate::authorize::request::well_formed_resource;
use crate::dpop::{bad, same_key};
use crate::jwt::claims::AccessClaims;
use crate::token::{Flow, TokenRequest, Won};

/// The longest that a bearer token from an exchange lives.
const LONGEST: Duration = Duration::from_secs(300);
/// No subject token is longer.
const MAX_SUBJECT: usize = 8 * 1024;

/// What may be exchanged by who asks.
pub(crate) struct ExchangeFlow {
    grant: Grant,
    user: User,
    scope: Scope,
    resources: Vec<String>,
    until: Timestamp,
}

/// RFC 8693 §2.2.2: if either token is invalid for any reason, or unacceptable by policy, the
/// error code is `invalid_request`.
pub(crate) fn invalid(why: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, why)
}

/// One answer for every reason why the subject token is no good.
pub(crate) fn gone() -> OAuthError {
    invalid("subject_token is no access token of this client that is good now")
}

/// The subject of an exchange.
pub(crate) struct Subject {
    pub(crate) claims: AccessClaims,
    /// What it still holds.
    pub(crate) scope: Scope,
}

impl Subject {
    /// The token `name` of the request, whose type is in `kind`.
    pub(crate) async fn read(
        request: &TokenRequest<'_>,
        name: &'static str,
        kind: &'static str,
    ) -> Result<Self, OAuthError> {
        let token = request.required(name)?;
        if request.required(kind)? != TYPE_ACCESS_TOKEN {
            return Err(invalid(match kind {
                "subject_token_type" => "subject_token_type has to be that of an access token",
                _ => "actor_token_type has to be that of an access token",
            }));
        }
        if token.len() > MAX_SUBJECT {
            return Err(gone());
        }
        let issuer = request.issuer;
        let claims = issuer.read_access_token(token).map_err(|_| gone())?;
        // Nobody exchanges what was given to another (CVE-2026-56668).
        if claims.client_id != request.client.id {
            return Err(gone());
        }
        let ask = Ask { resource: None, place: None };
        let decision = issuer.judge_jwt(claims.clone(), &ask).await?.map_err(|_| gone())?;
        // RFC 9449 §7.2: what is bound is worth nothing without its key, here too.
        if let Err(why) = same_key(claims.key(), request.proof.as_ref()) {
            // Whoever has the token and not its key has a copy: the owner is told.
            request.note_copy(claims.grant).await?;
            return Err(bad(why));
        }
        Ok(Self { claims, scope: decision.scope })
    }

    /// RFC 8693 §2.1: what is asked for; all of it if nothing is said.
    pub(crate) fn narrowed_scope(&self, request: &TokenRequest<'_>) -> Result<Scope, OAuthError> {
        let bad = |why| OAuthError::new(ErrorCode::InvalidScope, why);
        let Some(text) = request.params.get("scope") else { return Ok(self.scope.clone()) };
        let scope: Scope = text.parse().map_err(|_| bad("scope is malformed"))?;
        if !scope.is_subset(&self.scope) {
            return Err(bad("scope holds something that subject_token does not"));
        }
        Ok(scope)
    }

    /// RFC 8693 §2.1, §2.2.2: some of the resources that it is made out for. `audience` names
    /// them as `resource` does: they have no other names here.
    pub(crate) fn narrowed_resources(
        &self,
        request: &TokenRequest<'_>,
    ) -> Result<Vec<String>, OAuthError> {
        let mut asked: Vec<String> = Vec::new();
        for resource in request.params.all("resource") {
            well_formed_resource(resource)?;
            asked.push(resource.to_owned());
        }
        asked.extend(request.params.all("audience").map(str::to_owned));
        asked.sort_unstable();
        asked.dedup();
        let granted = &self.claims.aud.0;
        if !asked.iter().all(|asked| granted.contains(asked)) {
            let why = "subject_token is not made out for that resource or audience";
            return Err(OAuthError::new(ErrorCode::InvalidTarget, why));
        }
        Ok(if asked.is_empty() { granted.clone() } else { asked })
    }
}

impl Flow for ExchangeFlow {
    async fn validate(request: &TokenRequest<'_>) -> Result<Self, OAuthError> {
        // RFC 8693 §2.1: actor_token_type MUST NOT be there without actor_token.
        if request.params.get("actor_token_type").is_some() {
            return Err(invalid("actor_token_type comes without actor_token"));
        }
        let wanted = request.params.get("requested_token_type");
        if wanted.is_some_and(|wanted| wanted != TYPE_ACCESS_TOKEN) {
            return Err(invalid("requested_token_type has to be that of an access token"));
        }
        // RFC 9449 §5.2: such a client has said that it never holds a bearer token.
        if request.client.dpop_required {
            let why = "this client may hold tokens that are bound to a key only";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, why));
        }
        let subject = Subject::read(request, "subject_token", "subject_token_type").await?;
        // Attack 49: what an agent has is passed on to its children, and to nobody else.
        if let Principal::Agent(_) = subject.claims.sub {
            return Err(invalid("an agent's token is exchanged for a child's, with actor_token"));
        }
        if let Principal::Job(_) = subject.claims.sub {
            return Err(invalid(
                "a job's pass is exchanged for nothing; bring its platform's token",
            ));
        }
        let scope = subject.narrowed_scope(request)?;
        let resources = subject.narrowed_resources(request)?;
        let (grant, user) = request.good_grant(subject.claims.grant, gone).await?;
        let until = subject.claims.exp.min(request.issuer.now() + LONGEST);
        Ok(Self { grant, user, scope, resources, until })
    }

    /// There is nothing to spend: it is no more than who asks has already.
    async fn spend(self, _: &TokenRequest<'_>) -> Result<Won, OAuthError> {
        Ok(Won {
            grant: self.grant,
            user: self.user,
            scope: self.scope,
            resources: self.resources,
            nonce: None,
            refresh_token: None,
            jkt: None,
            exchanged_until: Some(self.until),
        })
    }
}
