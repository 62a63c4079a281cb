//! ID tokens of outside issuers that an API trusts, each by its name.
//!
//! ```text
//! JWT that is no access token → which issuer does it name? → none of ours: refused, nobody asked
//!     → its key (metadata, JWKS; refreshed, but not at the caller's will)
//!     → signature, then every claim (OIDC Core §3.1.3.7) → somebody outside
//! ```
//!
//! Who comes in this way is never a principal of ours: issuer and subject together are who they
//! are ([`Who::Outside`](hallpass_verdict::Who::Outside)), they have no role, and no scope but
//! what the API gives them ([`OutsideIssuer::scope`]). **Nothing here hears of a revocation**: an
//! ID token is good until it expires, or until it is older than the API allows
//! ([`OutsideIssuer::max_age`]). Neither the token nor anything in it is sent anywhere.
//!
//! | module | what |
//! |---|---|
//! | `issuer` | whom to trust, as an API author says it |
//! | `discovery` | the issuer's metadata and keys |
//! | `id_token` | who it is; what is read, and every reason to refuse it, is [`hallpass_outside`] |

use std::sync::Arc;

use hallpass_core::{PublicUrl, Timestamp};
use hallpass_outside::{Bad, Unverified as Token, VerifyingKey};
use hallpass_verdict::Decision;
use hallpass_verdict::lease::BootTime;

use self::discovery::Source;
use super::BadSetup;
use super::keys::{Found, Keys};
use crate::Unverified;
use crate::shape::MAX_LEN;

mod discovery;
mod id_token;
mod issuer;
#[cfg(test)]
mod tests;

pub use id_token::Claims;
pub use issuer::{BadIssuer, OutsideIssuer};

/// The outside issuers that an API trusts.
#[derive(Default)]
pub(super) struct Outside(Vec<Trusted>);

/// One of them, with its keys.
struct Trusted {
    issuer: OutsideIssuer,
    source: Arc<Source>,
    keys: Keys<VerifyingKey>,
}

impl Outside {
    /// Of these issuers, at an API whose own issuer is `ours`.
    pub(super) fn new(issuers: Vec<OutsideIssuer>, ours: &PublicUrl) -> Result<Self, BadSetup> {
        let mut all: Vec<Trusted> = Vec::new();
        for issuer in issuers {
            let twice = all.iter().any(|known| known.issuer.issuer() == issuer.issuer());
            let checked = if twice { Err(BadIssuer::Twice) } else { issuer.check(ours) };
            checked
                .map_err(|cause| BadSetup::Outside { issuer: issuer.issuer().to_owned(), cause })?;
            let source = Source::new(&issuer).map_err(|error| BadSetup::Http(error.to_string()))?;
            all.push(Trusted { issuer, source: Arc::new(source), keys: Keys::default() });
        }
        Ok(Self(all))
    }

    /// Whether nobody is trusted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who presents `token`, which is a JWT and no access token.
    pub(super) async fn check(
        &self,
        token: &str,
        now: Timestamp,
        boot: BootTime,
    ) -> Result<Decision, Unverified> {
        let outcome = self.read(token, now, boot).await;
        outcome.map_err(|bad| {
            tracing::debug!(%bad, "an ID token was refused");
            if bad == Bad::KeysUnknown { Unverified::Unavailable } else { Unverified::NotGood }
        })
    }

    async fn read(&self, token: &str, now: Timestamp, boot: BootTime) -> Result<Decision, Bad> {
        let text = token;
        let token = Token::parse(text, MAX_LEN)?;
        // Not verified yet: it only says which of the named issuers' keys to try. What nobody
        // has named ends here, and no request goes out for it.
        let named = token.issuer()?;
        let trusted = self.0.iter().find(|trusted| trusted.issuer.issuer() == named);
        let trusted = trusted.ok_or(Bad::Issuer)?;
        let source = || {
            let source = trusted.source.clone();
            async move { source.keys().await }
        };
        match trusted.keys.find(token.kid(), boot, source).await {
            Found::Key(key) => id_token::decide(text, token, &trusted.issuer, &key, now),
            Found::Nowhere => Err(Bad::Key),
            Found::Unknown => Err(Bad::KeysUnknown),
        }
    }
}
