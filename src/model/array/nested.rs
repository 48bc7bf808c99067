//! Arrays made of nested vectors, and nested vectors made of arrays.

use std::sync::Arc;

use super::{
    Array, ArrayFormat, ArrayNumber, cannot_hold, checked_count, for_elements, for_format,
};
use crate::model::Value;
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

impl Array {
    /// The array of a vector's numbers; vectors and arrays within it are further dimensions. Without a
    /// format, integers make one of I64, other numbers one of F64, arrays one that holds them.
    pub fn of(value: &Value, format: Option<ArrayFormat>, looks: &Looks) -> Result<Array> {
        let shape = shape_of(value);
        let count = checked_count(&shape)?;
        let mut found = None;
        check(value, &shape, &mut found, looks)?;
        let format = format.or(found).unwrap_or(ArrayFormat::F64);
        let elements = for_format!(format, T => {
            let mut numbers: Vec<T> = Vec::with_capacity(count);
            collect(value, &mut numbers, looks)?;
            T::pack(numbers)
        });
        Ok(Array::new(shape, elements))
    }

    /// Nested vectors of the elements.
    pub fn to_vector(&self, looks: &Looks) -> Result<Value> {
        let mut values = Vec::with_capacity(self.count());
        for_elements!(self.elements(), numbers => for number in looks.each(numbers) {
            values.push(number?.value());
        });
        let mut lengths = self.shape().iter().rev().peekable();
        while let Some(length) = lengths.next()
            && lengths.peek().is_some()
        {
            let outer = values.len().checked_div(*length);
            // Without elements the outer dimensions alone say how many vectors there are.
            let outer = outer.unwrap_or_else(|| lengths.clone().product());
            let mut rest = values.into_iter();
            values = (0..outer)
                .map(|_| Value::vector(rest.by_ref().take(*length)))
                .collect();
        }
        Ok(Value::vector(values))
    }
}

/// The shape that a value has by its first elements.
fn shape_of(value: &Value) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut inner = value;
    loop {
        match inner {
            Value::Vector(elements) => {
                shape.push(elements.len());
                match elements.first() {
                    Some(first) => inner = first,
                    None => return shape,
                }
            }
            Value::Array(array) => {
                shape.extend(array.shape());
                return shape;
            }
            _ => return shape,
        }
    }
}

/// An error if a value within is no number or not of the shape; the format that holds all numbers.
fn check(
    value: &Value,
    shape: &[usize],
    found: &mut Option<ArrayFormat>,
    looks: &Looks,
) -> Result<()> {
    looks.step()?;
    let mut add = |format| *found = Some(found.map_or(format, |so_far| so_far.joined(format)));
    match (value, shape) {
        (Value::Vector(elements), [length, rest @ ..]) => {
            if elements.len() != *length {
                return Err(unequal(*length, elements.len()));
            }
            elements
                .iter()
                .try_for_each(|e| check(e, rest, found, looks))
        }
        (Value::Array(array), shape) if array.shape() == shape => {
            add(array.format());
            Ok(())
        }
        (Value::Int(_), []) => {
            add(ArrayFormat::I64);
            Ok(())
        }
        (Value::Real(_), []) => {
            add(ArrayFormat::F64);
            Ok(())
        }
        (Value::Array(array), [length, ..]) => Err(unequal(
            *length,
            array.shape().first().copied().unwrap_or(0),
        )),
        (Value::Vector(_) | Value::Array(_), []) | (Value::Int(_) | Value::Real(_), [_, ..]) => {
            Err(Error::run(
                "the vectors of an array must be nested equally deep",
            ))
        }
        (other, _) => Err(Error::run(format!("an array holds numbers, not {other}"))),
    }
}

fn unequal(length: usize, other: usize) -> Error {
    Error::run(format!(
        "the vectors of a dimension of an array must be of one size, not {length} and {other}"
    ))
}

fn collect<T: ArrayNumber>(value: &Value, numbers: &mut Vec<T>, looks: &Looks) -> Result<()> {
    looks.step()?;
    match value {
        Value::Vector(elements) => elements.iter().try_for_each(|e| collect(e, numbers, looks)),
        Value::Array(array) => {
            let converted = array.as_format(T::FORMAT)?;
            for_elements!(converted.elements(), same => {
                numbers.extend(same.iter().filter_map(|number| T::of(&number.value())));
            });
            looks.steps(array.count())
        }
        number => {
            numbers.push(T::of(number).ok_or_else(|| cannot_hold(T::FORMAT, number))?);
            Ok(())
        }
    }
}

/// The value as an array, where it is one or can be made one.
pub fn as_array(value: &Value, format: Option<ArrayFormat>, looks: &Looks) -> Result<Arc<Array>> {
    match (value, format) {
        (Value::Array(array), None) => Ok(array.clone()),
        (Value::Array(array), Some(format)) if format == array.format() => Ok(array.clone()),
        (Value::Array(array), Some(format)) => array.as_format(format).map(Arc::new),
        (other, format) => Array::of(other, format, looks).map(Arc::new),
    }
}
