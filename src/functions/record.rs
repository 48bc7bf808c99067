//! Records: making them, and taking them apart.

use std::sync::Arc;

use super::vector::same_size;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Record, Value};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("vref", vref).giving_field(),
    Native::new("make_record", make_record),
    Native::new("label_vector", |cx, a| {
        let (labels, values) = (a.vector(0)?, a.vector(1)?);
        same_size(labels, values)?;
        record(cx, labels.iter().zip(values.iter()))
    }),
    Native::new("recordof", recordof),
    Native::new("merge", |_, a| {
        let mut merged = Record::clone(a.record(0)?);
        a.record(1)?
            .iter()
            .for_each(|(k, v)| merged.put(k.clone(), v.clone()));
        Ok(Some(Value::record(merged)))
    }),
    Native::new("put_record", |_, a| {
        let mut record = Record::clone(a.record(0)?);
        record.put(a.str(1)?, a.value(2).clone());
        Ok(Some(Value::record(record)))
    }),
    Native::new("record_length", |_, a| {
        Ok(Some(Value::Int(a.record(0)?.len() as i64)))
    }),
    Native::new("record_vector", |_, a| {
        let fields = a.record(0)?.iter();
        Ok(Some(Value::vector(
            fields.flat_map(|(k, v)| [Value::Str(k.clone()), v.clone()]),
        )))
    }),
];

fn key(value: &Value) -> Result<Arc<str>> {
    match value {
        Value::Str(key) => Ok(key.clone()),
        other => Err(Error::run(format!(
            "the key of a record is a string, not {other}"
        ))),
    }
}

fn record<'a>(
    cx: &Cx,
    fields: impl IntoIterator<Item = (&'a Value, &'a Value)>,
) -> Result<Option<Value>> {
    let fields = fields.into_iter().map(|(k, v)| {
        cx.token.check()?;
        Ok((key(k)?, v.clone()))
    });
    Ok(Some(Value::record(fields.collect::<Result<Record>>()?)))
}

fn vref(_: &Cx, args: Args) -> Result<Option<Value>> {
    let key = key(args.value(1))?;
    Ok(Some(
        args.record(0)?.get(&key).cloned().unwrap_or(Value::Null),
    ))
}

fn make_record(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (pairs, rest) = args.vector(0)?.as_chunks();
    if let [alone] = rest {
        return Err(Error::run(format!(
            "key {alone} has no value: keys and values must take turns"
        )));
    }
    record(cx, pairs.iter().map(|[k, v]| (k, v)))
}

fn recordof(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut fields = Record::new();
    for pair in args.collect(0, cx)? {
        match &pair {
            Value::Vector(pair) if pair.len() == 2 => fields.put(key(&pair[0])?, pair[1].clone()),
            other => {
                return Err(Error::run(format!(
                    "a key with a value is wanted here, not {other}"
                )));
            }
        }
    }
    Ok(Some(Value::record(fields)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{printed, vector};
    use super::*;

    #[test]
    fn records_are_made_of_keys_and_values() {
        let pairs = Value::vector(["a".into(), 1.into(), "b".into(), Value::Null]);
        assert_eq!(
            printed("record:make_record", &[pairs]),
            "{\"a\":1,\"b\":null}"
        );
        assert_eq!(
            printed("record:make_record", &[vector(&["a", "b", "c"])]),
            "error: key \"c\" has no value: keys and values must take turns"
        );
        assert_eq!(
            printed("record:make_record", &[vector(&[1, 2])]),
            "error: the key of a record is a string, not 1"
        );
        assert_eq!(
            printed("record:label_vector", &[vector(&["a"]), vector(&[1, 2])]),
            "error: the vectors must be of one size, not 1 and 2"
        );
        let bag = Value::bag(vec![vector(&["a", "x"]), vector(&["a", "y"])]);
        assert_eq!(printed("record:recordof", &[bag]), "{\"a\":\"y\"}");
    }

    #[test]
    fn a_missing_key_is_null() {
        let record = Value::record([("a", Value::Int(1))].into_iter().collect());
        assert_eq!(printed("record:vref", &[record.clone(), "a".into()]), "1");
        assert_eq!(
            printed("record:vref", &[record.clone(), "b".into()]),
            "null"
        );
        assert!(printed("record:vref", &[record, 1.into()]).starts_with("error: the key"));
    }
}
