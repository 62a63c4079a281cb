//! `trust repin`: a name that came back with another id is let in with that one from now on.
//! Without `--confirm` it says what has changed, and does nothing.

use clap::{ArgMatches, Command};
use hallpass_core::trust::Changed;
use hallpass_core::wire::trust::{PolicyExplained, TrustPolicy};
use serde::Serialize;

use super::{refused, session};
use crate::arguments::Globals;
use crate::commands::{confirm, confirmed, needed, retry, warn};
use crate::paint::Paint;
use crate::{Context, Exit, Failure, Output, words};

pub(super) fn command() -> Command {
    Command::new("repin")
        .about("Let a job in whose name came back with another id, if you know that it is yours")
        .arg(needed("id", "ID", "The denied job: trd_…"))
        .arg(confirm())
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let id = matches.get_one::<String>("id").map_or("", String::as_str);
    let session = session(cx, globals, "repin")?;
    let refuse = |error| refused(&error, cx, globals, "repin");
    let explained = session.denied_explained(id).map_err(refuse)?;
    let id = words::quoted(&hallpass_core::text::presentable(&explained.denied.id, 60));
    let of = |policy: &'_ PolicyExplained| -> Vec<(String, Changed)> {
        policy.changed.iter().map(|changed| (policy.id.clone(), changed.clone())).collect()
    };
    let changes: Vec<(String, Changed)> = explained.policies.iter().flat_map(of).collect();
    if changes.is_empty() {
        return Err(Failure::new(
            Exit::Other,
            "nothing_changed",
            match explained.settled {
                true => "its name goes with another id by now, so there is nothing to be let in",
                false => "no policy pins another id than those that this job brought",
            },
            retry(cx, globals, &format!("trust denied {id}")),
        )
        .kept("Nothing was changed."));
    }
    let told: Vec<String> = changes.iter().map(|(_, it)| change(it, out.paint())).collect();
    let what = format!(
        "{}; this would let in the new one, refuse the old one, and end every pass of the policy",
        told.join("; ")
    );
    confirmed(cx, globals, matches, &what, &format!("trust repin {id}"))?;
    let mut repinned = Vec::new();
    for (policy, changed) in &changes {
        repinned.push(session.repin_trust(policy, changed).map_err(refuse)?);
    }
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, repinned: &repinned })?;
        return Ok(Exit::Usable);
    }
    out.success("The new id counts from now on, and every earlier pass has ended.");
    for told in &told {
        out.sentence(&format!("{told}."));
    }
    for policy in &repinned {
        let sentence = out.paint().foreign(policy.sentence.trim_end_matches('.'), 2_000);
        out.sentence(&format!("{sentence}."));
    }
    Ok(Exit::Usable)
}

/// `acme/warehouse had repository_id 200 when it was pinned, and came back with 201`
fn change(it: &Changed, paint: Paint) -> String {
    let shown = |text: &str| paint.foreign(text, 200);
    format!(
        "{} had {} {} when it was pinned, and came back with {}",
        shown(&it.name),
        shown(&it.id_claim),
        shown(&it.pinned),
        shown(&it.found)
    )
}

/// `trust repin --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    repinned: &'a [TrustPolicy],
}
