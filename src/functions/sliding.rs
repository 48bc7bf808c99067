//! Aggregates over count windows at the same cost per element whatever the windows' size.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::statistics::{Moments, Total};
use super::window::{Strides, sizes};
use super::{Args, Native, Natives};
use crate::diagnostic::{Error, Result};
use crate::run::{Cx, call};
use crate::types::exact::ExactSum;
use crate::types::{Source, Value, number};

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
}

impl Source for Sliding {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            self.enter(value);
            if self.strides.step() {
                return self.results(cx).map(Some);
            }
        }
        Ok(None)
    }
}

impl Sliding {
    fn enter(&mut self, value: Value) {
        if self.window.len() == self.size
            && let Some(oldest) = self.window.pop_front()
        {
            self.leave(&oldest);
        }
        if value.as_real().is_some() {
            for aggregate in &mut self.aggregates {
                aggregate.add(&value, self.count);
            }
        } else {
            self.others += 1;
        }
        self.window.push_back(value);
        self.count += 1;
    }

    fn leave(&mut self, value: &Value) {
        if value.as_real().is_none() {
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
    Mean(Box<ExactSum>),
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
    fn add(&mut self, value: &Value, place: u64) {
        let real = value.as_real().unwrap_or(f64::NAN);
        match self {
            Aggregate::Sum(total) => {
                total.add(value);
            }
            Aggregate::Mean(sum) => sum.add(real),
            Aggregate::Stdev(moments) => moments.add(real),
            Aggregate::Extreme(extreme) => extreme.add(value, place),
            Aggregate::Dim => {}
        }
    }

    fn remove(&mut self, value: &Value, place: u64) {
        let real = value.as_real().unwrap_or(f64::NAN);
        match self {
            Aggregate::Sum(total) => total.remove(value),
            Aggregate::Mean(sum) => sum.remove(real),
            Aggregate::Stdev(moments) => moments.remove(real),
            Aggregate::Extreme(extreme) => extreme.remove(place),
            Aggregate::Dim => {}
        }
    }

    /// The result over a window of that many numbers.
    fn result(&self, length: usize) -> Result<Option<Value>> {
        Ok(match self {
            Aggregate::Sum(total) => Some(total.value()?),
            Aggregate::Mean(sum) => Some(Value::Real(sum.round() / length as f64)),
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
