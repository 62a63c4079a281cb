//! An agent starts another: token exchange with `actor_token` (RFC 8693 §2.1).
//!
//! The subject is the agent whose authority is passed on, and its token says in `may_act` who
//! may do that (§4.4): itself, if it may have children at all. The actor proves that it is the
//! one. What comes back is the token of a new agent, with `act` the whole chain (§4.1): fewer
//! permissions or the same, in the same project, no more resources, at least one level less
//! below it, and an end that is not after its parent's. It is renewed by its parent, not by
//! itself, and ends with it.

use std::time::Duration;

use hallpass_core::Scope;
use hallpass_core::id::{AgentId, GrantId};
use hallpass_core::wire::agents::{DEPTH, NAME, TTL};
use hallpass_core::wire::oauth::{ErrorCode, TYPE_ACCESS_TOKEN};
use hallpass_store::{AgentRef, Begin, GrantKind, NewAgent, NewGrant, User};
use hallpass_verdict::live::Principal;

use super::{AgentError, MOST, depth, reported, ttl, with_own};
use crate::exchange::{Subject, gone, invalid};
use crate::token::{Flow, TokenRequest, Won};
use crate::{OAuthError, tokens};

/// A child that may be started.
pub(crate) struct ChildFlow {
    new: NewAgent,
    parent: AgentId,
    user: User,
}

impl Flow for ChildFlow {
    async fn validate(request: &TokenRequest<'_>) -> Result<Self, OAuthError> {
        let wanted = request.params.get("requested_token_type");
        if wanted.is_some_and(|wanted| wanted != TYPE_ACCESS_TOKEN) {
            return Err(invalid("requested_token_type has to be that of an access token"));
        }
        let subject = Subject::read(request, "subject_token", "subject_token_type").await?;
        let actor = Subject::read(request, "actor_token", "actor_token_type").await?;
        let Principal::Agent(parent) = subject.claims.sub else {
            return Err(invalid("only an agent passes on what it has; leave out actor_token"));
        };
        // RFC 8693 §4.4: the actor has to be who the subject's token names.
        let named = subject.claims.may_act.as_ref().ok_or_else(|| {
            invalid("this agent may have no children: its token names nobody in may_act")
        })?;
        if named.sub != actor.claims.sub.to_string() {
            return Err(invalid("actor_token is not that of whom may_act of subject_token names"));
        }
        // Nothing that was not named: the default of a child is the least (RFC 8693 §2.1).
        let lent = match request.params.get("scope") {
            Some(_) => subject.narrowed_scope(request)?,
            None => Scope::empty(),
        };
        let scope = with_own(&lent);
        let resources = subject.narrowed_resources(request)?;
        let (grant, user) = request.good_grant(subject.claims.grant, gone).await?;
        let above = grant.agent.ok_or_else(gone)?;
        let levels = above.depth.checked_sub(1).ok_or_else(|| invalid("no more levels below"))?;
        let issuer = request.issuer;
        let agent = AgentRef {
            id: issuer.new_id(AgentId::new),
            name: tokens::name(request.required(NAME)?)
                .map_err(|_| invalid("agent_name has 1 to 80 visible characters"))?,
            project: above.project,
            parents: [parent].into_iter().chain(above.parents).collect(),
            depth: depth(number(request, DEPTH)?, levels).map_err(|error| refused(&error))?,
        };
        let ttl = ttl(number(request, TTL)?).map_err(|error| refused(&error))?;
        let now = issuer.now();
        let until = now + Duration::from_secs(u64::from(ttl));
        let place = match above.project {
            None => None,
            Some(id) => {
                let found = issuer.0.store.projects().by_id(id).await?;
                found.map(|project| (project.org_id, project.id))
            }
        };
        let grant = NewGrant {
            id: issuer.new_id(GrantId::new),
            user_id: user.id,
            client_id: request.client.id.clone(),
            kind: GrantKind::Agent,
            scope,
            resources,
            auth_time: grant.auth_time,
            session_id: None,
            expires_at: Some(grant.expires_at.map_or(until, |end| end.min(until))),
            address: request.origin.address_text(),
            reported: reported(grant.reported.host.as_deref(), None),
            jkt: None,
            agent: Some(agent),
        };
        Ok(Self { new: NewAgent { grant, place, ttl, broker: None }, parent, user })
    }

    /// There is nothing to spend: that its parent still runs is seen in the transaction that
    /// starts it.
    async fn spend(self, request: &TokenRequest<'_>) -> Result<Won, OAuthError> {
        let (parent, client) = (self.parent.to_string(), &request.client.id);
        let by = request.issuer.by(&parent, Some(client), Some(request.origin));
        let begun = request.issuer.0.store.agents().begin(self.new, MOST, &by).await?;
        let grant = match begun {
            Begin::Begun(grant) => *grant,
            Begin::Gone => return Err(gone()),
            Begin::TooDeep => return Err(invalid("this agent may have no children")),
            Begin::TooMany => return Err(refused(&AgentError::TooMany(MOST))),
        };
        Ok(Won {
            user: self.user,
            scope: grant.scope.clone(),
            resources: grant.resources.clone(),
            nonce: None,
            refresh_token: None,
            jkt: None,
            exchanged_until: grant.expires_at,
            grant,
        })
    }
}

/// A parameter that is a number, if it is there.
fn number(request: &TokenRequest<'_>, name: &'static str) -> Result<Option<u32>, OAuthError> {
    let read = request.params.get(name).map(str::parse).transpose();
    read.map_err(|_| invalid("agent_ttl and agent_depth are numbers"))
}

/// RFC 6749 §5.2: a parameter has a value that is not supported.
fn refused(error: &AgentError) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, error.to_string())
}
