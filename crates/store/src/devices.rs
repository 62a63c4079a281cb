//! Device authorization (RFC 8628): a request that waits for a person, and the
//! single-use device code that the program polls with.

use std::time::Duration;

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::{DeviceId, GrantId};
use hallpass_core::{Digest, Scope, Timestamp};

use crate::db::{Bind, Cell, Column, Row, Tx, Value, binds, statements};
use crate::store::Store;
use crate::{By, Error, NewGrant, NewRefresh, Reported, Spend, audit, grants, refresh};

/// By how many seconds the interval grows for good (RFC 8628 §3.5).
const SLOWER: u32 = 5;

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
    /// The key that alone may redeem the device code.
    pub jkt: Option<Thumbprint>,
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
    /// The key that alone may redeem the device code.
    pub jkt: Option<Thumbprint>,
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
#[allow(clippy::large_enum_variant, reason = "it is looked at once, where it is returned")]
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
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            tx.first(&ONE_AT_A_TIME, binds![], |_| Ok(())).await?;
            if tx.first(&CLIENT, binds![new.client_id], |_| Ok(())).await?.is_none() {
                return Ok(Start::Gone);
            }
            let taken = tx.first(&BY_USER_CODE, binds![new.user_code_digest, by.at], read).await?;
            if taken.is_some() {
                return Ok(Start::CodeTaken);
            }
            let live: i64 =
                tx.first(&LIVE, binds![by.at], |row| row.next()).await?.unwrap_or_default();
            if live.unsigned_abs() >= max_live {
                return Ok(Start::TooManyLive);
            }
            let row = binds![
                new.id,
                new.device_digest,
                new.user_code_digest,
                new.client_id,
                new.scope,
                new.resources,
                new.interval_secs,
                by.at,
                new.expires_at,
                new.address,
                new.reported.host,
                new.reported.user,
                new.reported.command,
                new.jkt,
            ];
            tx.execute(&INSERT, row).await?;
            audit::write(tx, &by, "device.start", new.id, None).await?;
            Ok(Start::Started)
        };
        self.0.db().change(change).await
    }

    /// Looks without counting as a poll, in whatever state it is.
    pub async fn peek(&self, device_code: &Digest) -> Result<Option<Device>, Error> {
        self.0.db().first(&PEEK, binds![device_code], read).await
    }

    /// One poll of the program. Writes no audit row.
    pub async fn poll(&self, device_code: &Digest, now: Timestamp) -> Result<Poll, Error> {
        let found = self.0.db().first(&PEEK, binds![device_code], read).await?;
        if let Some(answer) = found.map_or(Some(Poll::Unknown), |device| decided(device, now)) {
            return Ok(answer);
        }
        // Only one that waits is written to.
        let device_code = *device_code;
        let change = async move |tx: &mut Tx<'_>| {
            let found = tx.first(&TAKE, binds![device_code], read_polled).await?;
            let Some((polled_at, device)) = found else { return Ok(Poll::Unknown) };
            let interval_secs = device.interval_secs;
            if let Some(answer) = decided(device, now) {
                return Ok(answer);
            }
            let interval = Duration::from_secs(interval_secs.into());
            let early = polled_at.is_some_and(|last| now < last + interval);
            let slower = interval_secs.saturating_add(SLOWER);
            let interval_secs = if early { slower } else { interval_secs };
            tx.execute(&POLLED, binds![device_code, now, interval_secs]).await?;
            Ok(if early { Poll::SlowDown { interval_secs } } else { Poll::Pending })
        };
        self.0.db().change(change).await
    }

    /// The one that waits for a decision under this user code.
    pub async fn by_user_code(
        &self,
        user_code: &Digest,
        now: Timestamp,
    ) -> Result<Option<Device>, Error> {
        self.0.db().first(&BY_USER_CODE, binds![user_code, now], read).await
    }

    /// A person approves: creates the grant, which the device code then redeems.
    pub async fn approve(&self, id: DeviceId, grant: NewGrant, by: &By) -> Result<Decide, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            // The user is held before the row that waits: see `Tx` for the order.
            if !grants::may_begin(tx, &grant, &by).await? {
                return Ok(Decide::Gone);
            }
            if tx.execute(&APPROVE, binds![id, by.at]).await? == 0 {
                return undecidable(tx, id).await;
            }
            grants::insert(tx, &grant, &by).await?;
            tx.execute(&GRANTED, binds![id, grant.id]).await?;
            audit::write(tx, &by, "device.approve", id, Some(&grant.id.to_string())).await?;
            Ok(Decide::Done)
        };
        self.0.db().change(change).await
    }

    /// A person denies.
    pub async fn deny(&self, id: DeviceId, by: &By) -> Result<Decide, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&DENY, binds![id, by.at]).await? == 0 {
                return undecidable(tx, id).await;
            }
            audit::write(tx, &by, "device.deny", id, None).await?;
            Ok(Decide::Done)
        };
        self.0.db().change(change).await
    }

    /// Spends an approved device code, and keeps the first refresh token of its grant.
    /// One that is not approved is [`Spend::Gone`].
    pub async fn spend(
        &self,
        device_code: &Digest,
        first: Option<NewRefresh>,
        by: &By,
    ) -> Result<Spend, Error> {
        let (device_code, by) = (*device_code, by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let won = tx.first(&SPEND, binds![device_code, by.at], |row| row.next()).await?;
            if let Some(grant) = won {
                refresh::keep_first(tx, grant, first.as_ref(), &by).await?;
                audit::write(tx, &by, "device.spend", grant, None).await?;
                return Ok(Spend::Won);
            }
            let spent = tx.first(&SPENT, binds![device_code], |row| row.next()).await?;
            let Some(grant) = spent else { return Ok(Spend::Gone) };
            grants::end_for_reuse(tx, grant, "device code used twice", &by).await?;
            Ok(Spend::Reused(grant))
        };
        self.0.db().change(change).await
    }

    /// How many wait for a decision.
    pub async fn live(&self, now: Timestamp) -> Result<u64, Error> {
        Ok(self.0.db().number(&LIVE, binds![now]).await?.unsigned_abs())
    }
}

macro_rules! columns {
    () => {
        "id, client_id, scope, resources, interval_secs, created_at, expires_at, status, \
         grant_id, address, reported_host, reported_user, reported_command, jkt"
    };
}

statements! {
    /// Two that start at once must not both be the last that there is room for, nor have
    /// the same user code.
    ONE_AT_A_TIME = "SELECT 1", postgres = "SELECT pg_advisory_xact_lock(7235420918)";
    CLIENT = "SELECT id FROM clients WHERE id = $1 AND disabled_at IS NULL";
    LIVE = "SELECT COUNT(*) FROM devices WHERE status = 'pending' AND expires_at > $1";
    INSERT = "INSERT INTO devices (id, device_digest, user_code_digest, client_id, scope, resources,
            interval_secs, created_at, expires_at, status, address, reported_host, reported_user,
            reported_command, jkt)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', $10, $11, $12, $13, $14)";
    PEEK = concat!("SELECT ", columns!(), " FROM devices WHERE device_digest = $1");
    BY_USER_CODE = concat!(
        "SELECT ", columns!(), " FROM devices
        WHERE user_code_digest = $1 AND status = 'pending' AND expires_at > $2"
    );
    TAKE = concat!("SELECT polled_at, ", columns!(), " FROM devices WHERE device_digest = $1"),
        postgres + "FOR UPDATE";
    POLLED = "UPDATE devices SET polled_at = $2, interval_secs = $3 WHERE device_digest = $1";
    APPROVE = "UPDATE devices SET status = 'approved'
        WHERE id = $1 AND status = 'pending' AND expires_at > $2";
    GRANTED = "UPDATE devices SET grant_id = $2 WHERE id = $1";
    DENY = "UPDATE devices SET status = 'denied'
        WHERE id = $1 AND status = 'pending' AND expires_at > $2";
    STATUS = "SELECT status FROM devices WHERE id = $1";
    /// One conditional statement: of all who try at once, one gets a row.
    SPEND = concat!(
        "UPDATE devices SET status = 'spent'
        WHERE device_digest = $1 AND status = 'approved' AND expires_at > $2 AND ",
        grants::good_grant!("devices.grant_id", "$2"),
        " RETURNING grant_id"
    );
    SPENT = "SELECT grant_id FROM devices WHERE device_digest = $1 AND status = 'spent'";
}

/// What a poll is answered if nobody needs to decide any more.
fn decided(device: Device, now: Timestamp) -> Option<Poll> {
    match (device.status, device.grant_id) {
        (DeviceStatus::Spent, Some(grant)) => Some(Poll::Spent(grant)),
        (DeviceStatus::Denied, _) => Some(Poll::Denied),
        _ if now >= device.expires_at => Some(Poll::Expired),
        (DeviceStatus::Approved, _) => Some(Poll::Approved(device)),
        _ => None,
    }
}

/// Why there was nothing to decide.
async fn undecidable(tx: &mut Tx<'_>, id: DeviceId) -> Result<Decide, Error> {
    let status: Option<DeviceStatus> = tx.first(&STATUS, binds![id], |row| row.next()).await?;
    Ok(match status {
        None | Some(DeviceStatus::Pending) => Decide::Gone,
        Some(_) => Decide::AlreadyDecided,
    })
}

fn read(row: &mut Row<'_>) -> Result<Device, Error> {
    Ok(Device {
        id: row.next()?,
        client_id: row.next()?,
        scope: row.next()?,
        resources: row.next()?,
        interval_secs: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        status: row.next()?,
        grant_id: row.next()?,
        address: row.next()?,
        reported: Reported::read(row)?,
        jkt: row.next()?,
    })
}

fn read_polled(row: &mut Row<'_>) -> Result<(Option<Timestamp>, Device), Error> {
    Ok((row.next()?, read(row)?))
}

impl Bind for DeviceStatus {
    fn bind(&self) -> Value<'_> {
        match self {
            Self::Pending => "pending".bind(),
            Self::Approved => "approved".bind(),
            Self::Denied => "denied".bind(),
            Self::Spent => "spent".bind(),
        }
    }
}

impl Column for DeviceStatus {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("pending") => Some(Self::Pending),
            Cell::Text("approved") => Some(Self::Approved),
            Cell::Text("denied") => Some(Self::Denied),
            Cell::Text("spent") => Some(Self::Spent),
            _ => None,
        }
    }
}
