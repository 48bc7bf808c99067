//! Steps without a form over columns in the midst of a batch: they go row by row, and what they bind
//! becomes columns again.

use super::evaluate::Scope;
use super::join::MOST;
use super::rows::Batch;
use crate::model::BatchColumn;
use crate::plan::batch::BatchRowSteps;
use crate::run::pipeline::Pipeline;

impl BatchRowSteps {
    /// Replaces each row of the batch by those that the steps make of it; `None` where they fail, or make
    /// more than is to be kept at once.
    pub fn run(&self, batch: &mut Batch, scope: Scope) -> Option<()> {
        let mut frame = scope.frame.to_vec();
        let mut variables = Vec::with_capacity(self.variables.len());
        for variable in &self.variables {
            let values = variable.values(batch, scope.cx)?;
            variables.push((variable.slot, values.into_iter()));
        }
        let mut picked = Vec::with_capacity(batch.rows);
        let mut bound = vec![Vec::with_capacity(batch.rows); self.bound.len()];
        let mut pipeline = Pipeline::new(self.steps.len());
        for row in 0..batch.rows {
            for (slot, values) in &mut variables {
                frame[*slot] = values.next()?;
            }
            pipeline.rest();
            while pipeline.next(&self.steps, &mut frame, scope.cx).ok()? {
                for (slot, values) in self.bound.iter().zip(&mut bound) {
                    values.push(frame[*slot].clone());
                }
                picked.push(row);
                if picked.len() > MOST {
                    return None;
                }
            }
        }
        batch.pick(&picked);
        for values in bound {
            batch.columns.push(BatchColumn::of(values.iter())?.into());
        }
        Some(())
    }
}
