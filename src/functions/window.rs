//! Windows over streams: by count, by time, by predicate.

use std::collections::VecDeque;
use std::sync::Arc;

use super::timed::Stamps;
use crate::catalog::Catalog;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Function, Source, Timeval, Value, size};
use crate::run::call::{self, short};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("winagg", winagg).window_aggregates("sliding"),
    Native::new("twinagg", twinagg),
    Native::new("twinagg_if", |_, a| twinagg_if(a, 2, false)),
    Native::new("twinagg_if_kept", |_, a| {
        twinagg_if(a, 3, *a.value(2) == Value::Bool(true))
    }),
    Native::new("predwin", predwin),
];

/// Size and stride of count windows, the second and third argument: whole numbers from 1 up.
pub fn sizes(args: Args) -> Result<(usize, u64)> {
    sizes_from(args, 1)
}

/// The same, from another argument on.
pub fn sizes_from(args: Args, at: usize) -> Result<(usize, u64)> {
    let size = elements(args, at, "size")?;
    let stride = elements(args, at + 1, "stride")?;
    Ok((size::elements(size, "a window", "elements")?, stride as u64))
}

fn elements(args: Args, i: usize, what: &str) -> Result<i64> {
    match args.value(i).as_int() {
        Some(number) if number >= 1 => Ok(number),
        _ => Err(Error::run(format!(
            "the {what} of a window is a whole number of elements from 1 up, not {}",
            args.value(i)
        ))),
    }
}

/// At which elements a count window is complete.
pub struct Strides {
    /// How many elements until the next window is complete.
    left: u64,
    stride: u64,
}

impl Strides {
    pub fn new(size: usize, stride: u64) -> Strides {
        Strides {
            left: size as u64,
            stride,
        }
    }

    /// One more element; whether it completes a window.
    pub fn step(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        self.left = self.stride;
        true
    }
}

fn winagg(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, (size, stride)) = (args.collection(0)?.clone(), sizes(args)?);
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Winagg {
            elements: stream.open(cx)?,
            size,
            strides: Strides::new(size, stride),
            window: VecDeque::new(),
        }))
    })))
}

struct Winagg {
    elements: Box<dyn Source>,
    size: usize,
    strides: Strides,
    window: VecDeque<Value>,
}

impl Source for Winagg {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            if self.window.len() == self.size {
                self.window.pop_front();
            }
            self.window.push_back(value);
            if self.strides.step() {
                return vector(&self.window, cx).map(Some);
            }
        }
        Ok(None)
    }
}

fn vector(window: &VecDeque<Value>, cx: &Cx) -> Result<Value> {
    cx.token.looks().steps(window.len())?;
    let (front, back) = window.as_slices();
    if back.is_empty() {
        return Ok(Value::Vector(front.into()));
    }
    Ok(Value::vector(window.iter().cloned()))
}

/// The values of a window by time.
fn values(window: &VecDeque<(i64, Value)>, cx: &Cx) -> Result<Value> {
    cx.token.looks().steps(window.len())?;
    Ok(Value::vector(window.iter().map(|(_, value)| value.clone())))
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

/// A stream of stamped values with their times.
struct Stamped {
    elements: Box<dyn Source>,
    stamps: Stamps,
}

impl Stamped {
    fn next(&mut self, cx: &Cx) -> Result<Option<(i64, Arc<Timeval>)>> {
        let Some(element) = self.elements.next(cx)? else {
            return Ok(None);
        };
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

/// What a stamped element contributes to a window: the value that it stamps, or the time itself; where
/// the stamps are kept, the element as it is.
fn contribution(time: &Arc<Timeval>, keep_stamps: bool) -> Value {
    match &time.value {
        Some(value) if !keep_stamps => value.clone(),
        _ => Value::Time(time.clone()),
    }
}

fn twinagg(_: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    let (size, stride) = (span(args, 1, "size")?, span(args, 2, "stride")?);
    let start = match args.value(3) {
        Value::Time(start) => Some(start.micros),
        _ => None,
    };
    let keep_stamps = *args.value(3) == Value::Bool(true);
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Twinagg {
            elements: Stamped {
                elements: stream.open(cx)?,
                stamps: Stamps::new("twinagg"),
            },
            size,
            stride,
            start,
            keep_stamps,
            window: VecDeque::new(),
            ahead: None,
        }))
    })))
}

struct Twinagg {
    elements: Stamped,
    size: i64,
    stride: i64,
    /// Where the present window starts; known from the first element on.
    start: Option<i64>,
    keep_stamps: bool,
    /// Elements of the present window, and those after its start that belong to later ones.
    window: VecDeque<(i64, Value)>,
    /// An element that is beyond the end of the present window.
    ahead: Option<(i64, Value)>,
}

impl Source for Twinagg {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if self.ahead.is_none() {
                let Some((time, stamped)) = self.elements.next(cx)? else {
                    return self.last(cx);
                };
                self.ahead = Some((time, contribution(&stamped, self.keep_stamps)));
            }
            if let Some(window) = self.advance(cx)? {
                return Ok(Some(window));
            }
        }
    }
}

impl Twinagg {
    /// The window that was not over when the stream ended, once.
    fn last(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let window = match self.start {
            Some(start) => self.closed(start.saturating_add(self.size), cx)?,
            None => None,
        };
        self.window.clear();
        Ok(window)
    }

    /// The present window, stamped with its end, if it has elements.
    fn closed(&self, end: i64, cx: &Cx) -> Result<Option<Value>> {
        if self.window.is_empty() {
            return Ok(None);
        }
        let window = Timeval::at(end).stamp(values(&self.window, cx)?);
        Ok(Some(Value::Time(Arc::new(window))))
    }

    /// Takes the element that is ahead into the present window, or closes that window and goes on to
    /// the next; gives the closed window if it has elements.
    fn advance(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some((time, value)) = self.ahead.take() else {
            return Ok(None);
        };
        let start = *self.start.get_or_insert(time);
        let end = start.saturating_add(self.size);
        if time < end {
            if time >= start {
                self.window.push_back((time, value));
            }
            return Ok(None);
        }
        let closed = self.closed(end, cx)?;
        self.start = Some(self.next_start(start, time));
        self.forget();
        self.ahead = Some((time, value));
        Ok(closed)
    }

    /// The start of the next window; a silence is skipped, as its windows have no elements.
    fn next_start(&self, start: i64, time: i64) -> i64 {
        let next = start.saturating_add(self.stride);
        let oldest = self
            .window
            .iter()
            .map(|(time, _)| *time)
            .find(|t| *t >= next);
        let until = oldest.unwrap_or(time);
        let silent = until.saturating_sub(next).saturating_sub(self.size) / self.stride;
        next.saturating_add(silent.max(0).saturating_mul(self.stride))
    }

    fn forget(&mut self) {
        let start = self.start.unwrap_or(i64::MIN);
        while self.window.front().is_some_and(|(time, _)| *time < start) {
            self.window.pop_front();
        }
    }
}

/// The predicate is argument `at`; what it gets beside the element is behind it.
fn twinagg_if(args: Args, at: usize, keep_stamps: bool) -> Result<Option<Value>> {
    let (stream, size) = (args.collection(0)?.clone(), span(args, 1, "size")?);
    let predicate = args.function(at)?.clone();
    let arguments: Vec<Value> = args.0.get(at + 1).cloned().into_iter().collect();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(TwinaggIf {
            elements: Stamped {
                elements: stream.open(cx)?,
                stamps: Stamps::new("twinagg"),
            },
            size,
            predicate: predicate.clone(),
            arguments: arguments.clone(),
            keep_stamps,
            window: VecDeque::new(),
        }))
    })))
}

struct TwinaggIf {
    elements: Stamped,
    size: i64,
    predicate: Arc<Function>,
    /// What the predicate gets beside the element.
    arguments: Vec<Value>,
    keep_stamps: bool,
    window: VecDeque<(i64, Value)>,
}

impl Source for TwinaggIf {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some((time, stamped)) = self.elements.next(cx)? {
            let element = contribution(&stamped, self.keep_stamps);
            self.window.push_back((time, element));
            let out = time.saturating_sub(self.size);
            while self.window.front().is_some_and(|(time, _)| *time <= out) {
                self.window.pop_front();
            }
            let mut args = vec![Value::Time(stamped)];
            args.extend(self.arguments.iter().cloned());
            if holds(&self.predicate, args, cx)? {
                let window = Timeval::at(time).stamp(values(&self.window, cx)?);
                return Ok(Some(Value::Time(Arc::new(window))));
            }
        }
        Ok(None)
    }
}

/// Whether a predicate, looked up anew each time, has a result that is not false.
fn holds(predicate: &Arc<Function>, args: Vec<Value>, cx: &Cx) -> Result<bool> {
    let predicate = current(predicate, cx)?;
    Ok(match call::function(&predicate, args, cx)? {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(value) if value.is_collection() => {
            let mut elements = value.elements(cx)?;
            elements.next(cx)?.is_some_and(|v| v != Value::Bool(false))
        }
        Some(_) => true,
    })
}

/// What the predicate's definition is by now.
fn current(predicate: &Arc<Function>, cx: &Cx) -> Result<Arc<Function>> {
    if predicate.is_generic() || !predicate.is_user() {
        return Ok(predicate.clone());
    }
    let resolvents = Catalog::of(cx).functions.resolvents(predicate.name())?;
    let same = |f: &&Arc<Function>| f.signature.same_arguments(&predicate.signature);
    Ok(resolvents.iter().find(same).unwrap_or(predicate).clone())
}

fn predwin(_: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    let size = size::elements(elements(args, 1, "size")?, "a window", "elements")?;
    let parameter = args.value(2).clone();
    let (enter, leave) = (args.function(3)?.clone(), args.function(4)?.clone());
    let entered = *args.value(5) == Value::Bool(true);
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Predwin {
            elements: stream.open(cx)?,
            latest: VecDeque::new(),
            size,
            parameter: parameter.clone(),
            enter: enter.clone(),
            leave: leave.clone(),
            window: entered.then(Vec::new),
        }))
    })))
}

struct Predwin {
    elements: Box<dyn Source>,
    /// What the predicates are asked about, once there are `size` of them.
    latest: VecDeque<Value>,
    size: usize,
    parameter: Value,
    enter: Arc<Function>,
    leave: Arc<Function>,
    /// The window that has been entered.
    window: Option<Vec<Value>>,
}

impl Predwin {
    fn asked(&self, predicate: &Arc<Function>, cx: &Cx) -> Result<bool> {
        if self.latest.len() < self.size {
            return Ok(false);
        }
        holds(
            predicate,
            vec![vector(&self.latest, cx)?, self.parameter.clone()],
            cx,
        )
    }
}

impl Source for Predwin {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            if self.latest.len() == self.size {
                self.latest.pop_front();
            }
            self.latest.push_back(value.clone());
            let mut closed = None;
            if self.window.is_some() && self.asked(&self.leave, cx)? {
                closed = self.window.take();
            }
            if self.window.is_none() && self.asked(&self.enter, cx)? {
                self.window = Some(Vec::new());
            }
            if let Some(window) = &mut self.window {
                window.push(value);
                size::check_elements(window.len(), "a window")?;
            }
            if let Some(closed) = closed.filter(|closed| !closed.is_empty()) {
                return Ok(Some(Value::vector(closed)));
            }
        }
        Ok(None)
    }
}
