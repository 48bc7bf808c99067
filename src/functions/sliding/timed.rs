//! Aggregates over windows by time.

use std::collections::VecDeque;

use super::lane::{WantedAggregate, WindowLane};
use crate::functions::window::timed::{Stamped, TimeBounds, TimePlace, stamped_value};
use crate::model::column::{ColumnBuilder, Times};
use crate::model::memory::{HeldMemory, Operator};
use crate::model::{Args, BatchColumn, Cx, Source, Timeval, Value};
use crate::text::diagnostic::{Error, Result};

pub fn sliding_time(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    let bounds = TimeBounds::of(args, 1)?;
    let wanted = WantedAggregate::all(args.vector(args.len() - 1)?, cx)?;
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(SlidingTime {
            elements: Stamped::new(stream.open(cx)?),
            windows: TimeWindows {
                bounds: bounds.clone(),
                times: VecDeque::new(),
                lanes: WindowLane::of_all(&wanted),
                results: wanted.len(),
                memory: HeldMemory::default(),
            },
            ahead: None,
            given: vec![].into_iter(),
            failed: None,
        }))
    })))
}

/// The present window, and the elements behind it that belong to later ones.
struct TimeWindows {
    bounds: TimeBounds,
    times: VecDeque<i64>,
    lanes: Vec<WindowLane>,
    /// How many results each window has.
    results: usize,
    memory: HeldMemory,
}

/// A window that is over: its end, and the results over it.
struct ClosedWindow {
    end: i64,
    results: Vec<Value>,
}

impl ClosedWindow {
    fn value(self) -> Value {
        let end = Value::Time(Timeval::at(self.end).into());
        Value::vector(std::iter::once(end).chain(self.results))
    }
}

impl TimeWindows {
    /// Takes an element; `false` if the present window is over before it, and has to be closed first.
    #[inline]
    fn take(&mut self, time: i64, value: impl FnOnce() -> Value, cx: &Cx) -> Result<bool> {
        match self.bounds.place(time) {
            TimePlace::Before => return Ok(true),
            TimePlace::Behind => return Ok(false),
            TimePlace::Within => {}
        }
        let value = value();
        self.times.push_back(time);
        self.lanes.iter_mut().for_each(|lane| lane.enter(&value));
        let lanes = self.lanes.iter().map(WindowLane::bytes).sum::<usize>();
        let bytes = lanes + self.times.len() * size_of::<i64>();
        self.memory
            .set(bytes, Operator::named("twinagg"), &cx.memory)?;
        Ok(true)
    }

    /// Closes the present window, as there is an element at `time`; nothing if it had no elements.
    fn close(&mut self, time: i64, cx: &Cx) -> Result<Option<ClosedWindow>> {
        let is_empty = self.times.is_empty();
        let (end, next) = self.bounds.close(time, self.times.iter().copied());
        let mut results = vec![Value::Null; if is_empty { 0 } else { self.results }];
        let mut aggregated = Ok(());
        if !is_empty {
            aggregated = self
                .lanes
                .iter()
                .try_for_each(|lane| lane.results(&mut results, cx));
        }
        // The next window begins whatever comes of this one.
        self.forget(next);
        aggregated?;
        Ok((!is_empty).then_some(ClosedWindow { end, results }))
    }

    /// Takes away what is before `start`.
    fn forget(&mut self, start: i64) {
        if self.times.back().is_some_and(|time| *time < start) {
            self.times.clear();
            self.lanes.iter_mut().for_each(WindowLane::clear);
            return;
        }
        while self.times.front().is_some_and(|time| *time < start) {
            self.times.pop_front();
            self.lanes.iter_mut().for_each(WindowLane::leave);
        }
    }
}

struct SlidingTime {
    elements: Stamped,
    windows: TimeWindows,
    /// An element that is beyond the end of the present window.
    ahead: Option<(i64, Value)>,
    /// Windows that wait to be taken one by one.
    given: std::vec::IntoIter<ClosedWindow>,
    /// What went wrong behind the windows that were given.
    failed: Option<Error>,
}

impl SlidingTime {
    /// The windows that are over with the elements of a batch, up to an error. What is behind that is
    /// taken one by one.
    fn windows_of(&mut self, times: Times, cx: &Cx) -> Vec<ClosedWindow> {
        let mut closed = Vec::new();
        for row in 0..times.len() {
            if let Err(error) = self.take_row(&times, row, &mut closed, cx) {
                self.failed = Some(error);
                self.elements.give_back(times, row + 1);
                break;
            }
        }
        closed
    }

    fn take_row(
        &mut self,
        times: &Times,
        row: usize,
        closed: &mut Vec<ClosedWindow>,
        cx: &Cx,
    ) -> Result<()> {
        let time = self.elements.check(times, row)?;
        let value = || match times.values() {
            Some(values) => values.value(row).unwrap_or(Value::Null),
            None => Value::Time(Timeval::at(time).into()),
        };
        while !self.windows.take(time, value, cx)? {
            match self.windows.close(time, cx) {
                Ok(window) => closed.extend(window),
                Err(error) => {
                    // What failed is the window before the element.
                    self.ahead = Some((time, value()));
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl Source for SlidingTime {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(closed) = self.given.next() {
                return Ok(Some(closed.value()));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let (time, value) = match self.ahead.take() {
                Some(ahead) => ahead,
                None => match self.elements.next(cx)? {
                    Some((time, stamped)) => (time, stamped_value(&stamped)),
                    None => return Ok(None),
                },
            };
            if !self.windows.take(time, || value.clone(), cx)? {
                self.ahead = Some((time, value));
                if let Some(closed) = self.windows.close(time, cx)? {
                    return Ok(Some(closed.value()));
                }
            }
        }
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        if self.given.len() > 0 || self.failed.is_some() || self.ahead.is_some() {
            return Ok(None);
        }
        let Some(times) = self.elements.times(cx)? else {
            return Ok(None);
        };
        let closed = self.windows_of(times, cx);
        let is_object = |value: &Value| matches!(value, Value::Object(_));
        if closed
            .iter()
            .any(|closed| closed.results.iter().any(is_object))
        {
            self.given = closed.into_iter();
            return Ok(None);
        }
        let ends = closed.iter().map(|closed| closed.end).collect();
        let mut columns = vec![ColumnBuilder::default(); self.windows.results];
        for closed in closed {
            for (column, result) in columns.iter_mut().zip(closed.results) {
                column.push(result);
            }
        }
        let ends = BatchColumn::Times(Times::new(ends));
        let results = columns.into_iter().map(ColumnBuilder::finish);
        Ok(Some(std::iter::once(ends).chain(results).collect()))
    }

    fn taken(&self) -> Option<u64> {
        Some(self.elements.count())
    }
}
