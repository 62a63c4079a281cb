//! `agent`: programs that get a small pass of their own, never a person's credential.
//!
//! | module | what |
//! |---|---|
//! | `run` | `run`: starts a program as an agent, and looks after it while it runs |
//! | `child` | what the program gets, and what it does not |
//! | `keeper` | keeps its token fresh, and sees that it was stopped |
//! | `guard` | ends it if the broker is killed |
//! | `list` | `list`, `show`, `stop`: for whose agents they are |
//! | `approvals` | `approvals`: what agents ask their owner for |
//! | `ask` | `ask`: an agent asks its owner for one action |
//! | `inside` | `status`: for the agent itself |

mod approvals;
mod ask;
mod child;
mod guard;
mod inside;
mod keeper;
mod list;
mod run;

use clap::{ArgMatches, Command};
use hallpass_client::Error;
use hallpass_core::brand::Brand;

use crate::arguments::Globals;
use crate::commands::{forbidden, retry};
use crate::refusal::told;
use crate::{Context, Exit, Failure, Input, Output};

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    Command::new("agent")
        .about("Run programs as agents, with a small pass of their own")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(run::command(brand))
        .subcommand(list::list_command())
        .subcommand(list::show_command())
        .subcommand(list::stop_command())
        .subcommand(approvals::command())
        .subcommand(inside::command())
        .subcommand(ask::command())
        .subcommand(guard::command())
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
        Some(("run", matches)) => run::run(cx, out, globals, matches),
        Some(("list", _)) => list::list(cx, out, globals),
        Some(("show", matches)) => list::show(cx, out, globals, matches),
        Some(("stop", matches)) => list::stop(cx, out, globals, matches),
        Some(("status", matches)) => inside::status(cx, out, globals, matches),
        Some(("approvals", matches)) => approvals::run(cx, out, stdin, globals, matches),
        Some(("ask", matches)) => ask::run(cx, out, stdin, globals, matches),
        Some(("guard", _)) => guard::run(cx, stdin, globals),
        _ => Err(Failure::usage("no command was given", format!("{} agent --help", cx.program))),
    }
}

/// What the server refused, in one line, and the command that helps.
fn refused(error: &Error, cx: &Context<'_>, globals: &Globals, verb: &str) -> Failure {
    let Error::Problem { status, code, title, detail, .. } = error else {
        return told(error, cx, &retry(cx, globals, &format!("agent {verb}")));
    };
    let said = detail.as_ref().unwrap_or(title).trim_end_matches('.').to_owned();
    let (exit, next) = match status {
        403 => (Exit::Rejected, forbidden(cx, globals, code)),
        400 | 422 => (Exit::Usage, format!("{} agent {verb} --help", cx.program)),
        _ => (Exit::Other, retry(cx, globals, "agent list")),
    };
    Failure::new(exit, code.clone(), said, next).kept("Nothing was changed.")
}
