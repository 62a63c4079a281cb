//! One file per command: its part of the tree, its options, what it does, what it says.
//!
//! | command | file |
//! |---|---|
//! | `login` | [`login`] |
//! | `status`, `whoami`, `logout` | [`status`], [`whoami`], [`logout`] |
//! | `profile list`, `profile use`, `profile remove` | [`profile`] |
//! | `session list`, `session end` | [`session`] |
//! | `token create`, `list`, `rename`, `expire`, `revoke`, `rotate`, `print` | [`token`] |
//! | `key create`, `list`, `rotate`, `revoke` | [`key`] |
//! | `trust add`, `list`, `remove`, `test`, `denied`, `repin` | [`trust`] |
//! | `org`, `project`, `member` | [`places`] |
//! | `agent run`, `list`, `show`, `stop`, `secret`, `approvals`, `ask`, `status`, `child` | [`agent`] |
//! | `api` | [`api`] |
//! | `exec` | [`exec`] |
//! | `credential git`, `cargo`, … | [`credential`] |
//! | `context show`, `use`, `clear`; `org use`, `project use` | [`context`] |
//! | `doctor` | [`doctor`] |
//! | a call of the brand's, `config` | [`call`], [`config`] |
//! | `completions`, `man` | [`completions`], [`man`] |

pub mod agent;
mod alone;
pub mod api;
pub mod call;
pub mod completions;
pub mod config;
pub mod context;
pub mod credential;
pub mod doctor;
pub mod exec;
pub mod key;
mod legacy;
pub mod login;
pub mod logout;
pub mod man;
pub mod places;
pub mod profile;
pub mod session;
pub mod status;
pub mod token;
pub mod trust;
pub mod whoami;

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::{Client, Error, Selection, Warning};
use hallpass_core::brand::Brand;

use crate::arguments::Globals;
use crate::tree::{self, Found};
use crate::{Context, Exit, Failure, Input, Output};

/// How long another program is kept waiting for a token, whatever is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command's part of the tree, made when it is needed.
type Made = fn(&Brand) -> Command;

/// Every verb that a brand can place, in the order of `--help`.
const EVERY: [(&str, Made); 22] = [
    ("login", login::command),
    ("login-token", |_| login::given::command()),
    ("status", |_| status::command()),
    ("whoami", |_| whoami::command()),
    ("logout", logout::command),
    ("profile", |_| profile::command()),
    ("session", |_| session::command()),
    ("token", token::command),
    ("key", |_| key::command()),
    ("trust", |_| trust::command()),
    ("org", |_| places::org::command()),
    ("project", |_| places::project::command()),
    ("member", |_| places::member::command()),
    ("agent", agent::command),
    ("api", |_| api::command()),
    ("exec", exec::command),
    ("credential", credential::command),
    ("context", |_| context::command()),
    ("doctor", |_| doctor::command()),
    ("config", config::command),
    ("completions", |_| completions::command()),
    ("man", |_| man::command()),
];

/// The verbs of hallpass's own tree, in the order of `--help`.
pub(crate) fn ours() -> impl Iterator<Item = &'static str> {
    // Only brands have the others.
    EVERY.iter().map(|(verb, _)| *verb).filter(|verb| !["login-token", "config"].contains(verb))
}

/// The command of a verb, if there is such a verb.
pub(crate) fn of(brand: &Brand, verb: &str) -> Option<Command> {
    EVERY.iter().find(|(known, _)| *known == verb).map(|(_, made)| made(brand))
}

/// Runs the command that `matches` names.
pub fn dispatch(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let done = dispatched(cx, out, stdin, globals, matches);
    done.map_err(|failure| alone::told_here(failure, cx, globals))
}

fn dispatched(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let (name, below) = match tree::find(cx.brand, matches) {
        Found::Ours(name, below) => (name, below),
        Found::Call(place, rule, matches) => {
            return call::run(cx, out, globals, (place, rule), matches);
        }
        Found::Nothing => return Err(nothing_asked(cx)),
    };
    let matches = below.matches;
    match name {
        "login-token" => login::given::run(cx, out, stdin, globals, matches),
        "login" => login::run(cx, out, stdin, globals, matches),
        "status" => status::run(cx, out, globals, matches),
        "whoami" => whoami::run(cx, out, globals),
        "logout" => logout::run(cx, out, globals, matches),
        "profile" => profile::run(cx, out, globals, below),
        "session" => session::run(cx, out, globals, below),
        "token" => token::run(cx, out, globals, below),
        "key" => key::run(cx, out, stdin, globals, below),
        "trust" => trust::run(cx, out, stdin, globals, below),
        "org" => places::org::run(cx, out, globals, below),
        "project" => places::project::run(cx, out, globals, below),
        "member" => places::member::run(cx, out, globals, below),
        "agent" => agent::run(cx, out, stdin, globals, below),
        "api" => api::run(cx, out, stdin, globals, matches),
        "exec" => exec::run(cx, out, globals, matches),
        "credential" => credential::run(cx, out, stdin, globals, below),
        "context" => context::run(cx, out, globals, below),
        "doctor" => doctor::run(cx, out, globals),
        "config" => config::run(cx, out, globals, below),
        "completions" => completions::run(cx, out, matches),
        "man" => man::run(cx, out, matches),
        _ => Err(nothing_asked(cx)),
    }
}

fn nothing_asked(cx: &Context<'_>) -> Failure {
    Failure::usage("no command was given", format!("{} --help", cx.program))
}

/// The client for what the global flags select.
fn client(cx: &Context<'_>, globals: &Globals) -> Client {
    (cx.client)(Selection {
        token: globals.token.clone(),
        profile: globals.profile.clone(),
        server: globals.server.clone(),
        ignore_variables: false,
        store: globals.store,
        ca_bundle: globals.ca_bundle.clone(),
        file: globals.file.clone(),
    })
}

/// What helps where the server does not allow it: what the error knows, beyond that to know who
/// one is.
fn forbidden(cx: &Context<'_>, globals: &Globals, error: &Error) -> String {
    error.next(cx.program).unwrap_or_else(|| retry(cx, globals, "whoami"))
}

/// The command line to type again, with the flags that select an account.
fn retry(cx: &Context<'_>, globals: &Globals, command: &str) -> String {
    let mut line = cx.program.to_owned();
    for (flag, value) in [("--server", &globals.server), ("--profile", &globals.profile)] {
        if let Some(value) = value {
            line.push_str(&format!(" {flag} {value}"));
        }
    }
    format!("{line} {command}")
}

/// An argument that has to be there.
fn needed(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).required(true).value_name(value).help(help)
}

/// An option without a value.
fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// What is not easily undone is said first, and done with this.
fn confirm() -> Arg {
    flag("confirm", "Do it; without this, only say what would happen")
}

/// Goes on with `--confirm`; without it says `what` would happen, and how `command` does it.
fn confirmed(
    cx: &Context<'_>,
    globals: &Globals,
    matches: &ArgMatches,
    what: &str,
    command: &str,
) -> Result<(), Failure> {
    if matches.get_flag("confirm") {
        return Ok(());
    }
    let next = retry(cx, globals, &format!("{command} --confirm"));
    let what = format!("{what}; say --confirm if that is meant");
    Err(Failure::new(Exit::Usage, "not_confirmed", what, next).kept("Nothing was changed."))
}

/// Tells what happened on the way.
fn warn(out: &mut Output<'_>, warnings: &[Warning]) {
    for warning in warnings {
        out.warning(&warning.to_string());
    }
}
