//! Windows over streams: by count, by time, by predicate.

pub mod timed;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::memory::{Collecting, HeldMemory, Operator};
use crate::model::native::{Native, Natives, RowsOf};
use crate::model::{Args, Cx, Function, Source, Value};
use crate::run::call;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("winagg", winagg)
        .window_aggregates("sliding")
        .rows(count_windows),
    Native::new("twinagg", timed::twinagg)
        .stamped_window_aggregates("sliding_time")
        .rows(|of| Some(of.taken? / 10.0)),
    Native::new("twinagg_if", timed::twinagg_if),
    Native::new("predwin", predwin),
];

/// How many count windows there are of a known number of elements.
pub fn count_windows(of: RowsOf) -> Option<f64> {
    let (size, stride) = (of.number(1)?, of.number(2)?);
    Some(
        ((of.taken? - size) / stride.max(1.0) + 1.0)
            .floor()
            .max(0.0),
    )
}

/// Size and stride of count windows: whole numbers from 1 up.
pub fn sizes(args: Args) -> Result<(usize, u64)> {
    let size = elements(args, 1, "size")?;
    let stride = elements(args, 2, "stride")?;
    Ok((size as usize, stride as u64))
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
            left: stride.max(size as u64),
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
            window: CountedWindow::default(),
        }))
    })))
}

/// The elements of a window, which knows how many bytes they take.
#[derive(Default)]
struct CountedWindow {
    elements: VecDeque<Value>,
    heap: usize,
    memory: HeldMemory,
}

impl CountedWindow {
    fn len(&self) -> usize {
        self.elements.len()
    }

    /// Adds an element; `function` is what holds it.
    fn push(&mut self, element: Value, function: &str, cx: &Cx) -> Result<()> {
        self.heap += element.heap_bytes();
        self.elements.push_back(element);
        let bytes = self.elements.len() * size_of::<Value>() + self.heap;
        self.memory
            .set(bytes, Operator::named(function), &cx.memory)
    }

    fn pop(&mut self) -> Option<Value> {
        let element = self.elements.pop_front()?;
        self.heap = self.heap.saturating_sub(element.heap_bytes());
        Some(element)
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.elements.iter()
    }
}

struct Winagg {
    elements: Box<dyn Source>,
    size: usize,
    strides: Strides,
    window: CountedWindow,
}

impl Source for Winagg {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            if self.window.len() == self.size {
                self.window.pop();
            }
            self.window.push(value, "winagg", cx)?;
            if self.strides.step() {
                return vector(&self.window.elements, cx).map(Some);
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
    let size = elements(args, 1, "size")? as usize;
    let parameter = args.value(2).clone();
    let (enter, leave) = (args.function(3)?.clone(), args.function(4)?.clone());
    let entered = *args.value(5) == Value::Bool(true);
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Predwin {
            elements: stream.open(cx)?,
            latest: CountedWindow::default(),
            size,
            parameter: parameter.clone(),
            enter: enter.clone(),
            leave: leave.clone(),
            window: entered.then(|| Collecting::new(PREDWIN)),
        }))
    })))
}

const PREDWIN: Operator = Operator {
    name: "predwin",
    span: None,
};

struct Predwin {
    elements: Box<dyn Source>,
    /// What the predicates are asked about, once there are `size` of them.
    latest: CountedWindow,
    size: usize,
    parameter: Value,
    enter: Arc<Function>,
    leave: Arc<Function>,
    /// The window that has been entered.
    window: Option<Collecting<'static>>,
}

impl Predwin {
    fn asked(&self, predicate: &Arc<Function>, cx: &Cx) -> Result<bool> {
        if self.latest.len() < self.size {
            return Ok(false);
        }
        holds(
            predicate,
            vec![vector(&self.latest.elements, cx)?, self.parameter.clone()],
            cx,
        )
    }
}

impl Source for Predwin {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            if self.latest.len() == self.size {
                self.latest.pop();
            }
            self.latest.push(value.clone(), "predwin", cx)?;
            let mut closed = None;
            if self.window.is_some() && self.asked(&self.leave, cx)? {
                closed = self.window.take();
            }
            if self.window.is_none() && self.asked(&self.enter, cx)? {
                self.window = Some(Collecting::new(PREDWIN));
            }
            if let Some(window) = &mut self.window {
                window.push(value, &cx.memory)?;
            }
            if let Some(closed) = closed.filter(|closed| !closed.is_empty()) {
                return closed.into_vector(&cx.memory).map(Some);
            }
        }
        Ok(None)
    }
}
