//! A code is redeemed (RFC 6749 §4.1.3, RFC 7636 §4.6).

use hallpass_core::pkce::Verifier;
use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::{Digest, Kind, TokenText};
use hallpass_store::{Code, Grant, Spend, User};

use crate::OAuthError;
use crate::dpop::check_key;
use crate::token::{Flow, TokenRequest, Won};

/// A code that may be redeemed by who presents it.
pub(crate) struct CodeFlow {
    digest: Digest,
    grant: Grant,
    user: User,
    nonce: Option<String>,
    resources: Vec<String>,
}

/// RFC 6749 §5.2: one answer for every reason why the code is no good.
fn gone() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidGrant,
        "the code is unknown, expired, used already or issued to another client; start again",
    )
}

impl Flow for CodeFlow {
    async fn validate(request: &TokenRequest<'_>) -> Result<Self, OAuthError> {
        let presented = request.required("code")?;
        // RFC 6749 §4.1.3: REQUIRED, as it is in every authorization request of ours.
        let redirect_uri = request.required("redirect_uri")?;
        let digest = TokenText::parse(Kind::Code, presented).map_err(|_| gone())?.digest();
        let code = request.issuer.0.store.codes().peek(&digest).await?.ok_or_else(gone)?;
        // RFC 6749 §4.1.3: issued to this client …
        if code.client_id != request.client.id {
            request.denied(code.grant_id, "the code was issued to another client");
            return Err(gone());
        }
        // … with a redirect URI that is identical.
        if code.redirect_uri != redirect_uri {
            return Err(OAuthError::new(
                ErrorCode::InvalidGrant,
                "redirect_uri is not the one that the code was sent to",
            ));
        }
        // A code that was spent goes on to the store, which ends what came of it.
        if code.spent_at.is_none() && request.issuer.now() >= code.expires_at {
            return Err(gone());
        }
        let (grant, user) = request.good_grant(code.grant_id, gone).await?;
        // RFC 9449 §10: MUST reject the request if the key is not that of `dpop_jkt`. Before
        // the verifier, so that nobody without the key spends the code with a wrong one.
        check_key(grant.jkt, request.proof.as_ref())?;
        check_verifier(request, &code).await?;
        let resources = request.narrowed_resources(&grant)?;
        Ok(Self { digest, grant, user, nonce: code.nonce, resources })
    }

    async fn spend(self, request: &TokenRequest<'_>) -> Result<Won, OAuthError> {
        let (first, refresh_token) = request.first_refresh(&self.grant).unzip();
        let issuer = request.issuer;
        let by = issuer.by(&request.client.id, Some(&request.client.id), Some(request.origin));
        match issuer.0.store.codes().spend(&self.digest, first, &by).await? {
            Spend::Won => Ok(Won {
                scope: self.grant.scope.clone(),
                grant: self.grant,
                user: self.user,
                resources: self.resources,
                nonce: self.nonce,
                refresh_token,
                jkt: request.jkt(),
                exchanged_until: None,
            }),
            // RFC 6749 §4.1.2: MUST deny, and SHOULD revoke all tokens issued from it; the
            // store has ended the grant.
            Spend::Reused(_) | Spend::Gone => Err(gone()),
        }
    }
}

/// RFC 7636 §4.6. A verifier that does not answer spends the code (CVE-2026-41213).
async fn check_verifier(request: &TokenRequest<'_>, code: &Code) -> Result<(), OAuthError> {
    let presented = request.params.get("code_verifier");
    let why = match (&code.challenge, presented) {
        (None, None) => return Ok(()),
        // Not a guess: whoever forgot it may come again.
        (Some(_), None) => return request.required("code_verifier").map(|_| ()),
        (Some(challenge), Some(text)) => match Verifier::parse(text) {
            Ok(verifier) if verifier.answers(challenge) => return Ok(()),
            Ok(_) => "code_verifier does not answer code_challenge; start again",
            Err(_) => {
                "code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~; start again"
            }
        },
        // RFC 9700 §4.8.2: a challenge was taken out of the request on its way.
        (None, Some(_)) => "code_verifier was sent, but no code_challenge before; start again",
    };
    let issuer = request.issuer;
    let by = issuer.by(&request.client.id, Some(&request.client.id), Some(request.origin));
    issuer.0.store.codes().burn(&code.digest, &by).await?;
    Err(OAuthError::new(ErrorCode::InvalidGrant, why))
}
