//! An API behind hallpass, in ten lines: the two of `hallpass`, the one of `route_layer`, and
//! an argument for each handler that wants to know who it is.
//!
//! ```sh
//! hallpass serve &
//! hallpass admin client create --id my-api --confidential > secret
//! cargo run -p protect-an-api -- http://localhost:8470 my-api secret 127.0.0.1:9000 &
//! curl -H "Authorization: Bearer $(hallpass token print)" http://127.0.0.1:9000/hello
//! ```

use anyhow::Context as _;
use axum::Router;
use axum::routing::{get, post};
use hallpass_guard::axum::{Caller, Require, project_in_path, protected_resource};
use hallpass_guard::{Remote, permission};

permission!(Publish = "project:publish");

/// Anybody who is signed in.
async fn hello(caller: Caller) -> String {
    format!("Hello, {}!\n", caller.who.name())
}

/// Only who may publish in the project of the path, by their role now and their token's scope.
async fn publish(caller: Require<Publish>) -> String {
    format!("{} has published.\n", caller.who.name())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client, secret, listen] = arguments.as_slice() else {
        anyhow::bail!("usage: protect-an-api ISSUER CLIENT-ID SECRET-FILE LISTEN");
    };
    let secret = std::fs::read_to_string(secret).context("reading the client's secret")?;

    let hallpass = Remote::connect(issuer, client, secret.trim()).start()?;
    let api = Router::new()
        .route("/hello", get(hello))
        .route("/orgs/{org}/projects/{project}/publish", post(publish))
        .route_layer(hallpass.guard().at(project_in_path("org", "project")))
        .merge(protected_resource(hallpass.resource()));

    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, api).await.context("serving")
}
