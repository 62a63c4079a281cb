//! All journeys with secrets that the test knows, then a search of everything that was
//! kept, logged or shown for any of them, in any encoding.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::{self, Cli};
use hallpass_testkit::oauth::{Answer, OAuth, Tokens, query};
use hallpass_testkit::person::{Page, Person};
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::secrets::{self, Secrets};
use hallpass_testkit::server::{PASSWORD, Plan};
use hallpass_testkit::town::Town;
use hallpass_testkit::{html, process, wait};

/// What was gathered on the way.
#[derive(Default)]
struct Run {
    secrets: Secrets,
    /// Pages and answers in which no secret has any business.
    shown: BTreeMap<String, String>,
    /// Command lines of every process, again and again.
    commands: String,
}

impl Run {
    fn page(&mut self, what: &str, page: &Page) {
        let headers = format!("{:?}", page.headers);
        // A browser keeps its own cookie; nobody else sees the header that sets it.
        let headers: String = headers.lines().filter(|line| !line.contains("set-cookie")).collect();
        for cookie in page.headers.get_all("set-cookie") {
            let text = cookie.to_str().unwrap_or_default();
            let value = text
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .map_or("", |(_, value)| value);
            if value.len() >= 8 {
                self.secrets.add("cookie", value);
            }
        }
        let headers = headers.split("set-cookie").next().unwrap_or_default().to_owned();
        self.shown.insert(
            format!("{what} #{}", self.shown.len()),
            format!("{} {headers} {}", page.url.path(), page.body),
        );
    }

    fn refusal(&mut self, what: &str, answer: &Answer) {
        self.shown.insert(
            format!("{what} #{}", self.shown.len()),
            format!("{:?} {}", answer.headers, answer.body),
        );
    }

    fn tokens(&mut self, tokens: &Tokens) {
        self.secrets.add("access token", &tokens.access);
        self.secrets.add("refresh token", &tokens.refresh);
        self.secrets.add("ID token", &tokens.id);
    }

    fn look_at_processes(&mut self) -> Result<()> {
        self.commands.push_str(&process::command_lines()?.join("\n"));
        Ok(())
    }
}

/// Setting up by the link, signing in, a wrong password, changing it.
async fn pages(run: &mut Run, town: &Town) -> Result<()> {
    let person = Person::new(&town.server)?;
    let wrong = "not the password of anybody";
    run.secrets.add("wrong password", wrong);
    run.page("wrong password", &person.sign_in(&town.ada.email, wrong).await?);
    // Typed into the wrong field, as people do.
    run.secrets.add("password in the wrong field", "p4ssw0rd-as-e-mail");
    let page = person.sign_in("p4ssw0rd-as-e-mail", "x").await?;
    assert!(page.status.is_client_error());
    run.secrets.add("password", PASSWORD);
    run.page("signed in", &person.sign_in(&town.ada.email, PASSWORD).await?);
    for path in ["/", "/settings/sessions", "/settings/security", "/device", "/oauth/logout"] {
        run.page(path, &person.get(path).await?);
    }
    let new = "an entirely new battery";
    run.secrets.add("new password", new);
    let page = person.get("/settings/security").await?;
    let filled = [("password", PASSWORD), ("new_password", new), ("repeat_password", new)];
    run.page("changed", &person.submit(&page, "#password-form", &filled, None).await?);
    run.look_at_processes()
}

async fn code_flow(run: &mut Run, town: &Town, client: &OAuth, person: &Person) -> Result<Tokens> {
    let (address, verifier) =
        client.authorization(&[("nonce", "a-nonce-that-is-marked"), ("prompt", "consent")])?;
    let consent = person.get(&address).await?;
    run.page("consent", &consent);
    let on = person.submit(&consent, "#consent", &[], Some("approve")).await?;
    // This page alone holds the code, and leads away from it.
    let redirect = on.leads_to().context("a redirect")?;
    let code = query(&redirect, "code").context("a code")?;
    run.secrets.add("code", &code);
    run.secrets.add("verifier", &verifier);
    let approved = hallpass_testkit::oauth::Approved { code, verifier, redirect };
    let tokens = Tokens::read(&client.redeem(&approved).await?)?;
    run.tokens(&tokens);
    run.refusal("replayed code", &client.redeem(&approved).await?);
    let spare = client.approved(person, &[("prompt", "consent")]).await?;
    run.secrets.add("verifier", &spare.verifier);
    run.secrets.add("code", &spare.code);
    let wrong = hallpass_testkit::oauth::Approved { verifier: "b".repeat(43), ..spare };
    run.refusal("wrong verifier", &client.redeem(&wrong).await?);
    let tokens = Tokens::read(
        &client
            .redeem(&{
                let approved = client.approved(person, &[("prompt", "consent")]).await?;
                run.secrets.add("code", &approved.code);
                run.secrets.add("verifier", &approved.verifier);
                approved
            })
            .await?,
    )?;
    run.tokens(&tokens);
    run.look_at_processes()?;
    let newer = Tokens::read(&client.refresh(&tokens.refresh).await?)?;
    run.tokens(&newer);
    for path in ["/userinfo", "/api/v1/whoami", "/api/v1/sessions"] {
        run.refusal(path, &client.get_with(path, &newer.access).await?);
        let in_query =
            Answer::of(client.request("GET", &format!("{path}?access_token={}", newer.access)))
                .await?;
        run.refusal("in the query", &in_query);
    }
    run.refusal("introspected", &town.api.introspect(&newer.access).await?);
    run.refusal("unknown", &client.refresh(&format!("{}x", newer.refresh)).await?);
    run.refusal("wrong kind", &client.refresh(&newer.access).await?);
    Ok(newer)
}

async fn device_flow(run: &mut Run, client: &OAuth, person: &Person) -> Result<()> {
    let device = client.device(&[("hallpass_host", "laptop-7")]).await?;
    run.secrets.add("device code", &device.get("device_code"));
    let code = device.get("user_code");
    run.secrets.add("user code", &code);
    run.secrets.add("user code", &code.replace('-', ""));
    // These two pages are for comparing the code, and so show it.
    person.get(&device.get("verification_uri_complete")).await?;
    person.type_code(&code).await?;
    run.refusal("pending", &client.poll(&device.get("device_code")).await?);
    run.page("wrong code", &person.type_code("BBBB-BBBC").await?);
    let approved = person.decide_device(&code, "approve").await?;
    run.page("approved", &approved);
    let polled = wait::until("the tokens", async || {
        let answer = client.poll(&device.get("device_code")).await?;
        Ok((answer.error() != "slow_down").then_some(answer))
    })
    .await?;
    run.tokens(&Tokens::read(&polled)?);
    run.refusal("spent", &client.poll(&device.get("device_code")).await?);
    run.look_at_processes()
}

/// The real command line, as talkative as it can be.
async fn command_line(run: &mut Run, town: &Town, person: &Person) -> Result<()> {
    let cli =
        Cli::new(&town.server)?.variable("RUST_LOG", "trace").variable("HALLPASS_LOG", "trace");
    let mut login = cli.start(&["login", "--device", "-v"])?;
    let code = cli::written(&mut login, "a user code", |text| {
        let is_code = |word: &&str| {
            word.len() == 9
                && word.split('-').all(|part| {
                    part.len() == 4 && part.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ".contains(c))
                })
        };
        text.split_whitespace().find(is_code).map(str::to_owned)
    })
    .await?;
    run.look_at_processes()?;
    person.decide_device(&code, "approve").await?;
    let finished = login.finished().await?;
    anyhow::ensure!(finished.code == Some(0), "{finished:?}");
    // Whoever is asked has to see it whole; nothing else that is written holds it.
    run.secrets.add("user code of the command line", &code);
    run.shown.insert("login".to_owned(), finished.written().replace(&code, ""));
    // Data goes to standard output; what else is said holds no token.
    let print = cli.run(&["token", "print", "-v"]).await?;
    anyhow::ensure!(print.code == Some(0), "{print:?}");
    run.secrets.add("access token of the command line", print.stdout.trim());
    run.shown.insert("token print, standard error".to_owned(), print.stderr);
    for arguments in [
        &["status", "-v"][..],
        &["status", "--json"],
        &["whoami", "-v"],
        &["session", "list", "-v"],
        &["api", "GET", "/api/v1/whoami", "-v"],
    ] {
        let finished = cli.run(arguments).await?;
        run.shown.insert(arguments.join(" "), finished.written());
    }
    agent(run, &cli).await?;
    let stored = secrets::texts_below(cli.home())?;
    let refresh = stored.iter().find_map(|text| {
        let at = text.find("hp_rt_")?;
        text.get(at..at + 42).map(str::to_owned)
    });
    run.secrets
        .add("refresh token of the command line", &refresh.context("a stored refresh token")?);
    let logout = cli.run(&["logout", "-v"]).await?;
    anyhow::ensure!(logout.code == Some(0), "{logout:?}");
    run.shown.insert("logout".to_owned(), logout.written());
    // Nothing is left behind in the home directory either.
    let left = run.secrets.found_below(cli.home())?;
    anyhow::ensure!(left.is_empty(), "left at home: {left:?}");
    run.look_at_processes()
}

/// What is kept for an agent, which reads it.
async fn agent(run: &mut Run, cli: &Cli) -> Result<()> {
    let secret = "a-secret-of-an-agent-that-is-marked";
    run.secrets.add("secret of an agent", secret);
    let set = ["agent", "secret", "set", "KEY", "--agent", "builder", "-v"];
    let kept = cli.run_with(&set, secret).await?;
    anyhow::ensure!(kept.code == Some(0), "{kept:?}");
    run.shown.insert(set.join(" "), kept.written());
    let program = process::binary("hallpass")?.display().to_string();
    let get =
        ["agent", "run", "--name", "builder", "--", &program, "agent", "secret", "get", "KEY"];
    let got = cli.run(&get).await?;
    anyhow::ensure!(got.stdout == secret, "{got:?}");
    run.shown.insert("agent secret get, standard error".to_owned(), got.stderr);
    let list = ["agent", "secret", "list", "-v"];
    run.shown.insert(list.join(" "), cli.run(&list).await?.written());
    run.look_at_processes()
}

/// Goes everywhere, and answers the secrets that must be nowhere.
async fn everywhere(town: &mut Town) -> Result<Run> {
    let mut run = Run::default();
    run.secrets.add("client secret", town.api.secret.as_deref().unwrap_or_default());
    let master = std::fs::read_to_string(town.server.directory().join("master.key"))?;
    run.secrets.add("master key", master.trim());
    let (_, bo) = town.bo().await?;
    let (tool, api) = (town.tool.clone(), town.api.clone());
    for client in [&tool, &api] {
        code_flow(&mut run, town, client, &bo).await?;
    }
    device_flow(&mut run, &tool, &bo).await?;
    command_line(&mut run, town, &bo).await?;
    pages(&mut run, town).await?;
    let wrong =
        OAuth { secret: Some("hp_cs_a-wrong-secret-that-is-marked".to_owned()), ..api.clone() };
    run.secrets.add("wrong client secret", "hp_cs_a-wrong-secret-that-is-marked");
    run.refusal("wrong secret", &wrong.introspect("x").await?);
    let metrics = reqwest::get(town.server.at("/metrics")).await?.text().await?;
    anyhow::ensure!(metrics.contains("hallpass_"), "metrics: {metrics}");
    run.shown.insert("metrics".to_owned(), metrics);
    let audit = town.server.admin(&["audit", "list", "--json", "--limit", "10000"], "").await?;
    run.shown.insert("audit".to_owned(), audit);
    for format in ["ndjson", "csv"] {
        let export = town.server.admin(&["audit", "export", "--format", format], "").await?;
        anyhow::ensure!(export.lines().count() > 20, "{export}");
        run.shown.insert(format!("audit as {format}"), export);
    }
    run.look_at_processes()?;
    Ok(run)
}

fn search(run: &Run, town: &Town) -> Result<()> {
    let mut found = run.secrets.found_in("the command lines of processes", run.commands.as_bytes());
    for (what, text) in &run.shown {
        found.extend(run.secrets.found_in(what, text.as_bytes()));
    }
    let log = town.server.log();
    anyhow::ensure!(log.len() > 10_000, "the log at level trace has {} bytes", log.len());
    found.extend(run.secrets.found_in("the log", log.as_bytes()));
    anyhow::ensure!(run.secrets.count() > 40, "only {} secrets", run.secrets.count());
    anyhow::ensure!(found.is_empty(), "secrets were found:\n{}", found.join("\n"));
    Ok(())
}

/// Everything but the master key's own file.
fn search_directory(run: &Run, town: &Town) -> Result<()> {
    let mut found = run.secrets.found_below(town.server.directory())?;
    found.retain(|line| !(line.starts_with("master key") && line.ends_with("master.key")));
    anyhow::ensure!(found.is_empty(), "secrets were kept:\n{}", found.join("\n"));
    Ok(())
}

fn plan() -> Plan {
    Plan::new().set("log_level", "trace").set("log_format", "json").set("device_interval", "1s")
}

// proves: attack-6, attack-31, D18, J09, client-H3, client-H4, SN06
#[tokio::test]
async fn no_secret_is_kept_logged_or_shown_on_sqlite() -> Result<()> {
    let mut town = Town::of(plan()).await?;
    let run = everywhere(&mut town).await?;
    // While it runs, and after everything has been written out.
    search_directory(&run, &town)?;
    town.server.stop().await?;
    search_directory(&run, &town)?;
    search(&run, &town)
}

// proves: attack-31, D18, SN06
#[tokio::test]
async fn no_secret_is_kept_logged_or_shown_on_postgres() -> Result<()> {
    let cluster = Cluster::start().await?;
    let url = cluster.url().await?;
    let mut town = Town::of(plan().database_url(&url)).await?;
    let mut run = everywhere(&mut town).await?;
    let password =
        url.split(':').nth(2).and_then(|rest| rest.split('@').next()).context("a password")?;
    run.secrets.add("database password", password);
    search(&run, &town)?;
    let dump = cluster.dump(&url).await?;
    anyhow::ensure!(dump.contains("ada@example.com"), "the dump is no dump");
    let found = run.secrets.found_in("the database", dump.as_bytes());
    anyhow::ensure!(found.is_empty(), "secrets were kept:\n{}", found.join("\n"));
    Ok(())
}

// proves: attack-31
#[tokio::test]
async fn the_setup_link_goes_to_a_file_of_the_owner_and_never_to_the_log() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut server = plan().start().await?;
    let file = server.directory().join("setup-link");
    let link = std::fs::read_to_string(&file)?.trim().to_owned();
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    let code = link.split("code=").nth(1).context("a code")?.to_owned();
    let mut secrets = Secrets::default();
    secrets.add("setup code", &code);
    let person = Person::new(&server)?;
    let page = person.get(&link).await?;
    let filled = [
        ("email", "root@example.com"),
        ("name", "Root"),
        ("new_password", PASSWORD),
        ("repeat_password", PASSWORD),
    ];
    let page = person.submit(&page, "#setup", &filled, None).await?;
    assert!(html::form(&page.body, "#setup").is_none(), "{}", page.body);
    // It worked, and works no more.
    assert_eq!(person.get("/settings/sessions").await?.url.path(), "/settings/sessions");
    let again = Person::new(&server)?.get(&link).await?;
    assert!(html::form(&again.body, "#setup").is_none(), "{}", again.body);
    server.stop().await?;
    let found = secrets.found_in("the log", server.log().as_bytes());
    assert!(found.is_empty(), "{found:?}");
    server.start_again().await?;
    assert!(!file.exists(), "there is somebody now");
    assert_eq!(secrets.found_below(server.directory())?, Vec::<String>::new());
    Ok(())
}
