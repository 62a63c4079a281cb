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
    let report = client.logout(which).map_err(|error| refusal::told(&error, cx, &again))?;
    self::told(cx, out, &report)?;
    if let Some((server, found)) = older {
        let cleaned = legacy::clean(cx, out, &client, &server, &found)?;
        if cleaned != Exit::Usable {
            return Ok(cleaned);
        }
    }
    match unrevoked(&report).filter(|_| matches.get_flag("require-revoke")) {
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
        return out.json(&view(report));
    }
    tell(cx, out, report);
    Ok(())
}

fn tell(cx: &Context<'_>, out: &mut Output<'_>, report: &LogoutReport) {
    let texts = &cx.brand.texts;
    if let Some(job) = &report.job {
        tell_job(out, job);
    } else if report.ended.is_empty() {
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
        out.warning(&format!(
            "the stored sign-ins could not be read, so none was revoked; the file is now {}",
            crate::words::path(path, cx.environment.home().as_deref())
        ));
    }
    if let Some(variable) = &report.variable {
        out.warning(&format!("{variable} is set and still signs you in"));
        out.next(&format!("unset {variable}"));
    }
}

fn tell_job(out: &mut Output<'_>, job: &JobEnded) {
    out.success(&format!("Signed this job out of {}", job.server));
    match &job.revocation {
        Revocation::LocalOnly { reason, access_token_valid_until } => {
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
        Revocation::LocalOnly { reason, access_token_valid_until } => {
            out.sentence("Removed here only.");
            let until = match access_token_valid_until {
                Some(end) => format!("; the access token is good until {}", end.to_human()),
                None => String::new(),
            };
            out.warning(&format!("it could not be revoked at the server: {reason}{until}"));
        }
    }
    if let Some(address) = &logout.end_session {
        out.sentence("A browser that signed you in there may still be signed in; to end that too:");
        out.line(&format!("  {}", paint.action(&paint.foreign(address, 2000))));
    }
}

/// In the brand's words; what went wrong stands below them.
fn tell_own(out: &mut Output<'_>, logout: &Logout, own: &str) {
    let paint = out.paint();
    let who = paint.foreign(logout.account.label(), 320);
    out.own(&filled(own, &[("account", Some(who)), ("server", Some(logout.server.clone()))]));
    if let Revocation::LocalOnly { reason, access_token_valid_until } = &logout.revocation {
        let until = match access_token_valid_until {
            Some(end) => format!("; the access token is good until {}", end.to_human()),
            None => String::new(),
        };
        out.warning(&format!(
            "it was removed here only, and could not be revoked at the server: {reason}{until}"
        ));
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
}

fn revoked(revocation: &Revocation) -> Revoked<'_> {
    let (revocation, reason, access_token_valid_until) = match revocation {
        Revocation::Revoked => ("revoked", None, None),
        Revocation::AlreadyEnded => ("already_ended", None, None),
        Revocation::NotOurs => ("not_ours", None, None),
        Revocation::StillUsed => ("still_used", None, None),
        Revocation::LocalOnly { reason, access_token_valid_until } => {
            ("local_only", Some(reason.as_str()), *access_token_valid_until)
        }
    };
    Revoked { revocation, reason, access_token_valid_until }
}

fn view(report: &LogoutReport) -> View<'_> {
    let ended = report.ended.iter().map(|logout| Ended {
        profile: &logout.profile,
        server: &logout.server,
        account: logout.account.label(),
        revoked: revoked(&logout.revocation),
        end_session: logout.end_session.as_deref(),
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
                end_session: None,
            }],
            ..LogoutReport::default()
        }
    }

    fn out_of_reach() -> Revocation {
        Revocation::LocalOnly {
            reason: "cannot reach localhost:8470: connection refused".into(),
            access_token_valid_until: Some(Timestamp::from_secs(1_795_351_500)),
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
          2026-11-22 12:45:00 UTC
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
              "access_token_valid_until": "2026-11-22T12:45:00Z"
            }
          ]
        }
        "#);
    }
}
