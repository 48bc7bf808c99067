//! Runs simple queries over batches of rows instead of row by row.
//!
//! The compiler makes a [`BatchProgram`] of a query that can be one. Some batches cannot be computed as
//! the evaluator would do it: there is an overflow, a division by zero, a value that is not a number.
//! Then nothing of that batch is used: the evaluator takes its rows one by one, and batches go on
//! behind them. So both ways always agree.

mod again;
mod alternatives;
mod declared;
mod dictionary;
mod evaluate;
mod feed;
mod fetch;
mod held;
mod join;
mod left_join;
mod operations;
mod optional;
mod order;
pub mod radix;
mod row_cursor;
mod row_steps;
mod rows;
mod source;
#[cfg(test)]
pub mod testing;

pub use declared::result_column;
pub use dictionary::{Distinct, RowDictionary};
pub use feed::{ArrivalUse, Fed, Feed, ResultUse};
pub use held::HeldColumn;
pub use optional::OptionalColumn;
pub use order::{SortKey, int_of_rank, order, rank_of_int, rank_of_real, real_of_rank, sort_alone};
pub use row_cursor::RowCursor;
pub use source::open;

use crate::catalog::Catalog;
use crate::model::{BatchColumn, Cx, Type, Value, column};
use crate::plan::batch::{BatchProgram, BatchWork, ColumnUse};
use evaluate::Scope;
use join::JoinInner;
use optional::common;
use rows::Batch;

/// What comes out of a batch of rows.
pub struct BatchResults {
    /// A column for each output of the program that a row has to have.
    pub columns: Vec<BatchColumn>,
    /// Those for the others.
    pub optional: Vec<OptionalColumn>,
    pub rows: usize,
    /// Of which element of the batch each row is made, counted from 0, where that may be asked.
    elements: Option<Vec<usize>>,
}

impl BatchResults {
    /// The same with objects as values; `None` where one is not there any more.
    fn with_objects(mut self, program: &BatchProgram, cx: &Cx) -> Option<BatchResults> {
        let optional = self
            .optional
            .iter_mut()
            .map(|optional| &mut optional.column);
        let columns = self.columns.iter_mut().chain(optional);
        for (column, ty) in columns.zip(&program.types) {
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
        self.optional
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

    /// What comes of a batch of rows; `None` if the evaluator has to make it. Only the number of the
    /// results, if that is what is wanted and needs no more.
    fn run(
        &self,
        mut batch: Batch,
        wanted: ResultUse,
        joins: &mut [JoinInner],
        scope: Scope,
    ) -> Option<Made> {
        let mut joins = joins.iter_mut();
        if wanted == ResultUse::Number
            && self.tail.is_none()
            && let Some((BatchWork::Join(last), before)) = self.work.split_last()
        {
            work(before, &mut batch, &mut joins, scope)?;
            let inner = joins.next()?;
            if let Some(rows) = last.count(&batch, &self.outputs, inner, scope) {
                return Some(Made::Results(BatchResults {
                    columns: vec![],
                    optional: vec![],
                    rows,
                    elements: None,
                }));
            }
            last.run(&mut batch, inner, scope)?;
        } else {
            work(&self.work, &mut batch, &mut joins, scope)?;
        }
        let dropped = std::mem::take(&mut batch.dropped);
        let made = match self.tail.is_some() {
            true => Made::Rows(batch),
            false => Made::Results(self.results(batch, scope)?),
        };
        // Where the evaluator has to make it, that counts.
        if let Some(counts) = &scope.cx.row_counts {
            for (condition, rows) in dropped {
                counts.drop_rows(&condition, rows as u64);
            }
        }
        Some(made)
    }

    fn results(&self, batch: Batch, scope: Scope) -> Option<BatchResults> {
        let outputs = self.outputs.iter().map(|node| node.value(&batch, scope));
        let mut columns = outputs.collect::<Option<Vec<OptionalColumn>>>()?;
        let (mut rows, mut elements) = (batch.rows, batch.elements);
        if let Some(mask) = common(&columns[..self.required]) {
            columns.iter_mut().for_each(|column| column.keep(&mask));
            if let Some(elements) = &mut elements {
                column::keep(elements, &mask);
            }
            rows = mask.iter().filter(|keep| **keep).count();
        }
        // What is a bag may have to be taken apart.
        if columns.iter().any(|c| c.column.has_collection()) {
            return None;
        }
        let optional = columns.split_off(self.required);
        Some(BatchResults {
            columns: columns.into_iter().map(|column| column.column).collect(),
            optional,
            rows,
            elements,
        })
    }
}

/// What comes of a batch.
enum Made {
    Results(BatchResults),
    /// Rows that steps behind go through one by one.
    Rows(Batch),
}

/// The inner sides of joins, in the order of these.
type JoinInners<'i> = std::slice::IterMut<'i, JoinInner>;

/// Does to the batch all that is to be done with it; `None` if the evaluator has to do it.
fn work(list: &[BatchWork], batch: &mut Batch, joins: &mut JoinInners, scope: Scope) -> Option<()> {
    for work in list {
        match work {
            BatchWork::Join(join) => join.run(batch, joins.next()?, scope)?,
            BatchWork::Filter(condition, written) => {
                let mask = condition.holds(batch, scope)?;
                let before = batch.rows;
                batch.keep(&mask);
                if let (Some(written), Some(_)) = (written, &scope.cx.row_counts) {
                    batch.dropped.push((written.clone(), before - batch.rows));
                }
            }
            BatchWork::Require(columns) => {
                let needed = columns.iter().filter_map(|at| batch.columns.get(*at));
                if let Some(mask) = common(needed) {
                    batch.keep(&mask);
                }
            }
            BatchWork::Fetch(fetch) => fetch.run(batch, scope)?,
            BatchWork::Fields(fields) => fields.run(batch, scope)?,
            BatchWork::Bind(node, declared) => {
                let column = node.value(batch, scope)?;
                let column = declared.as_declared(column, batch.rows, ColumnUse::Variable)?;
                let mask = column.present().map(<[bool]>::to_vec);
                batch.columns.push(column);
                if let Some(mask) = mask {
                    batch.keep(&mask);
                }
            }
            BatchWork::Compute(node, declared, of) => {
                let column = node.value(batch, scope)?;
                let column = declared.as_declared(column, batch.rows, *of)?;
                batch.columns.push(column);
            }
            BatchWork::Alternatives(either) => either.run(batch, joins, scope)?,
            BatchWork::Optional(optional) => optional.run(batch, joins, scope)?,
            BatchWork::Rows(steps) => steps.run(batch, scope)?,
        }
    }
    Some(())
}

/// How many joins there are among what is done.
fn joins(list: &[BatchWork]) -> usize {
    let joins = list.iter().map(|work| match work {
        BatchWork::Join(_) => 1,
        BatchWork::Alternatives(either) => either
            .branches
            .iter()
            .map(|branch| joins(&branch.work))
            .sum(),
        BatchWork::Optional(optional) => joins(&optional.branch.work),
        _ => 0,
    });
    joins.sum()
}
