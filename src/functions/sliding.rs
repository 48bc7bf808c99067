//! Aggregates over windows at the same cost per element whatever the windows' size.

mod lane;
mod timed;

use std::collections::VecDeque;

use super::window::{Strides, count_windows, sizes};
use crate::model::memory::{HeldMemory, Operator};
use crate::model::native::{AggregateKind, Native, Natives};
use crate::model::{Args, BatchColumn, Cx, Numbers, Source, Value};
use crate::run::aggregate::sliding::{Number, Slid, SlidingAggregate, Steps};
use crate::text::diagnostic::{Error, Result};
use lane::{WantedAggregate, WindowLane};

pub const NATIVES: Natives = &[
    Native::new("sliding", sliding).rows(count_windows),
    Native::new("sliding_time", timed::sliding_time).rows(|of| Some(of.taken? / 10.0)),
];

fn sliding(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, (size, stride)) = (args.collection(0)?.clone(), sizes(args)?);
    let wanted = WantedAggregate::all(args.vector(3)?, cx)?;
    Ok(Some(Value::stream_from(move |cx| {
        // One number has no deviation, and a batch no place for that. Of records there are no batches.
        let takes_batches = |wanted: &WantedAggregate| {
            (size > 1 || wanted.kind != AggregateKind::Stdev) && !wanted.is_of_field()
        };
        Ok(Box::new(Sliding {
            elements: stream.open(cx)?,
            size,
            strides: Strides::new(size, stride),
            lanes: WindowLane::of_all(&wanted),
            results: wanted.len(),
            count: 0,
            batches: wanted.iter().all(takes_batches),
            numbers: Moving::None,
            ahead: Vec::new().into_iter(),
            pending: None,
            memory: HeldMemory::default(),
        }))
    })))
}

struct Sliding {
    elements: Box<dyn Source>,
    size: usize,
    strides: Strides,
    /// The window; one of the elements alone as long as they are taken in batches.
    lanes: Vec<WindowLane>,
    /// How many results each window has.
    results: usize,
    /// How many elements there have been.
    count: u64,
    /// Whether elements may still be taken in batches; `numbers` is then the window.
    batches: bool,
    numbers: Moving,
    /// Elements of a batch that are to be taken one by one.
    ahead: std::vec::IntoIter<Value>,
    /// What went wrong behind the results that were given, and how many elements there had been then.
    pending: Option<(Error, u64)>,
    memory: HeldMemory,
}

impl Source for Sliding {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some((error, count)) = self.pending.take() {
            self.count = count;
            return Err(error);
        }
        if self.batches {
            self.batches = false;
            let numbers = std::mem::replace(&mut self.numbers, Moving::None);
            for lane in &mut self.lanes {
                lane.go_on(numbers.clone().values(), self.count);
            }
        }
        loop {
            let value = match self.ahead.next() {
                Some(value) => value,
                None => match self.elements.next(cx)? {
                    Some(value) => value,
                    None => return Ok(None),
                },
            };
            self.enter(&value, cx)?;
            if self.strides.step() {
                return self.results(cx).map(Some);
            }
        }
    }

    fn taken(&self) -> Option<u64> {
        Some(self.count)
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        if !self.batches || self.pending.is_some() {
            return Ok(None);
        }
        let Some(batch) = self.elements.numbers(cx)? else {
            return Ok(None);
        };
        let fits = match (&mut self.numbers, batch) {
            (Moving::None, Numbers::Ints(ints)) => {
                self.numbers = Moving::Ints(ints.into());
                true
            }
            (Moving::None, Numbers::Reals(reals)) => {
                self.numbers = Moving::Reals(reals.into());
                true
            }
            (Moving::Ints(window), Numbers::Ints(ints)) => {
                window.extend(ints);
                true
            }
            (Moving::Reals(window), Numbers::Reals(reals)) => {
                window.extend(reals);
                true
            }
            (_, batch) => {
                self.ahead = batch.values().into_iter();
                false
            }
        };
        if !fits {
            return Ok(None);
        }
        self.count_memory(self.numbers.len() * size_of::<i64>(), cx)?;
        Ok(Some(
            self.slide().into_iter().map(BatchColumn::from).collect(),
        ))
    }
}

/// A window of numbers of one kind.
#[derive(Clone)]
enum Moving {
    /// There has been no batch.
    None,
    Ints(VecDeque<i64>),
    Reals(VecDeque<f64>),
}

impl Moving {
    fn len(&self) -> usize {
        match self {
            Moving::None => 0,
            Moving::Ints(window) => window.len(),
            Moving::Reals(window) => window.len(),
        }
    }

    fn values(self) -> Vec<Value> {
        match self {
            Moving::None => Vec::new(),
            Moving::Ints(window) => window.into_iter().map(Value::Int).collect(),
            Moving::Reals(window) => window.into_iter().map(Value::Real).collect(),
        }
    }
}

/// A batch that stands behind the window.
struct Batch<'a> {
    /// Numbers of the window.
    held: usize,
    size: usize,
    /// Elements of the stream before the batch.
    count: u64,
    /// Whether a window is complete with each number.
    complete: &'a [bool],
}

impl Batch<'_> {
    /// The results of each aggregate; `window` is then what the next batch stands behind.
    fn slide<T: Number>(
        &self,
        aggregates: &mut [SlidingAggregate],
        window: &mut VecDeque<T>,
    ) -> Vec<Slid> {
        let steps = Steps {
            all: window.make_contiguous(),
            held: self.held,
            size: self.size,
            count: self.count,
            complete: self.complete,
        };
        let results = aggregates.iter_mut().map(|a| a.slide(&steps)).collect();
        let gone = window.len().saturating_sub(self.size);
        window.drain(..gone);
        results
    }
}

impl Sliding {
    /// Moves over a batch that stands behind the window by now: the results, aggregate by aggregate.
    fn slide(&mut self) -> Vec<Numbers> {
        let held = (self.count as usize).min(self.size);
        let come = self.numbers.len() - held;
        let complete: Vec<bool> = (0..come).map(|_| self.strides.step()).collect();
        let (size, count) = (self.size, self.count);
        let batch = Batch {
            held,
            size,
            count,
            complete: &complete,
        };
        let results = match (&mut self.numbers, self.lanes.first_mut()) {
            (Moving::None, _) | (_, None) => Vec::new(),
            (Moving::Ints(window), Some(lane)) => batch.slide(&mut lane.aggregates, window),
            (Moving::Reals(window), Some(lane)) => batch.slide(&mut lane.aggregates, window),
        };
        self.count += come as u64;
        let rows = results
            .iter()
            .map(|slid| slid.numbers.len())
            .min()
            .unwrap_or(0);
        let mut columns = Vec::with_capacity(results.len());
        for Slid { mut numbers, error } in results {
            if let Some(error) = error
                && numbers.len() == rows
                && self.pending.is_none()
            {
                let failed = complete.iter().enumerate().filter(|(_, c)| **c).nth(rows);
                let elements = failed.map_or(0, |(at, _)| at as u64 + 1);
                self.pending = Some((error, count + elements));
            }
            numbers.truncate(rows);
            columns.push(numbers);
        }
        columns
    }

    fn enter(&mut self, value: &Value, cx: &Cx) -> Result<()> {
        for lane in &mut self.lanes {
            if lane.window.len() == self.size {
                lane.leave();
            }
            lane.enter(value);
        }
        self.count += 1;
        let bytes = self.lanes.iter().map(WindowLane::bytes).sum();
        self.count_memory(bytes, cx)
    }

    fn count_memory(&mut self, bytes: usize, cx: &Cx) -> Result<()> {
        let windows = Operator::named("winagg");
        self.memory.set(bytes, windows, &cx.memory)
    }

    fn results(&self, cx: &Cx) -> Result<Value> {
        let mut results = vec![Value::Null; self.results];
        for lane in &self.lanes {
            lane.results(&mut results, cx)?;
        }
        Ok(Value::vector(results))
    }
}
