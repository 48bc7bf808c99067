//! Writes the results of a query; those of live sources without delay.

mod lines;
mod table;

use std::io;

use super::args::Format;
use super::window_width;
use crate::plan::estimate::with_separators;
use crate::run::statement::Results;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::flushing::FlushTimer;
use crate::text::shown::shown_on_a_line;
use crate::text::wait::Token;
use lines::line;
pub use table::cut;
use table::{Columns, LiveTable, ShownCell, cells};

/// Why no more results are shown.
pub enum Ended {
    /// All have been shown, so many.
    Whole(u64),
    /// The query failed or was stopped, after this many results.
    Failed(Error, u64),
    /// Nobody reads standard output any more.
    Closed,
}

/// How results are written.
#[derive(Clone, Copy)]
pub struct OutputStyle {
    pub format: Format,
    /// Whether a table has each column of a row on a line of its own.
    pub expanded: bool,
}

/// Writes all rows to the console as they arrive; as a table where the style asks for it and the columns
/// have names.
pub fn show(rows: Results, style: OutputStyle, console: &Console) -> Ended {
    if !matches!(style.format, Format::Table | Format::Markdown) || rows.columns().is_empty() {
        return show_lines(rows, style.format, console);
    }
    let names = rows.columns().iter().map(|name| shown_on_a_line(name));
    let columns = Columns {
        names: names.collect(),
        width: window_width(),
        expanded: style.expanded,
    };
    show_table(rows, columns, style, console)
}

fn show_lines(rows: Results, format: Format, console: &Console) -> Ended {
    let mut writer = RowWriter::new(&rows, console);
    for row in rows {
        let text = row.and_then(|value| line(&value, format, &writer.token.looks()));
        if let Err(ended) = writer.write_row(text) {
            return ended;
        }
    }
    writer.finish()
}

fn show_table(mut rows: Results, columns: Columns, style: OutputStyle, console: &Console) -> Ended {
    let mut writer = RowWriter::new(&rows, console);
    let width = columns.names.len();
    let most = match style.format {
        Format::Markdown => usize::MAX,
        _ => table::MOST_ROWS,
    };
    let mut first_rows: Vec<Vec<ShownCell>> = Vec::new();
    let mut count = 0;
    let mut failed = None;
    while let Some(row) = rows.next() {
        let cells = row.and_then(|row| match first_rows.len() < most {
            true => cells(&row, width, &writer.token.looks()).map(Some),
            false => Ok(None),
        });
        match cells {
            Ok(Some(cells)) if count == 0 && rows.is_live() => {
                return show_live(rows, LiveTable::new(columns, &cells), &cells, writer);
            }
            Ok(cells) => first_rows.extend(cells),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        count += 1;
    }
    let text = match (style.format, first_rows.is_empty()) {
        (_, true) => String::new(),
        (Format::Markdown, _) => columns.markdown(&first_rows),
        _ => columns.boxed(&first_rows) + &count_line(first_rows.len() as u64, count),
    };
    if let Err(ended) = writer.write(&text, count) {
        return ended;
    }
    match failed {
        Some(_) if console.is_closed() => Ended::Closed,
        Some(error) => writer.failed(error),
        None => writer.finish(),
    }
}

/// What stands below a box.
fn count_line(shown: u64, count: u64) -> String {
    match count {
        1 => "(1 row)\n".to_owned(),
        _ if shown == count => format!("({count} rows)\n"),
        _ => format!(
            "({shown} of {} rows; \\format text shows all)\n",
            with_separators(count)
        ),
    }
}

/// The rows of what arrives over time.
fn show_live(
    rows: Results,
    mut table: LiveTable,
    first: &[ShownCell],
    mut writer: RowWriter,
) -> Ended {
    let width = first.len();
    let begun = writer.write_row(Ok(table.header() + &table.row(first)));
    if let Err(ended) = begun {
        return ended;
    }
    for row in rows {
        let cells = row.and_then(|row| cells(&row, width, &writer.token.looks()));
        if let Err(ended) = writer.write_row(cells.map(|cells| table.row(&cells))) {
            return ended;
        }
    }
    writer.finish()
}

/// Writes text to the console, and sends it on its way when that is due.
pub struct RowWriter<'c> {
    console: &'c Console,
    token: Token,
    timer: FlushTimer,
    /// Rows that have been written.
    shown: u64,
}

impl<'c> RowWriter<'c> {
    fn new(rows: &Results, console: &'c Console) -> RowWriter<'c> {
        RowWriter::stopped_by(rows.token(), console)
    }

    /// A writer that gives up when the token is stopped.
    pub fn stopped_by(token: Token, console: &'c Console) -> RowWriter<'c> {
        RowWriter {
            console,
            token,
            timer: FlushTimer::new(),
            shown: 0,
        }
    }

    /// Writes a row, or says why no more are shown.
    fn write_row(&mut self, text: Result<String>) -> std::result::Result<(), Ended> {
        match text {
            Ok(text) => self.write(&text, 1),
            Err(_) if self.console.is_closed() => Err(Ended::Closed),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Writes the text of so many rows.
    pub fn write(&mut self, text: &str, rows: u64) -> std::result::Result<(), Ended> {
        let mut written = Ok(());
        for piece in pieces(text) {
            // Who reads may take their time.
            if let Err(error) = self.token.check() {
                return Err(self.failed(error));
            }
            written = written.and_then(|()| self.console.write(piece));
        }
        if written.is_ok() && self.timer.is_due() {
            written = self.console.flush();
        }
        if let Err(error) = written {
            return Err(unwritable(self.console, &error, self.shown));
        }
        self.shown += rows;
        Ok(())
    }

    fn failed(&self, error: Error) -> Ended {
        Ended::Failed(error, self.shown)
    }

    pub fn finish(self) -> Ended {
        match self.console.flush() {
            Ok(()) => Ended::Whole(self.shown),
            Err(error) => unwritable(self.console, &error, self.shown),
        }
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
