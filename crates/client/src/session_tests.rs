//! Calls: where tokens go, what a refusal does, what comes back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::client::Client;
use crate::source::Selection;
use crate::testing::{FakeServer, Said, Seen, Town, tokens};
use crate::vault::model::Receipt;

const WHOAMI: &str = "/api/v1/whoami";

fn whoami() -> serde_json::Value {
    json!({
        "id": "usr_ada", "email": "ada@example.com", "name": "Ada",
        "client_id": "hallpass-cli", "scope": "account openid",
    })
}

fn refused() -> Said {
    Said::json(401, &json!({ "title": "no", "status": 401, "code": "invalid_token" }))
        .with("WWW-Authenticate", "Bearer realm=\"x\", error=\"invalid_token\"")
}

/// Answers only the bearer of `token`.
fn only(token: &'static str) -> impl Fn(&Seen) -> Said {
    move |seen| {
        if seen.header("authorization") == Some(&format!("Bearer {token}")) {
            Said::json(200, &whoami())
        } else {
            refused()
        }
    }
}

fn signed_in() -> Town {
    let town = Town::new();
    town.sign_in();
    town
}

// proves: client-J4
#[test]
fn a_stored_token_loads_nothing_of_tls() {
    let town = signed_in();
    let session = town.client().session().unwrap();
    assert_eq!(session.access_token().unwrap().expose(), "at-1");
    assert!(!session.http.is_loaded());
    session.whoami().unwrap_err();
    assert!(session.http.is_loaded(), "this would prove nothing otherwise");
}

#[test]
fn a_call_goes_out_as_the_person() {
    let town = signed_in();
    town.server.answers(WHOAMI, only("at-1"));
    let session = town.client().session().unwrap();
    assert_eq!(session.whoami().unwrap().email, "ada@example.com");
    assert_eq!(session.server(), town.server.origin);
    town.server.says("/api/x", Said::text(418, "text/plain", "teapot"));
    let call = Call {
        method: "PATCH",
        path: "/api/x?y=1",
        headers: &[("X-Extra", "1")],
        body: Some(("application/json", b"{}")),
    };
    let answer = session.call(&call).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (418, b"teapot".as_slice()));
    assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
    let seen = &town.server.seen("/api/x")[0];
    assert_eq!(
        (seen.method.as_str(), seen.query.as_str(), seen.body.as_str()),
        ("PATCH", "y=1", "{}")
    );
    assert_eq!(seen.header("x-extra"), Some("1"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("authorization"), Some("Bearer at-1"));
}

// proves: client-E8
#[test]
fn a_refused_token_is_refreshed_once_and_the_call_repeated() {
    let town = signed_in();
    town.time.pass(Duration::from_secs(60));
    town.server.answers(WHOAMI, only("at-2"));
    town.server.says("/oauth/token", tokens(2));
    assert_eq!(town.client().session().unwrap().whoami().unwrap().id, "usr_ada");
    assert_eq!(town.server.seen(WHOAMI).len(), 2);
    assert_eq!(town.server.seen("/oauth/token").len(), 1);
}

// proves: client-E8
#[test]
fn a_token_that_was_just_refreshed_and_is_refused_is_not_refreshed_again() {
    let town = signed_in();
    town.time.pass(Duration::from_secs(60));
    town.server.says(WHOAMI, refused());
    town.server.says("/oauth/token", tokens(2));
    let session = town.client().session().unwrap();
    for _ in 0..3 {
        assert!(matches!(
            session.whoami(),
            Err(Error::Rejected { code, .. }) if code == "invalid_token"
        ));
    }
    assert_eq!(town.server.seen("/oauth/token").len(), 1);
    // Later it may help again.
    town.time.pass(Duration::from_secs(11));
    assert!(session.whoami().is_err());
    assert_eq!(town.server.seen("/oauth/token").len(), 2);
}

#[test]
fn a_session_that_is_ended_right_after_the_sign_in_is_known_to_be_over() {
    let town = signed_in();
    town.server.says(WHOAMI, refused());
    town.server.says("/oauth/token", Said::error("invalid_grant"));
    let session = town.client().session().unwrap();
    assert!(matches!(session.whoami(), Err(Error::SessionEnded { .. })));
    assert!(town.stored().ended.is_some());
}

// proves: client-E8, client-E9
#[test]
fn after_a_refusal_what_another_process_got_is_used() {
    let town = signed_in();
    town.server.answers(WHOAMI, only("at-7"));
    let session = town.client().session().unwrap();
    let mut newer = town.stored();
    let access = newer.access.as_mut().unwrap();
    access.token = "at-7".to_owned().into();
    access.received = Receipt::now(&town.time);
    town.put("default", newer);
    assert_eq!(session.whoami().unwrap().id, "usr_ada");
    assert!(town.server.seen("/oauth/token").is_empty());
}

#[test]
fn other_refusals_are_answers() {
    let town = signed_in();
    let session = town.client().session().unwrap();
    for (status, code) in [(403, "insufficient_scope"), (404, "not_found"), (409, "name_taken")] {
        let problem = json!({
            "title": "No \u{1b}[31m", "status": status, "code": code, "detail": "because",
        });
        town.server.says(
            WHOAMI,
            Said::text(status, "application/problem+json", &problem.to_string())
                .with("WWW-Authenticate", &format!("Bearer error=\"{code}\"")),
        );
        let Err(Error::Problem { status: s, code: c, title, detail, .. }) = session.whoami() else {
            panic!("{status}")
        };
        assert_eq!((s, c.as_str(), title.as_str()), (status, code, "No"));
        assert_eq!(detail.as_deref(), Some("because"));
    }
    town.server.says(WHOAMI, Said::text(502, "text/html", "<h1>gateway</h1>"));
    assert!(matches!(session.whoami(), Err(Error::Http(_))));
    assert!(town.server.seen("/oauth/token").is_empty());
}

// proves: client-H7, J07
#[test]
fn a_token_goes_to_its_own_server_only() {
    let town = signed_in();
    let other = FakeServer::empty();
    other.says("/x", Said::text(200, "text/plain", ""));
    town.server.says(
        "/away",
        Said::text(307, "text/plain", "").with("Location", &format!("{}/x", other.origin)),
    );
    let session = town.client().session().unwrap();
    let port = town.server.origin.rsplit(':').next().unwrap().to_owned();
    let full = format!("{}/x", other.origin);
    let name = format!("http://localhost:{port}/x");
    let https = format!("https://127.0.0.1:{port}/x");
    let user = format!("http://ada@127.0.0.1:{port}/x");
    for path in
        [&full, &name, &https, &user, "x", "", "@evil.test/", "//evil.test:80/", ".evil.test"]
    {
        let call = Call { method: "GET", path, headers: &[], body: None };
        match session.call(&call) {
            Err(Error::BadPath { .. }) => {}
            // Two slashes are a path like any other.
            Ok(answer) => assert_eq!((path, answer.status), ("//evil.test:80/", 404)),
            Err(error) => panic!("{path}: {error}"),
        }
    }
    let own = format!("{}/away", town.server.origin);
    let answer =
        session.call(&Call { method: "GET", path: &own, headers: &[], body: None }).unwrap();
    assert_eq!(answer.status, 307);
    assert!(other.all().is_empty());
}

#[test]
fn sessions_are_listed_over_all_pages_and_ended() {
    let town = signed_in();
    let item = |id: &str| {
        json!({
            "id": id, "kind": "program", "name": "hallpass",
            "created_at": "2026-04-18T10:00:00Z", "current": id == "grt_1",
        })
    };
    town.server.answers("/api/v1/sessions", move |seen| {
        Said::json(
            200,
            &match seen.query.as_str() {
                "" => json!({ "items": [item("grt_1")], "next_cursor": "a b&c" }),
                "cursor=a+b%26c" => json!({ "items": [item("ses_2")] }),
                other => panic!("{other}"),
            },
        )
    });
    let session = town.client().session().unwrap();
    let all = session.sessions().unwrap();
    assert_eq!(all.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["grt_1", "ses_2"]);
    assert!(all[0].current && !all[1].current);

    town.server.says("/api/v1/sessions/ses_2", Said::json(204, &json!(null)));
    session.end_session("ses_2").unwrap();
    assert_eq!(town.server.seen("/api/v1/sessions/ses_2")[0].method, "DELETE");
    assert!(session.end_session("../whoami?x").is_err());
    assert_eq!(town.server.all().last().unwrap().path, "/api/v1/sessions/%2E%2E%2Fwhoami%3Fx");
}

// proves: client-D4
#[test]
fn a_token_from_a_variable_is_used_as_it_is() {
    let mut town = Town::new();
    town.table.variables.insert("HALLPASS_TOKEN".into(), "token-x\n".into());
    let calls = AtomicU32::new(0);
    town.server.answers(WHOAMI, move |seen| {
        assert_eq!(seen.header("authorization"), Some("Bearer token-x"));
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            Said::json(200, &whoami())
        } else {
            refused()
        }
    });
    let session = town.client().session().unwrap();
    session.whoami().unwrap();
    let text = session.whoami().unwrap_err().to_string();
    assert!(text.contains("HALLPASS_TOKEN") && !text.contains("token-x"), "{text}");
    assert_eq!(town.server.all().len(), 2);
    assert!(!town.file().parent().unwrap().exists());

    for bad in ["two words", "a\nb", "é"] {
        town.table.variables.insert("HALLPASS_TOKEN".into(), bad.into());
        let Err(error) = town.client().session() else { panic!("{bad:?}") };
        assert!(error.to_string().contains("the value of HALLPASS_TOKEN is no token"), "{error}");
        assert!(!error.to_string().contains(bad));
    }
}

#[test]
fn a_program_can_hand_a_token_over() {
    let town = Town::new();
    town.server.answers(WHOAMI, only("given"));
    let selection = Selection { token: Some(Secret::new("given")), ..town.selection() };
    let session = Client::new(town.parts(), selection).session().unwrap();
    assert_eq!(session.whoami().unwrap().id, "usr_ada");
    assert_eq!(*session.source(), Source::Explicit);
}
