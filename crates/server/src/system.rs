//! The one place of this crate where time and chance come from the machine.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hallpass_core::{Clock, Random, Timestamp};
use hallpass_verdict::lease::{BootClock, BootTime};

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock of the server")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        let millis = match now.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp::from_millis(millis)
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the Random of the server")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has no randomness; nothing is safe");
    }
}

/// CLOCK_BOOTTIME, which goes on while the machine sleeps and nobody can set.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBootClock;

/// Elsewhere the monotonic clock is the one that goes on.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UPTIME: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const UPTIME: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

impl BootClock for SystemBootClock {
    fn now(&self) -> BootTime {
        let now = rustix::time::clock_gettime(UPTIME);
        let whole = u64::try_from(now.tv_sec).unwrap_or_default().saturating_mul(1_000_000_000);
        BootTime::from_nanos(whole.saturating_add(u64::try_from(now.tv_nsec).unwrap_or_default()))
    }
}

/// Measures how long something took, for metrics and logs only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "measuring, not deciding")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
