//! Entries of an index whose keys are numbers close together: each has a place of its own, and is
//! found without looking for it. Objects are such keys, as they are numbered when they are created.

use crate::model::table::Key;
use crate::model::table::index::{Entry, Lists};
use crate::model::table::rows::{Place, Rows};
use crate::model::{Value, number};

/// Entries by the number that the value in one column is, or has.
pub struct Numbered {
    column: usize,
    keys: Keys,
    /// The number of the first entry.
    first: i64,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
enum Keys {
    /// There has been no row yet.
    Unknown,
    Integers,
    Objects,
}

/// The entry of a number that no row has.
const NONE: Entry = Entry::MAX;

/// How many entries there may be for each row, and how many in any case.
const SPARSE: usize = 4;
const FEW: usize = 64;

impl Numbered {
    pub fn new(column: usize) -> Numbered {
        Numbered {
            column,
            keys: Keys::Unknown,
            first: 0,
            entries: Vec::new(),
        }
    }

    #[inline]
    pub fn find(&self, key: &Value) -> Option<Entry> {
        self.entry(self.number(key)?)
    }

    #[inline]
    pub fn find_key(&self, key: Key) -> Option<Entry> {
        match (self.keys, key) {
            (Keys::Integers, Key::Integer(int)) => self.entry(int),
            (Keys::Objects, Key::Object(id)) => self.entry(i64::try_from(id).ok()?),
            (_, Key::Value(value)) => self.find(value),
            _ => None,
        }
    }

    #[inline]
    fn entry(&self, number: i64) -> Option<Entry> {
        let at = number.checked_sub(self.first)?;
        let entry = self.entries.get(usize::try_from(at).ok()?)?;
        Some(*entry).filter(|entry| *entry != NONE)
    }

    /// The number of a key; none if nothing here can equal it.
    #[inline]
    fn number(&self, key: &Value) -> Option<i64> {
        match (self.keys, key) {
            (Keys::Integers, Value::Int(i)) => Some(*i),
            (Keys::Integers, Value::Real(r)) => number::whole(*r),
            (Keys::Objects, Value::Object(object)) => i64::try_from(object.id()).ok(),
            _ => None,
        }
    }

    /// A row has come to a place. `false` if its key has no number like the others, or one far away.
    pub fn add(&mut self, place: Place, rows: &Rows, lists: &mut Lists) -> bool {
        let key = &rows.get(place)[self.column];
        if let Keys::Unknown = self.keys {
            self.keys = match key {
                Value::Object(_) => Keys::Objects,
                _ => Keys::Integers,
            };
        }
        let Some(number) = self.number(key) else {
            return false;
        };
        let Some(entry) = self.make(number, FEW.max(SPARSE * rows.len())) else {
            return false;
        };
        match *entry {
            NONE => *entry = place,
            _ => lists.add(entry, place),
        }
        true
    }

    /// The entry of a number, made if need be; none if there would be more than `most`.
    fn make(&mut self, number: i64, most: usize) -> Option<&mut Entry> {
        if self.entries.is_empty() {
            self.first = number;
        }
        if number < self.first {
            let missing = usize::try_from(self.first.checked_sub(number)?).ok()?;
            let all = missing.checked_add(self.entries.len())?;
            let spare = most.checked_sub(all)?.min(self.entries.len());
            // Room for more before it, so that numbers may count down.
            self.first = number.checked_sub(i64::try_from(spare).ok()?)?;
            let none = std::iter::repeat_n(NONE, missing + spare);
            self.entries.splice(0..0, none);
        }
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        if at >= self.entries.len() {
            if at >= most {
                return None;
            }
            self.entries.resize(at + 1, NONE);
        }
        self.entries.get_mut(at)
    }

    /// The row at a place is about to go.
    pub fn take(&mut self, place: Place, rows: &Rows, lists: &mut Lists) {
        let number = self.number(&rows.get(place)[self.column]);
        let at = number.and_then(|number| usize::try_from(number.checked_sub(self.first)?).ok());
        if let Some(entry) = at.and_then(|at| self.entries.get_mut(at))
            && *entry != NONE
            && lists.take(*entry, place)
        {
            *entry = NONE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the keys, and whether all of them could be numbered.
    fn numbered(keys: &[Value]) -> (Numbered, Rows, bool) {
        let (mut index, mut rows) = (Numbered::new(0), Rows::new(1));
        let mut lists = Lists::default();
        let all = keys.iter().all(|key| {
            let place = rows.insert(std::slice::from_ref(key));
            index.add(place, &rows, &mut lists)
        });
        (index, rows, all)
    }

    #[test]
    fn up_and_down() {
        let keys: Vec<Value> = (0..300)
            .map(|i| Value::Int(if i % 2 == 0 { i } else { -i }))
            .collect();
        let (index, rows, all) = numbered(&keys);
        assert!(all);
        for key in &keys {
            let place = index.find(key).expect("was added");
            assert_eq!(rows.get(place), std::slice::from_ref(key));
        }
        assert_eq!(index.find(&Value::Int(1)), None);
        assert_eq!(index.find(&Value::Int(i64::MIN)), None);
    }

    #[test]
    fn whole_reals_are_integers() {
        let (index, _, all) = numbered(&[Value::Int(7), Value::Real(8.0)]);
        assert!(all);
        assert_eq!(index.find(&Value::Real(7.0)), Some(0));
        assert_eq!(index.find(&Value::Int(8)), Some(1));
        assert_eq!(index.find(&Value::Real(7.5)), None);
    }

    #[test]
    fn what_is_far_away_or_no_number_is_left_to_others() {
        assert!(!numbered(&[Value::Int(i64::MIN), Value::Int(i64::MAX)]).2);
        assert!(!numbered(&[Value::Int(1), Value::Int(1000)]).2);
        assert!(!numbered(&[Value::Int(1), Value::str("1")]).2);
        assert!(!numbered(&[Value::Real(0.5)]).2);
    }
}
