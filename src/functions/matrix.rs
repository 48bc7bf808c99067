//! Products of vectors and matrices (vectors of rows), and bags of vectors normalized by dimension.

use std::ops::{Add, Mul};

use super::vector::{elementwise, mean, reals, same_size, stdev};
use crate::model::memory::{HeldMemory, Operator};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value, number, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;
use crate::text::wait::Token;

pub const NATIVES: Natives = &[
    Native::new("times", |cx, a| {
        times(a.value(0), a.value(1), &cx.token).map(Some)
    }),
    Native::new("transpose", |cx, a| {
        let columns = columns(&rows(a.vector(0)?)?, &cx.token.looks())?;
        Ok(Some(Value::vector(columns.into_iter().map(Value::vector))))
    }),
    Native::new("vmean", vmean),
    Native::new("meansub", |cx, a| {
        normalized(cx, a, |x, looks| {
            Ok((mean(x, looks)?.unwrap_or_default(), 1.0))
        })
    }),
    Native::new("zscore", |cx, a| {
        normalized(cx, a, |x, looks| {
            let spread = stdev(x, looks)?.unwrap_or_default();
            Ok((mean(x, looks)?.unwrap_or_default(), spread))
        })
    }),
    Native::new("maxmin", |cx, a| {
        normalized(cx, a, |x, _| {
            let min = x.iter().copied().fold(f64::INFINITY, f64::min);
            let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Ok((min, max - min))
        })
    }),
];

/// `x * y` where at least one is a vector: a number multiplies each element; two vectors have a scalar
/// product; a vector beside a matrix has one with each of its rows; two matrices have their product.
pub fn times(x: &Value, y: &Value, token: &Token) -> Result<Value> {
    let (Value::Vector(v), Value::Vector(w)) = (x, y) else {
        return elementwise(x, y, &token.looks(), number::times);
    };
    match (is_matrix(v), is_matrix(w)) {
        (false, false) => dot(v, w, &token.looks()),
        (true, false) => each_row(v, token, |row, looks| dot(row, w, looks)),
        (false, true) => each_row(w, token, |row, looks| dot(v, row, looks)),
        (true, true) => product(v, w, token),
    }
}

/// The product of two matrices.
fn product(v: &[Value], w: &[Value], token: &Token) -> Result<Value> {
    let (left, right) = (rows(v)?, rows(w)?);
    let columns = columns(&right, &token.looks())?;
    size::check_elements(left.len().saturating_mul(columns.len()), "a matrix")?;
    if let (Some(left), Some(right)) = (Dense::of(&left, real), Dense::of(&right, real))
        && left.width == right.height
    {
        return left.times(&right, -0.0, token, Value::Real);
    }
    if let (Some(left), Some(right)) = (Dense::of(&left, integer), Dense::of(&right, integer))
        && left.width == right.height
        && no_sum_overflows(&left, &right)
    {
        return left.times(&right, 0, token, Value::Int);
    }
    each_row(v, token, |row, looks| {
        let products = columns.iter().map(|column| dot(row, column, looks));
        products.collect::<Result<Vec<_>>>().map(Value::vector)
    })
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Real(real) => Some(*real),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        _ => None,
    }
}

/// Whether the product has integers of 64 bits only, also on the way to them.
fn no_sum_overflows(left: &Dense<i64>, right: &Dense<i64>) -> bool {
    let largest = |matrix: &Dense<i64>| {
        let sizes = matrix.numbers.iter().map(|int| int.unsigned_abs());
        u128::from(sizes.max().unwrap_or(0))
    };
    let product = largest(left).checked_mul(largest(right));
    let sum = product.and_then(|product| product.checked_mul(left.width as u128));
    sum.is_some_and(|sum| sum <= i64::MAX as u128)
}

/// A matrix of numbers of one type, row by row.
struct Dense<T> {
    numbers: Vec<T>,
    height: usize,
    width: usize,
}

impl<T: Copy + Add<Output = T> + Mul<Output = T>> Dense<T> {
    /// `None` if a row is of another size or an element is not `number`, and for no columns at all.
    fn of(rows: &[&[Value]], number: fn(&Value) -> Option<T>) -> Option<Dense<T>> {
        let width = rows.first()?.len();
        if width == 0 || rows.iter().any(|row| row.len() != width) {
            return None;
        }
        Some(Dense {
            numbers: rows
                .iter()
                .copied()
                .flatten()
                .map(number)
                .collect::<Option<_>>()?,
            height: rows.len(),
            width,
        })
    }

    /// The product, each element a sum from the first column of `self` to the last, as [`dot`] takes
    /// it. `zero` is what changes nothing when anything is added to it.
    fn times(
        &self,
        right: &Dense<T>,
        zero: T,
        token: &Token,
        value: fn(T) -> Value,
    ) -> Result<Value> {
        // A part of `right` that stays in the cache while all rows of `self` are multiplied with it.
        const TALL: usize = 64;
        const WIDE: usize = 512;
        let mut sums = vec![zero; self.height * right.width];
        for from in (0..right.width).step_by(WIDE) {
            let to = right.width.min(from + WIDE);
            for top in (0..right.height).step_by(TALL) {
                let bottom = right.height.min(top + TALL);
                for i in 0..self.height {
                    token.check()?;
                    let sums = &mut sums[i * right.width + from..i * right.width + to];
                    for k in top..bottom {
                        let factor = self.numbers[i * self.width + k];
                        let row = &right.numbers[k * right.width + from..k * right.width + to];
                        for (sum, x) in sums.iter_mut().zip(row) {
                            *sum = *sum + factor * *x;
                        }
                    }
                }
            }
        }
        let rows = sums.chunks(right.width);
        Ok(Value::vector(
            rows.map(|row| Value::vector(row.iter().copied().map(value))),
        ))
    }
}

fn is_matrix(v: &[Value]) -> bool {
    matches!(v.first(), Some(Value::Vector(_)))
}

fn each_row(
    matrix: &[Value],
    token: &Token,
    f: impl Fn(&[Value], &Looks) -> Result<Value>,
) -> Result<Value> {
    let looks = token.looks();
    let results = rows(matrix)?.into_iter().map(|row| f(row, &looks));
    results.collect::<Result<Vec<_>>>().map(Value::vector)
}

fn rows(matrix: &[Value]) -> Result<Vec<&[Value]>> {
    matrix
        .iter()
        .map(|row| match row {
            Value::Vector(row) => Ok(&row[..]),
            other => Err(Error::run(format!(
                "a row of a matrix is wanted here, not {other}"
            ))),
        })
        .collect()
}

fn columns(rows: &[&[Value]], looks: &Looks) -> Result<Vec<Vec<Value>>> {
    let width = rows.first().map_or(0, |row| row.len());
    if let Some(i) = rows.iter().position(|row| row.len() != width) {
        let other = rows[i].len();
        return Err(Error::run(format!(
            "the rows of a matrix must be of one size: the first has {width} elements, row {} has {other}",
            i + 1
        )));
    }
    (0..width)
        .map(|i| {
            let column = looks.each(rows).map(|row| Ok(row?[i].clone()));
            column.collect()
        })
        .collect()
}

fn dot(v: &[Value], w: &[Value], looks: &Looks) -> Result<Value> {
    same_size(v, w)?;
    let mut products = v.iter().zip(w).map(|(x, y)| {
        looks.step()?;
        number::times(x, y)
    });
    let Some(first) = products.next() else {
        return Ok(Value::Int(0));
    };
    products.try_fold(first?, |sum, product| number::plus(&sum, &product?))
}

/// The dimensions of a bag of vectors, each with the numbers of all vectors in it.
fn dimensions(cx: &Cx, args: Args, looks: &Looks) -> Result<Vec<Vec<f64>>> {
    let mut dimensions: Vec<Vec<f64>> = Vec::new();
    let mut vectors = args.open(0, cx)?;
    let mut first = true;
    let (mut held, mut memory) = (0, HeldMemory::default());
    while let Some(vector) = vectors.next(cx)? {
        let vector = reals(&vector, looks)?;
        if std::mem::take(&mut first) {
            dimensions.resize(vector.len(), Vec::new());
        }
        same_size(&dimensions, &vector)?;
        for (dimension, x) in dimensions.iter_mut().zip(&vector) {
            dimension.push(*x);
        }
        held += size_of_val(vector.as_slice());
        memory.set(
            held,
            Operator::named("the dimensions of vectors"),
            &cx.memory,
        )?;
    }
    Ok(dimensions)
}

fn vmean(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let means: Vec<_> = dimensions(cx, args, &looks)?
        .iter()
        .filter_map(|x| mean(x, &looks).transpose())
        .collect::<Result<_>>()?;
    Ok((!means.is_empty()).then(|| Value::vector(means.into_iter().map(Value::Real))))
}

/// What is made of the numbers of a dimension: the new zero, and what becomes 1.
type Scale = fn(&[f64], &Looks) -> Result<(f64, f64)>;

/// The vectors of a bag, in each dimension shifted and then scaled by what `scale` gives for it.
fn normalized(cx: &Cx, args: Args, scale: Scale) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let dimensions = dimensions(cx, args, &looks)?;
    let scales: Vec<_> = dimensions
        .iter()
        .map(|x| scale(x, &looks))
        .collect::<Result<_>>()?;
    let vector = |i: usize| {
        Value::vector(dimensions.iter().zip(&scales).map(|(x, (zero, one))| {
            let shifted = x[i] - zero;
            // No spread: all are at the zero, give or take the last bit of a mean.
            Value::Real(if *one == 0.0 { 0.0 } else { shifted / one })
        }))
    };
    let count = dimensions.first().map_or(0, Vec::len);
    let vectors = (0..count).map(|i| {
        looks.steps(dimensions.len())?;
        Ok(vector(i))
    });
    Ok(Some(Value::bag(vectors.collect::<Result<_>>()?)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{printed, vector};
    use super::*;

    fn matrix(rows: &[&[i64]]) -> Value {
        Value::vector(rows.iter().map(|row| vector(row)))
    }

    #[test]
    fn products() {
        let product = |x: Value, y: Value| printed("matrix:times", &[x, y]);
        assert_eq!(product(vector(&[1, 2, 3]), vector(&[4, 5, 6])), "32");
        assert_eq!(
            product(
                matrix(&[&[1, 2], &[3, 4], &[5, 6]]),
                matrix(&[&[7, 8], &[9, 10]])
            ),
            "[[25,28],[57,64],[89,100]]"
        );
        assert_eq!(
            product(vector(&[4, 5, 6]), matrix(&[&[1, 2, 3], &[6, 7, 8]])),
            "[32,107]"
        );
        assert_eq!(
            product(matrix(&[&[1, 2], &[3, 4]]), vector(&[5, 6])),
            "[17,39]"
        );
        assert_eq!(product(5.into(), matrix(&[&[1, 2]])), "[[5,10]]");
        assert_eq!(
            product(matrix(&[&[1, 2]]), matrix(&[&[1, 2], &[3]])),
            "error: the rows of a matrix must be of one size: the first has 2 elements, row 2 has 1"
        );
        assert_eq!(
            product(matrix(&[&[1, 2]]), matrix(&[&[1, 2]])),
            "error: the vectors must be of one size, not 2 and 1"
        );
    }

    #[test]
    fn a_matrix_turned_twice_is_itself() {
        let m = matrix(&[&[1, 2, 3], &[6, 7, 8]]);
        assert_eq!(printed("matrix:transpose", &[m]), "[[1,6],[2,7],[3,8]]");
        assert_eq!(printed("matrix:transpose", &[vector::<i64>(&[])]), "[]");
    }

    #[test]
    fn dimensions_are_normalized() {
        let bag = Value::bag(vec![vector(&[1, 5]), vector(&[2, 5]), vector(&[3, 5])]);
        let of = |name: &str| printed(&format!("matrix:{name}"), std::slice::from_ref(&bag));
        assert_eq!(of("vmean"), "[2.0,5.0]");
        assert_eq!(of("meansub"), "bag([-1.0,0.0],[0.0,0.0],[1.0,0.0])");
        assert_eq!(of("zscore"), "bag([-1.0,0.0],[0.0,0.0],[1.0,0.0])");
        assert_eq!(of("maxmin"), "bag([0.0,0.0],[0.5,0.0],[1.0,0.0])");
        assert_eq!(printed("matrix:vmean", &[Value::bag(vec![])]), "");
        assert_eq!(printed("matrix:zscore", &[Value::bag(vec![])]), "bag()");
    }
}
