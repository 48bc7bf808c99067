//! Says what is remarkable about the data that a statement meets: on stderr, once, as notes are.

use std::sync::Arc;

use crate::host::Host;
use crate::model::remarks::FieldsLookedFor;
use crate::model::{Cx, Value, json};
use crate::text::diagnostic::{Error, nearest};

/// Longer payloads are not looked into for the sake of a remark.
const MOST_BYTES: usize = 1 << 16;

/// Fields that a remark names.
const MOST_FIELDS: usize = 6;

/// A string and a number are compared by their order.
#[cold]
pub fn two_kinds(left: &Value, right: &Value, cx: &Cx) {
    let (text, number) = match left {
        Value::Str(_) => (left, right),
        _ => (right, left),
    };
    let note = Error::run(format!(
        "the string {text} is compared with the number {number} by its kind: every number is less"
    ))
    .help("aton(s) makes a number of a string, ntoa(x) a string of a number");
    Host::of(cx).console.note(&note);
}

/// Looks whether a message has the fields that the query looks for.
pub fn look_into(payload: &[u8], cx: &Cx) {
    if payload.len() > MOST_BYTES || !payload.trim_ascii_start().starts_with(b"{") {
        return;
    }
    let Ok(Value::Record(record)) = json::from_slice(payload, &cx.token.looks()) else {
        return;
    };
    if let Some(fields) = cx.remarks.met(record.iter().map(|(key, _)| key.clone())) {
        missing(&fields, cx);
    }
}

fn missing(fields: &FieldsLookedFor, cx: &Cx) {
    for (key, span) in &fields.missing {
        let note = Error::run(format!(
            "no message has a field {}, of {} so far",
            Value::str(key),
            fields.messages
        ))
        .at(span);
        let known = fields.seen.iter().map(Arc::as_ref);
        let note = match nearest(key, known.clone()) {
            Some(near) => note.help(format!("did you mean {}?", Value::str(near))),
            None => note,
        };
        let shown: Vec<_> = known
            .take(MOST_FIELDS)
            .map(|key| Value::str(key).to_string())
            .collect();
        Host::of(cx)
            .console
            .note(&note.help(format!("they have {}", shown.join(", "))));
    }
}
