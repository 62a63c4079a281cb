//! Making a key: named for its consumer, for a project or for the organization, with an end.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::keys::{CreatedKey, NewKey};
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::Token;
use hallpass_core::{Kind, Scope};
use hallpass_issuer::keys::KeyError;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::TokenError;
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::csrf::{self, Purpose};
use super::super::orgs::{Named, Nav, Office};
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::tokens::{Choice, Expiry, Revealed, Sign, end_of, meaning, read_end, reveal};
use super::super::views::{Frame, Notice};
use super::KEYS;
use crate::app::App;
use crate::http::{Form, Peer, Visitor};

const NEW: &str = "/new";
const KEPT: &str = "No key was made.";
const SENT_BEFORE: &str =
    "A key is shown once, when it is made. Sending the form again made no other one.";
/// Projects that can be chosen from; of more, one is typed.
const LISTED: u32 = 100;
const SCOPE: &str = "scope:";

#[derive(Template)]
#[template(path = "keys/new.html")]
struct New {
    frame: Frame,
    here: &'static str,
    nav: Nav,
    notice: Option<Notice>,
    place: Shown,
    sign: Sign,
    csrf: String,
    /// Makes the form act once.
    once: String,
    name: Shown,
    rejected: bool,
    /// It is about one project, and nothing else can be chosen.
    one_project: bool,
    projects: Vec<(Shown, bool)>,
    project_typed: Shown,
    for_org: bool,
    expiry: Expiry,
    scopes: Vec<Choice>,
    narrowed: bool,
}

pub(super) fn routes() -> Router<App> {
    KEYS.in_both(NEW, || get(show).post(make))
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let office = Office::visit(&KEYS, (&app, &visitor), &named, request.uri().path()).await?;
    let expiry = Expiry::fresh(app.clock().now());
    Ok(blank(&office, StatusCode::OK, None, &Params::default(), expiry, false).await)
}

/// The form, for the first time or as it was filled in.
async fn blank(
    office: &Office<'_>,
    status: StatusCode,
    notice: Option<Notice>,
    form: &Params,
    expiry: Expiry,
    rejected: bool,
) -> Response {
    let (app, (org, project)) = (office.app, office.names());
    let typed = |name| form.get(name).unwrap_or_default();
    let projects = match project {
        Some(_) => Vec::new(),
        None => {
            let issuer = app.issuer();
            match issuer.projects_of(&office.actor(), org, None, LISTED).await {
                Ok(page) => page.items.into_iter().map(|project| project.slug).collect(),
                Err(error) => return office.refused(error.into()),
            }
        }
    };
    // All that any key can be narrowed to; what its kind cannot have is refused by name.
    let kind = if project.is_some() { Kind::ProjectKey } else { Kind::OrgKey };
    let table = &app.brand().roles;
    let scopes: Vec<Choice> = app
        .issuer()
        .key_permissions(kind)
        .into_iter()
        .map(|name| {
            let field = format!("{SCOPE}{name}");
            let meaning = Shown::long(Some(&meaning(table, &name)));
            Choice { chosen: form.get(&field).is_some(), field, name: Shown::new(&name), meaning }
        })
        .collect();
    let once = app.once().word(app.random());
    let chosen = typed("project");
    let view = New {
        frame: answer::frame(app, Some(office.person)),
        here: KEYS.name,
        nav: office.nav(),
        notice,
        place: Shown::new(&office.place()),
        sign: office.sign(),
        csrf: csrf::token(app, office.cookie, Purpose::NewKey(&office.base, &once)),
        once,
        name: Shown::typed(typed("name")),
        rejected,
        one_project: project.is_some(),
        projects: projects.iter().map(|slug| (Shown::new(slug), slug == chosen)).collect(),
        project_typed: Shown::typed(chosen),
        for_org: typed("kind") == "org",
        expiry,
        narrowed: scopes.iter().any(|scope| scope.chosen),
        scopes,
    };
    answer::page(status, &view)
}

async fn again(
    office: &Office<'_>,
    form: &Params,
    what: &str,
    next: &str,
    rejected: bool,
) -> Response {
    let expiry = Expiry::typed(office.app.clock().now(), form);
    let notice = Some(Notice::problem(what, next));
    blank(office, StatusCode::UNPROCESSABLE_ENTITY, notice, form, expiry, rejected).await
}

async fn make(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    named: Named,
    Form(form): Form,
) -> Page {
    let office = Office::post(&KEYS, (&app, &visitor), &named).await?;
    let once = form.get("form").unwrap_or_default();
    let purpose = Purpose::NewKey(&office.base, once);
    csrf::check(&app, Some(office.cookie), purpose, &form)?;
    if !app.once().is_of_now(once) {
        return Ok(office.sent_before(SENT_BEFORE));
    }
    let (org, of_project) = office.names();
    let project = match (of_project, form.get("kind"), form.get("project")) {
        (Some(project), ..) => Some(project.to_owned()),
        (None, Some("org"), _) => None,
        (None, Some("project"), Some(chosen)) if !chosen.trim().is_empty() => {
            Some(chosen.trim().to_owned())
        }
        (None, Some("project"), _) => {
            return Ok(
                again(&office, &form, KEPT, "Choose the project that it is for.", false).await
            );
        }
        _ => {
            let next = "Choose whether it is for a project or for the organization.";
            return Ok(again(&office, &form, KEPT, next, false).await);
        }
    };
    let end = match read_end(&form, app.clock().now()) {
        Ok(end) => end,
        Err(next) => return Ok(again(&office, &form, KEPT, next, false).await),
    };
    let scope: Scope = form.iter().filter_map(|(field, _)| field.strip_prefix(SCOPE)).collect();
    let wanted = NewKey {
        name: form.get("name").unwrap_or_default().trim().to_owned(),
        expires_at: Some(end),
        scope: Some(scope).filter(|scope| !scope.is_empty()),
    };
    if !app.once().take(once, app.clock()) {
        return Ok(office.sent_before(SENT_BEFORE));
    }
    let (issuer, actor) = (app.issuer(), office.actor());
    let made = issuer.create_key(&actor, org, project.as_deref(), wanted, &origin).await;
    let refusal = match made {
        Ok(made) => return Ok(shown_once(&office, &made, None)),
        Err(error) => error,
    };
    // Nothing was made, so the form may be corrected and sent again, by the back button too.
    app.once().give_back(once);
    Ok(match refusal {
        KeyError::NameTaken => {
            let what = "There is a key of that name already.";
            again(&office, &form, what, "No key was made. Choose another name.", true).await
        }
        KeyError::Token(TokenError::Invalid { why, .. }) => {
            again(&office, &form, &sentence(&why), KEPT, false).await
        }
        KeyError::Place(OrgError::Unknown(_)) => {
            again(&office, &form, "There is no such project here.", KEPT, false).await
        }
        error => office.refused(error),
    })
}

/// Shows the text of a key that was just made.
pub(super) fn shown_once(office: &Office<'_>, made: &CreatedKey, old: Option<String>) -> Response {
    let rotated = made.key.rotated_from.is_some();
    let shown = Revealed {
        outcome: if rotated { "rotated" } else { "made" },
        heading: if rotated { "The new text of" } else { "The new key" }.to_owned(),
        name: &made.key.name,
        value: &made.value,
        may: Shown::typed(&office.may_do(&made.key)),
        ends: end_of(&Token::from(&made.key)),
        old,
        next: office.base.clone(),
        sign: office.sign(),
    };
    reveal(office.app, office.person, shown)
}
