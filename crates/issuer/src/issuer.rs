//! [`Issuer`]: what every flow stands on, how it starts, and what it does from time to time.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use hallpass_core::id::AuditId;
use hallpass_core::user_code::{GUESS_BUDGET, guess_chance};
use hallpass_core::{Clock, Random, Timestamp};
use hallpass_store::{By, Store};

use crate::limits::{Meter, Shares};
use crate::live::Keeper;
use crate::passwords::Hasher;
use crate::seal::Keys;
use crate::session::LastUse;
use crate::signing::Ring;
use crate::token_use::TokenUse;
use crate::{Config, Error, MasterKey};

/// How long expired things are kept: so long a stolen old token is told from an unknown
/// one, and an address that a person has signed in from is remembered.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// How often what is older is deleted.
const TIDY: Duration = Duration::from_secs(3600);

/// Every flow and rule of one deployment. A cheap clone.
#[derive(Clone)]
pub struct Issuer(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) keeper: Keeper,
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) keys: Keys,
    pub(crate) ring: RwLock<Arc<Ring>>,
    pub(crate) key_turn: tokio::sync::Mutex<()>,
    pub(crate) hasher: Hasher,
    pub(crate) meter: Meter,
    pub(crate) shares: Shares,
    pub(crate) last_use: LastUse,
    pub(crate) token_use: TokenUse,
    pub(crate) feed: Arc<crate::feed::Feed>,
    pub(crate) legacy: RwLock<Option<crate::legacy::Move>>,
    pub(crate) adoption: crate::legacy::adopt::Adoption,
    pub(crate) post: crate::mail::Post,
    pub(crate) outside: crate::federation::Outside,
    pub(crate) sealer: crate::audit::seal::Sealer,
    pub(crate) denials: crate::audit::denied::Denials,
    tidied: Mutex<Timestamp>,
    pub(crate) local: std::sync::OnceLock<crate::local::Door>,
    pub(crate) setup_code: tokio::sync::OnceCell<hallpass_core::Secret>,
}

/// Where a request came from, as the server itself saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The peer's address, or what a configured proxy says it is.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
}

impl Origin {
    /// The address as it is stored: an IPv4 address has one spelling, however it came.
    pub(crate) fn address_text(&self) -> Option<String> {
        self.address.map(|address| address.to_canonical().to_string())
    }
}

/// Why an issuer does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Store, seal or cryptography.
    #[error(transparent)]
    Failed(#[from] Error),
    /// RFC 8628 §5.1: the user codes could be guessed.
    #[error(
        "user codes of {letters} letters could be guessed: {guesses} wrong guesses against {live} waiting codes hit one with a chance of {chance:.1e}, and at most 1e-5 is safe; use longer codes ([user_code] groups in the brand file) or let fewer wait at once"
    )]
    GuessableUserCodes {
        /// Letters in a code.
        letters: u32,
        /// Wrong guesses that are let through in one code lifetime.
        guesses: u64,
        /// How many codes may wait at once.
        live: u64,
        /// The resulting chance.
        chance: f64,
    },
    /// A setting makes no sense; says which, and what would.
    #[error("{0}")]
    Config(&'static str),
}

impl From<hallpass_store::Error> for StartError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Issuer {
    /// Starts an issuer over `store`: makes sure that there are signing keys, our own
    /// command line's client, and the default resource.
    pub async fn start(
        store: Store,
        master_key: MasterKey,
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Issuer, StartError> {
        check(&config)?;
        store.learn_time(&*clock).await?;
        let hasher = Hasher::new(&config.password, random.clone()).await?;
        let feed = Arc::default();
        let keeper = Keeper::watch(&store, &config.brand, Arc::clone(&feed));
        let issuer = Issuer(Arc::new(Inner {
            keeper,
            keys: Keys::derive(&master_key)?,
            shares: Shares::new(config.device_max_live, config.device_ttl),
            store,
            config,
            clock,
            random,
            ring: RwLock::default(),
            key_turn: tokio::sync::Mutex::default(),
            hasher,
            meter: Meter::default(),
            last_use: LastUse::default(),
            token_use: TokenUse::default(),
            feed,
            legacy: RwLock::default(),
            adoption: Default::default(),
            post: Default::default(),
            outside: Default::default(),
            sealer: Default::default(),
            denials: Default::default(),
            tidied: Mutex::default(),
            local: Default::default(),
            setup_code: tokio::sync::OnceCell::new(),
        }));
        issuer.ensure_signing_keys().await?;
        issuer.ensure_own_client().await?;
        issuer.ensure_default_resource().await?;
        issuer.load_legacy_move().await?;
        issuer.expect_salted().await?;
        issuer.fill();
        Ok(issuer)
    }

    /// What is done from time to time: signing keys are rotated and reloaded, times of
    /// last use are written down, what is of no use any more is deleted. The server calls
    /// it once a minute, and once before it stops.
    pub async fn tend(&self) -> Result<(), Error> {
        self.0.store.learn_time(&*self.0.clock).await?;
        self.write_last_use().await?;
        self.write_token_use().await?;
        self.0.store.proofs().forget(self.now()).await?;
        self.0.store.agent_secrets().forget(self.now()).await?;
        self.forget_exchanges().await?;
        self.fill();
        self.tend_signing_keys().await?;
        self.load_legacy_move().await?;
        self.remind().await?;
        self.tidy().await
    }

    async fn tidy(&self) -> Result<(), Error> {
        let now = self.now();
        {
            let mut tidied = self.0.tidied.lock().unwrap_or_else(|broken| broken.into_inner());
            if now.since(*tidied) < TIDY {
                return Ok(());
            }
            *tidied = now;
        }
        self.0.store.tidy(now - KEPT).await?;
        if let Some(live) = self.0.keeper.live() {
            live.tidy(now);
        }
        self.0.store.refresh().forget_successors(now - self.0.config.refresh_grace).await?;
        Ok(())
    }

    /// The choices of this deployment.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Now, by the database's clock: what one node issues, another redeems.
    pub fn now(&self) -> Timestamp {
        self.0.store.database_time(self.0.clock.now())
    }

    pub(crate) fn ring(&self) -> Arc<Ring> {
        self.0.ring.read().unwrap_or_else(|broken| broken.into_inner()).clone()
    }

    /// A new id of any type.
    pub(crate) fn new_id<T>(&self, make: fn(&dyn Clock, &dyn Random) -> T) -> T {
        make(&*self.0.clock, &*self.0.random)
    }

    /// Who makes a change. Each change needs one of its own.
    pub(crate) fn by(&self, actor: &str, client: Option<&str>, origin: Option<&Origin>) -> By {
        By {
            id: self.new_id(AuditId::new),
            at: self.now(),
            actor: actor.to_owned(),
            client_id: client.map(str::to_owned),
            address: origin.and_then(Origin::address_text),
            letters: Vec::new(),
        }
    }
}

fn check(config: &Config) -> Result<(), StartError> {
    let short = [
        (config.access_token_ttl, "access_token_ttl must be at least one second"),
        (config.id_token_ttl, "id_token_ttl must be at least one second"),
        (config.code_ttl, "code_ttl must be at least one second"),
        (config.device_ttl, "device_ttl must be at least one second"),
        (config.device_interval, "device_interval must be at least one second"),
        (config.refresh_idle_ttl, "refresh_idle_ttl must be at least one second"),
        (config.session_idle_ttl, "session_idle_ttl must be at least one second"),
        (config.session_max_ttl, "session_max_ttl must be at least one second"),
        (config.limits.user_code_window, "the window of user codes must be at least one second"),
    ];
    if let Some((_, why)) = short.into_iter().find(|(ttl, _)| *ttl < Duration::from_secs(1)) {
        return Err(StartError::Config(why));
    }
    // RFC 6749 §4.1.2.
    if config.code_ttl > Duration::from_secs(600) {
        return Err(StartError::Config("code_ttl must be ten minutes at most"));
    }
    if config.key_publish_ahead >= config.key_rotation {
        return Err(StartError::Config("key_publish_ahead must be shorter than key_rotation"));
    }
    // RFC 8628 §5.1: all guesses that the breaker lets through while one code lives.
    let windows = config.device_ttl.as_secs().div_ceil(config.limits.user_code_window.as_secs());
    let guesses = u64::from(config.limits.user_code_global) * windows;
    let (live, letters) = (config.device_max_live, config.brand.grouping().letters());
    let chance = guess_chance(guesses, live, letters);
    if chance > GUESS_BUDGET {
        return Err(StartError::GuessableUserCodes { letters, guesses, live, chance });
    }
    Ok(())
}
