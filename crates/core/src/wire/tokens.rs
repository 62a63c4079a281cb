//! `/api/v1/tokens`, `/api/v1/orgs` and what hangs on them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::whole::whole;
use crate::role::{OrgRole, ProjectRole};
use crate::{Scope, Secret, Timestamp};

/// A personal token, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// `tok_…`.
    pub id: String,
    /// What its owner calls it; unique among the owner's live tokens.
    pub name: String,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// What it was narrowed to; absent: everything that its owner may do, but make tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The projects that it was narrowed to, as `ORG/PROJECT`; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it, if that was not its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// When it ends by itself; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_address: Option<String>,
    /// The token that it took over from, by rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_from: Option<String>,
    /// It was rotated, and is good until then beside its successor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_until: Option<Timestamp>,
    /// It had leaked, and was revoked then. It is shown for a while, so that its owner knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaked_at: Option<Timestamp>,
}

/// `POST /api/v1/tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What to call it.
    pub name: String,
    /// When it ends; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What to narrow it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The projects to narrow it to, as `ORG/PROJECT`; absent: none. A list of nothing is refused:
    /// whoever computes it means less by it, not everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub projects: Vec<String>,
    /// Whose it is to be, by e-mail address or id; only an administrator may say another
    /// than themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// The answer that shows a token, this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreatedToken {
    /// What it is.
    #[serde(flatten)]
    pub token: Token,
    /// Its text.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub value: Secret,
}

fn some<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::deserialize(d)?;
    match names.is_empty() {
        true => Err(serde::de::Error::custom("leave projects out for all of them")),
        false => Ok(names),
    }
}

/// `POST /api/v1/orgs/{org}/projects/{project}/legacy-tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLegacyToken {
    /// What to call it.
    pub name: String,
    /// The most that it may do in the project; collaborator if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ProjectRole>,
}

/// The answer that shows a token like those of an older system, this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreatedLegacyToken {
    /// `tok_…`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The one project that it is good for, as `ORG/PROJECT`.
    pub project: String,
    /// The most that it may do there. It may never do more than whoever made it may.
    pub role: ProjectRole,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Its text.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub value: Secret,
}

/// `PATCH /api/v1/tokens/{id}`: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenChange {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another end; `null`: never.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expires_at: Option<Option<Timestamp>>,
}

/// `POST /api/v1/tokens/{id}/rotate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateToken {
    /// For how many seconds the old one stays good; 0: not at all.
    #[serde(default, deserialize_with = "whole")]
    pub overlap_seconds: u64,
    /// When the new one ends; absent: after as long a time as the old one; `null`: never.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expires_at: Option<Option<Timestamp>>,
}

/// With nothing but an overlap.
impl From<Duration> for RotateToken {
    fn from(overlap: Duration) -> Self {
        Self { overlap_seconds: overlap.as_secs(), ..Self::default() }
    }
}

/// `POST /api/v1/revoke-leaked`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeLeaked {
    /// Texts of tokens.
    #[serde(serialize_with = "exposed")]
    pub tokens: Vec<Secret>,
}

/// What became of them. It does not say which: that would tell good from bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakedRevoked {
    /// How many texts were read.
    pub received: u64,
}

/// An organization, as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Org {
    /// `org_…`.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// A label that the operator sets; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// The caller's role in it, now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<OrgRole>,
    /// Since when it is archived: nobody has any rights in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
}

/// `POST /api/v1/orgs`, and `POST …/projects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPlace {
    /// Its name in addresses.
    pub slug: String,
    /// What people call it; the slug if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `PATCH /api/v1/orgs/{org}` and `PATCH …/projects/{project}`: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceChange {
    /// Another name in addresses. Nobody else gets the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `PUT /api/v1/orgs/{org}/plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPlan {
    /// The label; empty for none.
    pub plan: String,
}

/// `POST /api/v1/orgs/{org}/transfer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferOrg {
    /// The member who is its owner from then on: e-mail address or id.
    pub user: String,
}

/// `POST …/projects/{project}/transfer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferProject {
    /// The organization that it moves to: slug or id.
    pub org: String,
}

/// `POST …/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Who is invited.
    pub email: String,
    /// The role that it gives, of an organization or of a project.
    pub role: String,
}

/// An open invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// `inv_…`.
    pub id: String,
    /// Who is invited.
    pub email: String,
    /// The role that it gives.
    pub role: String,
    /// Who invites: e-mail address.
    pub invited_by: String,
    /// Whether the link was sent to the address, and shown to nobody.
    pub mailed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// The answer that shows the link, this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreatedInvitation {
    /// What it is.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// The link; absent if it was sent to the address.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "Secret::serialize_exposed_option"
    )]
    pub link: Option<Secret>,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// `prj_…`.
    pub id: String,
    /// Its organization's slug.
    pub org: String,
    /// Its name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The caller's role in it, now; an organization's admins and owners own its projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ProjectRole>,
    /// Since when it is archived: nobody has any rights in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
}

/// Somebody with a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member<R> {
    /// `usr_…`.
    pub user: String,
    /// E-mail address.
    pub email: String,
    /// Display name.
    pub name: String,
    /// The role.
    pub role: R,
}

/// `PUT …/members/{user}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRole<R> {
    /// The role from now on.
    pub role: R,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::<Timestamp>::deserialize(deserializer).map(Some)
}

fn exposed<S: serde::Serializer>(secrets: &[Secret], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(Secret::expose))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absent_are_told_apart() {
        let read = |json| serde_json::from_str::<TokenChange>(json).unwrap().expires_at;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"expires_at":null}"#), Some(None));
        let at = Timestamp::from_secs(1_800_000_000);
        assert_eq!(read(&format!(r#"{{"expires_at":"{at}"}}"#)), Some(Some(at)));
        assert!(serde_json::from_str::<TokenChange>(r#"{"expires":1}"#).is_err());
    }
}
