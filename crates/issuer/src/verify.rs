//! A token at our own API (RFC 6750, RFC 9068 §4): read, looked up, decided.

use std::sync::Arc;

use hallpass_store::{Standing, User};
use hallpass_verdict::{Decision, Refusal, Who};

use crate::jwt::claims::AccessClaims;
use crate::{BearerError, Error, Issuer};

impl Issuer {
    /// Whether `token` is good now at `resource`, and for what.
    pub async fn verify(&self, token: &str, resource: &str) -> Result<Decision, BearerError> {
        let rejected = |why| BearerError::InvalidToken { why };
        let claims = self.read_access_token(token).map_err(|why| rejected(why.into()))?;
        let decision = self.decide(claims, Some(resource)).await?;
        decision.map_err(|why| rejected(why.into()))
    }

    /// What stands about a token of ours, now. The one place that introspection, userinfo
    /// and our own API answer from.
    pub(crate) async fn decide(
        &self,
        claims: AccessClaims,
        resource: Option<&str>,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let (grant, jti) = (claims.grant, claims.jti.to_string());
        let standing = self.0.store.grants().standing(grant, Some(&jti)).await?;
        let now = self.now();
        let who = standing.as_ref().map(who);
        let known = standing.as_ref().zip(who.as_ref()).map(view);
        let decision = hallpass_verdict::decide(claims.into(), known, resource, now);
        if decision.is_ok() {
            self.used(grant, now);
        }
        Ok(decision)
    }
}

fn who(standing: &Standing) -> Arc<Who> {
    let User { id, email, name, admin, .. } = standing.user.clone();
    Arc::new(Who::User { id, email, name, admin })
}

fn view<'a>((standing, who): (&'a Standing, &'a Arc<Who>)) -> hallpass_verdict::Standing<'a> {
    let Standing { grant, user, client_disabled, jti_revoked } = standing;
    hallpass_verdict::Standing {
        who,
        user_disabled: user.disabled_at.is_some(),
        client_id: &grant.client_id,
        client_disabled: *client_disabled,
        scope: &grant.scope,
        grant_ended: grant.ended_at.is_some(),
        grant_expires_at: grant.expires_at,
        jti_revoked: *jti_revoked,
    }
}
