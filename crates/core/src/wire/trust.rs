//! Trust in outside issuers: `…/trust`, and the exchange of a job's own token for a pass.
//!
//! | route | what | answers |
//! |---|---|---|
//! | `POST /auth/oidc/exchange` ([`path::OIDC_EXCHANGE`]) | [`Exchange`], JSON; no other credential | [`Exchanged`], or an [`ExchangeRefused`] |
//! | `GET /api/v1/orgs/{org}/trust` | the policies of all its projects | `Page<`[`TrustPolicy`]`>` |
//! | `GET /api/v1/orgs/{org}/projects/{project}/trust` | the policies of one project | `Page<`[`TrustPolicy`]`>` |
//! | `POST /api/v1/orgs/{org}/projects/{project}/trust` | [`NewTrustPolicy`] | [`TrustPolicy`]; 409 with code [`DANGEROUS`] if it is dangerous and that was not accepted, [`EXISTS`] if there is the same already, or [`MOVED`] if it gives another id for a name than its organization goes by |
//! | `GET`, `DELETE /api/v1/trust/{id}` | one policy; revoking it ends every pass of it | [`TrustPolicy`] |
//! | `POST /api/v1/trust/{id}/repin` | [`Changed`]: the id behind a name is another one from now on, which ends every pass of the policy | [`TrustPolicy`]; 409 with code [`MOVED`] if it is not what is pinned |
//! | `GET …/trust/exchanges`, of an organization or a project | recent exchanges | `Page<`[`TrustExchange`]`>` |
//! | `GET …/trust/denied`, of an organization or a project | denied ones of 30 days; `alarm` if a name came back with another id | `Page<`[`DeniedExchange`]`>` |
//! | `GET /api/v1/trust/denied/{id}` | one of them, explained | [`DeniedExplained`] |
//!
//! Findings are the policies whose [`TrustPolicy::dangers`] are not empty. The audience of a
//! job's token has to be the server's own issuer URL, and no other beside it. A job may also
//! exchange at `/oauth/token`, with RFC 8693 (`subject_token_type`
//! [`TYPE_JWT`](super::oauth::TYPE_JWT)) or RFC 7523 (`assertion`).
//!
//! [`path::OIDC_EXCHANGE`]: super::path::OIDC_EXCHANGE

use serde::{Deserialize, Serialize};

use super::whole::whole_or_none;
use crate::trust::{Changed, Check, Condition, Danger, Pin, Platform};
use crate::{Scope, Secret, Timestamp};

/// The code of the problem when a policy is dangerous: make it again, with what was named in
/// [`NewTrustPolicy::accept`].
pub const DANGEROUS: &str = "dangerous_policy";

/// The code of the problem when the project has a policy already that lets the same jobs do the same.
pub const EXISTS: &str = "policy_exists";

/// The code of the problem when what was to be changed is not what a policy pins: look again.
pub const MOVED: &str = "pin_moved";

/// `POST /auth/oidc/exchange`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The job's own token: the JWT that its platform gave it.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub token: Secret,
    /// The project that the pass is for, `org/project`. It may be left out where the token is
    /// let into one project only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Some of what the policy gives; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Scope>,
    /// Resources that the pass is made out for (RFC 8707), besides the server's own API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}

/// A pass: short, for one project, and not to be renewed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchanged {
    /// The pass: a JWT (RFC 9068), whose `sub` is the job.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub access_token: Secret,
    /// `Bearer`.
    pub token_type: String,
    /// How many seconds it is good for.
    pub expires_in: u64,
    /// What it may do.
    pub scope: Scope,
    /// The organization's slug.
    pub org: String,
    /// The project's slug.
    pub project: String,
    /// The policy that let it in.
    pub policy: String,
}

/// Why there is no pass: as much as an outsider is told. Whoever manages the keys of the place
/// sees the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRefused {
    /// `invalid_request`: it cannot be read. `access_denied`: no policy lets this token in.
    /// `ambiguous_project`: it is let into several projects; name one. `invalid_scope`: more than
    /// the policy gives was asked for. `invalid_target`: no such resource is known here.
    /// `temporarily_unavailable`: the issuer cannot be asked.
    pub error: String,
    /// In words.
    pub error_description: String,
}

/// A policy, as those see it who manage the keys of its project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustPolicy {
    /// `trp_…`.
    pub id: String,
    /// The organization's slug.
    pub org: String,
    /// The slug of the project that passes are for.
    pub project: String,
    /// The issuer, exactly.
    pub issuer: String,
    /// What its claims mean.
    pub platform: Platform,
    /// All of these have to be met.
    pub conditions: Vec<Condition>,
    /// Ids behind names, given or seen at first use.
    pub pins: Vec<Pin>,
    /// Whether the id behind a name is pinned when it is first seen.
    pub pin_first_use: bool,
    /// What a pass may do.
    pub permissions: Scope,
    /// How long it is good for, in seconds.
    pub ttl_seconds: u64,
    /// What it allows, in a sentence.
    pub sentence: String,
    /// What is dangerous about it.
    pub dangers: Vec<DangerSaid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: a user's or a key's id, or `system`.
    pub created_by: String,
    /// The e-mail address of whoever made it, if that is a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// When it last let somebody in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Why it lets nobody in at this moment: the keys of its issuer cannot be fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_unknown: Option<KeysUnknown>,
}

/// The keys of an issuer could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysUnknown {
    /// When that was last tried.
    pub at: Timestamp,
    /// What was wrong, in words.
    pub why: String,
}

/// Something dangerous, with what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DangerSaid {
    /// For programs, and for [`NewTrustPolicy::accept`].
    pub danger: Danger,
    /// For people.
    pub says: String,
}

impl From<Danger> for DangerSaid {
    fn from(danger: Danger) -> Self {
        Self { danger, says: danger.says().to_owned() }
    }
}

/// `POST …/trust`: a line, or conditions, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTrustPolicy {
    /// `repo:acme/warehouse:ref:refs/heads/main`; see [`parse_line`](crate::trust::parse_line).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The issuer; absent: GitHub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What its claims mean; absent: what its issuer is known for, and with a line GitHub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Conditions, besides those of the line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Ids behind names, besides those of the line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
    /// Whether the id behind a name is pinned when it is first seen; absent: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_first_use: Option<bool>,
    /// What a pass may do.
    #[serde(default)]
    pub permissions: Scope,
    /// How long a pass is good for, 60 to 900 seconds; absent: 900.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_none")]
    pub ttl_seconds: Option<u64>,
    /// The dangers that whoever makes it has read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Danger>,
}

/// An exchange that was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustExchange {
    /// The job, `job_…`: the `sub` of its pass, and who it is in the audit log.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The policy that let it in.
    pub policy: String,
    /// The slug of the project.
    pub project: String,
    /// Who came, in short: `acme/warehouse (id 200) refs/heads/main push`.
    pub who: String,
    /// The `sub` of the token.
    pub subject: String,
    /// What the pass may do.
    pub scope: Scope,
    /// When the pass ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The address that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// An exchange that was denied. Equal ones are one, with their number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedExchange {
    /// `trd_…`.
    pub id: String,
    /// When it was last tried.
    pub at: Timestamp,
    /// When it was first tried.
    pub first_at: Timestamp,
    /// How often.
    pub count: u64,
    /// The project that was asked for, or that the nearest policy is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The issuer.
    pub issuer: String,
    /// Who came, in short.
    pub who: String,
    /// Why it was denied, in a sentence.
    pub why: String,
    /// A name came back with another id than the pinned one.
    pub alarm: bool,
    /// The address that asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// One denied exchange, explained with the policies as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedExplained {
    /// What happened.
    #[serde(flatten)]
    pub denied: DeniedExchange,
    /// The claims of its token, without its signature.
    pub claims: serde_json::Value,
    /// Each policy and each condition, the nearest policy first.
    pub policies: Vec<PolicyExplained>,
    /// Its name goes with another id by now: there is nothing to be let in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// The least rule that would have let it in: to be posted as it is, by whoever means it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<LeastRule>,
}

/// What became of claims at one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyExplained {
    /// Its id.
    pub id: String,
    /// The slug of its project.
    pub project: String,
    /// What it allows, in a sentence.
    pub sentence: String,
    /// Each of its conditions.
    pub checks: Vec<Check>,
    /// Whether it would let them in now.
    pub admitted: bool,
    /// Names that came with another id than it pins: to be posted to `…/repin` as they are, by
    /// whoever knows that they are theirs all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Changed>,
}

/// The least rule that would let somebody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeastRule {
    /// The project that it is for, as `ORG/PROJECT`.
    pub project: String,
    /// The policy to be made. Its dangers, if it has any, are not accepted in it.
    pub policy: NewTrustPolicy,
    /// What it allows, in a sentence.
    pub sentence: String,
    /// What is dangerous about it.
    pub dangers: Vec<DangerSaid>,
}

impl NewTrustPolicy {
    /// The policy that this asks for, for `org/project`; whoever serves and whoever tests a
    /// policy without a server read it with this.
    ///
    /// # Errors
    /// If its line cannot be read, or it cannot be used; in words.
    pub fn policy(&self, project: &str) -> Result<crate::trust::Policy, String> {
        use crate::trust;
        let issuer = self.issuer.clone().unwrap_or_else(|| trust::GITHUB.to_owned());
        let known = match (Platform::of_issuer(&issuer), &self.line) {
            (Platform::Other, Some(_)) => Platform::GitHub,
            (known, _) => known,
        };
        let (mut conditions, mut pins) = match &self.line {
            Some(line) => trust::parse_line(line).map_err(|error| error.to_string())?,
            None => (Vec::new(), Vec::new()),
        };
        conditions.extend(self.conditions.iter().cloned());
        pins.extend(self.pins.iter().cloned());
        let platform = self.platform.unwrap_or(known);
        if self.line.is_some() && platform != Platform::GitHub {
            return Err(
                "a line is about GitHub's claims; use conditions for this issuer".to_owned()
            );
        }
        // What is known about a well-known issuer's claims is not to be talked away.
        if Platform::of_issuer(&issuer) != Platform::Other
            && platform != Platform::of_issuer(&issuer)
        {
            let name = Platform::of_issuer(&issuer).as_str();
            return Err(format!("the platform of {issuer} is {name}"));
        }
        let policy = trust::Policy {
            issuer,
            platform,
            conditions,
            pins,
            org_pins: Default::default(),
            pin_first_use: self.pin_first_use.unwrap_or(true),
            project: project.to_owned(),
            permissions: self.permissions.clone(),
            ttl: self.ttl_seconds.map_or(trust::MAX_TTL, std::time::Duration::from_secs),
        };
        policy.check().map_err(|error| error.to_string())?;
        Ok(policy)
    }
}

impl From<&crate::trust::Policy> for NewTrustPolicy {
    fn from(policy: &crate::trust::Policy) -> Self {
        Self {
            line: None,
            issuer: Some(policy.issuer.clone()),
            platform: Some(policy.platform),
            conditions: policy.conditions.clone(),
            pins: policy.pins.clone(),
            pin_first_use: Some(policy.pin_first_use),
            permissions: policy.permissions.clone(),
            ttl_seconds: Some(policy.ttl.as_secs()),
            accept: Vec::new(),
        }
    }
}
