//! Sum, mean and standard deviation of numbers that come and go. The sums inside are exact, so that
//! what a moving window has at a moment is, to the last digit, what its elements have by themselves.

use crate::model::{Numbers, RealSum, Value};
use crate::text::diagnostic::{Error, Result};

/// A sum of numbers: an integer as long as all of them are.
#[derive(Clone, Default)]
pub struct Total {
    integers: i128,
    reals: RealSum,
    /// How many of the numbers are reals.
    count_of_reals: u64,
}

impl Total {
    /// The sum of integers, and of so many reals, that have these sums.
    pub fn of(integers: i128, reals: RealSum, count_of_reals: u64) -> Total {
        Total {
            integers,
            reals,
            count_of_reals,
        }
    }

    /// Adds a number; `false` if `value` is none.
    #[inline]
    pub fn add(&mut self, value: &Value) -> bool {
        match value {
            Value::Int(i) => self.integers += i128::from(*i),
            Value::Real(r) => {
                self.reals.add(*r);
                self.count_of_reals += 1;
            }
            _ => return false,
        }
        true
    }

    /// Adds a batch of numbers.
    pub fn add_batch(&mut self, batch: &Numbers) {
        match batch {
            Numbers::Ints(ints) => {
                self.integers += ints.iter().copied().map(i128::from).sum::<i128>()
            }
            Numbers::Reals(reals) => {
                self.reals.add_all(reals);
                self.count_of_reals += reals.len() as u64;
            }
        }
    }

    /// Takes away a number that was added.
    #[inline]
    pub fn remove(&mut self, value: &Value) {
        match value {
            Value::Int(i) => self.integers -= i128::from(*i),
            Value::Real(r) => {
                self.reals.remove(*r);
                self.count_of_reals -= 1;
            }
            _ => {}
        }
    }

    /// The sum; an error if it is an integer beyond 64 bits.
    pub fn value(&self) -> Result<Value> {
        if self.count_of_reals > 0 {
            return Ok(Value::Real(self.real()));
        }
        self.integer().map(Value::Int)
    }

    /// The sum of integers; an error if it is beyond 64 bits.
    #[inline]
    pub fn integer(&self) -> Result<i64> {
        i64::try_from(self.integers)
            .map_err(|_| Error::run("the sum is beyond 64 bits").help("sum real(x) instead of x"))
    }

    /// The sum as a real.
    #[inline]
    pub fn real(&self) -> f64 {
        self.scaled(0)
    }

    /// The sum times 2^`scale` as a real.
    fn scaled(&self, scale: i32) -> f64 {
        if self.count_of_reals > 0 {
            if self.integers == 0 {
                return self.reals.scaled(scale);
            }
            let mut all = self.reals.to_exact();
            all.add_integer(self.integers);
            return all.scaled(scale);
        }
        // From 64 bits it takes one instruction.
        match i64::try_from(self.integers) {
            Ok(integers) => integers as f64,
            Err(_) => self.integers as f64,
        }
    }

    /// The mean of the numbers, `count` of them; none for none.
    #[inline]
    pub fn mean(&self, count: u64) -> Option<f64> {
        let sum = self.real();
        let mean = if sum.is_infinite() {
            // Beyond all reals, the sum of reals still has a mean.
            const SCALE: i32 = 64;
            scaled(self.scaled(-SCALE) / count as f64, SCALE)
        } else {
            sum / count as f64
        };
        (count > 0).then_some(mean)
    }
}

/// The sums of numbers and of their squares, and with them the standard deviation of the numbers.
///
/// Squares of numbers beyond 1e154 do not fit a real, and those of numbers below 1e-150 lose digits or
/// vanish. Such numbers are summed beside the others, scaled by a power of two, which is exact.
#[derive(Clone, Default)]
pub struct Moments {
    count: u64,
    usual: PowerSums,
    huge: Option<Box<PowerSums>>,
    tiny: Option<Box<PowerSums>>,
}

/// The sums of numbers of one scale.
#[derive(Clone, Default)]
struct PowerSums {
    count: u64,
    sum: RealSum,
    /// The squares, rounded, and what is left to them.
    squares: RealSum,
    rests: RealSum,
}

/// Numbers from 2^400 up are huge, those below 2^-400 are tiny.
const HUGE: f64 = f64::from_bits((1023 + 400) << 52);
const TINY: f64 = f64::from_bits((1023 - 400) << 52);

/// The powers of two that huge and tiny numbers are multiplied with.
const SCALE_OF_HUGE: i32 = -600;
const SCALE_OF_TINY: i32 = 700;

impl PowerSums {
    fn add(&mut self, x: f64) {
        self.count += 1;
        self.sum.add(x);
        let (square, rest) = square(x);
        self.squares.add(square);
        self.rests.add(rest);
    }

    fn remove(&mut self, x: f64) {
        self.count -= 1;
        self.sum.remove(x);
        let (square, rest) = square(x);
        self.squares.remove(square);
        self.rests.remove(rest);
    }

    /// Adds the sums of numbers of another scale, which are to be multiplied with 2^`scale`.
    fn take(&mut self, other: &PowerSums, scale: i32) {
        let ((sum, sum_rest), (squares, squares_rest)) = (other.sum.parts(), other.squares());
        for part in [sum, sum_rest] {
            self.sum.add(scaled(part, scale));
        }
        for part in [squares, squares_rest] {
            self.squares.add(scaled(scaled(part, scale), scale));
        }
    }

    /// The sum of squares in two reals.
    fn squares(&self) -> (f64, f64) {
        self.squares.parts_with(&self.rests)
    }

    /// The square root of the sum of squared distances from the mean, over `n - 1`.
    fn stdev(&self, n: f64) -> f64 {
        // n·Σx² - (Σx)², each side in two reals: little is left where the mean is large.
        let ((sum, sum_rest), (squares, squares_rest)) = (self.sum.parts(), self.squares());
        let (left, left_rest) = product(n, squares);
        let (right, right_rest) = product(sum, sum);
        let rest = (left_rest + n * squares_rest) - (right_rest + 2.0 * sum * sum_rest);
        let off = (left - right) + rest;
        if off.is_nan() {
            return off;
        }
        // Rounding may leave a little below nothing.
        (off.max(0.0) / (n * (n - 1.0))).sqrt()
    }
}

/// `x` times 2^`scale`, for scales up to 1000.
fn scaled(x: f64, scale: i32) -> f64 {
    x * f64::from_bits(((1023 + scale) as u64) << 52)
}

impl Moments {
    pub fn add(&mut self, x: f64) {
        self.count += 1;
        let (sums, x) = self.scale(x);
        sums.add(x);
    }

    /// Takes away a number that was added.
    pub fn remove(&mut self, x: f64) {
        self.count -= 1;
        let (sums, x) = self.scale(x);
        sums.remove(x);
    }

    /// The sums that `x` belongs to, and `x` in their scale.
    #[inline]
    fn scale(&mut self, x: f64) -> (&mut PowerSums, f64) {
        let size = x.abs();
        if size >= HUGE {
            (self.huge.get_or_insert_default(), scaled(x, SCALE_OF_HUGE))
        } else if size < TINY && size > 0.0 {
            (self.tiny.get_or_insert_default(), scaled(x, SCALE_OF_TINY))
        } else {
            (&mut self.usual, x)
        }
    }

    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sample standard deviation (n-1 in the denominator); `None` for fewer than two numbers.
    pub fn stdev(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let n = self.count as f64;
        let some =
            |sums: &Option<Box<PowerSums>>| sums.as_deref().filter(|sums| sums.count > 0).cloned();
        let (huge, tiny) = (some(&self.huge), some(&self.tiny));
        if let Some(mut all) = huge {
            // Tiny ones are nothing beside them.
            all.take(&self.usual, SCALE_OF_HUGE);
            return Some(scaled(all.stdev(n), -SCALE_OF_HUGE));
        }
        let Some(mut tiny) = tiny else {
            return Some(self.usual.stdev(n));
        };
        // The others may all be zeros, or so near to the limit that the tiny ones count.
        if self.usual.squares().0 < scaled(1.0, SCALE_OF_HUGE) {
            tiny.take(&self.usual, SCALE_OF_TINY);
            return Some(scaled(tiny.stdev(n), -SCALE_OF_TINY));
        }
        Some(self.usual.stdev(n))
    }
}

/// The square of a number of usual scale as two reals: rounded, and what is left to it.
///
/// Without an instruction that multiplies and adds at once, this is faster than a call of what stands
/// in for it (T. J. Dekker, "A floating-point technique for extending the available precision", 1971).
#[inline]
fn square(x: f64) -> (f64, f64) {
    let square = x * x;
    if !square.is_finite() {
        return (square, 0.0);
    }
    // Two halves whose products have no more digits than a real.
    let wide = x * ((1 << 27) + 1) as f64;
    let high = wide - (wide - x);
    let low = x - high;
    (
        square,
        ((high * high - square) + 2.0 * high * low) + low * low,
    )
}

fn product(x: f64, y: f64) -> (f64, f64) {
    let product = x * y;
    if product.is_finite() {
        (product, x.mul_add(y, -product))
    } else {
        (product, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stdev(numbers: &[f64]) -> Option<f64> {
        let mut moments = Moments::default();
        numbers.iter().for_each(|x| moments.add(*x));
        moments.stdev()
    }

    #[test]
    fn deviations() {
        let expected = Some((32.0f64 / 7.0).sqrt());
        assert_eq!(stdev(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), expected);
        assert_eq!(stdev(&[0.1; 7]), Some(0.0));
        assert_eq!(stdev(&[1.0]), None);
        for scale in [600, 1000, -500, -1000, -399, -400, 399] {
            let at = |x: f64| scaled(x, scale);
            assert_eq!(
                stdev(&[at(1.0), at(2.0), at(3.0)]),
                Some(at(1.0)),
                "{scale}"
            );
            assert_eq!(
                stdev(&[at(0.75), 0.0, at(0.75), at(1.5)]),
                Some(at(0.6123724356957945))
            );
        }
        assert_eq!(
            stdev(&[1.0, 2.0, 3.0, 1e-200]),
            stdev(&[1.0, 2.0, 3.0, 0.0])
        );
        assert_eq!(stdev(&[1e200, 0.0, 1.0]), stdev(&[1e200, 0.0, 0.0]));
        assert!(stdev(&[f64::INFINITY, 1.0]).is_some_and(f64::is_nan));
        let mut moments = Moments::default();
        [1e200, 1.0, 3.0, 1e-300]
            .iter()
            .for_each(|x| moments.add(*x));
        [1e200, 1e-300].iter().for_each(|x| moments.remove(*x));
        assert_eq!(moments.stdev(), stdev(&[1.0, 3.0]));
        // The deviation of 1, 2, 3, far away from 0.
        assert_eq!(stdev(&[1e15 + 1.0, 1e15 + 2.0, 1e15 + 3.0]), Some(1.0));
    }

    proptest! {
        #[test]
        fn squares_in_two_reals_are_exact(x in proptest::num::f64::NORMAL) {
            let x = if (TINY..HUGE).contains(&x.abs()) { x } else { x.fract() + 1.0 };
            prop_assert_eq!(square(x), product(x, x));
        }
    }

    #[test]
    fn integers_stay_integers() {
        let mut total = Total::default();
        for value in [Value::Int(i64::MAX), Value::Int(1)] {
            assert!(total.add(&value));
        }
        assert!(total.value().is_err());
        total.remove(&Value::Int(1));
        assert_eq!(total.value().expect("fits"), Value::Int(i64::MAX));
        total.add(&Value::Real(0.5));
        total.remove(&Value::Int(i64::MAX));
        assert_eq!(total.value().expect("fits"), Value::Real(0.5));
    }
}
