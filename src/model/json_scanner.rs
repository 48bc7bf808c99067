//! Passes over JSON text without building anything: eight bytes at a time where the text allows it.
//!
//! What is rare is left to the library, so that there is one reader that knows everything and says what
//! is wrong: keys with escapes, deep nesting, numbers beyond
//! what reals hold.

use std::ops::Range;

use crate::model::number::{self, LeadingDigits};
use crate::model::{Value, size};

/// Deeper nesting is for the library, which knows how deep it may be.
const DEEPEST: usize = 64;

/// Longer numbers may be beyond what reals hold.
const LONGEST_NUMBER: usize = 40;

/// Longer texts may have more parts than a value may have.
pub const LONGEST: usize = size::MAX_ELEMENTS;

/// A value that somebody asked for, as far as it is not read yet: where its text is.
#[derive(Clone)]
pub enum FoundValue {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    /// A string without its quotes.
    Text(Range<usize>),
    /// An array, an object, or a string with escapes, in its quotes.
    Compound(Range<usize>),
}

/// A place in a text. What gives `None` has met the end of the text, or something for the library.
pub struct JsonScanner<'t> {
    pub text: &'t [u8],
    pub at: usize,
}

/// The same byte in each place of a word.
const fn in_each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte that is zero, and perhaps of some behind the first such.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(in_each(1)) & !word & in_each(0x80)
}

/// The number of the first byte whose highest bit is set in this word; 8 if there is none.
fn first_marked(word: u64) -> usize {
    word.trailing_zeros() as usize / 8
}

/// The first quote, backslash or control character of a word; 8 if there is none.
#[inline]
fn end_of_plain_text(word: u64) -> usize {
    let special = zeros(word ^ in_each(b'"'))
        | zeros(word ^ in_each(b'\\'))
        // Below a blank; what is no ASCII is not found by this.
        | (word.wrapping_sub(in_each(0x20)) & !word & in_each(0x80));
    first_marked(special)
}

impl<'t> JsonScanner<'t> {
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next eight bytes, the first in the lowest place; zeros stand for what is not there, which JSON
    /// has nowhere.
    #[inline(always)]
    fn word(&self) -> u64 {
        let rest = self.text.get(self.at..).unwrap_or_default();
        match (rest.first_chunk(), self.text.last_chunk()) {
            (Some(word), _) => u64::from_le_bytes(*word),
            (None, Some(last)) if !rest.is_empty() => {
                u64::from_le_bytes(*last) >> (8 * (8 - rest.len()))
            }
            _ => rest
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        }
    }

    #[inline]
    pub fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    pub fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn name(&mut self, name: &[u8]) -> Option<()> {
        self.text[self.at..]
            .starts_with(name)
            .then(|| self.at += name.len())
    }

    /// The bytes of a string up to a quote, a backslash or a control character.
    #[inline(always)]
    fn plain_text(&mut self) {
        loop {
            let length = end_of_plain_text(self.word());
            self.at += length;
            if length < 8 {
                return;
            }
        }
    }

    /// A string without escapes; gives where its text is.
    #[inline]
    pub fn string(&mut self) -> Option<Range<usize>> {
        self.expect(b'"')?;
        let start = self.at;
        self.plain_text();
        let end = self.at;
        self.expect(b'"')?;
        Some(start..end)
    }

    /// Passes over a string; gives whether there are escapes in it.
    #[inline(always)]
    fn skip_string(&mut self) -> Option<bool> {
        self.expect(b'"')?;
        let mut has_escapes = false;
        loop {
            self.plain_text();
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(has_escapes);
                }
                b'\\' => self.skip_escape()?,
                _ => return None,
            }
            has_escapes = true;
        }
    }

    #[inline(never)]
    fn skip_escape(&mut self) -> Option<()> {
        match *self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = std::str::from_utf8(self.text.get(self.at + 2..self.at + 6)?).ok()?;
                // It would read a sign, too.
                let code = u32::from_str_radix(digits, 16)
                    .ok()
                    .filter(|_| !digits.starts_with('+'))?;
                // Halves of a character are for the library.
                char::from_u32(code)?;
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    /// Passes over digits; gives how many there are, which must be some.
    #[inline(always)]
    fn skip_digits(&mut self) -> Option<usize> {
        let start = self.at;
        loop {
            let length = number::count_digits(self.word());
            self.at += length;
            if length < 8 {
                break;
            }
        }
        (self.at > start).then(|| self.at - start)
    }

    /// The digits that come, which must be some; their number is told as long as there are few.
    #[inline(always)]
    fn digits(&mut self) -> Option<LeadingDigits> {
        let mut digits = number::leading_digits(self.word());
        self.at += digits.count;
        if digits.count == 8 {
            let more = number::leading_digits(self.word());
            self.at += more.count;
            digits = digits.followed_by(more);
            if more.count == 8 {
                let start = self.at - 16;
                let _ = self.skip_digits();
                digits.count = self.at - start;
            }
        }
        (digits.count > 0).then_some(digits)
    }

    /// Passes over a number.
    #[inline(always)]
    fn skip_number(&mut self) -> Option<()> {
        let start = self.at;
        self.at += usize::from(self.peek()? == b'-');
        let first = self.peek()?;
        let whole = self.skip_digits()?;
        if first == b'0' && whole > 1 {
            return None;
        }
        if self.peek()? == b'.' {
            self.at += 1;
            self.skip_digits()?;
        }
        if let b'e' | b'E' = self.peek()? {
            self.skip_exponent()?;
        }
        (self.at - start <= LONGEST_NUMBER).then_some(())
    }

    fn skip_exponent(&mut self) -> Option<()> {
        self.at += 1;
        if let b'+' | b'-' = self.peek()? {
            self.at += 1;
        }
        (self.skip_digits()? <= 2).then_some(())
    }

    /// A number that somebody asked for.
    #[inline(always)]
    fn number(&mut self) -> Option<FoundValue> {
        let start = self.at;
        let is_negative = self.peek()? == b'-';
        self.at += usize::from(is_negative);
        let first = self.peek()?;
        let whole = self.digits()?;
        if first == b'0' && whole.count > 1 {
            return None;
        }
        let mut decimals = None;
        if self.peek()? == b'.' {
            self.at += 1;
            decimals = Some(self.digits()?);
        }
        let short = match (self.peek()?, decimals) {
            (b'e' | b'E', _) => {
                self.skip_exponent()?;
                None
            }
            (_, None) => whole.integer(is_negative).map(|int| match int {
                // The library gives a real here, as integers have no such zero.
                0 if is_negative => FoundValue::Real(-0.0),
                int => FoundValue::Int(int),
            }),
            (_, Some(decimals)) => whole.real(decimals, is_negative).map(FoundValue::Real),
        };
        if short.is_some() {
            return short;
        }
        let text = &self.text[start..self.at];
        if text.len() > LONGEST_NUMBER {
            return None;
        }
        let is_integer = !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
        match number::parse(std::str::from_utf8(text).ok()?)? {
            Value::Int(int) if is_integer => Some(FoundValue::Int(int)),
            Value::Real(real) if !is_integer => Some(FoundValue::Real(real)),
            _ => None,
        }
    }

    /// A value that somebody asked for, and that stands at depth 1.
    #[inline(always)]
    pub fn value(&mut self) -> Option<FoundValue> {
        Some(match self.peek()? {
            b'"' => {
                let start = self.at;
                match self.skip_string()? {
                    false => FoundValue::Text(start + 1..self.at - 1),
                    true => FoundValue::Compound(start..self.at),
                }
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => {
                self.name(b"true")?;
                FoundValue::Bool(true)
            }
            b'f' => {
                self.name(b"false")?;
                FoundValue::Bool(false)
            }
            b'n' => {
                self.name(b"null")?;
                FoundValue::Null
            }
            _ => {
                let start = self.at;
                self.skip(1)?;
                FoundValue::Compound(start..self.at)
            }
        })
    }

    /// Passes over a value that stands at this depth.
    #[inline(always)]
    pub fn skip(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.skip_string().map(drop),
            b'-' | b'0'..=b'9' => self.skip_number(),
            b't' => self.name(b"true"),
            b'f' => self.name(b"false"),
            b'n' => self.name(b"null"),
            b'{' => self.skip_object(depth),
            b'[' => self.skip_array(depth),
            _ => None,
        }
    }

    #[inline(never)]
    fn skip_object(&mut self, depth: usize) -> Option<()> {
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
            self.string()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            self.skip(depth + 1)?;
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

    #[inline(never)]
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
}
