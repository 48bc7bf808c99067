//! Looking at values and calls.

use crate::catalog::Catalog;
use crate::host::Host;

use crate::catalog::named;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value};
use crate::text::diagnostic::Result;

pub const NATIVES: Natives = &[
    Native::new("print", print).acting(),
    Native::new("pp", |_, a| {
        let mut text = String::new();
        pretty(&mut text, a.value(0), 0);
        Ok(Some(Value::str(text)))
    }),
    Native::new("trace", |cx, a| switch(cx, a, true)).acting(),
    Native::new("untrace", |cx, a| switch(cx, a, false)).acting(),
];

/// Lines longer than that are broken up.
const WIDTH: usize = 80;

fn print(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Host::of(cx).print(&format!("{}\n", args.value(0)))?;
    Ok(Some(Value::Bool(true)))
}

fn pretty(out: &mut String, value: &Value, depth: usize) {
    let flat = value.to_string();
    let fits = flat.len() + 2 * depth <= WIDTH;
    match value {
        Value::Vector(elements) if !fits => {
            let parts = elements.iter().map(|e| (String::new(), e));
            broken(out, '[', parts, ']', depth);
        }
        Value::Record(record) if !fits => {
            let parts = record
                .iter()
                .map(|(k, v)| (format!("{}:", Value::str(k)), v));
            broken(out, '{', parts, '}', depth);
        }
        _ => out.push_str(&flat),
    }
}

fn broken<'v>(
    out: &mut String,
    open: char,
    parts: impl Iterator<Item = (String, &'v Value)>,
    close: char,
    depth: usize,
) {
    out.push(open);
    for (i, (key, value)) in parts.enumerate() {
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth + 1));
        out.push_str(&key);
        pretty(out, value, depth + 1);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

fn switch(cx: &Cx, args: Args, on: bool) -> Result<Option<Value>> {
    let function = named::find(Catalog::of(cx), args.str(0)?)?;
    Host::of(cx).traced.set(function.name(), on);
    Ok(Some(Value::Function(function)))
}
