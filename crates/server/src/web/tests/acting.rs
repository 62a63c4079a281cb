//! An administrator acts for somebody else, and they see it.

use hallpass_core::wire::tokens::TokenChange;
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::site::{Browser, EMAIL, PASSWORD, Site};
use super::tokens::{change, find_at, make, value};

const ROOT: &str = "root@example.com";

/// Ada has an account, and root administers.
async fn site() -> (Site, String) {
    let site = Site::fresh().await;
    let ada = site.add(EMAIL, "Ada Lovelace", false).await;
    site.add(ROOT, "Root", true).await;
    (site, format!("/admin/users/{ada}/tokens"))
}

async fn roots_browser(site: &Site) -> Browser<'_> {
    let browser = site.browser();
    browser.sign_in(ROOT, PASSWORD, "/").await;
    browser
}

// proves: SM13
#[tokio::test]
async fn an_administrator_does_all_of_it_for_somebody_who_sees_it() {
    let (site, hers) = site().await;
    let (root, ada) = (roots_browser(&site).await, site.adas_browser().await);
    let home = root.get("/").await;
    assert!(home.html.contains("id=\"to-people\""));
    let people = root.get("/admin/users?q=ADA%40").await;
    assert_eq!(find_at(&people.html, EMAIL), hers);
    assert!(!people.html.contains(&format!("<bdi>{ROOT}</bdi></a>")));

    let empty = root.get(&hers).await;
    assert!(empty.text("no-tokens").contains("They have none"));
    assert!(empty.html.contains("token create ci --user ada@example.com"));
    let form = root.get(&format!("{hers}/new")).await.form("make");
    let made = root.submit(&form, &[("name", "ci")]).await;
    let text = value(&made);
    assert!(made.html.contains("its owner sees that you made it"), "{}", made.html);
    let again = root.submit(&form, &[("name", "ci")]).await;
    assert_eq!((again.status, &*again.outcome()), (StatusCode::CONFLICT, "sent-before"));
    assert_eq!(site.whoami(&text).await, StatusCode::OK);

    let one = find_at(&root.get(&hers).await.html, "ci");
    assert!(one.starts_with(&hers));
    assert!(root.get(&one).await.text("acting").contains(EMAIL));
    let done = change(&root, &one, "rename", &[("name", "build")]).await;
    assert_eq!(done.location(), format!("{one}?done=renamed"));
    let list = ada.get("/settings/tokens").await;
    for told in ["by <bdi>root@example.com</bdi>", "Renamed by root@example.com"] {
        assert!(list.html.contains(told), "{told} in {}", list.html);
    }
    let done = change(&root, &one, "expiry", &[("expires", "7d")]).await;
    assert_eq!(done.location(), format!("{one}?done=expiry"));
    let own = find_at(&ada.get("/settings/tokens").await.html, "build");
    let page = ada.get(&own).await;
    assert!(page.text("changed").contains("Its end was changed by root@example.com"));
    // What she does herself is not told of anybody else.
    let rotated = value(&change(&root, &one, "rotate", &[("overlap", "0")]).await);
    assert_eq!(site.whoami(&text).await, StatusCode::UNAUTHORIZED);
    assert_eq!(site.whoami(&rotated).await, StatusCode::OK);
    for secret in [&text, &rotated] {
        assert!(!ada.get("/settings/tokens").await.html.contains(&**secret));
        assert!(!root.get(&hers).await.html.contains(&**secret));
        assert!(site.audit().await.iter().all(|row| !row.contains(&**secret)));
    }

    let one = find_at(&root.get(&hers).await.html, "build");
    let done = change(&root, &one, "revoke", &[]).await;
    assert_eq!(done.location(), format!("{hers}?done=revoked"));
    assert_eq!(site.whoami(&rotated).await, StatusCode::UNAUTHORIZED);
    let list = ada.get("/settings/tokens").await;
    assert!(list.text("gone").contains("was revoked by root@example.com"), "{}", list.html);
    assert!(list.html.contains("id=\"no-tokens\""));
    let audit = site.audit().await;
    let row = audit.iter().find(|row| row.contains("\"token.revoke\"")).expect("a row");
    assert!(row.contains("revoked by an administrator, for usr_"), "{row}");
}

// proves: SM13, attack-27
#[tokio::test]
async fn to_everybody_else_there_is_no_such_page() {
    let (site, hers) = site().await;
    site.add_user("eve@example.com", "Eve").await;
    let (root, ada, eve) = (roots_browser(&site).await, site.adas_browser().await, site.browser());
    eve.sign_in("eve@example.com", PASSWORD, "/").await;
    let text = value(&make(&ada, &[("name", "ci")]).await);
    let form = root.get(&format!("{hers}/new")).await.form("make");
    let one = find_at(&root.get(&hers).await.html, "ci");
    let (nowhere, plain) = (eve.get("/nowhere").await, eve.get_plain("/nowhere").await);
    assert_eq!(plain.html, "There is nothing here. Check the address.\n");
    let nobody = "/admin/users/usr_01JZZZZZZZZZZZZZZZZZZZZZZZ/tokens";
    let new = format!("{hers}/new");
    for path in ["/admin", "/admin/users", "/admin/users?q=ada", &hers, &new, &one, nobody] {
        let page = eve.get(path).await;
        assert_eq!((page.status, &page.html), (nowhere.status, &nowhere.html), "{path}");
        let page = eve.get_plain(path).await;
        assert_eq!((page.status, &page.html), (plain.status, &plain.html), "{path}");
        assert!(site.browser().get(path).await.location().starts_with("/signin"), "{path}");
    }
    assert!(!eve.get("/").await.html.contains("/admin"));
    assert_eq!(eve.submit(&form, &[("name", "x")]).await.status, StatusCode::NOT_FOUND);
    for what in ["rename", "expiry", "rotate", "revoke"] {
        let form = root.get(&one).await.form(what);
        assert_eq!(
            eve.submit(&form, &[("name", "x")]).await.status,
            StatusCode::NOT_FOUND,
            "{what}"
        );
    }
    assert_eq!(site.whoami(&text).await, StatusCode::OK);

    // A form about one person makes nothing for another.
    let eves = root.get("/admin/users?q=eve").await;
    let eves = find_at(&eves.html, "eve@example.com");
    let mut forged = form.clone();
    forged.action = format!("{eves}/new");
    assert_eq!(root.submit(&forged, &[("name", "x")]).await.status, StatusCode::FORBIDDEN);
    // Nor is one person's token on another's page.
    let id = one.rsplit('/').next().expect("an id");
    assert_eq!(root.get(&format!("{eves}/{id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(root.get(&format!("/settings/tokens/{id}")).await.status, StatusCode::NOT_FOUND);
    // To an administrator, nobody is nobody; they themselves are at their own desk.
    let page = root.get(nobody).await;
    assert!(
        page.status == StatusCode::NOT_FOUND && page.html.contains("There is nobody like that")
    );
    let own = find_at(&root.get("/admin/users?q=root").await.html, ROOT);
    assert_eq!(root.get(&own).await.location(), "/settings/tokens");
}

#[tokio::test]
async fn what_the_operator_did_is_told_too() {
    let (site, _) = site().await;
    let ada = site.adas_browser().await;
    value(&make(&ada, &[("name", "ci")]).await);
    let path = find_at(&ada.get("/settings/tokens").await.html, "ci");
    let id = path.rsplit('/').next().expect("an id");
    let change = TokenChange { name: Some("build".to_owned()), ..TokenChange::default() };
    let (issuer, origin) = (site.app.issuer(), Origin::default());
    issuer.change_token(&Actor::Operator, id, change, &origin).await.expect("a change");
    let list = ada.get("/settings/tokens").await;
    assert!(list.html.contains("Renamed by whoever runs this server just now."), "{}", list.html);
    issuer.revoke_token(&Actor::Operator, id, &origin).await.expect("an end");
    let list = ada.get("/settings/tokens").await;
    assert!(list.text("gone").contains("revoked by whoever runs this server"), "{}", list.html);
}
