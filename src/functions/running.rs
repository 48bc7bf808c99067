//! Streams with a memory: each element in the light of those before it.

use std::sync::Arc;

use rand::Rng;

use crate::catalog::Catalog;
use crate::host::Host;
use crate::model::native::{Native, Natives};
use crate::model::size::position;
use crate::model::{Args, Cx, Function, Source, Value};
use crate::run::aggregate::histogram::{Bins, Histogram};
use crate::run::aggregate::statistics::Total;
use crate::run::call::short;
use crate::run::update;
use crate::syntax::ast::UpdateOp;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

pub const NATIVES: Natives = &[
    Native::new("changed", changed),
    Native::new("changed_at", changed_at),
    Native::new("rcount", |_, a| {
        running(a, |count, _| Ok(Value::Int(count as i64)))
    }),
    Native::new("rsum", rsum),
    Native::new("ravg", ravg),
    Native::new("histogram", histogram),
    Native::new("histogram_within", histogram_within),
    Native::new("histograms", histograms),
    Native::new("save_last_element", save_last_element).quotes_functions(),
    Native::new("randstream", randstream),
];

/// A stream that gives for each element what `step` makes of its number, from 1, and itself. The
/// step is cloned when the stream is started.
fn running<F>(args: Args, step: F) -> Result<Option<Value>>
where
    F: FnMut(u64, Value) -> Result<Value> + Clone + Send + Sync + 'static,
{
    let stream = args.collection(0)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Running {
            elements: stream.open(cx)?,
            step: step.clone(),
            count: 0,
        }))
    })))
}

struct Running<F> {
    elements: Box<dyn Source>,
    step: F,
    count: u64,
}

impl<F: FnMut(u64, Value) -> Result<Value> + Send> Source for Running<F> {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(value) = self.elements.next(cx)? else {
            return Ok(None);
        };
        self.count += 1;
        let made = (self.step)(self.count, value)?;
        // It may be large, and comes anew for each element.
        if let Value::Vector(parts) = &made {
            let steps = parts.iter().map(Value::steps).sum();
            cx.token.looks().steps(steps)?;
        }
        Ok(Some(made))
    }
}

fn number(what: &str, value: &Value) -> Result<f64> {
    value
        .as_real()
        .ok_or_else(|| Error::run(format!("{what} wants numbers, not {}", short(value))))
}

fn rsum(_: &Cx, args: Args) -> Result<Option<Value>> {
    let mut sum = 0.0;
    running(args, move |_, value| {
        sum += number("rsum", &value)?;
        Ok(Value::Real(sum))
    })
}

fn ravg(_: &Cx, args: Args) -> Result<Option<Value>> {
    let mut total = Total::default();
    running(args, move |count, value| {
        if !total.add(&value) {
            number("ravg", &value)?;
        }
        Ok(total.mean(count).map_or(Value::Null, Value::Real))
    })
}

fn changed(_: &Cx, args: Args) -> Result<Option<Value>> {
    filtered(args, |last, value| Ok(last != value))
}

fn changed_at(_: &Cx, args: Args) -> Result<Option<Value>> {
    let mut positions = Vec::new();
    for index in args.vector(1)?.iter() {
        let at = index
            .as_int()
            .and_then(position)
            .ok_or_else(|| Error::run(format!("a position counts from 1, and is not {index}")))?;
        positions.push(at);
    }
    filtered(args, move |last, value| {
        let (Value::Vector(last), Value::Vector(value)) = (last, value) else {
            return Err(Error::run(format!(
                "changed compares vectors at positions, not {}",
                short(value)
            )));
        };
        Ok(positions.iter().any(|at| last.get(*at) != value.get(*at)))
    })
}

/// The elements that differ from the one before, the first included.
fn filtered<F>(args: Args, differ: F) -> Result<Option<Value>>
where
    F: Fn(&Value, &Value) -> Result<bool> + Send + Sync + 'static,
{
    let (stream, differ) = (args.collection(0)?.clone(), Arc::new(differ));
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Changed {
            elements: stream.open(cx)?,
            differ: differ.clone(),
            last: None,
        }))
    })))
}

struct Changed<F> {
    elements: Box<dyn Source>,
    differ: Arc<F>,
    last: Option<Value>,
}

impl<F: Fn(&Value, &Value) -> Result<bool> + Send + Sync> Source for Changed<F> {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            let differs = match &self.last {
                Some(last) => (self.differ)(last, &value)?,
                None => true,
            };
            self.last = Some(value.clone());
            if differs {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

fn histogram(_: &Cx, args: Args) -> Result<Option<Value>> {
    let bins = Bins::new(args.real(1)?, args.real(2)?, args.value(3))?;
    running_histogram(args, bins)
}

fn running_histogram(args: Args, bins: Bins) -> Result<Option<Value>> {
    let mut counted = Histogram::new(bins);
    running(args, move |_, value| {
        counted.add(number("histogram", &value)?);
        Ok(counted.value())
    })
}

fn histogram_within(cx: &Cx, args: Args) -> Result<Option<Value>> {
    // One vector of limits for each position, where the elements' type was not known before.
    if matches!(args.vector(1)?.first(), Some(Value::Vector(_))) {
        return histograms(cx, args);
    }
    running_histogram(args, Bins::within(args.value(1))?)
}

fn histograms(_: &Cx, args: Args) -> Result<Option<Value>> {
    let mut all = Vec::new();
    for limits in args.vector(1)?.iter() {
        all.push(Histogram::new(Bins::within(limits)?));
    }
    running(args, move |_, value| {
        let vector = match &value {
            Value::Vector(vector) if vector.len() == all.len() => vector,
            other => {
                return Err(Error::run(format!(
                    "histogram wants vectors of {}, not {}",
                    all.len(),
                    short(other)
                )));
            }
        };
        for (counted, value) in all.iter_mut().zip(vector.iter()) {
            counted.add(number("histogram", value)?);
        }
        Ok(Value::vector(all.iter().map(Histogram::value)))
    })
}

fn save_last_element(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    let function = stored(args.function(1)?, cx)?;
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Saved {
            elements: stream.open(cx)?,
            function: function.clone(),
        }))
    })))
}

/// The resolvent without arguments of the function that was named.
fn stored(named: &Arc<Function>, cx: &Cx) -> Result<Arc<Function>> {
    let found = if named.is_generic() {
        let resolvents = Catalog::of(cx).functions.resolvents(named.name())?;
        resolvents.iter().find(|f| f.arity() == 0).cloned()
    } else {
        Some(named.clone()).filter(|f| f.arity() == 0)
    };
    found.ok_or_else(|| {
        Error::run(format!("'{}' cannot keep an element", named.name())).help(
            "create a stored function without arguments: create function f() -> Object as stored",
        )
    })
}

struct Saved {
    elements: Box<dyn Source>,
    function: Arc<Function>,
}

impl Source for Saved {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(value) = self.elements.next(cx)? else {
            return Ok(None);
        };
        update::change(UpdateOp::Set, &self.function, &[], vec![value.clone()], cx)?;
        Ok(Some(value))
    }
}

fn randstream(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (low, high) = (args.real(0)?, args.real(1)?);
    if !(low <= high && (high - low).is_finite()) {
        return Err(Error::run(format!(
            "there are no random numbers from {low} to {high}"
        )));
    }
    Ok(Some(Value::stream_from(move |_| {
        Ok(Box::new(Random { low, high }))
    })))
}

struct Random {
    low: f64,
    high: f64,
}

impl Source for Random {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        let number = lock(&Host::of(cx).random).random_range(self.low..=self.high);
        Ok(Some(Value::Real(number)))
    }
}
