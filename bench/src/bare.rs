//! What ours is measured against: axum handlers that do nothing but their HTTP.
//!
//! They answer what the real ones would, in as many bytes, made anew each time, but
//! they authenticate nobody, look nothing up, and count nothing. Run as a process of
//! its own, so that its processor time can be told apart.

use std::io::Write;

use anyhow::{Context, Result};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::{Deserialize, Serialize};

/// The bare counterpart of introspection.
pub(crate) const FORM: &str = "/form";
/// The bare counterpart of a check.
pub(crate) const GET: &str = "/get";

#[derive(Deserialize)]
struct Request {
    token: String,
}

/// As many fields of as many bytes as our answer about a personal token (RFC 7662 §2.2).
#[derive(Serialize)]
struct Active {
    active: bool,
    scope: &'static str,
    username: &'static str,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    sub: &'static str,
    iss: &'static str,
    jti: &'static str,
    credential: &'static str,
    sub_type: &'static str,
    name: &'static str,
}

async fn form(Form(request): Form<Request>) -> Json<Active> {
    Json(Active {
        active: !request.token.is_empty(),
        scope: "account billing:manage keys:manage members:manage org:manage org:read project:publish project:read projects:create settings:manage tokens:manage",
        username: "ada@example.com",
        token_type: "Bearer",
        exp: 1_800_000_300,
        iat: 1_800_000_000,
        sub: "usr_01JD2ZK7Y9V0W8T5R3Q1N6M4HB",
        iss: "http://localhost:8470",
        jti: "tok_01JD2ZK7Y9V0W8T5R3Q1N6M4HC",
        credential: "personal_token",
        sub_type: "user",
        name: "Ada Lovelace",
    })
}

/// As many fields of as many bytes as OIDC Core §5.3.2 has for a user of ours.
#[derive(Serialize)]
struct Person {
    sub: &'static str,
    name: &'static str,
    email: &'static str,
    email_verified: bool,
}

async fn person() -> Json<Person> {
    Json(Person {
        sub: "usr_01JD2ZK7Y9V0W8T5R3Q1N6M4HB",
        name: "Ada Lovelace",
        email: "ada@example.com",
        email_verified: true,
    })
}

/// Serves until its parent is gone; says its address on stdout first.
pub(crate) fn serve() -> Result<()> {
    crate::process::end_with_parent();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("listening")?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        let handlers = Router::new().route(FORM, post(form)).route(GET, get(person));
        axum::serve(listener, handlers).await.context("serving")
    })
}
