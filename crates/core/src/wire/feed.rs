//! `POST /api/v1/feed`: a guard in another process learns what was revoked, and holds its
//! lease (DESIGN.md §5).
//!
//! The guard's lease runs from the moment it *sent* the request. The server takes it to run
//! from the moment it answered, so it never thinks a lease over that the guard still holds.

use serde::{Deserialize, Serialize};

use super::whole::{whole, whole_or_none};

/// What a guard sends. The caller is a confidential client (RFC 7662 §2.1's rule).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRequest {
    /// Random, made when the guard started; tells two guards of one client apart.
    pub holder: String,
    /// Whose answers those were, as [`FeedAnswer::server`] said; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Everything up to this epoch is applied; absent before the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_none")]
    pub applied: Option<i64>,
    /// For how long to wait for news, at most; the server may answer earlier.
    #[serde(default, deserialize_with = "whole")]
    pub wait_ms: u64,
}

/// What it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedAnswer {
    /// Random, made when the server started: epochs of another are not to be compared.
    pub server: String,
    /// The epoch that `revoked` leads up to.
    pub epoch: i64,
    /// What may not be relied on any more: ids of credentials, grants, JWTs, users, projects,
    /// organizations, `client:<id>`.
    pub revoked: Vec<String>,
    /// Everything that was cached is to be forgotten: the server does not know any more what
    /// was revoked since `applied`.
    pub reset: bool,
    /// The lease, counted from before the request was sent.
    pub lease_ms: u64,
}
