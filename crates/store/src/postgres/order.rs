//! Handing the effects of commits to whoever watches, in their order.
//!
//! Changes commit on many connections at once, and their answers arrive in any order. So each
//! takes its turn while it still holds its rows: of two changes of one row, or of two epochs,
//! the first has the earlier turn. Effects are handed over turn by turn, and a change is
//! answered once its own have been.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::watch::{Effect, Watch};

/// The turns that were taken and are not over.
#[derive(Default)]
pub(crate) struct Order {
    watch: Watch,
    turns: Arc<Mutex<Turns>>,
}

#[derive(Default)]
struct Turns {
    /// The turn that the next change takes.
    next: u64,
    /// The first turn whose effects were not handed over.
    first: u64,
    /// Later turns that are over already.
    over: BTreeMap<u64, Over>,
}

/// What is to be handed over when it is this turn's time, and who waits for it.
#[derive(Default)]
struct Over {
    effects: Vec<Effect>,
    waits: Option<oneshot::Sender<()>>,
}

/// A change's place in the order. Dropped when nothing was committed, or nobody can say.
pub(crate) struct Turn<'o> {
    order: &'o Order,
    number: Option<u64>,
}

impl Order {
    /// Who is handed the effects.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The next place.
    pub(crate) fn turn(&self) -> Turn<'_> {
        let mut turns = self.lock();
        let number = turns.next;
        turns.next += 1;
        Turn { order: self, number: Some(number) }
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn is over. Hands over whatever it held up.
    fn over(&self, number: u64, over: Over) {
        let mut turns = self.lock();
        turns.over.insert(number, over);
        while let Some(over) = {
            let first = turns.first;
            turns.over.remove(&first)
        } {
            turns.first += 1;
            // Under the lock: nobody hands over later ones before these.
            self.watch.committed(over.effects);
            if let Some(waits) = over.waits {
                // Whoever asked may have gone away.
                let _ = waits.send(());
            }
        }
    }
}

impl Turn<'_> {
    /// It is committed: waits until its effects have been handed over.
    pub(crate) async fn committed(mut self, effects: Vec<Effect>) {
        let (waits, handed_over) = oneshot::channel();
        if let Some(number) = self.number.take() {
            self.order.over(number, Over { effects, waits: Some(waits) });
            // It fails only if a watcher panicked.
            let _ = handed_over.await;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number.take() {
            self.order.over(number, Over::default());
        }
    }
}
