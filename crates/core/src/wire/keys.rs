//! Keys of projects and organizations: `…/keys` and `/api/v1/keys/{id}`.

use serde::{Deserialize, Deserializer, Serialize};

use super::tokens::Token;
use crate::{Scope, Secret, Timestamp};

/// What a key acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// For one project, and nowhere else.
    ProjectKey,
    /// For an organization and its projects, as an admin.
    OrgKey,
}

/// A key, as those see it who manage the keys of its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// `tok_…`.
    pub id: String,
    /// What it acts for.
    pub kind: KeyKind,
    /// The `sub` of whoever acts with it: the id of its first generation.
    pub principal: String,
    /// What it is called; unique among the live keys of its place.
    pub name: String,
    /// The organization's slug.
    pub org: String,
    /// The slug of the project that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// What it was narrowed to; absent: all that its kind may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: a user's or a key's id, or `system`. The key stays when they go.
    pub created_by: String,
    /// The e-mail address of whoever made it, if that is a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// When it ends by itself; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_address: Option<String>,
    /// The generation that it took over from, by rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_from: Option<String>,
    /// It was rotated, and is good until then beside its successor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_until: Option<Timestamp>,
}

/// In the words of a token: how it stands, when it was used, when it ends. For its place and its
/// maker a token has no words.
impl From<&Key> for Token {
    fn from(key: &Key) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            last_four: key.last_four.clone(),
            scope: key.scope.clone(),
            projects: Vec::new(),
            created_at: key.created_at,
            created_by: None,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            last_used_address: key.last_used_address.clone(),
            rotated_from: key.rotated_from.clone(),
            overlap_until: key.overlap_until,
            leaked_at: None,
        }
    }
}

/// `POST …/keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What to call it.
    pub name: String,
    /// When it ends; absent: in 90 days; `null`: never.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expires_at: Option<Option<Timestamp>>,
    /// What to narrow it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// The answer that shows a key, this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreatedKey {
    /// What it is.
    #[serde(flatten)]
    pub key: Key,
    /// Its text.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub value: Secret,
}

/// `POST /api/v1/keys/lookup`: which key a text is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyText {
    /// The text.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub value: Secret,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::<Timestamp>::deserialize(deserializer).map(Some)
}
