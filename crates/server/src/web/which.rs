//! `/settings/keys`, `/settings/trust`: pages that each organization has, for somebody who does
//! not say of which. With one organization it leads there; a brand can have them in its menu.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::answer::{self, Page};
use super::shown::Shown;
use super::views::Frame;
use crate::app::App;
use crate::http::{Visitor, failure};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(KEYS, get(|app, visitor| show(app, visitor, KEYS, "keys")))
        .route(TRUST, get(|app, visitor| show(app, visitor, TRUST, "trust")))
}

const KEYS: &str = "/settings/keys";
const TRUST: &str = "/settings/trust";

#[derive(Template)]
#[template(path = "orgs/which.html")]
struct View {
    frame: Frame,
    here: &'static str,
    /// What the page is called in the menu.
    title: String,
    /// Name and address of each.
    orgs: Vec<(Shown, String)>,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    page: &'static str,
    below: &'static str,
) -> Page {
    let (_, person) = answer::person(&visitor, &app, page)?;
    let orgs = match app.issuer().orgs_of(&Actor::Person(&person.user)).await {
        Ok(orgs) => orgs,
        Err(OrgError::Failed(error)) => return Ok(failure::page(&app, &error)),
        Err(_) => return Ok(super::orgs::nothing(&app, person)),
    };
    let address = |slug: &str| format!("/orgs/{slug}/{below}");
    if let [only] = &*orgs {
        return Ok(answer::see_other(&address(&only.slug)));
    }
    let frame = answer::frame(&app, Some(person));
    let title = frame.called(page).to_owned();
    let orgs = orgs.iter().map(|org| (Shown::new(&org.name), address(&org.slug))).collect();
    Ok(answer::page(StatusCode::OK, &View { frame, here: below, title, orgs }))
}
