//! Answers of the OAuth endpoints.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::dpop::Confirmation;
use crate::permission::Permissions;
use crate::role::{OrgRole, ProjectRole};
use crate::{Scope, Secret};

/// `grant_type` of RFC 6749 §4.1.3.
pub const AUTHORIZATION_CODE: &str = "authorization_code";
/// `grant_type` of RFC 6749 §6.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// `grant_type` of RFC 8628 §3.4.
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// `grant_type` of RFC 8693 §2.1.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Token type identifier of an access token (RFC 8693 §3).
pub const TYPE_ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// RFC 8693 §3: a JWT, here one of an outside issuer.
pub const TYPE_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// RFC 8693 §3: an ID token, here one of an outside issuer.
pub const TYPE_ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// RFC 7523 §8.1: a JWT as the authorization grant.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A successful token answer (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The access token.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub access_token: Secret,
    /// `Bearer`, or `DPoP` if it is bound to a key (RFC 9449 §5).
    pub token_type: String,
    /// What an exchange brought (RFC 8693 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<String>,
    /// Seconds until the access token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// RFC 6749 §1.5.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "Secret::serialize_exposed_option"
    )]
    pub refresh_token: Option<Secret>,
    /// OIDC Core §2.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "Secret::serialize_exposed_option"
    )]
    pub id_token: Option<Secret>,
    /// What was granted; always said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// RFC 8628 §3.2.
#[derive(Clone, Serialize, Deserialize)]
pub struct DeviceAuthorization {
    /// What the device polls with.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub device_code: Secret,
    /// What the person types.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub user_code: Secret,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code filled in (it still has to be confirmed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Seconds until the codes end.
    pub expires_in: u64,
    /// Least seconds between polls; 5 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
}

impl std::fmt::Debug for DeviceAuthorization {
    /// Without `verification_uri_complete`, which holds the user code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("verification_uri", &self.verification_uri)
            .field("expires_in", &self.expires_in)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// RFC 7662 §2.2. Inactive is exactly `{"active":false}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Introspection {
    /// Whether the token is good, now, for the caller.
    pub active: bool,
    /// What it was scoped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The client it was issued to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// A name for people: the user's e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `Bearer`, or `DPoP` if it is bound to a key; absent for refresh tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<Cow<'static, str>>,
    /// The key that it is bound to (RFC 9449 §6.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// What it is made out for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aud: Vec<String>,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// The JWT's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Extension: the grant behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Extension: what was presented, `access_token`, `personal_token`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Cow<'static, str>>,
    /// Extension: the kind of principal that `sub` is: `user`, `key`, `agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_type: Option<Cow<'static, str>>,
    /// Extension: the display name of `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of an agent: whoever delegated to it, its owner innermost (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// Extension: of an agent, the id of the one project that it may do anything in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_project: Option<String>,
    /// RFC 9396 §9.2: the one action that was approved; only where its token has just been spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<serde_json::Value>,
    /// Extension: `sub` administers the deployment, now; absent: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admin: bool,
    /// When the person signed in, in Unix seconds (OIDC Core §2); only for JWTs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// Extension: the answer to the request's `project` or `org`; absent if none was asked
    /// about, or `sub` has no role there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Whoever delegated, and whoever delegated to them (RFC 8693 §4.1): of an agent's token, the
/// agent that started it outermost, and the person whose it is innermost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Who.
    pub sub: String,
    /// Who delegated to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Act>>,
}

/// No chain is longer.
const MAX_CHAIN: usize = 32;

impl Act {
    /// The chain of `actors`, the nearest first; `None` if there are none.
    pub fn chain(actors: impl IntoIterator<Item = String>) -> Option<Self> {
        let actors: Vec<String> = actors.into_iter().collect();
        let nested = |act: Option<Self>, sub| Some(Self { sub, act: act.map(Box::new) });
        actors.into_iter().rev().fold(None, nested)
    }

    /// All of them, the nearest first.
    pub fn subjects(&self) -> Vec<&str> {
        let chain = std::iter::successors(Some(self), |act| act.act.as_deref());
        chain.take(MAX_CHAIN).map(|act| &*act.sub).collect()
    }
}

/// Extension of RFC 7662 §2.2: an organization or a project in it, and what the token's
/// holder may do there now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `org_…`.
    pub org: String,
    /// Its slug.
    pub org_slug: String,
    /// `prj_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Its slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_slug: Option<String>,
    /// The role in the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_role: Option<OrgRole>,
    /// The role in the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ProjectRole>,
    /// What the role allows and the token was scoped to.
    pub permissions: Permissions,
}

/// An OAuth error answer (RFC 6749 §5.2, RFC 8628 §3.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorResponse {
    /// The registered code.
    pub error: String,
    /// For the developer at the other end; ASCII without `"` and `\`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Registered error codes that we send or act on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }
        impl ErrorCode {
            /// As registered.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
            /// Reads a registered code.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidRequest = "invalid_request",
    /// RFC 6749 §5.2.
    InvalidClient = "invalid_client",
    /// RFC 6749 §5.2.
    InvalidGrant = "invalid_grant",
    /// RFC 6749 §4.1.2.1, §5.2.
    UnauthorizedClient = "unauthorized_client",
    /// RFC 6749 §5.2.
    UnsupportedGrantType = "unsupported_grant_type",
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidScope = "invalid_scope",
    /// RFC 6749 §4.1.2.1, RFC 8628 §3.5.
    AccessDenied = "access_denied",
    /// RFC 6749 §4.1.2.1.
    ServerError = "server_error",
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// RFC 8707 §2.
    InvalidTarget = "invalid_target",
    /// RFC 9396 §5.
    InvalidAuthorizationDetails = "invalid_authorization_details",
    /// RFC 8628 §3.5.
    AuthorizationPending = "authorization_pending",
    /// RFC 8628 §3.5.
    SlowDown = "slow_down",
    /// RFC 8628 §3.5.
    ExpiredToken = "expired_token",
    /// RFC 6750 §3.1.
    InvalidToken = "invalid_token",
    /// RFC 6750 §3.1.
    InsufficientScope = "insufficient_scope",
    /// RFC 9449 §5: the proof proves nothing.
    InvalidDpopProof = "invalid_dpop_proof",
    /// RFC 9449 §8: the proof needs a nonce of this server.
    UseDpopNonce = "use_dpop_nonce",
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType = "unsupported_token_type",
    /// OIDC Core §3.1.2.6.
    LoginRequired = "login_required",
    /// OIDC Core §3.1.2.6.
    ConsentRequired = "consent_required",
    /// OIDC Core §3.1.2.6.
    InteractionRequired = "interaction_required",
    /// OIDC Core §3.1.2.6.
    AccountSelectionRequired = "account_selection_required",
    /// OIDC Core §3.1.2.6.
    RequestNotSupported = "request_not_supported",
    /// OIDC Core §3.1.2.6.
    RequestUriNotSupported = "request_uri_not_supported",
    /// OIDC Core §3.1.2.6.
    RegistrationNotSupported = "registration_not_supported",
}
