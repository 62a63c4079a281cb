//! Under which name a sign-in is kept, and what it may not push aside.

use hallpass_core::Secret;
use serde_json::json;

use super::*;
use crate::client::Client;
use crate::login::{Inbox, Wish};
use crate::testing::{Said, Town, tokens};
use crate::vault::Vault as _;

/// A town where a code is approved at the first poll.
fn town() -> Town {
    let town = Town::new();
    let answer = json!({
        "device_code": "dc", "user_code": "WDJB-MJHT", "expires_in": 600, "interval": 5,
        "verification_uri": format!("{}/device", town.server.origin),
    });
    town.server.says("/oauth/device", Said::json(200, &answer));
    town.server.says("/oauth/token", tokens(1));
    town
}

fn be(town: &Town, sub: &str) {
    let userinfo = json!({ "sub": sub, "email": format!("{sub}@example.com"), "name": "N" });
    town.server.says("/userinfo", Said::json(200, &userinfo));
}

fn login_as(town: &Town, profile: Option<&str>, replace: bool) -> Result<Login, Error> {
    let selection = Selection { profile: profile.map(str::to_owned), ..town.selection() };
    let options =
        LoginOptions { replace_account: replace, ..LoginOptions::on_a_terminal(Wish::Device) };
    let (_sender, inbox) = Inbox::new();
    Client::new(town.parts(), selection).login(&options, inbox, &mut |_| ())
}

#[test]
fn the_first_profile_is_called_after_the_server_and_is_the_default() {
    let town = town();
    let login = login_as(&town, None, false).unwrap();
    assert_eq!(login.profile, town.server.origin.trim_start_matches("http://"));
    let contents = town.vault.read().unwrap();
    assert_eq!(contents.current.as_ref(), Some(&login.profile));
    // From then on neither server nor profile has to be named.
    let session = Client::new(town.parts(), Selection::default()).session().unwrap();
    assert_eq!(session.server(), town.server.origin);
}

// proves: client-F5
#[test]
fn somebody_else_does_not_take_a_profile_over() {
    let town = town();
    login_as(&town, None, false).unwrap();
    let before = town.bytes();
    be(&town, "usr_bob");
    town.server.says("/oauth/token", tokens(2));
    let error = login_as(&town, None, false).unwrap_err();
    assert!(matches!(&error, Error::OtherAccount { existing, new, .. }
        if existing.contains("ada@example.com") && new.contains("usr_bob@example.com")));
    assert_eq!(town.bytes(), before);
    // The session that nobody keeps is ended.
    assert_eq!(town.server.seen("/oauth/revoke")[0].form("token"), "rt-2");

    // Under a name of its own both live side by side, and the default stays.
    login_as(&town, Some("bob"), false).unwrap();
    let contents = town.vault.read().unwrap();
    assert_eq!((contents.profiles.len(), contents.credentials.len()), (2, 2));
    assert_eq!(contents.of_profile("bob").unwrap().key.account, "usr_bob");
    assert_ne!(contents.current.as_deref(), Some("bob"));
}

// proves: client-F5
#[test]
fn told_to_somebody_else_takes_over_and_the_session_before_is_ended() {
    let town = town();
    login_as(&town, None, false).unwrap();
    be(&town, "usr_bob");
    town.server.says("/oauth/token", tokens(2));
    login_as(&town, None, true).unwrap();
    let contents = town.vault.read().unwrap();
    assert_eq!((contents.profiles.len(), contents.credentials.len()), (1, 1));
    assert_eq!(town.stored().key.account, "usr_bob");
    let revoked = town.server.seen("/oauth/revoke");
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].form("token"), "rt-1");
}

#[test]
fn signing_in_again_ends_the_session_before() {
    let town = town();
    login_as(&town, None, false).unwrap();
    town.server.says("/oauth/token", tokens(2));
    let login = login_as(&town, None, false).unwrap();
    assert_eq!(login.warnings, []);
    assert_eq!(town.stored().refresh_token.unwrap().expose(), "rt-2");
    assert_eq!(town.vault.read().unwrap().profiles.len(), 1);
    let revoked = town.server.seen("/oauth/revoke");
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].form("token"), "rt-1");

    town.server.says("/oauth/token", tokens(3));
    town.server.says("/oauth/revoke", Said::text(503, "text/plain", ""));
    let login = login_as(&town, None, false).unwrap();
    assert!(matches!(&login.warnings[..], [Warning::NotRevoked { .. }]));
}

// proves: client-F2
#[test]
fn a_variable_that_still_wins_is_told() {
    let mut town = town();
    town.table.variables.insert("HALLPASS_TOKEN".into(), "token-x".into());
    let login = login_as(&town, None, false).unwrap();
    assert_eq!(login.warnings, [Warning::VariableWins { variable: "HALLPASS_TOKEN".into() }]);
}

// proves: client-D10
#[test]
fn a_login_gets_over_a_damaged_store() {
    let town = town();
    login_as(&town, None, false).unwrap();
    std::fs::write(town.file(), "{").unwrap();
    let login = login_as(&town, None, false).unwrap();
    let [Warning::SetAside { path }] = &login.warnings[..] else { panic!("{:?}", login.warnings) };
    assert_eq!(std::fs::read_to_string(path).unwrap(), "{");
    assert_eq!(town.stored().key.account, "usr_ada");
}

// proves: client-D11
#[test]
fn a_newer_store_is_put_aside_as_it_is() {
    let town = town();
    std::fs::create_dir_all(town.file().parent().unwrap()).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(town.file().parent().unwrap(), private).unwrap();
    std::fs::write(town.file(), r#"{"schema_version": 9}"#).unwrap();
    // The same account may be in there, bound to a key of the same name.
    let keys = town.file().with_file_name("keys.json");
    std::fs::write(&keys, r#"{"schema_version": 1, "keys": [], "x": 1}"#).unwrap();
    let login = login_as(&town, None, false).unwrap();
    let [Warning::SetAside { path }] = &login.warnings[..] else { panic!("{:?}", login.warnings) };
    assert!(path.contains("credentials.json.newer-"), "{path}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), r#"{"schema_version": 9}"#);
    let aside = path.replace("credentials.json", "keys.json");
    assert!(std::fs::read_to_string(aside).unwrap().contains("\"x\": 1"));
    assert_eq!(town.stored().key.account, "usr_ada");
}

// proves: client-D10
#[cfg(unix)]
#[test]
fn what_is_no_file_is_put_aside_as_it_is() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    type Stands = fn(&std::path::Path);
    let directory: Stands = |file| std::fs::create_dir(file).unwrap();
    let nowhere: Stands = |file| symlink("/not/there/at/all", file).unwrap();
    for stands in [directory, nowhere] {
        let town = town();
        let dir = town.file().parent().unwrap().to_owned();
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        stands(&town.file());
        let login = login_as(&town, None, false).unwrap();
        let said = &login.warnings[..];
        let [Warning::SetAside { path }] = said else { panic!("{said:?}") };
        assert!(path.contains("credentials.json.not-a-file-"), "{path}");
        assert!(std::fs::symlink_metadata(path).is_ok());
        assert_eq!(town.stored().key.account, "usr_ada");
    }
}

#[test]
fn names_that_no_profile_can_have() {
    let town = town();
    for name in ["", "a b", "-x", "a/b", "x\u{1b}", &"x".repeat(65)] {
        let outcome = login_as(&town, Some(name), false);
        let refused = matches!(outcome, Err(Error::BadProfileName { .. }));
        assert!(refused, "{name:?}: {outcome:?}");
    }
    assert!(town.server.all().is_empty());
}

// proves: J07
#[test]
fn an_identity_must_be_about_us_and_about_one_person() {
    use base64::Engine as _;
    let id_token = |claims: serde_json::Value| {
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        format!("e30.{}.x", engine.encode(claims.to_string()))
    };
    let town = town();
    let issuer = town.server.origin.clone();
    let with = |claims: serde_json::Value| {
        let mut answer = crate::testing::token_answer(1);
        answer["id_token"] = json!(id_token(claims));
        town.server.says("/oauth/token", Said::json(200, &answer));
        login_as(&town, None, false)
    };
    let other_issuer = format!("{issuer}/");
    for claims in [
        json!({ "iss": other_issuer, "sub": "usr_ada", "aud": "hallpass-cli" }),
        json!({ "iss": issuer, "sub": "usr_ada", "aud": "another-tool" }),
        json!({ "iss": issuer, "sub": "usr_ada", "aud": ["another-tool"] }),
        json!({ "iss": issuer, "sub": "usr_eve", "aud": "hallpass-cli" }),
        json!({ "iss": issuer, "aud": "hallpass-cli" }),
    ] {
        assert!(with(claims.clone()).is_err(), "{claims}");
        assert!(!town.file().exists(), "{claims}");
    }
    // Its times are not looked at: our clock may be wrong.
    let good = json!({
        "iss": issuer, "sub": "usr_ada", "aud": ["hallpass-cli"], "exp": 1, "iat": 9_999_999_999_i64,
    });
    assert_eq!(with(good.clone()).unwrap().account.label(), "ada@example.com");
    // A name that cannot be had now is no reason not to sign in.
    town.server.says("/userinfo", Said::text(503, "text/plain", ""));
    assert_eq!(with(good).unwrap().account.label(), "usr_ada");
}

// proves: client-H2, J09
#[test]
fn a_given_token_is_checked_then_kept() {
    let town = town();
    let token = "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA";
    let login = || {
        town.client().login_with_token(Secret::new(format!("{token}\n")), &LoginOptions::default())
    };
    town.server.says("/api/v1/whoami", Said::text(401, "text/plain", ""));
    let error = login().unwrap_err();
    assert!(matches!(&error, Error::Rejected { .. }) && !error.to_string().contains(token));
    assert!(!town.file().exists());

    // Good, but it does not say whose: not refused, and not stored either.
    let narrow = Said::text(403, "text/plain", "")
        .with("WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"account\"");
    town.server.says("/api/v1/whoami", narrow);
    assert!(matches!(login(), Err(Error::NarrowToken { scope: "account", .. })));
    town.server.says("/api/v1/whoami", Said::hang_up());
    assert!(matches!(login(), Err(Error::Http(_))));
    assert!(!town.file().exists());

    let whoami = json!({
        "id": "usr_ada", "email": "ada@example.com", "name": "Ada", "scope": "account",
        "expires_at": "2026-04-18T11:00:00Z",
    });
    town.server.says("/api/v1/whoami", Said::json(200, &whoami));
    let kept = login().unwrap();
    assert_eq!(kept.expires_at.unwrap().to_rfc3339(), "2026-04-18T11:00:00Z");
    let stored = town.stored();
    assert_eq!(stored.kind, CredentialKind::Given);
    assert_eq!(stored.access.unwrap().token.expose(), token);
    assert!(!format!("{kept:?}").contains(token));
    assert_eq!(town.client().session().unwrap().access_token().unwrap().expose(), token);
}
