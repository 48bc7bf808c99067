//! Left joins over batches. `run::pipeline` has the same row by row.

use super::JoinInners;
use super::evaluate::{Scope, joined};
use super::optional::OptionalColumn;
use super::rows::Batch;
use crate::model::{BatchColumn, Value};
use crate::plan::batch::BatchOptional;

impl BatchOptional {
    /// Replaces each row of the batch by those that the branch makes of it, or by one without; `None` if
    /// the evaluator has to make them.
    pub fn run(&self, batch: &mut Batch, joins: &mut JoinInners, scope: Scope) -> Option<()> {
        let (rows, bound) = self.branch.run(batch, joins, scope)?;
        let mut picked = Vec::with_capacity(rows.len().max(batch.rows));
        // Where the rows that were made and those without stand.
        let (mut made, mut without) = (Vec::with_capacity(rows.len()), Vec::new());
        let mut rows = rows.into_iter().peekable();
        for row in 0..batch.rows {
            if rows.peek() != Some(&row) {
                without.push(picked.len());
                picked.push(row);
            }
            while rows.next_if_eq(&row).is_some() {
                made.push(picked.len());
                picked.push(row);
            }
        }
        if !picked.iter().copied().eq(0..batch.rows) {
            batch.pick(&picked);
        }
        if without.is_empty() {
            batch.columns.extend(bound);
            return Some(());
        }
        for column in bound {
            let nothing = OptionalColumn::from(BatchColumn::Value(Value::Null));
            let parts = vec![(column, made.clone()), (nothing, without.clone())];
            batch.columns.push(joined(parts, picked.len())?);
        }
        Some(())
    }
}
