//! The functions on times that are computed over columns. No result where a time is beyond all times, or
//! something is no time.

use super::micros;
use crate::model::column::Times;
use crate::model::native::BatchArgs;
use crate::model::{BatchColumn, Value};

/// `time + seconds`
pub fn plus(args: BatchArgs) -> Option<BatchColumn> {
    let [times, seconds] = args.columns else {
        return None;
    };
    let moved = |time: i64, seconds: &Value| time.checked_add(micros(seconds).ok()?);
    if let BatchColumn::Value(Value::Time(time)) = times
        && time.value.is_none()
        && !seconds.is_constant()
    {
        let times: Option<Vec<i64>> = match seconds {
            BatchColumn::Ints(ints) => ints
                .iter()
                .map(|int| moved(time.micros, &Value::Int(*int)))
                .collect(),
            BatchColumn::Reals(reals) => reals
                .iter()
                .map(|real| moved(time.micros, &Value::Real(*real)))
                .collect(),
            _ => None,
        };
        return Some(BatchColumn::Times(Times::new(times?)));
    }
    let BatchColumn::Times(times) = times else {
        return None;
    };
    let all = times.micros().iter().enumerate();
    let moved = all.map(|(row, time)| moved(*time, &seconds.value(row)?));
    let moved: Vec<i64> = moved.collect::<Option<_>>()?;
    Some(BatchColumn::Times(match times.values() {
        Some(values) => Times::stamping(moved, values.clone()),
        None => Times::new(moved),
    }))
}

/// `ts(time, value)`
pub fn stamp(args: BatchArgs) -> Option<BatchColumn> {
    let [times, values] = args.columns else {
        return None;
    };
    let micros = match times {
        BatchColumn::Times(times) => times.micros().to_vec(),
        BatchColumn::Value(Value::Time(time)) => vec![time.micros; args.rows],
        _ => return None,
    };
    // Of objects there are only the numbers.
    let has_values = !matches!(values, BatchColumn::Objects(_) | BatchColumn::Mask(_));
    has_values.then(|| BatchColumn::Times(Times::stamping(micros, values.clone())))
}

/// `value(stamped)`
pub fn value(args: BatchArgs) -> Option<BatchColumn> {
    match args.columns {
        [BatchColumn::Times(times)] => times.values().cloned(),
        _ => None,
    }
}
