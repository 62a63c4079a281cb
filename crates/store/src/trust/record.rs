//! What policies and exchanges are, and how they are read from rows.

use hallpass_core::id::{JobId, OrgId, ProjectId, TrustDeniedId, TrustId};
use hallpass_core::trust::Pin;
use hallpass_core::{Digest, Scope, Timestamp};

use crate::Error;
use crate::db::Row;

/// A policy to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTrust {
    /// The id that it will have.
    pub id: TrustId,
    /// The organization.
    pub org: OrgId,
    /// The project that passes are for.
    pub project: ProjectId,
    /// The issuer, exactly.
    pub issuer: String,
    /// What its claims mean.
    pub platform: String,
    /// The conditions, as JSON.
    pub conditions: String,
    /// Ids that were given.
    pub pins: Vec<Pin>,
    /// Whether others are pinned at first use.
    pub pin_first_use: bool,
    /// What a pass may do.
    pub permissions: Scope,
    /// How long it is good for, in seconds.
    pub ttl_seconds: u32,
    /// What it allows, in words, for the log.
    pub words: String,
}

/// A live policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Its id.
    pub id: TrustId,
    /// The organization.
    pub org: OrgId,
    /// Its slug.
    pub org_slug: String,
    /// The project that passes are for.
    pub project: ProjectId,
    /// Its slug.
    pub project_slug: String,
    /// The issuer, exactly.
    pub issuer: String,
    /// What its claims mean.
    pub platform: String,
    /// The conditions, as JSON.
    pub conditions: String,
    /// Ids behind names.
    pub pins: Vec<Pin>,
    /// Whether they are pinned at first use.
    pub pin_first_use: bool,
    /// What a pass may do.
    pub permissions: Scope,
    /// How long it is good for, in seconds.
    pub ttl_seconds: u32,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it last let somebody in.
    pub last_used_at: Option<Timestamp>,
}

/// Somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustExchange {
    /// The id of the job.
    pub id: JobId,
    /// The policy.
    pub policy: TrustId,
    /// The slug of the project.
    pub project: String,
    /// When.
    pub at: Timestamp,
    /// Who, in short.
    pub who: String,
    /// The `sub` of the token.
    pub subject: String,
    /// What the pass may do.
    pub scope: Scope,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended before.
    pub ended_at: Option<Timestamp>,
    /// From where.
    pub address: Option<String>,
}

/// Somebody was not let in: to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDenied {
    /// The id that it will have, if it is the first of its kind.
    pub id: TrustDeniedId,
    /// The organization that is told.
    pub org: OrgId,
    /// The project that was asked for, or is nearest.
    pub project: Option<ProjectId>,
    /// Equal ones have the same.
    pub fingerprint: Digest,
    /// The issuer.
    pub issuer: String,
    /// Who, in short.
    pub who: String,
    /// Why, in words.
    pub why: String,
    /// A name came back with another id.
    pub alarm: bool,
    /// The claims, as JSON.
    pub claims: String,
}

/// Somebody was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustDenied {
    /// Its id.
    pub id: TrustDeniedId,
    /// The organization.
    pub org: OrgId,
    /// The project that was asked for, or is nearest.
    pub project: Option<ProjectId>,
    /// Its slug.
    pub project_slug: Option<String>,
    /// When it was first tried.
    pub first_at: Timestamp,
    /// When it was last tried.
    pub at: Timestamp,
    /// How often.
    pub count: i64,
    /// The issuer.
    pub issuer: String,
    /// Who, in short.
    pub who: String,
    /// Why, in words.
    pub why: String,
    /// A name came back with another id.
    pub alarm: bool,
    /// From where, the last time.
    pub address: Option<String>,
    /// The claims, as JSON.
    pub claims: String,
}

pub(super) fn read_policy(row: &mut Row<'_>) -> Result<TrustPolicy, Error> {
    Ok(TrustPolicy {
        id: row.next()?,
        org: row.next()?,
        org_slug: row.next()?,
        project: row.next()?,
        project_slug: row.next()?,
        issuer: row.next()?,
        platform: row.next()?,
        conditions: row.next()?,
        pins: Vec::new(),
        pin_first_use: row.next()?,
        permissions: row.next()?,
        ttl_seconds: row.next()?,
        created_by: row.next()?,
        created_at: row.next()?,
        last_used_at: row.next()?,
    })
}

pub(super) fn read_exchange(row: &mut Row<'_>) -> Result<TrustExchange, Error> {
    Ok(TrustExchange {
        id: row.next()?,
        policy: row.next()?,
        project: row.next()?,
        at: row.next()?,
        who: row.next()?,
        subject: row.next()?,
        scope: row.next()?,
        expires_at: row.next()?,
        ended_at: row.next()?,
        address: row.next()?,
    })
}

pub(super) fn read_denied(row: &mut Row<'_>) -> Result<TrustDenied, Error> {
    Ok(TrustDenied {
        id: row.next()?,
        org: row.next()?,
        project: row.next()?,
        project_slug: row.next()?,
        first_at: row.next()?,
        at: row.next()?,
        count: row.next()?,
        issuer: row.next()?,
        who: row.next()?,
        why: row.next()?,
        alarm: row.next()?,
        address: row.next()?,
        claims: row.next()?,
    })
}
