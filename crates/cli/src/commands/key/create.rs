//! `key create` and `key rotate`: the two commands that show a key, once.
//!
//! Standard output gets the key and a line feed and nothing else, as with `token create`.

use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_core::ends;
use hallpass_core::wire::keys::{CreatedKey, Key, NewKey};
use hallpass_core::wire::tokens::RotateToken;
use hallpass_core::{Scope, Timestamp};
use serde::Serialize;

use super::refused::refused;
use super::{find, place, place_of, session, text_of, which};
use crate::arguments::Globals;
use crate::commands::token::when;
use crate::commands::{retry, warn};
use crate::{Context, Exit, Failure, Output, layout, words};

const AFTER_CREATE: &str = "\
With --project ORG/PROJECT it is bound to that project and good nowhere else; with --org ORG it is \
an admin of the whole organization: use it sparingly. Without both it is the place that commands \
here are about (context show).

Only the key goes to standard output, so a script can put it into a variable. It is shown this \
once. A key acts for its place and not for a person: it stays when you leave, and ends with its \
project or organization.";

pub(super) fn command() -> Command {
    Command::new("create")
        .about("Make a key and print it, this once")
        .after_help(AFTER_CREATE)
        .arg(
            Arg::new("name")
                .required(true)
                .value_name("NAME")
                .help("What to call it: the program that uses it, for example"),
        )
        .arg(
            Arg::new("expires")
                .long("expires")
                .value_name("WHEN")
                .default_value("90d")
                .help("Like 30d from now, the last day like 2027-01-31, or never"),
        )
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .action(ArgAction::Append)
                .help("Good for this only, like project:read; may be repeated"),
        )
}

pub(super) fn rotate_command() -> Command {
    Command::new("rotate")
        .about("Put a new key in the place of one, and print it, this once")
        .arg(which().required(true))
        .arg(
            Arg::new("overlap")
                .long("overlap")
                .value_name("TIME")
                .help("How long the old one stays good beside it, like 7d [default: not at all]"),
        )
        .arg(
            Arg::new("expires")
                .long("expires")
                .value_name("WHEN")
                .help("When the new one ends, like 180d, 2027-01-31 or never [default: after as long as the old one]"),
        )
}

pub(super) fn create(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let help = || format!("{} key create --help", cx.program);
    let Some(place) = place(cx, globals, "create")? else {
        return Err(Failure::usage(
            "say whose key it is to be: --project ORG/PROJECT, or --org ORG for the whole organization",
            help(),
        ));
    };
    if place.project.is_none() && globals.org.is_none() {
        // It would be an admin of everything there: nobody gets one because of what was kept.
        let org = words::quoted(&place.org);
        return Err(Failure::usage(
            format!(
                "{} is what commands here are about, and a key of a whole organization is only made if you say so: --org, or --project for one project of it",
                place.org
            ),
            retry(cx, globals, &format!("key create NAME --org {org}")),
        ));
    }
    let scope = matches.get_many::<String>("scope").into_iter().flatten();
    let scope = scope.map(String::as_str).collect::<Vec<_>>().join(" ");
    let scope: Option<Scope> = match matches.contains_id("scope") {
        true => {
            let read = scope.parse();
            Some(read.map_err(|why| Failure::usage(format!("--scope: {why}"), help()))?)
        }
        false => None,
    };
    let name = text(matches, "name").to_owned();
    // What nobody said is the server's to choose: whoever ends earlier makes what ends with them.
    let expires_at = match matches.value_source("expires") {
        Some(ValueSource::DefaultValue) => None,
        _ => {
            let ends = when(cx, text(matches, "expires"), "create");
            Some(ends.map_err(|mut failure: Failure| {
                failure.next = help();
                failure
            })?)
        }
    };
    let session = session(cx, globals, "create")?;
    let made = session
        .create_key(place.place(), &NewKey { name: name.clone(), expires_at, scope })
        .map_err(|error| refused(&error, cx, globals, "create", &name))?;
    warn(out, &session.take_warnings());
    if !out.json {
        let paint = out.paint();
        let (name, place) =
            (paint.foreign(&made.key.name, 80), paint.foreign(&place_of(&made.key), 90));
        out.success(&format!("Made the key {name:?} of {place}"));
    }
    hand_over(out, &made).map_err(|failure| {
        // Nobody saw it, so nobody can use it, and nobody would miss it.
        let gone = session.revoke_key(&made.key.id).is_ok();
        lost(cx, globals, &made.key, failure, gone)
    })?;
    if !out.json {
        explain(cx, out, globals, session.server(), &made.key);
    }
    Ok(Exit::Usable)
}

pub(super) fn rotate(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let overlap = match matches.get_one::<String>("overlap") {
        None => Duration::ZERO,
        Some(word) => ends::span(word).map_err(|why| {
            let help = format!("{} key rotate --help", cx.program);
            Failure::usage(format!("{word:?} is no length of time: {why}"), help)
        })?,
    };
    let expires = matches.get_one::<String>("expires");
    let expires_at = expires.map(|word| when(cx, word, "rotate")).transpose();
    let expires_at = expires_at.map_err(|mut failure: Failure| {
        failure.next = format!("{} key rotate --help", cx.program);
        failure
    })?;
    let how = RotateToken { overlap_seconds: overlap.as_secs(), expires_at };
    let place = place(cx, globals, "rotate")?;
    let word = text(matches, "key");
    let session = session(cx, globals, "rotate")?;
    let old = find(cx, globals, &session, (word, place.as_ref()), "rotate")?;
    let made = session
        .rotate_key(&old.id, how)
        .map_err(|error| refused(&error, cx, globals, "rotate", word))?;
    warn(out, &session.take_warnings());
    if !out.json {
        let name = out.paint().foreign(&made.key.name, 80);
        let ends = old.expires_at;
        let old = out.paint().foreign(&text_of(&old), 40);
        out.success(&match overlap {
            Duration::ZERO => format!("Rotated {name:?}; the old one ({old}) has ended"),
            overlap => format!(
                "Rotated {name:?}; the old one ({old}) stays good for {}",
                words::duration(words::left(overlap, ends, cx.clock.now()))
            ),
        });
    }
    // The old one may have ended, so the new one is the only one there is: it stays.
    hand_over(out, &made).map_err(|failure| lost(cx, globals, &made.key, failure, false))?;
    if !out.json {
        explain(cx, out, globals, session.server(), &made.key);
    }
    Ok(Exit::Usable)
}

/// The key, on standard output.
fn hand_over(out: &mut Output<'_>, made: &CreatedKey) -> Result<(), Failure> {
    if out.json {
        return out.json(&View { schema_version: 1, made });
    }
    // Two writes, so that there is no second copy of the key to wipe.
    out.data(made.value.expose().as_bytes())?;
    out.data(b"\n")
}

/// Where it is good, until when, and how to end it.
fn explain(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals, server: &str, key: &Key) {
    let paint = out.paint();
    if out.terminal.streams.stdout {
        out.sentence("Copy it now: it is not shown again.");
    } else {
        out.sentence("It went to standard output, and is not shown again.");
    }
    out.gap();
    let place = paint.foreign(&place_of(key), 90);
    let only = match key.project {
        Some(_) => format!("{place}, and nowhere else"),
        None => format!("{place} and all of its projects, as an admin"),
    };
    let mut pairs = vec![("Good at", paint.foreign(server, 200)), ("Good in", only)];
    if let Some(scope) = &key.scope {
        pairs.push(("Only for", paint.foreign(&scope.to_string(), 1000)));
    }
    pairs.push(("Ends", ending(key.expires_at, cx.clock.now())));
    let id = paint.foreign(&key.id, 60);
    let revoke = retry(cx, globals, &format!("key revoke {id} --confirm"));
    pairs.push(("To end it", out.placed(&revoke)));
    let text = layout::fields(&pairs, out.terminal.width, paint);
    out.line(text.trim_end_matches('\n'));
}

fn ending(at: Option<Timestamp>, now: Timestamp) -> String {
    match at {
        Some(at) => format!("{} ({})", words::ends(at, now), at.to_human()),
        None => "not by itself".to_owned(),
    }
}

/// The key was made, and could not be written anywhere.
fn lost(cx: &Context<'_>, globals: &Globals, key: &Key, failure: Failure, gone: bool) -> Failure {
    let id = words::quoted(&hallpass_core::text::presentable(&key.id, 60));
    let mut failure = failure.aloud();
    if gone {
        failure.next = retry(cx, globals, "key list");
        failure.kept("Nobody saw the key, so it was revoked again.")
    } else {
        failure.next = retry(cx, globals, &format!("key rotate {id}"));
        failure.kept("The key was made all the same, and nobody saw it.")
    }
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

/// `key create --json` and `key rotate --json`: the one object that holds a key.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    #[serde(flatten)]
    made: &'a CreatedKey,
}
