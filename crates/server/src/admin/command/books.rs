//! The audit log: it goes out portion by portion, and says by which keys it is proved.

use hallpass_core::Timestamp;
use hallpass_core::wire::audit::Jwks;
use hallpass_issuer::audit::export::Export;
use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The next portion of an export.
    Export(Position),
    /// The public keys that prove it.
    Keys,
    /// Another key signs from now on.
    RotateKey,
}

/// Where an export goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// At its beginning: lines that prove themselves.
    Whole {
        /// Not before this.
        since: Option<Timestamp>,
        /// Not after this.
        until: Option<Timestamp>,
    },
    /// Somewhere in it.
    WholeOn(Export),
    /// As CSV, the newest first, before this row if there were portions before.
    Csv {
        /// Not before this.
        since: Option<Timestamp>,
        /// Not after this.
        until: Option<Timestamp>,
        /// Where it goes on.
        before: Option<i64>,
    },
}

/// A portion: whole lines, and where to go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Portion {
    /// The lines.
    pub text: String,
    /// `None` after the last.
    pub next: Option<Position>,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Some of the log.
    Portion(Portion),
    /// The keys.
    Keys(Jwks),
}
