//! `trust add`: a policy from a line as GitHub writes subjects, or from conditions on claims.

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_core::Scope;
use hallpass_core::trust::{Condition, Platform, dangers};
use hallpass_core::wire::trust::{DangerSaid, NewTrustPolicy, TrustPolicy};
use serde::Serialize;

use super::{accept, danger, list, project, refused, session, values};
use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::{Context, Exit, Failure, Input, Output, words};

pub(super) fn command() -> Command {
    Command::new("add")
        .about("Let jobs into a project")
        .after_help(
            "For GitHub a line says it: repo:acme/warehouse:ref:refs/heads/main, or\n\
             repo:acme/warehouse:environment:production. It lets in both forms that GitHub\n\
             writes subjects in, and the id behind a name is pinned when it is first seen.\n\
             Other issuers: --issuer URL --condition project_path=acme/warehouse",
        )
        .arg(
            Arg::new("line")
                .value_name("LINE")
                .required_unless_present("condition")
                .help("repo:OWNER/REPOSITORY:ref:REF, or …:environment:NAME"),
        )
        .arg(
            Arg::new("allow")
                .long("allow")
                .value_name("PERMISSION")
                .required(true)
                .action(ArgAction::Append)
                .help("What a job may do, like project:read; may be repeated"),
        )
        .arg(
            Arg::new("condition")
                .long("condition")
                .value_name("CLAIM=VALUE")
                .action(ArgAction::Append)
                .help("A claim and its value; CLAIM~PATTERN for refs; may be repeated"),
        )
        .arg(
            Arg::new("issuer")
                .long("issuer")
                .value_name("URL")
                .help("Whose tokens, exactly [default: GitHub's]"),
        )
        .arg(
            Arg::new("platform")
                .long("platform")
                .value_name("NAME")
                .help("What the issuer is, if its address does not say: github, gitlab, …"),
        )
        .arg(
            Arg::new("ttl")
                .long("ttl")
                .value_name("TIME")
                .help("How long a pass is good for, like 5m [default: 15m, which is the longest]"),
        )
        .arg(
            Arg::new("no-pin")
                .long("no-pin")
                .action(ArgAction::SetTrue)
                .help("Go by names alone, whoever has them tomorrow"),
        )
        .arg(accept())
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let mut new = read(cx, matches)?;
    let place = project(cx, globals, "add")?;
    let help = format!("{} trust add --help", cx.program);
    let policy = new.policy(&place.name()).map_err(|why| Failure::usage(why, help))?;
    let found: Vec<DangerSaid> = dangers(&policy).into_iter().map(DangerSaid::from).collect();
    let accepted = danger::accepted(cx, values(matches, "accept"), "add")?;
    let again = again(cx, globals, matches, &place.name());
    new.accept = danger::agreed(cx, out, stdin, &found, accepted, &again)?;
    let session = session(cx, globals, "add")?;
    let made = session
        .add_trust(place.place(), &new)
        .map_err(|error| refused(&error, cx, globals, "add"))?;
    warn(out, &session.take_warnings());
    made_known(cx, out, globals, &made)?;
    Ok(Exit::Usable)
}

/// What the command line says, before anything is asked.
fn read(cx: &Context<'_>, matches: &ArgMatches) -> Result<NewTrustPolicy, Failure> {
    let help = || format!("{} trust add --help", cx.program);
    let text = |name| matches.get_one::<String>(name).cloned();
    let permissions = values(matches, "allow").collect::<Vec<_>>().join(" ");
    let permissions: Scope =
        permissions.parse().map_err(|why| Failure::usage(format!("--allow: {why}"), help()))?;
    let conditions = values(matches, "condition")
        .map(Condition::parse)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| Failure::usage(format!("--condition: {why}"), help()))?;
    let platform = text("platform").map(|name| {
        Platform::from_name(&name).ok_or_else(|| {
            let all: Vec<_> = Platform::ALL.iter().map(|it| it.as_str()).collect();
            Failure::usage(format!("--platform is one of {}", all.join(", ")), help())
        })
    });
    let ttl = text("ttl").map(|text| {
        seconds(&text)
            .ok_or_else(|| Failure::usage(format!("--ttl takes 1m to 15m, not {text:?}"), help()))
    });
    Ok(NewTrustPolicy {
        line: text("line"),
        issuer: text("issuer"),
        platform: platform.transpose()?,
        conditions,
        pins: Vec::new(),
        pin_first_use: matches.get_flag("no-pin").then_some(false),
        permissions,
        ttl_seconds: ttl.transpose()?,
        accept: Vec::new(),
    })
}

/// `5m`, `90s`.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix('m') {
        Some(number) => (number, 60),
        None => (text.strip_suffix('s')?, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|secs| (60..=900).contains(secs))
}

/// The command line to type again.
fn again(cx: &Context<'_>, globals: &Globals, matches: &ArgMatches, project: &str) -> String {
    let mut command = "trust add".to_owned();
    if let Some(line) = matches.get_one::<String>("line") {
        command.push_str(&format!(" {}", words::quoted(line)));
    }
    for name in ["issuer", "platform", "condition", "allow", "ttl", "accept"] {
        for value in values(matches, name) {
            command.push_str(&format!(" --{name} {}", words::quoted(value)));
        }
    }
    if matches.get_flag("no-pin") {
        command.push_str(" --no-pin");
    }
    retry(cx, globals, &format!("{command} --project {}", words::quoted(project)))
}

/// Tells a policy that was made.
pub(super) fn made_known(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    made: &TrustPolicy,
) -> Result<(), Failure> {
    if out.json {
        return out.json(&View { schema_version: 1, made });
    }
    let paint = out.paint();
    out.success(&paint.foreign(&made.sentence, 2_000));
    let id = paint.foreign(&made.id, 60);
    if let Some(it) = &made.keys_unknown {
        let why = list::no_keys(made, it, paint);
        out.warning(&format!("it is made, and lets nobody in yet: {why}"));
    }
    out.sentence(&format!(
        "A pass is good for {}. To end this, and every pass of it:",
        words::duration(std::time::Duration::from_secs(made.ttl_seconds))
    ));
    out.next(&retry(cx, globals, &format!("trust remove {id} --confirm")));
    Ok(())
}

/// `trust add --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    #[serde(flatten)]
    made: &'a TrustPolicy,
}
