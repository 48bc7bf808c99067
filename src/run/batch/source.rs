//! The results of a query that runs in batches, as a source: many at a time, or one by one.

use std::sync::Arc;

use super::feed::{Fed, Feed, Wanted};
use super::{BatchResults, BatchValues};
use crate::model::collection::BATCH;
use crate::model::{BatchColumn, Cx, Numbers, Source, Value};
use crate::plan::Query;
use crate::run::element;
use crate::run::query::resume;
use crate::text::diagnostic::{Error, Result};

/// Starts a query that is a program.
pub fn open(query: &Arc<Query>, feed: Feed, frame: Vec<Value>) -> Box<dyn Source> {
    Box::new(BatchRun {
        query: query.clone(),
        frame,
        feed,
        rows: None,
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
    ahead: Ahead,
    /// What row by row came to behind the results that are ahead.
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
}

impl Ahead {
    fn of(results: Vec<Value>) -> Ahead {
        Ahead {
            results: results.into_iter(),
            ..Ahead::default()
        }
    }

    fn next(&mut self) -> Option<Value> {
        self.latest = self.elements.next();
        self.results.next()
    }
}

impl From<BatchValues> for Ahead {
    fn from(made: BatchValues) -> Ahead {
        Ahead {
            results: made.values.into_iter(),
            elements: made.elements.unwrap_or_default().into_iter(),
            latest: None,
        }
    }
}

/// What the next step of a running query came to.
enum Step {
    Columns(BatchResults),
    /// Results are ahead, or rows run.
    Ready,
    End,
}

impl BatchRun {
    /// Makes what comes next.
    fn step(&mut self, wanted: Wanted, cx: &Cx) -> Result<Step> {
        // A query may be made of itself without end, as a function may call itself.
        let _depth = cx.enter()?;
        let (first, at_hand) = match self.feed.next(wanted, &self.frame, cx)? {
            None => return Ok(Step::End),
            Some(Fed::Columns(results)) => return Ok(Step::Columns(results)),
            Some(Fed::Values(made)) => {
                self.ahead = made.into();
                return Ok(Step::Ready);
            }
            Some(Fed::Rows(first)) => (first, true),
            Some(Fed::Rest(first)) => (first, false),
        };
        self.rows = Some(RowRun {
            results: resume(&self.query, self.frame.clone(), first),
            at_hand,
        });
        Ok(Step::Ready)
    }

    /// Results made row by row. `None` where they do not come many at a time.
    fn column_of_rows(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        let Some(rows) = self.rows.as_mut().filter(|rows| rows.at_hand) else {
            return Ok(None);
        };
        let mut made = Vec::new();
        while made.len() < BATCH {
            match rows.results.next(cx) {
                Ok(Some(value)) => made.push(value),
                Ok(None) => {
                    self.rows = None;
                    break;
                }
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
            match self.step(Wanted::Elements, cx)? {
                Step::Columns(results) if results.rows == 0 => {}
                Step::Columns(results) => {
                    let columns = results.columns.into_iter();
                    return Ok(Some(columns.map(|c| c.spread(results.rows)).collect()));
                }
                Step::Ready => {}
                Step::End => return Ok(None),
            }
        }
    }

    /// Whether there are single values, so that their column is one of elements.
    fn is_single(&self) -> bool {
        self.feed.program.outputs.len() == 1
    }
}

impl Source for BatchRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(result) = self.ahead.next() {
                return Ok(Some(result));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if let Some(rows) = &mut self.rows {
                if let Some(result) = rows.results.next(cx)? {
                    return Ok(Some(result));
                }
                self.rows = None;
            }
            if matches!(self.step(Wanted::Values, cx)?, Step::End) {
                return Ok(None);
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
        if !self.is_single() || self.feed.program.gives_objects() {
            return Ok(None);
        }
        Ok(self.next_columns(cx)?.and_then(|mut columns| columns.pop()))
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        if self.is_single() || self.feed.program.gives_objects() {
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
            if let Some(rows) = &mut self.rows {
                if !rows.at_hand {
                    return Ok(None);
                }
                if rows.results.next(cx)?.is_some() {
                    return Ok(Some(1));
                }
                self.rows = None;
            }
            match self.step(Wanted::Columns, cx)? {
                Step::Columns(results) => return Ok(Some(results.rows)),
                Step::Ready => {}
                Step::End => return Ok(None),
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
