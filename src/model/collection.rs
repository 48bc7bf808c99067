//! Bags and streams: descriptions of elements that are produced when pulled.

use std::sync::Arc;

use crate::model::failed::Turns;
use crate::model::plot::PlotRequest;
use crate::model::{BatchColumn, Cx, Type, Value};
use crate::text::diagnostic::{Error, Result};

/// A bag or a stream: opening it starts it anew.
pub trait Collection: Send + Sync {
    /// Starts producing the elements.
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>>;

    /// A type that all elements are of, as far as it is known without producing them.
    fn element_type(&self) -> Type {
        Type::Object
    }

    /// The elements, where they are held in memory already.
    fn as_slice(&self) -> Option<&[Value]> {
        None
    }

    /// The values and bags that this is made of, one after the other, where it is.
    fn parts(&self) -> Option<&[Value]> {
        None
    }

    /// Takes these parts away, so that they can be dropped one by one.
    fn take_parts(&mut self) -> Vec<Value> {
        Vec::new()
    }

    /// Whether opening it again gives the same elements, as long as nothing that is stored changes.
    fn is_repeatable(&self, cx: &Cx) -> bool {
        let parts = self.as_slice().or(self.parts());
        parts.is_some_and(|parts| parts.iter().all(|part| part.is_repeatable(cx)))
    }

    /// The number of elements, where it is known without producing them.
    fn known_len(&self) -> Option<u64> {
        self.as_slice().map(|s| s.len() as u64)
    }
}

/// A running bag or stream. Dropping it stops it.
pub trait Source: Send {
    /// The next element, or `None` at the end. May block, always under `cx.token`.
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>>;

    /// The next elements, many at a time, where they are numbers of one type and at hand. `None`
    /// where they are not: pull with [`Source::next`] from there on.
    fn numbers(&mut self, _: &Cx) -> Result<Option<Numbers>> {
        Ok(None)
    }

    /// `error` came while whoever took the latest element was at work on it: says which it was.
    fn explain(&self, error: Error) -> Error {
        error
    }

    /// Whether the elements arrive over time, from outside. One that fails is set aside then, and the
    /// rest goes on. Known once the first element has come.
    fn is_live(&self) -> bool {
        false
    }

    /// How the elements are to be shown, where they say so.
    fn plot(&self) -> Option<&Arc<PlotRequest>> {
        None
    }

    /// The next elements, many at a time, of any kind but objects, where they are at hand. `None` where
    /// they are not: pull with [`Source::next`] from there on.
    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        Ok(self.numbers(cx)?.map(BatchColumn::from))
    }

    /// The next elements, where they are vectors of as many values each: the values by place in the
    /// vector. `None` where they are not.
    fn columns(&mut self, _: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        Ok(None)
    }

    /// The next elements, of which only some fields are wanted, by field. `None` where they have to be
    /// pulled. A function gives a source that can do this if its row says so, see
    /// [`Native::streams_fields`](super::native::Native::streams_fields).
    fn fields(&mut self, _: &Cx) -> Result<Option<FieldBatch>> {
        Ok(None)
    }

    /// The next elements of a live stream, `most` at the most: waits for the first, and gives what else
    /// has arrived by then. `None` where they have to be pulled from here on, or there is none. Whoever
    /// takes them says whose turn it is, so that a message is acknowledged when it has been dealt with,
    /// and a failure is said to be about it.
    fn arrivals(&mut self, _most: usize, _: &Cx) -> Result<Option<Arrivals>> {
        Ok(None)
    }

    /// Leaves the next elements out; gives how many. `None` where they have to be pulled.
    fn skip(&mut self, cx: &Cx) -> Result<Option<usize>> {
        Ok(self.numbers(cx)?.map(|batch| batch.len()))
    }

    /// How many elements of its input the latest result was made of, for a source that takes them in
    /// batches and can tell.
    fn taken(&self) -> Option<u64> {
        None
    }
}

/// Elements of a live stream that have arrived: one at least.
pub struct Arrivals {
    pub column: BatchColumn,
    pub turns: Arc<dyn Turns>,
}

/// A batch of records or vectors of which only some fields are wanted.
pub enum FieldBatch {
    /// A column for each wanted field, in the order in which they are wanted. All elements have these
    /// fields; a record may lack some, which are null then.
    Columns(Vec<BatchColumn>),
    /// Elements that are to be taken one by one.
    Elements(Vec<Value>),
}

impl FieldBatch {
    pub fn len(&self) -> usize {
        match self {
            FieldBatch::Columns(columns) => columns.first().map_or(0, BatchColumn::len),
            FieldBatch::Elements(elements) => elements.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns, as far as there are some.
    pub fn columns(self) -> Vec<BatchColumn> {
        match self {
            FieldBatch::Columns(columns) => columns,
            FieldBatch::Elements(_) => vec![],
        }
    }
}

/// A batch of numbers of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
}

/// How many numbers a batch has at the most: few enough for the processor's nearest cache.
pub const BATCH: usize = 1024;

impl Numbers {
    pub fn len(&self) -> usize {
        match self {
            Numbers::Ints(ints) => ints.len(),
            Numbers::Reals(reals) => reals.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers that these values are, `BATCH` at the most; `None` where they are not all of one type,
    /// or where there is none.
    pub fn of(values: &[Value]) -> Option<Numbers> {
        let values = &values[..values.len().min(BATCH)];
        let int = |value: &Value| match value {
            Value::Int(int) => Some(*int),
            _ => None,
        };
        let real = |value: &Value| match value {
            Value::Real(real) => Some(*real),
            _ => None,
        };
        match values.first()? {
            Value::Int(_) => values
                .iter()
                .map(int)
                .collect::<Option<_>>()
                .map(Numbers::Ints),
            Value::Real(_) => values
                .iter()
                .map(real)
                .collect::<Option<_>>()
                .map(Numbers::Reals),
            _ => None,
        }
    }

    /// Takes the first `rows` away.
    pub fn remove_first(&mut self, rows: usize) {
        match self {
            Numbers::Ints(ints) => drop(ints.drain(..rows)),
            Numbers::Reals(reals) => drop(reals.drain(..rows)),
        }
    }

    /// The last.
    pub fn last(&self) -> Option<Value> {
        match self {
            Numbers::Ints(ints) => ints.last().copied().map(Value::Int),
            Numbers::Reals(reals) => reals.last().copied().map(Value::Real),
        }
    }

    /// Takes all numbers away but the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        match self {
            Numbers::Ints(ints) => ints.truncate(rows),
            Numbers::Reals(reals) => reals.truncate(rows),
        }
    }

    /// The numbers as reals.
    pub fn reals(self) -> Vec<f64> {
        match self {
            Numbers::Ints(ints) => ints.into_iter().map(|i| i as f64).collect(),
            Numbers::Reals(reals) => reals,
        }
    }

    /// The numbers as single values.
    pub fn values(self) -> Vec<Value> {
        match self {
            Numbers::Ints(ints) => ints.into_iter().map(Value::Int).collect(),
            Numbers::Reals(reals) => reals.into_iter().map(Value::Real).collect(),
        }
    }
}

/// The elements of a vector, one by one, sharing it.
pub struct Elements {
    vector: Arc<[Value]>,
    at: usize,
}

impl Elements {
    pub fn new(vector: Arc<[Value]>) -> Elements {
        Elements { vector, at: 0 }
    }
}

impl Source for Elements {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        look_now_and_then(self.at, cx)?;
        let element = self.vector.get(self.at).cloned();
        self.at += 1;
        Ok(element)
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        cx.token.check()?;
        let numbers = Numbers::of(self.vector.get(self.at..).unwrap_or_default());
        self.at += numbers.as_ref().map_or(0, Numbers::len);
        Ok(numbers)
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        cx.token.check()?;
        Ok(next_of(&self.vector, &mut self.at))
    }
}

/// The bytes of a binary as integers, sharing it.
pub struct Bytes {
    bytes: Arc<[u8]>,
    at: usize,
}

impl Bytes {
    pub fn new(bytes: Arc<[u8]>) -> Bytes {
        Bytes { bytes, at: 0 }
    }
}

impl Source for Bytes {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        look_now_and_then(self.at, cx)?;
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        Ok(byte.map(|byte| Value::Int(byte.into())))
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        cx.token.check()?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let batch: Vec<i64> = rest.iter().take(BATCH).map(|b| (*b).into()).collect();
        self.at += batch.len();
        Ok((!batch.is_empty()).then_some(Numbers::Ints(batch)))
    }
}

/// A look at the clock for each element would cost more than the element.
#[inline]
fn look_now_and_then(at: usize, cx: &Cx) -> Result<()> {
    if at & 0xff == 0 {
        cx.token.check()?;
    }
    Ok(())
}

/// A bag that is held in memory; who reads it shares it.
pub struct HeldBag(Arc<Vec<Value>>);

impl HeldBag {
    pub fn new(elements: Vec<Value>) -> HeldBag {
        HeldBag(Arc::new(elements))
    }
}

impl Collection for HeldBag {
    fn open(&self, _: &Cx) -> Result<Box<dyn Source>> {
        Ok(Box::new(HeldElements {
            elements: self.0.clone(),
            at: 0,
        }))
    }

    fn as_slice(&self) -> Option<&[Value]> {
        Some(&self.0)
    }

    fn element_type(&self) -> Type {
        Type::of_all(&self.0)
    }
}

struct HeldElements {
    elements: Arc<Vec<Value>>,
    at: usize,
}

impl Source for HeldElements {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        look_now_and_then(self.at, cx)?;
        let element = self.elements.get(self.at).cloned();
        self.at += 1;
        Ok(element)
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        cx.token.check()?;
        let numbers = Numbers::of(self.elements.get(self.at..).unwrap_or_default());
        self.at += numbers.as_ref().map_or(0, Numbers::len);
        Ok(numbers)
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        cx.token.check()?;
        Ok(next_of(&self.elements, &mut self.at))
    }
}

/// The elements from `at` on, no more than a batch has.
fn next_of(elements: &[Value], at: &mut usize) -> Option<BatchColumn> {
    let rest = elements.get(*at..).filter(|rest| !rest.is_empty())?;
    let few = &rest[..rest.len().min(BATCH)];
    *at += few.len();
    Some(BatchColumn::of_elements(few.to_vec()))
}

/// Any iterator of values as a running collection.
pub struct Iter<I>(pub I);

impl<I: Iterator<Item = Value> + Send> Source for Iter<I> {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        Ok(self.0.next())
    }
}

/// A collection that a function opens.
pub struct FromFn<F>(pub F);

impl<F> Collection for FromFn<F>
where
    F: Fn(&Cx) -> Result<Box<dyn Source>> + Send + Sync,
{
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        (self.0)(cx)
    }
}
