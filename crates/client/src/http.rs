//! The one HTTP client (CLIENT J1).

/// Why a server could not be asked, or did not answer as one. Nothing secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection, or it broke.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's words.
        why: String,
    },
    /// The connection could not be secured.
    #[error(
        "cannot secure the connection to {host}: {why}; behind a corporate CA, set SSL_CERT_FILE"
    )]
    Tls {
        /// Host and port.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// It took too long.
    #[error("{host} did not answer in time")]
    Timeout {
        /// Host and port.
        host: String,
    },
    /// An http address that is not loopback.
    #[error("{url} is not https; http is for localhost, 127.0.0.1 and [::1] only")]
    Insecure {
        /// The address.
        url: String,
    },
    /// Redirects are not followed: they would lead credentials astray.
    #[error("{host} answered with a redirect to {to}; use that address if it is the right one")]
    Redirect {
        /// Host and port.
        host: String,
        /// Where to.
        to: String,
    },
    /// A status that says to try again later.
    #[error("{host} answered {status}")]
    Status {
        /// Host and port.
        host: String,
        /// HTTP status.
        status: u16,
    },
    /// The answer is not what the protocol says.
    #[error("{host} gave an answer that is not understood: {why}")]
    Malformed {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        why: String,
    },
}
