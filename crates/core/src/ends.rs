//! When something shall end, as a person says it: `30d`, `2027-01-31`, `never`.

use std::str::FromStr;
use std::time::Duration;

use crate::Timestamp;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// When something shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It does not end by itself.
    Never,
    /// So long after now.
    After(Duration),
    /// At this instant.
    At(Timestamp),
}

/// Why a text says no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// `m` is minutes to some and months to others, and both would be believed.
    #[error("m could be minutes or months; say hours or days, like 12h or 90d")]
    Ambiguous,
    /// Nothing that is understood.
    #[error("a length is a number and h, d, w or y, like 12h, 30d or 1y")]
    Span,
    /// Nothing that is understood.
    #[error("say 30d, a date like 2027-01-31, or never")]
    Ends,
}

impl Ends {
    /// The instant, if `now` is now; `None` is never.
    pub fn from(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::After(span) => Some(now + span),
            Self::At(at) => Some(at),
        }
    }
}

impl FromStr for Ends {
    type Err = BadTime;

    /// A day ends when it is over in UTC: what ends on 31 January is good on that day.
    fn from_str(text: &str) -> Result<Self, BadTime> {
        if text.eq_ignore_ascii_case("never") {
            return Ok(Self::Never);
        }
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && date.to_string() == text
        {
            let begins = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| BadTime::Ends)?;
            let begins = Timestamp::from_millis(begins.timestamp().as_millisecond());
            return Ok(Self::At(begins + Duration::from_secs(DAY)));
        }
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(Timestamp::from_millis(at.as_millisecond())));
        }
        match span(text) {
            Ok(span) => Ok(Self::After(span)),
            Err(BadTime::Ambiguous) => Err(BadTime::Ambiguous),
            Err(_) => Err(BadTime::Ends),
        }
    }
}

/// A length of time: `12h`, `30d`, `2w`, `1y` (365 days).
pub fn span(text: &str) -> Result<Duration, BadTime> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| BadTime::Span)?;
    let unit = match unit {
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        "y" => 365 * DAY,
        "m" => return Err(BadTime::Ambiguous),
        _ => return Err(BadTime::Span),
    };
    number.checked_mul(unit).map(Duration::from_secs).ok_or(BadTime::Span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> Result<Ends, BadTime> {
        text.parse()
    }

    #[test]
    fn lengths_dates_and_never_are_understood() {
        let days = |days| Ends::After(Duration::from_secs(days * DAY));
        for (text, meant) in [("30d", days(30)), ("2w", days(14)), ("1y", days(365))] {
            assert_eq!(ends(text), Ok(meant), "{text}");
        }
        assert_eq!(span("12h"), Ok(Duration::from_secs(12 * HOUR)));
        assert_eq!(ends("never"), Ok(Ends::Never));
        let end = |text: &str| ends(text).unwrap().from(Timestamp::from_secs(0)).unwrap();
        assert_eq!(end("2027-01-31").to_rfc3339(), "2027-02-01T00:00:00Z");
        assert_eq!(end("2027-01-31T12:00:00+02:00").to_rfc3339(), "2027-01-31T10:00:00Z");
        assert_eq!(end("1d").secs(), 86_400);
        assert_eq!(Ends::Never.from(Timestamp::from_secs(0)), None);
    }

    #[test]
    fn nothing_else_is() {
        for text in ["", "d", "30", "30 d", "-1d", "1.5d", "30days", "2027-13-01", "20270131", "é"]
        {
            assert_eq!(ends(text), Err(BadTime::Ends), "{text:?}");
            assert_eq!(span(text), Err(BadTime::Span), "{text:?}");
        }
        assert_eq!(ends("3m"), Err(BadTime::Ambiguous));
        assert_eq!(span(&format!("{}y", u64::MAX)), Err(BadTime::Span));
    }
}
