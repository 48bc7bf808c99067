//! Single vectors: element-wise arithmetic, statistics, distances, parts. Positions count from 1.

use std::cmp::Ordering;

use crate::model::exact::ExactSum;
use crate::model::native::{AggregateKind, Native, Natives};
use crate::model::size::position;
use crate::model::{Args, Cx, Value, number, size};
use crate::run::aggregate::statistics::{Moments, Total};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("plus", |_, a| {
        elementwise(a.value(0), a.value(1), number::plus).map(Some)
    }),
    Native::new("minus", |_, a| {
        elementwise(a.value(0), a.value(1), number::minus).map(Some)
    }),
    Native::new("elemtimes", |_, a| {
        elementwise(a.value(0), a.value(1), number::times).map(Some)
    }),
    Native::new("div", |_, a| {
        elementwise(a.value(0), a.value(1), number::div).map(Some)
    }),
    Native::new("elempower", |_, a| {
        elementwise(a.value(0), a.value(1), number::power).map(Some)
    }),
    Native::new("uminus", |_, a| each(a.value(0), number::uminus).map(Some)),
    Native::new("abs", |_, a| each(a.value(0), number::abs).map(Some)),
    Native::new("sum", |_, a| sum(a.vector(0)?).map(Some)).aggregate(AggregateKind::Sum),
    Native::new("mean", |_, a| Ok(mean_of(a.value(0))?.map(Value::Real)))
        .aggregate(AggregateKind::Mean),
    Native::new("stdev", |_, a| {
        Ok(stdev(&known_reals(a.value(0))?).map(Value::Real))
    })
    .aggregate(AggregateKind::Stdev),
    Native::new("max", |_, a| {
        Ok(first(a.vector(0)?, Ordering::Greater).map(|(_, v)| v.clone()))
    })
    .aggregate(AggregateKind::Max),
    Native::new("min", |_, a| {
        Ok(first(a.vector(0)?, Ordering::Less).map(|(_, v)| v.clone()))
    })
    .aggregate(AggregateKind::Min),
    Native::new("argmax", |_, a| {
        Ok(first(a.vector(0)?, Ordering::Greater).map(|(i, _)| Value::Int(i)))
    }),
    Native::new("argmin", |_, a| {
        Ok(first(a.vector(0)?, Ordering::Less).map(|(i, _)| Value::Int(i)))
    }),
    Native::new("euclid", |_, a| {
        Ok(Some(Value::Real(minkowski(&distances(a)?, 2.0))))
    }),
    Native::new("manhattan", manhattan),
    Native::new("maxnorm", |_, a| {
        Ok(Some(Value::Real(minkowski(&distances(a)?, f64::INFINITY))))
    }),
    Native::new("minkowski", minkowski_of_degree),
    Native::new("dim", |_, a| {
        Ok(Some(Value::Int(a.vector(0)?.len() as i64)))
    })
    .aggregate(AggregateKind::Count),
    Native::new("vref", |_, a| {
        Ok(position(a.int(1)?).and_then(|i| a.vector(0).ok()?.get(i).cloned()))
    }),
    Native::new("section", |_, a| section(a, a.int(1)?, a.int(2)?)),
    Native::new("skip", |_, a| {
        section(a, a.int(1)?.saturating_add(1), i64::MAX)
    }),
    Native::new("permute", permute),
    Native::new("concat", |_, a| {
        let (v, w) = (a.vector(0)?, a.vector(1)?);
        size::check_elements(v.len() + w.len(), "a vector")?;
        Ok(Some(Value::vector(v.iter().chain(w.iter()).cloned())))
    }),
    Native::new("vdiff", |_, a| {
        let (v, w) = (a.vector(0)?, a.vector(1)?);
        Ok(Some(Value::vector(
            v.iter().filter(|e| !w.contains(e)).cloned(),
        )))
    }),
    Native::new("new_vector", new_vector),
    Native::new("numvector", |_, a| {
        reals(a.value(0)).map(|_| Some(a.value(0).clone()))
    }),
    Native::new("integer_vector", |_, a| {
        let reals = reals(a.value(0))?;
        let whole = reals
            .iter()
            .map(|r| number::to_int("integer_vector", r.trunc()));
        Ok(Some(Value::vector(whole.collect::<Result<Vec<_>>>()?)))
    }),
];

/// `op` on the elements at equal positions; anything beside a vector meets each of its elements.
pub fn elementwise(
    x: &Value,
    y: &Value,
    op: impl Fn(&Value, &Value) -> Result<Value> + Copy,
) -> Result<Value> {
    let elements: Result<Vec<Value>> = match (x, y) {
        (Value::Vector(v), Value::Vector(w)) => {
            same_size(v, w)?;
            v.iter()
                .zip(w.iter())
                .map(|(x, y)| elementwise(x, y, op))
                .collect()
        }
        (Value::Vector(v), y) => v.iter().map(|x| elementwise(x, y, op)).collect(),
        (x, Value::Vector(w)) => w.iter().map(|y| elementwise(x, y, op)).collect(),
        (x, y) => return op(x, y),
    };
    elements.map(Value::vector)
}

fn each(x: &Value, op: impl Fn(&Value) -> Result<Value> + Copy) -> Result<Value> {
    match x {
        Value::Vector(v) => {
            let elements: Result<Vec<_>> = v.iter().map(|x| each(x, op)).collect();
            elements.map(Value::vector)
        }
        x => op(x),
    }
}

/// An error if the two differ in size.
pub fn same_size<T>(v: &[T], w: &[T]) -> Result<()> {
    if v.len() == w.len() {
        return Ok(());
    }
    Err(Error::run(format!(
        "the vectors must be of one size, not {} and {}",
        v.len(),
        w.len()
    )))
}

/// The numbers of a vector as reals.
pub fn reals(value: &Value) -> Result<Vec<f64>> {
    let wanted =
        |what: &Value| Error::run(format!("a vector of numbers is wanted here, not {what}"));
    match value {
        Value::Vector(v) => v
            .iter()
            .map(|e| {
                e.as_real()
                    .ok_or_else(|| wanted(value).help(format!("{e} is not a number")))
            })
            .collect(),
        other => Err(wanted(other)),
    }
}

/// The numbers of a vector as reals; nulls are left out, as in all aggregates.
fn known_reals(value: &Value) -> Result<Vec<f64>> {
    match value {
        Value::Vector(v) if v.iter().any(Value::is_null) => {
            reals(&Value::vector(known(v).cloned()))
        }
        other => reals(other),
    }
}

fn known(elements: &[Value]) -> impl Iterator<Item = &Value> {
    elements.iter().filter(|element| !element.is_null())
}

/// The sum of numbers, an integer if all are; 0 for none. Exact, and rounded once.
pub fn sum(elements: &[Value]) -> Result<Value> {
    let mut total = Total::default();
    if known(elements).all(|element| total.add(element)) {
        return total.value();
    }
    known(elements).try_fold(Value::Int(0), |sum, e| number::plus(&sum, e))
}

/// The average; `None` for no numbers.
pub fn mean(numbers: &[f64]) -> Option<f64> {
    let mut sum = ExactSum::default();
    numbers.iter().for_each(|x| sum.add(*x));
    (!numbers.is_empty()).then(|| sum.round() / numbers.len() as f64)
}

/// The mean of a vector's numbers: that of their exact sum; `None` for none.
fn mean_of(vector: &Value) -> Result<Option<f64>> {
    let mut total = Total::default();
    match vector {
        Value::Vector(v) if v.iter().all(|element| total.add(element)) => {
            Ok(total.mean(v.len() as u64))
        }
        other => Ok(mean(&known_reals(other)?)),
    }
}

/// The standard deviation of a sample (n-1 in the denominator); `None` for fewer than two numbers.
pub fn stdev(numbers: &[f64]) -> Option<f64> {
    let mut moments = Moments::default();
    numbers.iter().for_each(|x| moments.add(*x));
    moments.stdev()
}

/// The first element that no other exceeds in the `wanted` direction, nulls left out, and its position.
fn first(elements: &[Value], wanted: Ordering) -> Option<(i64, &Value)> {
    let mut known = elements.iter().enumerate().filter(|(_, e)| !e.is_null());
    let (mut at, mut best) = known.next()?;
    for (i, element) in known {
        if number::compare(element, best) == wanted {
            (at, best) = (i, element);
        }
    }
    Some((at as i64 + 1, best))
}

/// How far two points are apart in each dimension.
fn distances(args: Args) -> Result<Vec<f64>> {
    let (v, w) = (reals(args.value(0))?, reals(args.value(1))?);
    same_size(&v, &w)?;
    Ok(v.iter().zip(&w).map(|(x, y)| (x - y).abs()).collect())
}

fn minkowski(distances: &[f64], degree: f64) -> f64 {
    let largest = distances.iter().copied().fold(0.0, f64::max);
    // Taken relative to the largest, the powers cannot overflow.
    if degree.is_infinite() || largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    let powers: f64 = match degree {
        2.0 => return distances.iter().map(|d| d * d).sum::<f64>().sqrt(),
        1.0 => return distances.iter().sum(),
        _ => distances.iter().map(|d| (d / largest).powf(degree)).sum(),
    };
    largest * powers.powf(1.0 / degree)
}

fn minkowski_of_degree(_: &Cx, args: Args) -> Result<Option<Value>> {
    let degree = args.real(2)?;
    if degree.is_nan() || degree <= 0.0 {
        let degree = args.value(2);
        return Err(Error::run(format!(
            "the degree of minkowski() must be above zero, not {degree}"
        )));
    }
    Ok(Some(Value::Real(minkowski(&distances(args)?, degree))))
}

fn manhattan(_: &Cx, args: Args) -> Result<Option<Value>> {
    let differences = elementwise(args.value(0), args.value(1), number::minus)?;
    match each(&differences, number::abs)? {
        Value::Vector(distances) => sum(&distances).map(Some),
        other => Ok(Some(other)),
    }
}

fn section(args: Args, from: i64, to: i64) -> Result<Option<Value>> {
    let v = args.vector(0)?;
    let start = (from.max(1) - 1).min(v.len() as i64) as usize;
    let end = to.clamp(0, v.len() as i64) as usize;
    Ok(Some(Value::vector(
        v.get(start..end).unwrap_or_default().iter().cloned(),
    )))
}

fn permute(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (v, indices) = (args.vector(0)?, args.vector(1)?);
    let at = |i: &Value| {
        let element = i
            .as_int()
            .and_then(position)
            .and_then(|i| v.get(i))
            .cloned();
        element.ok_or_else(|| {
            Error::run(format!(
                "there is no element {i} in a vector of {}",
                v.len()
            ))
        })
    };
    Ok(Some(Value::vector(
        indices.iter().map(at).collect::<Result<Vec<_>>>()?,
    )))
}

fn new_vector(_: &Cx, args: Args) -> Result<Option<Value>> {
    let size = size::elements(args.int(0)?, "a vector", "elements")?;
    Ok(Some(Value::vector(std::iter::repeat_n(
        args.value(1).clone(),
        size,
    ))))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{printed, vector};
    use super::*;

    #[test]
    fn elements_meet_at_equal_positions() {
        let nested = |first: i64| Value::vector([vector(&[first]), 2.into(), 3.into()]);
        assert_eq!(printed("vector:plus", &[nested(1), nested(4)]), "[[5],4,6]");
        let right = Value::vector([vector(&[4]), 5.into(), vector(&[6])]);
        assert_eq!(
            printed("vector:elemtimes", &[nested(1), right]),
            "[[4],10,[18]]"
        );
        assert_eq!(
            printed("vector:div", &[3.into(), vector(&[1, 2, 3])]),
            "[3.0,1.5,1.0]"
        );
        assert_eq!(
            printed("vector:plus", &[vector(&[1]), vector(&[1, 2])]),
            "error: the vectors must be of one size, not 1 and 2"
        );
        assert_eq!(
            printed("vector:plus", &[vector(&["a"]), 1.into()]),
            "error: `+` takes numbers, not \"a\" and 1"
        );
    }

    #[test]
    fn statistics() {
        let v = vector(&[1, 4, 2, 4]);
        assert_eq!(printed("vector:argmax", std::slice::from_ref(&v)), "2");
        assert_eq!(printed("vector:argmin", std::slice::from_ref(&v)), "1");
        assert_eq!(
            printed("vector:sum", &[Value::vector([1.into(), 0.5.into()])]),
            "1.5"
        );
        assert_eq!(
            printed("vector:stdev", &[vector(&[1, 3])]),
            "1.4142135623730951"
        );
        for (name, none) in [("mean", 0), ("max", 0), ("stdev", 1)] {
            assert_eq!(
                printed(&format!("vector:{name}"), &[vector(&[1.0; 1][..none])]),
                ""
            );
        }
        let error = "error: a vector of numbers is wanted here, not [\"a\"]";
        assert_eq!(printed("vector:mean", &[vector(&["a"])]), error);
    }

    #[test]
    fn distances_by_degree() {
        let (v, w) = (vector(&[1, 2]), vector(&[3, 4]));
        let far = |r: f64| printed("vector:minkowski", &[v.clone(), w.clone(), r.into()]);
        assert_eq!(far(1.0), "4.0");
        assert_eq!(far(f64::INFINITY), "2.0");
        assert_eq!(far(2.0), printed("vector:euclid", &[v.clone(), w.clone()]));
        assert_eq!(printed("vector:manhattan", &[v.clone(), w.clone()]), "4");
        assert!(far(0.0).starts_with("error: the degree"));
        assert!((minkowski(&[2.0, 2.0], 1000.0) - 2.0).abs() < 0.01);
    }

    #[test]
    fn parts_stay_within_the_vector() {
        let v = vector(&[1, 2, 3]);
        let part = |l: i64, u: i64| printed("vector:section", &[v.clone(), l.into(), u.into()]);
        assert_eq!(part(2, 3), "[2,3]");
        assert_eq!(part(-5, 99), "[1,2,3]");
        assert_eq!(part(3, 2), "[]");
        assert_eq!(part(9, 99), "[]");
        assert_eq!(printed("vector:skip", &[v.clone(), i64::MAX.into()]), "[]");
        assert_eq!(printed("vector:vref", &[v.clone(), 0.into()]), "");
        assert_eq!(
            printed("vector:permute", &[v.clone(), vector(&[3, 1])]),
            "[3,1]"
        );
        assert!(
            printed("vector:permute", &[v, vector(&[4])])
                .starts_with("error: there is no element 4")
        );
        assert!(printed("vector:new_vector", &[(-1).into(), 1.into()]).starts_with("error: "));
    }
}
