//! `token print`: the access token, for another program.

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::Selection;

use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub(super) fn command() -> Command {
    Command::new("print").about("Print a token that is good now, and nothing else").arg(
        Arg::new("no-env")
            .long("no-env")
            .action(ArgAction::SetTrue)
            .help("Take no token from the environment"),
    )
}

/// Prints the token and a line feed on standard output (CLIENT H6).
pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    if out.json {
        return Err(Failure::usage(
            "token print has no JSON form: it prints the token and nothing else",
            retry(cx, globals, "status --json"),
        ));
    }
    let ignore_variables = matches.get_flag("no-env");
    let refuse = |error| told(&error, cx, &retry(cx, globals, "token print"));
    let client = (cx.client)(Selection {
        token: None,
        profile: globals.profile.clone(),
        server: globals.server.clone(),
        ignore_variables,
        store: globals.store,
        ca_bundle: globals.ca_bundle.clone(),
    });
    let session = client.session().map_err(refuse)?;
    let token = session.access_token().map_err(refuse)?;
    warn(out, &session.take_warnings());
    // Two writes, so that there is no second copy of the token to wipe.
    out.data(token.expose().as_bytes())?;
    out.data(b"\n")?;
    Ok(Exit::Usable)
}
