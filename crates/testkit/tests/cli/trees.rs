//! Trees of agents as processes: parents are killed, the network is cut, the owner is disabled,
//! while everybody asks about everybody all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};
use hallpass_testkit::cli::write_script;
use hallpass_testkit::link::{Link, Wire};
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::process::Running;
use hallpass_testkit::server::Plan;
use hallpass_testkit::wait;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::task::JoinSet;

use crate::agents::{Agent, LASTING, is_refused, run, shell, status_of};
use crate::desk::Desk;

/// A desk whose server is asked by so many at once that it would slow others down.
async fn busy_desk() -> Result<Desk> {
    let desk = Desk::of(Plan::new().set("refused_credentials", "4000000000")).await?;
    desk.sign_in().await?;
    Ok(desk)
}

/// Three agents, each below the one before.
struct Tree {
    broker: Running,
    agents: [Agent; 3],
}

impl Tree {
    async fn grown(desk: &Desk) -> Result<Self> {
        let script = |name: &str, text: &str| -> Result<String> {
            let path = desk.cli.home().join(name);
            write_script(&path, text)?;
            Ok(path.display().to_string())
        };
        let starts = |name: &str, below: &str| {
            format!("echo pid $$\nhallpass agent run --name {name} -- {below}\nexec sleep 600")
        };
        let leaf = script("leaf", LASTING)?;
        let middle = script("middle", &starts("leaf", &leaf))?;
        let root = script("root", &starts("middle", &middle))?;
        let mut broker = Running::start(&mut shell(desk, &run(&["--name", "root"], &[&root]))?)?;
        let agents = [
            Agent::of(&mut broker, 0).await?,
            Agent::of(&mut broker, 1).await?,
            Agent::of(&mut broker, 2).await?,
        ];
        Ok(Self { broker, agents })
    }

    fn tokens(&self) -> Result<Vec<String>> {
        self.agents.iter().map(|agent| agent.token().map(str::to_owned)).collect()
    }
}

/// Asks about tokens all the time; whoever was refused once is never admitted again.
struct Load {
    done: Arc<AtomicBool>,
    checks: Arc<AtomicUsize>,
    asking: JoinSet<Result<()>>,
}

impl Load {
    fn on(desk: &Desk, tokens: Vec<String>) -> Self {
        let (done, checks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut asking = JoinSet::new();
        for token in tokens {
            let anybody = OAuth::public(&desk.server, "hallpass-cli");
            let (done, checks) = (done.clone(), checks.clone());
            asking.spawn(async move {
                let mut over = false;
                while !done.load(Ordering::SeqCst) {
                    let status = anybody.get_with("/api/v1/agent", &token).await?.status;
                    ensure!(status == 200 || status == 401, "{status}");
                    ensure!(!(over && status == 200), "it was refused before");
                    over = status == 401;
                    checks.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            });
        }
        Self { done, checks, asking }
    }

    /// Until each has asked some more.
    async fn goes_on(&mut self) -> Result<()> {
        let enough = self.checks.load(Ordering::SeqCst) + 30;
        wait::until("more checks", async || {
            if let Some(early) = self.asking.try_join_next() {
                early??;
            }
            Ok((self.checks.load(Ordering::SeqCst) >= enough).then_some(()))
        })
        .await
    }

    async fn ends(self) -> Result<()> {
        self.done.store(true, Ordering::SeqCst);
        self.asking.join_all().await.into_iter().collect()
    }
}

fn kill(agent: &Agent) -> Result<()> {
    let pid = i32::try_from(agent.pid).ok().and_then(Pid::from_raw).context("a process")?;
    Ok(kill_process(pid, Signal::KILL)?)
}

// proves: HP08, SN05
#[tokio::test]
async fn a_parent_that_is_killed_takes_all_below_it_along_and_nothing_above() -> Result<()> {
    let desk = busy_desk().await?;
    let mut tree = Tree::grown(&desk).await?;
    let tokens = tree.tokens()?;
    let mut load = Load::on(&desk, tokens.clone());
    load.goes_on().await?;
    // The program in the middle: its broker says that it is done, and so is the leaf.
    kill(&tree.agents[1])?;
    is_refused(&desk, &tokens[1]).await?;
    assert_eq!(status_of(&desk, &tokens[2]).await?, 401, "all below it at once");
    tree.agents[2].ends().await?;
    assert_eq!(status_of(&desk, &tokens[0]).await?, 200, "nothing above it");
    load.goes_on().await?;

    // Another tree, and the broker at its root: nobody is there to say anything but its guardian.
    let mut second = Tree::grown(&desk).await?;
    let others = second.tokens()?;
    second.broker.kill()?;
    for token in &others {
        is_refused(&desk, token).await?;
    }
    for agent in &second.agents {
        agent.ends().await?;
    }
    load.goes_on().await?;
    load.ends().await?;
    tree.broker.signal(Signal::TERM)?;
    tree.broker.finished().await?;
    is_refused(&desk, &tokens[0]).await
}

// proves: HP08, SN05
#[tokio::test]
async fn a_tree_whose_owner_is_disabled_is_refused_as_a_whole_and_ends() -> Result<()> {
    let desk = busy_desk().await?;
    let mut tree = Tree::grown(&desk).await?;
    let tokens = tree.tokens()?;
    let mut load = Load::on(&desk, tokens.clone());
    load.goes_on().await?;
    desk.server.admin(&["user", "disable", "ada@example.com"], "").await?;
    for token in &tokens {
        assert_eq!(status_of(&desk, token).await?, 401, "at the next check");
    }
    for agent in &tree.agents {
        agent.ends().await?;
    }
    tree.broker.finished().await?;
    load.ends().await
}

// proves: SN05
#[tokio::test]
async fn a_broker_that_is_cut_off_renews_when_the_network_is_back() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let link = Link::to(desk.server.port()).await?;
    // A runtime host: it holds a token that is for agents and nothing else, and no sign-in.
    let tool = OAuth::public(&desk.server, "hallpass-cli");
    let hers = tool.tokens(&desk.person, &[("scope", "openid tokens")]).await?.access;
    let request = tool.request("POST", "/api/v1/tokens").bearer_auth(&hers);
    let new = json!({ "name": "runtime-host", "scope": "agents" });
    let made = Answer::of(request.json(&new)).await?;
    let mut command = shell(&desk, &run(&["--ttl", "10s"], &["sh", "-c", LASTING]))?;
    command.env("HALLPASS_SERVER", link.url()).env("HALLPASS_TOKEN", made.get("value"));
    let mut broker = Running::start(&mut command)?;
    let agent = Agent::of(&mut broker, 0).await?;
    let file = agent.file()?;
    let first = std::fs::read_to_string(&file)?;
    assert_eq!(status_of(&desk, first.trim_end()).await?, 200);
    // Whoever reads finds a whole token, always.
    let (done, path) = (Arc::new(AtomicBool::new(false)), file.clone());
    let reading = {
        let done = done.clone();
        tokio::task::spawn_blocking(move || {
            let mut reads = 0_usize;
            while !done.load(Ordering::SeqCst) {
                let text = std::fs::read_to_string(&path)?;
                let whole = text.ends_with('\n') && text.trim_end().split('.').count() == 3;
                ensure!(whole, "after {reads} reads: {text:?}");
                reads += 1;
            }
            Ok(reads)
        })
    };
    link.set(Wire::Cut);
    let before = link.connections();
    wait::until("the broker to try while it is cut off", async || {
        Ok((link.connections() >= before + 2).then_some(()))
    })
    .await?;
    assert_eq!(std::fs::read_to_string(&file)?, first, "it has what it had");
    link.set(Wire::Whole);
    let fresh = wait::until("a fresh token", async || {
        let text = std::fs::read_to_string(&file)?;
        Ok((text != first).then_some(text))
    })
    .await?;
    done.store(true, Ordering::SeqCst);
    assert!(reading.await?? > 0);
    assert_eq!(status_of(&desk, fresh.trim_end()).await?, 200);
    // For longer than its token lives: it is over, and said to be over for that.
    link.set(Wire::Cut);
    is_refused(&desk, std::fs::read_to_string(&file)?.trim_end()).await?;
    link.set(Wire::Whole);
    let over = broker.finished().await?;
    assert!(over.code == Some(143) && over.stderr.contains("lapsed, for nobody"), "{over:?}");
    let listed = desk.cli.run(&["agent", "list"]).await?;
    assert!(listed.stdout.contains("\tlapsed\t"), "{listed:?}");
    agent.ends().await
}
