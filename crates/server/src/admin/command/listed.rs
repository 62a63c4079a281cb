//! Rows of what is listed, and the client that is to be registered.

use hallpass_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A client to register.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NewClient {
    /// Its id.
    pub id: String,
    /// What people see; the id if it is empty.
    pub name: String,
    /// Whether it can keep a secret, and gets one.
    pub confidential: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Grant types; empty for the usual ones.
    pub grant_types: Vec<String>,
    /// Scope tokens that it may ask for; empty for all.
    pub scopes: Vec<String>,
    /// Resources that it may introspect tokens for; empty for this server's own API.
    pub resources: Vec<String>,
    /// Whether it may come without PKCE, then with a nonce.
    pub without_pkce: bool,
    /// `RS256` or `ES256`.
    pub id_token_alg: Option<String>,
    /// Whether each of its token requests needs a proof of possession.
    #[serde(default)]
    pub dpop_required: bool,
}

/// A user, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_at: Option<Timestamp>,
}

/// A client, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What people see.
    pub name: String,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// What it may ask for.
    pub scope: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Since when it may do nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_at: Option<Timestamp>,
}

/// A signing key, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signs_until: Option<Timestamp>,
    /// Until when it is published.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published_until: Option<Timestamp>,
}

/// A row of the audit log, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its place in the log.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub subject: String,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}
