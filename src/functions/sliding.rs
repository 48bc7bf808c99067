//! Aggregates over count windows at the same cost per element whatever the windows' size.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::statistics::{Moments, Total};
use super::window::{Strides, sizes};
use super::{Args, Native, Natives};
use crate::diagnostic::{Error, Result};
use crate::run::{Cx, call};
use crate::types::{Numbers, Source, Value, number};

pub const NATIVES: Natives = &[("sliding", sliding as Native)];

/// The aggregates over vectors that can follow a window.
pub const AGGREGATES: &[&str] = &["sum", "mean", "stdev", "min", "max", "dim"];

fn sliding(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, (size, stride)) = (args.collection(0)?.clone(), sizes(args)?);
    let mut names: Vec<Arc<str>> = Vec::new();
    for name in args.vector(3)?.iter() {
        match name {
            Value::Str(name) if AGGREGATES.contains(&&**name) => names.push(name.clone()),
            other => {
                return Err(Error::run(format!("{other} is no aggregate of a window"))
                    .help(format!("there are {}", AGGREGATES.join(", "))));
            }
        }
    }
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Sliding {
            elements: stream.open(cx)?,
            size,
            strides: Strides::new(size, stride),
            window: VecDeque::new(),
            aggregates: names.iter().map(|name| Aggregate::new(name)).collect(),
            names: names.clone(),
            others: 0,
            count: 0,
            ahead: Vec::new().into_iter(),
            pending: None,
        }))
    })))
}

struct Sliding {
    elements: Box<dyn Source>,
    size: usize,
    strides: Strides,
    window: VecDeque<Value>,
    aggregates: Vec<Aggregate>,
    names: Vec<Arc<str>>,
    /// How many elements of the window are not numbers; the aggregates leave them out.
    others: usize,
    /// How many elements there have been.
    count: u64,
    /// Elements of a batch that was given up, and the result at which it was.
    ahead: std::vec::IntoIter<Value>,
    pending: Option<Result<Value>>,
}

impl Source for Sliding {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(result) = self.pending.take() {
            return result.map(Some);
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

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<Numbers>>> {
        if self.others > 0 || self.pending.is_some() || self.ahead.len() > 0 {
            return Ok(None);
        }
        let Some(batch) = self.elements.numbers(cx)? else {
            return Ok(None);
        };
        let mut columns: Vec<Option<Numbers>> = vec![None; self.aggregates.len()];
        let elements: &mut dyn Iterator<Item = Value> = match &batch {
            Numbers::Ints(ints) => &mut ints.iter().copied().map(Value::Int),
            Numbers::Reals(reals) => &mut reals.iter().copied().map(Value::Real),
        };
        while let Some(value) = elements.next() {
            self.enter(value);
            if self.strides.step() && !self.add_results(&mut columns) {
                self.pending = Some(self.results(cx));
                self.ahead = elements.collect::<Vec<_>>().into_iter();
                break;
            }
        }
        let given_up = self.pending.is_some() && columns.iter().all(Option::is_none);
        let none = || Numbers::Ints(vec![]);
        let columns = columns.into_iter().map(|c| c.unwrap_or_else(none));
        Ok((!given_up).then(|| columns.collect()))
    }
}

impl Sliding {
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

    /// Adds the results over the window to columns of numbers. `false` if one is no number of the kind
    /// that its column has; nothing is added then.
    fn add_results(&self, columns: &mut [Option<Numbers>]) -> bool {
        for (at, aggregate) in self.aggregates.iter().enumerate() {
            let result = aggregate.result(self.window.len());
            let added = match (result, &mut columns[at]) {
                (Ok(Some(Value::Int(int))), Some(Numbers::Ints(ints))) => {
                    ints.push(int);
                    true
                }
                (Ok(Some(Value::Real(real))), Some(Numbers::Reals(reals))) => {
                    reals.push(real);
                    true
                }
                (Ok(Some(Value::Int(int))), column @ None) => {
                    *column = Some(Numbers::Ints(vec![int]));
                    true
                }
                (Ok(Some(Value::Real(real))), column @ None) => {
                    *column = Some(Numbers::Reals(vec![real]));
                    true
                }
                _ => false,
            };
            if !added {
                columns[..at].iter_mut().flatten().for_each(Numbers::pop);
                return false;
            }
        }
        true
    }

    /// What the functions over vectors say of a window with something beside numbers.
    fn plain_results(&self, cx: &Cx) -> Result<Value> {
        let window = Value::vector(self.window.iter().cloned());
        let mut results = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let resolvents = cx.world.library.resolvents(name)?;
            let result = call::late(&resolvents, vec![window.clone()], cx)?;
            results.push(result.unwrap_or(Value::Null));
        }
        Ok(Value::vector(results))
    }
}

/// An aggregate over numbers that come and go.
enum Aggregate {
    Sum(Box<Total>),
    Mean(Box<Total>),
    Stdev(Box<Moments>),
    Extreme(Extreme),
    Dim,
}

impl Aggregate {
    fn new(name: &str) -> Aggregate {
        match name {
            "sum" => Aggregate::Sum(Box::default()),
            "mean" => Aggregate::Mean(Box::default()),
            "stdev" => Aggregate::Stdev(Box::default()),
            "min" => Aggregate::Extreme(Extreme::new(Ordering::Less)),
            "max" => Aggregate::Extreme(Extreme::new(Ordering::Greater)),
            _ => Aggregate::Dim,
        }
    }

    /// A number comes into the window; `place` is its number in the stream.
    #[inline]
    fn add(&mut self, value: &Value, place: u64) {
        match self {
            Aggregate::Sum(total) | Aggregate::Mean(total) => {
                total.add(value);
            }
            Aggregate::Stdev(moments) => moments.add(value.as_real().unwrap_or(f64::NAN)),
            Aggregate::Extreme(extreme) => extreme.add(value, place),
            Aggregate::Dim => {}
        }
    }

    #[inline]
    fn remove(&mut self, value: &Value, place: u64) {
        match self {
            Aggregate::Sum(total) | Aggregate::Mean(total) => total.remove(value),
            Aggregate::Stdev(moments) => {
                moments.remove(value.as_real().unwrap_or(f64::NAN));
            }
            Aggregate::Extreme(extreme) => extreme.remove(place),
            Aggregate::Dim => {}
        }
    }

    /// The result over a window of that many numbers.
    #[inline]
    fn result(&self, length: usize) -> Result<Option<Value>> {
        Ok(match self {
            Aggregate::Sum(total) => Some(total.value()?),
            Aggregate::Mean(total) => total.mean(length as u64).map(Value::Real),
            Aggregate::Stdev(moments) => moments.stdev().map(Value::Real),
            Aggregate::Extreme(extreme) => extreme.best(),
            Aggregate::Dim => Some(Value::Int(length as i64)),
        })
    }
}

/// The smallest or largest of numbers that come and go: those that can still become it, best first.
struct Extreme {
    wanted: Ordering,
    candidates: VecDeque<(u64, Value)>,
}

impl Extreme {
    fn new(wanted: Ordering) -> Extreme {
        Extreme {
            wanted,
            candidates: VecDeque::new(),
        }
    }

    fn add(&mut self, value: &Value, place: u64) {
        // Who is worse than a later one will never be the best again.
        while let Some((_, last)) = self.candidates.back()
            && number::compare(value, last) == self.wanted
        {
            self.candidates.pop_back();
        }
        self.candidates.push_back((place, value.clone()));
    }

    fn remove(&mut self, place: u64) {
        if self
            .candidates
            .front()
            .is_some_and(|first| first.0 == place)
        {
            self.candidates.pop_front();
        }
    }

    fn best(&self) -> Option<Value> {
        self.candidates.front().map(|(_, value)| value.clone())
    }
}
