//! `token`: personal tokens for scripts, CI and servers, and the access token of now.
//!
//! | module | what |
//! |---|---|
//! | `create` | `create` and `rotate`: the two that show a token, once |
//! | `list` | `list` |
//! | `change` | `rename`, `expire` and `revoke` |
//! | `print` | `print`: the token that this very program would use |
//! | `named` | which token an ID, a name or four characters mean |
//! | `refused` | the server's refusals, each with the next command |

mod change;
mod create;
mod list;
mod named;
pub(super) mod print;
mod refused;

use clap::{Arg, ArgMatches, Command};
use hallpass_core::brand::{Brand, Keeps};

pub(super) use change::when;
pub(super) use list::render;

use crate::arguments::Globals;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output};

/// The page where tokens are made and changed.
const PAGE: &str = "/settings/tokens";

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    let told = page(brand).map(|page| {
        format!(
            "It takes a token that was given the scope tokens on the page {page}, where all of\n\
             this can be done as well; the one that login keeps was not."
        )
    });
    // One of the verbs that take the scope `tokens`.
    let changes = |verb: Command| match &told {
        None => verb,
        Some(told) => {
            let before = verb.get_after_help().map(|text| format!("{text}\n\n"));
            verb.after_help(format!("{}{told}", before.unwrap_or_default()))
        }
    };
    Command::new("token")
        .about("Make, list and end tokens for scripts, CI and servers")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(changes(create::command()))
        .subcommand(list::command())
        .subcommand(changes(change::rename_command()))
        .subcommand(changes(change::expire_command()))
        .subcommand(changes(change::revoke_command()))
        .subcommand(changes(create::rotate_command()))
        .subcommand(print::command())
}

/// The address of that page in a tool whose login keeps a token that can make none: no other
/// login would bring more.
fn page(brand: &Brand) -> Option<&str> {
    let mut aliases = brand.pages.aliases.iter();
    let page = aliases.find(|(_, page)| *page == PAGE).map_or(PAGE, |(alias, _)| alias);
    let less = brand.login.keeps == Keeps::Token && !brand.tokens.may_make_tokens;
    less.then_some(page)
}

/// Runs the verb.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    match below.verb() {
        Some(("create", matches)) => create::create(cx, out, globals, matches),
        Some(("rotate", matches)) => create::rotate(cx, out, globals, matches),
        Some(("list", matches)) => list::run(cx, out, globals, matches),
        Some(("rename", matches)) => change::rename(cx, out, globals, matches),
        Some(("expire", matches)) => change::expire(cx, out, globals, matches),
        Some(("revoke", matches)) => change::revoke(cx, out, globals, matches),
        Some(("print", matches)) => print::run(cx, out, globals, matches),
        _ => Err(Failure::usage("no command was given", format!("{} token --help", cx.program))),
    }
}

/// The argument that says which token.
fn which() -> Arg {
    Arg::new("id")
        .required(true)
        .value_name("ID")
        .help("Its id, its name, or the last four characters of the token")
}

/// The argument that says whose token.
fn whose() -> Arg {
    Arg::new("user")
        .long("user")
        .value_name("EMAIL")
        .help("A token of somebody else's, as an administrator")
}

fn user(matches: &ArgMatches) -> Option<&str> {
    matches.get_one::<String>("user").map(String::as_str)
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}
