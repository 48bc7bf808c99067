//! Results that are the same but for rounding.

use std::cmp::Ordering;

use super::ERROR;
use crate::model::array::ArrayFormat;
use crate::model::{Array, Value};
use crate::text::diagnostic::Result;
use crate::text::stoppable::{self, Looks};

/// How far reals that are the same may be apart, by the larger of them.
const TOLERANCE: f64 = 1e-9;

/// The same for elements of arrays of F32, which have some seven digits.
const SINGLE_TOLERANCE: f64 = 1e-6;

/// The results on each side that have none like them on the other.
pub fn unmatched(
    got: Vec<Value>,
    wanted: Vec<Value>,
    looks: &Looks,
) -> Result<(Vec<Value>, Vec<Value>)> {
    let (got, wanted) = without_equals(got, wanted, looks)?;
    let mut left = Vec::new();
    let mut wanted: Vec<Option<Value>> = wanted.into_iter().map(Some).collect();
    for value in got {
        let mut found = None;
        for (at, other) in wanted.iter().enumerate() {
            if let Some(other) = other
                && is_nearly(&value, other, TOLERANCE, looks)?
            {
                found = Some(at);
                break;
            }
        }
        match found {
            Some(at) => wanted[at] = None,
            None => left.push(value),
        }
    }
    Ok((left, wanted.into_iter().flatten().collect()))
}

/// The same without those that are equal exactly, which are most, in one pass over sorted results.
fn without_equals(
    got: Vec<Value>,
    wanted: Vec<Value>,
    looks: &Looks,
) -> Result<(Vec<Value>, Vec<Value>)> {
    let sorted = |mut values: Vec<Value>| {
        stoppable::sort_by(&mut values, looks, Value::steps, Value::cmp)?;
        Ok(values.into_iter().peekable())
    };
    let (mut got, mut wanted) = (sorted(got)?, sorted(wanted)?);
    let (mut only_got, mut only_wanted) = (Vec::new(), Vec::new());
    while let (Some(a), Some(b)) = (got.peek(), wanted.peek()) {
        looks.steps(a.steps())?;
        match a.cmp(b) {
            Ordering::Less => only_got.extend(got.next()),
            Ordering::Greater => only_wanted.extend(wanted.next()),
            Ordering::Equal => {
                got.next();
                wanted.next();
            }
        }
    }
    only_got.extend(got);
    only_wanted.extend(wanted);
    Ok((only_got, only_wanted))
}

fn is_nearly(a: &Value, b: &Value, tolerance: f64, looks: &Looks) -> Result<bool> {
    looks.step()?;
    match (a, b) {
        (Value::Vector(a), Value::Vector(b)) if is_error(a) && is_error(b) => {
            // Which value an error is about is left open.
            Ok(a.get(1) == b.get(1) || b.get(1).is_none_or(Value::is_null))
        }
        (Value::Vector(a), Value::Vector(b)) => are_nearly(a, b, tolerance, looks),
        (Value::Record(a), Value::Record(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, value) in a.iter() {
                let Some(other) = b.get(key) else {
                    return Ok(false);
                };
                if !is_nearly(value, other, tolerance, looks)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Time(a), Value::Time(b)) if a.micros == b.micros => match (&a.value, &b.value) {
            (Some(a), Some(b)) => is_nearly(a, b, tolerance, looks),
            (a, b) => Ok(a == b),
        },
        (Value::Array(a), Value::Array(b)) => are_arrays_nearly(a, b, looks),
        (Value::Complex(a), Value::Complex(b)) => {
            Ok(is_close(a.re, b.re, tolerance) && is_close(a.im, b.im, tolerance))
        }
        _ => match (a.as_real(), b.as_real()) {
            (Some(x), Some(y)) if !matches!((a, b), (Value::Int(_), Value::Int(_))) => {
                Ok(is_close(x, y, tolerance))
            }
            _ => Ok(a == b),
        },
    }
}

fn is_error(vector: &[Value]) -> bool {
    vector
        .first()
        .is_some_and(|first| first.as_str() == Some(ERROR))
}

fn are_nearly(a: &[Value], b: &[Value], tolerance: f64, looks: &Looks) -> Result<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        if !is_nearly(a, b, tolerance, looks)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn are_arrays_nearly(a: &Array, b: &Array, looks: &Looks) -> Result<bool> {
    if a.shape() != b.shape() {
        return Ok(false);
    }
    let single = [a.format(), b.format()].contains(&ArrayFormat::F32);
    let tolerance = if single { SINGLE_TOLERANCE } else { TOLERANCE };
    for offset in 0..a.count() {
        if !is_nearly(&a.element(offset), &b.element(offset), tolerance, looks)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_close(a: f64, b: f64, tolerance: f64) -> bool {
    // What is no number, or infinite, is near nothing but itself.
    a == b || a.is_nan() && b.is_nan() || {
        let largest = a.abs().max(b.abs());
        largest.is_finite() && (a - b).abs() <= tolerance * largest
    }
}
