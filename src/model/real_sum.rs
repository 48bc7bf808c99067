//! Exact sums of reals that take little memory and time where two reals can hold them.

use crate::model::exact::ExactSum;

/// An exact sum of reals: what is added can be taken away again, and the order does not matter.
#[derive(Clone)]
pub struct RealSum(Form);

#[derive(Clone)]
enum Form {
    /// The sum is `high` and `low` together, without rounding; `high` alone is the nearest real to it.
    Pair { high: f64, low: f64 },
    /// A sum that has more digits, or that is not finite.
    Long(Box<ExactSum>),
}

impl Default for RealSum {
    fn default() -> Self {
        RealSum(Form::Pair {
            high: 0.0,
            low: 0.0,
        })
    }
}

/// The nearest real to the sum of two, and what is left to it.
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

impl RealSum {
    #[inline]
    pub fn add(&mut self, x: f64) {
        if let Form::Pair { high, low } = &mut self.0 {
            let (sum, rest) = two_sum(*high, x);
            let (rest, lost) = two_sum(*low, rest);
            let (sum, rest) = two_sum(sum, rest);
            // What is not finite leaves something that is not a number.
            if lost == 0.0 && sum.is_finite() {
                (*high, *low) = (sum, rest);
                return;
            }
        }
        self.long().add(x);
    }

    /// Takes away what was added before.
    #[inline]
    pub fn remove(&mut self, x: f64) {
        match &mut self.0 {
            Form::Pair { .. } => self.add(-x),
            Form::Long(sum) => sum.remove(x),
        }
    }

    /// Adds many.
    pub fn add_all(&mut self, numbers: &[f64]) {
        // Sums beside each other do not wait for each other.
        const LANES: usize = 8;
        let (mut high, mut low, mut lost) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let (chunks, rest) = numbers.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                let (sum, left) = two_sum(high[lane], chunk[lane]);
                let (left, gone) = two_sum(low[lane], left);
                (high[lane], low[lane]) = (sum, left);
                lost[lane] += gone.abs();
            }
        }
        let exact = lost.iter().all(|lost| *lost == 0.0);
        if exact && high.iter().chain(&low).all(|sum| sum.is_finite()) {
            high.iter().chain(&low).for_each(|sum| self.add(*sum));
            rest.iter().for_each(|x| self.add(*x));
        } else {
            numbers.iter().for_each(|x| self.add(*x));
        }
    }

    #[cold]
    fn long(&mut self) -> &mut ExactSum {
        if let Form::Pair { .. } = self.0 {
            self.0 = Form::Long(Box::new(self.to_exact()));
        }
        match &mut self.0 {
            Form::Long(sum) => sum,
            Form::Pair { .. } => unreachable!("it has just been made long"),
        }
    }

    /// The same sum in the form that holds every one.
    pub fn to_exact(&self) -> ExactSum {
        match &self.0 {
            Form::Pair { high, low } => {
                let mut sum = ExactSum::default();
                sum.add(*high);
                sum.add(*low);
                sum
            }
            Form::Long(sum) => (**sum).clone(),
        }
    }

    /// The real that is nearest to the sum.
    #[inline]
    pub fn round(&self) -> f64 {
        match &self.0 {
            Form::Pair { high, .. } => *high,
            Form::Long(sum) => sum.round(),
        }
    }

    /// The real that is nearest to the sum times 2^`scale`, as [`ExactSum::scaled`].
    pub fn scaled(&self, scale: i32) -> f64 {
        match &self.0 {
            Form::Pair { high, .. } if scale == 0 => *high,
            Form::Pair { .. } => self.to_exact().scaled(scale),
            Form::Long(sum) => sum.scaled(scale),
        }
    }

    /// The sum as two reals: the nearest, and what is left to it.
    pub fn parts(&self) -> (f64, f64) {
        match &self.0 {
            Form::Pair { high, low } => (*high, *low),
            Form::Long(sum) => sum.parts(),
        }
    }

    /// What the sum and another have together.
    pub fn parts_with(&self, other: &RealSum) -> (f64, f64) {
        let mut all = self.to_exact();
        match &other.0 {
            Form::Pair { high, low } => {
                all.add(*high);
                all.add(*low);
            }
            Form::Long(sum) => all.add_sum(sum),
        }
        all.parts()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reals of all sizes, and those that meet in a sum: neighbours, opposites, zeros, not finite ones.
    fn real() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => proptest::num::f64::ANY,
            4 => (-1000i64..1000).prop_map(|i| i as f64 / 8.0),
            4 => -1.0..1.0f64,
            1 => Just(f64::MAX),
            1 => Just(f64::MIN),
            1 => Just(5e-324),
            1 => Just(-0.0),
        ]
    }

    fn same(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn agrees_with_the_long_form(
            numbers in prop::collection::vec(real(), 0..60),
            gone in 0..60usize,
            together in any::<bool>(),
        ) {
            let (mut sum, mut exact) = (RealSum::default(), ExactSum::default());
            numbers.iter().for_each(|x| exact.add(*x));
            match together {
                true => sum.add_all(&numbers),
                false => numbers.iter().for_each(|x| sum.add(*x)),
            }
            for x in numbers.iter().take(gone) {
                sum.remove(*x);
                exact.remove(*x);
            }
            prop_assert!(same(sum.round(), exact.round()), "{} {}", sum.round(), exact.round());
            prop_assert!(same(sum.scaled(-64), exact.scaled(-64)));
            let (parts, expected) = (sum.parts(), exact.parts());
            prop_assert!(same(parts.0, expected.0) && same(parts.1, expected.1));
        }

        #[test]
        fn two_sums_together(
            left in prop::collection::vec(real(), 0..20),
            right in prop::collection::vec(real(), 0..20),
        ) {
            let (mut a, mut b, mut all) = <(RealSum, RealSum, ExactSum)>::default();
            a.add_all(&left);
            b.add_all(&right);
            left.iter().chain(&right).for_each(|x| all.add(*x));
            let (parts, expected) = (a.parts_with(&b), all.parts());
            prop_assert!(same(parts.0, expected.0) && same(parts.1, expected.1));
        }
    }

    #[test]
    fn usual_sums_take_no_memory_of_their_own() {
        let mut sum = RealSum::default();
        let numbers: Vec<f64> = (0..100_000).map(|i| f64::from(i).sin()).collect();
        sum.add_all(&numbers);
        assert!(matches!(sum.0, Form::Pair { .. }));
        sum.add(1e300);
        assert!(matches!(sum.0, Form::Long(_)));
    }
}
