//! `exec`, `credential`, `context` and `doctor`, with the real git and the real cargo.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hallpass_testkit::cli::{self, Cli};
use hallpass_testkit::process::{self, Finished, Running};
use rustix::process::Signal;
use serde_json::Value;

use crate::desk::Desk;

/// A server that shows its files to whoever has this header, and notes what was presented.
struct Gate {
    address: String,
    presented: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Behind {
    files: std::path::PathBuf,
    admitted: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    challenge: &'static str,
    presented: Arc<Mutex<Vec<String>>>,
}

impl Gate {
    async fn open(
        files: &Path,
        challenge: &'static str,
        admitted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self> {
        let presented = Arc::default();
        let behind = Behind {
            files: files.to_owned(),
            admitted: Arc::new(admitted),
            challenge,
            presented: Arc::clone(&presented),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(show).with_state(behind);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, presented })
    }

    fn presented(&self) -> Vec<String> {
        self.presented.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

async fn show(State(behind): State<Behind>, uri: Uri, headers: HeaderMap) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let mut presented = behind.presented.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    presented.extend(shown.map(str::to_owned));
    drop(presented);
    if !shown.is_some_and(|shown| (behind.admitted)(shown)) {
        let challenge = [(header::WWW_AUTHENTICATE, behind.challenge)];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    match std::fs::read(behind.files.join(uri.path().trim_start_matches('/'))) {
        Ok(bytes) => bytes.into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Runs another program in her terminal, with ours in its path.
async fn beside(
    shell: &Cli,
    program: &str,
    arguments: &[&str],
    more: &[(&str, &str)],
) -> Result<Finished> {
    let ours = process::binary("hallpass")?;
    let bin = ours.parent().context("a directory")?.display().to_string();
    let path = hallpass_testkit::system::var("PATH").unwrap_or_default();
    let mut command = shell.command(&[])?;
    let variables: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = Command::new(program);
    command.env_clear().envs(variables).env("PATH", format!("{bin}:{path}"));
    command.current_dir(shell.home()).args(arguments).envs(more.iter().copied());
    Running::finish(&mut command, b"").await
}

fn git(commands: &str) -> String {
    format!("set -e; export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0; {commands}")
}

/// A repository that a plain file server can serve.
async fn repository(shell: &Cli) -> Result<std::path::PathBuf> {
    let script = git("git init -q -b main work; cd work; echo hello > file; git add file; \
         git -c user.name=a -c user.email=a@example.com commit -q -m first; cd ..; \
         mkdir served; git clone -q --bare work served/repo.git; \
         git -C served/repo.git update-server-info");
    let made = beside(shell, "sh", &["-c", &script], &[]).await?;
    assert_eq!(made.code, Some(0), "{made:?}");
    Ok(shell.home().join("served"))
}

// proves: client-I1, client-I6, client-H7
#[tokio::test]
async fn git_fetches_with_a_token_that_it_was_given() -> Result<()> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let desk = Desk::signed_in().await?;
    let served = repository(&desk.cli).await?;
    let token = desk.token().await?;
    let basic = format!("Basic {}", STANDARD.encode(format!("ada@example.com:{token}")));
    let wanted = basic.clone();
    let gate = Gate::open(&served, "Basic realm=\"git\"", move |shown| shown == wanted).await?;

    let clone = |helper: &str, to: &str| {
        git(&format!(
            "git -c credential.helper= -c credential.helper='{helper}' clone -q {}/repo.git {to}",
            gate.address
        ))
    };
    // Not ours: the token is for the server that it was issued by.
    let foreign = clone("!hallpass credential git", "no");
    let foreign = beside(&desk.cli, "sh", &["-c", &foreign], &[]).await?;
    assert_ne!(foreign.code, Some(0), "{foreign:?}");
    assert!(!foreign.written().contains(&token) && gate.presented().is_empty());

    let listed = format!("!hallpass credential git --for {}", gate.address);
    let cloned = beside(&desk.cli, "sh", &["-c", &clone(&listed, "yes")], &[]).await?;
    assert_eq!(cloned.code, Some(0), "{cloned:?}");
    assert_eq!(std::fs::read_to_string(desk.cli.home().join("yes/file"))?, "hello\n");
    assert!(gate.presented().iter().all(|shown| *shown == basic), "{:?}", gate.presented());

    // A refused token is replaced before the next use, and she is still signed in.
    let erase = format!("protocol=http\nhost={}\npassword={token}\n\n", &gate.address[7..]);
    let arguments = ["credential", "--for", &gate.address, "git", "erase"];
    let erased = desk.cli.run_with(&arguments, &erase).await?;
    assert_eq!((erased.code, erased.written().as_str()), (Some(0), ""), "{erased:?}");
    assert_ne!(desk.token().await?, token);
    Ok(())
}

// proves: client-I2, HP10
#[tokio::test]
async fn cargo_reads_a_registry_with_our_token() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let served = desk.cli.home().join("index");
    std::fs::create_dir_all(served.join("3/l"))?;
    let wanted = token.clone();
    let gate =
        Gate::open(&served, "Cargo login_url=\"https://crates.example.com/me\"", move |shown| {
            shown == wanted
        })
        .await?;
    let config =
        format!("{{\"dl\":\"{0}/dl\",\"api\":\"{0}\",\"auth-required\":true}}", gate.address);
    std::fs::write(served.join("config.json"), config)?;
    let line = r#"{"name":"lab","vers":"1.0.0","deps":[],"cksum":"0000000000000000000000000000000000000000000000000000000000000000","features":{},"yanked":false}"#;
    std::fs::write(served.join("3/l/lab"), format!("{line}\n"))?;

    let project = desk.cli.home().join("project");
    std::fs::create_dir_all(project.join("src"))?;
    std::fs::create_dir_all(project.join(".cargo"))?;
    std::fs::write(project.join("src/lib.rs"), "")?;
    let manifest = "[package]\nname = 'p'\nversion = '0.1.0'\nedition = '2021'\n\
        [dependencies]\nlab = { version = '1', registry = 'lab' }\n";
    std::fs::write(project.join("Cargo.toml"), manifest)?;
    let lock = async |provider: &str| {
        let config = format!(
            "[registries.lab]\nindex = 'sparse+{}/'\ncredential-provider = {provider}\n",
            gate.address
        );
        std::fs::write(project.join(".cargo/config.toml"), config)?;
        let _ = std::fs::remove_file(project.join("Cargo.lock"));
        let manifest = project.join("Cargo.toml").display().to_string();
        let config = project.join(".cargo/config.toml").display().to_string();
        let cargo = ["generate-lockfile", "--manifest-path", &manifest, "--config", &config];
        let home = desk.cli.home().join("cargo").display().to_string();
        let mut more = vec![("CARGO_HOME", home.as_str())];
        let toolchain = hallpass_testkit::system::var("RUSTUP_HOME");
        let toolchain = toolchain
            .or_else(|| Some(format!("{}/.rustup", hallpass_testkit::system::var("HOME")?)));
        let toolchain = toolchain.unwrap_or_default();
        more.push(("RUSTUP_HOME", &toolchain));
        beside(&desk.cli, "cargo", &cargo, &more).await
    };
    // cargo's own protocol: it starts us with one argument, and tells the rest in requests.
    let plugin = format!("['hallpass', '--for', '{}']", gate.address);
    for provider in [
        plugin,
        format!(
            "['cargo:token-from-stdout', 'hallpass', 'credential', '--for', '{}', 'cargo']",
            gate.address
        ),
    ] {
        let locked = lock(&provider).await?;
        assert_eq!(locked.code, Some(0), "{provider}: {locked:?}");
        let written = std::fs::read_to_string(project.join("Cargo.lock"))?;
        assert!(written.contains("name = \"lab\""), "{written}");
        assert!(!locked.written().contains(&token));
    }
    // Without having been listed, nothing is handed over.
    let refused = lock("['hallpass']").await?;
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(gate.presented().iter().all(|shown| *shown == token), "{:?}", gate.presented());
    Ok(())
}

// proves: client-I4, client-I6, HP10
#[tokio::test]
async fn helpers_answer_with_the_end_and_without_the_server() -> Result<()> {
    let mut desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    desk.server.kill()?;
    let kubectl = desk.cli.run(&["credential", "kubectl"]).await?;
    assert_eq!((kubectl.code, kubectl.stderr.as_str()), (Some(0), ""), "{kubectl:?}");
    let said: Value = serde_json::from_str(&kubectl.stdout)?;
    assert_eq!(said["status"]["token"], token);
    assert!(said["status"]["expirationTimestamp"].is_string(), "{said}");
    // One that is over needs the server: the cause is on stderr, and nothing on stdout.
    desk.age()?;
    let over = desk.cli.run(&["credential", "kubectl"]).await?;
    assert_eq!((over.code, over.stdout.as_str()), (Some(5), ""), "{over:?}");
    assert!(over.stderr.contains("cannot reach"), "{over:?}");
    Ok(())
}

// proves: client-H8
#[tokio::test]
async fn exec_gives_a_child_what_was_named_and_is_that_child() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let mut shell = desk.cli.command(&["exec", "--env", "API_TOKEN", "--", "env"])?;
    shell.env("HALLPASS_AUTH_TOKEN", "long-lived").env("KEPT", "1");
    let env = Running::finish(&mut shell, b"").await?;
    assert_eq!(env.code, Some(0), "{env:?}");
    let lines: Vec<_> = env.stdout.lines().collect();
    assert!(lines.contains(&format!("API_TOKEN={token}").as_str()) && lines.contains(&"KEPT=1"));
    assert!(!env.stdout.contains("long-lived"), "{env:?}");
    // What was in the variable is the child's only where it was asked for.
    let variable = ("HALLPASS_TOKEN", token.as_str());
    let env = desk.run_with(variable, &["exec", "--env", "X", "--", "env"]).await?;
    assert!(env.stdout.contains("X=") && !env.stdout.contains("HALLPASS_TOKEN="), "{env:?}");

    let read = "cat /dev/fd/$HALLPASS_TOKEN_FD; env | grep -c . >/dev/null; exit 7";
    let by_fd = desk.cli.run(&["exec", "--fd", "--", "sh", "-c", read]).await?;
    assert_eq!((by_fd.code, by_fd.stdout.as_str()), (Some(7), token.as_str()), "{by_fd:?}");
    let env = desk.cli.run(&["exec", "--fd", "--", "env"]).await?;
    assert!(!env.stdout.contains(&token), "only on the descriptor");

    // A signal reaches the child, and its end is ours.
    let trap = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
    let mut child = desk.cli.start(&["exec", "--env", "X", "--", "sh", "-c", trap])?;
    cli::written(&mut child, "the child", |text| text.contains("ready").then_some(())).await?;
    child.signal(Signal::TERM)?;
    let ended = child.finished().await?;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), "ready\ncaught\n"), "{ended:?}");
    for line in process::command_lines()? {
        assert!(!line.contains(&token), "a token on a command line");
    }
    Ok(())
}

// proves: RB12
#[tokio::test]
async fn the_context_is_kept_pinned_and_shown() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let kept = desk.cli.run(&["context", "use", "lab/old"]).await?;
    assert_eq!(kept.code, Some(0), "{kept:?}");
    let here = desk.cli.run(&["context", "use", "lab/tools", "--here"]).await?;
    assert_eq!(here.code, Some(0), "{here:?}");
    let file = std::fs::read_to_string(desk.cli.home().join(".hallpass.toml"))?;
    assert_eq!(
        file,
        format!("server = {:?}\norg = \"lab\"\nproject = \"tools\"\n", desk.server.url())
    );
    let shown = desk.cli.run(&["status"]).await?;
    let said = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("Project tools (from ~/.hallpass.toml)"), "{said}");
    let variable = ("HALLPASS_PROJECT", "lab/new");
    let shown = desk.run_with(variable, &["status", "--json"]).await?;
    let said: Value = serde_json::from_str(&shown.stdout)?;
    assert_eq!(said["project"]["name"], "new");
    assert_eq!(said["project"]["source"]["name"], "HALLPASS_PROJECT");
    // A new sign-in of the same person keeps it, and the file counts at its own server only.
    std::fs::remove_file(desk.cli.home().join(".hallpass.toml"))?;
    desk.sign_in().await?;
    let shown = desk.cli.run(&["context", "show", "--json"]).await?;
    let said: Value = serde_json::from_str(&shown.stdout)?;
    assert_eq!((&said["org"]["name"], &said["project"]["name"]), (&"lab".into(), &"old".into()));
    assert_eq!(said["project"]["source"]["kind"], "profile");
    let cleared = desk.cli.run(&["context", "clear"]).await?;
    assert_eq!(cleared.code, Some(0), "{cleared:?}");
    Ok(())
}

// proves: client-L2, HP15
#[tokio::test]
async fn doctor_looks_at_everything_and_shows_no_secret() -> Result<()> {
    let mut desk = Desk::signed_in().await?;
    let stored = std::fs::read_to_string(desk.credentials())?;
    let told = desk.cli.run(&["doctor", "--json"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    let said: Value = serde_json::from_str(&told.stdout)?;
    let checks = said["checks"].as_array().context("checks")?;
    assert!(checks.iter().all(|check| check["state"] != "bad"), "{said}");
    for check in checks {
        let message = check["message"].as_str().unwrap_or_default();
        for word in message.split([' ', ',']).filter(|word| word.len() > 30) {
            assert!(
                !stored.contains(word) || word.starts_with('/') || word.contains("://"),
                "{word}"
            );
        }
    }
    assert_eq!(std::fs::read_to_string(desk.credentials())?, stored, "nothing was changed");
    desk.server.kill()?;
    assert_eq!(desk.cli.run(&["doctor"]).await?.code, Some(5));
    std::fs::write(desk.credentials(), "{")?;
    assert_eq!(desk.cli.run(&["doctor"]).await?.code, Some(7));
    Ok(())
}
