//! Lowers queries to programs over batches of rows, where a query is so simple that it can be one.
//!
//! A query can be a [`BatchProgram`] if it takes numbers from a collection, objects from an extent or
//! rows from a stored function, looks up more in stored functions, filters by comparisons, and gives
//! numbers or objects.

mod expressions;
mod steps;

use std::sync::Arc;

use crate::model::{Function, Type};
use crate::plan::batch::{BatchExpr, BatchProgram, BatchWork};
use crate::plan::{Query, Slot};

/// The program that the query can be, if any.
pub fn lower(query: &Query) -> Option<BatchProgram> {
    let (first, rest) = query.steps.split_first()?;
    let mut builder = Builder::default();
    let origin = builder.origin(first)?;
    for step in rest {
        builder.step(step)?;
    }
    let mut outputs = Vec::new();
    match &query.group {
        None => {
            for column in query.columns_collected() {
                // A row without a sort key is sorted all the same.
                builder.required = outputs.len() >= query.output.columns.len();
                outputs.push(builder.node(column)?);
            }
        }
        Some(group) => {
            for (key, _) in &group.keys {
                outputs.push(builder.node(key)?);
            }
            // A row without what an aggregate takes belongs to its group all the same.
            builder.required = true;
            for aggregate in &group.aggregates {
                if aggregate.elements {
                    return None;
                }
                let argument = builder.node(&aggregate.argument)?;
                let counts = matches!(&aggregate.running, Some(running) if running.counts());
                outputs.push(match builder.kind(&argument) {
                    // Each object counts, whichever it is.
                    Kind::Object if counts => BatchExpr::Int(1),
                    _ => argument,
                });
            }
        }
    }
    if outputs.iter().any(BatchExpr::is_condition) {
        return None;
    }
    let numeric = query.group.is_none()
        && query.output.columns.len() == 1
        && matches!(outputs.first(), Some(first) if builder.kind(first) == Kind::Number);
    // Numbers have no elements to be taken apart into.
    if query.group.is_none() && query.output.flatten && !numeric {
        return None;
    }
    let types = outputs.iter().map(|output| builder.type_of(output));
    Some(BatchProgram {
        origin,
        types: types.collect(),
        work: builder.work,
        outputs,
        numeric,
        functions: builder.functions,
    })
}

/// What can be done with the values of a column.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Object,
    /// They can be compared.
    Other,
}

fn kind(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Number | Type::Integer | Type::Real => Some(Kind::Number),
        Type::User(_) | Type::Userobject => Some(Kind::Object),
        Type::Bag(_) | Type::Stream(_) => None,
        _ => Some(Kind::Other),
    }
}

#[derive(Default)]
struct Builder {
    /// The columns that there are by now, with the variables that they stand for.
    columns: Vec<(Option<Slot>, Type)>,
    work: Vec<BatchWork>,
    /// The functions that are called.
    functions: Vec<Arc<Function>>,
    /// Calls of stored functions that have a column: the function, its argument's column, its own.
    calls: Vec<(Arc<Function>, usize, usize)>,
    /// Whether a row may not be left out because something has no value.
    required: bool,
    /// Whether the expression may be left out for some rows, so that nothing may be fetched for it.
    optional: bool,
}
