//! What goes wrong, and how it is said: a clear error with one next step and the right
//! status; nothing lost, no stack trace, no secret.
//!
//! | module | what |
//! |---|---|
//! | [`requests`] | malformed, oversized and slow requests |
//! | [`starting`] | what keeps a server from starting |
//! | [`storage`] | a locked, full, damaged or older database |
//! | [`clocks`] | a wall clock that jumps |

mod clocks;
mod requests;
mod starting;
mod storage;

use hallpass_testkit::process::Finished;

/// The process refused with this exit code, and what it said is for people.
#[track_caller]
fn refused(finished: &Finished, code: i32, mentions: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    is_for_people(&finished.stderr);
    for mention in mentions {
        assert!(finished.stderr.contains(mention), "no {mention:?} in {:?}", finished.stderr);
    }
    assert!(finished.stderr.lines().count() <= 4, "one error, one next step: {}", finished.stderr);
}

/// No stack trace, no Debug output, no source position.
#[track_caller]
fn is_for_people(text: &str) {
    for trace in [
        "panicked",
        "RUST_BACKTRACE",
        "stack backtrace",
        ".rs:",
        "Error {",
        "Some(",
        "unwrap()",
        "Os {",
    ] {
        assert!(!text.contains(trace), "{trace:?} in {text:?}");
    }
}
