//! `hallpass admin`: an operator's commands.
//!
//! A running server does them itself, asked over a private socket in its data directory;
//! without one they are done here, under the store's own lock. Either way it is the same
//! [`Command`], the same [`Answer`], and the same rows in the audit log.
//!
//! | module | what |
//! |---|---|
//! | [`command`] | what can be asked, and the answers |
//! | [`execute`] | doing it |
//! | [`socket`] | asking a running server |
//! | [`verify`] | an exported audit log is proved, without any server |

use std::path::PathBuf;
use std::time::Duration;

use hallpass_issuer::feed::Leases;
use hallpass_store::OpenError;

use crate::config::{Layers, Settings};
use crate::serve::{Failure, logs, open, process, public_url};

pub mod command;
pub mod execute;
pub mod socket;
#[cfg(test)]
mod tests;
pub mod verify;

pub use command::{Answer, Command, Refused};

/// How often a server that holds the directory is asked again: it may be starting.
const TRIES: u32 = 30;
const BETWEEN: Duration = Duration::from_millis(100);

/// Does one command, wherever it has to be done.
pub fn run(
    layers: &Layers,
    default_data_dir: Option<PathBuf>,
    command: Command,
) -> Result<Answer, Failure> {
    let settings = Settings::read(layers)?;
    logs::start(&settings)?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    runtime.block_on(run_in(&settings, default_data_dir, command))
}

async fn run_in(
    settings: &Settings,
    default_data_dir: Option<PathBuf>,
    command: Command,
) -> Result<Answer, Failure> {
    let dir = open::data_dir(settings, default_data_dir.as_deref())?;
    for last in (0..TRIES).map(|n| n + 1 == TRIES) {
        if let Some(answered) = socket::ask(&dir, &command).await? {
            return Ok(answered?);
        }
        match open::store(settings, default_data_dir.as_deref()).await {
            Ok(data) => return here(settings, data, command).await,
            Err(Failure::Open(OpenError::InUse { .. })) if !last => {
                tokio::time::sleep(BETWEEN).await;
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Open(OpenError::InUse { dir }))
}

/// There is no server: the store is ours for the moment.
async fn here(settings: &Settings, data: open::Data, command: Command) -> Result<Answer, Failure> {
    let url = public_url::for_admin(&data, settings).await?;
    let opened = data.issuer(settings, url).await?;
    opened.know_guards(Leases::GrantedElsewhere).await?;
    let answer = execute::execute(&opened.issuer, &opened.store, command).await;
    // Nobody else seals what was just done until a server starts.
    if let Err(error) = opened.issuer.seal_audit().await {
        tracing::warn!(cause = %error, "the audit log was not sealed");
    }
    opened.close().await;
    Ok(answer?)
}
