//! Which integer a column must be for a condition on it to hold (`compile/narrow.rs` says what for).

use std::ops::RangeInclusive;

use crate::model::table::Table;
use crate::model::{Cx, Value, number};
use crate::plan::{Narrowing, UnknownOperation};
use crate::run::eval::eval;
use crate::syntax::ast::BinaryOp;

/// The rows that a narrowed scan has to give.
pub enum Narrowed {
    /// Those with this integer in the column.
    To(i64),
    Nothing,
}

/// What the scan is narrowed to. `None` where it has to give all rows: the condition is not one on
/// integers, or fails on some row.
pub fn narrowed(
    narrowing: &Narrowing,
    table: &Table,
    frame: &[Value],
    cx: &Cx,
) -> Option<Narrowed> {
    let integer = |expr| match eval(expr, frame, cx) {
        Ok(Some(Value::Int(int))) => Some(int),
        // A real that is an integer equals it.
        Ok(Some(Value::Real(real))) => number::whole(real),
        _ => None,
    };
    let value = integer(&narrowing.value)?;
    let mut operations = Vec::with_capacity(narrowing.operations.len());
    for operation in &narrowing.operations {
        operations.push(match operation {
            UnknownOperation::Negation => Operation::Negation,
            UnknownOperation::OnLeft(op, operand) | UnknownOperation::OnRight(op, operand) => {
                let Ok(Some(Value::Int(operand))) = eval(operand, frame, cx) else {
                    return None;
                };
                Operation::of(
                    *op,
                    operand,
                    matches!(operation, UnknownOperation::OnLeft(..)),
                )?
            }
        });
    }
    let column = table.integers(narrowing.column)?;
    if !is_within_integers(&operations, column) {
        return None;
    }
    let solution = operations
        .iter()
        .try_fold(value, |value, operation| operation.undone(value));
    Some(solution.map_or(Narrowed::Nothing, Narrowed::To))
}

/// An operation on an unknown integer. Larger ones give larger results, or smaller ones always.
#[derive(Clone, Copy)]
enum Operation {
    Negation,
    /// `unknown + …`
    Sum(i64),
    /// `unknown - …`
    Less(i64),
    /// `… - unknown`
    From(i64),
    /// `unknown * …`, which is not 0.
    Product(i64),
}

impl Operation {
    fn of(op: BinaryOp, operand: i64, on_left: bool) -> Option<Operation> {
        match op {
            BinaryOp::Plus => Some(Operation::Sum(operand)),
            BinaryOp::Minus if on_left => Some(Operation::Less(operand)),
            BinaryOp::Minus => Some(Operation::From(operand)),
            BinaryOp::Times if operand != 0 => Some(Operation::Product(operand)),
            _ => None,
        }
    }

    fn applied(self, unknown: i64) -> Option<i64> {
        match self {
            Operation::Negation => unknown.checked_neg(),
            Operation::Sum(operand) => unknown.checked_add(operand),
            Operation::Less(operand) => unknown.checked_sub(operand),
            Operation::From(operand) => operand.checked_sub(unknown),
            Operation::Product(operand) => unknown.checked_mul(operand),
        }
    }

    /// The only integer of which the operation makes `value`.
    fn undone(self, value: i64) -> Option<i64> {
        match self {
            Operation::Negation => value.checked_neg(),
            Operation::Sum(operand) => value.checked_sub(operand),
            Operation::Less(operand) => value.checked_add(operand),
            Operation::From(operand) => operand.checked_sub(value),
            Operation::Product(operand) => match value.checked_rem(operand) {
                Some(0) => value.checked_div(operand),
                _ => None,
            },
        }
    }
}

/// Whether no operation overflows on an integer in the range; the outermost is first.
fn is_within_integers(operations: &[Operation], range: RangeInclusive<i64>) -> bool {
    let (start, end) = range.into_inner();
    let overflows_not = |from: i64| {
        let mut inner = operations.iter().rev();
        inner
            .try_fold(from, |value, operation| operation.applied(value))
            .is_some()
    };
    overflows_not(start) && overflows_not(end)
}
