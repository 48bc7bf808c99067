//! Looks up rows of stored functions for a whole batch.

use super::evaluate::{Batch, Scope};
use crate::model::BatchColumn;
use crate::model::Value;
use crate::model::function::FunctionBody;
use crate::model::table::Key;
use crate::plan::batch::BatchFetch;

/// How many rows a batch may become; more would take memory that rows one by one do not.
const MOST: usize = 1 << 16;

impl BatchFetch {
    /// `None` if the evaluator has to do it.
    pub fn run(&self, batch: &mut Batch, scope: Scope) -> Option<()> {
        let FunctionBody::Stored(table) = &self.function.body else {
            return None;
        };
        let keys = self.key.value(batch, scope)?;
        let reader = table.reader(&self.known);
        let (mut picked, mut places) = (Vec::with_capacity(batch.rows), Vec::new());
        let mut find = |row: usize, key: Key| {
            let before = places.len();
            reader.find(key, &mut places)?;
            picked.resize(picked.len() + places.len() - before, row);
            (places.len() <= MOST).then_some(())
        };
        match keys {
            BatchColumn::Ints(ints) => {
                for (row, int) in ints.into_iter().enumerate() {
                    find(row, Key::Integer(int))?;
                }
            }
            BatchColumn::Objects(objects) => {
                for (row, object) in objects.into_iter().enumerate() {
                    find(row, Key::Object(object))?;
                }
            }
            BatchColumn::Int(int) => {
                for row in 0..batch.rows {
                    find(row, Key::Integer(int))?;
                }
            }
            BatchColumn::Values(values) => {
                for (row, value) in values.iter().enumerate() {
                    find(row, Key::Value(value))?;
                }
            }
            BatchColumn::Value(value) => {
                for row in 0..batch.rows {
                    find(row, Key::Value(&value))?;
                }
            }
            BatchColumn::Texts(texts) => {
                for row in 0..batch.rows {
                    let text = Value::str(texts.get(row)?);
                    find(row, Key::Value(&text))?;
                }
            }
            BatchColumn::Times(times) => {
                for row in 0..batch.rows {
                    find(row, Key::Value(&times.value(row)?))?;
                }
            }
            BatchColumn::Reals(_) | BatchColumn::Real(_) | BatchColumn::Mask(_) => return None,
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
            batch.columns.push(BatchColumn::of(values)?);
        }
        Some(())
    }
}
