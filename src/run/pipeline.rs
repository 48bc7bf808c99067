//! The running steps of a query: rows of bindings, made one after the other in a frame.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::eval::{eval, holds};
use super::lookup::{self, Start};
use super::pattern;
use crate::catalog::Catalog;
use crate::catalog::objects::ObjectScan;
use crate::host::failed;
use crate::model::collection::Bytes;
use crate::model::conversion::conform;
use crate::model::memory::{HeldMemory, Operator, bytes_of};
use crate::model::{Cx, Source, Value};
use crate::plan::{Query, Slot, Step};
use crate::run::batch::RowCursor;
use crate::run::join::JoinRun;
use crate::run::{action, element, solve};
use crate::text::diagnostic::{Error, Result};

/// The running steps of a query.
pub struct Pipeline {
    cursors: Vec<Cursor>,
    started: bool,
}

/// Where a step that makes many rows is.
#[derive(Default)]
pub enum Cursor {
    #[default]
    Idle,
    Source(ElementsTaken),
    Positions(Positions),
    Objects(std::vec::IntoIter<Value>),
    Extent(ObjectScan),
    Rows(lookup::LookupRows),
    Join(Box<JoinRun>),
    Alternatives(Box<Alternatives>),
    Optional(Box<OptionalRows>),
    /// Rows that the steps up to this one made in batches.
    Batch(Box<RowCursor>),
}

impl Cursor {
    /// Gives up the present row. What is kept from one row to the next stays.
    fn rest(&mut self) {
        match self {
            Cursor::Join(join) => join.rest(),
            Cursor::Alternatives(either) => either.rest(),
            Cursor::Optional(rows) => rows.rest(),
            _ => *self = Cursor::Idle,
        }
    }

    /// Whether the step makes no more rows of the present one.
    fn is_idle(&self) -> bool {
        match self {
            Cursor::Idle => true,
            Cursor::Join(join) => join.is_idle(),
            Cursor::Alternatives(either) => !either.is_active,
            Cursor::Optional(rows) => !rows.is_active,
            _ => false,
        }
    }
}

/// How often rows have come, by the variables that tell them apart.
#[derive(Default)]
struct RowCounts {
    /// Where there is one variable.
    values: HashMap<Value, usize, RandomState>,
    rows: HashMap<Vec<Value>, usize, RandomState>,
    /// What the values and rows refer to.
    heap: usize,
}

impl RowCounts {
    /// How many bytes they take, with what growing takes.
    fn bytes(&self) -> usize {
        let tables = self.values.capacity() * size_of::<(Value, usize)>()
            + self.rows.capacity() * size_of::<(Vec<Value>, usize)>();
        2 * tables + self.heap
    }

    fn clear(&mut self) {
        self.values.clear();
        self.rows.clear();
        self.heap = 0;
    }

    /// The count of the row in the frame, if it has come.
    fn get_mut(&mut self, bound: &[Slot], frame: &[Value]) -> Option<&mut usize> {
        match bound {
            [only] => self.values.get_mut(&frame[*only]),
            _ => self.rows.get_mut(&row(bound, frame)),
        }
    }

    /// The row in the frame has come once more.
    fn add(&mut self, bound: &[Slot], frame: &[Value]) {
        if let Some(count) = self.get_mut(bound, frame) {
            *count += 1;
            return;
        }
        match bound {
            [only] => {
                self.heap += frame[*only].heap_bytes();
                self.values.insert(frame[*only].clone(), 1)
            }
            _ => {
                let row = row(bound, frame);
                self.heap += bytes_of(&row);
                self.rows.insert(row, 1)
            }
        };
    }
}

fn row(bound: &[Slot], frame: &[Value]) -> Vec<Value> {
    bound.iter().map(|slot| frame[*slot].clone()).collect()
}

/// The rows of the two sides of an `or`: those of the first, then those of the second that the first
/// has not given already, or not as often.
pub struct Alternatives {
    is_active: bool,
    second: bool,
    branches: [Pipeline; 2],
    /// How often the first has given each row and the second has not, by the variables that they bind.
    given: RowCounts,
    memory: HeldMemory,
}

impl Alternatives {
    fn new(branches: &[Vec<Step>; 2]) -> Alternatives {
        Alternatives {
            is_active: false,
            second: false,
            branches: [0, 1].map(|side| Pipeline::new(branches[side].len())),
            given: RowCounts::default(),
            memory: HeldMemory::default(),
        }
    }

    /// Begins with a row before.
    fn start(&mut self) {
        self.rest();
        self.is_active = true;
    }

    /// Gives up the present row.
    fn rest(&mut self) {
        self.is_active = false;
        self.second = false;
        self.given.clear();
        self.branches.iter_mut().for_each(Pipeline::rest);
    }

    /// Makes the next row in `frame`; `false` if there is none.
    fn next(
        &mut self,
        branches: &[Vec<Step>; 2],
        bound: &[Slot],
        frame: &mut [Value],
        cx: &Cx,
    ) -> Result<bool> {
        if !self.second {
            if self.branches[0].next(&branches[0], frame, cx)? {
                self.given.add(bound, frame);
                let one_side = Operator::named("one side of an 'or'");
                self.memory.set(self.given.bytes(), one_side, &cx.memory)?;
                return Ok(true);
            }
            self.second = true;
        }
        while self.branches[1].next(&branches[1], frame, cx)? {
            match self.given.get_mut(bound, frame) {
                Some(given) if *given > 0 => *given -= 1,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// The rows that steps make of a row before, or one without values.
pub struct OptionalRows {
    is_active: bool,
    /// Whether the present row before has been given with something.
    found: bool,
    steps: Pipeline,
}

impl OptionalRows {
    fn new(steps: usize) -> OptionalRows {
        OptionalRows {
            is_active: false,
            found: false,
            steps: Pipeline::new(steps),
        }
    }

    /// Begins with a row before.
    fn start(&mut self) {
        self.rest();
        self.is_active = true;
    }

    /// Gives up the present row.
    fn rest(&mut self) {
        (self.is_active, self.found) = (false, false);
        self.steps.rest();
    }

    /// Makes the next row in `frame`; `false` if there is none.
    fn next(
        &mut self,
        steps: &[Step],
        bound: &[Slot],
        frame: &mut [Value],
        cx: &Cx,
    ) -> Result<bool> {
        if self.steps.next(steps, frame, cx)? {
            self.found = true;
            return Ok(true);
        }
        // The steps begin again if they are asked once more.
        if std::mem::replace(&mut self.found, true) {
            return Ok(false);
        }
        bound.iter().for_each(|slot| frame[*slot] = Value::Null);
        Ok(true)
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
        if self.stream && self.count > 0 && self.source.is_live() {
            Catalog::of(cx).between_elements()?;
        }
        let element = self.source.next(cx);
        if let Ok(Some(_)) = element {
            Catalog::of(cx).begin_element();
        }
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

    /// Gives up the present row, so that the first row is made next.
    pub fn rest(&mut self) {
        self.cursors.iter_mut().for_each(Cursor::rest);
        self.started = false;
    }

    /// A pipeline in which the step that makes the rows, at `source`, has begun, or the last of those
    /// that were run in batches.
    pub fn resume(steps: usize, source: usize, begun: Cursor) -> Pipeline {
        let mut pipeline = Pipeline::new(steps);
        let at = match &begun {
            Cursor::Batch(rows) => rows.step(),
            _ => source,
        };
        pipeline.cursors[at] = begun;
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
            Cursor::Batch(rows) => rows.is_live() && rows.element().is_some(),
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
        self.cursors[at + 1..].iter_mut().for_each(Cursor::rest);
        if let Cursor::Batch(rows) = &mut self.cursors[at] {
            rows.skip_element();
        }
        failed::set_aside(error, cx)
    }

    /// `error` came while a row was made or looked at: says of which elements of streams it is made.
    pub fn explain(&self, query: &Query, error: Error) -> Error {
        self.explain_steps(&query.steps, &query.names, error)
    }

    /// The same where the steps are a part of a query whose slots have these names.
    pub fn explain_steps(&self, steps: &[Step], names: &[Arc<str>], error: Error) -> Error {
        let running = self.cursors.iter().zip(steps).rev();
        running.fold(error, |error, (cursor, step)| match (cursor, step) {
            (Cursor::Source(taken), Step::Iterate { over, .. }) if taken.stream => {
                element::blame_of(error, taken.count, over, names)
            }
            (Cursor::Join(run), Step::Join(join)) => run.explain(join, names, error),
            (Cursor::Batch(rows), _) => {
                let mut streams = steps.iter().filter_map(|step| match step {
                    Step::Iterate {
                        over, stream: true, ..
                    } => Some(over),
                    _ => None,
                });
                match rows.element().zip(streams.next()) {
                    Some((element, over)) => element::blame_of(error, element, over, names),
                    None => error,
                }
            }
            _ => error,
        })
    }

    /// How many elements of each stream among the steps have been taken.
    pub fn taken(&self) -> impl Iterator<Item = u64> {
        self.cursors.iter().filter_map(|cursor| match cursor {
            Cursor::Source(taken) if taken.stream => Some(taken.count),
            _ => None,
        })
    }

    /// Makes the next row in `frame`; `false` if there is none.
    pub fn next(&mut self, steps: &[Step], frame: &mut [Value], cx: &Cx) -> Result<bool> {
        if self.cursors.len() != steps.len() {
            return Ok(false);
        }
        // One row may take long, and whoever pulls may want many.
        cx.token.check()?;
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
                if self.cursors[at].is_idle() {
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
            Step::Filter(condition) => {
                let goes_on = holds(condition, frame, cx)?;
                if !goes_on && let (Some(written), Some(counts)) = (&condition.span, &cx.row_counts)
                {
                    counts.drop_rows(written, 1);
                }
                return Ok(goes_on);
            }
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
            Step::Act(act) => {
                action::act(act, frame, cx)?;
                return Ok(true);
            }
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
            Step::Join(join) => {
                let mut run = match std::mem::take(&mut self.cursors[at]) {
                    Cursor::Join(run) => run,
                    _ => Box::default(),
                };
                run.start(join, frame, cx)?;
                Cursor::Join(run)
            }
            Step::Alternatives { branches, .. } => {
                let mut either = match std::mem::take(&mut self.cursors[at]) {
                    Cursor::Alternatives(either) => either,
                    _ => Box::new(Alternatives::new(branches)),
                };
                either.start();
                Cursor::Alternatives(either)
            }
            Step::Optional { steps, .. } => {
                let mut rows = match std::mem::take(&mut self.cursors[at]) {
                    Cursor::Optional(rows) => rows,
                    _ => Box::new(OptionalRows::new(steps.len())),
                };
                rows.start();
                Cursor::Optional(rows)
            }
        };
        self.advance(at, step, frame, cx)
    }

    /// Makes the next row of a step that was started before; `false` and idle if there is none.
    fn advance(&mut self, at: usize, step: &Step, frame: &mut [Value], cx: &Cx) -> Result<bool> {
        let made = self.step_on(at, step, frame, cx)?;
        if !made {
            self.cursors[at].rest();
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
            (Cursor::Batch(rows), _) => rows.next(frame, cx),
            (Cursor::Rows(rows), Step::Lookup(lookup)) => rows.bind(lookup, frame, cx),
            (Cursor::Join(run), Step::Join(join)) => run.next(join, frame, cx),
            (Cursor::Alternatives(either), Step::Alternatives { branches, bound }) => {
                either.next(branches, bound, frame, cx)
            }
            (Cursor::Optional(rows), Step::Optional { steps, bound }) => {
                rows.next(steps, bound, frame, cx)
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
            Value::Array(array) => array.shape().first().copied().unwrap_or(0),
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
