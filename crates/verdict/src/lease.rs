//! How long a guard may rely on what it was told: the lease, and the clock it is measured on.
//!
//! A guard in another process admits from memory only while its [`Lease`] is live. The lease
//! runs from *before* the renewal was sent, on CLOCK_BOOTTIME, which goes on while a process
//! is stopped or a machine sleeps. The server waits [`outlast`] from when it *answered*, on a
//! clock of its own; instants of two machines are never compared, only lengths, and 1 % and
//! 50 ms make up for clocks that do not run alike.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a lease is. A revocation that no guard acknowledges takes effect this much, and
/// a margin, later; a guard that cannot reach the server admits nothing from memory after it.
pub const LEASE: Duration = Duration::from_secs(2);

/// How long the server takes a lease to run that it has just granted.
pub const fn outlast(lease: Duration) -> Duration {
    let drift = Duration::from_nanos(lease.as_nanos() as u64 / 100);
    lease.saturating_add(drift).saturating_add(Duration::from_millis(50))
}

/// An instant of CLOCK_BOOTTIME, in nanoseconds since the machine started. It means nothing
/// on another machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(u64);

impl BootTime {
    /// From nanoseconds since the start of the machine.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start of the machine.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// This much later.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long it is from `now` until this; zero if it has passed.
    pub fn left(self, now: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(now.0))
    }
}

/// Says how long the machine has been up, sleep included.
pub trait BootClock: Send + Sync {
    /// Now.
    fn now(&self) -> BootTime;
}

/// A guard's lease. Before the first answer, and once it has run out, there is none.
///
/// Whoever decides reads the verdict first and this last: what was true under a lease that
/// is still live when the clock is read, was true when the decision began or later.
#[derive(Debug, Default)]
pub struct Lease {
    until: AtomicU64,
}

impl Lease {
    /// No lease.
    pub const fn none() -> Self {
        Self { until: AtomicU64::new(0) }
    }

    /// An answer has come to the renewal that was sent at `sent`, and everything in it has
    /// been applied. A lease never gets shorter by it.
    pub fn renew(&self, sent: BootTime, length: Duration) {
        self.until.fetch_max(sent.after(length).0, Ordering::AcqRel);
    }

    /// Whether it is live at `now`.
    pub fn is_live(&self, now: BootTime) -> bool {
        now.0 < self.until.load(Ordering::Acquire)
    }

    /// It is given up: from now on nothing is admitted from memory.
    pub fn give_up(&self) {
        self.until.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> BootTime {
        BootTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_lease_runs_from_before_the_request_and_never_gets_shorter() {
        let lease = Lease::none();
        assert!(!lease.is_live(BootTime::default()));
        lease.renew(ms(100), LEASE);
        assert!(lease.is_live(ms(2_099)) && !lease.is_live(ms(2_100)));
        lease.renew(ms(50), LEASE);
        assert!(lease.is_live(ms(2_099)));
        lease.give_up();
        assert!(!lease.is_live(ms(101)));
    }

    #[test]
    fn the_server_waits_longer_than_any_guard_relies_on_it() {
        assert_eq!(outlast(LEASE), Duration::from_millis(2_070));
        // A guard whose clock runs 1 % slow takes this long over its lease.
        assert!(outlast(LEASE) > LEASE.mul_f64(1.0 / 0.99));
    }
}
