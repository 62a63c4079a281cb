//! `sciontool`, in agents that `scion` started: real processes, whose surroundings are read from
//! `/proc`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::{Cli, write_script, written};
use hallpass_testkit::oauth::{self, OAuth};
use hallpass_testkit::process::{self, Finished, Running};
use hallpass_testkit::wait;

use crate::shop::Shop;

const LASTING: &str = "exec sleep 600";

/// A command whose programs find ours, with secrets of its person's around.
fn around(shell: &Cli, arguments: &[&str]) -> Result<Command> {
    let ours = process::binary("sciontool")?;
    let dir = ours.parent().and_then(Path::to_str).context("a directory")?;
    let mut command = shell.command(arguments)?;
    command.env("PATH", format!("{dir}:/usr/local/bin:/usr/bin:/bin"));
    for (name, value) in [
        ("GITHUB_TOKEN", "hers-github"),
        ("SSH_AUTH_SOCK", "/hers/ssh"),
        ("RUN_KEY_HERE", "for this run"),
        ("EDITOR", "ed"),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// `scion hub agent run`, of a script.
fn start(shop: &Shop, more: &[&str], script: &str) -> Result<Running> {
    let path = shop.shell.home().join("script");
    write_script(&path, script)?;
    let path = path.display().to_string();
    let arguments = [&["hub", "agent", "run"], more, &["--", &path]].concat();
    Running::start(&mut around(&shop.shell, &arguments)?)
}

/// The variables of the process whose number `running` says after `label`.
async fn variables(running: &mut Running, label: &str) -> Result<Vec<(String, String)>> {
    let pid: u32 = written(running, "a process", |text| {
        // A line that is still being written holds half a number.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let pids = whole.filter_map(|line| line.strip_prefix(label));
        pids.filter_map(|pid| pid.trim().parse().ok()).next()
    })
    .await?;
    let bytes = std::fs::read(format!("/proc/{pid}/environ"))?;
    let text = String::from_utf8_lossy(&bytes);
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn var(variables: &[(String, String)], name: &str) -> Result<String> {
    let found = variables.iter().find(|(known, _)| known == name);
    Ok(found.with_context(|| format!("no {name}"))?.1.clone())
}

/// `sciontool` or `scion` elsewhere, with one variable set.
async fn with(
    shop: &Shop,
    program: &str,
    (name, value): (&str, &str),
    line: &str,
) -> Result<Finished> {
    let shell = shop.another()?.program(program).variable(name, value);
    shell.run(&line.split(' ').collect::<Vec<_>>()).await
}

// proves: SN04, SN05, SN06, HP09
#[tokio::test]
async fn an_agent_reports_and_reads_its_secrets_with_a_token_of_its_own() -> Result<()> {
    let shop = Shop::open("scion").await?;
    assert_eq!(shop.sign_in(&shop.shell, &["hub", "login"]).await?.code, Some(0));
    let set = async |words: &[&str], value: &str| {
        let words = [&["hub", "agent", "secret", "set"], words].concat();
        let done = shop.shell.run_with(&words, value).await?;
        anyhow::ensure!(done.code == Some(0) && !done.written().contains(value.trim()), "{done:?}");
        anyhow::Ok(())
    };
    set(&["DEPLOY_KEY", "--project", "acme/genome"], "two lines\nof a key\n").await?;
    set(&["OTHERS", "--agent", "deployer"], "not for builders\n").await?;

    let script = "sciontool status 'Aligning reads' --progress 40 || exit 9\n\
        echo deploy \"$(sciontool secret get DEPLOY_KEY | tr '\\n' '+')\"\n\
        echo run \"$(sciontool secret get RUN_KEY)\" \"$(sciontool secret get FILE_KEY)\"\n\
        sciontool secret get OTHERS\necho others $?\n\
        sciontool secret get NONE\necho none $?\n\
        echo asked \"$(sciontool ask --action '{\"type\":\"deploy\"}')\"\n\
        sciontool child --name deployer -- sh -c \
        'sciontool secret get OTHERS; echo child $?; echo leaf $$; exec sleep 600' &\n\
        echo root $$\nexec sleep 600";
    let more = ["--project", "acme/genome", "--allow", "project:read", "--name", "builder"];
    let file = shop.shell.home().join("key.pem");
    std::fs::write(&file, "of a file\n")?;
    let file = format!("FILE_KEY=file:{}", file.display());
    let given = ["--secret", "RUN_KEY=env:RUN_KEY_HERE", "--secret", &file];
    let more = [&more[..], &given].concat();
    let mut broker = start(&shop, &more, script)?;
    let root = variables(&mut broker, "root ").await?;
    let leaf = variables(&mut broker, "leaf ").await?;

    // A short JWT for this agent, with what it was given and nothing else.
    let token = var(&root, "SCION_AUTH_TOKEN")?;
    let claims = oauth::peek(&token)?.1;
    let id = claims["sub"].as_str().context("a sub")?.to_owned();
    assert!(id.starts_with("agt_"), "{claims}");
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    assert_eq!(life, Some(900), "{claims}");
    let mut scope: Vec<_> = claims["scope"].as_str().unwrap_or_default().split(' ').collect();
    scope.sort_unstable();
    assert_eq!(scope, ["agent", "project:read"], "{claims}");

    // Nothing of hers is around it, nor around its child.
    let kept = std::fs::read_to_string(shop.shell.home().join(".config/scion/credentials.json"))?;
    let hers: Vec<&str> = kept.split('"').filter(|text| text.len() > 40).collect();
    assert!(!hers.is_empty());
    for (name, value) in root.iter().chain(&leaf) {
        assert!(!value.contains("hers") && value != "for this run", "{name}={value}");
        assert!(!hers.contains(&value.as_str()), "{name} holds what she signed in with");
        let given = ["AUTH_TOKEN", "AUTH_TOKEN_FILE", "HUB_URL", "NONINTERACTIVE", "STORE"];
        let ours = name.strip_prefix("SCION_");
        assert!(ours.is_none_or(|name| given.contains(&name)), "{name}");
    }
    assert_eq!(var(&root, "EDITOR")?, "ed");
    assert_ne!(var(&leaf, "SCION_AUTH_TOKEN")?, token, "a child has a token of its own");

    // Its own secrets, and another's as one that does not exist, whatever its child is called.
    let said = broker.written();
    for line in
        ["deploy two lines+of a key", "run for this run of a file", "others 1", "none 1", "child 1"]
    {
        assert!(said.lines().any(|known| known == line), "{line}: {said}");
    }
    assert!(!said.contains("not for builders"), "{said}");
    let lines = process::command_lines()?;
    assert!(!lines.iter().any(|line| line.contains("for this run") || line.contains(&token)));

    // It asks for one action, and its owner sees that.
    assert!(said.lines().any(|line| line.starts_with("asked apr_")), "{said}");
    let asked = shop.run("hub agent approvals").await?;
    assert!(asked.stdout.contains("\tpending\tbuilder\tdeploy\t"), "{asked:?}");
    // Its owner sees how far it is, the names, and no secret.
    let listed = shop.run("hub agent list").await?.stdout;
    let own = listed.lines().find(|line| line.starts_with(&id)).context("the agent")?;
    assert!(own.contains("\t40\tAligning reads"), "{listed}");
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let names = shop.run("hub agent secret list").await?.stdout;
    assert!(names.contains("DEPLOY_KEY\tagents in acme/genome") && names.contains("RUN_KEY"));
    assert!(!names.contains("of a key") && !names.contains("for this run"), "{names}");

    let stopped = shop.run(&format!("hub agent stop {id}")).await?;
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    broker.finished().await?;
    let names = shop.run("hub agent secret list").await?.stdout;
    assert!(!names.contains("RUN_KEY"), "it goes with its run: {names}");
    let gone = shop.run("hub agent secret remove DEPLOY_KEY --project acme/genome").await?;
    assert_eq!(gone.code, Some(0), "{gone:?}");
    let again = shop.run("hub agent secret remove DEPLOY_KEY --project acme/genome").await?;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.ends_with("Next: scion hub agent secret list\n"), "{again:?}");
    Ok(())
}

// proves: SN05, SN07, attack-49
#[tokio::test]
async fn neither_tool_takes_what_is_for_the_other() -> Result<()> {
    let shop = Shop::open("scion").await?;
    assert_eq!(shop.sign_in(&shop.shell, &["hub", "login"]).await?.code, Some(0));
    let pat = shop.run("hub token create ci").await?.stdout.trim().to_owned();
    // A person's token is none for an agent.
    let none = with(&shop, "sciontool", ("SCION_HUB_TOKEN", &pat), "status hello").await?;
    assert_eq!(none.code, Some(3), "{none:?}");
    let said = "error: this is no agent of Scion's: SCION_AUTH_TOKEN is not set.\n  \
        One is started with: scion hub agent run -- CMD\n  Next: sciontool --help\n";
    assert_eq!(none.stderr, said);

    // In an agent, `scion` sees nobody: neither her sign-in nor the agent's token.
    let script = format!(
        "scion list\necho list $?\nscion hub token list\necho tokens $?\n\
         scion hub agent run -- true\necho run $?\necho root $$\n{LASTING}"
    );
    let mut broker = start(&shop, &[], &script)?;
    let root = variables(&mut broker, "root ").await?;
    let said = broker.written();
    for line in ["list 3", "tokens 3", "run 3"] {
        assert!(said.lines().any(|known| known == line), "{line}: {said}");
    }
    assert_eq!(shop.front.seen().len(), 0, "nothing was sent");

    // Stolen to another process, the token is what it says: this one agent, for its minutes.
    let file = var(&root, "SCION_AUTH_TOKEN_FILE")?;
    let stolen = std::fs::read_to_string(&file)?.trim_end().to_owned();
    let as_agent = ("SCION_AUTH_TOKEN", stolen.as_str());
    let used = with(&shop, "sciontool", as_agent, "status stolen").await?;
    assert_eq!(used.code, Some(0), "a bearer token is whoever holds it: {used:?}");
    // And nothing that a person may, in whatever variable it is put.
    let as_hers = ("SCION_HUB_TOKEN", stolen.as_str());
    for line in ["hub token create x", "hub token list", "hub agent list", "hub whoami"] {
        let refused = with(&shop, "scion", as_hers, line).await?;
        assert!(refused.code != Some(0) && refused.stdout.is_empty(), "{line}: {refused:?}");
        assert!(!refused.stderr.contains(&stolen), "{line}");
    }
    let anybody = OAuth::public(&shop.server, "scion-cli");
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let access = "urn:ietf:params:oauth:token-type:access_token";
    let upwards = [
        ("grant_type", exchange),
        ("subject_token", stolen.as_str()),
        ("subject_token_type", access),
        ("scope", "tokens"),
    ];
    assert_eq!(anybody.post("/oauth/token", &upwards).await?.status, 400);
    // Stopped, it is worth nothing at once, wherever it is.
    let id = oauth::peek(&stolen)?.1["sub"].as_str().context("a sub")?.to_owned();
    assert_eq!(shop.run(&format!("hub agent stop {id}")).await?.code, Some(0));
    let over = with(&shop, "sciontool", as_agent, "status stolen").await?;
    assert_eq!(over.code, Some(4), "{over:?}");
    broker.finished().await?;
    assert!(!Path::new(&file).exists(), "the file goes with its broker");
    Ok(())
}

// proves: HP09
#[tokio::test]
async fn an_agent_asks_with_one_tool_and_its_owner_answers_with_the_other() -> Result<()> {
    let shop = Shop::open("scion").await?;
    assert_eq!(shop.sign_in(&shop.shell, &["hub", "login"]).await?.code, Some(0));
    let action = r#"{"type":"deploy","identifier":"shop"}"#;
    let script = format!("sciontool ask --action '{action}' --wait\necho ended $?");
    let mut broker = start(&shop, &["--name", "deployer"], &script)?;
    let id = wait::until("a question", async || {
        let listed = shop.run("hub agent approvals").await?.stdout;
        let line = listed.lines().find(|line| line.contains("\tpending\t"));
        Ok(line.and_then(|line| line.split('\t').next()).map(str::to_owned))
    })
    .await?;
    let unsure = shop.run(&format!("hub agent approvals approve {id}")).await?;
    assert_eq!(unsure.code, Some(2), "{unsure:?}");
    let next = format!("Next: scion hub agent approvals approve {id} --confirm\n");
    assert!(unsure.stderr.ends_with(&next), "{unsure:?}");
    let yes = shop.run(&format!("hub agent approvals approve {id} --confirm")).await?;
    assert_eq!(yes.code, Some(0), "{yes:?}");
    let finished = broker.finished().await?;
    assert!(finished.stdout.contains("ended 0"), "{finished:?}");
    Ok(())
}
