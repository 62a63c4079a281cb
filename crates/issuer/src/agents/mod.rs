//! Agents: programs that a person lent a part of what they may do.
//!
//! A person starts one, or a broker with a token of theirs that may do nothing else; it gets
//! permissions in one project, never more than its owner has there, now and at every later
//! request. Its token is a JWT (RFC 9068) with `sub` the agent and `act` whoever delegated to it
//! (RFC 8693 §4.1), checked by its grant like all of ours. Nobody renews it but who started it.
//!
//! | module | what |
//! |---|---|
//! | here | starting, seeing, renewing and stopping agents of one's own |
//! | [`own`] | what an agent asks for itself |
//! | [`child`] | an agent starts another (RFC 8693 with `actor_token`) |
//! | [`secrets`] | what their owner keeps for them |
//! | [`approvals`] | an agent asks for one exact action, and its owner decides |
//! | [`action`] | what was approved is done, once |
//! | [`error`] | refusals |

use std::time::Duration;

use hallpass_core::id::{AgentId, GrantId, TokenId, UserId};
use hallpass_core::scope::{AGENT, AGENTS, TOKENS};
use hallpass_core::text::presentable;
use hallpass_core::wire::agents as wire;
use hallpass_core::wire::api::Page;
use hallpass_core::{Scope, Secret, Timestamp};
use hallpass_store::{
    Agent, AgentRef, Begin, Grant, GrantKind, NewAgent, NewGrant, Renew, Reported, Whose,
};
use hallpass_verdict::CredentialKind;

use crate::orgs::OrgError;
use crate::tokens::{self, Actor};
use crate::{Issuer, Origin};

mod action;
pub mod approvals;
pub mod child;
mod error;
pub mod own;
pub mod secrets;

pub use error::AgentError;

/// No token of an agent lives longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);
/// The lives that a token may have, in seconds, and the one that it has if nothing is said.
const TTL: (u32, u32, u32) = (10, 3600, 900);
/// The levels that may come below an agent, at most, and if nothing is said.
const DEPTH: (u32, u32) = (8, 2);
/// How many agents of one person run at once.
const MOST: u32 = 1000;
/// For how long agents that have ended are listed.
const LISTED: Duration = Duration::from_secs(24 * 3600);

impl Issuer {
    /// Starts an agent of the person who acts.
    pub async fn start_agent(
        &self,
        actor: &Actor<'_>,
        new: &wire::NewAgent,
        origin: &Origin,
    ) -> Result<wire::StartedAgent, AgentError> {
        let owner = owner(actor)?;
        let now = self.now();
        let (ttl, depth) = (ttl(new.ttl_seconds)?, depth(new.depth, DEPTH.0)?);
        let place = match new.project.as_deref() {
            Some(project) => Some(self.lendable(actor, project, &new.permissions).await?),
            None if new.permissions.is_empty() => None,
            None => {
                return Err(AgentError::invalid(
                    "invalid_project",
                    "a permission is had somewhere; name the project that it is for",
                ));
            }
        };
        let until = now + Duration::from_secs(u64::from(ttl));
        let agent = AgentRef {
            id: self.new_id(AgentId::new),
            name: tokens::name(&new.name)?,
            project: place.map(|(_, project)| project),
            parents: Vec::new(),
            depth,
        };
        let grant = NewGrant {
            id: self.new_id(GrantId::new),
            user_id: owner,
            client_id: self.0.config.brand.client_id.clone(),
            kind: GrantKind::Agent,
            scope: with_own(&new.permissions),
            resources: self.agent_resources(&new.resources).await?,
            auth_time: now,
            session_id: None,
            expires_at: Some(until.min(end_of(actor).unwrap_or(until))),
            address: origin.address_text(),
            reported: reported(new.host.as_deref(), new.command.as_deref()),
            jkt: None,
            agent: Some(agent),
        };
        let by = self.by(&actor.name(), None, Some(origin));
        let new = NewAgent { grant, place, ttl, broker: token_of(actor) };
        match self.0.store.agents().begin(new, MOST, &by).await? {
            Begin::Begun(grant) => self.started(&grant).await,
            Begin::TooMany => Err(AgentError::TooMany(MOST)),
            Begin::Gone | Begin::TooDeep => Err(AgentError::NotAllowed(
                "the account, the client or the token has just been ended; nothing was started"
                    .into(),
            )),
        }
    }

    /// Agents of the person who acts that run, and those that ended within a day; newest first.
    pub async fn agents_of(
        &self,
        actor: &Actor<'_>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::Agent>, AgentError> {
        let owner = owner(actor)?;
        let broker = broker(actor);
        let after: Option<AgentId> = cursor.map(str::parse).transpose().map_err(|_| {
            AgentError::invalid("invalid_cursor", "the cursor is not one of this list")
        })?;
        let now = self.now();
        let agents = self.0.store.agents();
        let mut found = agents
            .of_owner((owner, broker), after, limit.saturating_add(1), (now, now - LISTED))
            .await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|agent| agent.id.to_string());
        let items = found.into_iter().map(|agent| shown(agent, now)).collect();
        Ok(Page { items, next_cursor })
    }

    /// One agent of the person who acts.
    pub async fn agent_of(&self, actor: &Actor<'_>, id: &str) -> Result<wire::Agent, AgentError> {
        let whose = whose(actor)?;
        let id: AgentId = id.parse().map_err(|_| AgentError::Unknown)?;
        let found = self.0.store.agents().one(id, whose).await?;
        found.map(|agent| shown(agent, self.now())).ok_or(AgentError::Unknown)
    }

    /// Lets an agent of the person who acts go on, with a fresh token.
    pub async fn renew_agent(
        &self,
        actor: &Actor<'_>,
        id: &str,
        origin: &Origin,
    ) -> Result<wire::RenewedAgent, AgentError> {
        let whose = whose(actor)?;
        let by = self.by(&actor.name(), None, Some(origin));
        self.renew_through(whose, id, end_of(actor), &by).await
    }

    /// Stops an agent of the person who acts, and all below it. When this returns, nobody
    /// admits any of them.
    pub async fn stop_agent(
        &self,
        actor: &Actor<'_>,
        id: &str,
        origin: &Origin,
    ) -> Result<(), AgentError> {
        let whose = whose(actor)?;
        let id: AgentId = id.parse().map_err(|_| AgentError::Unknown)?;
        let by = self.by(&actor.name(), None, Some(origin));
        let why = match whose {
            Whose::Broker(..) => "stopped by its broker",
            _ => "stopped by its owner",
        };
        if self.0.store.agents().stop(id, whose, why, &by).await? {
            Ok(())
        } else {
            Err(AgentError::Unknown)
        }
    }

    async fn renew_through(
        &self,
        whose: Whose,
        id: &str,
        end: Option<Timestamp>,
        by: &hallpass_store::By,
    ) -> Result<wire::RenewedAgent, AgentError> {
        let id: AgentId = id.parse().map_err(|_| AgentError::Unknown)?;
        let agents = self.0.store.agents();
        let found = agents.one(id, whose).await?.ok_or(AgentError::Unknown)?;
        let until = self.now() + Duration::from_secs(u64::from(found.ttl));
        let until = until.min(end.unwrap_or(until));
        match agents.renew(id, whose, until, by).await? {
            Renew::Renewed(grant) => {
                let (token, token_expires_at) = self.agent_token(&grant)?;
                Ok(wire::RenewedAgent { token, token_expires_at })
            }
            Renew::Gone => Err(AgentError::Unknown),
        }
    }

    /// The project `ORG/PROJECT`, in which the one who acts has all of `permissions` now.
    async fn lendable(
        &self,
        actor: &Actor<'_>,
        project: &str,
        permissions: &Scope,
    ) -> Result<(hallpass_core::id::OrgId, hallpass_core::id::ProjectId), AgentError> {
        let (org, project) = project.split_once('/').ok_or_else(|| {
            AgentError::invalid("invalid_project", "a project is written ORG/PROJECT")
        })?;
        let seat = self.seat(actor, org, Some(project)).await?;
        let (Some(project), Some(role)) = (seat.project, seat.role) else {
            return Err(AgentError::Place(OrgError::Unknown("project")));
        };
        let theirs = self.0.config.brand.roles.of_project(role);
        for permission in permissions.iter() {
            if !theirs.contains(permission) || !self.is_scoped_to(actor, permission) {
                let what = presentable(permission, 60);
                return Err(AgentError::NotAllowed(
                    format!("you do not have the permission {what} there, so no agent of yours gets it; leave it out, or ask an owner")
                        .into(),
                ));
            }
        }
        Ok((seat.org.id, project.id))
    }

    /// Our own API, where it reports, and what else it was made out for.
    async fn agent_resources(&self, named: &[String]) -> Result<Vec<String>, AgentError> {
        let found = self.made_out_for(named).await?;
        found.map_err(|why| AgentError::invalid("invalid_resource", why))
    }

    async fn started(&self, grant: &Grant) -> Result<wire::StartedAgent, AgentError> {
        let (token, token_expires_at) = self.agent_token(grant)?;
        let id = grant.agent.as_ref().map(|agent| agent.id).ok_or(AgentError::Unknown)?;
        let agent = self.0.store.agents().one(id, Whose::Itself).await?;
        let agent = shown(agent.ok_or(AgentError::Unknown)?, self.now());
        Ok(wire::StartedAgent { agent, token, token_expires_at })
    }

    fn agent_token(&self, grant: &Grant) -> Result<(Secret, Timestamp), AgentError> {
        let agent = grant.agent.as_ref().ok_or(AgentError::Unknown)?;
        Ok(self.mint_agent(grant, agent)?)
    }
}

/// The person who acts, if they may start and stop agents: at a page, with a sign-in that may
/// make tokens, or with a token that is for agents.
fn owner(actor: &Actor<'_>) -> Result<UserId, AgentError> {
    let may = match actor {
        Actor::Person(_) => true,
        Actor::Bearer(decision) => {
            actor.is_person() && [AGENTS, TOKENS].iter().any(|it| decision.scope.contains(it))
        }
        Actor::Operator => false,
    };
    let person = actor.person().filter(|_| may).map(|(id, ..)| id);
    person.ok_or(AgentError::NotAllowed(
        "only a person has agents; sign in, or present a personal token with the scope agents"
            .into(),
    ))
}

/// The token through which they act, if they do not act in person: what is started through it ends
/// with it.
fn token_of(actor: &Actor<'_>) -> Option<TokenId> {
    match actor {
        Actor::Bearer(decision) if decision.kind == CredentialKind::PersonalToken => {
            decision.id.parse().ok()
        }
        _ => None,
    }
}

/// The same, if it is a broker's: it sees and stops what it has started, and nothing else. A token
/// that may make tokens could make one that sees everything.
fn broker(actor: &Actor<'_>) -> Option<TokenId> {
    match actor {
        Actor::Bearer(decision) if !decision.scope.contains(TOKENS) => token_of(actor),
        _ => None,
    }
}

/// Which agents are theirs to see, renew and stop.
fn whose(actor: &Actor<'_>) -> Result<Whose, AgentError> {
    let owner = owner(actor)?;
    Ok(broker(actor).map_or(Whose::Owner(owner), |broker| Whose::Broker(owner, broker)))
}

/// When the credential ends that an agent hangs on: a token lends nothing beyond its own end.
fn end_of(actor: &Actor<'_>) -> Option<Timestamp> {
    match actor {
        Actor::Bearer(decision) if decision.kind == CredentialKind::PersonalToken => {
            decision.expires_at
        }
        _ => None,
    }
}

/// Its permissions, and what every agent has.
fn with_own(permissions: &Scope) -> Scope {
    permissions.iter().chain([AGENT]).collect()
}

fn ttl(asked: Option<u32>) -> Result<u32, AgentError> {
    let (least, most, usual) = TTL;
    Some(asked.unwrap_or(usual)).filter(|ttl| (least..=most).contains(ttl)).ok_or_else(|| {
        AgentError::invalid("invalid_ttl", "a token of an agent lives for 10 to 3600 seconds")
    })
}

fn depth(asked: Option<u32>, most: u32) -> Result<u32, AgentError> {
    Some(asked.unwrap_or(DEPTH.1.min(most))).filter(|depth| *depth <= most).ok_or_else(|| {
        let why = format!("at most {most} levels of agents may come below this one");
        AgentError::invalid("invalid_depth", why)
    })
}

fn reported(host: Option<&str>, command: Option<&str>) -> Reported {
    let shown = |text: &str, most| Some(presentable(text, most)).filter(|text| !text.is_empty());
    Reported {
        host: host.and_then(|host| shown(host, 80)),
        user: None,
        command: command.and_then(|command| shown(command, 200)),
    }
}

fn shown(agent: Agent, now: Timestamp) -> wire::Agent {
    let state = match (agent.is_live(now), agent.ended_at) {
        (true, _) => wire::AgentState::Running,
        (false, Some(_)) => wire::AgentState::Stopped,
        (false, None) => wire::AgentState::Lapsed,
    };
    let ended = agent.ended_at.or(agent.expires_at.filter(|_| state != wire::AgentState::Running));
    wire::Agent {
        id: agent.id.to_string(),
        name: agent.name,
        owner: agent.owner.to_string(),
        project: agent.place.map(|(org, project)| format!("{org}/{project}")),
        permissions: agent.scope.iter().filter(|name| *name != AGENT).collect(),
        parent: agent.parent.map(|id| id.to_string()),
        depth: agent.depth,
        broker: agent.broker.map(|(_, name)| name),
        state,
        created_at: agent.created_at,
        seen_at: agent.seen_at,
        expires_at: agent.expires_at,
        ended_at: ended,
        end_reason: agent.end_reason,
        report: agent.report,
        progress: agent.progress,
        reported_at: agent.reported_at,
        host: agent.host,
        command: agent.command,
    }
}
