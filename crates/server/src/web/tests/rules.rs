//! What holds for every page.

use hallpass_core::brand::Brand;
use http::StatusCode;

use super::html::{attribute, tags, text};
use super::site::HOME;
use super::walk::{SHOWN_ONCE, every_page, site};

// proves: A20, attack-34
#[tokio::test]
async fn every_page_carries_the_headers() {
    let site = site(Brand::hallpass()).await;
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
        assert_eq!(policy.contains("script-src 'self';"), name == SHOWN_ONCE, "{name}: {policy}");
        assert_eq!(policy.contains("script-src"), name == SHOWN_ONCE, "{name}: {policy}");
        assert!(policy.contains("require-trusted-types-for 'script'; trusted-types 'none'"));
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
async fn no_page_has_inline_script_or_style_and_one_has_a_script_of_ours() {
    let site = site(Brand::hallpass()).await;
    let browser = site.adas_browser().await;
    for (name, page) in every_page(&site, &browser).await {
        let scripts = tags(&page.html, "script");
        match name {
            // One file of ours, and nothing between its tags.
            SHOWN_ONCE => {
                let whole = format!("<script src=\"{}\" defer></script>", site.app.assets().copy());
                assert!(scripts.len() == 1 && page.html.contains(&whole), "{name}: {scripts:?}");
            }
            _ => assert!(scripts.is_empty(), "{name}"),
        }
        assert!(tags(&page.html, "style").is_empty(), "{name}");
        for tag in page.html.split('<').map(|tag| tag.split('>').next().unwrap_or_default()) {
            assert!(!tag.contains(" style=") && !tag.contains(" on"), "{name}: <{tag}>");
        }
    }
}

#[tokio::test]
async fn every_page_can_be_read_and_used_by_everybody() {
    let site = site(Brand::hallpass()).await;
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
                // HTML §4.10.18.7: nothing of the sort for what is ticked.
                let ticked = ["radio", "checkbox"].map(|kind| format!(" type=\"{kind}\""));
                let ticked = ticked.iter().any(|kind| input.contains(kind));
                assert!(ticked || attribute(input, "autocomplete").is_some(), "{name}: {input}");
            }
            if let Some(described) = attribute(input, "aria-describedby") {
                for id in described.split(' ') {
                    assert!(ids.contains(&id), "{name}: nothing has the id {id}");
                }
            }
        }
        // A search is an address; everything else is a post with its token.
        let (searches, forms): (Vec<_>, Vec<_>) =
            tags(html, "form").into_iter().partition(|form| form.contains(" role=\"search\""));
        for (form, method) in
            searches.iter().map(|form| (form, "get")).chain(forms.iter().map(|form| (form, "post")))
        {
            assert_eq!(attribute(form, "method").as_deref(), Some(method), "{name}: {form}");
        }
        assert_eq!(html.matches("name=\"csrf\"").count(), forms.len(), "{name}");
        for button in tags(html, "button") {
            assert_eq!(attribute(button, "type").as_deref(), Some("submit"), "{name}");
        }
    }
}

// proves: attack-31
#[tokio::test]
async fn no_link_has_a_secret_in_it() {
    let site = site(Brand::hallpass()).await;
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
    let site = site(Brand::hallpass()).await;
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
        "/settings/agents",
        "/settings/agents/stop",
        "/settings/agents/secrets/set?name=x&kind=name&which=x&value=x",
        "/settings/agents/secrets/remove?name=x&kind=name&which=x",
        "/settings/approvals",
        "/settings/approvals?done=approved",
        "/settings/approvals/decide?decision=approve",
        "/settings/tokens",
        "/settings/tokens?done=revoked",
        "/settings/tokens/new?name=x&expires=never",
        "/settings/tokens/tok_01JZZZZZZZZZZZZZZZZZZZZZZZ/revoke",
        "/settings/tokens/tok_01JZZZZZZZZZZZZZZZZZZZZZZZ/rotate?overlap=0",
        "/settings/tokens/%0d%0aX:y/revoke",
        "/admin/users",
        "/admin",
        "/admin/audit/export?whole=yes",
        "/admin/clients/new?id=x",
        "/admin/clients/disable?id=hallpass-cli",
        "/admin/clients/rotate-secret?id=x",
        "/admin/keys/rotate?now=yes",
        "/admin/users/usr_01JZZZZZZZZZZZZZZZZZZZZZZZ/disable",
        "/admin/users/%0d%0aX:y/disable",
        "/orgs/%0d%0aX:y/audit",
        "/orgs/a/audit/export?format=csv",
        "/admin/users/usr_01JZZZZZZZZZZZZZZZZZZZZZZZ/tokens/new?name=x",
        "/admin/users/%0d%0aX:y/tokens/tok_x/revoke",
        "/orgs/a/projects/b/tokens/new?name=x",
        "/orgs?act=create&slug=x",
        "/orgs/a?act=create&slug=x",
        "/orgs/a/members?act=invite&email=a@b.c&role=owner",
        "/orgs/a/settings?act=archive",
        "/orgs/a/projects/b?act=archive",
        "/orgs/%0d%0aX:y/members",
        "/invitation",
        "/invitation/join",
        "/orgs/%0d%0aX:y/projects/b/tokens/new",
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
    let site = site(Brand::hallpass()).await;
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
