//! Keys of projects and organizations: what they may do where, from the first to the last use.

use anyhow::{Context as _, Result};
use hallpass_core::wire::CREDENTIAL_EXPIRES;
use hallpass_core::{Clock as _, Timestamp};
use hallpass_testkit::guarded::Guarded;
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::server::Plan;
use hallpass_testkit::system::RealClock;
use hallpass_testkit::{tree, wait};
use serde_json::{Value, json};

use crate::city::{City, text};

const DAY: i64 = 86_400;

/// A brand with the table of RB08.
const BRAND: &str = "
[keys]
prefix = 'rbtk_sk_'

[roles.org]
member = ['org:read']
admin = ['projects:create', 'members:manage', 'billing:manage', 'keys:manage', 'keys:rotate']
owner = ['org:manage']

[roles.project]
viewer = ['project:read', 'results:read']
collaborator = ['runs:create']
owner = ['members:manage', 'keys:manage', 'keys:rotate', 'settings:manage', 'tokens:manage']
";

async fn check(city: &City, key: &str, query: &str) -> Result<Answer> {
    let request = city.cli.request("GET", &format!("/check?{query}"));
    Answer::of(request.bearer_auth(key)).await
}

/// A key of the owner's making: its value, and what is said of it.
async fn make(city: &City, at: &str, new: Value) -> Result<(String, Value)> {
    let owner = city.presents("org owner").context("an owner")?;
    let made = city.made(owner, &format!("/api/v1/orgs/{at}/keys"), new).await?;
    Ok((text(&made, "value")?, made))
}

// proves: RB08, attack-28
#[tokio::test]
async fn a_projects_key_and_an_organizations_may_do_what_the_table_says() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let brand = scratch.path().join("brand.toml");
    let ours = std::fs::read_to_string(tree::root().join("brands/hallpass.toml"))?;
    std::fs::write(&brand, format!("{ours}{BRAND}"))?;
    let brand = brand.to_str().context("a path in UTF-8")?;
    let city = City::build(Plan::new().set("brand_file", brand)).await?;
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    city.made(&owner, "/api/v1/orgs/lab/projects", json!({ "slug": "other" })).await?;
    city.made(&owner, "/api/v1/orgs", json!({ "slug": "elsewhere" })).await?;
    let (project, said) = make(&city, "lab/projects/tools", json!({ "name": "ci" })).await?;
    let (org, _) = make(&city, "lab", json!({ "name": "audit" })).await?;
    assert!(project.starts_with("rbtk_sk_") && org.starts_with("rbtk_sk_"), "{said}");
    let server = &city.town.server;
    let (url, client) = (server.url(), &city.town.api);
    let api = Guarded::start_for(server, client, &url, &[], Some("rbtk_sk_")).await?;
    // Permission, where, and whether a project's key and an organization's has it there.
    #[rustfmt::skip]
    let table = [
        ("results:read",   "lab/tools", true,  true),
        ("results:read",   "lab/other", false, true),
        ("runs:create",    "lab/tools", true,  true),
        ("runs:create",    "lab/other", false, true),
        ("billing:manage", "lab",       false, true),
        ("members:manage", "lab",       false, true),
        ("members:manage", "lab/tools", false, true),
        ("keys:rotate",    "lab",       false, true),
        ("keys:rotate",    "lab/tools", false, true),
        ("org:manage",     "lab",       false, false),
        ("org:read",       "elsewhere", false, false),
    ];
    for (permission, place, for_project, for_org) in table {
        let (query, path) = match place.split_once('/') {
            Some((org, project)) => (
                format!("project={place}&permission={permission}"),
                format!("/orgs/{org}/projects/{project}/may/{permission}"),
            ),
            None => (
                format!("org={place}&permission={permission}"),
                format!("/orgs/{place}/may/{permission}"),
            ),
        };
        for (key, may, whose) in [(&project, for_project, "project"), (&org, for_org, "org")] {
            let wanted = if may { 200 } else { 403 };
            let answer = check(&city, key, &query).await?;
            assert_eq!(answer.status, wanted, "{whose} key, /check, {permission} at {place}");
            let (status, _) = api.get(&path, key).await?;
            assert_eq!(status, wanted, "{whose} key, the API, {permission} at {place}");
        }
    }
    // The same at our own API: an organization's key manages members and keys, a project's none.
    // Each sees its own place, and a token that was made for that alone sees what its owner does.
    let seer = json!({ "name": "seer", "scope": "org:read" });
    let seer = city.made(&owner, "/api/v1/tokens", seer).await?;
    let seer = format!("Bearer {}", text(&seer, "value")?);
    let (org_key, project_key) = (format!("Bearer {org}"), format!("Bearer {project}"));
    for (path, by_org_key, by_project_key, by_token) in [
        ("orgs", 200, 403, 200),
        ("orgs/lab", 200, 403, 200),
        ("orgs/lab/projects", 200, 200, 200),
        ("orgs/lab/projects/tools", 200, 200, 200),
        ("orgs/lab/projects/other", 200, 404, 200),
        ("orgs/lab/members", 200, 403, 200),
        ("orgs/lab/projects/tools/members", 200, 403, 200),
        ("orgs/lab/audit", 200, 404, 403),
        ("orgs/lab/keys", 200, 404, 403),
        ("orgs/elsewhere", 404, 403, 200),
        ("orgs/elsewhere/members", 404, 403, 200),
        ("orgs/elsewhere/projects", 404, 404, 200),
        ("whoami", 200, 200, 403),
    ] {
        for (who, status) in
            [(&org_key, by_org_key), (&project_key, by_project_key), (&seer, by_token)]
        {
            let answer = city.call("GET", &format!("/api/v1/{path}"), Some(who), None).await?;
            assert_eq!(answer.status, status, "{path}: {answer:?}");
        }
    }
    let listed = city.call("GET", "/api/v1/orgs", Some(&org_key), None).await?.json();
    assert_eq!(
        (&listed["items"][0]["slug"], listed["items"].as_array().map(Vec::len)),
        (&json!("lab"), Some(1))
    );
    let (by_org, by_project) = (format!("Bearer {org}"), format!("Bearer {project}"));
    let member = "/api/v1/orgs/lab/members/target@example.com";
    let rotate = format!("/api/v1/keys/{}/rotate", text(&said, "id")?);
    for (method, path, body, by_key, status) in [
        ("PUT", member, json!({ "role": "member" }), &by_project, 404),
        ("PUT", member, json!({ "role": "member" }), &by_org, 200),
        ("PUT", member, json!({ "role": "owner" }), &by_org, 403),
        ("DELETE", member, Value::Null, &by_org, 204),
        ("POST", rotate.as_str(), json!({ "overlap_seconds": 60 }), &by_project, 403),
        ("POST", rotate.as_str(), json!({ "overlap_seconds": 60 }), &by_org, 201),
        (
            "PUT",
            "/api/v1/orgs/elsewhere/members/target@example.com",
            json!({ "role": "member" }),
            &by_org,
            404,
        ),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        let answer = city.call(method, path, Some(by_key), body).await?;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
    }
    // A key that was not narrowed was made for what its role there allows, and for nothing else.
    for (key, scope) in [
        (&project, "project:read results:read runs:create"),
        (
            &org,
            "billing:manage keys:manage keys:rotate members:manage org:read project:read \
             projects:create results:read runs:create settings:manage tokens:manage",
        ),
    ] {
        let told = check(&city, key, "").await?;
        assert_eq!((told.status.as_u16(), told.header("x-hallpass-scope")), (200, scope));
    }
    // Nothing of a person's is a key's.
    for path in ["/api/v1/tokens", "/api/v1/sessions", "/userinfo"] {
        for key in [&by_project, &by_org] {
            let answer = city.call("GET", path, Some(key), None).await?;
            assert!(matches!(answer.status.as_u16(), 401 | 403), "{path}: {answer:?}");
        }
    }
    // Each says what it is and where it belongs, with the organization's plan, whatever is asked.
    city.town.server.admin(&["org", "plan", "lab", "Team"], "").await?;
    for (key, name, project) in
        [(&by_project, "ci", json!("tools")), (&by_org, "audit", json!(null))]
    {
        for path in ["/api/v1/whoami", "/api/v1/whoami?org=elsewhere"] {
            let me = city.call("GET", path, Some(key), None).await?.json();
            assert_eq!((&me["kind"], &me["name"]), (&json!("key"), &json!(name)), "{me}");
            assert_eq!((&me["org"]["slug"], &me["org"]["plan"]), (&json!("lab"), &json!("Team")));
            assert_eq!(me["project"]["slug"], project, "{me}");
        }
    }
    // A person asks about a place where they have a role; no other is there for them.
    let me = city.call("GET", "/api/v1/whoami?project=lab/tools", Some(&owner), None).await?.json();
    assert_eq!((&me["kind"], &me["org"]["plan"]), (&json!("user"), &json!("Team")), "{me}");
    assert_eq!((&me["org"]["role"], &me["project"]["role"]), (&json!("owner"), &json!("owner")));
    let stranger = city.presents("stranger").context("a stranger")?;
    for (path, status) in
        [("?org=lab", 404), ("?project=lab/tools", 404), ("?project=lab", 400), ("?org=no", 404)]
    {
        let path = format!("/api/v1/whoami{path}");
        let answer = city.call("GET", &path, Some(stranger), None).await?;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    // It is over everywhere when revoking returns: at the API in another process too.
    let mine = "/orgs/lab/projects/tools/may/results:read";
    let before = api.status().await?["from_memory"].as_u64();
    wait::until("an answer from memory", async || {
        assert_eq!(api.get(mine, &org).await?.0, 200);
        Ok((api.status().await?["from_memory"].as_u64() > before).then_some(()))
    })
    .await?;
    let listed = city.call("GET", "/api/v1/orgs/lab/keys", Some(&owner), None).await?.json();
    let items = listed["items"].as_array().context("items")?;
    let audit = items.iter().find(|item| item["name"] == "audit").context("the org's key")?;
    let path = format!("/api/v1/keys/{}", text(audit, "id")?);
    assert_eq!(city.call("DELETE", &path, Some(&owner), None).await?.status, 204);
    assert_eq!(api.get(mine, &org).await?.0, 401);
    assert_eq!(check(&city, &org, "org=lab").await?.status, 401);
    assert_eq!(city.town.api.introspect(&org).await?.json(), json!({ "active": false }));
    Ok(())
}

/// A key is what its role is at its place: also if the table lets a collaborator manage keys.
// proves: RB08, attack-28
#[tokio::test]
async fn a_projects_key_manages_keys_there_if_the_table_says_so() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let table = scratch.path().join("permissions.toml");
    std::fs::write(&table, "[project]\ncollaborator = ['project:publish', 'keys:manage']\n")?;
    let table = table.to_str().context("a path in UTF-8")?;
    let city = City::build(Plan::new().set("permissions_file", table)).await?;
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    city.made(&owner, "/api/v1/orgs/lab/projects", json!({ "slug": "other" })).await?;
    let (key, _) = make(&city, "lab/projects/tools", json!({ "name": "ci" })).await?;
    let narrow = json!({ "name": "reader", "scope": "project:read" });
    let (reader, _) = make(&city, "lab/projects/tools", narrow).await?;
    let (key, reader) = (format!("Bearer {key}"), format!("Bearer {reader}"));
    let new = json!({ "name": "child" });
    for (who, method, place, status) in [
        (&key, "GET", "/projects/tools", 200),
        (&key, "POST", "/projects/tools", 201),
        (&reader, "GET", "/projects/tools", 403),
        (&reader, "POST", "/projects/tools", 403),
        (&key, "GET", "/projects/other", 404),
        (&key, "POST", "/projects/other", 404),
        (&key, "GET", "", 404),
        (&key, "POST", "", 404),
    ] {
        let body = (method == "POST").then(|| new.clone());
        let path = format!("/api/v1/orgs/lab{place}/keys");
        let answer = city.call(method, &path, Some(who), body).await?;
        assert_eq!(answer.status, status, "{method} {place}: {answer:?}");
    }
    // What was made for less is asked for what another key could have (RFC 6750 §3.1).
    let narrow = json!({ "name": "publisher", "scope": "project:publish" });
    let (publisher, _) = make(&city, "lab/projects/tools", narrow).await?;
    let publisher = format!("Bearer {publisher}");
    let path = "/api/v1/orgs/lab/projects/tools";
    let answer = city.call("GET", path, Some(&publisher), None).await?;
    assert_eq!((answer.status.as_u16(), answer.get("code")), (403, "insufficient_scope".into()));
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains("scope=\"project:read\""), "{challenge}");
    Ok(())
}

// proves: RB05, RB06, HP06, HP12
#[tokio::test]
async fn a_key_is_shown_once_ends_in_90_days_and_its_generations_are_seen() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    let now = RealClock.now().secs();
    let (value, made) = make(&city, "lab/projects/tools", json!({ "name": "gitlab-ci" })).await?;
    let ends = Timestamp::parse(&text(&made, "expires_at")?).context("a time")?;
    assert!((ends.secs() - now - 90 * DAY).abs() < 600, "{made}");
    assert_eq!(
        (&made["kind"], &made["org"], &made["project"]),
        (&json!("project_key"), &json!("lab"), &json!("tools"))
    );
    assert_eq!(made["creator"], "ada@example.com");
    let never = json!({ "name": "for ever", "expires_at": null });
    let (_, endless) = make(&city, "lab/projects/tools", never).await?;
    assert!(endless.get("expires_at").is_none());
    // Its text is in no other answer.
    let list = "/api/v1/orgs/lab/projects/tools/keys";
    let listed = city.call("GET", list, Some(&owner), None).await?;
    assert!(!listed.body.contains(&value) && listed.body.contains("gitlab-ci"));
    for (path, new, status, code) in [
        (list, json!({ "name": "gitlab-ci" }), 409, "name_taken"),
        (list, json!({ "name": "x", "scope": "billing:manage" }), 400, "invalid_scope"),
        (list, json!({ "name": "x", "scope": "account" }), 400, "invalid_scope"),
        (list, json!({ "name": "x", "expires_at": "2020-01-01T00:00:00Z" }), 400, "invalid_expiry"),
        (list, json!({ "name": " " }), 400, "invalid_name"),
        ("/api/v1/orgs/lab/projects/none/keys", json!({ "name": "x" }), 404, "not_found"),
    ] {
        let answer = city.call("POST", path, Some(&owner), Some(new)).await?;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (status, &json!(code)),
            "{answer:?}"
        );
    }

    // Rotated with an overlap, both generations are good, and each says when it was used.
    let id = text(&made, "id")?;
    let rotate = format!("/api/v1/keys/{id}/rotate");
    let week = json!({ "overlap_seconds": 7 * DAY });
    let young = city.made(&owner, &rotate, week.clone()).await?;
    let young_value = text(&young, "value")?;
    assert_eq!((&young["rotated_from"], &young["principal"]), (&json!(id), &made["principal"]));
    let again = city.call("POST", &rotate, Some(&owner), Some(week)).await?;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!("already_rotated")));
    let publishes = "project=lab/tools&permission=project:publish";
    let (old, new) =
        (check(&city, &value, publishes).await?, check(&city, &young_value, publishes).await?);
    assert_eq!((old.status.as_u16(), new.status.as_u16()), (200, 200), "{old:?} {new:?}");
    assert_eq!(old.header("x-hallpass-sub"), new.header("x-hallpass-sub"), "one principal");
    let (old_ends, new_ends) = (old.header(CREDENTIAL_EXPIRES), new.header(CREDENTIAL_EXPIRES));
    // The old one ends within 14 days, and its answers say so (RFC 9110 §5.6.7).
    assert!(old_ends.ends_with("GMT") && new_ends.is_empty(), "{old_ends} {new_ends}");
    let bearer = format!("Bearer {value}");
    let refused = city.call("GET", list, Some(&bearer), None).await?;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header(CREDENTIAL_EXPIRES), old_ends, "{refused:?}");
    let fresh =
        json!({ "name": "short", "expires_at": Timestamp::from_secs(now + 3 * DAY).to_rfc3339() });
    let short = city.made(&owner, "/api/v1/tokens", fresh).await?;
    let short = format!("Bearer {}", text(&short, "value")?);
    let me = city.call("GET", "/api/v1/whoami", Some(&short), None).await?;
    assert!(me.status == 200 && me.header(CREDENTIAL_EXPIRES).ends_with("GMT"), "{me:?}");
    let me = city.call("GET", "/api/v1/whoami", Some(&owner), None).await?;
    assert_eq!(me.header(CREDENTIAL_EXPIRES), "", "a sign-in is renewed by itself");
    let listed = city.call("GET", list, Some(&owner), None).await?.json();
    let items = listed["items"].as_array().context("items")?;
    let both: Vec<_> = items.iter().filter(|item| item["name"] == "gitlab-ci").collect();
    assert_eq!(both.len(), 2, "{listed}");
    assert_eq!(both.iter().filter(|item| item["overlap_until"].is_string()).count(), 1);

    // By value: whoever manages the keys there learns which it is, others as little as of none.
    let lookup = "/api/v1/keys/lookup";
    let asks = async |role: &str, text: &str| {
        city.call("POST", lookup, city.presents(role), Some(json!({ "value": text }))).await
    };
    let found = asks("project owner", &young_value).await?;
    assert_eq!((found.status.as_u16(), &found.json()["id"]), (200, &young["id"]), "{found:?}");
    let foreign = asks("stranger", &young_value).await?;
    let unknown = asks("stranger", "hp_proj_0123456789ABCDEFGHIJKLMNOPQRST3OurKA").await?;
    assert_eq!((foreign.status, &foreign.body), (unknown.status, &unknown.body));
    assert_eq!(foreign.status, 404);
    // A key of another kind of place is not shown at this one's address, and a token is none.
    let token = city.made(&owner, "/api/v1/tokens", json!({ "name": "mine" })).await?;
    assert_eq!(asks("org owner", &text(&token, "value")?).await?.status, 404);
    let as_key = format!("/api/v1/keys/{}", text(&token, "id")?);
    assert_eq!(city.call("DELETE", &as_key, Some(&owner), None).await?.status, 404);
    let as_token = format!("/api/v1/tokens/{}", text(&young, "id")?);
    assert_eq!(city.call("DELETE", &as_token, Some(&owner), None).await?.status, 404);

    // What leaks at the desk is over, like any token.
    let brought = json!({ "tokens": [young_value] });
    assert_eq!(city.call("POST", "/api/v1/revoke-leaked", None, Some(brought)).await?.status, 200);
    assert_eq!(check(&city, &young_value, "").await?.status, 401);
    assert_eq!(check(&city, &value, "").await?.status, 200, "the old generation is another text");
    let path = format!("/api/v1/keys/{id}");
    assert_eq!(city.call("DELETE", &path, city.presents("project owner"), None).await?.status, 204);
    assert_eq!(check(&city, &value, "").await?.status, 401);
    assert_eq!(city.call("DELETE", &path, Some(&owner), None).await?.status, 404);
    Ok(())
}

// proves: attack-29
#[tokio::test]
async fn a_key_or_a_token_makes_none_that_exceeds_it() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    let soon = Timestamp::from_secs(RealClock.now().secs() + 5 * DAY);
    let narrow = json!({ "name": "rotator", "scope": "keys:manage project:read", "expires_at": soon.to_rfc3339() });
    let (value, _) = make(&city, "lab", narrow).await?;
    let by_key = format!("Bearer {value}");
    let keys = "/api/v1/orgs/lab/projects/tools/keys";
    let made = city.made(&by_key, keys, json!({ "name": "child" })).await?;
    assert_eq!(
        (&made["scope"], &made["expires_at"]),
        (&json!("keys:manage project:read"), &json!(soon.to_rfc3339()))
    );
    for (path, new) in [
        (keys, json!({ "name": "x", "scope": "project:publish" })),
        (keys, json!({ "name": "x", "scope": "project:read", "expires_at": null })),
        ("/api/v1/orgs/lab/keys", json!({ "name": "x", "scope": "members:manage" })),
    ] {
        let answer = city.call("POST", path, Some(&by_key), Some(new)).await?;
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    // Nor does it rotate one that may more.
    let (_, wide) = make(&city, "lab/projects/tools", json!({ "name": "wide" })).await?;
    let rotate = format!("/api/v1/keys/{}/rotate", text(&wide, "id")?);
    let answer = city.call("POST", &rotate, Some(&by_key), Some(json!({}))).await?;
    assert_eq!(answer.status, 403, "{answer:?}");
    // A personal token of one project makes none for the organization or another project.
    let token = city.presents("project token").context("a token")?.to_owned();
    city.made(&owner, "/api/v1/orgs/lab/projects", json!({ "slug": "other" })).await?;
    for path in ["/api/v1/orgs/lab/keys", "/api/v1/orgs/lab/projects/other/keys"] {
        let answer = city.call("POST", path, Some(&token), Some(json!({ "name": "x" }))).await?;
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    Ok(())
}

/// Nobody goes without a word about the keys that they made: not by leaving, and not by being
/// disabled.
// proves: HP06
#[tokio::test]
async fn what_becomes_of_a_leavers_keys_is_asked_of_whoever_lets_them_go() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let admin = city.presents("org admin").context("an admin")?.to_owned();
    let root = city.presents("administrator").context("an administrator")?.to_owned();
    let key = async |name: &str, at: &str| {
        let path = format!("/api/v1/orgs/lab{at}/keys");
        text(&city.made(&admin, &path, json!({ "name": name })).await?, "value")
    };
    let good = async |key: &str| {
        anyhow::Ok(check(&city, key, "project=lab/tools").await?.status.as_u16() == 200)
    };
    let delete = async |path: &str| city.call("DELETE", path, Some(&admin), None).await;
    let (one, two) = (key("one", "").await?, key("two", "/projects/tools").await?);
    let own = "/api/v1/orgs/lab/membership";
    for query in ["", "?keys=perhaps"] {
        let asked = delete(&format!("{own}{query}")).await?;
        assert!(matches!(asked.status.as_u16(), 400 | 409), "{asked:?}");
    }
    let asked = delete(own).await?.json();
    assert_eq!(asked["code"], "keys_undecided");
    let named = asked["detail"].as_str().context("a detail")?;
    assert!(named.contains("one (hp_org_") && named.contains("two (hp_proj_"), "{named}");
    assert_eq!(delete(&format!("{own}?keys=keep")).await?.status, 204);
    assert!(good(&one).await? && good(&two).await?);
    // They are a member again, who manages no keys: those that they made are not theirs to end.
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    let member = "/api/v1/orgs/lab/members/org-admin@example.com";
    let set = city.call("PUT", member, Some(&owner), Some(json!({ "role": "member" }))).await?;
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(delete(&format!("{own}?keys=revoke")).await?.status, 403);
    assert!(good(&one).await? && good(&two).await?);

    let disable = "/api/v1/users/org-admin@example.com/disable";
    let asked = city.call("POST", disable, Some(&root), None).await?;
    assert_eq!((asked.status.as_u16(), &asked.json()["code"]), (409, &json!("keys_undecided")));
    let me = city.call("GET", "/api/v1/whoami", Some(&admin), None).await?;
    assert_eq!(me.status, 200, "nothing was changed");
    let done = city.call("POST", &format!("{disable}?keys=revoke"), Some(&root), None).await?;
    assert_eq!(done.status, 204, "{done:?}");
    assert!(!good(&one).await? && !good(&two).await?);
    let log = city.call("GET", "/api/v1/audit?action=user.disable", Some(&root), None).await?;
    assert!(log.body.contains("; revoked the keys tok_"), "{log:?}");
    let log = city.call("GET", "/api/v1/audit?action=member.remove", Some(&root), None).await?;
    assert!(log.body.contains("; kept the keys tok_"), "{log:?}");
    Ok(())
}

/// A key that makes a key gives it what it has, the right to make keys included, and never more.
// proves: attack-29
#[tokio::test]
async fn a_key_that_makes_a_key_gives_it_no_more_than_it_has() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let (narrow, _) =
        make(&city, "lab", json!({ "name": "maker", "scope": "keys:manage project:read" })).await?;
    let by = format!("Bearer {narrow}");
    let at = "/api/v1/orgs/lab/projects/tools/keys";
    let new = |name: &str, scope: Option<&str>| match scope {
        Some(scope) => json!({ "name": name, "scope": scope }),
        None => json!({ "name": name }),
    };
    // Nothing said: what its maker has, as far as a key of this kind can have it.
    let child = city.made(&by, at, new("child", None)).await?;
    assert_eq!(child["scope"], "keys:manage project:read", "{child}");
    // Said: as said, so the right to make keys is left out by leaving it out.
    let reader = city.made(&by, at, new("reader", Some("project:read"))).await?;
    assert_eq!(reader["scope"], "project:read");
    for scope in ["project:read project:publish", "members:manage"] {
        let refused = city.call("POST", at, Some(&by), Some(new("more", Some(scope)))).await?;
        assert!(matches!(refused.status.as_u16(), 400 | 403), "{scope}: {refused:?}");
    }
    // A project's key is a collaborator, who manages no keys: its word for it does nothing.
    let child = format!("Bearer {}", text(&child, "value")?);
    let refused = city.call("POST", at, Some(&child), Some(new("grandchild", None))).await?;
    assert_eq!(refused.status, 403, "{refused:?}");
    Ok(())
}
