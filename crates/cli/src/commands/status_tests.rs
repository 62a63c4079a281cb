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

// proves: client-F1, client-G1, client-L3
#[test]
fn a_variable_that_says_what_cannot_be_is_a_usage_error_everywhere() {
    let cases = [
        ("HALLPASS_STORE", "draw\u{7}er", "is none of auto, keyring, file, none"),
        ("HALLPASS_SERVER", "http://id.exam\u{7}ple.com", "is not a server's address"),
    ];
    for (name, value, why) in cases {
        for line in ["status", "status --check", "logout", "token print", "whoami", "doctor"] {
            let done = Town::new().var(name, value).run(&format!("hallpass {line}"));
            assert_eq!(done.exit, Exit::Usage, "{name}, {line}: {done:?}");
            let said = format!("{}{}", done.stdout, done.stderr);
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains(&format!("{name}: \"")) && said.contains(why), "{line}: {said}");
            assert!(!said.contains('\u{7}'), "{line}: {said}");
            assert!(said.ends_with(&format!("Next: unset {name}")), "{line}: {said}");
        }
        let done = Town::new().var(name, value).run("hallpass status --json");
        assert_eq!(done.exit, Exit::Usage, "{name}: {done:?}");
    }
    let done =
        Town::new().var("HALLPASS_SERVER", "http://id.example.com").run("hallpass context show");
    assert_eq!(done.exit, Exit::Usage, "{done:?}");
    // What has its own number in a brand is a state, and not this.
    let town = Town::new().var("HALLPASS_SERVER", "http://id.example.com").brand(|brand| {
        brand.exits.insert("not_signed_in".to_owned(), 1);
        brand.failures.insert("not_signed_in".to_owned(), "Not logged in.".to_owned());
    });
    for line in ["status", "status --json", "whoami"] {
        let done = town.run(&format!("hallpass {line}"));
        assert_eq!(done.exit, Exit::Usage, "{line}: {done:?}");
        assert!(!done.stderr.contains("Not logged in"), "{line}: {done:?}");
    }
}

// proves: SM04, SM06
#[test]
fn where_nobody_has_to_sign_in_status_says_so_and_a_mode_is_spelt_as_it_is() {
    let town = |mode: &str| {
        Town::new().var("HALLPASS_MODE", mode).brand(|brand| {
            brand.variables.insert("mode".to_owned(), "HALLPASS_MODE".to_owned());
        })
    };
    let done = town("local").run("hallpass status");
    assert_eq!((done.exit, &*done.stderr), (Exit::Usable, ""), "{done:?}");
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said, "✓ Nobody has to sign in to http://localhost:8470: it runs in local mode");
    let json = town("local").run("hallpass status --json").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["state"], &json["usable"]), (&"local_mode".into(), &true.into()));
    // A token that is there is what counts.
    let done = town("local").var("HALLPASS_TOKEN", "token-x").run("hallpass status");
    assert!(done.stdout.contains("Using a token"), "{done:?}");
    assert_eq!(town("clerk").run("hallpass status").exit, Exit::NotSignedIn);
    for (mode, next) in [
        ("LOCAL", "export HALLPASS_MODE=local"),
        (" Clerk", "export HALLPASS_MODE=clerk"),
        ("none", "unset HALLPASS_MODE"),
    ] {
        for line in ["status", "login"] {
            let done = town(mode).run(&format!("hallpass {line}"));
            assert_eq!(done.exit, Exit::Usage, "{mode}, {line}: {done:?}");
            assert!(done.stderr.ends_with(&format!("Next: {next}\n")), "{mode}: {done:?}");
        }
    }
}
