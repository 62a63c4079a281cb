//! What is decided on this machine, without a server.

use std::fs;

use serde_json::json;

use crate::Exit;
use crate::testing::{Done, Town};

fn claims() -> serde_json::Value {
    json!({
        "aud": "https://id.example.com",
        "event_name": "push",
        "iss": "https://token.actions.githubusercontent.com",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "repository": "acme/warehouse",
        "repository_id": "200",
        "repository_owner": "acme",
        "repository_owner_id": "100",
        "sub": "repo:acme@100/warehouse@200:ref:refs/heads/main",
    })
}

fn tested(claims: &serde_json::Value, more: &str) -> Done {
    let town = Town::new();
    let file = town.home().join("claims.json");
    fs::write(&file, claims.to_string()).unwrap();
    town.run(&format!("hallpass trust test --claims {} {more}", file.display()))
}

// proves: HP04
#[test]
fn a_line_is_tried_on_claims_without_a_server() {
    let good = tested(&claims(), "--line repo:acme/warehouse:ref:refs/heads/main");
    assert_eq!(good.exit, Exit::Usable, "{}", good.stderr);
    assert!(good.stderr.contains("It would be let in."), "{}", good.stderr);
    let bad = tested(&claims(), "--line repo:acme/warehouse:ref:refs/heads/release");
    assert_eq!(bad.exit, Exit::Rejected);
    assert!(bad.stderr.contains("the token says refs/heads/main"), "{}", bad.stderr);
    assert!(bad.stderr.contains("✓ repository"), "{}", bad.stderr);

    let other = tested(
        &claims(),
        "--line repo:acme/warehouse:ref:refs/heads/main --server https://other.example --json",
    );
    assert_eq!(other.exit, Exit::Rejected);
    let told: serde_json::Value = serde_json::from_str(&other.stdout).unwrap();
    assert_eq!(told["audience"]["passed"], false);
    assert_eq!(told["policies"][0]["admitted"], true);
}

#[test]
fn what_is_no_token_is_not_tested() {
    let town = Town::new();
    let file = town.home().join("token");
    fs::write(&file, "hello").unwrap();
    let done = town.run(&format!("hallpass trust test {} --line x", file.display()));
    assert_eq!(done.exit, Exit::Usage);
    assert!(done.stderr.contains("is not a JWT with claims"), "{}", done.stderr);
    let twice = town.home().join("twice");
    fs::write(&twice, r#"{"iss":"a","iss":"b"}"#).unwrap();
    let done = town.run(&format!("hallpass trust test --claims {} --line x", twice.display()));
    assert_eq!(done.exit, Exit::Usage);
}

// proves: HP04
#[test]
fn a_dangerous_policy_is_not_made_without_a_word() {
    let add = "trust add repo:acme/*:* --allow project:read --project acme/warehouse";
    let done = Town::new().piped().run(&format!("hallpass {add}"));
    assert_eq!(done.exit, Exit::Usage, "{}", done.stderr);
    assert!(done.stderr.contains("Every repository of the organization"), "{}", done.stderr);
    let accepts = ["--accept whole_organization", "--accept any_ref"];
    for accept in accepts {
        assert!(done.stderr.contains(accept), "{accept}: {}", done.stderr);
    }
    // With all of them accepted it goes on, and needs a sign-in.
    let done = Town::new().piped().run(&format!("hallpass {add} {}", accepts.join(" ")));
    assert_eq!(done.exit, Exit::NotSignedIn, "{}", done.stderr);
    let done = Town::new().piped().run(&format!("hallpass {add} --accept everything"));
    assert_eq!(done.exit, Exit::Usage);
    assert!(done.stderr.contains("no danger called"), "{}", done.stderr);
}
