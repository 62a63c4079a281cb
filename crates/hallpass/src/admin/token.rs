//! `admin token`: tokens that people would else make for themselves.

use clap::{ArgMatches, Command};
use hallpass_core::ends::Ends;
use hallpass_server::admin::Command as Asked;
use hallpass_server::admin::command::tokens;

use super::words::{group, many, maybe, one, place, several, text};

pub(super) fn command() -> Command {
    group("token", "Personal tokens")
        .subcommand(
            Command::new("create")
                .about("Make a token for somebody; prints it, and nothing else, this once")
                .arg(text("user", "EMAIL|ID").required(true).help("Whose it is to be"))
                .arg(text("name", "N").required(true).help("What to call it"))
                .arg(text("expires", "TIME").help("When it ends, like 30d or 2027-01-31 [default: never]"))
                .arg(several("project", "ORG/PROJECT").help("Only for this project [default: all]"))
                .arg(several("scope", "S").help(
                    "Only for this: account, tokens, or a permission [default: everything that its owner may do, but make tokens]",
                )),
        )
        .subcommand(
            Command::new("list")
                .about("The tokens of one person, or of all")
                .arg(text("user", "EMAIL|ID").help("Whose")),
        )
        .subcommand(
            Command::new("revoke")
                .about("Revoke a token; it is over when this returns")
                .arg(place("id", "ID", "tok_…, as listed")),
        )
}

pub(super) fn read(verb: &str, matches: &ArgMatches) -> Result<Asked, String> {
    let expires = maybe(matches, "expires");
    if let Some(text) = &expires {
        text.parse::<Ends>().map_err(|why| format!("--expires: {why}"))?;
    }
    Ok(Asked::Tokens(match verb {
        "create" => tokens::Command::Create {
            user: one(matches, "user"),
            name: one(matches, "name"),
            expires,
            projects: many(matches, "project"),
            scopes: many(matches, "scope"),
        },
        "list" => tokens::Command::List { user: maybe(matches, "user") },
        _ => tokens::Command::Revoke { id: one(matches, "id") },
    }))
}
