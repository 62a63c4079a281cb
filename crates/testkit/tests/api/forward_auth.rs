//! `/check` behind a real nginx, and by itself.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::process::Running;
use hallpass_testkit::server::Plan;
use hallpass_testkit::{ports, wait};
use serde_json::json;

use crate::city::City;

/// As docs/forward-auth.md has it, with an API that says what it was told.
const CONFIGURATION: &str = r#"
daemon off;
pid SCRATCH/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path SCRATCH/body;
    proxy_temp_path SCRATCH/proxy;
    fastcgi_temp_path SCRATCH/fastcgi;
    uwsgi_temp_path SCRATCH/uwsgi;
    scgi_temp_path SCRATCH/scgi;
    server {
        listen 127.0.0.1:FRONT;
        location / {
            auth_request /_hallpass;
            auth_request_set $hallpass_sub $upstream_http_x_hallpass_sub;
            auth_request_set $hallpass_role $upstream_http_x_hallpass_role;
            auth_request_set $hallpass_permissions $upstream_http_x_hallpass_permissions;
            proxy_set_header X-Hallpass-Sub $hallpass_sub;
            proxy_set_header X-Hallpass-Role $hallpass_role;
            proxy_set_header X-Hallpass-Permissions $hallpass_permissions;
            proxy_pass http://127.0.0.1:API;
        }
        location = /_hallpass {
            internal;
            proxy_pass http://127.0.0.1:HALLPASS/check?project=lab/tools&permission=project:publish;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Original-URI $request_uri;
        }
    }
    server {
        listen 127.0.0.1:API;
        location / { return 200 "$http_x_hallpass_role|$http_x_hallpass_permissions|$http_x_hallpass_sub"; }
    }
}
"#;

struct Nginx {
    front: u16,
    // Stopped when it is dropped.
    _running: Running,
    _scratch: tempfile::TempDir,
}

impl Nginx {
    async fn before(city: &City) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let (front, api) = (ports::free()?, ports::free()?);
        let text = CONFIGURATION
            .replace("SCRATCH", scratch.path().to_str().context("a path")?)
            .replace("FRONT", &front.to_string())
            .replace("API", &api.to_string())
            .replace("HALLPASS", &city.town.server.port().to_string());
        let file = scratch.path().join("nginx.conf");
        // Workers of a root's nginx become nobody, who may not read a scratch directory.
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        fs::write(&file, format!("{user}{text}"))?;
        // Debian keeps it off the path of people.
        let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"];
        let program = places.iter().find(|it| std::path::Path::new(it).exists());
        let mut command = Command::new(program.context("no nginx; install nginx-light")?);
        command.arg("-c").arg(&file).arg("-p").arg(scratch.path()).args(["-e", "stderr"]);
        let running = Running::start(&mut command)?;
        let mut nginx = Self { front, _running: running, _scratch: scratch };
        wait::until("nginx to answer", async || {
            if let Some(status) = nginx._running.ended()? {
                anyhow::bail!("nginx ended ({status}): {}", nginx._running.written());
            }
            Ok(nginx.ask(city, "GET", None).await.ok().map(drop))
        })
        .await?;
        Ok(nginx)
    }

    async fn ask(&self, city: &City, method: &str, authorization: Option<&str>) -> Result<Answer> {
        let url = format!("http://127.0.0.1:{}/runs?access=all", self.front);
        let mut request = city.cli.http.request(method.parse()?, url);
        request = request
            .header("X-Hallpass-Role", "owner")
            .header("X-Hallpass-Sub", "usr_forged")
            .header("X-Original-URI", "/check?project=lab/papers");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        Answer::of(request).await
    }
}

#[tokio::test]
async fn nginx_lets_in_whom_check_lets_in_and_hands_on_who_it_is() -> Result<()> {
    let mut city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?.to_owned();
    let new = json!({ "name": "publisher", "scope": "project:publish project:read" });
    let made = city.made(&owner, "/api/v1/tokens", new).await?;
    let publisher = format!("Bearer {}", made["value"].as_str().context("a value")?);
    city.presented.insert("publisher", publisher.clone());
    let nginx = Nginx::before(&city).await?;
    for method in ["GET", "POST", "DELETE", "OPTIONS"] {
        let answer = nginx.ask(&city, method, Some(&publisher)).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            answer.body.starts_with("owner|project:publish project:read|usr_"),
            "{}",
            answer.body
        );
        assert!(!answer.body.contains("forged"));
    }
    let nobody = nginx.ask(&city, "GET", None).await?;
    assert_eq!(nobody.status, 401);
    assert!(nobody.header("www-authenticate").starts_with("Bearer"), "{nobody:?}");
    for (role, status) in
        [("stranger", 403), ("viewer", 403), ("account token", 403), ("project token", 200)]
    {
        let answer = nginx.ask(&city, "GET", city.presents(role)).await?;
        assert_eq!(answer.status, status, "{role}: {answer:?}");
    }
    let id = made["id"].as_str().context("an id")?;
    let revoked = city.call("DELETE", &format!("/api/v1/tokens/{id}"), Some(&owner), None).await?;
    assert_eq!(revoked.status, 204);
    assert_eq!(nginx.ask(&city, "GET", Some(&publisher)).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn check_says_who_and_what_or_why_not() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let check = async |query: &str, role: &str| {
        city.call("GET", &format!("/check{query}"), city.presents(role), None).await
    };
    let answer = check("?project=lab/tools", "project token").await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (name, value) in [
        ("x-hallpass-sub-type", "user"),
        ("x-hallpass-user", "ada@example.com"),
        ("x-hallpass-credential", "personal_token"),
        ("x-hallpass-org", "lab"),
        ("x-hallpass-project", "tools"),
        ("x-hallpass-role", "owner"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(answer.header("x-hallpass-permissions").contains("members:manage"));
    assert_eq!(check("", "stranger").await?.header("x-hallpass-role"), "");
    for (query, role, status) in [
        ("", "stranger", 200),
        ("", "nobody", 401),
        ("", "client", 401),
        ("?org=lab", "org member", 200),
        ("?org=lab", "viewer", 403),
        ("?org=lab", "project token", 403),
        ("?org=lab&permission=org:read", "org member", 200),
        ("?org=lab&permission=billing:manage", "org member", 403),
        ("?project=lab/tools", "stranger", 403),
        ("?project=lab/nothing", "org owner", 403),
        ("?project=lab/tools&resource=https://elsewhere.example", "org owner", 401),
        ("?permission=project:read", "org owner", 400),
        ("?project=lab/tools&permision=project:publish", "org owner", 400),
        ("?access_token=x", "org owner", 400),
    ] {
        let answer = check(query, role).await?;
        assert_eq!(answer.status, status, "{query} as {role}: {answer:?}");
        if matches!(status, 401 | 403) {
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{query} {role}");
        }
    }
    // RFC 6750 §3.1: a scope is asked for where it is the scope that is missing. Of a place where
    // there is no role, nobody learns more than of one that is not there.
    for (query, role, code) in [
        ("?project=lab/tools&permission=project:publish", "account token", "insufficient_scope"),
        ("?project=lab/tools&permission=project:publish", "viewer", "not_allowed"),
        ("?org=lab&permission=billing:manage", "org member", "not_allowed"),
        ("?project=lab/tools&permission=project:read", "stranger", "not_allowed"),
        ("?project=lab/nothing&permission=project:read", "account token", "not_allowed"),
        ("?project=lab/tools", "stranger", "not_allowed"),
    ] {
        let answer = check(query, role).await?;
        assert_eq!(answer.json()["code"], code, "{query} as {role}: {answer:?}");
        let challenge = answer.header("www-authenticate").to_owned();
        let helps = code == "insufficient_scope";
        assert_eq!(challenge.contains("insufficient_scope"), helps, "{challenge}");
        assert_eq!(challenge.contains("scope=\"project:publish\""), helps, "{challenge}");
    }
    // A session is no credential here: other sites' requests carry the cookie along.
    let page = city.town.person.get("/check").await?;
    assert_eq!(page.status, 401);
    Ok(())
}
