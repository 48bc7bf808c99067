//! One value of all elements of an array.

use std::cmp::Ordering;

use crate::model::array::{
    Array, ArrayElements, ArrayFormat, ArrayNumber, cannot_hold, for_elements,
};
use crate::model::{Value, number};
use crate::text::diagnostic::Result;
use crate::text::stoppable::{Looks, STEPS};

/// The sum of all elements: an integer of integers.
pub fn sum(array: &Array, looks: &Looks) -> Result<Value> {
    match array.elements() {
        ArrayElements::F64(numbers) => real_sum(numbers, looks).map(Value::Real),
        ArrayElements::F32(numbers) => real_sum(numbers, looks).map(Value::Real),
        elements => {
            let sum = for_elements!(elements, numbers => whole_sum(numbers, looks)?);
            match i64::try_from(sum) {
                Ok(sum) => Ok(Value::Int(sum)),
                Err(_) => Err(cannot_hold(ArrayFormat::I64, &Value::Real(sum as f64))),
            }
        }
    }
}

/// In several sums side by side, as a processor adds several at once; they also lose less by rounding
/// than one.
fn real_sum<T: ArrayNumber>(numbers: &[T], looks: &Looks) -> Result<f64> {
    const SUMS: usize = 16;
    let mut total = 0.0;
    for piece in numbers.chunks(STEPS) {
        looks.steps(STEPS / 16)?;
        let mut sums = [0.0; SUMS];
        let (rows, rest) = piece.as_chunks::<SUMS>();
        for row in rows {
            for i in 0..SUMS {
                sums[i] += row[i].real();
            }
        }
        total += rest
            .iter()
            .map(|number| number.real())
            .chain(sums)
            .sum::<f64>();
    }
    Ok(total)
}

fn whole_sum<T: ArrayNumber>(numbers: &[T], looks: &Looks) -> Result<i128> {
    let mut total = 0_i128;
    for piece in numbers.chunks(STEPS) {
        looks.steps(STEPS / 4)?;
        let whole = piece.iter().map(|number| match number.value() {
            Value::Int(int) => i128::from(int),
            _ => 0,
        });
        total += whole.sum::<i128>();
    }
    Ok(total)
}

/// The average of all elements, if there are some.
pub fn mean(array: &Array, looks: &Looks) -> Result<Option<Value>> {
    if array.count() == 0 {
        return Ok(None);
    }
    let total = for_elements!(array.elements(), numbers => real_sum(numbers, looks)?);
    Ok(Some(Value::Real(total / array.count() as f64)))
}

/// The first of the largest elements and its offset.
pub fn largest(array: &Array) -> Option<(usize, Value)> {
    first(array, Ordering::Greater)
}

/// The first of the smallest elements and its offset.
pub fn smallest(array: &Array) -> Option<(usize, Value)> {
    first(array, Ordering::Less)
}

fn first(array: &Array, wanted: Ordering) -> Option<(usize, Value)> {
    let at = for_elements!(array.elements(), numbers => first_of(numbers, wanted))?;
    Some((at, array.element(at)))
}

/// The offset of the first of the largest numbers, or of the smallest: found among several side by side, as
/// a processor compares several at once.
fn first_of<T: ArrayNumber>(numbers: &[T], wanted: Ordering) -> Option<usize> {
    let first = *numbers.first()?;
    let better = |x: T, y: T| match wanted {
        Ordering::Greater => x > y,
        _ => x < y,
    };
    const SIDES: usize = 16;
    let mut best = [first; SIDES];
    let mut none = false;
    let (rows, rest) = numbers.as_chunks::<SIDES>();
    // A number that is none is not equal to itself.
    #[allow(clippy::eq_op)]
    for row in rows {
        for i in 0..SIDES {
            best[i] = if better(row[i], best[i]) {
                row[i]
            } else {
                best[i]
            };
            none |= row[i] != row[i];
        }
    }
    #[allow(clippy::eq_op)]
    if none || rest.iter().any(|x| x != x) {
        return first_with_nan(numbers, wanted);
    }
    let all = best.iter().chain(rest);
    let best = all.fold(first, |best, x| if better(*x, best) { *x } else { best });
    numbers.iter().position(|x| *x == best)
}

/// The same where some are no numbers: each is the largest, as everywhere in the language.
fn first_with_nan<T: ArrayNumber>(numbers: &[T], wanted: Ordering) -> Option<usize> {
    let mut best = (0, *numbers.first()?);
    for (at, number) in numbers.iter().enumerate().skip(1) {
        if number::cmp_reals(number.real(), best.1.real()) == wanted {
            best = (at, *number);
        }
    }
    Some(best.0)
}
