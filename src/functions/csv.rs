//! Comma-separated values (RFC 4180): files as streams of vectors, and vectors into files.

use std::time::{Duration, Instant};

use csv::WriterBuilder;

use super::file::Output;
use crate::host::file_input::FileBlocks;
use crate::model::collection::{BATCH, FieldBatch};
use crate::model::column::ColumnBuilder;
use crate::model::csv::{CsvFieldReader, RowAdded, RowEnds, RowFound, WantedFields};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Source, Value, json, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

pub const NATIVES: Natives = &[
    Native::new("file_stream", file_stream)
        .fields("file_fields")
        .reads_files(),
    Native::new("file_fields", file_fields)
        .streaming_fields()
        .reads_files(),
    Native::new("from_string", from_string),
    Native::new("write_file", write_file).acting(),
    Native::new("write_through", write_through).acting(),
];

/// How often a file that has come to its end is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What happens at the end of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtEnd {
    Stop,
    Restart,
    Wait,
}

fn file_stream(_: &Cx, args: Args) -> Result<Option<Value>> {
    let pace = match args.len() {
        3 => Some(pace(args)?),
        _ => None,
    };
    rows(args, args.len().min(2), None, pace)
}

fn file_fields(_: &Cx, args: Args) -> Result<Option<Value>> {
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

fn from_string(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut text = args.str(0)?.as_bytes();
    let (mut ends, mut fields) = (RowEnds::default(), CsvFieldReader::default());
    while let Some(found) = ends.next(text).or_else(|| ends.last(text)) {
        let row = found.of(text);
        if let Some(row) = fields.vector(row, found.has_quotes, &cx.token.looks())? {
            return Ok(Some(row));
        }
        text = &text[found.taken..];
    }
    Ok(Some(Value::vector([])))
}

/// Bytes of a row that are written at a time.
const ROW_BUFFER: usize = 256;

/// Writes a vector as a row.
fn write_row(output: &mut Output, row: &Value, cx: &Cx) -> Result<()> {
    let Value::Vector(fields) = row else {
        return Err(
            Error::run(format!("a row of a CSV file is a vector, not {row}"))
                .help("[x] makes a vector of x"),
        );
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|field| field_text(field, &cx.token.looks()))
        .collect::<Result<_>>()?;
    output.write(|file| {
        // The file has a buffer of its own.
        let mut writer = WriterBuilder::new()
            .flexible(true)
            .buffer_capacity(ROW_BUFFER)
            .from_writer(file);
        writer.write_record(&fields)?;
        writer.flush()
    })
}

fn field_text(value: &Value, looks: &Looks) -> Result<String> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Str(s) => s.to_string(),
        // JSON has no form for those that are not finite.
        Value::Real(_) => value.to_string(),
        other => match json::to_string(other, looks)? {
            // A time's string, or that of a binary, without its quotes.
            quoted if quoted.starts_with('"') => quoted.trim_matches('"').to_owned(),
            json => json,
        },
    })
}

fn write_file(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut rows = args.open(1, cx)?;
    let mut output = Output::create(args.str(0)?, cx)?;
    while let Some(row) = rows.next(cx)? {
        write_row(&mut output, &row, cx)?;
    }
    output.finish()?;
    Ok(Some(Value::Bool(true)))
}

/// The bag or stream that writes its rows as it is read.
fn write_through(_: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(0)?.to_owned();
    let every = match args.int(1)? {
        every @ 1.. => every as u64,
        _ => {
            let feedback = args.value(1);
            return Err(Error::run(format!(
                "the feedback of csv:write_file() is 1 or more, not {feedback}"
            )));
        }
    };
    let rows = args.collection(2)?.clone();
    let open = move |cx: &Cx| -> Result<Box<dyn Source>> {
        let rows = rows.open(cx)?;
        Ok(Box::new(Through {
            rows,
            output: Some(Output::create(&path, cx)?),
            every,
            count: 0,
        }))
    };
    Ok(Some(match args.value(2) {
        Value::Stream(_) => Value::stream_from(open),
        _ => Value::bag_from(open),
    }))
}

/// Rows that are written as they pass.
struct Through {
    rows: Box<dyn Source>,
    output: Option<Output>,
    every: u64,
    count: u64,
}

impl Source for Through {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(output) = &mut self.output {
            let Some(row) = self.rows.next(cx)? else {
                break;
            };
            write_row(output, &row, cx)?;
            self.count += 1;
            if self.count.is_multiple_of(self.every) {
                return Ok(Some(row));
            }
        }
        self.output
            .take()
            .map_or(Ok(None), |output| output.finish().map(|()| None))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, cx, elements, printed, vector};
    use super::*;
    use crate::model::Timeval;

    /// The path of a file in a folder of this test's own.
    fn path(name: &str) -> Value {
        let folder = std::env::temp_dir().join(format!("osql-csv-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder.join(name).to_string_lossy().into_owned().into()
    }

    fn stream(path: &Value, option: &str) -> Value {
        call("csv:file_stream", &[path.clone(), option.into()])
            .expect("a stream")
            .expect("a stream")
    }

    fn text(path: &Value) -> String {
        std::fs::read_to_string(path.as_str().expect("a path")).expect("a file")
    }

    #[test]
    fn rows_are_written_and_read_back() {
        let file = path("rows.csv");
        let rows = Value::bag(vec![
            Value::vector([1.into(), "a b".into(), 2.2.into()]),
            Value::vector([3.into(), "d,\"e\"\n".into(), Value::Null]),
        ]);
        assert_eq!(
            printed("csv:write_file", &[file.clone(), rows.clone()]),
            "true"
        );
        assert_eq!(text(&file), "1,a b,2.2\n3,\"d,\"\"e\"\"\n\",\n");
        assert_eq!(elements(&stream(&file, "read")), rows.to_string());
    }

    #[test]
    fn values_without_a_field_form_are_json() {
        let file = path("json.csv");
        let row = Value::vector([
            vector(&[1, 2]),
            Value::Time(Timeval::at(0).into()),
            true.into(),
        ]);
        assert_eq!(
            printed("csv:write_file", &[file.clone(), Value::bag(vec![row])]),
            "true"
        );
        assert_eq!(text(&file), "\"[1,2]\",1970-01-01T00:00:00.000Z,true\n");
    }

    #[test]
    fn feedback_passes_rows_on() {
        let file = path("feedback.csv");
        let rows = Value::bag((1..=5).map(|i| vector(&[i])).collect());
        let args = [file.clone(), 2.into(), rows];
        assert_eq!(printed("csv:write_through", &args), "bag([2],[4])");
        assert_eq!(text(&file), "1\n2\n3\n4\n5\n");
        assert!(
            printed("csv:write_through", &[file, 0.into(), Value::bag(vec![])])
                .starts_with("error: ")
        );
    }

    #[test]
    fn a_loop_starts_again() {
        let file = path("loop.csv");
        std::fs::write(file.as_str().expect("a path"), "1\n\n2").expect("writes");
        let cx = cx();
        let mut rows = stream(&file, "loop").elements(&cx).expect("opens");
        let read: Vec<_> = (0..5)
            .map(|_| rows.next(&cx).expect("reads").expect("a row").to_string())
            .collect();
        assert_eq!(read, ["[1]", "[2]", "[1]", "[2]", "[1]"]);
    }

    #[test]
    fn a_tail_waits_for_the_rest_of_a_row() {
        let file = path("tail.csv");
        let name = file.as_str().expect("a path").to_owned();
        std::fs::write(&name, "1\n2,").expect("writes");
        let cx = cx();
        let mut rows = stream(&file, "tail").elements(&cx).expect("opens");
        assert_eq!(rows.next(&cx).expect("reads"), Some(vector(&[1])));
        let writer = std::thread::spawn(move || {
            use std::io::Write;
            let mut file = std::fs::File::options()
                .append(true)
                .open(&name)
                .expect("opens");
            file.write_all(b"3\n").expect("writes");
        });
        assert_eq!(rows.next(&cx).expect("reads"), Some(vector(&[2, 3])));
        writer.join().expect("no panic");
        cx.token.stop("enough");
        assert_eq!(rows.next(&cx).expect_err("stopped").message(), "enough");
    }

    #[test]
    fn faults_say_where() {
        let file = path("bad.csv");
        std::fs::write(file.as_str().expect("a path"), b"1\n\xff\n").expect("writes");
        assert!(
            elements(&stream(&file, "read"))
                .ends_with("bad.csv, line 2: the row is not UTF-8 text")
        );
        let none = elements(&stream(&path("none.csv"), "read"));
        assert!(
            none.ends_with("none.csv: No such file or directory"),
            "{none}"
        );
        assert!(
            printed("csv:file_stream", &[file.clone(), "write".into()])
                .contains("\"tail\", not \"write\"")
        );
        let rows = Value::bag(vec![1.into()]);
        assert_eq!(
            printed("csv:write_file", &[file, rows]),
            "error: a row of a CSV file is a vector, not 1"
        );
    }

    #[test]
    fn one_row_from_a_string() {
        let fields = |row: &str| printed("csv:from_string", &[row.into()]);
        assert_eq!(fields("1,2.5,a b,\"c,d\","), "[1,2.5,\"a b\",\"c,d\",null]");
        assert_eq!(fields(""), "[]");
    }
}
