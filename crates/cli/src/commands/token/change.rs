//! `token rename`, `token expire` and `token revoke`.

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::Session;
use hallpass_core::ends::Ends;
use hallpass_core::wire::tokens::Token;
use serde::Serialize;

use super::named::named;
use super::refused::{Asked, refused};
use super::{text, user, which, whose};
use crate::arguments::Globals;
use crate::commands::{client, retry, warn};
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output, words};

pub(super) fn rename_command() -> Command {
    Command::new("rename")
        .about("Call a token something else")
        .arg(which())
        .arg(Arg::new("name").required(true).value_name("NAME").help("What to call it from now on"))
        .arg(whose())
}

pub(super) fn expire_command() -> Command {
    Command::new("expire")
        .about("Change when a token ends")
        .arg(which())
        .arg(
            Arg::new("when")
                .required(true)
                .value_name("WHEN")
                .help("Like 30d from now, the last day like 2027-01-31, or never"),
        )
        .arg(whose())
}

pub(super) fn revoke_command() -> Command {
    Command::new("revoke")
        .about("End tokens; they are refused everywhere when this returns")
        .arg(which().num_args(1..).action(ArgAction::Append))
        .arg(whose())
}

pub(super) fn rename(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let (word, name) = (text(matches, "id"), text(matches, "name"));
    let (session, token) = one(cx, globals, (word, user(matches)), "rename")?;
    let asked = Asked::Rename { word, name };
    let changed = session
        .rename_token(&token.id, name)
        .map_err(|error| refused(&error, cx, globals, &asked))?;
    warn(out, &session.take_warnings());
    let shown = |token: &Token| out.paint().foreign(&token.name, 80);
    let sentence = format!("{:?} is called {:?} now", shown(&token), shown(&changed));
    tell(out, &changed, &sentence)
}

pub(super) fn expire(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let word = text(matches, "id");
    let at = when(cx, text(matches, "when"), "expire")?;
    let (session, token) = one(cx, globals, (word, user(matches)), "expire")?;
    let asked = Asked::Change { word, verb: "expire" };
    let changed = session
        .expire_token(&token.id, at)
        .map_err(|error| refused(&error, cx, globals, &asked))?;
    warn(out, &session.take_warnings());
    let ends = match changed.expires_at {
        Some(at) => {
            format!("ends {} ({}) now", words::ends(at, cx.clock.now()), at.to_human())
        }
        None => "does not end by itself any more".to_owned(),
    };
    let name = out.paint().foreign(&changed.name, 80);
    tell(out, &changed, &format!("{name:?} {ends}"))
}

pub(super) fn revoke(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let words: Vec<&str> =
        matches.get_many::<String>("id").into_iter().flatten().map(String::as_str).collect();
    let session = session(cx, globals, "revoke")?;
    let tokens = named(cx, globals, &session, &words, user(matches))?;
    let mut revoked: Vec<&Token> = Vec::new();
    let mut outcome = Ok(Exit::Usable);
    for token in &tokens {
        if let Err(error) = session.revoke_token(&token.id) {
            let asked = Asked::Change { word: &token.id, verb: "revoke" };
            let mut failure = refused(&error, cx, globals, &asked);
            if !revoked.is_empty() {
                failure.kept = Some("The others are still there.".into());
            }
            outcome = Err(failure);
            break;
        }
        revoked.push(token);
        if !out.json {
            let paint = out.paint();
            let (name, ends) = (paint.foreign(&token.name, 80), text_of(token));
            out.success(&format!("Revoked {name:?} ({})", paint.foreign(&ends, 40)));
        }
    }
    if !out.json && revoked.iter().any(|token| token.rotated_from.is_some()) {
        // What it took over from may still be good beside it.
        let left = session.tokens(user(matches)).unwrap_or_default();
        let older = left.iter().filter(|it| {
            it.overlap_until.is_some()
                && it.leaked_at.is_none()
                && revoked.iter().any(|token| token.name == it.name)
        });
        for token in older {
            let (paint, ends) = (out.paint(), text_of(token));
            let until = token
                .overlap_until
                .map_or_else(String::new, |at| format!(" until {}", at.to_human()));
            let ends = paint.foreign(&ends, 40);
            out.warning(&format!("an older text of it ({ends}) is still good{until}"));
            out.next(&retry(cx, globals, &format!("token revoke {}", token.id)));
        }
    }
    warn(out, &session.take_warnings());
    if out.json && !revoked.is_empty() {
        out.json(&Revoked { schema_version: 1, revoked })?;
    }
    outcome
}

/// `hp_user_…AbCd`: enough to tell it by, and no secret.
pub(super) fn text_of(token: &Token) -> String {
    format!("{}…{}", token.prefix, token.last_four)
}

/// When a command line says that a token shall end; `None` is never.
pub(in crate::commands) fn when(
    cx: &Context<'_>,
    word: &str,
    verb: &str,
) -> Result<Option<hallpass_core::Timestamp>, Failure> {
    let help = || format!("{} token {verb} --help", cx.program);
    let now = cx.clock.now();
    let ends: Ends = word.parse().map_err(|why| {
        Failure::usage(format!("{word:?} does not say when a token shall end: {why}"), help())
    })?;
    match ends.from(now) {
        Some(at) if at <= now => {
            Err(Failure::usage(format!("{word} is over already; `revoke` ends it now"), help()))
        }
        at => Ok(at),
    }
}

pub(super) fn session(cx: &Context<'_>, globals: &Globals, verb: &str) -> Result<Session, Failure> {
    let session = client(cx, globals).session_or_open();
    session.map_err(|error| told(&error, cx, &retry(cx, globals, &format!("token {verb}"))))
}

/// A session, and the one token that a word means: one's own, or this user's.
pub(super) fn one(
    cx: &Context<'_>,
    globals: &Globals,
    (word, user): (&str, Option<&str>),
    verb: &'static str,
) -> Result<(Session, Token), Failure> {
    let session = session(cx, globals, verb)?;
    let mut tokens = named(cx, globals, &session, &[word], user)?;
    let token = tokens.pop().ok_or_else(|| super::named::unknown(cx, globals, word, user))?;
    Ok((session, token))
}

fn tell(out: &mut Output<'_>, token: &Token, sentence: &str) -> Result<Exit, Failure> {
    if out.json {
        out.json(&Changed { schema_version: 1, token })?;
    } else {
        out.success(sentence);
    }
    Ok(Exit::Usable)
}

/// `token rename --json` and `token expire --json`.
#[derive(Serialize)]
struct Changed<'a> {
    schema_version: u32,
    #[serde(flatten)]
    token: &'a Token,
}

/// `token revoke --json`.
#[derive(Serialize)]
struct Revoked<'a> {
    schema_version: u32,
    revoked: Vec<&'a Token>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    #[test]
    fn an_end_is_understood_or_the_help_is_named() {
        let town = Town::new();
        let when = |word: &str| town.with(|cx| when(cx, word, "expire"));
        let day = |word: &str| when(word).unwrap().unwrap().to_rfc3339();
        assert_eq!(day("30d"), "2026-12-22T12:40:00Z");
        assert_eq!(day("2026-11-22"), "2026-11-23T00:00:00Z", "today is still good");
        assert_eq!(when("never").unwrap(), None);
        for (word, why) in [
            ("soon", "say 30d"),
            ("3m", "minutes or months"),
            ("2026-11-21", "over already"),
            ("0d", "over already"),
        ] {
            let failure = when(word).unwrap_err();
            assert!(failure.exit == Exit::Usage && failure.what.contains(why), "{failure:?}");
            assert_eq!(failure.next, "hallpass token expire --help");
        }
    }
}
