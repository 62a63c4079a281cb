//! What a form post to an OAuth endpoint presents: parameters, client credentials and
//! where it came from.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{FromRequest, Request};
use hallpass_core::wire::authorization;
use hallpass_core::wire::params::Params;
use hallpass_core::{Secret, dpop};
use hallpass_issuer::dpop::Presented;
use hallpass_issuer::{ClientCredentials, Origin};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::Refusal;
use crate::app::App;
use crate::http::{form, peer};

/// What must never stand in a URL, where logs and histories keep it (C04, G11).
const SECRETS: [&str; 12] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "password",
    "refresh_token",
    "subject_token",
    "token",
    "actor_token",
];

/// One call of an OAuth endpoint.
pub(crate) struct Call {
    pub(super) params: Params,
    pub(super) credentials: ClientCredentials,
    pub(super) origin: Origin,
    pub(super) proof: Proof,
}

/// What stood in the `DPoP` header (RFC 9449 §4.3).
#[derive(Clone, Debug, Default)]
pub(super) enum Proof {
    #[default]
    Nothing,
    One(String),
    Unusable,
}

impl Proof {
    fn of(headers: &HeaderMap) -> Self {
        let mut sent = headers.get_all(dpop::HEADER).iter();
        match (sent.next(), sent.next()) {
            (None, _) => Self::Nothing,
            (Some(one), None) => match one.to_str() {
                Ok(text) => Self::One(text.to_owned()),
                Err(_) => Self::Unusable,
            },
            (Some(_), Some(_)) => Self::Unusable,
        }
    }

    pub(super) fn presented(&self) -> Presented<'_> {
        match self {
            Self::Nothing => Presented::Nothing,
            Self::One(proof) => Presented::Proof(proof),
            Self::Unusable => Presented::Unusable,
        }
    }
}

impl FromRequest<App> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let credentials = credentials(request.headers());
        Self::read(app, request, credentials).await
    }
}

impl Call {
    /// The call that `request` is; what its `Authorization` header says is known.
    pub(crate) async fn read(
        app: &App,
        request: Request,
        credentials: ClientCredentials,
    ) -> Result<Self, Refusal> {
        let origin = peer::origin(request.extensions(), request.headers(), app);
        refuse_secrets_in_query(request.uri().query())?;
        let proof = Proof::of(request.headers());
        let params = form::read(request, app.settings().body_timeout).await?;
        Ok(Self { params, credentials, origin, proof })
    }
}

/// What the last `Authorization` header on a connection meant. A program that asks all day
/// sends the same one each time: it is compared, not read and hashed again. Nothing is decided
/// by it: whether there is such a client, and whether the secret is its own, is looked up for
/// each call.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Option<(Secret, ClientCredentials)>>);

impl Memo {
    /// As [`credentials`].
    pub(crate) fn credentials(&self, headers: &HeaderMap) -> ClientCredentials {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let (Some(Ok(text)), None) = (sent.next().map(HeaderValue::to_str), sent.next()) else {
            return credentials(headers);
        };
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, meant)) = &*last
            && verify_slices_are_equal(known.expose().as_bytes(), text.as_bytes()).is_ok()
        {
            return meant.clone();
        }
        let meant = credentials(headers);
        *last = Some((Secret::new(text), meant.clone()));
        meant
    }
}

/// RFC 6749 §2.3.1 and RFC 6750 §2.3: credentials MUST NOT be in the request URI.
pub(super) fn refuse_secrets_in_query(query: Option<&str>) -> Result<(), Refusal> {
    let named = |query: &str| {
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| SECRETS.contains(&name.as_ref()))
    };
    match query {
        Some(query) if named(query) => Err(Refusal::invalid_request(
            "this parameter belongs in the body, never in the URL; what was sent may be in logs now, so replace it",
        )),
        _ => Ok(()),
    }
}

/// The `Authorization` header, if there is exactly one that we can use.
pub(crate) fn credentials(headers: &HeaderMap) -> ClientCredentials {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    match (sent.next(), sent.next()) {
        (None, _) => ClientCredentials::None,
        (Some(header), None) => match authorization::parse(header.as_bytes()) {
            Ok(authorization::Presented::Basic { client_id, client_secret }) => {
                ClientCredentials::basic(&client_id, &client_secret)
            }
            _ => ClientCredentials::Unusable,
        },
        (Some(_), Some(_)) => ClientCredentials::Unusable,
    }
}
