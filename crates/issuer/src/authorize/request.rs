//! The parameters of an authorization request, read and checked in the order of the
//! specifications (RFC 6749 §4.1.1, OIDC Core §3.1.2.1–2, RFC 7636 §4.3, RFC 8707 §2).

use std::time::Duration;

use hallpass_core::Scope;
use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::UserId;
use hallpass_core::pkce::{Challenge, Verifier};
use hallpass_core::scope;
use hallpass_core::wire::oauth::{AUTHORIZATION_CODE, ErrorCode};
use hallpass_core::wire::params::Params;
use hallpass_store::{Client, ClientKind};

use super::known_scopes;
use crate::dpop::asked_key;
use crate::{Issuer, OAuthError};

/// A `nonce` is kept with the code; nobody needs a longer one.
const MAX_NONCE: usize = 1024;

/// An authorization request whose every part is well-formed and allowed.
pub(crate) struct Request {
    pub(super) redirect_uri: String,
    pub(super) scope: Scope,
    pub(super) resources: Vec<String>,
    pub(super) challenge: Option<Challenge>,
    pub(super) jkt: Option<Thumbprint>,
    pub(super) nonce: Option<String>,
    /// `prompt=login` or `select_account`.
    pub(super) sign_in_again: bool,
    /// `prompt=consent`.
    pub(super) ask_for_consent: bool,
    pub(super) max_age: Option<Duration>,
    /// Whom `id_token_hint` names.
    pub(super) expected_user: Option<UserId>,
    pub(super) login_hint: Option<String>,
}

impl Request {
    /// Whether it matters when, or as whom, the person signed in.
    pub(super) fn minds_the_sign_in(&self) -> bool {
        self.sign_in_again || self.max_age.is_some() || self.expected_user.is_some()
    }
}

fn invalid(why: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, why)
}

impl Issuer {
    /// Reads a request of `client`, whose redirect URI has been matched.
    pub(super) async fn read_request(
        &self,
        client: &Client,
        params: &Params,
    ) -> Result<Request, OAuthError> {
        not_supported(params)?;
        response(client, params)?;
        let scope = asked_scope(client, params)?;
        let resources = self.asked_resources(params).await?;
        let challenge = pkce(client, params)?;
        let jkt = asked_key(params)?;
        let nonce = params.get("nonce").map(str::to_owned);
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_NONCE) {
            return Err(invalid("nonce is too long"));
        }
        let prompt = prompt(params)?;
        Ok(Request {
            redirect_uri: params.get("redirect_uri").unwrap_or_default().to_owned(),
            scope,
            resources,
            challenge,
            jkt,
            nonce,
            sign_in_again: prompt.iter().any(|p| matches!(*p, "login" | "select_account")),
            ask_for_consent: prompt.contains(&"consent"),
            max_age: max_age(params)?,
            expected_user: self.expected_user(params)?,
            login_hint: params.get("login_hint").map(str::to_owned),
        })
    }

    /// RFC 8707 §2: what tokens are to be made out for; our own API if nothing is said.
    pub(crate) async fn asked_resources(&self, params: &Params) -> Result<Vec<String>, OAuthError> {
        let mut resources = Vec::new();
        for resource in params.all("resource") {
            well_formed_resource(resource)?;
            if !self.0.store.resources().exists(resource).await? {
                let why = "the resource is not known to this server";
                return Err(OAuthError::new(ErrorCode::InvalidTarget, why));
            }
            if !resources.iter().any(|known| known == resource) {
                resources.push(resource.to_owned());
            }
        }
        if resources.is_empty() {
            resources.push(self.0.config.public_url.default_resource().to_owned());
        }
        Ok(resources)
    }

    /// OIDC Core §3.1.2.2: an `id_token_hint` must be one that we issued; it may have
    /// expired.
    fn expected_user(&self, params: &Params) -> Result<Option<UserId>, OAuthError> {
        params
            .get("id_token_hint")
            .map(|hint| self.read_id_token(hint).map(|claims| claims.sub))
            .transpose()
            .map_err(|_| invalid("id_token_hint is not an ID token of this server"))
    }
}

/// OIDC Core §6.1, §6.2, §7.2.1: what we say that we do not support.
fn not_supported(params: &Params) -> Result<(), OAuthError> {
    let refused = [
        ("request", ErrorCode::RequestNotSupported, "request objects are not supported"),
        ("request_uri", ErrorCode::RequestUriNotSupported, "request_uri is not supported"),
        ("registration", ErrorCode::RegistrationNotSupported, "registration is not supported"),
    ];
    match refused.into_iter().find(|(name, ..)| params.get(name).is_some()) {
        Some((_, code, why)) => Err(OAuthError::new(code, why)),
        None => Ok(()),
    }
}

/// RFC 6749 §3.1.1; no implicit or hybrid types (RFC 9700 §2.1.2).
fn response(client: &Client, params: &Params) -> Result<(), OAuthError> {
    match params.get("response_type") {
        Some("code") => {}
        None => return Err(invalid("response_type is missing; it must be code")),
        Some(_) => {
            let why = "response_type must be code";
            return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, why));
        }
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid("response_mode must be query"));
    }
    if !client.grant_types.iter().any(|kind| kind == AUTHORIZATION_CODE) {
        let why = "this client may not use authorization codes";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, why));
    }
    Ok(())
}

/// RFC 6749 §3.3: what is asked for; all that the client may have if nothing is said.
pub(crate) fn asked_scope(client: &Client, params: &Params) -> Result<Scope, OAuthError> {
    let bad = |why| OAuthError::new(ErrorCode::InvalidScope, why);
    let Some(text) = params.get("scope") else { return Ok(client.scopes.clone()) };
    let scope: Scope = text.parse().map_err(|_| bad("scope is malformed"))?;
    if !scope.is_subset(&known_scopes()) {
        return Err(bad("scope holds something that this server does not know"));
    }
    if !scope.is_subset(&client.scopes) {
        return Err(bad("scope holds something that this client may not ask for"));
    }
    Ok(scope)
}

/// RFC 8707 §2: an absolute URI without a fragment.
pub(crate) fn well_formed_resource(resource: &str) -> Result<(), OAuthError> {
    let good = url::Url::parse(resource).is_ok() && !resource.contains('#');
    let why = "resource must be an absolute URI without a fragment";
    if good { Ok(()) } else { Err(OAuthError::new(ErrorCode::InvalidTarget, why)) }
}

/// RFC 7636 §4.3, §4.4.1; RFC 9700 §2.1.1.
fn pkce(client: &Client, params: &Params) -> Result<Option<Challenge>, OAuthError> {
    let method = params.get("code_challenge_method");
    let Some(challenge) = params.get("code_challenge") else {
        if method.is_some() {
            return Err(invalid("code_challenge_method comes without code_challenge"));
        }
        if client.pkce_required || client.kind == ClientKind::Public {
            return Err(invalid("code_challenge is missing; PKCE with S256 is required"));
        }
        // RFC 9700 §2.1.1: a confidential client may rely on the nonce instead.
        if params.get("nonce").is_none() {
            return Err(invalid("code_challenge is missing, and nonce too; send one of them"));
        }
        return Ok(None);
    };
    // A missing method means `plain` (RFC 7636 §4.3), which shows the verifier to whoever
    // sees the request.
    if method != Some("S256") {
        return Err(invalid("code_challenge_method must be S256"));
    }
    let challenge = Challenge::parse(challenge)
        .map_err(|_| invalid("code_challenge must be the base64url SHA-256 of the verifier"))?;
    // CVE-2026-34511: `state` travels through the browser, so it must not be the verifier.
    let state = params.get("state").and_then(|state| Verifier::parse(state).ok());
    if state.is_some_and(|state| state.answers(&challenge)) {
        return Err(invalid("state must not be the code_verifier"));
    }
    Ok(Some(challenge))
}

/// OIDC Core §3.1.2.1: a space-delimited list; `none` stands alone.
fn prompt(params: &Params) -> Result<Vec<&str>, OAuthError> {
    let prompt: Vec<_> = params.get("prompt").unwrap_or_default().split(' ').collect();
    if prompt.contains(&"none") && prompt.len() > 1 {
        return Err(invalid("prompt=none must stand alone"));
    }
    let known = |p: &&str| matches!(*p, "" | "none" | "login" | "consent" | "select_account");
    if !prompt.iter().all(known) {
        return Err(invalid("prompt must be none, login, consent or select_account"));
    }
    Ok(prompt)
}

/// OIDC Core §3.1.2.1: seconds.
fn max_age(params: &Params) -> Result<Option<Duration>, OAuthError> {
    let Some(text) = params.get("max_age") else { return Ok(None) };
    let digits = text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    let secs = text.parse().ok().filter(|_| digits);
    secs.map(|secs| Some(Duration::from_secs(secs)))
        .ok_or_else(|| invalid("max_age must be a number of seconds"))
}

/// The scope that makes it an OpenID Connect request (OIDC Core §3.1.2.1).
pub(crate) fn is_openid(scope: &Scope) -> bool {
    scope.contains(scope::OPENID)
}
