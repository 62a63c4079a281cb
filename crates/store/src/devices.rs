//! Device authorization (RFC 8628): a request that waits for a person, and the
//! single-use device code that the program polls with.

use hallpass_core::id::{DeviceId, GrantId};
use hallpass_core::{Digest, Scope, Timestamp};

use crate::store::Store;
use crate::{By, Error, NewGrant, NewRefresh, Reported, Spend};

/// How far a device authorization has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceStatus {
    /// Nobody has decided.
    Pending,
    /// A person approved it; the device code can be spent.
    Approved,
    /// A person denied it.
    Denied,
    /// The device code was spent.
    Spent,
}

/// A device authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The client that asked.
    pub client_id: String,
    /// What it asked for.
    pub scope: Scope,
    /// The resources that it asked for.
    pub resources: Vec<String>,
    /// The least time between two polls, now; it grows (RFC 8628 §3.5).
    pub interval_secs: u32,
    /// When it asked.
    pub created_at: Timestamp,
    /// Until when it can be approved and spent.
    pub expires_at: Timestamp,
    /// How far it has come.
    pub status: DeviceStatus,
    /// The grant, once approved.
    pub grant_id: Option<GrantId>,
    /// The address that asked, as the server saw it.
    pub address: Option<String>,
    /// What the program said about itself.
    pub reported: Reported,
}

/// A device authorization to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// The id that it will have.
    pub id: DeviceId,
    /// The digest of the device code.
    pub device_digest: Digest,
    /// The keyed digest of the user code; a plain hash of so few bits could be guessed.
    pub user_code_digest: Digest,
    /// The client that asks.
    pub client_id: String,
    /// What it asks for.
    pub scope: Scope,
    /// The resources that it asks for.
    pub resources: Vec<String>,
    /// The least time between two polls.
    pub interval_secs: u32,
    /// Until when it can be approved and spent.
    pub expires_at: Timestamp,
    /// The address that asks, as the server saw it.
    pub address: Option<String>,
    /// What the program says about itself.
    pub reported: Reported,
}

/// What became of a device authorization that was to be started.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It waits for a person.
    Started,
    /// So many wait already that user codes could be guessed (RFC 8628 §5.1).
    TooManyLive,
    /// Another that waits has this user code: take another code.
    CodeTaken,
    /// The client is disabled.
    Gone,
}

/// What a poll finds (RFC 8628 §3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// `authorization_pending`.
    Pending,
    /// `slow_down`: too early, and the interval has grown by 5 s for good.
    SlowDown {
        /// The interval from now on.
        interval_secs: u32,
    },
    /// Approved; the device code can be spent.
    Approved(Device),
    /// `access_denied`.
    Denied,
    /// `expired_token`.
    Expired,
    /// It was spent before; its grant. Polling ends nothing, [`Devices::spend`] does.
    Spent(GrantId),
    /// No such device code.
    Unknown,
}

/// What became of a person's decision.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decide {
    /// It stands.
    Done,
    /// It was decided before, perhaps in another tab.
    AlreadyDecided,
    /// Unknown or expired, or user, client or session ended meanwhile.
    Gone,
}

/// See [`Store::devices`].
#[derive(Clone, Copy)]
pub struct Devices<'s>(pub(crate) &'s Store);

impl Devices<'_> {
    /// Starts a device authorization, unless `max_live` wait already.
    pub async fn start(&self, new: NewDevice, max_live: u64, by: &By) -> Result<Start, Error> {
        let _ = (new, max_live, by);
        todo!()
    }

    /// Looks without counting as a poll, in whatever state it is.
    pub async fn peek(&self, device_code: &Digest) -> Result<Option<Device>, Error> {
        let _ = device_code;
        todo!()
    }

    /// One poll of the program. Writes no audit row.
    pub async fn poll(&self, device_code: &Digest, now: Timestamp) -> Result<Poll, Error> {
        let _ = (device_code, now);
        todo!()
    }

    /// The one that waits for a decision under this user code.
    pub async fn by_user_code(
        &self,
        user_code: &Digest,
        now: Timestamp,
    ) -> Result<Option<Device>, Error> {
        let _ = (user_code, now);
        todo!()
    }

    /// A person approves: creates the grant, which the device code then redeems.
    pub async fn approve(&self, id: DeviceId, grant: NewGrant, by: &By) -> Result<Decide, Error> {
        let _ = (id, grant, by);
        todo!()
    }

    /// A person denies.
    pub async fn deny(&self, id: DeviceId, by: &By) -> Result<Decide, Error> {
        let _ = (id, by);
        todo!()
    }

    /// Spends an approved device code, and keeps the first refresh token of its grant.
    /// One that is not approved is [`Spend::Gone`].
    pub async fn spend(
        &self,
        device_code: &Digest,
        first: Option<NewRefresh>,
        by: &By,
    ) -> Result<Spend, Error> {
        let _ = (device_code, first, by);
        todo!()
    }

    /// How many wait for a decision.
    pub async fn live(&self, now: Timestamp) -> Result<u64, Error> {
        let _ = now;
        todo!()
    }
}
