//! The handle: opening, the nouns, and the database's time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hallpass_core::{Clock, Secret, Timestamp};

use crate::db::Db;
use crate::migrate::{self, Migration};
use crate::postgres::Postgres;
use crate::sqlite;
use crate::{
    AgentSecrets, Agents, Approvals, Audit, Clients, Codes, Devices, Error, Failures, Grants,
    OpenError, Refreshes, Resources, Sessions, Settings, Setup, SigningKeys, Tombstones, Users,
};
use crate::{
    Copies, Credentials, Identities, Image, Invitations, Keys, Legacy, Local, Members, Orgs,
    Outbox, Projects, Proofs, Reminders, Watcher,
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
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db,
    /// By how many milliseconds the database's clock is ahead of ours.
    ahead: AtomicI64,
}

impl Store {
    /// Opens the store, making or upgrading its tables in place.
    pub async fn open(place: &Place) -> Result<Self, OpenError> {
        Self::open_with(place, migrate::ALL).await
    }

    pub(crate) async fn open_with(
        place: &Place,
        migrations: &[Migration],
    ) -> Result<Self, OpenError> {
        let db = match place {
            Place::Memory => Db::Sqlite(sqlite::open(None, migrations)?),
            Place::Directory(dir) => Db::Sqlite(sqlite::open(Some(dir), migrations)?),
            Place::Postgres(url) => Db::Postgres(Postgres::open(url, migrations).await?),
        };
        Ok(Self(Arc::new(Inner { db, ahead: AtomicI64::new(0) })))
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    /// Which engine keeps the data.
    pub fn engine(&self) -> Engine {
        match self.db() {
            Db::Sqlite(_) => Engine::Sqlite,
            Db::Postgres(_) => Engine::Postgres,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match self.db() {
            Db::Sqlite(db) => db.ping().await,
            Db::Postgres(db) => db.ping().await,
        }
    }

    /// How many changes wait for their turn, or for a connection.
    pub fn waiting(&self) -> usize {
        match self.db() {
            Db::Sqlite(db) => db.waiting(),
            Db::Postgres(db) => db.waiting(),
        }
    }

    /// Asks the database for its time, to know by how much the local clock is off.
    /// Call it at the start and now and then. There is nothing to learn with SQLite.
    pub async fn learn_time(&self, clock: &dyn Clock) -> Result<(), Error> {
        let Db::Postgres(db) = self.db() else { return Ok(()) };
        let before = clock.now().millis();
        let there = db.now().await?;
        let after = clock.now().millis();
        // The answer was made somewhere in between. What is known already and agrees
        // with it stays, so that time does not jump to and fro by the length of a trip.
        let (least, most) = (there - after, there - before);
        let known = self.0.ahead.load(Ordering::Relaxed);
        if !(least..=most).contains(&known) {
            self.0.ahead.store(least.midpoint(most), Ordering::Relaxed);
        }
        Ok(())
    }

    /// What the database's clock says when the local one says `local`, as far as
    /// [`Store::learn_time`] has learnt. With SQLite it is the same clock.
    pub fn database_time(&self, local: Timestamp) -> Timestamp {
        let ahead = self.0.ahead.load(Ordering::Relaxed);
        Timestamp::from_millis(local.millis().saturating_add(ahead))
    }

    /// Finishes the changes that wait, closes the database, and lets go of the
    /// directory. Everything after that is [`Error::Unavailable`].
    pub async fn close(&self) {
        match self.db() {
            Db::Sqlite(db) => db.close().await,
            Db::Postgres(db) => db.close(),
        }
    }

    /// Lets `watcher` keep an image of the store: from now on it is handed the effects of
    /// committed changes. `false` if somebody watches already; there is one at most.
    pub fn watch(&self, watcher: Arc<dyn Watcher>) -> bool {
        self.db().watch().begin(watcher)
    }

    /// Facts about the deployment.
    pub fn settings(&self) -> Settings<'_> {
        Settings(self)
    }

    /// The one-time setup code.
    pub fn setup(&self) -> Setup<'_> {
        Setup(self)
    }

    /// The one person where nobody has to sign in.
    pub fn local(&self) -> Local<'_> {
        Local(self)
    }

    /// Who somebody is whom an outside issuer signs in.
    pub fn identities(&self) -> Identities<'_> {
        Identities(self)
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

    /// Personal tokens, and credentials of any kind.
    pub fn credentials(&self) -> Credentials<'_> {
        Credentials(self)
    }

    /// Secrets for agents.
    pub fn agent_secrets(&self) -> AgentSecrets<'_> {
        AgentSecrets(self)
    }

    /// Agents.
    pub fn agents(&self) -> Agents<'_> {
        Agents(self)
    }

    /// Actions that agents ask their owners to approve.
    pub fn approvals(&self) -> Approvals<'_> {
        Approvals(self)
    }

    /// Tokens of an older system.
    pub fn legacy(&self) -> Legacy<'_> {
        Legacy(self)
    }

    /// Keys of projects and organizations.
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }

    /// Who was told that a credential ends.
    pub fn reminders(&self) -> Reminders<'_> {
        Reminders(self)
    }

    /// Mail that waits to be sent.
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox(self)
    }

    /// Organizations.
    pub fn orgs(&self) -> Orgs<'_> {
        Orgs(self)
    }

    /// Projects of organizations.
    pub fn projects(&self) -> Projects<'_> {
        Projects(self)
    }

    /// Roles in organizations and projects.
    pub fn members(&self) -> Members<'_> {
        Members(self)
    }

    /// Links that give somebody a role, once.
    pub fn invitations(&self) -> Invitations<'_> {
        Invitations(self)
    }

    /// All that decides whether a credential is good, to fill an image from.
    pub fn image(&self) -> Image<'_> {
        Image(self)
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

    /// Trust in outside issuers, and what was exchanged by it.
    pub fn trust(&self) -> crate::Trust<'_> {
        crate::trust::Trust(self)
    }

    /// Proofs of possession that were used.
    pub fn proofs(&self) -> Proofs<'_> {
        Proofs(self)
    }

    /// What was presented without the key that it is bound to.
    pub fn copies(&self) -> Copies<'_> {
        Copies(self)
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
