//! Single vectors: element-wise arithmetic, statistics, distances, parts. Positions count from 1.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::model::native::{AggregateKind, Native, Natives};
use crate::model::size::position;
use crate::model::{Args, Cx, Value, number, size};
use crate::run::aggregate::statistics::{Moments, Total};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

pub const NATIVES: Natives = &[
    Native::new("plus", |cx, a| {
        elementwise(a.value(0), a.value(1), &cx.token.looks(), number::plus).map(Some)
    }),
    Native::new("minus", |cx, a| {
        elementwise(a.value(0), a.value(1), &cx.token.looks(), number::minus).map(Some)
    }),
    Native::new("elemtimes", |cx, a| {
        elementwise(a.value(0), a.value(1), &cx.token.looks(), number::times).map(Some)
    }),
    Native::new("div", |cx, a| {
        elementwise(a.value(0), a.value(1), &cx.token.looks(), number::div).map(Some)
    }),
    Native::new("elempower", |cx, a| {
        elementwise(a.value(0), a.value(1), &cx.token.looks(), number::power).map(Some)
    }),
    Native::new("uminus", |cx, a| {
        each(a.value(0), &cx.token.looks(), number::uminus).map(Some)
    }),
    Native::new("abs", |cx, a| {
        each(a.value(0), &cx.token.looks(), number::abs).map(Some)
    }),
    Native::new("sum", |cx, a| {
        sum(a.vector(0)?, &cx.token.looks()).map(Some)
    })
    .aggregate(AggregateKind::Sum),
    Native::new("mean", |cx, a| {
        Ok(mean_of(a.value(0), &cx.token.looks())?.map(Value::Real))
    })
    .aggregate(AggregateKind::Mean),
    Native::new("stdev", |cx, a| {
        let looks = cx.token.looks();
        Ok(stdev(&known_reals(a.value(0), &looks)?, &looks)?.map(Value::Real))
    })
    .aggregate(AggregateKind::Stdev),
    Native::new("max", |cx, a| {
        Ok(first(a.vector(0)?, Ordering::Greater, &cx.token.looks())?.map(|(_, v)| v.clone()))
    })
    .aggregate(AggregateKind::Max),
    Native::new("min", |cx, a| {
        Ok(first(a.vector(0)?, Ordering::Less, &cx.token.looks())?.map(|(_, v)| v.clone()))
    })
    .aggregate(AggregateKind::Min),
    Native::new("argmax", |cx, a| {
        Ok(first(a.vector(0)?, Ordering::Greater, &cx.token.looks())?.map(|(i, _)| Value::Int(i)))
    }),
    Native::new("argmin", |cx, a| {
        Ok(first(a.vector(0)?, Ordering::Less, &cx.token.looks())?.map(|(i, _)| Value::Int(i)))
    }),
    Native::new("euclid", |cx, a| distance(cx, a, 2.0)),
    Native::new("manhattan", manhattan),
    Native::new("maxnorm", |cx, a| distance(cx, a, f64::INFINITY)),
    Native::new("minkowski", minkowski_of_degree),
    Native::new("dim", |_, a| {
        Ok(Some(Value::Int(a.vector(0)?.len() as i64)))
    })
    .aggregate(AggregateKind::Count),
    Native::new("vref", |_, a| {
        Ok(position(a.int(1)?).and_then(|i| a.vector(0).ok()?.get(i).cloned()))
    })
    .giving_field(),
    Native::new("section", |cx, a| section(cx, a, a.int(1)?, a.int(2)?)).positions(&[1, 2]),
    Native::new("skip", |cx, a| {
        section(cx, a, a.int(1)?.saturating_add(1), i64::MAX)
    }),
    Native::new("permute", permute),
    Native::new("concat", |cx, a| {
        let (v, w) = (a.vector(0)?, a.vector(1)?);
        size::check_elements(v.len() + w.len(), "a vector")?;
        copied(v.iter().chain(w.iter()), &cx.token.looks()).map(Some)
    }),
    Native::new("vdiff", vdiff),
    Native::new("new_vector", new_vector),
    Native::new("numvector", |cx, a| {
        reals(a.value(0), &cx.token.looks()).map(|_| Some(a.value(0).clone()))
    }),
    Native::new("integer_vector", |cx, a| {
        let looks = cx.token.looks();
        let reals = reals(a.value(0), &looks)?;
        let whole = looks
            .each(reals)
            .map(|r| number::to_int("integer_vector", r?.trunc()));
        whole.collect::<Result<_>>().map(Value::Vector).map(Some)
    }),
];

/// `op` on the elements at equal positions; anything beside a vector meets each of its elements.
pub fn elementwise(
    x: &Value,
    y: &Value,
    looks: &Looks,
    op: impl Fn(&Value, &Value) -> Result<Value> + Copy,
) -> Result<Value> {
    let elements: Result<_> = match (x, y) {
        (Value::Vector(v), Value::Vector(w)) => {
            same_size(v, w)?;
            v.iter()
                .zip(w.iter())
                .map(|(x, y)| elementwise(x, y, looks, op))
                .collect()
        }
        (Value::Vector(v), y) => v.iter().map(|x| elementwise(x, y, looks, op)).collect(),
        (x, Value::Vector(w)) => w.iter().map(|y| elementwise(x, y, looks, op)).collect(),
        (x, y) => {
            looks.step()?;
            return op(x, y);
        }
    };
    elements.map(Value::Vector)
}

fn each(x: &Value, looks: &Looks, op: impl Fn(&Value) -> Result<Value> + Copy) -> Result<Value> {
    looks.step()?;
    match x {
        Value::Vector(v) => {
            let elements: Result<_> = v.iter().map(|x| each(x, looks, op)).collect();
            elements.map(Value::Vector)
        }
        x => op(x),
    }
}

/// A vector of these elements.
fn copied<'v>(elements: impl Iterator<Item = &'v Value>, looks: &Looks) -> Result<Value> {
    let copies = looks.each(elements.cloned());
    copies.collect::<Result<_>>().map(Value::Vector)
}

/// An error if the two differ in size.
pub fn same_size<T, U>(v: &[T], w: &[U]) -> Result<()> {
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
pub fn reals(value: &Value, looks: &Looks) -> Result<Vec<f64>> {
    let wanted =
        |what: &Value| Error::run(format!("a vector of numbers is wanted here, not {what}"));
    match value {
        Value::Vector(v) => looks
            .each(v.iter())
            .map(|element| {
                let element = element?;
                element
                    .as_real()
                    .ok_or_else(|| wanted(value).help(format!("{element} is not a number")))
            })
            .collect(),
        other => Err(wanted(other)),
    }
}

/// The numbers of a vector as reals; nulls are left out, as in all aggregates.
fn known_reals(value: &Value, looks: &Looks) -> Result<Vec<f64>> {
    match value {
        Value::Vector(v) if v.iter().any(Value::is_null) => reals(&copied(known(v), looks)?, looks),
        other => reals(other, looks),
    }
}

fn known(elements: &[Value]) -> impl Iterator<Item = &Value> {
    elements.iter().filter(|element| !element.is_null())
}

/// The sum of numbers, an integer if all are; 0 for none. Exact, and rounded once.
pub fn sum(elements: &[Value], looks: &Looks) -> Result<Value> {
    match total(known(elements), looks)? {
        Some(total) => total.value(),
        None => looks
            .each(known(elements))
            .try_fold(Value::Int(0), |sum, e| number::plus(&sum, e?)),
    }
}

/// The exact sum of numbers; `None` if there is something else among them.
fn total<'v>(elements: impl Iterator<Item = &'v Value>, looks: &Looks) -> Result<Option<Total>> {
    let mut total = Total::default();
    for element in looks.each(elements) {
        if !total.add(element?) {
            return Ok(None);
        }
    }
    Ok(Some(total))
}

/// The average; `None` for no numbers.
pub fn mean(numbers: &[f64], looks: &Looks) -> Result<Option<f64>> {
    let mut total = Total::default();
    for number in looks.each(numbers) {
        total.add(&Value::Real(*number?));
    }
    Ok(total.mean(numbers.len() as u64))
}

/// The mean of a vector's numbers: that of their exact sum; `None` for none.
fn mean_of(vector: &Value, looks: &Looks) -> Result<Option<f64>> {
    if let Value::Vector(v) = vector
        && let Some(total) = total(v.iter(), looks)?
    {
        return Ok(total.mean(v.len() as u64));
    }
    mean(&known_reals(vector, looks)?, looks)
}

/// The standard deviation of a sample (n-1 in the denominator); `None` for fewer than two numbers.
pub fn stdev(numbers: &[f64], looks: &Looks) -> Result<Option<f64>> {
    let mut moments = Moments::default();
    for number in looks.each(numbers) {
        moments.add(*number?);
    }
    Ok(moments.stdev())
}

/// The first element that no other exceeds in the `wanted` direction, nulls left out, and its position.
fn first<'v>(
    elements: &'v [Value],
    wanted: Ordering,
    looks: &Looks,
) -> Result<Option<(i64, &'v Value)>> {
    let mut best: Option<(i64, &Value)> = None;
    for (element, place) in looks.each(elements).zip(1..) {
        let element = element?;
        let better = |best: &Value| number::compare(element, best) == wanted;
        if !element.is_null() && best.is_none_or(|(_, best)| better(best)) {
            best = Some((place, element));
        }
    }
    Ok(best)
}

/// How far two points are apart in each dimension.
fn distances(args: Args, looks: &Looks) -> Result<Vec<f64>> {
    let (v, w) = (reals(args.value(0), looks)?, reals(args.value(1), looks)?);
    same_size(&v, &w)?;
    Ok(v.iter().zip(&w).map(|(x, y)| (x - y).abs()).collect())
}

/// How far two points are apart, by the degree of Minkowski's distance.
fn distance(cx: &Cx, args: Args, degree: f64) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let distance = minkowski(&distances(args, &looks)?, degree, &looks)?;
    Ok(Some(Value::Real(distance)))
}

fn minkowski(distances: &[f64], degree: f64, looks: &Looks) -> Result<f64> {
    let largest = distances.iter().copied().fold(0.0, f64::max);
    if degree.is_infinite() || largest == 0.0 || largest.is_infinite() {
        return Ok(largest);
    }
    let sum = |power: &dyn Fn(f64) -> f64| -> Result<f64> {
        looks.each(distances).map(|d| Ok(power(*d?))).sum()
    };
    if degree == 1.0 {
        return sum(&|d| d);
    }
    // Squares of these neither overflow nor vanish.
    if degree == 2.0 && (1e-140..1e140).contains(&largest) {
        return Ok(sum(&|d| d * d)?.sqrt());
    }
    // Taken relative to the largest, the powers cannot overflow.
    let powers = sum(&|d| (d / largest).powf(degree))?;
    let root = match degree {
        2.0 => powers.sqrt(),
        _ => powers.powf(1.0 / degree),
    };
    Ok(largest * root)
}

fn minkowski_of_degree(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let degree = args.real(2)?;
    if degree.is_nan() || degree <= 0.0 {
        let degree = args.value(2);
        return Err(Error::run(format!(
            "the degree of minkowski() must be above zero, not {degree}"
        )));
    }
    distance(cx, args, degree)
}

fn manhattan(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let differences = elementwise(args.value(0), args.value(1), &looks, number::minus)?;
    match each(&differences, &looks, number::abs)? {
        Value::Vector(distances) => sum(&distances, &looks).map(Some),
        other => Ok(Some(other)),
    }
}

fn section(cx: &Cx, args: Args, from: i64, to: i64) -> Result<Option<Value>> {
    let v = args.vector(0)?;
    let start = (from.max(1) - 1).min(v.len() as i64) as usize;
    let end = to.clamp(0, v.len() as i64) as usize;
    let elements = v.get(start..end).unwrap_or_default();
    copied(elements.iter(), &cx.token.looks()).map(Some)
}

fn vdiff(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let mut others = HashSet::new();
    for other in looks.each(args.vector(1)?.iter()) {
        let other = other?;
        looks.steps(other.steps())?;
        others.insert(other);
    }
    let mut left = Vec::new();
    for element in args.vector(0)?.iter() {
        looks.steps(element.steps())?;
        if !others.contains(element) {
            left.push(element.clone());
        }
    }
    Ok(Some(Value::vector(left)))
}

fn permute(cx: &Cx, args: Args) -> Result<Option<Value>> {
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
    let looks = cx.token.looks();
    let elements = looks.each(indices.iter()).map(|i| at(i?));
    elements.collect::<Result<_>>().map(Value::Vector).map(Some)
}

fn new_vector(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let size = size::elements(args.int(0)?, "a vector", "elements")?;
    let elements = std::iter::repeat_n(args.value(1), size);
    copied(elements, &cx.token.looks()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{printed, vector};
    use super::*;
    use crate::text::wait::Token;

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
        let token = Token::new();
        let distance = minkowski(&[2.0, 2.0], 1000.0, &token.looks()).expect("not stopped");
        assert!((distance - 2.0).abs() < 0.01);
        let far = minkowski(&[1e200, 1e200], 2.0, &token.looks()).expect("not stopped");
        assert!((far / 1e200 - 2f64.sqrt()).abs() < 1e-12);
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
