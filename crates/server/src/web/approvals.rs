//! `/settings/approvals`: what agents ask their owner for, each with all that it will do, and the
//! yes or no.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use hallpass_core::Timestamp;
use hallpass_core::action::Action;
use hallpass_core::wire::approvals::{Approval, ApprovalState};
use hallpass_issuer::agents::AgentError;
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::home::query;
use super::shown::Shown;
use super::views::{Frame, Notice};
use super::when;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const PAGE: &str = "/settings/approvals";
/// More than may wait at once, and the last of what was decided.
const MOST: u32 = 100;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show)).route("/settings/approvals/decide", post(decide))
}

/// `/settings/approvals`.
#[derive(Template)]
#[template(path = "approvals.html")]
struct Approvals {
    frame: Frame,
    here: &'static str,
    notice: Option<Notice>,
    /// What waits, the one that was asked first before the others.
    waiting: Vec<Item>,
    /// What was decided within a day, newest first.
    decided: Vec<Item>,
    ask_command: Option<String>,
}

/// One question.
struct Item {
    id: String,
    csrf: String,
    digest: String,
    title: Shown,
    agent: Shown,
    project: Option<Shown>,
    reason: Option<Shown>,
    parts: Vec<Vec<Line>>,
    resources: Vec<Shown>,
    asked_at: String,
    asked: String,
    ends: String,
    /// What became of it.
    outcome: &'static str,
    state: &'static str,
    done_by: Option<Shown>,
}

/// A line of what it will do. Nothing is cut: whoever approves it has seen it.
struct Line {
    label: String,
    own: bool,
    text: String,
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let (cookie, person) = answer::person(&visitor, &app, PAGE)?;
    let all = match app.issuer().approvals_of(&Actor::Person(&person.user), None, MOST).await {
        Ok(page) => page.items,
        Err(AgentError::Failed(error)) => return Ok(failure::page(&app, &error)),
        Err(_) => Vec::new(),
    };
    let now = app.clock().now();
    let (mut waiting, mut decided) = (Vec::new(), Vec::new());
    for approval in all {
        let csrf = csrf::token(&app, cookie, Purpose::Approval(&approval.id, &approval.digest));
        let pending = approval.state == ApprovalState::Pending;
        if let Some(item) = item(approval, csrf, now) {
            if pending { waiting.push(item) } else { decided.push(item) }
        }
    }
    waiting.reverse();
    let view = Approvals {
        frame: answer::frame(&app, Some(person)),
        here: "approvals",
        notice: notice(query(request.uri()).get("done").unwrap_or_default()),
        waiting,
        decided,
        ask_command: app.command("agent ask --action FILE --wait"),
    };
    Ok(answer::page(StatusCode::OK, &view))
}

fn item(approval: Approval, csrf: String, now: Timestamp) -> Option<Item> {
    let action = Action::new(approval.authorization_details).ok()?;
    let line = |line: hallpass_core::action::Line| Line {
        label: line.label,
        own: line.own,
        text: line.text,
    };
    let parts = action.lines().into_iter().map(|part| part.into_iter().map(line).collect());
    Some(Item {
        csrf,
        title: Shown::new(&action.title()),
        parts: parts.collect(),
        agent: Shown::new(&approval.agent_name),
        project: Shown::some(approval.project.as_deref()),
        reason: Shown::long(approval.reason.as_deref()),
        resources: approval.resources.iter().map(|resource| Shown::new(resource)).collect(),
        asked_at: approval.created_at.to_rfc3339(),
        asked: when::ago(now.since(approval.created_at)),
        ends: when::at_least(approval.expires_at.since(now)),
        outcome: match approval.state {
            ApprovalState::Pending => "Waits for you",
            ApprovalState::Approved => "Approved, not done yet",
            ApprovalState::Denied => "Denied",
            ApprovalState::Used => "Approved and done",
            ApprovalState::Expired => "Ran out, nothing was done",
        },
        state: approval.state.as_str(),
        done_by: Shown::some(approval.used_by.as_deref()),
        id: approval.id,
        digest: approval.digest,
    })
}

fn notice(done: &str) -> Option<Notice> {
    match done {
        "approved" => {
            let next = "The agent can do it once, within 5 minutes. Until it is done you can take it back.";
            Some(Notice::done("It is approved.", next))
        }
        "denied" => Some(Notice::done("It is denied.", "The agent is told so.")),
        "late" => {
            let why = "It was decided in another place, its time was over, or the agent has ended.";
            Some(Notice::done("Nothing was changed.", why))
        }
        _ => None,
    }
}

async fn decide(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let (id, digest) = (form.get("id").unwrap_or_default(), form.get("digest").unwrap_or_default());
    let (_, person) = answer::posted(&visitor, &app, PAGE, Purpose::Approval(id, digest), &form)?;
    let (issuer, actor) = (app.issuer(), Actor::Person(&person.user));
    let (decided, done) = match form.get("decision") {
        Some("approve") => {
            (issuer.approve_action(&actor, id, digest, &origin).await, "?done=approved")
        }
        Some("deny") => (issuer.deny_action(&actor, id, &origin).await, "?done=denied"),
        // A form without a decision decides nothing.
        _ => return Ok(answer::see_other(PAGE)),
    };
    Ok(match decided {
        Ok(()) => answer::see_other(&format!("{PAGE}{done}")),
        Err(AgentError::Failed(error)) => failure::page(&app, &error),
        Err(_) => answer::see_other("/settings/approvals?done=late"),
    })
}
