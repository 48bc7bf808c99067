//! Sums of reals without rounding: what is added can be taken away again, and the order does not
//! matter. Rounded once, when the sum is read.
//!
//! The sum is a fixed-point number that covers the whole range of reals, in chunks of 32 bits with
//! room for carries (after R. M. Neal, "Fast exact summation using small and large
//! superaccumulators", 2015).

/// Bit 0 of chunk 0 stands for the smallest real, 2^-1074.
const CHUNKS: usize = 70;

/// An addition changes a chunk by less than 2^32, so that so many fit before carries must be passed on.
const UNTIL_CARRY: u32 = 1 << 30;

#[derive(Clone)]
pub struct ExactSum {
    chunks: [i64; CHUNKS],
    /// The chunks that have been touched.
    low: usize,
    high: usize,
    until_carry: u32,
    /// How many infinities of either sign, and how many that are no number, the sum has.
    infinities: i64,
    negative_infinities: i64,
    not_numbers: i64,
}

impl Default for ExactSum {
    fn default() -> Self {
        ExactSum {
            chunks: [0; CHUNKS],
            low: CHUNKS,
            high: 0,
            until_carry: UNTIL_CARRY,
            infinities: 0,
            negative_infinities: 0,
            not_numbers: 0,
        }
    }
}

impl ExactSum {
    pub fn add(&mut self, x: f64) {
        self.change(x, 1);
    }

    /// Takes away what was added before.
    pub fn remove(&mut self, x: f64) {
        self.change(x, -1);
    }

    fn change(&mut self, x: f64, by: i64) {
        let bits = x.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as usize;
        let fraction = bits & ((1 << 52) - 1);
        if exponent == 0x7ff {
            return self.change_special(x, by);
        }
        let (mantissa, place) = match exponent {
            0 => (fraction, 0),
            _ => (fraction | 1 << 52, exponent - 1),
        };
        let sign = if bits >> 63 == 0 { by } else { -by };
        self.put(u128::from(mantissa), place, sign);
    }

    #[cold]
    fn change_special(&mut self, x: f64, by: i64) {
        let count = if x.is_nan() {
            &mut self.not_numbers
        } else if x > 0.0 {
            &mut self.infinities
        } else {
            &mut self.negative_infinities
        };
        *count += by;
    }

    /// Adds an integer.
    pub fn add_integer(&mut self, x: i128) {
        let magnitude = x.unsigned_abs();
        let sign = if x < 0 { -1 } else { 1 };
        for half in 0..2 {
            let part = magnitude >> (64 * half) & u128::from(u64::MAX);
            self.put(part, 1074 + 64 * half, sign);
        }
    }

    /// Adds another sum.
    pub fn add_sum(&mut self, other: &ExactSum) {
        // With carries passed on, chunks have room for as many additions as the other has seen.
        self.carry();
        for (chunk, other) in self.chunks.iter_mut().zip(&other.chunks) {
            *chunk += other;
        }
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.carry();
        self.infinities += other.infinities;
        self.negative_infinities += other.negative_infinities;
        self.not_numbers += other.not_numbers;
    }

    /// Adds `mantissa` (at most 64 bits), shifted up by `place` bits, with a sign.
    fn put(&mut self, mantissa: u128, place: usize, sign: i64) {
        let (at, wide) = (place / 32, mantissa << (place % 32));
        for (i, chunk) in self.chunks[at..at + 3].iter_mut().enumerate() {
            *chunk += sign * (wide >> (32 * i) & 0xffff_ffff) as i64;
        }
        self.low = self.low.min(at);
        self.high = self.high.max(at + 2);
        self.until_carry -= 1;
        if self.until_carry == 0 {
            self.carry();
        }
    }

    /// Brings all chunks but the highest into 32 bits.
    fn carry(&mut self) {
        let mut carried = 0;
        for chunk in &mut self.chunks[self.low.min(self.high)..] {
            let sum = *chunk + carried;
            *chunk = sum & 0xffff_ffff;
            carried = sum >> 32;
        }
        self.chunks[CHUNKS - 1] += carried << 32;
        self.high = CHUNKS - 1;
        self.until_carry = UNTIL_CARRY;
    }

    /// The real that is nearest to the sum.
    pub fn round(&self) -> f64 {
        self.scaled(0)
    }

    /// The real that is nearest to the sum times 2^`scale`, for scales from -100 to 0. A sum of reals
    /// may be beyond them where its mean is not.
    pub fn scaled(&self, scale: i32) -> f64 {
        if self.not_numbers > 0 || self.infinities > 0 && self.negative_infinities > 0 {
            return f64::NAN;
        }
        if self.infinities > 0 {
            return f64::INFINITY;
        }
        if self.negative_infinities > 0 {
            return f64::NEG_INFINITY;
        }
        if self.low > self.high {
            return 0.0;
        }
        self.round_finite(scale)
    }

    fn round_finite(&self, scale: i32) -> f64 {
        let mut digits = [0u32; CHUNKS + 2];
        let top = self.digits(1, &mut digits);
        let (negative, top) = match top {
            Some(top) => (false, top),
            // A negative sum: its magnitude has the digits.
            None => (true, self.digits(-1, &mut digits).unwrap_or(0)),
        };
        let base = top.saturating_sub(2).max(self.low);
        let mut value = 0u128;
        for digit in digits[base..=top].iter().rev() {
            value = value << 32 | u128::from(*digit);
        }
        // What is below only says to which side of a tie the sum lies.
        if digits[self.low..base].iter().any(|digit| *digit != 0) {
            value |= 1;
        }
        let exponent = base as i32 * 32 - 1074 + scale;
        let magnitude =
            value as f64 * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2);
        if negative { -magnitude } else { magnitude }
    }

    /// Writes the digits of `sign` times the sum, from chunk `low` on; gives the place of the highest
    /// that is not 0, or `low`. `None` if the number is negative.
    fn digits(&self, sign: i64, digits: &mut [u32; CHUNKS + 2]) -> Option<usize> {
        let mut carried = 0;
        let mut top = self.low;
        for (at, digit) in digits.iter_mut().enumerate().skip(self.low) {
            let chunk = match at <= self.high {
                true => sign * self.chunks[at],
                false => 0,
            };
            if at > self.high && carried == 0 {
                break;
            }
            let sum = chunk + carried;
            if at > self.high + 1 && sum < 0 {
                return None;
            }
            *digit = (sum & 0xffff_ffff) as u32;
            carried = sum >> 32;
            if *digit != 0 {
                top = at;
            }
        }
        (carried >= 0).then_some(top)
    }

    /// The sum as two reals: the nearest, and what is left to it.
    pub fn parts(&self) -> (f64, f64) {
        let high = self.round();
        if !high.is_finite() {
            return (high, 0.0);
        }
        let mut rest = self.clone();
        rest.remove(high);
        (high, rest.round())
    }
}

/// 2 to the power of `exponent`, which is within what a real with a full mantissa can be.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(numbers: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        numbers.iter().for_each(|x| sum.add(*x));
        sum.round()
    }

    #[test]
    fn rounds_once() {
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[0.1, 0.2, 0.3]), 0.6);
        assert_eq!(sum(&[1e308, 1e308, -1e308]), 1e308);
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[-1e100, -1.0, 1e100]), -1.0);
        assert_eq!(sum(&[1.0, f64::EPSILON / 2.0, 5e-324]), 1.0 + f64::EPSILON);
        assert_eq!(sum(&[1.0, f64::EPSILON / 2.0]), 1.0);
        assert_eq!(sum(&[5e-324, 5e-324]), 1e-323);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum(&[]), 0.0);
    }

    #[test]
    fn integers_beyond_53_bits_keep_their_digits() {
        let mut sum = ExactSum::default();
        sum.add_integer(i128::from(i64::MAX) * 3);
        sum.add_integer(-i128::from(i64::MAX) * 3 - 7);
        assert_eq!(sum.round(), -7.0);
    }

    #[test]
    fn infinities_come_and_go() {
        let mut sum = ExactSum::default();
        sum.add(2.5);
        sum.add(f64::INFINITY);
        assert_eq!(sum.round(), f64::INFINITY);
        sum.add(f64::NEG_INFINITY);
        assert!(sum.round().is_nan());
        sum.remove(f64::INFINITY);
        sum.remove(f64::NEG_INFINITY);
        assert_eq!(sum.round(), 2.5);
    }

    proptest! {
        #[test]
        fn of_one_is_itself(x in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(sum(&[x]), x);
        }

        #[test]
        fn of_two_is_their_sum(
            x in proptest::num::f64::NORMAL,
            y in proptest::num::f64::NORMAL,
        ) {
            prop_assert_eq!(sum(&[x, y]), x + y);
        }

        #[test]
        fn forgets_what_is_removed(numbers in prop::collection::vec(proptest::num::f64::NORMAL, 2..50)) {
            let mut moving = ExactSum::default();
            numbers.iter().for_each(|x| moving.add(*x));
            let (gone, left) = numbers.split_at(numbers.len() / 2);
            gone.iter().for_each(|x| moving.remove(*x));
            prop_assert_eq!(moving.round(), sum(left));
        }
    }
}
