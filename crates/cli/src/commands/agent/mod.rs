//! `agent`: programs that get a small pass of their own, never a person's credential.
//!
//! | module | what |
//! |---|---|
//! | `run` | `run`, `child`: starts a program as an agent, and looks after it while it runs |
//! | `given` | `run --secret`: what is for this run alone, and where its text is |
//! | `child` | what the program gets, and what it does not |
//! | `keeper` | keeps its token fresh, and sees that it was stopped |
//! | `guard` | ends it if the broker is killed |
//! | `list` | `list`, `show`, `stop`: for whose agents they are |
//! | `secret` | `secret set`, `list`, `remove`, and `get` inside |
//! | `approvals` | `approvals`: what agents ask their owner for |
//! | `watch` | `approvals watch`: each question as it is asked, also for a program |
//! | `ask` | `ask`: an agent asks its owner for one action |
//! | `inside` | `status`: for the agent itself |

mod approvals;
mod ask;
mod child;
mod given;
mod guard;
mod inside;
mod keeper;
mod list;
mod run;
mod secret;
mod watch;

use clap::Command;
use hallpass_client::Error;
use hallpass_core::brand::Brand;

use crate::arguments::Globals;
use crate::commands::{forbidden, retry};
use crate::refusal::told;
use crate::tree::Below;
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
        .subcommand(secret::command())
        .subcommand(approvals::command())
        .subcommand(inside::command())
        .subcommand(ask::command())
        .subcommand(run::child_command(brand))
        .subcommand(guard::command())
}

/// What `run` starts by itself, where a brand places its verbs one by one.
pub(crate) fn guard_command() -> Command {
    guard::command()
}

/// Runs the verb.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let Some((verb, below)) = below.next() else {
        return Err(Failure::usage("no command was given", format!("{} agent --help", cx.program)));
    };
    let matches = below.matches;
    match verb {
        "run" => run::run(cx, out, stdin, globals, matches),
        "child" => run::child(cx, out, globals, matches),
        "list" => list::list(cx, out, globals),
        "show" => list::show(cx, out, globals, matches),
        "stop" => list::stop(cx, out, globals, matches),
        "status" => inside::status(cx, out, globals, matches),
        "approvals" => approvals::run(cx, out, stdin, globals, below),
        "ask" => ask::run(cx, out, stdin, globals, matches),
        "secret" => secret::run(cx, out, stdin, globals, below),
        _ => guard::run(cx, stdin, globals),
    }
}

/// What the server refused, in one line, and the command that helps.
fn refused(error: &Error, cx: &Context<'_>, globals: &Globals, verb: &str) -> Failure {
    let Error::Problem { status, code, title, detail, .. } = error else {
        let mut failure = told(error, cx, &retry(cx, globals, &format!("agent {verb}")));
        if let Error::Rejected { server, code, .. } = error
            && cx.brand.sources.agent
            && is_inside(cx)
        {
            failure = failure.kept("Nothing was changed.");
            failure.next = next(cx, globals, "agent status");
            if code == "invalid_token" {
                failure.what = format!(
                    "{server} refuses the token of this agent: it was stopped, or nobody renewed \
                     it in time; its owner can start another"
                );
                // The agent itself can do nothing about it.
                failure.next = format!("{} --help", cx.program);
            }
        }
        return failure;
    };
    let said = detail.as_ref().unwrap_or(title).trim_end_matches('.').to_owned();
    let (exit, next) = match status {
        403 if is_inside(cx) => (Exit::Rejected, next(cx, globals, "agent status")),
        403 => (Exit::Rejected, forbidden(cx, globals, error)),
        400 | 422 => (Exit::Usage, format!("{} agent {verb} --help", cx.program)),
        _ => {
            let helps = match verb {
                "ask" | "secret get" => "agent status",
                "approvals" => "agent approvals",
                "secret remove" => "agent secret list",
                _ => "agent list",
            };
            (Exit::Other, next(cx, globals, helps))
        }
    };
    Failure::new(exit, code.clone(), said, next).kept("Nothing was changed.")
}

/// Whether this runs inside an agent, which has a token of its own and no sign-in.
pub(crate) fn is_inside(cx: &Context<'_>) -> bool {
    let brand = cx.brand;
    let is_set = |name: &str| cx.environment.var(&brand.variable(name)).is_some();
    // A brand whose people have that variable for their own token has no agents by it.
    let theirs = brand.variable("AUTH_TOKEN") == brand.variable("TOKEN");
    is_set("AUTH_TOKEN_FILE") || (is_set("AUTH_TOKEN") && !theirs)
}

/// What is so inside an agent.
const NO_SIGN_IN: &str = "An agent has no sign-in, and its own token is for its own commands.";

/// Inside an agent nobody signs in, with a code for somebody elsewhere neither.
pub(crate) fn refuses_login(cx: &Context<'_>, globals: &Globals) -> Result<(), Failure> {
    if !is_inside(cx) {
        return Ok(());
    }
    let what = "this runs inside an agent, and nobody signs in there";
    let next = next(cx, globals, "agent status");
    Err(Failure::new(Exit::Usage, "nobody_to_ask", what, next).kept(NO_SIGN_IN).in_our_words())
}

/// What a person would do next is not the agent's to do.
pub(crate) fn without_login(mut failure: Failure, cx: &Context<'_>, globals: &Globals) -> Failure {
    let rest = failure.next.strip_prefix(cx.program).unwrap_or_default();
    if !rest.split(' ').any(|word| word == "login") {
        return failure;
    }
    failure.next = next(cx, globals, "agent status");
    failure.kept(NO_SIGN_IN).in_our_words()
}

/// The command line to type next; the help where the brand's tree has no such command.
fn next(cx: &Context<'_>, globals: &Globals, line: &str) -> String {
    match cx.brand.has(line.split(" --").next().unwrap_or_default()) {
        true => retry(cx, globals, line),
        false => format!("{} --help", cx.program),
    }
}
