//! Bags: making them, taking parts of them.

use std::sync::Arc;

use indexmap::IndexMap;
use indexmap::map::Entry;
use rand::Rng;

use crate::host::Host;
use crate::model::collection::{Arrivals, BATCH};
use crate::model::memory::{Collecting, HeldMemory, Operator};
use crate::model::native::{Native, Natives};
use crate::model::{Args, BatchColumn, Collection, Cx, Numbers, Source, Value};
use crate::run::batch::Distinct;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

pub const NATIVES: Natives = &[
    Native::new("in", elements),
    Native::new("iota", iota).rows(|of| of.between(0, 1)),
    Native::new("first", first),
    Native::new("first_n", first_n).rows(|of| of.at_most(1)),
    Native::new("last", last),
    Native::new("section", section)
        .positions(&[1, 2])
        .rows(|of| of.between(1, 2)),
    Native::new("unique", unique).rows(|of| Some(of.taken? / 2.0)),
    Native::new("exclusive", exclusive),
    Native::new("remove_null", remove_null),
    Native::new("bequal", bequal),
    Native::new("sample", sample).rows(|of| of.at_most(1)),
    Native::new("tuples", tuples),
    Native::new("rowprops", rowprops),
];

fn elements(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(match args.value(0) {
        Value::Bag(c) | Value::Stream(c) => Value::Bag(c.clone()),
        Value::Vector(v) => {
            let vector = Value::Vector(v.clone());
            Value::bag_from(move |cx| vector.elements(cx))
        }
        other => Value::bag(vec![other.clone()]),
    }))
}

/// The integers from one to another, both included.
#[derive(Clone)]
pub struct Iota {
    pub next: i64,
    pub last: i64,
    done: bool,
}

impl Iota {
    pub fn new(first: i64, last: i64) -> Iota {
        Iota {
            next: first,
            last,
            done: first > last,
        }
    }
}

impl Collection for Iota {
    fn open(&self, _: &Cx) -> Result<Box<dyn Source>> {
        Ok(Box::new(self.clone()))
    }

    fn is_repeatable(&self, _: &Cx) -> bool {
        true
    }

    fn known_len(&self) -> Option<u64> {
        if self.done {
            return Some(0);
        }
        let length = i128::from(self.last) - i128::from(self.next) + 1;
        u64::try_from(length).ok()
    }
}

impl Source for Iota {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if self.done {
            return Ok(None);
        }
        let value = self.next;
        // A look at the clock for each element would cost more than the element.
        if value & 0xff == 0 {
            cx.token.check()?;
        }
        match value.checked_add(1) {
            Some(next) if next <= self.last => self.next = next,
            _ => self.done = true,
        }
        Ok(Some(Value::Int(value)))
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        if self.done {
            return Ok(None);
        }
        cx.token.check()?;
        let last = self.last.min(self.next.saturating_add(BATCH as i64 - 1));
        let batch = (self.next..=last).collect();
        match last.checked_add(1) {
            Some(next) if last < self.last => self.next = next,
            _ => self.done = true,
        }
        Ok(Some(Numbers::Ints(batch)))
    }
}

fn iota(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Bag(Arc::new(Iota::new(
        args.int(0)?,
        args.int(1)?,
    )))))
}

fn first(cx: &Cx, args: Args) -> Result<Option<Value>> {
    args.open(0, cx)?.next(cx)
}

/// A number of elements, from 0 up.
pub fn count_of(args: Args, i: usize) -> Result<u64> {
    let number = args.real(i)?;
    if number >= 0.0 && number.fract() == 0.0 {
        Ok(number as u64)
    } else {
        Err(Error::run(format!(
            "a number of elements is a whole number from 0 up, not {number}"
        )))
    }
}

/// The elements of `inner` from the one after `skip`, at most `take` of them.
pub struct Section {
    inner: Option<Box<dyn Source>>,
    skip: u64,
    take: u64,
    /// The next elements, which have been taken already.
    ahead: std::vec::IntoIter<Value>,
}

impl Section {
    pub fn new(inner: Box<dyn Source>, skip: u64, take: u64) -> Section {
        Section {
            inner: (take > 0).then_some(inner),
            skip,
            take,
            ahead: vec![].into_iter(),
        }
    }

    /// Leaves out what is before the section, many elements at a time where they come so.
    fn skip_to_start(&mut self, cx: &Cx) -> Result<()> {
        let Some(inner) = &mut self.inner else {
            return Ok(());
        };
        // Of a batch that is less than this, all elements would be made for a few.
        while self.skip >= BATCH as u64
            && let Some(column) = inner.column(cx)?
        {
            let skipped = self.skip.min(column.len() as u64);
            self.skip -= skipped;
            self.ahead = column.values().into_iter();
            self.ahead.by_ref().take(skipped as usize).for_each(drop);
        }
        while self.skip > 0 {
            let element = match self.ahead.next() {
                Some(element) => Some(element),
                None => inner.next(cx)?,
            };
            if element.is_none() {
                self.inner = None;
                return Ok(());
            }
            self.skip -= 1;
        }
        Ok(())
    }

    /// What is behind the last one is stopped at once: it may never end by itself.
    fn stop_at_end(&mut self) {
        if self.take == 0 {
            self.inner = None;
        }
    }
}

impl Source for Section {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        self.skip_to_start(cx)?;
        self.stop_at_end();
        let Some(inner) = &mut self.inner else {
            return Ok(None);
        };
        let value = match self.ahead.next() {
            Some(value) => Some(value),
            None => inner.next(cx)?,
        };
        self.take -= 1;
        self.stop_at_end();
        if value.is_none() {
            self.inner = None;
        }
        Ok(value)
    }

    /// The last of them are not dealt with yet: what is behind them is stopped when more is asked for.
    fn arrivals(&mut self, most: usize, cx: &Cx) -> Result<Option<Arrivals>> {
        self.skip_to_start(cx)?;
        self.stop_at_end();
        let Some(inner) = &mut self.inner else {
            return Ok(None);
        };
        if self.ahead.len() > 0 {
            return Ok(None);
        }
        let most = usize::try_from(self.take).map_or(most, |take| most.min(take));
        let arrivals = inner.arrivals(most, cx)?;
        self.take -= arrivals.as_ref().map_or(0, |a| a.column.len() as u64);
        Ok(arrivals)
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        while let Some(inner) = &mut self.inner
            && self.ahead.len() == 0
            && let Some(mut batch) = inner.numbers(cx)?
        {
            let skipped = self.skip.min(batch.len() as u64);
            self.skip -= skipped;
            batch.remove_first(skipped as usize);
            batch.truncate(usize::try_from(self.take).unwrap_or(usize::MAX));
            self.take -= batch.len() as u64;
            if self.take == 0 {
                self.inner = None;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

/// Positions `start` to `stop`, from 1, as how many to skip and how many to take.
pub fn positions(args: Args, start: usize, stop: usize) -> Result<(u64, u64)> {
    let (start, stop) = (count_of(args, start)?.max(1), count_of(args, stop)?);
    Ok((start - 1, stop.saturating_add(1).saturating_sub(start)))
}

fn first_n(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (bag, n) = (args.collection(0)?.clone(), count_of(args, 1)?);
    Ok(Some(Value::bag_from(move |cx| {
        Ok(Box::new(Section::new(bag.open(cx)?, 0, n)))
    })))
}

fn section(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (bag, (skip, take)) = (args.collection(0)?.clone(), positions(args, 1, 2)?);
    Ok(Some(Value::bag_from(move |cx| {
        Ok(Box::new(Section::new(bag.open(cx)?, skip, take)))
    })))
}

fn last(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut source = args.open(0, cx)?;
    let mut last = None;
    while let Some(numbers) = source.numbers(cx)? {
        last = numbers.last().or(last);
    }
    while let Some(value) = source.next(cx)? {
        last = Some(value);
    }
    Ok(last)
}

/// What tells elements apart, by the name that users know it by.
const UNIQUE: Operator = Operator {
    name: "unique",
    span: None,
};

/// The elements of a collection that have not come before.
struct Unique {
    inner: Box<dyn Source>,
    seen: Distinct,
    /// What it comes to behind the latest batch.
    failed: Option<Error>,
}

impl Source for Unique {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        while let Some(value) = self.inner.next(cx)? {
            if self.seen.is_new(&value, UNIQUE, cx)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(batch) = self.inner.numbers(cx)? else {
            return Ok(None);
        };
        let rows = batch.len();
        let mut column = BatchColumn::from(batch);
        let columns = std::slice::from_ref(&column);
        let (new, checked) = self.seen.new_rows(columns, rows, UNIQUE, cx);
        self.failed = checked.err();
        column.pick(&new);
        Ok(column.numbers(new.len()))
    }
}

fn unique(_: &Cx, args: Args) -> Result<Option<Value>> {
    let bag = args.collection(0)?.clone();
    Ok(Some(Value::bag_from(move |cx| {
        Ok(Box::new(Unique {
            inner: bag.open(cx)?,
            seen: Distinct::new(1),
            failed: None,
        }))
    })))
}

/// The elements with how often each occurs, in the order of their first occurrences.
fn counts(args: Args, i: usize, cx: &Cx) -> Result<IndexMap<Value, u64>> {
    let mut counts = IndexMap::new();
    let mut source = args.open(i, cx)?;
    let (mut heap, mut memory) = (0, HeldMemory::default());
    while let Some(value) = source.next(cx)? {
        match counts.entry(value) {
            Entry::Occupied(mut known) => *known.get_mut() += 1,
            Entry::Vacant(new) => {
                heap += new.key().heap_bytes();
                new.insert(1);
            }
        }
        // An entry, its hash, and its place in the table of hashes, with what growing takes.
        let entry = size_of::<(Value, u64)>() + 3 * size_of::<usize>();
        let bytes = counts.capacity() * entry + heap;
        memory.set(bytes, Operator::named("the counts of elements"), &cx.memory)?;
    }
    Ok(counts)
}

fn exclusive(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let counts = counts(args, 0, cx)?;
    let once = counts.into_iter().filter(|(_, count)| *count == 1);
    Ok(Some(Value::bag(once.map(|(value, _)| value).collect())))
}

fn bequal(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Bool(
        counts(args, 0, cx)? == counts(args, 1, cx)?,
    )))
}

/// The elements of a collection that are not null.
struct NotNull(Box<dyn Source>);

impl Source for NotNull {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.0.next(cx)? {
            if !value.is_null() {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        self.0.numbers(cx)
    }
}

fn remove_null(_: &Cx, args: Args) -> Result<Option<Value>> {
    let bag = args.collection(0)?.clone();
    Ok(Some(Value::bag_from(move |cx| {
        Ok(Box::new(NotNull(bag.open(cx)?)))
    })))
}

/// By reservoir sampling, which needs no more memory than the sample.
fn sample(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let size = count_of(args, 1)? as usize;
    let mut source = args.open(0, cx)?;
    let mut reservoir = Collecting::new(Operator::named("a sample"));
    let mut seen = 0;
    while let Some(value) = source.next(cx)? {
        seen += 1;
        if reservoir.len() < size {
            reservoir.push(value, &cx.memory)?;
        } else {
            let at = lock(&Host::of(cx).random).random_range(0..seen);
            reservoir.replace(at, value);
        }
    }
    Ok(Some(Value::bag(reservoir.into_values())))
}

fn tuples(_: &Cx, args: Args) -> Result<Option<Value>> {
    let bag = args.collection(0)?.clone();
    Ok(Some(Value::bag_from(move |cx| {
        Ok(Box::new(Tuples(bag.open(cx)?)))
    })))
}

struct Tuples(Box<dyn Source>);

impl Source for Tuples {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        Ok(self.0.next(cx)?.map(|value| match value {
            Value::Vector(_) => value,
            single => Value::vector([single]),
        }))
    }
}

fn rowprops(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let pairs = args.vector(0)?.iter().zip(args.vector(1)?.iter());
    let pairs = looks.each(pairs).map(|pair| {
        let (prop, value) = pair?;
        Ok(Value::vector([prop.clone(), value.clone()]))
    });
    Ok(Some(Value::bag(pairs.collect::<Result<_>>()?)))
}
