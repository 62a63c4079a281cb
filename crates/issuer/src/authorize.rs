//! The authorization endpoint (RFC 6749 §4.1.1–2, OIDC Core §3.1.2, RFC 9207) and consent.
//!
//! First comes what decides whether the client may be told anything at all: who it is and
//! where it wants the answer. Whatever is wrong with that is told to the person
//! (RFC 6749 §4.1.2.1). Everything else is told to the client, but to one that cannot
//! prove itself only once the person has signed in, so that a link to us is not a link to
//! anywhere (RFC 9700 §4.11.2).
//!
//! | part | what |
//! |---|---|
//! | [`request`] | the parameters, read and checked in the order of the specifications |
//! | [`ticket`] | what a request carries through sign-in and consent |
//! | [`answer`] | redirects that carry `code` or `error`, and always `iss` |

use std::time::Duration;

use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::path;
use hallpass_core::{Kind, Scope, TokenText};
use hallpass_store::{Client, ClientKind, GrantKind, Issue, NewCode, NewGrant, Reported};

use crate::{Error, Issuer, OAuthError, Origin, SignedIn};

mod answer;
pub(crate) mod request;
mod ticket;

use answer::Answer;
use request::Request;
use ticket::Ticket;

/// The longest request, in bytes of path and query, that is carried through a sign-in: it
/// goes there as a parameter, so encoded once more, and heads of requests have a limit.
pub const MAX_CARRIED: usize = 8 * 1024;

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
    /// To the client, with 303 (RFC 9700 §4.12): a code.
    Redirect(String),
}

/// What the consent page shows: client, host and scopes.
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

impl From<hallpass_store::Error> for AuthorizeError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
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
    /// More than [`MAX_CARRIED`], and the person has to sign in first.
    #[error("the request is longer than 8 KiB, too long to be kept while you sign in")]
    TooLong,
    /// The decision came too late: the sign-in that it stood on is over, or no longer
    /// fresh enough.
    #[error("this page was open for too long; go back to the program and start again")]
    Stale,
}

/// How the person's sign-in suits a request.
enum Fit {
    /// It does.
    Good,
    /// The person must sign in again.
    SignInAgain,
    /// They have just signed in again, and still are not whom the client expects.
    SomebodyElse,
}

impl Issuer {
    /// Answers an authorization request (RFC 6749 §4.1.1), by GET or POST.
    pub async fn authorize(
        &self,
        params: &Params,
        signed_in: Option<&SignedIn>,
        origin: &Origin,
    ) -> Result<Authorize, AuthorizeError> {
        let (client, answer) = self.addressee(params).await?;
        let silent = params.get("prompt") == Some("none");
        let request = match self.read_request(&client, params).await {
            Ok(request) => request,
            // RFC 9700 §4.11.2: an authorization server MUST always authenticate the user
            // first, with the exception of the silent use case.
            Err(_) if signed_in.is_none() && !silent && !is_assured(&client) => {
                return self.sign_in_first(params, None);
            }
            Err(fault) => return Err(refuse(&answer, fault)),
        };
        let Some(signed_in) = signed_in else {
            if silent {
                return Err(login_required(&answer));
            }
            return self.sign_in_first(params, Some(&request));
        };
        match self.fit(params, &request, signed_in) {
            Fit::Good => {}
            // OIDC Core §3.1.2.1: with prompt=none the server MUST NOT display any page.
            Fit::SignInAgain if silent => return Err(login_required(&answer)),
            Fit::SignInAgain => return self.sign_in_first(params, Some(&request)),
            Fit::SomebodyElse => return Err(login_required(&answer)),
        }
        if self.consent_is_remembered(&client, &request, signed_in).await? {
            let redirect = self.issue_code(&client, request, signed_in, &answer, origin).await?;
            return Ok(Authorize::Redirect(redirect));
        }
        if silent {
            let fault = OAuthError::new(ErrorCode::ConsentRequired, "the person must be asked");
            return Err(refuse(&answer, fault));
        }
        Ok(Authorize::Consent(Box::new(self.consent_prompt(&client, request, params, signed_in))))
    }

    /// The person approved: a redirect URL with `code`, `state` and `iss`.
    pub async fn approve(
        &self,
        params: &Params,
        signed_in: &SignedIn,
        origin: &Origin,
    ) -> Result<String, AuthorizeError> {
        let (client, answer) = self.addressee(params).await?;
        let request = self.read_request(&client, params).await.map_err(|f| refuse(&answer, f))?;
        if !matches!(self.fit(params, &request, signed_in), Fit::Good) {
            return Err(AuthorizePageError::Stale.into());
        }
        self.issue_code(&client, request, signed_in, &answer, origin).await
    }

    /// The person declined: a redirect URL with `access_denied` (RFC 6749 §4.1.2.1).
    pub async fn deny(
        &self,
        params: &Params,
        _signed_in: &SignedIn,
    ) -> Result<String, AuthorizeError> {
        let (_, answer) = self.addressee(params).await?;
        Ok(answer.error(&OAuthError::new(ErrorCode::AccessDenied, "the person declined")))
    }

    /// Where the client is told that its request could not be read, if it is told at all
    /// (RFC 6749 §4.1.2.1). `certain` are the parameters that are beyond doubt. `None` if
    /// they do not say who asks and where the answer goes, or if the person has to sign in
    /// first (RFC 9700 §4.11.2): then the person is told.
    pub async fn refuse_unreadable(
        &self,
        certain: &Params,
        signed_in: Option<&SignedIn>,
        why: String,
    ) -> Result<Option<String>, Error> {
        let (client, answer) = match self.addressee(certain).await {
            Ok(addressee) => addressee,
            Err(AuthorizeError::Failed(error)) => return Err(error),
            Err(_) => return Ok(None),
        };
        let may = signed_in.is_some() || is_assured(&client);
        Ok(may.then(|| answer.error(&OAuthError::new(ErrorCode::InvalidRequest, why))))
    }

    /// Who asks, and where the answer goes. Until this holds nobody is redirected
    /// (RFC 6749 §4.1.2.1, §3.1.2.4).
    async fn addressee(&self, params: &Params) -> Result<(Client, Answer), AuthorizeError> {
        let id = params.get("client_id").ok_or(AuthorizePageError::NoClient)?;
        let client = self.0.store.clients().by_id(id).await?;
        let client = client
            .filter(|client| client.disabled_at.is_none())
            .ok_or(AuthorizePageError::UnknownClient)?;
        // OIDC Core §3.1.2.1 requires it, and so do we, however few are registered.
        let uri = params.get("redirect_uri").ok_or(AuthorizePageError::NoRedirect)?;
        // RFC 9700 §2.1: exact string matching, but for the port of a loopback literal.
        if !client.redirect_uris.iter().any(|registered| registered.matches(uri)) {
            return Err(AuthorizePageError::WrongRedirect.into());
        }
        let issuer = self.0.config.public_url.issuer();
        let answer = Answer::new(uri, params.get("state"), issuer);
        Ok((client, answer))
    }

    /// Whether the present sign-in is the one that the request wants.
    fn fit(&self, params: &Params, request: &Request, signed_in: &SignedIn) -> Fit {
        let now = self.now();
        let auth_time = signed_in.session.auth_time;
        // Signed in since the request was first seen?
        let since_asked =
            Ticket::of(params, &self.0.keys, now).is_some_and(|ticket| auth_time >= ticket.since);
        // OIDC Core §3.1.2.1: prompt=login SHOULD prompt for reauthentication.
        if request.sign_in_again && !since_asked {
            return Fit::SignInAgain;
        }
        // …: if the elapsed time is greater than max_age, the OP MUST attempt to actively
        // re-authenticate the End-User.
        let old = request.max_age.is_some_and(|max_age| now.since(auth_time) > max_age);
        if old && !since_asked {
            return Fit::SignInAgain;
        }
        // …: id_token_hint about somebody else.
        match request.expected_user {
            Some(expected) if expected != signed_in.user.id => {
                if since_asked {
                    Fit::SomebodyElse
                } else {
                    Fit::SignInAgain
                }
            }
            _ => Fit::Good,
        }
    }

    fn sign_in_first(
        &self,
        params: &Params,
        request: Option<&Request>,
    ) -> Result<Authorize, AuthorizeError> {
        let mut params = params.clone();
        // A request that cares how fresh the sign-in is carries the time of the question.
        if request.is_some_and(Request::minds_the_sign_in) {
            let now = self.now();
            // A sign-in of this very instant was there before the question.
            let since = now + Duration::from_millis(1);
            Ticket { since, issued: now }.put(&mut params, &self.0.keys);
        }
        let return_to = format!("{}?{}", path::AUTHORIZE, params.to_query());
        if return_to.len() > MAX_CARRIED {
            return Err(AuthorizePageError::TooLong.into());
        }
        let login_hint = request.and_then(|request| request.login_hint.clone());
        Ok(Authorize::SignIn { return_to, login_hint })
    }

    /// Consent is remembered for clients that prove who they are, and never for others:
    /// any program can say that it is one of those (RFC 8252 §8.6, RFC 6749 §10.2).
    async fn consent_is_remembered(
        &self,
        client: &Client,
        request: &Request,
        signed_in: &SignedIn,
    ) -> Result<bool, Error> {
        let only_our_api = request.resources == [self.0.config.public_url.default_resource()];
        if !is_assured(client) || request.ask_for_consent || !only_our_api {
            return Ok(false);
        }
        let grants = self.0.store.grants();
        let granted = grants.granted_scope(signed_in.user.id, &client.id, self.now()).await?;
        Ok(granted.is_some_and(|granted| request.scope.is_subset(&granted)))
    }

    fn consent_prompt(
        &self,
        client: &Client,
        request: Request,
        params: &Params,
        signed_in: &SignedIn,
    ) -> ConsentPrompt {
        let mut params = params.clone();
        // A sign-in that is fresh enough now stays so while the person reads.
        let now = self.now();
        if let (Some(max_age), None) = (request.max_age, Ticket::of(&params, &self.0.keys, now)) {
            Ticket { since: now - max_age, issued: now }.put(&mut params, &self.0.keys);
        }
        let url = url::Url::parse(&request.redirect_uri).ok();
        let host = url.as_ref().and_then(url::Url::host_str).map(str::to_owned);
        let scheme = url.as_ref().map_or("", url::Url::scheme).to_owned();
        let private_scheme = !matches!(scheme.as_str(), "http" | "https");
        ConsentPrompt {
            client_name: client.name.clone(),
            client_id: client.id.clone(),
            redirect_host: host.filter(|_| !private_scheme).unwrap_or(scheme),
            loopback: url.as_ref().is_some_and(hallpass_core::public_url::is_loopback),
            private_scheme,
            scopes: spelled_out(&request.scope),
            resources: self.foreign(&request.resources),
            user_email: signed_in.user.email.clone(),
            request: params,
        }
    }

    async fn issue_code(
        &self,
        client: &Client,
        request: Request,
        signed_in: &SignedIn,
        answer: &Answer,
        origin: &Origin,
    ) -> Result<String, AuthorizeError> {
        let now = self.now();
        let code = TokenText::mint(Kind::Code, &*self.0.random);
        let new = NewCode {
            digest: code.digest(),
            grant: NewGrant {
                id: self.new_id(hallpass_core::id::GrantId::new),
                user_id: signed_in.user.id,
                client_id: client.id.clone(),
                kind: GrantKind::Code,
                scope: request.scope,
                resources: request.resources,
                auth_time: signed_in.session.auth_time,
                session_id: Some(signed_in.session.id),
                expires_at: self.0.config.grant_ttl.map(|ttl| now + ttl),
                address: origin.address_text(),
                reported: Reported::default(),
                jkt: request.jkt,
                agent: None,
            },
            redirect_uri: request.redirect_uri,
            challenge: request.challenge,
            nonce: request.nonce,
            expires_at: now + self.0.config.code_ttl,
        };
        let by = self.by(&signed_in.user.id.to_string(), Some(&client.id), Some(origin));
        match self.0.store.codes().issue(new, &by).await? {
            Issue::Issued => Ok(answer.code(&code)),
            // Signed out in another tab, or disabled, while the page was open.
            Issue::Gone => Err(AuthorizePageError::Stale.into()),
        }
    }

    /// Those of `resources` that are not our own API.
    pub(crate) fn foreign(&self, resources: &[String]) -> Vec<String> {
        let own = self.0.config.public_url.default_resource();
        resources.iter().filter(|resource| **resource != own).cloned().collect()
    }
}

/// Whether the client proves who it is. One that does not can be anybody's program.
fn is_assured(client: &Client) -> bool {
    client.kind == ClientKind::Confidential
}

fn refuse(answer: &Answer, fault: OAuthError) -> AuthorizeError {
    match fault.cause {
        Some(cause) => AuthorizeError::Failed(cause),
        None => AuthorizeError::Redirect(answer.error(&fault)),
    }
}

fn login_required(answer: &Answer) -> AuthorizeError {
    // OIDC Core §3.1.2.6.
    refuse(answer, OAuthError::new(ErrorCode::LoginRequired, "the person must sign in"))
}

/// Each scope token with its meaning.
pub(crate) fn spelled_out(scope: &Scope) -> Vec<(String, &'static str)> {
    scope.iter().map(|token| (token.to_owned(), meaning(token))).collect()
}

/// What a scope token means, in plain words.
pub fn meaning(token: &str) -> &'static str {
    use hallpass_core::scope::{ACCOUNT, AGENTS, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE, TOKENS};
    match token {
        OPENID => "Know which account you are",
        PROFILE => "See your name",
        EMAIL => "See your e-mail address",
        OFFLINE_ACCESS => "Stay signed in while you are away",
        ACCOUNT => "See and manage your account here, its sign-ins included",
        TOKENS => "Make, change and revoke your tokens",
        AGENTS => "Start, see and stop agents of yours, with no more permissions than it has",
        _ => "Something this server has no words for",
    }
}

/// Every scope that this server knows.
pub fn known_scopes() -> Scope {
    use hallpass_core::scope::{ACCOUNT, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE, TOKENS};
    [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS, ACCOUNT, TOKENS].into_iter().collect()
}
