//! The store, as far as it decides whether a credential is good, kept in memory: no check
//! asks a database.
//!
//! [`Keeper`] holds the image ([`Live`]) and lets the store tell what changes, before it is
//! answered. With SQLite the process has the store to itself, so what it is told is all there
//! is; the image is filled in the background after the start, and until it is complete the
//! database is asked, so the first answer does not wait. With PostgreSQL other processes
//! change the store too, so it is always asked. Either way one procedure decides: what was
//! asked for goes through a small image made for that one answer.
//!
//! | part | what |
//! |---|---|
//! | [`facts`] | records and effects of the store, as facts of the image |
//! | [`fill`] | what was there before the start |
//! | `ask` | the facts about one credential, from the database |

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hallpass_core::brand::Brand;
use hallpass_store::{Effect, Engine, Store, Watcher};
use hallpass_verdict::{Live, Rules};

use crate::feed::Feed;

mod ask;
pub(crate) mod facts;
pub(crate) mod fill;

pub(crate) use facts::KEY_OF_ORG;

/// Keeps the image.
pub(crate) struct Keeper {
    pub(crate) rules: Arc<Rules>,
    live: Option<Arc<Live>>,
    filling: AtomicBool,
}

impl Keeper {
    /// Begins to watch `store`. Nothing may have been read from it for an image before.
    pub(crate) fn watch(store: &Store, brand: &Brand, feed: Arc<Feed>) -> Self {
        let rules = Rules::new(&brand.roles, brand.tokens.may_make_tokens);
        let alone = store.engine() == Engine::Sqlite;
        let live = alone.then(|| Arc::new(Live::new(rules.clone())));
        // Whoever is not told of changes cannot keep an image.
        let told = store.watch(Arc::new(Watch { live: live.clone(), feed }));
        Self { rules, live: live.filter(|_| told), filling: AtomicBool::new(false) }
    }

    /// The image, if there is one. It may not be complete.
    pub(crate) fn live(&self) -> Option<&Arc<Live>> {
        self.live.as_ref()
    }

    /// Whether the caller is to fill the image now: it lacks something, and nobody is at it.
    fn begin_filling(&self) -> Option<Arc<Live>> {
        let lacking = self.live.as_ref().filter(|live| !live.is_complete())?;
        let begun = self.filling.swap(true, Ordering::Relaxed);
        (!begun).then(|| lacking.clone())
    }

    fn end_filling(&self) {
        self.filling.store(false, Ordering::Relaxed);
    }
}

/// What the store tells.
struct Watch {
    live: Option<Arc<Live>>,
    feed: Arc<Feed>,
}

impl Watcher for Watch {
    fn committed(&self, effects: Vec<Effect>) {
        let epoch = |effect: &Effect| match effect {
            Effect::Epoch { epoch, .. } => Some(*epoch),
            _ => None,
        };
        let epoch = effects.iter().filter_map(epoch).max();
        // First the image: whoever hears of the epoch asks it again.
        if let Some(live) = &self.live {
            live.apply(effects.into_iter().filter_map(facts::of_effect).collect());
        }
        if let Some(epoch) = epoch {
            self.feed.committed(epoch);
        }
    }

    fn settled(&self, epoch: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.feed.settled(epoch))
    }
}
