//! Products of vectors and matrices (vectors of rows), and bags of vectors normalized by dimension.

use super::vector::{elementwise, mean, reals, same_size, stdev};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value, number};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("times", |_, a| times(a.value(0), a.value(1)).map(Some)),
    Native::new("transpose", |_, a| {
        let columns = columns(&rows(a.vector(0)?)?)?;
        Ok(Some(Value::vector(columns.into_iter().map(Value::vector))))
    }),
    Native::new("vmean", vmean),
    Native::new("meansub", |cx, a| {
        normalized(cx, a, |x| (mean(x).unwrap_or_default(), 1.0))
    }),
    Native::new("zscore", |cx, a| {
        normalized(cx, a, |x| {
            (mean(x).unwrap_or_default(), stdev(x).unwrap_or_default())
        })
    }),
    Native::new("maxmin", |cx, a| {
        normalized(cx, a, |x| {
            let min = x.iter().copied().fold(f64::INFINITY, f64::min);
            (
                min,
                x.iter().copied().fold(f64::NEG_INFINITY, f64::max) - min,
            )
        })
    }),
];

/// `x * y` where at least one is a vector: a number multiplies each element; two vectors have a scalar
/// product; a vector beside a matrix has one with each of its rows; two matrices have their product.
pub fn times(x: &Value, y: &Value) -> Result<Value> {
    let (Value::Vector(v), Value::Vector(w)) = (x, y) else {
        return elementwise(x, y, number::times);
    };
    match (is_matrix(v), is_matrix(w)) {
        (false, false) => dot(v, w),
        (true, false) => each_row(v, |row| dot(row, w)),
        (false, true) => each_row(w, |row| dot(v, row)),
        (true, true) => {
            let columns = columns(&rows(w)?)?;
            each_row(v, |row| {
                let products: Result<Vec<_>> = columns.iter().map(|c| dot(row, c)).collect();
                products.map(Value::vector)
            })
        }
    }
}

fn is_matrix(v: &[Value]) -> bool {
    matches!(v.first(), Some(Value::Vector(_)))
}

fn each_row(matrix: &[Value], f: impl Fn(&[Value]) -> Result<Value>) -> Result<Value> {
    let results: Result<Vec<_>> = rows(matrix)?.into_iter().map(f).collect();
    results.map(Value::vector)
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

fn columns(rows: &[&[Value]]) -> Result<Vec<Vec<Value>>> {
    let width = rows.first().map_or(0, |row| row.len());
    if let Some(i) = rows.iter().position(|row| row.len() != width) {
        let other = rows[i].len();
        return Err(Error::run(format!(
            "the rows of a matrix must be of one size: the first has {width} elements, row {} has {other}",
            i + 1
        )));
    }
    Ok((0..width)
        .map(|i| rows.iter().map(|row| row[i].clone()).collect())
        .collect())
}

fn dot(v: &[Value], w: &[Value]) -> Result<Value> {
    same_size(v, w)?;
    let mut products = v.iter().zip(w).map(|(x, y)| number::times(x, y));
    let Some(first) = products.next() else {
        return Ok(Value::Int(0));
    };
    products.try_fold(first?, |sum, product| number::plus(&sum, &product?))
}

/// The dimensions of a bag of vectors, each with the numbers of all vectors in it.
fn dimensions(cx: &Cx, args: Args) -> Result<Vec<Vec<f64>>> {
    let vectors: Vec<_> = args
        .collect(0, cx)?
        .iter()
        .map(reals)
        .collect::<Result<_>>()?;
    let mut dimensions = vec![Vec::new(); vectors.first().map_or(0, Vec::len)];
    for vector in &vectors {
        same_size(&vectors[0], vector)?;
        for (dimension, x) in dimensions.iter_mut().zip(vector) {
            dimension.push(*x);
        }
    }
    Ok(dimensions)
}

fn vmean(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let means: Vec<_> = dimensions(cx, args)?
        .iter()
        .filter_map(|x| mean(x))
        .collect();
    Ok((!means.is_empty()).then(|| Value::vector(means.into_iter().map(Value::Real))))
}

/// The vectors of a bag, in each dimension shifted and then scaled by what `scale` gives for it:
/// the new zero, and what becomes 1.
fn normalized(cx: &Cx, args: Args, scale: fn(&[f64]) -> (f64, f64)) -> Result<Option<Value>> {
    let dimensions = dimensions(cx, args)?;
    let scales: Vec<_> = dimensions.iter().map(|x| scale(x)).collect();
    let vector = |i: usize| {
        Value::vector(dimensions.iter().zip(&scales).map(|(x, (zero, one))| {
            let shifted = x[i] - zero;
            // No spread: all are at the zero, give or take the last bit of a mean.
            Value::Real(if *one == 0.0 { 0.0 } else { shifted / one })
        }))
    };
    let count = dimensions.first().map_or(0, Vec::len);
    Ok(Some(Value::bag((0..count).map(vector).collect())))
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
