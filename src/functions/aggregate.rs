//! Aggregates: one value of a whole bag.

use super::accumulate::Accumulator;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Source, Value, print};
use crate::run::call;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    ("count", count as Native),
    ("sum", |cx, a| accumulate(Accumulator::sum(), cx, a)),
    ("mean", |cx, a| accumulate(Accumulator::mean(), cx, a)),
    ("stdev", |cx, a| accumulate(Accumulator::stdev(), cx, a)),
    ("min", |cx, a| accumulate(Accumulator::min(), cx, a)),
    ("max", |cx, a| accumulate(Accumulator::max(), cx, a)),
    ("median", median),
    ("some", some),
    ("notany", notany),
    ("concatagg", concatagg),
    ("inject", inject),
    ("vectorize", vectorize),
    ("aggregate", aggregate),
    ("aggv", aggv),
    ("histogram_of_vectors", histogram_of_vectors),
    ("running", running),
    ("histogram", histogram),
];

fn count(cx: &Cx, args: Args) -> Result<Option<Value>> {
    match args.collection(0)?.known_len() {
        Some(length) => Ok(Some(Value::Int(length as i64))),
        None => {
            let mut source = args.open(0, cx)?;
            let mut count = 0;
            while let Some(left_out) = source.skip(cx)? {
                count += left_out as i64;
            }
            while source.next(cx)?.is_some() {
                count += 1;
            }
            Ok(Some(Value::Int(count)))
        }
    }
}

/// An aggregate that needs no element twice.
fn accumulate(mut so_far: Accumulator, cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut source = args.open(0, cx)?;
    while let Some(batch) = source.numbers(cx)? {
        so_far.add_batch(batch, cx)?;
    }
    while let Some(value) = source.next(cx)? {
        so_far.add(value, cx)?;
    }
    so_far.result()
}

pub(super) fn not_a_number(value: &Value) -> Error {
    Error::run(format!("{} is not a number", call::short(value)))
}

/// The numbers of a bag, nulls left out.
struct Numbers {
    source: Box<dyn Source>,
    batch: std::vec::IntoIter<f64>,
    /// Whether the source may still make batches.
    batched: bool,
}

impl Numbers {
    fn open(args: Args, cx: &Cx) -> Result<Numbers> {
        let source = args.open(0, cx)?;
        Ok(Numbers {
            source,
            batch: vec![].into_iter(),
            batched: true,
        })
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<f64>> {
        loop {
            if let Some(number) = self.batch.next() {
                return Ok(Some(number));
            }
            if self.batched {
                match self.source.numbers(cx)? {
                    Some(batch) => self.batch = batch.reals().into_iter(),
                    None => self.batched = false,
                }
                continue;
            }
            match self.source.next(cx)? {
                Some(Value::Null) => {}
                Some(value) => {
                    return value
                        .as_real()
                        .map(Some)
                        .ok_or_else(|| not_a_number(&value));
                }
                None => return Ok(None),
            }
        }
    }
}

fn median(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut values = args.collect(0, cx)?;
    values.retain(|value| !value.is_null());
    if let Some(other) = values.iter().find(|value| value.as_real().is_none()) {
        return Err(not_a_number(other));
    }
    values.sort();
    let middle = values.len() / 2;
    if values.is_empty() || values.len() % 2 == 1 {
        return Ok(values.get(middle).cloned());
    }
    let pair = (values[middle - 1].as_real(), values[middle].as_real());
    Ok(match pair {
        (Some(a), Some(b)) => Some(Value::Real((a + b) / 2.0)),
        _ => None,
    })
}

fn some(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Bool(args.open(0, cx)?.next(cx)?.is_some())))
}

fn notany(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Bool(args.open(0, cx)?.next(cx)?.is_none())))
}

fn concatagg(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut source = args.open(0, cx)?;
    let mut text = String::new();
    while let Some(value) = source.next(cx)? {
        match &value {
            Value::Str(s) => text.push_str(s),
            other => print::push(&mut text, other),
        }
    }
    Ok(Some(Value::str(text)))
}

fn inject(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (bag, between) = (args.collection(0)?.clone(), args.value(1).clone());
    Ok(Some(Value::bag_from(move |cx| {
        let elements = bag.open(cx)?;
        Ok(Box::new(Injected {
            elements,
            between: between.clone(),
            next: None,
            first: true,
        }))
    })))
}

struct Injected {
    elements: Box<dyn Source>,
    between: Value,
    /// The element that comes after the one between.
    next: Option<Value>,
    first: bool,
}

impl Source for Injected {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(value) = self.next.take() {
            return Ok(Some(value));
        }
        let value = self.elements.next(cx)?;
        if std::mem::take(&mut self.first) || value.is_none() {
            return Ok(value);
        }
        self.next = value;
        Ok(Some(self.between.clone()))
    }
}

fn vectorize(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::vector(args.collect(0, cx)?)))
}

fn aggregate(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let function = args.function(2)?;
    let mut source = args.open(0, cx)?;
    let mut folded = args.value(1).clone();
    while let Some(value) = source.next(cx)? {
        match call::function(function, vec![folded, value], cx)? {
            Some(next) => folded = next,
            None => return Ok(None),
        }
    }
    Ok(Some(folded))
}

fn running(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, start) = (args.collection(0)?.clone(), args.value(1).clone());
    let function = args.function(2)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        let elements = stream.open(cx)?;
        Ok(Box::new(Running {
            elements,
            folded: start.clone(),
            function: function.clone(),
        }))
    })))
}

struct Running {
    elements: Box<dyn Source>,
    folded: Value,
    function: std::sync::Arc<crate::model::Function>,
}

impl Source for Running {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            let args = vec![self.folded.clone(), value];
            if let Some(next) = call::function(&self.function, args, cx)? {
                self.folded = next.clone();
                return Ok(Some(next));
            }
        }
        Ok(None)
    }
}

fn histogram(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (min, max) = (args.real(1)?, args.real(2)?);
    let bins = args.int(3)?;
    if bins < 1 || max <= min {
        return Err(
            Error::run(format!("a histogram of {bins} bins from {min} to {max}"))
                .help("it needs one bin at least, and a maximum above its minimum"),
        );
    }
    let mut counts = vec![0i64; bins as usize];
    let mut numbers = Numbers::open(args, cx)?;
    while let Some(number) = numbers.next(cx)? {
        if number >= min && number < max {
            let bin = ((number - min) / (max - min) * bins as f64) as usize;
            counts[bin.min(bins as usize - 1)] += 1;
        }
    }
    Ok(Some(Value::vector(counts.into_iter().map(Value::Int))))
}
/// One dimension of a histogram: `[min, max, bins]`.
struct Bins {
    min: f64,
    max: f64,
    count: usize,
}

impl Bins {
    fn of(limits: &Value) -> Result<Bins> {
        let wrong = || {
            Error::run(format!(
                "the limits of a histogram are [min, max, bins], not {limits}"
            ))
            .help("there is one bin at least, and the maximum is above the minimum")
        };
        let Value::Vector(limits) = limits else {
            return Err(wrong());
        };
        let [min, max, bins] = &**limits else {
            return Err(wrong());
        };
        match (min.as_real(), max.as_real(), bins.as_int()) {
            (Some(min), Some(max), Some(bins)) if min < max && bins > 0 => Ok(Bins {
                min,
                max,
                count: super::size(bins, "a histogram", "bins")?,
            }),
            _ => Err(wrong()),
        }
    }

    fn of_number(&self, number: f64) -> Option<usize> {
        let part = (number - self.min) / (self.max - self.min);
        let inside = number >= self.min && number < self.max;
        inside.then(|| ((part * self.count as f64) as usize).min(self.count - 1))
    }
}

fn histogram_of_vectors(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let limits = args.vector(1)?.iter().map(Bins::of);
    let limits = limits.collect::<Result<Vec<Bins>>>()?;
    let all = limits
        .iter()
        .map(|b| b.count as i64)
        .try_fold(1i64, i64::checked_mul);
    let all = super::size(all.unwrap_or(i64::MAX), "a histogram", "bins")?;
    let mut counts = vec![0i64; all];
    let mut vectors = args.open(0, cx)?;
    while let Some(vector) = vectors.next(cx)? {
        let Value::Vector(numbers) = &vector else {
            continue;
        };
        let places = numbers
            .iter()
            .zip(&limits)
            .map(|(n, bins)| bins.of_number(n.as_real()?));
        let place = places.zip(&limits).try_fold(0, |so_far, (place, bins)| {
            Some(so_far * bins.count + place?)
        });
        if let Some(place) = place
            && numbers.len() == limits.len()
        {
            counts[place] += 1;
        }
    }
    Ok(Some(Value::vector(counts.into_iter().map(Value::Int))))
}

fn aggv(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut columns: Vec<Vec<Value>> = Vec::new();
    let mut vectors = args.open(0, cx)?;
    while let Some(vector) = vectors.next(cx)? {
        let Value::Vector(elements) = &vector else {
            continue;
        };
        if columns.is_empty() {
            columns.resize(elements.len(), vec![]);
        }
        if columns.len() != elements.len() {
            let message = format!(
                "aggv takes vectors of one size, not {vector} among others of {}",
                columns.len()
            );
            return Err(Error::run(message));
        }
        for (column, element) in columns.iter_mut().zip(elements.iter()) {
            column.push(element.clone());
        }
    }
    let function = args.function(1)?;
    let aggregate = |column| call::function(function, vec![Value::bag(column)], cx);
    let results = columns
        .into_iter()
        .map(aggregate)
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(Value::vector(
        results.into_iter().map(|r| r.unwrap_or(Value::Null)),
    )))
}
