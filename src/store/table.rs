//! The rows of a stored function: its arguments, then its results. Indexed on whatever columns it
//! is looked up by: an index is made when it is first wanted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use foldhash::fast::RandomState;

use crate::diagnostic::{Error, Result};
use crate::functions::function::Signature;
use crate::run::wait::lock;
use crate::syntax::ast::Many;
use crate::types::{Type, Value};

/// A row: arguments, then results.
pub type Row = Arc<[Value]>;

/// The rows of a stored function.
pub struct Table {
    name: String,
    types: Vec<Type>,
    arity: usize,
    /// Sets of columns whose values together occur at most once.
    unique: Vec<Vec<usize>>,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    slots: Vec<Option<Row>>,
    free: Vec<usize>,
    /// For sets of columns: the places of the rows by the values there.
    indexes: Vec<Index>,
}

struct Index {
    columns: Vec<usize>,
    places: HashMap<Vec<Value>, Vec<usize>, RandomState>,
}

/// How the rows with given values in some columns are found.
pub enum Access {
    Indexed,
    /// There are so few that no index is made.
    LookedThrough,
    /// An index is made by the first lookup.
    Unindexed,
}

/// Below that many rows a look through all is as fast as an index.
const SMALL: usize = 8;

impl Table {
    /// An empty table for a stored function of that signature.
    pub fn new(signature: &Signature) -> Table {
        let arity = signature.params.len();
        let columns: Vec<_> = signature.params.iter().chain(&signature.columns).collect();
        let keys = columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.key)
            .map(|(i, _)| vec![i]);
        let mut unique: Vec<Vec<usize>> = keys.collect();
        if signature.many == Many::One {
            unique.push((0..arity).collect());
        }
        Table {
            name: signature.name.to_string(),
            types: columns.iter().map(|c| c.ty.clone()).collect(),
            arity,
            unique,
            rows: Mutex::default(),
        }
    }

    /// Whether the arguments determine the results.
    pub fn is_unique_by_arguments(&self) -> bool {
        self.is_unique_by(&(0..self.arity).collect::<Vec<_>>())
    }

    /// Whether at most one row has given values in these columns.
    pub fn is_unique_by(&self, known: &[usize]) -> bool {
        let determined = |columns: &Vec<usize>| columns.iter().all(|c| known.contains(c));
        self.unique.iter().any(determined)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        let rows = lock(&self.rows);
        rows.slots.len() - rows.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The types of the columns: arguments, then results.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    pub fn arity(&self) -> usize {
        self.arity
    }

    /// All rows, oldest place first.
    pub fn all(&self) -> Vec<Row> {
        lock(&self.rows).slots.iter().flatten().cloned().collect()
    }

    /// The rows that have the known values in their columns.
    pub fn lookup(&self, known: &[Option<Value>]) -> Vec<Row> {
        let columns: Vec<usize> = (0..known.len()).filter(|i| known[*i].is_some()).collect();
        if columns.is_empty() {
            return self.all();
        }
        let values: Vec<Value> = known.iter().flatten().cloned().collect();
        lock(&self.rows).find(&columns, &values)
    }

    /// How rows are found by their values in `columns`.
    pub fn access(&self, columns: &[usize]) -> Access {
        let rows = lock(&self.rows);
        if rows.indexes.iter().any(|i| i.columns == columns) {
            Access::Indexed
        } else if rows.slots.len() <= SMALL {
            Access::LookedThrough
        } else {
            Access::Unindexed
        }
    }

    /// Adds a row. An error if its key or arguments occur already.
    pub fn insert(&self, row: Row) -> Result<()> {
        let mut rows = lock(&self.rows);
        for columns in &self.unique {
            let values: Vec<Value> = columns.iter().map(|c| row[*c].clone()).collect();
            if let Some(other) = rows.find(columns, &values).first() {
                return Err(self.duplicate(&row, other, columns));
            }
        }
        rows.insert(row);
        Ok(())
    }

    /// Takes all rows away for good.
    pub fn clear(&self) {
        *lock(&self.rows) = Rows::default();
    }

    /// Takes one row equal to `row` away. `false` if there is none.
    pub fn remove(&self, row: &Row) -> bool {
        lock(&self.rows).remove(row)
    }

    fn duplicate(&self, row: &Row, other: &Row, columns: &[usize]) -> Error {
        let part = |row: &Row, from, to: usize| {
            let values: Vec<_> = row[from..to].iter().map(Value::to_string).collect();
            values.join(",")
        };
        let width = self.types.len();
        let (args, old) = (part(row, 0, self.arity), part(other, self.arity, width));
        let new = part(row, self.arity, width);
        if columns.iter().all(|c| *c < self.arity) {
            Error::run(format!(
                "{}({args}) has the value {old} already, and can have only one: {new} was not added",
                self.name
            ))
            .help("use 'set' to replace the value; declare the result 'Bag of' to have several")
        } else {
            let holder = part(other, 0, self.arity);
            Error::run(format!(
                "{}({args}) cannot be {new}: the value is a key, and {}({holder}) has it",
                self.name, self.name
            ))
        }
    }
}

impl Rows {
    fn find(&mut self, columns: &[usize], values: &[Value]) -> Vec<Row> {
        if self.slots.len() <= SMALL && self.indexes.iter().all(|i| i.columns != columns) {
            let matches = |row: &&Row| columns.iter().zip(values).all(|(c, v)| row[*c] == *v);
            return self
                .slots
                .iter()
                .flatten()
                .filter(matches)
                .cloned()
                .collect();
        }
        let at = self.index(columns);
        let places = self.indexes[at].places.get(values);
        let rows = places
            .into_iter()
            .flatten()
            .filter_map(|place| self.slots[*place].clone());
        rows.collect()
    }

    /// The index on these columns, made if there is none.
    fn index(&mut self, columns: &[usize]) -> usize {
        if let Some(at) = self.indexes.iter().position(|i| i.columns == columns) {
            return at;
        }
        let mut index = Index {
            columns: columns.to_vec(),
            places: HashMap::default(),
        };
        for (place, row) in self.slots.iter().enumerate() {
            if let Some(row) = row {
                index.add(row, place);
            }
        }
        self.indexes.push(index);
        self.indexes.len() - 1
    }

    fn insert(&mut self, row: Row) {
        let place = self.free.pop().unwrap_or(self.slots.len());
        self.indexes
            .iter_mut()
            .for_each(|index| index.add(&row, place));
        if place == self.slots.len() {
            self.slots.push(Some(row));
        } else {
            self.slots[place] = Some(row);
        }
    }

    fn remove(&mut self, row: &Row) -> bool {
        let columns: Vec<usize> = (0..row.len()).collect();
        let place = if self.slots.len() <= SMALL {
            self.slots.iter().position(|r| r.as_ref() == Some(row))
        } else {
            let at = self.index(&columns);
            let places = self.indexes[at].places.get(&row[..]);
            places.and_then(|places| places.first().copied())
        };
        let Some(place) = place else { return false };
        self.indexes
            .iter_mut()
            .for_each(|index| index.take(row, place));
        self.slots[place] = None;
        self.free.push(place);
        true
    }
}

impl Index {
    fn key(&self, row: &Row) -> Vec<Value> {
        self.columns.iter().map(|c| row[*c].clone()).collect()
    }

    fn add(&mut self, row: &Row, place: usize) {
        self.places.entry(self.key(row)).or_default().push(place);
    }

    fn take(&mut self, row: &Row, place: usize) {
        let key = self.key(row);
        if let Some(places) = self.places.get_mut(&key) {
            places.retain(|p| *p != place);
            if places.is_empty() {
                self.places.remove(&key);
            }
        }
    }
}
