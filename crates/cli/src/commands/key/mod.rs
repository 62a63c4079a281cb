//! `key`: keys of a project or an organization, for CI and other programs that act for a place.
//!
//! | module | what |
//! |---|---|
//! | `create` | `create` and `rotate`: the two that show a key, once |
//! | `list` | `list`: every generation, with its last use |
//! | `revoke` | `revoke`: says what would happen, and with `--confirm` does it |
//! | `refused` | the server's refusals, each with the next command |

mod create;
mod list;
mod refused;
mod revoke;

use clap::{Arg, ArgMatches, Command};
use hallpass_client::Session;
use hallpass_client::keys::Place;
use hallpass_core::wire::keys::Key;

use self::refused::refused;
use crate::arguments::Globals;
use crate::commands::{client, retry};
use crate::refusal::told;
use crate::{Context, Exit, Failure, Input, Output};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("key")
        .about("Make, list and end keys of projects and organizations")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(create::command())
        .subcommand(list::command())
        .subcommand(create::rotate_command())
        .subcommand(revoke::command())
}

/// Runs the verb.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    match matches.subcommand() {
        Some(("create", matches)) => create::create(cx, out, globals, matches),
        Some(("rotate", matches)) => create::rotate(cx, out, globals, matches),
        Some(("list", matches)) => list::run(cx, out, globals, matches),
        Some(("revoke", matches)) => revoke::run(cx, out, stdin, globals, matches),
        _ => Err(Failure::usage("no command was given", format!("{} key --help", cx.program))),
    }
}

/// The arguments that say whose keys.
fn whose() -> [Arg; 2] {
    [
        Arg::new("project")
            .long("project")
            .value_name("ORG/PROJECT")
            .help("Of this project: bound to it, and good nowhere else"),
        Arg::new("org")
            .long("org")
            .value_name("ORG")
            .help("Of this organization: an admin there; use it sparingly"),
    ]
}

/// Whose keys a command line means: `--project ORG/PROJECT`, `--org ORG --project PROJECT`, or
/// `--org ORG`. `None` if it says nothing.
fn place(cx: &Context<'_>, matches: &ArgMatches, verb: &str) -> Result<Option<Owned>, Failure> {
    let said = |name| matches.get_one::<String>(name).map(String::as_str);
    let owned = |org: &str, project: Option<&str>| {
        Some(Owned { org: org.to_owned(), project: project.map(str::to_owned) })
    };
    match (said("org"), said("project")) {
        (None, None) => Ok(None),
        (Some(org), None) => Ok(owned(org, None)),
        (org, Some(project)) => match (org, project.split_once('/')) {
            (None, Some((org, project))) => Ok(owned(org, Some(project))),
            (Some(org), None) => Ok(owned(org, Some(project))),
            (Some(named), Some((org, project))) if named == org => Ok(owned(org, Some(project))),
            _ => Err(Failure::usage(
                format!("{project:?} does not say which project: write ORG/PROJECT"),
                format!("{} key {verb} --help", cx.program),
            )),
        },
    }
}

/// A place that was named.
struct Owned {
    org: String,
    project: Option<String>,
}

impl Owned {
    fn place(&self) -> Place<'_> {
        Place { org: &self.org, project: self.project.as_deref() }
    }
}

/// The arguments that say which key, and of which place if it is named by its name.
fn which() -> Arg {
    Arg::new("key")
        .value_name("KEY")
        .help("Its id, or with --project or --org its name or last four characters")
}

fn session(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Session, Failure> {
    let session = client(cx, globals).session();
    session.map_err(|error| told(&error, cx, &retry(cx, globals, &format!("key {verb}"))))
}

/// The key that a word means. Nothing is guessed: a name is looked for at one place.
fn find(
    cx: &Context<'_>,
    globals: &Globals,
    session: &Session,
    (word, place): (&str, Option<&Owned>),
    verb: &'static str,
) -> Result<Key, Failure> {
    let refuse = |error| refused(&error, cx, globals, verb, word);
    if word.starts_with("tok_") {
        return session.key_by_id(word).map_err(refuse);
    }
    let Some(place) = place else {
        return Err(Failure::usage(
            format!("{word:?} is no id; to name a key by its name, say of which place"),
            retry(cx, globals, &format!("key {verb} NAME --project ORG/PROJECT")),
        ));
    };
    let keys = session.keys(place.place()).map_err(refuse)?;
    let called =
        |key: &&Key| key.last_four == word || key.overlap_until.is_none() && key.name == word;
    let mut found: Vec<Key> = keys.iter().filter(called).cloned().collect();
    match (found.pop(), found.is_empty()) {
        (Some(key), true) => Ok(key),
        (None, _) => Err(refused::unknown(cx, globals, word)),
        (Some(last), false) => {
            let ids: Vec<_> = found
                .iter()
                .chain([&last])
                .map(|key| hallpass_core::text::presentable(&key.id, 60))
                .collect();
            Err(Failure::usage(
                format!("{word:?} is more than one key: {}; say which id", ids.join(", ")),
                retry(cx, globals, "key list"),
            ))
        }
    }
}

/// Where a key belongs: `acme`, or `acme/warehouse`.
fn place_of(key: &Key) -> String {
    match &key.project {
        Some(project) => format!("{}/{project}", key.org),
        None => key.org.clone(),
    }
}

/// `hp_proj_…AbCd`: enough to tell it by, and no secret.
fn text_of(key: &Key) -> String {
    format!("{}…{}", key.prefix, key.last_four)
}
