//! The rows of a batch, column by column.

use super::objects;
use super::optional::OptionalColumn;
use crate::model::{BatchColumn, Cx, Record, Value, column, size};
use crate::plan::batch::{BatchVariable, VariableColumns};
use crate::text::diagnostic::Span;

#[derive(Clone, Default)]
pub struct Batch {
    pub columns: Vec<OptionalColumn>,
    pub rows: usize,
    /// Of which element of the input each row is made, counted from 0, where that may be asked.
    pub elements: Option<Vec<usize>>,
    /// How many rows conditions have left out, where that is counted.
    pub dropped: Vec<(Span, usize)>,
}

impl Batch {
    pub fn new(columns: Vec<BatchColumn>, rows: usize) -> Batch {
        Batch {
            columns: columns.into_iter().map(OptionalColumn::from).collect(),
            rows,
            elements: None,
            dropped: vec![],
        }
    }

    /// The same, with the number of its element for each row if that `is_asked` for.
    pub fn counted(mut self, is_asked: bool) -> Batch {
        self.elements = is_asked.then(|| (0..self.rows).collect());
        self
    }

    /// The rows for which a condition holds.
    pub fn keep(&mut self, mask: &[bool]) {
        let kept = mask.iter().filter(|keep| **keep).count();
        if kept == self.rows {
            return;
        }
        self.columns.iter_mut().for_each(|c| c.keep(mask));
        if let Some(elements) = &mut self.elements {
            column::keep(elements, mask);
        }
        self.rows = kept;
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        self.columns.iter_mut().for_each(|c| c.pick(places));
        if let Some(elements) = &mut self.elements {
            column::pick(elements, places);
        }
        self.rows = places.len();
    }
}

impl BatchVariable {
    /// What the variable has in each row of the batch; `None` where an object is not there any more, or
    /// a row has no value.
    pub fn values(&self, batch: &Batch, cx: &Cx) -> Option<Vec<Value>> {
        match &self.columns {
            VariableColumns::Whole(at, ty) => {
                let column = batch.columns.get(*at)?;
                if column.present().is_some() {
                    return None;
                }
                match &column.column {
                    BatchColumn::Objects(numbers) => objects(numbers, ty, cx),
                    column => (0..batch.rows).map(|row| column.value(row)).collect(),
                }
            }
            VariableColumns::Fields(fields) => {
                let columns = fields.iter().map(|(_, at)| batch.columns.get(*at));
                let columns = columns.collect::<Option<Vec<&OptionalColumn>>>()?;
                let keys = fields.iter().map(|(key, _)| key);
                let row = |row: usize| {
                    let value = |column: &&OptionalColumn| column.column.value(row);
                    let values = columns.iter().map(value).collect::<Option<Vec<Value>>>()?;
                    Some(with_fields(keys.clone(), values.into_iter()))
                };
                let is_whole = columns.iter().all(|column| column.present().is_none());
                is_whole.then(|| (0..batch.rows).map(row).collect())?
            }
        }
    }
}

/// A record, or a vector, with these values for these keys, or at these positions.
pub fn with_fields<'k>(
    keys: impl Iterator<Item = &'k Value> + Clone,
    values: impl Iterator<Item = Value>,
) -> Value {
    let mut record = Record::new();
    let mut vector = Vec::new();
    for (key, value) in keys.clone().zip(values) {
        match key {
            Value::Str(key) => record.put(key.clone(), value),
            key => {
                let place = key.as_int().and_then(size::position).unwrap_or_default();
                vector.resize(vector.len().max(place + 1), Value::Null);
                vector[place] = value;
            }
        }
    }
    match keys.clone().next() {
        Some(Value::Str(_)) => Value::record(record),
        _ => Value::vector(vector),
    }
}
