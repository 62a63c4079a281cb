//! Browser logins against a small server, with a browser that does as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hallpass_core::pkce::{Challenge, Verifier};
use serde_json::json;

use super::*;
use crate::login::{Flow, LoginOptions, Wish};
use crate::status::Warning;
use crate::testing::{FakeTime, Said, Town, browser_that, get, tokens};

/// What the browser was shown, page after page.
#[derive(Clone, Default)]
struct Pages(Arc<Mutex<Vec<String>>>);

impl Pages {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn parameters(url: &str) -> BTreeMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

/// A town whose browser comes back with `answer`, which gets the request's parameters
/// and the issuer, and follows the redirect to the last page.
fn town_with(
    answer: impl Fn(&BTreeMap<String, String>, &str) -> Vec<String> + Send + 'static,
) -> (Town, Pages) {
    let pages = Pages::default();
    let mut town = Town::new();
    let (shown, issuer) = (pages.clone(), town.server.origin.clone());
    town.launcher = browser_that(move |url| {
        let asked = parameters(url);
        let redirect = &asked["redirect_uri"];
        for query in answer(&asked, &issuer) {
            let page = get(&format!("{redirect}?{query}"));
            let follow = page.contains("Location: /done");
            shown.0.lock().unwrap().push(page);
            if follow {
                let done = Url::parse(redirect).unwrap().join("/done").unwrap();
                shown.0.lock().unwrap().push(get(done.as_str()));
            }
        }
    });
    town.server.says("/oauth/token", tokens(1));
    (town, pages)
}

fn approve(asked: &BTreeMap<String, String>, issuer: &str) -> Vec<String> {
    vec![format!("code=the-code&state={}&iss={}", asked["state"], escape(issuer))]
}

fn escape(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn options() -> LoginOptions {
    LoginOptions::on_a_terminal(Wish::Web)
}

// proves: client-A5, client-B1, client-B7, client-B8, client-B11, J03, B08
#[test]
fn a_login_from_one_end_to_the_other() {
    let (town, pages) = town_with(approve);
    let (outcome, events) = town.login(&options());
    let login = outcome.unwrap();
    assert_eq!(login.account.label(), "ada@example.com");
    assert_eq!(login.scope.to_string(), "account openid");
    assert_eq!(login.issuer, town.server.origin);
    assert_eq!(login.warnings, []);

    // The address is told before anything is launched, and says nothing secret.
    let at = events.iter().position(|event| matches!(event, Event::SignInAt { .. })).unwrap();
    let launched = events.iter().position(|event| matches!(event, Event::Launched { .. }));
    assert!(launched.is_none_or(|launched| at < launched));
    let Event::SignInAt { url, launching: true, .. } = &events[at] else { panic!() };
    let asked = parameters(url);
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], "hallpass-cli");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["redirect_uri"].starts_with("http://127.0.0.1:"));
    assert!(asked["redirect_uri"].ends_with("/callback"));
    assert!(asked["scope"].contains("offline_access"));
    assert!(asked["state"].len() >= 43);
    assert!(matches!(events.last(), Some(Event::Authenticated(_))));

    // The code was redeemed once, with the verifier of that challenge.
    let redeemed = town.server.seen("/oauth/token");
    assert_eq!(redeemed.len(), 1);
    assert_eq!(redeemed[0].form("grant_type"), "authorization_code");
    assert_eq!(redeemed[0].form("code"), "the-code");
    assert_eq!(redeemed[0].form("redirect_uri"), asked["redirect_uri"]);
    let verifier = Verifier::parse(&redeemed[0].form("code_verifier")).unwrap();
    assert!(verifier.answers(&Challenge::parse(&asked["code_challenge"]).unwrap()));
    assert!(!url.contains(verifier.expose()));
    assert_ne!(asked["state"], asked["code_challenge"]);

    // The page came after the vault was written, and the vault is as it should be.
    let pages = pages.all();
    assert!(pages[0].starts_with("HTTP/1.1 303 "), "{}", pages[0]);
    assert!(pages[1].contains("Signed in"), "{}", pages[1]);
    let stored = town.stored();
    assert_eq!(stored.access.unwrap().token.expose(), "at-1");
    assert_eq!(stored.refresh_token.unwrap().expose(), "rt-1");
}

// proves: J03
#[test]
fn every_attempt_has_its_own_state_and_verifier() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let of_browser = seen.clone();
    let (town, _) = town_with(move |asked, issuer| {
        of_browser.lock().unwrap().push((asked["state"].clone(), asked["code_challenge"].clone()));
        approve(asked, issuer)
    });
    let client = town.client();
    for _ in 0..2 {
        let (_sender, inbox) = Inbox::new();
        client.login(&options(), inbox, &mut |_| ()).unwrap();
    }
    let seen = seen.lock().unwrap();
    assert_ne!(seen[0].0, seen[1].0);
    assert_ne!(seen[0].1, seen[1].1);
}

// proves: client-B4, attack-5
#[test]
fn forged_callbacks_before_the_real_one_do_not_count() {
    let (town, pages) = town_with(|asked, issuer| {
        let mut all = vec![
            "code=evil".to_owned(),
            "code=evil&state=guess".to_owned(),
            "error=access_denied&state=guess".to_owned(),
        ];
        all.extend(approve(asked, issuer));
        all
    });
    let (outcome, events) = town.login(&options());
    outcome.unwrap();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Ignored { .. })).count(), 3);
    assert!(pages.all()[..3].iter().all(|page| page.starts_with("HTTP/1.1 400 ")));
    assert_eq!(town.server.seen("/oauth/token").len(), 1);
}

// proves: client-B6
#[test]
fn a_denial_reaches_terminal_and_page() {
    let (town, pages) = town_with(|asked, issuer| {
        vec![format!("error=access_denied&state={}&iss={}", asked["state"], escape(issuer))]
    });
    let (outcome, _) = town.login(&options());
    assert!(matches!(outcome, Err(Error::Denied)));
    assert!(pages.all()[1].contains("Not signed in"));
    assert!(town.server.seen("/oauth/token").is_empty());
    assert!(!town.file().exists());
}

// proves: J04, J05, attack-13
#[test]
fn an_answer_of_another_issuer_ends_it_before_the_code_is_sent() {
    let (town, pages) = town_with(|asked, _| {
        let iss = escape("https://evil.example");
        vec![format!("code=c&error_description=call+555&state={}&iss={iss}", asked["state"])]
    });
    let (outcome, _) = town.login(&options());
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::IssuerMismatch { .. }));
    assert!(!error.to_string().contains("555") && !pages.all()[1].contains("555"));
    assert!(town.server.seen("/oauth/token").is_empty());
}

// proves: client-B7
#[test]
fn if_the_exchange_or_the_store_fails_the_page_says_so() {
    let (town, pages) = town_with(approve);
    town.server.says("/oauth/token", Said::error("invalid_grant"));
    let (outcome, _) = town.login(&options());
    assert!(matches!(outcome, Err(Error::Rejected { code, .. }) if code == "invalid_grant"));
    assert!(pages.all()[1].contains("Not signed in"));

    let (town, pages) = town_with(approve);
    *town.vault.tokens.fail_at.lock().unwrap() = Some(crate::vault::atomic::Step::Rename);
    let (outcome, _) = town.login(&options());
    assert!(matches!(outcome, Err(Error::Vault(_))));
    assert!(pages.all()[1].contains("Not signed in"));
    // What nobody can use is ended at the server.
    let revoked = town.server.seen("/oauth/revoke");
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].form("token"), "rt-1");
}

// proves: client-A11
#[test]
fn the_address_can_be_pasted_instead() {
    let (mut town, _) = town_with(|_, _| Vec::new());
    let (sender, inbox) = Inbox::new();
    let issuer = town.server.origin.clone();
    town.launcher = browser_that(move |url| {
        let asked = parameters(url);
        assert!(sender.paste("what is this"));
        let query = approve(&asked, &issuer).remove(0);
        assert!(sender.paste(format!("{}?{query}\n", asked["redirect_uri"])));
    });
    let mut ignored = 0;
    let login = town.client().login(&options(), inbox, &mut |event| {
        ignored += u32::from(matches!(event, Event::Ignored { .. }));
    });
    assert_eq!(login.unwrap().account.id, "usr_ada");
    assert_eq!(ignored, 1);
}

// proves: client-B10
#[test]
fn it_ends_when_nobody_comes_and_when_somebody_stops_it() {
    let (mut town, _) = town_with(|_, _| Vec::new());
    let time = town.time.clone();
    town.launcher = browser_that(move |_| time.pass(Duration::from_secs(299)));
    let mut port = None;
    let (_sender, inbox) = Inbox::new();
    let time: FakeTime = town.time.clone();
    let outcome = town.client().login(&options(), inbox, &mut |event| match event {
        Event::SignInAt { url, timeout, .. } => {
            assert_eq!(timeout, Duration::from_secs(300));
            port = Some(Url::parse(&parameters(&url)["redirect_uri"]).unwrap().port().unwrap());
        }
        Event::Launched { .. } => time.pass(Duration::from_secs(1)),
        _ => {}
    });
    assert!(matches!(outcome, Err(Error::TimedOut { seconds: 300 })));
    assert!(std::net::TcpListener::bind(("127.0.0.1", port.unwrap())).is_ok());

    let (sender, inbox) = Inbox::new();
    town.launcher = browser_that(move |_| assert!(sender.stop()));
    let outcome = town.client().login(&options(), inbox, &mut |_| ());
    assert!(matches!(outcome, Err(Error::Cancelled)));
}

// proves: client-A5
#[test]
fn without_a_launcher_that_works_the_login_goes_on() {
    struct Broken(Mutex<Option<std::thread::JoinHandle<()>>>, String);
    impl crate::login::launch::Launcher for Broken {
        fn launch(&self, _: &Launch, url: &str) -> bool {
            // The person opens the address by hand, a little later.
            let asked = parameters(url);
            let query = approve(&asked, &self.1).remove(0);
            let visit = move || drop(get(&format!("{}?{query}", asked["redirect_uri"])));
            *self.0.lock().unwrap() = Some(std::thread::spawn(visit));
            false
        }
    }
    let (mut town, _) = town_with(|_, _| Vec::new());
    town.launcher = Arc::new(Broken(Mutex::new(None), town.server.origin.clone()));
    let (outcome, _) = town.login(&options());
    outcome.unwrap();
}

// proves: client-A7, client-A8, client-A9
#[test]
fn where_nobody_is_nothing_is_sent() {
    let (mut town, _) = town_with(approve);
    let nobody = LoginOptions { stdin_is_terminal: false, ..LoginOptions::default() };
    let (outcome, events) = town.login(&nobody);
    assert!(matches!(outcome, Err(Error::NobodyToAsk { .. })));
    assert!(events.is_empty());
    town.table.variables.insert("CI".into(), "true".into());
    let (outcome, _) = town.login(&LoginOptions::on_a_terminal(Wish::Auto));
    assert!(matches!(outcome, Err(Error::NobodyToAsk { .. })));
    assert!(matches!(town.client().session(), Err(Error::NotSignedIn { .. })));
    assert!(town.server.all().is_empty());
}

// proves: client-A10, J06
#[test]
fn without_pkce_the_device_flow_is_taken_or_all_is_explained() {
    let (town, _) = town_with(approve);
    let mut metadata = town.server.metadata();
    metadata.as_object_mut().unwrap().remove("code_challenge_methods_supported");
    town.server.says("/.well-known/oauth-authorization-server", Said::json(200, &metadata));
    let device = json!({
        "device_code": "dc", "user_code": "WDJB-MJHT", "expires_in": 600, "interval": 5,
        "verification_uri": format!("{}/device", town.server.origin),
    });
    town.server.says("/oauth/device", Said::json(200, &device));
    let (outcome, events) = town.login(&LoginOptions::on_a_terminal(Wish::Auto));
    outcome.unwrap();
    let Event::Chosen(choice) = &events[0] else { panic!() };
    assert_eq!(choice.flow, Flow::Device);
    assert!(choice.reason.to_string().contains("PKCE"));

    let (outcome, _) = town.login(&options());
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("offers authorization_code, refresh_token"), "{text}");
    assert!(text.contains("PKCE with S256"), "{text}");
}

// proves: client-J3
#[test]
fn a_wrong_clock_is_told_and_changes_nothing() {
    let (town, _) = town_with(approve);
    // The fake clock says 2026-04-18T10:00:00Z.
    town.server.says("/oauth/token", tokens(1).with("Date", "Sat, 18 Apr 2026 09:00:00 GMT"));
    let login = town.login(&options()).0.unwrap();
    assert_eq!(login.warnings, [Warning::ClockSkew { seconds: 3600, ahead: true }]);
    let left = town.stored().access.unwrap().remaining(&town.time);
    assert_eq!(left, Some(Duration::from_secs(300)));
}
