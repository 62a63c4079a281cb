//! The consent page, and what comes after it.

use http::StatusCode;
use url::Url;

use super::html;
use super::site::{Browser, CHALLENGE, EMAIL, PASSWORD, Page, Site};

fn request(client: &str, redirect: &str, more: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("response_type", "code").append_pair("client_id", client);
    query.append_pair("redirect_uri", redirect).append_pair("scope", "openid profile");
    query.append_pair("code_challenge", CHALLENGE).append_pair("code_challenge_method", "S256");
    query.append_pair("state", "st'a\"t<e>&x=y").extend_pairs(more);
    format!("/oauth/authorize?{}", query.finish())
}

async fn site() -> Site {
    let site = Site::with_ada().await;
    site.add_client("tool", "The Tool", "http://127.0.0.1/callback").await;
    site.add_client("dash", "Dashboard", "https://app.example.net/callback").await;
    site
}

fn native(port: u16) -> String {
    request("tool", &format!("http://127.0.0.1:{port}/callback"), &[])
}

/// Where a page that goes on by itself goes.
fn goes_on(page: &Page) -> Url {
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.location(), "");
    let meta = html::tags(&page.html, "meta")
        .into_iter()
        .find(|tag| html::attribute(tag, "http-equiv").as_deref() == Some("refresh"))
        .expect("a refresh");
    let content = html::attribute(meta, "content").expect("content");
    let target = content.strip_prefix("0;url=").expect("at once").to_owned();
    let link = html::tags(&page.html, "a")
        .into_iter()
        .find(|tag| html::attribute(tag, "id").as_deref() == Some("continue"))
        .expect("a link");
    assert_eq!(html::attribute(link, "href"), Some(target.clone()));
    Url::parse(&target).expect("a URL")
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn decide(browser: &Browser<'_>, page: &Page, decision: &str) -> Page {
    browser.submit(&page.form("consent"), &[("decision", decision)]).await
}

// proves: A25, A12
#[tokio::test]
async fn it_names_client_host_scopes_and_account() {
    let site = site().await;
    let browser = site.adas_browser().await;
    let page = browser.get(&native(43117)).await;
    assert!(page.text("client-name").contains("The Tool"));
    assert!(page.text("redirect-host").contains("127.0.0.1"));
    assert!(page.text("scopes").contains("See your name"));
    assert_eq!(page.text("signed-in-as"), EMAIL);
    assert!(
        page.text("loopback-warning").contains("any program")
            || page.text("loopback-warning").contains("Any program")
    );
    assert_eq!(page.text("approve"), "Approve sign-in for The Tool on this computer");
    assert!(page.html.contains("id=\"other-account\""));

    let page = decide(&browser, &page, "approve").await;
    let url = goes_on(&page);
    assert_eq!(
        (url.scheme(), url.host_str(), url.port()),
        ("http", Some("127.0.0.1"), Some(43117))
    );
    assert!(parameter(&url, "code").is_some_and(|code| !code.is_empty()));
    assert_eq!(parameter(&url, "state").as_deref(), Some("st'a\"t<e>&x=y"));
    assert_eq!(parameter(&url, "iss").as_deref(), Some("https://id.example.com"));
}

// proves: A25
#[tokio::test]
async fn a_site_elsewhere_is_named_by_its_host() {
    let site = site().await;
    let browser = site.adas_browser().await;
    let page = browser.get(&request("dash", "https://app.example.net/callback", &[])).await;
    assert!(!page.html.contains("loopback-warning"));
    assert_eq!(page.text("redirect-host"), "app.example.net");
    assert_eq!(page.text("approve"), "Approve sign-in for Dashboard at app.example.net");
    let url = goes_on(&decide(&browser, &page, "deny").await);
    assert_eq!(parameter(&url, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&url, "code"), None);
}

// proves: A24
#[tokio::test]
async fn a_public_client_asks_every_time() {
    let site = site().await;
    let browser = site.adas_browser().await;
    for port in [1111, 2222] {
        let page = browser.get(&native(port)).await;
        goes_on(&decide(&browser, &page, "approve").await);
    }
    assert!(browser.get(&native(3333)).await.html.contains("id=\"consent\""));
}

// proves: A23
#[tokio::test]
async fn a_form_approves_only_the_request_that_it_showed() {
    let site = site().await;
    let browser = site.adas_browser().await;
    let form = browser.get(&native(1111)).await.form("consent");
    let other = browser.get(&request("dash", "https://app.example.net/callback", &[])).await;
    let other = other.form("consent").fields["request"].clone();
    let fields = [("request", &*other), ("decision", "approve")];
    assert_eq!(browser.submit(&form, &fields).await.status, StatusCode::FORBIDDEN);
    // No word, no decision.
    let neither = browser.submit(&form, &[("decision", "perhaps")]).await;
    assert_eq!(neither.status, StatusCode::BAD_REQUEST);
    assert_eq!(goes_on(&decide_form(&browser, &form).await).host_str(), Some("127.0.0.1"));
}

async fn decide_form(browser: &Browser<'_>, form: &html::HtmlForm) -> Page {
    browser.submit(form, &[("decision", "approve")]).await
}

// proves: A05
#[tokio::test]
async fn a_request_that_is_not_trusted_is_never_answered_by_a_redirect() {
    let site = site().await;
    let browser = site.adas_browser().await;
    for (query, says) in [
        ("", "client_id"),
        ("client_id=tool", "redirect_uri"),
        ("client_id=nobody&redirect_uri=https%3A%2F%2Fevil.example%2F", "not known"),
        ("client_id=tool&redirect_uri=https%3A%2F%2Fevil.example%2F", "not registered"),
        ("client_id=tool&client_id=dash", "client_id"),
        ("client_id=tool&redirect_uri=a&redirect_uri=b", "redirect_uri"),
        ("%", "form encoding"),
    ] {
        let page = browser.get(&format!("/oauth/authorize?{query}")).await;
        assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{query}");
        assert!(page.html.contains(says), "{query}: {}", page.html);
        assert!(!page.html.contains("evil.example"), "{query}");
    }
}

#[tokio::test]
async fn who_is_signed_out_comes_back_to_the_question() {
    let site = site().await;
    let browser = site.browser();
    let asked = browser.get(&native(1111)).await;
    let page = browser.get(asked.location()).await;
    assert!(page.html.contains("A program asks to be signed in as you."));
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    let back = browser.submit(&page.form("signin"), &fields).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    let question = browser.get(back.location()).await;
    assert!(question.html.contains("id=\"consent\""));
    let url = goes_on(&decide(&browser, &question, "approve").await);
    assert_eq!(parameter(&url, "state").as_deref(), Some("st'a\"t<e>&x=y"));
}

#[tokio::test]
async fn a_request_too_long_to_be_carried_through_a_sign_in_is_refused_and_not_lost() {
    let site = site().await;
    let long = "s".repeat(9000);
    let question = request("tool", "http://127.0.0.1:1/callback", &[("ui_locales", &long)]);
    let page = site.browser().get(&question).await;
    assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""));
    assert!(page.html.contains("longer than 8 KiB"), "{}", page.html);
    // Who is signed in need not carry it anywhere.
    let page = site.adas_browser().await.get(&question).await;
    assert!(page.html.contains("id=\"consent\""), "{}", page.html);
}

#[tokio::test]
async fn a_fresh_sign_in_is_asked_for_when_the_program_wants_one() {
    let site = site().await;
    let browser = site.adas_browser().await;
    let login = [("prompt", "login")];
    let asked = browser.get(&request("tool", "http://127.0.0.1:1/callback", &login)).await;
    let page = browser.get(asked.location()).await;
    assert!(page.html.contains("Sign in again") && !page.html.contains("id=\"stay\""));
    site.pass(std::time::Duration::from_secs(2));
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    let back = browser.submit(&page.form("signin"), &fields).await;
    assert!(browser.get(back.location()).await.html.contains("id=\"consent\""));
}
