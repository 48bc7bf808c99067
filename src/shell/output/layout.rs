//! Records that do not fit into a line, for a person to read: a field on each line.

use unicode_width::UnicodeWidthStr;

use crate::model::{Value, print};
use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;

/// How far the fields of a record stand to the right of it.
const STEP: usize = 2;

/// A value as it is written in the language: on one line if it fits into `width`, else a record with each
/// field on a line of its own, and a vector of records with each of these.
pub fn laid_out(value: &Value, width: usize, looks: &Looks) -> Result<String> {
    let mut out = String::new();
    lay_out(value, width, 0, 0, looks, &mut out)?;
    Ok(out)
}

/// `indent` is where the value's lines begin, `taken` what stands before it in its first line.
fn lay_out(
    value: &Value,
    width: usize,
    indent: usize,
    taken: usize,
    looks: &Looks,
    out: &mut String,
) -> Result<()> {
    let line = print::text(value, looks)?;
    if taken + line.width() <= width {
        *out += &line;
        return Ok(());
    }
    let inner = indent + STEP;
    let blanks = " ".repeat(inner);
    match value {
        Value::Record(record) if !record.is_empty() => {
            *out += "{\n";
            for (i, (name, value)) in record.iter().enumerate() {
                let name = print::text(&Value::Str(name.clone()), looks)?;
                *out += &format!("{blanks}{name}: ");
                // A comma follows.
                let taken = inner + name.width() + 3;
                lay_out(value, width, inner, taken, looks, out)?;
                *out += if i + 1 < record.len() { ",\n" } else { "\n" };
            }
            *out += &format!("{}}}", " ".repeat(indent));
        }
        Value::Vector(values) if values.iter().any(|value| matches!(value, Value::Record(_))) => {
            *out += "[\n";
            for (i, value) in values.iter().enumerate() {
                *out += &blanks;
                lay_out(value, width, inner, inner + 1, looks, out)?;
                *out += if i + 1 < values.len() { ",\n" } else { "\n" };
            }
            *out += &format!("{}]", " ".repeat(indent));
        }
        _ => *out += &line,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Record;
    use crate::text::wait::Token;

    fn shown(value: &Value, width: usize) -> String {
        laid_out(value, width, &Token::new().looks()).expect("has a form")
    }

    #[test]
    fn a_record_that_does_not_fit_has_a_line_for_each_field() {
        let inner = Value::record(Record::from_iter([
            ("x", Value::Int(1)),
            ("y", Value::vector([1.into(), 2.into()])),
        ]));
        let record = Value::record(Record::from_iter([
            ("room", Value::from("hall")),
            ("place", inner.clone()),
            ("all", Value::vector([inner.clone(), inner])),
        ]));
        assert_eq!(shown(&record, 120), record.to_string());
        assert_eq!(
            shown(&record, 24),
            "{\n  \"room\": \"hall\",\n  \"place\": {\n    \"x\": 1,\n    \"y\": [1,2]\n  },\n  \"all\": [\n    \
             {\"x\":1,\"y\":[1,2]},\n    {\"x\":1,\"y\":[1,2]}\n  ]\n}"
        );
        assert_eq!(
            shown(&"a long string without fields".into(), 5),
            "\"a long string without fields\""
        );
    }
}
