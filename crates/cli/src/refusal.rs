//! A client's error as a [`Failure`]: exit code, what was kept, the next command.

use hallpass_client::discovery::DiscoveryError;
use hallpass_client::http::HttpError;
use hallpass_client::vault::VaultError;
use hallpass_client::{Class, Error, Selection, Source};
use hallpass_core::Timestamp;
use hallpass_core::brand::Argument;

use crate::failure::About;
use crate::{Context, Exit, Failure};

/// Tells `error`. `retry` is the command to type again where only the outside has
/// to change.
pub(crate) fn told(error: &Error, cx: &Context<'_>, retry: &str) -> Failure {
    let next =
        start_server(cx, error).or_else(|| with_the_keyring(cx, error, retry)).or_else(|| {
            match error {
                Error::NotSignedIn { server } => Some(login_at(cx, server)),
                _ => error.next(cx.program),
            }
        });
    // A platform is no server of ours, and has a certificate, too.
    let http = match error {
        Error::PlatformSilent { why, .. } => Some(why),
        _ => http_of(error),
    };
    let next = next.unwrap_or_else(|| match http {
        Some(HttpError::Tls { .. }) => format!("{retry} --ca-bundle FILE"),
        _ => retry.to_owned(),
    });
    let mut failure = Failure::new(exit(error), error.code().to_owned(), error.to_string(), next);
    failure.kept = kept(error).map(Box::from);
    if let Error::Vault(VaultError::Corrupt { path, .. } | VaultError::Io { path, .. }) = error {
        let shown = crate::words::path(path, cx.environment.home().as_deref());
        failure.about = Some(Box::new(About::File(shown)));
    }
    if let Error::Http(HttpError::Refresh(_)) = error {
        failure.about = Some(Box::new(About::Refresh));
    }
    if let Error::SessionEnded { profile, reason, at } = error {
        failure.what = ended(&format!("profile {profile:?}"), *at);
        failure.reason = Some(reason.as_str().into());
    }
    failure
}

/// The server ended a session. It says why in words for developers, so they are not
/// these.
pub(crate) fn ended(of: &str, at: Timestamp) -> String {
    format!(
        "signed out: the session of {of} ended on {}; it was revoked, ended elsewhere or expired",
        at.to_human()
    )
}

/// What an error's class means for scripts.
pub(crate) const fn exit_of(class: Class) -> Exit {
    match class {
        Class::Usage => Exit::Usage,
        Class::NotSignedIn => Exit::NotSignedIn,
        Class::Rejected => Exit::Rejected,
        Class::CannotVerify => Exit::CannotVerify,
        Class::LoginFailed => Exit::LoginEnded,
        Class::Store => Exit::StoreUnavailable,
        Class::Other => Exit::Other,
    }
}

fn exit(error: &Error) -> Exit {
    match error {
        // As a shell reports a command that Ctrl-C ended.
        Error::Cancelled => Exit::Interrupted,
        _ => exit_of(error.class()),
    }
}

/// The command to sign in at `server`. Where `login` takes no address, that of the tool's own server
/// is not said.
pub(crate) fn login_at(cx: &Context<'_>, server: &str) -> String {
    let own = cx.brand.login.argument != Argument::Server
        && (cx.client)(Selection::default()).server().is_ok_and(|own| own == server);
    match own {
        true => format!("{} login", cx.program),
        false => format!("{} login {server}", cx.program),
    }
}

/// What is left as it was where a server refuses a call: a sign-in that is stored, if there is one.
pub(crate) const fn kept_of(source: &Source) -> &'static str {
    match source {
        Source::Profile { .. } => "Your stored sign-in is unchanged.",
        _ => "Nothing was changed here.",
    }
}

/// What was kept, where the error's own text does not say it already.
fn kept(error: &Error) -> Option<&'static str> {
    match error {
        Error::NobodyToAsk { .. }
        | Error::UnknownProfile { .. }
        | Error::BadProfileName { .. }
        | Error::LocalMode { .. }
        | Error::NotConfigured { .. }
        | Error::BadMode { .. }
        | Error::NotSignedIn { .. }
        | Error::NoIdentity { .. }
        | Error::NotTrusted { .. }
        | Error::SeveralToResume { .. }
        | Error::NothingToResume { .. } => Some("Nothing was changed."),
        Error::BadServer { .. } => Some("Nothing was sent."),
        Error::SessionEnded { .. } | Error::Expired { .. } | Error::KeyMissing { .. } => {
            Some("The profile is still there, to sign in to again.")
        }
        Error::Rejected { .. } => Some("Your stored sign-in is unchanged."),
        Error::Problem { by, .. } => Some(kept_of(by)),
        Error::NoFlow { .. }
        | Error::PortInUse { .. }
        | Error::NoListener { .. }
        | Error::Authorization { .. }
        | Error::ForeignPage { .. } => Some("Nothing was stored."),
        Error::Discovery(
            DiscoveryError::IssuerMismatch { .. } | DiscoveryError::ForeignIssuer { .. },
        ) => None,
        Error::Discovery(_) => Some("Nothing was stored."),
        Error::ForeignProfile { .. }
        | Error::OtherAccount { .. }
        | Error::NarrowToken { .. }
        | Error::BadToken(_)
        | Error::OlderToken { .. }
        | Error::NothingToNarrow
        | Error::NoWorkload { .. }
        | Error::TakenOnce { .. }
        | Error::BadPath { .. }
        | Error::MalformedToken { .. }
        | Error::TokenFile { .. }
        | Error::PlatformSilent { .. }
        | Error::Http(_)
        | Error::Busy
        | Error::TooSlow { .. }
        | Error::Denied
        | Error::CodeExpired
        | Error::TimedOut { .. }
        | Error::Cancelled
        | Error::IssuerMismatch { .. }
        | Error::Vault(_) => None,
    }
}

/// What went wrong on the way to a server, if that is it.
fn http_of(error: &Error) -> Option<&HttpError> {
    match error {
        Error::Http(HttpError::Refresh(inner)) => Some(inner),
        Error::Http(http) | Error::Discovery(DiscoveryError::Http(http)) => Some(http),
        _ => None,
    }
}

/// Without its keyring, a tool that takes no file in the place of one can only try again.
fn with_the_keyring(cx: &Context<'_>, error: &Error, retry: &str) -> Option<String> {
    let missing = matches!(error, Error::Vault(VaultError::Keyring { .. }));
    (missing && cx.brand.vault.refresh_in_keyring).then(|| retry.replace(" --store file", ""))
}

/// A server on this machine that does not answer has most likely not been started.
/// Only said where this very program can start it.
fn start_server(cx: &Context<'_>, error: &Error) -> Option<String> {
    let Some(HttpError::Unreachable { host, why }) = http_of(error) else { return None };
    if !why.starts_with("connection refused") {
        return None;
    }
    let url = url::Url::parse(&format!("http://{host}")).ok()?;
    let ours = hallpass_core::public_url::is_loopback(&url)
        && (cx.tree)().find_subcommand("serve").is_some();
    ours.then(|| format!("{} serve", cx.program))
}

#[cfg(test)]
mod tests {
    use hallpass_client::Platform;
    use hallpass_client::vault::KeyringError;

    use super::*;
    use crate::testing::Town;

    const SERVER: &str = "https://id.example.com";

    fn unreachable(host: &str) -> HttpError {
        HttpError::Unreachable { host: host.into(), why: "connection refused".into() }
    }

    /// One of each exit code, and every kind of advice.
    fn errors() -> Vec<(Error, Exit, &'static str)> {
        let (server, profile) = (|| SERVER.to_owned(), || "work".to_owned());
        vec![
            (
                Error::NobodyToAsk { why: "CI is set".into(), variable: "HALLPASS_TOKEN".into() },
                Exit::Usage,
                "hallpass login --device",
            ),
            (
                Error::NotSignedIn { server: server() },
                Exit::NotSignedIn,
                "hallpass login https://id.example.com",
            ),
            (
                Error::Expired { profile: profile() },
                Exit::NotSignedIn,
                "hallpass login --profile work",
            ),
            (
                Error::Rejected {
                    server: server(),
                    what: "the token",
                    code: "invalid_token".into(),
                    detail: None,
                },
                Exit::Rejected,
                "hallpass status --check",
            ),
            (unreachable("id.example.com").into(), Exit::CannotVerify, "hallpass whoami"),
            (unreachable("localhost:8470").into(), Exit::CannotVerify, "hallpass serve"),
            (unreachable("127.0.0.1:8470").into(), Exit::CannotVerify, "hallpass serve"),
            (
                HttpError::Unreachable { host: "localhost:8470".into(), why: "reset".into() }
                    .into(),
                Exit::CannotVerify,
                "hallpass whoami",
            ),
            (
                HttpError::Tls { host: "id.example.com".into(), why: "unknown issuer".into() }
                    .into(),
                Exit::CannotVerify,
                "hallpass whoami --ca-bundle FILE",
            ),
            // The same host over TLS is a way; where else it goes, a peer does not tell anybody.
            (
                HttpError::Redirect {
                    host: "localhost:8470".into(),
                    to: "https://localhost:8443/x?y".into(),
                }
                .into(),
                Exit::CannotVerify,
                "hallpass login https://localhost:8443",
            ),
            (
                HttpError::Redirect {
                    host: "id.example.com".into(),
                    to: "https://login.example.com/x?y".into(),
                }
                .into(),
                Exit::CannotVerify,
                "hallpass whoami",
            ),
            (
                HttpError::Redirect { host: "id.example.com".into(), to: "/there".into() }.into(),
                Exit::CannotVerify,
                "hallpass whoami",
            ),
            (Error::Busy, Exit::CannotVerify, "hallpass whoami"),
            (
                Error::PlatformSilent {
                    platform: Platform::GitHub,
                    variable: "ACTIONS_ID_TOKEN_REQUEST_URL",
                    why: unreachable("localhost:8471"),
                },
                Exit::CannotVerify,
                "hallpass whoami",
            ),
            (Error::Denied, Exit::LoginEnded, "hallpass login"),
            (Error::CodeExpired, Exit::LoginEnded, "hallpass login"),
            (Error::TimedOut { seconds: 300 }, Exit::LoginEnded, "hallpass login"),
            (Error::PortInUse { port: 4000 }, Exit::LoginEnded, "hallpass login --device"),
            (Error::Cancelled, Exit::Interrupted, "hallpass login"),
            (
                VaultError::Corrupt { path: "/h/credentials.json".into(), why: "no JSON".into() }
                    .into(),
                Exit::StoreUnavailable,
                "hallpass login",
            ),
            (Error::LocalMode { server: server() }, Exit::Other, "hallpass doctor"),
        ]
    }

    // proves: client-L3
    #[test]
    fn every_failure_says_what_was_kept_and_one_next_command() {
        let town = Town::new();
        for (error, exit, next) in errors() {
            let failure = town.with(|cx| told(&error, cx, "hallpass whoami"));
            assert_eq!((failure.exit, failure.next.as_str()), (exit, next), "{error:?}");
            let text = town.told(|_, out| {
                out.failure(&failure);
            });
            assert_eq!(text.matches("Next: ").count(), 1, "{text}");
            let kept = [
                "nothing was",
                "nothing that is stored",
                "unchanged",
                "left as it is",
                "still there",
            ];
            let lower = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
            let said: Vec<_> = kept.iter().filter(|kept| lower.contains(*kept)).collect();
            assert_eq!(said.len(), 1, "{text}");
        }
    }

    // proves: client-G1
    #[test]
    fn a_session_that_ended_is_told_in_our_words() {
        let error = Error::SessionEnded {
            profile: "work".into(),
            reason: "refresh token unknown".into(),
            at: Timestamp::from_secs(1_795_351_080),
        };
        let town = Town::new();
        let failure = town.with(|cx| told(&error, cx, "hallpass whoami"));
        let text = town.told(|_, out| {
            out.failure(&failure);
        });
        insta::assert_snapshot!(text, @r#"
        error: signed out: the session of profile "work" ended on 2026-11-22 12:38:00
          UTC; it was revoked, ended elsewhere or expired
          The profile is still there, to sign in to again.
          Next: hallpass login --profile work
        "#);
        let text = town.told(|_, out| {
            out.verbose = true;
            out.failure(&failure);
        });
        assert!(text.contains("the server's words: refresh token unknown"), "{text}");
    }

    // proves: RB01
    #[test]
    fn a_tool_that_takes_the_keyring_alone_advises_no_file() {
        let only = Town::new().brand(|brand| brand.vault.refresh_in_keyring = true);
        for why in [
            KeyringError::Absent("no service".into()),
            KeyringError::Locked,
            KeyringError::Failed("odd".into()),
        ] {
            let error = Error::from(VaultError::Keyring { why });
            let next = |town: &Town| town.with(|cx| told(&error, cx, "hallpass login").next);
            assert_eq!(next(&only), "hallpass login");
            let file = only.with(|cx| told(&error, cx, "hallpass login --store file").next);
            assert_eq!(file, "hallpass login");
            assert_eq!(next(&Town::new()), "hallpass login --store file");
        }
        let help = only.run("hallpass login --help").stdout;
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("[keyring, none; or"), "{help}");
    }

    // proves: client-A7
    #[test]
    fn where_nobody_can_answer_every_other_way_is_named() {
        let error =
            Error::NobodyToAsk { why: "CI is set".into(), variable: "HALLPASS_TOKEN".into() };
        let town = Town::new();
        let failure = town.with(|cx| told(&error, cx, "hallpass login"));
        let text = town.told(|_, out| {
            out.failure(&failure);
        });
        insta::assert_snapshot!(text, @"
        error: CI is set, so nobody can sign in here; set HALLPASS_TOKEN, or use
          --device or --with-token
          Nothing was changed.
          Next: hallpass login --device
        ");
    }
}
