//! Expressions over batches.

use super::operations::{apply, arithmetic, compare, to_reals};
use crate::model::{BatchColumn, Value, column, number};
use crate::plan::batch::{BatchExpr, NumbersDeclared};

/// Rows, column by column.
pub struct Batch {
    pub columns: Vec<BatchColumn>,
    pub rows: usize,
    /// Of which element of the input each row is made, counted from 0, where that may be asked.
    pub elements: Option<Vec<usize>>,
}

impl BatchExpr {
    /// The values for a batch; `None` if the evaluator has to make them.
    pub fn value(&self, batch: &Batch, frame: &[Value]) -> Option<BatchColumn> {
        match self {
            BatchExpr::Column(at) => batch.columns.get(*at).cloned(),
            BatchExpr::Given(slot) => match frame.get(*slot)? {
                Value::Int(int) => Some(BatchColumn::Int(*int)),
                Value::Real(real) => Some(BatchColumn::Real(*real)),
                value => Some(BatchColumn::Value(value.clone())),
            },
            BatchExpr::Const(value) => Some(BatchColumn::Value(value.clone())),
            BatchExpr::Int(int) => Some(BatchColumn::Int(*int)),
            BatchExpr::Real(real) => Some(BatchColumn::Real(*real)),
            BatchExpr::Arith(op, sides) => {
                let left = sides[0].value(batch, frame)?;
                arithmetic(*op, left, sides[1].value(batch, frame)?)
            }
            BatchExpr::Compare(op, sides) => {
                let left = sides[0].value(batch, frame)?;
                let right = sides[1].value(batch, frame)?;
                compare(*op, left, right, batch.rows).map(BatchColumn::Mask)
            }
            BatchExpr::And(list) => fold(list, batch, frame, |a, b| a & b),
            BatchExpr::Or(list) => fold(list, batch, frame, |a, b| a | b),
            BatchExpr::Function(f, argument) => apply(*f, argument.value(batch, frame)?),
            BatchExpr::ToReal(argument) => to_reals(argument.value(batch, frame)?),
            BatchExpr::Odd(odd, argument) => match argument.value(batch, frame)? {
                BatchColumn::Ints(ints) => Some(BatchColumn::Mask(
                    ints.iter().map(|i| (i & 1 == 1) == *odd).collect(),
                )),
                _ => None,
            },
        }
    }
}

impl NumbersDeclared {
    /// The column as it is declared; `None` where a value is not of the declared type, which
    /// the evaluator then deals with row by row.
    pub fn column(self, column: BatchColumn) -> Option<BatchColumn> {
        match (self, column) {
            (NumbersDeclared::Real, column) => {
                all_are_reals(&column).then(|| to_reals(column)).flatten()
            }
            (NumbersDeclared::Integer, BatchColumn::Reals(_) | BatchColumn::Real(_)) => None,
            (_, column) => Some(column),
        }
    }
}

/// Whether each integer of the column is equal to a real.
fn all_are_reals(column: &BatchColumn) -> bool {
    match column {
        BatchColumn::Ints(ints) => ints.iter().all(|i| number::is_real(*i)),
        BatchColumn::Int(int) => number::is_real(*int),
        _ => true,
    }
}

fn fold(
    list: &[BatchExpr],
    batch: &Batch,
    frame: &[Value],
    join: fn(bool, bool) -> bool,
) -> Option<BatchColumn> {
    let mut so_far: Option<Vec<bool>> = None;
    for condition in list {
        let BatchColumn::Mask(mask) = condition.value(batch, frame)? else {
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
    so_far.map(BatchColumn::Mask)
}

impl Batch {
    pub fn new(columns: Vec<BatchColumn>, rows: usize) -> Batch {
        Batch {
            columns,
            rows,
            elements: None,
        }
    }

    /// The same, with the number of its element for each row if that `is_asked` for.
    pub fn counted(mut self, is_asked: bool) -> Batch {
        self.elements = is_asked.then(|| (0..self.rows).collect());
        self
    }

    /// The rows for which a condition holds.
    pub fn keep(&mut self, mask: &[bool]) {
        self.columns.iter_mut().for_each(|c| c.keep(mask));
        if let Some(elements) = &mut self.elements {
            column::keep(elements, mask);
        }
        self.rows = mask.iter().filter(|keep| **keep).count();
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        self.columns.iter_mut().for_each(|c| c.pick(places));
        if let Some(elements) = &mut self.elements {
            column::pick(elements, places);
        }
        self.rows = places.len();
    }
}
