//! `hallpass serve`: from settings to a running server, and back to nothing.
//!
//! ```text
//! settings → data directory → store → sockets → public URL → master key → issuer
//!          → admin socket → Event::Ready → accept … signal → finish, within a bound → close
//! ```
//!
//! Nothing here prints: what a person should see is an [`Event`], and what went wrong a
//! [`Failure`] with one next step and an exit code of its own.
//!
//! | module | what |
//! |---|---|
//! | [`failure`] | why it does not start, and the exit codes |
//! | [`open`] | data directory, store and issuer, as `admin` opens them too |
//! | [`master_key`] | the key that seals what is kept |
//! | [`public_url`] | configured, kept at the first start, never taken from a request |
//! | [`setup_link`] | the first administrator's way in |
//! | [`listen`], [`accept`], [`tls`] | sockets, connections and their limits, certificates |
//! | [`logs`] | structured logs |
//! | [`process`] | what is asked of the operating system |

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::{PublicUrl, Secret};
use tokio::sync::watch;

use crate::app::{App, Parts};
use crate::config::{Layers, Settings};
use crate::{admin, router};

pub mod accept;
pub mod failure;
pub mod listen;
pub mod logs;
pub mod master_key;
pub mod open;
pub mod process;
pub mod public_url;
pub mod setup_link;
pub mod tls;

pub use failure::Failure;
pub use open::Opened;

/// How often keys are looked after and limits tidied.
const TEND_EVERY: Duration = Duration::from_secs(60);

/// What the binary brings.
pub struct Start {
    /// Flags, variables and the file.
    pub layers: Layers,
    /// Where the data is if no setting says so.
    pub default_data_dir: Option<PathBuf>,
    /// Whether a person is looking at standard error.
    pub terminal: bool,
}

/// What a person, or a script that waits, should see.
#[derive(Debug)]
pub enum Event {
    /// Everything answers.
    Ready {
        /// The one address of this deployment.
        public_url: PublicUrl,
        /// What is listened on.
        addresses: Vec<SocketAddr>,
        /// Where the data is, in words.
        data: String,
        /// What somebody should look at, though it works.
        advice: Vec<String>,
        /// The way in for the first administrator, while there is nobody.
        setup: Option<SetUp>,
    },
    /// A signal came; running requests may finish.
    Stopping {
        /// Within this time.
        grace: Duration,
    },
    /// Everything is closed.
    Stopped,
}

/// The way in for the first administrator.
#[derive(Debug)]
pub enum SetUp {
    /// To be shown on the terminal, and nowhere else.
    Link(Secret),
    /// There is no terminal: the link is in this file, readable by its owner only.
    File(PathBuf),
}

/// Runs the server until a signal stops it.
pub fn run(start: Start, tell: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    let settings = Settings::read(&start.layers)?;
    logs::start(&settings)?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    runtime.block_on(serve(start, settings, tell))
}

async fn serve(
    start: Start,
    settings: Settings,
    tell: &mut dyn FnMut(Event),
) -> Result<(), Failure> {
    listen::check(&settings)?;
    let tls = tls::load(&settings)?;
    let store = open::store(&settings, start.default_data_dir.as_deref()).await?;
    let listeners = listen::bind(&settings.listen).await?;
    let addresses = listen::addresses(&listeners)?;
    let url = public_url::decide(&store, &start.layers, &settings, &addresses).await?;
    let opened = store.issuer(&settings, url.url.clone()).await?;
    let setup = setup_link::make(&opened, start.terminal).await?;

    let app = App::new(Parts {
        issuer: opened.issuer.clone(),
        store: opened.store.clone(),
        settings: settings.clone(),
        brand: opened.issuer.config().brand.clone(),
        public_url: url.url.clone(),
        clock: opened.clock.clone(),
        random: opened.random.clone(),
        metrics_token: open::metrics_token(&settings)?,
    });
    // Whoever waits for a signal must be waiting before anybody knows that we are here.
    let mut signals = process::Signals::new().map_err(Failure::Runtime)?;
    let socket = admin::socket::listen(&opened)?;

    let (stop, stopped) = watch::channel(false);
    let connections = accept::Connections::new(app.clone(), router(app.clone()), tls.clone());
    let mut tasks = tokio::task::JoinSet::new();
    for listener in listeners {
        tasks.spawn(connections.clone().accept(listener, stopped.clone()));
    }
    tasks.spawn(admin::socket::serve(
        socket,
        opened.issuer.clone(),
        opened.store.clone(),
        stopped.clone(),
    ));
    tasks.spawn(tend(app.clone(), opened.clone(), tls, stopped.clone()));

    tell(Event::Ready {
        public_url: url.url,
        addresses,
        data: opened.place.clone(),
        advice: url.advice.into_iter().collect(),
        setup,
    });
    tracing::info!(url = %app.public_url(), version = env!("CARGO_PKG_VERSION"), "ready");

    signals.next().await;
    let grace = settings.shutdown_grace;
    tell(Event::Stopping { grace });
    tracing::info!("stopping");
    let _ = stop.send(true);
    tokio::select! {
        () = async {
            while tasks.join_next().await.is_some() {}
            connections.finished().await;
        } => {}
        () = tokio::time::sleep(grace) => tracing::warn!("some requests did not finish in time"),
        // A second signal means now.
        () = signals.next() => {}
    }
    tasks.shutdown().await;
    if let Err(error) = opened.issuer.tend().await {
        tracing::warn!(cause = %error, "times of last use were not written down");
    }
    setup_link::tidy(&opened).await;
    opened.close().await;
    tell(Event::Stopped);
    Ok(())
}

/// What is done once a minute.
async fn tend(
    app: App,
    opened: Opened,
    tls: Option<Arc<tls::Tls>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut minute = tokio::time::interval(TEND_EVERY);
    minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick comes at once, and what it would do has just been done.
    minute.tick().await;
    loop {
        tokio::select! {
            _ = minute.tick() => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = app.issuer().tend().await {
            tracing::error!(cause = %error, "keys could not be looked after");
        }
        setup_link::tidy(&opened).await;
        app.limits().tidy();
        app.metrics().upkeep();
        if let Some(tls) = &tls {
            tls.reload();
        }
    }
}
