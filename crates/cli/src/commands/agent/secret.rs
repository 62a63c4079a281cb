//! `agent secret`: what agents may know. Their owner sets and removes, and never sees a value
//! again; inside an agent, `get` prints one.

use clap::{Arg, ArgMatches, Command};
use hallpass_core::Secret;
use hallpass_core::wire::agents::{AgentSecret, AgentSecretValue, LONGEST_SECRET, SecretOf};
use serde::Serialize;

use super::{inside, list, refused};
use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::tree::Below;
use crate::{Context, Exit, Failure, Input, Output, words};

/// The server takes no larger secret.
pub(super) const LIMIT: u64 = LONGEST_SECRET as u64;
/// How much of one is read: with the end of its line, and one byte more says that it is too long.
pub(super) const READ: u64 = LIMIT + 2;

pub(super) fn command() -> Command {
    Command::new("secret")
        .about("What agents may know: set, list, remove; inside an agent, get")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("set")
                .about("Keep a secret from standard input or a hidden prompt")
                .after_help("Without --agent or --run it is for your agents in --project.")
                .arg(name())
                .args(of()),
        )
        .subcommand(Command::new("list").about("Names, for whom, and when they were read"))
        .subcommand(Command::new("remove").about("Take one away").arg(name()).args(of()))
        .subcommand(Command::new("get").about("Inside an agent: print one of its own").arg(name()))
}

fn name() -> Arg {
    Arg::new("name").required(true).value_name("NAME").help("What it is called")
}

fn of() -> [Arg; 2] {
    [
        Arg::new("agent").long("agent").value_name("NAME").help("For agents that are called so"),
        Arg::new("run")
            .long("run")
            .value_name("ID")
            .conflicts_with("agent")
            .help("For this one agent alone"),
    ]
}

#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: &'a [AgentSecret],
}

/// `agent secret set --json`, `remove --json`.
#[derive(Serialize)]
struct Changed<'a> {
    schema_version: u32,
    state: &'static str,
    of: &'a SecretOf,
    name: &'a str,
}

/// `agent secret get --json`.
#[derive(Serialize)]
struct Read<'a> {
    schema_version: u32,
    #[serde(flatten)]
    secret: &'a AgentSecretValue,
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let Some((verb, Below { matches, .. })) = below.next() else {
        let next = format!("{} agent secret --help", cx.program);
        return Err(Failure::usage("no command was given", next));
    };
    let told = |error| refused(&error, cx, globals, &format!("secret {verb}"));
    let name = || matches.get_one::<String>("name").map_or("", String::as_str);
    if verb == "get" {
        let found = inside::session(cx, globals)?.agent_secret(name()).map_err(told)?;
        if out.json {
            out.json(&Read { schema_version: 1, secret: &found })?;
            return Ok(Exit::Usable);
        }
        out.data(found.value.expose().as_bytes())?;
        if out.terminal.streams.stdout {
            out.data(b"\n")?;
        }
        return Ok(Exit::Usable);
    }
    let session = list::session(cx, globals, &format!("secret {verb}"))?;
    match verb {
        "set" => {
            let of = for_whom(cx, globals, matches, verb)?;
            let value = value(cx, out, stdin, globals)?;
            session.set_agent_secret(&of, name(), &value).map_err(told)?;
            let says = format!("{} is kept for {}", name(), shown(&of));
            changed(out, "kept", &of, name(), &says)?;
        }
        "remove" => {
            let of = for_whom(cx, globals, matches, verb)?;
            session.remove_agent_secret(&of, name()).map_err(told)?;
            let says = format!("{} is gone for {}", name(), shown(&of));
            changed(out, "removed", &of, name(), &says)?;
        }
        _ => {
            let items = session.agent_secrets().map_err(told)?;
            if out.json {
                out.json(&View { schema_version: 1, items: &items })?;
            } else {
                let now = cx.clock.now();
                let text: String = items.iter().map(|item| line(item, now)).collect();
                out.data(text.as_bytes())?;
            }
        }
    }
    warn(out, &session.take_warnings());
    Ok(Exit::Usable)
}

/// Says what was done, to a person or to a program.
fn changed(
    out: &mut Output<'_>,
    state: &'static str,
    of: &SecretOf,
    name: &str,
    says: &str,
) -> Result<(), Failure> {
    if out.json {
        return out.json(&Changed { schema_version: 1, state, of, name });
    }
    out.success(says);
    Ok(())
}

fn for_whom(
    cx: &Context<'_>,
    globals: &Globals,
    matches: &ArgMatches,
    verb: &str,
) -> Result<SecretOf, Failure> {
    let said = |name| matches.get_one::<String>(name).cloned();
    if let Some(of) = said("run").map(SecretOf::Run).or(said("agent").map(SecretOf::Agent)) {
        return Ok(of);
    }
    super::run::project(cx, globals, false)?.map(SecretOf::Project).ok_or_else(|| {
        Failure::usage(
            "say for whom: --agent NAME, --run ID or --project ORG/PROJECT",
            format!("{} agent secret {verb} --help", cx.program),
        )
    })
}

/// From a hidden prompt, or all of standard input but one newline at its end.
fn value(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
) -> Result<Secret, Failure> {
    let failed = |what: String| {
        Failure::new(Exit::Usage, "no_value", what, retry(cx, globals, "agent secret set --help"))
            .kept("Nothing was changed.")
    };
    if out.terminal.streams.stdin {
        let typed = stdin.hidden("Secret:").map_err(|error| failed(error.to_string()))?;
        return typed.ok_or_else(|| failed("nothing was typed".to_owned()));
    }
    let bytes = stdin.read_all(READ).map_err(|error| failed(error.to_string()))?;
    text(bytes).map_err(|why| failed(format!("standard input {why}")))
}

/// What was read, without one newline at its end; or what is wrong with it.
pub(super) fn text(bytes: Vec<u8>) -> Result<Secret, &'static str> {
    let text = Secret::new(String::from_utf8(bytes).map_err(|_| "is no text in UTF-8")?);
    let line = text.expose();
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.len() as u64 {
        0 => Err("is empty"),
        1..=LIMIT => Ok(Secret::new(line)),
        _ => Err("has more than 8192 bytes"),
    }
}

fn shown(of: &SecretOf) -> String {
    let shown = |text: &str| hallpass_core::text::presentable(text, 80);
    match of {
        SecretOf::Run(id) => format!("agent {}", shown(id)),
        SecretOf::Agent(name) => format!("agents called {}", shown(name)),
        SecretOf::Project(project) => format!("agents in {}", shown(project)),
    }
}

fn line(item: &AgentSecret, now: hallpass_core::Timestamp) -> String {
    let read =
        item.read_at.map_or("never read".to_owned(), |at| format!("read {}", words::ago(at, now)));
    let name = hallpass_core::text::presentable(&item.name, 80);
    format!("{name}\t{}\tset {}\t{read}\n", shown(&item.of), words::ago(item.set_at, now))
}
