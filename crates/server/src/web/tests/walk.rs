//! A walk to every page that there is.

use hallpass_core::brand::Brand;
use hallpass_core::role::ProjectRole;
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;

use super::html::{attribute, tags};
use super::site::{AWAY, Browser, CHALLENGE, EMAIL, HOME, PASSWORD, Page, Site};

/// In which every page can be seen.
pub(super) async fn site(brand: Brand) -> Site {
    let site = Site::of(brand).await;
    site.add_user(EMAIL, "Ada Lovelace").await;
    site.add_client("tool", "The Tool", "http://127.0.0.1/cb").await;
    site
}

/// Every page that there is, by name.
pub(super) async fn every_page(site: &Site, browser: &Browser<'_>) -> Vec<(&'static str, Page)> {
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
    pages.extend(pages_about_somebody_else(site.another().await).await);
    pages.extend(pages_about_places(site.another().await).await);
    let fresh = site.another().await;
    let installer = fresh.browser();
    pages.push(("welcome, fresh", installer.get("/").await));
    pages.push(("setup", installer.get("/setup").await));
    installer.get("/setup?code=hp_setup_x").await;
    pages.push(("setup, with a link", installer.get("/setup").await));
    pages
}

/// The name of the one page with a script.
pub(super) const SHOWN_ONCE: &str = "a token, once";

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
async fn pages_about_somebody_else(site: Site) -> Vec<(&'static str, Page)> {
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
async fn pages_about_places(site: Site) -> Vec<(&'static str, Page)> {
    site.add_user(EMAIL, "Ada Lovelace").await;
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
    let mut pages = pages_about_a_project(&site, &ada).await;
    ada.submit(&project.form("id=\"archive\""), &[]).await;
    let archived = ada.get("/orgs/acme").await;
    pages.extend([
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
    ]);
    pages
}

/// Its keys, its jobs, an older system's tokens; and its organization, for who has a role in it
/// alone.
async fn pages_about_a_project(site: &Site, ada: &Browser<'_>) -> Vec<(&'static str, Page)> {
    let at = "/orgs/acme/projects/atlas";
    let none = ada.get("/orgs/acme/keys").await;
    let new = ada.get("/orgs/acme/keys/new").await;
    let form = new.form("make");
    let untold = ada.submit(&form, &[("name", "ci"), ("kind", "project"), ("project", "")]).await;
    let wrong = ada.submit(&form, &[("name", "ci"), ("kind", "project"), ("project", "x")]).await;
    // Not every brand has keys of single projects.
    let of_it = [("name", "ci"), ("kind", "project"), ("project", "atlas")];
    let refused = ada.submit(&ada.get("/orgs/acme/keys/new").await.form("make"), &of_it).await;
    let of_all = [("name", "nightly"), ("kind", "org")];
    let made = ada.submit(&ada.get("/orgs/acme/keys/new").await.form("make"), &of_all).await;
    let list = ada.get("/orgs/acme/keys").await;
    let first = tags(&list.html, "a").into_iter().find(|tag| tag.contains("class=\"name\""));
    let key = attribute(first.expect("a key"), "href").expect("href");
    let jobs = ada.get("/orgs/acme/trust").await;
    let nowhere = [("whose", "acme/atlas"), ("project", "")];
    let untold_jobs = ada.submit(&jobs.form("id=\"add\""), &nowhere).await;
    let agents = ada.get("/settings/agents").await;
    let secret = [("name", "KEY"), ("kind", "project"), ("which", "atlas"), ("value", "x")];
    let no_place = ada.submit(&agents.form("set-secret"), &secret).await;
    site.add_user("eve@example.com", "Eve").await;
    let (issuer, operator, origin) = (site.app.issuer(), Actor::Operator, Origin::default());
    let viewer = ProjectRole::Viewer;
    let set = issuer
        .set_project_member(&operator, "acme", "atlas", "eve@example.com", viewer, &origin)
        .await;
    set.expect("a member");
    let eve = site.browser();
    eve.sign_in("eve@example.com", PASSWORD, "/").await;
    vec![
        ("keys, none", none),
        ("make a key", new),
        ("make a key, of none", untold),
        ("make a key, of another", wrong),
        (if refused.status.is_success() { SHOWN_ONCE } else { "make a key, refused" }, refused),
        (SHOWN_ONCE, made),
        ("keys", list),
        ("a key", ada.get(&key).await),
        ("no key", ada.get("/orgs/acme/keys/key_x").await),
        ("make a key of a project", ada.get(&format!("{at}/keys/new")).await),
        ("jobs", jobs),
        ("jobs, of none", untold_jobs),
        ("a secret for agents, of none", no_place),
        ("older tokens", ada.get(&format!("{at}/tokens")).await),
        ("make a token, in a project", ada.get("/settings/tokens/new").await),
        ("moved", ada.get(&format!("{at}?done=moved")).await),
        ("organizations of a viewer", eve.get("/orgs").await),
        ("an organization of a viewer", eve.get("/orgs/acme").await),
        ("a project of a viewer", eve.get(at).await),
        ("no page of a viewer", eve.get("/orgs/acme/keys").await),
    ]
}
