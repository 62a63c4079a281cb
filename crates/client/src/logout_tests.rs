//! Signing out: at the server, and here in any case.

use serde_json::json;

use super::*;
use crate::client::Client;
use crate::testing::{Said, Town, tokens};
use crate::vault::Vault as _;

fn revoked(town: &Town) -> Vec<(String, String)> {
    let seen = town.server.seen("/oauth/revoke");
    seen.iter().map(|seen| (seen.form("token"), seen.form("token_type_hint"))).collect()
}

// proves: J10, client-K1
#[test]
fn refresh_token_then_access_token_and_then_the_file() {
    let town = Town::new();
    town.sign_in();
    let report = town.client().logout(Which::Selected).unwrap();
    let pair = |token: &str, hint: &str| (token.to_owned(), hint.to_owned());
    assert_eq!(revoked(&town), [pair("rt-1", "refresh_token"), pair("at-1", "access_token")]);
    assert_eq!(town.server.seen("/oauth/revoke")[0].form("client_id"), "hallpass-cli");
    assert_eq!(report.ended.len(), 1);
    assert_eq!(report.ended[0].account.label(), "ada@example.com");
    assert_eq!(report.ended[0].revocation, Revocation::Revoked);
    // Nothing is left, the locks included.
    assert_eq!(std::fs::read_dir(town.file().parent().unwrap()).unwrap().count(), 0);
}

// proves: client-K2
#[test]
fn it_can_be_said_twice() {
    let town = Town::new();
    assert!(town.client().logout(Which::Selected).unwrap().ended.is_empty());
    assert!(!town.file().parent().unwrap().exists());
    town.sign_in();
    assert_eq!(town.client().logout(Which::Selected).unwrap().ended.len(), 1);
    assert!(town.client().logout(Which::Selected).unwrap().ended.is_empty());
    assert!(town.client().logout(Which::All).unwrap().ended.is_empty());
    let selection = Selection { profile: Some("gone".into()), ..Selection::default() };
    let report = Client::new(town.parts(), selection).logout(Which::Selected).unwrap();
    assert!(report.ended.is_empty());
    assert!(matches!(report.unknown, Some(Error::UnknownProfile { .. })), "{report:?}");
}

// proves: J10, client-K1
#[test]
fn when_the_server_cannot_the_file_goes_anyway_and_it_is_said() {
    for (said, reason) in [
        (Said::text(503, "text/plain", ""), "answered 503"),
        (Said::hang_up(), "cannot reach"),
        (Said::json(400, &json!({ "error": "invalid_client" })), "refused: invalid_client"),
    ] {
        let town = Town::new();
        town.sign_in();
        town.server.says("/oauth/revoke", said);
        let report = town.client().logout(Which::Selected).unwrap();
        let Revocation::LocalOnly { reason: why, access_token_valid_until, refresh_token } =
            &report.ended[0].revocation
        else {
            panic!("{report:?}")
        };
        assert!(why.contains(reason), "{why}");
        assert_eq!(access_token_valid_until.unwrap().to_rfc3339(), "2026-04-18T10:05:00Z");
        assert!(refresh_token, "{report:?}");
        assert!(!town.file().exists());
    }
    // What has ended is not good until an hour ago.
    let town = Town::new();
    town.sign_in();
    town.time.pass(std::time::Duration::from_secs(3600));
    town.server.says("/oauth/revoke", Said::hang_up());
    let report = town.client().logout(Which::Selected).unwrap();
    let over = &report.ended[0].revocation;
    let valid = matches!(
        over,
        Revocation::LocalOnly { access_token_valid_until: None, refresh_token: true, .. }
    );
    assert!(valid, "{over:?}");
}

// proves: client-K1, client-L3
#[test]
fn what_cannot_be_removed_here_is_revoked_all_the_same() {
    let town = Town::new();
    let mut second = town.sign_in();
    second.key.account = "usr_bo".into();
    town.put("second", second);
    *town.vault.tokens.fail_at.lock().unwrap() = Some(crate::vault::atomic::Step::Write);
    let before = town.bytes();
    let report = town.client().logout(Which::Selected).unwrap();
    assert_eq!(report.ended[0].revocation, Revocation::Revoked);
    assert!(matches!(report.ended[0].left, Some(VaultError::Io { .. })), "{report:?}");
    assert_eq!((revoked(&town).len(), town.bytes()), (2, before));
    *town.vault.tokens.fail_at.lock().unwrap() = None;
    let report = town.client().logout(Which::All).unwrap();
    assert!(report.ended.iter().all(|ended| ended.left.is_none()), "{report:?}");
    assert!(!town.file().exists());
}

#[test]
fn what_was_handed_over_is_not_ours_to_revoke() {
    let town = Town::new();
    let mut credential = town.sign_in();
    credential.kind = CredentialKind::Given;
    town.put("default", credential);
    let report = town.client().logout(Which::Selected).unwrap();
    assert_eq!(report.ended[0].revocation, Revocation::NotOurs);
    assert!(town.server.all().is_empty() && !town.file().exists());
}

#[test]
fn a_session_that_is_over_has_nothing_to_revoke() {
    let town = Town::new();
    town.sign_in();
    town.time.pass(Duration::from_secs(300));
    town.server.says("/oauth/token", Said::error("invalid_grant"));
    assert!(town.client().session().unwrap().access_token().is_err());
    let report = town.client().logout(Which::Selected).unwrap();
    assert_eq!(report.ended[0].revocation, Revocation::AlreadyEnded);
    assert!(revoked(&town).is_empty() && !town.file().exists());
}

// proves: client-E13, client-K2
#[test]
fn a_sign_in_that_another_profile_uses_goes_on_until_the_last_one_leaves() {
    let town = Town::new();
    let credential = town.sign_in();
    town.put("second", credential);
    let selection = Selection { profile: Some("second".into()), ..Selection::default() };
    let client = Client::new(town.parts(), selection);
    assert_eq!(client.logout(Which::Selected).unwrap().ended[0].revocation, Revocation::StillUsed);
    assert!(revoked(&town).is_empty());
    assert_eq!(town.client().session().unwrap().access_token().unwrap().expose(), "at-1");

    let second = town.stored();
    town.put("second", second);
    let report = town.client().logout(Which::All).unwrap();
    assert_eq!(report.ended.len(), 2);
    assert_eq!(report.ended[1].revocation, Revocation::Revoked);
    assert!(!town.file().exists());
}

// proves: client-K2
#[test]
fn started_logins_at_that_server_go_too() {
    let town = Town::new();
    town.sign_in();
    let answer = json!({
        "device_code": "dc", "user_code": "WDJB-MJHT", "expires_in": 600,
        "verification_uri": format!("{}/device", town.server.origin),
    });
    town.server.says("/oauth/device", Said::json(200, &answer));
    let (_sender, inbox) = crate::Inbox::new();
    let client = town.client();
    let options = crate::LoginOptions::default();
    let first = client.login_begin(&options).unwrap();
    town.time.pass(std::time::Duration::from_secs(1));
    let second = client.login_begin(&options).unwrap();
    // Between two nothing is guessed, but both are named.
    let Err(several) = client.login_resume(None, &options, inbox, &mut |_| ()) else { panic!() };
    let text = several.to_string();
    let at = |handle: &str| text.find(handle).unwrap_or_else(|| panic!("{text}"));
    assert!(at(&second.handle) < at(&first.handle) && text.contains("WDJB-MJHT"), "{text}");
    let resume = format!("hallpass login --resume {}", second.handle);
    assert_eq!(several.next("hallpass"), Some(resume));
    assert!(std::fs::read_dir(town.file().parent().unwrap()).unwrap().count() > 1);
    town.client().logout(Which::Selected).unwrap();
    assert_eq!(std::fs::read_dir(town.file().parent().unwrap()).unwrap().count(), 0);
}

// proves: client-K2, client-F2
#[test]
fn a_variable_is_not_signed_out_and_that_is_said() {
    let mut town = Town::new();
    town.sign_in();
    town.table.variables.insert("HALLPASS_TOKEN".into(), "token-x".into());
    let report = town.client().logout(Which::Selected).unwrap();
    assert_eq!(report.variable.as_deref(), Some("HALLPASS_TOKEN"));
    assert_eq!(report.ended.len(), 1);
    assert_eq!(revoked(&town)[0].0, "rt-1");
}

// proves: client-D10
#[test]
fn an_unreadable_store_is_moved_aside() {
    let town = Town::new();
    town.sign_in();
    std::fs::write(town.file(), "{").unwrap();
    let report = town.client().logout(Which::Selected).unwrap();
    assert_eq!(std::fs::read_to_string(report.set_aside.unwrap()).unwrap(), "{");
    assert!(report.ended.is_empty() && !town.file().exists());
}

#[test]
fn what_is_revoked_is_what_is_on_disk_now() {
    let town = Town::new();
    town.sign_in();
    let session = town.client().session().unwrap();
    town.time.pass(Duration::from_secs(300));
    town.server.says("/oauth/token", tokens(2));
    session.access_token().unwrap();
    town.client().logout(Which::Selected).unwrap();
    assert_eq!(revoked(&town)[0].0, "rt-2");
    assert!(town.vault.read().unwrap().is_empty());
}
