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
//! | [`running`] | all parts put together, and taken apart again |
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
use std::time::Duration;

use hallpass_core::{PublicUrl, Secret};

use crate::config::{Layers, Settings};

pub mod accept;
pub mod failure;
pub mod listen;
pub mod logs;
pub mod master_key;
pub mod open;
pub mod process;
pub mod public_url;
pub mod running;
pub mod setup_link;
#[cfg(test)]
mod tests;
pub mod tls;

pub use failure::Failure;
pub use open::Opened;
pub use running::Running;

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
    Ready(Ready),
    /// A signal came; running requests may finish.
    Stopping {
        /// Within this time.
        grace: Duration,
    },
    /// Everything is closed.
    Stopped,
}

/// What a server is, once it is ready.
#[derive(Debug)]
pub struct Ready {
    /// The one address of this deployment.
    pub public_url: PublicUrl,
    /// What is listened on.
    pub addresses: Vec<SocketAddr>,
    /// Where the data is, in words.
    pub data: String,
    /// Nobody has to sign in, and nobody but this machine is answered.
    pub local: bool,
    /// What somebody should look at, though it works.
    pub advice: Option<String>,
    /// The way in for the first administrator, while there is nobody.
    pub setup: Option<SetUp>,
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
    // Whoever waits for a signal must be waiting before anybody knows that we are here.
    let mut signals = process::Signals::new().map_err(Failure::Runtime)?;
    let (server, ready) = Running::start(&start, settings).await?;
    tell(Event::Ready(ready));
    signals.next().await;
    tell(Event::Stopping { grace: server.grace() });
    // A second signal means now.
    server.stop(signals.next()).await;
    tell(Event::Stopped);
    Ok(())
}
