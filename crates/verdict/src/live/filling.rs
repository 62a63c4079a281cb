//! What was touched while rows from before may still come.

use std::collections::HashSet;

use super::fact::{Fact, Key};

/// Keys that were applied since the fill began. A row that was read before may say what
/// was so then; also that there was something where by now there is nothing.
#[derive(Default)]
pub(super) struct Filling(HashSet<Key>);

impl Filling {
    pub(super) fn touch(&mut self, fact: &Fact) {
        self.0.insert(fact.key());
    }

    pub(super) fn was_touched(&self, fact: &Fact) -> bool {
        self.0.contains(&fact.key())
    }
}
