//! Agents, at the API.

use serde::{Deserialize, Serialize};

use super::whole::whole_or_none;
use crate::{Scope, Secret, Timestamp};

/// What every agent is asked to report to, and asks.
pub const AGENT: &str = "/api/v1/agent";
/// Agents of one's own.
pub const AGENTS: &str = "/api/v1/agents";

/// What agents of one's own may know.
pub const AGENT_SECRETS: &str = "/api/v1/agent-secrets";

/// At an exchange for a child's token (RFC 8693 §2.1 lets us add parameters): what to call it.
pub const NAME: &str = "agent_name";
/// The same: for how many seconds it is renewed.
pub const TTL: &str = "agent_ttl";
/// The same: how many levels of agents may come below it.
pub const DEPTH: &str = "agent_depth";

/// An agent to start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// What to call it.
    pub name: String,
    /// `ORG/PROJECT`: the one project that it may do anything in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What it may do there.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub permissions: Scope,
    /// How long its token lives, and so for how long it goes on unless it is renewed: 10 to
    /// 3600, 900 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_none")]
    pub ttl_seconds: Option<u32>,
    /// How many levels of agents may come below it: 0 to 8, 2 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_none")]
    pub depth: Option<u32>,
    /// Resources (RFC 8707) that its tokens are good at, besides this server's own API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The host that it is started on, as that says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The command that it is, without arguments that could be secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Whether an agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It does, as far as anybody knows.
    Running,
    /// It was stopped, or said that it is done.
    Stopped,
    /// Nobody renewed it.
    Lapsed,
}

impl AgentState {
    /// As spoken.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Lapsed => "lapsed",
        }
    }
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// `agt_…`: the `sub` of its tokens.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// `usr_…`: whose it is.
    pub owner: String,
    /// `ORG/PROJECT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What it was granted there; it has of it what its owner has now.
    pub permissions: Scope,
    /// The agent that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How many levels of agents may come below it.
    pub depth: u32,
    /// The token through which it was started, if that was not its owner in person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// Whether it runs.
    pub state: AgentState,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// When it ends unless it is renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
    /// What it last said of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// How far it is, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u32>,
    /// When it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Timestamp>,
    /// The host that it was started on, as that said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The command that it is, as its broker said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// An agent that was started, with its first token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartedAgent {
    /// It.
    pub agent: Agent,
    /// Its access token.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub token: Secret,
    /// When that ends.
    pub token_expires_at: Timestamp,
}

/// A fresh token of an agent that goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenewedAgent {
    /// Its access token.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub token: Secret,
    /// When that ends.
    pub token_expires_at: Timestamp,
}

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentReport {
    /// What it is doing.
    pub text: String,
    /// How far it is, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_none")]
    pub progress: Option<u32>,
}

/// Which of a person's agents a secret is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretOf {
    /// `agt_…`: this one alone.
    Run(String),
    /// All that are called so.
    Agent(String),
    /// `ORG/PROJECT`: all in this project.
    Project(String),
}

impl SecretOf {
    /// As it is kept, and as a page's form says it: the kind, and which.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Run(id) => ("run", id),
            Self::Agent(name) => ("name", name),
            Self::Project(project) => ("project", project),
        }
    }

    /// What [`Self::parts`] gave.
    pub fn read(kind: &str, which: String) -> Option<Self> {
        match kind {
            "run" => Some(Self::Run(which)),
            "name" => Some(Self::Agent(which)),
            "project" => Some(Self::Project(which)),
            _ => None,
        }
    }
}

/// A secret to keep for agents.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAgentSecret {
    /// For whom.
    pub of: SecretOf,
    /// What it is called.
    pub name: String,
    /// The secret itself.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub value: Secret,
}

/// Which secret is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhichSecret {
    /// For whom it is.
    pub of: SecretOf,
    /// What it is called.
    pub name: String,
}

/// A secret as its owner sees it: without what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSecret {
    /// For whom.
    pub of: SecretOf,
    /// What it is called.
    pub name: String,
    /// When it was last set.
    pub set_at: Timestamp,
    /// When an agent last read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
}

/// A secret as its agent reads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentSecretValue {
    /// What it is called.
    pub name: String,
    /// The secret itself.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub value: Secret,
}
