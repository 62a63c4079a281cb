//! Headers and forms of the pages around all that.

use anyhow::{Context as _, Result};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::{PASSWORD, Plan};
use hallpass_testkit::town::Town;
use hallpass_testkit::{html, oauth};

// proves: A20, A21, attack-34
#[tokio::test]
async fn every_page_has_the_headers_that_keep_it_safe() -> Result<()> {
    let town = Town::build().await?;
    let (address, _) = town.tool.authorization(&[])?;
    let device = town.tool.device(&[]).await?;
    let consent = town.person.get(&address).await?;
    let continues = town.person.submit(&consent, "#consent", &[], Some("approve")).await?;
    let pages = [
        ("home", town.person.get("/").await?),
        ("sign-in", Person::new(&town.server)?.get("/signin").await?),
        ("device", town.person.get(&device.get("verification_uri_complete")).await?),
        ("device, confirm", town.person.type_code(&device.get("user_code")).await?),
        ("sessions", town.person.get("/settings/sessions").await?),
        ("security", town.person.get("/settings/security").await?),
        ("logout", town.person.get("/oauth/logout").await?),
        ("error", town.person.get("/oauth/authorize").await?),
        ("not found", town.person.get("/no/such/page").await?),
        ("consent", consent),
        ("after consent", continues),
    ];
    for (what, page) in &pages {
        let csp = page.header("content-security-policy");
        for directive in
            ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action"]
        {
            assert!(csp.contains(directive), "{what}: no {directive} in {csp:?}");
        }
        assert!(!csp.contains("unsafe"), "{what}: {csp}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{what}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{what}");
        assert!(page.header("cache-control").contains("no-store"), "{what}");
        let referrer = page.header("referrer-policy");
        assert!(matches!(referrer, "no-referrer" | "same-origin"), "{what}: {referrer}");
        assert!(
            !page.body.contains("<script")
                && !page.body.contains(" onclick")
                && !page.body.contains(" style="),
            "{what}"
        );
    }
    let (_, continues) = pages.last().context("pages")?;
    assert!(continues.leads_to().is_some_and(|to| oauth::query(&to, "code").is_some()));
    assert_eq!(continues.header("referrer-policy"), "no-referrer", "it holds a code");
    Ok(())
}

// proves: attack-1, HP11
#[tokio::test]
async fn a_request_from_another_network_is_pointed_out() -> Result<()> {
    let plan = Plan::new().set("trusted_proxies", "127.0.0.1,::1");
    let town = Town::of(plan).await?;
    let ask = async |address: &str| {
        let request = town.tool.request("POST", "/oauth/device").header("x-forwarded-for", address);
        let answer = oauth::Answer::of(request.form(&[("client_id", "tool")])).await?;
        Ok::<_, anyhow::Error>(answer.get("user_code"))
    };
    let far = town.person.type_code(&ask("203.0.113.9").await?).await?;
    assert!(far.text("#other-network").context("a warning")?.contains("203.0.113.9"));
    assert!(far.text("#seen #address").context("an address")?.contains("203.0.113.9"));
    let near = town.person.type_code(&ask("127.0.0.77").await?).await?;
    assert_eq!(near.text("#other-network"), None, "the same /24");
    // The audit log has both addresses.
    town.person.submit(&far, "#decide", &[], Some("approve")).await?;
    let audit = town.server.admin(&["audit", "list", "--json", "--limit", "100"], "").await?;
    let rows: Vec<_> = audit.lines().filter(|row| row.contains("device")).collect();
    assert!(rows.iter().any(|row| row.contains("203.0.113.9")), "{audit}");
    assert!(rows.iter().any(|row| row.contains("127.0.0.1") || row.contains("::1")), "{audit}");
    Ok(())
}

// proves: attack-35
#[tokio::test]
async fn signing_in_brings_a_new_session_and_ends_the_old_one() -> Result<()> {
    let town = Town::build().await?;
    let cookie = |page: &hallpass_testkit::person::Page| {
        let set = page.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        set.filter_map(|line| line.split(';').next())
            .find(|pair| pair.contains("hp_ses_"))
            .map(str::to_owned)
    };
    let person = Person::new(&town.server)?;
    let page = person.get("/signin").await?;
    let form = html::form(&page.body, "#signin").context("a form")?;
    let fields: Vec<_> = form
        .fields
        .iter()
        .map(|(name, value)| {
            let value = match name.as_str() {
                "email" => town.ada.email.clone(),
                "password" => PASSWORD.to_owned(),
                _ => value.clone(),
            };
            (name.clone(), value)
        })
        .collect();
    let first = cookie(&person.post("/signin", &fields).await?).context("a session")?;
    let page = person.get("/signin?again=1").await?;
    let again = person
        .submit(&page, "#signin", &[("email", &town.ada.email), ("password", PASSWORD)], None)
        .await?;
    let second = cookie(&again);
    assert_ne!(Some(&first), second.as_ref());
    // Whoever planted or kept the first one has nothing.
    let stolen = town.tool.request("GET", "/settings/sessions").header("cookie", &first);
    let stolen = oauth::Answer::of(stolen.header("accept", "text/html")).await?;
    assert!(!stolen.body.contains(&town.ada.email), "{}", stolen.body);
    // A session cannot be planted: only one that we have issued is one.
    let name = first.split('=').next().context("a name")?;
    let planted = format!("{name}=hp_ses_000000000000000000000000000000000000");
    let planted = town.tool.request("GET", "/settings/sessions").header("cookie", planted);
    assert!(!oauth::Answer::of(planted).await?.body.contains(&town.ada.email));
    // And nobody can be signed in by another site's form.
    let fields: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    let forced = Person::new(&town.server)?.post_with("/signin", &fields, &headers).await?;
    assert!(forced.status == 403 && cookie(&forced).is_none());
    Ok(())
}

// proves: C17, attack-1
#[tokio::test]
async fn a_forwarded_address_counts_only_from_a_proxy_that_was_named() -> Result<()> {
    let town = Town::build().await?;
    let request = town.tool.request("POST", "/oauth/device");
    let request =
        request.header("x-forwarded-for", "203.0.113.9").header("forwarded", "for=203.0.113.9");
    let device = oauth::Answer::of(request.form(&[("client_id", "tool")])).await?;
    let page = town.person.type_code(&device.get("user_code")).await?;
    let address = page.text("#seen #address").context("an address")?;
    assert!(address.contains("127.0.0.1") || address.contains("::1"), "{address}");
    assert_eq!(page.text("#other-network"), None);
    Ok(())
}

// proves: C17, attack-35
#[tokio::test]
async fn over_tls_cookies_belong_to_this_host_and_to_tls() -> Result<()> {
    let town = Town::of(Plan::new().tls()).await?;
    let person = Person::new(&town.server)?;
    let page = person.get("/signin").await?;
    let form = html::form(&page.body, "#signin").context("a form")?;
    let fields: Vec<_> = form
        .fields
        .iter()
        .map(|(name, value)| match name.as_str() {
            "email" => (name.clone(), town.ada.email.clone()),
            "password" => (name.clone(), PASSWORD.to_owned()),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    let answer = person.post(&form.action, &fields).await?;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    let session = cookies.iter().filter_map(|value| value.to_str().ok());
    let session = session.into_iter().find(|line| line.contains("hp_ses_")).context("a session")?;
    assert!(session.starts_with("__Host-"), "{session}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(session.contains(attribute), "{attribute}: {session}");
    }
    assert!(!session.contains("Domain"), "{session}");
    assert!(
        answer.header("strict-transport-security").contains("max-age="),
        "{:?}",
        answer.headers
    );
    // In the clear there is nothing on that port, and no page that says where to go.
    let plain = town.server.url().replace("https:", "http:");
    assert!(reqwest::get(plain).await.is_err());
    Ok(())
}
