//! The states of CLIENT G1, offline and asked.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::testing::{Said, Town};

fn state(town: &Town) -> State {
    town.client().status().state
}

// proves: client-G1, client-G2
#[test]
fn what_can_be_said_without_asking() {
    let town = Town::new();
    assert_eq!(state(&town), State::NotSignedIn);
    assert_eq!(state(&town).class(), Some(Class::NotSignedIn));

    let mut credential = town.sign_in();
    let status = town.client().status();
    assert_eq!(status.state, State::Valid);
    assert_eq!(status.state.class(), None);
    assert_eq!(status.source, Source::Profile { name: "default".into() });
    assert_eq!(status.store.path, town.file());
    assert_eq!(status.account.unwrap().label(), "ada@example.com");
    assert_eq!(status.expires_at.unwrap().to_rfc3339(), "2026-04-18T10:05:00Z");
    assert_eq!(status.warnings, []);

    town.time.pass(Duration::from_secs(300));
    assert_eq!(state(&town), State::Refreshable);
    assert_eq!(state(&town).class(), None);

    credential.refresh_token = None;
    town.put("default", credential.clone());
    assert_eq!(state(&town), State::Expired);
    assert_eq!(state(&town).class(), Some(Class::NotSignedIn));

    let at = Timestamp::from_secs(0);
    credential.ended = Some(crate::vault::model::Ended { reason: "revoked".into(), at });
    town.put("default", credential);
    assert_eq!(state(&town), State::Ended { reason: "revoked".into(), at });
    assert!(town.server.all().is_empty());
}

// proves: client-G1, client-D10
#[test]
fn a_store_that_cannot_be_read_is_told_apart() {
    let town = Town::new();
    town.sign_in();
    std::fs::write(town.file(), "{").unwrap();
    let State::StoreUnavailable { reason } = state(&town) else { panic!() };
    assert!(reason.contains("credentials.json"), "{reason}");
    assert_eq!(state(&town).class(), Some(Class::Store));
    assert!(matches!(town.client().session(), Err(error) if error.class() == Class::Store));
}

// proves: client-F2
#[test]
fn a_variable_that_wins_is_named_and_its_value_is_not() {
    let mut town = Town::new();
    town.sign_in();
    town.table.variables.insert("HALLPASS_TOKEN".into(), "hp_user_hidden".into());
    let status = town.client().status();
    assert_eq!(status.source, Source::Variable { name: "HALLPASS_TOKEN".into() });
    assert_eq!(status.warnings, [Warning::VariableWins { variable: "HALLPASS_TOKEN".into() }]);
    assert!(!format!("{status:?}").contains("hidden"));
}

#[test]
fn a_profile_that_does_not_exist_is_not_signed_in_and_says_why() {
    let town = Town::new();
    town.sign_in();
    let selection = Selection { profile: Some("wrok".into()), ..Selection::default() };
    let status = crate::Client::new(town.parts(), selection).status();
    assert_eq!(status.state, State::NotSignedIn);
    assert!(status.warnings[0].to_string().contains("\"wrok\""));
}

// proves: client-G1, client-G2, client-J3
#[test]
fn asked_the_server_has_the_last_word() {
    let town = Town::new();
    let asked = || town.client().status_checked();
    assert_eq!(asked().state, State::NotSignedIn);
    assert!(town.server.all().is_empty());

    town.sign_in();
    let whoami = json!({
        "id": "usr_ada", "email": "new@example.com", "name": "Ada", "scope": "openid",
    });
    let told = Said::json(200, &whoami).with("Date", "Sat, 18 Apr 2026 10:02:00 GMT");
    town.server.says("/api/v1/whoami", told);
    let status = asked();
    assert_eq!(status.warnings, [Warning::ClockSkew { seconds: 120, ahead: false }]);
    assert_eq!(status.state, State::Valid);
    assert_eq!(status.account.unwrap().label(), "new@example.com");
    assert_eq!(status.scope.unwrap().to_string(), "openid");
    assert_eq!(town.server.all().len(), 1, "one call");

    town.server.says("/api/v1/whoami", Said::text(503, "text/plain", ""));
    assert!(matches!(asked().state, State::CannotVerify { .. }));
    assert_eq!(asked().state.class(), Some(Class::CannotVerify));

    let refused = Said::text(401, "text/plain", "")
        .with("WWW-Authenticate", "Bearer error=\"invalid_token\"");
    town.server.says("/api/v1/whoami", refused);
    town.server.says("/oauth/token", Said::error("invalid_client"));
    town.time.pass(Duration::from_secs(60));
    assert!(matches!(asked().state, State::Rejected { .. }));
    assert_eq!(asked().state.class(), Some(Class::Rejected));

    town.server.says("/oauth/token", Said::error("invalid_grant"));
    assert!(matches!(asked().state, State::Ended { .. }));
    // And that is remembered without asking.
    assert!(matches!(state(&town), State::Ended { .. }));
}
