//! Very many rows under 128-bit keys, in about seven bytes more than the rows themselves.
//!
//! Rows lie in chunks, so that growing copies none of them; hash tables hold their
//! numbers. The tables are many and small, chosen by the key, so that none of them takes
//! long to grow while everybody waits. A miss looks at the same places as a hit.

use hallpass_core::{Digest, Timestamp};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;

use super::slab::Slot;

/// Rows in a chunk.
const CHUNK: usize = 1024;
/// As an end: never.
const NEVER: i64 = i64::MAX;
/// As an end: it was ended, and did not just expire.
const ENDED: i64 = i64::MIN + 1;
/// As an end: there is no row here.
const FREE: i64 = i64::MIN;

/// 128 bits that chance has chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// The first half of a SHA-256: enough to tell tokens apart, and too much to hit.
    pub(super) fn of(digest: &Digest) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_bytes()[..16]);
        Self(half)
    }

    /// A ULID, of which 80 bits are chance: those from which the two below are made.
    pub(super) const fn of_id(bits: u128) -> Self {
        Self(bits.to_le_bytes())
    }

    /// As hashing it would: it is random already.
    const fn hash(self) -> u64 {
        u128::from_le_bytes(self.0) as u64
    }

    /// Which of so many parts: by other bits than [`Key::hash`] takes.
    const fn part(self, parts: usize) -> usize {
        ((u128::from_le_bytes(self.0) >> 64) as u16 as usize * parts) >> 16
    }

    /// What [`Key::of_id`] was given.
    pub(super) const fn bits(self) -> u128 {
        u128::from_le_bytes(self.0)
    }
}

/// A row.
#[derive(Clone, Copy)]
pub(super) struct Row<E> {
    pub(super) key: Key,
    ends: i64,
    pub(super) rest: E,
}

impl<E> Row<E> {
    pub(super) fn new(key: Key, ends: Option<Timestamp>, rest: E) -> Self {
        // The two smallest numbers have a meaning of their own.
        let ends = ends.map_or(NEVER, |at| at.millis().max(ENDED + 1));
        Self { key, ends, rest }
    }

    /// When it ends by itself.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        (self.ends != NEVER).then_some(Timestamp::from_millis(self.ends))
    }

    /// Whether its time is over.
    pub(super) const fn is_over(&self, now: Timestamp) -> bool {
        now.millis() >= self.ends
    }

    /// Whether it was ended.
    pub(super) const fn was_ended(&self) -> bool {
        self.ends == ENDED
    }
}

/// Rows by key.
pub(super) struct Table<E> {
    parts: Box<[HashTable<Slot>]>,
    rows: Rows<E>,
}

/// Chunks that are full, but for the last one.
struct Rows<E> {
    chunks: Vec<Vec<Row<E>>>,
    free: Vec<Slot>,
}

impl<E: Copy> Table<E> {
    /// An empty one in so many parts, up to 2¹⁶.
    pub(super) fn new(parts: usize) -> Self {
        debug_assert!(0 < parts && parts <= 1 << 16);
        let parts = (0..parts).map(|_| HashTable::new()).collect();
        Self { parts, rows: Rows { chunks: Vec::new(), free: Vec::new() } }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Row<E>> {
        let part = &self.parts[key.part(self.parts.len())];
        let slot = part.find(key.hash(), |slot| self.rows.at(*slot).key == key)?;
        Some(self.rows.at(*slot))
    }

    /// Puts `row` there, and answers what was there under its key before.
    pub(super) fn set(&mut self, row: Row<E>) -> Option<Row<E>> {
        let (key, parts) = (row.key, self.parts.len());
        let rows = &mut self.rows;
        let place = self.parts[key.part(parts)].entry(
            key.hash(),
            |slot| rows.at(*slot).key == key,
            |slot| rows.at(*slot).key.hash(),
        );
        match place {
            Place::Occupied(there) => Some(std::mem::replace(rows.at_mut(*there.get()), row)),
            Place::Vacant(free) => {
                free.insert(rows.insert(row));
                None
            }
        }
    }

    /// Marks a row as ended. It stays until it is swept.
    pub(super) fn end(&mut self, key: Key) {
        let part = &self.parts[key.part(self.parts.len())];
        if let Some(slot) = part.find(key.hash(), |slot| self.rows.at(*slot).key == key) {
            self.rows.at_mut(*slot).ends = ENDED;
        }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Row<E>> {
        let (rows, parts) = (&mut self.rows, self.parts.len());
        let part = &mut self.parts[key.part(parts)];
        let there = part.find_entry(key.hash(), |slot| rows.at(*slot).key == key).ok()?;
        let (slot, _) = there.remove();
        Some(rows.remove(slot))
    }

    /// Takes out what is over from the chunk with this number; `None` when there is no
    /// such chunk.
    pub(super) fn sweep(&mut self, chunk: usize, now: Timestamp) -> Option<Vec<Row<E>>> {
        let rows = self.rows.chunks.get(chunk)?.iter();
        let over = |row: &&Row<E>| row.ends != FREE && row.is_over(now);
        let keys: Vec<Key> = rows.filter(over).map(|row| row.key).collect();
        Some(keys.into_iter().filter_map(|key| self.remove(key)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Row<E>> {
        self.rows.chunks.iter().flatten().filter(|row| row.ends != FREE)
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(HashTable::len).sum()
    }

    /// All bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        let chunks = &self.rows.chunks;
        self.parts.iter().map(HashTable::allocation_size).sum::<usize>()
            + size_of_val(&*self.parts)
            + chunks.iter().map(|chunk| chunk.capacity() * size_of::<Row<E>>()).sum::<usize>()
            + chunks.capacity() * size_of::<Vec<Row<E>>>()
            + self.rows.free.capacity() * size_of::<Slot>()
    }
}

impl<E: Copy> Rows<E> {
    fn at(&self, slot: Slot) -> &Row<E> {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    fn at_mut(&mut self, slot: Slot) -> &mut Row<E> {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    fn insert(&mut self, row: Row<E>) -> Slot {
        if let Some(slot) = self.free.pop() {
            *self.at_mut(slot) = row;
            return slot;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            // An image of one credential is made for each question to a database.
            let room = if self.chunks.is_empty() { 1 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(room));
        }
        let full = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("one was there, or was just pushed");
        let slot = Slot::try_from(full + chunk.len()).expect("fewer than 2^32 rows");
        chunk.push(row);
        slot
    }

    fn remove(&mut self, slot: Slot) -> Row<E> {
        self.free.push(slot);
        let row = *self.at(slot);
        self.at_mut(slot).ends = FREE;
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u32, ends: Option<i64>) -> Row<u32> {
        let key = Key::of(&Digest::of(&n.to_le_bytes()));
        Row::new(key, ends.map(Timestamp::from_millis), n)
    }

    #[test]
    fn what_is_put_is_found_until_it_is_taken_and_its_room_is_used_again() {
        for parts in [1, 5, 16] {
            let mut table = Table::new(parts);
            let all: Vec<_> = (0..5000).map(|n| row(n, None)).collect();
            for row in &all {
                assert!(table.get(row.key).is_none());
                assert!(table.set(*row).is_none());
            }
            let bytes = table.bytes();
            for round in 0..3 {
                for (n, row) in all.iter().enumerate() {
                    assert_eq!(table.get(row.key).unwrap().rest, row.rest);
                    if n % 2 == 0 {
                        assert_eq!(table.remove(row.key).unwrap().rest, row.rest, "{round}");
                        assert!(table.get(row.key).is_none() && table.remove(row.key).is_none());
                    }
                }
                assert_eq!((table.len(), table.iter().count()), (2500, 2500));
                for row in all.iter().step_by(2) {
                    assert!(table.set(*row).is_none());
                }
                assert!(table.set(all[7]).is_some(), "the same again replaces");
            }
            let list_of_free = 4096 * size_of::<Slot>();
            assert!(table.bytes() <= bytes + list_of_free, "no more than before");
        }
    }

    #[test]
    fn what_is_over_is_swept_and_nothing_else() {
        let mut table = Table::new(4);
        let now = Timestamp::from_millis(100);
        for n in 0..4000 {
            let row = row(n, [None, Some(100), Some(101), Some(102)][n as usize % 4]);
            table.set(row);
            if n % 4 == 3 {
                table.end(row.key);
                assert!(table.get(row.key).unwrap().was_ended());
            }
        }
        let mut swept = 0;
        for chunk in 0.. {
            let Some(gone) = table.sweep(chunk, now) else { break };
            assert!(gone.iter().all(|row| row.is_over(now)));
            swept += gone.len();
        }
        assert_eq!((swept, table.len()), (2000, 2000));
    }
}
