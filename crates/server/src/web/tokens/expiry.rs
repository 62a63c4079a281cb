//! When a token shall end: what the form offers, and what came back.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::ends::Ends;
use hallpass_core::wire::params::Params;

use super::super::shown::Shown;
use super::super::when;

/// Days that the form offers.
const DAYS: [u64; 3] = [7, 30, 90];
/// What it offers first: long enough to be no nuisance, and it does end.
const USUAL: &str = "90d";
/// What it offers first for a successor.
const AGAIN: &str = "again";
const DAY: Duration = Duration::from_secs(86_400);

/// The question and its possible answers.
#[derive(Clone, Debug)]
pub(in crate::web) struct Expiry {
    pub(in crate::web) question: &'static str,
    pub(in crate::web) options: Vec<Answer>,
    /// For the field: nothing before it can be chosen.
    pub(in crate::web) today: String,
    /// What the field for a date holds.
    pub(in crate::web) date: Shown,
}

/// One possible answer.
#[derive(Clone, Debug)]
pub(in crate::web) struct Answer {
    pub(in crate::web) value: String,
    pub(in crate::web) label: String,
    /// The day on which that would be.
    pub(in crate::web) until: Option<String>,
    pub(in crate::web) chosen: bool,
}

/// Why no end could be made of a form; safe to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum BadEnd {
    /// Not one of the answers, or a date that no calendar has.
    NoDay,
    /// It would be over at once.
    Past,
}

impl Expiry {
    /// For a new token.
    pub(in crate::web) fn fresh(now: Timestamp) -> Self {
        Self::of(now, USUAL, Shown::default())
    }

    /// For the successor of a token: after as long a time as that one, if nothing else is chosen.
    pub(in crate::web) fn again(now: Timestamp) -> Self {
        Self::of_successor(now, AGAIN, Shown::default())
    }

    /// The same, as a person has filled it in.
    pub(in crate::web) fn typed_again(now: Timestamp, form: &Params) -> Self {
        let date = form.get("date").unwrap_or_default();
        Self::of_successor(now, form.get("expires").unwrap_or(AGAIN), Shown::typed(date))
    }

    fn of_successor(now: Timestamp, chosen: &str, date: Shown) -> Self {
        let (value, label) = (AGAIN.to_owned(), "After as long a time as the old one".to_owned());
        let mut it = Self::of(now, chosen, date);
        it.question = "When does the new text end?";
        it.options.insert(0, Answer { value, label, until: None, chosen: chosen == AGAIN });
        it
    }

    /// For a token that ends at `end`.
    pub(in crate::web) fn current(now: Timestamp, end: Option<Timestamp>) -> Self {
        match end {
            Some(end) => Self::of(now, "date", Shown::typed(&when::last_date(end))),
            None => Self::of(now, "never", Shown::default()),
        }
    }

    /// As a person has filled it in.
    pub(in crate::web) fn typed(now: Timestamp, form: &Params) -> Self {
        let typed = |name| form.get(name).unwrap_or_default();
        Self::of(now, typed("expires"), Shown::typed(typed("date")))
    }

    fn of(now: Timestamp, chosen: &str, date: Shown) -> Self {
        let mut options: Vec<_> = DAYS
            .map(|days| Answer {
                value: format!("{days}d"),
                label: format!("In {days} days"),
                until: Some(when::day(now + DAY * u32::try_from(days).unwrap_or(u32::MAX))),
                chosen: false,
            })
            .into();
        for (value, label) in [("never", "Never"), ("date", "On a date")] {
            let (value, label) = (value.to_owned(), label.to_owned());
            options.push(Answer { value, label, until: None, chosen: false });
        }
        for option in &mut options {
            option.chosen = option.value == chosen;
        }
        let question = "When does it end?";
        Self { question, options, today: when::date(now), date }
    }
}

/// The end that a form asks for; `None` is never.
pub(in crate::web) fn read(form: &Params, now: Timestamp) -> Result<Option<Timestamp>, BadEnd> {
    let chosen = match form.get("expires").unwrap_or_default() {
        "date" => form.get("date").unwrap_or_default(),
        chosen => chosen,
    };
    let ends: Ends = chosen.parse().map_err(|_| BadEnd::NoDay)?;
    match ends.from(now) {
        Some(end) if end <= now => Err(BadEnd::Past),
        end => Ok(end),
    }
}

/// The end of a successor; `None`: as it comes.
pub(in crate::web) fn read_again(
    form: &Params,
    now: Timestamp,
) -> Result<Option<Option<Timestamp>>, &'static str> {
    match form.get("expires").unwrap_or(AGAIN) {
        AGAIN => Ok(None),
        _ => read_end(form, now).map(Some),
    }
}

/// The end that a form asks for, or what to do about it.
pub(in crate::web) fn read_end(
    form: &Params,
    now: Timestamp,
) -> Result<Option<Timestamp>, &'static str> {
    read(form, now).map_err(BadEnd::next)
}

impl BadEnd {
    /// What to do about it.
    pub(in crate::web) fn next(self) -> &'static str {
        match self {
            Self::NoDay => "Choose when it ends; a date is a year, month and day: 2027-01-31.",
            Self::Past => "That day is over. Choose today or a later day.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(query: &str) -> Result<Option<String>, BadEnd> {
        let now = Timestamp::from_secs(1_776_506_400);
        let form = Params::parse(query.as_bytes()).expect("a form");
        read(&form, now).map(|end| end.map(Timestamp::to_rfc3339))
    }

    #[test]
    fn a_date_is_good_until_it_is_over() {
        let end = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(ends("expires=7d"), end("2026-04-25T10:00:00Z"));
        assert_eq!(ends("expires=date&date=2026-04-18"), end("2026-04-19T00:00:00Z"));
        assert_eq!(ends("expires=never&date=2026-04-18"), Ok(None));
        assert_eq!(ends("expires=date&date=2026-04-17"), Err(BadEnd::Past));
        for bad in ["", "expires=date", "expires=date&date=soon", "expires=x", "date=2027-01-01"] {
            assert_eq!(ends(bad), Err(BadEnd::NoDay), "{bad}");
        }
    }

    #[test]
    fn a_successor_has_another_end_only_if_one_is_chosen() {
        let now = Timestamp::from_secs(1_776_506_400);
        let read = |query: &str| read_again(&Params::parse(query.as_bytes()).expect("a form"), now);
        assert_eq!((read(""), read("expires=again")), (Ok(None), Ok(None)));
        assert_eq!(read("expires=never"), Ok(Some(None)));
        assert_eq!(read("expires=7d"), Ok(Some(Some(now + DAY * 7))));
        assert!(read("expires=x").is_err());
    }

    #[test]
    fn the_form_holds_what_was_chosen() {
        let now = Timestamp::from_secs(1_776_506_400);
        let chosen = |expiry: &Expiry| {
            let chosen: Vec<_> = expiry.options.iter().filter(|option| option.chosen).collect();
            chosen.iter().map(|option| option.value.clone()).collect::<Vec<_>>().join(" ")
        };
        let fresh = Expiry::fresh(now);
        assert_eq!(chosen(&fresh), "90d");
        assert_eq!(fresh.options[0].until.as_deref(), Some("25 April 2026"));
        // The day on which it still works, not the midnight at which it stops.
        let current = Expiry::current(now, Some(Timestamp::from_secs(1_776_556_800)));
        assert_eq!((chosen(&current), current.date.as_str()), ("date".to_owned(), "2026-04-18"));
        assert_eq!(chosen(&Expiry::current(now, None)), "never");
        assert_eq!(chosen(&Expiry::again(now)), "again");
        for (query, wanted) in [("", "again"), ("expires=date&date=2026-04-17", "date")] {
            let form = Params::parse(query.as_bytes()).expect("a form");
            assert_eq!(chosen(&Expiry::typed_again(now, &form)), wanted, "{query}");
        }
    }
}
