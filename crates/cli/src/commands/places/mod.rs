//! `org`, `project` and `member`: organizations, their projects, and who has which role there.
//!
//! | module | commands |
//! |---|---|
//! | [`org`] | `org list`, `create`, `rename`, `transfer`, `archive`, `unarchive` |
//! | [`project`] | the same of `project` |
//! | [`member`] | `member list`, `set`, `remove`, `leave`, `invite`, `invitations`, `uninvite` |

pub mod member;
pub mod org;
pub mod project;

use clap::{Arg, ArgMatches};
use hallpass_client::{Error, Session};
use serde::Serialize;

use super::{client, confirm, confirmed, flag, forbidden, needed, retry, warn};
use crate::arguments::Globals;
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output};

/// Signs in and asks the server; what it answered, or the failure.
fn ask<T>(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    command: &str,
    asked: impl FnOnce(&Session) -> Result<T, Error>,
) -> Result<T, Failure> {
    let refuse = |error: Error| refused(&error, cx, globals, command);
    let session = client(cx, globals).session_or_open().map_err(refuse)?;
    let answer = asked(&session).map_err(refuse)?;
    warn(out, &session.take_warnings());
    Ok(answer)
}

/// What the server refused, in one line, and the command that helps.
fn refused(error: &Error, cx: &Context<'_>, globals: &Globals, command: &str) -> Failure {
    let next = |command: &str| retry(cx, globals, command);
    let Error::Problem { status, code, title, detail, .. } = error else {
        return told(error, cx, &next(command));
    };
    let words = detail.as_ref().unwrap_or(title).trim_end_matches('.').to_owned();
    let (exit, help) = match (status, code.as_str()) {
        (403, _) => (Exit::Rejected, forbidden(cx, globals, error)),
        (404, "no_such_user") => (Exit::Other, next("member invite ORG EMAIL ROLE")),
        (404, "no_such_member") => (Exit::Other, next("member list ORG")),
        (404, _) => (Exit::Other, next("org list")),
        (409, "last_owner") => (Exit::Other, next("member set ORG EMAIL owner")),
        (409, "keys_undecided") if command == "member leave" => {
            (Exit::Other, next("member leave ORG --keys keep --confirm"))
        }
        (409, "keys_undecided") => (Exit::Other, next("member remove ORG EMAIL --keys keep")),
        (409, _) => (Exit::Other, next("org list")),
        (400 | 422, _) => (Exit::Usage, format!("{} {command} --help", cx.program)),
        _ => return told(error, cx, &next(command)),
    };
    Failure::new(exit, code.clone(), words, help).kept("Nothing was changed.")
}

/// `--json` of a list.
#[derive(Serialize)]
struct Listed<'a, T> {
    schema_version: u32,
    items: &'a [T],
}

/// `--json` of one thing.
#[derive(Serialize)]
struct One<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    item: &'a T,
}

/// Shows a list: fields with tabs between them, in columns on a terminal.
fn list<T: Serialize>(
    out: &mut Output<'_>,
    items: &[T],
    row: impl Fn(&T) -> Vec<String>,
    empty: (&str, &str),
) -> Result<Exit, Failure> {
    if out.json {
        out.json(&Listed { schema_version: 1, items })?;
    } else if items.is_empty() {
        out.sentence(empty.0);
        out.next(empty.1);
    } else {
        let shown = |text: &String| hallpass_core::text::presentable(text, 320);
        let rows: Vec<Vec<String>> =
            items.iter().map(|it| row(it).iter().map(shown).collect()).collect();
        out.data(columns(&rows, out.terminal.streams.stdout).as_bytes())?;
    }
    Ok(Exit::Usable)
}

fn columns(rows: &[Vec<String>], terminal: bool) -> String {
    use unicode_width::UnicodeWidthStr as _;
    if !terminal {
        return rows.iter().map(|row| format!("{}\n", row.join("\t"))).collect();
    }
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|it| it.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells =
            cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width() + 3)));
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

/// Says that something was done.
fn done<T: Serialize>(out: &mut Output<'_>, item: &T, sentence: &str) -> Result<Exit, Failure> {
    if out.json {
        out.json(&One { schema_version: 1, item })?;
    } else {
        out.success(sentence);
    }
    Ok(Exit::Usable)
}

/// What was done where there is nothing to show.
#[derive(Serialize)]
struct Done<'a> {
    done: &'a str,
    place: &'a str,
}

fn text<'m>(matches: &'m ArgMatches, name: &str) -> &'m str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

fn maybe<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.get_one::<String>(name).map(String::as_str)
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// `ORG/PROJECT`, in two.
fn of_project<'p>(cx: &Context<'_>, place: &'p str) -> Result<(&'p str, &'p str), Failure> {
    place.split_once('/').ok_or_else(|| {
        Failure::usage("a project is named ORG/PROJECT", format!("{} org list", cx.program))
    })
}

#[cfg(test)]
mod tests {
    use hallpass_client::Source;

    use super::*;
    use crate::testing::Town;

    #[test]
    fn every_refusal_has_its_exit_code_and_the_command_that_helps() {
        for (status, code, exit, next) in [
            (403, "not_allowed", 4, "hallpass whoami"),
            (403, "insufficient_scope", 4, "hallpass login --profile work"),
            (404, "not_found", 1, "hallpass org list"),
            (404, "no_such_user", 1, "hallpass member invite ORG EMAIL ROLE"),
            (404, "no_such_member", 1, "hallpass member list ORG"),
            (409, "slug_taken", 1, "hallpass org list"),
            (409, "last_owner", 1, "hallpass member set ORG EMAIL owner"),
            (400, "invalid_slug", 2, "hallpass org create --help"),
        ] {
            let error = Error::Problem {
                server: "https://id.example.com".into(),
                status,
                code: code.into(),
                title: "No.".into(),
                detail: Some("Because.".into()),
                by: Box::new(Source::Profile { name: "work".into() }),
            };
            let told =
                Town::new().with(|cx| refused(&error, cx, &Globals::default(), "org create"));
            assert_eq!((told.exit.code(), told.next.as_str()), (exit, next), "{told:?}");
            assert!(told.what == "Because" && told.kept.is_some());
        }
    }

    #[test]
    fn people_see_columns_and_programs_tabs() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["long".to_owned(), "c".to_owned()]];
        assert_eq!(columns(&rows, true), "a      b\nlong   c\n");
        assert_eq!(columns(&rows, false), "a\tb\nlong\tc\n");
    }
}
