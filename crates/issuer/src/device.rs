//! Device authorization (RFC 8628): the start, the page, the polls.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::wire::oauth::DeviceAuthorization;
use hallpass_core::wire::params::Params;

use crate::{ClientCredentials, Error, Issuer, OAuthError, Origin, SignedIn};

/// What the device page shows before anything is decided (RFC 8628 §3.3, §5.4; HP11).
#[derive(Clone, Debug)]
pub struct DevicePrompt {
    /// The code as the person should see it on the device, for comparison.
    pub grouped_code: String,
    /// The client's registered name.
    pub client_name: String,
    /// Its id.
    pub client_id: String,
    /// What is asked for: each scope token and its meaning in plain words.
    pub scopes: Vec<(String, &'static str)>,
    /// What it is for, if not this server's own API (RFC 8707).
    pub resources: Vec<String>,
    /// What the requester says about itself; not verified.
    pub reported: hallpass_store::Reported,
    /// The address that asked, as the server saw it.
    pub address: Option<IpAddr>,
    /// Whether the person's browser is in the same network (IPv4 /24, IPv6 /56).
    /// `None` if one of the addresses is not known.
    pub same_network: Option<bool>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How long ago that was.
    pub age: Duration,
    /// How long the code still lives.
    pub expires_in: Duration,
}

/// What a person decides on the device page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceDecision {
    /// Sign the device in.
    Approve,
    /// Do not.
    Deny,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The device is signed in at its next poll.
    Approved {
        /// The client's registered name.
        client_name: String,
    },
    /// The device is told no at its next poll.
    Denied {
        /// The client's registered name.
        client_name: String,
    },
    /// It had been decided before, or its time was over.
    TooLate,
}

/// Why a typed code leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum UserCodeError {
    /// No device waits under this code: mistyped, expired, or decided already.
    #[error("no device is waiting for this code; check it on the device, or start again there")]
    Wrong,
    /// Too many wrong codes (RFC 8628 §5.1).
    #[error("too many wrong codes; wait a while and try again")]
    TooMany {
        /// When to come back.
        retry_after: Duration,
    },
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Issuer {
    /// Answers a device authorization request (RFC 8628 §3.1).
    pub async fn device_authorization(
        &self,
        _request: &Params,
        _credentials: ClientCredentials,
        _origin: &Origin,
    ) -> Result<DeviceAuthorization, OAuthError> {
        todo!()
    }

    /// What waits under the code that a signed-in person typed. Changes nothing.
    pub async fn device_prompt(
        &self,
        _signed_in: &SignedIn,
        _typed: &str,
        _origin: &Origin,
    ) -> Result<DevicePrompt, UserCodeError> {
        todo!()
    }

    /// The person decided.
    pub async fn device_decide(
        &self,
        _signed_in: &SignedIn,
        _typed: &str,
        _decision: DeviceDecision,
        _origin: &Origin,
    ) -> Result<Decided, UserCodeError> {
        todo!()
    }
}
