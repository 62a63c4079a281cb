//! Client authentication (RFC 6749 §2.3), and the client that our own command line is.

use std::sync::Arc;

use hallpass_core::redirect::RegisteredRedirect;
use hallpass_core::wire::oauth::{
    AUTHORIZATION_CODE, DEVICE_CODE, ErrorCode, REFRESH_TOKEN, TOKEN_EXCHANGE,
};
use hallpass_core::wire::params::Params;
use hallpass_core::{Digest, Secret};
use hallpass_store::{Client, ClientKind};
use hallpass_verdict::live::Caller;

use crate::audit::denied;
use crate::authorize::known_scopes;
use crate::limits::{Limit, network_of};
use crate::verify::rare;
use crate::{Error, Issuer, OAuthError, Origin};

/// How the `Authorization` header of a request to an OAuth endpoint authenticates its
/// client; what the body says stands in the request's parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCredentials {
    /// No `Authorization` header.
    #[default]
    None,
    /// `client_secret_basic`, decoded as RFC 6749 §2.3.1 asks.
    Basic {
        /// The client id.
        client_id: Arc<str>,
        /// What the client secret is known by; `None` if it is empty.
        secret: Option<Digest>,
    },
    /// A header that is malformed, repeated, or of a scheme that we do not speak.
    Unusable,
}

impl ClientCredentials {
    /// `client_secret_basic`. Some libraries send an empty password for a client that has no
    /// secret (RFC 6749 §2.3.1 lets a client with an empty secret omit it).
    pub fn basic(client_id: &str, client_secret: &Secret) -> Self {
        Self::Basic { client_id: client_id.into(), secret: digest_of(client_secret.expose()) }
    }
}

fn digest_of(secret: &str) -> Option<Digest> {
    (!secret.is_empty()).then(|| Digest::of(secret.as_bytes()))
}

impl Issuer {
    /// The client that sent a request: a confidential one has proved it, a public one has
    /// only said so.
    pub(crate) async fn authenticate(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<Client, OAuthError> {
        let (id, secret) = one_method(params, credentials)?;
        self.prove_client(&id, secret, origin).await
    }

    async fn prove_client(
        &self,
        id: &str,
        secret: Option<Digest>,
        origin: &Origin,
    ) -> Result<Client, OAuthError> {
        let client = self.0.store.clients().by_id(id).await?;
        let Some(client) = client else { return Err(refused()) };
        let denied = |why| self.note_client(denied::CLIENT, id, id.to_owned(), origin, why);
        if client.disabled_at.is_some() {
            denied("the client is disabled");
            return Err(refused());
        }
        match (client.kind, &client.secret, secret) {
            (ClientKind::Public, _, None) => Ok(client),
            (ClientKind::Confidential, Some(kept), Some(secret)) if *kept == secret => Ok(client),
            (_, _, None) => Err(refused()),
            (_, _, Some(_)) => {
                denied("its secret is wrong");
                Err(self.wrong_secret(&client, origin).await?)
            }
        }
    }

    /// As [`Issuer::authenticate`], for endpoints that only confidential clients may use.
    pub(crate) async fn authenticate_confidential(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<Client, OAuthError> {
        let client = self.authenticate(params, credentials, origin).await?;
        confidential(client)
    }

    /// The resource server that asks about tokens, and the resources that it may ask about:
    /// a confidential client. It is known from memory; one that is not, or whose secret is
    /// wrong, is looked up, and failures are counted.
    pub(crate) async fn caller(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<Caller, OAuthError> {
        let (id, secret) = one_method(params, credentials)?;
        if let (Some(secret), Some(live)) = (&secret, self.0.keeper.live())
            && let Some(Some(known)) = live.caller(&id, secret)
        {
            return Ok(known);
        }
        rare(self.ask_caller(&id, secret, origin)).await
    }

    async fn ask_caller(
        &self,
        id: &str,
        secret: Option<Digest>,
        origin: &Origin,
    ) -> Result<Caller, OAuthError> {
        let client = confidential(self.prove_client(id, secret, origin).await?)?;
        let resources = self.0.store.resources().of_caller(&client.id).await?;
        Ok(Caller { id: client.id.into(), resources: resources.into() })
    }

    /// Counts a wrong secret (RFC 6749 §2.3.1 wants guessing bounded). The right one is
    /// never held up by it: with 178 random bits nobody guesses, and a limit that bit
    /// everybody would let anybody lock a client out.
    async fn wrong_secret(&self, client: &Client, origin: &Origin) -> Result<OAuthError, Error> {
        let limits = &self.0.config.limits;
        let key = format!("client:{}:{}", client.id, network_of(origin));
        let limit = Limit::new(key, limits.client_per_network);
        Ok(match self.attempt(vec![limit], limits.client_window).await? {
            Some(attempt) => {
                attempt.failed().await?;
                refused()
            }
            None => refused().retry_after(limits.client_window),
        })
    }

    /// Our own command line, which every server knows.
    pub(crate) async fn ensure_own_client(&self) -> Result<(), Error> {
        let redirects = ["http://127.0.0.1/callback", "http://[::1]/callback"];
        let client = Client {
            id: self.0.config.brand.client_id.clone(),
            name: self.0.config.brand.title.clone(),
            kind: ClientKind::Public,
            secret: None,
            redirect_uris: redirects
                .iter()
                .flat_map(|uri| RegisteredRedirect::parse(uri))
                .collect(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: [AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE, TOKEN_EXCHANGE]
                .map(str::to_owned)
                .into(),
            scopes: known_scopes(),
            pkce_required: true,
            id_token_alg: "RS256".to_owned(),
            created_at: self.now(),
            disabled_at: None,
            dpop_required: false,
        };
        Ok(self.0.store.clients().ensure(client).await?)
    }
}

fn confidential(client: Client) -> Result<Client, OAuthError> {
    match client.kind {
        ClientKind::Confidential => Ok(client),
        ClientKind::Public => Err(refused()),
    }
}

/// Id and secret as presented, by one method at most (RFC 6749 §2.3: the client MUST NOT
/// use more than one authentication method in each request).
fn one_method(
    params: &Params,
    credentials: ClientCredentials,
) -> Result<(Arc<str>, Option<Digest>), OAuthError> {
    let several = |what| Err(OAuthError::new(ErrorCode::InvalidRequest, what));
    let in_body = params.get("client_secret").and_then(digest_of);
    // RFC 7521 §4.2: a third method, which we do not offer.
    let assertion =
        params.get("client_assertion").or(params.get("client_assertion_type")).is_some();
    match credentials {
        ClientCredentials::Unusable => Err(refused()),
        ClientCredentials::Basic { .. } if in_body.is_some() || assertion => {
            several("the client authenticates in more than one way; use one")
        }
        ClientCredentials::None if in_body.is_some() && assertion => {
            several("the client authenticates in more than one way; use one")
        }
        _ if assertion => Err(OAuthError::new(
            ErrorCode::InvalidClient,
            "client assertions are not supported; use client_secret_basic or client_secret_post",
        )),
        ClientCredentials::Basic { client_id, secret } => {
            if params.get("client_id").is_some_and(|other| other != &*client_id) {
                return several("client_id is not the one of the Authorization header");
            }
            Ok((client_id, secret))
        }
        ClientCredentials::None => {
            let id = params.get("client_id").ok_or_else(|| {
                // RFC 6749 §5.2: "no client authentication included" is invalid_client.
                OAuthError::new(ErrorCode::InvalidClient, "client_id is missing")
            })?;
            Ok((id.into(), in_body))
        }
    }
}

/// The same words for an unknown client, a disabled one and a wrong secret.
fn refused() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidClient,
        "client authentication failed: unknown client, or missing or wrong secret",
    )
}
