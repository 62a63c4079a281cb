//! The authorization endpoint (RFC 6749 §4.1.1–2, OIDC Core §3.1.2, RFC 9207) and consent.

use hallpass_core::Scope;
use hallpass_core::wire::params::Params;

use crate::{Error, Issuer, Origin, SignedIn};

/// What the browser gets to see next.
#[derive(Clone, Debug)]
pub enum Authorize {
    /// The person must sign in first, or again (`prompt=login`, `max_age`).
    SignIn {
        /// Path and query at this server to come back to afterwards.
        return_to: String,
        /// OIDC Core §3.1.2.1: what to fill in as the account's name.
        login_hint: Option<String>,
    },
    /// The person must decide.
    Consent(Box<ConsentPrompt>),
    /// To the client, with 303 (RFC 9700 §4.12): a code, or an error that it may hear.
    Redirect(String),
}

/// What the consent page shows (MCP's "client name, redirect host, scopes").
#[derive(Clone, Debug)]
pub struct ConsentPrompt {
    /// The client's registered name.
    pub client_name: String,
    /// Its id.
    pub client_id: String,
    /// Where the answer goes: a host name, or a private scheme's name.
    pub redirect_host: String,
    /// It goes to a program on the person's own machine; any program there could ask.
    pub loopback: bool,
    /// It goes to whichever program has claimed a private scheme (RFC 8252 §7.1).
    pub private_scheme: bool,
    /// What is asked for: each scope token and its meaning in plain words.
    pub scopes: Vec<(String, &'static str)>,
    /// What it is for, if not this server's own API (RFC 8707).
    pub resources: Vec<String>,
    /// The account that would be used.
    pub user_email: String,
    /// The request, to be posted back with the decision.
    pub request: Params,
}

/// Why a request gets no authorization.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// Told to the person on a page of ours, and never by a redirect (RFC 6749 §4.1.2.1).
    #[error(transparent)]
    Page(#[from] AuthorizePageError),
    /// Told to the client: the URL to redirect to, with `error`, `state` and `iss`.
    #[error("the client is told by redirect")]
    Redirect(String),
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What the person is told on a page of ours (RFC 6749 §4.1.2.1: the user agent is not
/// redirected to an invalid redirection URI).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizePageError {
    /// No `client_id`.
    #[error("the program that sent you here did not say who it is (client_id is missing)")]
    NoClient,
    /// No such client, or a disabled one.
    #[error("the program that sent you here is not known to this server")]
    UnknownClient,
    /// No `redirect_uri`.
    #[error(
        "the program that sent you here did not say where to go back to (redirect_uri is missing)"
    )]
    NoRedirect,
    /// Not one of the client's registered redirect URIs.
    #[error(
        "the program that sent you here wants to go back to an address that is not registered for it"
    )]
    WrongRedirect,
    /// The decision came too late: the sign-in that it stood on is no longer fresh enough.
    #[error("this page was open for too long; go back to the program and start again")]
    Stale,
}

impl Issuer {
    /// Answers an authorization request (RFC 6749 §4.1.1), by GET or POST.
    pub async fn authorize(
        &self,
        _request: &Params,
        _signed_in: Option<&SignedIn>,
        _origin: &Origin,
    ) -> Result<Authorize, AuthorizeError> {
        todo!()
    }

    /// The person approved: a redirect URL with `code`, `state` and `iss`.
    pub async fn approve(
        &self,
        _request: &Params,
        _signed_in: &SignedIn,
        _origin: &Origin,
    ) -> Result<String, AuthorizeError> {
        todo!()
    }

    /// The person declined: a redirect URL with `access_denied` (RFC 6749 §4.1.2.1).
    pub async fn deny(
        &self,
        _request: &Params,
        _signed_in: &SignedIn,
    ) -> Result<String, AuthorizeError> {
        todo!()
    }
}

/// What a scope token means, in plain words.
pub fn meaning(token: &str) -> &'static str {
    use hallpass_core::scope::{ACCOUNT, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE};
    match token {
        OPENID => "Know which account you are",
        PROFILE => "See your name",
        EMAIL => "See your e-mail address",
        OFFLINE_ACCESS => "Stay signed in while you are away",
        ACCOUNT => "See and manage your account here, its sign-ins included",
        _ => "Something this server has no words for",
    }
}

/// Every scope that this server knows.
pub fn known_scopes() -> Scope {
    use hallpass_core::scope::{ACCOUNT, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE};
    [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS, ACCOUNT].into_iter().collect()
}
