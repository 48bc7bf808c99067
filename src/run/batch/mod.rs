//! Runs simple queries over batches of rows instead of row by row.
//!
//! The compiler makes a [`BatchProgram`] of a query that can be one. Some batches cannot be computed as
//! the evaluator would do it: there is an overflow, a division by zero, a value that is not a number.
//! Then nothing of that batch is used, and the evaluator goes on row by row from its first row. So
//! both ways always agree.

mod column;
mod evaluate;
mod fetch;

use crate::catalog::Catalog;
use crate::host::traced::Traced;
pub use column::BatchColumn;
use std::sync::Arc;

use super::eval::eval;
use super::lookup::LookupRows;
use super::pipeline::{Cursor, ElementsTaken};
use super::query::resume;
use crate::catalog::objects::ObjectScan;
use crate::model::collection::{BATCH, Bytes};
use crate::model::function::FunctionBody;
use crate::model::table::Scan;
use crate::model::{Cx, Numbers, Source, Value};
use crate::plan::batch::{BatchOrigin, BatchProgram, BatchWork};
use crate::plan::{PlanExpr, Query};
use crate::text::diagnostic::{Error, Result};
use evaluate::Batch;

impl BatchProgram {
    /// The outputs for a batch of rows, and their number; `None` if the evaluator has to make them.
    fn run(&self, mut batch: Batch, frame: &[Value]) -> Option<(Vec<BatchColumn>, usize)> {
        for work in &self.work {
            match work {
                BatchWork::Filter(condition) => {
                    let BatchColumn::Mask(mask) = condition.value(&batch, frame)? else {
                        return None;
                    };
                    batch.keep(&mask);
                }
                BatchWork::Fetch(fetch) => fetch.run(&mut batch, frame)?,
                BatchWork::Compute(node, declared) => {
                    let column = declared.column(node.value(&batch, frame)?)?;
                    batch.columns.push(column);
                }
            }
        }
        let outputs = self.outputs.iter().map(|node| node.value(&batch, frame));
        let outputs = outputs.collect::<Option<Vec<BatchColumn>>>()?;
        let as_expected = !self.numeric || outputs.iter().all(BatchColumn::is_numbers);
        as_expected.then_some((outputs, batch.rows))
    }
}

/// A running program: it gives batches until one cannot be computed, and then the rows from the
/// beginning of that batch on for the evaluator.
pub struct Feed {
    program: Arc<BatchProgram>,
    input: FeedInput,
    /// Whether a batch could not be computed, so that the evaluator goes on.
    ended: bool,
}

enum FeedInput {
    /// What was taken from the collection and has to be done row by row stands before the rest.
    Elements(Again),
    Objects(ObjectScan),
    Rows(Scan),
}

impl Feed {
    /// Starts a program, or gives `None` where it must not run as one.
    pub fn open(program: &Arc<BatchProgram>, frame: &[Value], cx: &Cx) -> Result<Option<Feed>> {
        if program.functions.iter().any(|f| Traced::prints(f, cx)) {
            return Ok(None);
        }
        let input = match &program.origin {
            BatchOrigin::Elements(over, _) | BatchOrigin::Vectors { over, .. } => {
                FeedInput::Elements(Again::of(over, frame, cx)?)
            }
            BatchOrigin::Extent(ty) => match Catalog::of(cx).types_within(ty) {
                Some(types) => FeedInput::Objects(Catalog::of(cx).objects.scan(&types)),
                None => return Ok(None),
            },
            BatchOrigin::Rows(function, _) => match &function.body {
                FunctionBody::Stored(table) => FeedInput::Rows(table.scan()),
                _ => return Ok(None),
            },
        };
        Ok(Some(Feed {
            program: program.clone(),
            input,
            ended: false,
        }))
    }

    /// The outputs of the next rows and the number of those; `None` at the end, or where the
    /// evaluator has to go on with [`Feed::rest`].
    pub fn next(&mut self, frame: &[Value], cx: &Cx) -> Result<Option<(Vec<BatchColumn>, usize)>> {
        if self.ended {
            return Ok(None);
        }
        cx.token.check()?;
        let results = match &mut self.input {
            FeedInput::Elements(input) => {
                let Some(batch) = input.batch(&self.program.origin, cx)? else {
                    return Ok(None);
                };
                batch.and_then(|batch| self.program.run(batch, frame))
            }
            FeedInput::Objects(scan) => {
                let before = scan.mark();
                let objects = scan.numbers(&Catalog::of(cx).objects, BATCH);
                if objects.is_empty() {
                    return Ok(None);
                }
                let rows = objects.len();
                let columns = vec![BatchColumn::Objects(objects)];
                let results = self.program.run(Batch { columns, rows }, frame);
                if results.is_none() {
                    scan.back(before);
                }
                results
            }
            FeedInput::Rows(scan) => {
                let before = scan.mark();
                let batch = rows(scan, &self.program.origin);
                if batch.as_ref().is_some_and(|batch| batch.rows == 0) {
                    return Ok(None);
                }
                let results = batch.and_then(|batch| self.program.run(batch, frame));
                if results.is_none() {
                    scan.back(before);
                }
                results
            }
        };
        match (&results, &mut self.input) {
            (Some(_), FeedInput::Elements(input)) => input.done(),
            (Some(_), _) => {}
            (None, _) => self.ended = true,
        }
        Ok(results)
    }

    /// Whether the rows are made of elements that arrive over time.
    fn is_live(&self) -> bool {
        matches!(&self.input, FeedInput::Elements(again) if again.input.is_live())
    }

    /// The first step of the query, where the evaluator has to go on.
    pub fn rest(self) -> Cursor {
        match self.input {
            FeedInput::Elements(input) => {
                let vectors = matches!(self.program.origin, BatchOrigin::Vectors { .. });
                Cursor::Source(input.rest(vectors))
            }
            FeedInput::Objects(scan) => Cursor::Extent(scan),
            FeedInput::Rows(scan) => Cursor::Rows(LookupRows::All(scan)),
        }
    }
}

/// The wanted columns of the next rows of a stored function.
fn rows(scan: &mut Scan, origin: &BatchOrigin) -> Option<Batch> {
    let BatchOrigin::Rows(_, columns) = origin else {
        return None;
    };
    let rows = scan.some(BATCH);
    let column = |at: &usize| BatchColumn::of(rows.iter().map(|row| &row[*at]));
    Some(Batch {
        columns: columns.iter().map(column).collect::<Option<_>>()?,
        rows: rows.len(),
    })
}

/// A collection that is read in batches and can give the elements of its latest batch once more.
struct Again {
    input: Box<dyn Source>,
    /// The latest batch: numbers, or the columns of vectors.
    taken: Vec<Numbers>,
    /// How many elements the batches before had.
    count: u64,
    stream: bool,
}

impl Again {
    fn of(over: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<Again> {
        let over = eval(over, frame, cx)?;
        let stream = matches!(over, Some(Value::Stream(_)));
        let input = match over {
            Some(Value::Binary(bytes)) => Box::new(Bytes::new(bytes)),
            Some(value) => value.elements(cx)?,
            None => Value::bag(vec![]).elements(cx)?,
        };
        Ok(Again {
            input,
            taken: Vec::new(),
            count: 0,
            stream,
        })
    }

    /// The next elements; nothing inside where they are not what the program wants.
    fn batch(&mut self, origin: &BatchOrigin, cx: &Cx) -> Result<Option<Option<Batch>>> {
        let taken = match origin {
            BatchOrigin::Vectors { .. } => self.input.columns(cx)?,
            _ => self.input.numbers(cx)?.map(|numbers| vec![numbers]),
        };
        let Some(taken) = taken else {
            return Ok(None);
        };
        self.taken = taken;
        Ok(Some(wanted(&self.taken, origin)))
    }

    /// The latest batch has been computed and will not be asked for again.
    fn done(&mut self) {
        self.count += self.taken.first().map_or(0, Numbers::len) as u64;
        self.taken.clear();
    }

    /// The elements from the beginning of the latest batch on.
    fn rest(self, vectors: bool) -> ElementsTaken {
        let mut columns = self.taken.into_iter().map(Numbers::values);
        let before: Vec<Value> = if vectors {
            let columns: Vec<Vec<Value>> = columns.collect();
            let rows = columns.first().map_or(0, Vec::len);
            let row = |at: usize| Value::vector(columns.iter().map(|column| column[at].clone()));
            (0..rows).map(row).collect()
        } else {
            columns.next().unwrap_or_default()
        };
        ElementsTaken {
            source: Box::new(Rest {
                before: before.into_iter(),
                input: self.input,
            }),
            count: self.count,
            stream: self.stream,
        }
    }
}

/// What was taken as the batch that the program wants.
fn wanted(taken: &[Numbers], origin: &BatchOrigin) -> Option<Batch> {
    let columns: Vec<BatchColumn> = match (origin, taken) {
        (BatchOrigin::Elements(_, declared), [numbers]) => {
            vec![declared.column(numbers.clone().into())?]
        }
        (BatchOrigin::Vectors { width, .. }, columns) if columns.len() != *width => return None,
        (_, columns) => columns.iter().cloned().map(BatchColumn::from).collect(),
    };
    Some(Batch {
        columns,
        rows: taken.first().map_or(0, Numbers::len),
    })
}

/// An input with elements before it that had been taken out.
struct Rest {
    before: std::vec::IntoIter<Value>,
    input: Box<dyn Source>,
}

impl Source for Rest {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        match self.before.next() {
            Some(value) => Ok(Some(value)),
            None => self.input.next(cx),
        }
    }

    fn is_live(&self) -> bool {
        self.input.is_live()
    }
}

/// Starts a query that is a program.
pub fn open(query: &Arc<Query>, feed: Feed, frame: Vec<Value>) -> Box<dyn Source> {
    Box::new(BatchRun {
        query: query.clone(),
        frame,
        feed: Some(feed),
        rows: None,
    })
}

/// A query that gives batches as long as it can, and rows from there on.
struct BatchRun {
    query: Arc<Query>,
    frame: Vec<Value>,
    feed: Option<Feed>,
    rows: Option<Box<dyn Source>>,
}

impl BatchRun {
    fn batch(&mut self, cx: &Cx) -> Result<Option<(Vec<BatchColumn>, usize)>> {
        let Some(feed) = &mut self.feed else {
            return Ok(None);
        };
        // A query may be made of itself without end, as a function may call itself.
        let _depth = cx.enter()?;
        feed.next(&self.frame, cx)
    }
}

impl Source for BatchRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(feed) = self.feed.take() {
            let frame = std::mem::take(&mut self.frame);
            self.rows = Some(resume(&self.query, frame, feed.rest()));
        }
        self.rows.as_mut().map_or(Ok(None), |rows| rows.next(cx))
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        if !self.feed.as_ref().is_some_and(|feed| feed.program.numeric) {
            return Ok(None);
        }
        let Some((columns, rows)) = self.batch(cx)? else {
            return Ok(None);
        };
        let mut columns = columns.into_iter();
        Ok(columns.next().and_then(|column| column.numbers(rows)))
    }

    fn skip(&mut self, cx: &Cx) -> Result<Option<usize>> {
        Ok(self.batch(cx)?.map(|(_, rows)| rows))
    }

    fn explain(&self, error: Error) -> Error {
        match &self.rows {
            Some(rows) => rows.explain(error),
            None => error,
        }
    }

    fn is_live(&self) -> bool {
        match (&self.feed, &self.rows) {
            (Some(feed), _) => feed.is_live(),
            (None, rows) => rows.as_ref().is_some_and(|rows| rows.is_live()),
        }
    }
}
