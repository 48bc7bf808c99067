//! Matches values against patterns, and rows of stored functions against columns.

use crate::model::conversion::conform;
use crate::model::{Cx, Type, Value};
use crate::plan::{Column, Lookup, Pattern};
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
        Pattern::Bind(slot, ty) => Ok(put(conform(value, ty), &mut frame[*slot])),
        Pattern::Solution(slot, ty) => {
            let value = conform(value, ty).or_else(|| conform(uniform(value)?, ty));
            Ok(put(value, &mut frame[*slot]))
        }
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

/// The element that all elements of a vector are.
fn uniform(value: &Value) -> Option<&Value> {
    let Value::Vector(elements) = value else {
        return None;
    };
    let first = elements.first()?;
    elements.iter().all(|e| e == first).then_some(first)
}

/// Whether the columns to bind match the row.
pub fn bind_row(lookup: &Lookup, row: &[Value], frame: &mut [Value], cx: &Cx) -> Result<bool> {
    // What must be equal may be equal to what another column binds.
    for compared in [false, true] {
        for (column, value) in lookup.columns.iter().zip(row) {
            if let Column::Bind(pattern) = column
                && matches!(pattern, Pattern::Equal(_)) == compared
                && !bind(pattern, value, frame, cx)?
            {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
