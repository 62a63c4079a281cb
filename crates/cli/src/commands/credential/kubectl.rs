//! Kubernetes' client-go exec plugins: `ExecCredential` v1 and v1beta1 (CLIENT I4).
//!
//! Which cluster gets the token, the kubeconfig says that names this command; the token is for
//! whoever set it up.

use clap::Command;
use hallpass_core::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::pick::Pick;
use crate::{Exit, Failure, Output};

/// Where kubectl says what it wants.
const INFO: &str = "KUBERNETES_EXEC_INFO";
const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

pub(super) fn command() -> Command {
    Command::new("kubectl").about("kubectl: users[].user.exec in the kubeconfig runs this")
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Info {
    api_version: Option<String>,
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    /// Whether standard input is there for us; v1beta1 before Kubernetes 1.22 does not say.
    interactive: Option<bool>,
}

pub(super) fn run(pick: &mut Pick<'_>, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let wrong =
        |what: &str| Failure::usage(what, format!("{} credential kubectl --help", pick.program()));
    let info = match pick.context().environment.var(INFO) {
        None => Info::default(),
        Some(text) => serde_json::from_str(&text)
            .map_err(|_| wrong("KUBERNETES_EXEC_INFO is not an ExecCredential"))?,
    };
    let version = match info.api_version.as_deref() {
        None | Some(V1) => V1,
        Some(V1BETA1) => V1BETA1,
        Some(_) => return Err(wrong("apiVersion must be client.authentication.k8s.io/v1")),
    };
    // Without a word from kubectl, nobody is asked.
    let may_ask = info.spec.interactive == Some(true);
    let handed = pick.for_whoever(out, may_ask)?;
    out.data(answer(version, &handed.token, handed.expires_at).expose().as_bytes())?;
    Ok(Exit::Usable)
}

fn answer(version: &str, token: &Secret, ends: Option<Timestamp>) -> Secret {
    let token = token.expose();
    let status = match ends {
        Some(ends) => json!({ "expirationTimestamp": ends.to_string(), "token": token }),
        None => json!({ "token": token }),
    };
    let said = json!({ "apiVersion": version, "kind": "ExecCredential", "status": status });
    Secret::new(format!("{said}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    fn info(version: &str, interactive: bool) -> String {
        json!({
            "apiVersion": version,
            "kind": "ExecCredential",
            "spec": { "interactive": interactive, "cluster": { "server": "https://k8s.example" } }
        })
        .to_string()
    }

    // proves: client-I4
    #[test]
    fn golden_transcripts() {
        let ends = Timestamp::from_secs(1_795_351_440);
        assert_eq!(
            answer(V1, &Secret::new("at-1"), Some(ends)).expose(),
            concat!(
                r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","#,
                r#""status":{"expirationTimestamp":"2026-11-22T12:44:00Z","token":"at-1"}}"#,
                "\n"
            )
        );
        for (version, answered) in [(V1, V1), (V1BETA1, V1BETA1)] {
            let town = Town::new().piped().var("HALLPASS_TOKEN", "token-x");
            let done = town.var(INFO, &info(version, false)).run("hallpass credential kubectl");
            let said = answer(answered, &Secret::new("token-x"), None);
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usable, said.expose()));
        }
    }

    // proves: client-I4, client-A9
    #[test]
    fn nobody_is_asked_where_kubectl_or_the_terminal_says_no() {
        for (town, why) in [
            (Town::new().piped(), "not signed in"),
            (Town::new().piped().var(INFO, &info(V1, false)), "not signed in"),
            (Town::new().piped().var(INFO, &info(V1, true)).var("CI", "1"), "CI is set"),
        ] {
            let done = town.run("hallpass credential kubectl --login");
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::NotSignedIn, ""), "{done:?}");
            assert!(done.stderr.contains(why), "the cause is told: {}", done.stderr);
        }
        for bad in ["nonsense", r#"{"apiVersion":"client.authentication.k8s.io/v9"}"#] {
            let town = Town::new().piped().var("HALLPASS_TOKEN", "x").var(INFO, bad);
            let done = town.run("hallpass credential kubectl");
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usage, ""), "{bad}: {done:?}");
        }
    }
}
