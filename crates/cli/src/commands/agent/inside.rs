//! `agent status`: what an agent says of itself, for its owner to see.

use clap::{Arg, ArgMatches, Command, value_parser};
use hallpass_client::Session;

use super::refused;
use crate::arguments::Globals;
use crate::commands::client;
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output};

pub(super) fn command() -> Command {
    Command::new("status")
        .about("Inside an agent: say how far it is, or see who it is")
        .arg(Arg::new("text").value_name("TEXT").help("What it is doing; absent: show who it is"))
        .arg(
            Arg::new("progress")
                .long("progress")
                .value_name("PERCENT")
                .requires("text")
                .value_parser(value_parser!(u32).range(0..=100))
                .help("How far it is"),
        )
}

pub(super) fn status(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let session = session(cx, globals)?;
    let refuse = |error| refused(&error, cx, globals, "status");
    let Some(text) = matches.get_one::<String>("text") else {
        let agent = session.itself().map_err(refuse)?;
        super::list::shown(out, cx, &agent)?;
        return Ok(Exit::Usable);
    };
    session.report(text, matches.get_one::<u32>("progress").copied()).map_err(refuse)?;
    Ok(Exit::Usable)
}

/// What the agent that this runs in presents; a person's sign-in is not looked at.
pub(super) fn session(cx: &Context<'_>, globals: &Globals) -> Result<Session, Failure> {
    let variable = cx.brand.variable("AUTH_TOKEN");
    let next = super::next(cx, globals, "agent run -- CMD");
    let found = client(cx, globals).as_agent().map_err(|error| told(&error, cx, &next))?;
    found.ok_or_else(|| {
        let what = format!("this is no agent: {variable} is not set, and a sign-in does not count");
        Failure::new(Exit::NotSignedIn, "no_agent", what, next).kept("Nothing was sent.")
    })
}
