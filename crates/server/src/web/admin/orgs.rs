//! `/admin/orgs`: organizations, page by page.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use hallpass_core::id::OrgId;
use hallpass_issuer::admin::AdminError;
use http::StatusCode;

use super::super::answer::Page;
use super::super::home::query;
use super::super::shown::Shown;
use super::super::views::Frame;
use super::super::{answer, not_found, when};
use super::Administrator;
use crate::app::App;
use crate::http::{Visitor, failure};

const PAGE: &str = "/admin/orgs";
/// Organizations on a page.
const SHOWN: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show))
}

struct Line {
    id: String,
    slug: Shown,
    name: Shown,
    plan: Option<Shown>,
    created: String,
    over: bool,
}

#[derive(Template)]
#[template(path = "admin/orgs.html")]
struct View {
    frame: Frame,
    here: &'static str,
    orgs: Vec<Line>,
    more: Option<String>,
    further: bool,
    create_command: String,
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let administrator = Administrator::visit(&app, &visitor, PAGE)?;
    let asked = query(request.uri());
    let after: Option<OrgId> = asked.get("after").and_then(|after| after.parse().ok());
    let (found, next) = match app.issuer().orgs_for(&administrator.actor(), after, SHOWN).await {
        Ok(found) => found,
        Err(AdminError::Failed(error)) => return Ok(failure::page(&app, &error)),
        Err(_) => return Ok(not_found()),
    };
    let lines = found.into_iter().map(|org| Line {
        id: org.id.to_string(),
        slug: Shown::new(&org.slug),
        name: Shown::new(&org.name),
        plan: Shown::some(Some(&org.plan)),
        created: when::date(org.created_at),
        over: org.disabled_at.is_some(),
    });
    let view = View {
        frame: administrator.frame(),
        here: "orgs",
        orgs: lines.collect(),
        more: next.map(|next| format!("{PAGE}?after={next}")),
        further: after.is_some(),
        create_command: "hallpass admin org create acme --owner bo@example.com".to_owned(),
    };
    Ok(answer::page(StatusCode::OK, &view))
}
