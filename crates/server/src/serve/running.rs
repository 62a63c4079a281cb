//! All parts put together, and taken apart again.

use std::sync::Arc;
use std::time::Duration;

use hallpass_issuer::Issuer;
use hallpass_issuer::feed::Leases;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::accept::Connections;
use super::tls::{self, Tls};
use super::{Failure, Opened, Ready, SetUp, Start, listen, open, public_url, setup_link};
use crate::admin::socket;
use crate::app::{App, Parts};
use crate::config::Settings;
use crate::local;
use crate::router;

/// How often keys are looked after and limits tidied.
const TEND_EVERY: Duration = Duration::from_secs(60);
/// How often the outbox is looked at when nobody rings.
const MAIL_EVERY: Duration = Duration::from_secs(5);
/// How often the audit log is sealed.
const SEAL_EVERY: Duration = Duration::from_secs(1);

/// A server that answers. Dropping it without [`Running::stop`] is like pulling the plug:
/// nothing that was acknowledged is lost, but requests in hand are.
pub struct Running {
    app: App,
    opened: Opened,
    connections: Connections,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Running {
    /// Starts a server in this process.
    pub async fn start(start: &Start, settings: Settings) -> Result<(Self, Ready), Failure> {
        local::check(&settings)?;
        listen::check(&settings)?;
        let tls = tls::load(&settings)?;
        let metrics_token = open::metrics_token(&settings)?;
        open::scanning_keys(&settings).await?;
        let data = open::store(&settings, start.default_data_dir.as_deref()).await?;
        let listeners = listen::bind(&settings.listen).await?;
        let addresses = listen::addresses(&listeners)?;
        let url = public_url::decide(&data, &start.layers, &settings, &addresses).await?;
        local::check_kept(&settings, &url.url)?;
        let opened = data.issuer(&settings, url.url.clone()).await?;
        opened.know_guards(Leases::GrantedHere).await?;
        let local = settings.local;
        let setup = if local {
            open_locally(&opened).await?
        } else {
            setup_link::make(&opened, start.terminal).await?
        };
        let socket = socket::listen(&opened)?;

        let app = App::new(Parts {
            issuer: opened.issuer.clone(),
            store: opened.store.clone(),
            settings,
            brand: opened.issuer.config().brand.clone(),
            public_url: url.url.clone(),
            clock: opened.clock.clone(),
            random: opened.random.clone(),
            metrics_token,
        });
        let (stop, stopped) = watch::channel(false);
        let connections = Connections::new(app.clone(), router(app.clone()), tls.clone());
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(connections.clone().accept(listener, stopped.clone()));
        }
        let (issuer, store) = (opened.issuer.clone(), opened.store.clone());
        tasks.spawn(socket::serve(socket, issuer, store, stopped.clone()));
        tasks.spawn(send_mail(app.clone(), stopped.clone()));
        tasks.spawn(books(app.clone(), stopped.clone()));
        tasks.spawn(tend(app.clone(), opened.clone(), tls, stopped));

        tracing::info!(url = %app.public_url(), version = env!("CARGO_PKG_VERSION"), "ready");
        let data = opened.place.clone();
        let ready =
            Ready { public_url: url.url, addresses, data, local, advice: url.advice, setup };
        Ok((Self { app, opened, connections, tasks, stop }, ready))
    }

    /// The state that its handlers have.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// How long requests in hand may take when it stops.
    pub fn grace(&self) -> Duration {
        self.app.settings().shutdown_grace
    }

    /// Takes no more requests, lets those in hand finish within the grace or until `hurry`
    /// comes, and closes everything.
    pub async fn stop(mut self, hurry: impl Future<Output = ()>) {
        tracing::info!("stopping");
        // It fails if nobody listens any more, and then there is nothing to stop.
        let _ = self.stop.send(true);
        let finished = async {
            while self.tasks.join_next().await.is_some() {}
            self.connections.finished().await;
        };
        let grace = self.app.settings().shutdown_grace;
        tokio::select! {
            () = finished => {}
            () = tokio::time::sleep(grace) => tracing::warn!("some requests did not finish in time"),
            () = hurry => {}
        }
        self.tasks.shutdown().await;
        if let Err(error) = self.opened.issuer.tend().await {
            tracing::warn!(cause = %error, "times of last use were not written down");
        }
        if let Err(error) = keep_books(&self.opened.issuer, true).await {
            tracing::warn!(cause = %error, "the audit log was not sealed to its end");
        }
        setup_link::tidy(&self.opened).await;
        self.opened.close().await;
    }
}

/// From now on nobody has to sign in, if nobody has an account.
async fn open_locally(opened: &Opened) -> Result<Option<SetUp>, Failure> {
    let done = opened.issuer.open_locally().await.map_err(hallpass_issuer::StartError::from)?;
    if !done {
        return Err(local::has_accounts());
    }
    setup_link::remove(opened)?;
    Ok(None)
}

/// Sends mail when the bell rings, and now and then: other servers on the same database put
/// letters there too, and what could not be sent is tried again.
async fn send_mail(app: App, mut stopped: watch::Receiver<bool>) {
    if !app.issuer().sends_mail() {
        return;
    }
    let mut round = tokio::time::interval(MAIL_EVERY);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = round.tick() => {}
            () = app.issuer().mail_rang() => {}
            _ = stopped.changed() => return,
        }
        // Never stopped halfway: what was handed over would be sent again.
        if let Err(error) = app.issuer().send_mail().await {
            tracing::warn!(cause = %error, "mail waits for the database");
        }
    }
}

/// What is done each second: what was denied is written down, and what is new in the audit log
/// is sealed.
async fn books(app: App, mut stopped: watch::Receiver<bool>) {
    let mut second = tokio::time::interval(SEAL_EVERY);
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        tokio::select! {
            _ = second.tick() => {}
            _ = stopped.changed() => return,
        }
        let kept = keep_books(app.issuer(), false).await;
        match &kept {
            // Once, however long it lasts.
            Err(error) if !failed => {
                tracing::error!(cause = %error, "the audit log is not sealed for now");
            }
            Ok(()) if failed => tracing::info!("the audit log is sealed again"),
            _ => {}
        }
        failed = kept.is_err();
    }
}

async fn keep_books(issuer: &Issuer, all: bool) -> Result<(), hallpass_issuer::Error> {
    issuer.write_denied(all).await?;
    issuer.seal_audit().await.map(drop)
}

/// What is done once a minute.
async fn tend(app: App, opened: Opened, tls: Option<Arc<Tls>>, mut stopped: watch::Receiver<bool>) {
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
