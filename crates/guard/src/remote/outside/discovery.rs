//! An outside issuer's metadata and keys (OIDC Discovery §4, RFC 8414 §3, RFC 7517 §5).
//!
//! Two requests, of which nothing in a token decides anything: to the address that the API
//! author named, and to the one that its answer names, over https, without redirects, for a few
//! seconds and up to a size.

use std::time::Duration;

use hallpass_outside::{BadAnswer, ById, keys};
use reqwest::header::ACCEPT;
use reqwest::redirect;
use url::Url;

use super::OutsideIssuer;

/// For how long each of both answers is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how long a connection is.
const CONNECT: Duration = Duration::from_secs(2);
/// Longer than any metadata or key set.
const MAX_ANSWER: usize = 256 * 1024;

/// Why an issuer's keys are not known. For logs; it holds nothing secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeys {
    /// No connection, or no answer in time.
    #[error("{issuer} cannot be reached: {cause}")]
    Unreachable { issuer: String, cause: reqwest::Error },
    /// Another status than 200; a redirect, too.
    #[error("{issuer} answers with status {status}")]
    Status { issuer: String, status: u16 },
    /// Too long, or not what was asked for.
    #[error("the answer of {issuer} cannot be read")]
    Unreadable { issuer: String },
    /// RFC 8414 §3.3: the issuer in it MUST be the one that was asked.
    #[error("the metadata of {issuer} names another issuer")]
    OtherIssuer { issuer: String },
    /// Its keys are where we do not go.
    #[error("the jwks_uri of {issuer} is not https")]
    JwksUri { issuer: String },
}

/// Where the keys of one issuer come from.
pub(super) struct Source {
    http: reqwest::Client,
    issuer: OutsideIssuer,
}

impl Source {
    pub(super) fn new(issuer: &OutsideIssuer) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT)
            .https_only(!issuer.is_on_loopback())
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .build()?;
        Ok(Self { http, issuer: issuer.clone() })
    }

    /// The keys that it publishes now.
    pub(super) async fn keys(&self) -> Result<ById, NoKeys> {
        let issuer = self.issuer.issuer();
        let metadata = self.get(&keys::metadata_address(issuer)).await?;
        let address = keys::jwks_uri(&metadata, issuer).map_err(|bad| self.bad(bad))?;
        let address = Url::parse(&address).ok().filter(|url| self.issuer.may_be_asked_at(url));
        let address = address.ok_or_else(|| NoKeys::JwksUri { issuer: issuer.to_owned() })?;
        let set = self.get(address.as_str()).await?;
        keys::keys_in(&set).map_err(|bad| self.bad(bad))
    }

    fn bad(&self, bad: BadAnswer) -> NoKeys {
        let issuer = self.issuer.issuer().to_owned();
        match bad {
            BadAnswer::Unreadable => NoKeys::Unreadable { issuer },
            BadAnswer::OtherIssuer => NoKeys::OtherIssuer { issuer },
        }
    }

    async fn get(&self, address: &str) -> Result<Vec<u8>, NoKeys> {
        let issuer = || self.issuer.issuer().to_owned();
        let unreachable = |cause: reqwest::Error| NoKeys::Unreachable {
            issuer: issuer(),
            cause: cause.without_url(),
        };
        let request = self.http.get(address).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(NoKeys::Status { issuer: issuer(), status: response.status().as_u16() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(NoKeys::Unreadable { issuer: issuer() });
            }
        }
        Ok(body)
    }
}
