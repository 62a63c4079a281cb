//! Refreshing: what is redeemed, what is written, and what never is.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::client::Client;
use crate::http::Http;
use crate::session::Session;
use crate::system::SystemTimes;
use crate::testing::{Said, Town, token_answer, tokens};
use crate::vault::Vault as _;

const TOKEN: &str = "/oauth/token";

/// A town in which ada's access token has just ended.
fn expired() -> Town {
    let town = Town::new();
    town.sign_in();
    town.time.pass(Duration::from_secs(300));
    town
}

fn access(town: &Town) -> Result<String, Error> {
    session(town).access_token().map(|token| token.expose().to_owned())
}

fn session(town: &Town) -> Session {
    town.client().session().unwrap()
}

fn redeemed(town: &Town) -> Vec<String> {
    town.server.seen(TOKEN).iter().map(|seen| seen.form("refresh_token")).collect()
}

#[test]
fn a_fresh_token_is_used_and_nothing_is_asked() {
    let town = Town::new();
    town.sign_in();
    let before = town.bytes();
    assert_eq!(access(&town).unwrap(), "at-1");
    assert!(town.server.all().is_empty());
    assert_eq!(town.bytes(), before);
}

#[test]
fn an_ended_token_is_replaced_once_for_everybody() {
    let town = expired();
    town.server.says(TOKEN, tokens(2));
    let session = session(&town);
    for _ in 0..3 {
        assert_eq!(session.access_token().unwrap().expose(), "at-2");
    }
    assert_eq!(access(&town).unwrap(), "at-2");
    assert_eq!(redeemed(&town), ["rt-1"]);
    let asked = &town.server.seen(TOKEN)[0];
    assert_eq!(asked.form("grant_type"), "refresh_token");
    assert_eq!(asked.form("client_id"), "hallpass-cli");
    let stored = town.stored();
    assert_eq!(stored.refresh_token.unwrap().expose(), "rt-2");
    assert_eq!(stored.access.unwrap().remaining(&town.time), Some(Duration::from_secs(300)));
    assert_eq!(session.take_warnings(), []);
}

// proves: client-E8
#[test]
fn a_refresh_comes_before_the_end_and_processes_are_spread() {
    let town = Town::new();
    let credential = town.sign_in();
    let parts = town.parts();
    let fit = |passed: u64, jitter: u8| {
        let town = Town::new();
        let mut parts = parts.clone();
        let time = town.time.clone();
        time.pass(Duration::from_secs(passed));
        parts.time = Arc::new(time);
        fitness(&credential, &parts, jitter)
    };
    // A tenth of 300 s is 30 s; the latest process waits for a quarter of that longer.
    assert_eq!(fit(269, 0), Fitness::Fresh);
    assert_eq!(fit(270, 0), Fitness::Due);
    assert_eq!(fit(277, 255), Fitness::Fresh);
    assert_eq!(fit(278, 255), Fitness::Due);
    assert_eq!(fit(299, 0), Fitness::Due);
    assert_eq!(fit(300, 0), Fitness::Over);

    let mut long = credential.clone();
    long.access.as_mut().unwrap().expires_in = Some(36_000);
    let fit_long = |passed: u64| {
        let other = Town::new();
        other.time.pass(Duration::from_secs(passed));
        let parts = Parts { time: Arc::new(other.time.clone()), ..parts.clone() };
        fitness(&long, &parts, 0)
    };
    assert_eq!(fit_long(36_000 - 61), Fitness::Fresh);
    assert_eq!(fit_long(36_000 - 60), Fitness::Due);
}

// proves: client-E4, client-E8
#[test]
fn before_the_end_trouble_can_wait() {
    let town = Town::new();
    town.sign_in();
    town.time.pass(Duration::from_secs(290));
    let before = town.bytes();
    town.server.says(TOKEN, Said::text(503, "text/plain", ""));
    assert_eq!(access(&town).unwrap(), "at-1");
    assert_eq!(town.bytes(), before);
}

// proves: client-E6
#[test]
fn whatever_goes_wrong_on_the_way_the_file_is_byte_identical() {
    let troubles = [
        Said::hang_up(),
        Said::text(408, "text/plain", ""),
        Said::text(429, "text/plain", ""),
        Said::text(500, "text/html", "<h1>oops</h1>"),
        Said::text(503, "text/plain", ""),
        Said::text(302, "text/plain", "").with("Location", "http://127.0.0.1:1/"),
        Said::text(200, "text/html", "<!doctype html>"),
        Said::text(200, "application/json", "{\"access_token\":"),
        Said::text(200, "application/json", "{}"),
        Said::json(200, &json!({ "access_token": "", "token_type": "Bearer" })),
        Said::json(200, &json!({ "access_token": "a b", "token_type": "Bearer" })),
        Said::json(200, &json!({ "access_token": "at-2", "token_type": "DPoP" })),
        Said::json(
            200,
            &json!({ "access_token": "at-2", "token_type": "Bearer", "refresh_token": "" }),
        ),
        Said::json(500, &json!({ "error": "server_error" })),
        Said::json(400, &json!({ "error": "temporarily_unavailable" })),
    ];
    for trouble in troubles {
        let town = expired();
        let before = town.bytes();
        town.server.says(TOKEN, trouble.clone());
        let error = access(&town).unwrap_err();
        assert_eq!(error.class(), crate::Class::CannotVerify, "{trouble:?}: {error}");
        assert!(!error.to_string().contains("log in") && error.next("hallpass").is_none());
        assert_eq!(town.bytes(), before, "{trouble:?}");
        assert_eq!(redeemed(&town), ["rt-1"; 3], "{trouble:?}");
    }
    // No connection at all.
    let mut town = expired();
    let before = town.bytes();
    town.server = crate::testing::FakeServer::empty();
    let mut credential = town.stored();
    credential.endpoints.token = Some("http://127.0.0.1:1/token".into());
    let http = Http::new(&town.table, "test");
    let parts = town.parts();
    let refresh =
        Refresh { parts: &parts, http: &http, profile: "default", server: "s", jitter: 0 };
    let Err(error) = refresh.redeem(&credential) else { panic!() };
    assert_eq!(error.class(), crate::Class::CannotVerify);
    assert_eq!(town.bytes(), before);
}

// proves: client-E6
#[test]
fn a_refusal_that_is_not_about_the_token_changes_nothing_either() {
    for code in
        ["invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type"]
    {
        let town = expired();
        let before = town.bytes();
        town.server.says(TOKEN, Said::error(code));
        assert!(matches!(access(&town), Err(Error::Rejected { code: c, .. }) if c == code));
        assert_eq!(town.bytes(), before);
        assert_eq!(redeemed(&town).len(), 1);
    }
}

// proves: client-E6
#[test]
fn few_tries_with_pauses_that_grow_and_obey() {
    let town = expired();
    let down = Said::text(503, "text/plain", "");
    town.server.script(TOKEN, vec![down.clone(), down.clone().with("Retry-After", "3"), tokens(2)]);
    let before = town.time.waits().len();
    assert_eq!(access(&town).unwrap(), "at-2");
    let waits = &town.time.waits()[before..];
    assert_eq!(waits.len(), 2);
    assert!(waits[0] >= Duration::from_millis(200) && waits[0] < Duration::from_millis(300));
    assert!(waits[1] >= Duration::from_secs(3) && waits[1] < Duration::from_secs(4));

    // A server that wants a long rest gets it.
    let town = expired();
    town.server.says(TOKEN, down.with("Retry-After", "3600"));
    assert!(access(&town).is_err());
    assert_eq!(redeemed(&town).len(), 1);
}

// proves: client-E3
#[test]
fn what_is_redeemed_is_what_is_on_disk_now() {
    let town = expired();
    let session = session(&town);
    // Another process has refreshed; its token has ended, too.
    let mut newer = town.stored();
    newer.refresh_token = Some("rt-7".to_owned().into());
    town.put("default", newer);
    town.server.says(TOKEN, tokens(8));
    assert_eq!(session.access_token().unwrap().expose(), "at-8");
    assert_eq!(redeemed(&town), ["rt-7"]);
}

// proves: client-E3, client-E9
#[test]
fn what_another_process_got_is_used_without_asking() {
    let town = expired();
    let session = session(&town);
    let mut newer = town.stored();
    let access = newer.access.as_mut().unwrap();
    access.token = "at-7".to_owned().into();
    access.received = Receipt::now(&town.time);
    town.put("default", newer);
    assert_eq!(session.access_token().unwrap().expose(), "at-7");
    assert!(town.server.all().is_empty());
}

// proves: client-E5
#[test]
fn invalid_grant_adopts_what_somebody_else_stored_meanwhile() {
    let town = Arc::new(expired());
    let session = session(&town);
    let of_server = Arc::downgrade(&town);
    // A login in another process stores a new session while our request is under way.
    town.server.answers(TOKEN, move |seen| {
        let town = of_server.upgrade().unwrap();
        if seen.form("refresh_token") == "rt-1" {
            let mut newer = town.stored();
            newer.refresh_token = Some("rt-9".to_owned().into());
            let access = newer.access.as_mut().unwrap();
            access.token = "at-9".to_owned().into();
            access.received = Receipt::now(&town.time);
            town.put("default", newer);
        }
        Said::error("invalid_grant")
    });
    assert_eq!(session.access_token().unwrap().expose(), "at-9");
    assert_eq!(redeemed(&town), ["rt-1"]);
    assert!(town.stored().ended.is_none());
}

// proves: client-E5
#[test]
fn invalid_grant_for_what_is_on_disk_ends_the_session_with_a_tombstone() {
    let town = expired();
    let waits = town.time.waits().len();
    let gone = json!({ "error": "invalid_grant", "error_description": "signed out elsewhere" });
    town.server.says(TOKEN, Said::json(400, &gone));
    let error = access(&town).unwrap_err();
    assert!(
        matches!(&error, Error::SessionEnded { reason, .. } if reason == "signed out elsewhere")
    );
    assert_eq!(error.class(), crate::Class::NotSignedIn);
    // It looked three times before it believed it.
    assert_eq!(town.time.waits()[waits..], [RELOAD_PAUSE; 2]);
    let stored = town.stored();
    assert_eq!(stored.ended.unwrap().reason, "signed out elsewhere");
    assert!(stored.access.is_none() && stored.refresh_token.is_none());
    assert_eq!(stored.email.as_deref(), Some("ada@example.com"));
    // And from then on nobody is asked any more.
    assert!(matches!(town.client().session(), Err(Error::SessionEnded { .. })));
    assert_eq!(redeemed(&town), ["rt-1"]);
}

// proves: client-E5
#[test]
fn nothing_is_written_over_what_somebody_else_stored() {
    let town = Arc::new(expired());
    let session = session(&town);
    let of_server = Arc::downgrade(&town);
    town.server.answers(TOKEN, move |_| {
        let town = of_server.upgrade().unwrap();
        let mut newer = town.stored();
        newer.refresh_token = Some("rt-login".to_owned().into());
        let access = newer.access.as_mut().unwrap();
        access.token = "at-login".to_owned().into();
        access.received = Receipt::now(&town.time);
        town.put("default", newer);
        tokens(2)
    });
    assert_eq!(session.access_token().unwrap().expose(), "at-login");
    assert_eq!(town.stored().refresh_token.unwrap().expose(), "rt-login");
}

#[test]
fn a_refresh_does_not_bring_back_what_was_signed_out_meanwhile() {
    let town = Arc::new(expired());
    let session = session(&town);
    let of_server = Arc::downgrade(&town);
    town.server.answers(TOKEN, move |_| {
        let remove = |contents: &mut crate::vault::Contents| {
            contents.remove_profile("default");
            true
        };
        of_server.upgrade().unwrap().vault.change(&mut { remove }).unwrap();
        tokens(2)
    });
    assert!(matches!(session.access_token(), Err(Error::NotSignedIn { .. })));
    assert!(!town.file().exists());
    assert_eq!(town.server.seen("/oauth/revoke")[0].form("token"), "rt-2");
}

// proves: client-D9
#[test]
fn a_token_that_cannot_be_saved_is_used_and_told_about() {
    let town = expired();
    town.server.says(TOKEN, tokens(2));
    let before = town.bytes();
    let session = session(&town);
    *town.vault.tokens.fail_at.lock().unwrap() = Some(crate::vault::atomic::Step::Write);
    assert_eq!(session.access_token().unwrap().expose(), "at-2");
    assert_eq!(session.access_token().unwrap().expose(), "at-2");
    assert_eq!(town.bytes(), before);
    let warnings = session.take_warnings();
    assert!(matches!(&warnings[..], [Warning::NotSaved { .. }]), "{warnings:?}");
    assert_eq!(session.take_warnings(), []);
    assert_eq!(redeemed(&town).len(), 1);
}

// proves: client-E11
#[test]
fn what_an_answer_leaves_out_stays_and_never_means_for_ever() {
    let town = expired();
    let answer = json!({ "access_token": "at-2", "token_type": "bearer" });
    town.server.says(TOKEN, Said::json(200, &answer));
    assert_eq!(access(&town).unwrap(), "at-2");
    let stored = town.stored();
    assert_eq!(stored.refresh_token.unwrap().expose(), "rt-1");
    assert_eq!(stored.scope.to_string(), "account openid");
    assert_eq!(stored.access.unwrap().expires_in, Some(300));
    // The same for a first answer that said nothing.
    let town = Town::new();
    let mut credential = town.sign_in();
    credential.access.as_mut().unwrap().expires_in = None;
    assert_eq!(fitness(&credential, &town.parts(), 0), Fitness::Fresh);
    town.time.pass(Duration::from_secs(300));
    assert_eq!(fitness(&credential, &town.parts(), 0), Fitness::Over);
}

#[test]
fn without_a_refresh_token_the_end_is_the_end() {
    let town = Town::new();
    let mut credential = town.sign_in();
    credential.refresh_token = None;
    town.put("default", credential);
    assert_eq!(access(&town).unwrap(), "at-1");
    town.time.pass(Duration::from_secs(300));
    assert!(matches!(access(&town), Err(Error::Expired { .. })));
    assert!(town.server.all().is_empty());
}

// proves: client-E2, client-E4
#[test]
fn while_another_process_holds_the_lock_nobody_refreshes() {
    let town = expired();
    town.server.says(TOKEN, tokens(2));
    let parts = town.parts();
    let path = lock_path(&parts, &town.stored().key);
    assert_eq!(path.parent(), town.file().parent());
    let held =
        lock::acquire(&path, Duration::ZERO, &*parts.time, &*parts.random, &mut || true).unwrap();
    assert!(matches!(access(&town), Err(Error::Busy)));
    assert!(town.server.all().is_empty());
    drop(held);
    assert_eq!(access(&town).unwrap(), "at-2");
}

// proves: client-E4
#[test]
fn a_token_that_is_still_good_is_used_while_the_lock_is_held() {
    let town = Town::new();
    let mut credential = town.sign_in();
    credential.access.as_mut().unwrap().expires_in = Some(3600);
    town.put("default", credential);
    let parts = town.parts();
    let path = lock_path(&parts, &town.stored().key);
    let _held =
        lock::acquire(&path, Duration::ZERO, &*parts.time, &*parts.random, &mut || true).unwrap();
    // Due, and after the whole deadline still good for some seconds.
    town.time.pass(Duration::from_secs(3600 - 40));
    assert_eq!(access(&town).unwrap(), "at-1");
    // Once it is over, waiting was in vain.
    assert!(matches!(access(&town), Err(Error::Busy)));
    assert!(town.server.all().is_empty());
}

// proves: client-E13
#[test]
fn two_profiles_with_one_sign_in_share_lock_and_tokens() {
    let town = expired();
    town.server.says(TOKEN, tokens(2));
    let credential = town.stored();
    town.put("second", credential);
    for name in ["default", "second"] {
        let selection = crate::Selection { profile: Some(name.into()), ..Default::default() };
        let session = Client::new(town.parts(), selection).session().unwrap();
        assert_eq!(session.access_token().unwrap().expose(), "at-2");
    }
    assert_eq!(redeemed(&town), ["rt-1"]);
    let locks = std::fs::read_dir(town.file().parent().unwrap())
        .unwrap()
        .filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("refresh-")
        })
        .count();
    assert_eq!(locks, 1);
}

// proves: client-E1
#[test]
fn many_threads_and_many_handles_make_one_request() {
    let town = Town::new();
    let mut credential = town.sign_in();
    // Over, by real clocks.
    credential.access.as_mut().unwrap().expires_in = Some(0);
    let spent = Arc::new(Mutex::new(1));
    let of_server = spent.clone();
    town.server.answers(TOKEN, move |seen| {
        // As a server does it: each refresh token is good once.
        let mut spent = of_server.lock().unwrap();
        if seen.form("refresh_token") != format!("rt-{spent}") {
            return Said::error("invalid_grant");
        }
        *spent += 1;
        Said::json(200, &token_answer(*spent))
    });
    let parts = town.parts_with(Arc::new(SystemTimes));
    credential.access.as_mut().unwrap().received = Receipt::now(&SystemTimes);
    town.put("default", credential);
    let one = Client::new(parts.clone(), town.selection()).session().unwrap();
    std::thread::scope(|scope| {
        for n in 0..200 {
            let (one, parts, selection) = (&one, parts.clone(), town.selection());
            scope.spawn(move || {
                // Half share a handle, half have their own, as processes would.
                let own = Client::new(parts, selection).session().unwrap();
                let session = if n % 2 == 0 { one } else { &own };
                assert_eq!(session.access_token().unwrap().expose(), "at-2");
            });
        }
    });
    assert_eq!(redeemed(&town), ["rt-1"]);
}

/// A server that takes connections and never says anything.
fn mute() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/oauth/token", listener.local_addr().unwrap());
    (listener, url)
}

// proves: client-E6, client-E12
#[test]
fn a_refresh_that_is_never_answered_has_its_own_end_and_changes_nothing() {
    let town = Town::new();
    let mut credential = town.sign_in();
    let (_listener, url) = mute();
    credential.endpoints.token = Some(url);
    credential.access.as_mut().unwrap().expires_in = Some(0);
    town.put("default", credential.clone());
    let before = town.bytes();
    let parts = town.parts();
    let http = Http::new(&*parts.environment, "test");
    let http = http.within(&parts.time, Duration::from_millis(200));
    let refresh =
        Refresh { parts: &parts, http: &http, profile: "default", server: "s", jitter: 0 };
    let outcome = refresh.run(&credential, Need::Age);
    let Err(Error::Http(HttpError::Refresh(why))) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(*why, HttpError::Timeout { .. }), "{why:?}");
    assert_eq!(town.bytes(), before);
    // The lock is free again: another process could go on at once.
    assert!(lock_path(&parts, &credential.key).exists());
    assert!(matches!(refresh.run(&credential, Need::Age), Err(Error::Http(_))));
}
