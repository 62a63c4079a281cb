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

use clap::{Arg, Command};
use hallpass_client::Session;
use hallpass_client::keys::Place;
use hallpass_client::target::Asked;
use hallpass_core::wire::keys::Key;

use self::refused::refused;
use crate::arguments::Globals;
use crate::commands::{client, retry};
use crate::refusal::told;
use crate::tree::Below;
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
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    match below.verb() {
        Some(("create", matches)) => create::create(cx, out, globals, matches),
        Some(("rotate", matches)) => create::rotate(cx, out, globals, matches),
        Some(("list", _)) => list::run(cx, out, globals),
        Some(("revoke", matches)) => revoke::run(cx, out, stdin, globals, matches),
        _ => Err(Failure::usage("no command was given", format!("{} key --help", cx.program))),
    }
}

/// Whose keys a command means: `--project ORG/PROJECT`, or `--org ORG` alone, and without both
/// what the variables, the directory or the profile say. `None` if nobody says anything.
///
/// A place that was chosen for all commands gives way as a whole: `--org acme` is about the keys
/// of acme, and never about those of the project that is kept.
fn place(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Option<Owned>, Failure> {
    let bad = |why: String| Failure::usage(why, format!("{} key {verb} --help", cx.program));
    let asked = Asked::from(globals);
    let said = asked.org.is_some();
    let project = asked.project.is_some();
    let target = client(cx, globals).target(&asked).map_err(|error| bad(error.to_string()))?;
    let Some(org) = target.org else {
        return match target.project {
            None => Ok(None),
            Some(project) => Err(bad(format!(
                "{:?} does not say which project: write ORG/PROJECT",
                project.name
            ))),
        };
    };
    let kept = target.project.filter(|_| project || !said);
    Ok(Some(Owned { org: org.name, project: kept.map(|project| project.name) }))
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

/// The argument that says which key.
fn which() -> Arg {
    Arg::new("key")
        .value_name("KEY")
        .help("Its id; of the place that it is about also its name or last four characters")
}

fn session(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Session, Failure> {
    let session = client(cx, globals).session_or_open();
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
        (None, _) => Err(refused::unknown(cx, globals, &format!("{word:?}"))),
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
