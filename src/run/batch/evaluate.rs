//! Expressions over batches.

use super::column::{Column, apply, arithmetic, compare, to_reals};
use crate::model::Value;
use crate::plan::batch::{BatchExpr, NumbersDeclared};

/// Rows, column by column.
pub struct Batch {
    pub columns: Vec<Column>,
    pub rows: usize,
}

impl BatchExpr {
    /// The values for a batch; `None` if the evaluator has to make them.
    pub fn value(&self, batch: &Batch, frame: &[Value]) -> Option<Column> {
        match self {
            BatchExpr::Column(at) => batch.columns.get(*at).cloned(),
            BatchExpr::Given(slot) => match frame.get(*slot)? {
                Value::Int(int) => Some(Column::Int(*int)),
                Value::Real(real) => Some(Column::Real(*real)),
                value => Some(Column::Value(value.clone())),
            },
            BatchExpr::Const(value) => Some(Column::Value(value.clone())),
            BatchExpr::Int(int) => Some(Column::Int(*int)),
            BatchExpr::Real(real) => Some(Column::Real(*real)),
            BatchExpr::Arith(op, sides) => {
                let left = sides[0].value(batch, frame)?;
                arithmetic(*op, left, sides[1].value(batch, frame)?)
            }
            BatchExpr::Compare(op, sides) => {
                let left = sides[0].value(batch, frame)?;
                let right = sides[1].value(batch, frame)?;
                compare(*op, left, right, batch.rows).map(Column::Mask)
            }
            BatchExpr::And(list) => fold(list, batch, frame, |a, b| a & b),
            BatchExpr::Or(list) => fold(list, batch, frame, |a, b| a | b),
            BatchExpr::Function(f, argument) => apply(*f, argument.value(batch, frame)?),
            BatchExpr::ToReal(argument) => to_reals(argument.value(batch, frame)?),
            BatchExpr::Odd(odd, argument) => match argument.value(batch, frame)? {
                Column::Ints(ints) => Some(Column::Mask(
                    ints.iter().map(|i| (i & 1 == 1) == *odd).collect(),
                )),
                _ => None,
            },
        }
    }
}

impl NumbersDeclared {
    /// The column as it is declared; `None` if the evaluator has to see to it.
    pub fn column(self, column: Column) -> Option<Column> {
        match (self, column) {
            (NumbersDeclared::Real, column) => to_reals(column),
            (NumbersDeclared::Integer, Column::Reals(_) | Column::Real(_)) => None,
            (_, column) => Some(column),
        }
    }
}

fn fold(
    list: &[BatchExpr],
    batch: &Batch,
    frame: &[Value],
    join: fn(bool, bool) -> bool,
) -> Option<Column> {
    let mut so_far: Option<Vec<bool>> = None;
    for condition in list {
        let Column::Mask(mask) = condition.value(batch, frame)? else {
            return None;
        };
        so_far = Some(match so_far {
            Some(mut so_far) => {
                let pairs = so_far.iter_mut().zip(mask);
                pairs.for_each(|(a, b)| *a = join(*a, b));
                so_far
            }
            None => mask,
        });
    }
    so_far.map(Column::Mask)
}

impl Batch {
    /// The rows for which a condition holds.
    pub fn keep(&mut self, mask: &[bool]) {
        self.columns.iter_mut().for_each(|c| c.keep(mask));
        self.rows = mask.iter().filter(|keep| **keep).count();
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        self.columns.iter_mut().for_each(|c| c.pick(places));
        self.rows = places.len();
    }
}
