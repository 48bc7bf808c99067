//! Writes the results of a query; those of live sources without delay.

mod layout;
mod lines;
pub mod pager;
mod table;
mod topics;

use std::io;

use super::args::Format;
use super::prompt::notices::Notices;
use super::seen::{MOST_RESULTS, SeenFields};
use super::{window_height, window_width};
use crate::model::Value;
use crate::model::csv_row::{CsvColumns, ROWS_FOR_NAMES};
use crate::plan::estimate::with_separators;
use crate::run::statement::Results;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::flushing::FlushTimer;
use crate::text::shown::shown_on_a_line;
use crate::text::wait::Token;
use layout::laid_out;
use lines::line;
pub use table::cut;
use table::{Columns, LiveTable, ShownCell};

/// Rows that the pager shows of a table at the most.
const MOST_PAGED: usize = 10_000;

/// Why no more results are shown.
pub enum Ended {
    /// All have been shown, so many.
    Whole(u64),
    /// The query failed or was stopped, after this many results.
    Failed(Error, u64),
    /// Nobody reads standard output any more.
    Closed,
    /// All of them are in a text that is for the pager.
    ForPager(String),
}

/// How results are written.
#[derive(Clone, Copy)]
pub struct OutputStyle {
    pub format: Format,
    /// Whether a table has each column of a row on a line of its own.
    pub expanded: bool,
    /// Whether the results are states of topics, of which the latest counts.
    pub topics: bool,
    /// Whether the names of columns stand above rows of CSV.
    pub header: bool,
    /// Whether it is a terminal, so that what does not fit into a line is laid out in several, and times in
    /// tables are local ones unless `utc` is set.
    pub on_terminal: bool,
    pub utc: bool,
    /// Whether tables that are longer than the window go to the pager.
    pub paged: bool,
}

/// Writes all rows to the console as they arrive; as a table where the style asks for it and the columns
/// have names. The fields of records in the first rows are noted in `seen`.
pub fn show(
    rows: Results,
    style: OutputStyle,
    console: &Console,
    notices: &Notices,
    seen: Option<&SeenFields>,
) -> Ended {
    if style.topics {
        return topics::show(rows, style, console, notices);
    }
    let writer = RowWriter::new(&rows, console, seen);
    if style.format == Format::Csv {
        return show_csv(rows, style, writer);
    }
    if !matches!(style.format, Format::Table | Format::Markdown) || rows.columns().is_empty() {
        return show_lines(rows, style, writer);
    }
    let names = rows.columns().iter().map(|name| shown_on_a_line(name));
    let columns = Columns {
        names: names.collect(),
        width: window_width(),
        expanded: style.expanded,
        local_times: style.on_terminal && !style.utc,
    };
    show_table(rows, columns, style, writer)
}

/// Runs a statement that is called for what it does, and hands what it gives to `tell`, line by line.
pub fn show_act(rows: Results, format: Format, tell: impl Fn(&str)) -> Ended {
    let token = rows.token();
    let mut shown = 0;
    for row in rows {
        match row.and_then(|value| line(&value, format, &token.looks())) {
            Ok(text) => tell(text.trim_end()),
            Err(error) => return Ended::Failed(error, shown),
        }
        shown += 1;
    }
    Ended::Whole(shown)
}

fn show_lines(rows: Results, style: OutputStyle, mut writer: RowWriter) -> Ended {
    for row in rows {
        writer.see(&row);
        let looks = writer.token.looks();
        let text = row.and_then(|value| match style {
            OutputStyle {
                format: Format::Table,
                on_terminal: true,
                ..
            } if is_laid_out(&value) => Ok(laid_out(&value, window_width(), &looks)? + "\n"),
            _ => line(&value, style.format, &looks),
        });
        if let Err(ended) = writer.write_row(text) {
            return ended;
        }
    }
    writer.finish()
}

/// Rows of CSV under the names of their columns: those of the query, or the keys of records.
fn show_csv(mut rows: Results, style: OutputStyle, mut writer: RowWriter) -> Ended {
    let mut first = Vec::new();
    let mut failed = None;
    let mut columns = match rows.columns() {
        [] => None,
        names => Some(CsvColumns::Named(names.to_vec())),
    };
    // What is finite may have records with different fields.
    while columns.is_none() && first.len() < ROWS_FOR_NAMES && failed.is_none() {
        match rows.next() {
            Some(Ok(row)) => {
                let is_record = matches!(row, Value::Record(_));
                first.push(row);
                if rows.is_live() || !is_record {
                    break;
                }
            }
            Some(Err(error)) => failed = Some(error),
            None => break,
        }
    }
    let columns = columns.get_or_insert_with(|| CsvColumns::of(&first));
    if let Some(header) = columns.header().filter(|_| style.header)
        && let Err(ended) = writer.write(&header, 0)
    {
        return ended;
    }
    let rest = std::iter::from_fn(|| match failed.take() {
        Some(error) => Some(Err(error)),
        None => rows.next(),
    });
    for row in first.into_iter().map(Ok).chain(rest) {
        writer.see(&row);
        let text = row.and_then(|value| columns.line(&value, &writer.token.looks()));
        if let Err(ended) = writer.write_row(text) {
            return ended;
        }
    }
    writer.finish()
}

fn show_table(
    mut rows: Results,
    mut columns: Columns,
    style: OutputStyle,
    mut writer: RowWriter,
) -> Ended {
    let most = match style.format {
        Format::Markdown => usize::MAX,
        _ if style.paged => MOST_PAGED,
        _ => table::MOST_ROWS,
    };
    let mut first_rows: Vec<Vec<ShownCell>> = Vec::new();
    let mut count = 0;
    let mut failed = None;
    while let Some(row) = rows.next() {
        writer.see(&row);
        let cells = row.and_then(|row| match first_rows.len() < most {
            true => columns.cells(&row, &writer.token.looks()).map(Some),
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
    let is_long = style.paged && text.lines().count() >= window_height();
    if is_long && style.on_terminal && failed.is_none() {
        return Ended::ForPager(text);
    }
    if let Err(ended) = writer.write(&text, count) {
        return ended;
    }
    match failed {
        Some(_) if writer.console.is_closed() => Ended::Closed,
        Some(error) => writer.failed(error),
        None => writer.finish(),
    }
}

/// Whether a value has a form in several lines.
fn is_laid_out(value: &Value) -> bool {
    matches!(value, Value::Record(_) | Value::Vector(_))
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
    let begun = writer.write_row(Ok(table.header() + &table.row(first)));
    if let Err(ended) = begun {
        return ended;
    }
    for row in rows {
        writer.see(&row);
        let cells = row.and_then(|row| table.cells(&row, &writer.token.looks()));
        if let Err(ended) = writer.write_row(cells.map(|cells| table.row(&cells))) {
            return ended;
        }
    }
    writer.finish()
}

/// Writes text to the console, and sends it on its way when that is due.
pub struct RowWriter<'c> {
    console: &'c Console,
    /// What notes the fields of rows, and of how many.
    seen: Option<&'c SeenFields>,
    noted: u64,
    token: Token,
    timer: FlushTimer,
    /// Rows that have been written.
    shown: u64,
}

impl<'c> RowWriter<'c> {
    fn new(rows: &Results, console: &'c Console, seen: Option<&'c SeenFields>) -> RowWriter<'c> {
        RowWriter {
            seen,
            ..RowWriter::stopped_by(rows.token(), console)
        }
    }

    /// A writer that gives up when the token is stopped.
    pub fn stopped_by(token: Token, console: &'c Console) -> RowWriter<'c> {
        RowWriter {
            console,
            seen: None,
            noted: 0,
            token,
            timer: FlushTimer::new(),
            shown: 0,
        }
    }

    /// Notes the fields of a row, if it is one of the first.
    fn see(&mut self, row: &Result<Value>) {
        if let (Some(seen), Ok(row)) = (self.seen, row)
            && self.noted < MOST_RESULTS
        {
            self.noted += 1;
            seen.note(row);
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
