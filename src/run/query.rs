//! Runs queries: rows of bindings, pulled one after the other, and what comes out of each.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::batch::{self, Distinct, Feed};
use super::eval::{eval, holds};
use super::lookup::{self, Start};
use super::pattern;
use super::sorted::CollectedRows;
use crate::catalog::Catalog;
use crate::catalog::objects::ObjectScan;
use crate::host::failed;
use crate::host::traced::Traced;
use crate::model::collection::{BATCH, Bytes, Iter};
use crate::model::conversion::conform;
use crate::model::{BatchColumn, Collection, Cx, Numbers, Source, Type, Value, size};
use crate::plan::{PlanExpr, Query, Slot, Step};
use crate::run::{element, group, solve};
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
}

/// Starts a query.
pub fn open(query: &Arc<Query>, given: Vec<(Slot, Value)>, cx: &Cx) -> Result<Box<dyn Source>> {
    // A query may be made of itself without end, as a function may call itself.
    let _depth = cx.enter()?;
    let query = match &query.traceable {
        Some(all) if all.replaced.iter().any(|f| Traced::prints(f, cx)) => &all.query,
        _ => query,
    };
    let mut frame = vec![Value::Null; query.slots];
    for (slot, value) in given {
        frame[slot] = value;
    }
    if query.steps.is_empty()
        && query.output.flatten
        && query.limit.is_none()
        && let [only] = query.output.columns.as_slice()
    {
        return pass_through(only, &frame, cx);
    }
    let left = match &query.limit {
        Some(limit) => Some(super::limit(eval(limit, &frame, cx)?)?),
        None => None,
    };
    if !query.is_collected()
        && left != Some(0)
        && let Some(program) = &query.batch
        && let Some(feed) = Feed::open(program, &frame, cx)?
    {
        return Ok(batch::open(query, feed, frame, left));
    }
    Ok(Box::new(QueryRun {
        pipeline: Pipeline::new(query.steps.len()),
        seen: query
            .distinct
            .then(|| Distinct::new(query.output.columns.len())),
        query: query.clone(),
        frame,
        left,
        collected: None,
        inner: None,
    }))
}

/// A query that is nothing but one expression: its elements, without a layer between.
fn pass_through(expr: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<Box<dyn Source>> {
    match eval(expr, frame, cx)? {
        Some(value) if value.is_collection() => Ok(Box::new(PassThrough(value.elements(cx)?))),
        Some(value) => Ok(Box::new(Iter(std::iter::once(value)))),
        None => Ok(Box::new(Iter(std::iter::empty()))),
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

    fn taken(&self) -> Option<u64> {
        self.0.taken()
    }
}

/// The one result of a query that has at most one.
pub fn single(query: &Arc<Query>, given: Vec<(Slot, Value)>, cx: &Cx) -> Result<Option<Value>> {
    if query.limit.is_some() {
        return open(query, given, cx)?.next(cx);
    }
    let mut frame = vec![Value::Null; query.slots];
    for (slot, value) in given {
        frame[slot] = value;
    }
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
        pipeline: Pipeline::resume(query.steps.len(), first),
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
                && !seen.is_new(&value)?
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

    /// Numbers that were collected.
    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        if !self.query.is_collected() || self.seen.is_some() || self.inner.is_some() {
            return Ok(None);
        }
        let _depth = cx.enter()?;
        let most = self
            .left
            .map_or(BATCH, |left| left.min(BATCH as u64) as usize);
        if most == 0 {
            return Ok(None);
        }
        cx.token.check()?;
        let numbers = self.collected(cx)?.numbers(most);
        if let (Some(left), Some(numbers)) = (&mut self.left, &numbers) {
            *left -= numbers.len() as u64;
            if *left == 0 {
                self.stop();
            }
        }
        Ok(numbers)
    }

    fn explain(&self, error: Error) -> Error {
        self.pipeline.explain(&self.query, error)
    }

    fn is_live(&self) -> bool {
        let inner = self.inner.as_ref();
        self.pipeline.is_live() || inner.is_some_and(|inner| inner.is_live())
    }
}

impl QueryRun {
    /// Stops everything below at once, not only when the consumer gets round to dropping this.
    fn stop(&mut self) {
        self.pipeline = Pipeline::new(0);
        self.inner = None;
        self.collected = None;
    }

    /// Goes on after a row that failed, where it was made of an element of a live stream.
    fn set_aside(&mut self, error: Error, cx: &Cx) -> Result<()> {
        // What fails among rows that are collected is seen to there.
        if self.query.is_collected() {
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
            if self.query.output.flatten && value.is_collection() {
                self.inner = Some(value.elements(cx)?);
                continue;
            }
            return Ok(Some(value));
        }
    }

    fn result(&mut self, cx: &Cx) -> Result<Option<Value>> {
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

/// The running steps of a query.
pub struct Pipeline {
    cursors: Vec<Cursor>,
    started: bool,
}

/// Where a step that makes many rows is.
pub enum Cursor {
    Idle,
    Source(ElementsTaken),
    Positions(Positions),
    Objects(std::vec::IntoIter<Value>),
    Extent(ObjectScan),
    Rows(lookup::LookupRows),
    Alternatives(Box<Alternatives>),
}

/// The rows of the two sides of an `or`: those of the first, then those of the second that the first
/// has not given already, or not as often.
pub struct Alternatives {
    second: bool,
    inner: Pipeline,
    /// How often the first has given each row and the second has not, by the variables that they bind.
    given: HashMap<Vec<Value>, usize, RandomState>,
}

impl Alternatives {
    fn new(branches: &[Vec<Step>; 2]) -> Alternatives {
        Alternatives {
            second: false,
            inner: Pipeline::new(branches[0].len()),
            given: HashMap::default(),
        }
    }

    /// Makes the next row in `frame`; `false` if there is none.
    fn next(
        &mut self,
        branches: &[Vec<Step>; 2],
        bound: &[Slot],
        frame: &mut [Value],
        cx: &Cx,
    ) -> Result<bool> {
        let row = |frame: &[Value]| bound.iter().map(|slot| frame[*slot].clone()).collect();
        if !self.second {
            if self.inner.next(&branches[0], frame, cx)? {
                *self.given.entry(row(frame)).or_default() += 1;
                size::check_elements(self.given.len(), "what one side of an 'or' gives")?;
                return Ok(true);
            }
            self.second = true;
            self.inner = Pipeline::new(branches[1].len());
        }
        while self.inner.next(&branches[1], frame, cx)? {
            match self.given.get_mut(&row(frame)) {
                Some(given) if *given > 0 => *given -= 1,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// Elements that are being taken, and how many have been.
pub struct ElementsTaken {
    pub source: Box<dyn Source>,
    pub count: u64,
    pub stream: bool,
}

impl ElementsTaken {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let element = self.source.next(cx);
        // An error in making an element is not about the one before.
        self.count = element.as_ref().map_or(0, |_| self.count + 1);
        element
    }
}

impl Pipeline {
    pub fn new(steps: usize) -> Pipeline {
        Pipeline {
            cursors: (0..steps).map(|_| Cursor::Idle).collect(),
            started: false,
        }
    }

    /// A pipeline whose first step has begun.
    pub fn resume(steps: usize, first: Cursor) -> Pipeline {
        let mut pipeline = Pipeline::new(steps);
        pipeline.cursors[0] = first;
        pipeline.started = true;
        pipeline
    }

    /// Whether an element of a live stream is at work.
    pub fn is_live(&self) -> bool {
        self.live_cursor().is_some()
    }

    fn live_cursor(&self) -> Option<usize> {
        let is_live = |cursor: &Cursor| match cursor {
            Cursor::Source(taken) => taken.count > 0 && taken.source.is_live(),
            _ => false,
        };
        self.cursors.iter().rposition(is_live)
    }

    /// `error` came while a row was made or looked at. Gives up the element of a live stream that the
    /// row was made of, so that [`Pipeline::next`] goes on with the one after it; gives the error back
    /// where there is none.
    pub fn set_aside(&mut self, query: &Query, error: Error, cx: &Cx) -> Result<()> {
        let error = self.explain(query, error);
        let Some(at) = self.live_cursor() else {
            return Err(error);
        };
        for cursor in &mut self.cursors[at + 1..] {
            *cursor = Cursor::Idle;
        }
        failed::set_aside(error, cx)
    }

    /// `error` came while a row was made or looked at: says of which elements of streams it is made.
    pub fn explain(&self, query: &Query, error: Error) -> Error {
        let running = self.cursors.iter().zip(&query.steps).rev();
        running.fold(error, |error, (cursor, step)| match (cursor, step) {
            (Cursor::Source(taken), Step::Iterate { over, .. }) if taken.stream => {
                let name = element::name(over, &query.names);
                let name = name.as_deref().unwrap_or("the stream");
                element::blame(error, taken.count, name)
            }
            _ => error,
        })
    }

    /// Makes the next row in `frame`; `false` if there is none.
    pub fn next(&mut self, steps: &[Step], frame: &mut [Value], cx: &Cx) -> Result<bool> {
        if self.cursors.len() != steps.len() {
            return Ok(false);
        }
        // Forwards through the steps; back to the last one that can make another row if one fails.
        let mut forward = !self.started;
        let mut at = if self.started { steps.len() } else { 0 };
        self.started = true;
        loop {
            if forward {
                let Some(step) = steps.get(at) else {
                    return Ok(true);
                };
                forward = self.enter(at, step, frame, cx)?;
            } else {
                if at == 0 {
                    return Ok(false);
                }
                at -= 1;
                if matches!(self.cursors[at], Cursor::Idle) {
                    continue;
                }
                forward = self.advance(at, &steps[at], frame, cx)?;
            }
            if forward {
                at += 1;
            }
        }
    }

    /// Starts a step; `true` if it made a row.
    fn enter(&mut self, at: usize, step: &Step, frame: &mut [Value], cx: &Cx) -> Result<bool> {
        self.cursors[at] = match step {
            Step::Filter(condition) => return holds(condition, frame, cx),
            Step::Let(pattern, value) => {
                return match eval(value, frame, cx)? {
                    Some(value) => pattern::bind(pattern, &value, frame, cx),
                    None => Ok(false),
                };
            }
            Step::Iterate { over, .. } => match eval(over, frame, cx)? {
                Some(Value::Binary(bytes)) => Cursor::Source(ElementsTaken {
                    stream: false,
                    source: Box::new(Bytes::new(bytes)),
                    count: 0,
                }),
                Some(value) => Cursor::Source(ElementsTaken {
                    stream: matches!(value, Value::Stream(_)),
                    source: value.elements(cx)?,
                    count: 0,
                }),
                None => return Ok(false),
            },
            Step::Solve(equation) => return solve::solve(equation, frame, cx),
            Step::Index { base, .. } => match eval(base, frame, cx)?.and_then(Positions::of) {
                Some(positions) => Cursor::Positions(positions),
                None => return Ok(false),
            },
            Step::Extent { ty, .. } => match Catalog::of(cx).types_within(ty) {
                Some(types) => Cursor::Extent(Catalog::of(cx).objects.scan(&types)),
                None => Cursor::Objects(Catalog::of(cx).extent(ty)?.into_iter()),
            },
            Step::Lookup(lookup) => match lookup::start(lookup, frame, cx)? {
                Start::Rows(rows) => Cursor::Rows(rows),
                Start::Bound => return Ok(true),
                Start::Nothing => return Ok(false),
            },
            Step::Alternatives { branches, .. } => {
                Cursor::Alternatives(Box::new(Alternatives::new(branches)))
            }
        };
        self.advance(at, step, frame, cx)
    }

    /// Makes the next row of a step that was started before; `false` and idle if there is none.
    fn advance(&mut self, at: usize, step: &Step, frame: &mut [Value], cx: &Cx) -> Result<bool> {
        let made = self.step_on(at, step, frame, cx)?;
        if !made {
            self.cursors[at] = Cursor::Idle;
        }
        Ok(made)
    }

    fn step_on(&mut self, at: usize, step: &Step, frame: &mut [Value], cx: &Cx) -> Result<bool> {
        match (&mut self.cursors[at], step) {
            (Cursor::Source(taken), Step::Iterate { pattern, .. }) => {
                while let Some(value) = taken.next(cx)? {
                    if pattern::bind(pattern, &value, frame, cx)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Cursor::Extent(scan), Step::Extent { slot, .. }) => {
                cx.token.check()?;
                match scan.next(&Catalog::of(cx).objects) {
                    Some(object) => {
                        frame[*slot] = Value::Object(object);
                        Ok(true)
                    }
                    None => Ok(false),
                }
            }
            (Cursor::Objects(objects), Step::Extent { slot, .. }) => {
                cx.token.check()?;
                match objects.next() {
                    Some(object) => {
                        frame[*slot] = object;
                        Ok(true)
                    }
                    None => Ok(false),
                }
            }
            (Cursor::Positions(positions), Step::Index { position, ty, .. }) => {
                for found in positions {
                    cx.token.check()?;
                    if let Some(found) = conform(&found, ty) {
                        frame[*position] = found;
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Cursor::Rows(rows), Step::Lookup(lookup)) => rows.bind(lookup, frame, cx),
            (Cursor::Alternatives(either), Step::Alternatives { branches, bound }) => {
                either.next(branches, bound, frame, cx)
            }
            _ => Ok(false),
        }
    }
}

/// What can stand between the brackets behind a value: the numbers from 1 to its length, or the keys
/// of a record.
pub enum Positions {
    Numbers(std::ops::RangeInclusive<i64>),
    Keys(std::vec::IntoIter<Arc<str>>),
}

impl Positions {
    fn of(value: Value) -> Option<Positions> {
        let length = match value {
            Value::Vector(vector) => vector.len(),
            Value::Binary(bytes) => bytes.len(),
            Value::Str(text) => text.chars().count(),
            Value::Record(record) => {
                let keys: Vec<_> = record.iter().map(|(key, _)| key.clone()).collect();
                return Some(Positions::Keys(keys.into_iter()));
            }
            _ => return None,
        };
        Some(Positions::Numbers(1..=length as i64))
    }
}

impl Iterator for Positions {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        match self {
            Positions::Numbers(numbers) => numbers.next().map(Value::Int),
            Positions::Keys(keys) => keys.next().map(Value::Str),
        }
    }
}
