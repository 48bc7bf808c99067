//! Folds: what functions make of elements one after the other.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::window::{Strides, sizes_from};
use crate::catalog::Catalog;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Function, Source, Value};
use crate::run::call::{self, short};
use crate::run::eval::is_true;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("reduce", reduce),
    Native::new("running", running),
    Native::new("rmax", |_, a| extreme(a, Ordering::Greater)),
    Native::new("rmin", |_, a| extreme(a, Ordering::Less)),
    Native::new("fnoagg", fnoagg),
    Native::new("forall", forall),
];

/// The one value that a function gives. An error where it gives none.
fn applied(function: &Arc<Function>, args: Vec<Value>, cx: &Cx) -> Result<Value> {
    let shown: Vec<String> = args.iter().map(short).collect();
    let given = match call::function(function, args, cx)? {
        Some(many) if many.is_collection() => many.elements(cx)?.next(cx)?,
        other => other,
    };
    given.ok_or_else(|| {
        let (name, shown) = (function.name(), shown.join(","));
        Error::run(format!("{name}({shown}) has no result to go on with"))
    })
}

fn reduce(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let function = args.function(1)?;
    let mut elements = args.open(0, cx)?;
    let mut state = match args.len() {
        3 => Some(args.value(2).clone()),
        _ => elements.next(cx)?,
    };
    while let Some(before) = state.take() {
        let Some(element) = elements.next(cx)? else {
            return Ok(Some(before));
        };
        state = Some(applied(function, vec![before, element], cx)?);
    }
    Ok(None)
}

fn running(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, function) = (args.collection(0)?.clone(), args.function(1)?.clone());
    let initial = args.0.get(2).cloned();
    Ok(Some(Value::stream_from(move |cx| {
        let function = function.clone();
        let step = move |state: Option<Value>, element, cx: &Cx| match state {
            None => Ok(element),
            Some(state) => applied(&function, vec![state, element], cx),
        };
        Ok(Box::new(RunningFold {
            elements: stream.open(cx)?,
            state: initial.clone(),
            step,
        }))
    })))
}

fn extreme(args: Args, wanted: Ordering) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        let step = move |state: Option<Value>, element: Value, _: &Cx| match state {
            Some(state) if element.cmp(&state) != wanted => Ok(state),
            _ => Ok(element),
        };
        Ok(Box::new(RunningFold {
            elements: stream.open(cx)?,
            state: None,
            step,
        }))
    })))
}

/// What a step makes of what came of the elements before, and an element.
struct RunningFold<F> {
    elements: Box<dyn Source>,
    state: Option<Value>,
    step: F,
}

impl<F: Fn(Option<Value>, Value, &Cx) -> Result<Value> + Send> Source for RunningFold<F> {
    fn is_live(&self) -> bool {
        self.elements.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(element) = self.elements.next(cx)? else {
            return Ok(None);
        };
        // Where the step fails on the element of a live stream, it goes on from what was before.
        let state = (self.step)(self.state.clone(), element, cx)?;
        self.state = Some(state.clone());
        Ok(Some(state))
    }
}

/// The functions of an aggregate of one's own.
#[derive(Clone)]
struct OwnAggregate {
    init: Arc<Function>,
    agg: Arc<Function>,
    emit: Arc<Function>,
}

fn fnoagg(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    let aggregate = OwnAggregate {
        init: with_arity(args.function(1)?, 0, cx)?,
        agg: with_arity(args.function(2)?, 2, cx)?,
        emit: with_arity(args.function(3)?, 1, cx)?,
    };
    let windows = match args.len() {
        6 => Some(sizes_from(args, 4)?),
        _ => None,
    };
    Ok(Some(Value::stream_from(move |cx| {
        let (elements, aggregate) = (stream.open(cx)?, aggregate.clone());
        Ok(match windows {
            None => Box::new(OwnRunning {
                elements,
                aggregate,
                state: None,
            }),
            Some((size, stride)) => Box::new(OwnWindows {
                elements,
                aggregate,
                size,
                strides: Strides::new(size, stride),
                window: VecDeque::new(),
            }),
        })
    })))
}

/// The function, which takes so many arguments if it is one resolvent.
fn with_arity(function: &Arc<Function>, arity: usize, cx: &Cx) -> Result<Arc<Function>> {
    let fits = match function.is_generic() {
        true => {
            let resolvents = Catalog::of(cx).functions.resolvents(function.name())?;
            resolvents.iter().any(|f| f.arity() == arity)
        }
        false => function.arity() == arity,
    };
    match fits {
        true => Ok(function.clone()),
        false => Err(Error::run(format!(
            "'{}' does not take {arity} arguments, as fnoagg wants here",
            function.name()
        ))
        .help("fnoagg(s,init,agg,emit): init(), agg(state,element), emit(state)")),
    }
}

struct OwnRunning {
    elements: Box<dyn Source>,
    aggregate: OwnAggregate,
    state: Option<Value>,
}

impl Source for OwnRunning {
    fn is_live(&self) -> bool {
        self.elements.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(element) = self.elements.next(cx)? else {
            return Ok(None);
        };
        let OwnAggregate { init, agg, emit } = &self.aggregate;
        let before = match &self.state {
            Some(state) => state.clone(),
            None => applied(init, vec![], cx)?,
        };
        let state = applied(agg, vec![before, element], cx)?;
        self.state = Some(state.clone());
        applied(emit, vec![state], cx).map(Some)
    }
}

struct OwnWindows {
    elements: Box<dyn Source>,
    aggregate: OwnAggregate,
    size: usize,
    strides: Strides,
    window: VecDeque<Value>,
}

impl Source for OwnWindows {
    fn is_live(&self) -> bool {
        self.elements.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(element) = self.elements.next(cx)? {
            if self.window.len() == self.size {
                self.window.pop_front();
            }
            self.window.push_back(element);
            if self.strides.step() {
                let OwnAggregate { init, agg, emit } = &self.aggregate;
                let mut state = applied(init, vec![], cx)?;
                for element in &self.window {
                    state = applied(agg, vec![state, element.clone()], cx)?;
                }
                return applied(emit, vec![state], cx).map(Some);
            }
        }
        Ok(None)
    }
}

fn forall(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut elements = args.open(0, cx)?;
    while let Some(element) = elements.next(cx)? {
        if !is_true(&element, cx)? {
            return Ok(None);
        }
    }
    Ok(Some(Value::Bool(true)))
}
