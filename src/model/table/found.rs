//! How rows of a table are read: those that were looked for, many lookups in one column, or all.

use std::sync::{Arc, MutexGuard};

use super::contents::{Contents, Places};
use super::lasting::LastingScan;
use super::rows::{Place, Rows};
use crate::model::Value;
use crate::text::diagnostic::Result;

/// The rows that were found.
pub enum Found<'t> {
    /// Those at these places in memory.
    Places {
        contents: MutexGuard<'t, Contents>,
        places: Places,
    },
    /// Those that a database gave, one after the other.
    Cells { cells: Vec<Value>, width: usize },
}

impl Found<'_> {
    /// The rows, oldest first.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Value]> {
        let number = match self {
            Found::Places { contents, places } => contents.places(places).len(),
            Found::Cells { cells, width } => cells.len() / width,
        };
        (0..number).map(|at| match self {
            Found::Places { contents, places } => contents.rows.get(contents.places(places)[at]),
            Found::Cells { cells, width } => &cells[at * width..(at + 1) * width],
        })
    }
}

/// Many lookups by the value in one column of a table in memory. Nothing else can be done with the table
/// meanwhile.
pub struct TableReader<'t> {
    pub(super) contents: MutexGuard<'t, Contents>,
    pub(super) column: usize,
    pub(super) index: Option<usize>,
}

/// What a column must be.
#[derive(Clone, Copy)]
pub enum Key<'v> {
    Integer(i64),
    /// The object of that number.
    Object(u64),
    Value(&'v Value),
}

impl Key<'_> {
    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Key::Integer(i), value) => *value == Value::Int(i),
            (Key::Object(id), Value::Object(object)) => object.id() == id,
            (Key::Object(_), _) => false,
            (Key::Value(key), value) => value == key,
        }
    }
}

impl TableReader<'_> {
    /// Adds the places of the rows that have the key. `None` if it has to be looked up as a value.
    #[inline]
    pub fn find(&self, key: Key, places: &mut Vec<Place>) -> Option<()> {
        let rows = &self.contents.rows;
        match self.index {
            Some(index) => {
                let index = &self.contents.indexes[index];
                if let Some(entry) = index.find_key(key, rows)? {
                    places.extend_from_slice(index.places(&entry));
                }
            }
            None => places.extend(rows.iter().filter(|p| key.is(&rows.get(*p)[self.column]))),
        }
        Some(())
    }

    #[inline]
    pub fn row(&self, place: Place) -> &[Value] {
        self.contents.rows.get(place)
    }
}

/// All rows of a table, as they were when it was asked for them.
pub enum Scan {
    Memory { rows: Arc<Rows>, next: usize },
    Lasting(Box<LastingScan>),
}

impl Scan {
    #[allow(clippy::should_implement_trait, reason = "it lends its rows")]
    pub fn next(&mut self) -> Result<Option<&[Value]>> {
        match self {
            Scan::Memory { rows, next } => {
                let Some(place) = rows.next(*next) else {
                    return Ok(None);
                };
                *next = place as usize + 1;
                Ok(Some(rows.get(place)))
            }
            Scan::Lasting(scan) => Ok(match scan.advance()? {
                true => Some(scan.row()),
                false => None,
            }),
        }
    }

    /// The next rows, `most` at the most.
    pub fn some(&mut self, most: usize) -> Result<Vec<&[Value]>> {
        match self {
            Scan::Memory { rows, next } => {
                let mut some = Vec::with_capacity(most);
                while some.len() < most
                    && let Some(place) = rows.next(*next)
                {
                    *next = place as usize + 1;
                    some.push(rows.get(place));
                }
                Ok(some)
            }
            Scan::Lasting(scan) => scan.some(most),
        }
    }
}
