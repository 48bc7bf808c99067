//! Looking at values and calls.

use crate::catalog::Catalog;
use crate::host::Host;

use crate::catalog::named;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value, print, size};
use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;

pub const NATIVES: Natives = &[
    Native::new("print", print).only_acting(),
    Native::new("pp", |cx, a| {
        let mut text = String::new();
        pretty(&mut text, a.value(0), 0, &cx.token.looks())?;
        Ok(Some(Value::str(text)))
    }),
    Native::new("trace", |cx, a| switch(cx, a, true)).only_acting(),
    Native::new("untrace", |cx, a| switch(cx, a, false)).only_acting(),
];

/// Lines longer than that are broken up.
const WIDTH: usize = 80;

fn print(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut text = print::text(args.value(0), &cx.token.looks())?;
    text.push('\n');
    // Beside the results, which may be for another program.
    Host::of(cx).console.notice(&text);
    Ok(Some(Value::Bool(true)))
}

/// Prints `value` after the indentation of `depth`. What was printed in vain, because it does not fit,
/// is no longer than a line.
fn pretty(out: &mut String, value: &Value, depth: usize, looks: &Looks) -> Result<()> {
    let room = WIDTH.saturating_sub(2 * depth);
    match value {
        Value::Vector(elements) if !fits(value, room) => {
            let parts = elements.iter().map(|e| (String::new(), e));
            broken(out, ['[', ']'], parts, depth, looks)
        }
        Value::Record(record) if !fits(value, room) => {
            let parts = record
                .iter()
                .map(|(k, v)| (format!("{}:", Value::str(k)), v));
            broken(out, ['{', '}'], parts, depth, looks)
        }
        _ => print::push(out, value, looks),
    }
}

/// Whether `value` takes at most `room` bytes on one line.
fn fits(value: &Value, room: usize) -> bool {
    // What a value takes at least, without printing it; `None` for more than `room`.
    fn least(value: &Value, room: usize) -> Option<usize> {
        let taken = match value {
            Value::Vector(elements) => elements.iter().try_fold(1, |taken, part| {
                Some(taken + 1 + least(part, room.checked_sub(taken + 1)?)?)
            })?,
            Value::Record(record) => record.iter().try_fold(1, |taken, (key, part)| {
                let taken = taken + key.len() + 4;
                Some(taken + least(part, room.checked_sub(taken)?)?)
            })?,
            Value::Str(text) => text.len(),
            Value::Binary(bytes) => bytes.len(),
            _ => 1,
        };
        (taken <= room).then_some(taken)
    }
    least(value, room).is_some() && print::beginning(value, room + 1).len() <= room
}

fn broken<'v>(
    out: &mut String,
    [open, close]: [char; 2],
    parts: impl Iterator<Item = (String, &'v Value)>,
    depth: usize,
    looks: &Looks,
) -> Result<()> {
    out.push(open);
    for (i, (key, value)) in parts.enumerate() {
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth + 1));
        out.push_str(&key);
        size::check_bytes(out.len(), "what pp() gives")?;
        pretty(out, value, depth + 1, looks)?;
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
    Ok(())
}

fn switch(cx: &Cx, args: Args, on: bool) -> Result<Option<Value>> {
    let function = named::find(Catalog::of(cx), args.str(0)?)?;
    Host::of(cx).traced.set(function.name(), on);
    Ok(Some(Value::Function(function)))
}
