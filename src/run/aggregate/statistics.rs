//! Sum, mean and standard deviation of numbers that come and go. The sums inside are exact, so that
//! what a moving window has at a moment is, to the last digit, what its elements have by themselves.

use crate::model::exact::ExactSum;
use crate::model::{Numbers, Value};
use crate::text::diagnostic::{Error, Result};

/// A sum of numbers: an integer as long as all of them are.
#[derive(Clone, Default)]
pub struct Total {
    integers: i128,
    /// The sum of the reals, once there is one.
    reals: Option<Box<ExactSum>>,
    /// How many of the numbers are reals.
    count_of_reals: u64,
}

impl Total {
    /// Adds a number; `false` if `value` is none.
    #[inline]
    pub fn add(&mut self, value: &Value) -> bool {
        match value {
            Value::Int(i) => self.integers += i128::from(*i),
            Value::Real(r) => {
                self.reals.get_or_insert_default().add(*r);
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
                let sum = self.reals.get_or_insert_default();
                reals.iter().for_each(|real| sum.add(*real));
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
                self.reals.get_or_insert_default().remove(*r);
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
    pub fn real(&self) -> f64 {
        match &self.reals {
            Some(reals) if self.count_of_reals > 0 => {
                if self.integers == 0 {
                    return reals.round();
                }
                let mut all = reals.clone();
                all.add_integer(self.integers);
                all.round()
            }
            // From 64 bits it takes one instruction.
            _ => match i64::try_from(self.integers) {
                Ok(integers) => integers as f64,
                Err(_) => self.integers as f64,
            },
        }
    }

    /// The mean of the numbers, `count` of them; none for none.
    pub fn mean(&self, count: u64) -> Option<f64> {
        (count > 0).then(|| self.real() / count as f64)
    }
}

/// The sums of numbers and of their squares.
#[derive(Clone, Default)]
pub struct Moments {
    count: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl Moments {
    pub fn add(&mut self, x: f64) {
        self.count += 1;
        self.sum.add(x);
        let (square, rest) = square(x);
        self.squares.add(square);
        self.squares.add(rest);
    }

    /// Takes away a number that was added.
    pub fn remove(&mut self, x: f64) {
        self.count -= 1;
        self.sum.remove(x);
        let (square, rest) = square(x);
        self.squares.remove(square);
        self.squares.remove(rest);
    }

    /// The sample standard deviation (n-1 in the denominator); `None` for fewer than two numbers.
    pub fn stdev(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let n = self.count as f64;
        // n·Σx² - (Σx)², each side in two reals: little is left where the mean is large.
        let ((sum, sum_rest), (squares, squares_rest)) = (self.sum.parts(), self.squares.parts());
        let (left, left_rest) = product(n, squares);
        let (right, right_rest) = product(sum, sum);
        let rest = (left_rest + n * squares_rest) - (right_rest + 2.0 * sum * sum_rest);
        let off = (left - right) + rest;
        // Rounding may leave a little below nothing.
        Some((off.max(0.0) / (n * (n - 1.0))).sqrt()).map(|s| if off.is_nan() { off } else { s })
    }
}

/// A square as two reals: rounded, and what is left to it.
fn square(x: f64) -> (f64, f64) {
    product(x, x)
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
        // The deviation of 1, 2, 3, far away from 0.
        assert_eq!(stdev(&[1e15 + 1.0, 1e15 + 2.0, 1e15 + 3.0]), Some(1.0));
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
