//! What the pages about tokens show: one struct for each template of `templates/tokens/`.

use askama::Template;

use super::super::shown::Shown;
use super::super::views::{Frame, Notice, Place};
use super::desk::Sign;
use super::expiry::Expiry;
use super::narrowing::Narrowing;

/// The colour of a badge, and its words.
type Badge = (&'static str, String);

/// How a token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) enum Fate {
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
    pub(in crate::web) fn word(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Near(_) => "near",
            Self::Rotated(_) => "rotated",
            Self::Leaked(..) => "leaked",
        }
    }

    pub(in crate::web) fn is_rotated(&self) -> bool {
        matches!(self, Self::Rotated(_))
    }

    pub(in crate::web) fn is_leaked(&self) -> bool {
        matches!(self, Self::Leaked(..))
    }

    /// What is said of an old text beside its successor.
    pub(in crate::web) fn good_until(&self) -> String {
        match self {
            Self::Rotated(day) => format!("works until {day}"),
            _ => "still works".to_owned(),
        }
    }
}

/// One token, in the list or on its own page.
#[derive(Clone, Debug)]
pub(in crate::web) struct Line {
    pub(in crate::web) id: String,
    pub(in crate::web) name: Shown,
    /// `hp_user_…x7Qa`.
    pub(in crate::web) text: String,
    /// `everything that you may do, except make tokens`.
    pub(in crate::web) may: Shown,
    pub(in crate::web) created_at: String,
    pub(in crate::web) created: String,
    /// Whoever made it, if that was not its owner.
    pub(in crate::web) made_by: Option<Shown>,
    /// What somebody else did with it last.
    pub(in crate::web) changed: Option<String>,
    /// `last used 2 hours ago from 203.0.113.9`, `never used`.
    pub(in crate::web) used: String,
    /// `Ends on 18 April 2026.`
    pub(in crate::web) ends: Option<String>,
    /// Of a token that was rotated: whether the old text is still used.
    pub(in crate::web) still: String,
    pub(in crate::web) fate: Fate,
    /// Those that it took over from and that still work.
    pub(in crate::web) old: Vec<Line>,
}

impl Line {
    /// What must not be overlooked.
    pub(in crate::web) fn badge(&self) -> Option<Badge> {
        match &self.fate {
            Fate::Good => None,
            Fate::Near(left) => Some(("caution", format!("Ends in {left}"))),
            Fate::Rotated(_) => Some(("quiet", "Old text".to_owned())),
            Fate::Leaked(..) => Some(("problem", "Leaked, revoked".to_owned())),
        }
    }

    /// When it was reported, for programs and for people.
    pub(in crate::web) fn leaked(&self) -> Option<(&str, &str)> {
        match &self.fate {
            Fate::Leaked(at, day) => Some((at, day)),
            _ => None,
        }
    }
}

/// A token that somebody else revoked.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) name: Shown,
    pub(super) text: String,
    pub(super) by: Shown,
    pub(super) at: String,
    pub(super) day: String,
}

/// Which tokens are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Filter {
    /// All.
    #[default]
    All,
    /// Those that end soon.
    Ending,
    /// Those that nobody uses.
    Idle,
}

impl Filter {
    /// All of them: in an address, and for people.
    pub(super) const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::All, "", "All"),
        (Self::Ending, "ending", "Ending soon"),
        (Self::Idle, "idle", "Not used for 90 days"),
    ];

    /// As in an address; what is not known is all.
    pub(super) fn read(text: &str) -> Self {
        let known = Self::ALL.into_iter().find(|(_, word, _)| *word == text);
        known.map_or(Self::All, |(filter, ..)| filter)
    }

    pub(super) fn word(self) -> &'static str {
        let known = Self::ALL.into_iter().find(|(filter, ..)| *filter == self);
        known.map_or("", |(_, word, _)| word)
    }
}

/// A filter that can be chosen.
#[derive(Clone, Debug)]
pub(super) struct Choosable {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) chosen: bool,
}

/// The list.
#[derive(Template)]
#[template(path = "tokens/list.html")]
pub(super) struct List {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) notice: Option<Notice>,
    pub(super) sign: Sign,
    pub(super) tokens: Vec<Line>,
    /// What others revoked lately.
    pub(super) gone: Vec<Gone>,
    /// Projects of theirs with tokens of an older system.
    pub(super) older: Vec<Place>,
    pub(super) filter: Filter,
    pub(super) filters: Vec<Choosable>,
    /// What names are searched for; may be empty.
    pub(super) search: Shown,
    /// Where older ones are.
    pub(super) more: Option<String>,
    /// Where the newest ones are.
    pub(super) first: String,
    /// This is not the first page.
    pub(super) further: bool,
    pub(super) create_command: Option<String>,
}

impl List {
    /// Fewer than this many are found by looking.
    const MANY: usize = 10;

    fn none_at_all(&self) -> bool {
        self.tokens.is_empty() && !self.narrowed() && self.more.is_none() && !self.further
    }

    /// Not all of them are looked for.
    fn narrowed(&self) -> bool {
        !self.search.is_empty() || self.filter != Filter::All
    }

    fn searchable(&self) -> bool {
        self.narrowed() || self.more.is_some() || self.further || self.tokens.len() >= Self::MANY
    }
}

/// The form that makes one.
#[derive(Template)]
#[template(path = "tokens/new.html")]
pub(super) struct New {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) sign: Sign,
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
    pub(super) heading: String,
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
    /// Where to go on.
    pub(super) next: String,
    pub(super) sign: Sign,
}

/// One token.
#[derive(Template)]
#[template(path = "tokens/one.html")]
pub(super) struct One {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) sign: Sign,
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
