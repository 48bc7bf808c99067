//! The rows that fall into windows, as they come: pulled, or from a thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::model::{Collection, Cx, Source, Value};
use crate::plan::{Query, Slot};
use crate::run::batch::{ArrivalUse, BatchResults, Fed, Feed, ResultUse};
use crate::run::inputs::{Event, Inputs};
use crate::run::query::{self, OpenedRows};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

/// Where rows come from.
pub enum WindowRows {
    /// A program that runs, and what it left to the evaluator of its latest batch.
    Batches {
        query: Arc<Query>,
        feed: Box<Feed>,
        frame: Vec<Value>,
        again: Option<Box<dyn Source>>,
    },
    /// Rows that are pulled; nothing once they have ended.
    Here(Option<Box<dyn Source>>),
    /// Rows of a live stream come from a thread, so that a silence can be heard.
    Thread {
        inputs: Inputs,
        batch: VecDeque<(usize, Event)>,
    },
}

/// A source that has been opened, to be run by a thread.
struct Opened(Mutex<Option<Box<dyn Source>>>);

impl Collection for Opened {
    fn open(&self, _: &Cx) -> Result<Box<dyn Source>> {
        let source = lock(&self.0).take();
        source.ok_or_else(|| Error::run("the rows of windows are read once"))
    }
}

/// What comes next.
pub enum Heard {
    Row(Value),
    Batch(BatchResults),
    /// Nothing in time.
    Silence,
    End,
}

impl WindowRows {
    /// Starts the query of the rows. Those of a live stream are pulled from a thread.
    pub fn open(
        query: &Arc<Query>,
        given: Vec<(Slot, Value)>,
        is_live: bool,
        cx: &Cx,
    ) -> Result<WindowRows> {
        if is_live {
            return WindowRows::on_thread(query::open(query, given, cx)?, cx);
        }
        Ok(match query::open_rows(query, given, cx)? {
            OpenedRows::OneByOne(source) => WindowRows::Here(Some(source)),
            OpenedRows::Batches(feed, frame) => WindowRows::Batches {
                query: query.clone(),
                feed,
                frame,
                again: None,
            },
        })
    }

    /// What comes next of a running program.
    fn next_batch(&mut self, cx: &Cx) -> Result<Heard> {
        while let WindowRows::Batches {
            query,
            feed,
            frame,
            again,
        } = self
        {
            if let Some(rows) = again {
                match rows.next(cx)? {
                    Some(row) => return Ok(Heard::Row(row)),
                    None => *again = None,
                }
            }
            match feed.next(ResultUse::Values, ArrivalUse::OneByOne, frame, cx)? {
                Some(Fed::Columns(results)) if results.rows == 0 => {}
                Some(Fed::Columns(results)) => return Ok(Heard::Batch(results)),
                Some(Fed::Rows(first)) => {
                    *again = Some(query::resume(query, frame.clone(), first));
                }
                Some(Fed::Rest(first)) => {
                    let rest = query::resume(query, frame.clone(), first);
                    *self = WindowRows::Here(Some(rest));
                }
                // They were not to be taken later.
                Some(Fed::Later) => {}
                None => *self = WindowRows::Here(None),
            }
        }
        self.next(None, cx)
    }

    fn on_thread(source: Box<dyn Source>, cx: &Cx) -> Result<WindowRows> {
        let opened: Arc<dyn Collection> = Arc::new(Opened(Mutex::new(Some(source))));
        Ok(WindowRows::Thread {
            inputs: Inputs::start(vec![opened], "window", cx)?,
            batch: VecDeque::new(),
        })
    }

    /// The next row, for which to wait until some time at the most.
    pub fn next(&mut self, until: Option<Instant>, cx: &Cx) -> Result<Heard> {
        match self {
            WindowRows::Batches { .. } => self.next_batch(cx),
            WindowRows::Here(None) => Ok(Heard::End),
            WindowRows::Here(Some(source)) => {
                let Some(row) = source.next(cx)? else {
                    *self = WindowRows::Here(None);
                    return Ok(Heard::End);
                };
                if source.is_live()
                    && let WindowRows::Here(source) = self
                    && let Some(source) = source.take()
                {
                    *self = WindowRows::on_thread(source, cx)?;
                }
                Ok(Heard::Row(row))
            }
            WindowRows::Thread { inputs, batch } => {
                if batch.is_empty() && !inputs.receive(batch, until, &cx.token)? {
                    return Ok(Heard::Silence);
                }
                match batch.pop_front() {
                    Some((_, Event::Element(row))) => {
                        inputs.release(&mut [1]);
                        Ok(Heard::Row(row))
                    }
                    Some((_, Event::Failed(error))) => {
                        *self = WindowRows::Here(None);
                        Err(error)
                    }
                    Some((_, Event::End)) | None => {
                        *self = WindowRows::Here(None);
                        Ok(Heard::End)
                    }
                }
            }
        }
    }
}
