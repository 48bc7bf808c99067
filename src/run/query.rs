//! Runs queries: what comes out of each row that their steps make.

use std::sync::Arc;

use super::batch::{self, Distinct, Feed};
use super::eval::eval;
use super::pipeline::{Cursor, Pipeline};
use super::sorted::CollectedRows;
use crate::compile;
use crate::host::traced::Traced;
use crate::model::collection::{Arrivals, BATCH, FieldBatch, Iter};
use crate::model::plot::PlotRequest;
use crate::model::{BatchColumn, Collection, Cx, Numbers, Source, Type, Value};
use crate::plan::{PlanExpr, Query, Slot, Traceable};
use crate::run::{group, windowed};
use crate::text::diagnostic::{Error, Result};

/// A query with the values of the variables that it was given: a bag or stream, not yet started.
pub struct SubCollection {
    pub query: Arc<Query>,
    /// Arguments or captured variables, with their slots.
    pub given: Vec<(Slot, Value)>,
}

impl Collection for SubCollection {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        open(&self.query, self.given.clone(), cx)
    }

    fn element_type(&self) -> Type {
        self.query.ty.element_of_collection()
    }

    fn is_repeatable(&self, cx: &Cx) -> bool {
        self.given.iter().all(|(_, value)| value.is_repeatable(cx))
            && compile::is_repeatable(&self.query, cx)
    }
}

/// Starts a query.
pub fn open(query: &Arc<Query>, given: Vec<(Slot, Value)>, cx: &Cx) -> Result<Box<dyn Source>> {
    // A query may be made of itself without end, as a function may call itself.
    let _depth = cx.enter()?;
    let query = match &query.traceable {
        Some(all) if all.replaced.iter().any(|f| Traced::prints(f, cx)) => &all.query,
        _ => query,
    };
    let frame = first_frame(query, given, cx)?;
    if query.steps.is_empty()
        && query.group.is_none()
        && !query.distinct
        && query.output.flattens()
        && query.limit.is_none()
        && query.offset.is_none()
        && let [only] = query.output.columns.as_slice()
    {
        return pass_through(only, &frame, cx);
    }
    let count = |limit: &Option<PlanExpr>| match limit {
        Some(limit) => super::limit(eval(limit, &frame, cx)?).map(Some),
        None => Ok(None),
    };
    let (left, offset) = (count(&query.limit)?, count(&query.offset)?);
    let Some(offset) = offset else {
        return open_limited(query, frame, left, cx);
    };
    let left = left.map(|left| left.saturating_add(offset));
    let results = open_limited(query, frame, left, cx)?;
    Ok(Box::new(PassedOver { results, offset }))
}

/// Rows of a query, in batches where it runs so.
pub enum OpenedRows {
    /// A running program, with the variables of the query before its first step.
    Batches(Box<Feed>, Vec<Value>),
    OneByOne(Box<dyn Source>),
}

/// Starts a query that neither groups nor sorts nor stops by a limit, for whoever takes its rows in batches.
pub fn open_rows(query: &Arc<Query>, given: Vec<(Slot, Value)>, cx: &Cx) -> Result<OpenedRows> {
    let is_traced = |all: &Traceable| all.replaced.iter().any(|f| Traced::prints(f, cx));
    if let Some(program) = &query.batch
        && !query.traceable.as_ref().is_some_and(is_traced)
    {
        let mut frame = first_frame(query, given.clone(), cx)?;
        if let Some(feed) = Feed::open(program, &mut frame, cx)? {
            return Ok(OpenedRows::Batches(Box::new(feed), frame));
        }
    }
    Ok(OpenedRows::OneByOne(open(query, given, cx)?))
}

/// The variables of a query before its first step: what it is given, and what is the same for all rows.
fn first_frame(query: &Query, given: Vec<(Slot, Value)>, cx: &Cx) -> Result<Vec<Value>> {
    let mut frame = vec![Value::Null; query.slots];
    for (slot, value) in given {
        frame[slot] = value;
    }
    for (slot, value) in &query.constants {
        frame[*slot] = eval(value, &frame, cx)?.unwrap_or(Value::Null);
    }
    Ok(frame)
}

/// Starts a query of which no more than `left` results are wanted.
fn open_limited(
    query: &Arc<Query>,
    mut frame: Vec<Value>,
    left: Option<u64>,
    cx: &Cx,
) -> Result<Box<dyn Source>> {
    if let (Some(group), Some(window)) = (&query.group, query.window()) {
        let rows = windowed::open(query, group, window, frame.clone(), cx)?;
        return Ok(QueryRun::of_rows(query, rows, frame, left));
    }
    if !query.is_collected()
        && !query.has_contributions()
        && left != Some(0)
        && let Some(program) = &query.batch
        && let Some(mut feed) = Feed::open(program, &mut frame, cx)?
    {
        let Some(first) = feed.few() else {
            return Ok(batch::open(query, feed, frame, left));
        };
        let pipeline = Pipeline::resume(query.steps.len(), query.batch_source(), first);
        return Ok(QueryRun::of(query, pipeline, frame, left));
    }
    let pipeline = Pipeline::new(query.steps.len());
    Ok(QueryRun::of(query, pipeline, frame, left))
}

/// A query that is nothing but one expression: its elements, without a layer between.
fn pass_through(expr: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<Box<dyn Source>> {
    match eval(expr, frame, cx)? {
        Some(value) if value.is_collection() => Ok(Box::new(PassThrough(value.elements(cx)?))),
        Some(value) => Ok(Box::new(Iter(std::iter::once(value)))),
        None => Ok(Box::new(Iter(std::iter::empty()))),
    }
}

/// Results of which the first are passed over.
struct PassedOver {
    results: Box<dyn Source>,
    /// How many of them still have to be.
    offset: u64,
}

impl Source for PassedOver {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while self.offset > 0 {
            self.offset -= 1;
            if self.results.next(cx)?.is_none() {
                self.offset = 0;
                return Ok(None);
            }
        }
        self.results.next(cx)
    }

    fn explain(&self, error: Error) -> Error {
        self.results.explain(error)
    }

    fn is_live(&self) -> bool {
        self.results.is_live()
    }
}

/// The elements of what a query gave. They may be those of another call of the same function, and so on.
struct PassThrough(Box<dyn Source>);

impl Source for PassThrough {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let _depth = cx.enter()?;
        self.0.next(cx)
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        let _depth = cx.enter()?;
        self.0.numbers(cx)
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        let _depth = cx.enter()?;
        self.0.column(cx)
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        let _depth = cx.enter()?;
        self.0.columns(cx)
    }

    fn fields(&mut self, cx: &Cx) -> Result<Option<FieldBatch>> {
        let _depth = cx.enter()?;
        self.0.fields(cx)
    }

    fn arrivals(&mut self, most: usize, cx: &Cx) -> Result<Option<Arrivals>> {
        let _depth = cx.enter()?;
        self.0.arrivals(most, cx)
    }

    fn skip(&mut self, cx: &Cx) -> Result<Option<usize>> {
        let _depth = cx.enter()?;
        self.0.skip(cx)
    }

    fn explain(&self, error: Error) -> Error {
        self.0.explain(error)
    }

    fn is_live(&self) -> bool {
        self.0.is_live()
    }

    fn plot(&self) -> Option<&Arc<PlotRequest>> {
        self.0.plot()
    }

    fn taken(&self) -> Option<u64> {
        self.0.taken()
    }
}

/// The one result of a query that has at most one.
pub fn single(query: &Arc<Query>, given: Vec<(Slot, Value)>, cx: &Cx) -> Result<Option<Value>> {
    if query.limit.is_some() || query.offset.is_some() || query.group.is_some() {
        return open(query, given, cx)?.next(cx);
    }
    let mut frame = first_frame(query, given, cx)?;
    if Pipeline::new(query.steps.len()).next(&query.steps, &mut frame, cx)? {
        output(query, &frame, cx)
    } else {
        Ok(None)
    }
}

/// What comes out of one row; `None` if one of its columns has no result.
pub fn output(query: &Query, frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    if let [only] = query.output.columns.as_slice() {
        return eval(only, frame, cx);
    }
    let mut columns = Vec::with_capacity(query.output.columns.len());
    for column in &query.output.columns {
        match eval(column, frame, cx)? {
            Some(value) => columns.push(value),
            None => return Ok(None),
        }
    }
    Ok(Some(Value::vector(columns)))
}

/// The rows of a query whose first step has begun.
pub fn resume(query: &Arc<Query>, frame: Vec<Value>, first: Cursor) -> Box<dyn Source> {
    Box::new(QueryRun {
        pipeline: Pipeline::resume(query.steps.len(), query.batch_source(), first),
        rows: None,
        query: query.clone(),
        frame,
        left: None,
        seen: None,
        collected: None,
        inner: None,
    })
}

struct QueryRun {
    query: Arc<Query>,
    frame: Vec<Value>,
    pipeline: Pipeline,
    /// What makes the results, where it is not the pipeline.
    rows: Option<Box<dyn Source>>,
    /// How many results the limit still allows.
    left: Option<u64>,
    seen: Option<Distinct>,
    /// The results, once they had to be collected to be grouped or sorted.
    collected: Option<CollectedRows>,
    /// A collection that came out and is being taken apart.
    inner: Option<Box<dyn Source>>,
}

impl Source for QueryRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let _depth = cx.enter()?;
        loop {
            let value = match self.candidate(cx) {
                Ok(Some(value)) => value,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.set_aside(error, cx)?;
                    continue;
                }
            };
            if let Some(seen) = &mut self.seen
                && !seen.is_new(&value, self.query.operator("distinct"), cx)?
            {
                continue;
            }
            if let Some(left) = &mut self.left {
                *left -= 1;
                if *left == 0 {
                    self.stop();
                }
            }
            return Ok(Some(value));
        }
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        let numbers = self.many(cx, CollectedRows::numbers)?;
        self.count_many(numbers.as_ref().map_or(0, Numbers::len));
        Ok(numbers)
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        let columns = self.many(cx, |rows, most| match rows.width() {
            1 => rows.batch(most),
            _ => None,
        })?;
        let column = columns.and_then(|mut columns| columns.pop());
        self.count_many(column.as_ref().map_or(0, BatchColumn::len));
        Ok(column)
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        let columns = self.many(cx, |rows, most| match rows.width() {
            1 => None,
            _ => rows.batch(most),
        })?;
        let rows = columns.iter().flatten().next().map_or(0, BatchColumn::len);
        self.count_many(rows);
        Ok(columns)
    }

    fn explain(&self, error: Error) -> Error {
        self.pipeline.explain(&self.query, error)
    }

    fn is_live(&self) -> bool {
        let inner = self.inner.as_ref();
        let rows = self.rows.as_ref();
        self.pipeline.is_live()
            || inner.is_some_and(|inner| inner.is_live())
            || rows.is_some_and(|rows| rows.is_live())
    }
}

impl QueryRun {
    /// The results of the rows that the pipeline makes, of which a limit leaves so many.
    fn of(
        query: &Arc<Query>,
        pipeline: Pipeline,
        frame: Vec<Value>,
        left: Option<u64>,
    ) -> Box<dyn Source> {
        Box::new(QueryRun::begun(query, pipeline, None, frame, left))
    }

    /// The results that `rows` gives.
    fn of_rows(
        query: &Arc<Query>,
        rows: Box<dyn Source>,
        frame: Vec<Value>,
        left: Option<u64>,
    ) -> Box<dyn Source> {
        let none = Pipeline::new(0);
        Box::new(QueryRun::begun(query, none, Some(rows), frame, left))
    }

    fn begun(
        query: &Arc<Query>,
        pipeline: Pipeline,
        rows: Option<Box<dyn Source>>,
        frame: Vec<Value>,
        left: Option<u64>,
    ) -> QueryRun {
        QueryRun {
            pipeline,
            rows,
            seen: query
                .distinct
                .then(|| Distinct::new(query.output.columns.len())),
            query: query.clone(),
            frame,
            left,
            collected: None,
            inner: None,
        }
    }

    /// What `take` gives of so many rows at the most that were collected, where they are the results.
    fn many<T>(
        &mut self,
        cx: &Cx,
        take: impl FnOnce(&mut CollectedRows, usize) -> Option<T>,
    ) -> Result<Option<T>> {
        let most = self
            .left
            .map_or(BATCH, |left| left.min(BATCH as u64) as usize);
        let are_results = self.query.is_collected() && self.seen.is_none() && self.inner.is_none();
        if most == 0 || !are_results {
            return Ok(None);
        }
        let _depth = cx.enter()?;
        cx.token.check()?;
        Ok(take(self.collected(cx)?, most))
    }

    /// So many results were given at once.
    fn count_many(&mut self, rows: usize) {
        if let Some(left) = &mut self.left {
            *left -= rows as u64;
            if *left == 0 {
                self.stop();
            }
        }
    }

    /// Stops everything below at once, not only when the consumer gets round to dropping this.
    fn stop(&mut self) {
        self.pipeline = Pipeline::new(0);
        self.rows = self.rows.take().map(|_| {
            let nothing: Box<dyn Source> = Box::new(Iter(std::iter::empty()));
            nothing
        });
        self.inner = None;
        self.collected = None;
    }

    /// Goes on after a row that failed, where it was made of an element of a live stream.
    fn set_aside(&mut self, error: Error, cx: &Cx) -> Result<()> {
        // What fails among rows that are collected is seen to there.
        if self.query.is_collected() || self.rows.is_some() {
            return Err(error);
        }
        self.inner = None;
        self.pipeline.set_aside(&self.query, error, cx)
    }

    /// How many results the limit leaves, where each of those that are sorted is one.
    fn most_results(&self) -> Option<usize> {
        let left = self.left.filter(|_| self.query.keeps_first());
        left.and_then(|left| usize::try_from(left).ok())
    }

    fn candidate(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(inner) = &mut self.inner {
                if let Some(value) = inner.next(cx)? {
                    return Ok(Some(value));
                }
                self.inner = None;
            }
            let Some(value) = self.result(cx)? else {
                return Ok(None);
            };
            if self.query.output.flattens() && value.is_collection() {
                self.inner = Some(value.elements(cx)?);
                continue;
            }
            return Ok(Some(value));
        }
    }

    fn result(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(rows) = &mut self.rows {
            return rows.next(cx);
        }
        if !self.query.is_collected() {
            return self.row(cx);
        }
        Ok(self.collected(cx)?.next())
    }

    /// The rows of a query that needs them all before the first result.
    fn collected(&mut self, cx: &Cx) -> Result<&mut CollectedRows> {
        if self.collected.is_none() {
            let most = self.most_results();
            let rows = group::collect(&self.query, most, &mut self.pipeline, &mut self.frame, cx)?;
            self.collected = Some(rows);
        }
        Ok(self.collected.get_or_insert_default())
    }

    fn row(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while self.pipeline.next(&self.query.steps, &mut self.frame, cx)? {
            if let Some(value) = output(&self.query, &self.frame, cx)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}
