//! A server that names a provider elsewhere, and takes its ID tokens.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use hallpass_testkit::cli::Cli;
use hallpass_testkit::provider::Provider;
use hallpass_testkit::server::Server;
use reqwest::StatusCode;
use serde_json::Value;

use crate::elsewhere::{SKILLSCTL, signs_in};
use crate::local::{plan, set_up};

/// Signs somebody in with skillsctl, and answers the shell and the ID token that it keeps.
async fn sign_in(server: &Server, name: &str) -> Result<(Cli, String)> {
    let shell = Cli::at(&server.url())?.program("skillsctl");
    shell.run(&["config", "set", "api_url", &server.url()]).await?;
    let done = signs_in(shell.start(&["auth", "login"])?, SKILLSCTL, name).await?;
    anyhow::ensure!(done.code == Some(0), "{done:?}");
    let kept = std::fs::read(shell.home().join(".config/skillsctl/credentials.json"))?;
    let kept: Value = serde_json::from_slice(&kept)?;
    Ok((shell, kept["id_token"].as_str().context("an ID token")?.to_owned()))
}

struct Api<'s>(&'s Server);

impl Api<'_> {
    async fn whoami(&self, token: &str) -> Result<(StatusCode, Value)> {
        let request = self.0.http()?.build()?.get(self.0.at("/api/v1/whoami")).bearer_auth(token);
        let answer = request.send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or_default()))
    }
}

// proves: SC10
#[tokio::test]
async fn people_sign_in_elsewhere_and_are_somebody_here() -> Result<()> {
    let (provider, other) = (Provider::start("{}").await?, Provider::start("{}").await?);
    let (plan, front) = plan("skillsctl").await?;
    let plan = plan.set("outside_issuer", &provider.issuer).set("outside_client_id", "native");
    let mut server = plan.start().await?;
    let api = Api(&server);

    // Nobody from elsewhere is the first here.
    let (_, early) = sign_in(&server, "eve").await?;
    assert_eq!(api.whoami(&early).await?.0, StatusCode::UNAUTHORIZED);
    set_up(&server, "root@example.com").await?;

    let (shell, token) = sign_in(&server, "ada").await?;
    let (status, me) = api.whoami(&token).await?;
    assert_eq!(status, StatusCode::OK, "{me}");
    let id = me["id"].as_str().context("an id")?.to_owned();
    assert!(id.starts_with("usr_"), "{me}");
    let explore = shell.run(&["explore"]).await?;
    assert!(explore.code == Some(0) && explore.stdout.contains(&id), "{explore:?}");
    assert_eq!(front.seen().last().map(|(_, sent)| sent.clone()), Some(format!("Bearer {token}")));
    // The server that it is for says who that is, and not the provider's userinfo.
    let status = shell.run(&["auth", "status", "--check"]).await?;
    assert!(status.code == Some(0) && status.stderr.is_empty(), "{status:?}");
    // The same person the next time, and somebody else is somebody else.
    let again = sign_in(&server, "ada").await?.1;
    assert_ne!(again, token);
    assert_eq!(api.whoami(&again).await?.1["id"], me["id"]);
    assert_ne!(api.whoami(&sign_in(&server, "bo").await?.1).await?.1["id"], me["id"]);

    // A proxy asks for this server, or for another resource, which it was not made out for.
    for (asked, status) in [("", 200), ("?resource=https://other.example", 401)] {
        let check = server.http()?.build()?.get(server.at(&format!("/check{asked}")));
        let answer = check.bearer_auth(&token).send().await?;
        assert_eq!(answer.status().as_u16(), status, "{asked}");
    }

    // Another issuer's, another client's, one that was changed, and no ID token at all.
    let named: Vec<_> = token.split('.').collect();
    let decode = |part: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    let mut claims: Value = serde_json::from_slice(&decode(named[1])?)?;
    claims["sub"] = "root".into();
    let forged = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
    let forged = format!("{}.{forged}.{}", named[0], named[2]);
    let cut = format!("{}.{}.", named[0], named[1]);
    for bad in [&forged, &cut] {
        assert_eq!(api.whoami(bad).await?.0, StatusCode::UNAUTHORIZED, "{bad}");
    }

    // The operator says who somebody is; what they may do is what they may do now.
    let brand = crate::local::file("skillsctl");
    let brand = brand.to_str().context("a path")?;
    let admin = async |line: &str| {
        let words: Vec<_> = line.split(' ').chain(["--brand-file", brand]).collect();
        server.admin(&words, "").await
    };
    admin("user link root@example.com --subject ada").await?;
    let (_, linked) = api.whoami(&token).await?;
    assert_eq!(linked["email"], "root@example.com", "{linked}");
    admin(&format!("user link {id} --subject ada")).await?;
    assert_eq!(api.whoami(&token).await?.1["id"], me["id"]);
    admin(&format!("user disable {id}")).await?;
    assert_eq!(api.whoami(&token).await?.0, StatusCode::UNAUTHORIZED, "at once");

    // With another issuer in its place the same token is nobody's.
    server.stop().await?;
    server.set("outside_issuer", &other.issuer);
    server.start_again().await?;
    let api = Api(&server);
    assert_eq!(api.whoami(&again).await?.0, StatusCode::UNAUTHORIZED);
    let other_token = sign_in(&server, "ada").await?.1;
    let (status, there) = api.whoami(&other_token).await?;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(there["id"], me["id"], "ada there is not ada here");
    server.stop().await?;
    server.set("outside_client_id", "other");
    server.start_again().await?;
    assert_eq!(Api(&server).whoami(&other_token).await?.0, StatusCode::UNAUTHORIZED);
    // Without one, an ID token is no credential (attack-11).
    server.stop().await?;
    server.set("outside_issuer", "");
    server.set("outside_client_id", "");
    server.start_again().await?;
    assert_eq!(Api(&server).whoami(&other_token).await?.0, StatusCode::UNAUTHORIZED);
    Ok(())
}
