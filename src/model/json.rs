//! Values as JSON (RFC 8259) and back, without a tree in between.
//!
//! What JSON has no form for is written as follows: a time as its ISO string, a stamped value as
//! `{"sa_time":…,"sa_value":…}`, a binary as the string of its hexadecimal digits, a complex number as
//! `{"re":…,"im":…}`, a bag held in memory as an array, not-a-number and infinities as null; types,
//! functions and objects as the string that is printed for them.

use std::cell::Cell;
use std::fmt;
use std::fmt::Write;
use std::io::Read;
use std::sync::Arc;

use serde_core::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::model::{Record, Value, hex, number, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::{Looks, STEPS};

/// How deep arrays and objects may be nested, in both directions.
const MAX_DEPTH: usize = 128;

/// `value` as JSON on one line, without spaces. A stream, or a bag that is not held in memory, is an
/// error, and so is a text that is too long for a string, or a stop that `looks` sees.
pub fn to_string(value: &Value, looks: &Looks) -> Result<String> {
    let mut out = String::new();
    push(&mut out, value, 0, looks)?;
    Ok(out)
}

/// The value that JSON text stands for. Integers beyond 64 bits become reals; the last of equal keys
/// counts. A byte order mark at its beginning is left out, as RFC 8259 allows. An error if the value has
/// more parts than a vector may have, or `looks` sees a stop.
pub fn from_slice(text: &[u8], looks: &Looks) -> Result<Value> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut json = serde_json::Deserializer::from_slice(text);
    let room = Room::new(Some(looks));
    let read = Seed(&room).deserialize(&mut json);
    let value = read.and_then(|value| json.end().map(|()| value));
    value.map_err(|error| room.fault.take().unwrap_or_else(|| not_json(&error)))
}

/// The object or array that `text` begins with, and its length; `None` if [`next_of`] has to say what
/// the text is: it may not be whole, or no JSON.
pub fn prefix(text: &[u8]) -> Option<(Value, usize)> {
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Json>();
    let value = values.next()?.ok()?;
    Some((value.0, values.byte_offset()))
}

/// The next of the values that a text holds one after the other, with or without white space between
/// them, and how many bytes have been read of it with what stands before it; one more may have been
/// taken off `text`. `None` at the end.
///
/// `before` is what of the text has been read already: an error says where in all of it something is.
pub fn next_of(text: impl Read, before: TextPlace) -> (usize, Option<Result<Value>>) {
    let mut values = serde_json::Deserializer::from_reader(text).into_iter::<Json>();
    let next = values.next();
    let next = next.map(|json| {
        json.map(|json| json.0)
            .map_err(|e| not_json_behind(before, &e))
    });
    (values.byte_offset(), next)
}

/// A place in a text that is read piece by piece.
#[derive(Clone, Copy, Default)]
pub struct TextPlace {
    /// The lines that have ended before it.
    lines: usize,
    /// The bytes before it in its line.
    column: usize,
}

impl TextPlace {
    /// The place behind this text, which stands at this one.
    pub fn behind(mut self, text: &[u8]) -> TextPlace {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text) {
            self.lines += 1;
            (self.column, start) = (0, end + 1);
        }
        self.column += text.len() - start;
        self
    }
}

fn not_json(error: &serde_json::Error) -> Error {
    not_json_behind(TextPlace::default(), error)
}

/// The error in a text that begins at a place of a longer one.
fn not_json_behind(before: TextPlace, error: &serde_json::Error) -> Error {
    let whole = error.to_string();
    if error.is_io() {
        return Error::run(whole);
    }
    let (line, column) = (error.line(), error.column());
    let Some(what) = whole.strip_suffix(&format!(" at line {line} column {column}")) else {
        return Error::run(format!("not JSON: {whole}"));
    };
    let column = match line {
        0 | 1 => before.column + column,
        _ => column,
    };
    let line = before.lines + line;
    Error::run(format!("not JSON: {what} at line {line} column {column}"))
}

fn push(out: &mut String, value: &Value, depth: usize, looks: &Looks) -> Result<()> {
    looks.step()?;
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => push_display(out, i),
        Value::Real(r) => push_real(out, *r),
        Value::Complex(c) => {
            out.push_str("{\"re\":");
            push_real(out, c.re);
            out.push_str(",\"im\":");
            push_real(out, c.im);
            out.push('}');
        }
        Value::Str(s) => {
            looks.steps(s.len() / 4)?;
            push_string(out, s);
        }
        Value::Binary(b) => {
            out.push('"');
            for piece in b.chunks(STEPS) {
                looks.steps(piece.len())?;
                hex::push(out, piece);
            }
            out.push('"');
        }
        Value::Vector(v) => push_array(out, v, depth, looks)?,
        Value::Array(a) => push(out, &a.to_vector(looks)?, depth, looks)?,
        Value::Record(r) => push_object(out, r.iter().map(|(k, v)| (&**k, v)), depth, looks)?,
        Value::Time(t) => match &t.value {
            None => push_string(out, &t.iso()),
            Some(value) => {
                let time = Value::Str(t.iso().into());
                let fields = [("sa_time", &time), ("sa_value", value)];
                push_object(out, fields, depth, looks)?;
            }
        },
        Value::Bag(bag) => match bag.as_slice() {
            Some(elements) => push_array(out, elements, depth, looks)?,
            None => return Err(collection("a bag")),
        },
        Value::Stream(_) => return Err(collection("a stream")),
        Value::Function(f) => push_string(out, &f.to_string()),
        Value::Type(t) => push_string(out, &t.to_string()),
        Value::Topic(name) => push_string(out, name),
        Value::Object(o) => push_string(out, &o.to_string()),
    }
    size::check_bytes(out.len(), "a string")
}

fn collection(what: &str) -> Error {
    Error::run(format!("{what} has no JSON form as one value"))
        .help("make a vector of its elements: vectorize(b), vectorof(s)")
}

fn push_array(out: &mut String, elements: &[Value], depth: usize, looks: &Looks) -> Result<()> {
    let depth = deeper(depth)?;
    out.push('[');
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push(out, element, depth, looks)?;
    }
    out.push(']');
    Ok(())
}

fn push_object<'a>(
    out: &mut String,
    fields: impl IntoIterator<Item = (&'a str, &'a Value)>,
    depth: usize,
    looks: &Looks,
) -> Result<()> {
    let depth = deeper(depth)?;
    out.push('{');
    for (i, (key, value)) in fields.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_string(out, key);
        out.push(':');
        push(out, value, depth, looks)?;
    }
    out.push('}');
    Ok(())
}

fn deeper(depth: usize) -> Result<usize> {
    if depth < MAX_DEPTH - 1 {
        return Ok(depth + 1);
    }
    Err(Error::run(format!(
        "JSON cannot be nested more than {MAX_DEPTH} deep"
    )))
}

fn push_display(out: &mut String, value: &dyn fmt::Display) {
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn push_real(out: &mut String, real: f64) {
    if real.is_finite() {
        number::push_real(out, real);
    } else {
        out.push_str("null");
    }
}

fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (i, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[plain..i]);
        plain = i + 1;
        if escape.is_empty() {
            push_display(out, &format_args!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// A value as serde wants it.
struct Json(Value);

impl<'de> serde_core::Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Json, D::Error> {
        Seed(&Room::new(None)).deserialize(deserializer).map(Json)
    }
}

/// What there is room and time for.
struct Room<'a> {
    /// How many more parts the value may have.
    left: Cell<usize>,
    looks: Option<&'a Looks<'a>>,
    /// Why no more was read, where that is no fault of the text.
    fault: Cell<Option<Error>>,
}

impl<'a> Room<'a> {
    fn new(looks: Option<&'a Looks<'a>>) -> Room<'a> {
        Room {
            left: Cell::new(size::MAX_ELEMENTS),
            looks,
            fault: Cell::new(None),
        }
    }

    /// One more part.
    fn take<E: serde_core::de::Error>(&self) -> std::result::Result<(), E> {
        let fault = match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                self.looks.and_then(|looks| looks.step().err())
            }
            None => {
                let most = size::MAX_ELEMENTS;
                let message = format!("a JSON value cannot have more than {most} parts");
                Some(Error::run(message))
            }
        };
        match fault {
            Some(fault) => {
                let said = E::custom(&fault);
                self.fault.set(Some(fault));
                Err(said)
            }
            None => Ok(()),
        }
    }
}

/// Makes a value of whatever comes.
struct Seed<'a>(&'a Room<'a>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, i: i64) -> std::result::Result<Value, E> {
        Ok(Value::Int(i))
    }

    fn visit_u64<E>(self, u: u64) -> std::result::Result<Value, E> {
        Ok(i64::try_from(u).map_or(Value::Real(u as f64), Value::Int))
    }

    fn visit_f64<E>(self, r: f64) -> std::result::Result<Value, E> {
        Ok(Value::Real(r))
    }

    fn visit_str<E>(self, s: &str) -> std::result::Result<Value, E> {
        Ok(Value::str(s))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> std::result::Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element_seed(Seed(self.0))? {
            self.0.take()?;
            elements.push(element);
        }
        Ok(Value::Vector(elements.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<Value, A::Error> {
        // JSON does not say how many fields come; growing step by step costs more than room for a few.
        let mut record = Record::with_capacity(7);
        while let Some(key) = object.next_key_seed(KeySeed)? {
            self.0.take()?;
            record.put(key, object.next_value_seed(Seed(self.0))?);
        }
        Ok(Value::record(record))
    }
}

/// Makes a key.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Arc<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde_core::de::Error>(self, key: &str) -> std::result::Result<Arc<str>, E> {
        Ok(key.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timeval;
    use crate::text::wait::Token;

    fn parsed(text: &[u8]) -> Result<Value> {
        from_slice(text, &Token::new().looks())
    }

    fn read(text: &str) -> String {
        match parsed(text.as_bytes()) {
            Ok(value) => value.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    fn written(value: &Value) -> String {
        to_string(value, &Token::new().looks()).unwrap_or_else(|e| format!("error: {e}"))
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        for text in [
            r#"{"b":[1,-2.5,true,false,null],"a":{"ö":"\"x\"\\\n\u0001"},"n":2.0}"#,
            "9223372036854775807",
            "-9223372036854775808",
            "0.30000000000000004",
            "5e-324",
            "1.7976931348623157e308",
            "[]",
            "{}",
            "\"\"",
        ] {
            let value = parsed(text.as_bytes()).expect("JSON");
            assert_eq!(written(&value), text);
        }
    }

    #[test]
    fn integers_beyond_64_bits_become_reals() {
        assert_eq!(read("9223372036854775808"), "9.223372036854776e18");
        assert_eq!(
            read("123456789012345678901234567890"),
            "1.2345678901234568e29"
        );
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn faults_say_where() {
        assert_eq!(
            read("{\"a\":}"),
            "error: not JSON: expected value at line 1 column 6"
        );
        assert!(read("1 2").starts_with("error: not JSON: trailing characters"));
        assert!(read("").starts_with("error: not JSON: EOF"));
        assert!(parsed(b"\"\xff\"").is_err());
    }

    #[test]
    fn deep_nesting_is_an_error_both_ways() {
        let text = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(
            read(&text).starts_with("error: not JSON: recursion limit"),
            "{}",
            read(&text)
        );
        let deepest = "[".repeat(MAX_DEPTH - 1) + &"]".repeat(MAX_DEPTH - 1);
        let value = parsed(deepest.as_bytes()).expect("just within the limit");
        assert_eq!(written(&value), deepest);
        let deeper = Value::vector([value]);
        assert!(written(&deeper).starts_with("error: JSON cannot be nested"));
    }

    #[test]
    fn what_json_lacks_has_a_form() {
        let time = Timeval::at(1_643_190_394_290_000);
        for (value, json) in [
            (
                Value::Time(time.clone().into()),
                r#""2022-01-26T09:46:34.290Z""#,
            ),
            (
                Value::Time(time.stamp(0.5.into()).into()),
                r#"{"sa_time":"2022-01-26T09:46:34.290Z","sa_value":0.5}"#,
            ),
            (Value::binary([0, 255]), r#""00ff""#),
            (Value::Real(f64::NAN), "null"),
            (Value::Real(f64::INFINITY), "null"),
            (Value::bag(vec![1.into(), 2.into()]), "[1,2]"),
            (
                Value::complex(num_complex::Complex64::new(1.0, -2.0)),
                r#"{"re":1.0,"im":-2.0}"#,
            ),
        ] {
            assert_eq!(written(&value), json);
        }
    }

    #[test]
    fn a_text_may_hold_many_values() {
        let mut rest = &b"{\"a\":1}\n[2] 3"[..];
        let mut values = Vec::new();
        while let (read, Some(value)) = next_of(rest, TextPlace::default()) {
            rest = &rest[read..];
            values.push(value.expect("JSON").to_string());
        }
        assert_eq!(values, ["{\"a\":1}", "[2]", "3"]);
    }

    #[test]
    fn an_error_says_where_in_the_whole_text_it_is() {
        let whole = b"{}\n[1,\n2] 7 {\"a\":\n x}";
        let by_library = serde_json::Deserializer::from_reader(&whole[..]).into_iter::<Json>();
        let error = by_library
            .last()
            .and_then(|last| last.err())
            .expect("an error");
        let behind = |read: usize| TextPlace::default().behind(&whole[..read]);
        let said = |read: usize| match next_of(&whole[read..], behind(read)) {
            (_, Some(Err(error))) => error.to_string(),
            _ => panic!("no error"),
        };
        for read in [11, 12] {
            assert_eq!(said(read), not_json(&error).to_string());
        }
        assert_eq!(said(18), "not JSON: expected value at line 4 column 2");
    }
}
