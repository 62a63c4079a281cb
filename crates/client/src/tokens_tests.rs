//! What is sent for each verb, what comes back, and which token a word means.

use serde_json::{Value, json};

use super::*;
use crate::testing::{Said, Town};

const TOKENS: &str = "/api/v1/tokens";
const ONE: &str = "/api/v1/tokens/tok_1";

fn item(id: &str, name: &str, last_four: &str) -> Value {
    json!({
        "id": id, "name": name, "prefix": "hp_user_", "last_four": last_four,
        "created_at": "2026-04-18T10:00:00Z",
    })
}

fn with_value(mut item: Value) -> Value {
    item["value"] = "hp_user_secret".into();
    item
}

fn sent(town: &Town, path: &str) -> (String, Value) {
    let seen = town.server.seen(path).pop().expect("a request");
    assert_eq!(seen.header("authorization"), Some("Bearer at-1"));
    (seen.method.clone(), serde_json::from_str(&seen.body).unwrap_or(Value::Null))
}

fn town() -> Town {
    let town = Town::new();
    town.sign_in();
    town
}

#[test]
fn a_token_is_made_with_what_was_asked_for_and_nothing_more() {
    let town = town();
    town.server.says(TOKENS, Said::json(201, &with_value(item("tok_1", "ci", "cret"))));
    let session = town.client().session().unwrap();
    let made = session.create_token(&NewToken { name: "ci".into(), ..NewToken::default() });
    let made = made.unwrap();
    assert_eq!((made.token.id.as_str(), made.value.expose()), ("tok_1", "hp_user_secret"));
    assert!(!format!("{made:?}").contains("secret"));
    assert_eq!(sent(&town, TOKENS), ("POST".into(), json!({ "name": "ci" })));

    let new = NewToken {
        name: "ci".into(),
        expires_at: Some(Timestamp::from_secs(1_776_506_400)),
        scope: Some("account project:read".parse().unwrap()),
        projects: vec!["acme/site".into()],
        user: Some("bo@example.com".into()),
    };
    session.create_token(&new).unwrap();
    let body = json!({
        "name": "ci", "expires_at": "2026-04-18T10:00:00Z", "scope": "account project:read",
        "projects": ["acme/site"], "user": "bo@example.com",
    });
    assert_eq!(sent(&town, TOKENS).1, body);
}

#[test]
fn a_token_whose_answer_is_lost_is_not_asked_for_again() {
    let town = town();
    town.server.says(TOKENS, Said::hang_up());
    let session = town.client().session().unwrap();
    let new = NewToken { name: "ci".into(), ..NewToken::default() };
    assert!(matches!(session.create_token(&new), Err(Error::Http(_))));
    assert_eq!(town.server.seen(TOKENS).len(), 1);
}

#[test]
fn all_pages_are_listed_for_whom_was_asked() {
    let town = town();
    town.server.answers(TOKENS, |seen| {
        let page = match seen.query.as_str() {
            "user=bo%40example.com" => {
                json!({ "items": [item("tok_1", "ci", "AAAA")], "next_cursor": "a&b" })
            }
            "user=bo%40example.com&cursor=a%26b" => {
                json!({ "items": [item("tok_2", "cd", "BBBB")] })
            }
            other => panic!("{other}"),
        };
        Said::json(200, &page)
    });
    let all = town.client().session().unwrap().tokens(Some("bo@example.com")).unwrap();
    assert_eq!(all.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["ci", "cd"]);
}

#[test]
fn each_change_says_only_what_changes() {
    let town = town();
    town.server.says(ONE, Said::json(200, &item("tok_1", "cd", "AAAA")));
    let session = town.client().session().unwrap();
    assert_eq!(session.rename_token("tok_1", "cd").unwrap().name, "cd");
    assert_eq!(sent(&town, ONE), ("PATCH".into(), json!({ "name": "cd" })));
    session.expire_token("tok_1", None).unwrap();
    assert_eq!(sent(&town, ONE).1, json!({ "expires_at": null }));
    session.expire_token("tok_1", Some(Timestamp::from_secs(0))).unwrap();
    assert_eq!(sent(&town, ONE).1, json!({ "expires_at": "1970-01-01T00:00:00Z" }));
    session.token_by_id("tok_1").unwrap();
    assert_eq!(sent(&town, ONE), ("GET".into(), Value::Null));

    town.server.says(ONE, Said::json(204, &Value::Null));
    session.revoke_token("tok_1").unwrap();
    assert_eq!(sent(&town, ONE), ("DELETE".into(), Value::Null));

    let rotate = "/api/v1/tokens/tok_1/rotate";
    town.server.says(rotate, Said::json(201, &with_value(item("tok_2", "ci", "cret"))));
    let made = session.rotate_token("tok_1", Duration::from_secs(90)).unwrap();
    assert_eq!(made.value.expose(), "hp_user_secret");
    assert_eq!(sent(&town, rotate), ("POST".into(), json!({ "overlap_seconds": 90 })));
}

#[test]
fn an_id_is_one_segment_of_the_path_whatever_is_in_it() {
    let town = town();
    let session = town.client().session().unwrap();
    assert!(session.revoke_token("../whoami?x").is_err());
    assert_eq!(town.server.all().pop().unwrap().path, "/api/v1/tokens/%2E%2E%2Fwhoami%3Fx");
}

#[test]
fn a_refusal_keeps_its_code() {
    let town = town();
    let problem = json!({ "title": "The name is taken", "status": 409, "code": "name_taken" });
    town.server.says(TOKENS, Said::text(409, "application/problem+json", &problem.to_string()));
    let session = town.client().session().unwrap();
    let refused = session.create_token(&NewToken { name: "ci".into(), ..NewToken::default() });
    assert!(matches!(
        refused,
        Err(Error::Problem { status: 409, code, .. }) if code == "name_taken"
    ));
}

fn token(id: &str, name: &str, last_four: &str) -> Token {
    serde_json::from_value(item(id, name, last_four)).unwrap()
}

#[test]
fn a_word_means_a_token_only_if_it_means_no_other() {
    let mut old = token("tok_0", "ci", "Old1");
    old.overlap_until = Some(Timestamp::from_secs(0));
    let mut leaked = token("tok_9", "cd", "Leak");
    leaked.leaked_at = Some(Timestamp::from_secs(0));
    let all = [
        leaked,
        old,
        token("tok_1", "ci", "AAAA"),
        token("tok_2", "AAAA", "BBBB"),
        token("tok_3", "cd", "BBBB"),
    ];
    let found = |word: &str| match find(&all, word) {
        Found::One(token) => vec![token.id.as_str()],
        Found::None => Vec::new(),
        Found::Several(tokens) => tokens.iter().map(|token| token.id.as_str()).collect(),
    };
    assert_eq!(found("tok_3"), ["tok_3"]);
    assert_eq!(found("ci"), ["tok_1"], "the name is the successor's");
    assert_eq!(found("Old1"), ["tok_0"]);
    assert_eq!(found("cd"), ["tok_3"], "what leaked is over");
    assert!(found("Leak").is_empty() && found("tok_9").is_empty());
    assert_eq!(found("AAAA"), ["tok_1", "tok_2"]);
    assert_eq!(found("BBBB"), ["tok_2", "tok_3"]);
    assert!(found("CI").is_empty() && found("").is_empty());
}
