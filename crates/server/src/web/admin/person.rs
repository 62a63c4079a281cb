//! `/admin/users/…`: somebody's account. What is signed in, where they have roles; letting them
//! in no more, and ending everything of theirs.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_core::id::UserId;
use hallpass_core::wire::params::Params;
use hallpass_issuer::Origin;
use hallpass_issuer::admin::AdminError;
use hallpass_issuer::tokens::TokenError;
use hallpass_store::{Role, User};
use http::StatusCode;

use super::super::answer::{Page, Refusal};
use super::super::csrf::Purpose;
use super::super::home::query;
use super::super::orgs::keys_made;
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::tokens::base_of;
use super::super::views::{Frame, Notice};
use super::super::{answer, browser, people, when};
use super::Administrator;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/users/{user}", get(show))
        .route("/admin/users/{user}/disable", post(disable))
        .route("/admin/users/{user}/enable", post(enable))
        .route("/admin/users/{user}/end-all", post(end_all))
        .route("/admin/users/{user}/end", post(end))
}

/// Where somebody's page is.
pub(in crate::web) fn page_of(id: UserId) -> String {
    format!("{}/{id}", people::PAGE)
}

struct SessionLine {
    id: String,
    name: Shown,
    about: String,
}

struct PlaceLine {
    name: Shown,
    role: &'static str,
}

#[derive(Template)]
#[template(path = "admin/person.html")]
struct View {
    frame: Frame,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    base: String,
    tokens: String,
    audit: String,
    email: Shown,
    name: Shown,
    id: String,
    created: String,
    admin: bool,
    disabled: Option<String>,
    oneself: bool,
    sessions: Vec<SessionLine>,
    places: Vec<PlaceLine>,
    /// What the keys are called that they made.
    made: Vec<Shown>,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(user): Path<String>,
    request: Request,
) -> Page {
    let administrator = Administrator::visit(&app, &visitor, &here(&user))?;
    let user = found(&administrator, &user).await?;
    let notice = match query(request.uri()).get("done").unwrap_or_default() {
        "disabled" => Some(Notice::done(
            "The account is disabled.",
            "Everything of theirs has ended: browsers, programs, tokens, and codes on their way.",
        )),
        "enabled" => Some(Notice::done("They can sign in again.", "What had ended stays ended.")),
        "ended" => Some(Notice::done("It is signed out.", "")),
        "all" => Some(Notice::done("Everything of theirs has ended.", "They can sign in again.")),
        "same" => Some(Notice::done("It was so before.", "Nothing was left to do.")),
        _ => None,
    };
    Ok(page(&administrator, user, StatusCode::OK, notice).await)
}

async fn page(
    administrator: &Administrator<'_>,
    user: User,
    status: StatusCode,
    notice: Option<Notice>,
) -> Response {
    match view(administrator, user, notice).await {
        Ok(view) => answer::page(status, &view),
        Err(error) => failure::page(administrator.app, &error),
    }
}

async fn view(
    administrator: &Administrator<'_>,
    user: User,
    notice: Option<Notice>,
) -> Result<View, hallpass_issuer::Error> {
    let now = administrator.app.clock().now();
    let sessions = administrator.app.issuer().sessions_of(user.id, None).await?;
    let sessions = sessions.into_iter().map(|session| {
        let name = match session.kind {
            hallpass_core::wire::api::SessionKind::Browser => browser::name(&session.name),
            _ => session.name.clone(),
        };
        let from = session.address.map(|address| format!(" from {address}")).unwrap_or_default();
        let used =
            session.last_used_at.map(|at| format!(", last used {}", when::ago(now.since(at))));
        SessionLine {
            id: session.id,
            name: Shown::new(&name),
            about: format!(
                "Signed in {}{from}{}.",
                when::ago(now.since(session.created_at)),
                used.unwrap_or_default()
            ),
        }
    });
    let id = user.id.to_string();
    let made = administrator.app.issuer().keys_made_by(user.id, None).await?;
    let places = administrator.app.issuer().places_of(user.id).await?;
    let places = places.into_iter().map(|(name, role)| PlaceLine {
        name: Shown::new(&name),
        role: match role {
            Role::Org(role) => role.as_str(),
            Role::Project(_, role) => role.as_str(),
        },
    });
    Ok(View {
        frame: administrator.frame(),
        here: "people",
        notice,
        csrf: administrator.csrf(Purpose::Operate(&id)),
        base: page_of(user.id),
        tokens: base_of(user.id),
        audit: format!("/admin/audit?about={id}"),
        email: Shown::new(&user.email),
        name: Shown::new(&user.name),
        created: when::date(user.created_at),
        admin: user.admin,
        disabled: user.disabled_at.map(|at| when::ago(now.since(at))),
        oneself: user.id == administrator.person.user.id,
        sessions: sessions.collect(),
        places: places.collect(),
        made: made.iter().map(|name| Shown::new(name)).collect(),
        id,
    })
}

/// Where to come back to after signing in: only an id becomes part of an address.
fn here(user: &str) -> String {
    user.parse().map_or(people::PAGE.to_owned(), page_of)
}

async fn found(administrator: &Administrator<'_>, user: &str) -> Result<User, Refusal> {
    // By id alone: an address of a page is no place for an e-mail address.
    let nobody = || Refusal::from(people::nobody(administrator.app, administrator.person));
    let id: UserId = user.parse().map_err(|_| nobody())?;
    let found =
        administrator.app.issuer().anybody_for(&administrator.actor(), &id.to_string()).await;
    found.map_err(|error| match error {
        TokenError::Failed(error) => Refusal::from(failure::page(administrator.app, &error)),
        _ => nobody(),
    })
}

/// What is done to somebody.
#[derive(Clone, Copy)]
enum Deed {
    Disable,
    Enable,
    EndAll,
    End,
}

async fn disable(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Path(user): Path<String>,
    Form(form): Form,
) -> Page {
    done(&app, &origin, &visitor, &user, &form, Deed::Disable).await
}

async fn enable(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Path(user): Path<String>,
    Form(form): Form,
) -> Page {
    done(&app, &origin, &visitor, &user, &form, Deed::Enable).await
}

async fn end_all(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Path(user): Path<String>,
    Form(form): Form,
) -> Page {
    done(&app, &origin, &visitor, &user, &form, Deed::EndAll).await
}

async fn end(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Path(user): Path<String>,
    Form(form): Form,
) -> Page {
    done(&app, &origin, &visitor, &user, &form, Deed::End).await
}

async fn done(
    app: &App,
    origin: &Origin,
    visitor: &Visitor,
    user: &str,
    form: &Params,
    deed: Deed,
) -> Page {
    let administrator =
        Administrator::post(app, visitor, &here(user), Purpose::Operate(user), form)?;
    let user = found(&administrator, user).await?;
    let (issuer, actor, back) = (app.issuer(), administrator.actor(), page_of(user.id));
    let changed = match deed {
        Deed::Disable => issuer.disable_person(&actor, user.id, keys_made(form), origin).await,
        Deed::Enable => issuer.enable_person(&actor, user.id, origin).await,
        Deed::EndAll => issuer.end_everything_of(&actor, user.id, origin).await,
        Deed::End => {
            let id = form.get("id").unwrap_or_default();
            issuer.end_session_for(&actor, user.id, id, origin).await.map_err(AdminError::Failed)
        }
    };
    let said = match deed {
        Deed::Disable => "disabled",
        Deed::Enable => "enabled",
        Deed::EndAll => "all",
        Deed::End => "ended",
    };
    Ok(match changed {
        Ok(true) => answer::see_other(&format!("{back}?done={said}")),
        Ok(false) => answer::see_other(&format!("{back}?done=same")),
        Err(AdminError::Failed(error)) => failure::page(app, &error),
        Err(error) => {
            let notice = Notice::problem(sentence(&error.to_string()), "");
            page(&administrator, user, StatusCode::CONFLICT, Some(notice)).await
        }
    })
}
