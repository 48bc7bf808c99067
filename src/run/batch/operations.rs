//! What is computed of columns. Where a column cannot have what the evaluator would give, there is no
//! result, and the evaluator has to do it.

use super::optional::OptionalColumn;
use crate::model::column::ColumnBuilder;
use crate::model::remarks::are_text_and_number;
use crate::model::{BatchColumn, Value};
use crate::run::eval;
use crate::syntax::ast::BinaryOp;

pub fn to_reals(column: BatchColumn) -> Option<BatchColumn> {
    Some(match column {
        BatchColumn::Ints(ints) => BatchColumn::Reals(ints.into_iter().map(|i| i as f64).collect()),
        BatchColumn::Int(int) => BatchColumn::Real(int as f64),
        BatchColumn::Reals(_) | BatchColumn::Real(_) => column,
        _ => return None,
    })
}

/// Applies a function of reals; where it is not defined, that is for the evaluator to say.
pub fn apply(f: fn(f64) -> f64, column: BatchColumn) -> Option<BatchColumn> {
    match to_reals(column)? {
        BatchColumn::Reals(mut reals) => {
            let mut undefined = false;
            for real in &mut reals {
                let result = f(*real);
                undefined |= result.is_nan();
                *real = result;
            }
            (!undefined).then_some(BatchColumn::Reals(reals))
        }
        BatchColumn::Real(real) => Some(f(real)).filter(|r| !r.is_nan()).map(BatchColumn::Real),
        _ => None,
    }
}

/// Where an operand is null there is no value.
pub fn arithmetic(
    op: BinaryOp,
    left: BatchColumn,
    right: BatchColumn,
    rows: usize,
) -> Option<OptionalColumn> {
    if left.is_numbers() && right.is_numbers() {
        return numbers(op, left, right).map(OptionalColumn::from);
    }
    let mut results = ColumnBuilder::default();
    let mut present = Vec::with_capacity(rows);
    for row in 0..rows {
        let (left, right) = (left.borrowed(row)?, right.borrowed(row)?);
        let result = match (&*left, &*right) {
            (left, right) if is_number(left) && is_number(right) => {
                Some(eval::quick(op, left, right)?)
            }
            // With anything else beside it, a null may mean another operation.
            (left, right) => {
                let lacks = |value: &Value| value.is_null() || is_number(value);
                if !lacks(left) || !lacks(right) {
                    return None;
                }
                None
            }
        };
        present.push(result.is_some());
        if let Some(result) = result {
            results.push(result);
        }
    }
    Some(OptionalColumn::from(results.finish()).scattered(&present))
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Real(_))
}

fn numbers(op: BinaryOp, left: BatchColumn, right: BatchColumn) -> Option<BatchColumn> {
    use BatchColumn::{Int, Ints, Real, Reals};
    match (left, right) {
        (left @ (Ints(_) | Int(_)), right @ (Ints(_) | Int(_))) if op != BinaryOp::Div => {
            integers(op, left, right)
        }
        (left, right) => match (to_reals(left)?, to_reals(right)?) {
            (Reals(mut a), Reals(b)) => {
                let mut ok = true;
                for (a, b) in a.iter_mut().zip(b) {
                    *a = real(op, *a, b, &mut ok);
                }
                ok.then_some(Reals(a))
            }
            (Reals(mut a), Real(b)) => {
                let mut ok = true;
                a.iter_mut().for_each(|a| *a = real(op, *a, b, &mut ok));
                ok.then_some(Reals(a))
            }
            (Real(a), Reals(mut b)) => {
                let mut ok = true;
                b.iter_mut().for_each(|b| *b = real(op, a, *b, &mut ok));
                ok.then_some(Reals(b))
            }
            (Real(a), Real(b)) => {
                let mut ok = true;
                let result = real(op, a, b, &mut ok);
                ok.then_some(Real(result))
            }
            _ => None,
        },
    }
}

#[inline]
fn real(op: BinaryOp, a: f64, b: f64, ok: &mut bool) -> f64 {
    match op {
        BinaryOp::Plus => a + b,
        BinaryOp::Minus => a - b,
        BinaryOp::Times => a * b,
        _ => {
            *ok &= b != 0.0;
            a / b
        }
    }
}

/// Integers are checked: an overflow is for the evaluator to say.
fn integers(op: BinaryOp, left: BatchColumn, right: BatchColumn) -> Option<BatchColumn> {
    use BatchColumn::{Int, Ints};
    let combine = |a: i64, b: i64| match op {
        BinaryOp::Plus => a.overflowing_add(b),
        BinaryOp::Minus => a.overflowing_sub(b),
        _ => a.overflowing_mul(b),
    };
    let mut overflow = false;
    let mut step = |a: i64, b: i64| {
        let (result, over) = combine(a, b);
        overflow |= over;
        result
    };
    let result = match (left, right) {
        (Ints(mut a), Ints(b)) => {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = step(*a, b));
            Ints(a)
        }
        (Ints(mut a), Int(b)) => {
            a.iter_mut().for_each(|a| *a = step(*a, b));
            Ints(a)
        }
        (Int(a), Ints(mut b)) => {
            b.iter_mut().for_each(|b| *b = step(a, *b));
            Ints(b)
        }
        (Int(a), Int(b)) => Int(step(a, b)),
        _ => return None,
    };
    (!overflow).then_some(result)
}

pub fn compare(
    op: BinaryOp,
    left: BatchColumn,
    right: BatchColumn,
    rows: usize,
) -> Option<Vec<bool>> {
    use BatchColumn::{Int, Ints, Real, Reals};
    Some(match (left, right) {
        (Ints(a), Ints(b)) => mask(op, a.into_iter().zip(b)),
        (Ints(a), Int(b)) => mask(op, a.into_iter().map(|a| (a, b))),
        (Int(a), Ints(b)) => mask(op, b.into_iter().map(|b| (a, b))),
        (Int(a), Int(b)) => mask(op, std::iter::repeat_n((a, b), rows)),
        (Reals(a), Reals(b)) => reals(op, a.into_iter().zip(b).collect())?,
        (Reals(a), Real(b)) => reals(op, a.into_iter().map(|a| (a, b)).collect())?,
        (Real(a), Reals(b)) => reals(op, b.into_iter().map(|b| (a, b)).collect())?,
        (Real(a), Real(b)) => reals(op, vec![(a, b); rows])?,
        (BatchColumn::Objects(a), BatchColumn::Objects(b)) => mask(op, a.into_iter().zip(b)),
        (left @ (BatchColumn::Texts(_) | BatchColumn::Value(_)), right @ BatchColumn::Texts(_))
        | (left @ BatchColumn::Texts(_), right @ BatchColumn::Value(_))
            if let Some(mask) = texts(op, &left, &right, rows) =>
        {
            mask
        }
        (
            left @ (BatchColumn::Values(_) | BatchColumn::Value(_) | BatchColumn::Texts(_)),
            right,
        )
        | (
            left,
            right @ (BatchColumn::Values(_) | BatchColumn::Value(_) | BatchColumn::Texts(_)),
        ) => {
            let mut mask = Vec::with_capacity(rows);
            for row in 0..rows {
                let (left, right) = (left.borrowed(row)?, right.borrowed(row)?);
                // The evaluator remarks that they are of two kinds.
                if !matches!(op, BinaryOp::Eq | BinaryOp::Ne) && are_text_and_number(&left, &right)
                {
                    return None;
                }
                mask.push(eval::compare(op, &left, &right));
            }
            mask
        }
        // Integers against reals are compared exactly, by the evaluator, where a real cannot hold
        // them; where it can, as reals.
        (left, right) if exact(&left) && exact(&right) => {
            return compare(op, to_reals(left)?, to_reals(right)?, rows);
        }
        _ => return None,
    })
}

/// Compares strings; `None` where one of the sides has others.
fn texts(op: BinaryOp, left: &BatchColumn, right: &BatchColumn, rows: usize) -> Option<Vec<bool>> {
    let pair = |row| Some((left.text(row)?, right.text(row)?));
    let pairs: Option<Vec<(&str, &str)>> = (0..rows).map(pair).collect();
    Some(mask(op, pairs?.into_iter()))
}

/// Whether every number is one that a real holds exactly.
fn exact(column: &BatchColumn) -> bool {
    let fits = |i: &i64| i.unsigned_abs() <= 1 << 53;
    match column {
        BatchColumn::Ints(ints) => ints.iter().all(fits),
        BatchColumn::Int(int) => fits(int),
        BatchColumn::Reals(_) | BatchColumn::Real(_) => true,
        _ => false,
    }
}

fn mask<T: PartialOrd>(op: BinaryOp, pairs: impl Iterator<Item = (T, T)>) -> Vec<bool> {
    match op {
        BinaryOp::Eq => pairs.map(|(a, b)| a == b).collect(),
        BinaryOp::Ne => pairs.map(|(a, b)| a != b).collect(),
        BinaryOp::Lt => pairs.map(|(a, b)| a < b).collect(),
        BinaryOp::Le => pairs.map(|(a, b)| a <= b).collect(),
        BinaryOp::Gt => pairs.map(|(a, b)| a > b).collect(),
        _ => pairs.map(|(a, b)| a >= b).collect(),
    }
}

/// Not-a-number has its own place in the evaluator's order.
fn reals(op: BinaryOp, pairs: Vec<(f64, f64)>) -> Option<Vec<bool>> {
    let numbers = pairs.iter().all(|(a, b)| !a.is_nan() && !b.is_nan());
    numbers.then(|| mask(op, pairs.into_iter()))
}
