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

// proves: client-G1, HP03
#[test]
fn a_sign_in_without_the_key_that_it_is_bound_to_is_none() {
    let town = Town::new();
    town.sign_in_bound();
    let keys = town.file().with_file_name("keys.json");
    let kept = std::fs::read_to_string(&keys).unwrap();
    assert_eq!(state(&town), State::Valid);
    assert_eq!(town.client().profiles().unwrap()[0].state, State::Valid);
    for (text, class, next) in [
        (None, Class::NotSignedIn, "hallpass login --profile default"),
        (Some("{"), Class::Store, "hallpass login"),
        (Some(r#"{"schema_version":1}"#), Class::NotSignedIn, "hallpass login --profile default"),
        (Some(r#"{"schema_version":9}"#), Class::Store, "hallpass login"),
    ] {
        match text {
            Some(text) => std::fs::write(&keys, text).unwrap(),
            None => std::fs::remove_file(&keys).unwrap(),
        }
        let status = town.client().status();
        assert_eq!(status.state.class(), Some(class), "{text:?}: {status:?}");
        assert_eq!(status.error.unwrap().next("hallpass").as_deref(), Some(next), "{text:?}");
        let listed = town.client().profiles().unwrap().remove(0);
        assert_eq!(listed.state.class(), Some(class), "{text:?}");
    }
    std::fs::write(&keys, kept).unwrap();
    // Over is over, with the key or without it.
    town.time.pass(Duration::from_secs(300));
    assert_eq!(state(&town), State::Refreshable);
    assert!(town.server.all().is_empty());
}

// proves: client-G1, client-F3
#[test]
fn what_cannot_be_a_token_is_none_whoever_asks() {
    for bad in [
        "two words",
        "hp_user_short",
        "ghp_0123456789abcdefghij",
        &TOKEN.replace("urKA", "urKB"),
        &TOKEN[..30],
    ] {
        let mut town = Town::new();
        town.table.variables.insert("HALLPASS_TOKEN".into(), bad.to_owned());
        let status = town.client().status();
        assert!(matches!(status.state, State::Malformed { .. }), "{bad}: {status:?}");
        assert_eq!(status.state.class(), Some(Class::NotSignedIn));
        let error = status.error.unwrap();
        assert_eq!(error.next("hallpass").as_deref(), Some("unset HALLPASS_TOKEN"));
        assert!(!error.to_string().contains(bad), "{error}");
        let asked = town.client().status_checked();
        assert!(matches!(asked.state, State::Malformed { .. }), "{bad}: {asked:?}");
        assert!(matches!(town.client().session(), Err(Error::MalformedToken { .. })), "{bad}");
        assert!(town.server.all().is_empty(), "{bad}");
    }
}

// proves: client-L3
#[test]
fn what_says_where_to_sign_in_wrongly_is_named() {
    let mut town = Town::new();
    town.table.variables.insert("HALLPASS_SERVER".into(), "not a server".into());
    let status = crate::Client::new(town.parts(), Selection::default()).status();
    assert_eq!(status.state, State::NotSignedIn);
    assert_eq!(status.error.unwrap().next("hallpass").as_deref(), Some("unset HALLPASS_SERVER"));
}

// proves: client-F2
#[test]
fn a_variable_that_wins_is_named_and_its_value_is_not() {
    let mut town = Town::new();
    town.sign_in();
    town.table.variables.insert("HALLPASS_TOKEN".into(), "a-hidden-token".into());
    let status = town.client().status();
    assert_eq!(status.source, Source::Variable { name: "HALLPASS_TOKEN".into() });
    assert_eq!(status.warnings, [Warning::VariableWins { variable: "HALLPASS_TOKEN".into() }]);
    assert!(!format!("{status:?}").contains("hidden"));
}

const TOKEN: &str = "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA";

fn with_variable() -> Town {
    let mut town = Town::new();
    town.table.variables.insert("HALLPASS_TOKEN".into(), TOKEN.into());
    town
}

fn whoami(expires_at: Option<&str>) -> Said {
    let mut whoami = json!({
        "id": "usr_ada", "email": "ada@example.com", "name": "Ada", "scope": "account",
    });
    if let Some(at) = expires_at {
        whoami["expires_at"] = at.into();
    }
    Said::json(200, &whoami)
}

// proves: client-G6
#[test]
fn a_token_in_a_variable_is_described_and_not_shown() {
    let town = with_variable();
    let status = town.client().status();
    let masked = status.token.clone().unwrap();
    assert_eq!(masked.kind, crate::TokenKind::Personal);
    assert_eq!(masked.ends, Some(("hp_user_".to_owned(), "urKA".to_owned())));
    assert!(!format!("{status:?}").contains("0123456789"));
    town.sign_in();
    let selection = Selection { ignore_variables: true, ..town.selection() };
    let status = crate::Client::new(town.parts(), selection).status();
    assert_eq!(status.token, None, "a sign-in's tokens come and go");
}

// proves: client-G1
#[test]
fn a_token_that_is_refused_is_not_one_that_cannot_be_checked() {
    let town = with_variable();
    let asked = || town.client().status_checked();
    town.server.says("/api/v1/whoami", whoami(None));
    let status = asked();
    assert_eq!((status.state, status.expires_at), (State::Valid, None));
    assert_eq!(status.account.unwrap().label(), "ada@example.com");

    town.server.says("/api/v1/whoami", Said::text(401, "text/plain", ""));
    assert!(matches!(asked().state, State::Rejected { .. }));
    town.server.says("/api/v1/whoami", Said::hang_up());
    assert!(matches!(asked().state, State::CannotVerify { .. }));

    let narrow = Said::text(403, "text/plain", "")
        .with("WWW-Authenticate", "Bearer error=\"insufficient_scope\"");
    town.server.says("/api/v1/whoami", narrow);
    let status = asked();
    assert_eq!(status.state, State::Valid, "good, though it does not say whose");
    assert!(status.warnings.contains(&Warning::NarrowToken { scope: "account" }));
}

#[test]
fn an_end_that_is_near_is_spoken_of_once() {
    let town = with_variable();
    let ends = |warnings: &[Warning]| {
        let ends = |warning: &&Warning| matches!(warning, Warning::EndsSoon { .. });
        warnings.iter().filter(ends).count()
    };
    // It is 18 April.
    for (at, told) in [("2026-05-02T09:00:00Z", 1), ("2026-05-03T10:00:00Z", 0)] {
        town.server.says("/api/v1/whoami", whoami(Some(at)));
        let session = town.client().session().unwrap();
        session.whoami().unwrap();
        session.whoami().unwrap();
        assert_eq!(ends(&session.take_warnings()), told, "{at}");
        assert_eq!(ends(&town.client().status_checked().warnings), told, "{at}");
    }

    // Stored with its end: known without asking.
    let mut town = town;
    town.table.variables.remove("HALLPASS_TOKEN");
    let mut credential = town.sign_in();
    assert_eq!(ends(&town.client().session().unwrap().take_warnings()), 0, "it is refreshed");
    credential.kind = crate::vault::model::CredentialKind::Given;
    credential.refresh_token = None;
    credential.access.as_mut().unwrap().token = TOKEN.to_owned().into();
    town.put("default", credential);
    assert_eq!(ends(&town.client().status().warnings), 1);
    assert_eq!(ends(&town.client().session().unwrap().take_warnings()), 1);
    town.server.says("/api/v1/whoami", whoami(Some("2026-04-20T00:00:00Z")));
    let status = town.client().status_checked();
    assert_eq!(ends(&status.warnings), 1);
    assert_eq!(status.expires_at.unwrap().to_rfc3339(), "2026-04-20T00:00:00Z");
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
    // All that it can be asked is whether anybody has to sign in.
    assert!(town.server.all().iter().all(|seen| seen.path == "/auth/config"));
    let local = json!({ "mode": "local" });
    town.server.says("/auth/config", Said::json(200, &local));
    assert_eq!((asked().state, asked().class()), (State::LocalMode, None));
    assert_eq!(town.client().status().state, State::NotSignedIn, "offline nothing is asked");
    town.server.says("/auth/config", Said::text(404, "text/plain", ""));
    let before = town.server.all().len();

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
    assert_eq!(town.server.all().len(), before + 1, "one call");

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
