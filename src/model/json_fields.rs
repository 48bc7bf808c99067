//! Some fields of JSON objects, without what nobody asks for: it is passed over, and must still be
//! well-formed.
//!
//! What is read here is read as the library reads it; what is rare is left to it, see
//! [`json_scanner`](super::json_scanner).
//!
//! Objects that come one after the other mostly have the same keys in the same order, written the same
//! way. So what stands before each value is remembered of the object read last: where the next one has
//! the same, it is compared at once instead of being looked at byte by byte.

use std::sync::Arc;

use crate::model::column::ColumnBuilder;
use crate::model::json_scanner::{FoundValue, JsonScanner, LONGEST};
use crate::model::{Record, Value};

/// Finds the wanted fields of objects.
pub struct FieldScanner {
    keys: Vec<Arc<str>>,
    /// For each key what the object read last has for it.
    found: Vec<Option<FoundValue>>,
    /// What stands before the values of the object read last, as far as it is short.
    leads: Vec<Lead>,
}

/// How many words of eight bytes are compared at once.
const LEAD_WORDS: usize = 4;

/// Of so many values it is remembered what stands before them.
const MOST_LEADS: usize = 64;

/// What stands before a value of an object and behind the one before it: a comma, the key, a colon, and
/// white space perhaps.
struct Lead {
    /// With zeros behind it.
    text: [u8; 8 * LEAD_WORDS],
    length: usize,
    /// The same in words, and ones for each byte of it.
    words: [u64; LEAD_WORDS],
    masks: [u64; LEAD_WORDS],
    /// Which of the wanted keys it is.
    wanted: Option<usize>,
}

impl Lead {
    /// `None` if it is long.
    fn new(text: &[u8], wanted: Option<usize>) -> Option<Lead> {
        let mut padded = [0; 8 * LEAD_WORDS];
        padded.get_mut(..text.len())?.copy_from_slice(text);
        let mut mask = [0; 8 * LEAD_WORDS];
        mask[..text.len()].fill(0xff);
        Some(Lead {
            text: padded,
            length: text.len(),
            words: words(&padded),
            masks: words(&mask),
            wanted,
        })
    }

    /// Whether a text begins with it.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        let Some(beginning) = text.first_chunk() else {
            return text.starts_with(&self.text[..self.length]);
        };
        let beginning = words(beginning);
        let different = |word: usize| (beginning[word] ^ self.words[word]) & self.masks[word];
        let short = different(0) | different(1);
        short == 0 && (self.length <= 16 || different(2) | different(3) == 0)
    }
}

#[inline]
fn words(bytes: &[u8; 8 * LEAD_WORDS]) -> [u64; LEAD_WORDS] {
    let mut words = [0; LEAD_WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

impl FieldScanner {
    pub fn new(keys: Vec<Arc<str>>) -> FieldScanner {
        FieldScanner {
            found: vec![None; keys.len()],
            keys,
            leads: Vec::new(),
        }
    }

    /// Reads the object that `text` begins with, and gives its text. `None` if it is for the library to
    /// say what the text is: it may be no object, not whole, or no JSON.
    pub fn object<'t>(&mut self, text: &'t [u8]) -> Option<&'t str> {
        let length = self.find(text)?;
        std::str::from_utf8(&text[..length]).ok()
    }

    /// The same where it is known that all is text.
    pub fn object_in<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let length = self.find(text.as_bytes())?;
        text.get(..length)
    }

    /// The same where nothing but white space may stand around the object.
    pub fn whole_object<'t>(&mut self, text: &'t [u8]) -> Option<&'t str> {
        let text = &text[space(text)..];
        let object = self.object(text)?;
        let rest = &text[object.len()..];
        (space(rest) == rest.len()).then_some(object)
    }

    /// Finds the values in the object that `text` begins with; gives its length. Whether it is UTF-8
    /// has to be seen.
    fn find(&mut self, text: &[u8]) -> Option<usize> {
        self.found.fill(None);
        let mut scanner = JsonScanner { text, at: 0 };
        for place in 0.. {
            let lead = self.leads.get(place);
            let wanted = match lead.filter(|lead| lead.begins(&text[scanner.at..])) {
                Some(lead) => {
                    scanner.at += lead.length;
                    scanner.skip_space();
                    lead.wanted
                }
                None => match self.find_next(place, &mut scanner)? {
                    Next::Value { wanted } => wanted,
                    Next::End => break,
                },
            };
            match wanted {
                Some(wanted) => self.found[wanted] = Some(scanner.value()?),
                None => scanner.skip(1)?,
            }
        }
        (scanner.at < LONGEST).then_some(scanner.at)
    }

    /// Goes on to the value at that place in an object, counted from 0, and remembers what stands before
    /// it; or to the object's end.
    #[inline]
    fn find_next(&mut self, place: usize, scanner: &mut JsonScanner) -> Option<Next> {
        let start = scanner.at;
        if place == 0 {
            scanner.expect(b'{')?;
            scanner.skip_space();
            if scanner.peek()? == b'}' {
                scanner.at += 1;
                return Some(Next::End);
            }
        } else {
            scanner.skip_space();
            let byte = scanner.peek()?;
            scanner.at += 1;
            match byte {
                b'}' => return Some(Next::End),
                b',' => scanner.skip_space(),
                _ => return None,
            }
        }
        let key = scanner.string()?;
        let key = &scanner.text[key];
        scanner.skip_space();
        scanner.expect(b':')?;
        scanner.skip_space();
        let wanted = self.keys.iter().position(|k| k.as_bytes() == key);
        if place < MOST_LEADS {
            self.leads.truncate(place);
        }
        if place == self.leads.len() && place < MOST_LEADS {
            let lead = Lead::new(&scanner.text[start..scanner.at], wanted);
            self.leads.extend(lead);
        }
        Some(Next::Value { wanted })
    }

    /// Adds the fields of the object read last, whose text is `text`, to a column each. `read` reads what
    /// is compound; nothing is added where it gives `None`.
    pub fn add_to(
        &self,
        columns: &mut [ColumnBuilder],
        text: &str,
        read: impl Fn(&str) -> Option<Value>,
    ) -> Option<()> {
        let mut compound = Vec::new();
        for found in &self.found {
            if let Some(FoundValue::Compound(range)) = found {
                compound.push(read(text.get(range.clone())?)?);
            }
        }
        let mut compound = compound.into_iter();
        for (column, found) in columns.iter_mut().zip(&self.found) {
            match found {
                None | Some(FoundValue::Null) => column.push(Value::Null),
                Some(FoundValue::Bool(b)) => column.push(Value::Bool(*b)),
                Some(FoundValue::Int(int)) => column.push_int(*int),
                Some(FoundValue::Real(real)) => column.push_real(*real),
                Some(FoundValue::Text(range)) => column.push_text(&text[range.clone()]),
                Some(FoundValue::Compound(_)) => column.push(compound.next()?),
            }
        }
        Some(())
    }

    /// The object read last as a record of the wanted fields that it has.
    pub fn record(&self, text: &str, read: impl Fn(&str) -> Option<Value>) -> Option<Value> {
        let mut record = Record::with_capacity(self.keys.len());
        for (key, found) in self.keys.iter().zip(&self.found) {
            let value = match found {
                None => continue,
                Some(FoundValue::Null) => Value::Null,
                Some(FoundValue::Bool(b)) => Value::Bool(*b),
                Some(FoundValue::Int(int)) => Value::Int(*int),
                Some(FoundValue::Real(real)) => Value::Real(*real),
                Some(FoundValue::Text(range)) => Value::str(&text[range.clone()]),
                Some(FoundValue::Compound(range)) => read(&text[range.clone()])?,
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

/// How many characters of white space a JSON text begins with.
#[inline]
pub fn space(text: &[u8]) -> usize {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    text.iter().take_while(is_space).count()
}

/// What comes next in an object.
enum Next {
    Value { wanted: Option<usize> },
    End,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;
    use crate::text::wait::Token;

    fn keys() -> Vec<Arc<str>> {
        ["a", "temp", "ö"].map(Into::into).to_vec()
    }

    fn read(text: &str) -> Option<Value> {
        json::from_slice(text.as_bytes(), &Token::new().looks()).ok()
    }

    /// What a scanner finds in a whole text; `None` where it leaves it to the library.
    fn scanned(scanner: &mut FieldScanner, text: &[u8]) -> Option<String> {
        let object = scanner.object(text)?;
        let rest_is_blank = text[object.len()..].iter().all(u8::is_ascii_whitespace);
        if !rest_is_blank {
            return None;
        }
        let record = scanner.record(object, read)?;
        let mut columns = vec![ColumnBuilder::default(); keys().len()];
        scanner.add_to(&mut columns, object, read)?;
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
        let read = json::from_slice(text, &Token::new().looks());
        let Value::Record(record) = read.ok()? else {
            return None;
        };
        Some(format!("{:?}", FieldScanner::new(keys()).reduced(&record)))
    }

    #[test]
    fn common_objects_are_read_without_the_library() {
        for text in [
            r#"{"a":1,"b":"x","temp":-2.50}"#,
            r#"{}"#,
            r#"{ "a" : [1, {"x": null}] , "c":{}, "d":[],"temp":"C\n","ö":true }"#,
            r#"{"a":"grün","temp":1e5,"a":false,"x":"\"\\"}"#,
            r#"{"a":12345678901234567,"temp":0.1234567890123456789}"#,
            r#"{"x":"\u00e4","temp":"\u00e4"}"#,
        ] {
            let expected = by_library(text.as_bytes());
            assert!(expected.is_some(), "{text}");
            let mut scanner = FieldScanner::new(keys());
            assert_eq!(scanned(&mut scanner, text.as_bytes()), expected, "{text}");
            // Once more, where it is known what comes.
            assert_eq!(scanned(&mut scanner, text.as_bytes()), expected, "{text}");
        }
    }

    /// Random numbers (splitmix64).
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % n as u64) as usize
        }

        fn of<T: Copy>(&mut self, list: &[T]) -> T {
            list[self.below(list.len())]
        }
    }

    /// How many cases are tried: `short`, or what the environment variable `CASES` says.
    fn cases(short: u64) -> u64 {
        std::env::var("CASES").map_or(short, |n| n.parse().expect("CASES is a number"))
    }

    const SPACES: [&str; 8] = ["", "", "", "", " ", "\n", "\r\n", "\t  "];

    const KEYS: [&str; 10] = [
        "a",
        "temp",
        "ö",
        "b",
        "",
        "te",
        "temperature of the second sensor, outdoors",
        "a b",
        "\\u0061",
        "a\\n",
    ];

    fn number(random: &mut Random, text: &mut String) {
        const WHOLE: [&str; 10] = [
            "0",
            "7",
            "12",
            "12345678",
            "123456789",
            "1234567890123456",
            "12345678901234567",
            "9223372036854775807",
            "9223372036854775808",
            "123456789012345678901234567890",
        ];
        const DECIMALS: [&str; 9] = [
            "",
            "",
            ".0",
            ".5",
            ".25",
            ".12345678",
            ".0000000000000001",
            ".999999999999999999999",
            ".1234567890123456",
        ];
        const EXPONENTS: [&str; 9] = ["", "", "", "", "e5", "E-7", "e+30", "e400", "e-400"];
        *text += random.of(&["", "", "-"]);
        *text += random.of(&WHOLE);
        *text += random.of(&DECIMALS);
        *text += random.of(&EXPONENTS);
    }

    fn string(random: &mut Random, text: &mut String) {
        const PARTS: [&str; 14] = [
            "x",
            "on",
            "hall/12",
            "long enough for a word",
            "grün",
            "日本",
            "{",
            "]:,",
            "\\n",
            "\\\"",
            "\\\\",
            "\\u00e4",
            "\\ud83d\\ude00",
            "\\/",
        ];
        text.push('"');
        for _ in 0..random.below(4) {
            let with_escapes = random.below(3) == 0;
            *text += random.of(if with_escapes { &PARTS } else { &PARTS[..8] });
        }
        text.push('"');
    }

    fn value(random: &mut Random, text: &mut String, depth: usize) {
        match random.below(if depth > 3 { 5 } else { 8 }) {
            0 | 1 => number(random, text),
            2 | 3 => string(random, text),
            4 => *text += random.of(&["true", "false", "null"]),
            5 => {
                *text += "[";
                for at in 0..random.below(4) {
                    *text += if at > 0 { "," } else { "" };
                    *text += random.of(&SPACES);
                    value(random, text, depth + 1);
                    *text += random.of(&SPACES);
                }
                *text += "]";
            }
            6 => object(random, text, &[], depth + 1),
            _ => {
                let deep = random.below(200);
                *text += &"[".repeat(deep);
                *text += &"]".repeat(deep);
            }
        }
    }

    /// An object that has these keys, or any where there are none.
    fn object(random: &mut Random, text: &mut String, keys: &[&str], depth: usize) {
        *text += "{";
        let fields = if keys.is_empty() {
            random.below(6)
        } else {
            keys.len()
        };
        for at in 0..fields {
            *text += if at > 0 { "," } else { "" };
            *text += random.of(&SPACES);
            let key = match keys.get(at) {
                Some(key) => key,
                None => random.of(&KEYS),
            };
            *text += &format!("\"{key}\"{}:{}", random.of(&SPACES), random.of(&SPACES));
            value(random, text, depth);
            *text += random.of(&SPACES);
        }
        *text += "}";
    }

    /// Something is wrong with it, most likely.
    fn damage(random: &mut Random, text: &mut Vec<u8>) {
        const BYTES: &[u8] = b"{}[]:,\"\\ \n0123456789-+.eEtfnul\x00\x01\x1f\x7f\x80\xc3\xff";
        let at = random.below(text.len() + 1);
        match random.below(4) {
            0 => text.truncate(at),
            1 => text.insert(at, random.of(BYTES)),
            2 if at < text.len() => text[at] = random.of(BYTES),
            _ if at < text.len() => drop(text.remove(at)),
            _ => {}
        }
    }

    /// Objects one after the other, most of them of one form, some damaged: what is not left to the
    /// library is what it reads.
    #[test]
    fn whatever_is_read_is_what_the_library_reads() {
        let (mut read_here, mut all) = (0, 0);
        for case in 0..cases(4_000) {
            let mut random = Random(case);
            let mut scanner = FieldScanner::new(keys());
            let keys: Vec<&str> = (0..random.below(6)).map(|_| random.of(&KEYS)).collect();
            for _ in 0..8 {
                let mut text = String::new();
                let own = random.below(4) == 0;
                object(&mut random, &mut text, if own { &[] } else { &keys }, 0);
                let mut text = text.into_bytes();
                let damaged = random.below(2) == 0;
                if damaged {
                    damage(&mut random, &mut text);
                }
                let expected = by_library(&text);
                let here = scanned(&mut scanner, &text);
                all += usize::from(!damaged && expected.is_some());
                if here.is_some() {
                    read_here += usize::from(!damaged);
                    let shown = String::from_utf8_lossy(&text);
                    assert_eq!(here, expected, "case {case}: {shown}");
                }
            }
        }
        assert!(read_here * 3 > all, "{read_here} of {all}");
    }

    /// The same with each byte of an object taken away, or another in its place.
    #[test]
    fn what_is_malformed_is_left_to_the_library_wherever_it_is() {
        let text = r#"{"a":-12.50,"b":"x\"y","temp":[1,{"c":null}],"d":true,"e":0,"ö":"grün"}"#;
        let mut scanner = FieldScanner::new(keys());
        for at in 0..text.len() {
            for byte in [None].into_iter().chain((0..=255).map(Some)) {
                assert!(scanned(&mut scanner, text.as_bytes()).is_some());
                let mut text = text.as_bytes().to_vec();
                match byte {
                    Some(byte) => text[at] = byte,
                    None => drop(text.remove(at)),
                }
                if let Some(here) = scanned(&mut scanner, &text) {
                    let shown = String::from_utf8_lossy(&text);
                    assert_eq!(Some(here), by_library(&text), "{shown}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_goes_on_is_not_whole_before_its_end() {
        let text = r#"{"a":{"b":[1,2.5,"x\"y"]},"temp":1.5e3,"c":null}"#.as_bytes();
        let mut scanner = FieldScanner::new(keys());
        for end in (0..text.len()).chain(0..text.len()) {
            assert_eq!(scanner.object(&text[..end]), None);
            assert_eq!(scanner.object(text).map(str::len), Some(text.len()));
        }
        let longer = [text, b"{\"a\":2}"].concat();
        assert_eq!(scanner.object(&longer).map(str::len), Some(text.len()));
    }
}
