//! What an administrator sees and changes over `/api/v1`.

use serde::{Deserialize, Serialize};

use crate::{Secret, Timestamp};

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Whether they administer the deployment.
    pub admin: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Since when they are not let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
}

/// A program that asks for tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// What people see.
    pub name: String,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// What it may use.
    pub grant_types: Vec<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Since when it may do nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
}

/// A client to register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its `client_id`.
    pub id: String,
    /// What people see; the id if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it can keep a secret, and gets one.
    #[serde(default)]
    pub confidential: bool,
    /// Where codes may be sent; complete.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

/// A client's secret, shown this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientSecret {
    /// Its `client_id`.
    pub id: String,
    /// The secret; absent if it has none.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "Secret::serialize_exposed_option"
    )]
    pub secret: Option<Secret>,
}

/// A key that signs tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// Its `kid`.
    pub id: String,
    /// `ES256` or `RS256`.
    pub alg: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// Until when it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_until: Option<Timestamp>,
    /// Until when it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_until: Option<Timestamp>,
}

/// `POST /api/v1/signing-keys/rotate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// Sign with the new ones at once, and take nothing any more that the old ones signed.
    #[serde(default)]
    pub now: bool,
}
