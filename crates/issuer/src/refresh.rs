//! A refresh token is rotated (RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! Every use spends the token and brings its successor. An answer can get lost, and then
//! the client asks again: for a short time, and only while the successor is unspent, the
//! same client gets that same successor. It was kept sealed under a key that comes from
//! the presented token, so that whoever reads the database cannot use it. Any later replay
//! ends the family: somebody else has the token too.

use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::{Digest, Kind, Scope, Secret, TokenText};
use hallpass_store::{ClientKind, Grant, Rotation, User};

use crate::dpop::check_key;
use crate::seal::Seal;
use crate::token::{Flow, TokenRequest, Won};
use crate::{Error, OAuthError};

/// A refresh token that may be used by who presents it.
pub(crate) struct RefreshFlow {
    presented: Secret,
    digest: Digest,
    grant: Grant,
    user: User,
    scope: Scope,
    resources: Vec<String>,
}

/// RFC 6749 §5.2: one answer for every reason why the token is no good.
fn gone() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidGrant,
        "the refresh token is unknown, expired, revoked, used already or issued to another client; sign in again",
    )
}

impl Flow for RefreshFlow {
    async fn validate(request: &TokenRequest<'_>) -> Result<Self, OAuthError> {
        let presented = request.required("refresh_token")?;
        let text = TokenText::parse(Kind::Refresh, presented).map_err(|_| gone())?;
        let digest = text.digest();
        let issuer = request.issuer;
        let kept = issuer.0.store.refresh().by_digest(&digest).await?.ok_or_else(gone)?;
        // A token that was spent goes on to the store, which tells a retry from a replay.
        if kept.spent_at.is_none() && issuer.now() >= kept.expires_at {
            return Err(gone());
        }
        // RFC 6749 §6, §10.4: bound to the client that it was issued to, and good only as
        // long as grant, person and client are.
        let (grant, user) = request.good_grant(kept.grant_id, gone).await?;
        check_owner(request, &grant).await?;
        let scope = narrowed_scope(request, &grant)?;
        let resources = request.narrowed_resources(&grant)?;
        Ok(Self { presented: text.into_secret(), digest, grant, user, scope, resources })
    }

    async fn spend(self, request: &TokenRequest<'_>) -> Result<Won, OAuthError> {
        let issuer = request.issuer;
        let seal = Seal::for_successor_of(self.presented.expose())?;
        let context = self.grant.id.to_string();
        let (child, text) = issuer.new_refresh(&self.grant, request.binding());
        let sealed = seal.seal(&context, text.expose().as_bytes(), &*issuer.0.random)?;
        let by = issuer.by(&request.client.id, Some(&request.client.id), Some(request.origin));
        let grace = issuer.0.config.refresh_grace;
        let refreshes = issuer.0.store.refresh();
        let refresh_token = match refreshes.rotate(&self.digest, child, sealed, grace, &by).await? {
            Rotation::Won => text,
            Rotation::Again { sealed } => seal
                .open_text(&context, &sealed)
                .ok_or(Error::Sealed { what: "the successor of a refresh token" })?,
            // RFC 9700 §4.14.2: the store has ended the grant.
            Rotation::Reused(_) | Rotation::Gone => return Err(gone()),
        };
        Ok(Won {
            grant: self.grant,
            user: self.user,
            scope: self.scope,
            resources: self.resources,
            // OIDC Core §12.2: the nonce belongs to the first ID token only.
            nonce: None,
            refresh_token: Some(refresh_token),
            jkt: request.jkt(),
            exchanged_until: None,
        })
    }
}

/// RFC 9449 §5: a public client's refresh token is good for who has its key. Whoever has only
/// the token has a copy of it. The owner's sign-in goes on: ending it is what a thief could
/// do as well, and it is shown to them.
async fn check_owner(request: &TokenRequest<'_>, grant: &Grant) -> Result<(), OAuthError> {
    if request.client.kind != ClientKind::Public {
        return Ok(());
    }
    let Err(why) = check_key(grant.jkt, request.proof.as_ref()) else { return Ok(()) };
    request.note_copy(grant.id).await?;
    Err(why)
}

/// RFC 6749 §6: the scope MUST NOT include any scope not originally granted; all of it if
/// nothing is said. The new refresh token keeps the whole.
fn narrowed_scope(request: &TokenRequest<'_>, grant: &Grant) -> Result<Scope, OAuthError> {
    let bad = |why| OAuthError::new(ErrorCode::InvalidScope, why);
    let Some(text) = request.params.get("scope") else { return Ok(grant.scope.clone()) };
    let scope: Scope = text.parse().map_err(|_| bad("scope is malformed"))?;
    if !scope.is_subset(&grant.scope) {
        return Err(bad("scope holds something that was not granted; sign in again to ask for it"));
    }
    Ok(scope)
}
