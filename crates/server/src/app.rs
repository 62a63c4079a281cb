//! What every handler has: one cheap clone.

use std::sync::Arc;

use hallpass_core::brand::Brand;
use hallpass_core::{Clock, PublicUrl, Random};
use hallpass_issuer::Issuer;
use hallpass_store::Store;

use crate::api::LeakDesk;
use crate::config::{Network, Settings};
use crate::limit::Limits;
use crate::metrics::Metrics;
use crate::observe::RequestIds;
use crate::web::{Assets, Once};

/// The state of the server. Handlers take it as `State<App>`.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    store: Store,
    settings: Settings,
    brand: Brand,
    public_url: PublicUrl,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: Metrics,
    limits: Limits,
    request_ids: RequestIds,
    assets: Assets,
    once: Once,
    leak_desk: LeakDesk,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// Every flow and rule.
    pub issuer: Issuer,
    /// What is kept; only asked whether it is there.
    pub store: Store,
    /// The settings that were read at start.
    pub settings: Settings,
    /// Names and looks.
    pub brand: Brand,
    /// The one address of this deployment.
    pub public_url: PublicUrl,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// The bearer token that may read `/metrics` from elsewhere, if there is one.
    pub metrics_token: Option<hallpass_core::Secret>,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { issuer, store, settings, brand, public_url, clock, random, metrics_token } =
            parts;
        let limits = Limits::new(settings.refused_credentials);
        let metrics = Metrics::new(metrics_token);
        let assets = Assets::of(&brand);
        let once = Once::new(&*random);
        let request_ids = RequestIds::new(&*random);
        Self(Arc::new(Inner {
            issuer,
            store,
            settings,
            brand,
            public_url,
            clock,
            random,
            metrics,
            limits,
            request_ids,
            assets,
            once,
            leak_desk: LeakDesk::new(),
        }))
    }

    /// Every flow and rule.
    pub fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    /// The settings that were read at start.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Names and looks.
    pub fn brand(&self) -> &Brand {
        &self.0.brand
    }

    /// A command line of ours as somebody types it in the brand's tool; none if it has no such
    /// command.
    pub fn command(&self, line: &str) -> Option<String> {
        self.brand().line(line)
    }

    /// The one address of this deployment; never taken from a request (attack-7).
    pub fn public_url(&self) -> &PublicUrl {
        &self.0.public_url
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Chance.
    pub fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) fn trusted_proxies(&self) -> &[Network] {
        &self.0.settings.trusted_proxies
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn request_ids(&self) -> &RequestIds {
        &self.0.request_ids
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn assets(&self) -> &Assets {
        &self.0.assets
    }

    pub(crate) fn once(&self) -> &Once {
        &self.0.once
    }

    pub(crate) fn leak_desk(&self) -> &LeakDesk {
        &self.0.leak_desk
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }
}
