//! `token print`: the access token, for another program.

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::{Client, Selection, Session, Source, Wanted};
use hallpass_core::Secret;

use crate::arguments::Globals;
use crate::commands::{PATIENCE, retry, warn};
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub(super) fn command() -> Command {
    Command::new("print")
        .about("Print a token that is good now, and nothing else")
        .arg(
            Arg::new("no-env")
                .long("no-env")
                .action(ArgAction::SetTrue)
                .help("Take no token from the environment"),
        )
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("S")
                .action(ArgAction::Append)
                .help("No more than this, for a program that needs less; may be repeated"),
        )
        .arg(
            Arg::new("audience")
                .long("audience")
                .value_name("URI")
                .help("For this API alone, of those that you are signed in for"),
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
    let wanted = wanted(cx, globals, matches)?;
    let refuse = |error| told(&error, cx, &retry(cx, globals, "token print"));
    let client = (cx.client)(Selection {
        token: globals.token.clone(),
        profile: globals.profile.clone(),
        server: globals.server.clone(),
        ignore_variables,
        store: globals.store,
        ca_bundle: globals.ca_bundle.clone(),
        file: globals.file.clone(),
    });
    let session = client.within(PATIENCE).session().map_err(refuse)?;
    let token = session.narrowed_token(&wanted).map_err(refuse)?;
    warn(out, &session.take_warnings());
    if let Some(mask) = masked(&client, &session, &token) {
        out.line(mask.expose());
    }
    // Two writes, so that there is no second copy of the token to wipe.
    out.data(token.expose().as_bytes())?;
    out.data(b"\n")?;
    Ok(Exit::Usable)
}

/// A pass that was made a moment ago is none of the secrets that a platform's log knows of.
pub(in crate::commands) fn masked(
    client: &Client,
    session: &Session,
    token: &Secret,
) -> Option<Secret> {
    match session.source() {
        Source::Workload { .. } => client.mask_command(token),
        _ => None,
    }
}

fn wanted(cx: &Context<'_>, globals: &Globals, matches: &ArgMatches) -> Result<Wanted, Failure> {
    let scopes = matches.get_many::<String>("scope").into_iter().flatten();
    let scopes: Vec<&str> = scopes.map(String::as_str).collect();
    let scope = (!scopes.is_empty()).then(|| scopes.join(" ").parse()).transpose();
    let scope = scope.map_err(|why| {
        Failure::usage(format!("--scope: {why}"), retry(cx, globals, "token print --help"))
    })?;
    Ok(Wanted { scope, audience: matches.get_one::<String>("audience").cloned() })
}
