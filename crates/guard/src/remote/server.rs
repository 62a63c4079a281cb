//! Requests to the server, as the confidential client that the API is registered as.

use std::time::Duration;

use hallpass_core::wire::feed::{FeedAnswer, FeedRequest};
use hallpass_core::wire::oauth::Introspection;
use hallpass_core::wire::path;
use hallpass_core::{PublicUrl, Secret};
use jsonwebtoken::jwk::JwkSet;
use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, redirect};
use serde::de::DeserializeOwned;

use crate::Where;

/// For how long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long a connection is.
const CONNECT: Duration = Duration::from_secs(2);
/// Longer than any answer of ours.
const MAX_ANSWER: usize = 1 << 20;

/// There is no answer that could be used. For logs; it holds nothing secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// No connection, or no answer in time.
    #[error("the hallpass server cannot be reached: {0}")]
    Unreachable(reqwest::Error),
    /// Another status than 200.
    #[error("the hallpass server answers with status {0}")]
    Status(u16),
    /// Not what was asked for.
    #[error("the answer of the hallpass server cannot be read")]
    Unreadable,
}

impl From<reqwest::Error> for NoAnswer {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }
}

/// The server.
pub(super) struct Server {
    http: reqwest::Client,
    address: PublicUrl,
    id: String,
    secret: Secret,
}

impl Server {
    /// At `address`, as the client `id`.
    pub(super) fn new(address: PublicUrl, id: &str, secret: &Secret) -> Result<Self, NoAnswer> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT)
            // Our server redirects none of these; a client secret goes nowhere else.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        // RFC 6749 §2.3.1: both are form-encoded before they are put together.
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let secret = Secret::new(encoded(secret.expose()));
        Ok(Self { http, address, id: encoded(id), secret })
    }

    /// What the server says about `token` (RFC 7662 §2.1), at `place` if one is asked about.
    pub(super) async fn introspect(
        &self,
        token: &str,
        place: Option<&Where>,
    ) -> Result<Introspection, NoAnswer> {
        let mut form = vec![("token", token)];
        let both;
        match place {
            Some(Where::Org(org)) => form.push(("org", org)),
            Some(Where::Project { org, project }) => {
                both = format!("{org}/{project}");
                form.push(("project", &both));
            }
            None => {}
        }
        let request = self.http.post(self.address.join(path::INTROSPECT)).form(&form);
        self.as_client(request).await
    }

    /// Spends the token of an approved action, which is about to be done.
    pub(super) async fn use_action(
        &self,
        token: &str,
        details: &str,
    ) -> Result<Introspection, NoAnswer> {
        let form = [("token", token), ("authorization_details", details)];
        self.as_client(self.http.post(self.address.join(path::ACTION)).form(&form)).await
    }

    /// Renews the lease.
    pub(super) async fn feed(&self, request: &FeedRequest) -> Result<FeedAnswer, NoAnswer> {
        self.as_client(self.http.post(self.address.join(path::FEED)).json(request)).await
    }

    /// The keys that sign access tokens (RFC 7517 §5).
    pub(super) async fn keys(&self) -> Result<JwkSet, NoAnswer> {
        read(self.http.get(self.address.join(path::JWKS))).await
    }

    async fn as_client<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, NoAnswer> {
        read(request.basic_auth(&self.id, Some(self.secret.expose()))).await
    }
}

async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, NoAnswer> {
    let mut response = request.header(ACCEPT, "application/json").send().await?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(NoAnswer::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err(NoAnswer::Unreadable);
        }
    }
    serde_json::from_slice(&body).map_err(|_| NoAnswer::Unreadable)
}
