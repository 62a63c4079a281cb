//! The real git over smart HTTP, with a bearer token; and a helper that signs in at a terminal.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::terminal::Terminal;
use hallpass_testkit::{system, wait};
use tokio::io::AsyncWriteExt as _;

use crate::desk::Desk;

/// A git server that lets in whoever presents this, and notes what was presented.
#[derive(Clone)]
struct Forge {
    files: PathBuf,
    wanted: String,
    presented: Arc<Mutex<Vec<String>>>,
}

impl Forge {
    async fn open(files: PathBuf, wanted: String) -> Result<(Self, String)> {
        let forge = Self { files, wanted, presented: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(forge.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((forge, address))
    }

    fn note(&self, shown: Option<&str>) {
        let mut presented = self.presented.lock().unwrap_or_else(PoisonError::into_inner);
        presented.extend(shown.map(str::to_owned));
    }

    fn presented(&self) -> Vec<String> {
        self.presented.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `git http-backend`, which speaks CGI (RFC 3875).
    async fn backend(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response> {
        let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("");
        let mut command = tokio::process::Command::new("git");
        command.arg("http-backend").env_clear();
        command.env("PATH", system::var("PATH").unwrap_or_default());
        command.env("GIT_PROJECT_ROOT", &self.files).env("GIT_HTTP_EXPORT_ALL", "1");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", &self.files);
        command.env("REQUEST_METHOD", method.as_str()).env("PATH_INFO", uri.path());
        command.env("QUERY_STRING", uri.query().unwrap_or(""));
        command.env("CONTENT_TYPE", header("content-type"));
        command.env("CONTENT_LENGTH", body.len().to_string());
        command.env("HTTP_CONTENT_ENCODING", header("content-encoding"));
        command.env("GIT_PROTOCOL", header("git-protocol"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("its standard input")?;
        stdin.write_all(body).await?;
        drop(stdin);
        let output = child.wait_with_output().await?.stdout;
        let end = output.windows(4).position(|it| it == b"\r\n\r\n").context("a header")?;
        let mut response = output[end + 4..].to_vec().into_response();
        for line in std::str::from_utf8(&output[..end])?.lines() {
            let (name, value) = line.split_once(": ").context("a header's line")?;
            match name {
                "Status" => {
                    *response.status_mut() = value.get(..3).context("a status")?.parse()?;
                }
                name => {
                    let name = name.parse::<header::HeaderName>()?;
                    response.headers_mut().insert(name, value.parse()?);
                }
            }
        }
        Ok(response)
    }
}

async fn answer(
    State(forge): State<Forge>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    forge.note(shown);
    if shown != Some(forge.wanted.as_str()) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"git\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    forge
        .backend(&method, &uri, &headers, &body)
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// `script` in her shell, with our binary in the path.
fn script(desk: &Desk, script: &str) -> Result<Command> {
    let ours = process::binary("hallpass")?;
    let bin = ours.parent().context("a directory")?.display().to_string();
    let path = system::var("PATH").unwrap_or_default();
    let shell = desk.cli.command(&[])?;
    let mut command = process::command("sh");
    for (name, value) in shell.get_envs() {
        command.envs(value.map(|value| (name, value)));
    }
    command.current_dir(desk.cli.home()).env("PATH", format!("{bin}:{path}"));
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    command.args(["-c", &format!("set -e; cd \"$HOME\"; {script}")]);
    Ok(command)
}

/// Every request of a clone carries the token as a bearer, however many there are: git adds it to
/// all requests of the smart protocol (of the dumb one to some, and never to those for objects).
// proves: client-I1, client-H7, HP10
#[tokio::test]
async fn git_fetches_with_a_bearer_token() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    let made = "git init -q -b main work; cd work; for n in 1 2 3; do echo $n > $n; git add .; \
        git -c user.name=a -c user.email=a@example.com commit -q -m $n; done; cd ..; \
        mkdir served; git clone -q --bare work served/repo.git";
    let made = Running::finish(&mut script(&desk, made)?, b"").await?;
    assert_eq!(made.code, Some(0), "{made:?}");
    let wanted = format!("Bearer {token}");
    let (forge, address) = Forge::open(desk.cli.home().join("served"), wanted.clone()).await?;
    for to in ["one", "two"] {
        let clone = format!(
            "git -c credential.helper= \
             -c credential.helper='!hallpass credential git --bearer --for {address}' \
             clone -q {address}/repo.git {to}; git -C {to} rev-list --count HEAD"
        );
        let cloned = Running::finish(&mut script(&desk, &clone)?, b"").await?;
        assert_eq!((cloned.code, cloned.stdout.as_str()), (Some(0), "3\n"), "{cloned:?}");
        assert!(!cloned.written().contains(&token));
    }
    let presented = forge.presented();
    assert!(presented.len() >= 4 && presented.iter().all(|it| *it == wanted), "{presented:?}");
    Ok(())
}

/// A tool asks, nobody is signed in, and somebody is there: they sign in, and the tool gets its
/// answer, though its pipes are standard input and output.
// proves: client-I6
#[tokio::test]
async fn a_helper_signs_in_at_a_terminal_where_that_was_allowed() -> Result<()> {
    let desk = Desk::set().await?;
    let host = desk.server.url();
    let host = host.strip_prefix("http://").context("http")?.to_owned();
    let (launcher, opened) = desk.cli.launcher(0)?;
    let asks = |flag: &str| {
        let helper = format!("hallpass credential {flag} git get");
        let asks = format!("printf 'protocol=http\\nhost={host}\\n\\n' | {helper} > answer");
        let mut command = script(&desk, &format!("{asks}; echo ended"))?;
        command.env("BROWSER", &launcher);
        anyhow::Ok(command)
    };
    // Not allowed: nobody is asked anything.
    let mut terminal = Terminal::start(&asks("")?, 80)?;
    terminal.finished().await?;
    assert!(!opened.exists() && std::fs::read(desk.cli.home().join("answer"))?.is_empty());

    let mut terminal = Terminal::start(&asks("--login")?, 80)?;
    let url = wait::until("the browser", async || {
        Ok(std::fs::read_to_string(&opened).ok().map(|text| text.trim_end().to_owned()))
    })
    .await?;
    desk.come_back(&url).await?;
    let shown = terminal.shows("ended").await?;
    let (code, _) = terminal.finished().await?;
    assert_eq!(code, Some(0), "{shown}");
    let answer = std::fs::read_to_string(desk.cli.home().join("answer"))?;
    let token = desk.token().await?;
    assert!(answer.starts_with("username=ada@example.com\npassword="), "{shown}");
    assert!(answer.contains(&format!("password={token}\n")) && !shown.contains(&token), "{shown}");
    Ok(())
}
