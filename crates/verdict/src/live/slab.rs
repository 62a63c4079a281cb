//! Rows that are known by a small number. A freed number is given again.

/// The number of a row.
pub(super) type Slot = u32;

pub(super) struct Slab<T> {
    rows: Vec<Option<T>>,
    free: Vec<Slot>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// # Panics
    /// With more than 2³² rows; memory ends long before.
    pub(super) fn insert(&mut self, row: T) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.rows[slot as usize] = Some(row);
            return slot;
        }
        let slot = Slot::try_from(self.rows.len()).expect("fewer than 2^32 rows");
        self.rows.push(Some(row));
        slot
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        self.rows.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.rows.get_mut(slot as usize)?.as_mut()
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let row = self.rows.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(row)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().flatten()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Bytes of its own, without what rows point to.
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Option<T>>() + self.free.capacity() * size_of::<Slot>()
    }
}
