//! A device polls, and redeems its device code once it is approved (RFC 8628 §3.4–5).

use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::{Digest, Kind, TokenText};
use hallpass_store::{Grant, Poll, Spend, User};

use crate::OAuthError;
use crate::dpop::check_key;
use crate::token::{Flow, TokenRequest, Won};

/// A device code that was approved, and may be redeemed by who presents it.
pub(crate) struct DeviceFlow {
    digest: Digest,
    grant: Grant,
    user: User,
    resources: Vec<String>,
}

/// RFC 6749 §5.2: one answer for every reason why the code is no good.
fn gone() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidGrant,
        "the device code is unknown, used already or issued to another client; start again",
    )
}

impl Flow for DeviceFlow {
    async fn validate(request: &TokenRequest<'_>) -> Result<Self, OAuthError> {
        let presented = request.required("device_code")?;
        let digest = TokenText::parse(Kind::Device, presented).map_err(|_| gone())?.digest();
        let issuer = request.issuer;
        let devices = issuer.0.store.devices();
        // RFC 8628 §3.4: bound to the client. Looked at first, so that another client's
        // poll does not slow the right one down.
        let device = devices.peek(&digest).await?.ok_or_else(gone)?;
        if device.client_id != request.client.id {
            request.denied(device.id, "the device code was issued to another client");
            return Err(gone());
        }
        // Ours, after RFC 9449 §10: bound to the key that was named at the start.
        check_key(device.jkt, request.proof.as_ref())?;
        let grant_id = match devices.poll(&digest, issuer.now()).await? {
            Poll::Approved(device) => device.grant_id.ok_or_else(gone)?,
            // It was redeemed before; the store ends what came of it when it is spent again.
            Poll::Spent(grant_id) => grant_id,
            Poll::Unknown => return Err(gone()),
            not_yet => return Err(state(&not_yet)),
        };
        let (grant, user) = request.good_grant(grant_id, gone).await?;
        let resources = request.narrowed_resources(&grant)?;
        Ok(Self { digest, grant, user, resources })
    }

    async fn spend(self, request: &TokenRequest<'_>) -> Result<Won, OAuthError> {
        let (first, refresh_token) = request.first_refresh(&self.grant).unzip();
        let issuer = request.issuer;
        let by = issuer.by(&request.client.id, Some(&request.client.id), Some(request.origin));
        match issuer.0.store.devices().spend(&self.digest, first, &by).await? {
            Spend::Won => Ok(Won {
                scope: self.grant.scope.clone(),
                grant: self.grant,
                user: self.user,
                resources: self.resources,
                nonce: None,
                refresh_token,
                jkt: request.jkt(),
                exchanged_until: None,
            }),
            Spend::Reused(_) | Spend::Gone => Err(gone()),
        }
    }
}

/// RFC 8628 §3.5.
fn state(poll: &Poll) -> OAuthError {
    let (code, why) = match poll {
        Poll::SlowDown { .. } => {
            (ErrorCode::SlowDown, "polled too soon; wait 5 seconds longer from now on")
        }
        Poll::Denied => (ErrorCode::AccessDenied, "the person declined"),
        Poll::Expired => (ErrorCode::ExpiredToken, "the device code has expired; start again"),
        _ => (ErrorCode::AuthorizationPending, "the person has not decided yet"),
    };
    OAuthError::new(code, why)
}
