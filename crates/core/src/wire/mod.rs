//! What goes over HTTP, named as the RFCs name it. Client and server meet only here.
//!
//! | module | what |
//! |---|---|
//! | [`metadata`] | RFC 8414 and OIDC Discovery documents, `/auth/config` |
//! | [`oauth`] | token answers, device authorization, introspection, errors |
//! | [`params`] | parameters of a query or a form body |
//! | [`authorization`] | the `Authorization` header: Bearer and Basic |
//! | `encoding` | the form encoding of one name or value |
//! | [`api`] | `/api/v1`: problem+json, lists, account and sessions |
//! | [`agents`] | agents: `/api/v1/agents`, and their own `/api/v1/agent` |
//! | [`approvals`] | actions that an agent asks its owner to approve |
//! | [`audit`] | rows of the audit log, exported and over `/api/v1/audit` |
//! | [`tokens`] | `/api/v1/tokens`, organizations, projects, members |
//! | [`operator`] | what an administrator sees and changes |
//! | [`keys`] | keys of projects and organizations |
//! | [`feed`] | what guards are told about revocations |
//! | [`trust`] | policies for outside issuers, and exchanges |

pub mod agents;
pub mod api;
pub mod approvals;
pub mod audit;
pub mod authorization;
mod encoding;
pub mod feed;
pub mod keys;
pub mod metadata;
pub mod oauth;
pub mod operator;
pub mod params;
pub mod tokens;
pub mod trust;
mod whole;

/// Paths that client and server must agree on before discovery has answered.
pub mod path {
    /// OIDC Discovery §4.
    pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
    /// RFC 8414 §3.
    pub const OAUTH_AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
    /// RFC 9728 §3, for our own API.
    pub const OAUTH_PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";
    /// Which issuer and client id a CLI signs in with.
    pub const AUTH_CONFIG: &str = "/auth/config";
    /// RFC 6749 §3.1.
    pub const AUTHORIZE: &str = "/oauth/authorize";
    /// RFC 6749 §3.2.
    pub const TOKEN: &str = "/oauth/token";
    /// RFC 8628 §3.1.
    pub const DEVICE_AUTHORIZATION: &str = "/oauth/device";
    /// A job's own token is exchanged for a pass here.
    pub const OIDC_EXCHANGE: &str = "/auth/oidc/exchange";
    /// RFC 7009.
    pub const REVOKE: &str = "/oauth/revoke";
    /// RFC 7662.
    pub const INTROSPECT: &str = "/oauth/introspect";
    /// A resource server spends the token of one approved action here.
    pub const ACTION: &str = "/oauth/action";
    /// OIDC RP-Initiated Logout.
    pub const LOGOUT: &str = "/oauth/logout";
    /// RFC 7517.
    pub const JWKS: &str = "/oauth/jwks";
    /// OIDC Core §5.3.
    pub const USERINFO: &str = "/userinfo";
    /// The page where a person types a user code (RFC 8628 §3.3).
    pub const DEVICE_PAGE: &str = "/device";
    /// Who the presented credential is.
    pub const WHOAMI: &str = "/api/v1/whoami";
    /// The account's browsers and programs that are signed in.
    pub const SESSIONS: &str = "/api/v1/sessions";
    /// Personal tokens.
    pub const TOKENS: &str = "/api/v1/tokens";
    /// The audit log, and the keys that prove it.
    pub const AUDIT: &str = "/api/v1/audit";
    /// Keys, each by its id.
    pub const KEYS: &str = "/api/v1/keys";
    /// Organizations, and below each its projects and members.
    pub const ORGS: &str = "/api/v1/orgs";
    /// Whoever holds a token that leaked brings it here.
    pub const REVOKE_LEAKED: &str = "/api/v1/revoke-leaked";
    /// Guards learn here what was revoked, and hold their lease.
    pub const FEED: &str = "/api/v1/feed";
    /// Every route below `/api/v1`, described (OpenAPI 3.1).
    pub const OPENAPI: &str = "/api/openapi.json";
    /// Forward auth for proxies.
    pub const CHECK: &str = "/check";
}

/// On answers to a credential that ends within 14 days and is not renewed by itself (HP12): when,
/// as an HTTP-date (RFC 9110 §5.6.7).
pub const CREDENTIAL_EXPIRES: &str = "hallpass-credential-expires";

/// The client id of our own command line, a public client that every server knows.
pub const CLI_CLIENT_ID: &str = "hallpass-cli";

/// What our client reports about itself at device authorization. The approval page
/// labels these "reported by the requester" (HP11). All optional.
pub mod reported {
    /// The machine's name.
    pub const HOST: &str = "hallpass_host";
    /// The local user's name.
    pub const USER: &str = "hallpass_user";
    /// The command that was typed, without arguments that could be secret.
    pub const COMMAND: &str = "hallpass_command";
}
