//! Setting up, signing in, signing out.

use std::time::Duration;

use http::StatusCode;

use super::site::{EMAIL, PASSWORD, Site};

#[tokio::test]
async fn the_first_administrator() {
    let site = Site::fresh().await;
    let browser = site.browser();
    let code = site.app.issuer().setup_code().await.expect("a store").expect("a code");

    assert!(browser.get("/").await.html.contains("Nobody has an account here yet."));
    // The code leaves the address at once.
    let moved = browser.get(&format!("/setup?code={}", code.expose())).await;
    assert_eq!((moved.status, moved.location()), (StatusCode::SEE_OTHER, "/setup"));
    assert_eq!(moved.header("referrer-policy"), "no-referrer");
    let page = browser.get("/setup").await;
    assert!(!page.html.contains(code.expose()) && !page.html.contains("name=\"code\""));

    let form = page.form("setup");
    let filled = [
        ("email", EMAIL),
        ("name", "Ada"),
        ("new_password", PASSWORD),
        ("repeat_password", "another thing"),
    ];
    let wrong = browser.submit(&form, &filled).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text("notice").contains("not the same"));
    // What was typed is kept; passwords are not put back.
    assert_eq!(wrong.form("setup").fields["email"], EMAIL);
    assert!(!wrong.html.contains(PASSWORD));

    let filled = [
        ("email", EMAIL),
        ("name", "Ada"),
        ("new_password", PASSWORD),
        ("repeat_password", PASSWORD),
    ];
    let done = browser.submit(&wrong.form("setup"), &filled).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/?done=set-up"));
    assert!(browser.get("/").await.html.contains("Hello, <bdi>Ada</bdi>"));

    // Once.
    let again = site.browser();
    again.get(&format!("/setup?code={}", code.expose())).await;
    assert_eq!(again.get("/setup").await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_wrong_setup_code_makes_nobody() {
    let site = Site::fresh().await;
    site.app.issuer().setup_code().await.expect("a store").expect("a code");
    for code in ["wrong", "", "%00", "a%20b", "%C3%A9", "%3Cscript%3E"] {
        let browser = site.browser();
        browser.get(&format!("/setup?code={code}")).await;
        let page = browser.get("/setup").await;
        let filled = [
            ("email", EMAIL),
            ("name", "Ada"),
            ("new_password", PASSWORD),
            ("repeat_password", PASSWORD),
        ];
        let answer = browser.submit(&page.form("setup"), &filled).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        // The field to type it comes back.
        assert!(answer.html.contains("name=\"code\""), "{code}");
    }
    assert!(site.app.issuer().needs_setup().await.expect("a store"));
}

// proves: attack-35
#[tokio::test]
async fn signing_in_makes_a_new_session_and_comes_back() {
    let site = Site::with_ada().await;
    let browser = site.browser();
    let asked = browser.get("/settings/sessions").await;
    assert_eq!(asked.location(), "/signin?return_to=%2Fsettings%2Fsessions");
    let back = browser.sign_in(EMAIL, PASSWORD, "/settings/sessions").await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/settings/sessions"));
    let first = browser.jar.borrow()["__Host-hp"].clone();

    // Again: the old session is over, for whoever had planted or kept it.
    browser.sign_in(EMAIL, PASSWORD, "/").await;
    assert_ne!(browser.jar.borrow()["__Host-hp"], first);
    let planted = site.browser();
    planted.jar.borrow_mut().insert("__Host-hp".to_owned(), first);
    assert_eq!(planted.get("/settings/sessions").await.status, StatusCode::SEE_OTHER);
}

// proves: attack-36
#[tokio::test]
async fn a_refusal_does_not_say_who_has_an_account() {
    let site = Site::with_ada().await;
    let mut pages = Vec::new();
    for (email, password) in [(EMAIL, "wrong password"), ("nobody@x.org", "wrong password")] {
        let browser = site.browser();
        let page = browser.sign_in(email, password, "/").await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!page.html.contains(password));
        let csrf = &page.form("signin").fields["csrf"];
        pages.push(page.html.replace(csrf, "").replace(email, ""));
        assert!(!browser.jar.borrow().contains_key("__Host-hp"));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn too_many_wrong_passwords_say_when_to_come_back() {
    let site = Site::with_ada().await;
    let browser = site.browser();
    let mut last = browser.sign_in(EMAIL, "wrong password", "/").await;
    for _ in 0..200 {
        if last.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        last = browser.sign_in(EMAIL, "wrong password", "/").await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.text("notice").contains("Try again in"));
    let wait: u64 = last.header("retry-after").parse().expect("seconds");
    site.pass(Duration::from_secs(wait));
    let page = browser.sign_in(EMAIL, PASSWORD, "/").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

// proves: A19
#[tokio::test]
async fn nobody_is_sent_elsewhere_after_signing_in() {
    let site = Site::with_ada().await;
    for evil in ["//evil.example", "/\\evil.example", "https://evil.example", "https:evil.example"]
    {
        let browser = site.browser();
        let page = browser.sign_in(EMAIL, PASSWORD, evil).await;
        assert_eq!(page.location(), "/", "{evil}");
        // Nor by a form that was tampered with after it was shown.
        let page = browser.get("/signin").await;
        let fields = [("email", EMAIL), ("password", PASSWORD), ("return_to", evil)];
        assert_eq!(browser.submit(&page.form("signin"), &fields).await.location(), "/", "{evil}");
    }
}

#[tokio::test]
async fn a_second_tab_stays_usable() {
    let site = Site::with_ada().await;
    let browser = site.browser();
    let first = browser.get("/signin").await;
    let second = browser.get("/signin").await;
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    for page in [first, second] {
        let answer = browser.submit(&page.form("signin"), &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_page_that_was_open_over_night_is_renewed() {
    let site = Site::with_ada().await;
    let browser = site.browser();
    let page = browser.get("/signin?return_to=/device").await;
    site.pass(Duration::from_secs(9 * 3600));
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    let fresh = browser.submit(&page.form("signin"), &fields).await;
    assert_eq!(fresh.status, StatusCode::FORBIDDEN);
    assert!(fresh.text("notice").contains("open for too long"));
    assert!(!fresh.html.contains(PASSWORD) && !fresh.html.contains(EMAIL));
    let done = browser.submit(&fresh.form("signin"), &fields).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/device"));
}

#[tokio::test]
async fn signing_out_is_over_at_once() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let session = browser.jar.borrow()["__Host-hp"].clone();
    let page = browser.get("/").await;
    let out = browser.submit(&page.form("signout"), &[]).await;
    assert_eq!(out.location(), "/?done=signed-out");
    assert!(!browser.jar.borrow().contains_key("__Host-hp"));
    browser.jar.borrow_mut().insert("__Host-hp".to_owned(), session);
    assert_eq!(browser.get("/settings/sessions").await.status, StatusCode::SEE_OTHER);
}
