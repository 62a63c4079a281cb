//! Time for people: how long ago, how much longer, until when.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `just now`, `40 seconds ago`, `3 minutes ago`, `2 days ago`.
pub(super) fn ago(age: Duration) -> String {
    match age.as_secs() {
        0..5 => "just now".to_owned(),
        secs => format!("{} ago", rounded(secs)),
    }
}

/// `40 seconds`, `9 minutes`, `1 hour`: at least that long, never nothing.
pub(super) fn at_least(left: Duration) -> String {
    rounded(left.as_secs().max(1))
}

/// How long to wait, rounded up, so that trying again then works: `2 minutes`.
pub(super) fn wait(left: Duration) -> String {
    let secs = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let unit = match secs {
        0..120 => 1,
        120..7200 => MINUTE,
        _ => HOUR,
    };
    rounded(secs.max(1).div_ceil(unit) * unit)
}

fn rounded(secs: u64) -> String {
    let (count, unit) = match secs {
        0..120 => (secs, "second"),
        120..7200 => (secs / MINUTE, "minute"),
        7200..172_800 => (secs / HOUR, "hour"),
        _ => (secs / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_reads_as_people_say_it() {
        let secs = Duration::from_secs;
        assert_eq!(ago(secs(2)), "just now");
        assert_eq!(ago(secs(40)), "40 seconds ago");
        assert_eq!(ago(secs(119)), "119 seconds ago");
        assert_eq!(ago(secs(185)), "3 minutes ago");
        assert_eq!(ago(secs(3 * HOUR + 5)), "3 hours ago");
        assert_eq!(ago(secs(9 * DAY)), "9 days ago");
        assert_eq!(at_least(secs(0)), "1 second");
        assert_eq!(at_least(secs(599)), "9 minutes");
    }

    #[test]
    fn a_wait_is_never_too_short() {
        assert_eq!(wait(Duration::from_millis(300)), "1 second");
        assert_eq!(wait(Duration::from_secs(121)), "3 minutes");
        assert_eq!(wait(Duration::from_secs(7201)), "3 hours");
    }
}
