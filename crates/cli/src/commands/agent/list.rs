//! `agent list`, `show` and `stop`: for whose agents they are.

use clap::{Arg, ArgMatches, Command};
use hallpass_core::Timestamp;
use hallpass_core::text::presentable;
use hallpass_core::wire::agents::{Agent, AgentState};
use serde::Serialize;

use super::refused;
use crate::arguments::Globals;
use crate::commands::{client, retry, warn};
use crate::refusal::told;
use crate::terminal::Terminal;
use crate::{Context, Exit, Failure, Output, layout, words};

pub(super) fn list_command() -> Command {
    Command::new("list").about("Agents of yours that run, and those that ended within a day")
}

pub(super) fn show_command() -> Command {
    Command::new("show").about("Everything about one agent").arg(id())
}

pub(super) fn stop_command() -> Command {
    Command::new("stop")
        .about("Stop an agent and all below it; they are refused when this returns")
        .arg(id())
}

fn id() -> Arg {
    Arg::new("id").required(true).value_name("ID").help("As `agent list` shows it")
}

#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: &'a [Agent],
}

#[derive(Serialize)]
struct Stopped<'a> {
    schema_version: u32,
    stopped: &'a str,
}

pub(super) fn list(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let session = session(cx, globals, "list")?;
    let items = session.agents().map_err(|error| refused(&error, cx, globals, "list"))?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, items: &items })?;
    } else {
        out.data(render(&items, cx.clock.now(), &out.terminal).as_bytes())?;
        if items.is_empty() {
            out.sentence(&format!(
                "No agent of yours runs. To start one: {} agent run -- CMD",
                cx.program
            ));
        }
    }
    Ok(Exit::Usable)
}

pub(super) fn show(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let id = matches.get_one::<String>("id").map_or("", String::as_str);
    let session = session(cx, globals, "show")?;
    let agent = session.agent(id).map_err(|error| refused(&error, cx, globals, "show"))?;
    warn(out, &session.take_warnings());
    shown(out, cx, &agent)?;
    Ok(Exit::Usable)
}

pub(super) fn stop(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let id = matches.get_one::<String>("id").map_or("", String::as_str);
    let session = session(cx, globals, "stop")?;
    session.stop_agent(id).map_err(|error| refused(&error, cx, globals, "stop"))?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&Stopped { schema_version: 1, stopped: id })?;
    } else {
        out.success(&format!("Agent {id} is stopped, and all below it"));
    }
    Ok(Exit::Usable)
}

pub(super) fn session(
    cx: &Context<'_>,
    globals: &Globals,
    verb: &str,
) -> Result<hallpass_client::Session, Failure> {
    let session = client(cx, globals).session_or_open();
    session.map_err(|error| told(&error, cx, &retry(cx, globals, &format!("agent {verb}"))))
}

/// One agent, whole.
pub(super) fn shown(out: &mut Output<'_>, cx: &Context<'_>, agent: &Agent) -> Result<(), Failure> {
    if out.json {
        return out.object(agent);
    }
    let now = cx.clock.now();
    let text = card(agent, 0, now, &out.terminal);
    out.data(text.as_bytes())
}

/// A tree of cards for people, each under the one that started it; or one line of tab-separated
/// fields for each agent where standard output is no terminal.
fn render(items: &[Agent], now: Timestamp, terminal: &Terminal) -> String {
    if !terminal.streams.stdout {
        return items.iter().map(|agent| format!("{}\n", fields(agent).join("\t"))).collect();
    }
    let is_there = |id: &String| items.iter().any(|agent| agent.id == *id);
    let mut text = String::new();
    for root in items.iter().filter(|agent| !agent.parent.as_ref().is_some_and(is_there)) {
        branch(root, items, 0, &mut |agent, depth| {
            if depth == 0 && !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&card(agent, depth, now, terminal));
        });
    }
    text
}

/// The server lets a tree be nine levels deep; what says otherwise is not followed for ever.
const DEEPEST: usize = 16;

fn branch<'a>(
    agent: &'a Agent,
    items: &'a [Agent],
    depth: usize,
    show: &mut dyn FnMut(&'a Agent, usize),
) {
    show(agent, depth);
    let below = items.iter().filter(|it| it.parent.as_deref() == Some(&*agent.id));
    for child in below.filter(|_| depth < DEEPEST) {
        branch(child, items, depth + 1, show);
    }
}

fn card(agent: &Agent, depth: usize, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.data();
    let shown = |text: &str| paint.foreign(text, 80);
    let (outer, inner) = ("  ".repeat(depth), "  ".repeat(depth + 1));
    let indented = |text: &str| layout::wrap(text, terminal.width, &inner, &inner);
    let name = layout::wrap(&shown(&agent.name), terminal.width.saturating_sub(9), &outer, &outer);
    let state = match agent.state {
        AgentState::Running => paint.good("  running"),
        AgentState::Stopped => paint.faint("  stopped"),
        AgentState::Lapsed => paint.warning("  lapsed"),
    };
    let mut facts = vec![match &agent.project {
        Some(project) => format!("in {}", shown(project)),
        None => "in no project".to_owned(),
    }];
    if !agent.permissions.is_empty() {
        facts.push(format!("may {}", shown(agent.permissions.as_str())));
    }
    if let Some(broker) = &agent.broker {
        facts.push(format!("started through the token {}", shown(broker)));
    }
    facts.push(format!("heard of {}", words::ago(agent.seen_at, now)));
    let mut lines = format!("{}{state}\n{}\n", paint.strong(&name), indented(&facts.join(", ")));
    if let Some(report) = &agent.report {
        let percent = agent.progress.map(|percent| format!("{percent} %: ")).unwrap_or_default();
        lines.push_str(&format!("{}\n", indented(&format!("{percent}{}", shown(report)))));
    }
    if let Some(why) = &agent.end_reason {
        lines.push_str(&format!("{}\n", indented(&shown(why))));
    }
    lines.push_str(&format!("{}\n", paint.faint(&indented(&shown(&agent.id)))));
    lines
}

/// For `cut` and `awk`: id, state, name, project, permissions, parent, began, heard of, progress,
/// report.
fn fields(agent: &Agent) -> [String; 10] {
    let shown = |text: &str| presentable(text, 320);
    let optional = |text: &Option<String>| text.as_deref().map(shown).unwrap_or_default();
    [
        shown(&agent.id),
        agent.state.as_str().to_owned(),
        shown(&agent.name),
        optional(&agent.project),
        agent.permissions.to_string(),
        optional(&agent.parent),
        agent.created_at.to_rfc3339(),
        agent.seen_at.to_rfc3339(),
        agent.progress.map(|percent| percent.to_string()).unwrap_or_default(),
        optional(&agent.report),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    fn agents() -> Vec<Agent> {
        let at = |secs: i64| Timestamp::from_secs(1_795_351_000 + secs);
        let root = Agent {
            id: "agt_01JD2XW6S7Y8Z9ABCDEFGHJKMN".into(),
            name: "builder".into(),
            owner: "usr_01JD2XW6S7Y8Z9ABCDEFGHJKMN".into(),
            project: Some("acme/web".into()),
            permissions: "project:read".parse().unwrap(),
            parent: None,
            depth: 2,
            broker: None,
            state: AgentState::Running,
            created_at: at(0),
            seen_at: at(290),
            expires_at: Some(at(900)),
            ended_at: None,
            end_reason: None,
            report: Some("compiling\u{1b}[2J".into()),
            progress: Some(40),
            reported_at: Some(at(280)),
            host: None,
            command: None,
        };
        let child = Agent {
            id: "agt_01JD2XW6S7Y8Z9ABCDEFGHJKMP".into(),
            name: "linter".into(),
            parent: Some(root.id.clone()),
            state: AgentState::Stopped,
            end_reason: Some("it ended".into()),
            report: None,
            progress: None,
            ..root.clone()
        };
        vec![child, root]
    }

    #[test]
    fn people_see_a_tree_and_programs_a_line_for_each() {
        let now = Timestamp::from_secs(1_795_351_300);
        let terminal = Town::new().columns(80).terminal();
        insta::assert_snapshot!(render(&agents(), now, &terminal), @"
        builder  running
          in acme/web, may project:read, heard of just now
          40 %: compiling
          agt_01JD2XW6S7Y8Z9ABCDEFGHJKMN
          linter  stopped
            in acme/web, may project:read, heard of just now
            it ended
            agt_01JD2XW6S7Y8Z9ABCDEFGHJKMP
        ");
        let fields = fields(&agents()[0]);
        assert_eq!((&*fields[1], &*fields[5]), ("stopped", "agt_01JD2XW6S7Y8Z9ABCDEFGHJKMN"));
    }
}
