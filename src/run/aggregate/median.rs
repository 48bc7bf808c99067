//! The median, found without sorting where numbers are of one type.

use super::not_a_number;
use crate::model::memory::{HeldMemory, Operator};
use crate::model::{Cx, Source, Value};
use crate::run::batch::{
    HeldColumn, SortKey, int_of_rank, order, radix, rank_of_int, rank_of_real, real_of_rank,
};
use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;

/// The median of the numbers of a source, nulls left out; none for none.
pub fn median(source: &mut dyn Source, cx: &Cx) -> Result<Option<Value>> {
    let mut numbers = HeldColumn::default();
    let (median, mut memory) = (Operator::named("median"), HeldMemory::default());
    numbers.collect(source, median, &mut memory, cx)?;
    // The ranks, by which the middle is found, stand beside the numbers.
    memory.set(2 * numbers.bytes(), median, &cx.memory)?;
    if let Some(other) = other_than_number(&numbers) {
        return Err(not_a_number(&other));
    }
    if numbers.is_empty() {
        return Ok(None);
    }
    let looks = cx.token.looks();
    let (lower, upper) = match middle_of_one_type(&numbers, &looks)? {
        Some(middle) => middle,
        None => middle_of_sorted(&numbers, &looks)?,
    };
    if numbers.len() % 2 == 1 {
        return Ok(Some(upper));
    }
    Ok(match (lower.as_real(), upper.as_real()) {
        (Some(lower), Some(upper)) => Some(Value::Real(f64::midpoint(lower, upper))),
        _ => None,
    })
}

fn other_than_number(numbers: &HeldColumn) -> Option<Value> {
    match numbers {
        HeldColumn::Ints(_) | HeldColumn::Reals(_) => None,
        HeldColumn::Texts(texts) => texts.get(0).map(Value::str),
        HeldColumn::Values(values) => {
            let mut values = values.iter();
            values.find(|value| value.as_real().is_none()).cloned()
        }
    }
}

/// The numbers before the middle and at it, as they stand when sorted. `None` where equal ones look
/// different, so that it matters which came first.
fn middle_of_one_type(numbers: &HeldColumn, looks: &Looks) -> Result<Option<(Value, Value)>> {
    let ranks: Vec<u64> = match numbers {
        HeldColumn::Ints(ints) => ints.iter().map(|int| rank_of_int(*int)).collect(),
        HeldColumn::Reals(reals) => reals.iter().map(|real| rank_of_real(*real)).collect(),
        _ => return Ok(None),
    };
    let middle = ranks.len() / 2;
    let upper = radix::select(&ranks, middle, looks)?;
    let (mut smaller, mut largest_smaller) = (0, upper);
    for rank in looks.each(&ranks) {
        let rank = *rank?;
        if rank < upper {
            largest_smaller = if smaller == 0 {
                rank
            } else {
                largest_smaller.max(rank)
            };
            smaller += 1;
        }
    }
    let lower = if smaller == middle {
        largest_smaller
    } else {
        upper
    };
    Ok(match numbers {
        HeldColumn::Ints(_) => Some((
            Value::Int(int_of_rank(lower)),
            Value::Int(int_of_rank(upper)),
        )),
        HeldColumn::Reals(reals) => {
            let (lower, upper) = (real_of_rank(lower), real_of_rank(upper));
            let zeros_differ = || {
                reals
                    .iter()
                    .any(|real| *real == 0.0 && real.is_sign_negative())
            };
            let is_open = (lower == 0.0 || upper == 0.0) && zeros_differ();
            (!is_open).then_some((Value::Real(lower), Value::Real(upper)))
        }
        _ => None,
    })
}

/// The same where all have to be sorted.
fn middle_of_sorted(numbers: &HeldColumn, looks: &Looks) -> Result<(Value, Value)> {
    let key = SortKey {
        column: numbers,
        descending: false,
    };
    let places = order(numbers.len(), &[key], looks)?;
    let middle = places.len() / 2;
    let value = |at: usize| numbers.value(places[at] as usize);
    Ok((value(middle.saturating_sub(1)), value(middle)))
}
