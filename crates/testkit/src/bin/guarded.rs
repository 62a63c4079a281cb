//! An API behind a guard, as a process of its own, for the tests of the guard.
//!
//! `guarded ISSUER ADDRESS CLIENT [OUTSIDE-ISSUER CLIENT-ID]…` reads the client's secret from
//! standard input, listens on a free port of loopback, and writes that address to standard output.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use axum::extract::RawPathParams;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use hallpass_guard::axum::{Caller, Require, org_in_path, project_in_path, protected_resource};
use hallpass_guard::{Action, OutsideIssuer, Remote, Unverified, bearer, permission};
use serde_json::json;

permission!(Read = "project:read");
permission!(Publish = "project:publish");

/// Whether the caller has the permission that the path names, where it says.
async fn may(caller: Caller, named: RawPathParams) -> StatusCode {
    let permission = named.iter().find(|(name, _)| *name == "permission");
    match permission.is_some_and(|(_, permission)| caller.may(permission)) {
        true => StatusCode::OK,
        false => StatusCode::FORBIDDEN,
    }
}

/// Does what the body says, if that was approved: the name of the agent.
async fn carry_out(remote: Remote, headers: HeaderMap, body: String) -> Result<String, StatusCode> {
    let token = bearer::token(&headers, None).map_err(|_| StatusCode::UNAUTHORIZED)?;
    let action = Action::read(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let approved = remote.use_action(token.expose(), &action).await.map_err(|why| match why {
        Unverified::NotGood => StatusCode::UNAUTHORIZED,
        Unverified::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    })?;
    Ok(approved.agent.name)
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().context(what);
    let (issuer, address, client) = (next("ISSUER")?, next("ADDRESS")?, next("CLIENT")?);
    let secret = std::io::read_to_string(std::io::stdin())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let own = format!("http://{}", listener.local_addr()?);
    let mut connect =
        Remote::connect(issuer, client, secret.trim()).reach_at(address).public_url(&own);
    if let Some(prefix) = hallpass_testkit::system::var("GUARDED_PREFIX") {
        connect = connect.prefix(&prefix);
    }
    while let Some(issuer) = arguments.next() {
        let client = arguments.next().context("CLIENT-ID")?;
        connect = connect.trust(OutsideIssuer::new(issuer, client).http_on_loopback());
    }
    let remote = connect.start()?;
    let status = {
        let remote = remote.clone();
        async move || {
            let status = remote.status();
            Json(json!({
                "lease": status.lease,
                "decisions": status.decisions,
                "asked": status.asked,
                "from_memory": status.from_memory,
            }))
        }
    };
    let api = Router::new()
        .route("/me", get(async |caller: Caller| caller.who.id()))
        .route(
            "/orgs/{org}/projects/{project}",
            get(async |caller: Require<Publish>| caller.who.id()),
        )
        .route(
            "/orgs/{org}/projects/{project}/read",
            get(async |caller: Require<Read>| caller.who.id()),
        )
        .route("/orgs/{org}/projects/{project}/may/{permission}", get(may))
        .route_layer(remote.guard().at(project_in_path("org", "project")))
        .merge(
            Router::new()
                .route("/orgs/{org}/may/{permission}", get(may))
                .route_layer(remote.guard().at(org_in_path("org"))),
        )
        .route("/status", get(status))
        .route(
            "/actions",
            post({
                let remote = remote.clone();
                move |headers, body| carry_out(remote.clone(), headers, body)
            }),
        )
        .merge(protected_resource(remote.resource()));
    let mut out = std::io::stdout();
    writeln!(out, "{own}")?;
    out.flush()?;
    axum::serve(listener, api).await?;
    Ok(())
}
