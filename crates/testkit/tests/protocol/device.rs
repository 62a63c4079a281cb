//! D: device authorization.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hallpass_core::Clock as _;
use hallpass_testkit::oauth::{Answer, OAuth, Tokens};
use hallpass_testkit::person::{Page, Person};
use hallpass_testkit::possession::{self, Key};
use hallpass_testkit::server::Plan;
use hallpass_testkit::system::RealClock;
use hallpass_testkit::town::{self, Town};
use hallpass_testkit::{html, wait};

fn outcome(page: &Page) -> String {
    html::value(&page.body, "#outcome", "data-outcome").unwrap_or_default()
}

async fn seconds(count: u64) -> Result<()> {
    let then = RealClock.now() + Duration::from_millis(count * 1000 + 50);
    wait::until("the clock", async || Ok((RealClock.now() > then).then_some(()))).await
}

// proves: D01, D16
#[tokio::test]
async fn the_answer_says_all_that_a_device_needs() -> Result<()> {
    let town = Town::build().await?;
    let metadata = town.tool.request("GET", "/.well-known/oauth-authorization-server");
    let endpoint = Answer::of(metadata).await?.get("device_authorization_endpoint");
    assert_eq!(endpoint, town.server.at("/oauth/device"));

    let answer = town.tool.device(&[("scope", "openid")]).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!(json["expires_in"], 600);
    assert_eq!(json["interval"], 5);
    assert!(!answer.get("device_code").is_empty());
    let (code, uri) = (answer.get("user_code"), answer.get("verification_uri"));
    assert_eq!(uri, town.server.at("/device"));
    assert!(answer.get("verification_uri_complete").starts_with(&format!("{uri}?user_code=")));
    let letters: Vec<char> = code.chars().filter(|c| *c != '-').collect();
    assert!(
        letters.len() >= 8 && letters.iter().all(|c| "BCDFGHJKLMNPQRSTVWXZ".contains(*c)),
        "{code}"
    );
    Ok(())
}

// proves: D03, client-C8
#[tokio::test]
async fn a_poll_says_how_it_stands() -> Result<()> {
    let town = Town::of(Plan::new().set("device_interval", "1s").set("device_ttl", "3s")).await?;
    let (approved, denied, old) =
        (town.tool.device(&[]).await?, town.tool.device(&[]).await?, town.tool.device(&[]).await?);
    let poll = async |device: &Answer| town.tool.poll(&device.get("device_code")).await;
    assert_eq!(poll(&approved).await?.outcome(), (400, "authorization_pending".to_owned()));

    let page = town.person.decide_device(&approved.get("user_code"), "approve").await?;
    assert_eq!(outcome(&page), "approved");
    seconds(1).await?;
    let tokens = Tokens::read(&poll(&approved).await?)?;
    assert!(town.admits(&tokens.access).await?);
    assert!(!tokens.refresh.is_empty());
    assert_eq!(poll(&approved).await?.outcome(), (400, "invalid_grant".to_owned()));
    assert!(!town.admits(&tokens.access).await?, "a second redemption ends the grant");

    let page = town.person.decide_device(&denied.get("user_code"), "deny").await?;
    assert_eq!(outcome(&page), "denied");
    assert_eq!(poll(&denied).await?.outcome(), (400, "access_denied".to_owned()));

    seconds(3).await?;
    assert_eq!(poll(&old).await?.outcome(), (400, "expired_token".to_owned()));
    assert_eq!(poll(&denied).await?.status, 400);
    assert_eq!(
        town.tool.poll("hp_dc_nonsense").await?.outcome(),
        (400, "invalid_grant".to_owned())
    );
    Ok(())
}

// proves: D04
#[tokio::test]
async fn polling_too_fast_is_slowed_down_for_good() -> Result<()> {
    let town = Town::of(Plan::new().set("device_interval", "1s")).await?;
    let device = town.tool.device(&[]).await?;
    assert_eq!(device.json()["interval"], 1);
    let poll =
        async || Ok::<_, anyhow::Error>(town.tool.poll(&device.get("device_code")).await?.error());
    assert_eq!(poll().await?, "authorization_pending");
    assert_eq!(poll().await?, "slow_down");
    // One second was right before, and is five too few now.
    seconds(2).await?;
    assert_eq!(poll().await?, "slow_down");
    Ok(())
}

// proves: D05, attack-4
#[tokio::test]
async fn another_client_cannot_redeem_a_device_code_nor_spoil_it() -> Result<()> {
    let town = Town::build().await?;
    let other = town.other_tool().await?;
    let device = town.tool.device(&[]).await?;
    let code = device.get("device_code");
    assert_eq!(other.poll(&code).await?.outcome(), (400, "invalid_grant".to_owned()));
    town.person.decide_device(&device.get("user_code"), "approve").await?;
    assert_eq!(other.poll(&code).await?.outcome(), (400, "invalid_grant".to_owned()));
    assert_eq!(town.api.poll(&code).await?.status, 400);
    assert_eq!(town.tool.poll(&code).await?.status, 200, "nor slowed it down");
    Ok(())
}

// proves: D07, attack-3
#[tokio::test]
async fn guessing_codes_is_stopped() -> Result<()> {
    let town = Town::build().await?;
    let device = town.tool.device(&[]).await?;
    let mut refused = 0;
    for n in 0..12 {
        let page = town
            .person
            .type_code(&format!("BBBB-BBB{}", "CDFGHJKLMNPQRST".chars().nth(n).context("n")?))
            .await?;
        assert!(page.status == 422 || page.status == 429 || page.status == 404, "{}", page.status);
        refused += u32::from(page.status == 429);
    }
    assert!(
        refused >= 7,
        "after five wrong codes in ten minutes there are no more guesses: {refused}"
    );
    // While she is stopped the right code is not told from a wrong one.
    let page = town.person.type_code(&device.get("user_code")).await?;
    assert_eq!(page.status, 429);
    // Somebody else in the same network still has guesses, and codes in flight live on.
    let (_, bo) = town.bo().await?;
    assert_eq!(outcome(&bo.decide_device(&device.get("user_code"), "approve").await?), "approved");

    // Sums that do not add up stop the server at its start.
    let refused = Plan::new().set("device_max_live", "1000000").start().await;
    let error = format!("{:#}", refused.err().context("a server with guessable codes")?);
    assert!(error.contains("device_max_live") || error.contains("guess"), "{error}");
    Ok(())
}

#[tokio::test]
async fn only_people_who_are_signed_in_may_guess() -> Result<()> {
    let town = Town::build().await?;
    let device = town.tool.device(&[]).await?;
    let stranger = Person::new(&town.server)?;
    let page = stranger.get("/device").await?;
    assert_eq!(page.url.path(), "/signin");
    let fields = [("user_code".to_owned(), device.get("user_code"))];
    let page = stranger.post("/device", &fields).await?;
    assert!(html::form(&page.body, "#decide").is_none());
    Ok(())
}

// proves: D09
#[tokio::test]
async fn a_code_is_read_as_people_type_it() -> Result<()> {
    let town = Town::build().await?;
    let device = town.tool.device(&[]).await?;
    let code = device.get("user_code");
    let spaced: String =
        code.to_lowercase().chars().filter(|c| *c != '-').map(|c| format!("{c} ")).collect();
    for typed in
        [code.clone(), code.to_lowercase(), code.replace('-', ""), code.replace('-', " – "), spaced]
    {
        let page = town.person.type_code(&typed).await?;
        assert!(html::form(&page.body, "#decide").is_some(), "{typed:?}: {}", page.status);
        assert_eq!(page.text("#user-code").as_deref(), Some(code.as_str()));
    }
    Ok(())
}

// proves: D10, D12, D13, attack-1, attack-2
#[tokio::test]
async fn nothing_is_approved_but_by_a_click_on_our_own_form() -> Result<()> {
    let town = Town::build().await?;
    let device = town.tool.device(&[]).await?;
    let complete = device.get("verification_uri_complete");
    let code = device.get("user_code");
    let pending = async || {
        let state = town.tool.poll(&device.get("device_code")).await?.error();
        anyhow::ensure!(matches!(state.as_str(), "authorization_pending" | "slow_down"), "{state}");
        Ok(())
    };
    // Opening the address shows the code, and asks to go on.
    let page = town.person.get(&complete).await?;
    assert_eq!(
        html::value(&page.body, "#device #user_code", "value").as_deref(),
        Some(code.as_str())
    );
    pending().await?;
    let page = town.person.submit(&page, "#device", &[], None).await?;
    let form = html::form(&page.body, "#decide").context("a question")?;
    pending().await?;
    // Addresses decide nothing, whatever they say.
    for query in ["&decision=approve", "&approve=1", "&csrf=x&decision=approve"] {
        town.person.get(&format!("{complete}{query}")).await?;
        town.person.get(&format!("/device/decision?user_code={code}{query}")).await?;
    }
    pending().await?;
    // Nor do forms without the token of this page, of this person, for this code.
    let (_, bo) = town.bo().await?;
    let bos = bo.type_code(&code).await?;
    let bos = html::value(&bos.body, "#decide input[name=csrf]", "value");
    let earlier =
        html::value(&town.person.get("/device").await?.body, "#device input[name=csrf]", "value");
    let another = town.tool.device(&[]).await?;
    let another = town.person.type_code(&another.get("user_code")).await?;
    let another = html::value(&another.body, "#decide input[name=csrf]", "value");
    for csrf in [None, Some(String::new()), Some("forged".to_owned()), bos, earlier, another] {
        let mut fields = vec![
            ("user_code".to_owned(), code.clone()),
            ("decision".to_owned(), "approve".to_owned()),
        ];
        fields.extend(csrf.clone().map(|csrf| ("csrf".to_owned(), csrf)));
        let answer = town.person.post(&form.action, &fields).await?;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{csrf:?}: {}", answer.status);
    }
    pending().await?;
    // Nor the right form from another site.
    let mut fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    fields.push(("decision", "approve"));
    for site in ["cross-site", "same-site"] {
        let headers = [("sec-fetch-site", site), ("origin", "https://evil.example")];
        assert_eq!(town.person.post_with(&form.action, &fields, &headers).await?.status, 403);
    }
    assert_eq!(
        town.person.post_with(&form.action, &fields, &[("origin", "null")]).await?.status,
        403
    );
    pending().await?;
    // And the page says nothing is decided until a button is pressed.
    assert_eq!(
        outcome(&town.person.submit(&page, "#decide", &[], Some("approve")).await?),
        "approved"
    );
    Ok(())
}

// proves: D11, HP11, attack-1
#[tokio::test]
async fn the_page_tells_what_is_known_from_what_is_said() -> Result<()> {
    let town = Town::build().await?;
    let reported = [
        ("scope", "openid account"),
        ("hallpass_host", "laptop-7"),
        ("hallpass_user", "ada"),
        ("hallpass_command", "hallpass login"),
    ];
    let device = town.tool.device(&reported).await?;
    let page = town.person.type_code(&device.get("user_code")).await?;
    let shown = |selector: &str| {
        page.text(selector).with_context(|| format!("{selector} on {}", page.body))
    };
    assert!(shown("h1")?.contains("Did you start this"));
    assert!(shown("#client-name")?.contains("tool"));
    assert!(shown("#signed-in-as")?.contains(&town.ada.email));
    // The server's own: address and time.
    let address = shown("#seen #address")?;
    assert!(address.contains("127.0.0.1") || address.contains("::1"), "{address}");
    assert!(!shown("#seen #asked")?.is_empty());
    // The requester's, and labelled so.
    assert_eq!(shown("#reported #reported-host")?, "laptop-7");
    assert_eq!(shown("#reported #reported-user")?, "ada");
    assert_eq!(shown("#reported #reported-command")?, "hallpass login");
    assert!(page.body.to_lowercase().contains("reported by the requester"));
    for scope in ["openid", "account"] {
        assert!(!shown(&format!("#scopes [data-scope={scope}]"))?.is_empty());
    }
    // A requester cannot put words into the server's mouth.
    let lies = [
        ("hallpass_host", "</dd></dl><h1 id=x>Verified</h1>"),
        ("hallpass_user", "\u{202E}nimda\u{200B}"),
        ("hallpass_command", "hallpass\u{1b}[31m login\nAddress: 10.0.0.1"),
        ("address", "203.0.113.9"),
    ];
    let device = town.tool.device(&lies).await?;
    let page = town.person.type_code(&device.get("user_code")).await?;
    assert_eq!(page.text("#x"), None);
    assert!(!page.body.contains(['\u{202E}', '\u{200B}', '\u{1b}']));
    assert!(!page.text("#seen").context("facts")?.contains("203.0.113.9"));
    Ok(())
}

// proves: D14, HP03
#[tokio::test]
async fn a_device_that_named_its_key_alone_redeems_the_code() -> Result<()> {
    let town = Town::of(Plan::new().set("device_interval", "1s")).await?;
    let (key, other) = (Key::new()?, Key::new()?);
    let jkt = key.jkt();
    let device = town.tool.device(&[("dpop_jkt", &jkt)]).await?;
    assert!(!device.header("dpop-nonce").is_empty(), "for the first poll");
    let code = device.get("device_code");
    let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    let poll = [("grant_type", grant_type), ("device_code", code.as_str())];
    // A poll of somebody else neither slows the device down nor learns anything.
    for _ in 0..2 {
        assert_eq!(town.tool.poll(&code).await?.outcome(), (400, "invalid_dpop_proof".to_owned()));
        let stolen = possession::token(&town.tool, &poll, &other).await?;
        assert_eq!(stolen.outcome(), (400, "invalid_grant".to_owned()));
    }
    let pending = possession::token(&town.tool, &poll, &key).await?;
    assert_eq!(pending.outcome(), (400, "authorization_pending".to_owned()));
    town.person.decide_device(&device.get("user_code"), "approve").await?;
    // Approved: still nobody else's, and nothing is spent by their trying.
    assert_eq!(town.tool.poll(&code).await?.outcome(), (400, "invalid_dpop_proof".to_owned()));
    let stolen = possession::token(&town.tool, &poll, &other).await?;
    assert_eq!(stolen.outcome(), (400, "invalid_grant".to_owned()));
    seconds(1).await?;
    let answer = possession::token(&town.tool, &poll, &key).await?;
    assert_eq!(answer.get("token_type"), "DPoP", "{answer:?}");
    let copied = town.tool.refresh(&answer.get("refresh_token")).await?;
    assert_eq!(copied.outcome(), (400, "invalid_dpop_proof".to_owned()));
    let wrong = town.tool.device(&[("dpop_jkt", "short")]).await?;
    assert_eq!(wrong.outcome(), (400, "invalid_request".to_owned()));
    Ok(())
}

// proves: D14
#[tokio::test]
async fn a_binding_that_is_not_offered_is_not_pretended() -> Result<()> {
    let town = Town::build().await?;
    let bound = [
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let device = town.tool.device(&bound).await?;
    let answer = (device.status.as_u16(), device.error());
    // Ignored as unknown (RFC 6749 §3.2), with nothing in the answer that says otherwise.
    assert_eq!(answer.0, 200, "{device:?}");
    assert!(device.json()["code_challenge"].is_null() && device.json()["dpop_jkt"].is_null());
    Ok(())
}

// proves: D15, HP11
#[tokio::test]
async fn a_client_can_do_without_this_flow() -> Result<()> {
    let town = Town::build().await?;
    let grants = ["--grant-type", "authorization_code", "--grant-type", "refresh_token"];
    town.server.client("browser-only", &[town::REGISTERED], &grants).await?;
    let client = OAuth::public(&town.server, "browser-only");
    assert_eq!(client.device(&[]).await?.outcome(), (400, "unauthorized_client".to_owned()));
    let device = town.tool.device(&[]).await?;
    town.person.decide_device(&device.get("user_code"), "approve").await?;
    assert_eq!(client.poll(&device.get("device_code")).await?.status, 400);
    // What it is good for, what is dangerous about it, and how to switch it off.
    let documented = hallpass_testkit::tree::sources("", &["SECURITY.md"])?;
    let text = documented.iter().map(|source| source.text.as_str()).collect::<String>();
    assert!(text.contains("**The device flow**") && text.contains("--grant-type"), "SECURITY.md");
    Ok(())
}
