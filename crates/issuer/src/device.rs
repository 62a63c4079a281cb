//! Device authorization (RFC 8628): the start, the page, the polls.
//!
//! The user code is short because a person types it, so everything that tries one is
//! counted: per account, per network, and altogether (§5.1; the sums are in
//! `hallpass_core::user_code`). Nothing is approved by looking at the page.
//!
//! | part | what |
//! |---|---|
//! | here | the request (§3.1) and the page (§3.3) |
//! | [`poll`] | the token request (§3.4) |

use std::net::IpAddr;
use std::time::Duration;

use hallpass_core::id::{DeviceId, GrantId};
use hallpass_core::text::presentable;
use hallpass_core::user_code::UserCode;
use hallpass_core::wire::oauth::{DEVICE_CODE, DeviceAuthorization, ErrorCode};
use hallpass_core::wire::params::Params;
use hallpass_core::wire::{path, reported};
use hallpass_core::{Kind, Secret, Timestamp, TokenText};
use hallpass_store::{Client, Decide, Device, GrantKind, NewDevice, NewGrant, Reported, Start};

use crate::authorize::request::asked_scope;
use crate::authorize::spelled_out;
use crate::dpop::asked_key;
use crate::limits::{Limit, network, network_of};
use crate::token::may_use;
use crate::{ClientCredentials, Error, Issuer, OAuthError, Origin, SignedIn};

mod poll;

pub(crate) use poll::DeviceFlow;

/// What a requester says about itself is cut to this many characters.
const MAX_REPORTED: usize = 80;
/// A user code that is taken is replaced; so often in a row means that something is wrong.
const CODE_TRIES: usize = 8;

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
    pub reported: Reported,
    /// The address that asked, as the server saw it.
    pub address: Option<IpAddr>,
    /// Whether the person's browser is in the same network (IPv4 /24, IPv6 /56, or both on
    /// this machine). `None` if that cannot be said: one of the addresses is not known, one
    /// is IPv4 and the other IPv6, or one is that of a proxy which nobody has named.
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

impl From<hallpass_store::Error> for UserCodeError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Issuer {
    /// Answers a device authorization request (RFC 8628 §3.1).
    pub async fn device_authorization(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<DeviceAuthorization, OAuthError> {
        let client = self.authenticate(params, credentials, origin).await?;
        may_use(&client, DEVICE_CODE)?;
        let scope = asked_scope(&client, params)?;
        let resources = self.asked_resources(params).await?;
        let jkt = asked_key(params)?;
        let config = &self.0.config;
        let now = self.now();
        if !self.0.shares.take(origin, now) {
            let why = "too many device codes were asked for from your network; try again later";
            return Err(
                OAuthError::new(ErrorCode::InvalidRequest, why).retry_after(config.device_ttl)
            );
        }
        let said = |name| params.get(name).map(|text| presentable(text, MAX_REPORTED));
        let device_code = TokenText::mint(Kind::Device, &*self.0.random);
        let grouping = config.brand.grouping();
        for _ in 0..CODE_TRIES {
            let user_code = UserCode::mint(&grouping, &*self.0.random);
            let new = NewDevice {
                id: self.new_id(DeviceId::new),
                device_digest: device_code.digest(),
                user_code_digest: self.0.keys.user_code_digest(user_code.expose()),
                client_id: client.id.clone(),
                scope: scope.clone(),
                resources: resources.clone(),
                interval_secs: u32::try_from(config.device_interval.as_secs()).unwrap_or(u32::MAX),
                expires_at: now + config.device_ttl,
                address: origin.address_text(),
                reported: Reported {
                    host: said(reported::HOST),
                    user: said(reported::USER),
                    command: said(reported::COMMAND),
                },
                jkt,
            };
            let by = self.by(&client.id, Some(&client.id), Some(origin));
            match self.0.store.devices().start(new, config.device_max_live, &by).await? {
                Start::Started => {
                    return Ok(self.device_answer(device_code, &user_code.grouped(&grouping)));
                }
                Start::CodeTaken => {}
                Start::TooManyLive => break,
                Start::Gone => {
                    return Err(OAuthError::new(
                        ErrorCode::InvalidClient,
                        "the client is disabled",
                    ));
                }
            }
        }
        // RFC 8628 §5.1: no more may wait than can be kept from being guessed.
        let why = "too many sign-ins wait for approval right now; try again in a few minutes";
        Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, why)
            .retry_after(Duration::from_secs(60)))
    }

    /// RFC 8628 §3.2.
    fn device_answer(&self, device_code: TokenText, user_code: &str) -> DeviceAuthorization {
        let config = &self.0.config;
        let pages = &config.brand.pages;
        let page = config.public_url.join(pages.device.as_deref().unwrap_or(path::DEVICE_PAGE));
        let named = pages.device_code();
        DeviceAuthorization {
            device_code: device_code.into_secret(),
            user_code: Secret::new(user_code),
            verification_uri_complete: Some(format!("{page}?{named}={user_code}")),
            verification_uri: page,
            expires_in: config.device_ttl.as_secs(),
            interval: Some(config.device_interval.as_secs()),
        }
    }

    /// What waits under the code that a signed-in person typed. Changes nothing.
    pub async fn device_prompt(
        &self,
        signed_in: &SignedIn,
        typed: &str,
        origin: &Origin,
    ) -> Result<DevicePrompt, UserCodeError> {
        let (code, device, client) = self.waiting(signed_in, typed, origin).await?;
        let now = self.now();
        let address = device.address.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
        Ok(DevicePrompt {
            grouped_code: code.grouped(&self.0.config.brand.grouping()),
            client_name: client.name,
            client_id: client.id,
            scopes: spelled_out(&device.scope),
            resources: self.foreign(&device.resources),
            reported: device.reported,
            address,
            same_network: address.zip(origin.address).and_then(|(a, b)| self.same_network(a, b)),
            requested_at: device.created_at,
            age: now.since(device.created_at),
            expires_in: device.expires_at.since(now),
        })
    }

    /// The person decided.
    pub async fn device_decide(
        &self,
        signed_in: &SignedIn,
        typed: &str,
        decision: DeviceDecision,
        origin: &Origin,
    ) -> Result<Decided, UserCodeError> {
        let (_, device, client) = self.waiting(signed_in, typed, origin).await?;
        let by = self.by(&signed_in.user.id.to_string(), Some(&client.id), Some(origin));
        let devices = self.0.store.devices();
        let (done, decided) = match decision {
            DeviceDecision::Approve => {
                let grant = self.device_grant(&device, signed_in);
                let done = devices.approve(device.id, grant, &by).await?;
                (done, Decided::Approved { client_name: client.name })
            }
            DeviceDecision::Deny => {
                let done = devices.deny(device.id, &by).await?;
                (done, Decided::Denied { client_name: client.name })
            }
        };
        Ok(match done {
            Decide::Done => decided,
            Decide::AlreadyDecided | Decide::Gone => Decided::TooLate,
        })
    }

    /// The grant that an approval makes. Its address is the device's, not the browser's.
    fn device_grant(&self, device: &Device, signed_in: &SignedIn) -> NewGrant {
        NewGrant {
            id: self.new_id(GrantId::new),
            user_id: signed_in.user.id,
            client_id: device.client_id.clone(),
            kind: GrantKind::Device,
            scope: device.scope.clone(),
            resources: device.resources.clone(),
            auth_time: signed_in.session.auth_time,
            session_id: Some(signed_in.session.id),
            expires_at: self.0.config.grant_ttl.map(|ttl| self.now() + ttl),
            address: device.address.clone(),
            reported: device.reported.clone(),
            jkt: device.jkt,
            agent: None,
        }
    }

    /// The device that waits under a typed code. Every code that leads nowhere counts
    /// (RFC 8628 §5.1).
    async fn waiting(
        &self,
        signed_in: &SignedIn,
        typed: &str,
        origin: &Origin,
    ) -> Result<(UserCode, Device, Client), UserCodeError> {
        // What cannot be a code is no guess, and costs nobody anything.
        let code =
            UserCode::parse(typed, &self.0.config.brand.grouping()).ok_or(UserCodeError::Wrong)?;
        let limits = &self.0.config.limits;
        let window = limits.user_code_window;
        let bounds = vec![
            Limit::new(format!("code:{}", signed_in.user.id), limits.user_code_per_account),
            Limit::new(format!("code:{}", network_of(origin)), limits.user_code_per_network),
            Limit::new("code".to_owned(), limits.user_code_global),
        ];
        let Some(attempt) = self.attempt(bounds, window).await? else {
            return Err(UserCodeError::TooMany { retry_after: window });
        };
        let digest = self.0.keys.user_code_digest(code.expose());
        if let Some(device) = self.0.store.devices().by_user_code(&digest, self.now()).await? {
            let client = self.0.store.clients().by_id(&device.client_id).await?;
            if let Some(client) = client.filter(|client| client.disabled_at.is_none()) {
                return Ok((code, device, client));
            }
        }
        attempt.failed().await?;
        Err(UserCodeError::Wrong)
    }

    /// At a server with a public name, this machine's own address is that of a proxy or a
    /// tunnel that nobody has named, and says nothing about who is behind it (attack-1).
    fn same_network(&self, a: IpAddr, b: IpAddr) -> Option<bool> {
        let (a, b) = (a.to_canonical(), b.to_canonical());
        if a.is_loopback() || b.is_loopback() {
            let url = url::Url::parse(self.0.config.public_url.issuer()).ok()?;
            if !hallpass_core::public_url::is_loopback(&url) {
                return None;
            }
        }
        if a.is_loopback() && b.is_loopback() {
            return Some(true);
        }
        (a.is_ipv4() == b.is_ipv4()).then(|| network(a) == network(b))
    }
}
