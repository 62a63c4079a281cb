//! A registry: an API that says where to sign in, and keeps what its calls carried.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// The registry.
pub(crate) struct Registry {
    pub(crate) url: String,
    seen: Seen,
}

impl Registry {
    /// One that answers this at `/auth/config`.
    pub(crate) async fn open(config: Value) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://localhost:{}", listener.local_addr()?.port());
        let seen = Seen::default();
        let said = any(move || async move { Json(config) });
        let routes = axum::Router::new()
            .route("/auth/config", said)
            .fallback(any(keep))
            .with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { url, seen })
    }

    /// The calls that came, and what they carried.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn keep(State(seen): State<Seen>, request: Request) -> axum::response::Response {
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let call = (format!("{} {}", request.method(), request.uri()), shown.unwrap_or("").to_owned());
    let body = match request.uri().path() {
        "/api/skills/missing" => {
            let problem = json!({ "code": "no_skill", "status": 404, "title": "No such skill" });
            return (StatusCode::NOT_FOUND, Json(problem)).into_response();
        }
        "/api/skills/later%20on" => return StatusCode::BAD_GATEWAY.into_response(),
        "/api/skills/elsewhere" => return (StatusCode::NOT_FOUND, "<html>").into_response(),
        _ => json!({ "ok": true }),
    };
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    Json(body).into_response()
}
