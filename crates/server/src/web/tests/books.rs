//! Every page that changes something leaves its row in the log, and one that refuses leaves none.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use hallpass_core::Digest;
use hallpass_core::wire::audit;
use hallpass_issuer::Origin;
use hallpass_issuer::legacy::{Defaults, Phase, Step};
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::html::{attribute, tags};
use super::site::{Browser, CHALLENGE, EMAIL, HOME, PASSWORD, Page, Site};

/// Where a page posts to, and the rows that it leaves when it does what it says.
type Row = (&'static str, &'static [&'static str]);

/// All of them. `signin`, `setup`: two changes, so two rows.
const POSTS: &[Row] = &[
    ("/setup", &["setup.claim", "session.start"]),
    ("/signout", &["session.end"]),
    ("/signin", &["session.start"]),
    ("/oauth/authorize/decision", &["code.issue"]),
    ("/device", &[]),
    ("/device/decision", &["device.approve"]),
    ("/settings/sessions/end", &["session.end"]),
    ("/settings/sessions/end-others", &["session.end"]),
    ("/settings/agents/stop", &["agent.stop"]),
    ("/settings/agents/secrets/set", &["agent_secret.set"]),
    ("/settings/agents/secrets/remove", &["agent_secret.remove"]),
    ("/settings/approvals/decide", &["approval.approve"]),
    ("/settings/tokens/new", &["token.create"]),
    ("/settings/tokens/{id}/rename", &["token.rename"]),
    ("/settings/tokens/{id}/expiry", &["token.set_expiry"]),
    ("/settings/tokens/{id}/rotate", &["token.rotate"]),
    ("/settings/tokens/{id}/revoke", &["token.revoke"]),
    ("/settings/security", &["user.change_password"]),
    ("/oauth/logout/decision", &["session.end"]),
    ("/orgs/{org}/projects/{project}/tokens", &["token.revoke"]),
    ("/orgs/{org}/projects/{project}/tokens/new", &["legacy.create"]),
    ("/orgs/{org}/keys/new", &["key.create"]),
    ("/orgs/{org}/keys/{id}/rotate", &["key.rotate"]),
    ("/orgs/{org}/keys/{id}/revoke", &["key.revoke"]),
    ("/orgs/{org}/trust", &["trust.create"]),
    ("/orgs", &["org.create"]),
    ("/orgs/{org}", &["project.create"]),
    ("/orgs/{org}/members", &["invitation.create"]),
    ("/orgs/{org}/settings", &["org.rename"]),
    ("/orgs/{org}/projects/{project}", &["invitation.create"]),
    ("/invitation", &["invitation.accept"]),
    ("/invitation/join", &["invitation.accept", "session.start"]),
    ("/admin/users/{user}/disable", &["user.disable"]),
    ("/admin/users/{user}/enable", &["user.enable"]),
    ("/admin/users/{user}/end", &["session.end"]),
    ("/admin/users/{user}/end-all", &["user.end_all"]),
    ("/admin/clients/new", &["client.create"]),
    ("/admin/clients/rotate-secret", &["client.change_secret"]),
    ("/admin/clients/disable", &["client.disable"]),
    ("/admin/keys/rotate", &["signing_key.rotate"]),
];

/// How many handlers of posts there are in the source of the pages.
fn handlers(dir: &Path) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(dir).expect("the source").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found += if path.ends_with("tests") { 0 } else { handlers(&path) };
        } else {
            let text = std::fs::read_to_string(&path).expect("a file");
            // `get(show).post(make)` and `, post(make)`.
            found += text.matches(").post(").count() + text.matches(", post(").count();
        }
    }
    found
}

/// What was posted, and what it left.
struct Ledger<'a> {
    site: &'a Site,
    seen: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Ledger<'a> {
    fn of(site: &'a Site) -> Self {
        Self { site, seen: RefCell::default() }
    }

    async fn actions(&self) -> Vec<String> {
        let audit = self.site.audit().await;
        let action = |row: &String| {
            let rest = row.split("action: \"").nth(1).unwrap_or_default();
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        audit.iter().map(action).collect()
    }

    /// Refused without its token: nothing. With it: what stands in the table.
    async fn posts(
        &self,
        route: &'static str,
        browser: &Browser<'_>,
        page: &Page,
        form: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let (_, rows) = POSTS.iter().find(|(known, _)| *known == route).expect("in the table");
        let form = page.form(form);
        let before = self.actions().await;
        let forged = browser.submit(&form, &[fields, &[("csrf", "x")]].concat()).await;
        assert!(!forged.status.is_success() && !forged.status.is_redirection(), "{route}");
        assert_eq!(self.actions().await, before, "{route}: refused");
        let done = browser.submit(&form, fields).await;
        assert!(done.status.is_success() || done.status.is_redirection(), "{route}: {done:?}");
        assert_eq!(self.actions().await[before.len()..], **rows, "{route}: {}", done.html);
        self.seen.borrow_mut().insert(route);
        done
    }
}

fn href_of_first(page: &Page) -> String {
    let first = tags(&page.html, "a").into_iter().find(|tag| tag.contains("class=\"name\""));
    attribute(first.expect("an entry"), "href").expect("href")
}

// proves: attack-47
#[tokio::test]
async fn every_post_leaves_its_row_and_a_refused_one_none() {
    let mut seen = BTreeSet::new();
    let site = Site::fresh().await;
    let ledger = Ledger::of(&site);
    let ada = site.browser();
    signing_in(&site, &ledger, &ada).await;
    site.add_client("tool", "The Tool", "http://127.0.0.1/cb").await;
    programs(&site, &ledger, &ada).await;
    site.add_agents(EMAIL, 1).await;
    let page = ada.get("/settings/agents").await;
    let fields = [("name", "KEY"), ("kind", "name"), ("which", "agent 0000"), ("value", "x")];
    ledger.posts("/settings/agents/secrets/set", &ada, &page, "id=\"set-secret\"", &fields).await;
    let kept = ada.get("/settings/agents").await;
    let removes = "action=\"/settings/agents/secrets/remove\"";
    ledger.posts("/settings/agents/secrets/remove", &ada, &kept, removes, &[]).await;
    ledger.posts("/settings/agents/stop", &ada, &page, "name=\"id\"", &[]).await;
    site.asks_approval(EMAIL, r#"{"type":"deploy"}"#).await;
    let page = ada.get("/settings/approvals").await;
    let yes = [("decision", "approve")];
    ledger.posts("/settings/approvals/decide", &ada, &page, "name=\"id\"", &yes).await;
    tokens(&ledger, &ada).await;
    operating(&site, &ledger, &ada).await;
    leaving(&ledger, &ada).await;
    seen.append(&mut ledger.seen.borrow_mut());
    drop(ledger);
    seen.append(&mut older_tokens().await);
    seen.append(&mut places().await);
    let table: BTreeSet<&str> = POSTS.iter().map(|(route, _)| *route).collect();
    assert_eq!(seen, table, "posts that nobody tried, or that are gone");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    assert_eq!(POSTS.len(), handlers(&source), "a page posts what is not in the table");
}

async fn signing_in(site: &Site, ledger: &Ledger<'_>, ada: &Browser<'_>) {
    let code = site.app.issuer().setup_code().await.expect("a store").expect("a code");
    ada.get(&format!("/setup?code={}", code.expose())).await;
    let filled = [
        ("email", EMAIL),
        ("name", "Ada"),
        ("new_password", PASSWORD),
        ("repeat_password", PASSWORD),
    ];
    ledger.posts("/setup", ada, &ada.get("/setup").await, "setup", &filled).await;
    ledger.posts("/signout", ada, &ada.get("/").await, "signout", &[]).await;
    let known = [("email", EMAIL), ("password", PASSWORD)];
    ledger.posts("/signin", ada, &ada.get("/signin").await, "signin", &known).await;
    site.adas_browser().await;
    let page = ada.get("/settings/sessions").await;
    ledger.posts("/settings/sessions/end", ada, &page, "name=\"id\"", &[]).await;
    site.adas_browser().await;
    let page = ada.get("/settings/sessions").await;
    ledger.posts("/settings/sessions/end-others", ada, &page, "end-others-button", &[]).await;
    let page = ada.get("/settings/security").await;
    let fill = [("password", PASSWORD), ("new_password", PASSWORD), ("repeat_password", PASSWORD)];
    ledger.posts("/settings/security", ada, &page, "password-form", &fill).await;
}

async fn programs(site: &Site, ledger: &Ledger<'_>, ada: &Browser<'_>) {
    let consent = format!(
        "/oauth/authorize?response_type=code&client_id=tool&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let approve = [("decision", "approve")];
    let page = ada.get(&consent).await;
    ledger.posts("/oauth/authorize/decision", ada, &page, "consent", &approve).await;
    let code = site.device(HOME, &[]).await;
    let page = ada.get("/device").await;
    ledger.posts("/device", ada, &page, "device", &[("user_code", &code)]).await;
    let page = ada.get("/device/confirm").await;
    ledger.posts("/device/decision", ada, &page, "decide", &approve).await;
}

async fn tokens(ledger: &Ledger<'_>, ada: &Browser<'_>) {
    let page = ada.get("/settings/tokens/new").await;
    ledger.posts("/settings/tokens/new", ada, &page, "make", &[("name", "ci")]).await;
    let one = href_of_first(&ada.get("/settings/tokens").await);
    let name = [("name", "cd")];
    let page = ada.get(&one).await;
    ledger.posts("/settings/tokens/{id}/rename", ada, &page, "rename", &name).await;
    let never = [("expires", "30d")];
    let page = ada.get(&one).await;
    ledger.posts("/settings/tokens/{id}/expiry", ada, &page, "expiry", &never).await;
    let overlap = [("overlap", "0")];
    let page = ada.get(&one).await;
    ledger.posts("/settings/tokens/{id}/rotate", ada, &page, "rotate", &overlap).await;
    let one = href_of_first(&ada.get("/settings/tokens").await);
    let page = ada.get(&one).await;
    ledger.posts("/settings/tokens/{id}/revoke", ada, &page, "revoke", &[]).await;
}

/// Ada administers the server.
async fn operating(site: &Site, ledger: &Ledger<'_>, ada: &Browser<'_>) {
    let bo = site.add("bo@example.com", "Bo", false).await;
    site.browser().sign_in("bo@example.com", PASSWORD, "/").await;
    let at = format!("/admin/users/{bo}");
    let page = ada.get(&at).await;
    ledger.posts("/admin/users/{user}/end", ada, &page, "name=\"id\"", &[]).await;
    let page = ada.get(&at).await;
    ledger.posts("/admin/users/{user}/end-all", ada, &page, "end-all", &[]).await;
    let page = ada.get(&at).await;
    ledger.posts("/admin/users/{user}/disable", ada, &page, "id=\"disable\"", &[]).await;
    let page = ada.get(&at).await;
    ledger.posts("/admin/users/{user}/enable", ada, &page, "id=\"enable\"", &[]).await;
    let page = ada.get("/admin/clients").await;
    let new = [("id", "aa"), ("name", "An API"), ("confidential", "yes")];
    let once = ledger.posts("/admin/clients/new", ada, &page, "id=\"make\"", &new).await;
    assert!(once.html.contains("hp_cs_"), "{}", once.html);
    let page = ada.get("/admin/clients").await;
    let rotate = "action=\"/admin/clients/rotate-secret\"";
    let once = ledger.posts("/admin/clients/rotate-secret", ada, &page, rotate, &[]).await;
    assert!(once.html.contains("hp_cs_"), "{}", once.html);
    let disable = "action=\"/admin/clients/disable\"";
    ledger.posts("/admin/clients/disable", ada, &page, disable, &[]).await;
    let page = ada.get("/admin/keys").await;
    ledger.posts("/admin/keys/rotate", ada, &page, "id=\"rotate\"", &[]).await;
}

async fn leaving(ledger: &Ledger<'_>, ada: &Browser<'_>) {
    let page = ada.get("/oauth/logout").await;
    let out = [("decision", "signout")];
    ledger.posts("/oauth/logout/decision", ada, &page, "logout", &out).await;
}

/// Organizations, projects, and whoever is invited to them.
async fn places() -> BTreeSet<&'static str> {
    let site = Site::with_ada().await;
    site.add_user("bo@example.com", "Bo").await;
    let (ledger, ada, bo) = (Ledger::of(&site), site.adas_browser().await, site.browser());
    bo.sign_in("bo@example.com", PASSWORD, "/").await;
    let create = "id=\"create\"";
    let page = ada.get("/orgs").await;
    ledger.posts("/orgs", &ada, &page, create, &[("slug", "acme")]).await;
    let page = ada.get("/orgs/acme").await;
    ledger.posts("/orgs/{org}", &ada, &page, create, &[("slug", "atlas")]).await;
    let page = ada.get("/orgs/acme/settings").await;
    let name = [("name", "Acme")];
    ledger.posts("/orgs/{org}/settings", &ada, &page, "id=\"rename\"", &name).await;

    let invited = async |route, at: &str, email: &str, role: &str| {
        let page = ada.get(at).await;
        let fields = [("email", email), ("role", role)];
        let page = ledger.posts(route, &ada, &page, "id=\"invite\"", &fields).await;
        let field = page.html.split("id=\"link\"").nth(1).expect("the link");
        let link = field.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let link = link.expect("its value").replace("&#38;", "&").replace("&#x2F;", "/");
        link.strip_prefix("https://id.example.com").expect("ours").to_owned()
    };
    let link = invited("/orgs/{org}/members", "/orgs/acme/members", "bo@example.com", "member");
    bo.get(&link.await).await;
    let page = bo.get("/invitation").await;
    ledger.posts("/invitation", &bo, &page, "id=\"accept\"", &[]).await;
    let at = "/orgs/acme/projects/atlas";
    let route = "/orgs/{org}/projects/{project}";
    let link = invited(route, at, "new@example.com", "viewer").await;
    let new = site.browser();
    new.get(&link).await;
    let page = new.get("/invitation").await;
    let filled = [("name", "Nia"), ("new_password", PASSWORD), ("repeat_password", PASSWORD)];
    ledger.posts("/invitation/join", &new, &page, "id=\"join\"", &filled).await;
    ledger.seen.into_inner()
}

/// At a server that took over from an older system.
async fn older_tokens() -> BTreeSet<&'static str> {
    let site = Site::with_a_past().await;
    let (issuer, operator, origin) = (site.app.issuer(), Actor::Operator, Origin::default());
    issuer.create_org("acme", None, Some(EMAIL), &operator, &origin).await.expect("acme");
    let made = issuer.create_project("acme", "genome", None, &operator, &origin).await;
    made.expect("a project");
    let digest = Digest::of(b"stk_one");
    let hash: String = digest.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let project = Some("acme/genome".to_owned());
    let defaults = Defaults { project, ..Defaults::default() };
    let file = format!("hash,name\n{hash},one\n");
    issuer.import_legacy(&file, defaults, "system").await.expect("an import");
    let step = Step { phase: Some(Phase::A), ..Step::default() };
    issuer.step_legacy(step, "system").await.expect("a step");
    let (ledger, ada) = (Ledger::of(&site), site.adas_browser().await);
    let at = "/orgs/acme/projects/genome/tokens";
    let page = ada.get(at).await;
    let name = [("name", "nightly")];
    let new = "/orgs/{org}/projects/{project}/tokens/new";
    ledger.posts(new, &ada, &page, "id=\"make\"", &name).await;
    let page = ada.get(at).await;
    ledger.posts("/orgs/{org}/projects/{project}/tokens", &ada, &page, "name=\"id\"", &[]).await;

    // Keys of the same project.
    let page = ada.get("/orgs/acme/keys/new").await;
    let new = [("name", "ci"), ("project", "genome")];
    ledger.posts("/orgs/{org}/keys/new", &ada, &page, "make", &new).await;
    // Jobs that are let into it.
    let page = ada.get("/orgs/acme/trust").await;
    let add = [("whose", "acme/genome"), ("project", "genome"), ("scope:project:read", "yes")];
    ledger.posts("/orgs/{org}/trust", &ada, &page, "add", &add).await;
    let list = "/orgs/acme/keys";
    let page = ada.get(&href_of_first(&ada.get(list).await)).await;
    let rotate = "/orgs/{org}/keys/{id}/rotate";
    // What is wrong is said over the form as it was filled in.
    let wrong = [("overlap", "0"), ("expires", "date"), ("date", "2001-01-01")];
    let again = ada.submit(&page.form("rotate"), &wrong).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in [
        "id=\"overlap-0\" name=\"overlap\" value=\"0\" checked",
        "value=\"2001-01-01\"",
        "value=\"date\" checked",
    ] {
        assert!(again.html.contains(kept), "{kept}: {}", again.html);
    }
    ledger.posts(rotate, &ada, &page, "rotate", &[("overlap", "0")]).await;
    let page = ada.get(&href_of_first(&ada.get(list).await)).await;
    ledger.posts("/orgs/{org}/keys/{id}/revoke", &ada, &page, "revoke", &[]).await;
    ledger.seen.into_inner()
}

/// To whoever is no administrator, or no owner or admin of the organization, there is no log.
// proves: HP14
#[tokio::test]
async fn only_who_may_sees_a_log() {
    let site = Site::with_ada().await;
    site.add("root@example.com", "Root", true).await;
    let (issuer, operator, origin) = (site.app.issuer(), Actor::Operator, Origin::default());
    let acme = issuer.create_org("acme", None, Some(EMAIL), &operator, &origin).await;
    let other = issuer.create_org("other", None, None, &operator, &origin).await;
    let [acme, other] = [acme, other].map(|made| made.expect("an organization").id);
    site.add_user("eve@example.com", "=Eve").await;
    let member = hallpass_core::role::OrgRole::Member;
    let set = issuer.set_org_member(&operator, "acme", "eve@example.com", member, &origin).await;
    set.expect("a member");
    let browser = async |email: &str| {
        let browser = site.browser();
        browser.sign_in(email, PASSWORD, "/").await;
        browser
    };
    let (ada, root) = (browser(EMAIL).await, browser("root@example.com").await);
    let eve = browser("eve@example.com").await;
    for (who, path, status) in [
        (&root, "/admin/audit", StatusCode::OK),
        (&root, "/admin/audit/export?whole=yes", StatusCode::OK),
        (&root, "/admin", StatusCode::OK),
        // Whoever administers the server has no role in what is not theirs.
        (&root, "/orgs/acme/audit", StatusCode::NOT_FOUND),
        (&ada, "/orgs/acme/audit", StatusCode::OK),
        (&ada, "/orgs/acme/audit/export?format=csv", StatusCode::OK),
        (&ada, "/orgs/other/audit", StatusCode::NOT_FOUND),
        (&ada, "/orgs/nowhere/audit", StatusCode::NOT_FOUND),
        (&ada, "/admin/audit", StatusCode::NOT_FOUND),
        (&ada, "/admin/audit/export?whole=yes", StatusCode::NOT_FOUND),
        (&ada, "/admin", StatusCode::NOT_FOUND),
        (&ada, "/admin/orgs", StatusCode::NOT_FOUND),
        (&ada, "/admin/clients", StatusCode::NOT_FOUND),
        (&ada, "/admin/keys", StatusCode::NOT_FOUND),
        (&eve, "/orgs/acme/audit", StatusCode::NOT_FOUND),
        (&eve, "/orgs/acme/audit/export?format=csv", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(who.get(path).await.status, status, "{path}");
    }
    let page = ada.get("/orgs/acme/audit").await;
    assert!(page.html.contains("member.set") && page.html.contains("org.create"));
    // Who and what is told by name, and the id is behind it. By an address it is found, too.
    let row = page.text("rows");
    assert!(
        row.contains("the operator → eve@example.com") && row.contains("acme: member"),
        "{row}"
    );
    let eve_s = tags(&page.html, "a").into_iter().filter_map(|tag| attribute(tag, "href"));
    let eve_s = eve_s.into_iter().find(|href| href.contains("audit?about=usr_")).expect("a link");
    for path in [&*eve_s, "/orgs/acme/audit?about=Eve@example.com"] {
        let found = ada.get(path).await.text("rows");
        assert!(found.contains("member.set") && !found.contains("org.create"), "{path}: {found}");
    }
    // Whoever was turned away stays an id, and another organization's things do.
    let row = |actor: &str, action: &str, detail: &str| audit::Row {
        actor: actor.to_owned(),
        action: action.to_owned(),
        detail: Some(detail.to_owned()),
        ..audit::Row::default()
    };
    let of_acme = Some(acme.parse().expect("an id"));
    let zoe = site.add("zoe@example.com", "Zoë", false).await;
    let detail = format!("{acme} {other}: x");
    for (action, named) in [("check.denied", None), ("org.set_plan", Some("zoe@example.com"))] {
        let names = issuer.names_in(&[row(&zoe, action, &detail)], of_acme).await.expect("names");
        assert_eq!(names.get(&zoe).map(String::as_str), named, "{action}");
        assert_eq!(names.get(&acme).map(String::as_str), Some("acme"));
        assert_eq!(names.get(&other), None);
    }
    // Whoever calls a thing like a stranger's id is not told whose it is.
    let trick = format!("{acme} {zoe}: project:read");
    let names = issuer.names_in(&[row("system", "agent.start", &trick)], of_acme).await;
    assert_eq!(names.expect("names").get(&zoe), None);
    let names = issuer.names_in(&[row(&zoe, "check.denied", &detail)], None).await.expect("names");
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!page.html.contains("session.start"), "{}", page.html);
    // What is looked for is found, and nothing else; an address may hold anything.
    let found = root.get("/admin/audit?action=user.").await;
    assert!(found.html.contains("user.create") && !found.html.contains(">session.start<"));
    let bad = root.get("/admin/audit?since=yesterday&before=-3&action=%00%22%3Cb%3E").await;
    assert_eq!(bad.status, StatusCode::OK);
    assert!(bad.html.contains("A day is written") && !bad.html.contains("<b>"));
    let csv = root.get("/admin/audit/export?format=csv&action=user.").await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert!(csv.header("content-disposition").contains("audit.csv"));
    assert_eq!(csv.html.lines().count(), 5, "{}", csv.html);
    let whole = root.get("/admin/audit/export?whole=yes").await;
    let proven = hallpass_issuer::audit::verify::verify(whole.html.as_bytes(), None);
    assert!(proven.is_ok_and(|proven| proven.rows.is_some()), "{}", whole.html);
}

/// Somebody who is disabled is out at once; the last administrator stays.
// proves: HP14
#[tokio::test]
async fn an_administrator_looks_after_people() {
    let site = Site::with_ada().await;
    let root_id = site.add("root@example.com", "Root", true).await;
    let root = site.browser();
    root.sign_in("root@example.com", PASSWORD, "/").await;
    let ada = site.adas_browser().await;
    let people = root.get("/admin/users").await;
    let link = tags(&people.html, "a").into_iter().filter_map(|tag| attribute(tag, "href"));
    let pages: Vec<String> =
        link.filter(|href| href.starts_with("/admin/users/usr_") && !href.ends_with("s")).collect();
    let hers = pages.iter().find(|page| !page.ends_with(&root_id)).expect("Ada's page");
    let page = root.get(hers).await;
    assert!(page.html.contains("Firefox on Linux") && page.html.contains(EMAIL));
    let done = root.submit(&page.form("id=\"disable\""), &[]).await;
    assert_eq!(done.location(), format!("{hers}?done=disabled"));
    assert_eq!(ada.get("/settings/sessions").await.status, StatusCode::SEE_OTHER);
    let page = root.get(done.location()).await;
    assert!(page.html.contains("Everything of theirs has ended") && page.html.contains("Disabled"));
    root.submit(&page.form("id=\"enable\""), &[]).await;
    assert_eq!(site.adas_browser().await.get("/settings/sessions").await.status, StatusCode::OK);
    // Nobody else administers the server.
    let own = root.get(&format!("/admin/users/{root_id}")).await;
    let refused = root.submit(&own.form("id=\"disable\""), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text("notice").contains("Nobody else administers"), "{}", refused.html);
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);
}
