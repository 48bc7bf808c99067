//! Lowers queries to programs over batches of rows, where a query is so simple that it can be one.
//!
//! A query can be a [`BatchProgram`] if it takes numbers from a collection, objects from an extent or
//! rows from a stored function, looks up more in stored functions, filters by comparisons, and gives
//! numbers or objects.

mod evaluated;
mod expressions;
mod inlined;
mod records;
mod steps;

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::{Function, Type, Value};
use crate::plan::batch::{BatchExpr, BatchProgram, BatchWork};
use crate::plan::{Query, Slot, Step};
use records::RecordOfText;

/// The program that the query can be, if any.
pub fn lower(query: &Query, catalog: &Catalog) -> Option<BatchProgram> {
    let joins = query.steps.iter().any(|step| matches!(step, Step::Join(_)));
    if joins && query.limit.is_some() && !query.is_collected() {
        // A few rows of the inner side may be all that is needed.
        return None;
    }
    let (first, rest) = query.steps.split_first()?;
    let mut builder = Builder::new(query, catalog);
    // All rows are needed before the first result, so that nobody waits for a batch.
    builder.may_evaluate = query.is_collected();
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
    let types = outputs.iter().map(|output| builder.type_of(output));
    Some(BatchProgram {
        origin,
        types: types.collect(),
        work: builder.work,
        outputs,
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

struct Builder<'c> {
    query: &'c Query,
    catalog: &'c Catalog,
    /// The columns that there are by now, with the variables that they stand for.
    columns: Vec<(Option<Slot>, Type)>,
    work: Vec<BatchWork>,
    /// The functions that are called.
    functions: Vec<Arc<Function>>,
    /// The fields of records and vectors that have a column: the variable, the key, the column.
    fields: Vec<(Slot, Value, usize)>,
    /// Records that texts hold, of which fields have columns, and what makes a column of the whole.
    records: Vec<RecordOfText>,
    /// Calls of stored functions that have a column: the function, its argument's column, its own.
    calls: Vec<(Arc<Function>, usize, usize)>,
    /// Whether the rows are made of the elements of a stream.
    is_stream: bool,
    /// Whether a row may not be left out because something has no value.
    required: bool,
    /// Whether the expression may be left out for some rows, so that nothing may be fetched for it.
    optional: bool,
    /// Whether what has no form over columns may be evaluated row by row in the midst of a batch.
    may_evaluate: bool,
    /// The columns of the variables of a function whose body takes the place of a call.
    inside: Option<Vec<(Slot, usize)>>,
    /// How many such bodies stand inside each other.
    depth: usize,
}

impl Builder<'_> {
    fn new<'c>(query: &'c Query, catalog: &'c Catalog) -> Builder<'c> {
        Builder {
            query,
            catalog,
            columns: vec![],
            work: vec![],
            functions: vec![],
            fields: vec![],
            records: vec![],
            calls: vec![],
            is_stream: false,
            required: false,
            optional: false,
            may_evaluate: false,
            inside: None,
            depth: 0,
        }
    }
}
