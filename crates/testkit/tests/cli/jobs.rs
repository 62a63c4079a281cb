//! CI jobs that sign in with what their platform gives them: each step is a process of its own,
//! as in a job.

use std::path::Path;

use anyhow::{Context as _, Result};
use hallpass_testkit::github::{GitHub, Job, Part, Runner, Trouble};
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::process::{self, Finished, Running};
use hallpass_testkit::server::Plan;
use hallpass_testkit::tree;
use serde_json::{Value, json};

use crate::desk::Desk;

/// A server with acme/warehouse, GitHub, and Ada who owns the place.
struct Works {
    desk: Desk,
    github: GitHub,
    /// The home of the user that every job of this machine runs as.
    home: tempfile::TempDir,
}

const LINE: &str = "repo:acme/warehouse:ref:refs/heads/main";

impl Works {
    async fn open() -> Result<Self> {
        let github = GitHub::start().await?;
        let plan = Plan::new().set("trust_private_issuers", github.issuer());
        let desk = Desk::of(plan).await?;
        desk.sign_in().await?;
        desk.server.admin(&["org", "create", "acme", "--owner", "ada@example.com"], "").await?;
        desk.server.admin(&["project", "create", "acme/warehouse"], "").await?;
        let works = Self { desk, github, home: tempfile::tempdir()? };
        works.add(&[LINE, "--platform", "github"]).await?;
        Ok(works)
    }

    /// Ada makes a policy.
    async fn add(&self, words: &[&str]) -> Result<Finished> {
        let fixed = ["--issuer", self.github.issuer(), "--allow", "project:read"];
        let place = ["--project", "acme/warehouse"];
        self.ada(&[&["trust", "add"][..], words, &fixed, &place].concat()).await
    }

    /// Ada types something that works.
    async fn ada(&self, words: &[&str]) -> Result<Finished> {
        let done = self.desk.cli.run(words).await?;
        anyhow::ensure!(done.code == Some(0), "{words:?}: {done:?}");
        Ok(done)
    }

    /// One step of a job.
    async fn step(&self, runner: &Runner, words: &[&str]) -> Result<Finished> {
        let mut command = self.desk.cli.command(words)?;
        command.env_remove("HALLPASS_SERVER").env("HOME", self.home.path());
        command.current_dir(self.home.path());
        command.envs(runner.variables.iter().map(|(name, value)| (name, value)));
        Running::finish(&mut command, b"").await
    }

    /// Whether an API admits a pass.
    async fn admits(&self, pass: &str) -> Result<bool> {
        let server = &self.desk.server;
        let url = server.at("/check?project=acme/warehouse&permission=project:read");
        let answer = Answer::of(server.http()?.build()?.get(url).bearer_auth(pass)).await?;
        Ok(answer.status == 200)
    }

    fn nothing_on_disk(&self) -> Result<()> {
        let left = std::fs::read_dir(self.home.path())?.next();
        anyhow::ensure!(left.is_none(), "{left:?}");
        Ok(())
    }
}

// proves: RB10, RB11, jobs-1
#[tokio::test]
async fn the_steps_of_one_job_share_a_pass_in_memory_and_its_end_revokes_it() -> Result<()> {
    let works = Works::open().await?;
    let server = works.desk.server.url();
    let runner = works.github.job(&Job { run_id: u64::from(std::process::id()), ..Job::default() });
    let signed_in = works.step(&runner, &["login", &server, "--oidc"]).await?;
    assert_eq!(signed_in.code, Some(0), "{signed_in:?}");
    assert!(signed_in.stderr.contains("later steps of this job"), "{signed_in:?}");

    // A later step knows where to, and trades for nothing.
    let status = works.step(&runner, &["status", "--json"]).await?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    assert_eq!(
        (&status["state"], &status["source"]["kind"]),
        (&json!("valid"), &json!("workload"))
    );
    assert_eq!(status["server"], server);
    let whoami = works.step(&runner, &["status", "--check"]).await?;
    assert_eq!(whoami.code, Some(0), "{whoami:?}");
    let printed = works.step(&runner, &["token", "print"]).await?;
    let pass = printed.stdout.trim_end().to_owned();
    assert!(printed.stderr.contains(&format!("::add-mask::{pass}")), "{}", printed.stderr);
    assert!(works.admits(&pass).await?);
    assert_eq!(works.github.asked(Part::Tokens), 1);
    works.nothing_on_disk()?;

    // Another job of the same user is not signed in by it: it trades for itself, or is refused.
    let other = Job { repository: "other".to_owned(), repository_id: 201, ..Job::default() };
    let other =
        works.step(&works.github.job(&other), &["status", "--check", "--server", &server]).await?;
    assert_eq!(other.code, Some(4), "{other:?}");
    let nobody = Runner { variables: vec![("GITHUB_ACTIONS".to_owned(), "true".to_owned())] };
    let nobody = works.step(&nobody, &["status", "--check", "--server", &server]).await?;
    assert_eq!(nobody.code, Some(3), "{nobody:?}");

    let out = works.step(&runner, &["logout", "--require-revoke"]).await?;
    assert!(out.code == Some(0) && out.stderr.contains("revoked at the server"), "{out:?}");
    assert!(!works.admits(&pass).await?);
    works.nothing_on_disk()
}

// proves: RB10
#[tokio::test]
async fn on_a_machine_of_ones_own_each_step_trades_anew_through_rotation_and_outages() -> Result<()>
{
    let mut works = Works::open().await?;
    let server = works.desk.server.url();
    let job = Job { runner: "self-hosted".to_owned(), ..Job::default() };
    let runner = works.github.job(&job).with("HALLPASS_SERVER", &server);
    for n in 1..=2 {
        let whoami = works.step(&runner, &["status", "--check"]).await?;
        assert_eq!(whoami.code, Some(0), "{whoami:?}");
        assert_eq!(works.github.asked(Part::Tokens), n);
        // A key that the server has not seen; after a start it looks for keys at once.
        works.github.rotate()?;
        works.github.retire();
        works.desk.server.stop().await?;
        works.desk.server.start_again().await?;
    }
    works.nothing_on_disk()?;
    // A login leaves nothing, and a program's pass ends with the program; its code is ours.
    let signed_in = works.step(&runner, &["login", "--oidc"]).await?;
    assert!(signed_in.stderr.contains("was revoked"), "{signed_in:?}");
    let script = "printf %s \"$API_TOKEN\"; exit 7";
    let words = ["exec", "--env", "API_TOKEN", "--", "sh", "-c", script];
    let program = works.step(&runner, &words).await?;
    assert_eq!(program.code, Some(7), "{program:?}");
    let pass = program.stdout.lines().last().unwrap_or_default();
    assert!(pass.starts_with("eyJ") && !works.admits(pass).await?, "{program:?}");
    // What was printed is good until the job signs out, in whatever step.
    let printed = works.step(&runner, &["token", "print"]).await?;
    let pass = printed.stdout.trim_end().to_owned();
    assert!(works.admits(&pass).await?);
    let foreign = Job { run_id: 8, ..job.clone() };
    let foreign = works.github.job(&foreign).with("HALLPASS_SERVER", &server);
    works.step(&foreign, &["logout", "--require-revoke"]).await?;
    assert!(works.admits(&pass).await?, "another job ends its own only");
    let out = works.step(&runner, &["logout", "--require-revoke"]).await?;
    assert!(out.code == Some(0) && out.stderr.contains("revoked at the server"), "{out:?}");
    assert!(!works.admits(&pass).await?);
    // The platform cannot answer: a failure that says so, and passes.
    works.github.set(Part::Tokens, Some(Trouble::Unavailable));
    let without = works.step(&runner, &["status", "--check"]).await?;
    assert_eq!(without.code, Some(5), "{without:?}");
    let said = without.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("GitHub Actions did not give this job its identity"), "{said}");
    works.github.set(Part::Tokens, None);
    assert_eq!(works.step(&runner, &["status", "--check"]).await?.code, Some(0));
    // The job is over: its endpoint gives nothing.
    works.github.end(&runner);
    let after = works.step(&runner, &["login", "--oidc"]).await?;
    assert_eq!(after.code, Some(6), "{after:?}");
    Ok(())
}

// proves: RB10, jobs-1
#[tokio::test]
async fn many_programs_at_once_are_each_given_a_pass_and_the_end_revokes_all() -> Result<()> {
    let works = Works::open().await?;
    let server = works.desk.server.url();
    let job = Job {
        runner: "self-hosted".to_owned(),
        run_id: u64::from(std::process::id()) + 3,
        ..Job::default()
    };
    let runner = works.github.job(&job).with("HALLPASS_SERVER", &server);
    let printing = (0..12).map(|_| works.step(&runner, &["token", "print"]));
    let mut passes = Vec::new();
    for printed in futures_util::future::join_all(printing).await {
        let printed = printed?;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        passes.push(printed.stdout.trim_end().to_owned());
    }
    for pass in &passes {
        assert!(works.admits(pass).await?);
    }
    let out = works.step(&runner, &["logout", "--require-revoke"]).await?;
    assert_eq!(out.code, Some(0), "{out:?}");
    let mut left = 0;
    for pass in &passes {
        left += usize::from(works.admits(pass).await?);
    }
    assert_eq!(left, 0, "of {}", passes.len());
    works.nothing_on_disk()
}

// proves: HP04, RB13, jobs-3
#[tokio::test]
async fn a_denied_job_is_explained_and_let_in_by_the_least_rule() -> Result<()> {
    let works = Works::open().await?;
    let server = works.desk.server.url();
    let job = Job { git_ref: "refs/heads/release".to_owned(), ..Job::default() };
    let runner = works.github.job(&job.clone()).with("HALLPASS_SERVER", &server);
    let denied = works.step(&runner, &["login", "--oidc"]).await?;
    assert_eq!(denied.code, Some(4), "{denied:?}");
    assert!(!denied.stderr.contains("refs/heads/main"), "no policy is told: {denied:?}");

    // Of all places that she manages.
    let claims = job.claims(works.github.issuer(), &server).to_string();
    let file = works.home.path().join("anywhere.json");
    std::fs::write(&file, claims)?;
    let path = file.display().to_string();
    let tested = works.desk.cli.run(&["trust", "test", "--claims", &path]).await?;
    let said = tested.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(tested.code == Some(4) && said.contains("the token says refs/heads/release"), "{said}");

    let place = ["--project", "acme/warehouse"];
    let listed = works.ada(&[&["trust", "denied", "--json"][..], &place].concat()).await?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let id = listed["items"][0]["id"].as_str().context("a denied exchange")?.to_owned();
    let one = works.ada(&[&["trust", "denied", &id][..], &place].concat()).await?;
    let said = one.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the token says refs/heads/release"), "{said}");
    assert!(said.contains("--allow"), "{said}");

    // The same on a laptop, from the claims alone.
    let claims = job.claims(works.github.issuer(), &server).to_string();
    let file = works.home.path().join("claims.json");
    std::fs::write(&file, claims)?;
    let path = file.display().to_string();
    let test = [&["trust", "test", "--claims", &path, "--json"][..], &place].concat();
    let tested = works.desk.cli.run(&test).await?;
    assert_eq!(tested.code, Some(4), "{tested:?}");

    works.ada(&[&["trust", "denied", &id, "--allow"][..], &place].concat()).await?;
    assert_eq!(works.desk.cli.run(&test).await?.code, Some(0));
    let now = works.step(&runner, &["status", "--check"]).await?;
    assert_eq!(now.code, Some(0), "{now:?}");

    // The name comes back with another id: said, and let in by whoever knows that it is theirs.
    let first = works.github.job(&Job::default()).with("HALLPASS_SERVER", &server);
    assert_eq!(works.step(&first, &["login", "--oidc"]).await?.code, Some(0), "its id is pinned");
    let again = Job { repository_id: 999, ..Job::default() };
    let again = works.github.job(&again).with("HALLPASS_SERVER", &server);
    assert_eq!(works.step(&again, &["login", "--oidc"]).await?.code, Some(4));
    let listed = works.ada(&[&["trust", "denied", "--json"][..], &place].concat()).await?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let alarm = listed["items"].as_array().context("items")?.iter().find(|it| it["alarm"] == true);
    let alarm = alarm.context("an alarm")?["id"].as_str().context("an id")?.to_owned();
    let said = works.ada(&["trust", "denied", &alarm]).await?;
    assert!(said.stderr.contains(&format!("trust repin {alarm}")), "{said:?}");
    let asked = works.desk.cli.run(&["trust", "repin", &alarm]).await?;
    let told = asked.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(told.contains("had repository_id 200 when it was pinned, and came back with 999"));
    assert_eq!(works.step(&again, &["login", "--oidc"]).await?.code, Some(4), "only said so far");
    works.ada(&["trust", "repin", &alarm, "--confirm"]).await?;
    assert_eq!(works.step(&again, &["login", "--oidc"]).await?.code, Some(0));
    let nothing = works.desk.cli.run(&["trust", "repin", &alarm, "--confirm"]).await?;
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    let runner = works.github.job(&Job { repository_id: 999, ..job.clone() });
    let runner = runner.with("HALLPASS_SERVER", &server);

    // A policy that goes takes its passes along.
    let listed = works.ada(&[&["trust", "list", "--json"][..], &place].concat()).await?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let pass = works.step(&runner, &["token", "print"]).await?.stdout.trim_end().to_owned();
    assert!(works.admits(&pass).await?);
    for policy in listed["items"].as_array().context("policies")? {
        let id = policy["id"].as_str().context("an id")?;
        let asked = works.desk.cli.run(&["trust", "remove", id]).await?;
        assert_eq!(asked.code, Some(2), "{asked:?}");
        works.ada(&["trust", "remove", id, "--confirm"]).await?;
    }
    assert!(!works.admits(&pass).await?);
    Ok(())
}

// proves: RB10
#[tokio::test]
async fn rbtk_signs_in_from_github_for_the_steps_that_come() -> Result<()> {
    let works = Works::open().await?;
    let server = works.desk.server.url();
    let job = Job { run_id: u64::from(std::process::id()) + 2, ..Job::default() };
    let runner = works.github.job(&job).with("ROBOTICKS_SERVER", &server);
    let step = async |words: &[&str]| {
        let mut command = process::command(process::binary("rbtk")?);
        command.args(words).env("HOME", works.home.path()).current_dir(works.home.path());
        command.envs(runner.variables.iter().map(|(name, value)| (name, value)));
        Running::finish(&mut command, b"").await
    };
    // Its help offers nothing that a job cannot use.
    let help = step(&["auth", "oidc-from-github", "--help"]).await?.stdout;
    for other in ["--web", "--device", "--callback-port", "--timeout", "--issuer"] {
        assert!(!help.contains(other), "{help}");
    }
    let signed_in = step(&["auth", "oidc-from-github"]).await?;
    assert_eq!(signed_in.code, Some(0), "{signed_in:?}");
    let status = step(&["auth", "status", "--json"]).await?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    assert_eq!(status["source"]["kind"], "workload");
    assert_eq!(works.github.asked(Part::Tokens), 1);
    let out = step(&["auth", "logout"]).await?;
    assert_eq!(out.code, Some(0), "{out:?}");
    works.nothing_on_disk()
}

/// The lines that the runner reads from a file between two steps.
fn lines(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

// proves: SM12, jobs-1
#[tokio::test]
async fn the_github_action_signs_in_and_its_post_step_revokes() -> Result<()> {
    let works = Works::open().await?;
    let server = works.desk.server.url();
    let job = Job { run_id: u64::from(std::process::id()) + 1, ..Job::default() };
    let runner = works.github.job(&job);
    let files = tempfile::tempdir()?;
    let file = |name: &str| files.path().join(name);
    let bin = process::binary("hallpass")?;
    let node = async |script: &str, more: &[(String, String)]| {
        let mut command = process::command("node");
        command.arg(tree::root().join("packaging/github-action").join(script));
        let path = std::env::join_paths([
            bin.parent().context("a directory")?.to_owned(),
            "/usr/bin".into(),
            "/bin".into(),
        ])?;
        command.env("PATH", path).env("HOME", works.home.path()).env("INPUT_SERVER", &server);
        command.envs(runner.variables.iter().map(|(name, value)| (name, value)));
        for name in ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"] {
            command.env(name, file(name));
        }
        command.envs(more.iter().map(|(name, value)| (name, value)));
        Running::finish(&mut command, b"").await
    };
    let main = node("main.js", &[]).await?;
    assert_eq!(main.code, Some(0), "{main:?}");
    let given = lines(&file("GITHUB_ENV"));
    assert_eq!(given, [("HALLPASS_SERVER".to_owned(), server.clone())]);
    let printed = works.step(&runner, &["token", "print"]).await?;
    let pass = printed.stdout.trim_end().to_owned();
    assert!(works.admits(&pass).await?);
    let state = lines(&file("GITHUB_STATE"));
    let state: Vec<_> =
        state.into_iter().map(|(name, value)| (format!("STATE_{name}"), value)).collect();
    let post = node("post.js", &state).await?;
    assert!(post.code == Some(0) && !post.written().contains("::warning::"), "{post:?}");
    assert!(!works.admits(&pass).await?);
    // On a machine of one's own it ends what was handed to others, in whatever step.
    let own = Job { runner: "self-hosted".to_owned(), ..job.clone() };
    let own = works.github.job(&own);
    let main = node("main.js", &own.variables).await?;
    assert!(main.code == Some(0) && main.written().contains("was revoked"), "{main:?}");
    let own = own.with("HALLPASS_SERVER", &server);
    let pass = works.step(&own, &["token", "print"]).await?.stdout.trim_end().to_owned();
    assert!(works.admits(&pass).await?);
    let post = node("post.js", &[own.variables, state].concat()).await?;
    assert!(post.code == Some(0) && !post.written().contains("::warning::"), "{post:?}");
    assert!(!works.admits(&pass).await?);
    // What is at an address has to be what was meant, and nothing of it is run before.
    for more in [
        vec![("INPUT_URL", format!("{server}/health/live"))],
        vec![("INPUT_URL", format!("{server}/health/live")), ("INPUT_SHA256", "0".repeat(64))],
        vec![("INPUT_URL", "http://example.com/x".to_owned()), ("INPUT_SHA256", "0".repeat(64))],
        vec![("INPUT_PROGRAM", "../x".to_owned())],
    ] {
        let more: Vec<_> = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let refused = node("main.js", &more).await?;
        assert!(refused.code == Some(1) && refused.stdout.contains("::error::"), "{refused:?}");
    }
    works.nothing_on_disk()
}

// proves: SM12, jobs-1
#[tokio::test]
async fn the_gitlab_include_keeps_the_pass_in_its_shell_and_revokes_it_there() -> Result<()> {
    let works = Works::open().await?;
    let server = works.desk.server.url();
    let conditions = ["project_path=acme/warehouse", "ref=main"];
    let conditions: Vec<_> = conditions.iter().flat_map(|it| ["--condition", *it]).collect();
    works.add(&[&["--platform", "gitlab"][..], &conditions].concat()).await?;
    let mut claims = Job::default().claims(works.github.issuer(), &server);
    for (name, value) in [
        ("namespace_id", "11"),
        ("namespace_path", "acme"),
        ("pipeline_source", "push"),
        ("project_id", "22"),
        ("project_path", "acme/warehouse"),
        ("ref", "main"),
        ("ref_path", "refs/heads/main"),
        ("ref_protected", "true"),
        ("ref_type", "branch"),
        ("sub", "project_path:acme/warehouse:ref_type:branch:ref:main"),
    ] {
        claims[name] = json!(value);
    }
    let include = std::fs::read_to_string(tree::root().join("packaging/gitlab/hallpass.yml"))?;
    let (_, block) = include.split_once("    - |\n").context("the script")?;
    let script: String = block.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let script =
        format!("set -e\n{script}hallpass status --check >&2\nprintf %s \"$HALLPASS_TOKEN\"\n");
    let mut command = process::command("bash");
    let bin = process::binary("hallpass")?;
    let path = std::env::join_paths([
        bin.parent().context("a directory")?.to_owned(),
        "/usr/bin".into(),
        "/bin".into(),
    ])?;
    command.args(["-c", &script]).env("PATH", path).env("HOME", works.home.path());
    command.envs([("CI", "true"), ("GITLAB_CI", "true"), ("HALLPASS_SERVER", &*server)]);
    command.env("HALLPASS_ID_TOKEN", works.github.sign(&claims));
    let done = Running::finish(&mut command, b"").await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("Signed this job out"), "{done:?}");
    let pass = done.stdout.trim();
    assert!(pass.starts_with("eyJ") && !works.admits(pass).await?, "{done:?}");

    // A job that has one identity serves its later steps with it, each a process of its own.
    claims["jti"] = json!("another");
    let given = |name: &str| Runner {
        variables: [("GITLAB_CI", "true"), ("HALLPASS_SERVER", &*server)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .chain([("HALLPASS_ID_TOKEN".to_owned(), name.to_owned())])
            .collect(),
    };
    let runner = given(&works.github.sign(&claims));
    for _ in 0..2 {
        let signed_in = works.step(&runner, &["login", "--oidc"]).await?;
        assert!(
            signed_in.stderr.contains("later steps of this job are signed in"),
            "{signed_in:?}"
        );
    }
    assert_eq!(works.step(&runner, &["status", "--check"]).await?.code, Some(0));
    let pass = works.step(&runner, &["token", "print"]).await?.stdout.trim_end().to_owned();
    // The pass in the variable is a pass, and its end is known without asking anybody.
    let held = runner.clone().with("HALLPASS_TOKEN", &pass);
    let status = works.step(&held, &["status", "--json"]).await?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    assert!(status["expires_at"].is_string(), "{status}");
    claims["jti"] = json!("somebody else's");
    let other = given(&works.github.sign(&claims));
    works.step(&other, &["logout", "--require-revoke"]).await?;
    assert!(works.admits(&pass).await?);
    assert_eq!(works.step(&runner, &["logout", "--require-revoke"]).await?.code, Some(0));
    assert!(!works.admits(&pass).await?);
    let late = works.step(&runner, &["status", "--check"]).await?;
    let said = late.written().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(late.code == Some(4) && said.contains("a server takes it once"), "{late:?}");
    works.nothing_on_disk()
}
