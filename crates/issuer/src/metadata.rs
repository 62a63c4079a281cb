//! What we say about ourselves (RFC 8414 §2, OIDC Discovery §3).
//!
//! Everything that stands here works, and nothing works that does not stand here: a test
//! of the server holds the two together.

use hallpass_core::dpop::ALG;
use hallpass_core::scope;
use hallpass_core::wire::metadata::{AuthConfig, AuthMode, LegacyPhase, ServerMetadata};
use hallpass_core::wire::oauth::{
    AUTHORIZATION_CODE, DEVICE_CODE, JWT_BEARER, REFRESH_TOKEN, TOKEN_EXCHANGE,
};
use hallpass_core::wire::path;

use crate::Issuer;
use crate::authorize::known_scopes;
use crate::legacy::Phase;

impl Issuer {
    /// The one document behind both well-known paths.
    pub fn metadata(&self) -> ServerMetadata {
        let url = &self.0.config.public_url;
        let at = |path| Some(url.join(path));
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        let with_secret = ["client_secret_basic", "client_secret_post"];
        let any = ["client_secret_basic", "client_secret_post", "none"];
        ServerMetadata {
            issuer: url.issuer().to_owned(),
            authorization_endpoint: at(path::AUTHORIZE),
            token_endpoint: at(path::TOKEN),
            device_authorization_endpoint: at(path::DEVICE_AUTHORIZATION),
            revocation_endpoint: at(path::REVOKE),
            introspection_endpoint: at(path::INTROSPECT),
            userinfo_endpoint: at(path::USERINFO),
            end_session_endpoint: at(path::LOGOUT),
            jwks_uri: at(path::JWKS),
            scopes_supported: known_scopes().iter().map(str::to_owned).collect(),
            response_types_supported: list(&["code"]),
            response_modes_supported: list(&["query"]),
            grant_types_supported: list(&[
                AUTHORIZATION_CODE,
                REFRESH_TOKEN,
                DEVICE_CODE,
                TOKEN_EXCHANGE,
                JWT_BEARER,
            ]),
            token_endpoint_auth_methods_supported: list(&any),
            revocation_endpoint_auth_methods_supported: list(&any),
            introspection_endpoint_auth_methods_supported: list(&with_secret),
            code_challenge_methods_supported: list(&["S256"]),
            dpop_signing_alg_values_supported: list(&[ALG]),
            subject_types_supported: list(&["public"]),
            id_token_signing_alg_values_supported: list(&["RS256", "ES256"]),
            claims_supported: list(&[
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "at_hash",
                "name",
                "email",
                "email_verified",
            ]),
            prompt_values_supported: list(&["none", "login", "consent", "select_account"]),
            authorization_response_iss_parameter_supported: true,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            claims_parameter_supported: false,
        }
    }

    /// `GET /auth/config`: where a command line of this server signs in.
    pub fn auth_config(&self) -> AuthConfig {
        let config = &self.0.config;
        if self.is_local() {
            return AuthConfig {
                mode: AuthMode::Local,
                issuer: None,
                client_id: None,
                scopes: Vec::new(),
                audience: None,
                legacy_phase: None,
            };
        }
        if let Some(provider) = &config.provider {
            // What its ID tokens are for is said by the client; no resource is asked for there.
            let scopes = [scope::OPENID, scope::PROFILE, scope::EMAIL, scope::OFFLINE_ACCESS];
            return AuthConfig {
                mode: AuthMode::Oidc,
                issuer: Some(provider.issuer.clone()),
                client_id: Some(provider.client_id.clone()),
                scopes: scopes.map(str::to_owned).to_vec(),
                audience: None,
                legacy_phase: None,
            };
        }
        AuthConfig {
            mode: AuthMode::Oidc,
            issuer: Some(config.public_url.issuer().to_owned()),
            client_id: Some(config.brand.client_id.clone()),
            scopes: known_scopes().iter().map(str::to_owned).collect(),
            audience: Some(config.public_url.default_resource().to_owned()),
            legacy_phase: self.legacy_move().map(|known| match known.phase {
                Phase::A => LegacyPhase::A,
                Phase::B => LegacyPhase::B,
                Phase::C => LegacyPhase::C,
            }),
        }
    }
}
