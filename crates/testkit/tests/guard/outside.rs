//! Another issuer, whose ID tokens the API trusts by name: a second hallpass, where somebody signs
//! in by OpenID Connect.

use anyhow::Result;
use hallpass_testkit::guarded::Guarded;
use hallpass_testkit::oauth::peek;
use hallpass_testkit::town::Town;

// proves: G03, G04, G09
#[tokio::test(flavor = "multi_thread")]
async fn an_outside_issuers_id_token_is_good_where_that_issuer_is_trusted() -> Result<()> {
    let (here, mut there) = (Town::build().await?, Town::build().await?);
    let issuer = there.server.url();
    let trusted = [(issuer.as_str(), there.tool.id.as_str())];
    let api = Guarded::start(&here.server, &here.api, &here.server.url(), &trusted).await?;
    let wary = Guarded::start(&here.server, &here.api, &here.server.url(), &[]).await?;

    let scope = [("scope", "openid profile email"), ("nonce", "n")];
    let tokens = there.tool.tokens(&there.person, &scope).await?;
    let (_, claims) = peek(&tokens.id)?;
    let subject = claims["sub"].as_str().unwrap_or_default();
    // Issuer and subject, though the subject is spelled as an id of ours.
    assert!(subject.starts_with("usr_"));
    assert_eq!(api.get("/me", &tokens.id).await?, (200, format!("{issuer}#{subject}")));
    // No role, whatever the project.
    for path in ["/orgs/acme/projects/rocket", "/orgs/acme/projects/rocket/read"] {
        assert_eq!(api.get(path, &tokens.id).await?.0, 403, "{path}");
    }
    // It is no credential where nobody trusts that issuer, nor at our own server.
    assert_eq!(wary.ask(&tokens.id).await?, 401);
    assert_eq!(here.tool.get_with("/api/v1/whoami", &tokens.id).await?.status, 401);

    // Its access tokens are for its own APIs.
    assert_eq!(api.ask(&tokens.access).await?, 401);
    // An ID token that it made out for another client is not for this API.
    let other = there.other_tool().await?.tokens(&there.person, &scope).await?;
    assert_eq!(api.ask(&other.id).await?, 401);
    // Nor are our own ID tokens credentials, here as little as anywhere.
    let own = here.tool.tokens(&here.person, &scope).await?;
    assert_eq!(api.ask(&own.id).await?, 401);
    assert_eq!(api.ask(&own.access).await?, 200);

    // Our server was asked about its own access token and about nothing else: neither an
    // outside ID token nor what forges one goes anywhere.
    let forged = format!("{}x", tokens.id);
    assert_eq!(api.ask(&forged).await?, 401);
    assert_eq!(api.status().await?["asked"], 1);

    // The issuer is not asked for each request: while it is away, its tokens are good.
    there.server.stop().await?;
    assert_eq!(api.ask(&tokens.id).await?, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_an_issuers_keys_are_not_known_nobody_is_admitted_and_nobody_refused() -> Result<()> {
    let (here, mut there) = (Town::build().await?, Town::build().await?);
    let issuer = there.server.url();
    let trusted = [(issuer.as_str(), there.tool.id.as_str())];
    let api = Guarded::start(&here.server, &here.api, &here.server.url(), &trusted).await?;
    let token = there.tool.tokens(&there.person, &[]).await?.id;
    there.server.stop().await?;
    assert_eq!(api.ask(&token).await?, 503);
    // That is no matter of our own tokens.
    let own = here.tool.tokens(&here.person, &[]).await?;
    assert_eq!(api.ask(&own.access).await?, 200);
    Ok(())
}
