//! `/settings/agents`: agents of one's own as a tree, with what they say of themselves, and the
//! switch that ends one and all below it. Below it, the names of what they may know ([`secrets`]).

use std::collections::HashMap;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_core::wire::agents::{Agent, AgentState};
use hallpass_core::wire::params::Params;
use hallpass_core::{Secret, Timestamp};
use hallpass_issuer::SignedIn;
use hallpass_issuer::agents::AgentError;
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use self::secrets::{SecretLine, Typed};
use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::forest::{Forest, Leaf};
use super::home::query;
use super::shown::Shown;
use super::views::{Frame, Notice};
use super::when;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

pub(super) mod secrets;

const PAGE: &str = "/settings/agents";
/// More than may run at once, and a day's worth of others.
const MOST: u32 = 2000;
/// So many that have ended can be looked through.
const MANY: usize = 10;
/// How often the page of somebody who follows it is read anew, and for how long.
const ANEW: Duration = Duration::from_secs(5);
const FOLLOWED: Duration = Duration::from_secs(600);
/// The tree is drawn this deep; the issuer lets none be deeper.
const DEEPEST: usize = 8;

pub(super) fn routes() -> Router<App> {
    let ours = Router::new().route(PAGE, get(show)).route("/settings/agents/stop", post(stop));
    ours.merge(secrets::routes())
}

/// `/settings/agents`.
#[derive(Template)]
#[template(path = "agents.html")]
struct Agents {
    frame: Frame,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    /// The page is read anew by itself, and has no fields that somebody could be typing into.
    live: Option<u64>,
    /// Where it is.
    follow: Option<String>,
    /// There are so many that somebody may look for one.
    searchable: bool,
    /// Those that run, each below the one that started it.
    running: Forest<Line>,
    /// Those that ended within a day, newest first.
    ended: Vec<Line>,
    run_command: Option<String>,
    secret_command: Option<String>,
    /// What they may know, without what is in it.
    secrets: Vec<SecretLine>,
    typed: Typed,
}

/// One agent.
struct Line {
    id: String,
    depth: usize,
    name: Shown,
    /// How many run below it.
    below: usize,
    project: Option<Shown>,
    permissions: Vec<Shown>,
    began_at: String,
    began: String,
    seen: String,
    report: Option<Shown>,
    progress: Option<u32>,
    host: Option<Shown>,
    command: Option<Shown>,
    /// The token through which it was started.
    broker: Option<Shown>,
    /// Why it ended.
    end: Option<Shown>,
}

impl Leaf for Line {
    fn depth(&self) -> usize {
        self.depth
    }

    fn is_like(&self, word: &str) -> bool {
        let names = [Some(&self.name), self.project.as_ref(), self.host.as_ref()];
        names.into_iter().flatten().any(|name| name.as_str().to_lowercase().contains(word))
    }
}

impl Line {
    /// `It and the 2 agents below it are refused at once.`
    fn what_ends(&self) -> String {
        match self.below {
            0 => "It is refused everywhere at once.".to_owned(),
            1 => "It and the agent below it are refused everywhere at once.".to_owned(),
            n => format!("It and the {n} agents below it are refused everywhere at once."),
        }
    }
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let (cookie, person) = answer::person(&visitor, &app, PAGE)?;
    let asked = query(request.uri());
    let notice = notice(asked.get("done").unwrap_or_default());
    Ok(page(&app, (cookie, person), &asked, StatusCode::OK, notice, Typed::default()).await)
}

async fn page(
    app: &App,
    (cookie, person): (&Secret, &SignedIn),
    asked: &Params,
    status: StatusCode,
    notice: Option<Notice>,
    typed: Typed,
) -> Response {
    let actor = Actor::Person(&person.user);
    let all = match app.issuer().agents_of(&actor, None, MOST).await {
        Ok(page) => page.items,
        Err(AgentError::Failed(error)) => return failure::page(app, &error),
        Err(_) => Vec::new(),
    };
    let kept = match app.issuer().agent_secrets_of(&actor).await {
        Ok(kept) => kept,
        Err(AgentError::Failed(error)) => return failure::page(app, &error),
        Err(_) => Vec::new(),
    };
    let now = app.clock().now();
    let (running, ended): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|agent| agent.state == AgentState::Running);
    let ended: Vec<Line> = ended.iter().map(|agent| line(agent, 0, 0, now)).collect();
    let many = ended.len() > MANY;
    let running = Forest::part(as_tree(&running, now), PAGE, asked);
    let word = running.search.as_str().to_lowercase();
    let runs = running.all > 0;
    let live = runs && follows(asked, now);
    let view = Agents {
        frame: answer::frame(app, Some(person)),
        here: "agents",
        notice,
        csrf: csrf::token(app, cookie, Purpose::Agents),
        live: live.then_some(ANEW.as_secs()),
        follow: (runs && !live).then(|| format!("{PAGE}?live={}", (now + FOLLOWED).secs())),
        searchable: running.searchable || many,
        running,
        ended: ended.into_iter().filter(|line| line.is_like(&word)).collect(),
        run_command: app.command("agent run -- CMD"),
        secret_command: app.command("agent secret set NAME"),
        secrets: kept.iter().map(|kept| SecretLine::of(kept, now)).collect(),
        typed,
    };
    answer::page(status, &view)
}

/// Whether the page was asked for by somebody who follows it: for some minutes, so that nobody
/// stays signed in by a window that was forgotten.
fn follows(asked: &Params, now: Timestamp) -> bool {
    let until = asked.get("live").and_then(|until| until.parse().ok()).map(Timestamp::from_secs);
    until.is_some_and(|until| now < until && until <= now + FOLLOWED)
}

/// Each after the one that it is below; one whose parent does not run stands alone.
fn as_tree(running: &[Agent], now: Timestamp) -> Vec<Line> {
    let is_there: HashMap<&str, ()> = running.iter().map(|agent| (&*agent.id, ())).collect();
    let mut below: HashMap<&str, Vec<&Agent>> = HashMap::new();
    let mut roots = Vec::new();
    for agent in running {
        match agent.parent.as_deref().filter(|parent| is_there.contains_key(parent)) {
            Some(parent) => below.entry(parent).or_default().push(agent),
            None => roots.push(agent),
        }
    }
    let mut lines = Vec::new();
    for root in roots {
        branch(root, 0, &below, now, &mut lines);
    }
    lines
}

fn branch(
    agent: &Agent,
    depth: usize,
    below: &HashMap<&str, Vec<&Agent>>,
    now: Timestamp,
    lines: &mut Vec<Line>,
) {
    let at = lines.len();
    lines.push(line(agent, depth, 0, now));
    let children = below.get(&*agent.id).into_iter().flatten();
    for child in children.filter(|_| depth < DEEPEST) {
        branch(child, depth + 1, below, now, lines);
    }
    lines[at].below = lines.len() - at - 1;
}

fn line(agent: &Agent, depth: usize, below: usize, now: Timestamp) -> Line {
    Line {
        id: agent.id.clone(),
        depth,
        name: Shown::new(&agent.name),
        below,
        project: Shown::some(agent.project.as_deref()),
        permissions: agent.permissions.iter().map(Shown::new).collect(),
        began_at: agent.created_at.to_rfc3339(),
        began: when::ago(now.since(agent.created_at)),
        seen: when::ago(now.since(agent.seen_at)),
        report: Shown::some(agent.report.as_deref()),
        progress: agent.progress,
        host: Shown::some(agent.host.as_deref()),
        command: Shown::some(agent.command.as_deref()),
        broker: Shown::some(agent.broker.as_deref()),
        end: match agent.state {
            AgentState::Running => None,
            AgentState::Stopped => Shown::some(agent.end_reason.as_deref()),
            AgentState::Lapsed => Some(Shown::new("nobody renewed it")),
        },
    }
}

fn notice(done: &str) -> Option<Notice> {
    match done {
        "stopped" => Some(Notice::done("It is stopped, and so is all below it.", "")),
        "kept" => Some(Notice::done("It is kept.", "Nobody but the agents it is for reads it.")),
        "removed" => Some(Notice::done("It is gone.", "No agent reads it any more.")),
        "no-secret" => Some(Notice::done("There was no such secret.", "Nothing was changed.")),
        "gone" => Some(Notice::done("There was no such agent.", "Nothing was left to stop.")),
        _ => None,
    }
}

async fn stop(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let (_, person) = answer::posted(&visitor, &app, PAGE, Purpose::Agents, &form)?;
    let id = form.get("id").unwrap_or_default();
    Ok(match app.issuer().stop_agent(&Actor::Person(&person.user), id, &origin).await {
        Ok(()) => answer::see_other("/settings/agents?done=stopped"),
        Err(AgentError::Failed(error)) => failure::page(&app, &error),
        Err(_) => answer::see_other("/settings/agents?done=gone"),
    })
}
