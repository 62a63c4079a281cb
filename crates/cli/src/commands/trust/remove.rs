//! `trust remove`: ends a policy and every pass of it. Without `--confirm` it says so, and does
//! nothing.

use clap::{ArgMatches, Command};
use hallpass_core::wire::trust::TrustPolicy;
use serde::Serialize;

use super::{refused, session};
use crate::arguments::Globals;
use crate::commands::{confirm, confirmed, needed, warn};
use crate::{Context, Exit, Failure, Output, words};

pub(super) fn command() -> Command {
    Command::new("remove")
        .about("Let jobs in no more; their passes are refused everywhere when this returns")
        .arg(needed("id", "ID", "The policy: trp_…"))
        .arg(confirm())
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let id = matches.get_one::<String>("id").map_or("", String::as_str);
    let session = session(cx, globals, "remove")?;
    let refuse = |error| refused(&error, cx, globals, "remove");
    let policy = session.trust_policy(id).map_err(refuse)?;
    let paint = out.paint();
    let sentence = paint.foreign(policy.sentence.trim_end_matches('.'), 2_000);
    let used = match policy.last_used_at {
        Some(at) => format!("last used {}", words::ago(at, cx.clock.now())),
        None => "never used".to_owned(),
    };
    let what = format!("this would end \"{sentence}\", {used}, and every pass of it");
    let id = words::quoted(&hallpass_core::text::presentable(&policy.id, 60));
    confirmed(cx, globals, matches, &what, &format!("trust remove {id}"))?;
    session.remove_trust(&policy.id).map_err(refuse)?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, removed: &policy })?;
    } else {
        out.success("Removed, and every pass of it has ended.");
        out.sentence(&format!("It said: {sentence}."));
    }
    Ok(Exit::Usable)
}

/// `trust remove --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    removed: &'a TrustPolicy,
}
