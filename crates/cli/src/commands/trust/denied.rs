//! `trust denied`: exchanges that were not let in; one of them with every policy and every
//! condition, and the least rule that would have let it in.

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::keys::Place;
use hallpass_core::wire::trust::{DeniedExchange, DeniedExplained, NewTrustPolicy};
use serde::Serialize;

use super::{accept, add, checks, danger, from, place, refused, session, values};
use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::{Context, Exit, Failure, Input, Output, layout, words};

pub(super) fn command() -> Command {
    Command::new("denied")
        .about("Jobs that were not let in; with an ID, why not")
        .arg(Arg::new("id").value_name("ID").help("One of them: trd_…"))
        .arg(
            Arg::new("allow")
                .long("allow")
                .action(ArgAction::SetTrue)
                .requires("id")
                .help("Make the least policy that would have let it in"),
        )
        .arg(accept().requires("allow"))
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    match matches.get_one::<String>("id") {
        None => list(cx, out, globals),
        Some(id) => one(cx, out, stdin, globals, (id, matches)),
    }
}

fn list(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals) -> Result<Exit, Failure> {
    let place = place(cx, globals, "denied")?;
    let session = session(cx, globals, "denied")?;
    let items =
        session.denied(place.place()).map_err(|error| refused(&error, cx, globals, "denied"))?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&Listed { schema_version: 1, items: &items })?;
        return Ok(Exit::Usable);
    }
    let Some(newest) = items.first() else {
        let name = out.paint().foreign(&place.name(), 120);
        out.sentence(&format!("No job was denied at {name} in the last 30 days."));
        return Ok(Exit::Usable);
    };
    if !out.terminal.streams.stdout {
        for it in &items {
            let at = it.at.to_string();
            let fields = [&it.id, &at, &it.who, &it.why];
            let fields = fields.map(|field| hallpass_core::text::presentable(field, 1_000));
            out.data(format!("{}\n", fields.join("\t")).as_bytes())?;
        }
        return Ok(Exit::Usable);
    }
    for it in &items {
        headline(cx, out, it);
    }
    let id = words::quoted(&hallpass_core::text::presentable(&newest.id, 60));
    out.next(&retry(cx, globals, &format!("trust denied {id}")));
    Ok(Exit::Usable)
}

fn headline(cx: &Context<'_>, out: &mut Output<'_>, it: &DeniedExchange) {
    let paint = out.paint();
    let width = out.terminal.width;
    let times = if it.count > 1 { format!(", {} times", it.count) } else { String::new() };
    let line = format!(
        "{} {}, {}{}{times}: {}",
        paint.foreign(&it.id, 60),
        words::ago(it.at, cx.clock.now()),
        paint.foreign(&it.who, 400),
        from(&it.issuer, paint),
        paint.foreign(&it.why, 600)
    );
    out.line(&layout::wrap(&line, width, "", "  "));
    if it.alarm {
        out.warning("a name came back with another id: it may belong to somebody else now");
    }
}

fn one(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    (id, matches): (&str, &ArgMatches),
) -> Result<Exit, Failure> {
    let session = session(cx, globals, "denied")?;
    let refuse = |error| refused(&error, cx, globals, "denied");
    let explained = session.denied_explained(id).map_err(refuse)?;
    warn(out, &session.take_warnings());
    let id = words::quoted(&hallpass_core::text::presentable(&explained.denied.id, 60));
    let allow = format!("trust denied {id} --allow");
    if !matches.get_flag("allow") {
        if out.json {
            out.json(&One { schema_version: 1, explained: &explained })?;
        } else {
            tell(cx, out, &explained);
            if explained.policies.iter().any(|policy| !policy.changed.is_empty()) {
                out.next(&retry(cx, globals, &format!("trust repin {id}")));
            } else if explained.least.is_some() {
                out.next(&retry(cx, globals, &allow));
            }
        }
        return Ok(Exit::Usable);
    }
    let Some(least) = &explained.least else {
        return Err(Failure::new(
            Exit::Other,
            "no_rule",
            match explained.settled {
                true => "its name goes with another id by now, so there is nothing to be let in",
                false => "no policy would have let it in: something is wrong with the token itself",
            },
            retry(cx, globals, &format!("trust denied {id}")),
        )
        .kept("Nothing was changed."));
    };
    let accepted = danger::accepted(cx, values(matches, "accept"), "denied")?;
    let again = retry(cx, globals, &allow);
    let accept = danger::agreed(cx, out, stdin, &least.dangers, accepted, &again)?;
    let policy = NewTrustPolicy { accept, ..least.policy.clone() };
    let (org, project) = least.project.split_once('/').unwrap_or(("", &least.project));
    let place = Place { org, project: Some(project) };
    let made = session.add_trust(place, &policy).map_err(refuse)?;
    add::made_known(cx, out, globals, &made)?;
    Ok(Exit::Usable)
}

fn tell(cx: &Context<'_>, out: &mut Output<'_>, explained: &DeniedExplained) {
    let paint = out.paint();
    let width = out.terminal.width;
    headline(cx, out, &explained.denied);
    if explained.policies.is_empty() {
        out.sentence("There is no policy here.");
    }
    for policy in &explained.policies {
        out.gap();
        let id = paint.foreign(&policy.id, 60);
        let sentence = paint.foreign(&policy.sentence, 2_000);
        out.line(&layout::wrap(&format!("{id}: {sentence}"), width, "  ", "    "));
        checks::tell(out, &policy.checks);
    }
    // What changed is to be said yes or no to, not to be gone around.
    if explained.policies.iter().any(|policy| !policy.changed.is_empty()) {
        return;
    }
    out.gap();
    match &explained.least {
        Some(least) => {
            out.sentence("The least policy that would have let it in:");
            let sentence = paint.foreign(&least.sentence, 2_000);
            out.line(&layout::wrap(&sentence, width, "  ", "  "));
            for danger in &least.dangers {
                out.warning(&danger.says);
            }
        }
        None if explained.settled => out.sentence(
            "Its name goes with another id by now, so there is nothing to be let in. If it comes \
             again, it is an alarm again.",
        ),
        None => out.sentence("There is no rule that would let it in as it came."),
    }
}

/// `trust denied --json`.
#[derive(Serialize)]
struct Listed<'a> {
    schema_version: u32,
    items: &'a [DeniedExchange],
}

/// `trust denied ID --json`.
#[derive(Serialize)]
struct One<'a> {
    schema_version: u32,
    #[serde(flatten)]
    explained: &'a DeniedExplained,
}
