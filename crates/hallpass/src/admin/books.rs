//! `admin signing-keys` and `admin audit`: what the server keeps books on.

use clap::{Arg, ArgMatches, Command, value_parser};
use hallpass_server::admin::Command as Asked;

use super::words::{group, switch};

pub(super) fn signing_keys() -> Command {
    group("signing-keys", "Keys that sign tokens")
        .subcommand(
            Command::new("rotate")
                .about("Make the next ones; they sign after the usual time of publication")
                .arg(switch("now", "Sign with them at once: a key has leaked")),
        )
        .subcommand(Command::new("list").about("All signing keys"))
}

pub(super) fn read_signing_keys(verb: &str, matches: &ArgMatches) -> Asked {
    match verb {
        "rotate" => Asked::SigningKeysRotate { now: matches.get_flag("now") },
        _ => Asked::SigningKeysList,
    }
}

pub(super) fn audit() -> Command {
    group("audit", "The log of changes").subcommand(
        Command::new("list").about("Its newest rows").arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=10_000))
                .default_value("50")
                .help("How many"),
        ),
    )
}

pub(super) fn read_audit(matches: &ArgMatches) -> Asked {
    Asked::AuditList { limit: matches.get_one("limit").copied().unwrap_or(50) }
}
