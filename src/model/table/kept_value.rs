//! How values of OSQL stand in the columns of a SQLite file, so that they come out as they went in.
//!
//! | column of | in SQLite | |
//! |---|---|---|
//! | Integer, Real, Number | INTEGER, REAL | a not-a-number as the text `nan`, which SQLite has not |
//! | Charstring | TEXT | |
//! | Boolean | INTEGER | 0 and 1 |
//! | Binary | BLOB | |
//! | Timeval | TEXT | `2026-01-31T12:00:00.000000Z`, always as long, so that they sort; a stamped value as below |
//! | Vector, Record, Array, Complex | TEXT | JSON, so that SQLite's functions for it read them |
//! | Object | any | numbers, strings and binaries by themselves; anything else a BLOB that begins with `osql:`, then JSON |
//!
//! JSON has no form for some values. These are records of one field whose name begins with `@`: `{"@time":
//! "2026-…Z"}`, `{"@stamped": ["2026-…Z", value]}`, `{"@binary": "00ff"}`, `{"@real": "inf"}`, `{"@complex": [1.0, 2.0]}`, `{"@array":
//! ["F32", [2, 2], [1.0, 2.0, 3.0, 4.0]]}`, and `{"@record": [["@a", 1]]}` for a record that has such a
//! field itself.
//!
//! In a table that another program has made, and that may hold other values than it declares, each value
//! comes out as what it is: an INTEGER as an Integer, a REAL as a Real, a TEXT as a Charstring, a BLOB as
//! a Binary.

use std::borrow::Cow;
use std::sync::Arc;

use num_complex::Complex64;

use crate::model::array::ArrayFormat;
use crate::model::{Array, Record, Timeval, Type, Value, hex, json, number};
use crate::store::Cell;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;

/// How the values of a column are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeptAs {
    /// As SQLite's own values, of a table that another program has made.
    Found,
    Number,
    Text,
    Boolean,
    Bytes,
    Time,
    Json,
    Any,
}

/// What of a value SQLite can look for.
pub enum KeptKey<'v> {
    /// Rows that are equal in OSQL are equal to this in SQLite; not all that are there are here.
    Cell(Cell<'v>),
    /// Only comparing the values themselves tells.
    Unknown,
}

/// What begins a value in a column of anything that is none of SQLite's own.
const MARK: &[u8] = b"osql:";

impl KeptAs {
    /// How a column of that type is kept; nothing where its values cannot outlive the process.
    pub fn of(ty: &Type) -> Option<KeptAs> {
        Some(match ty {
            Type::Integer | Type::Real | Type::Number => KeptAs::Number,
            Type::Charstring => KeptAs::Text,
            Type::Boolean => KeptAs::Boolean,
            Type::Binary => KeptAs::Bytes,
            Type::Timeval(_) => KeptAs::Time,
            Type::Vector(_) | Type::Array(_) | Type::Record | Type::Complex => KeptAs::Json,
            Type::Object | Type::Literal => KeptAs::Any,
            _ => return None,
        })
    }

    /// SQLite's type of a column of that type: it decides what SQLite makes of other programs' values.
    pub fn declared(ty: &Type) -> &'static str {
        match ty {
            Type::Integer => "INTEGER",
            Type::Real => "REAL",
            Type::Boolean => "BOOLEAN",
            Type::Binary => "BLOB",
            // A whole real is to stay a real, so that there must be no number's type.
            Type::Number | Type::Object | Type::Literal => "",
            _ => "TEXT",
        }
    }

    /// Whether values are equal in SQLite where they are in OSQL, so that they can be unique there.
    pub fn is_comparable(self) -> bool {
        !matches!(self, KeptAs::Json | KeptAs::Any)
    }

    /// A value that fits the column's type, as SQLite keeps it.
    pub fn cell(self, value: &Value) -> Result<Cell<'_>> {
        let own = match (self, value) {
            (_, Value::Null) => Some(Cell::Null),
            (KeptAs::Boolean, Value::Bool(yes)) => Some(Cell::Integer(i64::from(*yes))),
            (KeptAs::Boolean, _) => None,
            (_, Value::Int(int)) => Some(Cell::Integer(*int)),
            (KeptAs::Number, Value::Real(real)) if real.is_nan() => Some(Cell::text("nan")),
            (_, Value::Real(real)) if !real.is_nan() => Some(Cell::Real(*real)),
            (KeptAs::Json | KeptAs::Time, _) => None,
            (_, Value::Str(text)) => Some(Cell::text(text)),
            (KeptAs::Any, Value::Binary(bytes)) if bytes.starts_with(MARK) => None,
            (_, Value::Binary(bytes)) => Some(Cell::Blob(Cow::Borrowed(bytes))),
            _ => None,
        };
        if let Some(cell) = own {
            return Ok(cell);
        }
        match (self, value) {
            (KeptAs::Time, Value::Time(at)) if at.value.is_none() => {
                Ok(Cell::Text(Cow::Owned(kept_time(at))))
            }
            (KeptAs::Json | KeptAs::Time, value) => Ok(Cell::Text(Cow::Owned(to_json(value)?))),
            (KeptAs::Any, value) => {
                let mut bytes = MARK.to_vec();
                bytes.extend_from_slice(to_json(value)?.as_bytes());
                Ok(Cell::Blob(Cow::Owned(bytes)))
            }
            (KeptAs::Found, Value::Bool(yes)) => Ok(Cell::Integer(i64::from(*yes))),
            (KeptAs::Found, Value::Time(at)) if at.value.is_none() => {
                Ok(Cell::Text(Cow::Owned(kept_time(at))))
            }
            (KeptAs::Found, value) => Ok(Cell::Text(Cow::Owned(to_json(value)?))),
            (_, value) => Err(not_kept(value)),
        }
    }

    /// The value that a cell stands for.
    pub fn value(self, cell: Cell) -> Value {
        match (self, cell) {
            (_, Cell::Null) => Value::Null,
            (KeptAs::Boolean, Cell::Integer(int @ (0 | 1))) => Value::Bool(int == 1),
            (_, Cell::Integer(int)) => Value::Int(int),
            (_, Cell::Real(real)) => Value::Real(real),
            (KeptAs::Number, Cell::Text(text)) if text == "nan" => Value::Real(f64::NAN),
            (KeptAs::Time, Cell::Text(text)) => match Timeval::parse(&text) {
                Some(at) => Value::Time(Arc::new(at)),
                None => of_json(text.as_bytes()).unwrap_or_else(|| Value::str(text)),
            },
            (KeptAs::Json, Cell::Text(text)) => {
                of_json(text.as_bytes()).unwrap_or_else(|| Value::str(text))
            }
            (_, Cell::Text(text)) => Value::str(text),
            (KeptAs::Any, Cell::Blob(bytes)) => {
                let marked = bytes.strip_prefix(MARK);
                let kept = marked.and_then(of_json);
                kept.unwrap_or_else(|| Value::binary(&bytes))
            }
            (_, Cell::Blob(bytes)) => Value::binary(&bytes),
        }
    }

    /// What SQLite can look for to find the rows with this value.
    pub fn key(self, value: &Value) -> KeptKey<'_> {
        let is_direct = match (self, value) {
            (KeptAs::Json, _) => false,
            (_, Value::Null | Value::Int(_)) => self != KeptAs::Boolean || value.is_null(),
            (_, Value::Real(real)) => !real.is_nan() && self != KeptAs::Boolean,
            (KeptAs::Time, Value::Time(at)) => at.value.is_none(),
            (KeptAs::Time, _) => false,
            (_, Value::Str(_)) => true,
            (KeptAs::Any, Value::Binary(bytes)) => !bytes.starts_with(MARK),
            (_, Value::Binary(_)) => true,
            (KeptAs::Boolean, Value::Bool(_)) => true,
            _ => false,
        };
        match self.cell(value) {
            Ok(cell) if is_direct => KeptKey::Cell(cell),
            _ => KeptKey::Unknown,
        }
    }
}

fn kept_time(at: &Timeval) -> String {
    at.iso_digits(6)
}

fn not_kept(value: &Value) -> Error {
    Error::run(format!(
        "a {} cannot be kept in a database",
        value.type_of()
    ))
    .help("it would mean nothing after the session")
}

fn to_json(value: &Value) -> Result<String> {
    // What a column takes has been looked at, and is as small as a value may be.
    json::to_string(&plain(value)?, &Token::new().looks())
}

fn of_json(text: &[u8]) -> Option<Value> {
    let value = json::from_slice(text, &Token::new().looks()).ok()?;
    Some(meant(&value).unwrap_or(value))
}

/// The value in what JSON has forms for.
fn plain(value: &Value) -> Result<Value> {
    let marked = |mark: &str, value| Value::record(Record::from_iter([(mark, value)]));
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Str(_) => value.clone(),
        Value::Real(real) if real.is_finite() => value.clone(),
        Value::Real(real) => marked("@real", Value::str(real.to_string())),
        Value::Complex(c) => {
            let parts = [Value::Real(c.re), Value::Real(c.im)];
            let parts = parts.iter().map(plain).collect::<Result<Vec<_>>>()?;
            marked("@complex", Value::vector(parts))
        }
        Value::Binary(bytes) => {
            let mut digits = String::with_capacity(2 * bytes.len());
            hex::push(&mut digits, bytes);
            marked("@binary", Value::str(digits))
        }
        Value::Vector(elements) => {
            let elements = elements.iter().map(plain).collect::<Result<Vec<_>>>()?;
            Value::vector(elements)
        }
        Value::Array(array) => marked("@array", plain_array(array)?),
        Value::Record(record) if record.iter().any(|(key, _)| key.starts_with('@')) => {
            let fields = record
                .iter()
                .map(|(key, value)| Ok(Value::vector([Value::Str(key.clone()), plain(value)?])));
            marked(
                "@record",
                Value::vector(fields.collect::<Result<Vec<_>>>()?),
            )
        }
        Value::Record(record) => {
            let mut fields = Record::with_capacity(record.len());
            for (key, value) in record.iter() {
                fields.put(key.clone(), plain(value)?);
            }
            Value::record(fields)
        }
        Value::Time(at) => {
            let point = Value::str(kept_time(at));
            match &at.value {
                None => marked("@time", point),
                Some(value) => marked("@stamped", Value::vector([point, plain(value)?])),
            }
        }
        other => return Err(not_kept(other)),
    })
}

fn plain_array(array: &Array) -> Result<Value> {
    let elements = (0..array.count()).map(|offset| plain(&array.element(offset)));
    let shape = array.shape().iter().map(|size| Value::Int(*size as i64));
    Ok(Value::vector([
        Value::str(array.format().name()),
        Value::vector(shape),
        Value::vector(elements.collect::<Result<Vec<_>>>()?),
    ]))
}

/// The value that was meant; nothing if it is what stands there.
fn meant(value: &Value) -> Option<Value> {
    match value {
        Value::Vector(elements) => {
            let inner: Vec<Option<Value>> = elements.iter().map(meant).collect();
            inner.iter().any(Option::is_some).then(|| {
                let pairs = inner.into_iter().zip(elements.iter());
                Value::vector(pairs.map(|(meant, as_is)| meant.unwrap_or_else(|| as_is.clone())))
            })
        }
        Value::Record(record) if record.len() == 1 => {
            let (mark, content) = record.iter().next()?;
            match mark.starts_with('@') {
                true => marked_value(mark, content),
                false => Some(Value::record(Record::from_iter([(
                    mark.clone(),
                    meant(content)?,
                )]))),
            }
        }
        Value::Record(record) => {
            let inner: Vec<Option<Value>> = record.iter().map(|(_, value)| meant(value)).collect();
            inner.iter().any(Option::is_some).then(|| {
                let mut fields = Record::with_capacity(record.len());
                for ((key, as_is), meant) in record.iter().zip(inner) {
                    fields.put(key.clone(), meant.unwrap_or_else(|| as_is.clone()));
                }
                Value::record(fields)
            })
        }
        _ => None,
    }
}

fn marked_value(mark: &str, content: &Value) -> Option<Value> {
    let own = |value: &Value| meant(value).unwrap_or_else(|| value.clone());
    Some(match (mark, content) {
        ("@real", Value::Str(text)) => Value::Real(text.parse().ok()?),
        ("@binary", Value::Str(digits)) => Value::binary(hex::from_hex(digits).ok()?),
        ("@time", point) => Value::Time(Arc::new(Timeval::at(micros(point)?))),
        ("@stamped", Value::Vector(parts)) => {
            let [point, value] = &**parts else {
                return None;
            };
            let at = Timeval::at(micros(point)?);
            Value::Time(Arc::new(at.stamp(own(value))))
        }
        ("@complex", Value::Vector(parts)) => {
            let [re, im] = &**parts else {
                return None;
            };
            Value::complex(Complex64::new(own(re).as_real()?, own(im).as_real()?))
        }
        ("@array", Value::Vector(parts)) => {
            let [
                Value::Str(format),
                Value::Vector(shape),
                Value::Vector(elements),
            ] = &**parts
            else {
                return None;
            };
            kept_array(ArrayFormat::named(format)?, shape, elements)?
        }
        ("@record", Value::Vector(fields)) => {
            let mut record = Record::with_capacity(fields.len());
            for field in fields.iter() {
                let Value::Vector(pair) = field else {
                    return None;
                };
                let [Value::Str(key), value] = &**pair else {
                    return None;
                };
                record.put(key.clone(), own(value));
            }
            Value::record(record)
        }
        _ => return None,
    })
}

fn micros(point: &Value) -> Option<i64> {
    Timeval::parse(point.as_str()?).map(|at| at.micros)
}

fn kept_array(format: ArrayFormat, shape: &[Value], elements: &[Value]) -> Option<Value> {
    let sizes = shape
        .iter()
        .map(|size| usize::try_from(size.as_int()?).ok());
    let shape: Vec<usize> = sizes.collect::<Option<_>>()?;
    let numbers = elements
        .iter()
        .map(|e| meant(e).unwrap_or_else(|| e.clone()));
    let array = match format.is_real() {
        true => {
            let reals = numbers.map(|n| n.as_real()).collect::<Option<Vec<f64>>>()?;
            Array::of_numbers(reals)
        }
        false => {
            let ints = numbers.map(|n| match n {
                Value::Int(int) => Some(int),
                Value::Real(real) => number::whole(real),
                _ => None,
            });
            Array::of_numbers(ints.collect::<Option<Vec<i64>>>()?)
        }
    };
    if shape.is_empty() || shape.iter().product::<usize>() != array.count() {
        return None;
    }
    Some(Value::array(array.as_format(format).ok()?.reshaped(shape)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let single = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Real),
            prop_oneof![Just(f64::INFINITY), Just(-0.0), Just(f64::NAN)].prop_map(Value::Real),
            "(osql:|@|)[a-z@'\"\\\\]{0,5}".prop_map(Value::str),
            any::<Vec<u8>>().prop_map(Value::binary),
            Just(Value::binary(b"osql:1")),
            any::<i64>().prop_map(|micros| Value::Time(Arc::new(Timeval::at(micros)))),
            (any::<f64>(), any::<f64>())
                .prop_map(|(re, im)| Value::complex(Complex64::new(re, im))),
            proptest::collection::vec(any::<f32>(), 1..4)
                .prop_map(|numbers| { Value::array(Array::of_numbers(numbers)) }),
            proptest::collection::vec(any::<i16>(), 4).prop_map(|numbers| {
                Value::array(Array::of_numbers(numbers).reshaped(vec![2, 2]))
            }),
        ];
        single.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::vector),
                proptest::collection::vec(("[@a-c]{1,2}", inner.clone()), 0..3).prop_map(
                    |fields| Value::record(
                        fields
                            .iter()
                            .map(|(k, v)| (k.as_str(), v.clone()))
                            .collect()
                    )
                ),
                (-1_000_000_000i64..1_000_000_000_000_000, inner).prop_map(|(micros, value)| {
                    Value::Time(Arc::new(Timeval::at(micros).stamp(value)))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_goes_into_a_column_of_anything_comes_out(value in values()) {
            let cell = KeptAs::Any.cell(&value).expect("it can be kept");
            let back = KeptAs::Any.value(cell);
            // A not-a-number is equal to itself, and printed alike.
            prop_assert_eq!(back.to_string(), value.to_string());
            prop_assert!(back == value);
        }
    }

    #[test]
    fn columns_of_a_type_are_readable_elsewhere() {
        let cell = |kept: KeptAs, value: Value| match kept.cell(&value).expect("kept") {
            Cell::Text(text) => text.into_owned(),
            other => format!("{other:?}"),
        };
        let at = Timeval::parse("2026-01-31T12:00:00Z").expect("a time");
        let time = Value::Time(Arc::new(at));
        assert_eq!(cell(KeptAs::Time, time), "2026-01-31T12:00:00.000000Z");
        let vector = Value::vector([Value::Int(1), Value::Real(2.0), Value::str("x")]);
        assert_eq!(cell(KeptAs::Json, vector), r#"[1,2.0,"x"]"#);
        assert_eq!(cell(KeptAs::Boolean, Value::Bool(true)), "Integer(1)");
        assert_eq!(cell(KeptAs::Number, Value::Real(f64::NAN)), "nan");
    }
}
