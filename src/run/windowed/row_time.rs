//! What says when a row is.

use crate::model::{BatchColumn, Cx, Timeval, Value};
use crate::plan::TIME_FIELDS;
use crate::run::batch::OptionalColumn;
use crate::run::call::short;
use crate::text::diagnostic::{Error, Result};

/// The time that a value has in microseconds: it is one, is stamped with one, has one in a field that is
/// called so, or as its first element.
pub fn time_of(value: &Value) -> Result<i64> {
    let time = match value {
        Value::Record(record) => {
            let fields = TIME_FIELDS.iter().filter_map(|field| record.get(field));
            let mut fields = fields.filter(|value| !value.is_null());
            fields.next().and_then(Timeval::micros_of)
        }
        Value::Vector(elements) => elements.first().and_then(Timeval::micros_of),
        other => Timeval::micros_of(other),
    };
    time.ok_or_else(|| no_time(&format!("in {}", short(value))))
}

/// The time out of what a record has in each of [`TIME_FIELDS`], a bag of one value at the most.
pub fn time_of_fields(fields: &[Value], cx: &Cx) -> Result<i64> {
    for field in fields {
        if let Some(value) = field.elements(cx)?.next(cx)?
            && !value.is_null()
        {
            return time_of_field(&value);
        }
    }
    Err(no_time_field())
}

/// The times of rows that have them in a column, up to the first row that has none, and its error.
pub fn times(column: Option<&BatchColumn>, rows: usize) -> (Vec<i64>, Option<Error>) {
    if let Some(BatchColumn::Times(times)) = column {
        return (times.micros().to_vec(), None);
    }
    let value = |row| column.and_then(|column| column.value(row));
    let time = |row| time_of(&value(row).unwrap_or(Value::Null));
    until_error((0..rows).map(time))
}

/// The same of rows that have them in columns for [`TIME_FIELDS`].
pub fn times_of_fields(fields: &[OptionalColumn], rows: usize) -> (Vec<i64>, Option<Error>) {
    let time = |row| {
        let mut values = fields.iter().filter_map(|field| field.value(row));
        let first = values.find(|value| !value.is_null());
        first.map_or_else(|| Err(no_time_field()), |value| time_of_field(&value))
    };
    until_error((0..rows).map(time))
}

fn until_error(results: impl Iterator<Item = Result<i64>>) -> (Vec<i64>, Option<Error>) {
    let mut times = Vec::with_capacity(results.size_hint().0);
    for result in results {
        match result {
            Ok(time) => times.push(time),
            Err(error) => return (times, Some(error)),
        }
    }
    (times, None)
}

fn time_of_field(value: &Value) -> Result<i64> {
    Timeval::micros_of(value)
        .ok_or_else(|| no_time(&format!("in a record: its field has {}", short(value))))
}

fn no_time_field() -> Error {
    no_time("in a record that has neither time nor timestamp nor ts")
}

fn no_time(place: &str) -> Error {
    Error::run(format!("there is no time {place}"))
        .help("a record has it in its field time, timestamp or ts, a vector as its first element")
        .help("window_on(time,size) takes it by an expression; now() is when an element came")
}
