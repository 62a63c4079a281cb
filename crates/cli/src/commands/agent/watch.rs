//! `agent approvals watch`: tells of each question as it is asked, and hands it to a program.
//!
//! The program is this person's own, from their command line. It reads the question as JSON from
//! its standard input: what an agent wrote stands in no command line, and no shell reads it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};
use hallpass_client::{Error, Session};
use hallpass_core::wire::approvals::{Approval, ApprovalState};
use serde::Serialize;

use super::approvals::render;
use super::{child, refused};
use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::{Context, Exit, Failure, Output};

/// How often the server is asked.
const PAUSE: Duration = Duration::from_secs(3);

pub(super) fn command() -> Command {
    Command::new("watch")
        .about("Tell of each question as it is asked, until Ctrl-C")
        .after_help(
            "With -- CMD, that is run once for each question, one after the other. It reads the\n\
             question as JSON from standard input; nothing of it is in its command line.",
        )
        .arg(
            Arg::new("command")
                .last(true)
                .num_args(1..)
                .value_name("CMD")
                .value_parser(value_parser!(OsString))
                .help("A program that is told too, and its arguments"),
        )
}

/// One question, as a program reads it.
#[derive(Serialize)]
struct Asked<'a> {
    schema_version: u32,
    #[serde(flatten)]
    approval: &'a Approval,
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    session: &Session,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let words: Vec<OsString> =
        matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect();
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut out_of_reach = false;
    out.sentence("Waiting for what agents ask; Ctrl-C ends it.");
    loop {
        match session.approvals() {
            Ok(items) => {
                out_of_reach = false;
                warn(out, &session.take_warnings());
                for item in items.iter().filter(|it| it.state == ApprovalState::Pending) {
                    if told.contains(&item.id) {
                        continue;
                    }
                    tell(cx, out, item)?;
                    if !words.is_empty() {
                        hand(cx, out, globals, &words, item)?;
                    }
                }
                told = items.into_iter().map(|it| it.id).collect();
            }
            // It may come back; who waits is told once.
            Err(error @ (Error::Http(_) | Error::Busy)) => {
                if !out_of_reach {
                    out.warning(&format!("{error}; waiting for it"));
                }
                out_of_reach = true;
            }
            Err(error) => return Err(refused(&error, cx, globals, "approvals")),
        }
        std::thread::sleep(PAUSE);
    }
}

fn tell(cx: &Context<'_>, out: &mut Output<'_>, item: &Approval) -> Result<(), Failure> {
    if out.json {
        return out.json(&Asked { schema_version: 1, approval: item });
    }
    let text = render(std::slice::from_ref(item), cx.clock.now(), &out.terminal);
    out.data(text.as_bytes())
}

/// Runs the program for one question, until it ends.
fn hand(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    words: &[OsString],
    item: &Approval,
) -> Result<(), Failure> {
    let asked = Asked { schema_version: 1, approval: item };
    let text = serde_json::to_vec(&asked).unwrap_or_default();
    let mut command = child::command(words);
    let name = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    let name = out.paint().foreign(&name, 200);
    let mut program = command.stdin(Stdio::piped()).spawn().map_err(|error| {
        let what = format!("{name} cannot be run: {error}");
        let next = retry(cx, globals, "agent approvals watch --help");
        Failure::new(Exit::Child(child::not_run(&error)), "not_run", what, next)
            .kept("Nothing was decided.")
    })?;
    if let Some(mut pipe) = program.stdin.take() {
        // Whoever does not read it does not want it.
        let _ = pipe.write_all(&text);
    }
    match program.wait() {
        Ok(status) if status.success() => {}
        Ok(status) => out.warning(&format!("{name} failed ({status})")),
        Err(error) => out.warning(&format!("{name} cannot be waited for: {error}")),
    }
    Ok(())
}
