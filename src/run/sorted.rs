//! Results that must all be there before the first can be given, as they are sorted: kept in columns.
//! Where only the first of them are wanted, no more than a few times as many are kept.

use std::cmp::Ordering;

use super::batch::{HeldColumn, SortKey, order, rank_of_int, rank_of_real, sort_alone};
use super::call;
use super::eval::eval;
use crate::model::memory::{HeldMemory, Operator};
use crate::model::{BatchColumn, Cx, Numbers, Value};
use crate::plan::Query;
use crate::text::diagnostic::{Error, Result, Span};

/// How many results more than twice those that are wanted are kept before they are sorted.
const AHEAD: usize = 1024;

/// Results with their sort keys.
pub struct SortedResults {
    /// The results' columns, and behind them the keys that are not among them.
    columns: Vec<HeldColumn>,
    rows: usize,
    /// How many columns the results have.
    width: usize,
    keys: Vec<Key>,
    /// How many are wanted, where not all are.
    most: Option<usize>,
    /// The keys of the last of those, once there were so many.
    last: Option<Vec<Value>>,
    memory: HeldMemory,
    span: Option<Span>,
}

/// The column of a key, and its direction.
struct Key {
    column: usize,
    descending: bool,
}

impl SortedResults {
    /// Nothing yet. Of what comes the first `most` are wanted, or all.
    pub fn new(query: &Query, most: Option<usize>) -> SortedResults {
        let width = query.output.columns.len();
        let keys = query.order.iter().zip(query.key_columns());
        let keys: Vec<Key> = keys
            .map(|(order, column)| Key {
                column,
                descending: order.descending,
            })
            .collect();
        let columns = keys.iter().map(|key| key.column + 1).max();
        let columns = columns.map_or(width, |columns| columns.max(width));
        SortedResults {
            columns: vec![HeldColumn::default(); columns],
            rows: 0,
            width,
            keys,
            most,
            last: None,
            memory: HeldMemory::default(),
            span: query.span.clone(),
        }
    }

    /// Keeps a row's result, if it may be wanted; a key without a value sorts as null.
    pub fn add(&mut self, query: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        let mut row = Vec::with_capacity(self.columns.len());
        for column in &query.output.columns {
            match eval(column, frame, cx)? {
                Some(value) => row.push(value),
                None => return Ok(()),
            }
        }
        for (order, key) in query.order.iter().zip(&self.keys) {
            if key.column == row.len() {
                let value = eval(&order.key, frame, cx)?.map(|value| sort_key(value, cx));
                row.push(value.unwrap_or(Ok(Value::Null))?);
            }
        }
        if !self.may_be_wanted(|column, last| row[column].cmp(last)) {
            return Ok(());
        }
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(value);
        }
        self.rows += 1;
        self.prune(cx)?;
        self.check_memory(0, cx)
    }

    /// Keeps the rows of a batch that may be wanted; it has the columns of the results, and those of the
    /// keys that are not among them.
    pub fn add_columns(&mut self, columns: &[BatchColumn], rows: usize, cx: &Cx) -> Result<()> {
        debug_assert_eq!(columns.len(), self.columns.len());
        match self.wanted(columns, rows) {
            Some(places) => {
                for (held, column) in self.columns.iter_mut().zip(columns) {
                    held.extend(column, places.iter().copied());
                }
                self.rows += places.len();
            }
            None => {
                for (held, column) in self.columns.iter_mut().zip(columns) {
                    held.extend(column, 0..rows);
                }
                self.rows += rows;
            }
        }
        self.prune(cx)?;
        self.check_memory(0, cx)
    }

    /// Keeps so many rows, all that there are.
    pub fn take(&mut self, columns: Vec<HeldColumn>, rows: usize, cx: &Cx) -> Result<()> {
        self.columns = columns;
        self.rows = rows;
        self.check_memory(0, cx)
    }

    /// Counts the rows, and so many bytes beside them. Of rows that are not sorted, a query that groups
    /// has given them.
    fn check_memory(&mut self, beside: usize, cx: &Cx) -> Result<()> {
        let bytes = self.columns.iter().map(HeldColumn::bytes).sum::<usize>();
        let name = match self.keys.is_empty() {
            true => "the results of 'group by'",
            false => "'order by'",
        };
        let operator = Operator::at(name, self.span.as_ref());
        self.memory.set(bytes + beside, operator, &cx.memory)
    }

    /// The places of the rows that may be wanted; `None` for all.
    fn wanted(&self, columns: &[BatchColumn], rows: usize) -> Option<Vec<usize>> {
        let (last, first_key) = (self.last.as_ref()?, self.keys.first()?);
        let turned = if first_key.descending { u64::MAX } else { 0 };
        // Most rows are seen not to be wanted by a number.
        let mut places: Vec<usize> = match (&columns[first_key.column], &last[0]) {
            (BatchColumn::Ints(ints), Value::Int(last)) => {
                let last = rank_of_int(*last) ^ turned;
                let may_be =
                    |(at, int): (usize, &i64)| (rank_of_int(*int) ^ turned <= last).then_some(at);
                ints.iter().enumerate().filter_map(may_be).collect()
            }
            (BatchColumn::Reals(reals), Value::Real(last)) => {
                let last = rank_of_real(*last) ^ turned;
                let may_be = |(at, real): (usize, &f64)| {
                    (rank_of_real(*real) ^ turned <= last).then_some(at)
                };
                reals.iter().enumerate().filter_map(may_be).collect()
            }
            _ => (0..rows).collect(),
        };
        places.retain(|row| {
            self.may_be_wanted(|column, last| match &columns[column] {
                BatchColumn::Values(values) => values[*row].cmp(last),
                column => column.value(*row).unwrap_or(Value::Null).cmp(last),
            })
        });
        Some(places)
    }

    /// Whether a row may be among those that are wanted. `compare` orders the value of one of its columns
    /// and another.
    fn may_be_wanted(&self, compare: impl Fn(usize, &Value) -> Ordering) -> bool {
        let Some(last) = &self.last else {
            return true;
        };
        // Of what is equal the first that came is the first.
        let keys = self.keys.iter().zip(last);
        let compared = keys.map(|(key, last)| match key.descending {
            true => compare(key.column, last).reverse(),
            false => compare(key.column, last),
        });
        compared.fold(Ordering::Equal, Ordering::then) == Ordering::Less
    }

    /// Sorts what there is and keeps what is wanted of it, if it has become much more.
    fn prune(&mut self, cx: &Cx) -> Result<()> {
        let Some(most) = self.most else {
            return Ok(());
        };
        if self.keys.is_empty() {
            // Of what is not sorted, the first that came are wanted.
            if self.rows > most {
                self.columns
                    .iter_mut()
                    .for_each(|column| column.truncate(most));
                self.rows = most;
            }
            return Ok(());
        }
        if self.rows <= most.saturating_mul(2).saturating_add(AHEAD) {
            return Ok(());
        }
        self.sort(cx)?;
        self.last = self.rows.checked_sub(1).map(|last| {
            let keys = self.keys.iter();
            keys.map(|key| self.columns[key.column].value(last))
                .collect()
        });
        Ok(())
    }

    /// The results in their order.
    pub fn finish(mut self, cx: &Cx) -> Result<CollectedRows> {
        self.sort(cx)?;
        self.columns.truncate(self.width);
        Ok(CollectedRows {
            columns: self.columns,
            rows: self.rows,
            next: 0,
            _memory: self.memory,
        })
    }

    /// Sorts what there is, and keeps what is wanted of it.
    fn sort(&mut self, cx: &Cx) -> Result<()> {
        self.check_memory(self.bytes_to_sort(), cx)?;
        let looks = cx.token.looks();
        let wanted = self.rows.min(self.most.unwrap_or(usize::MAX));
        if let ([key], [only]) = (self.keys.as_slice(), self.columns.as_mut_slice())
            && sort_alone(only, key.descending, &looks)?
        {
            only.truncate(wanted);
        } else if !self.keys.is_empty() {
            let key = |key: &Key| SortKey {
                column: &self.columns[key.column],
                descending: key.descending,
            };
            let keys: Vec<SortKey> = self.keys.iter().map(key).collect();
            let mut places = order(self.rows, &keys, &looks)?;
            places.truncate(wanted);
            self.columns
                .iter_mut()
                .for_each(|column| column.pick(&places));
        }
        self.rows = wanted;
        let bytes = self.columns.iter().map(HeldColumn::bytes).sum();
        self.memory.shrink(bytes);
        Ok(())
    }

    /// What sorting takes beside the rows.
    fn bytes_to_sort(&self) -> usize {
        let first = self.keys.first().map(|key| &self.columns[key.column]);
        let of_row = match (first, self.columns.len()) {
            (None, _) => 0,
            (Some(HeldColumn::Ints(_) | HeldColumn::Reals(_)), 1) => size_of::<u64>(),
            // Its place, and its rank with that, twice as they are sorted by digits.
            _ => size_of::<u32>() + 2 * size_of::<(u64, u32)>(),
        };
        self.rows * of_row
    }
}

/// Rows that were collected, being given one after the other.
#[derive(Default)]
pub struct CollectedRows {
    columns: Vec<HeldColumn>,
    rows: usize,
    next: usize,
    /// What they take, until they are dropped.
    _memory: HeldMemory,
}

impl CollectedRows {
    /// The next row: a value, or a vector of several.
    pub fn next(&mut self) -> Option<Value> {
        if self.next == self.rows {
            return None;
        }
        let row = self.next;
        self.next += 1;
        Some(match self.columns.as_slice() {
            [only] => only.value(row),
            columns => Value::vector(columns.iter().map(|column| column.value(row))),
        })
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The next rows, `most` at the most, where each is a number and all are of one type.
    pub fn numbers(&mut self, most: usize) -> Option<Numbers> {
        let [HeldColumn::Ints(_) | HeldColumn::Reals(_)] = self.columns.as_slice() else {
            return None;
        };
        let rows = self.batch(most)?.pop()?;
        let length = rows.len();
        rows.numbers(length)
    }

    /// The next rows, `most` at the most, column by column; `None` at the end, and where there are
    /// objects, or bags that may have to be taken apart.
    pub fn batch(&mut self, most: usize) -> Option<Vec<BatchColumn>> {
        let parts = self
            .columns
            .iter()
            .map(|column| column.part(self.next, most));
        let parts: Vec<BatchColumn> = parts.collect();
        let is_special = |value: &Value| value.is_collection() || matches!(value, Value::Object(_));
        let is_plain = |column: &BatchColumn| match column {
            BatchColumn::Values(values) => !values.iter().any(is_special),
            _ => true,
        };
        let rows = parts.first().map_or(0, BatchColumn::len);
        if rows == 0 || !parts.iter().all(is_plain) {
            return None;
        }
        self.next += rows;
        Some(parts)
    }
}

/// The one value that a row is sorted by; null for none.
fn sort_key(key: Value, cx: &Cx) -> Result<Value> {
    if !key.is_collection() {
        return Ok(key);
    }
    let mut elements = key.elements(cx)?;
    let first = elements.next(cx)?;
    match elements.next(cx)? {
        Some(second) => {
            let first = call::short(&first.unwrap_or(Value::Null));
            let second = call::short(&second);
            Err(Error::run(format!(
                "a row is sorted by one value, but a key of 'order by' gives several: {first}, {second}"
            ))
            .help("sort by one of them, min(…) or max(…)"))
        }
        None => Ok(first.unwrap_or(Value::Null)),
    }
}
