//! Steps without a form over columns in the midst of a batch: they go row by row, and what they bind
//! becomes columns again.

use super::evaluate::Scope;
use super::held::HeldColumn;
use super::join::MOST;
use super::rows::Batch;
use crate::model::{Cx, Type, Value};
use crate::plan::batch::{BatchRowSteps, ColumnDeclared, ColumnUse};
use crate::plan::{Pattern, PlanExpr, Step};
use crate::run::eval::eval;
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
        let mut made = MadeRows {
            picked: Vec::with_capacity(batch.rows),
            bound: vec![HeldColumn::default(); self.bound.len()],
        };
        let mut pipeline = Pipeline::new(self.steps.len());
        for row in 0..batch.rows {
            for (slot, values) in &mut variables {
                frame[*slot] = values.next()?;
            }
            match self.numbers() {
                Some((declared, over)) => made.elements(row, &declared, over, &frame, scope.cx)?,
                None => {
                    pipeline.rest();
                    while pipeline.next(&self.steps, &mut frame, scope.cx).ok()? {
                        made.row(row, self.bound.iter().map(|slot| frame[*slot].clone()))?;
                    }
                }
            }
        }
        batch.pick(&made.picked);
        for held in made.bound {
            batch.columns.push(held.into_column()?.into());
        }
        Some(())
    }

    /// What they go through, where they do nothing but give a variable the numbers that are in it.
    fn numbers(&self) -> Option<(ColumnDeclared, &PlanExpr)> {
        let [
            Step::Iterate {
                pattern: Pattern::Bind(slot, ty @ (Type::Number | Type::Integer | Type::Real)),
                over,
                stream: false,
            },
        ] = self.steps.as_slice()
        else {
            return None;
        };
        let is_wanted = self.bound == [*slot];
        let declared = ColumnDeclared::of(ty).filter(|_| is_wanted)?;
        Some((declared, over))
    }
}

/// What has been made of a batch.
struct MadeRows {
    /// The row of the batch that each is made of.
    picked: Vec<usize>,
    /// The columns of the variables.
    bound: Vec<HeldColumn>,
}

impl MadeRows {
    /// Adds a row; `None` where that is too much.
    fn row(&mut self, of: usize, values: impl Iterator<Item = Value>) -> Option<()> {
        for (held, value) in self.bound.iter_mut().zip(values) {
            held.push(value);
        }
        self.picked.push(of);
        (self.picked.len() <= MOST).then_some(())
    }

    /// Adds a row for each number of a collection.
    fn elements(
        &mut self,
        of: usize,
        declared: &ColumnDeclared,
        over: &PlanExpr,
        frame: &[Value],
        cx: &Cx,
    ) -> Option<()> {
        let Some(over) = eval(over, frame, cx).ok()? else {
            return Some(());
        };
        if matches!(over, Value::Binary(_)) {
            return None;
        }
        let mut elements = over.elements(cx).ok()?;
        while let Some(column) = elements.column(cx).ok()? {
            let rows = column.len();
            let mut column = declared.as_declared(column.into(), rows, ColumnUse::Variable)?;
            if let Some(present) = column.present().map(<[bool]>::to_vec) {
                column.keep(&present);
            }
            let rows = column.column.len();
            self.bound[0].extend(&column.column, 0..rows);
            self.picked.resize(self.picked.len() + rows, of);
            if self.picked.len() > MOST {
                return None;
            }
        }
        while let Some(value) = elements.next(cx).ok()? {
            if let Some(value) = declared.value(&value, ColumnUse::Variable)? {
                self.row(of, std::iter::once(value))?;
            }
        }
        Some(())
    }
}
