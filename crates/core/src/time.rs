//! Time as an argument.
//!
//! Stored as Unix milliseconds (`BIGINT`), spoken as seconds in OAuth and JWT,
//! and as RFC 3339 in UTC under `/api`.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From Unix milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From Unix seconds, as OAuth and JWT count.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Unix milliseconds, as stored.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Unix seconds, rounded down, as OAuth and JWT count.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// RFC 3339 in UTC, to the second: `2026-04-18T10:00:00Z`.
    pub fn to_rfc3339(self) -> String {
        self.civil().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// RFC 3339 in UTC, to the millisecond: `2026-04-18T10:00:00.123Z`.
    pub fn to_rfc3339_millis(self) -> String {
        self.civil().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    /// For people, in UTC: `2026-04-18 10:00:00 UTC`.
    pub fn to_human(self) -> String {
        self.civil().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    /// As HTTP writes dates (RFC 9110 §5.6.7): `Sat, 18 Apr 2026 10:00:00 GMT`.
    pub fn to_http_date(self) -> String {
        self.civil().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Reads RFC 3339, or a day (`2026-04-18`), which means its beginning in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = match text.len() {
            10 => format!("{text}T00:00:00Z").parse::<jiff::Timestamp>(),
            _ => text.parse(),
        };
        instant.ok().map(|instant| Self(instant.as_millisecond()))
    }

    fn civil(self) -> jiff::Timestamp {
        // An instant that no calendar holds is shown as the nearest one that it does.
        let nearest = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(nearest)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse::<jiff::Timestamp>()
            .map(|t| Timestamp(t.as_millisecond()))
            // The parser's own words would repeat what was sent.
            .map_err(|_| serde::de::Error::custom(BAD_TIME))
    }
}

/// What a time has to be; the last one is that of the calendar that reads it.
pub const BAD_TIME: &str =
    "a time is written like 2026-04-18T10:00:00Z, and is at the latest 9999-12-30T22:00:00Z";

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_rfc_3339_and_counts_in_seconds() {
        let t = Timestamp::from_secs(1_776_506_400);
        assert_eq!(t.to_rfc3339(), "2026-04-18T10:00:00Z");
        assert_eq!(t.to_human(), "2026-04-18 10:00:00 UTC");
        assert_eq!(serde_json::to_string(&t).unwrap(), "\"2026-04-18T10:00:00Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>("\"2026-04-18T10:00:00Z\"").unwrap(), t);
        assert_eq!(t.to_http_date(), "Sat, 18 Apr 2026 10:00:00 GMT");
        assert_eq!(Timestamp::parse("2026-04-18T12:00:00+02:00"), Some(t));
        assert_eq!(
            Timestamp::parse("2026-04-18").map(Timestamp::to_rfc3339).as_deref(),
            Some("2026-04-18T00:00:00Z")
        );
        assert_eq!(Timestamp::parse("2026-13-18").or(Timestamp::parse("soon")), None);
        assert_eq!(Timestamp::from_millis(-1).secs(), -1);
        let read = |text: &str| serde_json::from_str::<Timestamp>(&format!("\"{text}\""));
        assert!(read("9999-12-30T22:00:00Z").is_ok());
        for bad in ["9999-12-31T23:59:59Z", "soon", "2026-04-18"] {
            assert!(read(bad).unwrap_err().to_string().starts_with(BAD_TIME), "{bad}");
        }
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }

    #[test]
    fn absurd_instants_neither_panic_nor_wrap() {
        let far = Timestamp::from_millis(i64::MAX) + Duration::from_secs(9);
        assert_eq!(far.millis(), i64::MAX);
        assert!(far.to_rfc3339().starts_with("9999-"));
    }
}
