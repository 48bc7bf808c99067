//! How deep values may be nested, stated once: a value that is kept from one step to the next, in a
//! variable, in a stored function or by a function that applies another again and again, nests no
//! deeper than [`MAX_DEPTH`] levels. Whoever keeps values calls [`check`].
//!
//! One expression adds few levels to what it is given, as its text is bounded by
//! [`crate::syntax::nesting`]. So everything that looks at values may recurse over them: comparing,
//! hashing, printing, arithmetic, and dropping them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Value;
use crate::text::diagnostic::{Error, Result};

/// How many vectors, records, bags and stamped values may stand within each other.
pub const MAX_DEPTH: usize = 1000;

/// An error if `value` is nested too deeply to be kept.
pub fn check(value: &Value) -> Result<()> {
    if Heights::default().of(value, MAX_DEPTH).is_some() {
        return Ok(());
    }
    Err(
        Error::run(format!("a value cannot be nested deeper than {MAX_DEPTH}"))
            .help("concat(v,[x]) adds x to the elements of v; [v,x] is a vector within a vector"),
    )
}

/// The heights of parts that are shared, each looked at once.
#[derive(Default)]
struct Heights(HashMap<*const (), usize>);

impl Heights {
    /// How many levels `value` has; `None` if there are more than `most`.
    fn of(&mut self, value: &Value, most: usize) -> Option<usize> {
        match value {
            Value::Vector(elements) => self.shared(elements, most, |heights, most| {
                heights.highest(elements.iter(), most)
            }),
            Value::Record(record) => self.shared(record, most, |heights, most| {
                heights.highest(record.iter().map(|(_, value)| value), most)
            }),
            Value::Time(time) => match &time.value {
                Some(value) => Some(1 + self.of(value, most.checked_sub(1)?)?),
                None => Some(0),
            },
            Value::Bag(bag) => match bag.as_slice() {
                Some(elements) => self.shared(bag, most, |heights, most| {
                    heights.highest(elements.iter(), most)
                }),
                None => Some(0),
            },
            _ => Some(0),
        }
    }

    fn highest<'v>(
        &mut self,
        parts: impl Iterator<Item = &'v Value>,
        most: usize,
    ) -> Option<usize> {
        let mut highest = 0;
        for part in parts {
            highest = highest.max(self.of(part, most)?);
        }
        Some(highest)
    }

    /// The height of a level around what `inside` measures. What `level` points to may be in many
    /// places: `[v,v]` within `[w,w]` and so on has more paths than could be walked.
    fn shared<T: ?Sized>(
        &mut self,
        level: &Arc<T>,
        most: usize,
        inside: impl FnOnce(&mut Heights, usize) -> Option<usize>,
    ) -> Option<usize> {
        let most_inside = most.checked_sub(1)?;
        if Arc::strong_count(level) == 1 {
            return Some(1 + inside(self, most_inside)?);
        }
        let place = Arc::as_ptr(level).cast::<()>();
        if let Some(known) = self.0.get(&place) {
            return (*known <= most).then_some(*known);
        }
        let height = 1 + inside(self, most_inside)?;
        self.0.insert(place, height);
        Some(height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timeval;

    fn nested(levels: usize, around: impl Fn(Value) -> Value) -> Value {
        (0..levels).fold(Value::Int(1), |value, _| around(value))
    }

    #[test]
    fn values_nest_up_to_the_limit() {
        let kinds: [fn(Value) -> Value; 4] = [
            |v| Value::vector([v]),
            |v| Value::record([("a", v)].into_iter().collect()),
            |v| Value::bag(vec![v]),
            |v| Value::Time(Arc::new(Timeval::at(0).stamp(v))),
        ];
        for around in kinds {
            assert!(check(&nested(MAX_DEPTH, around)).is_ok());
            let beyond = nested(MAX_DEPTH + 1, around);
            assert!(check(&beyond).is_err());
            // Shared, it is as deep.
            assert!(check(&Value::vector([beyond.clone(), beyond])).is_err());
        }
    }

    #[test]
    fn what_is_shared_is_looked_at_once() {
        let twice = |v: Value| Value::vector([v.clone(), v]);
        assert!(check(&nested(MAX_DEPTH, twice)).is_ok());
        assert!(check(&nested(MAX_DEPTH + 1, twice)).is_err());
    }
}
