//! What every command is put together from: flags, and how they are read.

use clap::{Arg, ArgAction, ArgMatches, Command};

pub(super) fn group(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).subcommand_required(true).arg_required_else_help(true)
}

/// A flag with a value.
pub(super) fn text(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value)
}

/// A flag that may come several times.
pub(super) fn several(name: &'static str, value: &'static str) -> Arg {
    text(name, value).action(ArgAction::Append)
}

/// A flag without a value.
pub(super) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// An argument by its place.
pub(super) fn place(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(value).required(true).help(help)
}

/// What becomes of the keys that somebody made who goes.
pub(super) fn keys_made() -> Arg {
    text("keys", "WHAT")
        .value_parser(["keep", "revoke"])
        .help("What becomes of the keys that they made; needed if there are any")
}

/// What was given, or nothing.
pub(super) fn one(matches: &ArgMatches, name: &str) -> String {
    maybe(matches, name).unwrap_or_default()
}

/// What was given, if it was; not every verb has every flag.
pub(super) fn maybe(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}

pub(super) fn many(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).map(|all| all.cloned().collect()).unwrap_or_default()
}
