//! How deep values may be nested and how many parts they may have, stated once: a value that is kept
//! from one step to the next, in a variable, in a stored function, by a function that applies another
//! again and again or by one that calls itself, nests no deeper than [`MAX_DEPTH`] levels, and has no
//! more than [`MAX_PARTS`] parts in all, those that are shared counted wherever they stand. Whoever
//! keeps values calls [`check`].
//!
//! One expression adds few levels to what it is given, as its text is bounded by
//! [`crate::syntax::nesting`]. So everything that looks at values may recurse over them: comparing,
//! hashing, printing, arithmetic, and dropping them. And `[v,v]` within `[w,w]` and so on, which takes
//! little memory, has no more parts than can be walked.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Value, size};
use crate::text::diagnostic::{Error, Result};

/// How many vectors, records, bags and stamped values may stand within each other.
pub const MAX_DEPTH: usize = 1000;

/// How many parts a value may have, and their parts, and so on.
pub const MAX_PARTS: usize = 2 * size::MAX_ELEMENTS;

/// An error if `value` is nested too deeply to be kept, or has too many parts.
pub fn check(value: &Value) -> Result<()> {
    match Measures::default().of(value, MAX_DEPTH) {
        None => Err(
            Error::run(format!("a value cannot be nested deeper than {MAX_DEPTH}")).help(
                "concat(v,[x]) adds x to the elements of v; [v,x] is a vector within a vector",
            ),
        ),
        Some(Measure { parts, .. }) if parts > MAX_PARTS => Err(Error::run(format!(
            "a value cannot have more than {MAX_PARTS} parts within each other"
        ))),
        Some(_) => Ok(()),
    }
}

/// How large a value is.
#[derive(Clone, Copy, Default)]
struct Measure {
    levels: usize,
    parts: usize,
}

/// The measures of parts that are shared, each looked at once.
#[derive(Default)]
struct Measures(HashMap<*const (), Measure>);

impl Measures {
    /// How large `value` is; `None` if it has more than `most` levels.
    fn of(&mut self, value: &Value, most: usize) -> Option<Measure> {
        match value {
            Value::Vector(elements) => self.shared(elements, most, |measures, most| {
                measures.together(elements.iter(), most)
            }),
            Value::Record(record) => self.shared(record, most, |measures, most| {
                measures.together(record.iter().map(|(_, value)| value), most)
            }),
            Value::Time(time) => match &time.value {
                Some(value) => Some(around(self.of(value, most.checked_sub(1)?)?)),
                None => Some(Measure::default()),
            },
            Value::Bag(bag) => match bag.as_slice() {
                Some(elements) => self.shared(bag, most, |measures, most| {
                    measures.together(elements.iter(), most)
                }),
                None => Some(Measure::default()),
            },
            _ => Some(Measure::default()),
        }
    }

    /// The most levels of these, and all their parts.
    fn together<'v>(
        &mut self,
        parts: impl Iterator<Item = &'v Value>,
        most: usize,
    ) -> Option<Measure> {
        let mut all = Measure::default();
        for part in parts {
            let one = self.of(part, most)?;
            all.levels = all.levels.max(one.levels);
            all.parts = all.parts.saturating_add(one.parts).saturating_add(1);
        }
        Some(all)
    }

    /// The measure of a level around what `inside` measures. What `level` points to may be in many
    /// places: `[v,v]` within `[w,w]` and so on has more paths than could be walked.
    fn shared<T: ?Sized>(
        &mut self,
        level: &Arc<T>,
        most: usize,
        inside: impl FnOnce(&mut Measures, usize) -> Option<Measure>,
    ) -> Option<Measure> {
        let most_inside = most.checked_sub(1)?;
        if Arc::strong_count(level) == 1 {
            return Some(around(inside(self, most_inside)?));
        }
        let place = Arc::as_ptr(level).cast::<()>();
        if let Some(known) = self.0.get(&place) {
            return (known.levels <= most).then_some(*known);
        }
        let measure = around(inside(self, most_inside)?);
        self.0.insert(place, measure);
        Some(measure)
    }
}

/// The measure of a level around others.
fn around(inside: Measure) -> Measure {
    Measure {
        levels: inside.levels + 1,
        parts: inside.parts,
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
    fn what_is_shared_is_looked_at_once_and_counts_wherever_it_stands() {
        let twice = |v: Value| Value::vector([v.clone(), v]);
        assert!(check(&nested(20, twice)).is_ok());
        for levels in [30, 100, MAX_DEPTH] {
            let error = check(&nested(levels, twice)).expect_err("too many parts");
            assert!(error.message().contains("parts"), "{error}");
        }
        let error = check(&nested(MAX_DEPTH + 1, twice)).expect_err("too deep");
        assert!(error.message().contains("deeper"), "{error}");
    }
}
