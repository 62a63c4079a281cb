//! `config`: the server that this tool talks to when nothing else is said.

use clap::{Arg, Command};
use hallpass_core::brand::Brand;

use super::client;
use crate::arguments::Globals;
use crate::refusal::told;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    let key = || {
        Arg::new("key")
            .required(true)
            .value_name("KEY")
            .value_parser([brand.config.server.clone()])
            .help("What it is called")
    };
    Command::new("config")
        .about("See and set what holds on this machine when nothing else is said")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("get").about("Print what holds").arg(key()))
        .subcommand(
            Command::new("set")
                .about("Set it")
                .arg(key())
                .arg(Arg::new("value").required(true).value_name("VALUE").help("An address")),
        )
}

/// Runs the verb.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let key = &cx.brand.config.server;
    let client = client(cx, globals);
    let refuse = |error| told(&error, cx, &format!("{} config get {key}", cx.program));
    match below.verb() {
        Some(("get", _)) => {
            let server = client.server().map_err(refuse)?;
            out.data(format!("{server}\n").as_bytes())?;
        }
        Some(("set", matches)) => {
            let value = matches.get_one::<String>("value").map_or("", String::as_str);
            let server = client.set_server(value).map_err(refuse)?;
            out.success(&format!("{key} is {server} from now on"));
        }
        _ => {
            let help = format!("{} config --help", cx.program);
            return Err(Failure::usage("no command was given", help));
        }
    }
    Ok(Exit::Usable)
}
