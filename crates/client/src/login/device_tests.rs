//! Device logins against a small server, on a clock that only waiting moves.

use std::sync::{Arc, Mutex};

use hallpass_core::{Clock as _, Timestamp};
use serde_json::json;

use super::*;
use crate::login::{LoginOptions, Wish};
use crate::testing::{Said, Town, tokens};

fn options() -> LoginOptions {
    LoginOptions::on_a_terminal(Wish::Device)
}

/// A town that gives out a code of 600 s with an interval of 5 s, and answers the polls
/// in turn; and the times of the polls, in seconds since the code.
fn town_with(polls: Vec<Said>) -> (Town, Arc<Mutex<Vec<u64>>>) {
    let town = Town::new();
    let answer = json!({
        "device_code": "hidden-dc",
        "user_code": "WDJB-MJHT",
        "verification_uri": format!("{}/device", town.server.origin),
        "verification_uri_complete": format!("{}/device?user_code=WDJB-MJHT", town.server.origin),
        "expires_in": 600,
        "interval": 5,
    });
    town.server.says("/oauth/device", Said::json(200, &answer));
    let times = Arc::new(Mutex::new(Vec::new()));
    let (at, time) = (times.clone(), town.time.clone());
    let began = time.monotonic();
    let turn = Mutex::new(polls.into_iter());
    town.server.answers("/oauth/token", move |_| {
        at.lock().unwrap().push((time.monotonic() - began).as_secs());
        turn.lock().unwrap().next().unwrap_or_else(|| Said::error("authorization_pending"))
    });
    (town, times)
}

fn pending() -> Said {
    Said::error("authorization_pending")
}

// proves: D17, client-C2
#[test]
fn it_polls_at_the_interval_until_it_is_approved() {
    let (town, times) = town_with(vec![pending(), pending(), tokens(1)]);
    let (outcome, events) = town.login(&options());
    assert_eq!(outcome.unwrap().account.label(), "ada@example.com");
    assert_eq!(*times.lock().unwrap(), [5, 10, 15]);

    let Some(Event::Verification { user_code, verification_uri, expires_in, expires_at, .. }) =
        events.iter().find(|event| matches!(event, Event::Verification { .. }))
    else {
        panic!("{events:?}")
    };
    assert_eq!(user_code, "WDJB-MJHT");
    assert_eq!(*verification_uri, format!("{}/device", town.server.origin));
    assert_eq!(expires_in.as_secs(), 600);
    assert_eq!(expires_at.to_rfc3339(), "2026-04-18T10:10:00Z");
    // A countdown has something to show each second.
    let waits = events.iter().filter(|event| matches!(event, Event::Waiting { .. })).count();
    assert!(waits >= 15, "{waits}");
    assert!(!format!("{events:?}").contains("hidden"), "{events:?}");

    let poll = &town.server.seen("/oauth/token")[0];
    assert_eq!(poll.form("grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(poll.form("device_code"), "hidden-dc");
    assert_eq!(poll.form("client_id"), "hallpass-cli");
}

// proves: HP20
#[test]
fn a_sign_in_at_a_provider_elsewhere_is_renewed_there() {
    let (town, _) = town_with(vec![tokens(1), tokens(2)]);
    let api = crate::testing::FakeServer::empty();
    let login = |options: &LoginOptions| {
        let selection = crate::Selection { server: Some(api.origin.clone()), ..town.selection() };
        let client = crate::Client::new(town.parts(), selection);
        let (_sender, inbox) = Inbox::new();
        client.login(options, inbox, &mut |_| {}).unwrap()
    };
    let named = LoginOptions {
        issuer: Some(town.server.origin.clone()),
        client_id: Some("native".to_owned()),
        ..options()
    };
    let first = login(&named);
    assert_eq!((first.server, first.issuer), (api.origin.clone(), town.server.origin.clone()));
    assert_eq!(town.server.seen("/oauth/device")[0].form("prompt"), "consent");
    // Nobody has to say it twice.
    assert_eq!(login(&options()).issuer, town.server.origin);
    assert_eq!(town.server.seen("/oauth/device")[1].form("client_id"), "native");
    assert!(api.all().is_empty());
}

#[test]
fn it_says_where_it_comes_from() {
    let (mut town, _) = town_with(vec![tokens(1)]);
    town.table.variables.insert("USER".into(), "ada".into());
    town.login(&options()).0.unwrap();
    let asked = &town.server.seen("/oauth/device")[0];
    assert_eq!(asked.form("hallpass_host"), "laptop-7");
    assert_eq!(asked.form("hallpass_user"), "ada");
    assert_eq!(asked.form("hallpass_command"), "hallpass login");
    assert!(asked.form("scope").contains("offline_access"));
}

// proves: client-C2
#[test]
fn slow_down_adds_five_seconds_for_good() {
    let slow = Said::error("slow_down");
    let (town, times) =
        town_with(vec![pending(), slow.clone(), pending(), slow, pending(), tokens(1)]);
    let (outcome, events) = town.login(&options());
    outcome.unwrap();
    assert_eq!(*times.lock().unwrap(), [5, 10, 20, 30, 45, 60]);
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::SlowDown { interval } => Some(interval.as_secs()),
            _ => None,
        })
        .collect();
    assert_eq!(told, [10, 15]);
}

// proves: D17, client-C2
#[test]
fn trouble_backs_off_and_does_not_end_it() {
    let down = Said::text(503, "text/plain", "");
    let (town, times) = town_with(vec![
        down.clone(),
        Said::hang_up(),
        Said::text(200, "text/html", "<!doctype html>"),
        pending(),
        pending(),
        down.with("Retry-After", "30"),
        tokens(1),
    ]);
    let (outcome, events) = town.login(&options());
    outcome.unwrap();
    // 5, then doubled with each failure; back to 5 with the first answer; then as told.
    assert_eq!(*times.lock().unwrap(), [5, 15, 35, 75, 80, 85, 115]);
    assert_eq!(events.iter().filter(|e| matches!(e, Event::Retrying { .. })).count(), 4);
}

// proves: client-C2, client-B6
#[test]
fn the_server_s_last_words_are_told_apart() {
    let end = |code: &str| {
        let (town, _) = town_with(vec![pending(), Said::error(code)]);
        let error = town.login(&options()).0.unwrap_err();
        assert!(!town.file().exists());
        assert!(!format!("{error:?} {error}").contains("hidden"));
        error
    };
    assert!(matches!(end("access_denied"), Error::Denied));
    assert!(matches!(end("expired_token"), Error::CodeExpired));
    assert!(
        matches!(end("invalid_grant"), Error::Rejected { code, .. } if code == "invalid_grant")
    );
    assert!(matches!(end("invalid_client"), Error::Rejected { .. }));
    assert_ne!(end("access_denied").to_string(), end("expired_token").to_string());
}

// proves: client-C3
#[test]
fn the_end_of_the_code_is_measured_on_a_clock_that_cannot_be_set() {
    for jump in [-3_600_000, 3_600_000, 86_400_000] {
        let (town, times) = town_with(vec![]);
        let time = town.time.clone();
        let mut jumped = false;
        let (_sender, inbox) = Inbox::new();
        let outcome = town.client().login(&options(), inbox, &mut |event| {
            if matches!(event, Event::Waiting { .. }) && !jumped {
                jumped = true;
                time.set_wall(Timestamp::from_millis(time.now().millis() + jump));
            }
        });
        assert!(matches!(outcome, Err(Error::CodeExpired)));
        // Polled to the last interval, and not once more.
        assert_eq!(times.lock().unwrap().last(), Some(&595), "{jump}");
    }
}

#[test]
fn the_person_s_patience_and_ctrl_c_end_it_too() {
    let (town, times) = town_with(vec![]);
    let impatient = LoginOptions { timeout: Some(Duration::from_secs(12)), ..options() };
    assert!(matches!(town.login(&impatient).0, Err(Error::TimedOut { seconds: 12 })));
    assert_eq!(*times.lock().unwrap(), [5, 10]);

    let (sender, inbox) = Inbox::new();
    let outcome = town.client().login(&options(), inbox, &mut |event| {
        if matches!(event, Event::Waiting { .. }) {
            sender.stop();
        }
    });
    assert!(matches!(outcome, Err(Error::Cancelled)));
}

// proves: client-C4
#[test]
fn the_page_to_approve_at_is_the_issuer_s_own() {
    let own = |issuer: &str, page: &str| own_page(issuer, page).is_some();
    for (issuer, page) in [
        ("https://id.example.com", "https://id.example.com/device"),
        ("https://id.example.com", "https://example.com/device"),
        ("https://id.example.co.uk", "https://login.example.co.uk/device"),
        ("http://localhost:8470", "http://localhost:8470/device"),
        ("http://127.0.0.1:8470", "http://127.0.0.1:9000/device"),
        ("https://10.0.0.1", "https://10.0.0.1/device"),
    ] {
        assert!(own(issuer, page), "{issuer} {page}");
    }
    for (issuer, page) in [
        ("https://id.example.com", "http://id.example.com/device"),
        ("https://id.example.com", "https://id.example.org/device"),
        ("https://id.example.com", "https://id.example.com.evil.test/device"),
        ("https://id.example.com", "https://id.example.com@evil.test/device"),
        ("https://id.example.com", "https://x@id.example.com/device"),
        ("https://a.co.uk", "https://b.co.uk/device"),
        ("https://a.github.io", "https://b.github.io/device"),
        ("https://id.example.com", "http://localhost/device"),
        ("http://localhost:8470", "https://evil.test/device"),
        ("http://localhost:8470", "http://127.0.0.1:8470/device"),
        ("https://10.0.0.1", "https://10.0.0.2/device"),
        ("https://id.example.com", "javascript:alert(1)"),
        ("https://id.example.com", "/device"),
        ("https://id.example.com", ""),
    ] {
        assert!(!own(issuer, page), "{issuer} {page}");
    }
}

// proves: client-H5, attack-33
#[test]
fn an_address_cannot_steer_the_terminal() {
    let page = own_page("https://id.example.com", "https://id.example.com/\u{1b}[31m\u{202e}x");
    assert_eq!(page.as_deref(), Some("https://id.example.com/%1B[31m%E2%80%AEx"));
}

// proves: client-C4
#[test]
fn a_foreign_page_is_neither_shown_nor_polled_for() {
    for member in ["verification_uri", "verification_uri_complete"] {
        let (town, times) = town_with(vec![tokens(1)]);
        let mut answer = json!({
            "device_code": "dc", "user_code": "U", "expires_in": 600,
            "verification_uri": format!("{}/device", town.server.origin),
        });
        answer[member] = json!("https://evil.test/device");
        town.server.says("/oauth/device", Said::json(200, &answer));
        let (outcome, events) = town.login(&options());
        assert!(matches!(outcome, Err(Error::ForeignPage { .. })), "{member}");
        assert!(!format!("{events:?}").contains("evil"));
        assert!(times.lock().unwrap().is_empty());
    }
}

// proves: client-C10
#[test]
fn a_login_can_be_left_and_taken_up_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let (town, _) = town_with(vec![pending(), tokens(1)]);
    let client = town.client();
    let left = client.login_begin(&options()).unwrap();
    assert_eq!(left.user_code, "WDJB-MJHT");
    assert!(!format!("{left:?}").contains("hidden"));
    let file = town.file().with_file_name(format!("login-{}.json", left.handle));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(town.server.seen("/oauth/token").is_empty());

    town.time.pass(Duration::from_secs(60));
    let (sender, inbox) = Inbox::new();
    sender.stop();
    let stopped = client.login_resume(None, &options(), inbox, &mut |_| ());
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert!(file.exists(), "it goes on");

    let mut shown = None;
    let (_sender, inbox) = Inbox::new();
    let login = client.login_resume(Some(&left.handle), &options(), inbox, &mut |event| {
        if let Event::Verification { expires_in, .. } = event {
            shown = Some(expires_in.as_secs());
        }
    });
    assert_eq!(login.unwrap().account.id, "usr_ada");
    assert_eq!(shown, Some(540));
    assert!(!file.exists());
    let (_sender, inbox) = Inbox::new();
    let again = client.login_resume(Some(&left.handle), &options(), inbox, &mut |_| ());
    assert!(matches!(again, Err(Error::NothingToResume { .. })));
}

// proves: client-C10
#[test]
fn a_login_that_was_left_for_too_long_is_over() {
    let (town, _) = town_with(vec![]);
    let client = town.client();
    let left = client.login_begin(&options()).unwrap();
    town.time.pass(Duration::from_secs(600));
    let file = town.file().with_file_name(format!("login-{}.json", left.handle));
    let (_sender, inbox) = Inbox::new();
    let outcome = client.login_resume(None, &options(), inbox, &mut |_| ());
    assert!(matches!(outcome, Err(Error::CodeExpired)));
    assert!(!file.exists());
    for handle in ["../credentials", "", "zz"] {
        let (_sender, inbox) = Inbox::new();
        let outcome = client.login_resume(Some(handle), &options(), inbox, &mut |_| ());
        assert!(matches!(outcome, Err(Error::NothingToResume { .. })), "{handle}");
    }
}
