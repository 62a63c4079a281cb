//! The one place of this crate where time and chance come from the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use hallpass_core::{Clock, Random, Timestamp};
use hallpass_verdict::lease::{BootClock, BootTime};
use rustix::time::{ClockId, clock_gettime};

/// The wall clock: until when a credential is good.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock of a guard")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The clock of leases, which goes on while the process is stopped and the machine sleeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UptimeClock;

/// Elsewhere the monotonic clock is the one that goes on.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UPTIME: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const UPTIME: ClockId = ClockId::Monotonic;

impl BootClock for UptimeClock {
    fn now(&self) -> BootTime {
        let now = clock_gettime(UPTIME);
        let whole = u64::try_from(now.tv_sec).unwrap_or_default().saturating_mul(1_000_000_000);
        BootTime::from_nanos(whole.saturating_add(u64::try_from(now.tv_nsec).unwrap_or_default()))
    }
}

/// The operating system's randomness: a guard's name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the Random of a guard")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has no randomness; nothing is safe");
    }
}
