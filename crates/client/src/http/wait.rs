//! Waiting: how long, and telling somebody that it takes long.
//!
//! A request blocks, so who tells of the wait is a thread of its own. There is one only for a
//! request that is sent, and only if somebody wants to hear of it.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::time::Time;

/// Longer than this nobody waits without wondering.
const LONG: Duration = Duration::from_secs(3);

/// An end for several requests together.
#[derive(Clone)]
pub(super) struct Limit {
    time: Arc<dyn Time>,
    /// On the monotonic clock.
    end: Duration,
}

impl Limit {
    pub(super) fn new(time: &Arc<dyn Time>, whole: Duration) -> Self {
        Self { time: Arc::clone(time), end: time.monotonic().saturating_add(whole) }
    }

    pub(super) fn left(&self) -> Duration {
        self.end.saturating_sub(self.time.monotonic())
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limit({:?} left)", self.left())
    }
}

/// Who is told what is waited for, each thing once.
#[derive(Clone, Default)]
pub(crate) struct Waits(Option<Arc<Told>>);

struct Told {
    tell: Box<dyn Fn(&str) + Send + Sync>,
    said: Mutex<Vec<String>>,
}

impl Waits {
    pub(crate) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Told { tell: Box::new(tell), said: Mutex::default() })))
    }

    /// Tells that `what` is waited for, if it takes long until the answer is dropped.
    pub(super) fn watch(&self, what: &str) -> Option<Sender<()>> {
        let told = Arc::clone(self.0.as_ref()?);
        let (over, rest) = channel();
        let what = what.to_owned();
        let watching = std::thread::Builder::new().spawn(move || {
            if rest.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
                told.say(&what);
            }
        });
        // Where there are no more threads, the request goes on and nobody is told.
        watching.ok().map(|_| over)
    }

    /// The same for a wait that looks again and again: `waited` is how long so far.
    pub(crate) fn so_far(&self, what: &str, waited: Duration) {
        if let Some(told) = self.0.as_ref().filter(|_| waited >= LONG) {
            told.say(what);
        }
    }
}

impl Told {
    fn say(&self, what: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !said.iter().any(|known| known == what) {
            said.push(what.to_owned());
            (self.tell)(what);
        }
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Waits(told)" } else { "Waits(silent)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_told_once_and_a_short_one_never() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let of_waits = Arc::clone(&said);
        let waits = Waits::new(move |what| of_waits.lock().unwrap().push(what.to_owned()));
        for (what, waited) in [("a", 0), ("a", 3), ("a", 9), ("b", 2), ("b", 4)] {
            waits.so_far(what, Duration::from_secs(waited));
        }
        drop(waits.watch("c"));
        assert_eq!(*said.lock().unwrap(), ["a", "b"]);
        assert!(Waits::default().watch("a").is_none(), "no thread where nobody listens");
    }
}
