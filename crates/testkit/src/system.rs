//! The one place here that reads the real clock, chance and environment.
#![allow(clippy::disallowed_methods, reason = "the outermost crate of the tests")]

use std::time::{Instant, SystemTime};

use hallpass_core::{Clock, Random, Timestamp};

/// Monotonic time, for deadlines.
pub fn now() -> Instant {
    Instant::now()
}

/// A variable of the environment that the tests run in; empty counts as unset.
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// How often something is done: `fallback` in CI, any number by a variable.
pub fn count(name: &str, fallback: u32) -> u32 {
    match var(name) {
        Some(text) => {
            text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}"))
        }
        None => fallback,
    }
}

/// The seed of a random test: `HALLPASS_SEED`, or a new one. Print it.
pub fn seed() -> u64 {
    match var("HALLPASS_SEED") {
        Some(text) => text.parse().expect("HALLPASS_SEED must be a whole number"),
        None => u64::from_le_bytes(hallpass_core::chance::bytes(&RealRandom)),
    }
}

/// The wall clock.
#[derive(Clone, Copy, Debug)]
pub struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug)]
pub struct RealRandom;

impl Random for RealRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system's randomness");
    }
}
