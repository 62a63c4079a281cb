//! Asking the platform for the job's own token, made out for one server.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use hallpass_core::Secret;
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::platform::{Found, Identity, Platform};
use crate::Error;
use crate::client::Parts;
use crate::http::Http;

/// Longer than this is no platform's token.
const MAX_LEN: u64 = 16 * 1024;
/// How often GitHub's endpoint is asked while it says that it cannot answer now.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// Where GitHub says what its endpoint is.
pub(super) const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What GitHub's request endpoint answers.
#[derive(Deserialize)]
struct Given {
    value: Secret,
}

/// The job's token for `audience`.
pub(super) fn obtain(
    found: &Found,
    audience: &str,
    parts: &Parts,
    http: &Http,
) -> Result<Secret, Error> {
    let platform = found.platform;
    let no = |why: String| Error::NoIdentity { platform, why };
    let token = match &found.identity {
        Identity::Request { url, token } => request(url, token, audience, parts, http, platform)?,
        // GitLab and Jenkins made it out for an audience that the job names.
        Identity::Variable { name } => {
            Secret::new(parts.environment.var(name).ok_or_else(|| no(format!("{name} is empty")))?)
        }
        Identity::File { path } => {
            read(path).map_err(|error| no(format!("{} cannot be read: {error}", path.display())))?
        }
        Identity::Shell { line } => {
            let mut command = shell(line);
            command.env(parts.brand.variable("OIDC_AUDIENCE"), audience);
            run(command, "the command").map_err(no)?
        }
        Identity::CircleCi => {
            let mut command = Command::new("circleci");
            let claims = serde_json::json!({ "aud": audience }).to_string();
            command.args(["run", "oidc", "get", "--claims", &claims]);
            run(command, "circleci").map_err(no)?
        }
        Identity::Buildkite => {
            let mut command = Command::new("buildkite-agent");
            // Ids are there only if they are asked for, and policies pin them.
            command.args(["oidc", "request-token", "--audience", audience]);
            command.args(["--claim", "organization_id,pipeline_id"]);
            run(command, "buildkite-agent").map_err(no)?
        }
    };
    let trimmed = Secret::new(token.expose().trim());
    if !is_jwt(trimmed.expose()) {
        return Err(no("what it gave is not a JWT".to_owned()));
    }
    Ok(trimmed)
}

/// RFC 7519 §3: three parts of base64url.
fn is_jwt(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    text.split('.').count() == 3 && text.split('.').all(plain)
}

/// GitHub's request endpoint; without an audience it would make a token out for its owner's page.
fn request(
    url: &str,
    token: &Secret,
    audience: &str,
    parts: &Parts,
    http: &Http,
    platform: Platform,
) -> Result<Secret, Error> {
    let no = |why: String| Error::NoIdentity { platform, why };
    let silent = |why| Error::PlatformSilent { platform, variable: REQUEST_URL, why };
    let mut url = Url::parse(url).map_err(|_| no(format!("{REQUEST_URL} is not an address")))?;
    url.query_pairs_mut().append_pair("audience", audience);
    let mut left = TRIES;
    loop {
        left -= 1;
        let reply = http.get(url.as_str(), Some(token.expose()));
        let later = match &reply {
            Ok(reply) => reply.is_temporary(),
            Err(_) => true,
        };
        if later && left > 0 {
            parts.time.sleep(PAUSE);
            continue;
        }
        let reply = reply.map_err(silent)?;
        return match reply.status {
            200 => Ok(reply.json::<Given>().map_err(silent)?.value),
            401 | 403 => Err(no(format!(
                "its endpoint answered {}; the job may be over, or may not have \"id-token: write\"",
                reply.status
            ))),
            _ => Err(silent(reply.unexpected())),
        };
    }
}

fn read(path: &Path) -> std::io::Result<Secret> {
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)?.take(MAX_LEN).read_to_string(&mut text)?;
    Ok(Secret::new(text.as_str()))
}

fn shell(line: &str) -> Command {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.arg(flag).arg(line);
    command
}

/// What a command prints, if it ends well and soon. What it says on standard error is for the
/// job's log, and goes there by itself.
fn run(mut command: Command, what: &str) -> Result<Secret, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{what} cannot be run: {error}"))?;
    let stdout = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::new());
        let read = stdout.map(|out| out.take(MAX_LEN).read_to_string(&mut text));
        // Nobody may be waiting any more.
        let _ = sender.send(read.is_some_and(|read| read.is_ok()).then_some(text));
    });
    let Ok(text) = receiver.recv_timeout(PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("{what} printed nothing within {} s", PATIENCE.as_secs()));
    };
    match child.wait() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("{what} failed ({status})")),
        Err(error) => return Err(format!("{what} cannot be waited for: {error}")),
    }
    let text = text.ok_or_else(|| format!("{what} printed no text"))?;
    Ok(Secret::new(text.as_str()))
}
