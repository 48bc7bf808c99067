//! The functions on strings that are computed over columns: strings are made one behind the other in
//! one piece of memory. No result where a value is no string, or the function fails.

use crate::model::column::Texts;
use crate::model::native::BatchArgs;
use crate::model::{BatchColumn, Value, like, print};

/// A column of strings with more bytes is left to the evaluator, which has one of them at a time.
const MOST_BYTES: usize = 1 << 24;

/// How many bytes are dealt with in a step, see [`crate::text::stoppable`].
const BYTES_IN_STEP: usize = 16;

/// `concat(x,y)` and `x + y`: a string with what the other value is as a string behind it.
pub fn concat(args: BatchArgs) -> Option<BatchColumn> {
    let [head, tail] = args.columns else {
        return None;
    };
    made(args, |row, out| {
        out.push_str(head.text(row)?);
        push(tail, row, out, args)
    })
}

/// Appends the value of a row, a string as it is and anything else as it is printed.
fn push(column: &BatchColumn, row: usize, out: &mut String, args: BatchArgs) -> Option<()> {
    if let Some(text) = column.text(row) {
        out.push_str(text);
        return Some(());
    }
    match column.value(row)? {
        Value::Binary(_) | Value::Bag(_) | Value::Stream(_) => None,
        value => print::push(out, &value, args.looks).ok(),
    }
}

/// What a number is printed as.
pub fn printed(args: BatchArgs) -> Option<BatchColumn> {
    let [numbers] = args.columns else {
        return None;
    };
    made(args, |row, out| {
        print::push(out, &numbers.value(row)?, args.looks).ok()
    })
}

pub fn length(args: BatchArgs) -> Option<BatchColumn> {
    let [texts] = args.columns else {
        return None;
    };
    let length = |row| {
        let text = texts.text(row)?;
        args.looks.steps(1 + text.len() / BYTES_IN_STEP).ok()?;
        i64::try_from(text.chars().count()).ok()
    };
    let lengths: Option<Vec<i64>> = (0..args.rows).map(length).collect();
    lengths.map(BatchColumn::Ints)
}

pub fn upper(args: BatchArgs) -> Option<BatchColumn> {
    of_case(args, str::to_uppercase, u8::to_ascii_uppercase)
}

pub fn lower(args: BatchArgs) -> Option<BatchColumn> {
    of_case(args, str::to_lowercase, u8::to_ascii_lowercase)
}

/// Strings in upper or lower case, as `whole` makes it, or `byte` of letters of ASCII.
fn of_case(args: BatchArgs, whole: fn(&str) -> String, byte: fn(&u8) -> u8) -> Option<BatchColumn> {
    let [texts] = args.columns else {
        return None;
    };
    made(args, |row, out| {
        let text = texts.text(row)?;
        if text.len() > MOST_BYTES {
            return None;
        }
        if text.is_ascii() {
            out.extend(text.bytes().map(|b| char::from(byte(&b))));
        } else {
            out.push_str(&whole(text));
        }
        Some(())
    })
}

/// `section(text,from,to)`.
pub fn sections(args: BatchArgs) -> Option<BatchColumn> {
    let [texts, from, to] = args.columns else {
        return None;
    };
    made(args, |row, out| {
        let section = super::section(texts.text(row)?, integer(from, row)?, integer(to, row)?);
        out.push_str(section);
        Some(())
    })
}

/// `skip(text,count)`.
pub fn skipped(args: BatchArgs) -> Option<BatchColumn> {
    let [texts, count] = args.columns else {
        return None;
    };
    made(args, |row, out| {
        let from = integer(count, row)?.saturating_add(1);
        out.push_str(super::section(texts.text(row)?, from, i64::MAX));
        Some(())
    })
}

/// `trim(text)`
pub fn trimmed(args: BatchArgs) -> Option<BatchColumn> {
    let [texts] = args.columns else {
        return None;
    };
    made(args, |row, out| {
        out.push_str(texts.text(row)?.trim());
        Some(())
    })
}

fn integer(column: &BatchColumn, row: usize) -> Option<i64> {
    match column {
        BatchColumn::Int(int) => Some(*int),
        BatchColumn::Ints(ints) => ints.get(row).copied(),
        _ => None,
    }
}

pub fn like(args: BatchArgs) -> Option<Vec<bool>> {
    let [texts, patterns] = args.columns else {
        return None;
    };
    let matches = |row| like::matches(texts.text(row)?, patterns.text(row)?, args.looks).ok();
    (0..args.rows).map(matches).collect()
}

pub fn sql_like(args: BatchArgs) -> Option<Vec<bool>> {
    let [texts, patterns] = args.columns else {
        return None;
    };
    let mut latest: Option<(&str, String)> = None;
    let mut matches = |row| {
        let written = patterns.text(row)?;
        if latest.as_ref().is_none_or(|(known, _)| *known != written) {
            latest = Some((written, like::of_sql(written)));
        }
        let (_, pattern) = latest.as_ref()?;
        like::matches(texts.text(row)?, pattern, args.looks).ok()
    };
    (0..args.rows).map(&mut matches).collect()
}

pub fn not_empty(args: BatchArgs) -> Option<Vec<bool>> {
    let [texts] = args.columns else {
        return None;
    };
    let not_empty = |row| Some(!texts.text(row)?.trim().is_empty());
    (0..args.rows).map(not_empty).collect()
}

/// A string for each row, which `write` appends.
fn made(args: BatchArgs, write: impl Fn(usize, &mut String) -> Option<()>) -> Option<BatchColumn> {
    let mut texts = Texts::with_capacity(args.rows);
    for row in 0..args.rows {
        let before = texts.bytes();
        texts.add(|out| write(row, out))?;
        args.looks
            .steps(1 + (texts.bytes() - before) / BYTES_IN_STEP)
            .ok()?;
        if texts.bytes() > MOST_BYTES {
            return None;
        }
    }
    Some(BatchColumn::Texts(texts))
}
