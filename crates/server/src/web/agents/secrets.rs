//! What agents of one's own may know: its names, and forms that set and remove it. What is in it is
//! on no page.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use hallpass_core::wire::agents::{AgentSecret, NewAgentSecret, SecretOf, WhichSecret};
use hallpass_core::wire::params::Params;
use hallpass_core::{Secret, Timestamp};
use hallpass_issuer::agents::AgentError;
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::csrf::Purpose;
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::views::Notice;
use super::super::when;
use super::{PAGE, page};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/settings/agents/secrets/set", post(set))
        .route("/settings/agents/secrets/remove", post(remove))
}

/// One, without what is in it.
pub(in super::super) struct SecretLine {
    pub(in super::super) name: Shown,
    /// As the form says it.
    pub(in super::super) kind: &'static str,
    pub(in super::super) which: Shown,
    pub(in super::super) set_at: String,
    pub(in super::super) set: String,
    pub(in super::super) read: Option<String>,
}

impl SecretLine {
    pub(in super::super) fn of(kept: &AgentSecret, now: Timestamp) -> Self {
        let (kind, which) = kept.of.parts();
        Self {
            name: Shown::new(&kept.name),
            kind,
            which: Shown::new(which),
            set_at: kept.set_at.to_rfc3339(),
            set: when::ago(now.since(kept.set_at)),
            read: kept.read_at.map(|at| when::ago(now.since(at))),
        }
    }
}

/// What was filled in, but for the secret itself.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) name: Shown,
    pub(super) kind: String,
    pub(super) which: Shown,
    /// Whether something was, and was refused.
    pub(super) refused: bool,
}

impl Typed {
    fn read(form: &Params) -> Self {
        let typed = |name| form.get(name).unwrap_or_default();
        let (name, which) = (Shown::typed(typed("name")), Shown::typed(typed("which")));
        Self { name, kind: typed("kind").to_owned(), which, refused: true }
    }
}

/// For whom, as the form says it.
fn of(form: &Params) -> Option<SecretOf> {
    let which = form.get("which").map(str::trim).filter(|which| !which.is_empty())?.to_owned();
    SecretOf::read(form.get("kind")?, which)
}

fn name(form: &Params) -> String {
    form.get("name").unwrap_or_default().trim().to_owned()
}

async fn set(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let (cookie, person) = answer::posted(&visitor, &app, PAGE, Purpose::Agents, &form)?;
    let value = Secret::new(form.get("value").unwrap_or_default());
    let done = match of(&form) {
        Some(of) => {
            let new = NewAgentSecret { of, name: name(&form), value };
            app.issuer().set_agent_secret(&Actor::Person(&person.user), &new, &origin).await
        }
        None => Err(AgentError::Unknown),
    };
    let next = match done {
        Ok(()) => return Ok(answer::see_other("/settings/agents?done=kept#secrets")),
        Err(AgentError::Failed(error)) => return Ok(failure::page(&app, &error)),
        Err(AgentError::Unknown) => "Say for which agents it is.".to_owned(),
        Err(error) => sentence(&error.to_string()),
    };
    let notice = Some(Notice::problem("Nothing was kept.", next));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page(&app, (cookie, person), &Params::default(), status, notice, Typed::read(&form)).await)
}

async fn remove(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let (_, person) = answer::posted(&visitor, &app, PAGE, Purpose::Agents, &form)?;
    let done = match of(&form) {
        Some(of) => {
            let which = WhichSecret { of, name: name(&form) };
            app.issuer().remove_agent_secret(&Actor::Person(&person.user), &which, &origin).await
        }
        None => Err(AgentError::UnknownSecret),
    };
    Ok(match done {
        Ok(()) => answer::see_other("/settings/agents?done=removed#secrets"),
        Err(AgentError::Failed(error)) => failure::page(&app, &error),
        Err(_) => answer::see_other("/settings/agents?done=no-secret#secrets"),
    })
}
