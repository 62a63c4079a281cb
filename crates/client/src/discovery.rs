//! Finding out where and how to sign in.

use crate::Class;
use crate::http::HttpError;
use crate::login::Flow;

/// Why a server's description of itself cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// It could not be asked.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no such description (RFC 8414, OIDC Discovery).
    #[error("{issuer} is not an authorization server: {why}")]
    NotFound {
        /// Who was asked.
        issuer: String,
        /// What came instead.
        why: String,
    },
    /// The document describes somebody else (RFC 8414 §3.3, PROTOCOL F03, F08).
    #[error("{asked} describes itself as {found}; this could be an attack, so nothing was sent")]
    IssuerMismatch {
        /// Who was asked.
        asked: String,
        /// Who it says it is.
        found: String,
    },
    /// An address in it cannot be used.
    #[error("{issuer} names an unusable {what}: {why}")]
    BadEndpoint {
        /// Whose document it is.
        issuer: String,
        /// Which member.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A server sends us to an issuer elsewhere without saying what the tokens are for,
    /// so whatever that issuer gives us could be meant for somebody else.
    #[error(
        "{server} sends sign-ins to {issuer}, but names no resource of its own for the token; nothing was sent"
    )]
    ForeignIssuer {
        /// The server.
        server: String,
        /// The issuer that it names.
        issuer: String,
    },
}

impl DiscoveryError {
    pub(crate) fn class(&self) -> Class {
        match self {
            DiscoveryError::Http(_) => Class::CannotVerify,
            _ => Class::Other,
        }
    }
}

/// What a server offers for signing in, and why not the rest (CLIENT A10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The grant types that its metadata names.
    pub grant_types: Vec<String>,
    /// Why the browser flow cannot be used, if so.
    pub no_browser: Option<String>,
    /// Why the device flow cannot be used, if so.
    pub no_device: Option<String>,
}

impl Offer {
    /// Why `flow` cannot be used; `None` if it can.
    pub fn refusal(&self, flow: Flow) -> Option<String> {
        match flow {
            Flow::Browser => self.no_browser.clone(),
            Flow::Device => self.no_device.clone(),
        }
    }
}
