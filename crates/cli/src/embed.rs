//! Our commands in somebody else's tool: `mytool auth login`, and an authorized call.
//!
//! ```no_run
//! use clap::Command;
//! use hallpass_cli::embed::Auth;
//!
//! fn tree() -> Command {
//!     Command::new("mytool").subcommand(Command::new("hello"))
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let auth = Auth::mount(hallpass_core::brand::HALLPASS, tree);
//!     match auth.matches().subcommand() {
//!         Some(("auth", matches)) => auth.run(matches),
//!         _ => auth.call(|session| session.get::<serde_json::Value>("/api/v1/whoami").map(drop)),
//!     }
//! }
//! ```

use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgMatches, Command};
use hallpass_core::brand::Brand;

pub use hallpass_client::{Answer, Call, Client, Error, Selection, Session, State, Status};

use crate::system::{Process, ProcessEnvironment};
use crate::{Exit, commands};

/// What a tool gets of our commands if it does not say which.
pub const USUAL: [&str; 5] = ["login", "status", "logout", "token", "completions"];

/// Sign-in for a tool that has a command line of its own.
pub struct Auth {
    brand: Brand,
    tree: fn() -> Command,
    verb: &'static str,
    names: &'static [&'static str],
}

impl Auth {
    /// Puts [`USUAL`] below `auth` in the tool's own tree. `brand` is the text of a brand
    /// file: the tool's names.
    ///
    /// # Panics
    /// If the brand file cannot be read: it is compiled in, so the first run shows it.
    pub fn mount(brand: &str, tree: fn() -> Command) -> Self {
        let brand = Brand::parse(brand).unwrap_or_else(|error| panic!("the brand file: {error}"));
        Self { brand, tree, verb: "auth", names: &USUAL }
    }

    /// Another verb than `auth`.
    #[must_use]
    pub fn under(mut self, verb: &'static str) -> Self {
        self.verb = verb;
        self
    }

    /// Other commands than [`USUAL`].
    #[must_use]
    pub fn commands(mut self, names: &'static [&'static str]) -> Self {
        self.names = names;
        self
    }

    /// The whole tree: the tool's own, and ours below its verb.
    pub fn tree(&self) -> Command {
        let ours = Command::new(self.verb)
            .about(format!("Sign in to {}, and stay signed in", self.brand.title));
        (self.tree)().subcommand(mount_some(ours, &self.brand, self.names))
    }

    /// Parses the process's arguments. Like clap's own `get_matches`, it ends the process when
    /// the answer is given already: help, the version, or what was wrong.
    pub fn matches(&self) -> ArgMatches {
        self.process(&self.program(), |process| process.parse())
            .unwrap_or_else(|exit| std::process::exit(exit.code().into()))
    }

    /// Runs the command of ours that `matches`, those of the verb, names.
    pub fn run(&self, matches: &ArgMatches) -> ExitCode {
        self.process(&self.program(), |process| process.run(matches)).into()
    }

    /// Signs in nobody; a handle for calls as the person who is signed in.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] if nobody is.
    pub fn session(&self) -> Result<Session, Error> {
        self.client(Selection::default()).session()
    }

    /// The client itself, for everything else.
    pub fn client(&self, selection: Selection) -> Client {
        Client::on_this_machine(self.brand.clone(), Arc::new(ProcessEnvironment), selection)
    }

    /// Calls as the person who is signed in. What goes wrong is told as our own commands tell
    /// it, with the next command, and so is what happened on the way.
    pub fn call(&self, act: impl FnOnce(&Session) -> Result<(), Error>) -> ExitCode {
        let done = self.session().and_then(|session| {
            let done = act(&session);
            self.process(&self.program(), |process| process.warn(&session.take_warnings()));
            done
        });
        match done {
            Ok(()) => Exit::Usable.into(),
            Err(error) => self.failed(&error),
        }
    }

    /// Tells an error of ours on standard error, and says what to end with.
    pub fn failed(&self, error: &Error) -> ExitCode {
        self.process(&self.program(), |process| process.failed(error)).into()
    }

    /// `mytool auth`.
    fn program(&self) -> String {
        format!("{} {}", (self.tree)().get_name(), self.verb)
    }

    fn process<T>(&self, program: &str, act: impl FnOnce(Process<'_>) -> T) -> T {
        act(Process { brand: &self.brand, program, tree: &|| self.tree() })
    }
}

/// Adds some of our commands, and the global flags, to `parent`.
///
/// # Panics
/// If there is no command with one of these names.
fn mount_some(parent: Command, brand: &Brand, names: &[&str]) -> Command {
    let chosen = names.iter().map(|name| {
        let found = commands::ours().find(|ours| ours == name);
        found
            .and_then(|verb| commands::of(brand, verb))
            .unwrap_or_else(|| panic!("there is no command {name}"))
    });
    crate::with_globals(parent, brand)
        .subcommands(chosen)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand() -> String {
        let toml = hallpass_core::brand::HALLPASS.replace("hallpass", "mytool");
        toml.replace("HALLPASS", "MYTOOL")
    }

    fn tree() -> Command {
        Command::new("mytool").subcommand(Command::new("hello"))
    }

    // proves: HP17, client-L1
    #[test]
    fn a_tree_of_somebody_elses_has_ours_in_it_in_its_own_name() {
        let auth = Auth::mount(&brand(), tree);
        auth.tree().debug_assert();
        let mut whole = auth.tree();
        let ours = whole.find_subcommand_mut("auth").unwrap();
        let names: Vec<_> = ours.get_subcommands().map(Command::get_name).collect();
        assert_eq!(names, USUAL);
        let help = ours.render_long_help().to_string();
        assert!(help.contains("$MYTOOL_SERVER"), "{help}");
        assert!(!help.to_lowercase().contains("hallpass"), "{help}");
        assert_eq!(auth.program(), "mytool auth");

        let other = Auth::mount(&brand(), tree).under("account").commands(&["login", "exec"]);
        let whole = other.tree();
        let ours = whole.find_subcommand("account").unwrap();
        assert!(ours.find_subcommand("exec").is_some() && ours.find_subcommand("token").is_none());
    }
}
