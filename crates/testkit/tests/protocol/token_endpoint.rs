//! C: the token endpoint, and how a client says who it is.

use anyhow::Result;
use hallpass_testkit::oauth::{Answer, CALLBACK, OAuth, Tokens};
use hallpass_testkit::town::{self, Town};

const TOKEN: &str = "/oauth/token";

// proves: C01
#[tokio::test]
async fn form_posts_only_and_each_parameter_once() -> Result<()> {
    let town = Town::build().await?;
    let client = &town.tool;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let answer = Answer::of(client.request(method, TOKEN)).await?;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.header("allow").contains("POST"), "{method}: {}", answer.header("allow"));
    }
    let approved = client.approved(&town.person, &[]).await?;
    let good = format!(
        "grant_type=authorization_code&client_id=tool&code={}&code_verifier={}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback",
        approved.code, approved.verifier
    );
    let form = "application/x-www-form-urlencoded";
    let table = [
        ("application/json", "{\"grant_type\":\"authorization_code\"}".to_owned()),
        ("text/plain", good.clone()),
        ("multipart/form-data; boundary=x", good.clone()),
        (form, format!("{good}&grant_type=authorization_code")),
        (form, format!("{good}&grant_type=")),
        (form, format!("{good}&code=other")),
        (form, format!("{good}&%63ode=other")),
        (form, format!("{good}&x=%zz")),
        (form, format!("{good}&x=%ff")),
        (form, good.replace("grant_type", "grant-type")),
    ];
    for (kind, body) in table {
        let request = client.request("POST", TOKEN).header("content-type", kind);
        let answer = Answer::of(request.body(body.clone())).await?;
        assert!(matches!(answer.status.as_u16(), 400 | 415), "{kind} {body}: {answer:?}");
        assert_eq!(answer.error(), "invalid_request", "{kind} {body}");
    }
    // In the query they are not parameters of this endpoint.
    let answer =
        Answer::of(client.request("POST", &format!("{TOKEN}?{good}")).form(&[("a", "b")])).await?;
    assert_eq!(answer.status, 400);
    // None of that has cost the code.
    let request =
        client.request("POST", TOKEN).header("content-type", format!("{form}; charset=UTF-8"));
    let answer = Answer::of(request.body(format!("{good}&unheard-of=1"))).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(())
}

// proves: C02, D02
#[tokio::test]
async fn answers_with_secrets_are_not_stored() -> Result<()> {
    let town = Town::build().await?;
    let approved = town.tool.approved(&town.person, &[]).await?;
    let redeemed = town.tool.redeem(&approved).await?;
    let tokens = Tokens::read(&redeemed)?;
    let answers = [
        ("code", redeemed),
        ("refresh", town.tool.refresh(&tokens.refresh).await?),
        ("refusal", town.tool.refresh("nonsense").await?),
        ("device", town.tool.device(&[]).await?),
        ("introspection", town.api.introspect(&tokens.access).await?),
        ("userinfo", town.tool.get_with("/userinfo", &tokens.access).await?),
    ];
    for (what, answer) in answers {
        assert!(answer.header("cache-control").contains("no-store"), "{what}");
        assert!(answer.header("content-type").starts_with("application/json"), "{what}");
    }
    assert_eq!(Answer::of(town.tool.request("GET", "/oauth/device")).await?.status, 405);
    Ok(())
}

// proves: C03, C04, C06
#[tokio::test]
async fn a_client_says_who_it_is_in_one_way() -> Result<()> {
    let town = Town::build().await?;
    let secret = town.api.secret.clone().unwrap_or_default();
    let ask = |request: reqwest::RequestBuilder, body: &[(&str, &str)]| {
        let mut params = vec![("token", "x")];
        params.extend(body);
        Answer::of(request.form(&params))
    };
    let bare = || town.api.request("POST", "/oauth/revoke");
    let basic = |id: &str, secret: &str| bare().basic_auth(id, Some(secret));

    // Each way by itself.
    assert_eq!(ask(basic("api", &secret), &[]).await?.status, 200);
    assert_eq!(ask(basic("api", &secret), &[("client_id", "api")]).await?.status, 200);
    let body = [("client_id", "api"), ("client_secret", secret.as_str())];
    assert_eq!(ask(bare(), &body).await?.status, 200);
    // RFC 6749 §2.3: not more than one in each request.
    let two = ask(basic("api", &secret), &body).await?;
    assert_eq!(two.outcome(), (400, "invalid_request".to_owned()));
    let two = ask(basic("api", &secret), &[("client_id", "tool")]).await?;
    assert!(matches!(two.status.as_u16(), 400 | 401), "{two:?}");
    // RFC 6749 §2.3.1: never in the URI.
    let in_query = format!("/oauth/revoke?client_id=api&client_secret={secret}");
    let answer = ask(town.api.request("POST", &in_query), &[]).await?;
    assert!(matches!(answer.status.as_u16(), 400 | 401), "{answer:?}");
    let answer = ask(basic("api", &secret).query(&[("client_secret", &secret)]), &[]).await?;
    assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()));

    // RFC 6749 §5.2: whoever used the Authorization header is challenged for it.
    for (id, secret) in [("api", "wrong"), ("nobody", "x"), ("api", ""), ("tool", "x")] {
        let answer = ask(basic(id, secret), &[]).await?;
        assert_eq!(answer.outcome(), (401, "invalid_client".to_owned()), "{id}");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{id}");
    }
    for wrong in [
        vec![("client_id", "api"), ("client_secret", "wrong")],
        vec![("client_id", "api")],
        vec![("client_id", "nobody")],
        vec![("client_secret", secret.as_str())],
        vec![],
    ] {
        let answer = ask(bare(), &wrong).await?;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{wrong:?}: {answer:?}");
        assert!(
            matches!(answer.error().as_str(), "invalid_client" | "invalid_request"),
            "{wrong:?}"
        );
    }
    for header in ["Basic", "Basic !!!", "Bearer x", "Digest username=\"api\"", "Basic YXBp"] {
        let answer = ask(bare().header("authorization", header), &[]).await?;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{header}: {answer:?}");
    }
    Ok(())
}

// proves: C05
#[tokio::test]
async fn guessing_a_client_secret_is_slowed_down_and_locks_nobody_out() -> Result<()> {
    let town = Town::build().await?;
    let wrong = Some("hp_cs_000000000000000000000000000000000000".to_owned());
    let guesser = OAuth { secret: wrong, ..town.api.clone() };
    let mut told_to_wait = 0;
    for _ in 0..200 {
        let answer = guesser.revoke("x").await?;
        assert_eq!(answer.error(), "invalid_client", "{answer:?}");
        told_to_wait += u32::from(answer.status == 429 && !answer.header("retry-after").is_empty());
    }
    assert!(told_to_wait >= 100, "{told_to_wait} of 200");
    // A secret has 178 random bits, and whoever has it is let in whatever others do.
    assert_eq!(town.api.revoke("x").await?.status, 200);
    Ok(())
}

// proves: C07
#[tokio::test]
async fn errors_are_json_in_the_permitted_characters() -> Result<()> {
    let town = Town::build().await?;
    let code = "urn:ietf:params:oauth:grant-type:device_code";
    let table: [(&str, &[(&str, &str)]); 8] = [
        ("invalid_request", &[]),
        ("invalid_request", &[("grant_type", "authorization_code")]),
        (
            "invalid_grant",
            &[
                ("grant_type", "authorization_code"),
                ("code", "hp_ac_\"\\é\u{7}"),
                ("redirect_uri", CALLBACK),
                ("code_verifier", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ],
        ),
        ("unsupported_grant_type", &[("grant_type", "\"quoted\\backslash\"\u{1F511}")]),
        ("unsupported_grant_type", &[("grant_type", "implicit")]),
        ("invalid_grant", &[("grant_type", "refresh_token"), ("refresh_token", "x\"y")]),
        ("invalid_grant", &[("grant_type", code), ("device_code", "x")]),
        ("invalid_request", &[("grant_type", code)]),
    ];
    for (error, params) in table {
        let answer = town.tool.post(TOKEN, params).await?;
        assert_eq!(answer.outcome(), (400, error.to_owned()), "{params:?}");
        assert!(answer.header("content-type").starts_with("application/json"));
        let description = answer.get("error_description");
        let permitted = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(!description.is_empty() && description.bytes().all(permitted), "{description:?}");
    }
    Ok(())
}

// proves: C08
#[tokio::test]
async fn there_is_no_password_grant() -> Result<()> {
    let town = Town::build().await?;
    let right = [
        ("grant_type", "password"),
        ("username", town.ada.email.as_str()),
        ("password", hallpass_testkit::server::PASSWORD),
    ];
    for client in [&town.tool, &town.api] {
        let answer = client.post(TOKEN, &right).await?;
        assert_eq!(answer.outcome(), (400, "unsupported_grant_type".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn a_client_uses_the_grants_that_it_has() -> Result<()> {
    let town = Town::build().await?;
    let only = ["--grant-type", "authorization_code"];
    town.server.client("code-only", &[town::REGISTERED], &only).await?;
    let client = OAuth::public(&town.server, "code-only");
    let tokens = client.tokens(&town.person, &[]).await?;
    assert_eq!(tokens.refresh, "", "it may not refresh, so it gets nothing to refresh with");
    let foreign = town.tool.tokens(&town.person, &[]).await?;
    assert_eq!(client.refresh(&foreign.refresh).await?.error(), "unauthorized_client");
    assert_eq!(client.device(&[]).await?.error(), "unauthorized_client");
    Ok(())
}
