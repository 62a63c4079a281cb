//! `/admin`: how the server is.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hallpass_store::Engine;
use http::StatusCode;

use super::super::answer::Page;
use super::super::views::Frame;
use super::super::{answer, when};
use super::Administrator;
use crate::app::App;
use crate::http::{Visitor, failure};

const PAGE: &str = "/admin";
/// A mail that waits for longer than this is no hiccup of the mail server.
const LATE_MAIL: Duration = Duration::from_secs(15 * 60);

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show))
}

#[derive(Template)]
#[template(path = "admin/health.html")]
struct View {
    frame: Frame,
    here: &'static str,
    facts: Vec<(&'static str, String)>,
    /// The sealer is behind, or the database does not answer.
    trouble: Option<&'static str>,
}

async fn show(State(app): State<App>, visitor: Visitor) -> Page {
    let administrator = Administrator::visit(&app, &visitor, PAGE)?;
    Ok(match view(&administrator).await {
        Ok(view) => answer::page(StatusCode::OK, &view),
        Err(error) => failure::page(&app, &error),
    })
}

async fn view(administrator: &Administrator<'_>) -> Result<View, hallpass_issuer::Error> {
    let (app, issuer, store) =
        (administrator.app, administrator.app.issuer(), administrator.app.store());
    let engine = match store.engine() {
        Engine::Sqlite => "SQLite, in the data directory",
        Engine::Postgres => "PostgreSQL",
    };
    let answers = store.ping().await.is_ok();
    let books = issuer.books().await?;
    let now = app.clock().now();
    let sealed = match books.signed_at {
        Some(at) => format!("{} rows, the last {}", books.sealed, when::ago(now.since(at))),
        None => "nothing yet".to_owned(),
    };
    let keys = issuer.signing_keys().await?;
    let signing = keys.iter().filter(|key| key.signs(issuer.now())).count();
    let guards = match issuer.guards() {
        0 => "none".to_owned(),
        1 => "1 holds a lease".to_owned(),
        several => format!("{several} hold a lease"),
    };
    let (waiting, oldest) = store.outbox().waiting().await?;
    let stuck = oldest.is_some_and(|oldest| now.since(oldest) > LATE_MAIL);
    let mail = match (issuer.sends_mail(), waiting, oldest) {
        (true, 0, _) => "it is sent, and none waits".to_owned(),
        (true, _, Some(oldest)) => {
            format!("it is sent; {waiting} wait, the oldest came {}", when::ago(now.since(oldest)))
        }
        (true, ..) => format!("it is sent; {waiting} wait"),
        (false, 0, _) => "none is sent".to_owned(),
        (false, ..) => format!("none is sent; {waiting} wait for a mail server to be configured"),
    };
    let facts = vec![
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Address", app.public_url().to_string()),
        ("Database", format!("{engine}; {}", if answers { "it answers" } else { "no answer" })),
        ("Changes that wait for it", store.waiting().to_string()),
        ("People", store.users().count().await?.to_string()),
        ("Revocations so far", store.tombstones().epoch().await?.to_string()),
        ("Guards in other processes", guards),
        ("Keys that sign now", signing.to_string()),
        ("Mail", mail),
        ("Log of changes, sealed", sealed),
        ("Log of changes, not sealed yet", books.unsealed.to_string()),
    ];
    let trouble = if !answers {
        Some("The database does not answer.")
    } else if books.unsealed > 5000 {
        Some("The log of changes is sealed more slowly than it grows. Look at the server's log.")
    } else if stuck {
        Some(
            "Mail has been waiting for long. The server's log says why the mail server does not take it.",
        )
    } else {
        None
    };
    Ok(View { frame: administrator.frame(), here: "health", facts, trouble })
}
