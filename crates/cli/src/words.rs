//! Spans of time and paths, in words.

use std::path::Path;
use std::time::Duration;

use hallpass_client::TokenKind;
use hallpass_client::vault::Place;
use hallpass_core::Timestamp;

/// For how long a text that was rotated is really good: it ends when it would have ended anyway.
pub fn left(overlap: Duration, ends: Option<Timestamp>, now: Timestamp) -> Duration {
    ends.map_or(overlap, |end| overlap.min(end.since(now)))
}

/// A span to one or two units: `9 minutes`, `1 hour 5 minutes`, `3 days`.
pub fn duration(span: Duration) -> String {
    let secs = seconds(span);
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => count(secs, "second"),
        (0, 0, minutes) => count(minutes, "minute"),
        (0, hours, 0) => count(hours, "hour"),
        (0, hours, minutes) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
        // The nearest: what was made for 90 days a moment ago does not end in 89.
        (7.., ..) => count((secs + 43_200) / 86_400, "day"),
        (days, 0, _) => count(days, "day"),
        (days, hours, _) => format!("{} {}", count(days, "day"), count(hours, "hour")),
    }
}

/// `4 minutes ago`, to within the minute that the server knows.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let span = now.since(then);
    if span.as_secs() < 60 { "just now".to_owned() } else { format!("{} ago", duration(span)) }
}

/// `in 29 days`, or that it ended.
pub fn ends(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("in {}", duration(at.since(now)))
    } else {
        format!("ended {}", ago(at, now))
    }
}

/// What a token is.
pub const fn token(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Personal => "personal token",
        TokenKind::Legacy => "token of an older kind",
        TokenKind::ProjectKey => "key of a project",
        TokenKind::OrgKey => "key of an organization",
        TokenKind::Pass => "pass of a job",
        TokenKind::Jwt => "access token",
        TokenKind::Other => "of a kind that is not known here",
    }
}

/// `text` as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A span as a clock that runs down: `9:58`, `1:00:05`.
pub fn countdown(left: Duration) -> String {
    let secs = seconds(left);
    let (hours, minutes, secs) = (secs / 3_600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

/// Whole seconds, rounded up: a code that was good for 600 s when the request left is
/// not said to be good for 599, and nothing is over before it is.
pub fn seconds(span: Duration) -> u64 {
    span.as_secs().saturating_add(u64::from(span.subsec_nanos() > 0))
}

/// `path` with `~` for the home directory.
pub fn path(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~{}{}", std::path::MAIN_SEPARATOR, rest.display()),
        None => path.display().to_string(),
    }
}

/// Where sign-ins are kept.
pub fn place(place: &Place, home: Option<&Path>) -> String {
    let file = path(&place.path, home);
    match (place.kind, place.keyring) {
        ("none", _) => "memory only".to_owned(),
        ("keyring", Some(keyring)) => format!("the system keyring ({keyring}); the rest in {file}"),
        (_, Some(keyring)) => {
            format!("{file}, sealed with a key in the system keyring ({keyring})")
        }
        _ => file,
    }
}

fn count(n: u64, unit: &str) -> String {
    if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_one_or_two_units() {
        for (secs, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (600, "10 minutes"),
            (3_600, "1 hour"),
            (3_660, "1 hour 1 minute"),
            (86_400, "1 day"),
            (90_000, "1 day 1 hour"),
            (8 * 86_400 + 3_600, "8 days"),
        ] {
            assert_eq!(duration(Duration::from_secs(secs)), said);
        }
        assert_eq!(duration(Duration::from_millis(599_950)), "10 minutes");
        assert_eq!(duration(Duration::from_secs(90 * 86_400 - 60)), "90 days");
        assert_eq!(duration(Duration::from_secs(7 * 86_400 + 3_600)), "7 days");
        assert_eq!(duration(Duration::from_secs(7 * 86_400 - 60)), "6 days 23 hours");
    }

    #[test]
    fn a_word_of_a_shell_stays_one() {
        assert_eq!(quoted("acme/site-1"), "acme/site-1");
        assert_eq!(quoted("my laptop"), "'my laptop'");
        assert_eq!(quoted("ada's; rm -rf ~"), r"'ada'\''s; rm -rf ~'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_countdown_starts_full_and_ends_at_zero() {
        assert_eq!(countdown(Duration::from_secs(600)), "10:00");
        assert_eq!(countdown(Duration::from_millis(599_001)), "10:00");
        assert_eq!(countdown(Duration::from_secs(3_605)), "1:00:05");
        assert_eq!(countdown(Duration::ZERO), "0:00");
    }

    #[test]
    fn home_is_a_tilde() {
        let home = Path::new("/home/ada");
        assert_eq!(path(Path::new("/home/ada/.config/x"), Some(home)), "~/.config/x");
        assert_eq!(path(Path::new("/home/adam/x"), Some(home)), "/home/adam/x");
        assert_eq!(path(Path::new("/x"), None), "/x");
    }
}
