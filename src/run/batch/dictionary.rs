//! Numbers for what is different: values, and rows of values. Groups and what is told apart stand on it.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::held::{HeldColumn, text};
use crate::model::collection::BATCH;
use crate::model::memory::{HeldMemory, Operator};
use crate::model::{BatchColumn, Cx, Value, number, size};
use crate::text::diagnostic::Result;

/// The different values that have come, numbered from 0 in the order in which each came first. Numbers
/// of one amount are one value, whatever their type, as they are everywhere.
#[derive(Default)]
pub struct Dictionary {
    /// Each value as it came first, by its number.
    firsts: HeldColumn,
    /// The numbers, by what [`Hashes`] makes of a value that is held in such a column.
    table: HashTable<u32>,
    hashes: Hashes,
}

/// How values are hashed.
#[derive(Default)]
struct Hashes(RandomState);

impl Hashes {
    #[inline]
    fn int(&self, int: i64) -> u64 {
        self.0.hash_one(int)
    }

    /// The two zeros are equal, and so is all that is not a number.
    #[inline]
    fn real(&self, real: f64) -> u64 {
        let one = if real.is_nan() { f64::NAN } else { real + 0.0 };
        self.0.hash_one(one.to_bits())
    }

    fn text(&self, text: &str) -> u64 {
        self.0.hash_one(text)
    }

    fn value(&self, value: &Value) -> u64 {
        self.0.hash_one(value)
    }
}

/// The number of a value among so many that came first; a new one, and true, where it is not among them.
#[inline]
fn number_among(
    firsts: usize,
    table: &mut HashTable<u32>,
    hash: u64,
    is_equal: impl Fn(usize) -> bool,
    hash_of: impl Fn(usize) -> u64,
) -> (u32, bool) {
    let entry = table.entry(
        hash,
        |number| is_equal(*number as usize),
        |number| hash_of(*number as usize),
    );
    match entry {
        Entry::Occupied(known) => (*known.get(), false),
        Entry::Vacant(new) => {
            new.insert(firsts as u32);
            (firsts as u32, true)
        }
    }
}

impl Dictionary {
    /// How many different values there are.
    pub fn len(&self) -> usize {
        self.firsts.len()
    }

    /// How many bytes it takes, what growing takes before long included.
    fn bytes(&self) -> usize {
        let table = self.table.allocation_size();
        // A table that grows is there a while beside the next one, which has twice its places.
        let growing = match self.table.capacity() - self.table.len() < BATCH {
            true => 2 * table,
            false => 0,
        };
        self.firsts.bytes() + table + growing
    }

    /// Each value as it came first.
    pub fn into_firsts(self) -> HeldColumn {
        self.firsts
    }

    /// Puts the numbers of so many rows' values into `numbers`.
    pub fn number_all(&mut self, column: &BatchColumn, rows: usize, numbers: &mut Vec<u32>) {
        numbers.clear();
        match column {
            BatchColumn::Ints(ints) => numbers.extend(ints.iter().map(|int| self.number_int(*int))),
            BatchColumn::Reals(reals) => {
                numbers.extend(reals.iter().map(|real| self.number_real(*real)));
            }
            BatchColumn::Texts(texts) => {
                let rows = (0..texts.len()).map(|row| self.number_text(text(texts, row)));
                numbers.extend(rows);
            }
            BatchColumn::Values(values) => {
                numbers.extend(values.iter().map(|value| self.number(value)));
            }
            BatchColumn::Times(times) => {
                let values = (0..times.len()).filter_map(|row| times.value(row));
                numbers.extend(values.map(|value| self.number(&value)));
            }
            constant => {
                if let Some(value) = constant.value(0).filter(|_| rows > 0) {
                    numbers.resize(rows, self.number(&value));
                }
            }
        }
    }

    #[inline]
    fn number_int(&mut self, int: i64) -> u32 {
        let HeldColumn::Ints(firsts) = &mut self.firsts else {
            return self.number(&Value::Int(int));
        };
        let (hashes, known) = (&self.hashes, &*firsts);
        let (number, is_new) = number_among(
            known.len(),
            &mut self.table,
            hashes.int(int),
            |at| known[at] == int,
            |at| hashes.int(known[at]),
        );
        if is_new {
            firsts.push(int);
        }
        number
    }

    #[inline]
    fn number_real(&mut self, real: f64) -> u32 {
        let HeldColumn::Reals(firsts) = &mut self.firsts else {
            return self.number(&Value::Real(real));
        };
        let (hashes, known) = (&self.hashes, &*firsts);
        let (number, is_new) = number_among(
            known.len(),
            &mut self.table,
            hashes.real(real),
            |at| number::cmp_reals(known[at], real).is_eq(),
            |at| hashes.real(known[at]),
        );
        if is_new {
            firsts.push(real);
        }
        number
    }

    #[inline]
    fn number_text(&mut self, string: &str) -> u32 {
        let HeldColumn::Texts(firsts) = &mut self.firsts else {
            return self.number(&Value::str(string));
        };
        let (hashes, known) = (&self.hashes, &*firsts);
        let (number, is_new) = number_among(
            known.len(),
            &mut self.table,
            hashes.text(string),
            |at| text(known, at) == string,
            |at| hashes.text(text(known, at)),
        );
        if is_new {
            firsts.push(string);
        }
        number
    }

    /// The number of a value.
    pub fn number(&mut self, value: &Value) -> u32 {
        self.make_room_for(value);
        let firsts = match (&mut self.firsts, value) {
            (HeldColumn::Ints(_), Value::Int(int)) => return self.number_int(*int),
            (HeldColumn::Reals(_), Value::Real(real)) => return self.number_real(*real),
            (HeldColumn::Texts(_), Value::Str(string)) => return self.number_text(string),
            (firsts, _) => firsts.to_values(),
        };
        let (hashes, known) = (&self.hashes, &*firsts);
        let (number, is_new) = number_among(
            known.len(),
            &mut self.table,
            hashes.value(value),
            |at| known[at] == *value,
            |at| hashes.value(&known[at]),
        );
        if is_new {
            firsts.push(value.clone());
        }
        number
    }

    /// The number of a value, if it has come.
    fn find(&self, value: &Value) -> Option<u32> {
        match (&self.firsts, value) {
            (HeldColumn::Ints(_), Value::Int(int)) => self.find_int(*int),
            (HeldColumn::Ints(_), Value::Real(real)) => self.find_int(number::whole(*real)?),
            (HeldColumn::Reals(_), Value::Real(real)) => self.find_real(*real),
            (HeldColumn::Reals(_), Value::Int(int)) if number::is_real(*int) => {
                self.find_real(*int as f64)
            }
            (HeldColumn::Texts(firsts), Value::Str(string)) => {
                let hash = self.hashes.text(string);
                let is_equal = |at: &u32| text(firsts, *at as usize) == &**string;
                self.table.find(hash, is_equal).copied()
            }
            (HeldColumn::Values(firsts), value) => {
                let hash = self.hashes.value(value);
                let is_equal = |at: &u32| firsts[*at as usize] == *value;
                self.table.find(hash, is_equal).copied()
            }
            _ => None,
        }
    }

    #[inline]
    fn find_int(&self, int: i64) -> Option<u32> {
        let HeldColumn::Ints(firsts) = &self.firsts else {
            return self.find(&Value::Int(int));
        };
        let hash = self.hashes.int(int);
        let found = self.table.find(hash, |at| firsts[*at as usize] == int);
        found.copied()
    }

    #[inline]
    fn find_real(&self, real: f64) -> Option<u32> {
        let HeldColumn::Reals(firsts) = &self.firsts else {
            return self.find(&Value::Real(real));
        };
        let hash = self.hashes.real(real);
        let is_equal = |at: &u32| number::cmp_reals(firsts[*at as usize], real).is_eq();
        self.table.find(hash, is_equal).copied()
    }

    /// The numbers of so many rows' values, of those that have come.
    fn find_all(&self, column: &BatchColumn, rows: usize) -> Vec<Option<u32>> {
        match column {
            BatchColumn::Ints(ints) => ints.iter().map(|int| self.find_int(*int)).collect(),
            BatchColumn::Reals(reals) => reals.iter().map(|real| self.find_real(*real)).collect(),
            column => {
                let find = |row| column.borrowed(row).and_then(|value| self.find(&value));
                (0..rows).map(find).collect()
            }
        }
    }

    /// Sees to it that the column of values can hold this one.
    fn make_room_for(&mut self, value: &Value) {
        if self.firsts.is_of_kind(value) {
            return;
        }
        if self.firsts.is_empty() {
            self.firsts = HeldColumn::for_kind_of(value);
            return;
        }
        let hashes = &self.hashes;
        let firsts = self.firsts.to_values();
        self.table.clear();
        for (number, first) in firsts.iter().enumerate() {
            let hash_of = |number: &u32| hashes.value(&firsts[*number as usize]);
            self.table
                .insert_unique(hashes.value(first), number as u32, hash_of);
        }
    }
}

/// The different rows that have come, numbered from 0 in the order in which each came first. Rows are
/// equal where their values in each column are.
pub struct RowDictionary {
    /// The values of each column.
    columns: Vec<Dictionary>,
    /// For each column but the first: the pairs of what the columns before it have together, and its own.
    pairs: Vec<Dictionary>,
    /// Each row as it came first, where there is more than one column.
    firsts: Vec<HeldColumn>,
    /// What the columns have, and one of them, for a batch.
    numbers: Vec<u32>,
    of_column: Vec<u32>,
}

impl RowDictionary {
    /// A dictionary of rows of so many values.
    pub fn new(columns: usize) -> RowDictionary {
        let several = |count: usize| (0..count).map(|_| Dictionary::default()).collect();
        let kept = if columns > 1 { columns } else { 0 };
        RowDictionary {
            columns: several(columns),
            pairs: several(columns.saturating_sub(1)),
            firsts: vec![HeldColumn::default(); kept],
            numbers: Vec::new(),
            of_column: Vec::new(),
        }
    }

    /// How many different rows there are.
    pub fn count(&self) -> usize {
        self.pairs
            .last()
            .or(self.columns.last())
            .map_or(0, Dictionary::len)
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        let dictionaries = self.columns.iter().chain(&self.pairs);
        dictionaries.map(Dictionary::bytes).sum::<usize>()
            + self.firsts.iter().map(HeldColumn::bytes).sum::<usize>()
    }

    /// The numbers of the rows of the latest batch.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Numbers so many rows of a batch.
    pub fn number_all(&mut self, columns: &[BatchColumn], rows: usize) {
        let known = self.count();
        let mut own = self.columns.iter_mut().zip(columns);
        match own.next() {
            Some((first, column)) => first.number_all(column, rows, &mut self.numbers),
            None => self.numbers.clear(),
        }
        for ((dictionary, column), pairs) in own.zip(&mut self.pairs) {
            dictionary.number_all(column, rows, &mut self.of_column);
            for (number, other) in self.numbers.iter_mut().zip(&self.of_column) {
                *number = pairs.number_int(pair(*number, *other));
            }
        }
        if !self.firsts.is_empty() {
            let new = new_rows(&self.numbers, known);
            for (firsts, column) in self.firsts.iter_mut().zip(columns) {
                firsts.extend(column, new.iter().copied());
            }
        }
    }

    /// The numbers of so many rows of a batch, of those that have come.
    pub fn find_all(&self, columns: &[BatchColumn], rows: usize) -> Vec<Option<u32>> {
        let mut own = self.columns.iter().zip(columns);
        let Some((first, column)) = own.next() else {
            return vec![None; rows];
        };
        let mut found = first.find_all(column, rows);
        for ((dictionary, column), pairs) in own.zip(&self.pairs) {
            let others = dictionary.find_all(column, rows);
            for (number, other) in found.iter_mut().zip(others) {
                *number = number
                    .zip(other)
                    .and_then(|(number, other)| pairs.find_int(pair(number, other)));
            }
        }
        found
    }

    /// The number of a row.
    pub fn number(&mut self, row: &[Value]) -> u32 {
        let known = self.count();
        let mut own = self.columns.iter_mut().zip(row);
        let first = own.next().map(|(first, value)| first.number(value));
        let number = own.zip(&mut self.pairs).fold(
            first.unwrap_or(0),
            |number, ((dictionary, value), pairs)| {
                pairs.number_int(pair(number, dictionary.number(value)))
            },
        );
        if number as usize == known {
            for (firsts, value) in self.firsts.iter_mut().zip(row) {
                firsts.push(value.clone());
            }
        }
        number
    }

    /// Each row as it came first, column by column.
    pub fn into_firsts(self) -> Vec<HeldColumn> {
        match self.firsts.is_empty() {
            true => self
                .columns
                .into_iter()
                .map(Dictionary::into_firsts)
                .collect(),
            false => self.firsts,
        }
    }
}

/// Two numbers as one.
fn pair(left: u32, right: u32) -> i64 {
    (u64::from(left) << 32 | u64::from(right)) as i64
}

/// The rows that have new numbers, the first of each, where so many numbers had been given before.
fn new_rows(numbers: &[u32], known: usize) -> Vec<usize> {
    let mut next = known;
    let mut new = Vec::new();
    for (row, number) in numbers.iter().enumerate() {
        if *number as usize == next {
            new.push(row);
            next += 1;
        }
    }
    new
}

/// The results that have come, where each is wanted once.
pub struct Distinct {
    columns: usize,
    seen: RowDictionary,
    memory: HeldMemory,
}

impl Distinct {
    /// None yet, of results of so many columns.
    pub fn new(columns: usize) -> Distinct {
        Distinct {
            columns,
            seen: RowDictionary::new(columns),
            memory: HeldMemory::default(),
        }
    }

    /// The places of the rows of a batch that are new; an error beside them where more cannot be
    /// remembered than these.
    pub fn new_rows(
        &mut self,
        columns: &[BatchColumn],
        rows: usize,
        operator: Operator,
        cx: &Cx,
    ) -> (Vec<usize>, Result<()>) {
        let known = self.seen.count();
        self.seen.number_all(columns, rows);
        let mut new = new_rows(self.seen.numbers(), known);
        new.truncate(size::MAX_NUMBERED.saturating_sub(known));
        (new, self.check(operator, cx))
    }

    /// Whether a result is new. One of several columns is a vector.
    pub fn is_new(&mut self, result: &Value, operator: Operator, cx: &Cx) -> Result<bool> {
        let known = self.seen.count();
        let number = match result {
            Value::Vector(row) if self.columns > 1 => self.seen.number(row),
            value => self.seen.number(std::slice::from_ref(value)),
        };
        let is_new = number as usize >= known;
        if is_new {
            self.check(operator, cx)?;
        }
        Ok(is_new)
    }

    fn check(&mut self, operator: Operator, cx: &Cx) -> Result<()> {
        size::check_numbered(self.seen.count())?;
        self.memory.set(self.seen.bytes(), operator, &cx.memory)
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use proptest::prelude::*;

    use super::super::testing::{batches, same};
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// The dictionary beside a map of rows of values.
        #[test]
        fn rows_have_the_numbers_that_a_map_gives(batches in batches(1..4), others in batches(1..4)) {
            let width = batches[0].columns.len();
            let mut dictionary = RowDictionary::new(width);
            let mut map: IndexMap<Vec<Value>, ()> = IndexMap::new();
            for batch in &batches {
                let expected: Vec<u32> = batch
                    .values()
                    .into_iter()
                    .map(|row| {
                        let entry = map.entry(row);
                        let number = entry.index() as u32;
                        entry.or_insert(());
                        number
                    })
                    .collect();
                match batch.by_rows {
                    true => {
                        let numbers: Vec<u32> =
                            batch.values().iter().map(|row| dictionary.number(row)).collect();
                        prop_assert_eq!(numbers, expected);
                    }
                    false => {
                        dictionary.number_all(&batch.columns, batch.rows);
                        prop_assert_eq!(dictionary.numbers(), expected);
                    }
                }
                prop_assert_eq!(dictionary.count(), map.len());
            }
            for batch in batches.iter().chain(&others) {
                if batch.columns.len() == width {
                    let number = |row: &Vec<Value>| map.get_index_of(row).map(|at| at as u32);
                    let expected: Vec<Option<u32>> = batch.values().iter().map(number).collect();
                    let found = dictionary.find_all(&batch.columns, batch.rows);
                    prop_assert_eq!(found, expected);
                }
            }
            let firsts = dictionary.into_firsts();
            for (at, (row, ())) in map.iter().enumerate() {
                let first: Vec<Value> = firsts.iter().map(|column| column.value(at)).collect();
                prop_assert!(same(&first, row), "{:?} {:?}", first, row);
            }
        }
    }
}
