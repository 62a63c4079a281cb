//! Time for people: how long ago, how much longer, until when.

use std::time::Duration;

use hallpass_core::Timestamp;

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

/// `2026-04-18`, in UTC.
pub(super) fn date(at: Timestamp) -> String {
    at.to_rfc3339().split('T').next().unwrap_or_default().to_owned()
}

/// `18 April 2026`, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = date(at);
    let mut parts = date.rsplitn(3, '-');
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok());
    match (number(), number(), number()) {
        (Some(day), Some(month @ 1..=12), Some(year)) => {
            format!("{day} {} {year}", MONTHS[month - 1])
        }
        // A year before our era.
        _ => date,
    }
}

/// The last day of what ends at `end`: what ends at midnight is good on the day before.
pub(super) fn last_date(end: Timestamp) -> String {
    date(end - Duration::from_millis(1))
}

/// As [`last_date`], for people.
pub(super) fn last_day(end: Timestamp) -> String {
    day(end - Duration::from_millis(1))
}

/// When something ends, to the minute: `18 April 2026, 10:00 UTC`, and for midnight
/// `the end of 17 April 2026, UTC`.
pub(super) fn moment(end: Timestamp) -> String {
    let text = end.to_rfc3339();
    match text.split_once('T').and_then(|(_, time)| time.get(..5)) {
        Some("00:00") => format!("the end of {}, UTC", last_day(end)),
        Some(time) => format!("{}, {time} UTC", day(end)),
        None => text,
    }
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
    fn days_are_named_and_the_last_one_is_the_one_before_midnight() {
        let at = Timestamp::from_secs;
        assert_eq!(day(at(1_776_506_400)), "18 April 2026");
        assert_eq!(date(at(0)), "1970-01-01");
        assert_eq!(last_day(at(1_801_440_000)), "31 January 2027");
        assert_eq!(last_date(at(1_801_440_001)), "2027-02-01");
        assert_eq!(moment(at(1_776_506_400)), "18 April 2026, 10:00 UTC");
        assert_eq!(moment(at(1_801_440_000)), "the end of 31 January 2027, UTC");
        assert_eq!(day(Timestamp::from_millis(i64::MIN)), "-9999-01-02");
    }

    #[test]
    fn a_wait_is_never_too_short() {
        assert_eq!(wait(Duration::from_millis(300)), "1 second");
        assert_eq!(wait(Duration::from_secs(121)), "3 minutes");
        assert_eq!(wait(Duration::from_secs(7201)), "3 hours");
    }
}
