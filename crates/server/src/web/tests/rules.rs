//! What holds for every page.

use http::StatusCode;

use super::html::{attribute, tags, text};
use super::site::{AWAY, Browser, CHALLENGE, EMAIL, HOME, PASSWORD, Page, Site};

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
        ("agents", browser.get("/settings/agents").await),
        ("approvals", browser.get("/settings/approvals").await),
        ("security", browser.get("/settings/security").await),
        ("tokens, none", browser.get("/settings/tokens").await),
        ("make a token", browser.get("/settings/tokens/new").await),
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
    pages.extend(pages_about_tokens(site, browser).await);
    pages.extend(pages_about_somebody_else().await);
    pages.extend(pages_about_places().await);
    let fresh = Site::fresh().await;
    let installer = fresh.browser();
    pages.push(("welcome, fresh", installer.get("/").await));
    pages.push(("setup", installer.get("/setup").await));
    installer.get("/setup?code=hp_setup_x").await;
    pages.push(("setup, with a link", installer.get("/setup").await));
    pages
}

/// The name of the one page with a script.
const SHOWN_ONCE: &str = "a token, once";

async fn pages_about_tokens(site: &Site, browser: &Browser<'_>) -> Vec<(&'static str, Page)> {
    site.add_tokens(EMAIL, 11).await;
    let form = browser.get("/settings/tokens/new").await.form("make");
    let filled = [("name", "ci"), ("expires", "7d")];
    let made = browser.submit(&form, &filled).await;
    let list = browser.get("/settings/tokens").await;
    let first = tags(&list.html, "a").into_iter().find(|tag| tag.contains("class=\"name\""));
    let path = attribute(first.expect("a token"), "href").expect("href");
    let one = browser.get(&path).await;
    let rotated = browser.submit(&one.form("rotate"), &[("overlap", "7")]).await;
    let found = browser.get("/settings/tokens?q=token+0003").await;
    let third = tags(&found.html, "a").into_iter().find(|tag| tag.contains("class=\"name\""));
    let other = browser.get(&attribute(third.expect("it"), "href").expect("href")).await;
    let fresh = browser.get("/settings/tokens/new").await.form("make");
    vec![
        (SHOWN_ONCE, made),
        (SHOWN_ONCE, rotated),
        ("make a token, again", browser.submit(&form, &filled).await),
        ("make a token, wrong", browser.submit(&fresh, &[("expires", "date")]).await),
        ("tokens", browser.get("/settings/tokens?done=revoked").await),
        ("tokens, found", browser.get("/settings/tokens?q=token").await),
        ("tokens, not found", browser.get("/settings/tokens?q=nothing").await),
        ("a token", browser.get(&path).await),
        ("a token, wrong", browser.submit(&other.form("rename"), &[("name", "ci")]).await),
        ("no token", browser.get("/settings/tokens/tok_x").await),
    ]
}

/// What an administrator sees.
async fn pages_about_somebody_else() -> Vec<(&'static str, Page)> {
    let site = Site::fresh().await;
    let ada = site.add(EMAIL, "Ada", false).await;
    site.add("root@example.com", "Root", true).await;
    let (hers, root) = (format!("/admin/users/{ada}/tokens"), site.browser());
    root.sign_in("root@example.com", PASSWORD, "/").await;
    let empty = root.get(&hers).await;
    let new = root.get(&format!("{hers}/new")).await;
    let made = root.submit(&new.form("make"), &[("name", "ci")]).await;
    let list = root.get(&hers).await;
    let first = tags(&list.html, "a").into_iter().find(|tag| tag.contains("class=\"name\""));
    let one = root.get(&attribute(first.expect("a token"), "href").expect("href")).await;
    root.submit(&one.form("revoke"), &[]).await;
    let told = site.adas_browser().await.get("/settings/tokens").await;
    let mut pages = pages_of_an_administrator(&root, &ada).await;
    pages.extend([
        ("home of an administrator", root.get("/").await),
        ("people", root.get("/admin/users").await),
        ("people, none", root.get("/admin/users?q=nobody").await),
        ("somebody's tokens, none", empty),
        ("make a token for somebody", new),
        (SHOWN_ONCE, made),
        ("somebody's tokens", list),
        ("somebody's token", one),
        ("tokens, revoked by others", told),
    ]);
    pages
}

/// Looking after the server.
async fn pages_of_an_administrator(root: &Browser<'_>, ada: &str) -> Vec<(&'static str, Page)> {
    let clients = root.get("/admin/clients").await;
    let wrong = root.submit(&clients.form("id=\"make\""), &[("id", "usr_x")]).await;
    let new = [("id", "api"), ("confidential", "yes")];
    let secret = root.submit(&clients.form("id=\"make\""), &new).await;
    vec![
        ("the server", root.get("/admin").await),
        ("somebody's account", root.get(&format!("/admin/users/{ada}")).await),
        ("nobody's account", root.get("/admin/users/usr_x").await),
        ("organizations", root.get("/admin/orgs").await),
        ("clients", root.get("/admin/clients").await),
        ("a client, wrong", wrong),
        ("a client's secret", secret),
        ("signing keys", root.get("/admin/keys").await),
        ("the log", root.get("/admin/audit").await),
        ("the log, wrong", root.get("/admin/audit?since=soon&org=nobody").await),
        ("the log, nothing", root.get("/admin/audit?action=nothing").await),
    ]
}

/// Organizations, and an invitation.
async fn pages_about_places() -> Vec<(&'static str, Page)> {
    let site = Site::with_ada().await;
    let ada = site.adas_browser().await;
    let none = ada.get("/orgs").await;
    let wrong = ada.submit(&none.form("id=\"create\""), &[("slug", "A B")]).await;
    ada.submit(&none.form("id=\"create\""), &[("slug", "acme")]).await;
    let empty = ada.get("/orgs/acme?done=made").await;
    ada.submit(&empty.form("id=\"create\""), &[("slug", "atlas")]).await;
    let members = ada.get("/orgs/acme/members").await;
    let form = members.form("id=\"invite\"");
    let invited = ada.submit(&form, &[("email", "new@example.com"), ("role", "member")]).await;
    let bad = ada.submit(&form, &[("email", "new"), ("role", "member")]).await;
    let link = invited.html.split("?code=").nth(1).and_then(|rest| rest.split('"').next());
    let guest = site.browser();
    guest.get(&format!("/invitation?code={}", link.expect("a code"))).await;
    let settings = ada.get("/orgs/acme/settings").await;
    let project = ada.get("/orgs/acme/projects/atlas").await;
    ada.submit(&project.form("id=\"archive\""), &[]).await;
    let archived = ada.get("/orgs/acme").await;
    vec![
        ("organizations, none", none),
        ("organizations, wrong", wrong),
        ("organizations", ada.get("/orgs").await),
        ("an organization, empty", empty),
        ("an organization, archived project", archived),
        ("members", ada.get("/orgs/acme/members").await),
        ("members, wrong", bad),
        ("an invitation, once", invited),
        ("an invitation", guest.get("/invitation").await),
        ("an invitation, none", site.browser().get("/invitation").await),
        ("a project", project),
        ("settings of an organization", settings),
        ("no organization", ada.get("/orgs/nowhere").await),
    ]
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
    let site = site().await;
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
