//! Columns of values of one kind: what a batch of rows has for one expression.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::model::collection::BATCH;
use crate::model::{Numbers, Timeval, Value};

/// What the rows of a batch have for one expression.
#[derive(Clone, Debug)]
pub enum BatchColumn {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    /// The numbers of objects.
    Objects(Vec<u64>),
    Texts(Texts),
    /// Points in time, with or without values that they stamp.
    Times(Times),
    /// Other values, not all of one kind perhaps.
    Values(Vec<Value>),
    /// The same for all rows.
    Int(i64),
    Real(f64),
    Value(Value),
    Mask(Vec<bool>),
}

impl BatchColumn {
    /// The column that these values are; `None` for objects among other values.
    pub fn of<'a>(values: impl ExactSizeIterator<Item = &'a Value> + Clone) -> Option<BatchColumn> {
        let ints = |value: &Value| match value {
            Value::Int(i) => Some(*i),
            _ => None,
        };
        let reals = |value: &Value| match value {
            Value::Real(r) => Some(*r),
            _ => None,
        };
        let objects = |value: &Value| match value {
            Value::Object(object) => Some(object.id()),
            _ => None,
        };
        let of_one_kind = match values.clone().next() {
            None | Some(Value::Int(_)) => all(values.clone(), ints).map(BatchColumn::Ints),
            Some(Value::Real(_)) => all(values.clone(), reals).map(BatchColumn::Reals),
            Some(Value::Object(_)) => return all(values, objects).map(BatchColumn::Objects),
            _ => None,
        };
        of_one_kind.or_else(|| {
            let other = |value: &Value| match value {
                Value::Object(_) => None,
                value => Some(value.clone()),
            };
            all(values, other).map(BatchColumn::Values)
        })
    }

    /// The column that the elements of a collection are.
    pub fn of_elements(elements: Vec<Value>) -> BatchColumn {
        if matches!(
            elements.first(),
            Some(Value::Int(_) | Value::Real(_)) | None
        ) && let Some(numbers @ (BatchColumn::Ints(_) | BatchColumn::Reals(_))) =
            BatchColumn::of(elements.iter())
        {
            return numbers;
        }
        BatchColumn::Values(elements)
    }

    /// The column that has this value in all rows.
    pub fn constant(value: Value) -> BatchColumn {
        match value {
            Value::Int(int) => BatchColumn::Int(int),
            Value::Real(real) => BatchColumn::Real(real),
            value => BatchColumn::Value(value),
        }
    }

    /// How many rows there are; 0 where one value is that of all.
    pub fn len(&self) -> usize {
        match self {
            BatchColumn::Ints(list) => list.len(),
            BatchColumn::Reals(list) => list.len(),
            BatchColumn::Objects(list) => list.len(),
            BatchColumn::Mask(list) => list.len(),
            BatchColumn::Texts(texts) => texts.len(),
            BatchColumn::Times(times) => times.len(),
            BatchColumn::Values(list) => list.len(),
            BatchColumn::Int(_) | BatchColumn::Real(_) | BatchColumn::Value(_) => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column with a value for each of so many rows.
    pub fn spread(self, rows: usize) -> BatchColumn {
        match self {
            BatchColumn::Int(int) => BatchColumn::Ints(vec![int; rows]),
            BatchColumn::Real(real) => BatchColumn::Reals(vec![real; rows]),
            BatchColumn::Value(value) => BatchColumn::Values(vec![value; rows]),
            column => column,
        }
    }

    /// The values of all rows; nothing for objects, of which only the numbers are known.
    pub fn values(self) -> Vec<Value> {
        match self {
            BatchColumn::Ints(ints) => ints.into_iter().map(Value::Int).collect(),
            BatchColumn::Reals(reals) => reals.into_iter().map(Value::Real).collect(),
            BatchColumn::Values(values) => values,
            column => (0..column.len())
                .filter_map(|row| column.value(row))
                .collect(),
        }
    }

    /// The rows whose place in the mask is true.
    pub fn keep(&mut self, mask: &[bool]) {
        match self {
            BatchColumn::Ints(list) => keep(list, mask),
            BatchColumn::Reals(list) => keep(list, mask),
            BatchColumn::Objects(list) => keep(list, mask),
            BatchColumn::Mask(list) => keep(list, mask),
            BatchColumn::Texts(texts) => *texts = texts.kept(mask),
            BatchColumn::Times(times) => times.each_list(|list| keep(list, mask), |c| c.keep(mask)),
            BatchColumn::Values(list) => {
                let mut mask = mask.iter();
                list.retain(|_| mask.next().is_some_and(|keep| *keep));
            }
            BatchColumn::Int(_) | BatchColumn::Real(_) | BatchColumn::Value(_) => {}
        }
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        match self {
            BatchColumn::Ints(list) => pick(list, places),
            BatchColumn::Reals(list) => pick(list, places),
            BatchColumn::Objects(list) => pick(list, places),
            BatchColumn::Mask(list) => pick(list, places),
            BatchColumn::Texts(texts) => *texts = texts.picked(places),
            BatchColumn::Times(times) => {
                times.each_list(|list| pick(list, places), |c| c.pick(places));
            }
            BatchColumn::Values(list) => pick(list, places),
            BatchColumn::Int(_) | BatchColumn::Real(_) | BatchColumn::Value(_) => {}
        }
    }

    /// A column in which these rows stand in the places where the mask is true, and anything in the others.
    pub fn scattered(self, mask: &[bool]) -> BatchColumn {
        match self {
            BatchColumn::Ints(list) => BatchColumn::Ints(scattered(list, mask)),
            BatchColumn::Reals(list) => BatchColumn::Reals(scattered(list, mask)),
            BatchColumn::Objects(list) => BatchColumn::Objects(scattered(list, mask)),
            BatchColumn::Mask(list) => BatchColumn::Mask(scattered(list, mask)),
            BatchColumn::Values(list) => {
                let mut list = list.into_iter();
                let value = |is: &bool| if *is { list.next() } else { None };
                let values = mask.iter().map(value);
                BatchColumn::Values(values.map(|value| value.unwrap_or(Value::Null)).collect())
            }
            BatchColumn::Texts(texts) => {
                let mut next = 0;
                let mut scattered = Texts::with_capacity(mask.len());
                for is in mask {
                    scattered.push(texts.get(next).filter(|_| *is).unwrap_or_default());
                    next += usize::from(*is);
                }
                BatchColumn::Texts(scattered)
            }
            BatchColumn::Times(mut times) => {
                times.each_list(
                    |list| *list = scattered(std::mem::take(list), mask),
                    |values| {
                        let all = std::mem::replace(values, BatchColumn::Int(0));
                        *values = all.scattered(mask);
                    },
                );
                BatchColumn::Times(times)
            }
            constant @ (BatchColumn::Int(_) | BatchColumn::Real(_) | BatchColumn::Value(_)) => {
                constant
            }
        }
    }

    /// Takes the first `rows` out.
    pub fn split_first(&mut self, rows: usize) -> BatchColumn {
        let length = self.len();
        let first = self.part(0..rows.min(length));
        *self = self.part(rows.min(length)..length);
        first
    }

    /// Some of the rows; of a constant the same.
    pub fn part(&self, rows: Range<usize>) -> BatchColumn {
        match self {
            BatchColumn::Ints(ints) => BatchColumn::Ints(ints[rows].to_vec()),
            BatchColumn::Reals(reals) => BatchColumn::Reals(reals[rows].to_vec()),
            BatchColumn::Texts(texts) => BatchColumn::Texts(texts.of(rows)),
            BatchColumn::Times(times) => BatchColumn::Times(times.part(rows)),
            BatchColumn::Objects(numbers) => BatchColumn::Objects(numbers[rows].to_vec()),
            BatchColumn::Mask(mask) => BatchColumn::Mask(mask[rows].to_vec()),
            BatchColumn::Values(values) => BatchColumn::Values(values[rows].to_vec()),
            constant @ (BatchColumn::Int(_) | BatchColumn::Real(_) | BatchColumn::Value(_)) => {
                constant.clone()
            }
        }
    }

    /// Whether a value is null.
    pub fn has_null(&self) -> bool {
        match self {
            BatchColumn::Values(values) => values.iter().any(Value::is_null),
            BatchColumn::Value(value) => value.is_null(),
            _ => false,
        }
    }

    /// Whether a value is a bag or a stream.
    pub fn has_collection(&self) -> bool {
        match self {
            BatchColumn::Values(values) => values.iter().any(Value::is_collection),
            BatchColumn::Value(value) => value.is_collection(),
            _ => false,
        }
    }

    /// The value of a row; `None` for objects.
    #[inline]
    pub fn value(&self, row: usize) -> Option<Value> {
        match self {
            BatchColumn::Ints(ints) => ints.get(row).copied().map(Value::Int),
            BatchColumn::Reals(reals) => reals.get(row).copied().map(Value::Real),
            BatchColumn::Values(values) => values.get(row).cloned(),
            BatchColumn::Texts(texts) => Some(Value::Str(Arc::from(texts.get(row)?))),
            BatchColumn::Times(times) => times.value(row),
            BatchColumn::Int(int) => Some(Value::Int(*int)),
            BatchColumn::Real(real) => Some(Value::Real(*real)),
            BatchColumn::Value(value) => Some(value.clone()),
            BatchColumn::Objects(_) | BatchColumn::Mask(_) => None,
        }
    }

    /// The same, borrowed where the column has it.
    #[inline]
    pub fn borrowed(&self, row: usize) -> Option<Cow<'_, Value>> {
        match self {
            BatchColumn::Values(values) => values.get(row).map(Cow::Borrowed),
            BatchColumn::Value(value) => Some(Cow::Borrowed(value)),
            column => column.value(row).map(Cow::Owned),
        }
    }

    /// The string of a row; `None` for what is no string.
    #[inline]
    pub fn text(&self, row: usize) -> Option<&str> {
        match self {
            BatchColumn::Texts(texts) => texts.get(row),
            BatchColumn::Values(values) => values.get(row)?.as_str(),
            BatchColumn::Value(value) => value.as_str(),
            _ => None,
        }
    }

    /// Whether all rows have the same value by construction.
    pub fn is_constant(&self) -> bool {
        use BatchColumn::{Int, Real, Value};
        matches!(self, Int(_) | Real(_) | Value(_))
    }

    pub fn is_numbers(&self) -> bool {
        use BatchColumn::{Int, Ints, Real, Reals};
        matches!(self, Ints(_) | Reals(_) | Int(_) | Real(_))
    }

    /// The numbers of so many rows.
    pub fn numbers(self, rows: usize) -> Option<Numbers> {
        match self {
            BatchColumn::Ints(ints) => Some(Numbers::Ints(ints)),
            BatchColumn::Reals(reals) => Some(Numbers::Reals(reals)),
            BatchColumn::Int(int) => Some(Numbers::Ints(vec![int; rows])),
            BatchColumn::Real(real) => Some(Numbers::Reals(vec![real; rows])),
            _ => None,
        }
    }
}

impl From<Numbers> for BatchColumn {
    fn from(numbers: Numbers) -> BatchColumn {
        match numbers {
            Numbers::Ints(ints) => BatchColumn::Ints(ints),
            Numbers::Reals(reals) => BatchColumn::Reals(reals),
        }
    }
}

/// A column that grows value by value: of one kind as long as all values are, of any from there on.
#[derive(Clone, Default)]
pub struct ColumnBuilder(Growing);

#[derive(Clone, Default)]
enum Growing {
    #[default]
    Nothing,
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    Texts(Texts),
    Values(Vec<Value>),
}

impl ColumnBuilder {
    #[inline]
    pub fn push_int(&mut self, int: i64) {
        match &mut self.0 {
            Growing::Ints(ints) => ints.push(int),
            Growing::Nothing => self.0 = Growing::Ints(first(int)),
            _ => self.values().push(Value::Int(int)),
        }
    }

    #[inline]
    pub fn push_real(&mut self, real: f64) {
        match &mut self.0 {
            Growing::Reals(reals) => reals.push(real),
            Growing::Nothing => self.0 = Growing::Reals(first(real)),
            _ => self.values().push(Value::Real(real)),
        }
    }

    #[inline]
    pub fn push_text(&mut self, text: &str) {
        match &mut self.0 {
            Growing::Texts(texts) => texts.push(text),
            Growing::Nothing => {
                let mut texts = Texts::with_capacity(BATCH);
                texts.push(text);
                self.0 = Growing::Texts(texts);
            }
            _ => self.values().push(Value::str(text)),
        }
    }

    /// Adds any value but an object.
    pub fn push(&mut self, value: Value) {
        match value {
            Value::Int(int) => self.push_int(int),
            Value::Real(real) => self.push_real(real),
            Value::Str(text) if !matches!(self.0, Growing::Values(_)) => self.push_text(&text),
            value => self.values().push(value),
        }
    }

    /// The values so far, from here on of any kind.
    fn values(&mut self) -> &mut Vec<Value> {
        if !matches!(self.0, Growing::Values(_)) {
            self.0 = Growing::Values(std::mem::take(&mut self.0).into_values());
        }
        match &mut self.0 {
            Growing::Values(values) => values,
            _ => unreachable!("it has just been made of values"),
        }
    }

    pub fn finish(self) -> BatchColumn {
        match self.0 {
            Growing::Nothing => BatchColumn::Ints(vec![]),
            Growing::Ints(ints) => BatchColumn::Ints(ints),
            Growing::Reals(reals) => BatchColumn::Reals(reals),
            Growing::Texts(texts) => BatchColumn::Texts(texts),
            Growing::Values(values) => BatchColumn::Values(values),
        }
    }
}

impl Growing {
    fn into_values(self) -> Vec<Value> {
        match self {
            Growing::Nothing => vec![],
            Growing::Ints(ints) => ints.into_iter().map(Value::Int).collect(),
            Growing::Reals(reals) => reals.into_iter().map(Value::Real).collect(),
            Growing::Texts(texts) => {
                let text = |row| Value::str(texts.get(row).unwrap_or_default());
                (0..texts.len()).map(text).collect()
            }
            Growing::Values(values) => values,
        }
    }
}

/// A list that begins with this, with room for a batch.
fn first<T>(value: T) -> Vec<T> {
    let mut list = Vec::with_capacity(BATCH);
    list.push(value);
    list
}

fn all<'a, T>(
    values: impl ExactSizeIterator<Item = &'a Value>,
    of_one: impl Fn(&Value) -> Option<T>,
) -> Option<Vec<T>> {
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        list.push(of_one(value)?);
    }
    Some(list)
}

/// The elements at these places, in this order.
pub fn pick<T: Clone>(list: &mut Vec<T>, places: &[usize]) {
    *list = places.iter().map(|at| list[*at].clone()).collect();
}

/// The elements in the places where the mask is true.
fn scattered<T: Copy + Default>(list: Vec<T>, mask: &[bool]) -> Vec<T> {
    let mut list = list.into_iter();
    let one = |is: &bool| if *is { list.next() } else { None };
    let ones = mask.iter().map(one);
    ones.map(Option::unwrap_or_default).collect()
}

/// The elements whose place in the mask is true.
pub fn keep<T: Copy>(list: &mut Vec<T>, mask: &[bool]) {
    // Written to each place in turn and moved on only if kept: no branch to mispredict.
    let mut kept = 0;
    for (at, keep) in mask.iter().enumerate() {
        list[kept] = list[at];
        kept += usize::from(*keep);
    }
    list.truncate(kept);
}

/// Points in time, and the values that they stamp.
#[derive(Clone, Debug)]
pub struct Times {
    micros: Vec<i64>,
    /// A value for each, where they stamp some.
    values: Option<Box<BatchColumn>>,
}

impl Times {
    /// Points in time without values.
    pub fn new(micros: Vec<i64>) -> Times {
        Times {
            micros,
            values: None,
        }
    }

    /// Points in time that stamp these values.
    pub fn stamping(micros: Vec<i64>, values: BatchColumn) -> Times {
        let values = values.spread(micros.len());
        Times {
            micros,
            values: Some(Box::new(values)),
        }
    }

    pub fn len(&self) -> usize {
        self.micros.len()
    }

    pub fn is_empty(&self) -> bool {
        self.micros.is_empty()
    }

    /// The microseconds since 1970 of each.
    pub fn micros(&self) -> &[i64] {
        &self.micros
    }

    /// The values, where there are some.
    pub fn values(&self) -> Option<&BatchColumn> {
        self.values.as_deref()
    }

    /// A row as a value.
    pub fn value(&self, row: usize) -> Option<Value> {
        let time = Timeval::at(*self.micros.get(row)?);
        Some(Value::Time(Arc::new(match &self.values {
            Some(values) => time.stamp(values.value(row)?),
            None => time,
        })))
    }

    fn part(&self, rows: Range<usize>) -> Times {
        Times {
            micros: self.micros[rows.clone()].to_vec(),
            values: self
                .values
                .as_ref()
                .map(|values| Box::new(values.part(rows))),
        }
    }

    fn each_list(
        &mut self,
        of_times: impl FnOnce(&mut Vec<i64>),
        of_values: impl FnOnce(&mut BatchColumn),
    ) {
        of_times(&mut self.micros);
        if let Some(values) = &mut self.values {
            of_values(values);
        }
    }
}

/// Strings one behind the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    bytes: String,
    /// Where each ends; it begins where the one before it ends.
    ends: Vec<usize>,
}

impl Texts {
    /// No strings, with room for so many.
    pub fn with_capacity(rows: usize) -> Texts {
        Texts {
            bytes: String::new(),
            ends: Vec::with_capacity(rows),
        }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        let end = *self.ends.get(row)?;
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..end)
    }

    /// Adds a string, which `write` appends to what it is given. Nothing is added where that gives
    /// `None`.
    #[inline]
    pub fn add(&mut self, write: impl FnOnce(&mut String) -> Option<()>) -> Option<()> {
        let before = self.bytes.len();
        let written = write(&mut self.bytes);
        match written {
            Some(()) => self.ends.push(self.bytes.len()),
            None => self.bytes.truncate(before),
        }
        written
    }

    /// How many bytes they have together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// Takes all away but the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    fn kept(&self, mask: &[bool]) -> Texts {
        let rows = mask.iter().enumerate().filter(|(_, keep)| **keep);
        self.of(rows.map(|(row, _)| row))
    }

    fn picked(&self, places: &[usize]) -> Texts {
        self.of(places.iter().copied())
    }

    /// Those at these places.
    pub fn of(&self, places: impl Iterator<Item = usize>) -> Texts {
        let mut texts = Texts::default();
        places.for_each(|place| texts.push(self.get(place).unwrap_or_default()));
        texts
    }
}
