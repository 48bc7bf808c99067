//! Finds the rows that have given values in some columns, in the same time however many rows there are.

use std::borrow::Borrow;
use std::ops::RangeInclusive;
use std::slice::from_ref;

use crate::model::Value;
use crate::model::table::Key;
use crate::model::table::hashed::Hashed;
use crate::model::table::numbered::Numbered;
use crate::model::table::rows::{MOST, Place, Rows};

/// The places of rows by the values in some columns.
pub struct Index {
    columns: Vec<usize>,
    entries: Entries,
    lists: Lists,
    integers: Integers,
}

enum Entries {
    Numbered(Numbered),
    Hashed(Hashed),
}

impl Index {
    /// An index of all rows on these columns.
    pub fn of(columns: &[usize], rows: &Rows) -> Index {
        if let [column] = columns {
            let (mut entries, mut lists) = (Numbered::new(*column), Lists::default());
            if rows
                .iter()
                .all(|place| entries.add(place, rows, &mut lists))
            {
                return Index {
                    columns: columns.to_vec(),
                    entries: Entries::Numbered(entries),
                    lists,
                    integers: Integers::of(columns, rows),
                };
            }
        }
        Index::hashed(columns, rows)
    }

    fn hashed(columns: &[usize], rows: &Rows) -> Index {
        let (mut entries, mut lists) = (Hashed::default(), Lists::default());
        for place in rows.iter() {
            entries.add(place, columns, rows, &mut lists);
        }
        Index {
            columns: columns.to_vec(),
            entries: Entries::Hashed(entries),
            lists,
            integers: Integers::of(columns, rows),
        }
    }

    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Integers between which all values in the only column are; `None` if some are no integers.
    pub fn integers(&self) -> Option<RangeInclusive<i64>> {
        self.integers.range.clone()
    }

    /// The entry of the rows with these values in the columns, for [`Index::places`].
    #[inline]
    pub fn find<V: Borrow<Value>>(&self, key: &[V], rows: &Rows) -> Option<Entry> {
        match (&self.entries, key) {
            (Entries::Numbered(entries), [key]) => entries.find(key.borrow()),
            (Entries::Numbered(_), _) => None,
            (Entries::Hashed(entries), key) => {
                let key = key.iter().map(V::borrow);
                entries.find(&self.columns, key, rows, &self.lists)
            }
        }
    }

    /// The entry of an integer or an object in the only column. `None` if it has to be looked up as a
    /// value.
    #[inline]
    pub fn find_key(&self, key: Key, rows: &Rows) -> Option<Option<Entry>> {
        match (&self.entries, key) {
            (Entries::Numbered(entries), key) => Some(entries.find_key(key)),
            (Entries::Hashed(_), Key::Integer(int)) => Some(self.find(&[Value::Int(int)], rows)),
            (Entries::Hashed(_), Key::Value(value)) => Some(self.find(&[value], rows)),
            (Entries::Hashed(_), Key::Object(_)) => None,
        }
    }

    /// The places that an entry stands for.
    #[inline]
    pub fn places<'a>(&'a self, entry: &'a Entry) -> &'a [Place] {
        self.lists.places(entry)
    }

    /// A row has come to a place.
    pub fn add(&mut self, place: Place, rows: &Rows) {
        self.integers.add(&self.columns, rows.get(place));
        let lists = &mut self.lists;
        match &mut self.entries {
            Entries::Numbered(entries) => {
                if !entries.add(place, rows, lists) {
                    *self = Index::hashed(&self.columns, rows);
                }
            }
            Entries::Hashed(entries) => entries.add(place, &self.columns, rows, lists),
        }
    }

    /// The row at a place is about to go.
    pub fn take(&mut self, place: Place, rows: &Rows) {
        match &mut self.entries {
            Entries::Numbered(entries) => entries.take(place, rows, &mut self.lists),
            Entries::Hashed(entries) => entries.take(place, &self.columns, rows, &mut self.lists),
        }
    }
}

/// Between which integers the values in a column are, or have been.
struct Integers {
    /// An empty one before the first value; `None` if there is another column, or a value that is no
    /// integer.
    range: Option<RangeInclusive<i64>>,
}

impl Integers {
    #[allow(clippy::reversed_empty_ranges, reason = "nothing is between them yet")]
    fn of(columns: &[usize], rows: &Rows) -> Integers {
        let range = (columns.len() == 1).then_some(i64::MAX..=i64::MIN);
        let mut integers = Integers { range };
        for place in rows.iter() {
            integers.add(columns, rows.get(place));
        }
        integers
    }

    #[inline]
    fn add(&mut self, columns: &[usize], row: &[Value]) {
        let Some(range) = &self.range else { return };
        self.range = match row[columns[0]] {
            Value::Int(int) => Some(int.min(*range.start())..=int.max(*range.end())),
            _ => None,
        };
    }
}

/// What a key leads to: the place of its only row, or [`REPEATED`] and the number of a list.
pub type Entry = u32;

/// What tells a list from a place.
const REPEATED: Entry = MOST as Entry;

/// The places of the rows of keys that have several, or had, oldest first.
#[derive(Default)]
pub struct Lists {
    lists: Vec<List>,
    /// The numbers of those that no key leads to.
    spare: Vec<u32>,
}

impl Lists {
    #[inline]
    fn places<'a>(&'a self, entry: &'a Entry) -> &'a [Place] {
        match entry.checked_sub(REPEATED) {
            Some(list) => self.lists[list as usize].places(),
            None => from_ref(entry),
        }
    }

    /// A row that has the entry's key.
    #[inline]
    pub fn row<'r>(&self, entry: Entry, rows: &'r Rows) -> &'r [Value] {
        rows.get(self.places(&entry)[0])
    }

    /// Adds a place to those of an entry.
    pub fn add(&mut self, entry: &mut Entry, place: Place) {
        if let Some(list) = entry.checked_sub(REPEATED) {
            self.lists[list as usize].places.push(place);
            return;
        }
        let list = self.spare.pop().unwrap_or_else(|| {
            self.lists.push(List::default());
            (self.lists.len() - 1) as u32
        });
        self.lists[list as usize].places.extend([*entry, place]);
        *entry = REPEATED + list;
    }

    /// Takes a place from those of an entry; `true` if it was the last.
    pub fn take(&mut self, entry: Entry, place: Place) -> bool {
        let Some(number) = entry.checked_sub(REPEATED) else {
            return true;
        };
        let list = &mut self.lists[number as usize];
        list.take(place);
        let empty = list.places().is_empty();
        if empty {
            self.spare.push(number);
        }
        empty
    }
}

/// The places of one key's rows, oldest first. Those near either end are taken away in the same time
/// however many there are: all go in that order when they are replaced, and in the other when that is
/// undone.
#[derive(Default)]
struct List {
    places: Vec<Place>,
    /// How many of the oldest have been taken away.
    gone: usize,
}

impl List {
    fn places(&self) -> &[Place] {
        &self.places[self.gone..]
    }

    fn take(&mut self, place: Place) {
        let places = self.places();
        let from_both_ends = (0..places.len().div_ceil(2)).find_map(|i| {
            let back = places.len() - 1 - i;
            let found = [i, back].into_iter().find(|at| places[*at] == place);
            found.map(|at| self.gone + at)
        });
        match from_both_ends {
            Some(at) if at == self.gone => self.gone += 1,
            Some(at) => drop(self.places.remove(at)),
            None => {}
        }
        if 2 * self.gone >= self.places.len() {
            self.places.drain(..self.gone);
            self.gone = 0;
        }
    }
}
