//! What there is to plot in one result: its numbers with their names, its time, and a string that names all
//! of it.

use std::sync::Arc;

use crate::model::{Timeval, Value, print};
use crate::text::diagnostic::shortened;

/// Numbers that belong together.
#[derive(Debug, Default, PartialEq)]
pub struct PlottedRow {
    /// Seconds since 1970.
    pub time: Option<f64>,
    /// The string among the values.
    pub label: Option<Arc<str>>,
    pub cells: Vec<PlottedNumber>,
}

/// A number, or a gap where there is none.
#[derive(Debug, PartialEq)]
pub struct PlottedNumber {
    pub name: Option<Arc<str>>,
    pub number: Option<f64>,
}

/// Why there is nothing to plot.
#[derive(Debug, PartialEq)]
pub struct Unplottable(pub String);

impl PlottedRow {
    /// The numbers with the names of what they belong to. `alone` is that of a number without any.
    pub fn named(self, alone: &str) -> impl Iterator<Item = (Arc<str>, Option<f64>)> {
        let (label, single) = (self.label, self.cells.len() == 1);
        let alone: Arc<str> = alone.into();
        self.cells.into_iter().zip(1..).map(move |(cell, at)| {
            let name = match (&label, cell.name) {
                (Some(label), Some(name)) if !single => format!("{label} {name}").into(),
                (Some(label), _) => label.clone(),
                (None, Some(name)) => name,
                (None, None) if single => alone.clone(),
                (None, None) => at.to_string().into(),
            };
            (name, cell.number)
        })
    }

    /// Whether the numbers have names.
    pub fn is_named(&self) -> bool {
        self.label.is_some() || self.cells.iter().any(|cell| cell.name.is_some())
    }

    fn put(&mut self, name: Option<Arc<str>>, value: &Value) {
        let number = match value {
            Value::Null => None,
            Value::Bool(holds) => Some(f64::from(u8::from(*holds))),
            Value::Int(_) | Value::Real(_) => value.as_real(),
            Value::Str(text) => {
                self.label.get_or_insert(text.clone());
                return;
            }
            Value::Time(time) if time.value.is_none() => {
                self.time.get_or_insert(time.seconds());
                return;
            }
            _ => return,
        };
        self.cells.push(PlottedNumber { name, number });
    }
}

/// Whether a vector is many results, not one: all of its elements are such as a plot is made of.
pub fn is_batch(elements: &[Value]) -> bool {
    let is_whole = |element: &Value| match element {
        Value::Vector(_) | Value::Array(_) | Value::Record(_) => true,
        Value::Time(time) => time.value.is_some(),
        _ => false,
    };
    !elements.is_empty() && elements.iter().all(is_whole)
}

/// What there is to plot in a result whose values, if it is a vector, are called so.
pub fn row(element: &Value, names: &[Arc<str>]) -> Result<PlottedRow, Unplottable> {
    let mut row = PlottedRow::default();
    let value = match element {
        Value::Time(time) => match &**time {
            Timeval {
                value: Some(value), ..
            } => {
                row.time = Some(time.seconds());
                value
            }
            _ => element,
        },
        other => other,
    };
    match value {
        Value::Vector(values) => {
            for (at, value) in values.iter().enumerate() {
                row.put(names.get(at).cloned(), value);
            }
        }
        Value::Array(array) if array.shape().len() == 1 => {
            for at in 0..array.count() {
                row.put(names.get(at).cloned(), &array.element(at));
            }
        }
        Value::Record(record) => {
            for (key, value) in record.iter() {
                row.put(Some(key.clone()), value);
            }
        }
        single => row.put(names.first().cloned(), single),
    }
    match row.cells.is_empty() {
        false => Ok(row),
        true => {
            let shown = shortened(print::beginning(element, 200), 50);
            Err(Unplottable(format!("there is no number in {shown}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Array;

    fn read(value: &Value) -> String {
        let names = ["a".into()];
        match row(value, &names) {
            Err(Unplottable(reason)) => reason,
            Ok(row) => {
                let cells = row.cells.iter().map(|cell| {
                    let number = cell.number.map_or("gap".to_owned(), |n| n.to_string());
                    format!("{}={number}", cell.name.as_deref().unwrap_or("?"))
                });
                let cells: Vec<_> = cells.collect();
                format!("{:?} {:?} {}", row.time, row.label, cells.join(" "))
            }
        }
    }

    #[test]
    fn numbers_are_found_in_a_result() {
        let time = |seconds: i64| Timeval::at(seconds * 1_000_000);
        let record = Value::record(
            [("t", Value::Int(1)), ("room", "hall".into())]
                .into_iter()
                .collect(),
        );
        for (value, found) in [
            (Value::Real(1.5), "None None a=1.5"),
            (Value::Bool(true), "None None a=1"),
            (Value::Null, "None None a=gap"),
            (
                Value::vector([1.into(), Value::Null, true.into()]),
                "None None a=1 ?=gap ?=1",
            ),
            (record.clone(), "None Some(\"hall\") t=1"),
            (
                Value::Time(time(7).stamp(2.into()).into()),
                "Some(7.0) None a=2",
            ),
            (
                Value::vector([Value::Time(time(7).into()), 2.into()]),
                "Some(7.0) None ?=2",
            ),
            (
                Value::array(Array::of_numbers(vec![1i64, 2])),
                "None None a=1 ?=2",
            ),
            ("x".into(), "there is no number in \"x\""),
            (Value::vector([]), "there is no number in []"),
            (
                Value::Time(time(0).into()),
                "there is no number in |1970-01-01T00:00:00.000Z|",
            ),
        ] {
            assert_eq!(read(&value), found, "{value}");
        }
        assert!(is_batch(&[record, Value::vector([])]));
        assert!(!is_batch(&[]) && !is_batch(&[Value::vector([]), 1.into()]));
    }
}
