//! Signing in: what may be asked for, what happens on the way, what comes out.
//!
//! Flows never print. Progress is a stream of [`Event`]s, answers that a person
//! gives on the way (a pasted address, Ctrl-C) come through an [`Inbox`].
//!
//! | module | what |
//! |---|---|
//! | [`choose`] | which flow, and why: a pure function over facts |

pub mod choose;
pub mod inbox;
pub mod launch;

use std::fmt;
use std::time::Duration;

use hallpass_core::{Scope, Timestamp};

pub use choose::{Choice, Facts};
pub use inbox::{Inbox, Sender};

use crate::status::{Account, Warning};
use crate::vault::Place;

/// How a login shall go.
#[derive(Clone, Debug, Default)]
pub struct LoginOptions {
    /// Which flow.
    pub wish: Wish,
    /// Open nothing; the address is shown anyway.
    pub no_browser: bool,
    /// How long to wait for the person at most. Without it: 5 minutes for the browser,
    /// and as long as the code lives for a device.
    pub timeout: Option<Duration>,
    /// A fixed port for the loopback listener.
    pub callback_port: Option<u16>,
    /// What to ask for, instead of what the server suggests.
    pub scope: Option<Scope>,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// The command as typed, without arguments that could be secret; shown to the
    /// person who approves, labelled as reported by the requester (HP11).
    pub command: String,
    /// Let the profile change hands if somebody else signs in than it belongs to.
    pub replace_account: bool,
}

/// Which flow is wished for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// What fits the surroundings.
    #[default]
    Auto,
    /// A browser on this machine.
    Web,
    /// A code, approved in a browser anywhere.
    Device,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Authorization code with PKCE and a loopback redirect (RFC 8252).
    Browser,
    /// Device authorization (RFC 8628).
    Device,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flow::Browser => "browser sign-in",
            Flow::Device => "device sign-in",
        })
    }
}

/// What happens during a login. Nothing in it is secret, but for the user code,
/// which is there to be shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The flow was chosen.
    Chosen(Choice),
    /// Where the person signs in. Comes before any launcher is started (CLIENT A5).
    SignInAt {
        /// The authorization request.
        url: String,
        /// Whether a browser is about to be launched at it.
        launching: bool,
        /// How long the listener waits.
        timeout: Duration,
    },
    /// A launcher ran, failed or was left to itself; the login goes on either way.
    Launched {
        /// Whether a launcher said that it worked, or is still at it.
        ok: bool,
    },
    /// Where the person approves this device, and the code to compare or type.
    Verification {
        /// Where.
        verification_uri: String,
        /// The same with the code filled in.
        verification_uri_complete: Option<String>,
        /// The code.
        user_code: String,
        /// How long it lives.
        expires_in: Duration,
        /// When it ends by the wall clock.
        expires_at: Timestamp,
    },
    /// Still waiting; at least once a second.
    Waiting {
        /// How long it may still take.
        remaining: Duration,
    },
    /// The server asked for slower polling.
    SlowDown {
        /// The interval from now on.
        interval: Duration,
    },
    /// The server could not be reached; trying again.
    Retrying {
        /// Why.
        reason: String,
        /// When.
        after: Duration,
    },
    /// Something came to the listener, or was pasted, that does not belong to this login.
    Ignored {
        /// Why.
        why: &'static str,
    },
    /// The person approved; the answer is being exchanged and stored.
    Finishing,
    /// Signed in, and stored.
    Authenticated(Box<Login>),
}

/// A completed sign-in.
#[derive(Clone, Debug)]
pub struct Login {
    /// The profile that it is kept under.
    pub profile: String,
    /// The server that calls go to.
    pub server: String,
    /// Who issued it.
    pub issuer: String,
    /// Who signed in.
    pub account: Account,
    /// What was granted.
    pub scope: Scope,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// Where it is kept.
    pub store: Place,
    /// What else is worth knowing.
    pub warnings: Vec<Warning>,
}

/// A device login that was started and left (`--no-wait`). The device code stays in
/// a 0600 file; the handle is useless without it (CLIENT C10).
#[derive(Clone, Debug)]
pub struct Pending {
    /// Names the file.
    pub handle: String,
    /// Where the person approves.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: Option<String>,
    /// The code.
    pub user_code: String,
    /// How long it lives.
    pub expires_in: Duration,
    /// When it ends by the wall clock.
    pub expires_at: Timestamp,
}
