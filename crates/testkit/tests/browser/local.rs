//! A server where nobody has to sign in, and who is not let near it.

use anyhow::Result;
use hallpass_testkit::browser::Browser;
use hallpass_testkit::server::Plan;

use crate::gallery::keep;
use crate::hostile::other_site;
use crate::scene;

// proves: SM06, HP18
#[tokio::test]
async fn one_person_uses_all_pages_and_no_other_site_does() -> Result<()> {
    let _turn = scene::turn().await?;
    let server = Plan::new().set("local", "true").start().await?;
    let browser = Browser::open().await?;
    browser.goto(&server.at("/")).await?;
    browser.shows("#local", "nobody has to sign in").await?;
    browser.find("#local-mode").await?;
    assert!(!browser.has("#signout").await?);
    keep(&browser, "local").await?;
    browser.click("#to-orgs").await?;
    browser.click("#make-one summary").await?;
    browser.fill("#slug", "acme").await?;
    browser.click("#create button").await?;
    browser.arrives("the organization", |url| url.contains("/orgs/acme")).await?;

    // A form, a frame and a script of another site; and that site under a name that leads here.
    let target = server.at("/orgs");
    let form = format!(
        "<form id='f' method='post' action='{target}'><input name='slug' value='evil'>\
         <button id='go'>win a prize</button></form>"
    );
    browser.goto(&other_site(form).await?).await?;
    browser.click("#go").await?;
    browser.shows("body", "a page of another site sent it").await?;
    let script = format!(
        "<p id='said'></p><script>fetch('{}', {{ mode: 'no-cors' }})\
         .then(() => fetch('{}'))\
         .then(() => said.textContent = 'read', () => said.textContent = 'refused')</script>",
        server.at("/api/v1/whoami"),
        server.at("/api/v1/whoami"),
    );
    browser.goto(&other_site(script).await?).await?;
    browser.shows("#said", "refused").await?;
    let rebound = server.at("/orgs").replace("//localhost:", "//evil.localhost:");
    browser.goto(&rebound).await?;
    browser.shows("body", "its Host is not localhost").await?;
    // A link from elsewhere may be followed.
    let link = format!("<a id='go' href='{}'>look</a>", server.at("/orgs/acme"));
    browser.goto(&other_site(link).await?).await?;
    browser.click("#go").await?;
    browser.shows("#local", "Local mode").await?;
    browser.goto(&server.at("/orgs")).await?;
    browser.shows("#orgs", "acme").await?;
    assert!(!browser.text("#orgs").await?.contains("evil"));
    browser.close().await
}
