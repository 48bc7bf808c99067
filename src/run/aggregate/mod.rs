//! Aggregates, each written once: over bags ([`Accumulator`]), over groups in columns ([`grouped`]),
//! over windows that slide ([`sliding`]), and histograms. What a function is an aggregate for stands in its row.

pub mod grouped;
pub mod histogram;
pub mod median;
pub mod sliding;
pub mod statistics;

use std::cmp::Ordering;

use crate::catalog::Catalog;
use crate::model::native::AggregateKind;
use crate::model::{Cx, Numbers, Value};
use crate::run::call;
use crate::text::diagnostic::{Error, Result};
use statistics::{Moments, Total};

/// What an aggregate makes of the elements so far.
#[derive(Clone)]
pub enum Accumulator {
    Count(i64),
    /// Numbers have one exact sum, rounded once, so that their order does not matter.
    Sum(Total),
    /// A sum that has something beside numbers.
    Folded(Value),
    Mean(Total, u64),
    Stdev(Box<Moments>),
    /// The smallest or largest.
    Extreme(Ordering, Option<Value>),
}

impl Accumulator {
    /// The aggregate of no elements yet.
    pub fn new(kind: AggregateKind) -> Accumulator {
        match kind {
            AggregateKind::Count => Accumulator::Count(0),
            AggregateKind::Sum => Accumulator::Sum(Total::default()),
            AggregateKind::Mean => Accumulator::Mean(Total::default(), 0),
            AggregateKind::Stdev => Accumulator::Stdev(Box::default()),
            AggregateKind::Min => Accumulator::Extreme(Ordering::Less, None),
            AggregateKind::Max => Accumulator::Extreme(Ordering::Greater, None),
        }
    }

    /// Takes an element; all but a count leave out nulls.
    pub fn add(&mut self, value: Value, cx: &Cx) -> Result<()> {
        match self {
            Accumulator::Count(count) => *count += 1,
            _ if value.is_null() => {}
            Accumulator::Sum(total) => {
                if !total.add(&value) {
                    *self = Accumulator::Folded(plus(total.value()?, value, cx)?);
                }
            }
            Accumulator::Folded(total) => {
                let so_far = std::mem::replace(total, Value::Null);
                *total = plus(so_far, value, cx)?;
            }
            Accumulator::Mean(total, count) => {
                if !total.add(&value) {
                    return Err(not_a_number(&value));
                }
                *count += 1;
            }
            Accumulator::Stdev(moments) => match value.as_real() {
                Some(number) => moments.add(number),
                None => return Err(not_a_number(&value)),
            },
            Accumulator::Extreme(wanted, best) => {
                if best.as_ref().is_none_or(|best| value.cmp(best) == *wanted) {
                    *best = Some(value);
                }
            }
        }
        Ok(())
    }

    /// Takes a batch of numbers.
    pub fn add_batch(&mut self, batch: Numbers, cx: &Cx) -> Result<()> {
        match self {
            Accumulator::Count(count) => *count += batch.len() as i64,
            Accumulator::Sum(total) => total.add_batch(&batch),
            Accumulator::Mean(total, count) => {
                total.add_batch(&batch);
                *count += batch.len() as u64;
            }
            Accumulator::Stdev(moments) => {
                batch.reals().into_iter().for_each(|x| moments.add(x));
            }
            Accumulator::Extreme(wanted, _) => {
                let wanted = *wanted;
                let better = |a: Value, b: Value| if b.cmp(&a) == wanted { b } else { a };
                let best = match batch {
                    Numbers::Ints(ints) => match wanted {
                        Ordering::Less => ints.into_iter().min().map(Value::Int),
                        _ => ints.into_iter().max().map(Value::Int),
                    },
                    Numbers::Reals(reals) => reals.into_iter().map(Value::Real).reduce(better),
                };
                if let Some(best) = best {
                    self.add(best, cx)?;
                }
            }
            Accumulator::Folded(_) => {
                for value in batch.values() {
                    self.add(value, cx)?;
                }
            }
        }
        Ok(())
    }

    /// The aggregate of all that was taken; none where there was too little.
    pub fn result(self) -> Result<Option<Value>> {
        Ok(match self {
            Accumulator::Count(count) => Some(Value::Int(count)),
            Accumulator::Sum(total) => Some(total.value()?),
            Accumulator::Folded(value) => Some(value),
            Accumulator::Mean(total, count) => total.mean(count).map(Value::Real),
            Accumulator::Stdev(moments) => moments.stdev().map(Value::Real),
            Accumulator::Extreme(_, best) => best,
        })
    }
}

/// Adds what is not a number, vectors for example; the sum of nothing yet is the first element.
fn plus(total: Value, value: Value, cx: &Cx) -> Result<Value> {
    if value.as_str().is_some() {
        return Err(not_a_number(&value));
    }
    if total == Value::Int(0) {
        return Ok(value);
    }
    let candidates = Catalog::of(cx).functions.resolvents("plus")?;
    let sum = call::late(&candidates, vec![total, value.clone()], cx)?;
    sum.ok_or_else(|| not_a_number(&value))
}

/// The error for an element that an aggregate over numbers cannot take.
pub fn not_a_number(value: &Value) -> Error {
    Error::run(format!("{} is not a number", call::short(value)))
}
