//! Sorts by numbers of 64 bits, digit by digit from the lowest, what is equal staying in its order.

use std::borrow::Cow;

use crate::text::diagnostic::Result;
use crate::text::stoppable::{Looks, STEPS};

/// How many bits a digit has: their counts fit the processor's nearest cache.
const DIGIT: u32 = 11;
const DIGITS: usize = 1 << DIGIT;

/// So few are sorted faster by comparing.
const FEW: usize = 1 << 13;

/// Sorts by what `number` gives.
pub fn sort<T: Copy>(items: &mut Vec<T>, number: impl Fn(&T) -> u64, looks: &Looks) -> Result<()> {
    looks.steps(items.len().min(FEW))?;
    if items.len() < FEW {
        items.sort_by_key(number);
        return Ok(());
    }
    let (least, greatest) = range(items, &number, looks)?;
    // What all have in common does not count.
    let bits = u64::BITS - (greatest - least).leading_zeros();
    let mut other = items.clone();
    let mut counts = vec![0usize; DIGITS];
    for shift in (0..bits).step_by(DIGIT as usize) {
        let digit = |item: &T| ((number(item) - least) >> shift) as usize & (DIGITS - 1);
        counts.fill(0);
        for part in items.chunks(STEPS) {
            looks.steps(part.len() / 8)?;
            part.iter().for_each(|item| counts[digit(item)] += 1);
        }
        if counts.contains(&items.len()) {
            continue;
        }
        let mut next = 0;
        for count in &mut counts {
            next += std::mem::replace(count, next);
        }
        for part in items.chunks(STEPS) {
            looks.steps(part.len() / 4)?;
            for item in part {
                let place = &mut counts[digit(item)];
                other[*place] = *item;
                *place += 1;
            }
        }
        std::mem::swap(items, &mut other);
    }
    Ok(())
}

/// Sorts pairs by their first numbers.
pub fn sort_pairs(mut pairs: Vec<(u64, u32)>, looks: &Looks) -> Result<Vec<(u64, u32)>> {
    sort(&mut pairs, |pair| pair.0, looks)?;
    Ok(pairs)
}

fn range<T>(items: &[T], number: impl Fn(&T) -> u64, looks: &Looks) -> Result<(u64, u64)> {
    let (mut least, mut greatest) = (u64::MAX, 0);
    for part in items.chunks(STEPS) {
        looks.steps(part.len() / 8)?;
        for item in part {
            let number = number(item);
            (least, greatest) = (least.min(number), greatest.max(number));
        }
    }
    Ok((least, greatest))
}

/// The number that stands at this place when they are sorted. There is such a place.
pub fn select(numbers: &[u64], mut place: usize, looks: &Looks) -> Result<u64> {
    let mut among: Cow<[u64]> = Cow::Borrowed(numbers);
    while among.len() > FEW {
        let (least, greatest) = range(&among, |number| *number, looks)?;
        let bits = u64::BITS - (greatest - least).leading_zeros();
        if bits == 0 {
            return Ok(least);
        }
        // The highest digit says among which of them the wanted one is.
        let shift = bits.saturating_sub(DIGIT);
        let digit = |number: &u64| ((number - least) >> shift) as usize;
        let mut counts = vec![0usize; DIGITS];
        for part in among.chunks(STEPS) {
            looks.steps(part.len() / 8)?;
            part.iter().for_each(|number| counts[digit(number)] += 1);
        }
        let mut wanted = 0;
        while place >= counts[wanted] {
            place -= counts[wanted];
            wanted += 1;
        }
        let mut fewer = Vec::with_capacity(counts[wanted]);
        for part in among.chunks(STEPS) {
            looks.steps(part.len() / 8)?;
            fewer.extend(
                part.iter()
                    .copied()
                    .filter(|number| digit(number) == wanted),
            );
        }
        among = Cow::Owned(fewer);
    }
    looks.steps(among.len())?;
    Ok(*among.to_mut().select_nth_unstable(place).1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::wait::Token;

    /// Numbers of so many bits, often more than are sorted by comparing.
    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        (0..3 * FEW, 0..64u32, any::<u64>(), any::<u64>()).prop_map(|(length, bits, seed, base)| {
            let mut state = seed | 1;
            let mut random = || {
                // A multiplier of M. E. O'Neill's PCG.
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> (63 - bits)).wrapping_add(base)
            };
            (0..length).map(|_| random()).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn sorts_as_the_standard_library(numbers in numbers()) {
            let numbered = numbers.iter().copied().zip(0..);
            let mut pairs: Vec<(u64, u32)> = numbered.collect();
            let mut expected = pairs.clone();
            expected.sort();
            // What differs in the last bits only is equal, and stays as it came.
            sort(&mut pairs, |pair| pair.0 >> 3, &Token::new().looks()).expect("not stopped");
            prop_assert!(pairs.is_sorted_by_key(|pair| (pair.0 >> 3, pair.1)));
            pairs.sort();
            prop_assert_eq!(pairs, expected);
        }

        #[test]
        fn selects_what_sorting_puts_there(numbers in numbers(), at in 0.0..1.0f64) {
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            let place = (at * numbers.len() as f64) as usize;
            if let Some(expected) = sorted.get(place) {
                let selected = select(&numbers, place, &Token::new().looks());
                prop_assert_eq!(selected.expect("not stopped"), *expected);
            }
        }
    }

    #[test]
    fn can_be_stopped() {
        let token = Token::new();
        token.stop("enough");
        let mut numbers: Vec<u64> = (0..100 * STEPS as u64).collect();
        let sorted = sort(&mut numbers, |number| *number, &token.looks());
        assert_eq!(sorted.expect_err("stopped").message(), "enough");
        assert!(select(&numbers, 7, &token.looks()).is_err());
    }
}
