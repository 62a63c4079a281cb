//! `admin legacy`: tokens of the system that was there before.

use std::fs::File;
use std::io::{self, Read};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgGroup, ArgMatches, Command};
use hallpass_core::ends::Ends;
use hallpass_server::admin::Command as Asked;
use hallpass_server::admin::command::legacy;

use super::words::{group, maybe, one, place, switch, text};

/// The private socket takes no more.
const MAX_FILE: u64 = 16 * 1024 * 1024;

pub(super) fn command() -> Command {
    group("legacy", "Tokens of the system that was there before")
        .subcommand(
            Command::new("import")
                .about("Take tokens over by their hashes, each for one project")
                .after_help(
                    "Columns and keys: hash (SHA-256, SHA-512, bcrypt or argon2id of the whole token), \
                     lookup and length for bcrypt and argon2id, name, created, owner, project, role. \
                     See docs/legacy-tokens.md.",
                )
                .arg(place(
                    "file",
                    "FILE",
                    "A hash on each line, CSV, or JSON lines; - for standard input",
                ))
                .arg(text("project", "ORG/PROJECT").help("For lines that name none"))
                .arg(
                    text("role", "ROLE")
                        .help("The most that they may do there [default: collaborator]"),
                )
                .arg(text("owner", "EMAIL|ID").help(
                    "Whose they are; they may do no more than their owner may [default: nobody's]",
                )),
        )
        .subcommand(
            Command::new("phase")
                .about("How far the move is; or begin the next phase, or say when it ends")
                .arg(
                    Arg::new("phase")
                        .value_name("A|B|C")
                        .value_parser(PossibleValuesParser::new(["A", "B", "C"]))
                        .ignore_case(true)
                        .help("A: announced; B: warned of; C: over, and only old tokens work on"),
                )
                .arg(
                    text("sunset", "DATE")
                        .help("When its tokens end, like 2027-06-30, 90d or never"),
                )
                .arg(switch("back", "Going back to an earlier phase, or to a later end, is meant")),
        )
        .subcommand(
            Command::new("report")
                .about("Which are still there, when they were used last, and from where")
                .arg(text("project", "ORG/PROJECT").help("Only of this project")),
        )
        .subcommand(
            Command::new("revoke")
                .about("Revoke one, or all of a project; it is over when this returns")
                .arg(Arg::new("id").value_name("ID").help("tok_…, as in the report"))
                .arg(text("project", "ORG/PROJECT").help("All of this project"))
                .group(ArgGroup::new("which").args(["id", "project"]).required(true)),
        )
}

pub(super) fn read(verb: &str, matches: &ArgMatches) -> Result<Asked, String> {
    Ok(Asked::Legacy(match verb {
        "import" => legacy::Command::Import {
            file: contents(&one(matches, "file"))?,
            project: maybe(matches, "project"),
            role: maybe(matches, "role"),
            owner: maybe(matches, "owner"),
        },
        "phase" => phase(matches)?,
        "report" => legacy::Command::Report { project: maybe(matches, "project") },
        _ => match maybe(matches, "project") {
            Some(project) => legacy::Command::RevokeProject { project },
            None => legacy::Command::Revoke { id: one(matches, "id") },
        },
    }))
}

fn phase(matches: &ArgMatches) -> Result<legacy::Command, String> {
    let phase = maybe(matches, "phase").map(|phase| phase.to_ascii_uppercase());
    let sunset = maybe(matches, "sunset");
    if let Some(text) = &sunset {
        text.parse::<Ends>().map_err(|why| format!("--sunset: {why}"))?;
    }
    if phase.is_none() && sunset.is_none() {
        return Ok(legacy::Command::Show);
    }
    Ok(legacy::Command::Phase { phase, sunset, back: matches.get_flag("back") })
}

fn contents(path: &str) -> Result<String, String> {
    let unread = |why: io::Error| format!("{path} cannot be read: {why}");
    let source: Box<dyn Read> = match path {
        "-" => Box::new(io::stdin().lock()),
        path => Box::new(File::open(path).map_err(unread)?),
    };
    let mut text = String::new();
    source.take(MAX_FILE + 1).read_to_string(&mut text).map_err(unread)?;
    if text.len() as u64 > MAX_FILE {
        return Err(format!("{path} is larger than {} MB; split it", MAX_FILE / (1024 * 1024)));
    }
    Ok(text)
}
