//! Tokens of an older system, for the owners of their project.

use hallpass_core::Digest;
use hallpass_core::role::ProjectRole;
use hallpass_issuer::Origin;
use hallpass_issuer::legacy::{Defaults, Phase, Step};
use hallpass_issuer::tokens::Actor;
use http::StatusCode;

use super::site::{EMAIL, PASSWORD, Site};

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
