//! What `status` says, to people and to programs.

use hallpass_client::status::Account;
use hallpass_client::vault::Place;
use hallpass_core::Scope;

use super::*;
use crate::testing::Town;

fn status(town: &Town, state: State) -> Status {
    Status {
        state,
        source: Source::Profile { name: "id.example.com".into() },
        store: Place {
            kind: "file",
            path: town.home().join(".config/hallpass/credentials.json"),
            keyring: None,
        },
        error: None,
        server: "https://id.example.com".into(),
        issuer: Some("https://id.example.com".into()),
        account: Some(Account {
            id: "usr_1".into(),
            email: Some("ada@example.com".into()),
            name: None,
        }),
        place: None,
        scope: Some(Scope::from_iter(["openid", "account", "offline_access"])),
        token: None,
        expires_at: Some(Timestamp::from_secs(1_795_351_440)),
        warnings: vec![],
    }
}

fn shown(town: &Town, status: &Status, checked: bool) -> String {
    let terminal = town.terminal();
    let look = (terminal.data(), terminal.width);
    town.with(|cx| usable(cx, status, &Target::default(), checked, look))
}

// proves: client-G1, client-G5
#[test]
fn a_usable_credential_is_described() {
    let town = Town::new();
    insta::assert_snapshot!(shown(&town, &status(&town, State::Valid), false), @"
    ✓ Signed in to https://id.example.com as ada@example.com

      Source         profile id.example.com
      Kept in        ~/.config/hallpass/credentials.json
      Access token   good for 4 minutes (until 2026-11-22 12:44:00 UTC)
      Scopes         account offline_access openid
    ");
    let narrow = Town::new().columns(40);
    insta::assert_snapshot!(shown(&narrow, &status(&narrow, State::Valid), true), @"
    ✓ Signed in to https://id.example.com as
      ada@example.com

      Source
        profile id.example.com
      Kept in
        ~/.config/hallpass/credentials.json
      Access token
        good for 4 minutes (until 2026-11-22
        12:44:00 UTC); the server accepts it
      Scopes
        account offline_access openid
    ");
}

// proves: client-G1
#[test]
fn one_that_is_over_but_refreshable_says_so() {
    let town = Town::new();
    let mut status = status(&town, State::Refreshable);
    status.expires_at = Some(Timestamp::from_secs(1_795_351_080));
    let text = shown(&town, &status, false);
    assert!(text.contains("ended 2 minutes ago; will refresh at the next use"), "{text}");
}

// proves: client-F2
#[test]
fn a_variable_that_wins_is_named() {
    let town = Town::new();
    let mut status = status(&town, State::Valid);
    status.source = Source::Variable { name: "HALLPASS_TOKEN".into() };
    (status.account, status.scope, status.expires_at) = (None, None, None);
    let ends = Some(("hp_user_".to_owned(), "urKA".to_owned()));
    status.token = Some(Masked { kind: hallpass_client::TokenKind::Personal, ends });
    status.warnings = vec![Warning::VariableWins { variable: "HALLPASS_TOKEN".into() }];
    insta::assert_snapshot!(shown(&town, &status, false), @"
    ✓ Using a token for https://id.example.com; the server was not asked

      Source    the variable HALLPASS_TOKEN
      Token     personal token, hp_user_…urKA
      Its end   not known here

    warning: HALLPASS_TOKEN is set and wins over every stored sign-in
    ");
}

fn unusable_states() -> [(State, Exit); 6] {
    let at = Timestamp::from_secs(1_795_351_080);
    let reason = || "why".to_owned();
    [
        (State::NotSignedIn, Exit::NotSignedIn),
        (State::Expired, Exit::NotSignedIn),
        (State::Ended { reason: reason(), at }, Exit::NotSignedIn),
        (State::Rejected { reason: reason() }, Exit::Rejected),
        (State::CannotVerify { reason: reason() }, Exit::CannotVerify),
        (State::StoreUnavailable { reason: reason() }, Exit::StoreUnavailable),
    ]
}

// proves: client-G1, client-L3
#[test]
fn every_state_has_its_exit_code_and_one_next_command() {
    let town = Town::new();
    for (state, exit) in unusable_states() {
        assert_eq!(state.class().map(exit_of), Some(exit), "{state:?}");
        let status = status(&town, state);
        let failure = town.with(|cx| unusable(cx, &Globals::default(), &status, exit));
        let text = town.told(|_, out| {
            out.failure(&failure);
        });
        assert_eq!(text.matches("Next: ").count(), 1, "{text}");
        assert!(failure.next.starts_with("hallpass "), "{}", failure.next);
        // G4: nothing that says signed in beside something that says not.
        assert!(!text.contains("Signed in"), "{text}");
    }
}

// proves: client-G3
#[test]
fn programs_read_one_object_with_a_stable_state() {
    let town = Town::new();
    let json =
        serde_json::to_string_pretty(&view(&status(&town, State::Valid), &Target::default(), None))
            .unwrap();
    let home = town.home().display().to_string();
    insta::assert_snapshot!(json.replace(&home, "<home>"), @r#"
    {
      "schema_version": 1,
      "state": "valid",
      "usable": true,
      "source": {
        "kind": "profile",
        "name": "id.example.com"
      },
      "store": {
        "kind": "file",
        "path": "<home>/.config/hallpass/credentials.json"
      },
      "server": "https://id.example.com",
      "issuer": "https://id.example.com",
      "account": {
        "id": "usr_1",
        "email": "ada@example.com"
      },
      "scopes": [
        "account",
        "offline_access",
        "openid"
      ],
      "expires_at": "2026-11-22T12:44:00Z",
      "org": null,
      "project": null,
      "warnings": []
    }
    "#);
    for (state, _) in unusable_states() {
        let name = state.name();
        let json =
            serde_json::to_value(view(&status(&town, state), &Target::default(), None)).unwrap();
        assert_eq!((json["state"].as_str(), json["usable"].as_bool()), (Some(name), Some(false)));
    }
}
