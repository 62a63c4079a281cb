//! Roboticks: a keyring, keys of projects, and a context.

use anyhow::Result;
use hallpass_testkit::github::{GitHub, Job, Part};
use hallpass_testkit::keyring::Session;
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::server::Plan;
use hallpass_testkit::wait;
use serde_json::json;

use crate::shop::{Shop, code};

// proves: RB01, RB02, RB03, RB04, RB12
#[tokio::test]
async fn a_person_signs_in_with_a_code_and_the_keyring_holds_the_sign_in() -> Result<()> {
    let shop = Shop::open("rbtk").await?;
    shop.admin(&["org", "plan", "acme", "Team"]).await?;
    let session = Session::unlocked().await?;
    let (launcher, opened) = shop.shell.launcher(0)?;
    let shell = session.shell(shop.another()?).variable("ROBOTICKS_STORE", "");
    let shell = shell.variable("BROWSER", &launcher);
    let mut login = shell.start(&["auth", "login"])?;
    let typed = code(&mut login, &shop.brand).await?;
    let page = shop.server.at(&format!("/cli/authorize?code={typed}"));
    let prompt =
        format!("Open this URL on a device with a browser:\n  {page}\nThen return here.\n");
    assert!(login.written().contains(&prompt), "{}", login.written());
    let browser = wait::until("the browser", async || Ok(std::fs::read_to_string(&opened).ok()));
    assert_eq!(browser.await?.trim_end(), page, "it opens there, too");
    // The address leads where the code is typed already.
    let shown = shop.person.get(&page).await?;
    assert!(shown.body.contains(&typed), "{}", shown.body);
    shop.person.decide_device(&typed, "approve").await?;
    let done = login.finished().await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("[waiting for approval... 10m]"), "{done:?}");
    assert!(done.stderr.contains("Logged in as ada@example.com\n"), "{done:?}");

    // Nothing of it is on disk in any form.
    let entries = session.entries("rbtk").await?;
    assert_eq!(entries.len(), 1, "one entry");
    let disk = std::fs::read_to_string(shell.home().join(".config/rbtk/credentials.json"))?;
    assert!(!disk.contains("hp_rt_"), "{disk}");

    assert_eq!(shell.run(&["context", "use", "acme/genome"]).await?.code, Some(0));
    let status = shell.run(&["auth", "status"]).await?;
    assert_eq!(status.code, Some(0), "{status:?}");
    let lines: Vec<_> = status.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        ["Logged in as ada@example.com", "Org:     acme (Team)", "Project: genome",]
    );
    assert!(
        lines[3].starts_with("Token:   expires in ") && lines[3].ends_with(", auto-refreshing")
    );
    assert!(lines[4].starts_with("Source:  the keyring"), "{status:?}");
    let there = shell.run(&["context", "show", "--json"]).await?.stdout;
    assert!(there.contains("genome") && there.contains("acme"), "{there}");
    let other = shell.run(&["auth", "status", "--org", "beta"]).await?.stdout;
    assert!(other.contains("Org:     beta") || !other.contains("acme"), "{other}");

    let out = shell.run(&["auth", "logout"]).await?;
    assert_eq!((out.code, &*out.stderr), (Some(0), "Cleared refresh token from keyring\n"));
    assert!(session.entries("rbtk").await?.is_empty());
    let gone = shell.run(&["auth", "status"]).await?;
    assert_eq!(gone.code, Some(3), "{gone:?}");
    Ok(())
}

// proves: RB05, RB06, RB07, RB08, RB11, RB13
#[tokio::test]
async fn a_key_of_a_project_stays_in_it_until_it_is_revoked() -> Result<()> {
    let shop = Shop::open("rbtk").await?;
    shop.admin(&["project", "create", "acme/other"]).await?;
    let session = Session::unlocked().await?;
    let shell = session.shell(shop.another()?).variable("ROBOTICKS_STORE", "");
    assert_eq!(shop.sign_in(&shell, &["auth", "login"]).await?.code, Some(0));
    let make = |words: &'static [&'static str]| {
        let shell = &shell;
        async move {
            let made = shell.run(&[&["auth", "keys", "create"], words].concat()).await?;
            assert_eq!(made.code, Some(0), "{made:?}");
            Ok::<_, anyhow::Error>(made.stdout.trim_end().to_owned())
        }
    };
    let project = make(&["gitlab-ci", "--project", "acme/genome"]).await?;
    let admin = make(&["audit", "--org", "acme"]).await?;
    assert!(project.starts_with("rbtk_sk_") && admin.starts_with("rbtk_sk_"));
    let json = shell.run(&["auth", "keys", "list", "--project", "acme/genome", "--json"]).await?;
    assert!(json.stdout.contains("gitlab-ci") && !json.stdout.contains(&project), "{json:?}");

    // The page's table, row by row: one project or all, and what only an admin key may.
    let http = reqwest::Client::new();
    for (permission, place, projects, admins) in [
        ("results:read", "project=acme/genome", 200, 200),
        ("results:read", "project=acme/other", 403, 200),
        ("runs:create", "project=acme/genome", 200, 200),
        ("runs:create", "project=acme/other", 403, 200),
        ("billing:manage", "org=acme", 403, 200),
        ("members:manage", "org=acme", 403, 200),
        ("keys:rotate", "org=acme", 403, 200),
        ("members:manage", "project=acme/genome", 403, 200),
        ("keys:rotate", "project=acme/genome", 403, 200),
    ] {
        let url = shop.server.at(&format!("/check?{place}&permission={permission}"));
        for (key, expected) in [(&project, projects), (&admin, admins)] {
            let answer = http.get(&url).bearer_auth(key).send().await?;
            assert_eq!(answer.status(), expected, "{permission} {place}");
        }
    }

    // Flag, variable, keyring: the first that is there is sent, and status says which.
    let ci = session.shell(shop.another()?).variable("ROBOTICKS_STORE", "");
    let ci = ci.variable("ROBOTICKS_API_KEY", &project);
    let listed = ci.run(&["test", "list"]).await?;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let run = ci.run(&["--api-key", &admin, "test", "run", "--push", "./"]).await?;
    assert!(run.code == Some(0) && run.stderr.contains("warning: a token on the"), "{run:?}");
    let mut both = shell.command(&["test", "list"])?;
    both.env("ROBOTICKS_API_KEY", &project);
    assert_eq!(Running::finish(&mut both, b"").await?.code, Some(0));
    assert_eq!(shell.run(&["test", "list"]).await?.code, Some(0));
    let sent: Vec<_> = shop.front.seen().into_iter().map(|(_, sent)| sent).collect();
    assert_eq!(sent[..3], [&project, &admin, &project].map(|key| format!("Bearer {key}")));
    assert!(!sent[3].contains("rbtk_sk_"), "the sign-in itself");
    let source = |told: &str| told.lines().last().unwrap_or_default().to_owned();
    let status = ci.run(&["auth", "status"]).await?;
    assert_eq!(
        (status.code, source(&status.stdout).as_str()),
        (Some(0), "Source:  ROBOTICKS_API_KEY")
    );
    let told: Vec<_> = status.stdout.lines().take(3).collect();
    assert_eq!(told, ["Acting as gitlab-ci", "Org:     acme", "Project: genome"], "{status:?}");
    let status = ci.run(&["--api-key", &admin, "auth", "status"]).await?;
    assert_eq!(source(&status.stdout), "Source:  --api-key");

    // By its text, as the page says, and it is over at once.
    let asked = shell.run(&["auth", "keys", "revoke", &project]).await?;
    assert!(asked.code == Some(2) && asked.stderr.contains("--confirm"), "{asked:?}");
    let ended = shell.run(&["auth", "keys", "revoke", &project, "--confirm"]).await?;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let after = ci.run(&["test", "list"]).await?;
    assert_eq!((after.code, &*after.stdout), (Some(4), ""), "{after:?}");
    let status = ci.run(&["auth", "status"]).await?;
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(status.stderr.contains("it may have been revoked"), "{status:?}");
    assert_eq!(status.stderr.matches(&shop.server.url()).count(), 1, "said once: {status:?}");
    Ok(())
}

// proves: RB13
#[tokio::test]
async fn without_a_keyring_it_says_what_to_install_or_set() -> Result<()> {
    let shop = Shop::open("rbtk").await?;
    let session = Session::without_a_keyring().await?;
    let shell = session.shell(shop.another()?).variable("ROBOTICKS_STORE", "");
    let login = shell.run(&["auth", "login", "--device"]).await?;
    assert_eq!(login.code, Some(7), "{login:?}");
    assert!(login.stderr.contains("Install gnome-keyring, or set ROBOTICKS_API_KEY"), "{login:?}");
    Ok(())
}

/// As the page prints it: two lines of policy, one step that signs in, and the steps that come.
// proves: RB09, RB10, RB13
#[tokio::test]
async fn a_workflow_signs_in_from_github_and_runs_its_tests() -> Result<()> {
    let github = GitHub::start().await?;
    let plan = Plan::new().set("trust_private_issuers", github.issuer());
    let shop = Shop::of("rbtk", plan).await?;
    let (http, owner) = (reqwest::Client::new(), shop.token("setup").await?);
    for line in
        ["repo:acme/warehouse:ref:refs/heads/main", "repo:acme/warehouse:environment:production"]
    {
        let policy = json!({
            "issuer": github.issuer(),
            "line": line,
            "permissions": "results:read runs:create",
        });
        let url = shop.server.at("/api/v1/orgs/acme/projects/genome/trust");
        let made = http.post(url).bearer_auth(owner.trim()).json(&policy).send().await?;
        assert_eq!(made.status(), 201, "{line}");
    }
    let home = tempfile::tempdir()?;
    let run_id = u64::from(std::process::id()) + 3;
    let main = Job { run_id, ..Job::default() };
    let release = "refs/heads/release".to_owned();
    let deploys = Job {
        environment: Some("production".to_owned()),
        git_ref: release.clone(),
        name: "deploy".to_owned(),
        ..main.clone()
    };
    for (n, job) in (1..).zip([main.clone(), deploys]) {
        let runner = github.job(&job).with("ROBOTICKS_SERVER", &shop.server.url());
        let step = async |words: &[&str]| {
            let mut command = process::command(process::binary("rbtk")?);
            command.args(words).env("HOME", home.path()).current_dir(home.path());
            command.envs(runner.variables.iter().map(|(name, value)| (name, value)));
            Running::finish(&mut command, b"").await
        };
        for words in [
            &["auth", "oidc-from-github"][..],
            &["test", "run", "--push", "./"],
            &["test", "list"],
            &["auth", "status"],
            &["whoami"],
        ] {
            let done = step(words).await?;
            assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
        }
        assert_eq!(github.asked(Part::Tokens), n, "one identity for all steps of a job");
        let sent = shop.front.seen();
        let (_, sent) = sent.last().expect("a call");
        assert!(sent.starts_with("Bearer eyJ"), "a pass, and no key");
    }
    let other = github.job(&Job { git_ref: release, ..main });
    let mut command = process::command(process::binary("rbtk")?);
    command.args(["auth", "oidc-from-github"]).env("HOME", home.path());
    command.envs(other.variables.iter().map(|(name, value)| (name, value)));
    command.env("ROBOTICKS_SERVER", shop.server.url());
    let denied = Running::finish(&mut command, b"").await?;
    assert_eq!(denied.code, Some(4), "{denied:?}");
    let said = denied.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("on a ref that isn't allowed by the subject claim policy"), "{said}");
    assert!(std::fs::read_dir(home.path())?.next().is_none(), "nothing is on the disk");
    Ok(())
}
