//! `logout`: revoke at the server, then remove here (CLIENT group K).

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::Which;
use hallpass_client::logout::{JobEnded, Logout, LogoutReport, Revocation};
use hallpass_core::brand::{Brand, Revokes, filled};
use serde::Serialize;

use super::{client, legacy, retry};
use crate::arguments::Globals;
use crate::refusal;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    let local = brand.logout.revokes == Revokes::Nothing;
    let about = match local {
        true => "Remove the sign-in here; the server is not told",
        false => "Revoke the sign-in at the server, and remove it here",
    };
    Command::new("logout").about(about).args([
        Arg::new("all").long("all").action(ArgAction::SetTrue).help("Every profile"),
        Arg::new("require-revoke")
            .long("require-revoke")
            .action(ArgAction::SetTrue)
            .hide(local)
            .help("Fail with 5 if the server could not be told"),
        Arg::new("clean-legacy")
            .long("clean-legacy")
            .action(ArgAction::SetTrue)
            .hide(brand.tokens.legacy_dir.is_none())
            .help("Revoke and delete an older system's tokens too, if it left any in files"),
    ])
}

/// Signs out. Idempotent.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let which = if matches.get_flag("all") { Which::All } else { Which::Selected };
    let client = client(cx, globals);
    let again = retry(cx, globals, "logout");
    let older = match matches.get_flag("clean-legacy").then(|| client.legacy_tokens()) {
        Some(found) if !found.is_empty() => {
            let server = client.server().map_err(|error| refusal::told(&error, cx, &again))?;
            Some((server, found))
        }
        _ => None,
    };
    let refuse = |error| {
        let mut failure = refusal::told(&error, cx, &again);
        if let (Some(file), Exit::StoreUnavailable) = (&globals.file, failure.exit) {
            let file = crate::words::quoted(&file.display().to_string());
            (failure.kept, failure.next) = (Some("It was kept.".into()), format!("ls -l {file}"));
        }
        failure
    };
    let report = client.logout(which).map_err(refuse)?;
    let told = self::told(cx, out, &report);
    // What was agreed to goes, whatever became of the sign-in.
    let cleaned = match older {
        Some((server, found)) => legacy::clean(cx, out, &client, &server, &found)?,
        None => Exit::Usable,
    };
    told?;
    if cleaned != Exit::Usable {
        return Ok(cleaned);
    }
    if !matches.get_flag("require-revoke") {
        return Ok(Exit::Usable);
    }
    if report.set_aside.is_some() {
        return Err(Failure::new(
            Exit::CannotVerify,
            "not_revoked",
            "what was stored could not be read, so no sign-in was revoked at the server",
            format!("{} login", cx.program),
        )
        .kept("It was put aside as it was."));
    }
    match unrevoked(&report) {
        None => Ok(Exit::Usable),
        // To end it there, one has to be signed in again.
        Some((server, reason)) => Err(Failure::new(
            Exit::CannotVerify,
            "not_revoked",
            format!("a sign-in could not be revoked at the server: {reason}"),
            format!("{} login {server}", cx.program),
        )
        .kept("It was removed here.")),
    }
}

/// Tells what was done, to a person or to a program.
pub(super) fn told(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    report: &LogoutReport,
) -> Result<(), Failure> {
    if out.json {
        out.json(&view(report))?;
    } else {
        tell(cx, out, report);
    }
    match report.ended.iter().find_map(|logout| Some((logout, logout.left.as_ref()?))) {
        None => Ok(()),
        Some((logout, error)) => {
            let next = error.next(cx.program).unwrap_or_else(|| format!("{} logout", cx.program));
            let what = format!("the sign-in could not be removed here: {error}");
            let failure = Failure::new(Exit::StoreUnavailable, error.code(), what, next);
            Err(match is_over(&logout.revocation) {
                true => failure.kept("It was ended at the server, so what is left is worthless."),
                false => failure,
            })
        }
    }
}

/// Whether what may be left of it here is good for nothing.
const fn is_over(revocation: &Revocation) -> bool {
    matches!(revocation, Revocation::Revoked | Revocation::AlreadyEnded)
}

fn tell(cx: &Context<'_>, out: &mut Output<'_>, report: &LogoutReport) {
    let texts = &cx.brand.texts;
    // Where nothing is ever revoked, a store that nobody can read is out of the way, and that is all.
    let local = cx.brand.logout.revokes == Revokes::Nothing;
    if let Some(job) = &report.job {
        tell_job(out, job);
    } else if let Some(unknown) = &report.unknown {
        out.line(&format!("Nothing to do: {}.", out.paint().foreign(&unknown.to_string(), 400)));
    } else if report.ended.is_empty() && (report.set_aside.is_none() || local) {
        match texts.nobody_signed_out.as_ref().or(texts.signed_out.as_ref()) {
            Some(own) => out.own(&filled(own, &[("account", None), ("server", None)])),
            None => out.line("Nobody was signed in."),
        }
    }
    for logout in &report.ended {
        match &texts.signed_out {
            Some(own) => tell_own(out, logout, own),
            None => tell_one(out, logout),
        }
    }
    if let Some(path) = &report.set_aside {
        let path = crate::words::path(path, cx.environment.home().as_deref());
        out.warning(&match local {
            true => format!(
                "the file could not be read, and is now {path}; there may be tokens in it, so \
                 delete it once you need it no more"
            ),
            false => format!(
                "the stored sign-ins could not be read, so none was revoked; the file is now {path}"
            ),
        });
    }
    if let Some(variable) = &report.variable {
        out.warning(&format!("{variable} is set and still signs you in"));
        out.next(&format!("unset {variable}"));
    }
}

fn tell_job(out: &mut Output<'_>, job: &JobEnded) {
    out.success(&format!("Signed this job out of {}", job.server));
    match &job.revocation {
        Revocation::LocalOnly { reason, access_token_valid_until, .. } => {
            let until = match access_token_valid_until {
                Some(end) => format!("; its pass is good until {}", end.to_human()),
                None => String::new(),
            };
            out.warning(&format!("it could not be revoked at the server: {reason}{until}"));
        }
        _ => out.sentence("Its pass was revoked at the server, and is kept nowhere any more."),
    }
}

fn tell_one(out: &mut Output<'_>, logout: &Logout) {
    let paint = out.paint();
    let who = paint.foreign(logout.account.label(), 320);
    if logout.left.is_some() {
        match &logout.revocation {
            revocation if is_over(revocation) => {
                out.success(&format!("Signed out at {} ({who}), and not here", logout.server));
            }
            Revocation::LocalOnly { .. } => out.warning(&not_revoked(&logout.revocation)),
            _ => {}
        }
        return;
    }
    out.success(&format!("Signed out of {} ({who})", logout.server));
    match &logout.revocation {
        Revocation::Revoked => out.sentence("Revoked at the server, and removed here."),
        Revocation::AlreadyEnded => {
            out.sentence("The server had ended it already. Removed here.");
        }
        Revocation::NotOurs => out.sentence(
            "Removed here. The token itself was given to us and is still good; revoke it where \
             it was made.",
        ),
        Revocation::StillUsed => {
            out.sentence("Removed here. Another profile uses the same sign-in, so it goes on.");
        }
        Revocation::LocalOnly { .. } => {
            out.sentence("Removed here only.");
            out.warning(&not_revoked(&logout.revocation));
        }
    }
    if let Some(address) = &logout.end_session {
        out.sentence("A browser that signed you in there may still be signed in; to end that too:");
        out.line(&format!("  {}", paint.action(&paint.foreign(address, 2000))));
    }
}

/// Why it could not be revoked, and what is good at the server until when.
fn not_revoked(revocation: &Revocation) -> String {
    let Revocation::LocalOnly { reason, access_token_valid_until, refresh_token } = revocation
    else {
        return String::new();
    };
    let access = access_token_valid_until.map(|end| format!("until {}", end.to_human()));
    let ended = "until the sign-in is ended there";
    let good = match (access, refresh_token) {
        (Some(until), true) => {
            format!("; the access token is good {until}, and the refresh token {ended}")
        }
        (Some(until), false) => format!("; the access token is good {until}"),
        (None, true) => format!("; the refresh token is good {ended}"),
        (None, false) => String::new(),
    };
    format!("it could not be revoked at the server: {reason}{good}")
}

/// In the brand's words; what went wrong stands below them.
fn tell_own(out: &mut Output<'_>, logout: &Logout, own: &str) {
    let paint = out.paint();
    let who = paint.foreign(logout.account.label(), 320);
    if logout.left.is_none() {
        out.own(&filled(own, &[("account", Some(who)), ("server", Some(logout.server.clone()))]));
    }
    if matches!(logout.revocation, Revocation::LocalOnly { .. }) {
        let removed = if logout.left.is_none() { "it was removed here only: " } else { "" };
        out.warning(&format!("{removed}{}", not_revoked(&logout.revocation)));
    }
}

/// The first server that could not be told, and why not.
fn unrevoked(report: &LogoutReport) -> Option<(&str, &str)> {
    let ended = report.ended.iter().map(|logout| (&logout.server, &logout.revocation));
    let job = report.job.iter().map(|job| (&job.server, &job.revocation));
    ended.chain(job).find_map(|(server, revocation)| match revocation {
        Revocation::LocalOnly { reason, .. } => Some((server.as_str(), reason.as_str())),
        _ => None,
    })
}

/// `logout --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    ended: Vec<Ended<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<EndedJob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable_still_set: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<String>,
}

#[derive(Serialize)]
struct EndedJob<'a> {
    server: &'a str,
    platform: &'static str,
    #[serde(flatten)]
    revoked: Revoked<'a>,
}

#[derive(Serialize)]
struct Revoked<'a> {
    revocation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_valid_until: Option<hallpass_core::Timestamp>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    refresh_token_valid: bool,
}

#[derive(Serialize)]
struct Ended<'a> {
    profile: &'a str,
    server: &'a str,
    account: &'a str,
    #[serde(flatten)]
    revoked: Revoked<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session: Option<&'a str>,
    /// Why it could not be removed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<String>,
}

fn revoked(revocation: &Revocation) -> Revoked<'_> {
    let done = |revocation| Revoked {
        revocation,
        reason: None,
        access_token_valid_until: None,
        refresh_token_valid: false,
    };
    match revocation {
        Revocation::Revoked => done("revoked"),
        Revocation::AlreadyEnded => done("already_ended"),
        Revocation::NotOurs => done("not_ours"),
        Revocation::StillUsed => done("still_used"),
        Revocation::LocalOnly { reason, access_token_valid_until, refresh_token } => Revoked {
            revocation: "local_only",
            reason: Some(reason.as_str()),
            access_token_valid_until: *access_token_valid_until,
            refresh_token_valid: *refresh_token,
        },
    }
}

fn view(report: &LogoutReport) -> View<'_> {
    let ended = report.ended.iter().map(|logout| Ended {
        profile: &logout.profile,
        server: &logout.server,
        account: logout.account.label(),
        revoked: revoked(&logout.revocation),
        end_session: logout.end_session.as_deref(),
        left: logout.left.as_ref().map(ToString::to_string),
    });
    let job = report.job.as_ref().map(|job| EndedJob {
        server: &job.server,
        platform: job.platform.name(),
        revoked: revoked(&job.revocation),
    });
    View {
        schema_version: 1,
        ended: ended.collect(),
        job,
        variable_still_set: report.variable.as_deref(),
        set_aside: report.set_aside.as_ref().map(|path| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use hallpass_client::status::Account;
    use hallpass_core::Timestamp;

    use super::*;
    use crate::testing::Town;

    fn ended(revocation: Revocation) -> LogoutReport {
        LogoutReport {
            ended: vec![Logout {
                profile: "localhost:8470".into(),
                server: "http://localhost:8470".into(),
                account: Account {
                    id: "usr_1".into(),
                    email: Some("ada@example.com".into()),
                    name: None,
                },
                revocation,
                left: None,
                end_session: None,
            }],
            ..LogoutReport::default()
        }
    }

    fn out_of_reach() -> Revocation {
        Revocation::LocalOnly {
            reason: "cannot reach localhost:8470: connection refused".into(),
            access_token_valid_until: Some(Timestamp::from_secs(1_795_351_500)),
            refresh_token: true,
        }
    }

    // proves: client-K1
    #[test]
    fn it_says_what_was_revoked_and_what_only_removed() {
        let told =
            |report: &LogoutReport| Town::new().columns(72).told(|cx, out| tell(cx, out, report));
        insta::assert_snapshot!(told(&ended(Revocation::Revoked)), @"
        ✓ Signed out of http://localhost:8470 (ada@example.com)
          Revoked at the server, and removed here.
        ");
        insta::assert_snapshot!(told(&ended(out_of_reach())), @"
        ✓ Signed out of http://localhost:8470 (ada@example.com)
          Removed here only.
        warning: it could not be revoked at the server: cannot reach
          localhost:8470: connection refused; the access token is good until
          2026-11-22 12:45:00 UTC, and the refresh token until the sign-in is
          ended there
        ");
        let over = Revocation::LocalOnly {
            reason: "it answered 503".into(),
            access_token_valid_until: None,
            refresh_token: true,
        };
        insta::assert_snapshot!(told(&ended(over)), @"
        ✓ Signed out of http://localhost:8470 (ada@example.com)
          Removed here only.
        warning: it could not be revoked at the server: it answered 503; the
          refresh token is good until the sign-in is ended there
        ");
    }

    // proves: client-K1, client-L3
    #[test]
    fn what_cannot_be_removed_here_is_said_after_what_was_revoked() {
        let mut report = ended(Revocation::Revoked);
        report.ended[0].left = Some(hallpass_client::vault::VaultError::Io {
            what: "write in",
            path: "/home/ada/.config/hallpass".into(),
            why: "Permission denied (os error 13)".into(),
        });
        let text = Town::new().told(|cx, out| {
            let failure = super::told(cx, out, &report).unwrap_err();
            assert_eq!(failure.exit, Exit::StoreUnavailable);
            out.failure(&failure);
        });
        insta::assert_snapshot!(text, @"
        ✓ Signed out at http://localhost:8470 (ada@example.com), and not here
        error: the sign-in could not be removed here: cannot write in
          /home/ada/.config/hallpass: Permission denied (os error 13); nothing was
          changed
          It was ended at the server, so what is left is worthless.
          Next: chmod u+rwx /home/ada/.config/hallpass
        ");
    }

    // proves: client-K2
    #[test]
    fn a_second_time_says_so_and_a_variable_is_named() {
        let report =
            LogoutReport { variable: Some("HALLPASS_TOKEN".into()), ..LogoutReport::default() };
        insta::assert_snapshot!(Town::new().told(|cx, out| tell(cx, out, &report)), @"
        Nobody was signed in.
        warning: HALLPASS_TOKEN is set and still signs you in
          Next: unset HALLPASS_TOKEN
        ");
    }

    #[test]
    fn programs_read_the_same() {
        insta::assert_json_snapshot!(view(&ended(out_of_reach())), @r#"
        {
          "schema_version": 1,
          "ended": [
            {
              "profile": "localhost:8470",
              "server": "http://localhost:8470",
              "account": "ada@example.com",
              "revocation": "local_only",
              "reason": "cannot reach localhost:8470: connection refused",
              "access_token_valid_until": "2026-11-22T12:45:00Z",
              "refresh_token_valid": true
            }
          ]
        }
        "#);
    }
}
