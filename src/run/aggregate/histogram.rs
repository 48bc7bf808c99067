//! Histograms: how many numbers fall into each of several equal parts of a range.

use crate::model::{Type, Value, size};
use crate::text::diagnostic::{Error, Result};

/// Equal parts of the range `[min,max)`.
#[derive(Clone, Debug)]
pub struct Bins {
    min: f64,
    max: f64,
    count: usize,
}

impl Bins {
    /// `bins` equal parts from `min` to `max`. An error where the range is empty or endless, or where
    /// `bins` is no whole number from 1 to what memory holds.
    pub fn new(min: f64, max: f64, bins: &Value) -> Result<Bins> {
        // No comparison with nan holds.
        let has_width = min < max && (max - min).is_finite();
        let count = bins.as_int().filter(|count| *count >= 1);
        let (true, Some(count)) = (has_width, count) else {
            return Err(
                Error::run(format!("a histogram of {bins} bins from {min} to {max}"))
                    .help("it needs one bin at least, and a maximum above its minimum"),
            );
        };
        let count = size::elements(count, "a histogram", "bins")?;
        Ok(Bins { min, max, count })
    }

    /// The parts that limits `[min,max,bins]` describe.
    pub fn within(limits: &Value) -> Result<Bins> {
        if let Value::Vector(limits) = limits
            && let [min, max, bins] = &**limits
            && let (Some(min), Some(max)) = (min.as_real(), max.as_real())
            && bins.type_of().is_subtype_of(&Type::Number)
        {
            return Bins::new(min, max, bins);
        }
        Err(Error::run(format!(
            "the limits of a histogram are [min,max,bins], not {limits}"
        )))
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The part that a number falls into, from 0; nothing outside of the range.
    pub fn place(&self, number: f64) -> Option<usize> {
        if !(number >= self.min && number < self.max) {
            return None;
        }
        let share = (number - self.min) / (self.max - self.min);
        Some(((share * self.count as f64) as usize).min(self.count - 1))
    }
}

/// How many numbers have fallen into each part so far.
#[derive(Clone, Debug)]
pub struct Histogram {
    bins: Bins,
    counts: Vec<i64>,
}

impl Histogram {
    /// A histogram without numbers.
    pub fn new(bins: Bins) -> Histogram {
        let counts = vec![0; bins.count];
        Histogram { bins, counts }
    }

    /// Counts a number; one outside of the range is left out.
    pub fn add(&mut self, number: f64) {
        if let Some(place) = self.bins.place(number) {
            self.counts[place] += 1;
        }
    }

    /// The counts as a vector.
    pub fn value(&self) -> Value {
        Value::vector(self.counts.iter().copied().map(Value::Int))
    }
}

/// How many vectors fall into each cell that the parts of their positions make together.
pub struct VectorHistogram {
    bins: Vec<Bins>,
    counts: Vec<i64>,
}

impl VectorHistogram {
    /// A histogram without vectors, with the parts of each position. An error where there would be
    /// more cells than memory holds.
    pub fn new(bins: Vec<Bins>) -> Result<VectorHistogram> {
        let cells = bins
            .iter()
            .try_fold(1i64, |cells, bins| cells.checked_mul(bins.count as i64));
        let cells = size::elements(cells.unwrap_or(i64::MAX), "a histogram", "bins")?;
        Ok(VectorHistogram {
            bins,
            counts: vec![0; cells],
        })
    }

    /// Counts a vector of as many numbers as there are positions; any other is left out.
    pub fn add(&mut self, vector: &[Value]) {
        if vector.len() != self.bins.len() {
            return;
        }
        let places = vector.iter().zip(&self.bins);
        let cell = places
            .map(|(number, bins)| Some((bins.place(number.as_real()?)?, bins.count)))
            .try_fold(0, |cell, place| {
                let (place, count) = place?;
                Some(cell * count + place)
            });
        if let Some(cell) = cell {
            self.counts[cell] += 1;
        }
    }

    /// The counts as a vector; the parts of the last position are next to each other.
    pub fn value(&self) -> Value {
        Value::vector(self.counts.iter().copied().map(Value::Int))
    }
}
