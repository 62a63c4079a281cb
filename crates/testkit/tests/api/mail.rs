//! Mail: who is told what an administrator did, and how it gets to a mail server in private.

use anyhow::{Context as _, Result};
use hallpass_testkit::certificate::Certificate;
use hallpass_testkit::person::Person;
use hallpass_testkit::server::Plan;
use hallpass_testkit::smtp::{Received, Smtp};
use hallpass_testkit::town::Town;
use hallpass_testkit::wait;
use serde_json::json;

use crate::city::{City, text};

/// Its subject and its text in one line.
fn said(mail: &Received) -> String {
    let text = mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}: {text}", mail.header("Subject").unwrap_or_default())
}

/// A person hears of what somebody else did with their account, and of nothing else.
// proves: SM13
#[tokio::test]
async fn a_person_is_told_what_an_administrator_did_with_their_account() -> Result<()> {
    let post = Smtp::start().await?;
    let city = City::build(post.of(Plan::new())).await?;
    let root = city.presents("administrator").context("an administrator")?.to_owned();
    let server = &city.town.server;
    // Of her own doing.
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    city.made(&owner, "/api/v1/tokens", json!({ "name": "own" })).await?;
    let new = json!({ "name": "on behalf", "user": "target@example.com" });
    let made = city.made(&root, "/api/v1/tokens", new).await?;
    let (id, value) = (text(&made, "id")?, text(&made, "value")?);
    let mail = post.next().await?;
    let told = said(&mail);
    assert_eq!(mail.to, "target@example.com", "{mail:?}");
    assert!(told.contains("\"on behalf\"") && told.contains("The administrator"), "{told}");
    assert!(told.contains("/settings/tokens") && !mail.text.contains(&value), "{told}");
    let rotate = format!("/api/v1/tokens/{id}/rotate");
    let next = city.made(&root, &rotate, json!({ "overlap_seconds": 0 })).await?;
    assert!(said(&post.next().await?).contains("rotated"), "{next}");
    let path = format!("/api/v1/tokens/{}", text(&next, "id")?);
    assert_eq!(city.call("DELETE", &path, Some(&root), None).await?.status, 204);
    assert!(said(&post.next().await?).contains("revoked"));

    let path = "/api/v1/users/target@example.com";
    for (verb, words) in [("end-all", "signed out"), ("disable", "disabled"), ("enable", "again")] {
        let done = city.call("POST", &format!("{path}/{verb}"), Some(&root), None).await?;
        assert_eq!(done.status, 204, "{done:?}");
        let mail = post.next().await?;
        assert!(mail.to == "target@example.com" && said(&mail).contains(words), "{mail:?}");
    }
    // What was so already is told to nobody; the operator is an administrator too.
    let same = city.call("POST", &format!("{path}/enable"), Some(&root), None).await?;
    assert_eq!(same.status, 204);
    server.admin(&["user", "disable", "target@example.com"], "").await?;
    let told = said(&post.next().await?);
    assert!(told.contains("was disabled") && told.contains("The operator"), "{told}");
    // What waits is on the page about the server's health.
    post.is_busy(true);
    server.admin(&["user", "enable", "target@example.com"], "").await?;
    let page = Person::new(server)?;
    page.sign_in("root@example.com", hallpass_testkit::server::PASSWORD).await?;
    let health = page.get("/admin").await?.text("#health").context("the facts")?;
    assert!(health.contains("1 wait, the oldest came"), "{health}");
    assert!(post.so_far().await.is_empty(), "nobody else was told anything");
    Ok(())
}

/// Over TLS from the start and with STARTTLS, to a server that is trusted; and else not at all.
#[tokio::test]
async fn mail_leaves_the_machine_over_tls_or_not_at_all() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let certificate = Certificate::make(scratch.path())?;
    let trusted = certificate.certificate.to_str().context("a path in UTF-8")?;
    // Something that somebody is told of.
    let happens = async |town: &Town| {
        let bo = town.server.person("bo@example.com", "Bo").await?;
        town.server.admin(&["user", "disable", &bo.email], "").await
    };
    for post in [Smtp::start_tls(&certificate).await?, Smtp::start_starttls(&certificate).await?] {
        let plan = post.of(Plan::new()).variable("SSL_CERT_FILE", trusted);
        let town = Town::of(plan).await?;
        happens(&town).await?;
        assert_eq!(post.next().await?.to, "bo@example.com", "{}", post.url());
        // Nobody trusts this certificate by chance.
        let town = Town::of(post.of(Plan::new())).await?;
        happens(&town).await?;
        let waits = async || Ok(town.server.log().contains("a mail waits").then_some(()));
        wait::until("a letter to wait", waits).await?;
        assert!(post.so_far().await.is_empty(), "{}", post.url());
    }
    // Who knows no STARTTLS gets nothing.
    let post = Smtp::start().await?;
    let plan = post.of(Plan::new()).set("smtp_url", &post.url_with_starttls());
    let town = Town::of(plan).await?;
    happens(&town).await?;
    let waits = async || Ok(town.server.log().contains("a mail waits").then_some(()));
    wait::until("a letter to wait", waits).await?;
    assert!(post.so_far().await.is_empty());
    Ok(())
}
