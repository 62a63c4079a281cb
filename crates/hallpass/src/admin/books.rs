//! `admin signing-keys` and `admin audit`: what the server keeps books on.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};
use hallpass_core::Timestamp;
use hallpass_server::admin::command::books::{Answer as Books, Command as Asks, Position};
use hallpass_server::admin::{self, Answer, Command as Asked, verify};
use hallpass_server::serve::Failure;
use serde_json::json;

use super::print;
use super::words::{group, maybe, switch, text};
use crate::{settings, system};

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

pub(super) fn secrets() -> Command {
    group("secrets", "What people keep for their agents").subcommand(
        Command::new("rotate").about("Seal all of it anew, under the next generation of the key"),
    )
}

pub(super) fn audit() -> Command {
    let format = text("format", "FORMAT")
        .value_parser(["ndjson", "csv"])
        .default_value("ndjson")
        .help("Lines that prove themselves, or a table for a spreadsheet");
    group("audit", "The log of changes")
        .subcommand(
            Command::new("list").about("Its newest rows").arg(
                Arg::new("limit")
                    .long("limit")
                    .value_name("N")
                    .value_parser(value_parser!(u32).range(1..=10_000))
                    .default_value("50")
                    .help("How many"),
            ),
        )
        .subcommand(
            Command::new("export")
                .about("Write it to standard output; verify proves it")
                .arg(text("since", "WHEN").help("From this day or RFC 3339 time on"))
                .arg(text("until", "WHEN").help("Up to this day or RFC 3339 time"))
                .arg(format),
        )
        .subcommand(
            Command::new("verify")
                .about("Prove an exported log: no server or database is needed")
                .arg(
                    Arg::new("file")
                        .value_name("FILE")
                        .default_value("-")
                        .help("What export wrote; - is standard input"),
                )
                .arg(text("key", "FILE").help(
                    "The keys to trust, as \"audit keys\" printed them [default: those in the log]",
                )),
        )
        .subcommand(
            Command::new("keys")
                .about("The public keys that prove it, to be kept elsewhere")
                .subcommand(Command::new("rotate").about(
                    "Make another one, which signs from now on; the log announces it under the one before",
                )),
        )
}

pub(super) fn read_audit(verb: &str, matches: &ArgMatches) -> Result<Asked, String> {
    Ok(match verb {
        "export" => {
            let (since, until) = (when(matches, "since")?, when(matches, "until")?);
            Asked::Books(Asks::Export(match maybe(matches, "format").as_deref() {
                Some("csv") => Position::Csv { since, until, before: None },
                _ => Position::Whole { since, until },
            }))
        }
        "keys" if matches.subcommand_matches("rotate").is_some() => Asked::Books(Asks::RotateKey),
        "keys" => Asked::Books(Asks::Keys),
        _ => Asked::AuditList { limit: matches.get_one("limit").copied().unwrap_or(50) },
    })
}

/// A day is meant whole.
fn when(matches: &ArgMatches, name: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = maybe(matches, name) else { return Ok(None) };
    let at = Timestamp::parse(&text).ok_or_else(|| {
        format!("--{name}: {text:?} is no time; write a day as 2026-04-18 or a time as 2026-04-18T10:00:00Z")
    })?;
    let whole_day = name == "until" && text.len() == 10;
    let last = std::time::Duration::from_millis(24 * 3600 * 1000 - 1);
    Ok(Some(if whole_day { at + last } else { at }))
}

/// Exports portion by portion, so that nothing grows with the log.
pub(super) fn export(matches: &ArgMatches, mut position: Position) -> ExitCode {
    let layers = match settings::layers(matches) {
        Ok(layers) => layers,
        Err(error) => return super::failed(&Failure::from(error), matches),
    };
    loop {
        let asked = Asked::Books(Asks::Export(position));
        let portion = match admin::run(&layers, system::data_dir(), asked) {
            Ok(Answer::Books(Books::Portion(portion))) => portion,
            Ok(_) => return ExitCode::FAILURE,
            Err(failure) => return super::failed(&failure, matches),
        };
        let written = io::stdout().lock().write_all(portion.text.as_bytes());
        if written.is_err() {
            return print::ended(written);
        }
        match portion.next {
            Some(next) => position = next,
            None => return ExitCode::SUCCESS,
        }
    }
}

/// `admin audit verify`: 0 if everything in the file is proved that is sealed, 1 if something is
/// wrong with it or none of its rows is sealed, 2 if it cannot be read or is no whole export.
pub(super) fn verify(matches: &ArgMatches) -> ExitCode {
    match proven(matches) {
        Err(why) => super::refuse(&why, matches),
        Ok(Err(bad)) => {
            let why = format!(
                "the log is not as it was sealed: {bad}.\nWhat stands before that line is proved up to the last checkpoint there."
            );
            super::told("changed", &why, 1, matches)
        }
        Ok(Ok(proven)) if proven.rows.is_none() && proven.unsealed > 0 => {
            let rows = proven.unsealed;
            let why = format!(
                "nothing is proved: none of its {rows} rows is sealed yet; export it again where its server runs, which seals first"
            );
            super::told("not_sealed", &why, 1, matches)
        }
        Ok(Ok(proven)) => print::out(&told(&proven, matches.get_flag("json")), ""),
    }
}

fn proven(matches: &ArgMatches) -> Result<Result<verify::Proven, verify::Bad>, String> {
    let said = |path: &str, why: verify::Unproved| format!("{path} {why}");
    let pinned = match maybe(matches, "key") {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|why| said(&path, why.into()))?;
            let keys = verify::keys(&text).ok_or_else(|| {
                format!("{path} holds no keys; write there what \"admin audit keys\" prints")
            })?;
            Some(keys)
        }
    };
    let path = maybe(matches, "file").unwrap_or_default();
    let read = if path == "-" {
        verify::verify(io::stdin().lock(), pinned)
    } else {
        let file = File::open(&path).map_err(|why| said(&path, why.into()))?;
        verify::verify(BufReader::new(file), pinned)
    };
    read.map_err(|why| said(&path, why))
}

fn told(proven: &verify::Proven, as_json: bool) -> String {
    if as_json {
        let (first, last) = proven.rows.unzip();
        let json = json!({
            "first": first, "last": last, "checkpoints": proven.checkpoints,
            "signed_at": proven.signed_at, "keys": proven.keys, "pinned": proven.pinned,
            "announced": proven.announced, "unsealed": proven.unsealed,
            "first_unsealed": proven.first_unsealed,
        });
        return format!("{json}\n");
    }
    let mut text = match (proven.rows, &proven.signed_at) {
        (Some((first, last)), Some(at)) => format!(
            "Rows {first} to {last} are whole, in order and unchanged: {} checkpoints, the last of {at}.\n",
            proven.checkpoints
        ),
        _ => "There are no sealed rows in it: nothing is proved.\n".to_owned(),
    };
    if proven.rows.is_some() {
        let keys = proven.keys.join(" and ");
        text.push_str(&if proven.pinned && proven.announced.is_empty() {
            format!("Signed by {keys}, which you trust.\n")
        } else if proven.pinned {
            let announced = proven.announced.join(" and ");
            format!(
                "Signed by {keys}. You trust the first; {announced} was announced in the log under a key that you trust. Keep it too: hallpass admin audit keys.\n"
            )
        } else {
            format!(
                "Signed by {keys}, which came with the file: compare it with the key that you kept, with --key FILE.\n"
            )
        });
    }
    if let Some(first) = &proven.first_unsealed {
        let count = proven.unsealed;
        text.push_str(&format!("{count} rows after that are not sealed yet, from {first} on: nothing is proved of them.\n"));
    }
    text
}
