//! Helpers that answer with little more than the token: Bazel's and uv's (an address in, headers
//! out), pnpm's token helper, and AWS's `credential_process` (CLIENT I5).

use clap::Command;
use hallpass_core::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::cargo::not_listed;
use super::pick::{Asker, Given, Pick};
use super::{operation, request};
use crate::{Exit, Failure, Input, Output};

pub(super) fn npm_command() -> Command {
    Command::new("npm").about("pnpm: tokenHelper runs this. For npm, see exec")
}

pub(super) fn bazel_command() -> Command {
    Command::new("bazel").about("Bazel and uv: --credential_helper runs this").arg(operation())
}

pub(super) fn process_command() -> Command {
    Command::new("process")
        .about("credential_process in AWS's form, for stores that take our token")
}

/// pnpm sends what it reads as the `Authorization` header. Its configuration names the
/// registry, and only that of the person themselves is heard there.
pub(super) fn npm(pick: &mut Pick<'_>, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let handed = pick.for_whoever(out, true)?;
    out.data(b"Bearer ")?;
    out.data(handed.token.expose().as_bytes())?;
    out.data(b"\n")?;
    Ok(Exit::Usable)
}

/// Bazel's credential helper protocol: `{"uri"}` in, `{"headers"}` out.
pub(super) fn bazel(
    pick: &mut Pick<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
) -> Result<Exit, Failure> {
    #[derive(Deserialize)]
    struct Asked {
        uri: String,
    }
    let asked: Asked = serde_json::from_str(&request(pick, stdin)?).map_err(|_| {
        Failure::usage(
            "the request is not {\"uri\": …}",
            format!("{} credential bazel --help", pick.program()),
        )
    })?;
    match pick.for_asker(out, &Asker { address: asked.uri.clone(), username: None })? {
        Given::Token(handed) => {
            let said = headers(&handed.token, handed.expires_at);
            out.data(said.expose().as_bytes())?;
            Ok(Exit::Usable)
        }
        Given::NotOurs => Err(not_listed(pick, &asked.uri)),
    }
}

fn headers(token: &Secret, ends: Option<Timestamp>) -> Secret {
    let bearer = format!("Bearer {}", token.expose());
    let headers = json!({ "Authorization": [bearer] });
    let said = match ends {
        Some(ends) => json!({ "expires": ends.to_string(), "headers": headers }),
        None => json!({ "headers": headers }),
    };
    Secret::new(format!("{said}\n"))
}

/// `credential_process` (AWS CLI): for stores with AWS's interface that take our token as a
/// session token.
pub(super) fn process(pick: &mut Pick<'_>, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let handed = pick.for_whoever(out, true)?;
    let account = handed.account.as_ref().map_or("token", |account| account.id.as_str());
    let said = aws(account, &handed.token, handed.expires_at);
    out.data(said.expose().as_bytes())?;
    Ok(Exit::Usable)
}

fn aws(account: &str, token: &Secret, ends: Option<Timestamp>) -> Secret {
    let mut said = json!({ "AccessKeyId": account });
    if let Some(ends) = ends {
        said["Expiration"] = ends.to_string().into();
    }
    said["SecretAccessKey"] = token.expose().into();
    said["SessionToken"] = token.expose().into();
    said["Version"] = 1.into();
    Secret::new(format!("{said}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: client-I5
    #[test]
    fn golden_transcripts() {
        let (token, ends) = (Secret::new("at-1"), Some(Timestamp::from_secs(1_795_351_440)));
        assert_eq!(
            headers(&token, ends).expose(),
            concat!(
                r#"{"expires":"2026-11-22T12:44:00Z","#,
                r#""headers":{"Authorization":["Bearer at-1"]}}"#,
                "\n"
            )
        );
        assert_eq!(
            aws("usr_1", &token, ends).expose(),
            concat!(
                r#"{"AccessKeyId":"usr_1","Expiration":"2026-11-22T12:44:00Z","#,
                r#""SecretAccessKey":"at-1","SessionToken":"at-1","Version":1}"#,
                "\n"
            )
        );
        let said = |line: &str, input: &str| {
            let mut town = Town::new().piped().var("HALLPASS_TOKEN", "token-x");
            town.stdin(input.as_bytes());
            let done = town.run(&format!("hallpass credential {line}"));
            (done.exit, done.stdout)
        };
        assert_eq!(said("npm", ""), (Exit::Usable, "Bearer token-x\n".into()));
        let bazel = "bazel --for https://cache.example.com get";
        let headers = r#"{"headers":{"Authorization":["Bearer token-x"]}}"#;
        assert_eq!(
            said(bazel, r#"{"uri":"https://cache.example.com/ac/1"}"#),
            (Exit::Usable, format!("{headers}\n"))
        );
        let evil = said(bazel, r#"{"uri":"https://cache.example.com.evil.example/"}"#);
        assert_eq!(evil, (Exit::NotSignedIn, String::new()));
        assert_eq!(said(bazel, "https://cache.example.com"), (Exit::Usage, String::new()));
        assert!(said("process", "").1.contains(r#""SessionToken":"token-x""#));
    }
}
