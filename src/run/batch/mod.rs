//! Runs simple queries over batches of rows instead of row by row.
//!
//! The compiler makes a [`BatchProgram`] of a query that can be one. Some batches cannot be computed as
//! the evaluator would do it: there is an overflow, a division by zero, a value that is not a number.
//! Then nothing of that batch is used: the evaluator takes its rows one by one, and batches go on
//! behind them. So both ways always agree.

mod dictionary;
mod evaluate;
mod feed;
mod fetch;
mod held;
mod join;
mod operations;
mod order;
pub mod radix;
mod source;
#[cfg(test)]
pub mod testing;

pub use dictionary::{Distinct, RowDictionary};
pub use feed::{Fed, Feed, ResultUse};
pub use held::HeldColumn;
pub use order::{SortKey, int_of_rank, order, rank_of_int, rank_of_real, real_of_rank, sort_alone};
pub use source::open;

use crate::catalog::Catalog;
use crate::model::{BatchColumn, Cx, Type, Value, column};
use crate::plan::batch::{BatchProgram, BatchWork};
use evaluate::{Batch, Scope};
use join::JoinInner;

/// What comes out of a batch of rows.
pub struct BatchResults {
    /// A column for each output of the program.
    pub columns: Vec<BatchColumn>,
    pub rows: usize,
    /// Of which element of the batch each row is made, counted from 0, where that may be asked.
    elements: Option<Vec<usize>>,
}

impl BatchResults {
    /// The same with objects as values; `None` where one is not there any more.
    fn with_objects(mut self, program: &BatchProgram, cx: &Cx) -> Option<BatchResults> {
        for (column, ty) in self.columns.iter_mut().zip(&program.types) {
            if let BatchColumn::Objects(numbers) = column {
                *column = BatchColumn::Values(objects(numbers, ty, cx)?);
            }
        }
        Some(self)
    }

    /// The value of each row: that of the only column, or a vector of all.
    fn values(&self) -> Vec<Value> {
        let values = |row: usize| {
            self.columns
                .iter()
                .filter_map(move |column| column.value(row))
        };
        match self.columns.as_slice() {
            [only] => (0..self.rows).filter_map(|row| only.value(row)).collect(),
            _ => (0..self.rows)
                .map(|row| Value::vector(values(row)))
                .collect(),
        }
    }

    /// The rows at these places, in this order.
    fn pick(&mut self, places: &[usize]) {
        self.columns
            .iter_mut()
            .for_each(|column| column.pick(places));
        if let Some(elements) = &mut self.elements {
            column::pick(elements, places);
        }
        self.rows = places.len();
    }

    /// Takes all rows away but the first `rows`.
    fn truncate(&mut self, rows: usize) {
        if rows < self.rows {
            self.pick(&(0..rows).collect::<Vec<_>>());
        }
    }
}

/// The values of a column that is declared `ty`; `None` where an object is not there any more.
fn values(column: &BatchColumn, rows: usize, ty: &Type, cx: &Cx) -> Option<Vec<Value>> {
    match column {
        BatchColumn::Objects(numbers) => objects(numbers, ty, cx),
        column => (0..rows).map(|row| column.value(row)).collect(),
    }
}

/// The objects of the type that have these numbers; `None` where one is not there any more.
fn objects(numbers: &[u64], ty: &Type, cx: &Cx) -> Option<Vec<Value>> {
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

    /// The results of a batch of rows; `None` if the evaluator has to make them. Only their number, if that
    /// is what is wanted and needs no more.
    fn run(
        &self,
        mut batch: Batch,
        wanted: ResultUse,
        joins: &mut [JoinInner],
        scope: Scope,
    ) -> Option<BatchResults> {
        let mut joins = joins.iter_mut();
        for (at, work) in self.work.iter().enumerate() {
            match work {
                BatchWork::Join(join) => {
                    let inner = joins.next()?;
                    if wanted == ResultUse::Number && at + 1 == self.work.len() {
                        let rows = join.count(&batch, &self.outputs, inner, scope);
                        if let Some(rows) = rows {
                            return Some(BatchResults {
                                columns: vec![],
                                rows,
                                elements: None,
                            });
                        }
                    }
                    join.run(&mut batch, inner, scope)?;
                }
                BatchWork::Filter(condition) => {
                    let BatchColumn::Mask(mask) = condition.value(&batch, scope)? else {
                        return None;
                    };
                    batch.keep(&mask);
                }
                BatchWork::Fetch(fetch) => fetch.run(&mut batch, scope)?,
                BatchWork::Fields(fields) => fields.run(&mut batch, scope)?,
                BatchWork::Bind(node, declared) => {
                    let column = node.value(&batch, scope)?;
                    let (column, mask) = declared.bound(column)?;
                    if let Some(mask) = mask {
                        batch.keep(&mask);
                    }
                    batch.columns.push(column);
                }
                BatchWork::Compute(node, declared) => {
                    let column = declared.column(node.value(&batch, scope)?)?;
                    batch.columns.push(column);
                }
            }
        }
        let outputs = self.outputs.iter().map(|node| node.value(&batch, scope));
        let columns = outputs.collect::<Option<Vec<BatchColumn>>>()?;
        // Whether null is a value here, or there is none, depends on the expression; and what is a bag
        // may have to be taken apart.
        let plain = !columns.iter().any(|c| c.has_null() || c.has_collection());
        plain.then_some(BatchResults {
            columns,
            rows: batch.rows,
            elements: batch.elements,
        })
    }
}
