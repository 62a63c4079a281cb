//! The real clocks and the real randomness: the one place of this crate that asks
//! the operating system for them.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the one place; everything else takes them as arguments"
)]

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hallpass_core::{Clock, Random, Timestamp};

use crate::time::{Boot, Time};

/// The system's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTimes;

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Clock for SystemTimes {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::from_millis(0) + since,
            Err(before) => Timestamp::from_millis(0) - before.duration(),
        }
    }
}

impl Time for SystemTimes {
    fn monotonic(&self) -> Duration {
        // `Instant` stops while the machine sleeps, and codes do not wait for it.
        #[cfg(target_os = "linux")]
        return since_boot();
        #[cfg(all(unix, not(target_os = "linux")))]
        return read(rustix::time::ClockId::Monotonic);
        #[cfg(not(unix))]
        {
            static START: OnceLock<std::time::Instant> = OnceLock::new();
            START.get_or_init(std::time::Instant::now).elapsed()
        }
    }

    fn boot(&self) -> Option<Boot> {
        #[cfg(target_os = "linux")]
        return Some(Boot { id: boot_id()?, since: since_boot() });
        #[cfg(not(target_os = "linux"))]
        None
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    read(rustix::time::ClockId::Boottime)
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Duration {
    let now = rustix::time::clock_gettime(clock);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Names this boot and this time namespace: a container may have its own boot clock.
#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    static ID: OnceLock<Option<String>> = OnceLock::new();
    ID.get_or_init(|| {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = std::fs::read_link("/proc/self/ns/time")
            .ok()
            .and_then(|link| link.to_str().map(|name| format!(" {name}")))
            .unwrap_or_default();
        Some(format!("{}{namespace}", boot.trim()))
    })
    .clone()
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Going on with predictable bytes would be worse than stopping.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_forward_and_chance_differs() {
        let times = SystemTimes;
        let (first, second) = (times.monotonic(), times.monotonic());
        assert!(first <= second);
        if let (Some(a), Some(b)) = (times.boot(), times.boot()) {
            assert_eq!(a.id, b.id);
            assert!(a.since <= b.since);
        }
        let (mut a, mut b) = ([0; 32], [0; 32]);
        SystemRandom.fill(&mut a);
        SystemRandom.fill(&mut b);
        assert_ne!(a, b);
    }
}
