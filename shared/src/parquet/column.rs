//! One column of a row group while it grows: dictionary and runs for as long as values repeat, else all values.

use super::hybrid::Runs;
use super::values::Values;

/// Different values that any column may have before its dictionary must pay.
const FREE_ENTRIES: usize = 1024;
/// The most bytes of a dictionary.
const MAX_DICTIONARY: usize = 1024 * 1024;
/// A dictionary's entry that is none.
const NONE: u32 = u32::MAX;

/// The values of a column, nulls left out, and where the nulls are.
#[derive(Debug)]
pub struct Column<V> {
    /// 1 for a value, 0 for null.
    pub levels: Runs,
    /// Rows, nulls included.
    pub rows: usize,
    /// Nulls.
    pub nulls: usize,
    /// Every value, or every different value if `indices` counts.
    pub values: V,
    /// Which value is where; `None` where every value is in `values`.
    pub indices: Option<Runs>,
    table: Slots,
    /// The entry that came last, and for each entry the one that came after it last: columns go in circles.
    last: u32,
    next: Vec<u32>,
}

impl<V: Values> Default for Column<V> {
    fn default() -> Self {
        Self {
            levels: Runs::default(),
            rows: 0,
            nulls: 0,
            values: V::default(),
            indices: Some(Runs::default()),
            table: Slots::default(),
            last: NONE,
            next: Vec::new(),
        }
    }
}

impl<V: Values> Column<V> {
    /// Adds nulls.
    #[inline]
    pub fn push_nulls(&mut self, count: u32) {
        self.levels.push(0, count);
        self.rows += count as usize;
        self.nulls += count as usize;
    }

    /// Adds a value `count` times.
    #[inline]
    pub fn push(&mut self, value: V::Value<'_>, count: u32) {
        if self.indices.is_some() {
            let entry = self.entry(value);
            if let Some(indices) = &mut self.indices {
                indices.push(entry, count);
                // The dictionary's size is looked at where it grows only.
                if entry as usize + 1 == self.values.len() {
                    self.give_up_if_useless();
                }
            }
        } else {
            (0..count).for_each(|_| self.values.push(value));
        }
        self.levels.push(1, count);
        self.rows += count as usize;
    }

    /// Adds values, as one by one.
    pub fn extend<'v>(&mut self, values: impl Iterator<Item = V::Value<'v>>) {
        let mut values = values.peekable();
        while let Some(value) = values.next() {
            let mut count = 1;
            while values.next_if(|next| V::is_same(*next, value)).is_some() {
                count += 1;
            }
            self.push(value, count);
        }
    }

    #[inline]
    fn entry(&mut self, value: V::Value<'_>) -> u32 {
        let expected = self.next.get(self.last as usize).copied().unwrap_or(NONE);
        let entry = if self.values.is_at(expected, value) { expected } else { self.find(value) };
        if let Some(next) = self.next.get_mut(self.last as usize) {
            *next = entry;
        }
        self.last = entry;
        entry
    }

    fn find(&mut self, value: V::Value<'_>) -> u32 {
        let Self { values, table, next, .. } = self;
        if let Some(entry) = table.find(V::hash(value), |entry| values.is_at(entry, value)) {
            return entry;
        }
        let entry = values.len() as u32;
        values.push(value);
        next.push(NONE);
        table.insert(V::hash(value), entry, |entry| values.get(entry).map_or(0, |value| V::hash(value)));
        entry
    }

    /// Goes on without a dictionary once that has too many values for its rows.
    fn give_up_if_useless(&mut self) {
        let entries = self.values.len();
        let is_useful = entries <= FREE_ENTRIES || entries * 4 <= self.rows - self.nulls;
        if is_useful && self.values.plain().len() <= MAX_DICTIONARY {
            return;
        }
        let Some(indices) = self.indices.take() else { return };
        let mut all = V::default();
        for (entry, count) in indices.iter() {
            if let Some(value) = self.values.get(entry) {
                (0..count).for_each(|_| all.push(value));
            }
        }
        self.values = all;
        self.table = Slots::default();
        self.next = Vec::new();
        self.last = NONE;
    }

    /// The column of what `push` appends for each value of this one, in the same order.
    pub fn map<T: Values>(&self, mut push: impl FnMut(V::Value<'_>, &mut T)) -> Column<T> {
        let mut values = T::default();
        (0..self.values.len()).filter_map(|at| self.values.get(at as u32)).for_each(|value| push(value, &mut values));
        let (levels, indices) = (self.levels.clone(), self.indices.clone());
        Column { levels, rows: self.rows, nulls: self.nulls, values, indices, ..Column::default() }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        let indices = self.indices.as_ref().map_or(0, Runs::memory);
        let lists = (self.table.0.capacity() + self.next.capacity()) * size_of::<u32>();
        self.levels.memory() + self.values.memory() + indices + lists
    }

    /// Begins anew; what is held is kept for the next row group where that is like this one.
    pub fn clear(&mut self) {
        self.levels.clear();
        self.values.clear();
        (self.rows, self.nulls, self.last) = (0, 0, NONE);
        self.table.clear();
        self.next.clear();
        match &mut self.indices {
            Some(indices) => indices.clear(),
            None => self.indices = Some(Runs::default()),
        }
    }
}

/// A hash table of entries, by open addressing.
#[derive(Debug, Default)]
struct Slots(Vec<u32>);

impl Slots {
    const FEWEST: usize = 32;

    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.0.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            match self.0.get(at) {
                Some(&entry) if entry != NONE => {
                    if is_it(entry) {
                        return Some(entry);
                    }
                }
                _ => return None,
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds the next entry, of which there is none yet.
    fn insert(&mut self, hash: u64, entry: u32, hash_of: impl Fn(u32) -> u64) {
        // At most half full: what is looked for is found at once.
        if (entry as usize + 1) * 2 > self.0.len() {
            let slots = (self.0.len() * 2).max(Self::FEWEST);
            self.0.clear();
            self.0.resize(slots, NONE);
            (0..entry).for_each(|entry| self.place(hash_of(entry), entry));
        }
        self.place(hash, entry);
    }

    fn place(&mut self, hash: u64, entry: u32) {
        let mask = self.0.len().saturating_sub(1);
        let mut at = hash as usize & mask;
        while let Some(slot) = self.0.get_mut(at) {
            if *slot == NONE {
                *slot = entry;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
