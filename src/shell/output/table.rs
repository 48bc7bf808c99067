//! Results whose columns have names, as a table for a person to read.
//!
//! What is finite is shown as a box when it has ended: its first rows, and how many there were. What
//! arrives over time is shown row by row under one header. Rows that do not fit into the window are
//! shown one column per line, as `\x` asks for always.

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::layout::laid_out;
use crate::model::{Timeval, Value, print};
use crate::text::diagnostic::Result;
use crate::text::shown::shown_on_a_line;
use crate::text::stoppable::Looks;

/// Rows that a box has at the most.
pub const MOST_ROWS: usize = 40;

/// Longer texts are cut before they are fitted into a column.
const MOST_CHARACTERS: usize = 10_000;

/// The narrowest column: less says nothing.
const NARROWEST: usize = 5;

/// What a cell shows, on one line or laid out in several, and whether it is a number.
#[derive(Clone)]
pub struct ShownCell {
    text: String,
    is_number: bool,
}

fn cell(value: &Value, local_times: bool, looks: &Looks) -> Result<ShownCell> {
    let text = match value {
        Value::Time(time) if local_times && time.value.is_none() => local_time(time),
        Value::Str(text) => text.to_string(),
        Value::Binary(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => print::text(value, looks)?,
        },
        other => print::text(other, looks)?,
    };
    let text = match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    Ok(ShownCell {
        text: shown_in_cell(&text),
        is_number: value.as_real().is_some(),
    })
}

fn shown_in_cell(text: &str) -> String {
    shown_on_a_line(text).replace('\t', "\\t")
}

/// A time as the clocks of this place show it, with how far they are from UTC. One that is beyond the
/// calendar is written as it is in the language.
fn local_time(time: &Timeval) -> String {
    match jiff::Timestamp::from_microsecond(time.micros) {
        Ok(stamp) => {
            let zoned = stamp.to_zoned(jiff::tz::TimeZone::system());
            zoned.strftime("%Y-%m-%d %H:%M:%S%.f%:z").to_string()
        }
        Err(_) => time.to_string(),
    }
}

/// The columns of a table, as wide as the window.
pub struct Columns {
    pub names: Vec<String>,
    /// How many characters fit into a line.
    pub width: usize,
    /// Whether each column of a row has a line of its own.
    pub expanded: bool,
    /// Whether times are those of the clocks of this place.
    pub local_times: bool,
}

impl Columns {
    /// The cells of a row. A single record that does not fit into the window has the rows shown one column
    /// per line, where it can be laid out.
    pub fn cells(&mut self, row: &Value, looks: &Looks) -> Result<Vec<ShownCell>> {
        match row {
            Value::Vector(values) if self.names.len() > 1 => {
                let cells = values.iter().map(|value| self.cell(value, looks));
                cells.collect()
            }
            Value::Record(_) if self.names.len() == 1 => {
                let cell = cell(row, false, looks)?;
                // A border and a blank stand on either side.
                self.expanded |= cell.text.width() + 4 > self.width;
                Ok(vec![self.cell(row, looks)?])
            }
            single => Ok(vec![self.cell(single, looks)?]),
        }
    }

    fn cell(&self, value: &Value, looks: &Looks) -> Result<ShownCell> {
        let cell = cell(value, self.local_times, looks)?;
        let room = self.width.saturating_sub(self.name_width() + 3);
        if !self.is_expanded() || !matches!(value, Value::Record(_)) || cell.text.width() <= room {
            return Ok(cell);
        }
        let lines = laid_out(value, room, looks)?;
        let lines: Vec<_> = lines.lines().map(shown_in_cell).collect();
        Ok(ShownCell {
            text: lines.join("\n"),
            is_number: false,
        })
    }

    /// How wide the names are where each column has a line of its own.
    fn name_width(&self) -> usize {
        let widths = self.names.iter().map(|name| name.width());
        widths.max().unwrap_or(0).min(self.width / 2)
    }

    /// Whether a row has to be shown one column per line.
    fn is_expanded(&self) -> bool {
        // A border and a blank stand on either side of each.
        self.expanded || self.names.len() * (NARROWEST + 3) + 1 > self.width
    }

    /// All rows as a box, or one column per line.
    pub fn boxed(&self, rows: &[Vec<ShownCell>]) -> String {
        if self.is_expanded() {
            let numbered = rows.iter().zip(1..);
            return numbered
                .map(|(row, number)| self.expanded(row, number))
                .collect();
        }
        let mut table = self.table(rows);
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.width).unwrap_or(u16::MAX));
        format!("{}\n", table.trim_fmt())
    }

    /// All rows as a table of Markdown.
    pub fn markdown(&self, rows: &[Vec<ShownCell>]) -> String {
        let escaped = |cell: &ShownCell| ShownCell {
            text: cell.text.replace('|', "\\|"),
            ..cell.clone()
        };
        let rows: Vec<Vec<ShownCell>> = rows
            .iter()
            .map(|row| row.iter().map(escaped).collect())
            .collect();
        let mut table = self.table(&rows);
        table.load_style(ASCII_MARKDOWN);
        format!("{}\n", table.trim_fmt())
    }

    /// All rows in columns without borders, each as wide as what stands in it: for other programs to read.
    pub fn aligned(&self, rows: &[Vec<ShownCell>]) -> String {
        let widths = self.names.iter().enumerate().map(|(column, name)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| cell.text.width()).max().unwrap_or(0);
            widest.max(name.width())
        });
        let widths: Vec<usize> = widths.collect();
        let line = |cells: &mut dyn Iterator<Item = (&str, bool)>| {
            let cells = cells.zip(&widths);
            let cells: Vec<_> = cells
                .map(|((text, right), width)| fitted(text, *width, right))
                .collect();
            format!("{}\n", cells.join("  ").trim_end())
        };
        let numbers = rows.first();
        let is_number = |column: usize| {
            numbers.is_some_and(|row| row.get(column).is_some_and(|cell| cell.is_number))
        };
        let names = self.names.iter().enumerate();
        let mut text = line(&mut names.map(|(column, name)| (name.as_str(), is_number(column))));
        for row in rows {
            text += &line(&mut row.iter().map(|cell| (cell.text.as_str(), cell.is_number)));
        }
        text
    }

    fn table(&self, rows: &[Vec<ShownCell>]) -> Table {
        let mut table = Table::new();
        table.set_truncation_indicator("…");
        let cells = |cells: Vec<Cell>| {
            let mut row = Row::new();
            cells.into_iter().for_each(|cell| {
                row.add_cell(cell);
            });
            row.max_height(1);
            row
        };
        table.set_header(cells(self.names.iter().map(Cell::new).collect()));
        for row in rows {
            let row = row.iter().map(|cell| {
                Cell::new(&cell.text).set_alignment(match cell.is_number {
                    true => CellAlignment::Right,
                    false => CellAlignment::Left,
                })
            });
            table.add_row(cells(row.collect()));
        }
        table
    }

    /// A row with each column on a line of its own.
    pub fn expanded(&self, row: &[ShownCell], number: u64) -> String {
        let name_width = self.name_width();
        let rule = format!("─ {number} ");
        let fill = "─".repeat(self.width.min(40).saturating_sub(rule.width()));
        let mut out = format!("{rule}{fill}\n");
        for (name, cell) in self.names.iter().zip(row) {
            let name = fitted(name, name_width, false);
            let next_line = format!("\n{} │ ", " ".repeat(name_width));
            out += &format!("{name} │ {}\n", cell.text.replace('\n', &next_line));
        }
        out
    }
}

/// Rows that are shown as they come, under one header.
pub struct LiveTable {
    columns: Columns,
    /// How wide each column is; nothing where each has a line of its own.
    widths: Option<Vec<usize>>,
    rows: u64,
}

impl LiveTable {
    /// Makes the columns so wide that the first row and the names fit, or the window does.
    pub fn new(columns: Columns, first: &[ShownCell]) -> LiveTable {
        let names = columns.names.iter();
        let widths = names
            .zip(first)
            .map(|(name, cell)| name.width().max(cell.text.width()));
        let widths = (!columns.is_expanded()).then(|| narrowed(widths.collect(), columns.width));
        LiveTable {
            columns,
            widths,
            rows: 0,
        }
    }

    /// The cells of a row.
    pub fn cells(&mut self, row: &Value, looks: &Looks) -> Result<Vec<ShownCell>> {
        match &self.widths {
            Some(_) => {
                // It stays the table that it has begun to be.
                let expanded = self.columns.expanded;
                let cells = self.columns.cells(row, looks);
                self.columns.expanded = expanded;
                cells
            }
            None => self.columns.cells(row, looks),
        }
    }

    /// What stands above the rows.
    pub fn header(&self) -> String {
        let Some(widths) = &self.widths else {
            return String::new();
        };
        let cells = self.columns.names.iter().zip(widths);
        let names: Vec<_> = cells
            .map(|(name, width)| fitted(name, *width, false))
            .collect();
        let rules: Vec<_> = widths.iter().map(|width| "─".repeat(*width)).collect();
        format!("{}\n{}\n", names.join(" │ ").trim_end(), rules.join("─┼─"))
    }

    /// The next row.
    pub fn row(&mut self, row: &[ShownCell]) -> String {
        self.rows += 1;
        let Some(widths) = &self.widths else {
            return self.columns.expanded(row, self.rows);
        };
        let cells = row.iter().zip(widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| fitted(&cell.text, *width, cell.is_number))
            .collect();
        format!("{}\n", cells.join(" │ ").trim_end())
    }
}

/// Widths that fit into the window together: the widest give way. The last one takes what is left, as rows
/// to come may be longer.
fn narrowed(mut widths: Vec<usize>, window: usize) -> Vec<usize> {
    let between = 3 * widths.len().saturating_sub(1);
    let room = window.saturating_sub(between);
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
    let taken: usize = widths.iter().sum();
    if let Some(last) = widths.last_mut() {
        *last += room.saturating_sub(taken);
    }
    widths
}

/// The text in a column of that width: cut, or filled up with blanks.
pub fn fitted(text: &str, width: usize, right: bool) -> String {
    let text = cut(text, width);
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    match right {
        true => blanks + &text,
        false => text + &blanks,
    }
}

/// As much of a line as fits, with a mark if it is not all of it.
pub fn cut(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut out = String::new();
    let mut taken = 1;
    for c in line.chars() {
        taken += c.width().unwrap_or(0);
        if taken > width {
            break;
        }
        out.push(c);
    }
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::wait::Token;

    fn rows(rows: &[&[Value]]) -> Vec<Vec<ShownCell>> {
        let token = Token::new();
        let looks = token.looks();
        let row = |row: &&[Value]| {
            let row = row.iter().map(|value| cell(value, false, &looks));
            row.collect::<Result<Vec<_>>>().expect("has a form")
        };
        rows.iter().map(row).collect()
    }

    fn columns(names: &[&str], width: usize) -> Columns {
        Columns {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            width,
            expanded: false,
            local_times: false,
        }
    }

    #[test]
    fn a_box_fits_into_the_window() {
        let rows = rows(&[
            &["hall".into(), Value::Real(21.5)],
            &["the attic, under the roof".into(), Value::Int(3)],
        ]);
        assert_eq!(
            columns(&["room", "t"], 80).boxed(&rows),
            "┌───────────────────────────┬──────┐\n\
             │ room                      ┆ t    │\n\
             ╞═══════════════════════════╪══════╡\n\
             │ hall                      ┆ 21.5 │\n\
             │ the attic, under the roof ┆    3 │\n\
             └───────────────────────────┴──────┘\n"
        );
        let narrow = columns(&["room", "t"], 20).boxed(&rows);
        assert!(narrow.lines().all(|line| line.width() <= 20), "{narrow}");
        assert_eq!(
            columns(&["room", "t"], 16).boxed(&rows),
            "─ 1 ────────────\nroom │ hall\nt    │ 21.5\n\
             ─ 2 ────────────\nroom │ the attic, under the roof\nt    │ 3\n"
        );
    }

    #[test]
    fn rows_that_come_stand_under_one_header() {
        let rows = rows(&[
            &["hall".into(), Value::Real(21.5), "ok".into()],
            &[
                "corridor\nnorth".into(),
                Value::Int(3),
                "a long remark, too long".into(),
            ],
        ]);
        let mut table = LiveTable::new(columns(&["room", "t", "note"], 30), &rows[0]);
        let text = table.header() + &table.row(&rows[0]) + &table.row(&rows[1]);
        assert_eq!(
            text,
            "room │ t    │ note\n\
             ─────┼──────┼─────────────────\n\
             hall │ 21.5 │ ok\n\
             cor… │    3 │ a long remark, …\n"
        );
    }
}
