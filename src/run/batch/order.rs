//! The order of rows by the values of columns.
//!
//! What decides is a number of 64 bits wherever it can be: a key that is a number, or how a string
//! begins. These numbers are sorted digit by digit; only what they leave open is compared.

use std::cmp::Ordering;

use super::held::{HeldColumn, text};
use super::radix;
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::{self, Looks, STEPS};

/// A column to sort by.
#[derive(Clone, Copy)]
pub struct SortKey<'a> {
    pub column: &'a HeldColumn,
    pub descending: bool,
}

/// How many rows can be sorted.
const MAX_ROWS: usize = u32::MAX as usize;

/// The places of so many rows in their order: those whose keys are equal stay as they came.
pub fn order(rows: usize, keys: &[SortKey], looks: &Looks) -> Result<Vec<u32>> {
    if rows > MAX_ROWS {
        return Err(Error::run(format!("no more than {MAX_ROWS} rows can be sorted")).at_limit());
    }
    let mut places: Vec<u32> = (0..rows as u32).collect();
    sort(&mut places, keys, looks)?;
    Ok(places)
}

/// Sorts the only column of rows that are sorted by nothing but it. `false` where values that are
/// equal look different, so that it matters which came first.
pub fn sort_alone(column: &mut HeldColumn, descending: bool, looks: &Looks) -> Result<bool> {
    let (HeldColumn::Ints(_) | HeldColumn::Reals(_)) = column else {
        return Ok(false);
    };
    let turned = if descending { u64::MAX } else { 0 };
    match column {
        HeldColumn::Ints(ints) => {
            let numbers = std::mem::take(ints).into_iter();
            let mut numbers: Vec<u64> = numbers.map(|int| rank_of_int(int) ^ turned).collect();
            radix::sort(&mut numbers, |number| *number, looks)?;
            let sorted = numbers.into_iter();
            *ints = sorted.map(|number| int_of_rank(number ^ turned)).collect();
        }
        HeldColumn::Reals(reals) => {
            let differs = |real: &f64| real.is_nan() || *real == 0.0 && real.is_sign_negative();
            if reals.iter().any(differs) {
                return Ok(false);
            }
            let numbers = std::mem::take(reals).into_iter();
            let mut numbers: Vec<u64> = numbers.map(|real| rank_of_real(real) ^ turned).collect();
            radix::sort(&mut numbers, |number| *number, looks)?;
            let sorted = numbers.into_iter();
            *reals = sorted.map(|number| real_of_rank(number ^ turned)).collect();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Sorts rows; those whose keys are equal stay in their order.
fn sort(places: &mut [u32], keys: &[SortKey], looks: &Looks) -> Result<()> {
    let Some((first, rest)) = keys.split_first() else {
        return Ok(());
    };
    let ranks: Vec<(u64, u32)> = match first.column {
        _ if places.len() < 2 => return Ok(()),
        HeldColumn::Values(_) => return sort_by_comparing(places, keys, looks),
        HeldColumn::Ints(ints) => first.ranks(places, |at| rank_of_int(ints[at])),
        HeldColumn::Reals(reals) => first.ranks(places, |at| rank_of_real(reals[at])),
        HeldColumn::Texts(texts) => first.ranks(places, |at| rank_of_text(text(texts, at))),
    };
    looks.steps(places.len())?;
    let sorted = radix::sort_pairs(ranks, looks)?;
    for (place, (_, sorted)) in places.iter_mut().zip(&sorted) {
        *place = *sorted;
    }
    // A string is more than its beginning.
    let open = match first.column {
        HeldColumn::Texts(_) => keys,
        _ => rest,
    };
    if open.is_empty() {
        return Ok(());
    }
    let mut from = 0;
    for run in sorted.chunk_by(|(a, _), (b, _)| a == b) {
        looks.step()?;
        let equal = &mut places[from..from + run.len()];
        from += run.len();
        match run.len() {
            1 => {}
            length if length > FEW && open.len() < keys.len() => sort(equal, open, looks)?,
            _ => sort_by_comparing(equal, open, looks)?,
        }
    }
    Ok(())
}

/// So few rows are sorted at once.
const FEW: usize = 32;

fn sort_by_comparing(places: &mut [u32], keys: &[SortKey], looks: &Looks) -> Result<()> {
    let steps = |place: &u32| {
        keys.iter()
            .map(|key| key.column.steps(*place as usize))
            .sum()
    };
    let compare = |a: &u32, b: &u32| {
        let compared = keys.iter().map(|key| key.compare(*a as usize, *b as usize));
        compared.fold(Ordering::Equal, Ordering::then)
    };
    if places.len() <= FEW && places.iter().map(steps).sum::<usize>() < STEPS {
        places.sort_by(compare);
        return Ok(());
    }
    let mut sorted = places.to_vec();
    stoppable::sort_by(&mut sorted, looks, steps, compare)?;
    places.copy_from_slice(&sorted);
    Ok(())
}

impl SortKey<'_> {
    fn ranks(&self, places: &[u32], rank: impl Fn(usize) -> u64) -> Vec<(u64, u32)> {
        let turned = if self.descending { u64::MAX } else { 0 };
        let places = places.iter();
        places
            .map(|place| (rank(*place as usize) ^ turned, *place))
            .collect()
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let ordering = self.column.compare(a, b);
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

const SIGN: u64 = 1 << 63;

/// A number that is larger where the integer is.
#[inline]
pub fn rank_of_int(int: i64) -> u64 {
    int as u64 ^ SIGN
}

/// The integer of a rank.
pub fn int_of_rank(rank: u64) -> i64 {
    (rank ^ SIGN) as i64
}

/// A number that is larger where the real is, and the same where reals are equal: the two zeros, and
/// all that is not a number, which comes last.
#[inline]
pub fn rank_of_real(real: f64) -> u64 {
    if real.is_nan() {
        return u64::MAX;
    }
    let bits = (real + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// A real of a rank.
pub fn real_of_rank(rank: u64) -> f64 {
    f64::from_bits(if rank & SIGN == 0 { !rank } else { rank ^ SIGN })
}

/// A number that is not smaller where the string is larger: its first eight bytes.
fn rank_of_text(string: &str) -> u64 {
    let mut first = [0; 8];
    let length = string.len().min(first.len());
    first[..length].copy_from_slice(&string.as_bytes()[..length]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{TestBatch, batches, same};
    use super::*;
    use crate::model::Value;
    use crate::text::wait::Token;

    /// The rows of all batches, and columns that hold them.
    fn held(batches: &[TestBatch]) -> (Vec<Vec<Value>>, Vec<HeldColumn>) {
        let mut columns = vec![HeldColumn::default(); batches[0].columns.len()];
        for batch in batches {
            for (held, column) in columns.iter_mut().zip(&batch.columns) {
                held.extend(column, 0..batch.rows);
            }
        }
        let rows = batches.iter().flat_map(TestBatch::values).collect();
        (rows, columns)
    }

    /// Some more rows than are sorted by comparing at once.
    fn many(batches: Vec<TestBatch>, times: usize) -> Vec<TestBatch> {
        let all = batches.iter().cycle().take(batches.len() * times);
        all.cloned().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Beside a stable sort of the rows as values.
        #[test]
        fn is_that_of_values(
            batches in batches(1..4),
            times in prop_oneof![9 => Just(1usize), 1 => Just(120)],
            directions in prop::collection::vec(any::<bool>(), 4),
        ) {
            let (rows, columns) = held(&many(batches, times));
            let keys = columns.iter().zip(&directions);
            let keys: Vec<SortKey> = keys
                .map(|(column, descending)| SortKey { column, descending: *descending })
                .collect();
            let compare = |a: &u32, b: &u32| {
                let (a, b) = (&rows[*a as usize], &rows[*b as usize]);
                let keys = a.iter().zip(b).zip(&directions);
                let compared = keys.map(|((a, b), descending)| {
                    if *descending { b.cmp(a) } else { a.cmp(b) }
                });
                compared.fold(Ordering::Equal, Ordering::then)
            };
            let mut expected: Vec<u32> = (0..rows.len() as u32).collect();
            expected.sort_by(compare);
            let token = Token::new();
            let places = order(rows.len(), &keys, &token.looks()).expect("not stopped");
            prop_assert_eq!(&places, &expected);

            let mut alone = columns[0].clone();
            expected = (0..rows.len() as u32).collect();
            expected.sort_by(|a, b| keys[0].compare(*a as usize, *b as usize));
            let sorted = sort_alone(&mut alone, directions[0], &token.looks());
            if sorted.expect("not stopped") {
                let alone: Vec<Value> = (0..alone.len()).map(|row| alone.value(row)).collect();
                let row = |at: &u32| rows[*at as usize][0].clone();
                let expected: Vec<Value> = expected.iter().map(row).collect();
                prop_assert!(same(&alone, &expected));
            }
        }
    }

    #[test]
    fn ranks_are_turned_back() {
        for int in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(int_of_rank(rank_of_int(int)), int);
        }
        for real in [
            f64::NEG_INFINITY,
            f64::MIN,
            -5e-324,
            0.0,
            5e-324,
            1.5,
            f64::INFINITY,
        ] {
            assert_eq!(real_of_rank(rank_of_real(real)), real);
        }
        assert!(real_of_rank(rank_of_real(-f64::NAN)).is_nan());
    }
}
