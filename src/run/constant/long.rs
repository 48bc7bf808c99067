//! Long constants, read lexeme by lexeme: in memory that does not exceed what the value takes by much, and
//! so that a stop is seen. What it takes for a constant, the parser of statements does, too.

use num_complex::Complex64;

use crate::catalog::{Catalog, named};
use crate::model::hex::from_hex;
use crate::model::{Record, Value, nesting, number, size};
use crate::syntax::lexer::{Lexeme, LexemeKind, significant};
use crate::syntax::literal;
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

/// The value that `text` is the printed form of.
pub fn read(catalog: &Catalog, text: &str, looks: &Looks) -> Result<Value> {
    let mut reader = Reader {
        catalog,
        looks,
        text,
        lexemes: Box::new(significant(text)),
        next: None,
        parts: 0,
    };
    reader.advance()?;
    let value = reader.value(0)?;
    match reader.next {
        None => Ok(value),
        Some(_) => Err(reader.fault()),
    }
}

struct Reader<'a> {
    catalog: &'a Catalog,
    looks: &'a Looks<'a>,
    text: &'a str,
    lexemes: Box<dyn Iterator<Item = Lexeme> + 'a>,
    next: Option<Lexeme>,
    /// How many values there have been.
    parts: usize,
}

impl<'a> Reader<'a> {
    fn advance(&mut self) -> Result<()> {
        self.next = self.lexemes.next();
        let length = self.next.map_or(0, |lexeme| lexeme.end - lexeme.start);
        self.looks.steps(1 + length)
    }

    /// The text of the next lexeme; empty at the end.
    fn word(&self) -> &'a str {
        self.next.map_or("", |lexeme| lexeme.text(self.text))
    }

    fn fault(&self) -> Error {
        let at = self.next.map_or(self.text.len(), |lexeme| lexeme.start);
        let near: String = self.text[at..].chars().take(20).collect();
        Error::run(format!(
            "the string is not a constant: byte {} is at {near:?}",
            at + 1
        ))
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.word() != sign {
            return Err(self.fault());
        }
        self.advance()
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        if depth > nesting::MAX_DEPTH {
            let most = nesting::MAX_DEPTH;
            return Err(Error::run(format!(
                "a value cannot be nested deeper than {most}"
            )));
        }
        self.parts += 1;
        size::check_elements(self.parts, "a constant")?;
        let Some(lexeme) = self.next else {
            return Err(self.fault());
        };
        let word = self.word();
        match (lexeme.kind, word) {
            (LexemeKind::Number, _) => {
                let value = Value::from(&literal::number(word)?);
                self.advance()?;
                Ok(value)
            }
            (LexemeKind::String, _) => {
                let text = literal::string(word).map_err(|fault| Error::run(fault.message))?;
                self.advance()?;
                Ok(text.into())
            }
            (LexemeKind::Time, _) => {
                let value = Value::from(&literal::time(word)?);
                self.advance()?;
                Ok(value)
            }
            (_, "-") => {
                self.advance()?;
                self.negative()
            }
            (_, "[") => Ok(Value::vector(self.list("]", depth)?)),
            (_, "{") => self.record(depth),
            (_, "#") => {
                self.advance()?;
                let Value::Str(name) = self.value(depth)? else {
                    return Err(self.fault());
                };
                Ok(Value::Function(named::find(self.catalog, &name)?))
            }
            (LexemeKind::Word, _) => self.named(word, depth),
            _ => Err(self.fault()),
        }
    }

    /// What stands behind a minus. The smallest integer has no opposite of its own.
    fn negative(&mut self) -> Result<Value> {
        let word = self.word();
        let value = match literal::number(&format!("-{word}")) {
            Ok(literal) => Value::from(&literal),
            Err(_) => number::uminus(&Value::Real(word.parse().map_err(|_| self.fault())?))?,
        };
        self.advance()?;
        Ok(value)
    }

    /// The values up to the bracket `close`; the one before them is next.
    fn list(&mut self, close: &str, depth: usize) -> Result<Vec<Value>> {
        self.advance()?;
        let mut values = Vec::new();
        while self.word() != close {
            if !values.is_empty() {
                self.expect(",")?;
            }
            values.push(self.value(depth + 1)?);
        }
        self.advance()?;
        Ok(values)
    }

    fn record(&mut self, depth: usize) -> Result<Value> {
        self.advance()?;
        let mut record = Record::new();
        while self.word() != "}" {
            if !record.is_empty() {
                self.expect(",")?;
            }
            let Value::Str(key) = self.value(depth + 1)? else {
                return Err(self.fault());
            };
            self.expect(":")?;
            let value = self.value(depth + 1)?;
            record.put(key, value);
        }
        self.advance()?;
        Ok(Value::record(record))
    }

    fn named(&mut self, word: &str, depth: usize) -> Result<Value> {
        self.advance()?;
        match word.to_ascii_lowercase().as_str() {
            "true" | "false" | "null" => return Ok(Value::from(&literal::constant(word))),
            "nan" | "inf" => return Ok(Value::from(&literal::number(word)?)),
            _ if self.word() != "(" => return Err(self.fault()),
            _ => {}
        }
        let values = self.list(")", depth)?;
        match (word.to_ascii_lowercase().as_str(), &values[..]) {
            ("bag", _) => Ok(Value::bag(values)),
            ("binary", [Value::Str(digits)]) => from_hex(digits).map(Value::binary),
            ("complex", [re, im]) => match (re.as_real(), im.as_real()) {
                (Some(re), Some(im)) => Ok(Value::complex(Complex64::new(re, im))),
                _ => Err(self.fault()),
            },
            ("ts", [Value::Time(time), value]) => {
                Ok(Value::Time((**time).clone().stamp(value.clone()).into()))
            }
            _ => Err(self.fault()),
        }
    }
}
