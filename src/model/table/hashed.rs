//! Entries of an index found by a hash of their keys.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::model::Value;
use crate::model::table::index::{Entry, Lists};
use crate::model::table::rows::{Place, Rows};

/// Entries by the hash of the values in some columns. The keys are in the rows alone.
#[derive(Default)]
pub struct Hashed {
    entries: HashTable<Entry>,
    hasher: RandomState,
}

impl Hashed {
    #[inline]
    pub fn find<'a>(
        &self,
        columns: &[usize],
        key: impl Iterator<Item = &'a Value> + Clone,
        rows: &Rows,
        lists: &Lists,
    ) -> Option<Entry> {
        let hash = hash(&self.hasher, key.clone());
        let same = |entry: &Entry| {
            let row = lists.row(*entry, rows);
            let mut pairs = columns.iter().zip(key.clone());
            pairs.all(|(column, value)| row[*column] == *value)
        };
        self.entries.find(hash, same).copied()
    }

    /// A row has come to a place.
    pub fn add(&mut self, place: Place, columns: &[usize], rows: &Rows, lists: &mut Lists) {
        let row = rows.get(place);
        let hash_of = |row| hash_of(&self.hasher, columns, row);
        let hash = hash_of(row);
        let same = |entry: &Entry| equal(columns, lists.row(*entry, rows), row);
        match self.entries.find_mut(hash, same) {
            Some(entry) => lists.add(entry, place),
            None => {
                let of_entry = |entry: &Entry| hash_of(lists.row(*entry, rows));
                self.entries.insert_unique(hash, place, of_entry);
            }
        }
    }

    /// The row at a place is about to go.
    pub fn take(&mut self, place: Place, columns: &[usize], rows: &Rows, lists: &mut Lists) {
        let row = rows.get(place);
        let hash = hash_of(&self.hasher, columns, row);
        let same = |entry: &Entry| equal(columns, lists.row(*entry, rows), row);
        if let Ok(found) = self.entries.find_entry(hash, same)
            && lists.take(*found.get(), place)
        {
            found.remove();
        }
    }
}

fn equal(columns: &[usize], a: &[Value], b: &[Value]) -> bool {
    columns.iter().all(|column| a[*column] == b[*column])
}

fn hash_of(hasher: &RandomState, columns: &[usize], row: &[Value]) -> u64 {
    hash(hasher, columns.iter().map(|column| &row[*column]))
}

#[inline]
fn hash<'a>(hasher: &RandomState, values: impl Iterator<Item = &'a Value>) -> u64 {
    let mut state = hasher.build_hasher();
    values.for_each(|value| value.hash(&mut state));
    state.finish()
}
