//! Columns of values of one kind, and what is computed of them. Where a column cannot have what the
//! evaluator would give, there is no result, and the evaluator has to do it.

use crate::model::{Numbers, Value};
use crate::run::eval;
use crate::syntax::ast::BinaryOp;

/// What the rows of a batch have for one expression.
#[derive(Clone)]
pub enum Column {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    /// The numbers of objects.
    Objects(Vec<u64>),
    /// Other values, not all of one kind perhaps.
    Values(Vec<Value>),
    /// The same for all rows.
    Int(i64),
    Real(f64),
    Value(Value),
    Mask(Vec<bool>),
}

impl Column {
    /// The column that these values are; `None` for objects among other values.
    pub fn of<'a>(values: impl ExactSizeIterator<Item = &'a Value> + Clone) -> Option<Column> {
        let ints = |value: &Value| match value {
            Value::Int(i) => Some(*i),
            _ => None,
        };
        let reals = |value: &Value| match value {
            Value::Real(r) => Some(*r),
            _ => None,
        };
        let objects = |value: &Value| match value {
            Value::Object(object) => Some(object.id()),
            _ => None,
        };
        let of_one_kind = match values.clone().next() {
            None | Some(Value::Int(_)) => all(values.clone(), ints).map(Column::Ints),
            Some(Value::Real(_)) => all(values.clone(), reals).map(Column::Reals),
            Some(Value::Object(_)) => return all(values, objects).map(Column::Objects),
            _ => None,
        };
        of_one_kind.or_else(|| {
            let other = |value: &Value| match value {
                Value::Object(_) => None,
                value => Some(value.clone()),
            };
            all(values, other).map(Column::Values)
        })
    }

    /// The rows whose place in the mask is true.
    pub fn keep(&mut self, mask: &[bool]) {
        match self {
            Column::Ints(list) => keep(list, mask),
            Column::Reals(list) => keep(list, mask),
            Column::Objects(list) => keep(list, mask),
            Column::Mask(list) => keep(list, mask),
            Column::Values(list) => {
                let mut mask = mask.iter();
                list.retain(|_| mask.next().is_some_and(|keep| *keep));
            }
            Column::Int(_) | Column::Real(_) | Column::Value(_) => {}
        }
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        fn pick<T: Clone>(list: &mut Vec<T>, places: &[usize]) {
            *list = places.iter().map(|at| list[*at].clone()).collect();
        }
        match self {
            Column::Ints(list) => pick(list, places),
            Column::Reals(list) => pick(list, places),
            Column::Objects(list) => pick(list, places),
            Column::Mask(list) => pick(list, places),
            Column::Values(list) => pick(list, places),
            Column::Int(_) | Column::Real(_) | Column::Value(_) => {}
        }
    }

    /// The value of a row; `None` for objects.
    #[inline]
    pub fn value(&self, row: usize) -> Option<Value> {
        match self {
            Column::Ints(ints) => ints.get(row).copied().map(Value::Int),
            Column::Reals(reals) => reals.get(row).copied().map(Value::Real),
            Column::Values(values) => values.get(row).cloned(),
            Column::Int(int) => Some(Value::Int(*int)),
            Column::Real(real) => Some(Value::Real(*real)),
            Column::Value(value) => Some(value.clone()),
            Column::Objects(_) | Column::Mask(_) => None,
        }
    }

    pub fn is_numbers(&self) -> bool {
        use Column::{Int, Ints, Real, Reals};
        matches!(self, Ints(_) | Reals(_) | Int(_) | Real(_))
    }

    /// The numbers of so many rows.
    pub fn numbers(self, rows: usize) -> Option<Numbers> {
        match self {
            Column::Ints(ints) => Some(Numbers::Ints(ints)),
            Column::Reals(reals) => Some(Numbers::Reals(reals)),
            Column::Int(int) => Some(Numbers::Ints(vec![int; rows])),
            Column::Real(real) => Some(Numbers::Reals(vec![real; rows])),
            _ => None,
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
    values: impl ExactSizeIterator<Item = &'a Value>,
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
        Column::Reals(_) | Column::Real(_) => column,
        _ => return None,
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
    use Column::{Int, Ints, Real, Reals};
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
        (Column::Objects(a), Column::Objects(b)) => mask(op, a.into_iter().zip(b)),
        (left @ (Column::Values(_) | Column::Value(_)), right)
        | (left, right @ (Column::Values(_) | Column::Value(_))) => {
            let mut mask = Vec::with_capacity(rows);
            for row in 0..rows {
                mask.push(eval::compare(op, &left.value(row)?, &right.value(row)?));
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

/// Whether every number is one that a real holds exactly.
fn exact(column: &Column) -> bool {
    let fits = |i: &i64| i.unsigned_abs() <= 1 << 53;
    match column {
        Column::Ints(ints) => ints.iter().all(fits),
        Column::Int(int) => fits(int),
        Column::Reals(_) | Column::Real(_) => true,
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
