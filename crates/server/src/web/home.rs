//! `/`: what this is, or where to go.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::params::Params;
use http::{StatusCode, Uri};

use super::answer;
use super::csrf::{self, Purpose};
use super::legacy;
use super::shown::Shown;
use super::views::{Home, Notice, Welcome};
use crate::app::App;
use crate::http::{Visitor, failure};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(show))
}

/// The query of a page of ours. A page is shown whatever stands there.
pub(super) fn query(uri: &Uri) -> Params {
    Params::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default()
}

/// What to type to sign a terminal in at this server.
pub(super) fn login_command(app: &App) -> String {
    let brand = app.brand();
    let line = match app.public_url().issuer() {
        here if brand.default_server == here => "login".to_owned(),
        here => format!("login {here}"),
    };
    app.command(&line).unwrap_or_else(|| brand.name.clone())
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let done = query(request.uri()).get("done").unwrap_or_default().to_owned();
    let login_command = login_command(&app);
    if let Some((cookie, person)) = visitor.require() {
        let older = match legacy::places(&app, person).await {
            Ok(older) => older,
            Err(error) => return failure::page(&app, &error),
        };
        let approvals = match app.issuer().approvals_waiting(person.user.id).await {
            Ok(waiting) => waiting,
            Err(error) => return failure::page(&app, &error),
        };
        let view = Home {
            frame: answer::frame(&app, Some(person)),
            notice: (done == "set-up")
                .then(|| Notice::done("This server is set up.", "You are its administrator.")),
            name: Shown::new(&person.user.name),
            email: Shown::new(&person.user.email),
            login_command,
            older,
            approvals,
            csrf: csrf::token(&app, cookie, Purpose::SignOut),
        };
        return answer::page(StatusCode::OK, &view);
    }
    let notice = match app.issuer().needs_setup().await {
        Err(error) => return failure::page(&app, &error),
        Ok(true) => Some(Notice::caution(
            "Nobody has an account here yet.",
            "Open the setup link that the server printed when it started. It prints a fresh one at every start.",
        )),
        Ok(false) => (done == "signed-out").then(|| {
            Notice::done(
                "You are signed out of this browser.",
                "Programs that are signed in stay so until you end them.",
            )
        }),
    };
    let view = Welcome { frame: answer::frame(&app, None), notice, login_command };
    answer::page(StatusCode::OK, &view)
}
