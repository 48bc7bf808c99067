//! A running program: where its rows come from, batch by batch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::again::{Again, Taking};
use super::alternatives::AlternativesRun;
use super::evaluate::Scope;
use super::join::{self, JoinInner};
use super::row_cursor::{RowCursor, RowOrigin};
use super::rows::Batch;
use super::{BatchResults, Made, joins};
use crate::catalog::Catalog;
use crate::catalog::objects::ObjectScan;
use crate::host::traced::Traced;
use crate::model::BatchColumn;
use crate::model::collection::BATCH;
use crate::model::failed::Turns;
use crate::model::function::FunctionBody;
use crate::model::table::Scan;
use crate::model::{Cx, Value};
use crate::plan::batch::{BatchOrigin, BatchProgram};
use crate::plan::{PlanExpr, Slot};
use crate::run::lookup::LookupRows;
use crate::run::pipeline::{Cursor, Pipeline};
use crate::text::diagnostic::{Error, Result};

/// What the results of a program are wanted for.
#[derive(Clone, Copy, PartialEq)]
pub enum ResultUse {
    /// Only how many there are; there need not be columns.
    Number,
    Columns,
    /// Columns of values: none of objects, which have only their numbers.
    Values,
}

/// What becomes of elements that arrive over time.
#[derive(Clone, Copy)]
pub enum ArrivalUse {
    /// They are pulled one by one.
    OneByOne,
    /// They are taken at another time: [`Fed::Later`].
    Later,
    /// Those that have arrived are taken together, so many at the most. What is taken is dealt with, as
    /// far as it is wanted.
    Together(usize),
}

/// What comes next of a running program.
pub enum Fed {
    Columns(BatchResults),
    /// Rows for the evaluator: the first step of the query over a batch that cannot be computed, or the
    /// last of those that ran in batches.
    Rows(Cursor),
    /// All that is left does not come in batches: the first step of the query over it.
    Rest(Cursor),
    /// What comes next is to be taken as it arrives.
    Later,
}

/// A running program.
pub struct Feed {
    input: FeedInput,
    worker: FeedWorker,
}

/// What makes something of batches.
struct FeedWorker {
    program: Arc<BatchProgram>,
    /// The inner sides of the program's joins.
    joins: Vec<JoinInner>,
    /// How many rows are taken at once: few where each becomes many, or takes long.
    size: usize,
    /// How many batches in which the evaluator has a part could not be computed.
    failures: usize,
}

enum FeedInput {
    Elements(Again),
    Objects(ObjectScan),
    Rows(Scan),
    Alternatives(Box<AlternativesRun>),
    /// The rest was given away, or is not wanted. Of a stream it is known how many elements the batches
    /// before the latest had.
    Ended(Option<u64>),
}

impl Feed {
    /// Starts a program, or gives `None` where it must not run as one.
    pub fn open(program: &Arc<BatchProgram>, frame: &mut [Value], cx: &Cx) -> Result<Option<Feed>> {
        if program.functions.iter().any(|f| Traced::prints(f, cx)) {
            return Ok(None);
        }
        let mut lead = Pipeline::new(program.lead.len());
        let has_row = match lead.next(&program.lead, frame, cx) {
            Ok(has_row) => has_row,
            // The evaluator says so when a row is wanted.
            Err(_) => return Ok(None),
        };
        let may_change = |slot: &Slot| {
            let value = &frame[*slot];
            value.is_collection() && !value.is_repeatable(cx)
        };
        if program.given.iter().any(may_change) {
            return Ok(None);
        }
        let input = match &program.origin {
            _ if !has_row => FeedInput::Ended(None),
            BatchOrigin::Elements(over, _)
            | BatchOrigin::Vectors { over, .. }
            | BatchOrigin::Fields { over, .. } => FeedInput::Elements(Again::of(over, frame, cx)?),
            BatchOrigin::Extent(ty) => match Catalog::of(cx).types_within(ty) {
                Some(types) => FeedInput::Objects(Catalog::of(cx).objects.scan(&types)),
                None => return Ok(None),
            },
            BatchOrigin::Rows(function, _) => match &function.body {
                FunctionBody::Stored(table) => FeedInput::Rows(table.scan(&cx.token)?),
                _ => return Ok(None),
            },
            BatchOrigin::Alternatives { branches, bound } => {
                let bound: Vec<Slot> = bound.iter().map(|variable| variable.slot).collect();
                match AlternativesRun::open(branches, &bound, frame, cx)? {
                    Some(run) => FeedInput::Alternatives(Box::new(run)),
                    None => return Ok(None),
                }
            }
        };
        let joins = joins(&program.work);
        let makes_many = joins > 0 || !program.evaluated.is_empty();
        let worker = FeedWorker {
            program: program.clone(),
            size: match makes_many {
                _ if program.takes_its_time() => 1,
                true => FIRST,
                false => BATCH,
            },
            joins: (0..joins).map(|_| JoinInner::default()).collect(),
            failures: 0,
        };
        Ok(Some(Feed { input, worker }))
    }

    /// What comes of the next rows; `None` at the end.
    pub fn next(
        &mut self,
        wanted: ResultUse,
        arrivals: ArrivalUse,
        frame: &[Value],
        cx: &Cx,
    ) -> Result<Option<Fed>> {
        cx.token.check()?;
        if let Some(first) = self.few() {
            return Ok(Some(Fed::Rest(first)));
        }
        if self.worker.has_refused()
            && let Some(rest) = self.rest()
        {
            return Ok(Some(rest));
        }
        let scope = Scope { frame, cx };
        let Feed { input, worker } = self;
        let (program, most) = (worker.program.clone(), worker.size);
        let fed = match input {
            FeedInput::Ended(_) => return Ok(None),
            FeedInput::Elements(input) => {
                let batch = match input.batch(&program.origin, most, arrivals, cx)? {
                    Taking::Batch(batch) => batch,
                    Taking::Later => return Ok(Some(Fed::Later)),
                    Taking::Nothing => return Ok(self.rest()),
                };
                let made = worker.made(batch, wanted, input.row_origin(), scope);
                made.unwrap_or_else(|| Fed::Rows(Cursor::Source(input.again(&program.origin))))
            }
            FeedInput::Objects(scan) => {
                let numbers = scan.numbers(&Catalog::of(cx).objects, most);
                if numbers.is_empty() {
                    return Ok(None);
                }
                let columns = vec![BatchColumn::Objects(numbers.clone())];
                let batch = Batch::new(columns, numbers.len());
                let made = worker.made(Some(batch), wanted, RowOrigin::default(), scope);
                made.unwrap_or_else(|| {
                    let objects = scan.numbered(&Catalog::of(cx).objects, &numbers);
                    let objects: Vec<Value> = objects.into_iter().map(Value::Object).collect();
                    Fed::Rows(Cursor::Objects(objects.into_iter()))
                })
            }
            FeedInput::Rows(scan) => {
                let rows = scan.some(most)?;
                if rows.is_empty() {
                    return Ok(None);
                }
                let batch = columns_of(&rows, &program.origin);
                let made = worker.made(batch, wanted, RowOrigin::default(), scope);
                made.unwrap_or_else(|| Fed::Rows(Cursor::Rows(LookupRows::of(&rows))))
            }
            FeedInput::Alternatives(run) => {
                let Some(batch) = run.next(most, cx)? else {
                    return Ok(None);
                };
                let made = worker.made(Some(batch.clone()), wanted, RowOrigin::default(), scope);
                match made.or_else(|| rows_of(batch, &program, cx)) {
                    Some(made) => made,
                    None => return Ok(None),
                }
            }
        };
        match joins_failed(&mut self.worker.joins) {
            Some(error) => Err(error),
            None => Ok(Some(fed)),
        }
    }

    /// The first step of the query where there are so few elements that batches are not worth their
    /// while. They are given away with it.
    pub fn few(&mut self) -> Option<Cursor> {
        if !matches!(&self.input, FeedInput::Elements(again) if again.few()) {
            return None;
        }
        match self.rest() {
            Some(Fed::Rest(first)) => Some(first),
            _ => None,
        }
    }

    /// What is left, without batches; `None` where nothing is, or where only batches make it.
    fn rest(&mut self) -> Option<Fed> {
        if matches!(self.input, FeedInput::Alternatives(_)) {
            return None;
        }
        match std::mem::replace(&mut self.input, FeedInput::Ended(None)) {
            FeedInput::Elements(input) => Some(Fed::Rest(Cursor::Source(
                input.rest(&self.worker.program.origin),
            ))),
            FeedInput::Objects(scan) => Some(Fed::Rest(Cursor::Extent(scan))),
            FeedInput::Rows(scan) => Some(Fed::Rest(Cursor::Rows(LookupRows::All(scan)))),
            FeedInput::Alternatives(_) | FeedInput::Ended(_) => None,
        }
    }

    pub(super) fn program(&self) -> &BatchProgram {
        &self.worker.program
    }

    /// Stops what is behind the latest batch.
    pub(super) fn end(&mut self) {
        self.input = FeedInput::Ended(self.elements_before());
    }

    /// Whose turn it is among the elements of the latest batch, where they arrived over time.
    pub(super) fn turns(&self) -> Option<&Arc<dyn Turns>> {
        match &self.input {
            FeedInput::Elements(again) => again.turns(),
            _ => None,
        }
    }

    /// How many elements of a stream the batches before the latest had; `None` where the rows are not
    /// made of a stream.
    pub(super) fn elements_before(&self) -> Option<u64> {
        match &self.input {
            FeedInput::Elements(again) if again.is_stream() => Some(again.before()),
            FeedInput::Ended(before) => *before,
            _ => None,
        }
    }

    /// The stream that the rows are made of.
    pub(super) fn over(&self) -> Option<&PlanExpr> {
        match &self.worker.program.origin {
            BatchOrigin::Elements(over, _)
            | BatchOrigin::Vectors { over, .. }
            | BatchOrigin::Fields { over, .. } => Some(over),
            _ => None,
        }
    }

    /// Whether the rows are made of elements that arrive over time.
    pub(super) fn is_live(&self) -> bool {
        matches!(&self.input, FeedInput::Elements(again) if again.is_live())
    }
}

fn joins_failed(joins: &mut [JoinInner]) -> Option<Error> {
    joins.iter_mut().find_map(JoinInner::take_error)
}

impl FeedWorker {
    /// Whether the rest is to be left to the evaluator.
    fn has_refused(&self) -> bool {
        self.joins.iter().any(JoinInner::has_refused) || self.failures >= FAILURES
    }

    /// What comes of a batch; `None` if the evaluator has to make it.
    fn made(
        &mut self,
        batch: Option<Batch>,
        wanted: ResultUse,
        origin: RowOrigin,
        scope: Scope,
    ) -> Option<Fed> {
        let begun = Instant::now();
        let batch = batch?;
        let taken = batch.rows;
        let made = self.program.run(batch, wanted, &mut self.joins, scope);
        let evaluates = !self.program.evaluated.is_empty();
        let Some(made) = made else {
            self.joins.iter_mut().for_each(JoinInner::note_failure);
            if evaluates {
                self.failures += 1;
                self.size = (self.size / 2).max(1);
            }
            return None;
        };
        let rows = match &made {
            Made::Results(results) => results.rows,
            Made::Rows(rows) => rows.rows,
        };
        let takes_its_time = self.program.takes_its_time();
        if !self.joins.is_empty() || evaluates {
            self.size = match () {
                () if takes_its_time && begun.elapsed() > LONG => (taken / 2).max(1),
                () if takes_its_time && begun.elapsed() > LONG / 4 => self.size,
                () => next_size(self.size, rows),
            };
        }
        match made {
            Made::Results(results) if wanted == ResultUse::Values => results
                .with_objects(&self.program, scope.cx)
                .map(Fed::Columns),
            Made::Results(results) => Some(Fed::Columns(results)),
            Made::Rows(batch) => {
                let tail = self.program.tail.as_ref()?;
                let step = tail.step - 1;
                let rows = RowCursor::of_batch(step, &tail.variables, batch, origin, scope.cx)?;
                Some(Fed::Rows(Cursor::Batch(Box::new(rows))))
            }
        }
    }
}

/// So long a batch may take before the first of its results is given, roughly.
const LONG: Duration = Duration::from_millis(4);

/// How many batches may fail before the rest is left to the evaluator.
const FAILURES: usize = 16;

/// The rows of an `or` with which the query begins, for the steps behind it.
fn rows_of(batch: Batch, program: &BatchProgram, cx: &Cx) -> Option<Fed> {
    let BatchOrigin::Alternatives { bound, .. } = &program.origin else {
        return None;
    };
    let rows = RowCursor::of_batch(program.lead.len(), bound, batch, RowOrigin::default(), cx);
    rows.map(|rows| Fed::Rows(Cursor::Batch(Box::new(rows))))
}

/// How many rows a program with joins takes at first.
const FIRST: usize = 16;

/// How many rows a program with joins takes next, after `taken` rows have become `made`.
fn next_size(taken: usize, made: usize) -> usize {
    match made {
        _ if made > join::MOST / 2 => (taken / 2).max(1),
        _ if made < join::MOST / 8 => BATCH.min(taken * 4),
        _ => taken,
    }
}

/// The wanted columns of rows of a stored function.
fn columns_of(rows: &[&[Value]], origin: &BatchOrigin) -> Option<Batch> {
    let BatchOrigin::Rows(_, columns) = origin else {
        return None;
    };
    let column = |at: &usize| BatchColumn::of(rows.iter().map(|row| &row[*at]));
    let columns = columns.iter().map(column).collect::<Option<_>>()?;
    Some(Batch::new(columns, rows.len()))
}
