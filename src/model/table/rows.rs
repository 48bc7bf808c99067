//! Rows of values in one piece of memory, each at a place of its own.

use crate::model::Value;

/// The place of a row. There are at most [`MOST`] rows.
pub type Place = u32;

/// How many rows there can be: the bit above tells indexes of something else.
pub const MOST: usize = 1 << 31;

/// Rows of the same width.
#[derive(Clone)]
pub struct Rows {
    width: usize,
    /// All values, row after row; those of a place that is free are null.
    cells: Vec<Value>,
    used: Vec<bool>,
    free: Vec<Place>,
}

impl Rows {
    /// No rows yet, of `width` values, at least one.
    pub fn new(width: usize) -> Rows {
        Rows {
            width,
            cells: Vec::new(),
            used: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.used.len() - self.free.len()
    }

    /// The number of places, free ones included.
    pub fn places(&self) -> usize {
        self.used.len()
    }

    /// The row at a place.
    #[inline]
    pub fn get(&self, place: Place) -> &[Value] {
        let start = place as usize * self.width;
        &self.cells[start..start + self.width]
    }

    /// The row at a place, if there is one.
    pub fn at(&self, place: Place) -> Option<&[Value]> {
        let used = self.used.get(place as usize)?;
        used.then(|| self.get(place))
    }

    /// The first place from `from` on that has a row.
    #[inline]
    pub fn next(&self, from: usize) -> Option<Place> {
        let used = self.used.get(from..)?.iter().position(|used| *used)?;
        Some((from + used) as Place)
    }

    /// The places that have rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = Place> {
        let used = self.used.iter().enumerate().filter(|(_, used)| **used);
        used.map(|(place, _)| place as Place)
    }

    /// Puts a row of the right width into a free place, or behind all others.
    pub fn insert(&mut self, row: &[Value]) -> Place {
        match self.free.pop() {
            Some(place) => {
                let start = place as usize * self.width;
                self.cells[start..start + self.width].clone_from_slice(row);
                self.used[place as usize] = true;
                place
            }
            None => {
                self.cells.extend_from_slice(row);
                self.used.push(true);
                (self.used.len() - 1) as Place
            }
        }
    }

    /// Puts a row into this place, if it is free; else anywhere. Gives its place.
    pub fn put_back(&mut self, place: Place, row: &[Value]) -> Place {
        // It was left last, or a short while ago.
        if let Some(at) = self.free.iter().rposition(|free| *free == place) {
            self.free.remove(at);
            self.free.push(place);
        }
        self.insert(row)
    }

    /// Takes the row at a place away.
    pub fn remove(&mut self, place: Place) {
        let start = place as usize * self.width;
        self.cells[start..start + self.width].fill(Value::Null);
        self.used[place as usize] = false;
        self.free.push(place);
    }
}
