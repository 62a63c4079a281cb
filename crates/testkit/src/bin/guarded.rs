//! An API behind a guard, as a process of its own, for the tests of the guard.
//!
//! `guarded ISSUER ADDRESS CLIENT [OUTSIDE-ISSUER CLIENT-ID]…` reads the client's secret from
//! standard input, listens on a free port of loopback, and writes that address to standard output.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use axum::routing::get;
use axum::{Json, Router};
use hallpass_guard::axum::{Caller, Require, project_in_path, protected_resource};
use hallpass_guard::{OutsideIssuer, Remote, permission};
use serde_json::json;

permission!(Read = "project:read");
permission!(Publish = "project:publish");

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().context(what);
    let (issuer, address, client) = (next("ISSUER")?, next("ADDRESS")?, next("CLIENT")?);
    let secret = std::io::read_to_string(std::io::stdin())?;
    let mut connect = Remote::connect(issuer, client, secret.trim()).reach_at(address);
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
        .route_layer(remote.guard().at(project_in_path("org", "project")))
        .route("/status", get(status))
        .merge(protected_resource(remote.resource()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}", listener.local_addr()?)?;
    out.flush()?;
    axum::serve(listener, api).await?;
    Ok(())
}
