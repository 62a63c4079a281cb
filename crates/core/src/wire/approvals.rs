//! Actions that an agent asks its owner to approve, at the API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Secret, Timestamp};

/// Actions that wait for one's decision, and those that were decided.
pub const APPROVALS: &str = "/api/v1/approvals";
/// Where an agent asks.
pub const ASK: &str = "/api/v1/agent/approvals";

/// While nobody has decided, the answer to a poll (CIBA Core §11).
pub const PENDING: &str = "authorization_pending";
/// Polled too early; the interval has grown (CIBA Core §11).
pub const SLOW_DOWN: &str = "slow_down";
/// The owner said no (CIBA Core §11).
pub const DENIED: &str = "access_denied";
/// Nobody decided in time, or the agent did not come for it (CIBA Core §11).
pub const EXPIRED: &str = "expired_token";
/// By how many seconds the interval grows when a poll comes too early (CIBA Core §11).
pub const SLOWER: u32 = 5;

/// An action to be approved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// What is to be done, exactly (RFC 9396 §2).
    pub authorization_details: Vec<Value>,
    /// Why, in the agent's words; the owner sees it as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it will be done: resources that the agent's own token is made out for; all of them
    /// if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}

/// The owner was asked (CIBA Core §7.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedApproval {
    /// `apr_…`: what is polled for. It is worth nothing without the agent's own token.
    pub auth_req_id: String,
    /// SHA-256 over the action in its canonical form, base64url: the owner sees it too.
    pub digest: String,
    /// Seconds until nobody can approve it any more.
    pub expires_in: u32,
    /// Least seconds between two polls.
    pub interval: u32,
}

/// An approved action's token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApprovedAction {
    /// Good once, for this action, where it was made out for.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub token: Secret,
    /// When it ends.
    pub token_expires_at: Timestamp,
    /// What it is bound to.
    pub digest: String,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// The owner has not decided.
    Pending,
    /// The owner said yes, and it was not done yet.
    Approved,
    /// The owner said no.
    Denied,
    /// It was done.
    Used,
    /// Its time was over, or the agent had ended.
    Expired,
}

impl ApprovalState {
    /// As spoken.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
            Self::Expired => "expired",
        }
    }
}

/// An action that an agent asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// `apr_…`.
    pub id: String,
    /// `agt_…`: who asks.
    pub agent: String,
    /// What that is called.
    pub agent_name: String,
    /// `ORG/PROJECT` that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The action, exactly.
    pub authorization_details: Vec<Value>,
    /// SHA-256 over its canonical form, base64url.
    pub digest: String,
    /// Where it will be done.
    pub resources: Vec<String>,
    /// Why, in the agent's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How far it has come.
    pub state: ApprovalState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Until when it can be approved; once approved, until when it can be done.
    pub expires_at: Timestamp,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// The client that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
}

/// A yes to an action that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveAction {
    /// The digest of what was seen; another one approves nothing.
    pub digest: String,
}
