//! Clocks and waiting, as an argument.
//!
//! Three clocks answer three questions. The wall clock says what to show. The
//! monotonic clock measures a wait, whatever happens to the wall clock meanwhile.
//! The boot clock lets one process write down when a token arrived and another
//! read how old it is, without either believing the wall clock (CLIENT J3).

use std::time::Duration;

use hallpass_core::Clock;

/// Everything about time that this crate needs.
pub trait Time: Clock {
    /// Time from a fixed point of this process. It only goes forward, and goes on
    /// while the machine sleeps where the system has such a clock.
    fn monotonic(&self) -> Duration;

    /// Which boot this is and how long it has lasted; `None` where the system has
    /// no clock that both survives sleep and is shared by all processes.
    fn boot(&self) -> Option<Boot>;

    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// A point on the boot clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Names this boot and this clock; points of different boots are not comparable.
    pub id: String,
    /// Time since the boot, sleep included.
    pub since: Duration,
}
