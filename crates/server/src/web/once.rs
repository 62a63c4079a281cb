//! Forms that act once: sent again, by a reload or the back button, they do nothing.
//!
//! For a form that makes something, because the answer shows a secret and can be asked
//! for again. Which forms were sent is kept in memory; a form from before a restart is
//! refused, because nobody knows any more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hallpass_core::token::TokenText;
use hallpass_core::{Clock, Random, Timestamp};

/// Longer than a form's other token is good (`hallpass_issuer`, `csrf`).
const KEPT: Duration = Duration::from_secs(9 * 3600);
/// Looked through for what is over, at most so often.
const SWEEP: usize = 1024;

/// Which forms were sent.
#[derive(Debug)]
pub(crate) struct Once {
    /// Tells this process from those before it.
    process: String,
    sent: Mutex<HashMap<String, Timestamp>>,
}

impl Once {
    pub(crate) fn new(random: &dyn Random) -> Self {
        Self { process: word(random), sent: Mutex::default() }
    }

    /// A word for a fresh form, to be bound to it (`csrf`) and sent with it.
    pub(super) fn word(&self, random: &dyn Random) -> String {
        format!("{}.{}", self.process, word(random))
    }

    /// Whether a form with this word could still act.
    pub(super) fn is_of_now(&self, word: &str) -> bool {
        word.split_once('.').is_some_and(|(process, _)| process == self.process)
    }

    /// Takes the one time that the form may act; `false` if it was taken before. Only
    /// for words that a form of ours is known to carry.
    pub(super) fn take(&self, word: &str, clock: &dyn Clock) -> bool {
        let now = clock.now();
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() % SWEEP == SWEEP - 1 {
            sent.retain(|_, at| now.since(*at) < KEPT);
        }
        sent.insert(word.to_owned(), now).is_none()
    }

    /// It is known that the form changed nothing: it may be sent again.
    pub(super) fn give_back(&self, word: &str) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).remove(word);
    }
}

fn word(random: &dyn Random) -> String {
    TokenText::mint_with_prefix("", random).expose().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{SystemClock, SystemRandom};

    #[test]
    fn a_form_acts_once_and_not_after_a_restart() {
        let once = Once::new(&SystemRandom);
        let (form, other) = (once.word(&SystemRandom), once.word(&SystemRandom));
        assert!(once.is_of_now(&form) && once.take(&form, &SystemClock));
        assert!(!once.take(&form, &SystemClock));
        once.give_back(&form);
        assert!(once.take(&form, &SystemClock));
        assert!(once.take(&other, &SystemClock));
        assert!(!Once::new(&SystemRandom).is_of_now(&form));
        assert!(!once.is_of_now("") && !once.is_of_now("x.y"));
    }
}
