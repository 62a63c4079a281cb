//! `trust`: which jobs are let in without a secret, and why others were not.
//!
//! | module | what |
//! |---|---|
//! | `add` | `add`: a policy from a line or from conditions; what is dangerous is said aloud |
//! | `list` | `list`: what each policy allows, in a sentence, and what is dangerous about it |
//! | `remove` | `remove`: says what would end, and with `--confirm` ends it |
//! | `test` | `test`: a token or its claims against policies, on this machine |
//! | `denied` | `denied`: exchanges that were not let in, each condition with pass or fail |
//! | `repin` | `repin`: says which name came back with another id, and with `--confirm` lets it in |
//! | `danger` | the question before a dangerous policy is made |
//! | `checks` | conditions with pass or fail, told |

mod add;
mod checks;
mod danger;
mod denied;
mod list;
mod remove;
mod repin;
mod test;

use clap::{Arg, ArgMatches, Command};
use hallpass_client::keys::Place;
use hallpass_client::target::Asked;
use hallpass_client::{Error, Session};
use hallpass_core::trust::GITHUB;
use hallpass_core::wire::trust::{DANGEROUS, MOVED};

use super::{client, forbidden, retry};
use crate::arguments::Globals;
use crate::paint::Paint;
use crate::refusal::told;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Input, Output};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("trust")
        .about("Let CI jobs in without a secret, and see why others were not")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(add::command())
        .subcommand(list::command())
        .subcommand(remove::command())
        .subcommand(test::command())
        .subcommand(denied::command())
        .subcommand(repin::command())
}

/// Whose tokens, if not github.com's: ` from https://gitlab.com`.
fn from(issuer: &str, paint: Paint) -> String {
    match issuer {
        GITHUB => String::new(),
        other => format!(" from {}", paint.foreign(other, 300)),
    }
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
        Some(("add", matches)) => add::run(cx, out, stdin, globals, matches),
        Some(("list", matches)) => list::run(cx, out, globals, matches),
        Some(("remove", matches)) => remove::run(cx, out, globals, matches),
        Some(("test", matches)) => test::run(cx, out, stdin, globals, matches),
        Some(("repin", matches)) => repin::run(cx, out, globals, matches),
        Some(("denied", matches)) => denied::run(cx, out, stdin, globals, matches),
        _ => Err(Failure::usage("no command was given", format!("{} trust --help", cx.program))),
    }
}

/// The organization, or the project in it, that a command is about.
struct Owned {
    org: String,
    project: Option<String>,
}

impl Owned {
    fn place(&self) -> Place<'_> {
        Place { org: &self.org, project: self.project.as_deref() }
    }

    /// `acme`, or `acme/warehouse`.
    fn name(&self) -> String {
        match &self.project {
            Some(project) => format!("{}/{project}", self.org),
            None => self.org.clone(),
        }
    }
}

/// The place that the command line names, else the one that is chosen here.
fn chosen(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Option<Owned>, Failure> {
    let target = client(cx, globals)
        .target(&Asked::from(globals))
        .map_err(|error| Failure::usage(error.to_string(), whose(cx, verb)))?;
    let project = target.project.map(|chosen| chosen.name);
    match target.org.map(|chosen| chosen.name) {
        Some(org) => Ok(Some(Owned { org, project })),
        None if project.is_some() => Err(no_org(cx, verb)),
        None => Ok(None),
    }
}

/// The same where it has to be one.
fn place(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Owned, Failure> {
    chosen(cx, globals, verb)?.ok_or_else(|| no_org(cx, verb))
}

fn no_org(cx: &Context<'_>, verb: &str) -> Failure {
    Failure::usage("say of which project: ORG/PROJECT", whose(cx, verb))
}

fn whose(cx: &Context<'_>, verb: &str) -> String {
    format!("{} trust {verb} --project ORG/PROJECT", cx.program)
}

/// The same where it has to be a project.
fn project(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Owned, Failure> {
    let place = place(cx, globals, verb)?;
    if place.project.is_some() {
        return Ok(place);
    }
    let next = format!("{} trust {verb} --project {}/PROJECT", cx.program, place.org);
    Err(Failure::usage("a policy lets jobs into one project; say which", next))
}

fn session(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Session, Failure> {
    let session = client(cx, globals).session_or_open();
    session.map_err(|error| told(&error, cx, &retry(cx, globals, &format!("trust {verb}"))))
}

/// What the server refused, in one line, and the command that helps.
fn refused(error: &Error, cx: &Context<'_>, globals: &Globals, verb: &str) -> Failure {
    let next = |command: &str| retry(cx, globals, command);
    let Error::Problem { status, code, title, detail, .. } = error else {
        return told(error, cx, &next(&format!("trust {verb}")));
    };
    let said = detail.as_ref().unwrap_or(title).trim_end_matches('.').to_owned();
    let (exit, help) = match (status, code.as_str(), verb) {
        (403, ..) => (Exit::Rejected, forbidden(cx, globals, error)),
        (404, _, "denied" | "repin") => (Exit::Other, next("trust denied")),
        (404, ..) => (Exit::Other, next("trust list")),
        (409, DANGEROUS, _) => (Exit::Usage, format!("{} trust add --help", cx.program)),
        (409, MOVED, _) => (Exit::Other, next("trust denied")),
        (409, ..) => (Exit::Other, next("trust list")),
        (400 | 422, ..) => (Exit::Usage, format!("{} trust {verb} --help", cx.program)),
        _ => return told(error, cx, &next(&format!("trust {verb}"))),
    };
    Failure::new(exit, code.clone(), said, help).kept("Nothing was changed.")
}

fn values<'m>(matches: &'m ArgMatches, name: &str) -> impl Iterator<Item = &'m str> {
    matches.get_many::<String>(name).into_iter().flatten().map(String::as_str)
}

fn accept() -> Arg {
    Arg::new("accept")
        .long("accept")
        .value_name("DANGER")
        .action(clap::ArgAction::Append)
        .help("Make it although this is dangerous; for scripts, may be repeated")
}

#[cfg(test)]
mod tests;
