//! Agents: their tokens on every route of the server, their trees, and exchanges for children.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{self, Answer, OAuth};
use hallpass_testkit::server::Plan;
use serde_json::{Value, json};

use crate::city::{City, text};
use crate::document;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What an agent may call, and what it is answered when nothing is below it.
const OWN: [(&str, u16); 8] = [
    ("agentItself", 200),
    ("agentSecret", 404),
    ("agentReport", 204),
    ("askApproval", 201),
    ("takeApproved", 404),
    ("renewChild", 404),
    ("stopChild", 404),
    ("agentDone", 204),
];
/// What anybody may call, with whatever they present or nothing.
const OPEN: [&str; 4] = ["getOpenApi", "listAuditKeys", "revokeLeaked", "githubSecretScanning"];

/// An agent: its id and its token.
struct Agent {
    id: String,
    token: String,
}

impl Agent {
    fn presents(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

async fn started(city: &City, owner: &str, new: Value) -> Result<Agent> {
    let made = city.made(owner, "/api/v1/agents", new).await?;
    Ok(Agent { id: text(&made["agent"], "id")?, token: text(&made, "token")? })
}

fn builder(permissions: &str) -> Value {
    json!({ "name": "builder", "permissions": permissions, "project": "lab/tools" })
}

/// Asks for a child with the parent's token as subject, and `actor` as actor.
async fn exchange(
    client: &OAuth,
    subject: &str,
    actor: &str,
    more: &[(&str, &str)],
) -> Result<Answer> {
    let mut params = vec![
        ("grant_type", GRANT),
        ("subject_token", subject),
        ("subject_token_type", ACCESS),
        ("actor_token", actor),
        ("actor_token_type", ACCESS),
        ("agent_name", "helper"),
    ];
    params.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    params.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    client.post("/oauth/token", &params).await
}

async fn child(city: &City, parent: &Agent, more: &[(&str, &str)]) -> Result<Agent> {
    let answer = exchange(&city.cli, &parent.token, &parent.token, more).await?;
    anyhow::ensure!(answer.status == 200, "{answer:?}");
    let token = answer.get("access_token");
    Ok(Agent { id: text(&oauth::peek(&token)?.1, "sub")?, token })
}

/// Whether a token is good, asked where it would be admitted: both must agree.
async fn is_good(city: &City, token: &str) -> Result<bool> {
    let introspected = city.town.api.introspect(token).await?.json()["active"] == true;
    let own = city.cli.get_with("/api/v1/agent", token).await?.status == 200;
    assert_eq!(own, introspected, "they disagree");
    Ok(own)
}

async fn may(city: &City, token: &str, permission: &str) -> Result<bool> {
    let path = format!("/check?project=lab/tools&permission={permission}");
    Ok(city.cli.get_with(&path, token).await?.status == 200)
}

// proves: SN07, attack-49
#[tokio::test]
async fn an_agents_token_is_refused_on_every_route_that_is_not_its_own() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    // It has whatever can be lent in the project, of somebody who owns all of it.
    let all =
        "keys:manage members:manage project:publish project:read settings:manage tokens:manage";
    let agent = started(&city, owner, builder(all)).await?;
    assert!(may(&city, &agent.token, "members:manage").await?, "elsewhere it counts");
    let made = city.made(owner, "/api/v1/tokens", json!({ "name": "x" })).await?;
    let token = text(&made, "id")?;
    let document = document::read(&city).await?;
    let mut routes = document::operations(&document)?;
    // Last of all it says that it is done.
    routes.sort_by_key(|route| route.id == "agentDone");
    let mut wrong = Vec::new();
    for route in &routes {
        let (old, new) = ("{org}/projects/{project}", "lab/projects/tools");
        let path = route.path.replace(old, new).replace("{org}", "lab");
        let path = path.replace("{project}", "tools").replace("{user}", "target@example.com");
        let path = path.replace("{name}", "KEY");
        let id = if path.contains("agents/") { &agent.id } else { &token };
        let path = path.replace("{id}", id);
        let body = match &*route.id {
            "feed" => json!({ "holder": "an agent" }),
            "askApproval" => json!({ "authorization_details": [{ "type": "deploy" }] }),
            _ => json!({ "text": "at it" }),
        };
        let body = (route.method != "GET").then_some(body);
        let answer = city.call(&route.method, &path, Some(&agent.presents()), body).await?;
        let own = OWN.iter().find(|(own, _)| *own == route.id).map(|(_, status)| *status);
        let as_must = match own {
            Some(status) => answer.status == status,
            // Guards present their client's secret, GitHub its signature.
            None if matches!(&*route.id, "feed" | "githubSecretScanning") => answer.status == 401,
            None if OPEN.contains(&&*route.id) => answer.status != 401 && answer.status != 403,
            None => answer.status == 403,
        };
        if !as_must {
            wrong.push(format!("{} {path}: {answer:?}", route.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(OWN.iter().all(|(own, _)| routes.iter().any(|route| route.id == *own)));
    assert!(!is_good(&city, &agent.token).await?, "it said that it is done");
    Ok(())
}

// proves: SN07, attack-49
#[tokio::test]
async fn no_page_and_no_endpoint_takes_an_agent_for_its_owner() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let agent = started(&city, owner, builder("project:read")).await?;
    assert_eq!(city.cli.get_with("/userinfo", &agent.token).await?.status, 403);
    for page in ["/", "/settings/tokens", "/settings/sessions", "/settings/security", "/admin"] {
        let asked = city.cli.get_with(page, &agent.token).await?;
        let anybody = Answer::of(city.cli.request("GET", page)).await?;
        // Each form has a token of its own.
        let shown = |page: &Answer| {
            let lines = page.body.lines().filter(|line| !line.contains("csrf"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!((asked.status, shown(&asked)), (anybody.status, shown(&anybody)), "{page}");
    }
    // It is exchanged for nothing but a child's, and is no refresh token, code or assertion.
    let plain = [
        ("grant_type", GRANT),
        ("subject_token", agent.token.as_str()),
        ("subject_token_type", ACCESS),
    ];
    let exchanged = city.cli.post("/oauth/token", &plain).await?;
    assert_eq!(exchanged.outcome(), (400, "invalid_request".to_owned()));
    let refreshed = city.cli.refresh(&agent.token).await?;
    assert_eq!(refreshed.outcome(), (400, "invalid_grant".to_owned()));
    Ok(())
}

// proves: SN04, HP08
#[tokio::test]
async fn an_agent_never_has_more_than_its_owner_now() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let lender = city.presents("collaborator").context("a collaborator")?;
    // Not more than they have, and nothing where they have nothing.
    let create = |new| city.call("POST", "/api/v1/agents", Some(lender), Some(new));
    assert_eq!(create(builder("members:manage")).await?.status, 403);
    assert_eq!(create(builder("tokens")).await?.status, 403);
    assert_eq!(create(json!({ "name": "x", "project": "lab/other" })).await?.status, 404);
    assert_eq!(create(json!({ "name": "x", "permissions": "project:read" })).await?.status, 400);
    assert_eq!(create(json!({ "name": "x", "ttl_seconds": 3601 })).await?.status, 400);
    let agent = started(&city, lender, builder("project:publish project:read")).await?;
    let (header, claims) = oauth::peek(&agent.token)?;
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["sub"], agent.id.as_str());
    assert_eq!(claims["act"]["sub"].as_str().map(|sub| &sub[..4]), Some("usr_"));
    assert_eq!(claims["scope"], "agent project:publish project:read");
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).context("dates")?;
    assert_eq!(life.0 - life.1, 900);
    assert!(claims["auth_time"].is_i64() && claims["client_id"] == "hallpass-cli", "{claims}");

    assert!(may(&city, &agent.token, "project:publish").await?);
    assert!(!may(&city, &agent.token, "members:manage").await?);
    let set = async |role: &str| {
        let path = "/api/v1/orgs/lab/projects/tools/members/collaborator@example.com";
        city.call("PUT", path, Some(owner), Some(json!({ "role": role }))).await
    };
    set("viewer").await?;
    assert!(!may(&city, &agent.token, "project:publish").await?, "its owner lost that");
    assert!(may(&city, &agent.token, "project:read").await?);
    let told = city.town.api.introspect(&agent.token).await?.json();
    assert_eq!(told["scope"], "agent project:read", "whoever reads the scope is told so too");
    // A higher role of its owner's gives it nothing that it was not granted.
    set("owner").await?;
    assert!(may(&city, &agent.token, "project:publish").await?);
    assert!(!may(&city, &agent.token, "members:manage").await?);
    // Without any role of its owner's there it is nobody.
    let path = "/api/v1/orgs/lab/projects/tools/members/collaborator@example.com";
    assert_eq!(city.call("DELETE", path, Some(owner), None).await?.status, 204);
    assert!(!is_good(&city, &agent.token).await?);
    set("viewer").await?;
    assert!(is_good(&city, &agent.token).await?);
    let root = city.presents("administrator").context("an administrator")?;
    let disable = "/api/v1/users/collaborator@example.com/disable";
    assert_eq!(city.call("POST", disable, Some(root), None).await?.status, 204);
    assert!(!is_good(&city, &agent.token).await?, "its owner is disabled");
    Ok(())
}

// proves: HP08
#[tokio::test]
async fn a_tree_of_agents_narrows_downwards_and_ends_as_one() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let root = started(&city, owner, builder("project:publish project:read")).await?;
    let middle = child(&city, &root, &[("scope", "project:read"), ("agent_ttl", "60")]).await?;
    let leaf = child(&city, &middle, &[]).await?;
    let beside = child(&city, &root, &[("agent_depth", "0")]).await?;
    assert!(may(&city, &leaf.token, "project:read").await?);
    assert!(!may(&city, &leaf.token, "project:publish").await?);

    // Introspection shows the whole chain, the nearest first.
    let seen = city.town.api.introspect(&leaf.token).await?.json();
    assert_eq!((&seen["sub_type"], &seen["credential"]), (&json!("agent"), &json!("agent_token")));
    assert_eq!((&seen["sub"], &seen["act"]["sub"]), (&json!(leaf.id), &json!(middle.id)));
    assert_eq!(seen["act"]["act"]["sub"], root.id.as_str());
    assert!(seen["act"]["act"]["act"]["sub"].as_str().is_some_and(|id| id.starts_with("usr_")));
    assert!(seen["act"]["act"]["act"]["act"].is_null());
    let (_, claims) = oauth::peek(&leaf.token)?;
    assert_eq!(claims["act"], seen["act"]);
    assert!(claims["may_act"].is_null(), "two levels below the root is the last one");
    let end = |agent: &Agent| Ok::<_, anyhow::Error>(oauth::peek(&agent.token)?.1["exp"].as_i64());
    assert!(end(&leaf)? <= end(&middle)? && end(&middle)? <= end(&root)?);

    // A parent renews and stops what is below it; nobody renews themselves.
    let renew = async |who: &Agent, id: &str| {
        let path = format!("/api/v1/agent/children/{id}/renew");
        city.call("POST", &path, Some(&who.presents()), None).await
    };
    assert_eq!(renew(&root, &leaf.id).await?.status, 201);
    for (who, id) in
        [(&leaf, &leaf.id), (&leaf, &middle.id), (&beside, &leaf.id), (&middle, &beside.id)]
    {
        assert_eq!(renew(who, id).await?.status, 404);
    }
    let stranger = city.presents("stranger").context("a stranger")?;
    let stop = async |who: &str, id: &str| {
        city.call("POST", &format!("/api/v1/agents/{id}/stop"), Some(who), None).await
    };
    assert_eq!(stop(stranger, &root.id).await?.status, 404);
    assert_eq!(stop(owner, &middle.id).await?.status, 204);
    let good = async || {
        let mut good = Vec::new();
        for agent in [&root, &middle, &leaf, &beside] {
            good.push(is_good(&city, &agent.token).await?);
        }
        anyhow::Ok(good)
    };
    assert_eq!(good().await?, [true, false, false, true]);
    let late = exchange(&city.cli, &middle.token, &middle.token, &[]).await?;
    assert_eq!(late.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(stop(owner, &root.id).await?.status, 204);
    assert_eq!(good().await?, [false; 4]);

    let listed = city.call("GET", "/api/v1/agents", Some(owner), None).await?.json();
    let items = listed["items"].as_array().context("items")?;
    assert_eq!(items.len(), 4);
    assert!(items.iter().all(|item| item["state"] == "stopped" && item["ended_at"].is_string()));
    Ok(())
}

// proves: HP08, H01, H04, attack-26, attack-49
#[tokio::test]
async fn a_child_is_had_by_its_parent_alone_and_never_has_more() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let root = started(&city, owner, builder("project:read")).await?;
    let other = started(&city, owner, builder("project:read")).await?;
    let barren = json!({ "name": "x", "depth": 0 });
    let barren = started(&city, owner, barren).await?;
    let person = owner.strip_prefix("Bearer ").context("a token")?;
    let personal = city.made(owner, "/api/v1/tokens", json!({ "name": "ci" })).await?;
    let personal = text(&personal, "value")?;
    let (one, two) = (root.token.as_str(), other.token.as_str());
    let refused =
        async |what: &str, subject: &str, actor: &str, more: &[(&str, &str)], code: &str| {
            let answer = exchange(&city.cli, subject, actor, more).await?;
            assert_eq!(answer.outcome(), (400, code.to_owned()), "{what}: {answer:?}");
            anyhow::Ok(())
        };
    let request = "invalid_request";
    refused("another agent acts", one, two, &[], request).await?;
    refused("its owner acts", one, person, &[], request).await?;
    refused("it acts for its owner", person, one, &[], request).await?;
    refused("its owner for themselves", person, person, &[], request).await?;
    refused("a personal token acts", one, &personal, &[], request).await?;
    refused("no children", &barren.token, &barren.token, &[], request).await?;
    refused("more", one, one, &[("scope", "project:read project:publish")], "invalid_scope")
        .await?;
    refused("its owner's scope", one, one, &[("scope", "account")], "invalid_scope").await?;
    refused("tokens", one, one, &[("scope", "tokens")], "invalid_scope").await?;
    let elsewhere = [("resource", "https://other.example/api")];
    refused("elsewhere", one, one, &elsewhere, "invalid_target").await?;
    refused("longer", one, one, &[("agent_ttl", "3601")], request).await?;
    refused("deeper", one, one, &[("agent_depth", "2")], request).await?;
    refused("nameless", one, one, &[("agent_name", "")], request).await?;
    refused("no type", one, one, &[("actor_token_type", "")], request).await?;
    let id_token = [("actor_token_type", "urn:ietf:params:oauth:token-type:id_token")];
    refused("an ID token", one, one, &id_token, request).await?;
    // Through another client than it was made for, it is nobody's.
    let through = exchange(&city.town.tool, one, one, &[]).await?;
    assert_eq!(through.outcome(), (400, request.to_owned()), "{through:?}");
    assert_eq!(exchange(&city.cli, one, one, &[]).await?.status, 200);
    Ok(())
}

// proves: SN05
#[tokio::test]
async fn a_brokers_token_starts_agents_and_does_nothing_else() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let new = json!({ "name": "broker", "scope": "agents project:read" });
    let made = city.made(owner, "/api/v1/tokens", new).await?;
    let broker = format!("Bearer {}", text(&made, "value")?);
    let agent = started(&city, &broker, builder("project:read")).await?;
    assert!(may(&city, &agent.token, "project:read").await?);
    // It lends no more than it has itself.
    let more = city.call("POST", "/api/v1/agents", Some(&broker), Some(builder("project:publish")));
    assert_eq!(more.await?.status, 403);
    for path in ["/api/v1/whoami", "/api/v1/tokens", "/api/v1/sessions"] {
        assert_eq!(city.call("GET", path, Some(&broker), None).await?.status, 403, "{path}");
    }
    // It sees and stops what it has started, and nothing else of hers.
    let hers = started(&city, owner, builder("project:read")).await?;
    let listed = city.call("GET", "/api/v1/agents", Some(&broker), None).await?.json();
    let items = listed["items"].as_array().context("items")?;
    assert_eq!((items.len(), &items[0]["id"]), (1, &json!(agent.id)), "{listed}");
    assert_eq!(items[0]["broker"], "broker");
    for verb in ["renew", "stop"] {
        let path = format!("/api/v1/agents/{}/{verb}", hers.id);
        assert_eq!(city.call("POST", &path, Some(&broker), None).await?.status, 404, "{verb}");
    }
    let below = child(&city, &agent, &[]).await?;
    // Taken back, all that it started is over at once, and nothing else is.
    let revoked = format!("/api/v1/tokens/{}", text(&made, "id")?);
    assert_eq!(city.call("DELETE", &revoked, Some(owner), None).await?.status, 204);
    let renew = format!("/api/v1/agents/{}/renew", agent.id);
    assert_eq!(city.call("POST", &renew, Some(&broker), None).await?.status, 401);
    for over in [&agent, &below] {
        assert!(!is_good(&city, &over.token).await?);
    }
    assert!(is_good(&city, &hers.token).await?);
    Ok(())
}

// proves: SN06, attack-49
#[tokio::test]
async fn an_agent_reads_its_own_secrets_and_no_others() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let viewer = city.presents("viewer").context("a viewer")?;
    let agent = started(&city, owner, builder("project:read")).await?;
    let other = json!({ "name": "other", "project": "lab/tools" });
    let other = started(&city, owner, other).await?;
    let apart = started(&city, owner, json!({ "name": "apart" })).await?;
    let hers = started(&city, viewer, builder("project:read")).await?;
    let set = async |of: Value, name: &str, value: &str| {
        let new = json!({ "name": name, "of": of, "value": value });
        city.call("PUT", "/api/v1/agent-secrets", Some(owner), Some(new)).await
    };
    let marked = "marked-secret-of-an-agent-7361";
    assert_eq!(set(json!({ "project": "lab/tools" }), "KEY", "of the project").await?.status, 204);
    assert_eq!(set(json!({ "agent": "builder" }), "KEY", marked).await?.status, 204);
    assert_eq!(set(json!({ "run": other.id }), "ALONE", "x").await?.status, 204);
    assert_eq!(set(json!({ "run": hers.id }), "ALONE", "x").await?.status, 404);
    assert_eq!(set(json!({ "project": "lab/none" }), "KEY", "x").await?.status, 404);
    assert_eq!(set(json!({ "agent": "builder" }), "A B", "x").await?.status, 400);
    let read = async |agent: &Agent, name: &str| {
        let path = format!("/api/v1/agent/secrets/{name}");
        city.call("GET", &path, Some(&agent.presents()), None).await
    };
    assert_eq!(read(&agent, "KEY").await?.get("value"), marked);
    assert_eq!(read(&other, "ALONE").await?.get("value"), "x");
    // Another's is as one that does not exist: to the byte.
    let none = read(&agent, "NONE").await?;
    assert_eq!(none.status, 404);
    for (agent, name) in [(&agent, "ALONE"), (&apart, "KEY"), (&hers, "KEY"), (&hers, "ALONE")] {
        let refused = read(agent, name).await?;
        assert_eq!((refused.status, &refused.body), (none.status, &none.body), "{name}");
    }
    // Write-only for its owner, and each read is a row.
    let listed = city.call("GET", "/api/v1/agent-secrets", Some(owner), None).await?;
    assert!(listed.body.contains("KEY") && !listed.body.contains(marked), "{}", listed.body);
    let root = city.presents("administrator").context("an administrator")?;
    let rows = "/api/v1/audit?action=agent_secret.read";
    let rows = city.call("GET", rows, Some(root), None).await?;
    assert!(!rows.body.contains(marked), "{}", rows.body);
    assert_eq!(rows.json()["items"].as_array().map(Vec::len), Some(2), "{}", rows.body);
    // A child is called what its parent wants, so a name gives it nothing; it is in the project.
    let helper = child(&city, &other, &[("agent_name", "builder")]).await?;
    assert_eq!(read(&helper, "KEY").await?.get("value"), "of the project");
    // The key can be rotated under way.
    let said = city.town.server.try_admin(&["secrets", "rotate"], "").await?.written();
    assert!(said.contains("3 secrets"), "{said}");
    assert_eq!(read(&agent, "KEY").await?.get("value"), marked);
    assert_eq!(set(json!({ "agent": "builder" }), "KEY", "later").await?.status, 204);
    assert_eq!(read(&agent, "KEY").await?.get("value"), "later");
    let which = json!({ "name": "KEY", "of": { "agent": "builder" } });
    let gone = city.call("POST", "/api/v1/agent-secrets/remove", Some(owner), Some(which)).await?;
    assert_eq!(gone.status, 204);
    assert_eq!(read(&agent, "KEY").await?.get("value"), "of the project");
    // A broker's token sets what is for a run that it started, and neither sees nor sets anything else.
    let broker = json!({ "name": "broker", "scope": "agents project:read" });
    let broker = city.made(owner, "/api/v1/tokens", broker).await?;
    let broker = format!("Bearer {}", text(&broker, "value")?);
    let put = async |of: Value| {
        let new = json!({ "name": "MINE", "of": of, "value": "y" });
        anyhow::Ok(
            city.call("PUT", "/api/v1/agent-secrets", Some(&broker), Some(new)).await?.status,
        )
    };
    assert_eq!(city.call("GET", "/api/v1/agent-secrets", Some(&broker), None).await?.status, 403);
    assert_eq!(put(json!({ "project": "lab/tools" })).await?, 403);
    assert_eq!(put(json!({ "agent": "builder" })).await?, 403);
    assert_eq!(put(json!({ "run": agent.id })).await?, 404, "its owner started that one");
    let agent = started(&city, &broker, builder("project:read")).await?;
    assert_eq!(put(json!({ "run": agent.id })).await?, 204);
    assert_eq!(read(&agent, "MINE").await?.get("value"), "y");
    // What is for a run goes with it.
    let listed = async || city.call("GET", "/api/v1/agent-secrets", Some(owner), None).await;
    assert!(listed().await?.body.contains("MINE"));
    let stop = format!("/api/v1/agents/{}/stop", agent.id);
    assert_eq!(city.call("POST", &stop, Some(owner), None).await?.status, 204);
    assert_eq!(read(&agent, "MINE").await?.status, 401);
    assert!(!listed().await?.body.contains("MINE"));
    assert_eq!(put(json!({ "run": agent.id })).await?, 404);
    Ok(())
}
