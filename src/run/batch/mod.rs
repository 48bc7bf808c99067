//! Runs simple queries over batches of rows instead of row by row.
//!
//! The compiler makes a [`BatchProgram`] of a query that can be one. Some batches cannot be computed as
//! the evaluator would do it: there is an overflow, a division by zero, a value that is not a number.
//! Then nothing of that batch is used: the evaluator takes its rows one by one, and batches go on
//! behind them. So both ways always agree.

mod evaluate;
mod feed;
mod fetch;
mod operations;
mod source;

pub use feed::{Fed, Feed, Wanted};
pub use source::open;

use crate::catalog::Catalog;
use crate::model::{BatchColumn, Cx, Type, Value};
use crate::plan::batch::{BatchProgram, BatchWork};
use evaluate::{Batch, Scope};

/// What comes out of a batch of rows.
pub struct BatchResults {
    /// A column for each output of the program.
    pub columns: Vec<BatchColumn>,
    pub rows: usize,
    /// Of which element of the batch each row is made, counted from 0, where that may be asked.
    elements: Option<Vec<usize>>,
}

/// The same as values, one for each row.
pub struct BatchValues {
    values: Vec<Value>,
    elements: Option<Vec<usize>>,
}

impl BatchResults {
    /// The results as the evaluator gives them; `None` if it has to.
    fn values(self, program: &BatchProgram, cx: &Cx) -> Option<BatchValues> {
        let columns = self.columns.iter().zip(&program.types);
        let columns = columns.map(|(column, ty)| values(column, self.rows, ty, cx));
        let columns = columns.collect::<Option<Vec<Vec<Value>>>>()?;
        Some(BatchValues {
            values: rows_of(columns, self.rows),
            elements: self.elements,
        })
    }
}

/// The values of each row: the only one, or all in a vector.
fn rows_of(mut columns: Vec<Vec<Value>>, rows: usize) -> Vec<Value> {
    if let [only] = columns.as_mut_slice() {
        return std::mem::take(only);
    }
    let row = |at: usize| Value::vector(columns.iter().map(|column| column[at].clone()));
    (0..rows).map(row).collect()
}

/// The values of a column that is declared `ty`; `None` where an object is not there any more.
fn values(column: &BatchColumn, rows: usize, ty: &Type, cx: &Cx) -> Option<Vec<Value>> {
    let BatchColumn::Objects(numbers) = column else {
        return (0..rows).map(|row| column.value(row)).collect();
    };
    let catalog = Catalog::of(cx);
    let types = catalog.types_within(ty)?;
    let types: Vec<u64> = types.iter().map(|ty| ty.id()).collect();
    let objects = catalog.objects.numbered(&types, numbers);
    let values = objects.into_iter().map(|object| object.map(Value::Object));
    values.collect()
}

impl BatchProgram {
    /// Whether some of its results are objects, of which columns have only the numbers.
    fn gives_objects(&self) -> bool {
        let is_object = |ty: &Type| matches!(ty, Type::User(_) | Type::Userobject);
        self.types.iter().any(is_object)
    }

    /// The results of a batch of rows; `None` if the evaluator has to make them.
    fn run(&self, mut batch: Batch, scope: Scope) -> Option<BatchResults> {
        for work in &self.work {
            match work {
                BatchWork::Filter(condition) => {
                    let BatchColumn::Mask(mask) = condition.value(&batch, scope)? else {
                        return None;
                    };
                    batch.keep(&mask);
                }
                BatchWork::Fetch(fetch) => fetch.run(&mut batch, scope)?,
                BatchWork::Compute(node, declared) => {
                    let column = declared.column(node.value(&batch, scope)?)?;
                    batch.columns.push(column);
                }
            }
        }
        let outputs = self.outputs.iter().map(|node| node.value(&batch, scope));
        let columns = outputs.collect::<Option<Vec<BatchColumn>>>()?;
        // Whether null is a value here, or there is none, depends on the expression.
        let plain = !columns.iter().any(BatchColumn::has_null);
        plain.then_some(BatchResults {
            columns,
            rows: batch.rows,
            elements: batch.elements,
        })
    }
}
