//! RFC 8693: a client exchanges its own access token for a smaller bearer token.

use anyhow::Result;
use hallpass_testkit::oauth::{self, OAuth};
use hallpass_testkit::possession::{Key, token};
use hallpass_testkit::town::{self, Town};
use serde_json::json;

use super::bound;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(super) fn of(subject: &str) -> Vec<(&str, &str)> {
    vec![("grant_type", GRANT), ("subject_token", subject), ("subject_token_type", ACCESS)]
}

fn with<'p>(subject: &'p str, more: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let mut params = of(subject);
    params.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    params.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    params
}

// proves: H01, H02, HP03, client-F6
#[tokio::test]
async fn a_bound_token_becomes_a_short_bearer_token_of_the_same_grant() -> Result<()> {
    let town = Town::build().await?;
    let key = Key::new()?;
    let tokens = bound(&town, &key, &[("scope", "openid email account")]).await?;
    let answer = token(&town.tool, &with(&tokens.access, &[("scope", "account")]), &key).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.get("issued_token_type"), ACCESS);
    assert_eq!(
        (answer.get("token_type"), answer.get("scope")),
        ("Bearer".into(), "account".into())
    );
    let json = answer.json();
    assert!(json["refresh_token"].is_null() && json["id_token"].is_null(), "{json}");
    assert!(json["expires_in"].as_u64().is_some_and(|secs| secs <= 300), "{json}");
    let small = answer.get("access_token");
    let ((_, claims), (_, subject)) = (oauth::peek(&small)?, oauth::peek(&tokens.access)?);
    assert!(claims["cnf"].is_null());
    assert_eq!((&claims["grant"], &claims["sub"]), (&subject["grant"], &subject["sub"]));
    assert!(claims["exp"].as_i64() <= subject["exp"].as_i64(), "never longer than the subject");
    assert_ne!(claims["jti"], subject["jti"]);
    assert_eq!(town.tool.get_with("/api/v1/whoami", &small).await?.status, 200);
    assert_eq!(town.tool.get_with("/userinfo", &small).await?.status, 403, "it has less scope");
    // It is exchanged no further than it goes, and never for what it has lost.
    let again = token(&town.tool, &with(&small, &[("scope", "email")]), &key).await?;
    assert_eq!(again.outcome(), (400, "invalid_scope".to_owned()));
    // It ends with the sign-in.
    town.tool.revoke(&tokens.refresh).await?;
    assert_eq!(town.tool.get_with("/api/v1/whoami", &small).await?.status, 401);
    let over = token(&town.tool, &of(&tokens.access), &key).await?;
    assert_eq!(over.outcome(), (400, "invalid_request".to_owned()));
    Ok(())
}

// proves: H01, H03, H04, H05, G07, G08, attack-26
#[tokio::test]
async fn nothing_is_gained_by_an_exchange() -> Result<()> {
    let town = Town::build().await?;
    let (key, thief) = (Key::new()?, Key::new()?);
    let other_api = "https://other.example/api";
    let resource = ["--resource", other_api];
    town.server.client("other-api", &[], &["--confidential", resource[0], resource[1]]).await?;
    let tokens = bound(&town, &key, &[("scope", "openid account")]).await?;
    let plain = town.tool.tokens(&town.person, &[("scope", "openid")]).await?;
    let own_api = town.server.at("/api");
    let (huge, personal) = (
        "a".repeat(20_000),
        town.server
            .admin(&["token", "create", "--user", "ada@example.com", "--name", "ci"], "")
            .await?,
    );
    let refused = async |what: &str, params: &[(&str, &str)], code: &str| -> Result<()> {
        let answer = token(&town.tool, params, &key).await?;
        assert_eq!(answer.outcome(), (400, code.to_owned()), "{what}: {answer:?}");
        assert!(answer.json()["access_token"].is_null(), "{what}");
        Ok(())
    };
    let good = tokens.access.as_str();
    // What is asked for is part of what there is.
    for (what, more, code) in [
        ("more scope", &[("scope", "openid account email")][..], "invalid_scope"),
        ("other scope", &[("scope", "tokens")], "invalid_scope"),
        ("unknown scope", &[("scope", "root")], "invalid_scope"),
        ("malformed scope", &[("scope", "a\"b")], "invalid_scope"),
        ("another resource", &[("resource", other_api)], "invalid_target"),
        ("another audience", &[("audience", other_api)], "invalid_target"),
        ("one of two", &[("audience", &own_api), ("audience", other_api)], "invalid_target"),
        ("a client as audience", &[("audience", "api")], "invalid_target"),
        ("a resource with fragment", &[("resource", "https://a.example/#x")], "invalid_target"),
        ("a resource that is none", &[("resource", "api")], "invalid_target"),
        // What is missing or wrong is an error of the request, and nothing else is tried.
        ("no subject", &[("subject_token", "")], "invalid_request"),
        ("no type", &[("subject_token_type", "")], "invalid_request"),
        (
            "another type",
            &[("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")],
            "invalid_request",
        ),
        (
            "a JWT's type",
            &[("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")],
            "invalid_request",
        ),
        (
            "a refresh token wanted",
            &[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
            "invalid_request",
        ),
        ("an actor", &[("actor_token", good), ("actor_token_type", ACCESS)], "invalid_request"),
        ("an actor's type alone", &[("actor_token_type", ACCESS)], "invalid_request"),
    ] {
        refused(what, &with(good, more), code).await?;
    }
    for (what, subject) in [
        ("oversized", huge.as_str()),
        ("unreadable", "a.b.c"),
        ("no JWT", "token"),
        ("a refresh token", &tokens.refresh),
        ("an ID token", &tokens.id),
        ("a personal token", personal.trim()),
        ("cut off", &good[..good.len() - 3]),
    ] {
        refused(what, &of(subject), "invalid_request").await?;
    }
    // A fall-back that somebody hopes for: the rest of the request is another grant's.
    let hoped = [("refresh_token", plain.refresh.as_str()), ("subject_token", "x")];
    refused("another grant's token beside it", &with(good, &hoped), "invalid_request").await?;
    // Without the key, or with another, a bound token is worth nothing (RFC 9449 §7.2).
    let bare = town.tool.post("/oauth/token", &of(good)).await?;
    assert_eq!(bare.outcome(), (400, "invalid_dpop_proof".to_owned()));
    let stolen = token(&town.tool, &of(good), &thief).await?;
    assert_eq!(stolen.outcome(), (400, "invalid_dpop_proof".to_owned()));
    // Another client's token is nobody else's to exchange (CVE-2026-56668).
    let other = town.other_tool().await?;
    let answer = token(&other, &of(&plain.access), &key).await?;
    assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()));
    // A client that may not is told so; none gets there by another client's name.
    let grants = ["--grant-type", "authorization_code"];
    town.server.client("plain", &[town::REGISTERED], &grants).await?;
    let without = OAuth::public(&town.server, "plain");
    let answer = without.post("/oauth/token", &of(good)).await?;
    assert_eq!(answer.outcome(), (400, "unauthorized_client".to_owned()));
    // What is good is good, a sign-in that is bound to nothing included.
    let fine = with(good, &[("audience", &own_api), ("resource", &own_api)]);
    let answer = token(&town.tool, &fine, &key).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (_, claims) = oauth::peek(&answer.get("access_token"))?;
    assert_eq!(claims["aud"], json!(own_api));
    let answer = town.tool.post("/oauth/token", &of(&plain.access)).await?;
    assert_eq!(answer.get("token_type"), "Bearer", "{answer:?}");
    Ok(())
}

// proves: H04, C13
#[tokio::test]
async fn a_role_that_is_gone_does_not_come_back_by_exchange() -> Result<()> {
    let town = Town::build().await?;
    let key = Key::new()?;
    let tokens = bound(&town, &key, &[]).await?;
    town.server.admin(&["user", "disable", "ada@example.com"], "").await?;
    let answer = token(&town.tool, &of(&tokens.access), &key).await?;
    assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()));
    Ok(())
}
