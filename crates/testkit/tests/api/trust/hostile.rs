//! Tokens that are no good, and issuers that fail or lie.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_testkit::github::{GitHub, Job, Part, Trouble};
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::server::Plan;
use serde_json::{Value, json};

use super::{EXCHANGE, JWT, MAIN, Place};
use crate::city::City;

// proves: H05, H06, H07, H08, attack-14, attack-15, attack-16, attack-24, attack-25
#[tokio::test]
async fn what_is_no_good_token_is_refused_at_every_door() -> Result<()> {
    let place = Place::build().await?;
    place.trusts("tools", json!({ "line": MAIN })).await?;
    let (github, job) = (&place.github, Job::default());
    let honest = || job.claims(github.issuer(), &place.audience);
    let now = honest()["iat"].as_i64().context("a time")?;
    let with = |name: &str, value: Value| {
        let mut claims = honest();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = honest();
        claims.as_object_mut().expect("an object").remove(name);
        claims
    };
    let mut bad: Vec<(String, String)> = Vec::new();
    // Claims of the wrong type, missing ones, and audiences of others.
    for (name, values) in [
        (
            "aud",
            vec![
                json!("https://github.com/acme"),
                json!(format!("{}/", place.audience)),
                json!([place.audience, "https://other.example"]),
                json!([]),
                json!(null),
                json!(1),
                json!([[place.audience]]),
                json!(place.audience.to_uppercase()),
                json!(format!(" {}", place.audience)),
                json!(""),
                json!("*"),
            ],
        ),
        (
            "exp",
            vec![
                json!(now - 1),
                json!((now + 300).to_string()),
                json!(now as f64 + 300.5),
                json!(null),
                json!(-1),
                json!(1e300),
                json!(9_999_999_999_999_i64),
                json!([now + 300]),
                json!(true),
                json!(now + 90_000),
            ],
        ),
        ("nbf", vec![json!(now + 3600), json!("0"), json!(null), json!(-5), json!(0.5)]),
        (
            "iat",
            vec![
                json!(now + 3600),
                json!(now.to_string()),
                json!(null),
                json!(now - 3600),
                json!(1.5),
            ],
        ),
        ("jti", vec![json!(null), json!(1.5), json!(["x"]), json!(""), json!("x".repeat(2000))]),
        (
            "iss",
            vec![
                json!(format!("{}/", github.issuer())),
                json!("https://token.actions.githubusercontent.com"),
                json!(null),
                json!([github.issuer()]),
                json!(""),
                json!(github.issuer().to_uppercase()),
                json!("http://127.0.0.1:1"),
                json!("file:///etc/passwd"),
            ],
        ),
    ] {
        for value in values {
            bad.push((format!("{name} {value}"), github.sign(&with(name, value.clone()))));
        }
        bad.push((format!("no {name}"), github.sign(&without(name))));
    }
    // Headers that choose a key or an algorithm, or have to be understood.
    let kid = github.header()["kid"].clone();
    for header in [
        json!({ "alg": "none", "kid": kid, "typ": "JWT" }),
        json!({ "alg": "None", "kid": kid }),
        json!({ "alg": "HS256", "kid": kid }),
        json!({ "alg": "RS384", "kid": kid }),
        json!({ "alg": "PS256", "kid": kid }),
        json!({ "alg": "ES256", "kid": kid }),
        json!({ "alg": "", "kid": kid }),
        json!({ "alg": "RS256" }),
        json!({ "kid": kid }),
        json!({ "alg": "RS256", "kid": "unknown" }),
        json!({ "alg": "RS256", "kid": "../../etc/passwd" }),
        json!({ "alg": "RS256", "kid": "' OR 1=1 --" }),
        json!({ "alg": "RS256", "kid": null }),
        json!({ "alg": "RS256", "kid": [kid] }),
        json!({ "alg": "RS256", "kid": kid, "typ": "at+jwt" }),
        json!({ "alg": "RS256", "kid": kid, "typ": "logout+jwt" }),
        json!({ "alg": "RS256", "kid": kid, "typ": "dpop+jwt" }),
        json!({ "alg": "RS256", "kid": kid, "typ": null }),
        json!({ "alg": "RS256", "kid": kid, "crit": ["b64"], "b64": false }),
        json!({ "alg": "RS256", "kid": kid, "crit": [] }),
        json!({ "alg": "RS256", "kid": kid, "b64": false }),
        json!({ "alg": "RS256", "kid": kid, "jku": "https://evil.example/jwks" }),
        json!({ "alg": "RS256", "kid": kid, "x5u": "https://evil.example/x" }),
        json!({ "alg": "RS256", "kid": kid, "jwk": { "kty": "oct", "k": "c2VjcmV0" } }),
        json!({ "alg": "RS256", "kid": kid, "x5c": ["MIIB"] }),
        json!({ "alg": "RS256", "kid": kid, "zip": "DEF" }),
        json!({ "alg": "RS256", "enc": "A128GCM", "kid": kid }),
        json!({ "alg": "RS256", "cty": "JWT", "kid": kid }),
    ] {
        bad.push((
            header.to_string(),
            github.sign_text(&header.to_string(), &honest().to_string()),
        ));
    }
    let twice = format!(r#"{{"alg":"RS256","alg":"RS256","kid":{kid}}}"#);
    bad.push(("alg twice".into(), github.sign_text(&twice, &honest().to_string())));
    let claims = honest().to_string();
    let twice = claims.replacen('{', r#"{"repository":"mallory/x","#, 1);
    bad.push(("repository twice".into(), github.sign_text(&github.header().to_string(), &twice)));
    for payload in ["", "[]", "null", "\"x\"", "{", "{}", " {}", "{}x"] {
        bad.push((format!("{payload:?}"), github.sign_text(&github.header().to_string(), payload)));
    }
    // Other encodings, other parts, somebody else's signature.
    let good = github.sign(&honest());
    let parts: Vec<&str> = good.split('.').collect();
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let other = GitHub::start().await?;
    let forged = other.sign_text(&github.header().to_string(), &claims);
    for (what, token) in [
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.x")),
        ("five parts", format!("{good}.x.y")),
        ("padding", format!("{good}=")),
        ("standard alphabet", format!("{good}+/")),
        ("inner space", good.replacen('.', ". ", 1)),
        ("a null", format!("{good}\0")),
        (
            "trailing bits",
            format!("{}.{}.{}B", parts[0], parts[1], &parts[2][..parts[2].len() - 1]),
        ),
        (
            "signature of zeros",
            format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([0; 256])),
        ),
        ("short signature", format!("{}.{}.{}", parts[0], parts[1], b64("x"))),
        (
            "other claims",
            format!("{}.{}.{}", parts[0], b64(&claims.replace("acme", "evil")), parts[2]),
        ),
        ("somebody else's key", forged),
        ("another issuer's", other.token(&job, &place.audience)),
        ("one of ours", place.owner.trim_start_matches("Bearer ").to_owned()),
        ("empty", String::new()),
        ("a word", "hello".to_owned()),
        ("too long", format!("{}.{}.{}", parts[0], b64(&"x".repeat(20_000)), parts[2])),
        ("a JWE", "e30.e30.e30.e30.e30".to_owned()),
    ] {
        bad.push((what.to_owned(), token));
    }
    assert!(bad.len() >= 80, "{}", bad.len());
    let mut wrong = Vec::new();
    for (what, token) in &bad {
        let answer = place.brings(token, json!({})).await?;
        let refused = [(400, "invalid_request"), (403, "access_denied")];
        if !refused.contains(&(answer.status.as_u16(), &answer.error())) {
            wrong.push(format!("{what}: {answer:?}"));
        }
        let params =
            [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", JWT)];
        let answer = place.city.cli.post_bare("/oauth/token", &params).await?;
        if (answer.status.as_u16(), &*answer.error()) != (400, "invalid_request") {
            wrong.push(format!("{what} at the token endpoint: {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // However often an unknown key is named, the issuer is asked no more than at first.
    assert!(github.asked(Part::Keys) <= 2, "{}", github.asked(Part::Keys));
    assert_eq!(other.asked(Part::Metadata), 0, "whom nobody trusts is never asked");
    // A good one is taken once, of a hundred at once.
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let request = place.city.cli.request("POST", "/auth/oidc/exchange");
        let request = request.json(&json!({ "token": good }));
        all.spawn(async move { Answer::of(request).await.map(|it| it.status.as_u16()) });
    }
    let answers: Result<Vec<u16>> = all.join_all().await.into_iter().collect();
    let answers = answers?;
    assert_eq!(answers.iter().filter(|it| **it == 200).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|it| **it == 403).count(), 99, "{answers:?}");
    let why: Vec<_> = place.denied().await?.iter().map(|it| it["why"].to_string()).collect();
    for part in
        ["exchanged before", "aud has to be", "has expired", "not valid yet", "jti has to be"]
    {
        assert!(why.iter().any(|it| it.contains(part)), "{part}: {why:?}");
    }
    Ok(())
}

// proves: attack-17
#[tokio::test]
async fn an_issuer_that_fails_or_lies_lets_nobody_in() -> Result<()> {
    let elsewhere = GitHub::start().await?;
    let mut named = Vec::new();
    for (what, part, trouble) in [
        ("away", Part::Metadata, Trouble::Unavailable),
        ("moved", Part::Metadata, Trouble::Redirects(elsewhere.issuer().to_owned())),
        ("keys moved", Part::Keys, Trouble::Redirects("http://169.254.169.254/".to_owned())),
        ("endless", Part::Keys, Trouble::Endless(1 << 20)),
        ("no JSON", Part::Metadata, Trouble::Says("<html>".to_owned())),
        ("no keys", Part::Keys, Trouble::Says("{}".to_owned())),
    ] {
        let github = GitHub::start().await?;
        github.set(part, Some(trouble));
        named.push((what, github));
    }
    // Metadata that name another issuer, and keys that are at another address.
    for (what, member, value) in [
        ("another issuer", "issuer", elsewhere.issuer().to_owned()),
        ("other keys", "jwks_uri", format!("{}/.well-known/jwks", elsewhere.issuer())),
    ] {
        let github = GitHub::start().await?;
        github.say(member, json!(value));
        named.push((what, github));
    }
    let issuers: Vec<&str> = named.iter().map(|(_, github)| github.issuer()).collect();
    let city = City::build(Plan::new().set("trust_private_issuers", &issuers.join(","))).await?;
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    let brings = async |github: &GitHub| {
        let token = github.token(&Job::default(), &city.town.server.url());
        let body = json!({ "token": token });
        city.call("POST", "/auth/oidc/exchange", None, Some(body)).await
    };
    let trusts = async |github: &GitHub| {
        let new = json!({ "issuer": github.issuer(), "line": MAIN, "permissions": "project:read" });
        city.made(&owner, "/api/v1/orgs/lab/projects/tools/trust", new).await
    };
    for (what, github) in &named {
        trusts(github).await?;
        for _ in 0..3 {
            let answer = brings(github).await?;
            let outcome = (answer.status.as_u16(), answer.error());
            assert_eq!(outcome, (503, "temporarily_unavailable".into()), "{what}");
        }
        assert_eq!(github.asked(Part::Metadata), 1, "{what}");
    }
    // One that nobody allowed by name is not asked at all, and whoever trusts it is told at once.
    let made = trusts(&elsewhere).await?;
    let why = made["keys_unknown"]["why"].as_str().context("it is told")?;
    assert!(why.contains("has to be named in trust_private_issuers"), "{why}");
    assert_eq!(brings(&elsewhere).await?.status, 503);
    let asked = [Part::Metadata, Part::Keys].map(|part| elsewhere.asked(part));
    assert_eq!(asked, [0, 0]);
    let far = json!({ "issuer": "https://10.0.0.1", "line": MAIN, "permissions": "project:read" });
    let far = city.made(&owner, "/api/v1/orgs/lab/projects/tools/trust", far).await?;
    let why = far["keys_unknown"]["why"].as_str().context("it is told")?;
    assert!(why.contains("trust_private_issuers has to name it"), "{why}");
    // What happened to the others is told to them too, and to no outsider.
    let path = "/api/v1/orgs/lab/projects/tools/trust";
    let listed = city.call("GET", path, Some(&owner), None).await?.json();
    let listed = listed["items"].as_array().context("policies")?;
    assert_eq!(listed.len(), named.len() + 2);
    assert!(listed.iter().all(|it| it["keys_unknown"]["why"].is_string()), "{listed:?}");
    Ok(())
}
