//! Tokens of an older system, for the owners of their project.

use hallpass_core::Digest;
use hallpass_core::role::ProjectRole;
use hallpass_issuer::Origin;
use hallpass_issuer::legacy::{Defaults, Phase, Step};
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::site::{EMAIL, HOME, PASSWORD, Site};
use super::tokens::value;

const PAGE: &str = "/orgs/acme/projects/genome/tokens";

/// Ada owns acme, Eve collaborates in acme/genome, and two tokens were taken over.
async fn site() -> Site {
    let site = Site::with_a_past().await;
    site.add_user("eve@example.com", "Eve").await;
    let (issuer, operator, origin) = (site.app.issuer(), Actor::Operator, Origin::default());
    issuer.create_org("acme", None, Some(EMAIL), &operator, &origin).await.expect("acme");
    for project in ["genome", "atlas"] {
        let made = issuer.create_project("acme", project, None, &operator, &origin).await;
        made.expect("a project");
    }
    let collaborator = ProjectRole::Collaborator;
    let set = issuer
        .set_project_member(&operator, "acme", "genome", "eve@example.com", collaborator, &origin)
        .await;
    set.expect("a member");
    for (project, text) in [("acme/genome", "stk_one"), ("acme/atlas", "stk_two")] {
        let digest = Digest::of(text.as_bytes());
        let hash: String = digest.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let defaults = Defaults { project: Some(project.to_owned()), ..Defaults::default() };
        let file = format!("hash,name\n{hash},{text} <b>\n");
        issuer.import_legacy(&file, defaults, "system").await.expect("an import");
    }
    site
}

#[tokio::test]
async fn an_owner_sees_the_phase_and_revokes() {
    let site = site().await;
    let ada = site.adas_browser().await;
    for (phase, says) in [
        (Phase::A, "on their way out"),
        (Phase::B, "deprecated"),
        (Phase::C, "but for those that are listed here"),
    ] {
        let step = Step { phase: Some(phase), ..Step::default() };
        site.app.issuer().step_legacy(step, "system").await.expect("a step");
        let page = ada.get(PAGE).await;
        assert!(page.text("banner").contains(says), "{}", page.html);
        assert!(page.text("banner").contains("18 November 2026"));
    }
    let page = ada.get(PAGE).await;
    assert!(page.html.contains("stk_one") && !page.html.contains("stk_two"));
    assert!(!page.html.contains("<b>"));
    let form = page.form("name=\"id\"");
    let done = ada.submit(&form, &[]).await;
    assert_eq!(done.location(), format!("{PAGE}?done=revoked"));
    let page = ada.get(done.location()).await;
    assert!(page.text("notice").contains("is revoked") && page.html.contains("id=\"no-tokens\""));
    assert_eq!(ada.submit(&form, &[]).await.location(), format!("{PAGE}?done=gone"));
    // Who, from where and why.
    let audit = site.audit().await;
    let row = audit.iter().find(|row| row.contains("\"token.revoke\"")).expect("a row");
    assert!(row.contains("revoked by an owner of the project") && row.contains(HOME), "{row}");
}

#[tokio::test]
async fn where_nothing_was_brought_there_is_nothing_to_do() {
    let site = Site::with_ada().await;
    let (issuer, operator, origin) = (site.app.issuer(), Actor::Operator, Origin::default());
    issuer.create_org("acme", None, Some(EMAIL), &operator, &origin).await.expect("acme");
    issuer.create_project("acme", "genome", None, &operator, &origin).await.expect("a project");
    let page = site.adas_browser().await.get(PAGE).await;
    let says = page.text("no-tokens");
    assert!(says.contains("nothing of an older system was brought here"), "{says}");
    assert!(page.html.contains("href=\"/orgs/acme/projects/genome/keys\""), "{}", page.html);
    assert!(!page.html.contains("id=\"banner\""));
}

#[tokio::test]
async fn owners_are_led_to_it_from_home_and_from_their_tokens() {
    let site = site().await;
    let (ada, eve) = (site.adas_browser().await, site.browser());
    eve.sign_in("eve@example.com", PASSWORD, "/").await;
    let link = format!("href=\"{PAGE}\"");
    for from in ["/", "/settings/tokens"] {
        let page = ada.get(from).await;
        assert!(page.text("older-tokens").contains("acme/atlas"), "{}", page.html);
        assert!(page.html.contains(&link), "{}", page.html);
        assert!(!eve.get(from).await.html.contains("older-tokens"));
    }
    // Not once there is none left.
    let form = ada.get(PAGE).await.form("name=\"id\"");
    ada.submit(&form, &[]).await;
    let page = ada.get("/").await;
    assert!(!page.html.contains(&link) && page.html.contains("acme/projects/atlas/tokens"));
}

// proves: ST13
#[tokio::test]
async fn one_more_is_made_in_phase_a_alone_and_shown_once() {
    let site = site().await;
    let (ada, eve) = (site.adas_browser().await, site.browser());
    eve.sign_in("eve@example.com", PASSWORD, "/").await;
    let form = ada.get(PAGE).await.form("id=\"make\"");
    let unnamed = ada.submit(&form, &[("name", " ")]).await;
    assert_eq!(unnamed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unnamed.text("notice").contains("No token was made."), "{}", unnamed.html);
    // Corrected, by the back button; and then never again.
    let fields = [("name", "old cron"), ("role", "viewer")];
    let made = ada.submit(&form, &fields).await;
    let text = value(&made);
    assert!(text.starts_with("stk_") && made.html.contains("what a viewer of acme/genome may"));
    let again = ada.submit(&form, &fields).await;
    assert_eq!((again.status, &*again.outcome()), (StatusCode::CONFLICT, "sent-before"));
    let page = ada.get(PAGE).await;
    assert!(page.html.contains("<bdi>old cron</bdi>") && !page.html.contains(&text));
    assert!(page.text("summary").contains("2 of them still work; none was used"));
    let other = ada.get("/orgs/acme/projects/atlas/tokens").await;
    assert!(!other.html.contains("old cron"));

    // Nobody else, by no form; and not for another project by the form of this one.
    let fresh = ada.get(PAGE).await.form("id=\"make\"");
    assert_eq!(eve.submit(&fresh, &[("name", "x")]).await.status, StatusCode::NOT_FOUND);
    let mut elsewhere = fresh.clone();
    elsewhere.action = elsewhere.action.replace("genome", "atlas");
    assert_eq!(ada.submit(&elsewhere, &[("name", "x")]).await.status, StatusCode::FORBIDDEN);
    // Not after phase A, by a form from before either.
    let step = Step { phase: Some(Phase::B), ..Step::default() };
    site.app.issuer().step_legacy(step, "system").await.expect("a step");
    assert!(!ada.get(PAGE).await.html.contains("id=\"make\""));
    let late = ada.submit(&fresh, &[("name", "late")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text("notice").contains("No token was made."), "{}", late.html);
    assert!(!ada.get(PAGE).await.html.contains("<bdi>late</bdi>"));
}

// proves: attack-27
#[tokio::test]
async fn nobody_but_an_owner_sees_or_ends_them() {
    let site = site().await;
    let (ada, eve) = (site.adas_browser().await, site.browser());
    eve.sign_in("eve@example.com", PASSWORD, "/").await;
    let form = ada.get(PAGE).await.form("name=\"id\"");
    let nowhere = eve.get("/orgs/acme/projects/nowhere/tokens").await;
    let there = eve.get(PAGE).await;
    assert_eq!((there.status, &there.html), (StatusCode::NOT_FOUND, &nowhere.html));
    assert_eq!(eve.submit(&form, &[]).await.status, StatusCode::NOT_FOUND);
    // An owner's form ends what is of that project, and nothing of another.
    let other = ada.get("/orgs/acme/projects/atlas/tokens").await;
    let foreign = other.form("name=\"id\"").fields["id"].clone();
    let answer = ada.submit(&form, &[("id", &foreign)]).await;
    assert_eq!(answer.location(), format!("{PAGE}?done=gone"));
    for (page, text) in [(PAGE, "stk_one"), ("/orgs/acme/projects/atlas/tokens", "stk_two")] {
        assert!(ada.get(page).await.html.contains(text));
    }
}
