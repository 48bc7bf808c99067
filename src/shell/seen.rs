//! The names of fields that have been seen: in results, and in messages. A person at the prompt is offered
//! them.

use std::sync::{Arc, Mutex};

use indexmap::IndexSet;

use crate::model::Value;
use crate::mqtt::SeenTopic;
use crate::text::wait::lock;

/// How many names are remembered; then the oldest is forgotten.
const MOST_NAMES: usize = 1000;

/// So many results of a statement are looked at.
pub const MOST_RESULTS: u64 = 100;

/// So many payloads are looked at, the latest topics first.
const MOST_PAYLOADS: usize = 200;

/// Longer texts are not looked at.
const LONGEST_TEXT: usize = 4096;

/// Records within records are looked at down to here.
const DEEPEST: usize = 8;

/// The names of the fields of the records that results had.
#[derive(Clone, Default)]
pub struct SeenFields(Arc<Mutex<IndexSet<String>>>);

impl SeenFields {
    /// Remembers the fields of the records in a result, and of those in its texts.
    pub fn note(&self, result: &Value) {
        let mut names = Vec::new();
        fields_of(result, DEEPEST, &mut names);
        let mut seen = lock(&self.0);
        for name in names {
            if seen.insert(name) && seen.len() > MOST_NAMES {
                seen.shift_remove_index(0);
            }
        }
    }

    /// All names, the latest last.
    pub fn names(&self) -> Vec<String> {
        lock(&self.0).iter().cloned().collect()
    }
}

fn fields_of(value: &Value, deepest: usize, names: &mut Vec<String>) {
    let Some(deeper) = deepest.checked_sub(1) else {
        return;
    };
    match value {
        Value::Record(record) => {
            for (name, value) in record.iter().take(MOST_NAMES) {
                names.push(name.to_string());
                fields_of(value, deeper, names);
            }
        }
        Value::Vector(values) => {
            let first = values.iter().take(MOST_RESULTS as usize);
            first.for_each(|value| fields_of(value, deeper, names));
        }
        Value::Str(text) => fields_of_json(text.as_bytes(), names),
        Value::Binary(bytes) => fields_of_json(bytes, names),
        _ => {}
    }
}

/// The fields of the records that payloads hold.
pub fn fields_of_payloads(seen: &[SeenTopic]) -> Vec<String> {
    let mut names = Vec::new();
    let payloads = seen.iter().rev().filter_map(|seen| seen.payload.as_ref());
    for payload in payloads.take(MOST_PAYLOADS) {
        fields_of_json(payload, &mut names);
    }
    names
}

/// The fields of the objects in a text, if it is JSON.
fn fields_of_json(text: &[u8], names: &mut Vec<String>) {
    let begins = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if text.len() > LONGEST_TEXT || !matches!(begins, Some(b'{' | b'[')) {
        return;
    }
    if let Ok(json) = serde_json::from_slice(text) {
        fields_of_object(json, names);
    }
}

/// The parser bounds how deep the objects are.
fn fields_of_object(json: serde_json::Value, names: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                names.push(name);
                fields_of_object(value, names);
            }
        }
        serde_json::Value::Array(values) => {
            let values = values.into_iter();
            values.for_each(|value| fields_of_object(value, names));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Record;

    #[test]
    fn fields_of_results_and_of_texts_in_them_are_seen() {
        let seen = SeenFields::default();
        let inner = Value::record(Record::from_iter([("celsius", Value::Int(1))]));
        let record = Value::record(Record::from_iter([("room", "hall".into()), ("t", inner)]));
        seen.note(&Value::vector([1.into(), record]));
        seen.note(&Value::Binary(
            br#" {"a": [{"b": 1}], "room": 2}"#[..].into(),
        ));
        seen.note(&"{no json".into());
        assert_eq!(seen.names(), ["room", "t", "celsius", "a", "b"]);
    }

    #[test]
    fn the_oldest_names_are_forgotten() {
        let seen = SeenFields::default();
        for number in 0..MOST_NAMES + 2 {
            let name = format!("f{number}");
            seen.note(&Value::record(Record::from_iter([(name, Value::Null)])));
        }
        let names = seen.names();
        assert_eq!((names.len(), &*names[0]), (MOST_NAMES, "f2"));
    }
}
