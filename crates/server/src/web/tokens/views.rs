//! What the pages about tokens show: one struct for each template of `templates/tokens/`.

use askama::Template;

use super::super::shown::Shown;
use super::super::views::{Frame, Notice};
use super::expiry::Expiry;
use super::narrowing::Narrowing;

/// The colour of a badge, and its words.
type Badge = (&'static str, String);

/// How a token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It works, and its end, if it has one, is far.
    Good,
    /// It ends soon: `5 days`.
    Near(String),
    /// It has a successor, and works until that day beside it.
    Rotated(String),
    /// It leaked and was revoked: when, for programs and for people.
    Leaked(String, String),
}

impl Fate {
    /// For the stylesheet and tests.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Near(_) => "near",
            Self::Rotated(_) => "rotated",
            Self::Leaked(..) => "leaked",
        }
    }

    pub(super) fn is_rotated(&self) -> bool {
        matches!(self, Self::Rotated(_))
    }

    pub(super) fn is_leaked(&self) -> bool {
        matches!(self, Self::Leaked(..))
    }

    /// What is said of an old text beside its successor.
    pub(super) fn good_until(&self) -> String {
        match self {
            Self::Rotated(day) => format!("works until {day}"),
            _ => "still works".to_owned(),
        }
    }
}

/// One token, in the list or on its own page.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) name: Shown,
    /// `hp_user_…x7Qa`.
    pub(super) text: String,
    /// `everything that you may do, except make tokens`.
    pub(super) may: Shown,
    pub(super) created_at: String,
    pub(super) created: String,
    /// Whoever made it, if that was not its owner.
    pub(super) made_by: Option<&'static str>,
    /// `last used 2 hours ago from 203.0.113.9`, `never used`.
    pub(super) used: String,
    /// `Ends on 18 April 2026.`
    pub(super) ends: Option<String>,
    /// Of a token that was rotated: whether the old text is still used.
    pub(super) still: String,
    pub(super) fate: Fate,
    /// Those that it took over from and that still work.
    pub(super) old: Vec<Line>,
}

impl Line {
    /// What must not be overlooked.
    fn badge(&self) -> Option<Badge> {
        match &self.fate {
            Fate::Good => None,
            Fate::Near(left) => Some(("caution", format!("Ends in {left}"))),
            Fate::Rotated(_) => Some(("quiet", "Old text".to_owned())),
            Fate::Leaked(..) => Some(("problem", "Leaked, revoked".to_owned())),
        }
    }

    /// When it was reported, for programs and for people.
    fn leaked(&self) -> Option<(&str, &str)> {
        match &self.fate {
            Fate::Leaked(at, day) => Some((at, day)),
            _ => None,
        }
    }
}

/// `/settings/tokens`.
#[derive(Template)]
#[template(path = "tokens/list.html")]
pub(super) struct List {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) notice: Option<Notice>,
    pub(super) tokens: Vec<Line>,
    /// What names are searched for; may be empty.
    pub(super) search: Shown,
    /// Where older ones are.
    pub(super) more: Option<String>,
    /// Where the newest ones are.
    pub(super) first: String,
    /// This is not the first page.
    pub(super) further: bool,
    pub(super) create_command: String,
}

impl List {
    /// Fewer than this many are found by looking.
    const MANY: usize = 10;

    fn none_at_all(&self) -> bool {
        self.tokens.is_empty() && self.search.is_empty() && self.more.is_none() && !self.further
    }

    fn searchable(&self) -> bool {
        !self.search.is_empty()
            || self.more.is_some()
            || self.further
            || self.tokens.len() >= Self::MANY
    }
}

/// `/settings/tokens/new`.
#[derive(Template)]
#[template(path = "tokens/new.html")]
pub(super) struct New {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) notice: Option<Notice>,
    pub(super) csrf: String,
    /// Makes the form act once.
    pub(super) once: String,
    pub(super) name: Shown,
    /// The name is what was wrong.
    pub(super) rejected: bool,
    pub(super) expiry: Expiry,
    pub(super) narrowing: Narrowing,
}

/// A token's text, this once: after making it, or rotating it.
#[derive(Template)]
#[template(path = "tokens/shown.html")]
pub(super) struct ShownOnce {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    /// Path of the script that adds a button.
    pub(super) script: String,
    /// For tests: `made`, `rotated`.
    pub(super) outcome: &'static str,
    pub(super) heading: &'static str,
    pub(super) name: Shown,
    /// The one place on any page where a token's text stands.
    pub(super) value: String,
    pub(super) may: Shown,
    pub(super) ends: String,
    /// What becomes of the old text.
    pub(super) old: Option<String>,
    /// `HALLPASS_TOKEN`.
    pub(super) variable: String,
    /// `hallpass`.
    pub(super) tool: String,
}

/// `/settings/tokens/{id}`.
#[derive(Template)]
#[template(path = "tokens/one.html")]
pub(super) struct One {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) notice: Option<Notice>,
    pub(super) csrf: String,
    pub(super) token: Line,
    pub(super) ends: String,
    /// The name was not taken.
    pub(super) rejected: bool,
    /// The end was not taken.
    pub(super) changing: bool,
    pub(super) expiry: Expiry,
}

impl One {
    /// How long the old text may go on working.
    fn overlaps(&self) -> [(&'static str, &'static str); 4] {
        super::one::OVERLAPS.map(|(value, label, _)| (value, label))
    }
}
