//! What may be asked, what is expected, and whether it is over.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// The project that everything is about.
pub(crate) const PROJECT: &str = "acme/rocket";
/// What every role there may do.
pub(crate) const READ: &str = "project:read";
/// What a viewer may not.
pub(crate) const PUBLISH: &str = "project:publish";

/// How something is taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// `DELETE /api/v1/tokens/{id}`.
    Token(String),
    /// `DELETE /api/v1/keys/{id}`.
    Key(String),
    /// `POST /api/v1/agents/{id}/stop`, of it or of the agent above it.
    Agent(String),
    /// The refresh token is revoked at `/oauth/revoke`.
    SignIn(String),
    /// `admin user disable`.
    User(String),
    /// `DELETE …/members/{user}`.
    Membership(String),
    /// `PUT …/members/{user}` with the role below.
    Role(String),
}

/// Somebody may do something, until that ends.
pub(crate) struct Claim {
    /// What is presented.
    pub(crate) token: String,
    /// At [`PROJECT`]; `None`: anything at all.
    pub(crate) permission: Option<&'static str>,
    /// How it ends.
    pub(crate) end: End,
    state: AtomicU8,
}

const GOOD: u8 = 0;
const ENDING: u8 = 1;
const OVER: u8 = 2;

impl Claim {
    pub(crate) fn new(token: &str, permission: Option<&'static str>, end: End) -> Self {
        Self { token: token.to_owned(), permission, end, state: AtomicU8::new(GOOD) }
    }

    /// It is about to be taken away.
    pub(crate) fn begin_to_end(&self) {
        self.state.store(ENDING, Ordering::SeqCst);
    }

    /// Taking it away was answered.
    pub(crate) fn end(&self) {
        self.state.store(OVER, Ordering::SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state.load(Ordering::SeqCst) == OVER
    }

    pub(crate) fn has_begun_to_end(&self) -> bool {
        self.state.load(Ordering::SeqCst) != GOOD
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { permission, end, .. } = self;
        f.debug_struct("Claim").field("permission", permission).field("end", end).finish()
    }
}
