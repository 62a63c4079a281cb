//! Roles, permissions of an API author's own, archives and moves, as an API that asks sees them.

use anyhow::{Context as _, Result};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::{PASSWORD, Plan};
use hallpass_testkit::smtp::Smtp;
use hallpass_testkit::tree;
use serde_json::{Value, json};

use crate::city::{City, text};

/// The words of a tool for test runs, and of a tool for toolkits.
const TABLE: &str = "
[org]
admin = ['projects:create', 'members:manage', 'keys:manage', 'billing:manage', 'keys:rotate']

[project]
viewer = ['project:read', 'results:read']
collaborator = ['project:publish', 'runs:create']
";
const PLACE: &str = "lab/tools";

/// A server with that table and the last of an older system.
async fn city(scratch: &tempfile::TempDir) -> Result<City> {
    let file = |name: &str, text: &str| -> Result<String> {
        let path = scratch.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_str().context("a path in UTF-8")?.to_owned())
    };
    let ours = std::fs::read_to_string(tree::root().join("brands/hallpass.toml"))?;
    let brand = file("brand.toml", &format!("{ours}\n[tokens]\nlegacy_prefix = 'stk_'\n"))?;
    let table = file("permissions.toml", TABLE)?;
    let plan = Plan::new().set("brand_file", &brand).set("permissions_file", &table);
    let city = City::build(plan).await?;
    city.town.server.admin(&["legacy", "phase", "A"], "").await?;
    Ok(city)
}

/// What `/check` and introspection both say about a credential at a place: whether it is good,
/// and its permissions there.
async fn said(city: &City, credential: &str, at: &str) -> Result<(bool, Vec<String>)> {
    let kind = if at.contains('/') { "project" } else { "org" };
    let presented = format!("Bearer {credential}");
    let check = city.call("GET", &format!("/check?{kind}={at}"), Some(&presented), None).await?;
    let asked = [("token", credential), (kind, at)];
    let told = city.town.api.post("/oauth/introspect", &asked).await?.json();
    let mut permissions: Vec<String> =
        serde_json::from_value(told["place"]["permissions"].clone()).unwrap_or_default();
    permissions.sort_unstable();
    let active = told["active"] == true;
    assert_eq!(check.status != 401, active, "{check:?} {told}");
    assert_eq!(check.status == 200, active && !told["place"].is_null(), "{check:?} {told}");
    if check.status == 200 {
        let header = check.headers["x-hallpass-permissions"].to_str()?.to_owned();
        let mut listed: Vec<&str> = header.split_whitespace().collect();
        listed.sort_unstable();
        assert_eq!(listed, permissions);
    }
    Ok((active, permissions))
}

/// What somebody presents, without `Bearer`.
fn credential<'c>(city: &'c City, role: &str) -> Result<&'c str> {
    city.presents(role).and_then(|it| it.strip_prefix("Bearer ")).context("a bearer token")
}

// proves: ST08, places-5
#[tokio::test]
async fn the_table_of_a_deployment_holds_row_by_row_and_a_change_counts_at_once() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let city = city(&scratch).await?;
    let reads = ["project:read", "results:read"];
    let works = ["project:publish", "runs:create"];
    let manages = ["members:manage", "tokens:manage", "settings:manage"];
    for (role, has, has_not) in [
        ("viewer", &[&reads[..]][..], &[&works[..], &manages[..]][..]),
        ("collaborator", &[&reads[..], &works[..]], &[&manages[..]]),
        ("project owner", &[&reads[..], &works[..], &manages[..]], &[]),
        ("org admin", &[&reads[..], &works[..], &manages[..]], &[]),
    ] {
        let (_, permissions) = said(&city, credential(&city, role)?, PLACE).await?;
        let there = |name: &&str| permissions.iter().any(|it| it == name);
        assert!(has.iter().copied().flatten().all(there), "{role}: {permissions:?}");
        assert!(!has_not.iter().copied().flatten().any(there), "{role}");
        // Asked for by name it is the same.
        for name in reads.iter().chain(&works).chain(&manages) {
            let path = format!("/check?project={PLACE}&permission={name}");
            let answer = city.call("GET", &path, city.presents(role), None).await?;
            assert_eq!(answer.status, if there(name) { 200 } else { 403 }, "{role} {name}");
        }
    }
    for (role, billing) in [("org member", false), ("org admin", true), ("org owner", true)] {
        for name in ["billing:manage", "keys:rotate"] {
            let path = format!("/check?org=lab&permission={name}");
            let answer = city.call("GET", &path, city.presents(role), None).await?;
            assert_eq!(answer.status == 200, billing, "{role} {name}");
        }
    }
    // Up, down and out again, each on the very next request.
    let (owner, viewer) = (city.presents("org owner"), credential(&city, "viewer")?);
    let member = "/api/v1/orgs/lab/projects/tools/members/viewer@example.com";
    for (role, runs) in [("collaborator", true), ("viewer", false)] {
        let set = city.call("PUT", member, owner, Some(json!({ "role": role }))).await?;
        assert_eq!(set.status, 200, "{set:?}");
        let (_, permissions) = said(&city, viewer, PLACE).await?;
        assert_eq!(permissions.iter().any(|it| it == "runs:create"), runs, "{permissions:?}");
    }
    assert_eq!(city.call("DELETE", member, owner, None).await?.status, 204);
    assert_eq!(said(&city, viewer, PLACE).await?, (true, Vec::new()));
    Ok(())
}

// proves: attack-28, places-2
#[tokio::test]
async fn nothing_admits_at_an_archived_place_and_all_of_it_comes_back() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let city = city(&scratch).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let made = "/api/v1/orgs/lab/projects/tools/legacy-tokens";
    let legacy = text(&city.made(owner, made, json!({ "name": "old" })).await?, "value")?;
    let narrowed = credential(&city, "project token")?.to_owned();
    let viewer = credential(&city, "viewer")?.to_owned();
    let mut before = Vec::new();
    for token in [&legacy, &narrowed, &viewer] {
        before.push(said(&city, token, PLACE).await?);
    }
    assert!(before.iter().all(|(good, permissions)| *good && !permissions.is_empty()));
    for place in ["/api/v1/orgs/lab/projects/tools", "/api/v1/orgs/lab"] {
        let archived = city.call("POST", &format!("{place}/archive"), Some(owner), None).await?;
        assert_eq!(archived.status, 204, "{archived:?}");
        // What is bound to it is worth nothing without it; a person stays a person.
        assert_eq!(said(&city, &legacy, PLACE).await?, (false, Vec::new()));
        assert_eq!(said(&city, &narrowed, PLACE).await?, (true, Vec::new()));
        assert_eq!(said(&city, &viewer, PLACE).await?, (true, Vec::new()));
        let gone = city.call("GET", place, Some(owner), None).await?;
        let never = city.call("GET", "/api/v1/orgs/nowhere", Some(owner), None).await?;
        assert_eq!(gone.status, 404);
        if place.ends_with("lab") {
            assert_eq!(gone.body, never.body, "like one that does not exist");
            let listed = city.call("GET", "/api/v1/orgs?archived=true", Some(owner), None).await?;
            let listed = listed.json();
            assert_eq!(listed["items"][0]["slug"], "lab", "{listed}");
            assert!(listed["items"][0]["archived_at"].is_string());
        }
        let back = city.call("POST", &format!("{place}/unarchive"), Some(owner), None).await?;
        assert_eq!(back.status, 200, "{back:?}");
        for (token, before) in [&legacy, &narrowed, &viewer].into_iter().zip(&before) {
            assert_eq!(&said(&city, token, PLACE).await?, before);
        }
    }
    Ok(())
}

// proves: attack-28, places-3
#[tokio::test]
async fn a_project_that_moved_is_its_new_organizations_alone() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let city = city(&scratch).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let stranger = city.presents("stranger").context("a stranger")?;
    city.made(stranger, "/api/v1/orgs", json!({ "slug": "beta" })).await?;
    let heir = format!("/api/v1/orgs/beta/members/{}", city.town.ada.email);
    let set = city.call("PUT", &heir, Some(stranger), Some(json!({ "role": "admin" }))).await?;
    assert_eq!(set.status, 200, "{set:?}");
    let legacy = "/api/v1/orgs/lab/projects/tools/legacy-tokens";
    let legacy = text(&city.made(owner, legacy, json!({ "name": "old" })).await?, "value")?;
    let path = "/api/v1/orgs/lab/projects/tools/transfer";
    let moved = city.call("POST", path, Some(owner), Some(json!({ "org": "beta" }))).await?;
    assert_eq!((moved.status.as_u16(), &moved.json()["org"]), (200, &json!("beta")), "{moved:?}");
    for (role, here) in [
        ("viewer", false),
        ("project owner", false),
        ("org admin", false),
        ("org owner", true),
        ("stranger", true),
        ("project token", true),
    ] {
        let token = credential(&city, role)?;
        let (good, permissions) = said(&city, token, "beta/tools").await?;
        assert_eq!((good, !permissions.is_empty()), (true, here), "{role}: {permissions:?}");
        assert_eq!(said(&city, token, PLACE).await?.1, Vec::<String>::new(), "{role}");
    }
    assert!(!said(&city, &legacy, "beta/tools").await?.0);
    // The old address is nobody else's.
    let again = city
        .call("POST", "/api/v1/orgs/lab/projects", Some(owner), Some(json!({ "slug": "tools" })))
        .await?;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!("slug_taken")));
    Ok(())
}

// proves: places-1
#[tokio::test]
async fn a_plan_is_shown_and_the_last_owner_stays() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let (owner, root) = (city.presents("org owner"), city.presents("administrator"));
    let set = city.call("PUT", "/api/v1/orgs/lab/plan", root, Some(json!({ "plan": "Team" })));
    assert_eq!(set.await?.json()["plan"], "Team");
    assert_eq!(city.call("GET", "/api/v1/orgs/lab", owner, None).await?.json()["plan"], "Team");
    city.town.server.admin(&["org", "plan", "lab", "Enterprise"], "").await?;
    assert_eq!(
        city.call("GET", "/api/v1/orgs", owner, None).await?.json()["items"][0]["plan"],
        "Enterprise"
    );
    let ada = &city.town.ada.email;
    let refused = city.town.server.admin(&["user", "disable", ada], "").await;
    let refused = format!("{:#}", refused.expect_err("the last owner"));
    assert!(refused.contains("the last owner of lab"), "{refused}");
    let kept = city.call("DELETE", "/api/v1/orgs/lab/membership", owner, None).await?;
    let code: Value = kept.json()["code"].clone();
    assert_eq!((kept.status.as_u16(), code), (409, json!("last_owner")));
    city.town.server.admin(&["member", "set", "lab", "target@example.com", "owner"], "").await?;
    city.town.server.admin(&["user", "disable", ada], "").await?;
    Ok(())
}

// proves: places-4
#[tokio::test]
async fn an_invitation_goes_by_mail_and_its_link_to_nobody_else() -> Result<()> {
    let post = Smtp::start().await?;
    let city = City::build(post.of(Plan::new())).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let new = json!({ "email": "Nia@example.com", "role": "admin" });
    let made = city.made(owner, "/api/v1/orgs/lab/invitations", new).await?;
    assert!(made["mailed"] == true && made["link"].is_null(), "{made}");
    let mail = post.next().await?;
    assert_eq!(mail.to, "nia@example.com");
    assert!(mail.header("Subject").is_some_and(|it| it.contains("invites you to lab")));
    let link = mail.text.split_whitespace().find(|word| word.contains("/invitation?code="));
    let nia = Person::new(&city.town.server)?;
    let page = nia.get(link.context("a link")?).await?;
    assert!(page.text("#who").is_some_and(|who| who.contains("Ada") && who.contains("as admin")));
    let filled = [("name", "Nia"), ("new_password", PASSWORD), ("repeat_password", PASSWORD)];
    let page = nia.submit(&page, "#join", &filled, None).await?;
    assert_eq!(page.url.path(), "/orgs/lab");
    let members = city.call("GET", "/api/v1/orgs/lab/members", Some(owner), None).await?;
    assert!(members.body.contains("nia@example.com"), "{members:?}");
    Ok(())
}
