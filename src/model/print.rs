//! The printed form of values: as they are typed, wherever they can be typed.

use std::fmt;

use crate::model::size::MAX_BYTES;
use crate::model::{Array, Timeval, Value, hex, number};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::{Looks, STEPS};

/// How long the text of a value in a message may become. What is to be read back is made by [`text`].
const MOST_IN_MESSAGES: usize = 1 << 20;

/// The beginning of the printed form, for messages: as a whole, where it is no longer than a megabyte.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&beginning(self, MOST_IN_MESSAGES))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The printed form of `value`. An error if it is too long for a string, or `looks` sees a stop.
pub fn text(value: &Value, looks: &Looks) -> Result<String> {
    let mut text = String::new();
    push(&mut text, value, looks)?;
    Ok(text)
}

/// Appends the printed form of `value`, as [`text`] makes it.
pub fn push(out: &mut String, value: &Value, looks: &Looks) -> Result<()> {
    let mut printer = Printer {
        out,
        most: MAX_BYTES,
        looks: Some(looks),
    };
    printer.value(value)
}

/// The first `most` bytes or so of the printed form, with `…` where there are more.
pub fn beginning(value: &Value, most: usize) -> String {
    let mut text = String::new();
    let mut printer = Printer {
        out: &mut text,
        most,
        looks: None,
    };
    if printer.value(value).is_err() {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

/// What is printed, and what ends it.
struct Printer<'a> {
    out: &'a mut String,
    /// How many bytes there may be.
    most: usize,
    looks: Option<&'a Looks<'a>>,
}

impl Printer<'_> {
    /// An error where there is too much already, or it is time to stop. `steps` are to be made next.
    fn goes_on(&self, steps: usize) -> Result<()> {
        if self.out.len() > self.most {
            let most = self.most;
            return Err(
                Error::run(format!("a string cannot have more than {most} bytes")).help(
                    "a stream or a bag that is read once takes no memory for what has passed",
                ),
            );
        }
        self.looks.map_or(Ok(()), |looks| looks.steps(steps))
    }

    fn value(&mut self, value: &Value) -> Result<()> {
        self.goes_on(1)?;
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(i) => self.out.push_str(&i.to_string()),
            Value::Real(r) => number::push_real(self.out, *r),
            Value::Complex(c) => {
                self.out.push_str("complex(");
                number::push_real(self.out, c.re);
                self.out.push(',');
                number::push_real(self.out, c.im);
                self.out.push(')');
            }
            Value::Str(s) => self.quoted(s)?,
            Value::Binary(b) => {
                self.out.push_str("binary(\"");
                for piece in b.chunks(STEPS) {
                    self.goes_on(piece.len())?;
                    hex::push(self.out, piece);
                }
                self.out.push_str("\")");
            }
            Value::Vector(v) => self.list("[", v, "]")?,
            Value::Array(a) => {
                let format = a.format().name().to_ascii_lowercase();
                self.out.push_str(&format!("ARRAY('{format}', "));
                self.dimensions(a, a.shape(), 0)?;
                self.out.push(')');
            }
            Value::Record(r) => {
                self.out.push('{');
                for (i, (key, value)) in r.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.quoted(key)?;
                    self.out.push(':');
                    self.value(value)?;
                }
                self.out.push('}');
            }
            Value::Time(t) => match &t.value {
                None => self.out.push_str(&t.to_string()),
                Some(value) => {
                    let time = Timeval::at(t.micros);
                    self.out.push_str(&format!("ts({time},"));
                    self.value(value)?;
                    self.out.push(')');
                }
            },
            Value::Bag(c) => match c.as_slice() {
                Some(elements) => self.list("bag(", elements, ")")?,
                None => self.out.push_str("#[Bag]"),
            },
            Value::Stream(_) => self.out.push_str("#[Stream]"),
            Value::Function(f) => self.out.push_str(&format!("#'{f}'")),
            Value::Topic(name) => self.out.push_str(&format!("#[Topic {name}]")),
            Value::Type(t) => self.out.push_str(&format!("#[Type {t}]")),
            Value::Object(o) => self.out.push_str(&o.to_string()),
        }
        self.goes_on(0)
    }

    fn list(&mut self, open: &str, elements: &[Value], close: &str) -> Result<()> {
        self.out.push_str(open);
        for (i, element) in elements.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            self.value(element)?;
        }
        self.out.push_str(close);
        Ok(())
    }

    /// The elements of an array from an offset on, as nested vectors of the shape.
    fn dimensions(&mut self, array: &Array, shape: &[usize], offset: usize) -> Result<()> {
        self.goes_on(1)?;
        let Some((length, rest)) = shape.split_first() else {
            return self.value(&array.element(offset));
        };
        let stride: usize = rest.iter().product();
        self.out.push('[');
        for i in 0..*length {
            if i > 0 {
                self.out.push(',');
            }
            self.dimensions(array, rest, offset + i * stride)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn quoted(&mut self, text: &str) -> Result<()> {
        self.out.push('"');
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(STEPS));
            self.goes_on(piece.len())?;
            push_escaped(self.out, piece);
            rest = behind;
        }
        self.out.push('"');
        Ok(())
    }
}

/// Appends `text` as it stands in a string constant between double quotes, on one line.
fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
}
