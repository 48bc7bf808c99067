//! Aggregates over count windows at the same cost per element whatever the windows' size.

use std::collections::VecDeque;
use std::sync::Arc;

use super::window::{Strides, sizes};
use crate::catalog::Catalog;
use crate::model::native::{AggregateKind, Native, Natives};
use crate::model::{Args, BatchColumn, Cx, Numbers, Source, Type, Value};
use crate::run::aggregate::sliding::{Number, Slid, SlidingAggregate, Steps};
use crate::run::call;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[Native::new("sliding", sliding)];

fn sliding(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, (size, stride)) = (args.collection(0)?.clone(), sizes(args)?);
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut kinds = Vec::new();
    for name in args.vector(3)?.iter() {
        match name {
            Value::Str(written) if let Some(kind) = aggregate_over_vectors(written, cx)? => {
                names.push(written.clone());
                kinds.push(kind);
            }
            other => return Err(no_aggregate(other, cx)?),
        }
    }
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Sliding {
            elements: stream.open(cx)?,
            size,
            strides: Strides::new(size, stride),
            window: VecDeque::new(),
            aggregates: kinds
                .iter()
                .map(|kind| SlidingAggregate::new(*kind))
                .collect(),
            names: names.clone(),
            others: 0,
            count: 0,
            // One number has no deviation, and a batch no place for that.
            batches: size > 1 || !kinds.contains(&AggregateKind::Stdev),
            numbers: Moving::None,
            ahead: Vec::new().into_iter(),
            pending: None,
        }))
    })))
}

/// The aggregate that the built-in function `name` is over a vector, if it is one.
fn aggregate_over_vectors(name: &str, cx: &Cx) -> Result<Option<AggregateKind>> {
    let resolvents = Catalog::of(cx).functions.resolvents(name)?;
    let mut over_vectors = resolvents
        .iter()
        .filter(|f| matches!(&*f.signature.params, [only] if matches!(only.ty, Type::Vector(_))));
    Ok(over_vectors.find_map(|f| f.native()?.aggregate))
}

fn no_aggregate(given: &Value, cx: &Cx) -> Result<Error> {
    let mut known = Vec::new();
    for name in Catalog::of(cx).functions.names() {
        if aggregate_over_vectors(&name, cx)?.is_some() {
            known.push(name.to_string());
        }
    }
    Ok(Error::run(format!("{given} is no aggregate of a window"))
        .help(format!("there are {}", known.join(", "))))
}

struct Sliding {
    elements: Box<dyn Source>,
    size: usize,
    strides: Strides,
    window: VecDeque<Value>,
    aggregates: Vec<SlidingAggregate>,
    names: Vec<Arc<str>>,
    /// How many elements of the window are not numbers; the aggregates leave them out.
    others: usize,
    /// How many elements there have been.
    count: u64,
    /// Whether elements may still be taken in batches; `numbers` is then the window.
    batches: bool,
    numbers: Moving,
    /// Elements of a batch that are to be taken one by one.
    ahead: std::vec::IntoIter<Value>,
    /// What went wrong behind the results that were given, and how many elements there had been then.
    pending: Option<(Error, u64)>,
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
            self.window.extend(numbers.values());
        }
        loop {
            let value = match self.ahead.next() {
                Some(value) => value,
                None => match self.elements.next(cx)? {
                    Some(value) => value,
                    None => return Ok(None),
                },
            };
            self.enter(value);
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
        Ok(fits.then(|| self.slide().into_iter().map(BatchColumn::from).collect()))
    }
}

/// A window of numbers of one kind.
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
        let results = match &mut self.numbers {
            Moving::None => Vec::new(),
            Moving::Ints(window) => batch.slide(&mut self.aggregates, window),
            Moving::Reals(window) => batch.slide(&mut self.aggregates, window),
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

    #[inline]
    fn enter(&mut self, value: Value) {
        if self.window.len() == self.size
            && let Some(oldest) = self.window.pop_front()
        {
            self.leave(&oldest);
        }
        if matches!(value, Value::Int(_) | Value::Real(_)) {
            for aggregate in &mut self.aggregates {
                aggregate.add(&value, self.count);
            }
        } else {
            self.others += 1;
        }
        self.window.push_back(value);
        self.count += 1;
    }

    #[inline]
    fn leave(&mut self, value: &Value) {
        if !matches!(value, Value::Int(_) | Value::Real(_)) {
            self.others -= 1;
            return;
        }
        let number = self.count - self.size as u64;
        for aggregate in &mut self.aggregates {
            aggregate.remove(value, number);
        }
    }

    fn results(&self, cx: &Cx) -> Result<Value> {
        if self.others > 0 {
            return self.plain_results(cx);
        }
        let results = self.aggregates.iter().map(|aggregate| {
            let result = aggregate.result(self.window.len())?;
            Ok(result.unwrap_or(Value::Null))
        });
        Ok(Value::Vector(results.collect::<Result<_>>()?))
    }

    /// What the functions over vectors say of a window with something beside numbers.
    fn plain_results(&self, cx: &Cx) -> Result<Value> {
        cx.token.looks().steps(self.window.len())?;
        let window = Value::vector(self.window.iter().cloned());
        let mut results = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let resolvents = Catalog::of(cx).functions.resolvents(name)?;
            let result = call::late(&resolvents, vec![window.clone()], cx)?;
            results.push(result.unwrap_or(Value::Null));
        }
        Ok(Value::vector(results))
    }
}
