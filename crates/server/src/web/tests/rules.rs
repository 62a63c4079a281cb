//! What holds for every page.

use http::StatusCode;

use super::html::{attribute, tags, text};
use super::site::{AWAY, Browser, CHALLENGE, HOME, Page, Site};

/// Every page that there is, by name.
async fn every_page(site: &Site, browser: &Browser<'_>) -> Vec<(&'static str, Page)> {
    let stranger = site.browser();
    let code = site.device(HOME, &[(hallpass_core::wire::reported::HOST, "laptop-7")]).await;
    let consent = format!(
        "/oauth/authorize?response_type=code&client_id=tool&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let mut pages = vec![
        ("welcome", stranger.get("/").await),
        ("signed out", stranger.get("/?done=signed-out").await),
        ("signin", stranger.get("/signin").await),
        ("signin, signed in", browser.get("/signin").await),
        ("signin, wrong", stranger.sign_in("a@b.c", "wrong password", "/").await),
        ("home", browser.get("/").await),
        ("setup, done", stranger.get("/setup").await),
        ("device", browser.get("/device").await),
        ("device, filled in", browser.get(&format!("/device?user_code={code}")).await),
        ("approved", browser.get("/device/approved").await),
        ("denied", browser.get("/device/denied").await),
        ("sessions", browser.get("/settings/sessions").await),
        ("security", browser.get("/settings/security").await),
        ("logout", browser.get("/oauth/logout").await),
        ("consent", browser.get(&consent).await),
        ("bad request", browser.get("/oauth/authorize").await),
        ("not found", browser.get("/nowhere").await),
        ("forbidden", browser.post_as("/signout", &[], &[("sec-fetch-site", "cross-site")]).await),
    ];
    let form = pages.iter().find(|(name, _)| *name == "device").expect("it").1.form("device");
    pages.push(("device, wrong", browser.submit(&form, &[("user_code", "bcdfghjk")]).await));
    for (name, address) in [("confirm", HOME), ("confirm, elsewhere", AWAY)] {
        let code = site.device(address, &[]).await;
        browser.submit(&form, &[("user_code", &code)]).await;
        pages.push((name, browser.get("/device/confirm").await));
    }
    let fresh = Site::fresh().await;
    let installer = fresh.browser();
    pages.push(("welcome, fresh", installer.get("/").await));
    pages.push(("setup", installer.get("/setup").await));
    installer.get("/setup?code=hp_setup_x").await;
    pages.push(("setup, with a link", installer.get("/setup").await));
    pages
}

async fn site() -> Site {
    let site = Site::with_ada().await;
    site.add_client("tool", "The Tool", "http://127.0.0.1/cb").await;
    site
}

// proves: A20, attack-34
#[tokio::test]
async fn every_page_carries_the_headers() {
    let site = site().await;
    let browser = site.adas_browser().await;
    for (name, page) in every_page(&site, &browser).await {
        assert!(page.header("content-type").starts_with("text/html"), "{name}: {:?}", page);
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{name}: {part}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
        assert!(!policy.contains("script-src") || policy.contains("script-src 'none'"), "{name}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{name}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{name}");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{name}");
        assert_eq!(page.header("access-control-allow-origin"), "", "{name}");
    }
}

// proves: attack-32
#[tokio::test]
async fn no_page_has_script_or_inline_style() {
    let site = site().await;
    let browser = site.adas_browser().await;
    for (name, page) in every_page(&site, &browser).await {
        assert!(tags(&page.html, "script").is_empty(), "{name}");
        assert!(tags(&page.html, "style").is_empty(), "{name}");
        for tag in page.html.split('<').map(|tag| tag.split('>').next().unwrap_or_default()) {
            assert!(!tag.contains(" style=") && !tag.contains(" on"), "{name}: <{tag}>");
        }
    }
}

#[tokio::test]
async fn every_page_can_be_read_and_used_by_everybody() {
    let site = site().await;
    let browser = site.adas_browser().await;
    for (name, page) in every_page(&site, &browser).await {
        let html = &page.html;
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert_eq!(tags(html, "h1").len(), 1, "{name}");
        assert_eq!(tags(html, "main").len(), 1, "{name}");
        assert!(html.contains(" · hallpass</title>"), "{name}");
        let ids: Vec<_> =
            html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{name}: two elements have the id {id}");
        }
        // Every field that is seen has a label, a name and a way to be filled in.
        for input in tags(html, "input") {
            let hidden =
                attribute(input, "type").as_deref() == Some("hidden") || input.contains(" hidden");
            assert!(attribute(input, "name").is_some(), "{name}: {input}");
            if !hidden {
                let id = attribute(input, "id").expect("an id");
                let label = format!("<label for=\"{id}\">");
                assert!(html.contains(&label), "{name}: {input}");
                assert!(attribute(input, "autocomplete").is_some(), "{name}: {input}");
            }
            if let Some(described) = attribute(input, "aria-describedby") {
                for id in described.split(' ') {
                    assert!(ids.contains(&id), "{name}: nothing has the id {id}");
                }
            }
        }
        for form in tags(html, "form") {
            assert_eq!(attribute(form, "method").as_deref(), Some("post"), "{name}: {form}");
        }
        assert_eq!(html.matches("name=\"csrf\"").count(), tags(html, "form").len(), "{name}");
        for button in tags(html, "button") {
            assert_eq!(attribute(button, "type").as_deref(), Some("submit"), "{name}");
        }
    }
}

// proves: attack-31
#[tokio::test]
async fn no_link_has_a_secret_in_it() {
    let site = site().await;
    let browser = site.adas_browser().await;
    let pages = every_page(&site, &browser).await;
    let cookies = browser.jar.borrow().clone();
    for (name, page) in &pages {
        for kind in ["a", "link", "form", "meta"] {
            for tag in tags(&page.html, kind) {
                for secret in cookies.values() {
                    assert!(!tag.contains(&**secret), "{name}: {tag}");
                }
                assert!(!tag.contains("user_code=") && !tag.contains("code=hp"), "{name}: {tag}");
                assert!(!tag.contains("csrf="), "{name}: {tag}");
            }
        }
        // The session itself is on no page at all.
        assert!(!page.html.contains(&cookies["__Host-hp"]), "{name}");
    }
}

// proves: D12
#[tokio::test]
async fn a_get_changes_nothing() {
    let site = site().await;
    let browser = site.adas_browser().await;
    let code = site.device(HOME, &[]).await;
    let form = browser.get("/device").await.form("device");
    browser.submit(&form, &[("user_code", &code)]).await;
    let before = site.audit().await;
    for path in [
        "/",
        "/signin",
        "/signout",
        "/setup",
        "/setup?code=x",
        "/device",
        &format!("/device?user_code={code}"),
        &format!("/device?user_code={code}&decision=approve"),
        "/device/confirm",
        "/device/confirm?decision=approve",
        &format!("/device/decision?user_code={code}&decision=approve"),
        "/device/approved",
        "/device/denied",
        "/settings/sessions",
        "/settings/sessions/end",
        "/settings/sessions/end-others",
        "/settings/security",
        "/settings/security?password=a&new_password=b",
        "/oauth/logout",
        "/oauth/logout?decision=signout",
        "/oauth/logout/decision?decision=signout",
        "/oauth/authorize",
        "/oauth/authorize/decision?decision=approve",
    ] {
        let page = browser.get(path).await;
        assert!(!page.status.is_server_error(), "{path}: {}", page.status);
    }
    assert_eq!(site.audit().await, before);
    let still = browser.get("/device/confirm").await;
    assert_eq!((still.status, text(&still.html, "user-code")), (StatusCode::OK, code));
}

#[tokio::test]
async fn the_assets_are_kept_for_ever_and_nothing_else_is() {
    let site = site().await;
    let browser = site.browser();
    let page = browser.get("/").await;
    for link in tags(&page.html, "link") {
        let href = attribute(link, "href").expect("href");
        let asset = browser.get(&href).await;
        assert_eq!(asset.status, StatusCode::OK, "{href}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
    }
    let style = browser.get(&site.app.assets().style()).await;
    assert!(style.header("content-type").starts_with("text/css"));
    assert!(style.html.contains("--accent: #1f5fbf"));
    assert_eq!(browser.get("/assets/style.0.css").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/assets/..%2fCargo.toml").await.status, StatusCode::NOT_FOUND);
}
