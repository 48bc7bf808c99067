//! Writes the results of a query; those of live sources without delay.

mod lines;

use std::io;

use super::args::Format;
use crate::run::statement::Results;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::flushing::FlushTimer;
use lines::line;

/// Why no more results are shown.
pub enum Ended {
    /// All have been shown.
    Whole,
    /// The query failed or was stopped, after this many results.
    Failed(Error, u64),
    /// Nobody reads standard output any more.
    Closed,
}

/// Writes all rows to the console as they arrive.
pub fn show(rows: Results, format: Format, console: &Console) -> Ended {
    let mut shown = 0;
    let mut timer = FlushTimer::new();
    let token = rows.token();
    for row in rows {
        let text = match row.and_then(|value| line(&value, format, &token.looks())) {
            Ok(text) => text,
            Err(_) if console.is_closed() => return Ended::Closed,
            Err(error) => return Ended::Failed(error, shown),
        };
        let mut written = Ok(());
        for piece in pieces(&text) {
            // Who reads may take their time.
            if let Err(error) = token.check() {
                return Ended::Failed(error, shown);
            }
            written = written.and_then(|()| console.write(piece));
        }
        if written.is_ok() && timer.is_due() {
            written = console.flush();
        }
        if let Err(error) = written {
            return unwritable(console, &error, shown);
        }
        shown += 1;
    }
    match console.flush() {
        Ok(()) => Ended::Whole,
        Err(error) => unwritable(console, &error, shown),
    }
}

/// A long text in pieces, so that a stop is seen between them.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(1 << 20));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn unwritable(console: &Console, error: &io::Error, shown: u64) -> Ended {
    if console.is_closed() {
        Ended::Closed
    } else {
        let error = Error::run(format!("cannot write the results: {error}"));
        Ended::Failed(error, shown)
    }
}
