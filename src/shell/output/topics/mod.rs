//! What `osql topics` shows: states of the topics, one after the other, of which the latest counts. On a
//! terminal each takes the place of the one before; elsewhere the last one is written when all is over.

mod frame;
mod picture;
mod tree;

use std::time::Instant;

use super::table::Columns;
use super::{Ended, OutputStyle, RowWriter, lines};
use crate::model::{Record, Value};
use crate::plan::estimate::with_separators;
use crate::run::statement::Results;
use crate::shell::args::Format;
use crate::shell::prompt::notices::Notices;
use crate::shell::window_width;
use crate::text::console::Console;
use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;
use crate::text::wait::Token;
use frame::frame;
use picture::{TopicsPicture, Window};

/// What is known of a topic.
#[derive(Default)]
struct TopicState {
    name: String,
    count: i64,
    /// Messages per second.
    rate: f64,
    /// Of the last payload, in bytes.
    size: i64,
    kind: String,
    last: String,
}

/// The topics of one state, and what came on those for which there was no room.
#[derive(Default)]
struct States {
    topics: Vec<TopicState>,
    others: Option<TopicState>,
}

impl States {
    /// Reads the records that `mqtt:topics` gives.
    fn read(state: &Value) -> States {
        let mut states = States::default();
        let Value::Vector(records) = state else {
            return states;
        };
        for record in records.iter() {
            let Value::Record(record) = record else {
                continue;
            };
            let topic = TopicState::read(record);
            match record.get("topic") {
                Some(Value::Str(_)) => states.topics.push(topic),
                _ => states.others = Some(topic),
            }
        }
        states
    }

    /// What stands below: how many topics and messages there are.
    fn summary(&self) -> String {
        let count = self.topics.iter().map(|topic| topic.count).sum::<i64>();
        let rate = self.topics.iter().map(|topic| topic.rate).sum::<f64>();
        let topics = counted(self.topics.len() as u64, "topic");
        let messages = counted(count as u64, "message");
        let mut text = format!("{topics}, {messages}, {}", per_second(rate));
        if let Some(others) = &self.others {
            let further = counted(others.count as u64, "message");
            text += &format!("; no more are kept, {further} on others");
        }
        text
    }
}

impl TopicState {
    fn read(record: &Record) -> TopicState {
        let text = |key: &str| match record.get(key) {
            Some(Value::Str(text)) => text.to_string(),
            _ => String::new(),
        };
        let number = |key: &str| record.get(key).and_then(Value::as_int).unwrap_or(0);
        TopicState {
            name: text("topic"),
            count: number("count"),
            rate: record.get("rate").and_then(Value::as_real).unwrap_or(0.0),
            size: number("size"),
            kind: text("kind"),
            last: text("last"),
        }
    }
}

fn counted(number: u64, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {what}{s}", with_separators(number))
}

fn per_second(rate: f64) -> String {
    match rate {
        rate if rate >= 100.0 => format!("{rate:.0}/s"),
        rate if rate >= 10.0 => format!("{rate:.1}/s"),
        rate => format!("{rate:.2}/s"),
    }
}

/// Shows the states as they come, or the last of them.
pub fn show(rows: Results, style: OutputStyle, console: &Console, notices: &Notices) -> Ended {
    match Window::of_terminal() {
        Some(_) if style.format == Format::Table => show_in_place(rows, notices),
        _ => show_last(rows, style, console),
    }
}

/// The fields of a record of a topic, as columns.
const FIELDS: [&str; 7] = ["topic", "count", "rate", "size", "bytes", "kind", "last"];

fn show_last(rows: Results, style: OutputStyle, console: &Console) -> Ended {
    let mut writer = RowWriter::new(&rows, console, None);
    let mut latest = Value::Null;
    let mut failed = None;
    for row in rows {
        match row {
            Ok(state) => latest = state,
            Err(error) => failed = Some(error),
        }
    }
    let written = match failed.is_some() {
        // What has been seen until then is shown all the same.
        true => written(&latest, style.format, &Token::new().looks()),
        false => written(&latest, style.format, &writer.token.looks()),
    };
    let text = match written {
        Ok(text) => text,
        Err(error) => return writer.failed(error),
    };
    if let Err(error) = console.write(&text) {
        return super::unwritable(console, &error, 0);
    }
    writer.shown = u64::from(!text.is_empty());
    match failed {
        Some(error) => writer.failed(error),
        None => writer.finish(),
    }
}

/// A state as lines of the format.
fn written(state: &Value, format: Format, looks: &Looks) -> Result<String> {
    let Value::Vector(records) = state else {
        return Ok(String::new());
    };
    let fields = |record: &Value| match record {
        Value::Record(record) => {
            let field = |name: &&str| record.get(name).cloned().unwrap_or(Value::Null);
            Value::vector(FIELDS.iter().map(field))
        }
        other => other.clone(),
    };
    let mut text = String::new();
    match format {
        Format::Json => {
            for record in records.iter() {
                text += &lines::line(record, format, looks)?;
            }
        }
        Format::Csv => {
            let names = Value::vector(FIELDS.map(Value::from));
            text += &lines::line(&names, format, looks)?;
            for record in records.iter() {
                text += &lines::line(&fields(record), format, looks)?;
            }
        }
        Format::Table | Format::Text | Format::Raw | Format::Markdown | Format::Svg => {
            let mut columns = Columns {
                names: FIELDS.map(str::to_owned).to_vec(),
                width: window_width(),
                expanded: false,
                local_times: false,
            };
            let rows = records
                .iter()
                .map(|record| columns.cells(&fields(record), looks));
            let rows: Vec<_> = rows.collect::<Result<_>>()?;
            text = match format {
                _ if rows.is_empty() => text,
                Format::Markdown => columns.markdown(&rows),
                Format::Table => columns.boxed(&rows),
                _ => columns.aligned(&rows),
            };
        }
    }
    Ok(text)
}

fn show_in_place(rows: Results, notices: &Notices) -> Ended {
    let mut picture = TopicsPicture::default();
    let mut failed = None;
    let begun = Instant::now();
    // What is said meanwhile goes above the picture, not into it.
    notices.hold();
    let mut shown = 0;
    for row in rows {
        let state = match row {
            Ok(state) => state,
            Err(error) => {
                failed = Some(error);
                break;
            }
        };
        shown = 1;
        let Some(window) = Window::of_terminal() else {
            break;
        };
        let frame = frame(&States::read(&state), begun.elapsed(), window);
        if picture.draw(frame, window, &notices.take_held()).is_err() {
            notices.release();
            return Ended::Closed;
        }
    }
    notices.release();
    match failed {
        Some(error) => Ended::Failed(error, shown),
        None => Ended::Whole(shown),
    }
}
