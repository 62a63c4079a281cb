//! The front door: one tool, one machine, one invocation.

use std::sync::Arc;

use hallpass_core::brand::Brand;
use hallpass_core::{Random, Secret};

use crate::Error;
use crate::environment::Environment;
use crate::login::launch::Launcher;
use crate::login::{Event, Inbox, Login, LoginOptions, Pending};
use crate::logout::LogoutReport;
use crate::session::Session;
use crate::source::Selection;
use crate::status::Status;
use crate::time::Time;
use crate::vault::Vault;

/// What a [`Client`] is made of.
#[derive(Clone)]
pub struct Parts {
    /// The tool's names.
    pub brand: Brand,
    /// The surroundings.
    pub environment: Arc<dyn Environment>,
    /// The clocks.
    pub time: Arc<dyn Time>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Where credentials are kept.
    pub vault: Arc<dyn Vault>,
    /// Launches browsers.
    pub launcher: Arc<dyn Launcher>,
}

/// Signs in, holds the credential, signs out.
pub struct Client {
    parts: Parts,
    selection: Selection,
}

/// Which profiles a sign-out is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that this invocation would use.
    Selected,
    /// All of them.
    All,
}

impl Client {
    /// A client for `selection`. Nothing is read, opened or sent yet.
    pub fn new(parts: Parts, selection: Selection) -> Self {
        Self { parts, selection }
    }

    /// A client with the real clocks, the operating system's randomness, the 0600 file
    /// in the tool's configuration directory, and real browsers.
    pub fn on_this_machine(
        brand: Brand,
        environment: Arc<dyn Environment>,
        selection: Selection,
    ) -> Self {
        let _ = (brand, environment, selection);
        unimplemented!()
    }

    /// Signs in with a browser or a device code, as `options` and the surroundings say.
    ///
    /// Blocks until it is over. The refresh lock is not held meanwhile (CLIENT E10).
    pub fn login(
        &self,
        options: &LoginOptions,
        inbox: Inbox,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Login, Error> {
        let _ = (options, inbox, sink);
        unimplemented!()
    }

    /// Starts a device login and returns at once (`--no-wait`).
    pub fn login_begin(&self, options: &LoginOptions) -> Result<Pending, Error> {
        let _ = options;
        unimplemented!()
    }

    /// Goes on with a started device login; without a handle, with the only one there is.
    pub fn login_resume(
        &self,
        handle: Option<&str>,
        options: &LoginOptions,
        inbox: Inbox,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Login, Error> {
        let _ = (handle, options, inbox, sink);
        unimplemented!()
    }

    /// Stores a token that was handed over, after the server has said whose it is.
    /// `text` is all that was read; one trailing newline is taken off (CLIENT H2).
    pub fn login_with_token(&self, text: Secret, options: &LoginOptions) -> Result<Login, Error> {
        let _ = (text, options);
        unimplemented!()
    }

    /// A handle for calls, for the credential that this invocation uses. Never starts a
    /// login (CLIENT A9). Sends nothing yet.
    pub fn session(&self) -> Result<Session, Error> {
        unimplemented!()
    }

    /// Whether this invocation is signed in. Sends nothing (CLIENT G2).
    pub fn status(&self) -> Status {
        unimplemented!()
    }

    /// The same, after asking the server; refreshes if that is due. 5 s at most for each answer.
    pub fn status_checked(&self) -> Status {
        unimplemented!()
    }

    /// Revokes at the server, then removes locally whatever the server said. Idempotent.
    pub fn logout(&self, which: Which) -> Result<LogoutReport, Error> {
        let _ = which;
        unimplemented!()
    }

    /// The tool's names.
    pub fn brand(&self) -> &Brand {
        &self.parts.brand
    }

    /// What was asked for.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }
}
