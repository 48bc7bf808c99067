//! Aggregates over numbers that come and go, one by one or a batch at a time.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::statistics::{Moments, Total};
use crate::model::native::AggregateKind;
use crate::model::{Numbers, Value, number};
use crate::text::diagnostic::{Error, Result};

/// An aggregate over numbers that come and go.
pub enum SlidingAggregate {
    Sum(Box<Total>),
    Mean(Box<Total>),
    Stdev(Box<Moments>),
    Extreme(Extreme),
    Count,
}

impl SlidingAggregate {
    /// The aggregate over an empty window.
    pub fn new(kind: AggregateKind) -> SlidingAggregate {
        match kind {
            AggregateKind::Count => SlidingAggregate::Count,
            AggregateKind::Sum => SlidingAggregate::Sum(Box::default()),
            AggregateKind::Mean => SlidingAggregate::Mean(Box::default()),
            AggregateKind::Stdev => SlidingAggregate::Stdev(Box::default()),
            AggregateKind::Min => SlidingAggregate::Extreme(Extreme::new(Ordering::Less)),
            AggregateKind::Max => SlidingAggregate::Extreme(Extreme::new(Ordering::Greater)),
        }
    }

    /// A number comes into the window; `place` is its number in the stream.
    #[inline]
    pub fn add(&mut self, value: &Value, place: u64) {
        match self {
            SlidingAggregate::Sum(total) | SlidingAggregate::Mean(total) => {
                total.add(value);
            }
            SlidingAggregate::Stdev(moments) => moments.add(value.as_real().unwrap_or(f64::NAN)),
            SlidingAggregate::Extreme(extreme) => extreme.add(value, place),
            SlidingAggregate::Count => {}
        }
    }

    #[inline]
    pub fn remove(&mut self, value: &Value, place: u64) {
        match self {
            SlidingAggregate::Sum(total) | SlidingAggregate::Mean(total) => total.remove(value),
            SlidingAggregate::Stdev(moments) => {
                moments.remove(value.as_real().unwrap_or(f64::NAN));
            }
            SlidingAggregate::Extreme(extreme) => extreme.remove(place),
            SlidingAggregate::Count => {}
        }
    }

    /// The result over a window of that many numbers.
    #[inline]
    pub fn result(&self, length: usize) -> Result<Option<Value>> {
        Ok(match self {
            SlidingAggregate::Sum(total) => Some(total.value()?),
            SlidingAggregate::Mean(total) => total.mean(length as u64).map(Value::Real),
            SlidingAggregate::Stdev(moments) => moments.stdev().map(Value::Real),
            SlidingAggregate::Extreme(extreme) => extreme.best(),
            SlidingAggregate::Count => Some(Value::Int(length as i64)),
        })
    }

    /// Moves over a batch.
    pub fn slide<T: Number>(&mut self, steps: &Steps<T>) -> Slid {
        let length = steps.size as u64;
        match self {
            SlidingAggregate::Sum(total) => steps.run(
                total,
                |total, x, _| {
                    total.add(&x.value());
                },
                |total, x, _| total.remove(&x.value()),
                |total| T::sum(total),
            ),
            SlidingAggregate::Mean(total) => steps.run(
                total,
                |total, x, _| {
                    total.add(&x.value());
                },
                |total, x, _| total.remove(&x.value()),
                |total| Ok(total.mean(length).unwrap_or(f64::NAN)),
            ),
            SlidingAggregate::Stdev(moments) => steps.run(
                moments,
                |moments, x, _| moments.add(x.real()),
                |moments, x, _| moments.remove(x.real()),
                |moments| Ok(moments.stdev().unwrap_or(f64::NAN)),
            ),
            SlidingAggregate::Extreme(extreme) => steps.run(
                extreme,
                |extreme, x, place| extreme.add(&x.value(), place),
                |extreme, _, place| extreme.remove(place),
                |extreme| Ok(T::best(extreme)),
            ),
            SlidingAggregate::Count => steps.run(
                &mut (),
                |(), _, _| {},
                |(), _, _| {},
                |()| Ok(steps.size as i64),
            ),
        }
    }
}

/// The smallest or largest of numbers that come and go: those that can still become it, best first.
pub struct Extreme {
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

/// A batch of numbers behind those of a window.
pub struct Steps<'a, T> {
    /// The window, and then the batch.
    pub all: &'a [T],
    /// How many are in the window already, and how many there can be.
    pub held: usize,
    pub size: usize,
    /// How many have come before the batch.
    pub count: u64,
    /// For each of the batch whether it completes a window whose results are wanted. Complete windows
    /// are full.
    pub complete: &'a [bool],
}

/// The results over complete windows, up to the first that is an error.
pub struct Slid {
    pub numbers: Numbers,
    pub error: Option<Error>,
}

impl<T: Number> Steps<'_, T> {
    /// Calls `add` and `remove` for what comes and goes, with its number in the stream.
    fn run<S, R: Number>(
        &self,
        state: &mut S,
        add: impl Fn(&mut S, T, u64),
        remove: impl Fn(&mut S, T, u64),
        result: impl Fn(&S) -> Result<R>,
    ) -> Slid {
        let mut results = Vec::with_capacity(self.complete.len());
        for (i, complete) in self.complete.iter().enumerate() {
            let (at, place) = (self.held + i, self.count + i as u64);
            if let Some(gone) = at.checked_sub(self.size) {
                remove(state, self.all[gone], place - self.size as u64);
            }
            add(state, self.all[at], place);
            if *complete {
                match result(state) {
                    Ok(result) => results.push(result),
                    Err(error) => {
                        return Slid {
                            numbers: R::numbers(results),
                            error: Some(error),
                        };
                    }
                }
            }
        }
        Slid {
            numbers: R::numbers(results),
            error: None,
        }
    }
}

/// A kind of number.
pub trait Number: Copy {
    fn value(self) -> Value;
    fn real(self) -> f64;
    fn numbers(list: Vec<Self>) -> Numbers;
    /// The sum of numbers of this kind.
    fn sum(total: &Total) -> Result<Self>;
    /// The best of numbers of this kind, of which there is one.
    fn best(extreme: &Extreme) -> Self;
}

impl Number for i64 {
    #[inline]
    fn value(self) -> Value {
        Value::Int(self)
    }

    #[inline]
    fn real(self) -> f64 {
        self as f64
    }

    fn numbers(list: Vec<i64>) -> Numbers {
        Numbers::Ints(list)
    }

    #[inline]
    fn sum(total: &Total) -> Result<i64> {
        total.integer()
    }

    #[inline]
    fn best(extreme: &Extreme) -> i64 {
        let best = extreme
            .candidates
            .front()
            .and_then(|(_, best)| best.as_int());
        best.expect("a full window has integers")
    }
}

impl Number for f64 {
    #[inline]
    fn value(self) -> Value {
        Value::Real(self)
    }

    #[inline]
    fn real(self) -> f64 {
        self
    }

    fn numbers(list: Vec<f64>) -> Numbers {
        Numbers::Reals(list)
    }

    #[inline]
    fn sum(total: &Total) -> Result<f64> {
        Ok(total.real())
    }

    #[inline]
    fn best(extreme: &Extreme) -> f64 {
        let best = extreme
            .candidates
            .front()
            .and_then(|(_, best)| best.as_real());
        best.expect("a full window has reals")
    }
}
