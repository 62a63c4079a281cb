//! All routes and what stands around them.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use hallpass_core::wire::path::DEVICE_PAGE;
use http::{Method, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::http::{Audience, headers, transport};
use crate::{api, check, health, metrics, oauth, observe, web};

/// The whole server as one service.
pub fn router(app: App) -> Router {
    let stateful = |app: &App| app.clone();
    Router::new()
        .merge(oauth::routes(&app))
        .merge(api::routes(&app))
        .merge(check::routes(&app))
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(web::routes(&app))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // The last layer is the outermost.
        .layer(middleware::from_fn_with_state(stateful(&app), in_time))
        .layer(no_panic())
        .layer(middleware::from_fn_with_state(stateful(&app), transport::required))
        .layer(middleware::from_fn_with_state(stateful(&app), headers::secure))
        .layer(middleware::from_fn_with_state(stateful(&app), observe::observe))
        .with_state(app)
}

/// An answer that is not found in time will not be found: 503, and the work is dropped.
async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let audience = Audience::of(&request);
    let patience: Duration = app.settings().request_timeout;
    match tokio::time::timeout(patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => took_too_long(&app, audience),
    }
}

pub(crate) fn took_too_long(app: &App, audience: Audience) -> Response {
    audience.answer(
        app,
        StatusCode::SERVICE_UNAVAILABLE,
        "took_too_long",
        "The answer took too long",
        "Try again in a moment.",
    )
}

async fn not_found(State(app): State<App>, request: Request) -> Response {
    if let Some(page) = alias(&app, &request) {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response();
    }
    web::nothing_here(Audience::of(&request), &app)
}

/// The page that the brand has another address for, with the query that was asked with.
fn alias(app: &App, request: &Request) -> Option<String> {
    let pages = &app.brand().pages;
    let page = pages.aliases.get(request.uri().path())?;
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let query = request.uri().query().filter(|query| !query.is_empty());
    let query = query.map(|query| {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            // The device page knows one name for the code.
            Some((name, code)) if page == DEVICE_PAGE && name == pages.device_code() => {
                format!("user_code={code}")
            }
            _ => pair.to_owned(),
        });
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    });
    reads.then(|| format!("{page}{}", query.unwrap_or_default()))
}

/// The router adds `Allow` (RFC 9110 §15.5.6).
async fn method_not_allowed(State(app): State<App>, request: Request) -> Response {
    Audience::of(&request).answer(
        &app,
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method",
        "The Allow header says which it takes.",
    )
}

/// A handler that panics is answered for, and the connection lives on.
pub(crate) fn no_panic() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(panicked)
}

/// Says nothing of the panic itself; the process's panic hook has put it to the log.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let text = "Something is broken in this server; nothing that was acknowledged is lost.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}
