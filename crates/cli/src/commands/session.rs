//! `session list` and `session end ID`: the account's browsers and programs.

use clap::{Arg, Command};
use hallpass_core::Timestamp;
use hallpass_core::wire::api::{Session, SessionKind};
use serde::Serialize;

use super::{client, retry, warn};
use crate::arguments::Globals;
use crate::refusal::told;
use crate::terminal::Terminal;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output, layout, words};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("session")
        .about("See and end where you are signed in")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("Every browser and program that is signed in"))
        .subcommand(
            Command::new("end").about("Sign one of them out; it is over when this returns").arg(
                Arg::new("id").required(true).value_name("ID").help("As `session list` shows it"),
            ),
        )
}

/// Lists or ends.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    match below.verb() {
        Some(("end", matches)) => {
            let id = matches.get_one::<String>("id").map_or("", String::as_str);
            end(cx, out, globals, id)
        }
        _ => list(cx, out, globals),
    }
}

fn list(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals) -> Result<Exit, Failure> {
    let refuse = |error| told(&error, cx, &retry(cx, globals, "session list"));
    let session = client(cx, globals).session_or_open().map_err(refuse)?;
    let items = session.sessions().map_err(refuse)?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, items: &items })?;
    } else {
        let text = render(&items, cx.clock.now(), &out.terminal);
        out.data(text.as_bytes())?;
        if items.is_empty() {
            out.sentence("Only tokens that were made by hand have no session.");
        }
    }
    Ok(Exit::Usable)
}

fn end(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    id: &str,
) -> Result<Exit, Failure> {
    let known = id.starts_with("ses_") || id.starts_with("grt_");
    if !known {
        return Err(Failure::usage(
            "a session's id begins with ses_ or grt_",
            retry(cx, globals, "session list"),
        ));
    }
    let refuse = |error| told(&error, cx, &retry(cx, globals, "session list"));
    let session = client(cx, globals).session_or_open().map_err(refuse)?;
    session.end_session(id).map_err(refuse)?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&Ended { schema_version: 1, ended: id })?;
    } else {
        out.success(&format!("Session {id} is over"));
    }
    Ok(Exit::Usable)
}

/// `session list --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: &'a [Session],
}

/// `session end --json`.
#[derive(Serialize)]
struct Ended<'a> {
    schema_version: u32,
    ended: &'a str,
}

/// A card each for people, or one line of tab-separated fields for each session where
/// standard output is no terminal.
fn render(items: &[Session], now: Timestamp, terminal: &Terminal) -> String {
    if !terminal.streams.stdout {
        let line = |session: &Session| format!("{}\n", fields(session).join("\t"));
        return items.iter().map(line).collect();
    }
    let cards: Vec<String> = items.iter().map(|session| card(session, now, terminal)).collect();
    cards.join("\n")
}

/// Three lines or so: what it is, how it is used, and what to call it in `session end`.
fn card(session: &Session, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.data();
    let shown = |text: &str| paint.foreign(text, 80);
    let mut name = shown(&session.name);
    if let Some(host) = &session.reported_host {
        name.push_str(&format!(" on {}", shown(host)));
    }
    let mut facts = vec![kind(session.kind).to_owned()];
    facts.extend(session.address.as_deref().map(|address| format!("from {}", shown(address))));
    facts.push(match session.last_used_at {
        Some(then) => format!("used {}", words::ago(then, now)),
        None => format!("signed in {}", words::ago(session.created_at, now)),
    });
    let indented = |text: &str| layout::wrap(text, terminal.width, "  ", "  ");
    let this = if session.current { "  this one" } else { "" };
    let name = layout::wrap(&name, terminal.width.saturating_sub(this.len()), "", "");
    let (name, this) = (paint.strong(&name), paint.good(this));
    let id = paint.faint(&indented(&shown(&session.id)));
    let tried = session.copy_tried.as_ref().map(|tried| {
        let from = tried.address.as_deref().map(shown).unwrap_or_else(|| "somewhere".to_owned());
        let text = format!(
            "a copy of it was tried from {from} {}, and refused",
            words::ago(tried.at, now)
        );
        format!("{}\n", paint.warning(&indented(&text)))
    });
    let tried = tried.unwrap_or_default();
    format!("{name}{this}\n{}\n{tried}{id}\n", indented(&facts.join(", ")))
}

/// For `cut` and `awk`: id, kind, name, host, address, created, last used, current.
fn fields(session: &Session) -> [String; 8] {
    let shown = |text: &str| hallpass_core::text::presentable(text, 320);
    let optional = |text: &Option<String>| text.as_deref().map(shown).unwrap_or_default();
    [
        shown(&session.id),
        kind(session.kind).to_owned(),
        shown(&session.name),
        optional(&session.reported_host),
        optional(&session.address),
        session.created_at.to_rfc3339(),
        session.last_used_at.map(Timestamp::to_rfc3339).unwrap_or_default(),
        if session.current { "current" } else { "" }.to_owned(),
    ]
}

const fn kind(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Browser => "browser",
        SessionKind::Program => "program",
        SessionKind::Device => "device",
    }
}

#[cfg(test)]
mod tests {
    use hallpass_core::wire::api::CopyTried;

    use super::*;
    use crate::testing::Town;

    fn sessions() -> Vec<Session> {
        let at = |secs: i64| Timestamp::from_secs(1_795_351_000 + secs);
        vec![
            Session {
                id: "grt_01JD2XW6S7Y8Z9ABCDEFGHJKMN".into(),
                kind: SessionKind::Device,
                name: "hallpass".into(),
                reported_host: Some("laptop-7".into()),
                address: Some("192.0.2.7".into()),
                created_at: at(0),
                last_used_at: Some(at(290)),
                current: true,
                bound: true,
                copy_tried: Some(CopyTried { at: at(180), address: Some("203.0.113.7".into()) }),
            },
            Session {
                id: "ses_01JD2XW6S7Y8Z9ABCDEFGHJKMP".into(),
                kind: SessionKind::Browser,
                name: "Firefox\u{1b}[2J on Linux".into(),
                reported_host: None,
                address: Some("2001:db8::7".into()),
                created_at: at(-90_000),
                last_used_at: None,
                current: false,
                bound: false,
                copy_tried: None,
            },
        ]
    }

    fn shown(columns: u16) -> String {
        let terminal = Town::new().columns(columns).terminal();
        render(&sessions(), Timestamp::from_secs(1_795_351_300), &terminal)
    }

    #[test]
    fn people_get_a_card_for_each() {
        insta::assert_snapshot!(shown(80), @"
        hallpass on laptop-7  this one
          device, from 192.0.2.7, used just now
          a copy of it was tried from 203.0.113.7 2 minutes ago, and refused
          grt_01JD2XW6S7Y8Z9ABCDEFGHJKMN

        Firefox on Linux
          browser, from 2001:db8::7, signed in 1 day 1 hour ago
          ses_01JD2XW6S7Y8Z9ABCDEFGHJKMP
        ");
        insta::assert_snapshot!(shown(40), @"
        hallpass on laptop-7  this one
          device, from 192.0.2.7, used just now
          a copy of it was tried from
          203.0.113.7 2 minutes ago, and refused
          grt_01JD2XW6S7Y8Z9ABCDEFGHJKMN

        Firefox on Linux
          browser, from 2001:db8::7, signed in 1
          day 1 hour ago
          ses_01JD2XW6S7Y8Z9ABCDEFGHJKMP
        ");
    }

    // proves: attack-33
    #[test]
    fn programs_get_one_line_of_tabs_each() {
        let terminal = Town::new().piped().terminal();
        let text = render(&sessions(), Timestamp::from_secs(0), &terminal);
        assert!(text.lines().all(|line| line.split('\t').count() == 8), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
