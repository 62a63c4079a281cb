//! The handle: opening, the nouns, and the database's time.

use std::path::PathBuf;

use hallpass_core::{Clock, Secret, Timestamp};

use crate::{
    Audit, Clients, Codes, Devices, Error, Failures, Grants, OpenError, Refreshes, Resources,
    Sessions, Settings, Setup, SigningKeys, Tombstones, Users,
};

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In memory, for tests: SQLite, and gone with the last handle.
    Memory,
    /// `hallpass.db` in this directory: SQLite, held by one process at a time.
    Directory(PathBuf),
    /// A `postgres://` URL.
    Postgres(Secret),
}

/// Which engine keeps the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A store. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens the store, making or upgrading its tables in place.
    pub async fn open(place: &Place) -> Result<Self, OpenError> {
        let _ = place;
        todo!()
    }

    /// Which engine keeps the data.
    pub fn engine(&self) -> Engine {
        todo!()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        todo!()
    }

    /// Asks the database for its time, to know by how much the local clock is off.
    /// Call it at the start and now and then. Nothing to learn with SQLite.
    pub async fn learn_time(&self, clock: &dyn Clock) -> Result<(), Error> {
        let _ = clock;
        todo!()
    }

    /// What the database's clock says when the local one says `local`, as far as
    /// [`Store::learn_time`] has learnt. With SQLite it is the same clock.
    pub fn database_time(&self, local: Timestamp) -> Timestamp {
        local
    }

    /// Deletes what has been of no use since `before`: spent and expired codes, device
    /// codes, refresh tokens, sessions, counters. In small portions; says how many rows.
    /// Writes no audit row.
    pub async fn tidy(&self, before: Timestamp) -> Result<u64, Error> {
        let _ = before;
        todo!()
    }

    /// Finishes the changes that wait, closes the database, and lets go of the
    /// directory. Everything after that is [`Error::Unavailable`].
    pub async fn close(&self) {}

    /// Facts about the deployment.
    pub fn settings(&self) -> Settings<'_> {
        Settings(self)
    }

    /// The one-time setup code.
    pub fn setup(&self) -> Setup<'_> {
        Setup(self)
    }

    /// People.
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// Programs that ask for tokens.
    pub fn clients(&self) -> Clients<'_> {
        Clients(self)
    }

    /// APIs that tokens are made out for.
    pub fn resources(&self) -> Resources<'_> {
        Resources(self)
    }

    /// Authorizations.
    pub fn grants(&self) -> Grants<'_> {
        Grants(self)
    }

    /// What was revoked, and the epoch.
    pub fn tombstones(&self) -> Tombstones<'_> {
        Tombstones(self)
    }

    /// Authorization codes.
    pub fn codes(&self) -> Codes<'_> {
        Codes(self)
    }

    /// Device authorizations.
    pub fn devices(&self) -> Devices<'_> {
        Devices(self)
    }

    /// Refresh tokens.
    pub fn refresh(&self) -> Refreshes<'_> {
        Refreshes(self)
    }

    /// Browsers that are signed in.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Counters of failed attempts.
    pub fn failures(&self) -> Failures<'_> {
        Failures(self)
    }

    /// Keys that sign JWTs.
    pub fn signing_keys(&self) -> SigningKeys<'_> {
        SigningKeys(self)
    }

    /// The audit log.
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }
}
