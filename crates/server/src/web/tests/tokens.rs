//! Tokens for scripts, CI and servers.

use std::time::Duration;

use http::StatusCode;

use super::html::{attribute, tags};
use super::site::{Browser, PASSWORD, Page, Site};

const DAY: Duration = Duration::from_secs(86_400);

/// The text that a page shows once.
#[track_caller]
pub(super) fn value(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let field = tags(&page.html, "input").into_iter().find(|tag| tag.contains(" id=\"token\""));
    attribute(field.unwrap_or_else(|| panic!("no token in {}", page.html)), "value").expect("text")
}

/// Makes a token by its form; the page that shows it.
pub(super) async fn make(browser: &Browser<'_>, fields: &[(&str, &str)]) -> Page {
    let page = browser.get("/settings/tokens/new").await;
    browser.submit(&page.form("make"), fields).await
}

/// The path of the page of the token that is listed under this name.
async fn find(browser: &Browser<'_>, name: &str) -> String {
    find_at(&browser.get("/settings/tokens").await.html, name)
}

/// The same, in this list.
#[track_caller]
pub(super) fn find_at(html: &str, name: &str) -> String {
    let marked = format!("<bdi>{name}</bdi></a>");
    let links = html.match_indices("<a class=\"name\"").map(|(at, _)| &html[at..]);
    let link = links
        .into_iter()
        .find(|link| link.find("</a>").is_some_and(|end| link[..end + 4].ends_with(&marked)));
    attribute(link.unwrap_or_else(|| panic!("no {name} in {html}")), "href").expect("href")
}

pub(super) async fn change(
    browser: &Browser<'_>,
    path: &str,
    form: &str,
    fields: &[(&str, &str)],
) -> Page {
    let page = browser.get(path).await;
    browser.submit(&page.form(form), fields).await
}

// proves: ST05, ST15
#[tokio::test]
async fn a_token_is_shown_once_and_works() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let empty = browser.get("/settings/tokens").await;
    assert!(empty.html.contains("id=\"no-tokens\""));
    assert!(empty.html.contains("hallpass token create ci"));

    let made = make(&browser, &[("name", "ci")]).await;
    let text = value(&made);
    assert!(text.starts_with("hp_user_"));
    assert_eq!(made.html.matches(&text).count(), 1);
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(made.outcome(), "made");
    assert_eq!(site.whoami(&text).await, StatusCode::OK);

    let list = browser.get("/settings/tokens").await;
    assert!(list.html.contains("<bdi>ci</bdi>") && list.html.contains(&text[text.len() - 4..]));
    let one = browser.get(&find(&browser, "ci").await).await;
    for page in [&list, &one] {
        assert!(!page.html.contains(&text[..text.len() - 4]));
    }
    assert!(site.audit().await.iter().all(|row| !row.contains(&text)));
}

// proves: ST05
#[tokio::test]
async fn a_form_that_is_sent_again_makes_no_other_token_and_shows_none() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let form = browser.get("/settings/tokens/new").await.form("make");
    let fields = [("name", ""), ("expires", "never")];
    let text = value(&browser.submit(&form, &fields).await);
    // Not even after the first one is gone.
    for revoked in [false, true] {
        if revoked {
            let path = find(&browser, "Token of 18 November 2026").await;
            change(&browser, &path, "revoke", &[]).await;
        }
        let again = browser.submit(&form, &fields).await;
        assert_eq!((again.status, &*again.outcome()), (StatusCode::CONFLICT, "sent-before"));
        assert!(!again.html.contains(&text));
    }
    assert!(browser.get("/settings/tokens").await.html.contains("id=\"no-tokens\""));
}

#[tokio::test]
async fn a_form_that_made_nothing_can_be_corrected_and_sent_again() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    value(&make(&browser, &[("name", "ci")]).await);
    let form = browser.get("/settings/tokens/new").await.form("make");
    let taken = browser.submit(&form, &[("name", "ci"), ("expires", "7d")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text("notice").contains("You have a token of that name already."));
    assert!(taken.html.contains("id=\"expires-7d\" name=\"expires\" value=\"7d\" checked"));
    assert_eq!(taken.form("make").fields["name"], "ci");
    let past = [("name", "x"), ("expires", "date"), ("date", "2001-01-01")];
    let past = browser.submit(&form, &past).await;
    assert!(past.text("notice").contains("No token was made."), "{}", past.html);
    // The first form, by the back button.
    value(&browser.submit(&form, &[("name", "other"), ("expires", "7d")]).await);
}

// proves: ST05
#[tokio::test]
async fn name_and_end_may_be_left_out() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    for _ in 0..3 {
        value(&make(&browser, &[("name", ""), ("expires", "never")]).await);
    }
    for name in ["Token of 18 November 2026", "Token of 18 November 2026 (3)"] {
        let page = browser.get(&find(&browser, name).await).await;
        assert_eq!(page.text("ends"), "Never by itself");
    }
}

// proves: ST06
#[tokio::test]
async fn a_token_is_renamed_and_ends_when_its_owner_says() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let text = value(&make(&browser, &[("name", "ci")]).await);
    value(&make(&browser, &[("name", "other")]).await);
    let path = find(&browser, "ci").await;

    let done = change(&browser, &path, "rename", &[("name", "build machine")]).await;
    assert_eq!(done.location(), format!("{path}?done=renamed"));
    assert_eq!(find(&browser, "build machine").await, path);
    let taken = change(&browser, &path, "rename", &[("name", "other")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text("notice").contains("You have another token of that name."));

    let fields = [("expires", "date"), ("date", "2026-11-20")];
    let done = change(&browser, &path, "expiry", &fields).await;
    assert_eq!(done.location(), format!("{path}?done=expiry"));
    let page = browser.get(&path).await;
    assert!(page.text("ends").contains("20 November 2026"), "{}", page.text("ends"));
    // It is near, so it is pointed at.
    let list = browser.get("/settings/tokens").await;
    assert!(list.html.contains("class=\"badge caution\">Ends in"), "{}", list.html);
    assert_eq!(site.whoami(&text).await, StatusCode::OK);
    site.pass(DAY * 4);
    assert_eq!(site.whoami(&text).await, StatusCode::UNAUTHORIZED);
}

// proves: ST06, ST07
#[tokio::test]
async fn of_many_tokens_the_revoked_one_is_refused_at_once() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let mut texts = Vec::new();
    for name in ["laptop", "ci", "nas"] {
        texts.push(value(&make(&browser, &[("name", name)]).await));
    }
    let path = find(&browser, "ci").await;
    let page = browser.get(&path).await;
    assert!(page.text("revoke-words").contains("cannot be undone"));
    assert!(page.text("revoke-words").contains("never used"));
    let done = browser.submit(&page.form("revoke"), &[]).await;
    assert_eq!(done.location(), "/settings/tokens?done=revoked");
    let list = browser.get(done.location()).await;
    assert!(list.text("notice").contains("is revoked"));
    assert!(!list.html.contains("<bdi>ci</bdi>"));
    let works: Vec<_> =
        [site.whoami(&texts[0]).await, site.whoami(&texts[1]).await, site.whoami(&texts[2]).await]
            .into();
    assert_eq!(works, [StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::OK]);
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    let again = browser.submit(&page.form("revoke"), &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

// proves: HP06
#[tokio::test]
async fn a_rotated_token_works_beside_its_successor_for_as_long_as_was_said() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let old = value(&make(&browser, &[("name", "ci")]).await);
    let path = find(&browser, "ci").await;
    let page = browser.get(&path).await;
    let form = page.form("rotate");
    let rotated = browser.submit(&form, &[("overlap", "7")]).await;
    assert_eq!(rotated.outcome(), "rotated");
    let new = value(&rotated);
    assert!(rotated.text("old").contains("works until 25 November 2026"), "{}", rotated.html);
    assert!(!rotated.html.contains(&old));

    let list = browser.get("/settings/tokens").await;
    let line = list.html.split("class=\"old small\"").nth(1).expect("the old text");
    assert!(
        line.contains(&old[old.len() - 4..]) && line.contains("was never used")
            || line.contains("Nothing has used it since"),
        "{line}"
    );
    for text in [&old, &new] {
        assert_eq!(site.whoami(text).await, StatusCode::OK);
    }
    // By the back button, or from another tab: nothing more comes of it.
    let again = browser.submit(&form, &[("overlap", "7")]).await;
    assert_eq!((again.status, &*again.outcome()), (StatusCode::CONFLICT, "sent-before"));

    site.pass(DAY * 8);
    assert_eq!(site.whoami(&old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(site.whoami(&new).await, StatusCode::OK);
    // At once, too.
    let path = find(&browser, "ci").await;
    let last = value(&change(&browser, &path, "rotate", &[("overlap", "0")]).await);
    assert_eq!(site.whoami(&new).await, StatusCode::UNAUTHORIZED);
    assert_eq!(site.whoami(&last).await, StatusCode::OK);
}

// proves: attack-27
#[tokio::test]
async fn nobody_elses_token_is_seen_or_changed() {
    let site = Site::with_ada().await;
    site.add_user("eve@example.com", "Eve").await;
    let ada = site.adas_browser().await;
    let text = value(&make(&ada, &[("name", "ci")]).await);
    let hers = find(&ada, "ci").await;
    let before = ada.get(&hers).await.text("facts");

    let eve = site.browser();
    eve.sign_in("eve@example.com", PASSWORD, "/").await;
    value(&make(&eve, &[("name", "mine")]).await);
    let own = find(&eve, "mine").await;
    let nothing = eve.get("/settings/tokens/tok_01JZZZZZZZZZZZZZZZZZZZZZZZ").await;
    let foreign = eve.get(&hers).await;
    assert_eq!((foreign.status, &foreign.html), (StatusCode::NOT_FOUND, &nothing.html));
    assert!(!eve.get("/settings/tokens").await.html.contains("<bdi>ci</bdi>"));

    let page = eve.get(&own).await;
    let id = hers.rsplit('/').next().expect("an id");
    for (form, fields) in [
        ("rename", vec![("name", "stolen")]),
        ("expiry", vec![("expires", "never")]),
        ("rotate", vec![("overlap", "0")]),
        ("revoke", vec![]),
    ] {
        let mut forged = page.form(form);
        forged.action = forged.action.replace(&own, &hers);
        // Her own form does for her own token alone...
        let answer = eve.submit(&forged, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form}");
        // ...and were it not so, there is no such token among hers.
        forged.fields.insert("csrf".to_owned(), eve.csrf_for_token(id));
        let answer = eve.submit(&forged, &fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{form}");
    }
    assert_eq!(ada.get(&hers).await.text("facts"), before);
    assert_eq!(site.whoami(&text).await, StatusCode::OK);
}

#[tokio::test]
async fn a_token_may_be_allowed_less() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let text = value(&make(&browser, &[("name", "reader"), ("scope:project:read", "yes")]).await);
    let page = browser.get(&find(&browser, "reader").await).await;
    assert!(page.text("facts").contains("only project:read"), "{}", page.text("facts"));
    // It says nothing of the account.
    assert_eq!(site.whoami(&text).await, StatusCode::FORBIDDEN);
    let nowhere = make(&browser, &[("name", "x"), ("project:no/where", "yes")]).await;
    assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_token_that_leaked_is_said_to_have() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let text = value(&make(&browser, &[("name", "ci")]).await);
    let path = find(&browser, "ci").await;
    site.report_leak(&text).await;
    let list = browser.get("/settings/tokens").await;
    assert!(
        list.html.contains("Leaked, revoked") && list.html.contains("Revoked because it leaked")
    );
    assert!(list.html.contains("18 November 2026"));
    assert_eq!(site.whoami(&text).await, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    // The name is free again.
    value(&make(&browser, &[("name", "ci")]).await);
}

#[tokio::test]
async fn a_thousand_tokens_are_found_by_name_and_page_by_page() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    site.add_tokens("ada@example.com", 1000).await;
    let mut path = "/settings/tokens".to_owned();
    let (mut seen, mut pages) = (std::collections::BTreeSet::new(), 0);
    loop {
        let page = browser.get(&path).await;
        pages += 1;
        let names = page.html.matches("<a class=\"name\"").count();
        assert!(names > 0 && names <= 50);
        for rest in page.html.split("<a class=\"name\" href=\"").skip(1) {
            seen.insert(rest.split('"').next().expect("an address").to_owned());
        }
        let older = tags(&page.html, "a").into_iter().find(|tag| tag.contains("id=\"older\""));
        let Some(older) = older else { break };
        path = attribute(older, "href").expect("href");
    }
    assert_eq!((seen.len(), pages), (1000, 20));
    let found = browser.get("/settings/tokens?q=TOKEN+0777").await;
    assert_eq!(found.html.matches("<a class=\"name\"").count(), 1);
    assert!(found.html.contains("<bdi>token 0777</bdi>"));
    let none = browser.get("/settings/tokens?q=nothing").await;
    assert!(none.html.contains("id=\"no-match\""));

    // By what is to be done about them.
    let listed =
        async |path: &str| browser.get(path).await.html.matches("<a class=\"name\"").count();
    assert_eq!(listed("/settings/tokens?show=ending").await, 0);
    let path = find_at(&found.html, "token 0777");
    let fields = [("expires", "date"), ("date", "2026-11-20")];
    change(&browser, &path, "expiry", &fields).await;
    assert_eq!(listed("/settings/tokens?show=ending").await, 1);
    assert_eq!(listed("/settings/tokens?show=idle").await, 0);
    site.pass(DAY * 91);
    browser.sign_in(super::site::EMAIL, PASSWORD, "/").await;
    let idle = browser.get("/settings/tokens?show=idle&q=token+077").await;
    // All of 0770 to 0779, but the one that has ended.
    assert_eq!(idle.html.matches("<a class=\"name\"").count(), 9, "{}", idle.html);
    assert!(idle.html.contains("<input type=\"hidden\" name=\"show\" value=\"idle\">"));
    assert!(idle.html.contains("href=\"/settings/tokens?q=token+077\""));
}
