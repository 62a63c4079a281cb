//! People who sign in, and people who try to be others.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{Answer, Tokens};
use hallpass_testkit::person::{Page, Person};
use hallpass_testkit::server::{PASSWORD, Plan, Server};
use hallpass_testkit::town::Town;
use hallpass_testkit::{html, wait};

/// The page without what differs for everybody: its token and what was typed.
fn anonymous(page: &Page, email: &str) -> String {
    let csrf = html::value(&page.body, "#signin input[name=csrf]", "value").unwrap_or_default();
    page.body.replace(&csrf, "").replace(email, "")
}

// proves: attack-36
#[tokio::test]
async fn an_answer_does_not_tell_whether_there_is_such_an_account() -> Result<()> {
    let town = Town::build().await?;
    town.server.person("gone@example.com", "Gone").await?;
    town.server.admin(&["user", "disable", "gone@example.com"], "").await?;
    let mut answers = BTreeMap::new();
    for (who, email, password) in [
        ("known", town.ada.email.as_str(), "a wrong password"),
        ("disabled", "gone@example.com", "a wrong password"),
        ("disabled, right password", "gone@example.com", PASSWORD),
        ("unknown", "nobody@example.com", "a wrong password"),
        ("unknown, empty password", "nobody@example.com", " "),
    ] {
        let page = Person::new(&town.server)?.sign_in(email, password).await?;
        let names: Vec<_> = page.headers.keys().map(|name| name.as_str().to_owned()).collect();
        answers.insert(who, (page.status, names, anonymous(&page, email)));
    }
    let first = answers.values().next().context("answers")?.clone();
    assert_eq!(first.0, 422);
    for (who, answer) in &answers {
        assert!(*answer == first, "{who}: {answer:?}\nbut {first:?}");
    }
    Ok(())
}

/// Fails to sign in as `email` from `address`, as a proxy reports it.
async fn guess(server: &Server, email: &str, address: &str) -> Result<u16> {
    let person = Person::new(server)?;
    let page = person.get("/signin").await?;
    let form = html::form(&page.body, "#signin").context("a form")?;
    let fields: Vec<(&str, &str)> = form
        .fields
        .iter()
        .map(|(name, value)| match name.as_str() {
            "email" => ("email", email),
            "password" => ("password", "a guess"),
            name => (name, value.as_str()),
        })
        .collect();
    let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", address)];
    Ok(person.post_with(&form.action, &fields, &headers).await?.status.as_u16())
}

// proves: attack-38, attack-39
#[tokio::test]
async fn guessing_is_stopped_and_the_owner_is_not_locked_out() -> Result<()> {
    // She has signed in from here before; the guesser comes from elsewhere.
    let town = Town::of(Plan::new().set("trusted_proxies", "127.0.0.1,::1")).await?;
    let spellings = [
        "ada@example.com",
        "ADA@example.com",
        " ada@example.com",
        "Ada@Example.COM",
        "ada@example.com ",
    ];
    let mut heard = 0;
    for n in 0..60 {
        // From many addresses, in many spellings.
        let address = format!("203.0.{}.{}", 113 + n % 3, 1 + n);
        let spelling = spellings[n % spellings.len()];
        heard += u32::from(guess(&town.server, spelling, &address).await? != 429);
    }
    assert!(heard <= 30, "{heard} of 60 guesses were heard");
    let owner = Person::new(&town.server)?.sign_in(&town.ada.email, PASSWORD).await?;
    assert_eq!(owner.status, 200);
    assert!(html::form(&owner.body, "#signin").is_none(), "the owner is locked out");
    Ok(())
}

/// The most memory that a process has had, in MiB.
fn peak_memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kib / 1024)
}

// proves: attack-44
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_signs_in_takes_its_turn_and_holds_nobody_else_up() -> Result<()> {
    let town = Town::build().await?;
    let tokens: Tokens = town.tool.tokens(&town.person, &[]).await?;
    let person = Person::new(&town.server)?;
    let page = person.get("/signin").await?;
    let csrf = html::value(&page.body, "#signin input[name=csrf]", "value").context("csrf")?;
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..500 {
        let (person, csrf) = (person.clone(), csrf.clone());
        crowd.spawn(async move {
            let (email, password) = (format!("nobody-{n}@example.com"), "x".repeat(1024));
            let fields = [
                ("csrf", csrf.as_str()),
                ("email", &email),
                ("password", &password),
                ("return_to", "/"),
            ];
            let headers = [("sec-fetch-site", "same-origin")];
            person.post_with("/signin", &fields, &headers).await.map(|page| page.status.as_u16())
        });
    }
    // Meanwhile everything else is answered.
    for _ in 0..20 {
        assert!(town.admits(&tokens.access).await?);
        let health = Answer::of(town.tool.request("GET", "/health/ready")).await?;
        assert_eq!(health.status, 200);
    }
    let mut answers: BTreeMap<u16, u32> = BTreeMap::new();
    while let Some(answer) = crowd.join_next().await {
        *answers.entry(answer??).or_default() += 1;
    }
    assert!(answers.keys().all(|status| matches!(status, 422 | 429)), "{answers:?}");
    assert!(answers.get(&429).is_some_and(|refused| *refused > 100), "{answers:?}");
    let peak = peak_memory(town.server.pid()?)?;
    assert!(peak < 512, "{peak} MiB");
    // And afterwards she signs in as before.
    wait::until("her turn", async || {
        let page = Person::new(&town.server)?.sign_in(&town.ada.email, PASSWORD).await?;
        Ok((page.status == 200).then_some(()))
    })
    .await
}
