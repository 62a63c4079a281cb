//! `agent`: real programs as agents. What they are given is read from `/proc`, their brokers are
//! killed, and whoever is stopped is refused.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::written;
use hallpass_testkit::oauth::{self, OAuth};
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::wait;
use rustix::process::Signal;

use crate::desk::Desk;

/// Says its number, and goes on until somebody ends it.
pub(crate) const LASTING: &str = "echo pid $$; exec sleep 600";

/// An agent that runs: its process, and the variables that it was started with.
pub(crate) struct Agent {
    pub(crate) pid: u32,
    variables: Vec<(String, String)>,
}

impl Agent {
    /// The next program whose number `running` says, after `skip` others.
    pub(crate) async fn of(running: &mut Running, skip: usize) -> Result<Self> {
        let pid = written(running, "a process", |text| {
            let pids = text.lines().filter_map(|line| line.strip_prefix("pid "));
            pids.filter_map(|pid| pid.trim().parse().ok()).nth(skip)
        });
        let pid: u32 = pid.await?;
        // While a shell becomes the program that it ends as, it has none for a moment.
        let bytes = wait::until("the program's variables", async || {
            let bytes = std::fs::read(format!("/proc/{pid}/environ"))?;
            Ok((!bytes.is_empty()).then_some(bytes))
        })
        .await?;
        let text = String::from_utf8_lossy(&bytes);
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { pid, variables })
    }

    fn var(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn token(&self) -> Result<&str> {
        self.var("HALLPASS_AUTH_TOKEN").context("a token")
    }

    pub(crate) fn file(&self) -> Result<PathBuf> {
        Ok(self.var("HALLPASS_AUTH_TOKEN_FILE").context("a file")?.into())
    }

    fn id(&self) -> Result<String> {
        let claims = oauth::peek(self.token()?)?.1;
        Ok(claims["sub"].as_str().context("a sub")?.to_owned())
    }

    pub(crate) async fn ends(&self) -> Result<()> {
        let pid = self.pid;
        // What has ended and was heard of by nobody yet is a zombie, without variables.
        wait::until("the program to end", async || {
            let left = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            Ok(left.is_empty().then_some(()))
        })
        .await
    }
}

pub(crate) async fn status_of(desk: &Desk, token: &str) -> Result<u16> {
    let anybody = OAuth::public(&desk.server, "hallpass-cli");
    Ok(anybody.get_with("/api/v1/agent", token).await?.status.as_u16())
}

pub(crate) async fn is_refused(desk: &Desk, token: &str) -> Result<()> {
    wait::until("the token to be refused", async || {
        Ok((status_of(desk, token).await? == 401).then_some(()))
    })
    .await
}

pub(crate) fn run<'a>(more: &[&'a str], program: &[&'a str]) -> Vec<&'a str> {
    [&["agent", "run"], more, &["--"], program].concat()
}

/// Her shell finds our program in its path, and has secrets of hers.
pub(crate) fn shell(desk: &Desk, arguments: &[&str]) -> Result<std::process::Command> {
    let ours = process::binary("hallpass")?;
    let dir = ours.parent().and_then(Path::to_str).context("a directory")?;
    let mut command = desk.cli.command(arguments)?;
    command.env("PATH", format!("{dir}:/usr/local/bin:/usr/bin:/bin"));
    // She is signed in, and that alone says where: an agent's token goes nowhere else.
    command.env_remove("HALLPASS_SERVER");
    for (name, value) in [
        ("GITHUB_TOKEN", "hers-github"),
        ("AWS_SECRET_ACCESS_KEY", "hers-aws"),
        ("SSH_AUTH_SOCK", "/hers/ssh"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/hers/dbus"),
        ("MODEL_API_KEY", "hers-model"),
        ("EDITOR", "ed"),
    ] {
        command.env(name, value);
    }
    command.stdin(std::process::Stdio::null());
    Ok(command)
}

// proves: SN05, attack-49
#[tokio::test]
async fn the_program_gets_a_pass_of_its_own_and_nothing_of_its_owners() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let arguments = run(&["--name", "builder", "--keep", "MODEL_API_KEY"], &["sh", "-c", LASTING]);
    let mut broker = Running::start(&mut shell(&desk, &arguments)?)?;
    let agent = Agent::of(&mut broker, 0).await?;
    let (_, claims) = oauth::peek(agent.token()?)?;
    assert!(claims["sub"].as_str().is_some_and(|sub| sub.starts_with("agt_")), "{claims}");
    assert_eq!(status_of(&desk, agent.token()?).await?, 200);
    // Nothing of hers: neither by name nor, whatever it is called, by its text.
    let ours: Vec<&str> = agent
        .variables
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("HALLPASS_"))
        .collect();
    for name in &ours {
        let given = ["AUTH_TOKEN", "AUTH_TOKEN_FILE", "NONINTERACTIVE", "SERVER", "STORE"];
        let plain = name.trim_start_matches("HALLPASS_");
        assert!(given.contains(&plain), "{ours:?}");
    }
    assert_eq!(agent.var("HALLPASS_STORE"), Some("none"));
    let kept = std::fs::read_to_string(desk.cli.config().join("credentials.json"))?;
    let hers: Vec<&str> = kept.split('"').filter(|text| text.len() > 40).collect();
    assert!(!hers.is_empty());
    for (name, value) in &agent.variables {
        assert!(!value.contains("hers") || name == "MODEL_API_KEY", "{name}={value}");
        assert!(!hers.contains(&value.as_str()), "{name} holds what she signed in with");
    }
    assert_eq!((agent.var("EDITOR"), agent.var("MODEL_API_KEY")), (Some("ed"), Some("hers-model")));
    // No token stands in a command line, not even in the guardian's.
    let lines = process::command_lines()?;
    assert!(!lines.iter().any(|line| line.contains(agent.token().unwrap_or_default())));

    // A signal is the program's, and so is the code that it ends with.
    broker.signal(Signal::TERM)?;
    assert_eq!(broker.finished().await?.code, Some(143));
    is_refused(&desk, agent.token()?).await?;
    assert!(!agent.file()?.exists(), "the file goes with the broker");
    let done = Running::finish(&mut shell(&desk, &run(&[], &["sh", "-c", "exit 7"]))?, b"").await?;
    assert_eq!(done.code, Some(7), "{done:?}");
    let done = Running::finish(&mut shell(&desk, &run(&[], &["/not/there"]))?, b"").await?;
    assert_eq!(done.code, Some(127), "{done:?}");
    let listed = desk.cli.run(&["agent", "list"]).await?;
    let states: Vec<_> = listed.stdout.lines().map(|it| it.split('\t').nth(1)).collect();
    assert_eq!(states, [Some("stopped"); 3], "{listed:?}");
    for code in [143, 7, 127] {
        let told = format!("its program ended with {code}\n");
        assert!(listed.stdout.contains(&told), "{code}: {listed:?}");
    }
    Ok(())
}

// proves: SN05
#[tokio::test]
async fn a_killed_broker_leaves_neither_a_program_nor_a_token() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let mut broker = Running::start(&mut shell(&desk, &run(&[], &["sh", "-c", LASTING]))?)?;
    let agent = Agent::of(&mut broker, 0).await?;
    let file = agent.file()?;
    assert!(file.exists());
    broker.kill()?;
    agent.ends().await?;
    is_refused(&desk, agent.token()?).await?;
    wait::until("the file to go", async || Ok((!file.exists()).then_some(()))).await
}

// proves: SN05, SN06, HP08
#[tokio::test]
async fn inside_an_agent_reports_and_starts_children_and_one_switch_ends_them() -> Result<()> {
    let desk = Desk::signed_in().await?;
    // Each script starts the next one as a child.
    let script = |name: &str, text: &str| -> Result<String> {
        let path = desk.cli.home().join(name);
        hallpass_testkit::cli::write_script(&path, text)?;
        Ok(path.display().to_string())
    };
    let secret = async |words: &[&str]| -> Result<serde_json::Value> {
        let words = [&["agent", "secret"], words, &["--agent", "root", "--json"]].concat();
        let done = Running::finish(&mut desk.cli.command(&words)?, b"of the root").await?;
        Ok(serde_json::from_str(&done.stdout)?)
    };
    assert_eq!(secret(&["set", "KEY"]).await?["state"], "kept");
    let leaf = script("leaf", LASTING)?;
    let middle = script("middle", &format!("hallpass agent run --name leaf -- {leaf}"))?;
    let root = script(
        "root",
        &format!(
            "echo pid $$\nhallpass agent status 'half of it' --progress 50\n\
             hallpass agent status --json\nhallpass whoami\n\
             echo whoami $?\nhallpass agent secret get KEY --json\nhallpass login\nhallpass token print\necho print $?\n\
             hallpass agent run --name middle -- {middle}"
        ),
    )?;
    let arguments = run(&["--name", "root"], &[&root]);
    let mut broker = Running::start(&mut shell(&desk, &arguments)?)?;
    let root = Agent::of(&mut broker, 0).await?;
    let leaf = Agent::of(&mut broker, 1).await?;
    // A person's commands see no sign-in there.
    let said = broker.written();
    assert!(said.contains("whoami 3") && said.contains("print 3"), "{said}");
    let itself = said.lines().find(|line| line.contains("half of it")).context("itself")?;
    let itself: serde_json::Value = serde_json::from_str(itself)?;
    assert_eq!((&itself["schema_version"], &itself["name"]), (&1.into(), &"root".into()));
    let read = said.lines().find(|line| line.contains("of the root")).context("the secret")?;
    assert_eq!(serde_json::from_str::<serde_json::Value>(read)?["name"], "KEY");
    let removed = secret(&["remove", "KEY"]).await?;
    assert_eq!((&removed["state"], &removed["of"]["agent"]), (&"removed".into(), &"root".into()));
    // And nobody there is sent to sign in.
    assert!(said.contains("Next: hallpass agent status"), "{said}");
    assert!(!said.contains("Next: hallpass login") && !said.contains("--device"), "{said}");
    let chain = oauth::peek(leaf.token()?)?.1;
    let above = chain["act"]["sub"].as_str().context("a parent")?.to_owned();
    assert_eq!(chain["act"]["act"]["sub"], root.id()?.as_str(), "{chain}");
    let listed = desk.cli.run(&["agent", "list"]).await?.stdout;
    let of = |id: &str| listed.lines().find(|line| line.starts_with(id)).map(str::to_owned);
    let own = of(&root.id()?).context("the root")?;
    assert!(own.contains("\t50\thalf of it"), "{own}");
    assert!(of(&leaf.id()?).context("the leaf")?.contains(&above), "{listed}");

    // One switch: when it returns, none of them is admitted; then their programs end.
    let stopped = desk.cli.run(&["agent", "stop", &root.id()?]).await?;
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    for agent in [&root, &leaf] {
        assert_eq!(status_of(&desk, agent.token()?).await?, 401);
    }
    leaf.ends().await?;
    root.ends().await?;
    broker.finished().await?;
    Ok(())
}

// proves: SN05
#[tokio::test]
async fn a_container_runtime_is_told_the_variables_name_and_finds_the_token_in_it() -> Result<()> {
    let desk = Desk::signed_in().await?;
    // The line as the documentation prints it.
    let printed = std::fs::read_to_string(hallpass_testkit::tree::root().join("docs/agents.md"))?;
    let (_, line) = printed.split_once("For a container: `hallpass ").context("the line")?;
    let (line, _) = line.split_once(" …`").context("the end of the line")?;
    assert_eq!(line, "agent run -- podman run -e HALLPASS_AUTH_TOKEN");
    // A stand-in for the runtime: it gives the container what -e names, from its own variables.
    let bin = desk.cli.home().join("bin");
    std::fs::create_dir(&bin)?;
    let podman = "for word in \"$@\"; do echo \"word $word\"; done\n\
                  [ \"$1 $2\" = \"run -e\" ] && eval \"echo token \\$$3\"\n";
    hallpass_testkit::cli::write_script(&bin.join("podman"), podman)?;
    let words: Vec<&str> = line.split(' ').chain(["image"]).collect();
    let mut command = shell(&desk, &words)?;
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let done = Running::finish(&mut command, b"").await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let said: Vec<&str> = done.stdout.lines().collect();
    let (token, words) = said.split_last().context("what it got")?;
    assert_eq!(words, ["word run", "word -e", "word HALLPASS_AUTH_TOKEN", "word image"]);
    let token = token.strip_prefix("token ").context("a token")?;
    assert!(oauth::peek(token)?.1["sub"].as_str().is_some_and(|sub| sub.starts_with("agt_")));
    assert_eq!(status_of(&desk, token).await?, 401, "it is over with the program");
    Ok(())
}

// proves: SN05
#[tokio::test]
async fn the_file_has_a_fresh_token_while_the_program_runs() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let arguments = run(&["--ttl", "10s"], &["sh", "-c", LASTING]);
    let mut broker = Running::start(&mut shell(&desk, &arguments)?)?;
    let agent = Agent::of(&mut broker, 0).await?;
    let file = agent.file()?;
    let first = agent.token()?.to_owned();
    let fresh = wait::until("a fresh token", async || {
        let text = std::fs::read_to_string(&file)?.trim_end().to_owned();
        Ok((text != first).then_some(text))
    })
    .await?;
    assert_eq!(status_of(&desk, &fresh).await?, 200);
    // Stolen, it is worth what is left of its minutes, and nothing once the agent is stopped.
    broker.signal(Signal::INT)?;
    broker.finished().await?;
    is_refused(&desk, &fresh).await
}
