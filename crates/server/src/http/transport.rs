//! TLS everywhere except on loopback (C17).
//!
//! A deployment whose public URL is https is reached over TLS that ends here, or
//! through a proxy: one that is named in the configuration, or one on this machine.
//! Anybody else who speaks plain HTTP to it is refused before a secret is read; that
//! the request has already travelled in the clear cannot be undone, so the answer
//! says so to the operator in one line.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Extensions, HeaderMap, StatusCode};

use super::peer::Socket;
use crate::app::App;

/// Middleware around everything.
pub async fn required(State(app): State<App>, request: Request, next: Next) -> Response {
    match refusal(&app, request.extensions(), request.headers()) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

/// The answer to a request that came in the clear and must not.
pub(crate) fn refusal(app: &App, extensions: &Extensions, headers: &HeaderMap) -> Option<Response> {
    // No socket: called in process, by a test.
    let socket = extensions.get::<Socket>()?;
    let why = "This server answers over https only.\n";
    (!allowed(app, *socket, headers)).then(|| (StatusCode::FORBIDDEN, why).into_response())
}

fn allowed(app: &App, socket: Socket, headers: &HeaderMap) -> bool {
    if socket.tls {
        return true;
    }
    let address = socket.address.to_canonical();
    let proxy = app.trusted_proxies().iter().any(|network| network.contains(address));
    if proxy && app.public_url().is_https() {
        // A proxy that says it was spoken to in the clear is believed too.
        return headers.get("x-forwarded-proto").is_none_or(|scheme| scheme == "https");
    }
    proxy || address.is_loopback()
}
