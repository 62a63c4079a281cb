//! Why a server, or an admin command, does not start: one clear sentence, one next step,
//! and an exit code that scripts can tell apart.
//!
//! | code | what |
//! |---|---|
//! | 1 | anything else |
//! | 2 | a setting is wrong, or what stands in a file that one names |
//! | 7 | the store cannot be reached |
//! | 10 | the address is taken |
//! | 11 | the data directory belongs to a running server |
//! | 12 | the data directory, or a file that is named, cannot be read or written |
//! | 13 | the database is damaged, or older than it should be |
//! | 14 | the database is newer than this program |
//! | 15 | the disk is full |
//! | 16 | the master key is missing, or another one |
//! | 17 | the certificate or its key cannot be used |

use std::net::SocketAddr;
use std::path::PathBuf;

use hallpass_issuer::StartError;
use hallpass_store::OpenError;

use crate::config::ConfigError;

/// Why it does not start. Nothing was changed, unless the text says so.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Settings contradict each other; says what to do.
    #[error("{0}")]
    Settings(String),
    /// There is no home directory to put the data in.
    #[error("there is no home directory to keep data in; say where with --data-dir DIR")]
    NoDataDir,
    /// The address is taken, or not ours.
    #[error(
        "cannot listen on {address}: {why}; stop what listens there, or choose another address with --listen"
    )]
    Listen {
        /// What was tried.
        address: SocketAddr,
        /// What the system said.
        why: std::io::Error,
    },
    /// The store does not open.
    #[error(transparent)]
    Open(OpenError),
    /// The database does not answer.
    #[error("{0}; is it running, and is the database URL right?")]
    Unreachable(hallpass_store::Error),
    /// The store was open, and then did not answer.
    #[error("{0}; if it stays so, look at the database")]
    Store(#[from] hallpass_store::Error),
    /// The issuer does not start.
    #[error(transparent)]
    Issuer(#[from] StartError),
    /// A file that we need cannot be used.
    #[error("cannot use {}: {why}; {next}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        next: &'static str,
    },
    /// A file that a setting names can be read, and does not hold what it should.
    #[error("cannot use {}: {why}; {next}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        next: &'static str,
    },
    /// The data was sealed with a key that is not here.
    #[error(
        "the data was sealed with a master key that is not at {}; put that file back, or name it with --master-key-file",
        path.display()
    )]
    MasterKeyMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The master key's file holds something else.
    #[error("{} is no master key: {why}", path.display())]
    MasterKeyBad {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot use {} for TLS: {why}; name a certificate chain and its key in PEM with --tls-cert and --tls-key", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system refuses threads, timers or signals.
    #[error("the system does not let a server run: {0}")]
    Runtime(std::io::Error),
    /// A running server did not do what an admin command asked for.
    #[error(transparent)]
    Admin(#[from] crate::admin::Refused),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Store(error @ hallpass_store::Error::Unavailable { .. }) => {
                Self::Unreachable(error)
            }
            error => Self::Open(error),
        }
    }
}

impl Failure {
    /// What programs call it; as stable as the exit code.
    pub fn code(&self) -> &'static str {
        match self.exit_code() {
            2 => "usage",
            7 => "store_unavailable",
            10 => "address_taken",
            11 => "in_use",
            12 => "unreadable",
            13 => "damaged",
            14 => "newer",
            15 => "disk_full",
            16 => "master_key",
            17 => "tls",
            _ => "other",
        }
    }

    /// The exit code, see the table above.
    pub fn exit_code(&self) -> u8 {
        use hallpass_issuer::Error as Issuer;
        match self {
            Self::Config(_) | Self::Settings(_) | Self::Content { .. } | Self::NoDataDir => 2,
            Self::Listen { .. } => 10,
            Self::Open(OpenError::InUse { .. }) => 11,
            Self::Open(OpenError::Path { .. }) | Self::File { .. } => 12,
            Self::Open(OpenError::Stale { .. }) => 13,
            Self::Open(OpenError::Newer { .. }) => 14,
            Self::Open(OpenError::Url { .. }) => 2,
            Self::Open(OpenError::Store(error)) | Self::Store(error) => of_store(error),
            Self::Issuer(StartError::Failed(Issuer::Store(error))) => of_store(error),
            Self::Issuer(StartError::Failed(Issuer::Sealed { .. })) => 16,
            Self::Issuer(StartError::GuessableUserCodes { .. } | StartError::Config(_)) => 2,
            Self::MasterKeyMissing { .. } | Self::MasterKeyBad { .. } => 16,
            Self::Tls { .. } => 17,
            Self::Admin(refused) => refused.exit_code(),
            Self::Unreachable(_) => 7,
            Self::Runtime(_) | Self::Open(_) | Self::Issuer(_) => 1,
        }
    }
}

fn of_store(error: &hallpass_store::Error) -> u8 {
    match error {
        hallpass_store::Error::StorageFull => 15,
        hallpass_store::Error::Corrupt { .. } => 13,
        _ => 7,
    }
}
