//! Organizations, their people, and invitations.

use http::StatusCode;

use super::site::{Browser, EMAIL, PASSWORD, Page, Site};

const BO: &str = "bo@example.com";
const MEMBERS: &str = "/orgs/acme/members";

/// Ada has made acme with the project atlas, on the pages.
async fn site() -> Site {
    let site = Site::with_ada().await;
    site.add_user(BO, "Bo").await;
    let ada = site.adas_browser().await;
    let page = ada.get("/orgs").await;
    assert!(page.text("no-orgs").contains("none yet"), "{}", page.html);
    assert!(page.html.contains("<pre>hallpass org create acme</pre>"));
    let made = ada.submit(&page.form("id=\"create\""), &[("slug", "acme")]).await;
    assert_eq!(made.location(), "/orgs/acme?done=made");
    let page = ada.get("/orgs/acme").await;
    assert!(page.html.contains("<pre>hallpass project create acme/atlas</pre>"), "{}", page.html);
    let made = ada.submit(&page.form("id=\"create\""), &[("slug", "atlas")]).await;
    assert_eq!(made.location(), "/orgs/acme/projects/atlas?done=made");
    site
}

/// Invites somebody, and answers where the link leads at this server.
async fn invited(by: &Browser<'_>, at: &str, email: &str, role: &str) -> String {
    let form = by.get(at).await.form("id=\"invite\"");
    let page = by.submit(&form, &[("email", email), ("role", role)]).await;
    assert_eq!((page.status, &*page.outcome()), (StatusCode::OK, "invited"), "{}", page.html);
    let field = page.html.split("id=\"link\"").nth(1).expect("the link");
    let link = field.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let link = link.expect("its value").replace("&#38;", "&").replace("&#x2F;", "/");
    link.strip_prefix("https://id.example.com").expect("ours").to_owned()
}

/// Opens the link; answers the page that it leads to.
async fn opened(browser: &Browser<'_>, link: &str) -> Page {
    let moved = browser.get(link).await;
    assert_eq!((moved.status, moved.location()), (StatusCode::SEE_OTHER, "/invitation"));
    assert_eq!(moved.header("referrer-policy"), "no-referrer");
    browser.get("/invitation").await
}

#[tokio::test]
async fn somebody_with_an_account_accepts_and_is_managed() {
    let site = site().await;
    let (ada, bo) = (site.adas_browser().await, site.browser());
    let link = invited(&ada, MEMBERS, BO, "member").await;
    assert!(ada.get(MEMBERS).await.text("invitations").contains(BO));
    let code = link.split_once("code=").expect("a code").1;
    assert!(!ada.get(MEMBERS).await.html.contains(code), "shown once");

    let page = opened(&bo, &link).await;
    assert!(page.text("who").contains("Ada Lovelace") && page.text("who").contains("as member"));
    assert!(page.html.contains("/signin?return_to=%2Finvitation") && !page.html.contains(code));
    assert_eq!(bo.sign_in(BO, PASSWORD, "/invitation").await.location(), "/invitation");
    let form = bo.get("/invitation").await.form("id=\"accept\"");
    let done = bo.submit(&form, &[]).await;
    assert_eq!(done.location(), "/orgs/acme?done=joined");
    assert!(bo.get("/orgs").await.text("orgs").contains("acme"));
    // Once.
    assert_eq!(opened(&bo, &link).await.status, StatusCode::GONE);

    // A member sees who is there, and manages nobody.
    let seen = bo.get(MEMBERS).await;
    assert!(seen.text("members").contains(EMAIL) && !seen.html.contains("id=\"invite\""));
    for at in
        ["/orgs/acme/settings", "/orgs/acme/projects/atlas", "/orgs/beta", "/orgs/beta/members"]
    {
        let page = bo.get(at).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{at}");
        let nowhere = bo.get("/orgs/nowhere/settings").await;
        assert_eq!(page.html, nowhere.html, "{at}");
    }
    let form = ada.get(MEMBERS).await.form("value=\"role\"");
    assert_eq!(bo.submit(&form, &[("role", "owner")]).await.status, StatusCode::FORBIDDEN);
    let done = ada.submit(&form, &[("role", "admin")]).await;
    assert_eq!(done.location(), format!("{MEMBERS}?done=role"));
    assert!(bo.get(MEMBERS).await.html.contains("id=\"invite\""), "it counts at once");
    // The last owner does not leave, and nobody is locked out by a form.
    let form = ada.get(MEMBERS).await.form("value=\"leave\"");
    let kept = ada.submit(&form, &[]).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert!(kept.text("notice").contains("last owner"), "{}", kept.html);
    let form = ada.get(MEMBERS).await.form("value=\"remove\"");
    assert_eq!(ada.submit(&form, &[]).await.location(), format!("{MEMBERS}?done=removed"));
    assert_eq!(bo.get("/orgs/acme").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn somebody_new_makes_an_account_with_the_address_that_was_invited() {
    let site = site().await;
    let (ada, new) = (site.adas_browser().await, site.browser());
    let at = "/orgs/acme/projects/atlas";
    let link = invited(&ada, at, "new@example.com", "collaborator").await;
    let page = opened(&new, &link).await;
    let form = page.form("id=\"join\"");
    let filled =
        |password| [("name", "Nia"), ("new_password", password), ("repeat_password", PASSWORD)];
    let wrong = new.submit(&form, &filled("another thing")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text("notice").contains("not the same") && wrong.html.contains("value=\"Nia\""));
    let done = new.submit(&wrong.form("id=\"join\""), &filled(PASSWORD)).await;
    assert_eq!(done.location(), format!("{at}?done=joined"));
    let page = new.get(done.location()).await;
    assert!(page.html.contains("new@example.com") && page.html.contains("a collaborator"));
    // They see their project, and not who is in the organization.
    assert!(new.get("/orgs/acme").await.text("projects").contains("atlas"));
    assert_eq!(new.get(MEMBERS).await.status, StatusCode::NOT_FOUND);
    // Nobody makes a second one by the same form, nor without one.
    assert_eq!(new.submit(&form, &filled(PASSWORD)).await.status, StatusCode::GONE);
    assert_eq!(site.browser().get("/invitation").await.status, StatusCode::GONE);
}

// proves: attack-27, attack-31, places-4
#[tokio::test]
async fn an_invitation_is_for_one_person_and_ends_with_its_inviters_right() {
    let site = site().await;
    site.add_user("cy@example.com", "Cy").await;
    let (ada, cy) = (site.adas_browser().await, site.browser());
    cy.sign_in("cy@example.com", PASSWORD, "/").await;
    let link = invited(&ada, MEMBERS, BO, "admin").await;
    let theirs = opened(&cy, &link).await;
    assert_eq!(theirs.status, StatusCode::FORBIDDEN);
    assert!(!theirs.html.contains(BO), "it is not told for whom it is");
    assert_eq!(cy.post("/invitation", &[]).await.status, StatusCode::FORBIDDEN);

    let bo = site.browser();
    bo.sign_in(BO, PASSWORD, "/").await;
    let form = opened(&bo, &link).await.form("id=\"accept\"");
    // A form of one invitation accepts no other, and a form of another browser none at all.
    assert_eq!(cy.submit(&form, &[]).await.status, StatusCode::FORBIDDEN);
    let revoke = ada.get(MEMBERS).await.form("value=\"revoke\"");
    assert_eq!(ada.submit(&revoke, &[]).await.location(), format!("{MEMBERS}?done=revoked"));
    assert_eq!(bo.submit(&form, &[]).await.status, StatusCode::GONE);
    assert!(!bo.get("/orgs").await.html.contains("/orgs/acme"));
    for code in ["x", "hp_inv_x", "%00", "%3Cscript%3E"] {
        let browser = site.browser();
        browser.get(&format!("/invitation?code={code}")).await;
        assert_eq!(browser.get("/invitation").await.status, StatusCode::GONE, "{code}");
    }
}

#[tokio::test]
async fn a_place_is_renamed_archived_and_brought_back() {
    let site = site().await;
    let ada = site.adas_browser().await;
    let settings = ada.get("/orgs/acme/settings").await;
    let bad = ada.submit(&settings.form("id=\"rename\""), &[("slug", "A b")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("slug", "works"), ("name", "The <b> Works")];
    let done = ada.submit(&settings.form("id=\"rename\""), &fields).await;
    assert_eq!(done.location(), "/orgs/works/settings?done=renamed");
    assert_eq!(ada.get("/orgs/acme").await.status, StatusCode::NOT_FOUND);
    assert!(!ada.get("/orgs/works").await.html.contains("<b>"));
    let project = ada.get("/orgs/works/projects/atlas").await;
    let done = ada.submit(&project.form("id=\"archive\""), &[]).await;
    assert_eq!(done.location(), "/orgs/works?done=archived");
    assert_eq!(ada.get("/orgs/works/projects/atlas").await.status, StatusCode::NOT_FOUND);
    let page = ada.get("/orgs/works").await;
    assert!(page.text("archived").contains("works/atlas"), "{}", page.html);
    let back = ada.submit(&page.form("value=\"unarchive\""), &[]).await;
    assert_eq!(back.location(), "/orgs/works/projects/atlas?done=back");
    let settings = ada.get("/orgs/works/settings").await;
    let done = ada.submit(&settings.form("id=\"archive\""), &[]).await;
    assert_eq!(done.location(), "/orgs?done=archived");
    assert_eq!(ada.get("/orgs/works").await.status, StatusCode::NOT_FOUND);
    let page = ada.get("/orgs").await;
    let back = ada.submit(&page.form("value=\"unarchive\""), &[]).await;
    assert_eq!(back.location(), "/orgs/works?done=back");
    assert!(ada.get("/orgs/works").await.text("projects").contains("atlas"));
    // Handing over takes a member, and says so.
    let settings = ada.get("/orgs/works/settings").await;
    let form = settings.form("id=\"transfer\"");
    let refused = ada.submit(&form, &[("user", BO)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let taken = ada.get("/orgs").await.form("id=\"create\"");
    let taken = ada.submit(&taken, &[("slug", "acme")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text("notice").contains("taken"), "an old address is nobody's");
}

#[tokio::test]
async fn many_members_come_in_pages() {
    let site = site().await;
    let (issuer, operator) = (site.app.issuer(), hallpass_issuer::tokens::Actor::Operator);
    for n in 0..120 {
        let email = format!("m{n:03}@example.com");
        let new = hallpass_issuer::admin::NewUser {
            email: email.clone(),
            name: "M".to_owned(),
            password: None,
            admin: false,
        };
        issuer.create_user(new, "system").await.expect("a user");
        let (role, origin) = (hallpass_core::role::OrgRole::Member, Default::default());
        issuer.set_org_member(&operator, "acme", &email, role, &origin).await.expect("a role");
    }
    let ada = site.adas_browser().await;
    let (mut at, mut seen) = (MEMBERS.to_owned(), 0);
    for page in 1..=3 {
        let shown = ada.get(&at).await;
        seen += shown.html.matches("<li id=\"usr_").count();
        let more = shown.html.split("id=\"more\"").nth(1);
        assert_eq!(more.is_some(), page < 3, "page {page}");
        let href = more.and_then(|rest| rest.split("href=\"").nth(1));
        at = href.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
    }
    assert_eq!(seen, 121);
    let strange = ada.get(&format!("{MEMBERS}?after=usr_nonsense")).await;
    assert_eq!(strange.location(), MEMBERS);
}
