//! `login PROJECT`: keeps a token of an older system that is good for one project, for as long
//! as the move away from such tokens lasts (ST13).

use clap::ArgMatches;
use hallpass_client::Error;
use hallpass_client::legacy::LegacyPhase;
use hallpass_client::target::Asked;

use super::options;
use super::token::{From, read};
use crate::arguments::{Globals, looks_secret};
use crate::commands::client;
use crate::{Context, Exit, Failure, Input, Output, own, refusal, words};

/// How one is handed over, for the project that it is for.
pub(super) fn handed_over(cx: &Context<'_>, of: Option<&str>) -> String {
    let given = if cx.brand.login.token_argument { "--token -" } else { "--with-token" };
    let of = of.map_or_else(|| cx.brand.words.project.to_ascii_uppercase(), words::quoted);
    format!("{} login {of} {given}", cx.program)
}

/// Checks the token with the server, and keeps it in its project's file.
pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    (named, matches): (&str, &ArgMatches),
) -> Result<Exit, Failure> {
    let word = &cx.brand.words.project;
    let login = format!("{} login", cx.program);
    if looks_secret(named) {
        let what = format!("login takes the name of a {word}, not a token");
        return Err(Failure::usage(what, format!("{login} --with-token")));
    }
    let client = client(cx, globals);
    let again = format!("{login} {named}");
    // It is about the token that was brought, and not about who is signed in.
    let refuse = |error| {
        let mut failure = refusal::told(&error, cx, &again).in_our_words();
        match &error {
            Error::Rejected { .. } => failure.next.clone_from(&login),
            Error::BadToken(_) => failure.next = handed_over(cx, Some(named)),
            Error::OlderToken { of, .. } => failure.next = handed_over(cx, of.as_deref()),
            _ => {}
        }
        failure
    };
    match client.legacy_phase().map_err(refuse)? {
        LegacyPhase::A => {}
        LegacyPhase::B => out.warning(&format!(
            "DEPRECATED: tokens for one {word} are on their way out, and no new ones are made. \
             {login} signs you in to every {word} that you may use"
        )),
        LegacyPhase::C => {
            return Err(Failure::usage(
                format!("tokens for one {word} are no longer taken; login takes no {word}"),
                login.clone(),
            ));
        }
    }
    let from = options::token(matches).unwrap_or(From::Stdin);
    if matches!(from, From::Given(_)) {
        out.warning(&own::seen_in_argv(cx));
    }
    let text = read(cx, stdin, out.terminal.streams.stdin, &from, &again)?;
    let target = client.target(&Asked::from(globals)).unwrap_or_default();
    let (org, project) = match named.split_once('/') {
        Some((org, project)) => (Some(org.to_owned()), project),
        None => (target.org.map(|org| org.name), named),
    };
    let path = client.login_legacy((org.as_deref(), project), &text).map_err(refuse)?;
    let shown = out.paint().foreign(project, 80);
    out.success(&format!("Kept a token for the {word} {shown}"));
    let path = words::path(&path, cx.environment.home().as_deref());
    out.sentence(&format!("Kept in {path} (readable by you only)."));
    Ok(Exit::Usable)
}
