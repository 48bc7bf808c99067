//! The rows of a file, as they are or by the fields that are wanted, once, again and again, or as long as the
//! file grows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::host::file_input::FileBlocks;
use crate::model::collection::{BATCH, FieldBatch};
use crate::model::column::ColumnBuilder;
use crate::model::csv::{CsvFieldReader, RowAdded, RowEnds, RowFound, WantedFields};
use crate::model::{Args, Cx, Source, Value, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

/// How often a file that has come to its end is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What happens at the end of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtEnd {
    Stop,
    Restart,
    Wait,
}

pub fn file_stream(_: &Cx, args: Args) -> Result<Option<Value>> {
    let pace = match args.len() {
        3 => Some(pace(args)?),
        _ => None,
    };
    rows(args, args.len().min(2), None, pace)
}

pub fn file_fields(_: &Cx, args: Args) -> Result<Option<Value>> {
    let options = args.len() - 1;
    let place = |place: &Value| {
        let place = place.as_int().and_then(size::position);
        place.ok_or_else(|| {
            let places = args.value(options);
            Error::run(format!("positions count from 1, which {places} do not"))
        })
    };
    let places = args.vector(options)?.iter().map(place);
    let wanted = WantedFields::new(places.collect::<Result<Vec<usize>>>()?);
    rows(args, options, Some(wanted), None)
}

/// The rows of a file as records, whose keys are in its first row.
pub fn file_records(_: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(0)?.to_owned();
    Ok(Some(Value::stream_from(move |cx| {
        let mut rows = Rows::open(&path, AtEnd::Stop, None, None, cx)?;
        let names = match rows.next_row(cx)? {
            Some(Value::Vector(names)) => names.iter().map(name_of_column).collect(),
            _ => vec![],
        };
        Ok(Box::new(Records { rows, names }))
    })))
}

/// A name as it is written; one that looks like a number is a string all the same.
fn name_of_column(name: &Value) -> Arc<str> {
    match name {
        Value::Str(name) => name.clone(),
        Value::Null => "".into(),
        other => other.to_string().into(),
    }
}

struct Records {
    rows: Rows,
    names: Vec<Arc<str>>,
}

impl Source for Records {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(Value::Vector(row)) = self.rows.next_row(cx)? else {
            return Ok(None);
        };
        if row.len() > self.names.len() {
            let (fields, names) = (row.len(), self.names.len());
            let message = format!("the row has {fields} fields, and the header {names}");
            return Err(self.rows.at_row(Error::run(message)));
        }
        let nulls = std::iter::repeat(&Value::Null);
        let fields = self.names.iter().zip(row.iter().chain(nulls));
        let record = fields.map(|(name, value)| (name.clone(), value.clone()));
        Ok(Some(Value::record(record.collect())))
    }
}

/// The stream of the rows of a file, by the file's name and, if it is among the first `options`
/// arguments, what to do at its end.
fn rows(
    args: Args,
    options: usize,
    wanted: Option<WantedFields>,
    pace: Option<Duration>,
) -> Result<Option<Value>> {
    let path = args.str(0)?.to_owned();
    let at_end = match options {
        1 => AtEnd::Stop,
        _ => at_end(args)?,
    };
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Rows::open(
            &path,
            at_end,
            wanted.clone(),
            pace,
            cx,
        )?))
    })))
}

fn at_end(args: Args) -> Result<AtEnd> {
    match args.str(1)? {
        "read" => Ok(AtEnd::Stop),
        "loop" => Ok(AtEnd::Restart),
        "tail" => Ok(AtEnd::Wait),
        _ => {
            let option = args.value(1);
            Err(Error::run(format!(
                "a CSV file can be read by the options \"read\", \"loop\" and \"tail\", not {option}"
            )))
        }
    }
}

/// The seconds from one row to the next.
fn pace(args: Args) -> Result<Duration> {
    // A day is beyond any use, and far from the end of the clock.
    let seconds = args.real(2)?;
    if !(0.0..=86400.0).contains(&seconds) {
        let pace = args.value(2);
        return Err(Error::run(format!(
            "the pace of a stream is a number of seconds, not {pace}"
        ))
        .help("from 0 to 86400 are possible"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Elements at a fixed pace, without drift.
struct Beat {
    next: Instant,
    pace: Duration,
}

impl Beat {
    /// Waits until the next element is due; the first is at once.
    fn wait(&mut self, cx: &Cx) -> Result<()> {
        cx.token.sleep_until(self.next)?;
        self.next += self.pace;
        Ok(())
    }
}

/// The rows of a file.
struct Rows {
    blocks: FileBlocks,
    ends: RowEnds,
    /// A row that has been found and not been read; the rest of the blocks begins with it.
    found: Option<RowFound>,
    fields: CsvFieldReader,
    wanted: Option<WantedFields>,
    /// What is wrong with the row behind those of the latest batch.
    failed: Option<Error>,
    at_end: AtEnd,
    beat: Option<Beat>,
}

/// Whether to wait for what is not there yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Wait,
    AtHand,
}

impl Rows {
    fn open(
        path: &str,
        at_end: AtEnd,
        wanted: Option<WantedFields>,
        pace: Option<Duration>,
        cx: &Cx,
    ) -> Result<Rows> {
        Ok(Rows {
            blocks: FileBlocks::open(path, cx)?,
            ends: RowEnds::default(),
            found: None,
            fields: CsvFieldReader::default(),
            wanted,
            failed: None,
            at_end,
            beat: pace.map(|pace| Beat {
                next: Instant::now(),
                pace,
            }),
        })
    }

    fn next_row(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        let looks = cx.token.looks();
        while let Some(found) = self.find(Patience::Wait, cx)? {
            let row = found.of(self.blocks.rest());
            let read = match &self.wanted {
                Some(wanted) => self.fields.reduced(row, found.has_quotes, wanted, &looks),
                None => self.fields.vector(row, found.has_quotes, &looks),
            };
            let read = read.map_err(|e| self.at_row(e));
            self.blocks.take(found.taken);
            if let Some(row) = read? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn at_row(&self, error: Error) -> Error {
        let (path, line) = (self.blocks.path(), self.ends.line());
        error.context(format!("{path}, line {line}"))
    }

    /// Reads on to the end of a row; `None` if there is no other, or none that is at hand.
    fn find(&mut self, patience: Patience, cx: &Cx) -> Result<Option<RowFound>> {
        if let Some(found) = self.found.take() {
            return Ok(Some(found));
        }
        loop {
            if let Some(found) = self.ends.next(self.blocks.rest()) {
                return Ok(Some(found));
            }
            size::check_bytes(self.blocks.rest().len(), "a row of a CSV file")?;
            if patience == Patience::AtHand && self.blocks.may_wait() {
                return Ok(None);
            }
            if self.blocks.read_more(cx)? {
                continue;
            }
            // In a file that still grows the row may, too.
            if self.at_end != AtEnd::Wait
                && let Some(found) = self.ends.last(self.blocks.rest())
            {
                return Ok(Some(found));
            }
            if self.at_end == AtEnd::Stop || patience == Patience::AtHand {
                return Ok(None);
            }
            if self.at_end == AtEnd::Wait {
                cx.token.sleep(LOOK_AGAIN)?;
                continue;
            }
            if self.ends.is_at_beginning() {
                cx.token.sleep(LOOK_AGAIN)?;
            }
            self.blocks = FileBlocks::open(self.blocks.path(), cx)?;
            self.ends = RowEnds::default();
        }
    }

    /// The next rows by the wanted fields; one by one from a row on that has not all of them.
    fn batch(&mut self, wanted: &WantedFields, cx: &Cx) -> Result<Option<FieldBatch>> {
        let mut columns = vec![ColumnBuilder::default(); wanted.len()];
        let mut rows = 0;
        let looks = cx.token.looks();
        loop {
            rows += self.add_at_hand(wanted, &mut columns, BATCH - rows, &looks);
            if rows == BATCH {
                break;
            }
            let patience = match rows {
                0 => Patience::Wait,
                _ => Patience::AtHand,
            };
            let found = match self.find(patience, cx) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => return self.behind(columns, rows, error),
            };
            let row = found.of(self.blocks.rest());
            let has_quotes = found.has_quotes;
            let added = self
                .fields
                .add_to(row, has_quotes, wanted, &mut columns, &looks);
            match added {
                Ok(RowAdded::Whole) => rows += 1,
                Ok(RowAdded::Blank) => {}
                Ok(RowAdded::Short) => {
                    self.found = Some(found);
                    if rows == 0 {
                        return self.one_by_one(cx);
                    }
                    break;
                }
                Err(error) => {
                    let error = self.at_row(error);
                    self.blocks.take(found.taken);
                    return self.behind(columns, rows, error);
                }
            }
            self.blocks.take(found.taken);
        }
        Ok((rows > 0).then(|| batch_of(columns)))
    }

    /// Adds the wanted fields of rows that lie whole in what has been read to columns, `most` at the most,
    /// up to the first that cannot be added; gives how many.
    fn add_at_hand(
        &mut self,
        wanted: &WantedFields,
        columns: &mut [ColumnBuilder],
        most: usize,
        looks: &Looks,
    ) -> usize {
        if self.found.is_some() {
            return 0;
        }
        let text = self.blocks.text();
        let (mut at, mut rows) = (0, 0);
        while rows < most
            && let Some(found) = self.ends.next(&text.as_bytes()[at..])
        {
            let row = &text[at + found.begin..at + found.end];
            let added = self
                .fields
                .add_text_to(row, found.has_quotes, wanted, columns, looks);
            match added {
                Ok(RowAdded::Whole) => rows += 1,
                Ok(RowAdded::Blank) => {}
                Ok(RowAdded::Short) | Err(_) => {
                    self.found = Some(found);
                    break;
                }
            }
            at += found.taken;
        }
        self.blocks.take(at);
        rows
    }

    /// The rows before an error, if there are any.
    fn behind(
        &mut self,
        columns: Vec<ColumnBuilder>,
        rows: usize,
        error: Error,
    ) -> Result<Option<FieldBatch>> {
        if rows == 0 {
            return Err(error);
        }
        self.failed = Some(error);
        Ok(Some(batch_of(columns)))
    }

    /// The next rows as they are, as far as they are at hand.
    fn one_by_one(&mut self, cx: &Cx) -> Result<Option<FieldBatch>> {
        let mut rows = Vec::new();
        while rows.len() < BATCH {
            match self.next_row(cx) {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => break,
                Err(error) if rows.is_empty() => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
            self.found = match self.find(Patience::AtHand, cx) {
                Ok(found) => found,
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            };
            if self.found.is_none() {
                break;
            }
        }
        Ok((!rows.is_empty()).then_some(FieldBatch::Elements(rows)))
    }
}

fn batch_of(columns: Vec<ColumnBuilder>) -> FieldBatch {
    FieldBatch::Columns(columns.into_iter().map(ColumnBuilder::finish).collect())
}

impl Source for Rows {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let row = self.next_row(cx)?;
        if let (Some(beat), Some(_)) = (&mut self.beat, &row) {
            beat.wait(cx)?;
        }
        Ok(row)
    }

    fn fields(&mut self, cx: &Cx) -> Result<Option<FieldBatch>> {
        cx.token.check()?;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match self.wanted.clone() {
            Some(wanted) => self.batch(&wanted, cx),
            None => Ok(None),
        }
    }
}
