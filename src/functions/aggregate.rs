//! Aggregates: one value of a whole bag.

use std::sync::Arc;

use crate::model::memory::{HeldMemory, Operator, bytes_of};
use crate::model::native::{AggregateKind, Native, Natives};
use crate::model::{Args, Cx, Function, Source, Value, nesting, print, size};
use crate::run::aggregate::histogram::{Bins, Histogram, VectorHistogram};
use crate::run::aggregate::{Accumulator, median, not_a_number};
use crate::run::call;
use crate::run::eval::is_true;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("count", count).aggregate(AggregateKind::Count),
    Native::new("sum", |cx, a| accumulate(AggregateKind::Sum, cx, a)).aggregate(AggregateKind::Sum),
    Native::new("mean", |cx, a| accumulate(AggregateKind::Mean, cx, a))
        .aggregate(AggregateKind::Mean),
    Native::new("stdev", |cx, a| accumulate(AggregateKind::Stdev, cx, a))
        .aggregate(AggregateKind::Stdev),
    Native::new("min", |cx, a| accumulate(AggregateKind::Min, cx, a)).aggregate(AggregateKind::Min),
    Native::new("max", |cx, a| accumulate(AggregateKind::Max, cx, a)).aggregate(AggregateKind::Max),
    Native::new("median", median),
    Native::new("some", some),
    Native::new("notany", notany),
    Native::new("concatagg", concatagg),
    Native::new("inject", inject),
    Native::new("vectorize", vectorize),
    Native::new("aggregate", aggregate),
    Native::new("aggv", aggv),
    Native::new("histogram_of_vectors", histogram_of_vectors),
    Native::new("running", running),
    Native::new("histogram", histogram),
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
fn accumulate(kind: AggregateKind, cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut so_far = Accumulator::new(kind);
    let mut source = args.open(0, cx)?;
    while let Some(batch) = source.numbers(cx)? {
        so_far.add_batch(batch, cx)?;
    }
    while let Some(value) = source.next(cx)? {
        so_far.add(value, cx)?;
    }
    so_far.result()
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
    median::median(&mut *args.open(0, cx)?, cx)
}

fn some(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Bool(is_true(args.value(0), cx)?)))
}

fn notany(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Bool(!is_true(args.value(0), cx)?)))
}

fn concatagg(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut source = args.open(0, cx)?;
    let looks = cx.token.looks();
    let mut text = String::new();
    while let Some(value) = source.next(cx)? {
        match &value {
            Value::Str(s) => text.push_str(s),
            other => print::push(&mut text, other, &looks)?,
        }
        size::check_bytes(text.len(), "a string")?;
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
    args.collect_vector(0, cx).map(Some)
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
        nesting::check(&folded)?;
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
    function: Arc<Function>,
}

impl Source for Running {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.elements.next(cx)? {
            let args = vec![self.folded.clone(), value];
            if let Some(next) = call::function(&self.function, args, cx)? {
                nesting::check(&next)?;
                self.folded = next.clone();
                return Ok(Some(next));
            }
        }
        Ok(None)
    }
}

fn histogram(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let bins = Bins::new(args.real(1)?, args.real(2)?, args.value(3))?;
    let mut histogram = Histogram::new(bins);
    let mut numbers = Numbers::open(args, cx)?;
    while let Some(number) = numbers.next(cx)? {
        histogram.add(number);
    }
    Ok(Some(histogram.value()))
}

fn histogram_of_vectors(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let bins = args.vector(1)?.iter().map(Bins::within);
    let mut histogram = VectorHistogram::new(bins.collect::<Result<_>>()?)?;
    let mut vectors = args.open(0, cx)?;
    while let Some(vector) = vectors.next(cx)? {
        if let Value::Vector(vector) = &vector {
            histogram.add(vector);
        }
    }
    Ok(Some(histogram.value()))
}

fn aggv(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut columns: Vec<Vec<Value>> = Vec::new();
    let (mut held, mut memory) = (0, HeldMemory::default());
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
        held += bytes_of(elements);
        memory.set(held, Operator::named("aggv"), &cx.memory)?;
    }
    let function = args.function(1)?;
    let results = columns
        .into_iter()
        .map(|column| one_of_column(function, column, cx))
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(Value::vector(results)))
}

/// What an aggregate function gives for the numbers of a column: one value, or null for none.
fn one_of_column(function: &Arc<Function>, column: Vec<Value>, cx: &Cx) -> Result<Value> {
    let result = match call::function(function, vec![Value::bag(column)], cx)? {
        Some(many) if many.is_collection() => {
            let mut elements = many.elements(cx)?;
            let first = elements.next(cx)?;
            if elements.next(cx)?.is_some() {
                return Err(Error::run(format!(
                    "aggv wants one value of each column, and '{}' gives several",
                    function.name()
                ))
                .help("an aggregate function takes a bag and gives one value, as sum and max do"));
            }
            first
        }
        result => result,
    };
    Ok(result.unwrap_or(Value::Null))
}
