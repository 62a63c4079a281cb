//! Requests by chance, valid and not: only what is documented is answered, and no 5xx.

use anyhow::{Context as _, Result};
use hallpass_testkit::dice::Dice;
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::server::Plan;
use serde_json::{Map, Value, json};

use crate::city::{City, ROLES, text};
use crate::document::{self, Operation, resolved};

/// Requests to each route.
const EACH: usize = 60;
const SEED: u64 = 20_261_122;

const SEGMENTS: [&str; 14] = [
    "lab",
    "tools",
    "target@example.com",
    "org_01JAAAAAAAAAAAAAAAAAAAAAAA",
    "tok_1",
    "usr_",
    "%20",
    "%00",
    "%FF",
    "...",
    "..%2Flab",
    "%F0%9F%94%91",
    "a+b",
    "'--",
];
const QUERIES: [&str; 12] = [
    "",
    "",
    "",
    "limit=2",
    "limit=0",
    "limit=x",
    "cursor=tok_1",
    "cursor=%FF",
    "limit=1&limit=2",
    "what=1",
    "access_token=x",
    "user=target@example.com",
];
const TEXTS: [&str; 10] = [
    "",
    "a",
    "project:read",
    "2030-01-01T00:00:00Z",
    "lab/tools",
    "viewer",
    "member",
    "\u{0}\u{202e}",
    "target@example.com",
    "9999999999999999",
];

/// A value that fits a schema, or is a little off.
fn value(dice: &mut Dice, document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    if dice.below(12) == 0 {
        let odd = [
            json!(null),
            json!(-1),
            json!(1.5),
            json!([]),
            json!({}),
            json!("x".repeat(300)),
            json!(true),
        ];
        return dice.pick(&odd).cloned().unwrap_or_default();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    };
    match kind {
        "object" => {
            let mut members = Map::new();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                if is_usual(name) || dice.below(2) == 0 {
                    members.insert(name.clone(), value(dice, document, schema));
                }
            }
            if dice.below(10) == 0 {
                members.insert("surprise".to_owned(), json!(1));
            }
            Value::Object(members)
        }
        "array" => {
            let items = &schema["items"];
            Value::Array((0..dice.below(3)).map(|_| value(dice, document, items)).collect())
        }
        "integer" => json!(dice.below(1000)),
        "boolean" => json!(dice.below(2) == 0),
        _ => {
            let named = schema["enum"].as_array().filter(|_| dice.below(4) > 0);
            let named = named.and_then(|names| dice.pick(names)).cloned();
            named.unwrap_or_else(|| json!(dice.pick(&TEXTS).copied().unwrap_or_default()))
        }
    }
}

/// Names are nearly always there, so that more than the first check is reached.
fn is_usual(name: &str) -> bool {
    ["name", "slug", "role", "tokens", "holder"].contains(&name)
}

async fn one(
    city: &City,
    document: &Value,
    route: &Operation,
    dice: &mut Dice,
) -> Result<(String, Answer)> {
    let mut path = String::new();
    for part in route.path.split('/').skip(1) {
        let known = match part {
            "{org}" => Some("lab"),
            "{project}" => Some("tools"),
            "{user}" => Some("target@example.com"),
            _ => None,
        };
        path.push('/');
        path.push_str(match part.strip_prefix('{') {
            None => part,
            Some(_) => match known.filter(|_| dice.below(2) == 0) {
                Some(known) => known,
                None => dice.pick(&SEGMENTS).copied().unwrap_or("x"),
            },
        });
    }
    let query = dice.pick(&QUERIES).copied().unwrap_or_default();
    let at = if query.is_empty() { path } else { format!("{path}?{query}") };
    let role = dice.pick(&ROLES).copied().unwrap_or("nobody");
    let odd =
        ["Bearer x", "Bearer", "Basic x", "Bearer hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA"];
    let authorization = match dice.below(6) {
        0 => dice.pick(&odd).copied(),
        _ => city.presents(role),
    };
    let mut request = city.cli.request(&route.method, &at);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let mut sent = String::new();
    if let Some(schema) = route.body(document) {
        sent = match dice.below(10) {
            0 => "{".to_owned(),
            1 => String::new(),
            _ => value(dice, document, schema).to_string(),
        };
        let kind = if dice.below(10) == 0 { "text/plain" } else { "application/json" };
        request = request.header("content-type", kind).body(sent.clone());
    }
    let answer = Answer::of(request).await?;
    Ok((format!("{} {at} as {role}: {sent}", route.method), answer))
}

#[tokio::test]
async fn nothing_undocumented_is_answered() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let document = document::read(&city).await?;
    let mut dice = Dice::new(SEED);
    let (mut wrong, mut good) = (Vec::new(), 0);
    let owner = city.presents("org owner");
    let org = text(&city.call("GET", "/api/v1/orgs/lab", owner, None).await?.json(), "id")?;
    let project = "/api/v1/orgs/lab/projects/tools";
    let project = text(&city.call("GET", project, owner, None).await?.json(), "id")?;
    // Members in their order are no object, whatever a reader of Rust's makes of them. Before the
    // dice fall: one of their requests may end the sign-in that asks here.
    let place = format!("/api/v1/orgs/{org}");
    let listed = city.call("PATCH", &place, owner, Some(json!([null, "another"]))).await?;
    assert_eq!(
        (listed.status.as_u16(), text(&listed.json(), "code")?.as_str()),
        (400, "invalid_body")
    );
    for route in document::operations(&document)? {
        // What the last route did to the places is undone, or the next ones would meet none.
        let (org, project) =
            (format!("/api/v1/orgs/{org}"), format!("/api/v1/orgs/{org}/projects/{project}"));
        for (place, slug) in [(&org, "lab"), (&project, "tools")] {
            city.call("POST", &format!("{place}/unarchive"), owner, None).await?;
            city.call("PATCH", place, owner, Some(json!({ "slug": slug }))).await?;
        }
        for _ in 0..EACH {
            let (asked, answer) = one(&city, &document, &route, &mut dice).await?;
            good += usize::from(answer.status.is_success());
            if let Err(error) = route.admits(&document, &answer) {
                wrong.push(format!("{asked}\n  {error:#}"));
            }
        }
    }
    assert!(wrong.is_empty(), "seed {SEED}:\n{}", wrong.join("\n"));
    assert!(good > 100, "only {good} requests went through");
    let still = city.call("GET", "/api/v1/whoami", city.presents("administrator"), None).await;
    still.context("the server lives")?;
    Ok(())
}
