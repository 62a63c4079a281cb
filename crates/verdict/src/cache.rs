//! What a guard remembers: yes, and what that depends on.
//!
//! A decision is found again by the token and what was asked about, both at once. It is
//! dropped when anything that it depends on is revoked, when its time is over, and when room
//! is needed. A look-up that was under way while a revocation came in is not remembered: its
//! answer may be older. No is never remembered; it costs the server nothing, and attackers
//! would fill the memory with it.
//!
//! What is found counts only under a [live lease](crate::lease::Lease), whose clock is to be
//! read *after* it was found. Scope and permission are checked for each request on what is
//! found here, never remembered as an answer (E10).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hallpass_core::{Digest, Timestamp};

use crate::Decision;
use crate::feed::{KEPT, Ring};

/// Locks are taken on a part of the decisions at a time.
const PARTS: usize = 16;

/// A token and what was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(Digest);

impl Key {
    /// Of `token`, asked about `place` as the request names it.
    pub fn of(token: &str, place: Option<&str>) -> Self {
        // No token has a line feed in it (RFC 6750 §2.1), so no two pairs are alike.
        let text = match place {
            None => token.to_owned(),
            Some(place) => format!("{token}\n{place}"),
        };
        Self(Digest::of(hallpass_core::Secret::new(text).expose().as_bytes()))
    }
}

/// What a decision depends on, and until when it may be used.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Who, and what they may do.
    pub decision: Arc<Decision>,
    /// Ids that the feed may name: of the credential, its grant, its holder, `client:<id>`,
    /// the organization and the project.
    pub depends_on: Vec<String>,
    /// From then on it is asked for anew; never after the credential's own end.
    pub until: Timestamp,
}

/// When a look-up began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    life: u64,
    epoch: i64,
}

/// The decisions of one guard. Shared between threads.
#[derive(Debug)]
pub struct Verdicts {
    parts: [Mutex<Part>; PARTS],
    news: RwLock<Option<News>>,
    most_in_a_part: usize,
}

/// What was revoked lately.
#[derive(Debug)]
struct News {
    /// Counts how often everything was forgotten.
    life: u64,
    ring: Ring,
}

#[derive(Debug, Default)]
struct Part {
    by_key: HashMap<Key, Entry>,
    by_age: BTreeMap<u64, Key>,
    by_subject: HashMap<String, HashSet<Key>>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    remembered: Remembered,
    age: u64,
}

impl Verdicts {
    /// Remembers about `most` decisions.
    pub fn new(most: usize) -> Self {
        Self {
            parts: Default::default(),
            news: RwLock::new(None),
            most_in_a_part: most.div_ceil(PARTS).max(1),
        }
    }

    /// What was decided, if it may still be used at `now`. It counts only under a lease that
    /// is live afterwards.
    pub fn get(&self, key: &Key, now: Timestamp) -> Option<Arc<Decision>> {
        let part = self.part(key);
        let remembered = &part.by_key.get(key)?.remembered;
        (now < remembered.until).then(|| remembered.decision.clone())
    }

    /// To be called before a look-up whose answer may be remembered. `None` before the first
    /// news: nothing can be remembered yet.
    pub fn begin(&self) -> Option<Begun> {
        let news = self.news.read().unwrap_or_else(PoisonError::into_inner);
        news.as_ref().map(|news| Begun { life: news.life, epoch: news.ring.epoch() })
    }

    /// Remembers the answer of a look-up, unless something that it depends on was revoked
    /// since it began. Answers whether it did.
    pub fn fill(&self, begun: Begun, key: Key, remembered: Remembered) -> bool {
        // Held until it is in its place: a revocation comes either before, and is seen here,
        // or after, and finds it.
        let news = self.news.read().unwrap_or_else(PoisonError::into_inner);
        let Some(news) = news.as_ref().filter(|news| news.life == begun.life) else {
            return false;
        };
        if news.ring.touched(begun.epoch, remembered.depends_on.iter().map(String::as_str)) {
            return false;
        }
        let mut part = self.part(&key);
        part.insert(key, remembered);
        while part.by_key.len() > self.most_in_a_part {
            let Some((_, oldest)) = part.by_age.first_key_value() else { break };
            let oldest = *oldest;
            part.remove(&oldest);
        }
        true
    }

    /// Everything that was revoked up to `epoch`, from what was applied last, is in `revoked`.
    /// When this returns, nothing of it is found any more.
    pub fn apply(&self, epoch: i64, revoked: Vec<String>) {
        let mut news = self.news.write().unwrap_or_else(PoisonError::into_inner);
        let Some(news) = news.as_mut() else { return };
        for part in &self.parts {
            lock(part).drop_all(&revoked);
        }
        news.ring.add(epoch, revoked);
    }

    /// It is not known what was revoked up to `epoch`: everything is forgotten, and what is
    /// being looked up will not be remembered.
    pub fn forget_all(&self, epoch: i64) {
        let mut news = self.news.write().unwrap_or_else(PoisonError::into_inner);
        for part in &self.parts {
            *lock(part) = Part::default();
        }
        let life = news.as_ref().map_or(0, |news| news.life.wrapping_add(1));
        *news = Some(News { life, ring: Ring::new(epoch, KEPT) });
    }

    /// Everything up to this epoch is applied.
    pub fn applied(&self) -> Option<i64> {
        let news = self.news.read().unwrap_or_else(PoisonError::into_inner);
        news.as_ref().map(|news| news.ring.epoch())
    }

    /// How many decisions are remembered.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| lock(part).by_key.len()).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, key: &Key) -> MutexGuard<'_, Part> {
        lock(&self.parts[usize::from(key.0.as_bytes()[0]) % PARTS])
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Part {
    fn insert(&mut self, key: Key, remembered: Remembered) {
        self.remove(&key);
        let age = self.next;
        self.next += 1;
        self.by_age.insert(age, key);
        for subject in &remembered.depends_on {
            self.by_subject.entry(subject.clone()).or_default().insert(key);
        }
        self.by_key.insert(key, Entry { remembered, age });
    }

    fn remove(&mut self, key: &Key) {
        let Some(Entry { remembered, age }) = self.by_key.remove(key) else { return };
        self.by_age.remove(&age);
        for subject in &remembered.depends_on {
            if let Some(keys) = self.by_subject.get_mut(subject) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_subject.remove(subject);
                }
            }
        }
    }

    fn drop_all(&mut self, revoked: &[String]) {
        for subject in revoked {
            for key in self.by_subject.remove(subject).unwrap_or_default() {
                self.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_core::Scope;

    use super::*;
    use crate::{CredentialKind, Who};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LATER: Timestamp = Timestamp::from_secs(1_800_000_030);

    fn remembered(depends_on: &[&str]) -> Remembered {
        let who = Who::Key { id: "tok_1".to_owned(), name: "ci".to_owned() };
        let decision = Decision {
            kind: CredentialKind::ProjectKey,
            who: Arc::new(who),
            client_id: None,
            scope: Scope::empty(),
            grant: None,
            audience: Vec::new(),
            id: "tok_1".to_owned(),
            auth_time: None,
            issued_at: NOW,
            expires_at: None,
            jkt: None,
            place: None,
        };
        Remembered {
            decision: Arc::new(decision),
            depends_on: depends_on.iter().map(|id| (*id).to_owned()).collect(),
            until: LATER,
        }
    }

    fn verdicts() -> Verdicts {
        let verdicts = Verdicts::new(1000);
        verdicts.forget_all(5);
        verdicts
    }

    fn revoked(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    // proves: E10, attack-30
    #[test]
    fn a_decision_is_found_by_token_and_question_until_its_time_is_over() {
        let verdicts = verdicts();
        let key = Key::of("t", Some("project=a/b"));
        let begun = verdicts.begin().unwrap();
        assert!(verdicts.fill(begun, key, remembered(&["tok_1"])));
        assert!(verdicts.get(&key, NOW).is_some());
        assert!(verdicts.get(&key, LATER).is_none());
        for (token, place) in [("t", None), ("t", Some("project=a/c")), ("u", Some("project=a/b"))]
        {
            assert!(verdicts.get(&Key::of(token, place), NOW).is_none(), "{token} {place:?}");
        }
    }

    #[test]
    fn a_revocation_drops_what_depends_on_it_and_nothing_else() {
        let verdicts = verdicts();
        let (one, two) = (Key::of("1", None), Key::of("2", None));
        let begun = verdicts.begin().unwrap();
        assert!(verdicts.fill(begun, one, remembered(&["tok_1", "usr_1"])));
        assert!(verdicts.fill(begun, two, remembered(&["tok_2", "usr_1"])));
        verdicts.apply(6, revoked(&["tok_1", "tok_9"]));
        assert!(verdicts.get(&one, NOW).is_none() && verdicts.get(&two, NOW).is_some());
        verdicts.apply(7, revoked(&["usr_1"]));
        assert!(verdicts.is_empty());
        assert_eq!(verdicts.applied(), Some(7));
        assert!(verdicts.parts.iter().all(|part| {
            let part = lock(part);
            part.by_age.is_empty() && part.by_subject.is_empty()
        }));
    }

    #[test]
    fn an_answer_that_may_be_older_than_a_revocation_is_not_remembered() {
        let verdicts = verdicts();
        let key = Key::of("t", None);
        let begun = verdicts.begin().unwrap();
        verdicts.apply(6, revoked(&["usr_2"]));
        assert!(verdicts.fill(begun, key, remembered(&["usr_1"])), "somebody else's");
        verdicts.apply(7, revoked(&["usr_1"]));
        assert!(!verdicts.fill(begun, key, remembered(&["usr_1"])));
        let begun = verdicts.begin().unwrap();
        verdicts.forget_all(9);
        assert!(!verdicts.fill(begun, key, remembered(&["usr_1"])));
        // The same epoch again, in another life.
        let begun = verdicts.begin().unwrap();
        verdicts.forget_all(9);
        assert!(!verdicts.fill(begun, key, remembered(&["usr_1"])) && verdicts.is_empty());
    }

    #[test]
    fn nothing_is_remembered_before_the_first_news() {
        let verdicts = Verdicts::new(10);
        assert_eq!((verdicts.begin(), verdicts.applied()), (None, None));
        verdicts.apply(3, revoked(&["usr_1"]));
        assert_eq!(verdicts.applied(), None);
    }

    #[test]
    fn the_oldest_make_room() {
        let verdicts = Verdicts::new(64);
        verdicts.forget_all(0);
        let begun = verdicts.begin().unwrap();
        for number in 0..5_000 {
            let key = Key::of(&number.to_string(), None);
            assert!(verdicts.fill(begun, key, remembered(&["usr_1"])));
            assert!(verdicts.fill(begun, key, remembered(&["usr_1"])), "anew");
            assert!(verdicts.get(&key, NOW).is_some());
        }
        assert_eq!(verdicts.len(), 64);
        verdicts.apply(1, revoked(&["usr_1"]));
        assert!(verdicts.is_empty());
    }
}
