//! The results of a query that runs in batches, as a source: many at a time, or one by one.

use std::sync::Arc;

use super::BatchResults;
use super::dictionary::Distinct;
use super::feed::{ArrivalUse, Fed, Feed, ResultUse};
use crate::model::collection::BATCH;
use crate::model::failed::Turns;
use crate::model::{BatchColumn, Cx, Numbers, Source, Value};
use crate::plan::Query;
use crate::run::element;
use crate::run::query::resume;
use crate::text::diagnostic::{Error, Result};

/// Starts a query that is a program, and gives `left` results at the most where there is a limit.
pub fn open(
    query: &Arc<Query>,
    feed: Feed,
    frame: Vec<Value>,
    left: Option<u64>,
) -> Box<dyn Source> {
    let columns = query.output.columns.len();
    Box::new(BatchRun {
        query: query.clone(),
        frame,
        feed,
        rows: None,
        seen: query.distinct.then(|| Distinct::new(columns)),
        left,
        ahead: Ahead::default(),
        failed: None,
    })
}

struct BatchRun {
    query: Arc<Query>,
    frame: Vec<Value>,
    feed: Feed,
    /// What is made row by row before batches go on.
    rows: Option<RowRun>,
    /// The results so far, where each is wanted once.
    seen: Option<Distinct>,
    /// How many results the limit still allows.
    left: Option<u64>,
    ahead: Ahead,
    /// What it came to behind the results that are ahead, or that were given last.
    failed: Option<Error>,
}

/// A part of the query that runs row by row.
struct RowRun {
    results: Box<dyn Source>,
    /// Whether the rows are those of a batch, which are at hand.
    at_hand: bool,
}

/// Results that are made and wait to be taken.
#[derive(Default)]
struct Ahead {
    results: std::vec::IntoIter<Value>,
    /// Of which element of the latest batch each is made, where that is known.
    elements: std::vec::IntoIter<usize>,
    /// That of the result taken last, counted from 0.
    latest: Option<usize>,
    /// Whose turn it is among the elements, where they arrived over time.
    turns: Option<Arc<dyn Turns>>,
}

impl Ahead {
    fn of(results: Vec<Value>) -> Ahead {
        Ahead {
            results: results.into_iter(),
            ..Ahead::default()
        }
    }

    fn of_batch(made: BatchResults, turns: Option<&Arc<dyn Turns>>) -> Ahead {
        Ahead {
            results: made.values().into_iter(),
            elements: made.elements.unwrap_or_default().into_iter(),
            latest: None,
            turns: turns.cloned(),
        }
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        self.latest = self.elements.next();
        if let (Some(turns), Some(latest)) = (&self.turns, self.latest) {
            cx.latest_origin.turn_to(turns, latest);
            cx.token.check()?;
        }
        Ok(self.results.next())
    }
}

/// What the next step of a running query came to.
enum Step {
    Columns(BatchResults),
    /// Rows run.
    Rows,
    /// The elements arrive over time: they have to be pulled.
    Later,
    End,
}

impl BatchRun {
    /// Makes what comes next.
    fn step(&mut self, wanted: ResultUse, arrivals: ArrivalUse, cx: &Cx) -> Result<Step> {
        // A query may be made of itself without end, as a function may call itself.
        let _depth = cx.enter()?;
        // What is told apart has to be of one form.
        let wanted = if self.seen.is_some() {
            ResultUse::Values
        } else {
            wanted
        };
        let (first, at_hand) = match self.feed.next(wanted, arrivals, &self.frame, cx)? {
            None => return Ok(Step::End),
            Some(Fed::Later) => return Ok(Step::Later),
            Some(Fed::Columns(results)) => return Ok(Step::Columns(self.allowed(results, cx))),
            // Steps behind the batches may act, so that they wait until they are asked.
            Some(Fed::Rows(first)) => {
                let at_hand = self.feed.program().tail.is_none() && self.feed.turns().is_none();
                (first, at_hand)
            }
            Some(Fed::Rest(first)) => (first, false),
        };
        self.rows = Some(RowRun {
            results: resume(&self.query, self.frame.clone(), first),
            at_hand,
        });
        Ok(Step::Rows)
    }

    /// The results of a batch that are new, and that the limit allows.
    fn allowed(&mut self, mut results: BatchResults, cx: &Cx) -> BatchResults {
        if let Some(seen) = &mut self.seen {
            let distinct = self.query.operator("distinct");
            let (new, checked) = seen.new_rows(&results.columns, results.rows, distinct, cx);
            self.failed = checked.err();
            results.pick(&new);
        }
        if let Some(left) = &mut self.left {
            results.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= results.rows as u64;
            // Elements that arrive are dealt with one after the other, and those behind the last that is
            // wanted are left.
            if *left == 0 && self.feed.turns().is_none() {
                self.end();
            }
        }
        results
    }

    /// Whether a result made row by row is new. The limit allows one less then.
    fn is_allowed(&mut self, result: &Value, cx: &Cx) -> Result<bool> {
        if let Some(seen) = &mut self.seen
            && !seen.is_new(result, self.query.operator("distinct"), cx)?
        {
            return Ok(false);
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
            if *left == 0 {
                self.end();
            }
        }
        Ok(true)
    }

    /// Stops everything below at once, not only when the consumer gets round to dropping this. What is
    /// behind the last result that is wanted does not count.
    fn end(&mut self) {
        self.feed.end();
        self.rows = None;
        self.failed = None;
    }

    /// The next result that is made row by row.
    fn next_of_rows(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(rows) = &mut self.rows {
            match rows.results.next(cx)? {
                Some(result) if self.is_allowed(&result, cx)? => return Ok(Some(result)),
                Some(_) => {}
                None => self.rows = None,
            }
        }
        Ok(None)
    }

    /// Results made row by row. `None` where they do not come many at a time.
    fn column_of_rows(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        if self.rows.as_ref().is_some_and(|rows| !rows.at_hand) {
            return Ok(None);
        }
        let mut made = Vec::new();
        while made.len() < BATCH {
            match self.next_of_rows(cx) {
                Ok(Some(value)) => made.push(value),
                Ok(None) => break,
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(Some(BatchColumn::of_elements(made)))
    }

    /// The next results as columns, one for each place in a tuple; `None` where they have to be pulled
    /// one by one. Of results that are made row by row there is one column.
    fn next_columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        loop {
            if self.ahead.results.len() > 0 {
                return Ok(None);
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.rows.is_some() {
                match self.column_of_rows(cx)? {
                    Some(column) if column.is_empty() => continue,
                    Some(column) => return Ok(Some(vec![column])),
                    None => return Ok(None),
                }
            }
            match self.step(ResultUse::Values, ArrivalUse::Later, cx)? {
                Step::Columns(results) if results.rows == 0 => {}
                Step::Columns(results) => {
                    let columns = results.columns.into_iter();
                    return Ok(Some(columns.map(|c| c.spread(results.rows)).collect()));
                }
                Step::Rows => {}
                Step::Later | Step::End => return Ok(None),
            }
        }
    }

    /// How many elements the results may be made of that the limit allows, if one makes one.
    fn most(&self) -> usize {
        let left = self.left.and_then(|left| usize::try_from(left).ok());
        left.unwrap_or(BATCH)
    }

    /// Whether there are single values, so that their column is one of elements.
    fn is_single(&self) -> bool {
        self.feed.program().outputs.len() == 1
    }
}

impl Source for BatchRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(result) = self.ahead.next(cx)? {
                if self.left == Some(0) && self.ahead.results.len() == 0 {
                    self.end();
                }
                return Ok(Some(result));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if let Some(result) = self.next_of_rows(cx)? {
                return Ok(Some(result));
            }
            match self.step(ResultUse::Values, ArrivalUse::Together(self.most()), cx)? {
                Step::Columns(results) => {
                    self.ahead = Ahead::of_batch(results, self.feed.turns());
                }
                Step::Rows | Step::Later => {}
                Step::End => return Ok(None),
            }
        }
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        let Some(column) = self.column(cx)? else {
            return Ok(None);
        };
        match column {
            BatchColumn::Ints(ints) => Ok(Some(Numbers::Ints(ints))),
            BatchColumn::Reals(reals) => Ok(Some(Numbers::Reals(reals))),
            other => {
                self.ahead = Ahead::of(other.values());
                Ok(None)
            }
        }
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        if !self.is_single() || self.feed.program().gives_objects() {
            return Ok(None);
        }
        Ok(self.next_columns(cx)?.and_then(|mut columns| columns.pop()))
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        if self.is_single() || self.feed.program().gives_objects() {
            return Ok(None);
        }
        match self.next_columns(cx)? {
            // Tuples that were made row by row.
            Some(mut made) if made.len() == 1 => {
                let tuples = made.pop().map(BatchColumn::values);
                self.ahead = Ahead::of(tuples.unwrap_or_default());
                Ok(None)
            }
            columns => Ok(columns),
        }
    }

    fn skip(&mut self, cx: &Cx) -> Result<Option<usize>> {
        loop {
            if self.ahead.results.len() > 0 || self.failed.is_some() {
                return Ok(None);
            }
            if let Some(rows) = &self.rows {
                if !rows.at_hand {
                    return Ok(None);
                }
                if self.next_of_rows(cx)?.is_some() {
                    return Ok(Some(1));
                }
            }
            match self.step(ResultUse::Number, ArrivalUse::Later, cx)? {
                Step::Columns(results) => return Ok(Some(results.rows)),
                Step::Rows => {}
                Step::Later | Step::End => return Ok(None),
            }
        }
    }

    fn explain(&self, error: Error) -> Error {
        if let Some(rows) = &self.rows {
            return rows.results.explain(error);
        }
        let (Some(before), Some(latest)) = (self.feed.elements_before(), self.ahead.latest) else {
            return error;
        };
        let name = self
            .feed
            .over()
            .and_then(|over| element::name(over, &self.query.names));
        let name = name.as_deref().unwrap_or("the stream");
        element::blame(error, before + latest as u64 + 1, name)
    }

    fn is_live(&self) -> bool {
        match &self.rows {
            Some(rows) => rows.results.is_live(),
            None => self.feed.is_live(),
        }
    }
}
