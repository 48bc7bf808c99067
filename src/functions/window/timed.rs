//! Windows by time, over streams of stamped values.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{CountedWindow, holds};
use crate::functions::timed::Stamps;
use crate::model::column::Times;
use crate::model::{Args, BatchColumn, Cx, Function, Source, Timeval, Value};
use crate::run::call::short;
use crate::text::diagnostic::{Error, Result};

/// The values of a window.
fn values(window: &CountedWindow, cx: &Cx) -> Result<Value> {
    cx.token.looks().steps(window.len())?;
    Ok(Value::vector(window.iter().cloned()))
}

/// A duration in microseconds, above 0.
fn span(args: Args, i: usize, what: &str) -> Result<i64> {
    let seconds = args.real(i)?;
    let micros = (seconds * 1e6).round();
    if (1.0..9e15).contains(&micros) {
        return Ok(micros as i64);
    }
    Err(Error::run(format!(
        "the {what} of a time window is a number of seconds above 0, not {}",
        args.value(i)
    )))
}

/// A stream of stamped values with their times, which never go back.
pub struct Stamped {
    elements: Box<dyn Source>,
    stamps: Stamps,
    /// What has been taken many at a time, and how many of those have been given.
    ahead: Option<(Times, usize)>,
    /// Whether elements may still come many at a time.
    batches: bool,
    /// Elements of a batch that are to be taken one by one.
    other: std::vec::IntoIter<Value>,
    /// How many elements have been given.
    count: u64,
}

impl Stamped {
    pub fn new(elements: Box<dyn Source>) -> Stamped {
        Stamped {
            elements,
            stamps: Stamps::new("twinagg"),
            ahead: None,
            batches: true,
            other: vec![].into_iter(),
            count: 0,
        }
    }

    /// The next elements, many at a time, where they come so.
    pub fn times(&mut self, cx: &Cx) -> Result<Option<Times>> {
        if !self.batches || self.ahead.is_some() {
            return Ok(None);
        }
        match self.elements.column(cx)? {
            Some(BatchColumn::Times(times)) => Ok(Some(times)),
            Some(other) => {
                self.other = other.values().into_iter();
                self.batches = false;
                Ok(None)
            }
            None => {
                self.batches = false;
                Ok(None)
            }
        }
    }

    /// Gives elements of such a batch back, from a row on.
    pub fn give_back(&mut self, times: Times, row: usize) {
        self.ahead = Some((times, row));
    }

    /// The time of an element of such a batch; an error if it goes back.
    #[inline]
    pub fn check(&mut self, times: &Times, row: usize) -> Result<i64> {
        self.count += 1;
        self.stamps.next_micros(times.micros()[row])
    }

    /// How many elements have been given.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next element, and its time.
    pub fn next(&mut self, cx: &Cx) -> Result<Option<(i64, Arc<Timeval>)>> {
        loop {
            if let Some((times, row)) = &mut self.ahead {
                let Some(Value::Time(time)) = times.value(*row) else {
                    self.ahead = None;
                    continue;
                };
                *row += 1;
                self.count += 1;
                let micros = self.stamps.next_micros(time.micros)?;
                return Ok(Some((micros, time)));
            }
            if let Some(times) = self.times(cx)? {
                self.ahead = Some((times, 0));
                continue;
            }
            return self.next_alone(cx);
        }
    }

    fn next_alone(&mut self, cx: &Cx) -> Result<Option<(i64, Arc<Timeval>)>> {
        let element = match self.other.next() {
            Some(element) => Some(element),
            None => self.elements.next(cx)?,
        };
        let Some(element) = element else {
            return Ok(None);
        };
        self.count += 1;
        let Value::Time(time) = &element else {
            return Err(self
                .stamps
                .next(None, &element)
                .err()
                .unwrap_or_else(|| Error::run(format!("{} has no time stamp", short(&element)))));
        };
        let stamp = self.stamps.next(Some(time.micros), &element)?;
        Ok(Some((stamp, time.clone())))
    }
}

/// What a stamped element contributes to a window: the value that it stamps, or the time itself.
pub fn stamped_value(time: &Timeval) -> Value {
    match &time.value {
        Some(value) => value.clone(),
        None => Value::Time(Arc::new(Timeval::at(time.micros))),
    }
}

/// The size, stride and start of windows, and where the present one stands.
#[derive(Clone)]
pub struct TimeBounds {
    size: i64,
    stride: i64,
    /// Where the present window starts; known from the first element on.
    start: Option<i64>,
}

/// Where an element stands beside the present window.
#[derive(PartialEq)]
pub enum TimePlace {
    /// Before its start: it is in no window.
    Before,
    Within,
    /// At its end or behind: the window is over.
    Behind,
}

impl TimeBounds {
    /// By the arguments of `twinagg`, behind which so many others stand.
    pub fn of(args: Args, others: usize) -> Result<TimeBounds> {
        Ok(TimeBounds {
            size: span(args, 1, "size")?,
            stride: span(args, 2, "stride")?,
            start: match args.len() - others {
                4 => Some(args.time(3)?.micros),
                _ => None,
            },
        })
    }

    #[inline]
    pub fn place(&mut self, time: i64) -> TimePlace {
        let start = *self.start.get_or_insert(time);
        if time >= start.saturating_add(self.size) {
            TimePlace::Behind
        } else if time >= start {
            TimePlace::Within
        } else {
            TimePlace::Before
        }
    }

    /// The present window is over, as there is an element at `time`: goes on to the next, and gives the end
    /// of the present one and the start of the next. `window` has the times of the elements that there
    /// are. A silence is skipped, as its windows have no elements.
    pub fn close(&mut self, time: i64, mut window: impl Iterator<Item = i64>) -> (i64, i64) {
        let start = self.start.unwrap_or(time);
        let next = start.saturating_add(self.stride);
        let until = window.find(|time| *time >= next).unwrap_or(time);
        let silent = until.saturating_sub(next).saturating_sub(self.size) / self.stride;
        let next = next.saturating_add(silent.max(0).saturating_mul(self.stride));
        self.start = Some(next);
        (start.saturating_add(self.size), next)
    }
}

pub fn twinagg(_: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    let bounds = TimeBounds::of(args, 0)?;
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Twinagg {
            elements: Stamped::new(stream.open(cx)?),
            bounds: bounds.clone(),
            window: TimedWindow::default(),
            ahead: None,
        }))
    })))
}

/// The elements of a window, with their times.
#[derive(Default)]
struct TimedWindow {
    times: VecDeque<i64>,
    values: CountedWindow,
}

impl TimedWindow {
    fn push(&mut self, time: i64, value: Value, cx: &Cx) -> Result<()> {
        self.times.push_back(time);
        self.values.push(value, "twinagg", cx)
    }

    /// Takes away what is before `start`.
    fn forget(&mut self, start: i64) {
        while self.times.front().is_some_and(|time| *time < start) {
            self.times.pop_front();
            self.values.pop();
        }
    }
}

struct Twinagg {
    elements: Stamped,
    bounds: TimeBounds,
    /// Elements of the present window, and those after its start that belong to later ones.
    window: TimedWindow,
    /// An element that is beyond the end of the present window.
    ahead: Option<(i64, Value)>,
}

impl Source for Twinagg {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if self.ahead.is_none() {
                let Some((time, stamped)) = self.elements.next(cx)? else {
                    return Ok(None);
                };
                self.ahead = Some((time, stamped_value(&stamped)));
            }
            if let Some(window) = self.advance(cx)? {
                return Ok(Some(window));
            }
        }
    }

    fn taken(&self) -> Option<u64> {
        Some(self.elements.count())
    }
}

impl Twinagg {
    /// Takes the element that is ahead into the present window, or closes that window and goes on to
    /// the next; gives the closed window if it has elements.
    fn advance(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some((time, value)) = self.ahead.take() else {
            return Ok(None);
        };
        match self.bounds.place(time) {
            TimePlace::Before => return Ok(None),
            TimePlace::Within => {
                self.window.push(time, value, cx)?;
                return Ok(None);
            }
            TimePlace::Behind => self.ahead = Some((time, value)),
        }
        let is_empty = self.window.times.is_empty();
        let (end, next) = self.bounds.close(time, self.window.times.iter().copied());
        let closed = match is_empty {
            true => None,
            false => Some(Timeval::at(end).stamp(values(&self.window.values, cx)?)),
        };
        self.window.forget(next);
        Ok(closed.map(|window| Value::Time(Arc::new(window))))
    }
}

pub fn twinagg_if(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, size) = (args.collection(0)?.clone(), span(args, 1, "size")?);
    let predicate = args.function(2)?.clone();
    let arguments: Vec<Value> = args.0.get(3).cloned().into_iter().collect();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(TwinaggIf {
            elements: Stamped::new(stream.open(cx)?),
            size,
            predicate: predicate.clone(),
            arguments: arguments.clone(),
            window: TimedWindow::default(),
        }))
    })))
}

struct TwinaggIf {
    elements: Stamped,
    size: i64,
    predicate: Arc<Function>,
    /// What the predicate gets beside the element.
    arguments: Vec<Value>,
    window: TimedWindow,
}

impl Source for TwinaggIf {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some((time, stamped)) = self.elements.next(cx)? {
            self.window.push(time, stamped_value(&stamped), cx)?;
            let out = time.saturating_sub(self.size);
            self.window.forget(out.saturating_add(1));
            let mut args = vec![Value::Time(stamped)];
            args.extend(self.arguments.iter().cloned());
            if holds(&self.predicate, args, cx)? {
                let window = Timeval::at(time).stamp(values(&self.window.values, cx)?);
                return Ok(Some(Value::Time(Arc::new(window))));
            }
        }
        Ok(None)
    }

    fn taken(&self) -> Option<u64> {
        Some(self.elements.count())
    }
}
