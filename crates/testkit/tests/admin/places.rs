//! Organizations, projects, and roles in them.

use anyhow::Result;

use crate::office::Office;

#[tokio::test]
async fn organizations_projects_and_roles_are_made_whether_the_server_runs_or_not() -> Result<()> {
    let mut office = Office::open().await?;
    let made = office
        .admin(&["org", "create", "beta", "--name", "Beta Ltd", "--owner", "ada@example.com"])
        .await?;
    assert!(made.starts_with("org_") && made.lines().count() == 1, "{made}");
    office.server.stop().await?;

    let made = office.admin(&["project", "create", "beta/app", "--name", "The App"]).await?;
    assert!(made.starts_with("prj_") && made.lines().count() == 1, "{made}");
    let orgs = office.rows(&["org", "list"]).await?;
    let slugs: Vec<&str> = orgs.iter().filter_map(|org| org["slug"].as_str()).collect();
    assert_eq!(slugs, ["acme", "beta"]);
    let projects = office.rows(&["project", "list"]).await?;
    let places: Vec<&str> = projects.iter().filter_map(|it| it["place"].as_str()).collect();
    assert_eq!(places, ["acme/site", "acme/docs", "beta/app"]);
    assert!(office.admin(&["project", "list", "beta"]).await?.contains("The App"));

    office.server.start_again().await?;
    office.server.person("bo@example.com", "Bo").await?;
    let set = |place, role| ["member", "set", place, "bo@example.com", role];
    office.admin(&set("beta/app", "viewer")).await?;
    office.admin(&set("beta/app", "collaborator")).await?;
    office.admin(&set("beta", "member")).await?;
    let members = office.rows(&["member", "list", "beta/app"]).await?;
    assert_eq!(members.len(), 1);
    assert_eq!(
        (&members[0]["email"], &members[0]["role"]),
        (&"bo@example.com".into(), &"collaborator".into())
    );
    assert_eq!(office.rows(&["member", "list", "beta"]).await?.len(), 2);
    office.admin(&["member", "remove", "beta/app", "bo@example.com"]).await?;
    assert_eq!(office.admin(&["member", "list", "beta/app"]).await?, "");
    office.admin(&["org", "plan", "beta", "Team"]).await?;
    office.admin(&["org", "archive", "beta"]).await?;
    let orgs = office.rows(&["org", "list"]).await?;
    let beta = orgs.iter().find(|org| org["slug"] == "beta");
    assert!(beta.is_some_and(|org| org["plan"] == "Team" && org["disabled_at"].is_string()));
    office.admin(&["org", "unarchive", "beta"]).await?;
    assert_eq!(office.rows(&["member", "list", "beta"]).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_said_with_what_would_be_right() -> Result<()> {
    let office = Office::open().await?;
    office.admin(&["member", "set", "acme", "ada@example.com", "owner"]).await?;
    for (words, why) in [
        (&["org", "create", "acme"][..], "taken"),
        (&["org", "create", "Not A Slug"], "slug"),
        (&["org", "create", "new", "--owner", "nobody@example.com"], "hallpass admin user list"),
        (&["project", "create", "acme/site"], "taken"),
        (&["project", "create", "nowhere/site"], "hallpass admin org list"),
        (&["project", "create", "acme"], "ORG/PROJECT"),
        (&["project", "list", "nowhere"], "hallpass admin org list"),
        (
            &["member", "set", "acme/nothing", "ada@example.com", "owner"],
            "hallpass admin project list",
        ),
        (&["member", "set", "acme", "nobody@example.com", "owner"], "hallpass admin user list"),
        (&["member", "set", "acme", "ada@example.com", "king"], "no such role"),
        (&["member", "set", "acme", "ada@example.com", "viewer"], "no such role"),
        (&["member", "set", "acme/site", "ada@example.com", "admin"], "no such role"),
        (&["member", "set", "acme", "ada@example.com", "member"], "last owner"),
        (&["member", "remove", "acme", "ada@example.com"], "last owner"),
        (&["user", "disable", "ada@example.com"], "hallpass admin member set acme EMAIL owner"),
        (&["org", "plan", "nowhere", "Team"], "hallpass admin org list"),
        (&["org", "unarchive", "acme"], "hallpass admin org list"),
        (&["member", "remove", "acme/site", "ada@example.com"], "hallpass admin member list"),
    ] {
        let said = office.refused(words, "").await?;
        assert!(said.contains(why), "{words:?}: {said}");
    }
    Ok(())
}

/// With `--json` a failure is an object, as the other commands tell one.
// proves: client-L3
#[tokio::test]
async fn a_failure_is_told_to_a_program() -> Result<()> {
    let office = Office::open().await?;
    let told = async |words: &[&str]| -> Result<serde_json::Value> {
        let said = office.refused(&[words, &["--json"]].concat(), "").await?;
        Ok(serde_json::from_str(&said)?)
    };
    for words in [
        &["project", "create", "nowhere/site"][..],
        &["audit", "export", "--since", "yesterday"],
        &["audit", "verify", "/does/not/exist"],
    ] {
        let error = &told(words).await?["error"];
        assert_eq!((&error["code"], &error["exit"]), (&"usage".into(), &2.into()), "{error}");
        assert!(error["message"].as_str().is_some_and(|it| it.len() > 10), "{error}");
        assert_eq!(error["next"], "hallpass admin --help");
    }
    Ok(())
}
