//! What is signed for a grant: access token (RFC 9068) and ID token (OIDC Core §2).

use hallpass_core::dpop::Confirmation;
use hallpass_core::id::{GrantId, JwtId};
use hallpass_core::scope::{EMAIL, PROFILE};
use hallpass_core::wire::oauth::Act;
use hallpass_core::{Scope, Secret, Timestamp};
use hallpass_store::{AgentRef, Client, Grant, JobGrant};
use hallpass_verdict::live::Principal;

use crate::authorize::request::{is_openid, well_formed_resource};
use crate::jwt::claims::{AccessClaims, ActionClaims, Audience, IdClaims, MayAct, at_hash};
use crate::jwt::{self, BadJwt};
use crate::signing::Alg;
use crate::token::Won;
use crate::{Error, Issuer};

impl Issuer {
    /// An access token and its end.
    pub(crate) fn mint_access(
        &self,
        client: &Client,
        won: &Won,
        now: Timestamp,
    ) -> Result<(Secret, Timestamp), Error> {
        if let Some(agent) = &won.grant.agent {
            return self.mint_agent(&won.grant, agent);
        }
        let end = self.end_of(self.0.config.access_token_ttl, &won.grant, now);
        let exp = won.exchanged_until.map_or(end, |until| until.min(end));
        let (sub, times) = (Principal::User(won.user.id), (now, exp));
        let claims = AccessClaims {
            aud: Audience(won.resources.clone()),
            scope: won.scope.clone(),
            auth_time: won.grant.auth_time,
            cnf: won.jkt.map(|jkt| Confirmation { jkt }),
            ..self.claims(sub, client.id.clone(), won.grant.id, times)
        };
        Ok((self.sign(&jwt::ACCESS, Alg::Es256, &claims)?, exp))
    }

    /// An agent's access token and its end, which is that of its grant. Only one that may have
    /// children may be acted for (RFC 8693 §4.4), and only by itself.
    pub(crate) fn mint_agent(
        &self,
        grant: &Grant,
        agent: &AgentRef,
    ) -> Result<(Secret, Timestamp), Error> {
        let now = self.now();
        let exp = self.end_of(crate::agents::LONGEST, grant, now);
        let parents = agent.parents.iter().map(ToString::to_string);
        let (sub, times) = (Principal::Agent(agent.id), (now, exp));
        let claims = AccessClaims {
            aud: Audience(grant.resources.clone()),
            scope: grant.scope.clone(),
            auth_time: grant.auth_time,
            act: Act::chain(parents.chain([grant.user_id.to_string()])),
            may_act: (agent.depth > 0).then(|| MayAct { sub: agent.id.to_string() }),
            ..self.claims(sub, grant.client_id.clone(), grant.id, times)
        };
        Ok((self.sign(&jwt::ACCESS, Alg::Es256, &claims)?, exp))
    }

    /// The pass of a job, made out for `resources`. It ends with its grant.
    pub(crate) fn mint_job(&self, job: &JobGrant, resources: Vec<String>) -> Result<Secret, Error> {
        let times = (job.created_at, job.expires_at);
        let claims = AccessClaims {
            aud: Audience(resources),
            scope: job.scope.clone(),
            ..self.claims(Principal::Job(job.id), job.client_id.clone(), job.grant(), times)
        };
        self.sign(&jwt::ACCESS, Alg::Es256, &claims)
    }

    /// What a token of an agent or a job is made out for (RFC 8707): our own API and what was
    /// named, or why that cannot be.
    pub(crate) async fn made_out_for(
        &self,
        named: &[String],
    ) -> Result<Result<Vec<String>, &'static str>, Error> {
        let mut all = vec![self.0.config.public_url.default_resource().to_owned()];
        if named.len() > 20 {
            return Ok(Err("a token is made out for at most 20 resources"));
        }
        for resource in named {
            if well_formed_resource(resource).is_err() {
                return Ok(Err("a resource must be an absolute URI without a fragment"));
            }
            if all.contains(resource) {
                continue;
            }
            if !self.0.store.resources().exists(resource).await? {
                return Ok(Err("a resource is not known to this server"));
            }
            all.push(resource.clone());
        }
        Ok(Ok(all))
    }

    /// What all access tokens say (RFC 9068 §2.2): made out for nobody yet, and for nothing.
    fn claims(
        &self,
        sub: Principal,
        client_id: String,
        grant: GrantId,
        (iat, exp): (Timestamp, Timestamp),
    ) -> AccessClaims {
        AccessClaims {
            iss: self.0.config.public_url.issuer().to_owned(),
            sub,
            aud: Audience(Vec::new()),
            client_id,
            iat,
            nbf: None,
            exp,
            jti: self.new_id(JwtId::new),
            scope: Scope::default(),
            auth_time: iat,
            grant,
            cnf: None,
            act: None,
            may_act: None,
        }
    }

    /// An ID token, if the grant is an OpenID Connect one (OIDC Core §3.1.2.1).
    pub(crate) fn mint_id(
        &self,
        client: &Client,
        won: &Won,
        access_token: &Secret,
        now: Timestamp,
    ) -> Result<Option<Secret>, Error> {
        // RFC 8693 §2.2.1: an exchange brings the one token that was asked for.
        if !is_openid(&won.scope) || won.exchanged_until.is_some() {
            return Ok(None);
        }
        let email = won.scope.contains(EMAIL);
        let claims = IdClaims {
            iss: self.0.config.public_url.issuer().to_owned(),
            sub: won.user.id,
            aud: Audience(vec![client.id.clone()]),
            iat: now,
            exp: self.end_of(self.0.config.id_token_ttl, &won.grant, now),
            // OIDC Core §12.2: also on refresh the time of the original authentication.
            auth_time: won.grant.auth_time,
            nonce: won.nonce.clone(),
            at_hash: Some(at_hash(access_token)),
            name: won.scope.contains(PROFILE).then(|| won.user.name.clone()),
            email: email.then(|| won.user.email.clone()),
            email_verified: email.then_some(false),
            grant: won.grant.id,
        };
        let alg = Alg::from_name(&client.id_token_alg).unwrap_or(Alg::Rs256);
        self.sign(&jwt::ID, alg, &claims).map(Some)
    }

    fn sign<C: serde::Serialize>(
        &self,
        kind: &jwt::Type,
        alg: Alg,
        claims: &C,
    ) -> Result<Secret, Error> {
        let ring = self.ring();
        let key = ring
            .signing(alg, self.now())
            .ok_or(Error::Crypto { doing: "looking for a signing key" })?;
        jwt::write(kind, key, claims)
    }

    /// Reads an access token of ours; whether it is good now is another question.
    pub(crate) fn read_access_token(&self, token: &str) -> Result<AccessClaims, BadJwt> {
        let claims: AccessClaims = jwt::read(&jwt::ACCESS, &self.ring(), self.now(), token)?;
        self.our_issuer(&claims.iss).map(|()| claims)
    }

    /// Signs the token of an approved action.
    pub(crate) fn sign_action(&self, claims: &ActionClaims) -> Result<Secret, Error> {
        self.sign(&jwt::ACTION, Alg::Es256, claims)
    }

    /// Reads the token of an approved action; whether it is good now is another question.
    pub(crate) fn read_action_token(&self, token: &str) -> Result<ActionClaims, BadJwt> {
        let claims: ActionClaims = jwt::read(&jwt::ACTION, &self.ring(), self.now(), token)?;
        self.our_issuer(&claims.iss).map(|()| claims)
    }

    /// Reads an ID token of ours, expired or not, as a hint about a person.
    pub(crate) fn read_id_token(&self, token: &str) -> Result<IdClaims, BadJwt> {
        let claims: IdClaims = jwt::read(&jwt::ID, &self.ring(), self.now(), token)?;
        self.our_issuer(&claims.iss).map(|()| claims)
    }

    /// RFC 9068 §4: `iss` MUST exactly match the issuer identifier.
    fn our_issuer(&self, iss: &str) -> Result<(), BadJwt> {
        let ours = iss == self.0.config.public_url.issuer();
        if ours { Ok(()) } else { Err(BadJwt::Issuer) }
    }
}
