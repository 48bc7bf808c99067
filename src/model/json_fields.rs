//! Some fields of JSON objects, without what nobody asks for: it is passed over, and must still be
//! well-formed.
//!
//! What is read here is read as the library reads it. What is rare is left to the library, so that there
//! is one reader that knows everything and says what is wrong: strings with escapes that somebody asks
//! for, keys with escapes, deep nesting, numbers beyond what reals hold.

use std::ops::Range;
use std::sync::Arc;

use crate::model::column::ColumnBuilder;
use crate::model::{Record, Value, number, size};

/// Deeper nesting is for the library, which knows how deep it may be.
const DEEPEST: usize = 64;

/// Longer numbers may be beyond what reals hold.
const LONGEST_NUMBER: usize = 40;

/// Longer texts may have more parts than a value may have.
const LONGEST: usize = size::MAX_ELEMENTS;

/// Finds the wanted fields of objects.
pub struct FieldScanner {
    keys: Vec<Arc<str>>,
    /// For each key what the object read last has for it.
    found: Vec<Option<Found>>,
}

/// A field's value, as far as it is not read yet: where its text is.
#[derive(Clone)]
enum Found {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    /// Without its quotes.
    Text(Range<usize>),
    /// An array or an object.
    Nested(Range<usize>),
}

impl FieldScanner {
    pub fn new(keys: Vec<Arc<str>>) -> FieldScanner {
        FieldScanner {
            found: vec![None; keys.len()],
            keys,
        }
    }

    /// Reads the object that `text` begins with; gives its length. `None` if it is for the library to
    /// say what the text is: it may be no object, not whole, or no JSON.
    pub fn object(&mut self, text: &[u8]) -> Option<usize> {
        self.found.fill(None);
        let mut scanner = Scanner {
            text,
            at: 0,
            beyond_ascii: false,
        };
        let (keys, found) = (&self.keys, &mut self.found);
        scanner.object(0, |scanner, key| {
            let wanted = keys.iter().position(|k| k.as_bytes() == key);
            match wanted {
                Some(place) => found[place] = Some(scanner.field()?),
                None => scanner.skip(1)?,
            }
            Some(())
        })?;
        let length = scanner.at;
        let plain = !scanner.beyond_ascii || std::str::from_utf8(&text[..length]).is_ok();
        (plain && length < LONGEST).then_some(length)
    }

    /// Adds the fields of the object read last, whose text is `text`, to a column each. `read` reads what
    /// is nested; nothing is added where it gives `None`.
    pub fn add_to(
        &self,
        columns: &mut [ColumnBuilder],
        text: &[u8],
        read: impl Fn(&[u8]) -> Option<Value>,
    ) -> Option<()> {
        let mut nested = Vec::new();
        for found in &self.found {
            if let Some(Found::Nested(range)) = found {
                nested.push(read(&text[range.clone()])?);
            }
        }
        let mut nested = nested.into_iter();
        for (column, found) in columns.iter_mut().zip(&self.found) {
            match found {
                None | Some(Found::Null) => column.push(Value::Null),
                Some(Found::Bool(b)) => column.push(Value::Bool(*b)),
                Some(Found::Int(int)) => column.push_int(*int),
                Some(Found::Real(real)) => column.push_real(*real),
                Some(Found::Text(range)) => column.push_text(text_of(text, range)?),
                Some(Found::Nested(_)) => column.push(nested.next()?),
            }
        }
        Some(())
    }

    /// The object read last as a record of the wanted fields that it has.
    pub fn record(&self, text: &[u8], read: impl Fn(&[u8]) -> Option<Value>) -> Option<Value> {
        let mut record = Record::with_capacity(self.keys.len());
        for (key, found) in self.keys.iter().zip(&self.found) {
            let value = match found {
                None => continue,
                Some(Found::Null) => Value::Null,
                Some(Found::Bool(b)) => Value::Bool(*b),
                Some(Found::Int(int)) => Value::Int(*int),
                Some(Found::Real(real)) => Value::Real(*real),
                Some(Found::Text(range)) => Value::str(text_of(text, range)?),
                Some(Found::Nested(range)) => read(&text[range.clone()])?,
            };
            record.put(key.clone(), value);
        }
        Some(Value::record(record))
    }

    /// A record without all fields but those that are wanted.
    pub fn reduced(&self, record: &Record) -> Value {
        let mut reduced = Record::with_capacity(self.keys.len());
        for key in &self.keys {
            if let Some(value) = record.get(key) {
                reduced.put(key.clone(), value.clone());
            }
        }
        Value::record(reduced)
    }

    /// The same in columns.
    pub fn add_record_to(&self, columns: &mut [ColumnBuilder], record: &Record) {
        for (column, key) in columns.iter_mut().zip(&self.keys) {
            column.push(record.get(key).cloned().unwrap_or(Value::Null));
        }
    }
}

fn text_of<'t>(text: &'t [u8], range: &Range<usize>) -> Option<&'t str> {
    std::str::from_utf8(&text[range.clone()]).ok()
}

/// A place in a text. What gives `None` has met the end of the text, or something for the library.
struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    /// Whether a byte was passed that is no ASCII.
    beyond_ascii: bool,
}

/// The same byte in each place of a word.
const fn in_each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte that is zero, and perhaps of some behind the first such.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(in_each(1)) & !word & in_each(0x80)
}

impl<'t> Scanner<'t> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..]
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    /// The bytes of a string up to a quote, a backslash or a control character; eight at a time.
    #[inline]
    fn plain_text(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let (words, _) = rest.as_chunks::<8>();
        let mut at = 0;
        for bytes in words {
            let word = u64::from_le_bytes(*bytes);
            let special = zeros(word ^ in_each(b'"'))
                | zeros(word ^ in_each(b'\\'))
                // Below a blank; what is no ASCII is not found by this.
                | (word.wrapping_sub(in_each(0x20)) & !word & in_each(0x80));
            self.beyond_ascii |= word & in_each(0x80) != 0;
            if special != 0 {
                self.at += at + special.trailing_zeros() as usize / 8;
                return Some(());
            }
            at += 8;
        }
        loop {
            match *rest.get(at)? {
                b'"' | b'\\' | 0..0x20 => {
                    self.at += at;
                    return Some(());
                }
                byte => self.beyond_ascii |= !byte.is_ascii(),
            }
            at += 1;
        }
    }

    /// A string without escapes; gives where its text is.
    #[inline]
    fn string(&mut self) -> Option<Range<usize>> {
        self.expect(b'"')?;
        let start = self.at;
        self.plain_text()?;
        let end = self.at;
        self.expect(b'"')?;
        Some(start..end)
    }

    fn skip_string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            self.plain_text()?;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => match *self.text.get(self.at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
                    _ => return None,
                },
                _ => return None,
            }
        }
    }

    #[inline]
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// A number; gives its text and whether it is written as an integer.
    #[inline]
    fn number(&mut self) -> Option<(&'t [u8], bool)> {
        let start = self.at;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        let mut is_integer = true;
        if self.peek()? == b'.' {
            is_integer = false;
            self.at += 1;
            self.digits()?;
        }
        if let b'e' | b'E' = self.peek()? {
            is_integer = false;
            self.at += 1;
            if let b'+' | b'-' = self.peek()? {
                self.at += 1;
            }
            let exponent = self.at;
            self.digits()?;
            if self.at - exponent > 2 {
                return None;
            }
        }
        let text = &self.text[start..self.at];
        (text.len() <= LONGEST_NUMBER).then_some((text, is_integer))
    }

    /// A wanted field's value.
    #[inline]
    fn field(&mut self) -> Option<Found> {
        Some(match self.peek()? {
            b'"' => Found::Text(self.string()?),
            b'-' | b'0'..=b'9' => {
                let (text, is_integer) = self.number()?;
                let read = number::parse(std::str::from_utf8(text).ok()?)?;
                match read {
                    // The library gives a real here, as integers have no such zero.
                    Value::Int(0) if text[0] == b'-' => Found::Real(-0.0),
                    Value::Int(int) if is_integer => Found::Int(int),
                    Value::Real(real) if !is_integer => Found::Real(real),
                    _ => return None,
                }
            }
            b't' => {
                self.word(b"true")?;
                Found::Bool(true)
            }
            b'f' => {
                self.word(b"false")?;
                Found::Bool(false)
            }
            b'n' => {
                self.word(b"null")?;
                Found::Null
            }
            _ => {
                let start = self.at;
                self.skip(1)?;
                Found::Nested(start..self.at)
            }
        })
    }

    /// Passes over a value that stands at this depth.
    #[inline]
    fn skip(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.skip_string(),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'{' => self.skip_object(depth),
            b'[' => self.skip_array(depth),
            _ => None,
        }
    }

    fn skip_object(&mut self, depth: usize) -> Option<()> {
        self.object(depth, |scanner, _| scanner.skip(depth + 1))
    }

    fn skip_array(&mut self, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        self.expect(b'[')?;
        self.skip_space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.skip_space();
            self.skip(depth + 1)?;
            self.skip_space();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// An object; `value` reads the value of each key.
    #[inline]
    fn object(
        &mut self,
        depth: usize,
        mut value: impl FnMut(&mut Self, &'t [u8]) -> Option<()>,
    ) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        self.expect(b'{')?;
        self.skip_space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            value(self, &self.text[key])?;
            self.skip_space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;
    use crate::text::wait::Token;

    fn keys() -> Vec<Arc<str>> {
        ["a", "temp", "ö"].map(Into::into).to_vec()
    }

    fn read(text: &[u8]) -> Option<Value> {
        json::from_slice(text, &Token::new().looks()).ok()
    }

    /// What a scanner finds in a whole text; `None` where it leaves it to the library.
    fn scanned(text: &[u8]) -> Option<String> {
        let mut scanner = FieldScanner::new(keys());
        let length = scanner.object(text)?;
        let rest_is_blank = text[length..].iter().all(u8::is_ascii_whitespace);
        if !rest_is_blank {
            return None;
        }
        let record = scanner.record(text, read)?;
        let mut columns = vec![ColumnBuilder::default(); keys().len()];
        scanner.add_to(&mut columns, text, read)?;
        for (key, column) in keys().iter().zip(columns) {
            let column = column.finish();
            let Value::Record(fields) = &record else {
                panic!("{record} is no record");
            };
            let field = fields.get(key).cloned().unwrap_or(Value::Null);
            assert_eq!(
                format!("{:?}", column.value(0)),
                format!("{:?}", Some(field))
            );
        }
        Some(format!("{record:?}"))
    }

    /// The same of the whole value.
    fn by_library(text: &[u8]) -> Option<String> {
        let Value::Record(record) = read(text)? else {
            return None;
        };
        Some(format!("{:?}", FieldScanner::new(keys()).reduced(&record)))
    }

    #[test]
    fn common_objects_are_read_without_the_library() {
        for text in [
            r#"{"a":1,"b":"x","temp":-2.50}"#,
            r#" {}"#.trim_start(),
            r#"{ "a" : [1, {"x": null}] , "c":{}, "d":[],"temp":"C\n","ö":true }"#,
            r#"{"a":"grün","temp":1e5,"a":false,"x":"\"\\"}"#,
            r#"{"a":12345678901234567,"temp":0.1234567890123456789}"#,
        ] {
            let expected = by_library(text.as_bytes());
            assert!(expected.is_some(), "{text}");
            if !text.contains("\"temp\":\"C\\n") {
                assert_eq!(scanned(text.as_bytes()), expected, "{text}");
            }
        }
    }

    #[test]
    fn whatever_is_read_is_what_the_library_reads() {
        let parts: [&[u8]; 44] = [
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"\"a\"",
            b"\"temp\"",
            b"\"b\"",
            b"\"a\":",
            b"\"temp\":",
            b"\"b\":",
            b"1",
            b"-",
            b"0",
            b"00",
            b"12.5",
            b".5",
            b"1.",
            b"e3",
            b"1e3",
            b"1E-2",
            b"1e400",
            b"true",
            b"false",
            b"null",
            b"nul",
            b"\"",
            b"\\",
            b"\\n",
            b"\\u0041",
            b"\\x",
            b"\xc3\xb6",
            b"\xff",
            b"\x01",
            b" ",
            b"\n",
            b"\"x\"",
            b"\"long enough for a word\"",
            b"-0",
            b"-0.0",
            b"9223372036854775808",
            b"\"\xc3\xb6\":",
            b"{\"a\":",
        ];
        let mut read_here = 0;
        for case in 0_u64..300_000 {
            let mut random = case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = |below: usize| {
                random = random.rotate_left(23).wrapping_mul(0x2545_f491_4f6c_dd1d);
                (random >> 33) as usize % below
            };
            // Mostly well-formed, with something thrown in.
            let mut text = b"{".to_vec();
            for field in 0..next(4) {
                if field > 0 {
                    text.push(b',');
                }
                text.extend_from_slice(parts[[9, 10, 11, 42][next(4)]]);
                text.extend_from_slice(parts[next(parts.len())]);
                if next(4) == 0 {
                    text.extend_from_slice(parts[next(parts.len())]);
                }
            }
            text.push(b'}');
            if let Some(scanned) = scanned(&text) {
                read_here += 1;
                let shown = String::from_utf8_lossy(&text);
                assert_eq!(Some(scanned), by_library(&text), "{shown}");
            }
        }
        assert!(read_here > 20_000, "{read_here}");
    }

    #[test]
    fn a_text_that_goes_on_is_not_whole_before_its_end() {
        let text = r#"{"a":{"b":[1,2.5,"x\"y"]},"temp":1.5e3,"c":null}"#.as_bytes();
        let mut scanner = FieldScanner::new(keys());
        for end in 0..text.len() {
            assert_eq!(scanner.object(&text[..end]), None);
        }
        assert_eq!(scanner.object(text), Some(text.len()));
        let longer = [text, b"{\"a\":2}"].concat();
        assert_eq!(scanner.object(&longer), Some(text.len()));
    }
}
