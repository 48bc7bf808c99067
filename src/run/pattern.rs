//! Matches values against patterns, and rows of stored functions against columns.

use crate::model::conversion::converted;
use crate::model::{Cx, Type, Value};
use crate::plan::{Lookup, LookupColumn, Pattern};
use crate::run::eval::eval;
use crate::text::diagnostic::Result;

/// Whether `value` matches; if so, the pattern's variables have their values.
pub fn bind(pattern: &Pattern, value: &Value, frame: &mut [Value], cx: &Cx) -> Result<bool> {
    match pattern {
        Pattern::Any => Ok(true),
        Pattern::Bind(slot, Type::Object) => {
            frame[*slot] = value.clone();
            Ok(true)
        }
        Pattern::Bind(slot, ty) => Ok(put(equal_of_type(value, ty), &mut frame[*slot])),
        Pattern::Equal(expected) => Ok(eval(expected, frame, cx)?.as_ref() == Some(value)),
        Pattern::Vector(parts) => {
            let Value::Vector(elements) = value else {
                return Ok(false);
            };
            if elements.len() != parts.len() {
                return Ok(false);
            }
            for (part, element) in parts.iter().zip(elements.iter()) {
                if !bind(part, element, frame, cx)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

fn put(value: Option<Value>, slot: &mut Value) -> bool {
    match value {
        Some(value) => {
            *slot = value;
            true
        }
        None => false,
    }
}

/// What equals `value` and is of the type. A real that an integer has to be rounded to does not equal
/// it, so that a variable has the same values whether a condition binds it or filters by it.
///
/// A time is the number of its seconds where a number is declared: what comes out of a vector that holds
/// anything may be either.
fn equal_of_type(value: &Value, ty: &Type) -> Option<Value> {
    if let (Value::Time(time), Type::Real | Type::Number) = (value, ty) {
        return Some(Value::Real(time.seconds()));
    }
    match converted(value, ty)? {
        None => Some(value.clone()),
        Some(other) if ty.is_collection() || other == *value => Some(other),
        Some(_) => None,
    }
}

/// Whether the columns to bind match the row.
pub fn bind_row(lookup: &Lookup, row: &[Value], frame: &mut [Value], cx: &Cx) -> Result<bool> {
    // What must be equal may be equal to what another column binds.
    for compared in [false, true] {
        for (column, value) in lookup.columns.iter().zip(row) {
            if let LookupColumn::Bind(pattern) = column
                && matches!(pattern, Pattern::Equal(_)) == compared
                && !bind(pattern, value, frame, cx)?
            {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
