//! `token list`: what there is, what ends soon, what nobody uses.

use clap::{Arg, ArgMatches, Command};
use hallpass_client::tokens::SOON;
use hallpass_core::Timestamp;
use hallpass_core::wire::tokens::Token;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::change::{session, text_of};
use super::refused::{Asked, refused};
use crate::arguments::Globals;
use crate::commands::{retry, warn};
use crate::paint::Paint;
use crate::terminal::Terminal;
use crate::{Context, Exit, Failure, Output, layout, words};

/// Between columns.
const GAP: usize = 3;

pub(super) fn command() -> Command {
    Command::new("list").about("Every token of yours: when it ends, when it was used").arg(
        Arg::new("user")
            .long("user")
            .value_name("EMAIL")
            .help("Somebody else's, as an administrator"),
    )
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let user = matches.get_one::<String>("user").map(String::as_str);
    let session = session(cx, globals, "list")?;
    let items = session.tokens(user).map_err(|error| refused(&error, cx, globals, &Asked::List))?;
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, items: &items })?;
    } else if items.is_empty() {
        out.sentence("There are no tokens. One signs in a script, CI or a server:");
        let user = user.map(|user| format!(" --user {}", words::quoted(user)));
        let create = format!("token create NAME --expires 90d{}", user.unwrap_or_default());
        out.next(&retry(cx, globals, &create));
    } else {
        let text = render(&items, cx.clock.now(), &out.terminal);
        out.data(text.as_bytes())?;
    }
    Ok(Exit::Usable)
}

/// `token list --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: &'a [Token],
}

/// A table for people, or cards where the terminal is too narrow for one; one line of
/// tab-separated fields for each token where standard output is no terminal.
pub(in crate::commands) fn render(items: &[Token], now: Timestamp, terminal: &Terminal) -> String {
    if !terminal.streams.stdout {
        return items.iter().map(|token| format!("{}\n", fields(token).join("\t"))).collect();
    }
    let paint = terminal.data();
    let rows: Vec<Row> = items.iter().map(|token| Row::new(token, now, paint)).collect();
    table(&rows, terminal.width, paint).unwrap_or_else(|| cards(&rows, terminal.width, paint))
}

/// A token in words, not painted yet.
struct Row {
    name: String,
    ends: String,
    /// It ends within [`SOON`], or leaked.
    soon: bool,
    used: String,
    text: String,
    id: String,
    /// What it was narrowed to; empty if to nothing.
    only: String,
}

impl Row {
    fn new(token: &Token, now: Timestamp, paint: Paint) -> Self {
        let mut name = paint.foreign(&token.name, 80);
        if token.overlap_until.is_some() {
            name.push_str(" (old)");
        }
        let end = [token.expires_at, token.overlap_until].into_iter().flatten().min();
        let soon = end.is_some_and(|end| end <= now + SOON);
        let used = match (token.last_used_at, &token.last_used_address) {
            (Some(then), Some(address)) => {
                format!("{} from {}", words::ago(then, now), paint.foreign(address, 60))
            }
            (Some(then), None) => words::ago(then, now),
            (None, _) => "never".to_owned(),
        };
        let projects = (!token.projects.is_empty())
            .then(|| format!("only in {}", paint.foreign(&token.projects.join(", "), 1000)));
        let scope = token.scope.as_ref();
        let scope =
            scope.map(|scope| format!("only for {}", paint.foreign(&scope.to_string(), 1000)));
        let only: Vec<String> = projects.into_iter().chain(scope).collect();
        let ends = match (token.leaked_at, end) {
            (Some(at), _) => format!("leaked, revoked {}", words::ago(at, now)),
            (None, Some(end)) => words::ends(end, now),
            (None, None) => "never".to_owned(),
        };
        Self {
            name,
            ends,
            soon: soon || token.leaked_at.is_some(),
            used,
            text: paint.foreign(&text_of(token), 40),
            id: paint.foreign(&token.id, 60),
            only: only.join(", "),
        }
    }

    /// `!` besides the colour, for those who see none.
    fn marked_end(&self, paint: Paint) -> String {
        if self.soon { paint.warning(&format!("{} !", self.ends)) } else { self.ends.clone() }
    }

    fn end_width(&self) -> usize {
        self.ends.width() + if self.soon { 2 } else { 0 }
    }
}

/// `None` if it does not fit in `width` columns.
fn table(rows: &[Row], width: usize, paint: Paint) -> Option<String> {
    let widest = |title: &str, of: &dyn Fn(&Row) -> usize| {
        rows.iter().map(of).chain([title.width()]).max().unwrap_or(0)
    };
    let name = widest("NAME", &|row| row.name.width());
    let ends = widest("ENDS", &Row::end_width);
    let used = widest("LAST USED", &|row| row.used.width());
    let text = widest("TOKEN", &|row| row.text.width());
    if name + ends + used + text + 3 * GAP > width {
        return None;
    }
    let pad = |taken: usize, column: usize| " ".repeat(column - taken + GAP);
    let title = |title: &str, column: usize| format!("{title}{}", pad(title.width(), column));
    let head =
        format!("{}{}{}TOKEN", title("NAME", name), title("ENDS", ends), title("LAST USED", used));
    let mut table = format!("{}\n", paint.faint(&head));
    for row in rows {
        table.push_str(&paint.strong(&row.name));
        table.push_str(&pad(row.name.width(), name));
        table.push_str(&row.marked_end(paint));
        table.push_str(&pad(row.end_width(), ends));
        table.push_str(&row.used);
        table.push_str(&pad(row.used.width(), used));
        table.push_str(&row.text);
        table.push('\n');
        table.push_str(&details(row, width, paint));
    }
    Some(table)
}

/// What is too long for a column: the id, and what the token was narrowed to.
fn details(row: &Row, width: usize, paint: Paint) -> String {
    let text = match row.only.as_str() {
        "" => row.id.clone(),
        only => format!("{}, {only}", row.id),
    };
    let wrapped = layout::wrap(&text, width, "  ", "  ");
    wrapped.lines().map(|line| format!("{}\n", paint.faint(line))).collect()
}

fn cards(rows: &[Row], width: usize, paint: Paint) -> String {
    let card = |row: &Row| {
        let name = layout::wrap(&row.name, width, "", "");
        let ends = match row.ends.as_str() {
            "never" => "never ends".to_owned(),
            ends if ends.starts_with("in ") => format!("ends {ends}"),
            ended => ended.to_owned(),
        };
        let ends = layout::wrap(&ends, width.saturating_sub(2), "  ", "  ");
        let ends = if row.soon { paint.warning(&format!("{ends} !")) } else { ends };
        let used = match row.used.as_str() {
            "never" => "never used".to_owned(),
            used => format!("used {used}"),
        };
        let facts = layout::wrap(&format!("{}, {used}", row.text), width, "  ", "  ");
        format!("{}\n{ends}\n{facts}\n{}", paint.strong(&name), details(row, width, paint))
    };
    rows.iter().map(card).collect::<Vec<_>>().join("\n")
}

/// For `cut` and `awk`: id, name, token, end, last used, from where, made, good until beside
/// its successor, scope, projects, leaked.
fn fields(token: &Token) -> [String; 11] {
    let shown = |text: &str| hallpass_core::text::presentable(text, 320);
    let time = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339).unwrap_or_default();
    [
        shown(&token.id),
        shown(&token.name),
        shown(&format!("{}...{}", token.prefix, token.last_four)),
        time(token.expires_at),
        time(token.last_used_at),
        token.last_used_address.as_deref().map(shown).unwrap_or_default(),
        time(Some(token.created_at)),
        time(token.overlap_until),
        token.scope.as_ref().map(|scope| shown(&scope.to_string())).unwrap_or_default(),
        shown(&token.projects.join(" ")),
        time(token.leaked_at),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Town;

    fn token(id: &str, name: &str, more: Value) -> Token {
        let mut token = json!({
            "id": id, "name": name, "prefix": "hp_user_", "last_four": "urKA",
            "created_at": "2026-11-01T00:00:00Z",
        });
        for (key, value) in more.as_object().unwrap() {
            token[key] = value.clone();
        }
        serde_json::from_value(token).unwrap()
    }

    fn tokens() -> Vec<Token> {
        vec![
            token(
                "tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN",
                "ci",
                json!({
                    "expires_at": "2026-12-22T12:40:00Z",
                    "last_used_at": "2026-11-22T12:36:00Z", "last_used_address": "192.0.2.7",
                }),
            ),
            token(
                "tok_01JD2XW6S7Y8Z9ABCDEFGHJKMP",
                "de\u{1b}[2Jploy",
                json!({
                    "expires_at": "2026-11-25T12:40:00Z", "scope": "account project:read",
                    "projects": ["acme/site", "acme/blog"],
                }),
            ),
            token(
                "tok_01JD2XW6S7Y8Z9ABCDEFGHJKMQ",
                "ci",
                json!({ "overlap_until": "2026-11-29T12:40:00Z", "last_used_at": "2026-11-22T12:40:00Z" }),
            ),
            token("tok_01JD2XW6S7Y8Z9ABCDEFGHJKMR", "backup", json!({})),
            token(
                "tok_01JD2XW6S7Y8Z9ABCDEFGHJKMS",
                "old",
                json!({ "leaked_at": "2026-11-22T12:00:00Z" }),
            ),
        ]
    }

    fn shown(columns: u16) -> String {
        let town = Town::new().columns(columns);
        let text = town.with(|cx| render(&tokens(), cx.clock.now(), &town.terminal()));
        let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
        assert!(widest <= usize::from(columns), "{text}");
        text
    }

    // proves: attack-33
    #[test]
    fn people_get_a_table_or_cards() {
        insta::assert_snapshot!(shown(96), @"
        NAME       ENDS                               LAST USED                      TOKEN
        ci         in 30 days                         4 minutes ago from 192.0.2.7   hp_user_…urKA
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN
        deploy     in 3 days !                        never                          hp_user_…urKA
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMP, only in acme/site, acme/blog, only for account project:read
        ci (old)   in 7 days !                        just now                       hp_user_…urKA
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMQ
        backup     never                              never                          hp_user_…urKA
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMR
        old        leaked, revoked 40 minutes ago !   never                          hp_user_…urKA
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMS
        ");
        insta::assert_snapshot!(shown(40), @"
        ci
          ends in 30 days
          hp_user_…urKA, used 4 minutes ago from
          192.0.2.7
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMN

        deploy
          ends in 3 days !
          hp_user_…urKA, never used
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMP, only
          in acme/site, acme/blog, only for
          account project:read

        ci (old)
          ends in 7 days !
          hp_user_…urKA, used just now
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMQ

        backup
          never ends
          hp_user_…urKA, never used
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMR

        old
          leaked, revoked 40 minutes ago !
          hp_user_…urKA, never used
          tok_01JD2XW6S7Y8Z9ABCDEFGHJKMS
        ");
    }

    #[test]
    fn programs_get_one_line_of_tabs_each() {
        let town = Town::new().piped();
        let text = town.with(|cx| render(&tokens(), cx.clock.now(), &town.terminal()));
        assert!(text.lines().all(|line| line.split('\t').count() == 11), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert_eq!(text.lines().count(), 5);
    }
}
