//! A server where nobody has to sign in, as two tools meet it, and what becomes of it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use hallpass_core::brand::Brand;
use hallpass_testkit::cli::Cli;
use hallpass_testkit::front::Front;
use hallpass_testkit::person::Person;
use hallpass_testkit::process::Running;
use hallpass_testkit::provider::Provider;
use hallpass_testkit::server::{PASSWORD, Plan, Server};
use hallpass_testkit::tree;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::elsewhere::{SKILLMEAT, signs_in};

pub(crate) fn file(name: &str) -> PathBuf {
    tree::root().join(format!("brands/{name}.toml"))
}

/// A server in a brand, not started, behind its tool's site.
pub(crate) async fn plan(name: &str) -> Result<(Plan, Front)> {
    let brand = Brand::parse(&std::fs::read_to_string(file(name))?)?;
    let front = Front::start(brand).await?;
    let file = file(name);
    let plan = Plan::new().set("brand_file", file.to_str().context("a path")?).behind(&front);
    Ok((plan, front))
}

fn shell(server: &Server, name: &str) -> Result<Cli> {
    let variable = format!("{}_SERVER", name.to_ascii_uppercase());
    Ok(Cli::at(&server.url())?.program(name).variable(&variable, &server.url()))
}

/// Makes the first administrator through the link that the server left.
pub(crate) async fn set_up(server: &Server, email: &str) -> Result<()> {
    let link = std::fs::read_to_string(server.directory().join("setup-link"))?;
    let person = Person::new(server)?;
    let page = person.get(link.trim()).await?;
    let filled = [
        ("email", email),
        ("name", "Ada"),
        ("new_password", PASSWORD),
        ("repeat_password", PASSWORD),
    ];
    let page = person.submit(&page, "#setup", &filled, None).await?;
    anyhow::ensure!(page.text("#setup").is_none(), "{}", page.body);
    Ok(())
}

async fn orgs(server: &Server, token: Option<&str>) -> Result<(StatusCode, String)> {
    let mut request = server.http()?.build()?.get(server.at("/api/v1/orgs"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    Ok((answer.status(), answer.text().await?))
}

// proves: SM06, SM07, SC08, HP18
#[tokio::test]
async fn two_tools_need_no_sign_in_and_everything_is_kept_when_people_do() -> Result<()> {
    let (plan, front) = plan("skillmeat").await?;
    let mut server = plan.set("local", "true").start().await?;
    assert!(!server.directory().join("setup-link").exists());

    let meat = shell(&server, "skillmeat")?;
    let login = meat.run(&["auth", "login"]).await?;
    let boxed = "┌─ Auth not required ───────────────────────────┐\n\
                 │                                               │\n\
                 │ SkillMeat is running in local (zero-auth)     │\n\
                 │ mode.                                         │\n\
                 │                                               │\n\
                 │ No authentication is required. All API        │\n\
                 │ endpoints are accessible without credentials. │\n\
                 └───────────────────────────────────────────────┘\n";
    assert!(login.code == Some(0) && login.stderr.starts_with(boxed), "{login:?}");
    assert_eq!(meat.run(&["auth", "logout"]).await?.code, Some(0));
    let list = meat.run(&["list"]).await?;
    assert!(list.code == Some(0) && list.stdout.contains("usr_"), "{list:?}");
    assert_eq!(front.seen(), [("GET /api/v1/artifacts".to_owned(), String::new())]);
    let whoami = meat.run(&["whoami"]).await?;
    assert!(whoami.code == Some(0) && whoami.stdout.contains("local@localhost"), "{whoami:?}");

    let skills = shell(&server, "skillsctl")?;
    let login = skills.run(&["auth", "login"]).await?;
    let told = "Error: server does not have OIDC configured\nNo login is required.\n";
    assert!(login.code == Some(1) && login.stderr.starts_with(told), "{login:?}");
    let mut asked = skills.command(&["config", "set", "api_url", &server.url()])?;
    Running::finish(&mut asked, b"").await?;
    // This server is another tool's, and knows no such call; but it asks nobody who they are.
    let explore = skills.run(&["explore"]).await?;
    assert!(!explore.stderr.contains("login"), "{explore:?}");

    // The same API: places are made, and whatever has a command.
    let own = Cli::at(&server.url())?.variable("HALLPASS_SERVER", &server.url());
    for line in ["org create acme", "project create acme/genome", "token create laptop"] {
        let done = own.run(&line.split(' ').collect::<Vec<_>>()).await?;
        assert_eq!(done.code, Some(0), "{line}: {done:?}");
    }
    let made = own.run(&["token", "create", "robot"]).await?.stdout.trim_end().to_owned();
    assert_eq!(orgs(&server, None).await?.0, StatusCode::OK);
    assert_eq!(orgs(&server, Some(&made)).await?.0, StatusCode::OK);
    assert_eq!(orgs(&server, Some("sk_live_nonsense")).await?.0, StatusCode::UNAUTHORIZED);
    // Pages, too.
    let page = Person::new(&server)?.get("/orgs").await?;
    assert!(page.url.path() == "/orgs" && page.body.contains("acme"), "{}", page.body);

    // Nobody becomes an administrator of what is open to everybody on the machine.
    let create = ["user", "create", "--email", "ada@example.com", "--name", "Ada", "--admin"];
    let create = [&create[..], &["--password-stdin"]].concat();
    let refused = server.try_admin(&create, "correct horse battery staple\n").await?;
    assert!(refused.code != Some(0) && refused.stderr.contains("without --local"), "{refused:?}");

    // Another start changes nothing, and then people sign in.
    server.stop().await?;
    server.start_again().await?;
    assert!(meat.run(&["whoami"]).await?.stdout.contains("local@localhost"));
    server.stop().await?;
    server.set("local", "false");
    server.start_again().await?;
    assert_eq!(orgs(&server, None).await?.0, StatusCode::UNAUTHORIZED);
    assert_eq!(Person::new(&server)?.get("/orgs").await?.url.path(), "/signin");
    assert_eq!(meat.run(&["list"]).await?.code, Some(3));
    set_up(&server, "ada@example.com").await?;
    // What was handed out while nobody had to sign in proves nothing.
    assert_eq!(orgs(&server, Some(&made)).await?.0, StatusCode::UNAUTHORIZED);
    let brand = file("skillmeat");
    let brand = brand.to_str().context("a path")?;
    let create = ["token", "create", "--user", "ada@example.com", "--name", "n"];
    let token = server.admin(&[&create[..], &["--brand-file", brand]].concat(), "").await?;
    let (status, body) = orgs(&server, Some(&token)).await?;
    assert!(status == StatusCode::OK && body.contains("\"acme\""), "{body}");
    let users = server.admin(&["user", "list"], "").await?;
    assert!(users.contains("ada@example.com") && !users.contains("local@localhost"), "{users}");

    // And it is never open again by a slip.
    server.stop().await?;
    server.set("local", "true");
    let refused = server.refusal().await?;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("people have accounts at this server"), "{refused:?}");
    Ok(())
}

// proves: SM07, SC10
#[tokio::test]
async fn three_exports_and_a_restart_turn_it_over_to_a_provider() -> Result<()> {
    let (plan, _front) = plan("skillmeat").await?;
    let mut server = plan.variable("SKILLMEAT_AUTH_MODE", "local").start().await?;
    let own = Cli::at(&server.url())?.variable("HALLPASS_SERVER", &server.url());
    assert_eq!(own.run(&["org", "create", "acme"]).await?.code, Some(0));
    let meat = shell(&server, "skillmeat")?.variable("SKILLMEAT_STORE", "file");
    assert_eq!(meat.run(&["list"]).await?.code, Some(0));
    server.stop().await?;

    let provider = Provider::start("{}").await?;
    server.variable("SKILLMEAT_AUTH_MODE", "clerk");
    server.variable("SKILLMEAT_AUTH_ISSUER_URL", &provider.issuer);
    server.variable("SKILLMEAT_AUTH_CLIENT_ID", "native");
    server.start_again().await?;
    let config: Value =
        server.http()?.build()?.get(server.at("/auth/config")).send().await?.json().await?;
    assert_eq!(config["issuer"], json!(provider.issuer));
    assert_eq!((&config["mode"], &config["client_id"]), (&json!("oidc"), &json!("native")));
    assert_eq!(meat.run(&["list"]).await?.code, Some(3));

    set_up(&server, "ada@example.com").await?;
    let link = ["user", "link", "ada@example.com", "--subject", "ada"];
    server.admin(&link, "").await?;
    let login = meat.start(&["auth", "login", "--no-browser"])?;
    let done = signs_in(login, SKILLMEAT, "ada").await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let list = meat.run(&["list"]).await?;
    assert_eq!(list.code, Some(0), "{list:?}");

    // Who was there before has everything, by their name at the provider.
    let kept = std::fs::read(meat.home().join(".skillmeat/credentials.json"))?;
    let kept: Value = serde_json::from_slice(&kept)?;
    let token = kept["access_token"].as_str().context("a token")?;
    let orgs = server.http()?.build()?.get(server.at("/api/v1/orgs")).bearer_auth(token);
    let body = orgs.send().await?.text().await?;
    assert!(body.contains("\"acme\"") && body.contains("\"owner\""), "{body}");

    // Both at once is neither.
    server.stop().await?;
    server.set("local", "true");
    let refused = server.refusal().await?;
    assert!(refused.code == Some(2) && refused.stderr.contains("outside_issuer"), "{refused:?}");
    Ok(())
}
