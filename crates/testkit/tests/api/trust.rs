//! Jobs exchange the token of their platform for a pass: a real server, and a stand-in for
//! GitHub's issuer with real keys. Attacks on tokens, issuers, keys and subjects.

use anyhow::{Context as _, Result, ensure};
use hallpass_testkit::github::{GitHub, Job, Subject};
use hallpass_testkit::oauth::{Answer, peek};
use hallpass_testkit::server::Plan;
use serde_json::{Value, json};

use crate::city::{City, text};
use crate::document;

mod hostile;
mod pins;

const MAIN: &str = "repo:acme/warehouse:ref:refs/heads/main";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A city that trusts main of acme/warehouse, and GitHub.
struct Place {
    city: City,
    github: GitHub,
    owner: String,
    audience: String,
}

impl Place {
    async fn build() -> Result<Self> {
        let github = GitHub::start().await?;
        let plan = Plan::new().set("trust_private_issuers", github.issuer());
        let city = City::build(plan).await?;
        let owner = city.presents("org owner").context("an owner")?.to_owned();
        let audience = city.town.server.url();
        Ok(Self { city, github, owner, audience })
    }

    async fn trusts(&self, project: &str, more: Value) -> Result<Value> {
        let mut new = json!({ "issuer": self.github.issuer(), "permissions": "project:publish" });
        let members = new.as_object_mut().context("an object")?;
        members.extend(more.as_object().context("an object")?.clone());
        self.city
            .made(&self.owner, &format!("/api/v1/orgs/lab/projects/{project}/trust"), new)
            .await
    }

    fn token(&self, job: &Job) -> String {
        self.github.token(job, &self.audience)
    }

    async fn brings(&self, token: &str, more: Value) -> Result<Answer> {
        let mut body = json!({ "token": token });
        let members = body.as_object_mut().context("an object")?;
        members.extend(more.as_object().context("an object")?.clone());
        self.city.call("POST", "/auth/oidc/exchange", None, Some(body)).await
    }

    async fn exchanged(&self, job: &Job) -> Result<Value> {
        let answer = self.brings(&self.token(job), json!({})).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(answer.json())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.city.call("GET", path, Some(&self.owner), None).await?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
        Ok(answer.json())
    }

    async fn denied(&self) -> Result<Vec<Value>> {
        let page = self.get("/api/v1/orgs/lab/trust/denied").await?;
        Ok(page["items"].as_array().context("items")?.clone())
    }

    /// What a pass may do where.
    async fn check(&self, pass: &str, query: &str) -> Result<u16> {
        let request = self.city.cli.request("GET", &format!("/check?{query}"));
        Ok(Answer::of(request.bearer_auth(pass)).await?.status.as_u16())
    }
}

// proves: RB09, H04, H10, HP05, attack-26
#[tokio::test]
async fn a_job_gets_a_pass_for_one_project_until_its_policy_goes() -> Result<()> {
    let place = Place::build().await?;
    place.city.made(&place.owner, "/api/v1/orgs/lab/projects", json!({ "slug": "far" })).await?;
    let policy = place.trusts("tools", json!({ "line": MAIN })).await?;
    let says = "The main branch of acme/warehouse may use project:publish in lab/tools.";
    assert_eq!((policy["sentence"].as_str(), &policy["dangers"]), (Some(says), &json!([])));
    for subject in [Subject::Names, Subject::Ids] {
        let pass = place.exchanged(&Job { subject, ..Job::default() }).await?;
        let named = ["token_type", "scope", "org", "project"].map(|it| pass[it].as_str());
        assert_eq!(named, [Some("Bearer"), Some("project:publish"), Some("lab"), Some("tools")]);
        assert!(pass["expires_in"].as_u64().is_some_and(|it| (890..=900).contains(&it)), "{pass}");
        assert!(pass.get("refresh_token").is_none(), "{pass}");
        let pass = text(&pass, "access_token")?;
        for (query, expected) in [
            ("project=lab/tools&permission=project:publish", 200),
            ("project=lab/tools&permission=project:read", 403),
            ("project=lab/tools&permission=keys:manage", 403),
            ("project=lab/far&permission=project:publish", 403),
            ("org=lab&permission=org:read", 403),
        ] {
            assert_eq!(place.check(&pass, query).await?, expected, "{query}");
        }
        // It makes nothing that outlives it, and is exchanged for nothing.
        let bearer = format!("Bearer {pass}");
        for (path, body) in [
            ("/api/v1/tokens", json!({ "name": "x" })),
            ("/api/v1/orgs/lab/projects/tools/keys", json!({ "name": "x" })),
            (
                "/api/v1/orgs/lab/projects/tools/trust",
                json!({ "line": MAIN, "permissions": "project:read" }),
            ),
        ] {
            let answer = place.city.call("POST", path, Some(&bearer), Some(body)).await?;
            assert!([403, 404].contains(&answer.status.as_u16()), "{path}: {answer:?}");
        }
    }
    // The id behind the name was pinned, and what happened is listed.
    let policy = place.get(&format!("/api/v1/trust/{}", text(&policy, "id")?)).await?;
    assert_eq!(policy["pins"][0]["id"], "200", "{policy}");
    let listed = place.get("/api/v1/orgs/lab/projects/tools/trust/exchanges").await?;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");

    // The other two doors lead to the same engine.
    let cli = &place.city.cli;
    let token = place.token(&Job::default());
    let params =
        [("grant_type", EXCHANGE), ("subject_token", &*token), ("subject_token_type", JWT)];
    let answer = cli.post_bare("/oauth/token", &params).await?;
    assert_eq!((answer.status.as_u16(), answer.get("token_type")), (200, "Bearer".into()));
    assert!(answer.get("issued_token_type").ends_with(":access_token"), "{answer:?}");
    let again = cli.post_bare("/oauth/token", &params).await?;
    assert_eq!((again.status.as_u16(), again.error()), (400, "invalid_request".into()));
    // RFC 8693 §2.1: all three have to be there, and nobody is asked for a client first.
    for params in [
        &[("grant_type", EXCHANGE), ("subject_token", &*token)][..],
        &[("grant_type", EXCHANGE), ("subject_token", &*token), ("subject_token_type", "jwt")],
        &[("grant_type", EXCHANGE), ("subject_token_type", JWT)],
    ] {
        let answer = cli.post_bare("/oauth/token", params).await?;
        assert_eq!(answer.outcome(), (400, "invalid_request".into()), "{params:?}");
    }
    let token = place.token(&Job::default());
    let params = [("grant_type", BEARER), ("assertion", &*token), ("scope", "project:publish")];
    let answer = cli.post_bare("/oauth/token", &params).await?;
    assert_eq!((answer.status.as_u16(), answer.get("scope")), (200, "project:publish".into()));
    let again = cli.post_bare("/oauth/token", &params).await?;
    assert_eq!((again.status.as_u16(), again.error()), (400, "invalid_grant".into()));
    // Never more than the policy gives, whatever is asked for.
    for (name, value, error) in [
        ("scope", "project:read", "invalid_scope"),
        ("scope", "project:publish keys:manage", "invalid_scope"),
        ("scope", "\"", "invalid_scope"),
        ("resource", "https://api.example", "invalid_target"),
        ("audience", "https://api.example", "invalid_target"),
        ("actor_token", "x", "invalid_request"),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:refresh_token",
            "invalid_request",
        ),
        ("project", "lab/far", "invalid_grant"),
    ] {
        let token = place.token(&Job::default());
        let params = [("grant_type", BEARER), ("assertion", &*token), (name, value)];
        let answer = cli.post_bare("/oauth/token", &params).await?;
        assert_eq!((answer.status.as_u16(), answer.error()), (400, error.into()), "{name}={value}");
    }
    // Two projects trust the same job: it says which it means, and one gives nothing to the other.
    place.trusts("far", json!({ "line": MAIN, "permissions": "project:read" })).await?;
    let job = Job::default();
    let either = place.brings(&place.token(&job), json!({})).await?;
    assert_eq!((either.status.as_u16(), either.error()), (400, "ambiguous_project".into()));
    let far = json!({ "permissions": "project:publish", "project": "lab/far" });
    let answer = place.brings(&place.token(&job), far).await?;
    assert_eq!((answer.status.as_u16(), answer.error()), (403, "invalid_scope".into()));
    let far = place.brings(&place.token(&job), json!({ "project": "lab/far" })).await?.json();
    let tools = place.brings(&place.token(&job), json!({ "project": "lab/tools" })).await?.json();
    let (far, tools) = (text(&far, "access_token")?, text(&tools, "access_token")?);
    let one = "project=lab/tools&permission=project:publish";
    assert_eq!((place.check(&tools, one).await?, place.check(&far, one).await?), (200, 403));
    // The policy goes, and with it its passes, at once; the other's stay.
    let path = format!("/api/v1/trust/{}", text(&policy, "id")?);
    let gone = place.city.call("DELETE", &path, Some(&place.owner), None).await?;
    assert_eq!(gone.status, 204);
    let other = "project=lab/far&permission=project:read";
    assert_eq!((place.check(&tools, one).await?, place.check(&far, other).await?), (401, 200));
    let late = json!({ "project": "lab/tools" });
    assert_eq!(place.brings(&place.token(&job), late).await?.status, 403);
    // A job that is done gives its pass back.
    assert_eq!(cli.revoke(&far).await?.status, 200);
    assert_eq!(place.check(&far, other).await?, 401);
    Ok(())
}

// proves: RB09, H10, G01, G02, jobs-2
#[tokio::test]
async fn a_pass_is_a_jwt_of_its_job_which_is_nobodys_sign_in() -> Result<()> {
    let place = Place::build().await?;
    let (city, cli) = (&place.city, &place.city.cli);
    place.trusts("tools", json!({ "line": MAIN })).await?;
    let pass = text(&place.exchanged(&Job::default()).await?, "access_token")?;
    let (header, claims) = peek(&pass)?;
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    let api = format!("{}/api", place.audience);
    let said = ["iss", "aud", "client_id", "scope", "act", "cnf"].map(|name| claims[name].clone());
    let expected = json!([place.audience, api, "hallpass-cli", "project:publish", null, null]);
    assert_eq!(json!(said), expected);
    let lives = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(end, from)| end - from);
    assert_eq!(lives, Some(900));
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.starts_with("jti_")), "{claims}");
    let job = text(&claims, "sub")?;
    let number = job.strip_prefix("job_").context("a job")?;
    assert_eq!(claims["grant"], format!("grt_{number}"));

    // Everywhere it is what it is, by one word.
    let bearer = format!("Bearer {pass}");
    let me = city.call("GET", "/api/v1/whoami", Some(&bearer), None).await?.json();
    assert_eq!((&me["kind"], &me["id"]), (&json!("job"), &json!(job)));
    assert_eq!((&me["org"]["slug"], &me["project"]["slug"]), (&json!("lab"), &json!("tools")));
    let told = city.town.api.introspect(&pass).await?.json();
    let said = ["sub_type", "credential", "sub", "token_type"].map(|name| told[name].clone());
    assert_eq!(json!(said), json!(["job", "job_token", job, "Bearer"]));
    let request = cli.request("GET", "/check?project=lab/tools&permission=project:publish");
    let checked = Answer::of(request.bearer_auth(&pass)).await?;
    let said = ["x-hallpass-sub-type", "x-hallpass-credential", "x-hallpass-sub"];
    assert_eq!(said.map(|name| checked.header(name)), ["job", "job_token", &job]);

    // What belongs to people is not a job's, whatever it may do.
    for (method, path) in [
        ("GET", "/api/v1/tokens"),
        ("GET", "/api/v1/orgs"),
        ("GET", "/api/v1/orgs/lab"),
        ("GET", "/api/v1/orgs/lab/members"),
        ("GET", "/api/v1/orgs/lab/projects/tools/keys"),
        ("GET", "/api/v1/agents"),
        ("GET", "/api/v1/agent"),
        ("GET", "/userinfo"),
    ] {
        let answer = city.call(method, path, Some(&bearer), None).await?;
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
    }
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    let params =
        [("grant_type", EXCHANGE), ("subject_token", &*pass), ("subject_token_type", ACCESS)];
    let answer = cli.post("/oauth/token", &params).await?;
    assert_eq!(answer.outcome(), (400, "invalid_request".into()));

    // Made out for other APIs that there are, and for no others.
    for (name, resource, outcome) in [
        ("resource", &*api, (200, String::new())),
        ("audience", &*api, (200, String::new())),
        ("resource", "https://api.example", (400, "invalid_target".into())),
        ("audience", "sts.amazonaws.com", (400, "invalid_target".into())),
    ] {
        let token = place.token(&Job::default());
        let params = [("grant_type", BEARER), ("assertion", &*token), (name, resource)];
        let answer = cli.post_bare("/oauth/token", &params).await?;
        assert_eq!(answer.outcome(), outcome, "{name}={resource}");
    }
    let token = place.token(&Job::default());
    let answer = place.brings(&token, json!({ "resources": ["https://api.example"] })).await?;
    assert_eq!(answer.outcome(), (400, "invalid_target".into()));

    // Another client does not end it; its own does, and the list says so.
    let foreign = city.town.api.revoke(&pass).await?;
    assert_eq!(foreign.outcome(), (400, "invalid_grant".into()));
    assert_eq!(cli.revoke(&pass).await?.status, 200);
    assert_eq!(cli.revoke(&pass).await?.status, 200, "RFC 7009 §2.2");
    assert_eq!(place.check(&pass, "project=lab/tools").await?, 401);
    let told = city.town.api.introspect(&pass).await?.json();
    assert_eq!(told, json!({ "active": false }));
    let listed = place.get("/api/v1/orgs/lab/trust/exchanges").await?;
    let listed = listed["items"].as_array().context("items")?;
    let ended = listed.iter().find(|it| it["id"] == *job).context("its exchange")?;
    assert!(ended["ended_at"].is_string(), "{ended}");
    let books = place.get("/api/v1/orgs/lab/audit").await?;
    let books = books["items"].as_array().context("items")?;
    assert!(
        books.iter().any(|it| it["action"] == "trust.end" && it["subject"] == *job),
        "{books:?}"
    );
    Ok(())
}

// proves: HP04, jobs-3, attack-18, attack-20, attack-21
#[tokio::test]
async fn who_is_not_let_in_is_told_nothing_and_the_owner_sees_why() -> Result<()> {
    let place = Place::build().await?;
    let ours =
        json!({ "line": MAIN, "permissions": "project:publish", "issuer": place.github.issuer() });
    let path = "/api/v1/orgs/lab/projects/tools/trust";
    // Dangerous policies are made by whoever has read what is dangerous.
    for (line, danger) in [
        ("repo:acme/*:ref:refs/heads/main", "whole_organization"),
        ("repo:acme/warehouse:*", "any_ref"),
        ("repo:acme/warehouse:ref:refs/tags/v*", "movable_tag"),
    ] {
        let mut new = ours.clone();
        new["line"] = json!(line);
        let answer = place.city.call("POST", path, Some(&place.owner), Some(new.clone())).await?;
        assert_eq!((answer.status.as_u16(), answer.get("code")), (409, "dangerous_policy".into()));
        assert!(answer.get("detail").contains(danger), "{answer:?}");
        new["accept"] = json!([danger]);
        let made = place.city.made(&place.owner, path, new).await?;
        assert_eq!(made["dangers"][0]["danger"], danger);
        let one = format!("/api/v1/trust/{}", text(&made, "id")?);
        place.city.call("DELETE", &one, Some(&place.owner), None).await?;
    }
    place.city.made(&place.owner, path, ours).await?;
    place.exchanged(&Job::default()).await?;
    let dev = Job { git_ref: "refs/heads/dev".to_owned(), ..Job::default() };
    let fork =
        Job { owner: "mallory".to_owned(), owner_id: 666, repository_id: 999, ..Job::default() };
    let jobs = [
        dev.clone(),
        fork,
        Job { event: "pull_request_target".to_owned(), ..Job::default() },
        Job { event: "pull_request".to_owned(), ..Job::default() },
        Job { repository: "other".to_owned(), repository_id: 201, ..Job::default() },
        // The name came back, and belongs to somebody else.
        Job { repository_id: 201, ..Job::default() },
        Job::default().with("sub", "repo:acme/warehouse"),
        Job::default().with("repository_id", Value::Null),
        Job::default().with("ref", json!(["refs/heads/main"])),
    ];
    let mut said = std::collections::BTreeSet::new();
    for job in &jobs {
        let answer = place.brings(&place.token(job), json!({})).await?;
        assert_eq!(answer.status, 403, "{job:?}");
        said.insert(answer.body);
    }
    assert_eq!(said.len(), 1, "an outsider learns which it was: {said:?}");
    let said = said.first().context("a refusal")?;
    assert!(
        !["acme", "main", "lab", "tools", "trp_"].iter().any(|word| said.contains(word)),
        "{said}"
    );
    let denied = place.denied().await?;
    let fork_seen =
        denied.iter().any(|it| it["who"].as_str().is_some_and(|it| it.contains("mallory")));
    assert!(!fork_seen, "a stranger is nobody's business: {denied:?}");
    let alarms: Vec<_> = denied.iter().filter(|it| it["alarm"] == true).collect();
    assert_eq!(alarms.len(), 1, "{denied:?}");
    // One of them, explained: nearest policy, each condition, and the least rule, as it is posted.
    let one =
        denied.iter().find(|it| it["who"].as_str().is_some_and(|it| it.contains("heads/dev")));
    let id = text(one.context("the one on dev")?, "id")?;
    let explained = place.get(&format!("/api/v1/trust/denied/{id}")).await?;
    let document = document::read(&place.city).await?;
    let routes = document::operations(&document)?;
    let route = routes.iter().find(|it| it.id == "explainDenied").context("its route")?;
    let answer = place
        .city
        .call("GET", &format!("/api/v1/trust/denied/{id}"), Some(&place.owner), None)
        .await?;
    route.admits(&document, &answer)?;
    let checks = explained["policies"][0]["checks"].as_array().context("checks")?;
    let failed: Vec<_> = checks.iter().filter(|it| it["passed"] == false).collect();
    assert_eq!(failed.len(), 1, "{checks:?}");
    assert_eq!(
        (&failed[0]["claim"], &failed[0]["found"]),
        (&json!("ref"), &json!("refs/heads/dev"))
    );
    assert_eq!(explained["claims"]["repository"], "acme/warehouse");
    let least = explained["least"]["policy"].clone();
    place.city.made(&place.owner, path, least).await?;
    assert_eq!(place.brings(&place.token(&dev), json!({})).await?.status, 200);
    // The alarm: what changed is said, and one act settles it, by whoever names both ids.
    let id = text(alarms[0], "id")?;
    let alarm = place.get(&format!("/api/v1/trust/denied/{id}")).await?;
    let policies = alarm["policies"].as_array().context("policies")?;
    let with_change = policies.iter().filter(|it| it["changed"].is_array());
    let changed: Vec<_> =
        with_change.map(|it| (it["id"].clone(), it["changed"][0].clone())).collect();
    assert!(!changed.is_empty(), "{alarm}");
    let back = Job { repository_id: 201, ..Job::default() };
    let pass = place.exchanged(&Job::default()).await?;
    let old = text(&pass, "access_token")?;
    for (policy, change) in &changed {
        let named = json!({
            "claim": "repository",
            "found": "201",
            "id_claim": "repository_id",
            "name": "acme/warehouse",
            "pinned": "200",
        });
        assert_eq!(*change, named);
        let path = format!("/api/v1/trust/{}/repin", policy.as_str().context("an id")?);
        let mut other = change.clone();
        other["pinned"] = json!("199");
        let answer = place.city.call("POST", &path, Some(&place.owner), Some(other)).await?;
        assert_eq!((answer.status.as_u16(), answer.get("code")), (409, "pin_moved".into()));
        let mut odd = change.clone();
        odd["found"] = json!(" 201 ");
        let answer = place.city.call("POST", &path, Some(&place.owner), Some(odd)).await?;
        assert_eq!(answer.get("code"), "invalid_policy", "{answer:?}");
        let answer =
            place.city.call("POST", &path, Some(&place.owner), Some(change.clone())).await?;
        assert_eq!((answer.status.as_u16(), &answer.json()["pins"][0]["id"]), (200, &json!("201")));
    }
    assert_eq!(place.check(&old, "project=lab/tools").await?, 401, "it was the old one's");
    place.exchanged(&back).await?;
    assert_eq!(place.brings(&place.token(&Job::default()), json!({})).await?.status, 403);
    let denied = place.denied().await?;
    let settled = denied.iter().find(|it| it["id"] == *id).context("it is still listed")?;
    assert_eq!(settled["alarm"], false);
    // What was denied before then offers neither the old id nor a policy that has it.
    let id = text(one.context("the one on dev")?, "id")?;
    let before = place.get(&format!("/api/v1/trust/denied/{id}")).await?;
    let policies = before["policies"].as_array().context("policies")?;
    assert!(policies.iter().all(|it| it.get("changed").is_none()), "{before}");
    assert_eq!((&before["settled"], before.get("least")), (&json!(true), None));
    // The old one came since, which is an alarm, until no policy knows the name.
    let alarms = async || -> Result<usize> {
        Ok(place.denied().await?.iter().filter(|it| it["alarm"] == true).count())
    };
    assert_eq!(alarms().await?, 1);
    // Page by page, all of them are there, and each can be opened.
    let mut seen = Vec::new();
    let mut at = "/api/v1/orgs/lab/trust/denied?limit=2".to_owned();
    loop {
        let page = place.get(&at).await?;
        for it in page["items"].as_array().context("items")? {
            let id = text(it, "id")?;
            place.get(&format!("/api/v1/trust/denied/{id}")).await?;
            seen.push(id);
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        at = format!("/api/v1/orgs/lab/trust/denied?limit=2&cursor={next}");
    }
    assert_eq!(seen.len(), denied.len());
    for policy in place.get(path).await?["items"].as_array().context("policies")? {
        let one = format!("/api/v1/trust/{}", text(policy, "id")?);
        assert_eq!(alarms().await?, 1);
        place.city.call("DELETE", &one, Some(&place.owner), None).await?;
    }
    assert_eq!(alarms().await?, 0);
    let id = text(one.context("the one on dev")?, "id")?;
    // Nobody else sees it.
    for (who, status) in
        [("stranger", 404), ("viewer", 403), ("org member", 404), ("administrator", 404)]
    {
        let path = format!("/api/v1/trust/denied/{id}");
        let answer = place.city.call("GET", &path, place.city.presents(who), None).await?;
        assert_eq!(answer.status.as_u16(), status, "{who}");
    }
    Ok(())
}
