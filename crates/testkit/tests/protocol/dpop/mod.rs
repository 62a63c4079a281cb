//! RFC 9449: tokens that are bound to a key, from the outside.
//!
//! | module | what |
//! |---|---|
//! | here | what is bound, and where that is asked for |
//! | `hostile` | proofs that prove nothing |
//! | `exchange` | RFC 8693: a bound token is exchanged for a smaller bearer token |

mod exchange;
mod hostile;

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{self, Answer, CALLBACK, OAuth, Tokens};
use hallpass_testkit::possession::{Key, get, get_with, nonce, token, token_with};
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::server::Plan;
use hallpass_testkit::town::{self, Town};
use serde_json::json;

/// What redeems a code.
pub(crate) fn redemption(approved: &oauth::Approved) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", &approved.code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &approved.verifier),
    ]
}

fn refreshing(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

/// Signs in with the code flow and everything bound to `key`.
pub(crate) async fn bound(town: &Town, key: &Key, extra: &[(&str, &str)]) -> Result<Tokens> {
    let jkt = key.jkt();
    let mut extra = extra.to_vec();
    extra.push(("dpop_jkt", &jkt));
    let approved = town.tool.approved(&town.person, &extra).await?;
    let answer = token(&town.tool, &redemption(&approved), key).await?;
    assert_eq!(answer.get("token_type"), "DPoP", "{answer:?}");
    Tokens::read(&answer)
}

// proves: HP03, F05
#[tokio::test]
async fn a_code_is_redeemed_by_the_key_that_was_named() -> Result<()> {
    let town = Town::build().await?;
    let metadata = town.tool.request("GET", "/.well-known/oauth-authorization-server");
    let metadata = Answer::of(metadata).await?.json();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256"]));

    let (key, other) = (Key::new()?, Key::new()?);
    let jkt = key.jkt();
    let approved = town.tool.approved(&town.person, &[("dpop_jkt", &jkt)]).await?;
    let redeem = redemption(&approved);
    // None of these spends the code: no proof, no nonce, another key (§10).
    let refused = town.tool.redeem(&approved).await?;
    assert_eq!(refused.outcome(), (400, "invalid_dpop_proof".to_owned()));
    let url = town.server.at("/oauth/token");
    let early = key.signed(
        &key.header().to_string(),
        &json!({ "jti": "1", "htm": "POST", "htu": url, "iat": 1 }).to_string(),
    );
    let refused = token_with(&town.tool, &redeem, &[&early]).await?;
    assert_eq!(refused.outcome(), (400, "use_dpop_nonce".to_owned()));
    assert!(!refused.header("dpop-nonce").is_empty());
    let refused = token(&town.tool, &redeem, &other).await?;
    assert_eq!(refused.outcome(), (400, "invalid_grant".to_owned()));

    let answer = token(&town.tool, &redeem, &key).await?;
    assert_eq!(answer.get("token_type"), "DPoP", "{answer:?}");
    let tokens = Tokens::read(&answer)?;
    let (_, claims) = oauth::peek(&tokens.access)?;
    assert_eq!(claims["cnf"], json!({ "jkt": jkt }));
    let introspected = town.api.introspect(&tokens.access).await?.json();
    assert_eq!(
        (&introspected["token_type"], &introspected["cnf"]["jkt"]),
        (&json!("DPoP"), &json!(jkt))
    );

    // A request that names no key can still be bound when the code is redeemed (§5).
    let approved = town.tool.approved(&town.person, &[]).await?;
    let answer = token(&town.tool, &redemption(&approved), &key).await?;
    assert_eq!(answer.get("token_type"), "DPoP");
    let refused = town.tool.refresh(&answer.get("refresh_token")).await?;
    assert_eq!(refused.outcome(), (400, "invalid_dpop_proof".to_owned()));
    // What is no thumbprint is an error, and no request without one.
    let (request, _) = town.tool.authorization(&[("dpop_jkt", "short")])?;
    let told = town.person.get(&request).await?;
    let to = told.leads_to().context("a redirect")?;
    assert_eq!(oauth::query(&to, "error").as_deref(), Some("invalid_request"));
    Ok(())
}

// proves: HP03, G12
#[tokio::test]
async fn a_bound_token_is_good_with_its_key_and_nowhere_without() -> Result<()> {
    let town = Town::build().await?;
    let (key, other) = (Key::new()?, Key::new()?);
    let tokens = bound(&town, &key, &[("scope", "openid account")]).await?;
    let (tool, access) = (&town.tool, tokens.access.as_str());
    for path in ["/api/v1/whoami", "/api/v1/sessions?limit=1", "/userinfo"] {
        let at = path.split('?').next().unwrap_or(path);
        let url = town.server.at(at);
        // §7.2: as a bearer token it was taken from somebody.
        let answer = tool.get_with(path, access).await?;
        assert_eq!(answer.status, 401, "{path}");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("DPoP ") && challenge.contains("invalid_token"),
            "{challenge}"
        );
        assert!(challenge.contains(r#"algs="ES256""#), "{challenge}");
        // §9: without a nonce there is one to come again with.
        let bare = key.proof("GET", &url, "", Some(access));
        let answer = get_with(tool, path, access, &[&bare]).await?;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").contains(r#"error="use_dpop_nonce""#));
        let nonce = answer.header("dpop-nonce").to_owned();
        let proof = key.proof("GET", &url, &nonce, Some(access));
        let answer = get_with(tool, path, access, &[&proof]).await?;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        // §11.1: once.
        let again = get_with(tool, path, access, &[&proof]).await?;
        assert_eq!(again.status, 401, "{path}");
        assert!(again.header("www-authenticate").contains(r#"error="invalid_dpop_proof""#));
        // §7.1: with another key, or none.
        assert_eq!(get(tool, at, access, &other).await?.status, 401);
        assert_eq!(get_with(tool, path, access, &[]).await?.status, 401);
    }
    // In a form there is no room for a proof (RFC 6750 §2.2).
    let form = tool.post_bare("/userinfo", &[("access_token", access)]).await?;
    assert_eq!(form.status, 401);
    // A proxy that asks for others cannot say which request the proof is about.
    assert_eq!(tool.get_with("/check", access).await?.status, 401);
    assert_eq!(get(tool, "/check", access, &key).await?.status, 401);
    // A token that is bound to nothing is no DPoP token, and good as ever.
    let plain = tool.tokens(&town.person, &[("scope", "openid account")]).await?.access;
    assert_eq!(get(tool, "/api/v1/whoami", &plain, &key).await?.status, 401);
    assert_eq!(tool.get_with("/api/v1/whoami", &plain).await?.status, 200);
    let bare = Answer::of(tool.request("GET", "/api/v1/whoami")).await?;
    let challenges: Vec<_> = bare.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges.len(), 2, "both ways to present one: {challenges:?}");
    Ok(())
}

/// How often the log says that a copy was tried.
async fn audited(town: &Town) -> Result<usize> {
    let log = town.server.admin(&["audit", "list"], "").await?;
    Ok(log.lines().filter(|line| line.contains("refresh.copy")).count())
}

// proves: HP03, C09
#[tokio::test]
async fn a_copied_refresh_token_is_refused_and_its_owner_goes_on() -> Result<()> {
    let town = Town::build().await?;
    let (key, thief) = (Key::new()?, Key::new()?);
    let tokens = bound(&town, &key, &[]).await?;
    let params = refreshing(&tokens.refresh);
    assert_eq!(audited(&town).await?, 0);
    for _ in 0..3 {
        let bare = town.tool.refresh(&tokens.refresh).await?;
        assert_eq!(bare.outcome(), (400, "invalid_dpop_proof".to_owned()));
        let stolen = token(&town.tool, &params, &thief).await?;
        assert_eq!(stolen.outcome(), (400, "invalid_grant".to_owned()));
    }
    // Shown where the owner looks, and in the log once, however often it is tried.
    let page = town.person.get("/settings/sessions").await?;
    assert!(page.body.contains("A copy of this sign-in was tried from 127.0.0.1"), "{}", page.body);
    assert_eq!(audited(&town).await?, 1);
    // The owner goes on, again and again.
    let mut refresh = tokens.refresh.clone();
    for _ in 0..3 {
        let answer = token(&town.tool, &refreshing(&refresh), &key).await?;
        refresh = Tokens::read(&answer)?.refresh;
        assert_eq!(answer.get("token_type"), "DPoP");
    }
    // An old copy, spent long ago, ends nothing either.
    let stolen = token(&town.tool, &params, &thief).await?;
    assert_eq!(stolen.outcome(), (400, "invalid_grant".to_owned()));
    Tokens::read(&token(&town.tool, &refreshing(&refresh), &key).await?)?;
    Ok(())
}

// proves: HP03, C15, client-E7
#[tokio::test]
async fn a_lost_answer_is_given_again_to_the_same_key() -> Result<()> {
    let town = Town::build().await?;
    let key = Key::new()?;
    let tokens = bound(&town, &key, &[]).await?;
    let params = refreshing(&tokens.refresh);
    let first = Tokens::read(&token(&town.tool, &params, &key).await?)?.refresh;
    let again = Tokens::read(&token(&town.tool, &params, &key).await?)?.refresh;
    assert_eq!(first, again, "the same successor");
    Ok(())
}

// proves: HP03
#[tokio::test]
async fn what_is_bound_to_nothing_goes_on_as_it_was() -> Result<()> {
    let town = Town::build().await?;
    let old = town.tool.tokens(&town.person, &[]).await?;
    let answer = town.tool.refresh(&old.refresh).await?;
    assert_eq!(answer.get("token_type"), "Bearer", "{answer:?}");
    // A confidential client's refresh token is bound to its secret, and not to a key (§5).
    let approved = town.api.approved(&town.person, &[]).await?;
    let key = Key::new()?;
    let proof = async || -> Result<String> {
        let url = town.server.at("/oauth/token");
        Ok(key.proof("POST", &url, &nonce(&town.tool).await?, None))
    };
    let post = async |params: &[(&str, &str)], proof: Option<String>| {
        let request = town.api.request("POST", "/oauth/token");
        let request = request.basic_auth(&town.api.id, town.api.secret.as_ref());
        let request = match proof {
            Some(proof) => request.header("DPoP", proof),
            None => request,
        };
        Answer::of(request.form(params)).await
    };
    let answer = post(&redemption(&approved), Some(proof().await?)).await?;
    assert_eq!(answer.get("token_type"), "DPoP", "{answer:?}");
    let answer = post(&refreshing(&answer.get("refresh_token")), None).await?;
    assert_eq!(answer.get("token_type"), "Bearer", "{answer:?}");
    Ok(())
}

// proves: HP03
#[tokio::test]
async fn a_client_can_be_made_to_prove_always() -> Result<()> {
    let town = Town::build().await?;
    town.server.client("strict", &[town::REGISTERED], &["--require-dpop"]).await?;
    let strict = OAuth::public(&town.server, "strict");
    let key = Key::new()?;
    let approved = strict.approved(&town.person, &[]).await?;
    let refused = strict.redeem(&approved).await?;
    assert_eq!(refused.outcome(), (400, "invalid_dpop_proof".to_owned()));
    let answer = token(&strict, &redemption(&approved), &key).await?;
    let access = Tokens::read(&answer)?.access;
    // It gets no bearer token by another way either.
    let refused = token(&strict, &exchange::of(&access), &key).await?;
    assert_eq!(refused.outcome(), (400, "unauthorized_client".to_owned()));
    Ok(())
}

// proves: HP03, D14
#[tokio::test]
async fn several_servers_take_one_proof_once_and_each_others_nonces() -> Result<()> {
    let cluster = Cluster::start().await?;
    let url = cluster.url().await?;
    let town = Town::of(Plan::new().database_url(&url)).await?;
    let key = Key::new()?;
    let tokens = bound(&town, &key, &[("scope", "openid account")]).await?;
    let master = town.server.directory().join("master.key");
    let master = master.to_str().context("a path in UTF-8")?;
    let beside = Plan::new().database_url(&url).set("master_key_file", master);
    let second = beside.set("public_url", &town.server.url()).start().await?;
    let path = "/api/v1/whoami";
    let nonce = nonce(&town.tool).await?;
    let proof = key.proof("GET", &town.server.at(path), &nonce, Some(&tokens.access));
    let there = OAuth { server: second.url(), ..town.tool.clone() };
    let first = get_with(&there, path, &tokens.access, &[&proof]).await?;
    assert_eq!(first.status, 200, "{first:?}");
    let again = get_with(&town.tool, path, &tokens.access, &[&proof]).await?;
    assert_eq!(again.status, 401, "used at the other one");
    Ok(())
}
