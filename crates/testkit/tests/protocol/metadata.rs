//! F: what is advertised, and keys.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use hallpass_core::wire::CLI_CLIENT_ID;
use hallpass_testkit::oauth::{self, Answer, OAuth, Tokens};
use hallpass_testkit::server::Plan;
use hallpass_testkit::town::Town;
use reqwest::Url;
use serde_json::Value;

const PATHS: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

async fn documents(town: &Town) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for path in PATHS {
        let answer = Answer::of(town.tool.request("GET", path)).await?;
        anyhow::ensure!(answer.status == 200, "{path}: {answer:?}");
        documents.push(answer.json());
    }
    Ok(documents)
}

fn list(document: &Value, name: &str) -> BTreeSet<String> {
    let items = document[name].as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

// proves: F01, F02, F03, F04, B04, attack-7
#[tokio::test]
async fn both_documents_are_about_this_issuer_whatever_the_host_header_says() -> Result<()> {
    let town = Town::build().await?;
    for path in PATHS {
        let honest = Answer::of(town.tool.request("GET", path)).await?;
        assert!(honest.header("content-type").starts_with("application/json"), "{path}");
        let document = honest.json();
        assert_eq!(document["issuer"], town.server.url());
        let url = Url::parse(&town.server.url())?;
        assert!(url.query().is_none() && url.fragment().is_none() && url.path() == "/");
        for (name, value) in document.as_object().context("an object")? {
            assert!(
                value.as_array().is_none_or(|items| !items.is_empty()),
                "{path}: {name} is empty"
            );
            assert!(!value.is_null(), "{path}: {name} is null");
        }
        assert_eq!(list(&document, "code_challenge_methods_supported"), ["S256".to_owned()].into());
        for forged in [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "host=evil.example;proto=https"),
        ] {
            let request = town.tool.request("GET", path).header(forged.0, forged.1);
            let answer = Answer::of(request).await?;
            assert!(!answer.body.contains("evil.example"), "{forged:?}");
            assert!(answer.status != 200 || answer.json() == document, "{forged:?}");
        }
    }
    Ok(())
}

// proves: F05, D16
#[tokio::test]
async fn everything_advertised_is_there_and_works() -> Result<()> {
    let town = Town::build().await?;
    let mut endpoints = 0;
    for document in documents(&town).await? {
        for (name, value) in document.as_object().context("an object")? {
            let Some(url) =
                value.as_str().filter(|_| name.ends_with("_endpoint") || name.ends_with("_uri"))
            else {
                continue;
            };
            endpoints += 1;
            let path = url
                .strip_prefix(&town.server.url())
                .with_context(|| format!("{name} is elsewhere"))?;
            let answer = Answer::of(town.tool.request("POST", path).form(&[("a", "b")])).await?;
            let got = Answer::of(town.tool.request("GET", path)).await?;
            assert!(answer.status != 404 && got.status != 404, "{name}");
            assert!(answer.status != 405 || got.status != 405, "{name} takes neither GET nor POST");
            assert!(!answer.status.is_server_error() && !got.status.is_server_error(), "{name}");
        }
        let is = |name: &str, items: &[&str]| {
            let wanted: BTreeSet<String> = items.iter().map(|item| (*item).to_owned()).collect();
            assert_eq!(list(&document, name), wanted, "{name}");
        };
        let device_code = "urn:ietf:params:oauth:grant-type:device_code";
        let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
        let bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        is(
            "grant_types_supported",
            &["authorization_code", "refresh_token", device_code, exchange, bearer],
        );
        is("dpop_signing_alg_values_supported", &["ES256"]);
        is("response_types_supported", &["code"]);
        is("response_modes_supported", &["query"]);
        is("subject_types_supported", &["public"]);
        assert!(list(&document, "id_token_signing_alg_values_supported").contains("RS256"));
        for (flag, value) in [
            ("request_parameter_supported", false),
            ("request_uri_parameter_supported", false),
            ("claims_parameter_supported", false),
        ] {
            assert_eq!(document[flag], value, "{flag}");
        }
        // Every way to authenticate works …
        let secret = town.api.secret.clone().unwrap_or_default();
        for method in list(&document, "token_endpoint_auth_methods_supported") {
            let approved = if method == "none" {
                town.tool.approved(&town.person, &[]).await?
            } else {
                town.api.approved(&town.person, &[("prompt", "consent")]).await?
            };
            let base = [
                ("grant_type", "authorization_code"),
                ("code", &approved.code),
                ("redirect_uri", oauth::CALLBACK),
                ("code_verifier", &approved.verifier),
            ];
            let request = town.api.request("POST", "/oauth/token");
            let answer = match method.as_str() {
                "none" => town.tool.redeem(&approved).await?,
                "client_secret_basic" => town.api.redeem(&approved).await?,
                "client_secret_post" => {
                    let own = [("client_id", "api"), ("client_secret", secret.as_str())];
                    Answer::of(request.form(&[&base[..], &own[..]].concat())).await?
                }
                other => anyhow::bail!("{other} is advertised, and no test knows how to do it"),
            };
            assert_eq!(answer.status, 200, "{method}: {answer:?}");
        }
        // … and every scope can be asked for.
        let scopes: Vec<String> = list(&document, "scopes_supported").into_iter().collect();
        // Our own command line may ask for all of them; other clients get some only by name.
        let command_line = OAuth::public(&town.server, CLI_CLIENT_ID);
        let asked = scopes.join(" ");
        let tokens = command_line.tokens(&town.person, &[("scope", &asked)]).await?;
        assert_eq!(
            oauth::peek(&tokens.access)?.1["scope"].as_str().map(|s| s.split(' ').count()),
            Some(scopes.len())
        );
        // Every claim that is promised is in the ID token or userinfo.
        let mut told = oauth::peek(&tokens.id)?.1;
        let info = town.tool.get_with("/userinfo", &tokens.access).await?.json();
        for (name, value) in info.as_object().context("claims")? {
            told[name] = value.clone();
        }
        for claim in list(&document, "claims_supported") {
            let only_sometimes =
                matches!(claim.as_str(), "nonce" | "at_hash" | "sid" | "acr" | "amr" | "azp");
            assert!(
                only_sometimes || !told[&claim].is_null(),
                "{claim} is promised and not there: {told}"
            );
        }
    }
    assert!(endpoints >= 14, "{endpoints} endpoints");
    Ok(())
}

// proves: F05
#[tokio::test]
async fn nothing_works_that_is_not_advertised() -> Result<()> {
    let town = Town::build().await?;
    for grant_type in [
        "implicit",
        "password",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
        "code",
        "AUTHORIZATION_CODE",
    ] {
        let params = [("grant_type", grant_type), ("assertion", "a.b.c"), ("scope", "openid")];
        for client in [&town.tool, &town.api] {
            let answer = client.post("/oauth/token", &params).await?;
            assert_eq!(
                answer.outcome(),
                (400, "unsupported_grant_type".to_owned()),
                "{grant_type}"
            );
        }
    }
    let assertion = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhcGkifQ."),
        ("client_id", "api"),
    ];
    let answer = town.api.post_bare("/oauth/token", &assertion).await?;
    assert!(matches!(answer.error().as_str(), "invalid_client" | "invalid_request"), "{answer:?}");
    for path in
        ["/oauth/register", "/register", "/oauth/par", "/oauth/bc-authorize", "/oauth/checksession"]
    {
        let answer = Answer::of(town.tool.request("POST", path).form(&[("a", "b")])).await?;
        assert_eq!(answer.status, 404, "{path}");
    }
    Ok(())
}

// proves: F06, F07
#[tokio::test]
async fn our_own_api_says_where_its_tokens_come_from() -> Result<()> {
    let town = Town::build().await?;
    let refused = Answer::of(town.tool.request("GET", "/api/v1/whoami")).await?;
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate");
    let (_, rest) =
        challenge.split_once("resource_metadata=\"").with_context(|| challenge.to_owned())?;
    let (url, _) = rest.split_once('"').context("a quoted address")?;
    let path = url.strip_prefix(&town.server.url()).context("an address here")?;
    let document = Answer::of(town.tool.request("GET", path)).await?.json();
    // RFC 9728 §3: the well-known path stands between host and the resource's own path.
    let resource = document["resource"].as_str().context("a resource")?;
    let (origin, rest) = resource.split_at(town.server.url().len());
    assert_eq!(url, format!("{origin}/.well-known/oauth-protected-resource{rest}"));
    assert_eq!(document["authorization_servers"], serde_json::json!([town.server.url()]));
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let aud = &oauth::peek(&tokens.access)?.1["aud"];
    assert!(*aud == resource || aud[0] == resource, "{aud}");
    Ok(())
}

async fn keys(town: &Town) -> Result<Vec<Value>> {
    let jwks = Answer::of(town.tool.request("GET", "/oauth/jwks")).await?.json();
    Ok(jwks["keys"].as_array().context("keys")?.clone())
}

fn ids(keys: &[Value]) -> BTreeSet<String> {
    keys.iter().filter_map(|key| key["kid"].as_str().map(str::to_owned)).collect()
}

// proves: F09
#[tokio::test]
async fn keys_are_public_published_before_use_and_kept_while_their_tokens_live() -> Result<()> {
    // Published for two seconds before they sign.
    let town = Town::of(Plan::new().set("key_overlap", "2s")).await?;
    let before = keys(&town).await?;
    for key in &before {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
            assert!(key[private].is_null(), "{private} is published");
        }
        for needed in ["kty", "use", "alg", "kid"] {
            assert!(key[needed].is_string(), "{needed} is missing: {key}");
        }
    }
    let old = town.tool.tokens(&town.person, &[]).await?;
    let signer = |jwt: &str| {
        Ok::<_, anyhow::Error>(oauth::peek(jwt)?.0["kid"].as_str().context("a kid")?.to_owned())
    };
    assert!(
        ids(&before).contains(&signer(&old.access)?) && ids(&before).contains(&signer(&old.id)?)
    );

    town.server.admin(&["signing-keys", "rotate"], "").await?;
    let published = ids(&keys(&town).await?);
    let new: BTreeSet<_> = published.difference(&ids(&before)).cloned().collect();
    assert!(!new.is_empty(), "the next keys are published");
    assert!(published.is_superset(&ids(&before)), "and the present ones still are");
    let during = Tokens::read(&town.tool.refresh(&old.refresh).await?)?;
    assert!(!new.contains(&signer(&during.access)?), "but they do not sign yet");

    let mut refresh = during.refresh;
    let after = hallpass_testkit::wait::until("the new keys to sign", async || {
        let tokens = Tokens::read(&town.tool.refresh(&refresh).await?)?;
        refresh.clone_from(&tokens.refresh);
        Ok(new.contains(&signer(&tokens.access)?).then_some(tokens))
    })
    .await?;
    for tokens in [&old.access, &during.access, &after.access] {
        assert!(town.admits(tokens).await?, "each is good until it expires");
    }
    assert!(ids(&keys(&town).await?).contains(&signer(&old.id)?), "the old key is still published");

    town.server.admin(&["signing-keys", "rotate", "--now"], "").await?;
    let at_once = Tokens::read(&town.tool.refresh(&after.refresh).await?)?;
    assert!(!published.contains(&signer(&at_once.access)?));
    assert!(ids(&keys(&town).await?).contains(&signer(&at_once.access)?));
    Ok(())
}
