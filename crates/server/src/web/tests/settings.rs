//! Sessions and the password.

use http::StatusCode;

use super::site::{EMAIL, PASSWORD, Site};

#[tokio::test]
async fn one_browser_is_ended_from_another() {
    let site = Site::with_ada().await;
    let (here, there) = (site.adas_browser().await, site.adas_browser().await);
    let page = here.get("/settings/sessions").await;
    assert!(page.html.contains("Firefox on Linux"));
    assert_eq!(page.html.matches("This browser</span>").count(), 1);
    let ended = here.submit(&page.form("name=\"id\""), &[]).await;
    assert_eq!(ended.location(), "/settings/sessions?done=ended");
    assert_eq!(there.get("/settings/sessions").await.status, StatusCode::SEE_OTHER);
    assert_eq!(here.get("/settings/sessions").await.status, StatusCode::OK);
    let again = here.submit(&page.form("name=\"id\""), &[]).await;
    assert_eq!(again.location(), "/settings/sessions?done=gone");
}

// proves: attack-27
#[tokio::test]
async fn nobody_elses_session_can_be_ended() {
    let site = Site::with_ada().await;
    site.add_user("eve@example.com", "Eve").await;
    let (ada, other) = (site.adas_browser().await, site.adas_browser().await);
    let eve = site.browser();
    for _ in 0..2 {
        eve.sign_in("eve@example.com", PASSWORD, "/").await;
    }
    site.browser().sign_in("eve@example.com", PASSWORD, "/").await;
    let hers = ada.get("/settings/sessions").await.form("name=\"id\"").fields["id"].clone();
    let form = eve.get("/settings/sessions").await.form("name=\"id\"");
    let answer = eve.submit(&form, &[("id", &hers)]).await;
    assert_eq!(answer.location(), "/settings/sessions?done=gone");
    assert_eq!(other.get("/settings/sessions").await.status, StatusCode::OK);
}

#[tokio::test]
async fn everything_else_is_ended_at_once() {
    let site = Site::with_ada().await;
    let (here, there, third) =
        (site.adas_browser().await, site.adas_browser().await, site.adas_browser().await);
    let page = here.get("/settings/sessions").await;
    assert!(page.html.contains("2 other browsers are signed out at once."));
    let form = page.form("end-others-button");
    assert_eq!(form.action, "/settings/sessions/end-others");
    here.submit(&form, &[]).await;
    for browser in [there, third] {
        assert_eq!(browser.get("/settings/sessions").await.status, StatusCode::SEE_OTHER);
    }
    let page = here.get("/settings/sessions?done=others").await;
    assert!(page.html.contains("Everything but this browser is signed out."));
    assert!(!page.html.contains("end-others-button"));
}

#[tokio::test]
async fn an_empty_list_teaches_the_command() {
    let site = Site::with_ada().await;
    let page = site.adas_browser().await.get("/settings/sessions").await;
    assert!(page.html.contains("id=\"no-programs\""));
    assert!(page.html.contains("hallpass login https://id.example.com"));
}

#[tokio::test]
async fn a_new_password_ends_the_others() {
    let site = Site::with_ada().await;
    let (here, there) = (site.adas_browser().await, site.adas_browser().await);
    let page = here.get("/settings/security").await;
    let form = page.form("password-form");
    let fill = |present, new, again| {
        [("password", present), ("new_password", new), ("repeat_password", again)]
    };
    const NEW: &str = "an even better one";
    for (fields, says) in [
        (fill("wrong password", NEW, NEW), "The current password is not this one."),
        (fill(PASSWORD, NEW, "different"), "The two new passwords are not the same."),
        (fill(PASSWORD, "short", "short"), "at least"),
    ] {
        let refused = here.submit(&form, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text("notice").contains(says), "{}", refused.html);
        assert!(refused.text("notice").contains("was not changed"));
        assert!(!refused.html.contains(NEW) && !refused.html.contains(PASSWORD));
    }
    let done = here.submit(&form, &fill(PASSWORD, NEW, NEW)).await;
    assert_eq!(done.location(), "/settings/security?done=changed");
    assert_eq!(here.get("/settings/security?done=changed").await.status, StatusCode::OK);
    assert_eq!(there.get("/settings/security").await.status, StatusCode::SEE_OTHER);
    let old = site.browser().sign_in(EMAIL, PASSWORD, "/").await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(site.browser().sign_in(EMAIL, NEW, "/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_a_session_that_was_ended_elsewhere_does_nothing() {
    let site = Site::with_ada().await;
    let (here, there) = (site.adas_browser().await, site.adas_browser().await);
    let stale = there.get("/settings/security").await.form("password-form");
    let page = here.get("/settings/sessions").await;
    here.submit(&page.form("name=\"id\""), &[]).await;
    let answer = there
        .submit(
            &stale,
            &[("password", PASSWORD), ("new_password", "new"), ("repeat_password", "new")],
        )
        .await;
    assert_eq!((answer.status, &*answer.outcome()), (StatusCode::FORBIDDEN, "signed-out"));
    assert!(answer.html.contains("/signin?return_to=%2Fsettings%2Fsecurity"));
}
