//! Rows of the audit log as they are exported and shown. The chain is made over this very text,
//! so neither the members nor their order ever change (docs/audit.md).

use serde::{Deserialize, Serialize};

/// One row. Without `n` and `hash` it is not sealed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its place in the chain, from 1 upwards without gaps.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n: Option<i64>,
    /// `aud_…`.
    pub id: String,
    /// When, in UTC to the millisecond.
    pub at: String,
    /// Who: the id of a principal or a client, `system` or `anonymous`.
    pub actor: String,
    /// What: `token.create`, `member.set`, …
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// The organization that it happened in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub org: Option<String>,
    /// Through which client.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// More about it, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// SHA-256 over the hash before it and the text of this row without this member, in
    /// hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hash: Option<String>,
}

/// A public key that signs checkpoints (RFC 7517, RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The key, in Base64 for URLs.
    pub x: String,
    /// Its id: `aky_…`.
    pub kid: String,
}

/// Keys to pin (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    /// All that ever signed a checkpoint here.
    pub keys: Vec<Jwk>,
}
