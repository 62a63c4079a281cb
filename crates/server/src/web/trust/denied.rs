//! One denied exchange: each policy and each condition, and the least rule that would have let it
//! in.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::trust::Changed;
use hallpass_core::wire::trust::DeniedExplained;
use http::StatusCode;

use super::super::answer::{self, Page, Refusal};
use super::super::orgs::{Named, Nav, Office};
use super::super::shown::Shown;
use super::super::views::{Frame, Notice};
use super::lines::{ChangeLine, DangerLine, DeniedLine, ExplainedLines};
use super::{TRUST, act, form_of};
use crate::app::App;
use crate::http::Visitor;

/// The claims of a token, as they are shown.
const CLAIMS: usize = 16 * 1024;

#[derive(Template)]
#[template(path = "trust/denied.html")]
struct View {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    notice: Option<Notice>,
    base: String,
    csrf: String,
    item: DeniedLine,
    /// Names that came with another id than policies pin now.
    changes: Vec<ChangeLine>,
    policies: Vec<ExplainedLines>,
    least: Option<Least>,
    /// Its name goes with another id by now.
    settled: bool,
    claims: String,
}

struct Least {
    sentence: Shown,
    dangers: Vec<DangerLine>,
}

pub(super) fn routes() -> Router<App> {
    TRUST.in_both("/denied/{id}", || get(show))
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let office = Office::visit(&TRUST, (&app, &visitor), &named, request.uri().path()).await?;
    let explained = find(&office, &named.id).await?;
    Ok(page(&office, &explained, StatusCode::OK, None))
}

/// The denied exchange, if it is one of this place.
pub(super) async fn find(office: &Office<'_>, id: &str) -> Result<DeniedExplained, Refusal> {
    let (issuer, actor) = (office.app.issuer(), office.actor());
    let (org, project) = office.names();
    let found = issuer.explain_denied(&actor, id, Some((org, project))).await;
    found.map_err(|error| Refusal::from(act::failed(office, &error)))
}

pub(super) fn page(
    office: &Office<'_>,
    explained: &DeniedExplained,
    status: StatusCode,
    notice: Option<Notice>,
) -> Response {
    let claims = serde_json::to_string_pretty(&explained.claims).unwrap_or_default();
    // Line by line: what makes a text deceive is written out, and the lines stay lines.
    let claims = claims.lines().map(|line| hallpass_core::text::escaped(line, 600));
    let claims = claims.collect::<Vec<_>>().join("\n");
    let mut changed: Vec<&Changed> = Vec::new();
    for it in explained.policies.iter().flat_map(|policy| &policy.changed) {
        if !changed.contains(&it) {
            changed.push(it);
        }
    }
    let view = View {
        frame: answer::frame(office.app, Some(office.person)),
        nav: office.nav(),
        here: TRUST.name,
        notice,
        base: office.base.clone(),
        csrf: form_of(office),
        item: DeniedLine::of(&explained.denied, office.app.clock().now()),
        changes: changed.iter().map(|it| ChangeLine::of(it)).collect(),
        policies: explained.policies.iter().map(ExplainedLines::of).collect(),
        // What changed is to be said yes or no to, not to be gone around.
        least: explained.least.as_ref().filter(|_| changed.is_empty()).map(|least| Least {
            sentence: Shown::typed(&least.sentence),
            dangers: least.dangers.iter().map(|it| DangerLine::of(it, &[])).collect(),
        }),
        settled: explained.settled,
        claims: claims.chars().take(CLAIMS).collect(),
    };
    answer::page(status, &view)
}
