//! What a grant is, and how it is read from a row.

use std::borrow::Cow;

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::{AgentId, GrantId, ProjectId, SessionId, UserId};
use hallpass_core::{Scope, Timestamp};

use crate::db::{Bind, Cell, Column, Row, Value, kept};
use crate::{Error, User, users};

/// How a grant came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// Authorization code (RFC 6749 §4.1).
    Code,
    /// Device authorization (RFC 8628).
    Device,
    /// A person, or an agent of theirs, started an agent.
    Agent,
}

/// The agent that acts with a grant. What it is called, and where it may act, never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRef {
    /// The `sub` of its tokens.
    pub id: AgentId,
    /// What it is called.
    pub name: String,
    /// The one project that it may do anything in.
    pub project: Option<ProjectId>,
    /// The agents that it descends from, the nearest first.
    pub parents: Vec<AgentId>,
    /// How many levels of agents may come below it.
    pub depth: u32,
}

/// What a program said about itself. Never verified; show it as such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Host name.
    pub host: Option<String>,
    /// Name of the user on that host.
    pub user: Option<String>,
    /// The command that was run.
    pub command: Option<String>,
}

/// A grant to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    /// The id that it will have.
    pub id: GrantId,
    /// Whose it is.
    pub user_id: UserId,
    /// The client that it is given to.
    pub client_id: String,
    /// How it came to be.
    pub kind: GrantKind,
    /// What was granted.
    pub scope: Scope,
    /// The resources that tokens may be made out for (RFC 8707).
    pub resources: Vec<String>,
    /// When the person proved who they are (OIDC Core §2).
    pub auth_time: Timestamp,
    /// The session in which it was approved.
    pub session_id: Option<SessionId>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The address of the program, as the server saw it.
    pub address: Option<String>,
    /// What the program said about itself.
    pub reported: Reported,
    /// The key that it is bound to from the beginning (RFC 9449 §10).
    pub jkt: Option<Thumbprint>,
    /// The agent that it is for.
    pub agent: Option<AgentRef>,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Whose it is.
    pub user_id: UserId,
    /// The client that it was given to.
    pub client_id: String,
    /// How it came to be.
    pub kind: GrantKind,
    /// What was granted.
    pub scope: Scope,
    /// The resources that tokens may be made out for (RFC 8707).
    pub resources: Vec<String>,
    /// When the person proved who they are (OIDC Core §2).
    pub auth_time: Timestamp,
    /// The session in which it was approved.
    pub session_id: Option<SessionId>,
    /// When it was approved.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended. Nothing that hangs on it is good from then on.
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<String>,
    /// When it was last used, to within what [`Grants::touch`] was told.
    pub last_used_at: Option<Timestamp>,
    /// The address of the program, as the server saw it.
    pub address: Option<String>,
    /// What the program said about itself.
    pub reported: Reported,
    /// The key that its refresh tokens are bound to (RFC 9449 §5).
    pub jkt: Option<Thumbprint>,
    /// The agent that acts with it, if one does.
    pub agent: Option<AgentRef>,
}

impl Grant {
    /// Whether it has neither ended nor expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

/// All that decides whether a JWT of a grant is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The grant.
    pub grant: Grant,
    /// Whose it is.
    pub user: User,
    /// Whether the client that holds it is disabled.
    pub client_disabled: bool,
    /// Whether this one JWT was revoked.
    pub jti_revoked: bool,
}

impl Standing {
    /// Whether it is good now: grant live, user and client enabled, JWT not revoked.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.grant.is_live(now)
            && self.user.disabled_at.is_none()
            && !self.client_disabled
            && !self.jti_revoked
    }
}

/// What became of a single-use secret that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spend {
    /// It was good, and now it is spent. This answer is given once.
    Won,
    /// It had been spent before. Its grant is ended, in the same transaction.
    Reused(GrantId),
    /// Unknown, expired, or its grant, user or client is not good any more.
    Gone,
}

pub(crate) fn read(row: &mut Row<'_>) -> Result<Grant, Error> {
    Ok(Grant {
        id: row.next()?,
        user_id: row.next()?,
        client_id: row.next()?,
        kind: row.next()?,
        scope: row.next()?,
        resources: row.next()?,
        auth_time: row.next()?,
        session_id: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        ended_at: row.next()?,
        end_reason: row.next()?,
        last_used_at: row.next()?,
        address: row.next()?,
        reported: Reported::read(row)?,
        jkt: row.next()?,
        agent: row.next()?,
    })
}

pub(super) fn read_standing(row: &mut Row<'_>) -> Result<Standing, Error> {
    Ok(Standing {
        grant: read(row)?,
        user: users::read(row)?,
        client_disabled: row.next()?,
        jti_revoked: row.next()?,
    })
}

impl Reported {
    /// From three cells: host, user, command.
    pub(crate) fn read(row: &mut Row<'_>) -> Result<Self, Error> {
        Ok(Self { host: row.next()?, user: row.next()?, command: row.next()? })
    }

    /// As it is read again.
    pub(super) fn kept(&self) -> Self {
        let [host, user, command] =
            [&self.host, &self.user, &self.command].map(|text| text.as_deref().map(kept));
        Self { host, user, command }
    }
}

impl Bind for GrantKind {
    fn bind(&self) -> Value<'_> {
        match self {
            Self::Code => "code".bind(),
            Self::Device => "device".bind(),
            Self::Agent => "agent".bind(),
        }
    }
}

impl Column for GrantKind {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("code") => Some(Self::Code),
            Cell::Text("device") => Some(Self::Device),
            Cell::Text("agent") => Some(Self::Agent),
            _ => None,
        }
    }
}

impl AgentRef {
    /// As it is read again.
    pub(super) fn kept(&self) -> Self {
        Self { name: kept(&self.name), ..self.clone() }
    }
}

impl Bind for AgentRef {
    fn bind(&self) -> Value<'_> {
        let parents: Vec<_> = self.parents.iter().map(AgentId::to_string).collect();
        let project = self.project.map(|id| id.to_string());
        let json = serde_json::json!({
            "depth": self.depth,
            "id": self.id.to_string(),
            "name": kept(&self.name),
            "parents": parents,
            "project": project,
        });
        Value::Text(Cow::Owned(json.to_string()))
    }
}

impl Column for AgentRef {
    fn read(cell: Cell<'_>) -> Option<Self> {
        let Cell::Text(text) = cell else { return None };
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        let parents = json["parents"].as_array()?.iter();
        Some(Self {
            id: json["id"].as_str()?.parse().ok()?,
            name: json["name"].as_str()?.to_owned(),
            project: match json["project"].as_str() {
                Some(id) => Some(id.parse().ok()?),
                None => None,
            },
            parents: parents.map(|id| id.as_str()?.parse().ok()).collect::<Option<_>>()?,
            depth: json["depth"].as_u64()?.try_into().ok()?,
        })
    }
}
