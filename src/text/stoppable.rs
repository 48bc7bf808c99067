//! Where a running computation looks for a stop, stated once: **whatever works on data of a size that a
//! user chooses looks at its token every [`STEPS`] steps at the latest**, a step being some ten
//! nanoseconds of work. So Ctrl-C, `--timeout` and SIGTERM end anything within a tenth of a second.
//!
//! Who pulls elements from a source need not look, as each source does. A loop over what is in memory
//! takes [`Token::looks`] and counts its steps; one that does more with an element than a few
//! instructions counts as many steps as that takes. A library's function that takes long at once is
//! called for pieces, as [`sort_by`] sorts, or for no more data than it does in time.

use std::cell::Cell;
use std::cmp::Ordering;

use super::wait::Token;
use crate::text::diagnostic::Result;

/// How many steps are made between two looks.
pub const STEPS: usize = 4096;

/// A look at a token every [`STEPS`] steps. It can be shared by all parts of one computation.
pub struct Looks<'t> {
    token: &'t Token,
    left: Cell<usize>,
}

impl Token {
    /// Looks at this token, for one computation.
    pub fn looks(&self) -> Looks<'_> {
        Looks {
            token: self,
            left: Cell::new(STEPS),
        }
    }
}

impl Looks<'_> {
    /// One step. An error if the token has been stopped.
    #[inline]
    pub fn step(&self) -> Result<()> {
        self.steps(1)
    }

    /// So many steps at once.
    #[inline]
    pub fn steps(&self, steps: usize) -> Result<()> {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.left.set(STEPS);
                self.token.check()
            }
        }
    }

    /// A look now. An error if the token has been stopped.
    pub fn now(&self) -> Result<()> {
        self.token.check()
    }

    /// Each element, as a step.
    pub fn each<I: IntoIterator>(&self, elements: I) -> impl Iterator<Item = Result<I::Item>> {
        elements
            .into_iter()
            .map(|element| self.step().map(|()| element))
    }
}

/// Sorts, what is equal staying in its order. `steps` says how many a comparison with an element takes
/// at most, or nearly.
///
/// The standard library's sort cannot be left: pieces are sorted by it, and merged here.
pub fn sort_by<T>(
    elements: &mut Vec<T>,
    looks: &Looks,
    steps: impl Fn(&T) -> usize,
    mut compare: impl FnMut(&T, &T) -> Ordering,
) -> Result<()> {
    let mut runs = Vec::new();
    let mut rest = std::mem::take(elements).into_iter();
    loop {
        let (mut run, mut taken) = (Vec::new(), 0);
        while taken < STEPS
            && let Some(element) = rest.next()
        {
            taken += steps(&element);
            run.push(element);
        }
        if run.is_empty() {
            break;
        }
        looks.steps(taken)?;
        run.sort_by(&mut compare);
        runs.push(run);
    }
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, looks, &steps, &mut compare)?,
                None => left,
            });
        }
        runs = merged;
    }
    *elements = runs.pop().unwrap_or_default();
    Ok(())
}

fn merge<T>(
    left: Vec<T>,
    right: Vec<T>,
    looks: &Looks,
    steps: &impl Fn(&T) -> usize,
    compare: &mut impl FnMut(&T, &T) -> Ordering,
) -> Result<Vec<T>> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    while let (Some(a), Some(b)) = (left.as_slice().first(), right.as_slice().first()) {
        looks.steps(steps(a).min(steps(b)))?;
        let next = match compare(a, b) {
            Ordering::Greater => right.next(),
            _ => left.next(),
        };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_comes_every_so_many_steps() {
        let token = Token::new();
        let looks = token.looks();
        assert_eq!(
            looks.each(0..3 * STEPS).filter(Result::is_ok).count(),
            3 * STEPS
        );
        token.stop("enough");
        let seen = looks.each(0..3 * STEPS).take_while(Result::is_ok).count();
        assert!(seen <= STEPS, "{seen}");
        assert!(looks.steps(usize::MAX).is_err());
    }

    #[test]
    fn sorting_keeps_the_order_of_what_is_equal() {
        let token = Token::new();
        for length in [0, 1, STEPS, STEPS + 1, 10 * STEPS + 7] {
            let pairs: Vec<_> = (0..length).map(|i| ((i * 7919) % 1013, i)).collect();
            let mut expected = pairs.clone();
            expected.sort();
            for steps in [1, 3, STEPS] {
                let mut sorted = pairs.clone();
                sort_by(&mut sorted, &token.looks(), |_| steps, |a, b| a.0.cmp(&b.0))
                    .expect("not stopped");
                assert_eq!(sorted, expected);
            }
        }
    }

    #[test]
    fn sorting_can_be_stopped() {
        let token = Token::new();
        token.stop("enough");
        let mut numbers: Vec<_> = (0..100 * STEPS).collect();
        let sorted = sort_by(&mut numbers, &token.looks(), |_| 1, |a, b| b.cmp(a));
        assert_eq!(sorted.expect_err("stopped").message(), "enough");
    }

    /// What takes long to compare is compared no more than a few times after a stop.
    #[test]
    fn sorting_of_what_is_large_can_be_stopped() {
        let token = Token::new();
        let mut compared = 0;
        let sorted = sort_by(
            &mut (0..STEPS).collect(),
            &token.looks(),
            |_| STEPS,
            |a, b| {
                compared += 1;
                if compared == 10 {
                    token.stop("enough");
                }
                b.cmp(a)
            },
        );
        assert_eq!(sorted.expect_err("stopped").message(), "enough");
        assert!(compared < 15, "{compared}");
    }
}
