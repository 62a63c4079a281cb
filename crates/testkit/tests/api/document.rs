//! The OpenAPI document, and values against its schemas.

use anyhow::{Context as _, Result, bail, ensure};
use hallpass_core::Timestamp;
use hallpass_testkit::oauth::Answer;
use serde_json::Value;

use crate::city::City;

/// One documented operation.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) described: Value,
}

pub(crate) async fn read(city: &City) -> Result<Value> {
    let answer = city.call("GET", "/api/openapi.json", None, None).await?;
    ensure!(answer.status == 200, "{answer:?}");
    let document = answer.json();
    ensure!(document["openapi"] == "3.1.0", "{document}");
    Ok(document)
}

pub(crate) fn operations(document: &Value) -> Result<Vec<Operation>> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().context("paths")? {
        for (method, described) in methods.as_object().context("methods")? {
            all.push(Operation {
                id: described["operationId"].as_str().context("an id")?.to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                described: described.clone(),
            });
        }
    }
    Ok(all)
}

impl Operation {
    /// That an answer is documented: its status, its type, its body.
    pub(crate) fn admits(&self, document: &Value, answer: &Answer) -> Result<()> {
        let status = answer.status.as_str();
        ensure!(answer.status.as_u16() < 500, "{status}: {}", answer.body);
        let documented = &self.described["responses"][status];
        ensure!(!documented.is_null(), "{status} is not documented: {}", answer.body);
        let Some(content) = documented["content"].as_object() else {
            ensure!(answer.body.is_empty(), "{status} has no body: {}", answer.body);
            return Ok(());
        };
        let kind = answer.header("content-type");
        if kind == "application/x-ndjson" {
            ensure!(content.contains_key(kind), "{status} as {kind:?}");
            return Ok(());
        }
        let schema = &content.get(kind).with_context(|| format!("{status} as {kind:?}"))?["schema"];
        matches(document, schema, &answer.json())
            .with_context(|| format!("{status}: {}", answer.body))
    }

    /// The schema of its body.
    pub(crate) fn body<'a>(&'a self, document: &'a Value) -> Option<&'a Value> {
        let schema = &self.described["requestBody"]["content"]["application/json"]["schema"];
        (!schema.is_null()).then(|| resolved(document, schema))
    }
}

/// Follows a reference.
pub(crate) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|it| it.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}

/// Checks a value against as much of JSON Schema as the document uses.
pub(crate) fn matches(document: &Value, schema: &Value, value: &Value) -> Result<()> {
    let schema = resolved(document, schema);
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        other => bail!("a schema without a type: {other}"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    ensure!(kinds.contains(&kind), "{value} is no {kinds:?}");
    if let (Some(allowed), false) = (schema["enum"].as_array(), value.is_null()) {
        ensure!(allowed.contains(value), "{value} is none of {allowed:?}");
    }
    match value {
        Value::Object(members) => {
            let Some(known) = schema["properties"].as_object() else { return Ok(()) };
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                ensure!(members.contains_key(name), "{name} is missing");
            }
            for (name, value) in members {
                match known.get(name) {
                    Some(schema) => matches(document, schema, value).context(name.clone())?,
                    None => {
                        ensure!(schema["additionalProperties"] != false, "{name} is not documented")
                    }
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                matches(document, &schema["items"], item)?;
            }
        }
        Value::String(text) => {
            if schema["format"] == "date-time" {
                serde_json::from_value::<Timestamp>(value.clone()).context("a time")?;
            }
            // Our patterns begin with a literal: the prefix of an id.
            let pattern = schema["pattern"].as_str().and_then(|it| it.strip_prefix('^'));
            let literal = pattern.and_then(|it| it.split('[').next()).unwrap_or_default();
            ensure!(text.starts_with(literal), "{text} does not begin with {literal}");
        }
        _ => {}
    }
    Ok(())
}
