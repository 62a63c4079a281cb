//! When tokens were last used, and from where, until it is written down.
//!
//! Every check notes it, so a note must cost next to nothing: a small table remembers what
//! was noted a moment ago, without a lock, and nearly every check ends there.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hallpass_core::Timestamp;
use hallpass_core::id::TokenId;

use crate::{Error, Issuer};

/// For how long a note is fresh, in seconds. A time of last use is right to within a minute:
/// this, and what passes until it is written.
const FRESH: i64 = 20;
/// Tokens that are remembered as just noted; one forgets another.
const RECENT: usize = 4096;
/// Notes under one lock of their own each.
const LANES: usize = 16;

type Noted = HashMap<TokenId, (Timestamp, Option<IpAddr>)>;

/// The notes.
pub(crate) struct TokenUse {
    /// 28 bits of the token, 12 of the address, 24 of the time.
    recent: Box<[AtomicU64]>,
    lanes: [Mutex<Noted>; LANES],
}

impl Default for TokenUse {
    fn default() -> Self {
        let recent = (0..RECENT).map(|_| AtomicU64::new(u64::MAX)).collect();
        Self { recent, lanes: Default::default() }
    }
}

impl TokenUse {
    /// The token `id` was used at `now`. Ids of anything else are no concern of ours.
    pub(crate) fn note(&self, id: &str, now: Timestamp, address: Option<IpAddr>) {
        let mark = mark(id);
        let recent = &self.recent[mark as usize % RECENT];
        let time = (now.secs() / FRESH) as u64 & 0xff_ffff;
        let who = (mark >> 36) << 36;
        let from = address.map_or(0, |address| {
            let mut hasher = DefaultHasher::new();
            address.hash(&mut hasher);
            hasher.finish() & 0xfff | 1
        });
        let there = recent.load(Ordering::Relaxed);
        let same_time = there & 0xff_ffff == time;
        let same_who = there & !((1 << 36) - 1) == who;
        let same_from = from == 0 || there >> 24 & 0xfff == from;
        if same_time && same_who && same_from {
            return;
        }
        let Ok(token) = id.parse::<TokenId>() else { return };
        recent.store(who | from << 24 | time, Ordering::Relaxed);
        let mut lane = lock(&self.lanes[mark as usize % LANES]);
        let noted = lane.entry(token).or_insert((now, address));
        *noted = (now.max(noted.0), address.or(noted.1));
    }

    fn take(&self) -> Vec<(TokenId, Timestamp, Option<String>)> {
        let taken = self.lanes.iter().flat_map(|lane| std::mem::take(&mut *lock(lane)));
        let text = |address: IpAddr| address.to_canonical().to_string();
        taken.map(|(id, (at, address))| (id, at, address.map(text))).collect()
    }

    /// Notes that could not be written, unless there are newer ones by now.
    fn put_back(&self, notes: Vec<(TokenId, Timestamp, Option<String>)>) {
        for (id, at, address) in notes {
            let lane = &self.lanes[mark(&id.to_string()) as usize % LANES];
            let address = address.and_then(|address| address.parse().ok());
            lock(lane).entry(id).or_insert((at, address));
        }
    }
}

impl Issuer {
    /// Writes down what was noted. What is lost by a crash is a minute of it.
    pub(crate) async fn write_token_use(&self) -> Result<(), Error> {
        let notes = self.0.token_use.take();
        if notes.is_empty() {
            return Ok(());
        }
        let written = self.0.store.credentials().touch(&notes).await;
        if written.is_err() {
            self.0.token_use.put_back(notes);
        }
        Ok(written?)
    }
}

/// Mixes the end of an id, which is random.
fn mark(id: &str) -> u64 {
    let end = id.as_bytes().iter().rev().take(16);
    end.fold(0xcbf2_9ce4_8422_2325, |mixed: u64, byte| {
        (mixed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn lock(lane: &Mutex<Noted>) -> std::sync::MutexGuard<'_, Noted> {
    lane.lock().unwrap_or_else(|broken| broken.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "tok_01JAAAAAAAAAAAAAAAAAAAAAAA";

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    fn taken(notes: &TokenUse) -> Vec<(i64, Option<String>)> {
        let secs = |at: Timestamp| at.secs() - 1_800_000_000;
        notes.take().into_iter().map(|(_, at, from)| (secs(at), from)).collect()
    }

    #[test]
    fn the_last_use_is_noted_to_within_a_moment_and_with_its_address() {
        let notes = TokenUse::default();
        let home: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        let away: IpAddr = "2001:db8::1".parse().unwrap();
        notes.note(ID, at(0), None);
        notes.note(ID, at(3), Some(home));
        notes.note(ID, at(4), None);
        assert_eq!(taken(&notes), [(3, Some("192.0.2.7".to_owned()))]);
        notes.note(ID, at(5), Some(home));
        assert_eq!(taken(&notes), []);
        notes.note(ID, at(6), Some(away));
        assert_eq!(taken(&notes), [(6, Some("2001:db8::1".to_owned()))]);
        for secs in (0..600).step_by(7) {
            notes.note(ID, at(100 + secs), None);
            let behind = taken(&notes).first().map_or(0, |(noted, _)| 100 + secs - noted);
            assert!(behind < 2 * FRESH, "{behind} s behind");
        }
        notes.note("jti_01JAAAAAAAAAAAAAAAAAAAAAAA", at(900), None);
        assert_eq!(taken(&notes), []);
    }

    #[test]
    fn what_could_not_be_written_is_written_next_time() {
        let notes = TokenUse::default();
        notes.note(ID, at(0), None);
        let lost = notes.take();
        notes.note(ID, at(60), None);
        notes.put_back(lost);
        assert_eq!(taken(&notes), [(60, None)]);
    }
}
