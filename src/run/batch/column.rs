//! Columns of values of one kind, and what is computed of them. Where a column cannot have what the
//! evaluator would give, there is no result, and the evaluator has to do it.

use crate::syntax::ast::BinaryOp;
use crate::types::{Numbers, Value};

/// What the rows of a batch have for one expression.
#[derive(Clone)]
pub enum Column {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    /// The numbers of objects.
    Objects(Vec<u64>),
    /// The same for all rows.
    Int(i64),
    Real(f64),
    Mask(Vec<bool>),
}

impl Column {
    /// The column that these values are, if they are of one kind.
    pub fn of<'a>(mut values: impl ExactSizeIterator<Item = &'a Value> + Clone) -> Option<Column> {
        let first = values.clone().next();
        Some(match first {
            None | Some(Value::Int(_)) => Column::Ints(all(&mut values, |value| match value {
                Value::Int(i) => Some(*i),
                _ => None,
            })?),
            Some(Value::Real(_)) => Column::Reals(all(&mut values, |value| match value {
                Value::Real(r) => Some(*r),
                _ => None,
            })?),
            Some(Value::Object(_)) => Column::Objects(all(&mut values, |value| match value {
                Value::Object(object) => Some(object.id()),
                _ => None,
            })?),
            _ => return None,
        })
    }

    /// The rows whose place in the mask is true.
    pub fn keep(&mut self, mask: &[bool]) {
        match self {
            Column::Ints(list) => keep(list, mask),
            Column::Reals(list) => keep(list, mask),
            Column::Objects(list) => keep(list, mask),
            Column::Mask(list) => keep(list, mask),
            Column::Int(_) | Column::Real(_) => {}
        }
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        fn pick<T: Copy>(list: &mut Vec<T>, places: &[usize]) {
            *list = places.iter().map(|at| list[*at]).collect();
        }
        match self {
            Column::Ints(list) => pick(list, places),
            Column::Reals(list) => pick(list, places),
            Column::Objects(list) => pick(list, places),
            Column::Mask(list) => pick(list, places),
            Column::Int(_) | Column::Real(_) => {}
        }
    }

    /// The number of a row.
    #[inline]
    pub fn number(&self, row: usize) -> Option<Value> {
        match self {
            Column::Ints(ints) => ints.get(row).copied().map(Value::Int),
            Column::Reals(reals) => reals.get(row).copied().map(Value::Real),
            Column::Int(int) => Some(Value::Int(*int)),
            Column::Real(real) => Some(Value::Real(*real)),
            Column::Objects(_) | Column::Mask(_) => None,
        }
    }

    /// The numbers of so many rows.
    pub fn numbers(self, rows: usize) -> Option<Numbers> {
        match self {
            Column::Ints(ints) => Some(Numbers::Ints(ints)),
            Column::Reals(reals) => Some(Numbers::Reals(reals)),
            Column::Int(int) => Some(Numbers::Ints(vec![int; rows])),
            Column::Real(real) => Some(Numbers::Reals(vec![real; rows])),
            Column::Objects(_) | Column::Mask(_) => None,
        }
    }
}

impl From<Numbers> for Column {
    fn from(numbers: Numbers) -> Column {
        match numbers {
            Numbers::Ints(ints) => Column::Ints(ints),
            Numbers::Reals(reals) => Column::Reals(reals),
        }
    }
}

fn all<'a, T>(
    values: &mut (impl ExactSizeIterator<Item = &'a Value> + Clone),
    of_one: impl Fn(&Value) -> Option<T>,
) -> Option<Vec<T>> {
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        list.push(of_one(value)?);
    }
    Some(list)
}

fn keep<T: Copy>(list: &mut Vec<T>, mask: &[bool]) {
    // Written to each place in turn and moved on only if kept: no branch to mispredict.
    let mut kept = 0;
    for (at, keep) in mask.iter().enumerate() {
        list[kept] = list[at];
        kept += usize::from(*keep);
    }
    list.truncate(kept);
}

pub fn to_reals(column: Column) -> Option<Column> {
    Some(match column {
        Column::Ints(ints) => Column::Reals(ints.into_iter().map(|i| i as f64).collect()),
        Column::Int(int) => Column::Real(int as f64),
        Column::Mask(_) | Column::Objects(_) => return None,
        reals => reals,
    })
}

/// Applies a function of reals; where it is not defined, that is for the evaluator to say.
pub fn apply(f: fn(f64) -> f64, column: Column) -> Option<Column> {
    match to_reals(column)? {
        Column::Reals(mut reals) => {
            let mut undefined = false;
            for real in &mut reals {
                let result = f(*real);
                undefined |= result.is_nan();
                *real = result;
            }
            (!undefined).then_some(Column::Reals(reals))
        }
        Column::Real(real) => Some(f(real)).filter(|r| !r.is_nan()).map(Column::Real),
        _ => None,
    }
}

pub fn arithmetic(op: BinaryOp, left: Column, right: Column) -> Option<Column> {
    use Column::{Int, Ints, Mask, Objects, Real, Reals};
    match (left, right) {
        (Mask(_) | Objects(_), _) | (_, Mask(_) | Objects(_)) => None,
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
fn integers(op: BinaryOp, left: Column, right: Column) -> Option<Column> {
    use Column::{Int, Ints};
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

pub fn compare(op: BinaryOp, left: Column, right: Column, rows: usize) -> Option<Vec<bool>> {
    use Column::{Int, Ints, Real, Reals};
    Some(match (left, right) {
        (Ints(a), Ints(b)) => mask(op, a.into_iter().zip(b)),
        (Ints(a), Int(b)) => mask(op, a.into_iter().map(|a| (a, b))),
        (Int(a), Ints(b)) => mask(op, b.into_iter().map(|b| (a, b))),
        (Int(a), Int(b)) => mask(op, std::iter::repeat_n((a, b), rows)),
        (Reals(a), Reals(b)) => reals(op, a.into_iter().zip(b).collect())?,
        (Reals(a), Real(b)) => reals(op, a.into_iter().map(|a| (a, b)).collect())?,
        (Real(a), Reals(b)) => reals(op, b.into_iter().map(|b| (a, b)).collect())?,
        (Real(a), Real(b)) => reals(op, vec![(a, b); rows])?,
        // Integers against reals are compared exactly, by the evaluator, where a real cannot hold
        // them; where it can, as reals.
        (Column::Objects(a), Column::Objects(b)) if op == BinaryOp::Eq => {
            mask(op, a.into_iter().zip(b))
        }
        (left, right) if exact(&left) && exact(&right) => {
            return compare(op, to_reals(left)?, to_reals(right)?, rows);
        }
        _ => return None,
    })
}

/// Whether every number is one that a real holds exactly.
fn exact(column: &Column) -> bool {
    let fits = |i: &i64| i.unsigned_abs() <= 1 << 53;
    match column {
        Column::Ints(ints) => ints.iter().all(fits),
        Column::Int(int) => fits(int),
        Column::Mask(_) | Column::Objects(_) => false,
        Column::Reals(_) | Column::Real(_) => true,
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
