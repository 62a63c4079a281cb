//! Tokens that an operator makes for somebody.

use anyhow::Result;

use crate::office::{Office, PERSONAL, ask, kept_anywhere, permissions};

// proves: SM13, ST15
#[tokio::test]
async fn a_token_for_somebody_is_shown_once_and_kept_nowhere() -> Result<()> {
    let mut office = Office::open().await?;
    let create = ["token", "create", "--user", "ada@example.com", "--name", "nightly"];
    let printed = office.admin(&create).await?;
    let token = printed.trim_end().to_owned();
    assert!(token.starts_with(PERSONAL) && printed.lines().count() == 1, "{printed}");
    assert_eq!(office.whoami(&token).await?.get("email"), "ada@example.com");

    // Listed by what does not give it away.
    let listed = office.rows(&["token", "list", "--user", "ada@example.com"]).await?;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["name"], &listed[0]["prefix"]), (&"nightly".into(), &PERSONAL.into()));
    assert_eq!(listed[0]["last_four"], token[token.len() - 4..]);
    assert_eq!(listed[0]["user"], "ada@example.com");
    for words in
        [&["token", "list"][..], &["token", "list", "--json"], &["audit", "list", "--json"]]
    {
        let said = office.admin(words).await?;
        assert!(!said.contains(&token) && !said.is_empty(), "{said}");
    }
    // In the log: who made it, and for whom.
    let log = office.rows(&["audit", "list"]).await?;
    let row = log.iter().find(|row| row["action"] == "token.create");
    let detail = row.map(|row| row["detail"].to_string()).unwrap_or_default();
    assert!(row.is_some_and(|row| row["actor"] == "system") && detail.contains("usr_"), "{log:?}");

    // Without a server it is the same, and nothing on disk holds a token's text.
    office.server.stop().await?;
    let weekly =
        office.admin(&["token", "create", "--user", "ada@example.com", "--name", "weekly"]).await?;
    for token in [token.as_str(), weekly.trim_end()] {
        assert!(!kept_anywhere(office.server.directory(), token)?);
        assert!(!office.server.log().contains(token));
    }
    office.server.start_again().await?;
    assert_eq!(office.whoami(weekly.trim_end()).await?.status, 200);

    // Revoked: over when the command returns.
    let id = listed[0]["id"].as_str().unwrap_or_default().to_owned();
    office.admin(&["token", "revoke", &id]).await?;
    assert_eq!(office.whoami(&token).await?.status, 401);
    assert_eq!(office.admin(&["token", "list"]).await?.lines().count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_token_can_be_narrowed_and_given_an_end() -> Result<()> {
    let office = Office::open().await?;
    let api = office.api().await?;
    office.admin(&["member", "set", "acme", "ada@example.com", "owner"]).await?;
    let narrow = [
        "token",
        "create",
        "--user",
        "ada@example.com",
        "--name",
        "reader",
        "--expires",
        "30d",
        "--project",
        "acme/site",
        "--scope",
        "project:read",
    ];
    let made = office.admin(&[&narrow[..], &["--json"]].concat()).await?;
    let made: serde_json::Value = serde_json::from_str(&made)?;
    let token = made["value"].as_str().unwrap_or_default();
    assert!(token.starts_with(PERSONAL) && made["expires_at"].is_string(), "{made}");
    let site = ask(&api, token, ("project", "acme/site")).await?;
    assert_eq!(permissions(&site), ["project:read"], "{}", site.body);
    let docs = ask(&api, token, ("project", "acme/docs")).await?;
    assert_eq!(permissions(&docs), [""; 0], "{}", docs.body);
    assert_eq!(office.whoami(token).await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_said() -> Result<()> {
    let office = Office::open().await?;
    let ada = |more: &[&'static str]| {
        [&["token", "create", "--user", "ada@example.com", "--name"][..], more].concat()
    };
    office.admin(&ada(&["ci"])).await?;
    for (words, why) in [
        (ada(&["ci"]), "name"),
        (ada(&["b", "--project", "acme/nothing"]), "project"),
        (ada(&["b", "--scope", "project:rea"]), "project:read"),
        (ada(&["b", "--expires", "soon"]), "--expires"),
        (ada(&["b", "--expires", "2020-01-01"]), "passed"),
        (vec!["token", "create", "--user", "nobody@example.com", "--name", "b"], "no such user"),
        (vec!["token", "revoke", "tok_nothing"], "hallpass admin token list"),
        (vec!["token", "list", "--user", "nobody@example.com"], "hallpass admin user list"),
    ] {
        let said = office.refused(&words, "").await?;
        assert!(said.contains(why), "{words:?}: {said}");
    }
    Ok(())
}
