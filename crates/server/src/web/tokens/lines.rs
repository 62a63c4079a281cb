//! A token as a person reads it.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::brand::Brand;
use hallpass_core::wire::tokens::Token;

use super::super::shown::Shown;
use super::super::when;
use super::narrowing;
use super::others::Others;
use super::views::{Fate, Line};
use crate::app::App;

/// A token that ends within this time is pointed at.
const NEAR: Duration = Duration::from_secs(14 * 86_400);

/// Who reads them, and when.
pub(super) struct Reader<'a> {
    pub(super) brand: &'a Brand,
    /// `you`, or `they`.
    pub(super) you: &'static str,
    pub(super) others: &'a Others,
    pub(super) now: Timestamp,
}

/// Credentials of no person, each old text with its successor.
pub(in crate::web) fn of(app: &App, tokens: &[Token]) -> Vec<Line> {
    let (brand, now) = (app.brand(), app.clock().now());
    all(&Reader { brand, you: "they", others: &Others::default(), now }, tokens)
}

/// The tokens of a page, each old text with its successor if that is there too.
pub(super) fn all(reader: &Reader<'_>, tokens: &[Token]) -> Vec<Line> {
    let now = reader.now;
    let successor =
        |old: &Token| tokens.iter().find(|token| token.rotated_from.as_deref() == Some(&old.id));
    let (beside, own): (Vec<_>, Vec<_>) =
        tokens.iter().partition(|it| it.overlap_until.is_some() && successor(it).is_some());
    let mut lines: Vec<_> = own.into_iter().map(|token| one(reader, token)).collect();
    for old in beside {
        let Some(new) = successor(old) else { continue };
        let still = still(old, Some(new.created_at), now);
        let line = Line { still, ..one(reader, old) };
        if let Some(place) = lines.iter_mut().find(|line| line.id == new.id) {
            place.old.push(line);
        }
    }
    lines
}

/// One token by itself.
pub(super) fn one(reader: &Reader<'_>, token: &Token) -> Line {
    let Reader { brand, you, others, now } = *reader;
    Line {
        id: token.id.clone(),
        name: Shown::new(&token.name),
        text: format!("{}…{}", token.prefix, token.last_four),
        may: narrowing::summary(brand, you, token.scope.as_ref(), &token.projects),
        created_at: token.created_at.to_rfc3339(),
        created: when::ago(now.since(token.created_at)),
        made_by: token.created_by.as_deref().map(|by| others.who(by)),
        changed: others.change(&token.id, now),
        used: used(token, now),
        ends: ends(token),
        still: still(token, None, now),
        fate: fate(token, now),
        old: Vec::new(),
    }
}

fn fate(token: &Token, now: Timestamp) -> Fate {
    if let Some(at) = token.leaked_at {
        return Fate::Leaked(at.to_rfc3339(), when::day(at));
    }
    if let Some(until) = token.overlap_until {
        return Fate::Rotated(when::day(until));
    }
    match token.expires_at {
        Some(end) if end.since(now) <= NEAR => Fate::Near(when::at_least(end.since(now))),
        _ => Fate::Good,
    }
}

/// Whether it ends soon, by itself or with its overlap.
pub(super) fn is_near(token: &Token, now: Timestamp) -> bool {
    let end = token.overlap_until.or(token.expires_at);
    token.leaked_at.is_none() && end.is_some_and(|end| end.since(now) <= NEAR)
}

/// `last used 2 hours ago from 203.0.113.9`.
fn used(token: &Token, now: Timestamp) -> String {
    let Some(at) = token.last_used_at else { return "never used".to_owned() };
    let ago = when::ago(now.since(at));
    match Shown::some(token.last_used_address.as_deref()) {
        Some(address) => format!("last used {ago} from {address}"),
        None => format!("last used {ago}"),
    }
}

/// Whether an old text is still used, given when its successor was made.
fn still(token: &Token, rotated: Option<Timestamp>, now: Timestamp) -> String {
    let last = used(token, now);
    match (token.last_used_at, rotated) {
        (Some(at), Some(rotated)) if at > rotated => format!("It is still used: {last}."),
        (_, Some(_)) => "Nothing has used it since it was rotated.".to_owned(),
        (None, None) => "It was never used.".to_owned(),
        (Some(_), None) => format!("It was {last}."),
    }
}

fn ends(token: &Token) -> Option<String> {
    match (token.overlap_until, token.expires_at) {
        (Some(until), _) => Some(format!("Works until {}.", when::day(until))),
        (None, Some(end)) => Some(format!("Ends on {}.", when::last_day(end))),
        (None, None) => None,
    }
}

/// When it ends, on its own page.
pub(in crate::web) fn end(token: &Token) -> String {
    match (token.overlap_until, token.expires_at) {
        (Some(until), _) => format!("{}; its successor goes on", when::moment(until)),
        (None, Some(end)) => when::moment(end),
        (None, None) => "Never by itself".to_owned(),
    }
}
