//! Looks up rows of stored functions for a whole batch.

use std::sync::Arc;

use super::column::Column;
use super::evaluate::{Batch, Node};
use crate::model::function::Body;
use crate::model::table::Key;
use crate::model::{Function, Value};

/// Each row of the batch with each row of a stored function that has its key.
pub struct Fetch {
    pub function: Arc<Function>,
    /// The column that must equal the key.
    pub known: [usize; 1],
    pub key: Node,
    /// The columns that are added to the batch.
    pub columns: Vec<usize>,
    /// Whether a row that finds nothing is for the evaluator, and not just left out.
    pub required: bool,
}

/// How many rows a batch may become; more would take memory that rows one by one do not.
const MOST: usize = 1 << 16;

impl Fetch {
    /// `None` if the evaluator has to do it.
    pub fn run(&self, batch: &mut Batch, frame: &[Value]) -> Option<()> {
        let Body::Stored(table) = &self.function.body else {
            return None;
        };
        let keys = self.key.value(batch, frame)?;
        let reader = table.reader(&self.known);
        let (mut picked, mut places) = (Vec::with_capacity(batch.rows), Vec::new());
        let mut find = |row: usize, key: Key| {
            let before = places.len();
            reader.find(key, &mut places)?;
            picked.resize(picked.len() + places.len() - before, row);
            (places.len() <= MOST).then_some(())
        };
        match keys {
            Column::Ints(ints) => {
                for (row, int) in ints.into_iter().enumerate() {
                    find(row, Key::Integer(int))?;
                }
            }
            Column::Objects(objects) => {
                for (row, object) in objects.into_iter().enumerate() {
                    find(row, Key::Object(object))?;
                }
            }
            Column::Int(int) => {
                for row in 0..batch.rows {
                    find(row, Key::Integer(int))?;
                }
            }
            Column::Values(values) => {
                for (row, value) in values.iter().enumerate() {
                    find(row, Key::Value(value))?;
                }
            }
            Column::Value(value) => {
                for row in 0..batch.rows {
                    find(row, Key::Value(&value))?;
                }
            }
            Column::Reals(_) | Column::Real(_) | Column::Mask(_) => return None,
        }
        let same = picked.len() == batch.rows && picked.iter().copied().eq(0..batch.rows);
        if self.required && !same {
            return None;
        }
        if !same {
            batch.pick(&picked);
        }
        for column in &self.columns {
            let values = places.iter().map(|place| &reader.row(*place)[*column]);
            batch.columns.push(Column::of(values)?);
        }
        Some(())
    }
}
