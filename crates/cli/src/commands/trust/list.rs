//! `trust list`: what each policy allows, in a sentence, and what is dangerous about it.

use clap::{ArgMatches, Command};
use hallpass_core::wire::trust::{KeysUnknown, TrustPolicy};
use serde::Serialize;

use super::{from, place, refused, session};
use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::paint::Paint;
use crate::{Context, Exit, Failure, Output, layout, words};

pub(super) fn command() -> Command {
    Command::new("list").about("What jobs may do here, and what is dangerous about it")
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    _: &ArgMatches,
) -> Result<Exit, Failure> {
    let place = place(cx, globals, "list")?;
    let session = session(cx, globals, "list")?;
    let items =
        session.trust(place.place()).map_err(|error| refused(&error, cx, globals, "list"))?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, items: &items })?;
        return Ok(Exit::Usable);
    }
    if items.is_empty() {
        let name = out.paint().foreign(&place.name(), 120);
        out.sentence(&format!("No job is let into {name}."));
        let add = "trust add repo:OWNER/REPOSITORY:ref:refs/heads/main --allow PERMISSION";
        out.next(&retry(cx, globals, &format!("{add} --project ORG/PROJECT")));
        return Ok(Exit::Usable);
    }
    if out.terminal.streams.stdout {
        for policy in &items {
            tell(cx, out, policy);
        }
        return Ok(Exit::Usable);
    }
    for policy in &items {
        let dangers: Vec<_> = policy.dangers.iter().map(|it| it.danger.as_str()).collect();
        let place = format!("{}/{}", policy.org, policy.project);
        let fields = [&policy.id, &place, &policy.sentence, &dangers.join(",")];
        let fields = fields.map(|field| hallpass_core::text::presentable(field, 2_000));
        out.data(format!("{}\n", fields.join("\t")).as_bytes())?;
    }
    Ok(Exit::Usable)
}

fn tell(cx: &Context<'_>, out: &mut Output<'_>, policy: &TrustPolicy) {
    let paint = out.paint();
    let now = cx.clock.now();
    let width = out.terminal.width;
    out.line(&layout::wrap(&paint.foreign(&policy.sentence, 2_000), width, "", "  "));
    let used = match policy.last_used_at {
        Some(at) => format!("last used {}", words::ago(at, now)),
        None => "never used".to_owned(),
    };
    let by = policy.creator.as_deref().unwrap_or(&policy.created_by);
    let line = format!(
        "{}{}, made {} by {}, {used}",
        paint.foreign(&policy.id, 60),
        from(&policy.issuer, paint),
        words::ago(policy.created_at, now),
        paint.foreign(by, 320)
    );
    out.line(&layout::wrap(&line, width, "  ", "  "));
    for danger in &policy.dangers {
        out.warning(&danger.says);
    }
    if let Some(it) = &policy.keys_unknown {
        out.warning(&format!("it lets nobody in now: {}", no_keys(policy, it, out.paint())));
    }
}

/// The keys of a policy's issuer cannot be had, in words.
pub(super) fn no_keys(policy: &TrustPolicy, it: &KeysUnknown, paint: Paint) -> String {
    let (issuer, why) = (paint.foreign(&policy.issuer, 300), paint.foreign(&it.why, 300));
    format!("the keys of {issuer} could not be fetched: {why}")
}

/// `trust list --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: &'a [TrustPolicy],
}
