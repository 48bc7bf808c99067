//! Comma-separated values (RFC 4180) as they are read: where rows end, and what their fields are.
//!
//! A row is a line, or several where a quoted field holds line ends. A line ends with a line feed, a
//! carriage return, or both. A quote is one only where a field begins; such a field ends with the next
//! single quote, two stand for one, and what comes between its end and the comma belongs to it as it is.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr_iter, memchr3};

use crate::model::column::ColumnBuilder;
use crate::model::shared_strings::SharedStrings;
use crate::model::{Value, number, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

/// Where in a row looking at it is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum RowPlace {
    #[default]
    Plain,
    Quoted,
    /// After a quote within a quoted field: its end, or the first of two that stand for one.
    AfterQuote,
}

/// Finds where rows end, in a text of which more may come.
#[derive(Default)]
pub struct RowEnds {
    place: RowPlace,
    /// So much of the row has been looked at.
    looked_at: usize,
    has_quotes: bool,
    /// Whether the row before ended with a carriage return: a line feed after it ends the same line.
    after_return: bool,
    /// The number of the line last read, from 1.
    line: u64,
}

/// A row within the text that it was found in.
#[derive(Clone, Copy)]
pub struct RowFound {
    /// What of the text before it belongs to no row: the rest of the line end before.
    pub begin: usize,
    /// Where its line end begins.
    pub end: usize,
    /// Whether there is a quote in it.
    pub has_quotes: bool,
    /// How much of the text is done with: the row and its line end, as far as that has been read.
    pub taken: usize,
}

impl RowFound {
    pub fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.begin..self.end]
    }
}

impl RowEnds {
    /// The number of the line that the row found last ends with.
    pub fn line(&self) -> u64 {
        self.line.max(1)
    }

    /// Whether no line has ended yet.
    pub fn is_at_beginning(&self) -> bool {
        self.line == 0
    }

    /// The row that `text` begins with, if its end is in it; otherwise the same text is to come again
    /// with more behind it.
    pub fn next(&mut self, text: &[u8]) -> Option<RowFound> {
        let begin = self.begin(text);
        let mut at = begin.max(self.looked_at);
        loop {
            let found = match self.place {
                RowPlace::Plain | RowPlace::Quoted => memchr3(b'\n', b'\r', b'"', &text[at..]),
                RowPlace::AfterQuote => (at < text.len()).then_some(0),
            };
            let Some(found) = found else {
                self.looked_at = text.len();
                return None;
            };
            at += found;
            match (self.place, text[at]) {
                (RowPlace::Plain, b'"') => {
                    self.has_quotes = true;
                    if at == begin || text[at - 1] == b',' {
                        self.place = RowPlace::Quoted;
                    }
                }
                (RowPlace::Plain, end) => {
                    self.line += 1;
                    let row = self.found(begin, at, at + 1);
                    self.after_return = end == b'\r';
                    return Some(row);
                }
                (RowPlace::Quoted, b'"') => self.place = RowPlace::AfterQuote,
                (RowPlace::Quoted, b'\n') if text[at - 1] == b'\r' => {}
                (RowPlace::Quoted, _) => self.line += 1,
                (RowPlace::AfterQuote, b'"') => self.place = RowPlace::Quoted,
                (RowPlace::AfterQuote, _) => {
                    self.place = RowPlace::Plain;
                    continue;
                }
            }
            at += 1;
        }
    }

    /// The row that `text` is, which has no end in it; `None` if there is nothing.
    pub fn last(&mut self, text: &[u8]) -> Option<RowFound> {
        let begin = self.begin(text);
        (begin < text.len()).then(|| self.found(begin, text.len(), text.len()))
    }

    /// Where the row begins: a line feed before it may belong to the line end before.
    fn begin(&self, text: &[u8]) -> usize {
        usize::from(self.after_return && text.first() == Some(&b'\n'))
    }

    fn found(&mut self, begin: usize, end: usize, taken: usize) -> RowFound {
        let has_quotes = self.has_quotes;
        *self = RowEnds {
            line: self.line,
            ..RowEnds::default()
        };
        RowFound {
            begin,
            end,
            has_quotes,
            taken,
        }
    }
}

/// The positions of the fields that are wanted, counted from 0.
#[derive(Clone)]
pub struct WantedFields {
    /// From left to right, each with its number among those that are wanted.
    places: Vec<(usize, usize)>,
}

impl WantedFields {
    pub fn new(places: impl IntoIterator<Item = usize>) -> WantedFields {
        let mut places: Vec<_> = places.into_iter().zip(0..).collect();
        places.sort_unstable();
        WantedFields { places }
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn has(&self, place: usize) -> bool {
        self.places.iter().any(|(wanted, _)| *wanted == place)
    }
}

/// What a row gave to columns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RowAdded {
    Whole,
    /// Nothing, as there is nothing in it.
    Blank,
    /// Nothing, as it has not all the fields that are wanted.
    Short,
}

/// What makes values of fields. It is kept from row to row, as strings come again.
#[derive(Default)]
pub struct CsvFieldReader {
    strings: SharedStrings,
    /// Room for where the wanted fields of a row are.
    found: Vec<Range<usize>>,
    /// Room for the fields of a row.
    values: Vec<Value>,
}

impl CsvFieldReader {
    /// The fields of a row as a vector; `None` if the row is blank.
    pub fn vector(&mut self, row: &[u8], has_quotes: bool, looks: &Looks) -> Result<Option<Value>> {
        if row.is_empty() {
            return Ok(None);
        }
        let row = text_of_row(row)?;
        self.values.clear();
        if has_quotes {
            for text in looks.each(QuotedFields(Some(row))) {
                let value = self.value(&text?);
                self.values.push(value);
            }
        } else {
            for text in looks.each(row.split(',')) {
                let value = self.value(text?);
                self.values.push(value);
            }
        }
        Ok(Some(Value::Vector(self.values.drain(..).collect())))
    }

    /// The same with null in the place of all fields but those that are wanted.
    pub fn reduced(
        &mut self,
        row: &[u8],
        has_quotes: bool,
        wanted: &WantedFields,
        looks: &Looks,
    ) -> Result<Option<Value>> {
        if row.is_empty() {
            return Ok(None);
        }
        let row = text_of_row(row)?;
        let mut values = Vec::new();
        let mut add = |reader: &mut Self, text: &str| {
            let value = match wanted.has(values.len()) {
                true => reader.value(text),
                false => Value::Null,
            };
            values.push(value);
        };
        if has_quotes {
            for text in looks.each(QuotedFields(Some(row))) {
                add(self, &text?);
            }
        } else {
            for text in looks.each(row.split(',')) {
                add(self, text?);
            }
        }
        Ok(Some(Value::Vector(values.into())))
    }

    /// Adds the wanted fields of a row to a column each.
    pub fn add_to(
        &mut self,
        row: &[u8],
        has_quotes: bool,
        wanted: &WantedFields,
        columns: &mut [ColumnBuilder],
        looks: &Looks,
    ) -> Result<RowAdded> {
        let row = text_of_row(row)?;
        self.add_text_to(row, has_quotes, wanted, columns, looks)
    }

    /// The same of a row that is known to be text, and not too long.
    #[inline]
    pub fn add_text_to(
        &mut self,
        row: &str,
        has_quotes: bool,
        wanted: &WantedFields,
        columns: &mut [ColumnBuilder],
        looks: &Looks,
    ) -> Result<RowAdded> {
        if row.is_empty() {
            return Ok(RowAdded::Blank);
        }
        if has_quotes {
            return self.add_quoted_to(row, wanted, columns, looks);
        }
        looks.steps(row.len() / 16)?;
        self.found.clear();
        let mut ends = memchr_iter(b',', row.as_bytes()).chain([row.len()]);
        let (mut field, mut fields) = (0..0, 0);
        for (place, _) in &wanted.places {
            while fields <= *place {
                let Some(end) = ends.next() else {
                    return Ok(RowAdded::Short);
                };
                field = match fields {
                    0 => 0..end,
                    _ => field.end + 1..end,
                };
                fields += 1;
            }
            self.found.push(field.clone());
        }
        for ((_, number), found) in wanted.places.iter().zip(&self.found) {
            add_field(&row[found.clone()], &mut columns[*number]);
        }
        Ok(RowAdded::Whole)
    }

    fn add_quoted_to(
        &mut self,
        row: &str,
        wanted: &WantedFields,
        columns: &mut [ColumnBuilder],
        looks: &Looks,
    ) -> Result<RowAdded> {
        let fields = looks.each(QuotedFields(Some(row)));
        let fields = fields.collect::<Result<Vec<Cow<str>>>>()?;
        if wanted
            .places
            .last()
            .is_some_and(|last| last.0 >= fields.len())
        {
            return Ok(RowAdded::Short);
        }
        for (place, number) in &wanted.places {
            add_field(&fields[*place], &mut columns[*number]);
        }
        Ok(RowAdded::Whole)
    }

    /// What reads as a number is one, an empty field is null, anything else a string.
    fn value(&mut self, text: &str) -> Value {
        match text {
            "" => Value::Null,
            "nan" => Value::Real(f64::NAN),
            "inf" => Value::Real(f64::INFINITY),
            "-inf" => Value::Real(f64::NEG_INFINITY),
            text => number::parse(text).unwrap_or_else(|| Value::Str(self.strings.get(text))),
        }
    }
}

/// Adds the same to a column.
#[inline]
fn add_field(text: &str, column: &mut ColumnBuilder) {
    match number::parse(text) {
        Some(Value::Int(int)) => column.push_int(int),
        Some(Value::Real(real)) => column.push_real(real),
        _ => match text {
            "" => column.push(Value::Null),
            "nan" => column.push_real(f64::NAN),
            "inf" => column.push_real(f64::INFINITY),
            "-inf" => column.push_real(f64::NEG_INFINITY),
            text => column.push_text(text),
        },
    }
}

/// The row as text, if it can be a vector.
fn text_of_row(row: &[u8]) -> Result<&str> {
    // Before memory is taken for each of them.
    if row.len() >= size::MAX_ELEMENTS {
        size::check_elements(memchr_iter(b',', row).count() + 1, "a row")?;
    }
    std::str::from_utf8(row).map_err(|_| Error::run("the row is not UTF-8 text"))
}

/// The fields of a row in which there are quotes.
struct QuotedFields<'t>(Option<&'t str>);

impl<'t> Iterator for QuotedFields<'t> {
    type Item = Cow<'t, str>;

    fn next(&mut self) -> Option<Cow<'t, str>> {
        let row = self.0?;
        let Some(mut rest) = row.strip_prefix('"') else {
            let (field, rest) = up_to_comma(row);
            self.0 = rest;
            return Some(Cow::Borrowed(field));
        };
        let mut text = String::new();
        let behind = loop {
            let Some((before, after)) = rest.split_once('"') else {
                // It is never closed.
                text.push_str(rest);
                break "";
            };
            text.push_str(before);
            let Some(after_two) = after.strip_prefix('"') else {
                break after;
            };
            text.push('"');
            rest = after_two;
        };
        let (as_it_is, rest) = up_to_comma(behind);
        text.push_str(as_it_is);
        self.0 = rest;
        Some(Cow::Owned(text))
    }
}

/// What stands before the first comma, and what behind it, if there is one.
fn up_to_comma(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((field, rest)) => (field, Some(rest)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use csv::{ByteRecord, ReaderBuilder};

    use super::*;
    use crate::text::wait::Token;

    /// The rows of a text that comes in pieces of so many bytes, and the lines that they end with.
    fn rows(text: &[u8], piece: usize) -> Vec<String> {
        let token = Token::new();
        let looks = token.looks();
        let (mut ends, mut fields) = (RowEnds::default(), CsvFieldReader::default());
        let (mut rows, mut start, mut end) = (Vec::new(), 0, 0);
        loop {
            let found = match ends.next(&text[start..end]) {
                None if end < text.len() => {
                    end = text.len().min(end + piece);
                    continue;
                }
                None => ends.last(&text[start..]),
                found => found,
            };
            let Some(found) = found else {
                return rows;
            };
            let row = found.of(&text[start..]);
            match fields.vector(row, found.has_quotes, &looks) {
                Ok(Some(row)) => rows.push(format!("{}: {row}", ends.line())),
                Ok(None) => {}
                Err(error) => rows.push(format!("{}: {error}", ends.line())),
            }
            start += found.taken;
        }
    }

    /// The same by the library, all at once.
    fn rows_by_library(text: &[u8]) -> Vec<String> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let mut fields = CsvFieldReader::default();
        let mut row = |record: &ByteRecord| {
            let texts: std::result::Result<Vec<&str>, _> =
                record.iter().map(std::str::from_utf8).collect();
            match texts {
                Ok(texts) => Value::vector(texts.into_iter().map(|t| fields.value(t))).to_string(),
                Err(_) => "the row is not UTF-8 text".to_owned(),
            }
        };
        let records = reader.byte_records().map(|r| r.expect("reads from memory"));
        records.map(|record| row(&record)).collect()
    }

    #[test]
    fn rows_are_what_the_library_reads() {
        let parts: [&[u8]; 14] = [
            b",",
            b"a",
            b"1",
            b".5",
            b" ",
            b"\xc3\xa9",
            b"\xff",
            b"-",
            b"\"",
            b"\"\"",
            b"\n",
            b"\r\n",
            b"\r",
            b",\"",
        ];
        for case in 0_u64..60_000 {
            let mut random = case.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut text = Vec::new();
            for _ in 0..random % 12 {
                random = random.rotate_left(23).wrapping_mul(0x2545_f491_4f6c_dd1d);
                text.extend_from_slice(parts[(random >> 40) as usize % parts.len()]);
            }
            let whole = rows(&text, usize::MAX);
            let without_lines: Vec<&str> = whole
                .iter()
                .map(|row| row.split_once(": ").expect("a line before it").1)
                .collect();
            let shown = String::from_utf8_lossy(&text);
            assert_eq!(without_lines, rows_by_library(&text), "{shown:?}");
            for piece in [1, 2, 5] {
                assert_eq!(rows(&text, piece), whole, "{shown:?}");
            }
        }
    }

    #[test]
    fn a_row_of_several_lines_ends_with_the_last() {
        assert_eq!(
            rows(b"1\r\n\"a\r\nb\rc\n\",2\r\r3", 1),
            ["1: [1]", "5: [\"a\\r\\nb\\rc\\n\",2]", "6: [3]"]
        );
    }
}
