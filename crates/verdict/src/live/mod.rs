//! Everything that decides whether a credential is good, in memory: the answer without
//! asking anybody.
//!
//! Whoever keeps the store tells [`Live`] what changed ([`Live::apply`]) before the change
//! is answered, so a check that begins after a revocation was answered refuses. What was
//! there before the start is brought in the background ([`Live::fill`], [`Live::complete`]);
//! until then nothing is known here, and the store is to be asked. From then on a miss is
//! final and costs no look-up.
//!
//! One lock guards the image. Each thread that reads takes its own part of it, so readers
//! do not wait for each other; a writer holds it for a handful of facts at a time.
//!
//! | part | what |
//! |---|---|
//! | [`fact`] | [`Fact`]: what the image is made of |
//! | [`ask`] | [`Ask`]: what is asked about a credential |
//! | `decide` | the answer |
//! | `image` | every fact in its place |
//! | `people`, `places`, `clients` | who acts, where, through what |
//! | `terms` | [`Rules`]; what credentials were made with, each once |
//! | `table` | very many rows under 128-bit keys |
//! | `slab` | rows that are known by a small number |
//! | `filling` | what was touched while older rows may still come |
//! | `describe` | the image as text |

use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use hallpass_core::{Digest, Timestamp};

use crate::{Decision, Presented, Refusal, Vouched};

pub mod ask;
mod clients;
mod decide;
mod describe;
pub mod fact;
mod filling;
mod image;
mod people;
mod places;
mod slab;
mod table;
mod terms;

pub use ask::{Ask, PlaceAsked};
pub use clients::Caller;
pub use fact::{Fact, Principal};
pub use terms::Rules;

use filling::Filling;
use image::Image;

/// Tables for credentials: many, so that each is small when it grows. With this number they
/// are three quarters full at 10⁶ credentials; 1024 would have doubled just before.
const PARTS: usize = 1280;
/// Facts that are put in place in one go, at most.
const PORTION: usize = 64;
/// For how long what is over is kept: a check that began before may still look.
const MARGIN: Duration = Duration::from_secs(60);

/// The image. Shared by reference; see the [module](self).
pub struct Live(ShardedLock<Inner>);

struct Inner {
    image: Image,
    /// While older rows may still come.
    filling: Option<Filling>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Credentials that are looked up by digest.
    pub credentials: usize,
    /// Grants of clients.
    pub grants: usize,
    /// Whoever can act.
    pub principals: usize,
    /// Bytes of all tables, and of people's names.
    pub bytes: usize,
}

impl Live {
    /// An image that knows nothing yet: apply what changes, fill in what was there, then
    /// call it complete.
    pub fn new(rules: Arc<Rules>) -> Self {
        let image = Image::new(rules, PARTS);
        Self(ShardedLock::new(Inner { image, filling: Some(Filling::default()) }))
    }

    /// A small image that is complete: the facts about one credential, for one answer.
    pub fn of(rules: Arc<Rules>, facts: impl IntoIterator<Item = Fact>) -> Self {
        let mut image = Image::new(rules, 1);
        facts.into_iter().for_each(|fact| image.set(fact));
        Self(ShardedLock::new(Inner { image, filling: None }))
    }

    /// Puts `facts` in place. To be called in the order of the changes, before any of them
    /// is answered: a check that begins after this has returned goes by them.
    pub fn apply(&self, facts: Vec<Fact>) {
        self.in_portions(facts, |inner, fact| {
            if let Some(filling) = &mut inner.filling {
                filling.touch(&fact);
            }
            inner.image.set(fact);
        });
    }

    /// Puts rows in place that were read while changes went on. What was applied meanwhile
    /// is newer, and stays. Does nothing once the image is complete.
    pub fn fill(&self, rows: Vec<Fact>) {
        self.in_portions(rows, |inner, fact| {
            if inner.filling.as_ref().is_some_and(|filling| !filling.was_touched(&fact)) {
                inner.image.set(fact);
            }
        });
    }

    /// Nothing is missing any more.
    pub fn complete(&self) {
        self.write().filling = None;
    }

    /// Whether nothing is missing, so that there is an answer to everything.
    pub fn is_complete(&self) -> bool {
        self.read().filling.is_none()
    }

    /// Whether the credential with this digest is good at `now`, and for what. `None`:
    /// the image is not complete, ask the store.
    pub fn check(
        &self,
        digest: &Digest,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Option<Result<Decision, Refusal>> {
        self.known(|image| image.check(digest, ask, now))
    }

    /// As [`Live::check`], for a JWT whose signature has been checked.
    pub fn check_jwt(
        &self,
        presented: Presented,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Option<Result<Decision, Refusal>> {
        self.known(|image| image.check_jwt(presented, ask, now))
    }

    /// As [`Live::check`], for a person whom somebody else vouches for.
    pub fn check_person(
        &self,
        vouched: Vouched,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Option<Result<Decision, Refusal>> {
        self.known(|image| image.check_person(vouched, ask, now))
    }

    /// The confidential client that this secret proves; `Some(None)`: it proves none.
    pub fn caller(&self, client_id: &str, secret: &Digest) -> Option<Option<Caller>> {
        self.known(|image| image.clients.caller(client_id, secret))
    }

    /// Forgets what has been over for a while. Nobody waits for it long.
    pub fn tidy(&self, now: Timestamp) {
        let over = now - MARGIN;
        let mut chunk = 0;
        while self.write().image.sweep(chunk, over) {
            chunk += 1;
        }
    }

    /// How much there is.
    pub fn size(&self) -> Size {
        let image = &self.read().image;
        Size {
            credentials: image.tokens.len(),
            grants: image.grants.len(),
            principals: image.people.len(),
            bytes: image.bytes(),
        }
    }

    fn known<A>(&self, answer: impl FnOnce(&Image) -> A) -> Option<A> {
        let inner = self.read();
        inner.filling.is_none().then(|| answer(&inner.image))
    }

    fn in_portions(&self, facts: Vec<Fact>, put: impl Fn(&mut Inner, Fact)) {
        let mut facts = facts.into_iter();
        while facts.len() > 0 {
            let mut inner = self.write();
            facts.by_ref().take(PORTION).for_each(|fact| put(&mut inner, fact));
        }
    }

    // No fact is put in place halfway: nothing on the way can panic but memory that ends.
    fn read(&self) -> ShardedLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(|broken| broken.into_inner())
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(|broken| broken.into_inner())
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Live").field(&self.size()).finish()
    }
}
