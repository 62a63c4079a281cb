//! `GET /api/openapi.json`: the table of routes as an OpenAPI 3.1 document.

use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use hallpass_core::wire::path::OPENAPI;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::right::{Anybody, Needs};
use super::route::{Operation, Route};
use super::schema::{Described, Schemas, refer};
use crate::app::App;
use crate::http::headers::FIVE_MINUTES;

pub(super) fn table() -> Vec<Route> {
    vec![Route::new(Method::GET, OPENAPI, "getOpenApi", "This document", document)]
}

/// The document.
struct Document;

impl Described for Document {
    fn name() -> String {
        "OpenApi".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        json!({ "type": "object", "description": "An OpenAPI 3.1 document." })
    }
}

impl Answer for Document {
    fn describe(operation: &mut Operation) {
        operation.answers.insert(200, ("It is so.", Some(refer::<Document>)));
    }

    fn respond(self) -> Response {
        /// It does not change while the server runs.
        static TEXT: LazyLock<String> = LazyLock::new(|| written(&super::table()).to_string());
        let json = (CONTENT_TYPE, "application/json");
        ([FIVE_MINUTES], [json], TEXT.as_str()).into_response()
    }
}

async fn document(_: App, _: Needs<Anybody>) -> Document {
    Document
}

/// The document of a table.
fn written(table: &[Route]) -> Value {
    let mut schemas = Schemas::default();
    let mut paths: Map<String, Value> = Map::new();
    for Route { operation, .. } in table {
        let at = paths.entry(operation.path).or_insert_with(|| json!({}));
        at[operation.method.as_str().to_ascii_lowercase()] = described(operation, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hallpass API",
            "description": "Errors are problems (RFC 9457) with a stable `code`. Lists are `{items, next_cursor}`.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token (RFC 9068) for this API, a personal token or a key.",
                },
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The id and secret of a confidential client.",
                },
                "github": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Github-Public-Key-Signature",
                    "description": "GitHub's signature over the body; its key is named by Github-Public-Key-Identifier.",
                },
            },
        },
    })
}

fn described(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    for name in operation.path_parameters() {
        parameters.push(json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": about(name),
            "schema": { "type": "string" },
        }));
    }
    for (name, schema) in &operation.query {
        let mut schema = schema.clone();
        let what = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        parameters.push(json!({
            "name": name,
            "in": "query",
            "description": what,
            "schema": schema,
        }));
    }
    let mut answers = Map::new();
    for (status, (what, schema)) in &operation.answers {
        let mut answer = json!({ "description": what });
        if let Some(schema) = schema {
            let kind = if *status < 300 { "application/json" } else { "application/problem+json" };
            answer["content"] = json!({ kind: { "schema": schema(schemas) } });
        }
        if let Some(kind) = operation.media.filter(|_| *status == 200) {
            answer["content"] = json!({ kind: { "schema": { "type": "string" } } });
        }
        answers.insert(status.to_string(), answer);
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Needs: {}", operation.right),
        "parameters": parameters,
        "responses": answers,
        "security": operation.security.iter().map(|(scheme, scopes)| json!({ *scheme: scopes })).collect::<Vec<_>>(),
    });
    if let Some(body) = operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": body(schemas) } },
        });
    }
    described
}

fn about(parameter: &str) -> &'static str {
    match parameter {
        "org" => "The organization, by slug or id.",
        "project" => "The project, by slug or id.",
        "user" => "The user, by id or e-mail address.",
        "client" => "The client, by its `client_id`.",
        _ => "Its id.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_documented_once_and_completely() {
        let table = super::super::table();
        let document = written(&table);
        let mut ids = BTreeSet::new();
        for route in &table {
            let Operation { method, path, id, right, summary, .. } = &route.operation;
            assert!(ids.insert(*id), "{id} twice");
            assert!(!right.is_empty() && !summary.is_empty(), "{id}");
            let documented = &document["paths"][*path][method.as_str().to_ascii_lowercase()];
            assert_eq!(documented["operationId"], *id);
            let answers = documented["responses"].as_object().expect("answers");
            assert!(answers.keys().any(|status| status.starts_with('2')), "{id}");
        }
        let count = |it: &Value| it.as_object().expect("methods").len();
        let documented: usize =
            document["paths"].as_object().expect("paths").values().map(count).sum();
        assert_eq!(documented, table.len());
        let text = document.to_string();
        for (at, _) in text.match_indices("#/components/schemas/") {
            let name = text[at + 21..].split('"').next().expect("a name");
            assert!(!document["components"]["schemas"][name].is_null(), "{name}");
        }
    }
}
