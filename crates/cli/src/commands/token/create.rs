//! `token create` and `token rotate`: the two commands that show a token, once.
//!
//! Standard output gets the token and a line feed and nothing else, so that
//! `TOKEN=$(hallpass token create ci)` works; everything else goes to standard error.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::Session;
use hallpass_core::wire::tokens::{CreatedToken, NewToken, RotateToken};
use hallpass_core::{Scope, Timestamp, ends};
use serde::Serialize;

use super::change::{one, session, when};
use super::refused::{Asked, refused};
use super::{text, user, which, whose};
use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::{Context, Exit, Failure, Output, layout, words};

const AFTER_CREATE: &str = "\
Only the token goes to standard output, so a script can put it into a variable. It is shown \
this once. A token does what you may do, also when that changes later; it cannot make \
tokens unless --scope says so.";

pub(super) fn command() -> Command {
    Command::new("create")
        .about("Make a token and print it, this once")
        .after_help(AFTER_CREATE)
        .arg(
            Arg::new("name")
                .required(true)
                .value_name("NAME")
                .help("What to call it: where it will be used, for example"),
        )
        .arg(
            Arg::new("expires")
                .long("expires")
                .value_name("WHEN")
                .default_value("never")
                .help("Like 30d from now, the last day like 2027-01-31, or never"),
        )
        .arg(
            Arg::new("project")
                .long("project")
                .value_name("ORG/PROJECT")
                .action(ArgAction::Append)
                .help("Good in this project only; may be repeated"),
        )
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .action(ArgAction::Append)
                .help("Good for this only, like account or project:read; may be repeated"),
        )
        .arg(
            Arg::new("user")
                .long("user")
                .value_name("EMAIL")
                .help("Make it for somebody else, as an administrator"),
        )
}

pub(super) fn rotate_command() -> Command {
    Command::new("rotate")
        .about("Put a new token in the place of one, and print it, this once")
        .arg(which())
        .arg(
            Arg::new("overlap")
                .long("overlap")
                .value_name("TIME")
                .help("How long the old one stays good beside it, like 7d [default: not at all]"),
        )
        .arg(
            Arg::new("expires")
                .long("expires")
                .value_name("WHEN")
                .help("When the new one ends, like 180d, 2027-01-31 or never [default: after as long as the old one]"),
        )
        .arg(whose())
}

pub(super) fn create(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let new = wanted(cx, matches)?;
    let session = session(cx, globals, "create")?;
    let asked = Asked::Create { name: &new.name };
    let made = session.create_token(&new).map_err(|error| refused(&error, cx, globals, &asked))?;
    warn(out, &session.take_warnings());
    if !out.json {
        let name = out.paint().foreign(&made.token.name, 80);
        let whose =
            new.user.as_ref().map(|user| format!(" for {}", out.paint().foreign(user, 200)));
        out.success(&format!("Made the token {name:?}{}", whose.unwrap_or_default()));
    }
    hand_over(out, &made).map_err(|failure| {
        // Nobody saw it, so nobody can use it, and nobody would miss it.
        let gone = session.revoke_token(&made.token.id).is_ok();
        lost(cx, globals, &made, failure, gone)
    })?;
    if !out.json {
        explain(cx, out, globals, session.server(), &made);
    }
    Ok(Exit::Usable)
}

pub(super) fn rotate(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let overlap = overlap(cx, matches)?;
    let expires = matches.get_one::<String>("expires");
    let expires_at = expires.map(|word| when(cx, word, "rotate")).transpose()?;
    let how = RotateToken { overlap_seconds: overlap.as_secs(), expires_at };
    let word = text(matches, "id");
    let (session, old) = one(cx, globals, (word, user(matches)), "rotate")?;
    let made = successor(cx, globals, &session, &old.id, word, how)?;
    warn(out, &session.take_warnings());
    if !out.json {
        let name = out.paint().foreign(&made.token.name, 80);
        let ends = old.expires_at;
        let old = out.paint().foreign(&super::change::text_of(&old), 40);
        out.success(&match overlap {
            Duration::ZERO => format!("Rotated {name:?}; the old one ({old}) has ended"),
            overlap => format!(
                "Rotated {name:?}; the old one ({old}) stays good for {}",
                words::duration(words::left(overlap, ends, cx.clock.now()))
            ),
        });
    }
    // The old one may have ended, so the new one is the only one there is: it stays.
    hand_over(out, &made).map_err(|failure| lost(cx, globals, &made, failure, false))?;
    if !out.json {
        explain(cx, out, globals, session.server(), &made);
    }
    Ok(Exit::Usable)
}

fn successor(
    cx: &Context<'_>,
    globals: &Globals,
    session: &Session,
    id: &str,
    word: &str,
    how: RotateToken,
) -> Result<CreatedToken, Failure> {
    let asked = Asked::Change { word, verb: "rotate" };
    session.rotate_token(id, how).map_err(|error| refused(&error, cx, globals, &asked))
}

fn wanted(cx: &Context<'_>, matches: &ArgMatches) -> Result<NewToken, Failure> {
    let many = |name| matches.get_many::<String>(name).into_iter().flatten();
    let scope = many("scope").map(String::as_str).collect::<Vec<_>>().join(" ");
    let scope: Option<Scope> = match matches.contains_id("scope") {
        true => Some(scope.parse().map_err(|why| {
            Failure::usage(format!("--scope: {why}"), format!("{} token create --help", cx.program))
        })?),
        false => None,
    };
    Ok(NewToken {
        name: text(matches, "name").to_owned(),
        expires_at: when(cx, text(matches, "expires"), "create")?,
        scope,
        projects: many("project").cloned().collect(),
        user: matches.get_one::<String>("user").cloned(),
    })
}

fn overlap(cx: &Context<'_>, matches: &ArgMatches) -> Result<Duration, Failure> {
    let Some(word) = matches.get_one::<String>("overlap") else { return Ok(Duration::ZERO) };
    ends::span(word).map_err(|why| {
        let help = format!("{} token rotate --help", cx.program);
        Failure::usage(format!("{word:?} is no length of time: {why}"), help)
    })
}

/// The token, on standard output.
fn hand_over(out: &mut Output<'_>, made: &CreatedToken) -> Result<(), Failure> {
    if out.json {
        return out.json(&View { schema_version: 1, made });
    }
    let rule = rule(out);
    rule.iter().for_each(|rule| out.line(rule));
    // Two writes, so that there is no second copy of the token to wipe.
    out.data(made.value.expose().as_bytes())?;
    out.data(b"\n")?;
    rule.iter().for_each(|rule| out.line(rule));
    Ok(())
}

/// A line above and one below, where a person looks at both streams. At the sides there is
/// nothing, so that selecting the line selects the token.
fn rule(out: &Output<'_>) -> Option<String> {
    let terminal = &out.terminal;
    let seen = terminal.streams.stdout && terminal.streams.stderr && !terminal.plain;
    let line = out.paint().letters("─", "-").repeat(terminal.width.min(48));
    seen.then(|| out.paint().faint(&line))
}

/// Where it is good, until when, and how to end it.
fn explain(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    server: &str,
    made: &CreatedToken,
) {
    let paint = out.paint();
    let token = &made.token;
    if out.terminal.streams.stdout {
        out.sentence("Copy it now: it is not shown again.");
    } else {
        out.sentence("It went to standard output, and is not shown again.");
    }
    out.gap();
    let may = match &token.scope {
        None => "what you may do".to_owned(),
        Some(scope) => paint.foreign(&scope.to_string(), 1000),
    };
    let mut pairs = vec![("Good at", paint.foreign(server, 200)), ("Good for", may)];
    if !token.projects.is_empty() {
        pairs.push(("Only in", paint.foreign(&token.projects.join(", "), 1000)));
    }
    pairs.push(("Ends", ending(token.expires_at, cx.clock.now())));
    let revoke = retry(cx, globals, &format!("token revoke {}", paint.foreign(&token.id, 60)));
    pairs.push(("To end it", out.placed(&revoke)));
    let text = layout::fields(&pairs, out.terminal.width, paint);
    out.line(text.trim_end_matches('\n'));
}

fn ending(at: Option<Timestamp>, now: Timestamp) -> String {
    match at {
        Some(at) => format!("{} ({})", words::ends(at, now), at.to_human()),
        None => "not by itself".to_owned(),
    }
}

/// The token was made, and could not be written anywhere.
fn lost(
    cx: &Context<'_>,
    globals: &Globals,
    made: &CreatedToken,
    failure: Failure,
    gone: bool,
) -> Failure {
    let id = words::quoted(&hallpass_core::text::presentable(&made.token.id, 60));
    let mut failure = failure.aloud();
    if gone {
        failure.next = retry(cx, globals, "token list");
        failure.kept("Nobody saw the token, so it was revoked again.")
    } else {
        failure.next = retry(cx, globals, &format!("token rotate {id}"));
        failure.kept("The token was made all the same, and nobody saw it.")
    }
}

/// `token create --json` and `token rotate --json`: the one object that holds a token.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    #[serde(flatten)]
    made: &'a CreatedToken,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    fn made() -> CreatedToken {
        serde_json::from_value(serde_json::json!({
            "id": "tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN", "name": "ci", "prefix": "hp_user_",
            "last_four": "urKA", "created_at": "2026-11-22T12:40:00Z",
            "expires_at": "2026-12-22T12:40:00Z", "scope": "account project:read",
            "projects": ["acme/site"], "value": "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA",
        }))
        .unwrap()
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let town = Town::new();
        let read = |line: &str| {
            town.parse(line, |cx, _, token| {
                wanted(cx, token.subcommand_matches("create").expect("create"))
            })
        };
        let plain = read("hallpass token create ci").unwrap();
        assert_eq!(plain, NewToken { name: "ci".into(), ..NewToken::default() });
        let all = read(
            "hallpass token create ci --expires 30d --project acme/site --project acme/blog \
             --scope account --scope project:read --user bo@example.com",
        );
        let all = all.unwrap();
        assert_eq!(all.expires_at.unwrap().to_rfc3339(), "2026-12-22T12:40:00Z");
        assert_eq!(all.scope.unwrap().to_string(), "account project:read");
        assert_eq!(all.projects, ["acme/site", "acme/blog"]);
        assert_eq!(all.user.as_deref(), Some("bo@example.com"));
        assert_eq!(read("hallpass token create ci --scope a\"b").unwrap_err().exit, Exit::Usage);
        assert_eq!(read("hallpass token create ci --expires soon").unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn an_overlap_is_none_or_a_length() {
        let town = Town::new();
        let read = |line: &str| {
            town.parse(line, |cx, _, token| {
                overlap(cx, token.subcommand_matches("rotate").expect("rotate"))
            })
        };
        assert_eq!(read("hallpass token rotate ci").unwrap(), Duration::ZERO);
        let week = Duration::from_secs(7 * 86_400);
        assert_eq!(read("hallpass token rotate ci --overlap 7d").unwrap(), week);
        assert!(read("hallpass token rotate ci --overlap 7").unwrap_err().what.contains("12h"));
    }

    // proves: client-H6
    #[test]
    fn the_token_is_on_standard_output_and_nowhere_else() {
        let shown = |town: &Town| {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            let terminal = town.terminal();
            town.with(|cx| {
                let mut out = Output::new(terminal, "hallpass", &mut stdout, &mut stderr);
                hand_over(&mut out, &made()).unwrap();
                let server = "https://id.example.com";
                explain(cx, &mut out, &Globals::default(), server, &made());
            });
            assert_eq!(stdout, format!("{}\n", made().value.expose()).as_bytes());
            let stderr = String::from_utf8(stderr).unwrap();
            assert!(!stderr.contains(made().value.expose()));
            stderr
        };
        insta::assert_snapshot!(shown(&Town::new()), @"
        ────────────────────────────────────────────────
        ────────────────────────────────────────────────
          Copy it now: it is not shown again.

          Good at     https://id.example.com
          Good for    account project:read
          Only in     acme/site
          Ends        in 30 days (2026-12-22 12:40:00 UTC)
          To end it   hallpass token revoke tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN
        ");
        insta::assert_snapshot!(shown(&Town::new().piped().var("LANG", "C")), @"
          It went to standard output, and is not shown again.

          Good at     https://id.example.com
          Good for    account project:read
          Only in     acme/site
          Ends        in 30 days (2026-12-22 12:40:00 UTC)
          To end it   hallpass token revoke tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN
        ");
    }

    #[test]
    fn a_token_that_cannot_be_written_is_spoken_of_even_into_a_closed_pipe() {
        let town = Town::new();
        let closed = || Failure::output(&std::io::ErrorKind::BrokenPipe.into(), "hallpass");
        for (gone, next) in [
            (true, "hallpass token list"),
            (false, "hallpass token rotate tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN"),
        ] {
            let failure = town.with(|cx| lost(cx, &Globals::default(), &made(), closed(), gone));
            assert_eq!(failure.next, next);
            let text = town.told(|_, out| {
                out.failure(&failure);
            });
            assert!(text.contains("nobody saw it") || text.contains("Nobody saw"), "{text}");
        }
    }
}
