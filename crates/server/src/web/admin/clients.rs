//! `/admin/clients`: programs that ask for tokens. Making one, taking away what it may, giving it
//! another secret, which is shown once.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use hallpass_issuer::admin::{AdminError, NewClient};
use hallpass_store::{Client, ClientKind};
use http::StatusCode;

use super::super::answer::Page;
use super::super::csrf::Purpose;
use super::super::home::query;
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::views::{Frame, Notice};
use super::super::{answer, when};
use super::Administrator;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const PAGE: &str = "/admin/clients";
/// Clients on a page.
const SHOWN: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PAGE, get(show))
        .route("/admin/clients/new", post(make))
        .route("/admin/clients/disable", post(disable))
        .route("/admin/clients/rotate-secret", post(rotate))
}

struct Line {
    id: Shown,
    name: Shown,
    confidential: bool,
    redirects: Vec<Shown>,
    created: String,
    disabled: bool,
    /// Our own command line's: without it nobody signs in there.
    own: bool,
}

#[derive(Template)]
#[template(path = "admin/clients.html")]
struct View {
    frame: Frame,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    clients: Vec<Line>,
    more: Option<String>,
    further: bool,
    /// What was typed into the form.
    id: Shown,
    name: Shown,
    redirects: Shown,
    confidential: bool,
    rejected: bool,
}

#[derive(Template)]
#[template(path = "admin/client_secret.html")]
struct ShownOnce {
    frame: Frame,
    here: &'static str,
    id: Shown,
    secret: String,
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let administrator = Administrator::visit(&app, &visitor, PAGE)?;
    let asked = query(request.uri());
    let notice = match asked.get("done").unwrap_or_default() {
        "made" => {
            Some(Notice::done("The client is registered.", "It is public: it has no secret."))
        }
        "disabled" => Some(Notice::done("The client is disabled.", "Everything of it has ended.")),
        "same" => Some(Notice::done("It was disabled before.", "Nothing was left to do.")),
        _ => None,
    };
    Ok(page(&administrator, StatusCode::OK, notice, asked.get("after"), None).await)
}

async fn page(
    administrator: &Administrator<'_>,
    status: StatusCode,
    notice: Option<Notice>,
    after: Option<&str>,
    typed: Option<&Params>,
) -> Response {
    let found =
        match administrator.app.issuer().clients_for(&administrator.actor(), after, SHOWN).await {
            Ok(found) => found,
            Err(AdminError::Failed(error)) => return failure::page(administrator.app, &error),
            Err(_) => return super::super::not_found(),
        };
    let own = &administrator.app.issuer().config().brand.client_id;
    let text = |name| typed.and_then(|form| form.get(name)).unwrap_or_default();
    let more = found.next_cursor.map(|next| {
        let mut params = Params::default();
        params.set("after", &next);
        format!("{PAGE}?{}", params.to_query())
    });
    let view = View {
        frame: administrator.frame(),
        here: "clients",
        notice,
        csrf: administrator.csrf(Purpose::Operate("clients")),
        clients: found.items.iter().map(|client| line(client, own)).collect(),
        more,
        further: after.is_some(),
        id: Shown::typed(text("id")),
        name: Shown::typed(text("name")),
        redirects: Shown::typed(text("redirect_uris")),
        confidential: text("confidential") == "yes",
        rejected: typed.is_some(),
    };
    answer::page(status, &view)
}

fn line(client: &Client, own: &str) -> Line {
    Line {
        id: Shown::new(&client.id),
        name: Shown::new(&client.name),
        confidential: client.kind == ClientKind::Confidential,
        redirects: client.redirect_uris.iter().map(|uri| Shown::new(uri.as_str())).collect(),
        created: when::date(client.created_at),
        disabled: client.disabled_at.is_some(),
        own: client.id == own,
    }
}

async fn make(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let administrator =
        Administrator::post(&app, &visitor, PAGE, Purpose::Operate("clients"), &form)?;
    let text = |name| form.get(name).unwrap_or_default().trim().to_owned();
    let new = NewClient {
        id: text("id"),
        name: text("name"),
        confidential: form.get("confidential") == Some("yes"),
        redirect_uris: text("redirect_uris").split_whitespace().map(str::to_owned).collect(),
        ..NewClient::default()
    };
    Ok(match app.issuer().create_client_for(new, &administrator.actor(), &origin).await {
        Ok((client, Some(secret))) => once(&administrator, &client.id, &secret),
        Ok((_, None)) => answer::see_other(&format!("{PAGE}?done=made")),
        Err(AdminError::Failed(error)) => failure::page(&app, &error),
        Err(error) => {
            let notice = Notice::problem(sentence(&error.to_string()), "No client was made.");
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(&administrator, status, Some(notice), None, Some(&form)).await
        }
    })
}

fn once(administrator: &Administrator<'_>, id: &str, secret: &Secret) -> Response {
    let view = ShownOnce {
        frame: administrator.frame(),
        here: "clients",
        id: Shown::new(id),
        secret: secret.expose().to_owned(),
    };
    answer::page(StatusCode::OK, &view)
}

async fn disable(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let administrator =
        Administrator::post(&app, &visitor, PAGE, Purpose::Operate("clients"), &form)?;
    let id = form.get("id").unwrap_or_default();
    Ok(match app.issuer().disable_client_for(id, &administrator.actor(), &origin).await {
        Ok(true) => answer::see_other(&format!("{PAGE}?done=disabled")),
        Ok(false) => answer::see_other(&format!("{PAGE}?done=same")),
        Err(error) => refused(&administrator, error).await,
    })
}

async fn rotate(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let administrator =
        Administrator::post(&app, &visitor, PAGE, Purpose::Operate("clients"), &form)?;
    let id = form.get("id").unwrap_or_default();
    Ok(match app.issuer().change_client_secret(id, &administrator.actor(), &origin).await {
        Ok(secret) => once(&administrator, id, &secret),
        Err(error) => refused(&administrator, error).await,
    })
}

async fn refused(administrator: &Administrator<'_>, error: AdminError) -> Response {
    if let AdminError::Failed(error) = error {
        return failure::page(administrator.app, &error);
    }
    let notice = Notice::problem(sentence(&error.to_string()), "Nothing was changed.");
    page(administrator, StatusCode::NOT_FOUND, Some(notice), None, None).await
}
