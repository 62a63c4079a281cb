//! [`Issuer`]: what every flow stands on, and how it starts.

use std::net::IpAddr;
use std::sync::Arc;

use hallpass_core::{Clock, Random};
use hallpass_store::Store;

use crate::{Config, Error, MasterKey};

/// Every flow and rule of one deployment. A cheap clone.
#[derive(Clone)]
pub struct Issuer(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// Where a request came from, as the server itself saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The peer's address, or what a configured proxy says it is.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
}

/// Why an issuer does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Store, seal or cryptography.
    #[error(transparent)]
    Failed(#[from] Error),
    /// RFC 8628 §5.1: the user codes could be guessed.
    #[error(
        "user codes of {letters} letters could be guessed: {guesses} wrong guesses against {live} waiting codes hit one with a chance of {chance:.1e}, and at most 1e-5 is safe; use longer codes ([user_code] groups in the brand file) or fewer waiting ones"
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
    /// The public URL kept at the first start is another one.
    #[error("a setting makes no sense: {0}")]
    Config(&'static str),
}

impl Issuer {
    /// Starts an issuer over `store`: makes sure that there are signing keys, our own
    /// command line's client, and the default resource.
    pub async fn start(
        _store: Store,
        _master_key: MasterKey,
        _config: Config,
        _clock: Arc<dyn Clock>,
        _random: Arc<dyn Random>,
    ) -> Result<Issuer, StartError> {
        todo!()
    }

    /// What is done from time to time: signing keys are rotated and reloaded, times of
    /// last use are written down. The server calls it once a minute, and before it stops.
    pub async fn tend(&self) -> Result<(), Error> {
        todo!()
    }

    /// The choices of this deployment.
    pub fn config(&self) -> &Config {
        &self.0.config
    }
}
