//! Structured logs on standard error. Secrets are types without text, so none gets here.

use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::config::{LogFormat, Settings};

/// Starts the process's log. Once: a second start keeps the first.
pub fn start(settings: &Settings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.log_level).map_err(|why| {
        Failure::Settings(format!(
            "log_level: {why}; write error, warn, info or debug, or a filter such as info,hallpass_issuer=debug"
        ))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It fails if there is one already, as in a test that starts several servers.
    let _ = match settings.log_format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    Ok(())
}
