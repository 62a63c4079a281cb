//! `key revoke`: by id, by name, or by the text of the key, which comes from standard input or a
//! file. Without `--confirm` it says what would happen, and does nothing.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hallpass_core::Secret;
use hallpass_core::wire::keys::Key;
use serde::Serialize;

use super::refused::{refused, unknown};
use super::{find, place, place_of, session, text_of, which};
use crate::arguments::Globals;
use crate::commands::login::token;
use crate::commands::{confirm, confirmed, retry, warn};
use crate::{Context, Exit, Failure, Input, Output, own, words};

pub(super) fn command() -> Command {
    Command::new("revoke")
        .about("End a key; it is refused everywhere when this returns")
        .arg(which().required_unless_present_any(["key-stdin", "key-file"]))
        .arg(
            Arg::new("key-stdin")
                .long("key-stdin")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["key", "key-file"])
                .help("The key itself comes from standard input"),
        )
        .arg(
            Arg::new("key-file")
                .long("key-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with("key")
                .help("The key itself is in this file"),
        )
        .arg(confirm())
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let place = place(cx, globals, "revoke")?;
    let text = value(cx, out, stdin, globals, matches)?;
    let session = session(cx, globals, "revoke")?;
    let word = matches.get_one::<String>("key").map_or("", String::as_str);
    let key = match &text {
        None => find(cx, globals, &session, (word, place.as_ref()), "revoke")?,
        Some(text) => session.key_by_text(text).map_err(|error| match error {
            hallpass_client::Error::Problem { status: 404, .. } => {
                unknown(cx, globals, "with this text")
            }
            error => refused(&error, cx, globals, "revoke", "with this text"),
        })?,
    };
    let paint = out.paint();
    let name = paint.foreign(&key.name, 80);
    let shown = paint.foreign(&text_of(&key), 40);
    let place = paint.foreign(&place_of(&key), 90);
    let used = match key.last_used_at {
        Some(at) => format!("last used {}", words::ago(at, cx.clock.now())),
        None => "never used".to_owned(),
    };
    let what = format!(
        "this would end {name:?} ({shown}) of {place}, {used}: whatever uses it is refused at once, and it cannot be undone"
    );
    let again = format!("key revoke {}", paint.foreign(&key.id, 60));
    confirmed(cx, globals, matches, &what, &again)?;
    session.revoke_key(&key.id).map_err(|error| refused(&error, cx, globals, "revoke", &key.id))?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, revoked: &key })?;
    } else {
        out.success(&format!("Revoked {name:?} ({shown}) of {place}"));
    }
    Ok(Exit::Usable)
}

/// The text of a key, if the key is named by that.
fn value(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Option<Secret>, Failure> {
    let again = retry(cx, globals, "key revoke --key-stdin --confirm");
    let from = match (matches.get_flag("key-stdin"), matches.get_one::<PathBuf>("key-file")) {
        (true, _) => token::From::Stdin,
        (false, Some(path)) => token::From::File(path.clone()),
        (false, None) => {
            let word = matches.get_one::<String>("key").map_or("", String::as_str);
            if !is_secret(cx, word) {
                return Ok(None);
            }
            if cx.brand.keys.revoke_by_value {
                out.warning(&own::in_argv("a key"));
                return Ok(Some(Secret::new(word)));
            }
            return Err(Failure::usage(
                "that is a key itself, and the shell's history has it now; name it by its id, or hand \
                 it in through standard input, and revoke it",
                again,
            ));
        }
    };
    let terminal = out.terminal.streams.stdin;
    token::read(cx, stdin, terminal, &from, &again).map(Some)
}

/// Whoever has a leaked key at hand pastes it.
fn is_secret(cx: &Context<'_>, word: &str) -> bool {
    let bodies = cx.brand.prefixes().into_iter().filter_map(|prefix| word.strip_prefix(prefix));
    bodies.into_iter().any(|body| body.len() >= 20)
}

/// `key revoke --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    revoked: &'a Key,
}
