//! `/.well-known/oauth-protected-resource/api` (RFC 9728 §3.1): the resource
//! `<issuer>/api`, and where tokens for it come from.
//!
//! The path of the resource follows the well-known one. Without it the document would be
//! about another resource, `<issuer>`, which does not exist (§3.3).

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, response::IntoResponse};
use hallpass_core::PublicUrl;
use hallpass_core::wire::path::OAUTH_PROTECTED_RESOURCE;
use serde::Serialize;

use crate::app::App;
use crate::http::headers::FIVE_MINUTES;
use crate::oauth::preflight;

/// RFC 9728 §2.
#[derive(Serialize)]
struct ResourceMetadata {
    resource: String,
    authorization_servers: Vec<String>,
    scopes_supported: Vec<&'static str>,
    bearer_methods_supported: Vec<&'static str>,
    resource_name: String,
}

/// Where the metadata of our own API is.
pub(crate) fn metadata_url(public_url: &PublicUrl) -> String {
    public_url.join(&metadata_path())
}

fn metadata_path() -> String {
    format!("{OAUTH_PROTECTED_RESOURCE}/api")
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/.well-known/oauth-protected-resource/api", get(metadata).options(preflight::get))
        .route_layer(map_response(preflight::readable))
}

async fn metadata(State(app): State<App>) -> Response {
    let document = ResourceMetadata {
        resource: app.public_url().default_resource().to_owned(),
        authorization_servers: vec![app.public_url().issuer().to_owned()],
        scopes_supported: vec![hallpass_core::scope::ACCOUNT, hallpass_core::scope::TOKENS],
        bearer_methods_supported: vec!["header"],
        resource_name: app.brand().title.clone(),
    };
    ([FIVE_MINUTES], Json(document)).into_response()
}
