//! The rows of a table in memory, with their indexes.

use std::borrow::Borrow;
use std::sync::Arc;

use super::index::Index;
use super::named::NamedIndex;
use super::rows::{Place, Rows};
use crate::model::Value;

pub struct Contents {
    /// Shared with those who read all of them, and copied if it changes meanwhile.
    pub rows: Arc<Rows>,
    pub indexes: Vec<Index>,
    /// Those that statements have made.
    pub named: Vec<Arc<NamedIndex>>,
}

/// Below that many rows a look through all is as fast as an index.
pub const SMALL: usize = 8;

/// Where they are.
pub enum Places {
    None,
    /// So many of these.
    Few([Place; SMALL], usize),
    /// What an index has.
    Indexed {
        index: usize,
        entry: u32,
    },
}

impl Contents {
    pub fn new(width: usize) -> Contents {
        Contents {
            rows: Arc::new(Rows::new(width)),
            indexes: Vec::new(),
            named: Vec::new(),
        }
    }

    /// The number of the index on these columns.
    #[inline]
    pub fn indexed(&self, columns: &[usize]) -> Option<usize> {
        self.indexes.iter().position(|i| i.columns() == columns)
    }

    /// The place of a row that has the same values in these columns. A null is not equal to another.
    pub fn same(&mut self, columns: &[usize], row: &[Value]) -> Option<Place> {
        let key: Vec<&Value> = columns.iter().map(|c| &row[*c]).collect();
        if key.iter().any(|value| value.is_null()) {
            return None;
        }
        let places = self.find(columns, &key);
        self.places(&places).first().copied()
    }

    /// The number of the index on these columns, made if need be; none where there are few rows.
    #[inline]
    pub fn index(&mut self, columns: &[usize]) -> Option<usize> {
        let indexed = self.indexed(columns);
        if indexed.is_none() && self.rows.places() > SMALL {
            self.indexes.push(Index::of(columns, &self.rows));
            return Some(self.indexes.len() - 1);
        }
        indexed
    }

    pub fn find<V: Borrow<Value>>(&mut self, columns: &[usize], key: &[V]) -> Places {
        let Some(index) = self.index(columns) else {
            return self.look_through(columns, key);
        };
        match self.indexes[index].find(key, &self.rows) {
            Some(entry) => Places::Indexed { index, entry },
            None => Places::None,
        }
    }

    /// The row with the key in `columns`, of which those in `unique` say which it can be.
    pub fn find_one<V: Borrow<Value>>(
        &mut self,
        unique: &[usize],
        columns: &[usize],
        key: &[V],
    ) -> Places {
        let wanted = |column: &usize| {
            let mut pairs = columns.iter().zip(key);
            pairs.find_map(|(c, value)| (c == column).then(|| value.borrow()))
        };
        let of_unique: Vec<&Value> = unique.iter().filter_map(wanted).collect();
        let found = self.find(unique, &of_unique);
        let matches = |place: &&Place| {
            let row = self.rows.get(**place);
            columns
                .iter()
                .zip(key)
                .all(|(c, value)| row[*c] == *value.borrow())
        };
        let (mut few, mut count) = ([0; SMALL], 0);
        for place in self.places(&found).iter().filter(matches).take(SMALL) {
            few[count] = *place;
            count += 1;
        }
        Places::Few(few, count)
    }

    pub fn look_through<V: Borrow<Value>>(&self, columns: &[usize], key: &[V]) -> Places {
        let (mut places, mut count) = ([0; SMALL], 0);
        for place in self.rows.iter() {
            let row = self.rows.get(place);
            if columns.iter().zip(key).all(|(c, v)| row[*c] == *v.borrow()) {
                places[count] = place;
                count += 1;
            }
        }
        Places::Few(places, count)
    }

    #[inline]
    pub fn places<'a>(&'a self, places: &'a Places) -> &'a [Place] {
        match places {
            Places::None => &[],
            Places::Few(places, count) => &places[..*count],
            Places::Indexed { index, entry } => self.indexes[*index].places(entry),
        }
    }

    pub fn insert(&mut self, row: &[Value]) -> Place {
        let place = Arc::make_mut(&mut self.rows).insert(row);
        for index in &mut self.indexes {
            index.add(place, &self.rows);
        }
        place
    }

    pub fn put_back(&mut self, place: Place, row: &[Value]) {
        let place = Arc::make_mut(&mut self.rows).put_back(place, row);
        for index in &mut self.indexes {
            index.add(place, &self.rows);
        }
    }

    pub fn remove(&mut self, place: Place) {
        for index in &mut self.indexes {
            index.take(place, &self.rows);
        }
        Arc::make_mut(&mut self.rows).remove(place);
    }
}
