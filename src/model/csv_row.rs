//! Rows as lines of comma-separated values (RFC 4180), and the header that names their columns.

use std::sync::Arc;

use crate::model::{Record, Value, hex, json};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

/// So many of the first rows of what is finite are looked at for the names of columns.
pub const ROWS_FOR_NAMES: usize = 1000;

/// How rows become lines.
pub enum CsvColumns {
    /// The elements of a vector one by one, anything else as one field.
    Unnamed,
    /// As many elements of a vector as there are names; where there is one name, a whole value.
    Named(Vec<Arc<str>>),
    /// The fields of records by their keys.
    OfRecords(Vec<Arc<str>>),
}

impl CsvColumns {
    /// Those of rows that begin with these: where the first is a record, all keys that there are.
    pub fn of(first: &[Value]) -> CsvColumns {
        if !matches!(first.first(), Some(Value::Record(_))) {
            return CsvColumns::Unnamed;
        }
        let mut names: indexmap::IndexSet<Arc<str>> = indexmap::IndexSet::new();
        for row in first {
            if let Value::Record(record) = row {
                names.extend(record.iter().map(|(key, _)| key.clone()));
            }
        }
        CsvColumns::OfRecords(names.into_iter().collect())
    }

    /// The line of the names, if there are any.
    pub fn header(&self) -> Option<String> {
        let (CsvColumns::Named(names) | CsvColumns::OfRecords(names)) = self else {
            return None;
        };
        let mut line = CsvLine::default();
        names.iter().for_each(|name| line.push_text(name));
        Some(line.finish())
    }

    /// The line of a row.
    pub fn line(&self, row: &Value, looks: &Looks) -> Result<String> {
        let mut line = CsvLine::default();
        match (self, row) {
            (CsvColumns::OfRecords(names), Value::Record(record)) => {
                fields(record, names, &mut line, looks)?;
            }
            (CsvColumns::OfRecords(_), other) => {
                return Err(Error::run(format!(
                    "the rows before were records, which {other} is not"
                )));
            }
            (CsvColumns::Named(names), Value::Vector(values)) if names.len() != 1 => {
                if values.len() != names.len() {
                    return Err(Error::run(format!(
                        "a row has {} values, and the header {} names",
                        values.len(),
                        names.len()
                    )));
                }
                values
                    .iter()
                    .try_for_each(|value| line.push(value, looks))?;
            }
            (CsvColumns::Unnamed, Value::Vector(values)) => {
                values
                    .iter()
                    .try_for_each(|value| line.push(value, looks))?;
            }
            (_, single) => line.push(single, looks)?,
        }
        Ok(line.finish())
    }
}

/// The fields of a record that the names say; one that no name says must not be lost.
fn fields(record: &Record, names: &[Arc<str>], line: &mut CsvLine, looks: &Looks) -> Result<()> {
    let mut found = 0;
    for name in names {
        let value = record.get(name);
        found += usize::from(value.is_some());
        line.push(value.unwrap_or(&Value::Null), looks)?;
    }
    let mut keys = record.iter().map(|(key, _)| key);
    match found < record.len() {
        true => {
            let key = keys.find(|key| !names.contains(key)).map_or("", |key| key);
            Err(Error::run(format!(
                "a record has a field {}, for which the header has no column",
                Value::str(key)
            ))
            .help("select r['a'] as a, r['b'] as b from … says which columns there are"))
        }
        false => Ok(()),
    }
}

/// A line that is being written.
#[derive(Default)]
struct CsvLine {
    text: String,
    fields: usize,
}

impl CsvLine {
    fn push(&mut self, value: &Value, looks: &Looks) -> Result<()> {
        match value {
            Value::Str(text) => {
                looks.steps(1 + text.len() / 16)?;
                self.push_text(text);
            }
            value => self.push_text(&field(value, looks)?),
        }
        Ok(())
    }

    fn push_text(&mut self, field: &str) {
        if self.fields > 0 {
            self.text.push(',');
        }
        self.fields += 1;
        if !field.contains([',', '"', '\n', '\r']) {
            self.text.push_str(field);
            return;
        }
        self.text.push('"');
        for (at, part) in field.split('"').enumerate() {
            if at > 0 {
                self.text.push_str("\"\"");
            }
            self.text.push_str(part);
        }
        self.text.push('"');
    }

    /// The line with its end. One empty field is written as such: an empty line is no row.
    fn finish(mut self) -> String {
        if self.text.is_empty() && self.fields > 0 {
            self.text.push_str("\"\"");
        }
        self.text.push('\n');
        self.text
    }
}

/// A value as a field: null is empty, a time its ISO string, a binary its hexadecimal digits; what has parts
/// is written as JSON.
fn field(value: &Value, looks: &Looks) -> Result<String> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Str(text) => text.to_string(),
        // JSON has no form for those that are not finite.
        Value::Int(_) | Value::Real(_) => value.to_string(),
        Value::Time(time) if time.value.is_none() => time.iso(),
        Value::Binary(bytes) => {
            looks.steps(bytes.len())?;
            let mut digits = String::with_capacity(2 * bytes.len());
            hex::push(&mut digits, bytes);
            digits
        }
        other => json::to_string(other, looks)?,
    })
}

#[cfg(test)]
mod tests {
    use csv::ReaderBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::model::Timeval;
    use crate::text::wait::Token;

    fn line(columns: &CsvColumns, row: Value) -> String {
        let token = Token::new();
        let line = columns.line(&row, &token.looks());
        line.unwrap_or_else(|error| format!("error: {error}"))
    }

    fn record(fields: &[(&str, Value)]) -> Value {
        Value::record(
            fields
                .iter()
                .map(|(key, value)| (*key, value.clone()))
                .collect(),
        )
    }

    #[test]
    fn values_have_forms_that_other_programs_read() {
        let row = Value::vector([
            Value::Time(Timeval::at(1_500).into()),
            Value::binary([0x01, 0xff]),
            true.into(),
            Value::Null,
            Value::vector([1.into(), "a".into()]),
            1e300.into(),
            Value::Real(f64::INFINITY),
        ]);
        assert_eq!(
            line(&CsvColumns::Unnamed, row),
            "1970-01-01T00:00:00.001500Z,01ff,true,,\"[1,\"\"a\"\"]\",1e300,inf\n"
        );
    }

    #[test]
    fn records_are_columns() {
        let rows = [
            record(&[("a", 1.into())]),
            record(&[("b,c", "x".into()), ("a", 2.into())]),
        ];
        let columns = CsvColumns::of(&rows);
        assert_eq!(columns.header().as_deref(), Some("a,\"b,c\"\n"));
        assert_eq!(line(&columns, rows[0].clone()), "1,\n");
        assert_eq!(line(&columns, rows[1].clone()), "2,x\n");
        assert!(line(&columns, record(&[("d", 1.into())])).contains("has a field \"d\""));
        assert!(line(&columns, 5.into()).contains("which 5 is not"));
        let named = CsvColumns::Named(vec!["a".into(), "b".into()]);
        assert!(line(&named, Value::vector([1.into()])).contains("has 1 values"));
        let one = CsvColumns::Named(vec!["r".into()]);
        assert_eq!(
            line(&one, record(&[("a", 1.into())])),
            "\"{\"\"a\"\":1}\"\n"
        );
        assert_eq!(line(&one, Value::Null), "\"\"\n");
    }

    proptest! {
        #[test]
        fn the_library_reads_what_is_written(texts in prop::collection::vec("[a,\"\n\r ;é]{0,5}", 1..5)) {
            let row = Value::vector(texts.iter().map(Value::str));
            let line = line(&CsvColumns::Unnamed, row);
            let mut reader = ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let read: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.expect("reads").iter().map(str::to_owned).collect())
                .collect();
            prop_assert_eq!(read, vec![texts]);
        }
    }
}
