//! Looks up rows of stored functions for a whole batch.

use super::evaluate::Scope;
use super::optional::OptionalColumn;
use super::rows::Batch;
use crate::model::function::FunctionBody;
use crate::model::table::Key;
use crate::model::{BatchColumn, Value};
use crate::plan::batch::{BatchFetch, ColumnUse};

/// How many rows a batch may become; more would take memory that rows one by one do not.
const MOST: usize = 1 << 16;

impl BatchFetch {
    /// `None` if the evaluator has to do it.
    pub fn run(&self, batch: &mut Batch, scope: Scope) -> Option<()> {
        let FunctionBody::Stored(table) = &self.function.body else {
            return None;
        };
        if table.lasting().is_some() {
            return None;
        }
        let mut keys = self.key.value(batch, scope)?;
        if let Some(declared) = &self.called {
            keys = declared.as_declared(keys, batch.rows, ColumnUse::Argument)?;
        }
        let reader = table.reader(&self.known);
        let (mut picked, mut places) = (Vec::with_capacity(batch.rows), Vec::new());
        // What has no value finds nothing.
        let lacking = keys.present().map(<[bool]>::to_vec);
        let keys = keys.column;
        let mut find = |row: usize, key: Key| {
            let before = places.len();
            if lacking.as_ref().is_some_and(|present| !present[row]) {
                return Some(());
            }
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
        let mut found = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let values = places.iter().map(|place| &reader.row(*place)[*column]);
            found.push(OptionalColumn::from(BatchColumn::of(values)?));
        }
        match (&self.called, same) {
            (_, true) => {}
            (Some(_), false) => {
                let mut present = vec![false; batch.rows];
                picked.iter().for_each(|row| present[*row] = true);
                let found = found.iter_mut();
                found.for_each(|column| *column = column.clone().scattered(&present));
            }
            (None, false) => batch.pick(&picked),
        }
        batch.columns.extend(found);
        Some(())
    }
}
