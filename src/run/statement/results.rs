//! What statements give.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::host::{Host, failed};
use crate::model::plot::PlotRequest;
use crate::model::row_counts::RowCounts;
use crate::model::{Cx, Source, Value};
use crate::text::diagnostic::{Result, Span};
use crate::text::wait::Token;

/// What a statement came to.
pub enum Outcome {
    /// A query's results, produced as they are pulled.
    Results(Results),
    /// A statement without results.
    Done,
    /// A record that says how the results of the next statement are shown, where there is somebody to
    /// show a plot to.
    NextPlot(Value),
    /// The user wants to leave.
    Quit,
}

/// The results of a query. Dropping it stops the query.
pub struct Results {
    source: Option<Box<dyn Source>>,
    /// A result that was taken and is given once more.
    first: Option<Value>,
    cx: Cx,
    /// Where the journal stood when the statement began.
    mark: usize,
    /// Whether the query is a stream.
    stream: bool,
    /// Whether they are no answer, as the statement is a call for what a function does.
    only_acts: bool,
    /// Whether they are those of a statement inside another, which is not at its end.
    pub(super) within: bool,
    /// Whether all of them are made, so that nothing is left to be done.
    pub(super) are_made: bool,
    /// Whether what it changed is final.
    has_ended: bool,
    /// Where the query stands in the source.
    span: Option<Span>,
    columns: Vec<Arc<str>>,
}

impl Results {
    pub(super) fn new(source: Box<dyn Source>, cx: Cx, mark: usize) -> Results {
        Results {
            source: Some(source),
            first: None,
            cx,
            mark,
            stream: false,
            only_acts: false,
            within: false,
            are_made: false,
            has_ended: false,
            span: None,
            columns: vec![],
        }
    }

    /// The same of rows whose columns are called so.
    pub(super) fn with_columns(mut self, columns: Vec<Arc<str>>) -> Results {
        self.columns = columns;
        self
    }

    /// The names of the columns, where each result is a row of such: a vector of as many values, or the
    /// value of the only column.
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// Whether the results arrive over time, from outside. Known once the first has come.
    pub fn is_live(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is_live())
    }

    /// How the results are to be shown, where they say so themselves.
    pub fn plot(&self) -> Option<&Arc<PlotRequest>> {
        self.source.as_ref().and_then(|source| source.plot())
    }

    /// The same of a query that stands there.
    pub(super) fn at(mut self, span: &Span) -> Results {
        self.span = Some(span.clone());
        self
    }

    /// What becomes of the rows that the query goes through, where the session counts them.
    pub fn row_counts(&self) -> Option<Arc<RowCounts>> {
        self.cx.row_counts.clone()
    }

    /// Whether the query is a stream, which has ended when its time is over.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// Gives a result back, which was the last one taken.
    pub fn put_back(&mut self, result: Value) {
        self.first = Some(result);
    }

    /// What stops them.
    pub fn token(&self) -> Token {
        self.cx.token.clone()
    }

    /// The same, of a query that is a stream.
    pub(super) fn of_stream(mut self, stream: bool) -> Results {
        self.stream = stream;
        self
    }

    /// Whether they are no answer, as the statement is a call for what a function does.
    pub fn only_acts(&self) -> bool {
        self.only_acts
    }

    /// The same, which are no answer.
    pub(super) fn of_act(mut self, only_acts: bool) -> Results {
        self.only_acts = only_acts;
        self
    }

    /// The same, which are made already.
    pub(super) fn made(mut self) -> Results {
        self.are_made = true;
        self
    }

    /// The statement is at its end: what it changed is final.
    pub(super) fn end(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.has_ended, true) || self.within {
            true => Ok(()),
            false => Catalog::of(&self.cx).end_of_statement(),
        }
    }

    fn pull(&mut self) -> Result<Option<Value>> {
        match &mut self.source {
            Some(source) => source.next(&self.cx),
            None => Ok(None),
        }
    }
}

impl Iterator for Results {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Result<Value>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        match self.pull() {
            Ok(Some(value)) => {
                if let Some(counts) = &self.cx.row_counts {
                    counts.give();
                }
                Some(Ok(value))
            }
            Ok(None) => {
                self.source = None;
                self.end().err().map(Err)
            }
            Err(error) => {
                self.source = None;
                Catalog::of(&self.cx).end_of_failed_statement(&error, self.mark);
                Some(Err(match &self.span {
                    Some(span) => error.of_memory_at(span),
                    None => error,
                }))
            }
        }
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.cx.token.stop("the result is not wanted any more");
        self.source = None;
        if !self.within {
            failed::summarize(&self.cx);
        }
        if let Err(error) = self.end() {
            Host::of(&self.cx).console.report(&error, false);
        }
    }
}
