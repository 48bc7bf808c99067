//! The printed form of values: as they are typed, wherever they can be typed.

use std::fmt;

use crate::model::{Value, number};

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        push(&mut text, self);
        f.write_str(&text)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Appends the printed form of `value`.
pub fn push(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Real(r) => number::push_real(out, *r),
        Value::Complex(c) => {
            out.push_str("complex(");
            number::push_real(out, c.re);
            out.push(',');
            number::push_real(out, c.im);
            out.push(')');
        }
        Value::Str(s) => push_quoted(out, s),
        Value::Binary(b) => {
            out.push_str("binary(\"");
            b.iter()
                .for_each(|byte| out.push_str(&format!("{byte:02x}")));
            out.push_str("\")");
        }
        Value::Vector(v) => push_list(out, "[", v, "]"),
        Value::Record(r) => {
            out.push('{');
            for (i, (key, value)) in r.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push_quoted(out, key);
                out.push(':');
                push(out, value);
            }
            out.push('}');
        }
        Value::Time(t) => out.push_str(&t.to_string()),
        Value::Bag(c) => match c.as_slice() {
            Some(elements) => push_list(out, "bag(", elements, ")"),
            None => out.push_str("#[Bag]"),
        },
        Value::Stream(_) => out.push_str("#[Stream]"),
        Value::Function(f) => out.push_str(&format!("#'{f}'")),
        Value::Topic(name) => out.push_str(&format!("#[Topic {name}]")),
        Value::Type(t) => out.push_str(&format!("#[Type {t}]")),
        Value::Object(o) => out.push_str(&o.to_string()),
    }
}

fn push_list(out: &mut String, open: &str, elements: &[Value], close: &str) {
    out.push_str(open);
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push(out, element);
    }
    out.push_str(close);
}

/// Appends `text` as a string constant between double quotes, on one line.
pub fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
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
    out.push('"');
}
