//! The rows of a batch, one by one, for steps that go row by row.

use std::sync::Arc;

use super::rows::Batch;
use crate::model::failed::Turns;
use crate::model::{Cx, Value};
use crate::plan::Slot;
use crate::plan::batch::BatchVariable;
use crate::text::diagnostic::Result;

pub struct RowCursor {
    /// The step that made the rows, by its place in the query: the last of those that ran in batches.
    step: usize,
    /// The variables that the steps behind use, with a value for each row.
    variables: Vec<(Slot, Vec<Value>)>,
    rows: usize,
    /// How many rows have been taken.
    taken: usize,
    /// Of which element of the input each row is made, counted from 0, where that may be asked.
    elements: Option<Vec<usize>>,
    origin: RowOrigin,
}

/// The input that rows of a batch were made of.
#[derive(Default)]
pub struct RowOrigin {
    /// How many elements the batches before had.
    pub before: u64,
    /// Whether the elements arrive over time.
    pub is_live: bool,
    /// Whose turn it is among them then, where they were taken together.
    pub turns: Option<Arc<dyn Turns>>,
}

impl RowCursor {
    /// Rows that have these values for the variables.
    pub fn new(step: usize, variables: Vec<(Slot, Vec<Value>)>, rows: usize) -> RowCursor {
        RowCursor {
            step,
            variables,
            rows,
            taken: 0,
            elements: None,
            origin: RowOrigin::default(),
        }
    }

    /// The rows of a batch; `None` where a variable has no value in one, as an object is not there any
    /// more.
    pub fn of_batch(
        step: usize,
        variables: &[BatchVariable],
        batch: Batch,
        origin: RowOrigin,
        cx: &Cx,
    ) -> Option<RowCursor> {
        let values = |variable: &BatchVariable| Some((variable.slot, variable.values(&batch, cx)?));
        let values = variables.iter().map(values).collect::<Option<Vec<_>>>()?;
        Some(RowCursor {
            elements: batch.elements,
            origin,
            ..RowCursor::new(step, values, batch.rows)
        })
    }

    pub fn step(&self) -> usize {
        self.step
    }

    /// Gives the variables the values of the next row; `false` if there is none.
    pub fn next(&mut self, frame: &mut [Value], cx: &Cx) -> Result<bool> {
        let row = self.taken;
        if row == self.rows {
            return Ok(false);
        }
        if let (Some(turns), Some(elements)) = (&self.origin.turns, &self.elements) {
            cx.latest_origin.turn_to(turns, elements[row]);
        }
        cx.token.check()?;
        for (slot, values) in &mut self.variables {
            frame[*slot] = std::mem::replace(&mut values[row], Value::Null);
        }
        self.taken += 1;
        Ok(true)
    }

    /// The number of the element, from 1, that the latest row is made of, if it is one of a stream.
    pub fn element(&self) -> Option<u64> {
        let latest = self.taken.checked_sub(1)?;
        let element = *self.elements.as_ref()?.get(latest)?;
        Some(self.origin.before + element as u64 + 1)
    }

    pub fn is_live(&self) -> bool {
        self.origin.is_live
    }

    /// Gives up the element that the latest row is made of.
    pub fn skip_element(&mut self) {
        let latest = self.element();
        while self.taken < self.rows {
            self.taken += 1;
            if self.element() != latest {
                self.taken -= 1;
                return;
            }
        }
    }
}
