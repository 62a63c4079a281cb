//! Metadata documents. One type serves `/.well-known/oauth-authorization-server`
//! (RFC 8414 §2) and `/.well-known/openid-configuration` (OIDC Discovery §3).

use serde::{Deserialize, Serialize};

/// Authorization server metadata. Empty arrays are left out (RFC 8414 §3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMetadata {
    /// The issuer identifier; must equal the URL that the document was asked for.
    pub issuer: String,
    /// RFC 6749 §3.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// RFC 6749 §3.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// RFC 8628 §4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// RFC 7009.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// RFC 7662.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// OIDC Core §5.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// OIDC RP-Initiated Logout §2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// RFC 7517.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// RFC 6749 §3.3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// Only `code`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// Only `query`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// Grant types at the token endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// RFC 7591 §2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 8414 §2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 8414 §2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 7636: only `S256`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// RFC 9449 §5.1: only `ES256`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// OIDC Core §8: only `public`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_types_supported: Vec<String>,
    /// OIDC Core §15.1: RS256 is always there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// OIDC Core §5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_supported: Vec<String>,
    /// OIDC Core §3.1.2.1: values of `prompt`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompt_values_supported: Vec<String>,
    /// RFC 9207 §3.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// OIDC Discovery §3; we refuse `request` (`request_not_supported`).
    #[serde(default)]
    pub request_parameter_supported: bool,
    /// OIDC Discovery §3: its default is true, so saying false matters.
    #[serde(default = "yes")]
    pub request_uri_parameter_supported: bool,
    /// OIDC Discovery §3; we ignore `claims`.
    #[serde(default)]
    pub claims_parameter_supported: bool,
}

fn yes() -> bool {
    true
}

/// `GET /auth/config`: where a CLI of this server signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthConfig {
    /// `oidc`: sign in at `issuer`; `local`: no sign-in is needed or possible.
    pub mode: AuthMode,
    /// The OIDC issuer; absent in local mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The public client to sign in as; absent in local mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Scopes to ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// RFC 8707 resource of the API behind this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// How far the move away from an older system's tokens is; absent: there never was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_phase: Option<LegacyPhase>,
}

/// How far the move away from an older system's tokens is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegacyPhase {
    /// Announced: they work, and new ones can be had.
    A,
    /// Warned of: they work, and no new ones can be had.
    B,
    /// Over: those that are there work on, and no tool asks for one any more.
    C,
}

/// How a server wants to be signed in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// At an OIDC issuer.
    Oidc,
    /// Not at all: zero-auth mode on loopback.
    Local,
}
