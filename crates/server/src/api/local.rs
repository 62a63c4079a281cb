//! The verifier of our own API: the issuer, in the same process.

use std::sync::Arc;

use hallpass_core::Timestamp;
use hallpass_core::dpop::{BadProof, Proven};
use hallpass_guard::dpop::{Claim, Prover};
use hallpass_guard::{Decision, Shapes, Unverified, Verifier};
use hallpass_issuer::{BearerError, Issuer};

use crate::app::App;

/// Asks the issuer about one resource: this server's own API.
#[derive(Clone)]
pub(crate) struct Local {
    issuer: Issuer,
    resource: Arc<str>,
    shapes: Arc<Shapes>,
}

impl Local {
    pub(crate) fn new(app: &App) -> Self {
        let tokens = &app.issuer().config().brand.tokens;
        let own = app.issuer().config().brand.prefixes();
        let shapes = own.into_iter().fold(Shapes::jwt(), Shapes::prefix);
        let shapes = shapes.legacy_prefix(tokens.legacy_prefix.as_deref().unwrap_or_default());
        let outside = app.issuer().config().provider.is_some();
        let shapes = if outside { shapes.id_tokens() } else { shapes };
        Self {
            issuer: app.issuer().clone(),
            resource: app.public_url().default_resource().into(),
            shapes: Arc::new(shapes),
        }
    }
}

impl Prover for Local {
    fn read(&self, claim: &Claim<'_>) -> Result<Proven, BadProof> {
        // By our own address, never by `Host` (attack-7).
        let url = self.issuer.config().public_url.join(claim.path);
        self.issuer.read_proof(claim.proof, claim.method, &url, Some(claim.access_token))
    }

    async fn spend(&self, proven: &Proven) -> Result<bool, Unverified> {
        self.issuer.spend_proof(proven).await.map_err(|cause| {
            crate::http::failure::log(&cause);
            Unverified::Unavailable
        })
    }

    fn nonce(&self) -> String {
        self.issuer.dpop_nonce()
    }
}

impl Verifier for Local {
    type Prover = Self;

    fn now(&self) -> Option<Timestamp> {
        Some(self.issuer.now())
    }

    fn prover(&self) -> Option<&Self> {
        Some(self)
    }

    async fn verify(&self, token: &str) -> Result<Decision, Unverified> {
        self.issuer.verify(token, &self.resource).await.map_err(|error| match error {
            BearerError::Unavailable(cause) => {
                crate::http::failure::log(&cause);
                Unverified::Unavailable
            }
            error => {
                tracing::debug!(why = %error, "a credential was refused");
                Unverified::NotGood
            }
        })
    }

    fn shapes(&self) -> &Shapes {
        &self.shapes
    }
}
