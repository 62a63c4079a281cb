//! A: the authorization endpoint, redirects, consent.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{self, CALLBACK, OAuth};
use hallpass_testkit::person::{Page, Person};
use hallpass_testkit::redirects::{GOOD, HOSTILE, REGISTERED};
use hallpass_testkit::town::{self, Town};
use hallpass_testkit::{html, server::Server};
use reqwest::{StatusCode, Url};

/// The page asks for consent.
fn asks(page: &Page) -> bool {
    html::form(&page.body, "#consent").is_some()
}

/// The browser leaves the server for the client, with this OAuth error.
fn told(page: &Page) -> Option<String> {
    let to = page.leads_to().filter(|to| to.as_str().starts_with(CALLBACK))?;
    oauth::query(&to, "error")
}

/// Nothing on the page, nor in its headers, leads anywhere but to our own pages.
fn stays(page: &Page) -> bool {
    page.leads_to().is_none() && html::value(&page.body, "a#continue", "href").is_none()
}

// proves: A01
#[tokio::test]
async fn get_and_post_are_the_same() -> Result<()> {
    let town = Town::build().await?;
    let (address, _) = town.tool.authorization(&[])?;
    let query = Url::parse(&address)?;
    let fields: Vec<(String, String)> =
        query.query_pairs().map(|(k, v)| (k.into(), v.into())).collect();
    let fields: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    // A client posts from its own page if it posts at all.
    let cross_site = [("sec-fetch-site", "cross-site"), ("origin", "https://client.example")];
    let post = async |person: &Person| {
        let page = person.post_with("/oauth/authorize", &fields, &cross_site).await?;
        match page.leads_to() {
            Some(to) => person.get(to.as_str()).await,
            None => Ok(page),
        }
    };
    let (got, posted) = (town.person.get(&address).await?, post(&town.person).await?);
    assert!(asks(&got) && asks(&posted), "{} {}", got.body, posted.body);

    let stranger = Person::new(&town.server)?;
    for page in [stranger.get(&address).await?, post(&stranger).await?] {
        assert_eq!(page.url.path(), "/signin");
        let page = Person::new(&town.server)?.get(page.url.as_str()).await?;
        assert!(html::form(&page.body, "#signin").is_some());
    }
    Ok(())
}

// proves: A02, A03
#[tokio::test]
async fn unknown_parameters_are_ignored_and_empty_ones_omitted() -> Result<()> {
    let town = Town::build().await?;
    let (address, _) = town.tool.authorization(&[("x-unheard-of", "1"), ("code", "2")])?;
    assert!(asks(&town.person.get(&address).await?));

    let (address, _) = town.tool.authorization(&[])?;
    let page = town
        .person
        .get(&format!("{address}&nonce=&prompt=&max_age=&resource=&ui_locales="))
        .await?;
    assert!(asks(&page), "{}", page.body);
    for (name, error) in
        [("response_type", "invalid_request"), ("code_challenge", "invalid_request")]
    {
        let (address, _) = town.tool.authorization(&[(name, "")])?;
        let page = town.person.get(&format!("{address}&{name}=")).await?;
        assert_eq!(told(&page).as_deref(), Some(error), "{name}");
    }
    // An empty state was not sent, so it does not come back.
    let (address, _) = town.tool.authorization(&[("state", "")])?;
    let redirect = town.person.approve(&format!("{address}&state=")).await?;
    assert_eq!(oauth::query(&redirect, "state"), None);
    Ok(())
}

// proves: A04
#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() -> Result<()> {
    let town = Town::build().await?;
    for name in
        ["scope", "state", "response_type", "code_challenge", "nonce", "prompt", "unheard-of"]
    {
        let (address, _) = town.tool.authorization(&[(name, "openid")])?;
        for again in ["openid", "other", ""] {
            let page = town.person.get(&format!("{address}&{name}={again}")).await?;
            assert!(!asks(&page), "{name} twice");
            assert_eq!(told(&page).as_deref(), Some("invalid_request"), "{name}");
            // RFC 6749 §4.1.2.1: the exact value received; of two there is none.
            let state = page.leads_to().and_then(|to| oauth::query(&to, "state"));
            assert_eq!(state.is_some(), name != "state", "{name}");
        }
    }
    // RFC 9700 §4.11.2: a client that cannot prove itself is told once it is known who asks.
    let (address, _) = town.tool.authorization(&[])?;
    let page = Person::new(&town.server)?.get(&format!("{address}&scope=openid")).await?;
    assert!(page.status == 400 && stays(&page), "{}", page.status);
    // Whom to tell is not known when these come twice.
    for (name, value) in [("client_id", "tool"), ("redirect_uri", CALLBACK)] {
        let (address, _) = town.tool.authorization(&[])?;
        let page = town.person.get(&format!("{address}&{name}={value}")).await?;
        assert!(
            page.status == 400 && stays(&page),
            "{name}: {} {:?}",
            page.status,
            page.leads_to()
        );
    }
    let (address, _) = town.tool.authorization(&[])?;
    let resources = "&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example";
    let page = town.person.get(&format!("{address}{resources}")).await?;
    assert_ne!(told(&page).as_deref(), Some("invalid_request"));
    Ok(())
}

// proves: A05
#[tokio::test]
async fn without_a_known_client_and_address_nobody_is_sent_anywhere() -> Result<()> {
    let town = Town::build().await?;
    let stranger = Person::new(&town.server)?;
    let wrong: [(&str, &[(&str, &str)]); 8] = [
        ("no client", &[("client_id", "")]),
        ("unknown client", &[("client_id", "nobody")]),
        ("client with markup", &[("client_id", "<script>alert(1)</script>")]),
        ("no redirect_uri", &[("redirect_uri", "")]),
        ("another address", &[("redirect_uri", "https://evil.example/")]),
        (
            "another address and an error",
            &[("redirect_uri", "https://evil.example/"), ("scope", "no such scope")],
        ),
        (
            "another address and a wrong type",
            &[("redirect_uri", "https://evil.example/"), ("response_type", "token")],
        ),
        (
            "another client's address",
            &[("client_id", "hallpass-cli"), ("redirect_uri", "https://evil.example/cb")],
        ),
    ];
    for (what, parameters) in wrong {
        let (address, _) = town.tool.authorization(parameters)?;
        for person in [&town.person, &stranger] {
            let page = person.get(&address).await?;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{what}");
            assert!(stays(&page), "{what}: {:?}", page.leads_to());
            assert!(
                !page.body.contains("evil.example") && !page.body.contains("<script"),
                "{what}"
            );
        }
    }
    Ok(())
}

// proves: A05, A07, A08, A09, A10, attack-7, client-B3
#[tokio::test]
async fn only_registered_addresses_and_ports_on_loopback_get_an_answer() -> Result<()> {
    let town = Town::build().await?;
    town.server.public_client("many", &REGISTERED).await?;
    let client = OAuth::public(&town.server, "many");
    for good in GOOD {
        let (address, _) = client.authorization(&[("redirect_uri", good)])?;
        let page = town.person.get(&address).await?;
        assert!(asks(&page), "{good}: {}", page.status);
    }
    for hostile in HOSTILE.iter().flat_map(|(_, addresses)| *addresses) {
        let (address, _) = client.authorization(&[("redirect_uri", hostile)])?;
        let page = town.person.get(&address).await?;
        assert!(
            page.status == 400 && stays(&page),
            "{hostile:?}: {} {:?}",
            page.status,
            page.leads_to()
        );
    }
    // The code goes to the very port that was asked for.
    let redirect = {
        let (address, _) =
            client.authorization(&[("redirect_uri", "http://[::1]:50000/callback")])?;
        town.person.approve(&address).await?
    };
    assert!(redirect.as_str().starts_with("http://[::1]:50000/callback?"), "{redirect}");
    Ok(())
}

// proves: A06, A11
#[tokio::test]
async fn an_incomplete_address_cannot_be_registered() -> Result<()> {
    let server = Server::start().await?;
    for (n, bad) in [
        "/callback",
        "127.0.0.1/callback",
        "http://127.0.0.1/callback#fragment",
        "http://app.example.com/callback",
        "https://user@app.example.com/",
        "javascript:alert(1)",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("bad-{n}");
        let create = ["client", "create", "--id", &id, "--redirect-uri", bad];
        let refused = server.try_admin(&create, "").await?;
        assert_ne!(refused.code, Some(0), "{bad:?} was registered");
        assert!(refused.stderr.contains("redirect"), "{bad:?}: {}", refused.stderr);
    }
    Ok(())
}

// proves: A12
#[tokio::test]
async fn state_comes_back_as_it_was_sent() -> Result<()> {
    let town = Town::build().await?;
    let long = "x".repeat(1500);
    for state in [
        "simple",
        "a b+c",
        "a&b=c#d?e%20",
        "%2B%25",
        "ünï 北京 \u{1F511}",
        "{\"a\":[1]}",
        "\"'<>\\",
        &long,
    ] {
        for decision in ["approve", "deny"] {
            let (address, _) = town.tool.authorization(&[("state", state)])?;
            let redirect = town.person.decide(&address, decision).await?;
            assert_eq!(oauth::query(&redirect, "state").as_deref(), Some(state), "{decision}");
        }
    }
    let (address, _) = town.tool.authorization(&[("state", "s p"), ("scope", "no-such-scope")])?;
    let page = town.person.get(&address).await?;
    assert_eq!(
        oauth::query(&page.leads_to().context("a redirect")?, "state").as_deref(),
        Some("s p")
    );
    Ok(())
}

// proves: A13, A14
#[tokio::test]
async fn errors_go_to_the_client_under_their_registered_codes() -> Result<()> {
    let town = Town::build().await?;
    let table: [(&[(&str, &str)], &str); 15] = [
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "id_token")], "unsupported_response_type"),
        (&[("response_type", "code token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "code id_token token")], "unsupported_response_type"),
        (&[("response_type", "none")], "unsupported_response_type"),
        (&[("response_type", "CODE")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "form_post")], "invalid_request"),
        (&[("scope", "openid no-such-scope")], "invalid_scope"),
        (&[("scope", "openid\ttab")], "invalid_scope"),
        (&[("prompt", "no-such-prompt")], "invalid_request"),
        (&[("max_age", "soon")], "invalid_request"),
        (&[("resource", "not a uri")], "invalid_target"),
    ];
    for (parameters, error) in table {
        let (address, _) = town.tool.authorization(parameters)?;
        let page = town.person.get(&address).await?;
        assert_eq!(told(&page).as_deref(), Some(error), "{parameters:?}: {}", page.body);
        // Never in the fragment: only `query` is offered.
        assert_eq!(page.leads_to().context("a redirect")?.fragment(), None);
    }
    let (address, _) = town.tool.authorization(&[])?;
    let redirect = town.person.decide(&address, "deny").await?;
    assert_eq!(oauth::query(&redirect, "error").as_deref(), Some("access_denied"));

    let device_code = "urn:ietf:params:oauth:grant-type:device_code";
    town.server.client("device-only", &[town::REGISTERED], &["--grant-type", device_code]).await?;
    let client = OAuth::public(&town.server, "device-only");
    let (address, _) = client.authorization(&[])?;
    assert_eq!(told(&town.person.get(&address).await?).as_deref(), Some("unauthorized_client"));
    Ok(())
}

// proves: A15, A16, A17
#[tokio::test]
async fn every_answer_says_who_it_is_from() -> Result<()> {
    let town = Town::build().await?;
    let metadata = town.tool.request("GET", "/.well-known/oauth-authorization-server");
    let metadata = oauth::Answer::of(metadata).await?;
    let issuer = metadata.get("issuer");
    assert_eq!(issuer, town.server.url());
    assert!(!issuer.contains(['?', '#']) && !issuer.ends_with('/'));
    assert_eq!(metadata.json()["authorization_response_iss_parameter_supported"], true);

    let (address, _) = town.tool.authorization(&[])?;
    let mut answers = vec![
        town.person.decide(&address, "approve").await?,
        town.person.decide(&address, "deny").await?,
    ];
    for parameters in [("scope", "no-such-scope"), ("response_type", "token"), ("prompt", "none")] {
        let (address, _) = town.tool.authorization(&[parameters])?;
        answers.push(town.person.get(&address).await?.leads_to().context("a redirect")?);
    }
    for answer in answers {
        assert_eq!(oauth::query(&answer, "iss").as_deref(), Some(issuer.as_str()), "{answer}");
    }
    Ok(())
}

// proves: A18
#[tokio::test]
async fn a_posted_form_is_never_repeated_elsewhere() -> Result<()> {
    let town = Town::build().await?;
    let person = Person::new(&town.server)?;
    let (address, _) = town.tool.authorization(&[])?;
    let page = person.get(&address).await?;
    let form = html::form(&page.body, "#signin").context("sign-in")?;
    let mut fields = form.fields;
    for (name, value) in
        [("email", town.ada.email.as_str()), ("password", hallpass_testkit::server::PASSWORD)]
    {
        fields.iter_mut().find(|(known, _)| known == name).context("a field")?.1 = value.to_owned();
    }
    let answer = person.post(&form.action, &fields).await?;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = person.get(&address).await?;
    let form = html::form(&page.body, "#consent").context("consent")?;
    let mut fields = form.fields;
    fields.push(("decision".to_owned(), "approve".to_owned()));
    let answer = person.post(&form.action, &fields).await?;
    assert!(matches!(answer.status.as_u16(), 200 | 303), "{}", answer.status);
    assert!(answer.leads_to().context("a way on")?.as_str().starts_with(CALLBACK));
    Ok(())
}

// proves: A19
#[tokio::test]
async fn an_error_sends_nobody_on_before_they_have_signed_in() -> Result<()> {
    let town = Town::build().await?;
    for wrong in [("scope", "no-such-scope"), ("response_type", "token"), ("code_challenge", "")] {
        let person = Person::new(&town.server)?;
        let (address, _) = town.tool.authorization(&[wrong])?;
        let page = person.get(&address).await?;
        assert_eq!(page.url.path(), "/signin", "{wrong:?}");
        let page = person.sign_in_at(&page, &town.ada.email).await?;
        assert!(told(&page).is_some(), "{wrong:?}: {} {}", page.url, page.body);
    }
    Ok(())
}

// proves: A22
#[tokio::test]
async fn no_script_of_another_origin_may_read_the_authorization_endpoint() -> Result<()> {
    let town = Town::build().await?;
    let (address, _) = town.tool.authorization(&[])?;
    let path = address.strip_prefix(&town.server.url()).context("an address here")?;
    for method in ["GET", "OPTIONS"] {
        let request = town.tool.request(method, path);
        let request = request.header("origin", "https://evil.example");
        let request = request.header("access-control-request-method", "GET");
        let answer = oauth::Answer::of(request).await?;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{method}");
    }
    Ok(())
}

// proves: A23
#[tokio::test]
async fn consent_is_given_on_our_own_form_only() -> Result<()> {
    let town = Town::build().await?;
    let (address, _) = town.tool.authorization(&[])?;
    let page = town.person.get(&address).await?;
    let form = html::form(&page.body, "#consent").context("consent")?;
    let with = |csrf: Option<&str>| {
        let mut fields: Vec<_> =
            form.fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
        fields.extend(csrf.map(|csrf| ("csrf".to_owned(), csrf.to_owned())));
        fields.push(("decision".to_owned(), "approve".to_owned()));
        fields
    };
    // A token of another person's page, of another page of hers, and of another request.
    let (_, bo) = town.bo().await?;
    let foreign = html::value(&bo.get(&address).await?.body, "#consent input[name=csrf]", "value");
    let elsewhere =
        html::value(&town.person.get("/").await?.body, "#signout input[name=csrf]", "value");
    let (wider, _) = town.tool.authorization(&[("scope", "openid email account")])?;
    let wider =
        html::value(&town.person.get(&wider).await?.body, "#consent input[name=csrf]", "value");
    let forged = [None, Some(String::new()), Some("x".to_owned()), foreign, elsewhere, wider];
    for csrf in forged {
        let answer = town.person.post(&form.action, &with(csrf.as_deref())).await?;
        assert!(answer.status == 403 || answer.status == 400, "{csrf:?}: {}", answer.status);
        assert!(answer.leads_to().is_none(), "{csrf:?}");
    }
    // From another site, even with the right token.
    let right = html::value(&page.body, "#consent input[name=csrf]", "value");
    let fields = with(right.as_deref());
    let fields: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    for headers in [
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        [("sec-fetch-site", "same-site"), ("origin", "https://evil.example")],
    ] {
        let answer = town.person.post_with(&form.action, &fields, &headers).await?;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    // None of that spoilt the page that is still open.
    let answer = town.person.submit(&page, "#consent", &[], Some("approve")).await?;
    assert!(answer.leads_to().is_some());
    Ok(())
}

// proves: A24
#[tokio::test]
async fn a_public_client_asks_each_time_and_a_confidential_one_need_not() -> Result<()> {
    let town = Town::build().await?;
    for _ in 0..2 {
        let (address, _) = town.tool.authorization(&[])?;
        assert!(asks(&town.person.get(&address).await?));
        town.person.approve(&address).await?;
    }
    let (address, _) = town.tool.authorization(&[("prompt", "none")])?;
    assert_eq!(told(&town.person.get(&address).await?).as_deref(), Some("consent_required"));

    let (address, _) = town.api.authorization(&[])?;
    let first = town.person.get(&address).await?;
    assert!(asks(&first));
    let approved = town.api.approved(&town.person, &[]).await?;
    town.api.redeem(&approved).await?;
    let again = town.person.get(&address).await?;
    assert!(oauth::query(&again.leads_to().context("a redirect")?, "code").is_some());
    let (wider, _) = town.api.authorization(&[("scope", "openid email")])?;
    assert!(asks(&town.person.get(&wider).await?), "a wider scope is asked for again");
    let (asked, _) = town.api.authorization(&[("prompt", "consent")])?;
    assert!(asks(&town.person.get(&asked).await?));
    Ok(())
}

// proves: A25
#[tokio::test]
async fn consent_says_who_asks_where_the_answer_goes_and_for_what() -> Result<()> {
    let town = Town::build().await?;
    let at = "https://app.example.com/cb";
    town.server.client("web", &[at, town::REGISTERED], &["--name", "A Web Application"]).await?;
    let web = OAuth::public(&town.server, "web");

    let (address, _) =
        web.authorization(&[("redirect_uri", at), ("scope", "openid email account")])?;
    let page = town.person.get(&address).await?;
    assert!(page.text("#client-name").context("a name")?.contains("A Web Application"));
    assert_eq!(page.text("#redirect-host").as_deref(), Some("app.example.com"));
    for scope in ["openid", "email", "account"] {
        let meaning = page.text(&format!("#scopes [data-scope={scope}]")).context(scope)?;
        assert!(meaning.len() > scope.len(), "{scope} is explained: {meaning:?}");
    }
    assert_eq!(page.text("#scopes [data-scope=profile]"), None);
    assert_eq!(page.text("#loopback-warning"), None);

    let (address, _) = web.authorization(&[])?;
    let page = town.person.get(&address).await?;
    assert!(page.text("#redirect-host").context("a host")?.contains("127.0.0.1"));
    assert!(page.text("#loopback-warning").context("a warning")?.contains("this computer"));
    Ok(())
}

// proves: A26
#[tokio::test]
async fn the_granted_scope_is_said() -> Result<()> {
    let town = Town::build().await?;
    for scope in ["openid", "account", "email openid profile"] {
        let approved = town.tool.approved(&town.person, &[("scope", scope)]).await?;
        assert_eq!(town.tool.redeem(&approved).await?.get("scope"), scope);
    }
    let approved = town.tool.approved(&town.person, &[("scope", "")]).await?;
    assert_ne!(town.tool.redeem(&approved).await?.get("scope"), "", "also when none was asked for");
    Ok(())
}

// proves: A27
#[tokio::test]
async fn a_client_cannot_look_like_a_user() -> Result<()> {
    let server = Server::start().await?;
    for id in ["usr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "usr_x"] {
        let create = ["client", "create", "--id", id, "--redirect-uri", town::REGISTERED];
        assert_ne!(server.try_admin(&create, "").await?.code, Some(0), "{id}");
    }
    Ok(())
}
