//! The verifier of our own API: the issuer, in the same process.

use std::sync::Arc;

use hallpass_guard::{Decision, Unverified, Verifier};
use hallpass_issuer::{BearerError, Issuer};

use crate::app::App;

/// Asks the issuer about one resource: this server's own API.
#[derive(Clone)]
pub(super) struct Local {
    issuer: Issuer,
    resource: Arc<str>,
}

impl Local {
    pub(super) fn new(app: &App) -> Self {
        Self { issuer: app.issuer().clone(), resource: app.public_url().default_resource().into() }
    }
}

impl Verifier for Local {
    async fn verify(&self, token: &str) -> Result<Decision, Unverified> {
        self.issuer.verify(token, &self.resource).await.map_err(|error| match error {
            BearerError::Unavailable(cause) => {
                crate::http::failure::log(&cause);
                Unverified::Unavailable
            }
            error => {
                tracing::debug!(why = %error, "an access token was refused");
                Unverified::NotGood
            }
        })
    }
}
