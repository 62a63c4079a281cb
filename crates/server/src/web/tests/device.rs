//! The device page.

use hallpass_core::wire::reported;
use http::StatusCode;

use super::html;
use super::site::{AWAY, Browser, HOME, Page, Site};

const LAPTOP: &[(&str, &str)] =
    &[(reported::HOST, "laptop-7"), (reported::USER, "ada"), (reported::COMMAND, "hallpass login")];

async fn confirmation(browser: &Browser<'_>, code: &str) -> Page {
    let page = browser.get("/device").await;
    let found = browser.submit(&page.form("device"), &[("user_code", code)]).await;
    assert_eq!((found.status, found.location()), (StatusCode::SEE_OTHER, "/device/confirm"));
    browser.get("/device/confirm").await
}

// proves: HP11, D10, D11, D13, attack-1
#[tokio::test]
async fn the_page_says_who_asks_and_asks_back() {
    let site = Site::with_ada().await;
    let code = site.device(HOME, LAPTOP).await;
    let browser = site.adas_browser().await;
    let page = confirmation(&browser, &code.to_lowercase().replace('-', " ")).await;
    assert_eq!(page.text("user-code"), code);
    assert!(page.html.contains("<h1>Did you start this "));
    assert!(page.text("client-name").starts_with("hallpass"));
    assert!(page.text("address").starts_with(HOME));
    assert_eq!(page.text("network"), "(the same network as yours)");
    assert!(page.html.contains("Reported by the requester, not verified"));
    assert_eq!(page.text("reported-host"), "laptop-7");
    assert_eq!(page.text("reported-user"), "ada");
    assert_eq!(page.text("reported-command"), "hallpass login");
    assert_eq!(page.text("approve"), "Approve sign-in for hallpass on laptop-7");
    assert_eq!(page.text("deny"), "Deny: I did not start this");
    assert!(!page.html.contains("other-network"));

    let done = browser.submit(&page.form("decide"), &[("decision", "approve")]).await;
    assert_eq!(done.location(), "/device/approved");
    assert_eq!(browser.get("/device/approved").await.outcome(), "approved");
    // Back button, and the same form once more: nothing happens, and it is said.
    assert_eq!(browser.get("/device/confirm").await.location(), "/device");
    let again = browser.submit(&page.form("decide"), &[("decision", "approve")]).await;
    assert_eq!((again.status, &*again.outcome()), (StatusCode::CONFLICT, "too-late"));
}

// proves: attack-1
#[tokio::test]
async fn another_network_is_a_warning_that_cannot_be_overlooked() {
    let site = Site::with_ada().await;
    let code = site.device(AWAY, LAPTOP).await;
    let browser = site.adas_browser().await;
    let page = confirmation(&browser, &code).await;
    let warning = page.text("other-network");
    assert!(warning.contains(AWAY) && warning.contains(HOME), "{warning}");
    // The safe button is the one that stands out.
    let class = |id: &str| {
        let tag = html::tags(&page.html, "button")
            .into_iter()
            .find(|tag| html::attribute(tag, "id").as_deref() == Some(id));
        html::attribute(tag.expect("a button"), "class")
    };
    assert_eq!(class("approve"), None);
    assert_eq!(class("deny").as_deref(), Some("destructive"));
    let done = browser.submit(&page.form("decide"), &[("decision", "deny")]).await;
    assert_eq!(done.location(), "/device/denied");
}

// proves: HP11, attack-1
#[tokio::test]
async fn no_sentence_of_the_requesters_stands_in_ours() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    for (host, place) in [
        ("laptop-7.example.com", "laptop-7"),
        ("your own laptop (checked by IT)", "another device"),
        ("laptop, and confirm", "another device"),
        ("", "another device"),
        ("x-0123456789-0123456789-0123456789-012345", "another device"),
    ] {
        let code = site.device(HOME, &[(reported::HOST, host)]).await;
        let page = confirmation(&browser, &code).await;
        assert_eq!(page.text("approve"), format!("Approve sign-in for hallpass on {place}"));
        assert_eq!(page.html.matches("checked by IT").count(), usize::from(host.contains("IT")));
        browser.submit(&page.form("decide"), &[("decision", "deny")]).await;
    }
}

// proves: HP11
#[tokio::test]
async fn what_cannot_be_compared_is_not_called_the_same() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    for (address, warning) in [
        ("2001:db8::7", Some("unknown-network")),
        ("::ffff:203.0.113.200", None),
        ("203.0.114.9", Some("other-network")),
    ] {
        let code = site.device(address, &[]).await;
        let page = confirmation(&browser, &code).await;
        for id in ["unknown-network", "other-network"] {
            let there = page.html.contains(&format!("id=\"{id}\""));
            assert_eq!(there, warning == Some(id), "{address}: {id}");
        }
        browser.submit(&page.form("decide"), &[("decision", "deny")]).await;
    }
    // At a public server both may be a proxy that nobody named.
    browser.address.set("::1");
    let code = site.device("127.0.0.1", &[]).await;
    let page = confirmation(&browser, &code).await;
    assert_eq!(page.text("network"), "(could not be compared with yours)");
}

// proves: D12, attack-1
#[tokio::test]
async fn a_link_fills_the_form_in_and_no_more() {
    let site = Site::with_ada().await;
    let code = site.device(HOME, LAPTOP).await;
    let browser = site.adas_browser().await;
    let page = browser.get(&format!("/device?user_code={code}")).await;
    assert_eq!(page.form("device").fields["user_code"], code);
    assert!(!page.html.contains("Approve sign-in"));
    assert!(page.text("user_code-hint").contains("came with the link"));
    // Nothing was decided: the code still waits.
    let page = browser.submit(&page.form("device"), &[]).await;
    assert_eq!(page.location(), "/device/confirm");
    // A decision cannot be had by GET.
    for path in ["/device/decision", "/device/decision?decision=approve"] {
        assert_eq!(browser.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let approved = browser.get("/device/confirm").await;
    assert_eq!(approved.text("user-code"), code);
}

#[tokio::test]
async fn who_is_signed_out_signs_in_first_and_comes_back() {
    let site = Site::with_ada().await;
    let browser = site.browser();
    let page = browser.get("/device?user_code=WDJB-MJHT").await;
    assert_eq!(page.location(), "/signin?return_to=%2Fdevice%3Fuser_code%3DWDJB-MJHT");
    for path in ["/device", "/device/confirm"] {
        assert_eq!(browser.get(path).await.location(), "/signin?return_to=%2Fdevice");
    }
}

// proves: D07
#[tokio::test]
async fn wrong_codes_are_counted_and_then_refused() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let mut refused = 0;
    for n in 0.. {
        let page = browser.get("/device").await;
        let letter = char::from(b"BCDFGHJKLMNPQRSTVWXZ"[n % 20]);
        let guess = letter.to_string().repeat(8);
        let answer = browser.submit(&page.form("device"), &[("user_code", &guess)]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.html.contains("Try again in"));
            assert!(!answer.header("retry-after").is_empty());
            break;
        }
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text("notice").contains("No sign-in is waiting for this code."));
        refused += 1;
        assert!(refused <= 5, "more than the account's five tries");
    }
    assert_eq!(refused, 5);
}

#[tokio::test]
async fn nothing_typed_is_not_a_wrong_code() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    for _ in 0..9 {
        let page = browser.get("/device").await;
        let answer = browser.submit(&page.form("device"), &[("user_code", "  ")]).await;
        assert!(answer.text("notice").contains("The code is missing."));
    }
}

// proves: D13
#[tokio::test]
async fn a_form_decides_only_what_it_showed() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let (mine, other) = (site.device(HOME, &[]).await, site.device(AWAY, &[]).await);
    let form = confirmation(&browser, &mine).await.form("decide");
    let fields = [("user_code", &*other), ("decision", "approve")];
    let refused = browser.submit(&form, &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // Without a word on approve or deny nothing is decided either.
    assert_eq!(browser.submit(&form, &[]).await.location(), "/device/confirm");
    assert_eq!(browser.submit(&form, &[("decision", "yes")]).await.location(), "/device/confirm");
    for code in [mine, other] {
        let page = confirmation(&browser, &code).await;
        let denied = browser.submit(&page.form("decide"), &[("decision", "deny")]).await;
        assert_eq!(denied.location(), "/device/denied");
    }
}
