//! `/settings/keys`, `/settings/trust`: pages that each organization and each project has, for
//! somebody who does not say of which. Where they manage one it leads there, and where they manage
//! several it asks; a brand can have them in its menu.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hallpass_issuer::SignedIn;
use hallpass_issuer::keys::KEYS_MANAGE;
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
        .route(KEYS, get(|app, visitor| show(app, visitor, KEYS, ("keys", "Keys"))))
        .route(TRUST, get(|app, visitor| show(app, visitor, TRUST, ("trust", "Jobs"))))
}

const KEYS: &str = "/settings/keys";
const TRUST: &str = "/settings/trust";
/// Projects of one organization that are asked about at once.
const LISTED: u32 = 100;

#[derive(Template)]
#[template(path = "orgs/which.html")]
struct View {
    frame: Frame,
    here: &'static str,
    /// What the page is called.
    title: String,
    /// Name and address of each.
    places: Vec<(Shown, String)>,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    page: &'static str,
    (below, usual): (&'static str, &'static str),
) -> Page {
    let (_, person) = answer::person(&visitor, &app, page)?;
    let managed = match managed(&app, person).await {
        Ok(managed) => managed,
        Err(OrgError::Failed(error)) => return Ok(failure::page(&app, &error)),
        Err(_) => return Ok(super::orgs::nothing(&app, person)),
    };
    let address = |place: &Managed| format!("{}/{below}", place.home);
    if let [only] = &*managed {
        return Ok(answer::see_other(&address(only)));
    }
    let frame = answer::frame(&app, Some(person));
    let title = frame.called_or(page, usual).to_owned();
    let places = managed.iter().map(|place| (place.name.clone(), address(place))).collect();
    Ok(answer::page(StatusCode::OK, &View { frame, here: below, title, places }))
}

/// A place whose keys somebody manages.
struct Managed {
    name: Shown,
    /// Its address.
    home: String,
}

/// Organizations whose keys somebody manages, and of the others the projects.
async fn managed(app: &App, person: &SignedIn) -> Result<Vec<Managed>, OrgError> {
    let (issuer, table) = (app.issuer(), &app.brand().roles);
    let actor = Actor::Person(&person.user);
    let mut found = Vec::new();
    for org in issuer.orgs_of(&actor).await? {
        let home = format!("/orgs/{}", org.slug);
        if org.role.is_some_and(|role| table.of_org(role).contains(KEYS_MANAGE)) {
            found.push(Managed { name: Shown::new(&org.name), home });
            continue;
        }
        let mut cursor = None;
        loop {
            let page = issuer.projects_of(&actor, &org.slug, cursor.as_deref(), LISTED).await?;
            for project in page.items {
                if project.role.is_some_and(|role| table.of_project(role).contains(KEYS_MANAGE)) {
                    let name = Shown::new(&format!("{}/{}", org.slug, project.slug));
                    found.push(Managed { name, home: format!("{home}/projects/{}", project.slug) });
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(found)
}
