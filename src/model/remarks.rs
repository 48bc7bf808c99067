//! What is said once about the data that a statement meets, as nothing in its text shows it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::Value;
use crate::text::diagnostic::Span;
use crate::text::wait::lock;

/// Messages without a field until it is said that none has it.
pub const MESSAGES_WITHOUT: usize = 20;

/// The remarks on a statement or job that runs.
#[derive(Default)]
pub struct Remarks {
    kinds_compared: AtomicBool,
    fields: OnceLock<Mutex<FieldsLookedFor>>,
    /// Whether nothing is left to be found out about fields.
    fields_known: AtomicBool,
}

/// The fields that a query looks for in messages, as long as none had them.
pub struct FieldsLookedFor {
    pub missing: Vec<(Arc<str>, Span)>,
    /// The fields that messages had, in the order in which they came.
    pub seen: Vec<Arc<str>>,
    pub messages: usize,
}

impl Remarks {
    /// Whether these are compared in an order that goes by their kinds; true for the first only.
    #[inline]
    pub fn are_first_of_two_kinds(&self, left: &Value, right: &Value) -> bool {
        are_text_and_number(left, right) && !self.kinds_compared.swap(true, Ordering::Relaxed)
    }

    /// It has been said already that values of two kinds are compared.
    pub fn kinds_are_known(&self) {
        self.kinds_compared.store(true, Ordering::Relaxed);
    }

    /// The query looks for these fields in messages.
    pub fn look_for(&self, missing: Vec<(Arc<str>, Span)>) {
        // A statement has one query that it is about.
        let _ = self.fields.set(Mutex::new(FieldsLookedFor {
            missing,
            seen: vec![],
            messages: 0,
        }));
    }

    /// Whether messages are worth a look.
    #[inline]
    pub fn looks_for_fields(&self) -> bool {
        self.fields.get().is_some() && !self.fields_known.load(Ordering::Relaxed)
    }

    /// A message has these fields. Gives what is still missing after so many.
    pub fn met(&self, keys: impl Iterator<Item = Arc<str>>) -> Option<FieldsLookedFor> {
        let mut fields = lock(self.fields.get()?);
        for key in keys {
            fields.missing.retain(|(missing, _)| *missing != key);
            if !fields.seen.contains(&key) && fields.seen.len() < MESSAGES_WITHOUT {
                fields.seen.push(key);
            }
        }
        fields.messages += 1;
        if fields.messages < MESSAGES_WITHOUT && !fields.missing.is_empty() {
            return None;
        }
        let was_known = self.fields_known.swap(true, Ordering::Relaxed);
        (!was_known).then(|| FieldsLookedFor {
            missing: std::mem::take(&mut fields.missing),
            seen: std::mem::take(&mut fields.seen),
            messages: fields.messages,
        })
    }
}

/// Whether one is a string and the other a number.
#[inline]
pub fn are_text_and_number(left: &Value, right: &Value) -> bool {
    let is_number = |value: &Value| matches!(value, Value::Int(_) | Value::Real(_));
    match (left, right) {
        (Value::Str(_), other) | (other, Value::Str(_)) => is_number(other),
        _ => false,
    }
}
