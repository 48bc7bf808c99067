//! Expressions over batches.

use super::column::{Column, apply, arithmetic, compare, to_reals};
use crate::model::Value;
use crate::plan::Slot;
use crate::syntax::ast::BinaryOp;

/// An expression over a batch.
pub enum Node {
    Column(usize),
    /// A variable that is the same for all rows.
    Given(Slot),
    Int(i64),
    Real(f64),
    Const(Value),
    Arith(BinaryOp, Box<[Node; 2]>),
    Compare(BinaryOp, Box<[Node; 2]>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// A function of one real.
    Function(fn(f64) -> f64, Box<Node>),
    ToReal(Box<Node>),
    /// Whether an integer is odd, or even.
    Odd(bool, Box<Node>),
}

/// Rows, column by column.
pub struct Batch {
    pub columns: Vec<Column>,
    pub rows: usize,
}

impl Node {
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            Node::Compare(..) | Node::And(_) | Node::Or(_) | Node::Odd(..)
        )
    }

    /// The values for a batch; `None` if the evaluator has to make them.
    pub fn value(&self, batch: &Batch, frame: &[Value]) -> Option<Column> {
        match self {
            Node::Column(at) => batch.columns.get(*at).cloned(),
            Node::Given(slot) => match frame.get(*slot)? {
                Value::Int(int) => Some(Column::Int(*int)),
                Value::Real(real) => Some(Column::Real(*real)),
                value => Some(Column::Value(value.clone())),
            },
            Node::Const(value) => Some(Column::Value(value.clone())),
            Node::Int(int) => Some(Column::Int(*int)),
            Node::Real(real) => Some(Column::Real(*real)),
            Node::Arith(op, sides) => {
                let left = sides[0].value(batch, frame)?;
                arithmetic(*op, left, sides[1].value(batch, frame)?)
            }
            Node::Compare(op, sides) => {
                let left = sides[0].value(batch, frame)?;
                let right = sides[1].value(batch, frame)?;
                compare(*op, left, right, batch.rows).map(Column::Mask)
            }
            Node::And(list) => fold(list, batch, frame, |a, b| a & b),
            Node::Or(list) => fold(list, batch, frame, |a, b| a | b),
            Node::Function(f, argument) => apply(*f, argument.value(batch, frame)?),
            Node::ToReal(argument) => to_reals(argument.value(batch, frame)?),
            Node::Odd(odd, argument) => match argument.value(batch, frame)? {
                Column::Ints(ints) => Some(Column::Mask(
                    ints.iter().map(|i| (i & 1 == 1) == *odd).collect(),
                )),
                _ => None,
            },
        }
    }
}

fn fold(
    list: &[Node],
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
