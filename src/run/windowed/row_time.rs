//! What says when a row is.

use crate::model::{Timeval, Value};
use crate::run::call::short;
use crate::text::diagnostic::{Error, Result};

/// What a record calls its time.
const TIME_FIELDS: [&str; 3] = ["time", "timestamp", "ts"];

/// The time that a value has in microseconds: it is one, is stamped with one, has one in a field that is
/// called so, or as its first element.
pub fn time_of(value: &Value) -> Result<i64> {
    let time = match value {
        Value::Record(record) => {
            let mut fields = TIME_FIELDS.iter().filter_map(|field| record.get(field));
            fields.next().and_then(Timeval::micros_of)
        }
        Value::Vector(elements) => elements.first().and_then(Timeval::micros_of),
        other => Timeval::micros_of(other),
    };
    time.ok_or_else(|| {
        Error::run(format!("there is no time in {}", short(value)))
            .help(
                "a record has it in its field time, timestamp or ts, a vector as its first element",
            )
            .help("window_on(time,size) takes it by an expression; now() is when an element came")
    })
}
