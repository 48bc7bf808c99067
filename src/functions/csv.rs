//! Comma-separated values (RFC 4180): files as streams of vectors, and vectors into files.

use std::io::{BufRead, BufReader, ErrorKind};
use std::time::{Duration, Instant};

use csv::{ReaderBuilder, StringRecord, WriterBuilder};

use super::file::Output;
use crate::host::file_input::{self, FileInput, read_error};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Source, Value, json, number, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

pub const NATIVES: Natives = &[
    Native::new("file_stream", file_stream),
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
    let path = args.str(0)?.to_owned();
    let at_end = match args.str(1)? {
        "read" => AtEnd::Stop,
        "loop" => AtEnd::Restart,
        "tail" => AtEnd::Wait,
        _ => {
            let option = args.value(1);
            return Err(Error::run(format!(
                "a CSV file can be read by the options \"read\", \"loop\" and \"tail\", not {option}"
            )));
        }
    };
    let pace = match args.len() {
        2 => None,
        _ => Some(pace(args)?),
    };
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Rows {
            lines: Lines::open(&path, cx)?,
            at_end,
            beat: pace.map(|pace| Beat {
                next: Instant::now(),
                pace,
            }),
        }))
    })))
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

/// A file's rows as text: a line, or several where a quoted field holds line ends. A line ends with a
/// line feed, a carriage return, or both.
struct Lines {
    path: String,
    file: BufReader<FileInput>,
    /// What has been read of the row so far.
    row: Vec<u8>,
    place: RowPlace,
    /// Whether the last byte was a carriage return: a line feed after it ends the same line.
    after_return: bool,
    /// The number of the line last read, from 1.
    line: u64,
}

/// Where in a row reading is. A quote is one only where a field begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowPlace {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within a quoted field: its end, or the first of two that stand for one.
    AfterQuote,
}

impl RowPlace {
    fn after(self, byte: u8) -> RowPlace {
        match (self, byte) {
            (RowPlace::FieldStart, b'"') | (RowPlace::AfterQuote, b'"') => RowPlace::Quoted,
            (RowPlace::Quoted, b'"') => RowPlace::AfterQuote,
            (RowPlace::Quoted, _) => RowPlace::Quoted,
            (_, b',') => RowPlace::FieldStart,
            _ => RowPlace::Plain,
        }
    }
}

impl Lines {
    fn open(path: &str, cx: &Cx) -> Result<Lines> {
        let file = file_input::open_text(path, cx)?;
        Ok(Lines {
            path: path.to_owned(),
            file: BufReader::new(file),
            row: Vec::new(),
            place: RowPlace::FieldStart,
            after_return: false,
            line: 0,
        })
    }

    /// Reads on to the end of the row. `false` if the file ends before.
    fn read(&mut self, cx: &Cx) -> Result<bool> {
        loop {
            cx.token.check()?;
            let bytes = match self.file.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                bytes => bytes.map_err(|e| read_error(&self.path, &e, cx))?,
            };
            if bytes.is_empty() {
                return Ok(false);
            }
            let mut taken = 0;
            let mut is_whole = false;
            for &byte in bytes {
                taken += 1;
                let ends_same_line = byte == b'\n' && std::mem::take(&mut self.after_return);
                if ends_same_line && self.row.is_empty() {
                    continue;
                }
                self.row.push(byte);
                self.after_return = byte == b'\r';
                let ends_line = matches!(byte, b'\r' | b'\n') && !ends_same_line;
                self.line += u64::from(ends_line);
                if ends_line && self.place != RowPlace::Quoted {
                    self.place = RowPlace::FieldStart;
                    is_whole = true;
                    break;
                }
                self.place = self.place.after(byte);
            }
            self.file.consume(taken);
            size::check_bytes(self.row.len(), "a row of a CSV file")?;
            if is_whole {
                return Ok(true);
            }
        }
    }

    /// The row as a vector; `None` for a blank line.
    fn take(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let row = parse(&self.row, cx)
            .map_err(|e| e.context(format!("{}, line {}", self.path, self.line.max(1))));
        self.row.clear();
        self.place = RowPlace::FieldStart;
        row
    }
}

/// The rows of a file.
struct Rows {
    lines: Lines,
    at_end: AtEnd,
    beat: Option<Beat>,
}

impl Rows {
    fn next_row(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            cx.token.check()?;
            if self.lines.read(cx)? {
                if let Some(row) = self.lines.take(cx)? {
                    return Ok(Some(row));
                }
                continue;
            }
            // In a file that still grows the row may, too.
            if self.at_end != AtEnd::Wait
                && !self.lines.row.is_empty()
                && let Some(row) = self.lines.take(cx)?
            {
                return Ok(Some(row));
            }
            match self.at_end {
                AtEnd::Stop => return Ok(None),
                AtEnd::Wait => cx.token.sleep(LOOK_AGAIN)?,
                AtEnd::Restart => {
                    if self.lines.line == 0 {
                        cx.token.sleep(LOOK_AGAIN)?;
                    }
                    self.lines = Lines::open(&self.lines.path, cx)?;
                }
            }
        }
    }
}

impl Source for Rows {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let row = self.next_row(cx)?;
        if let (Some(beat), Some(_)) = (&mut self.beat, &row) {
            beat.wait(cx)?;
        }
        Ok(row)
    }
}

/// The fields of one row; `None` if there is nothing but its end.
fn parse(row: &[u8], cx: &Cx) -> Result<Option<Value>> {
    // Before the reader takes memory for each of them.
    let count = row.iter().filter(|b| **b == b',').count() + 1;
    size::check_elements(count, "a row")?;
    if let Some(line) = without_quotes(row) {
        if line.is_empty() {
            return Ok(None);
        }
        let line = std::str::from_utf8(line).map_err(|_| no_text())?;
        return vector(count, line.split(','), cx).map(Some);
    }
    parse_quoted(row, count, cx)
}

/// The same of any row, by the library; `count` are the fields that it has at most.
fn parse_quoted(row: &[u8], count: usize, cx: &Cx) -> Result<Option<Value>> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(row.len())
        .from_reader(row);
    let mut record = StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => vector(count, record.iter(), cx).map(Some),
        Ok(false) => Ok(None),
        Err(_) => Err(no_text()),
    }
}

/// The row without its end, if it is one line without a quote: then each comma ends a field. To make a
/// reader of the library's takes many times as long as to read such a row.
fn without_quotes(row: &[u8]) -> Option<&[u8]> {
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let length = row
        .iter()
        .rposition(|b| !ends(b))
        .map_or(0, |last| last + 1);
    let line = &row[..length];
    let plain = !line.iter().any(|byte| *byte == b'"' || ends(byte));
    plain.then_some(line)
}

fn vector<'t>(count: usize, fields: impl Iterator<Item = &'t str>, cx: &Cx) -> Result<Value> {
    let looks = cx.token.looks();
    let mut values = Vec::with_capacity(count);
    for text in looks.each(fields) {
        values.push(field(text?));
    }
    Ok(Value::Vector(values.into()))
}

fn no_text() -> Error {
    Error::run("the row is not UTF-8 text")
}

fn field(text: &str) -> Value {
    match text {
        "" => Value::Null,
        "nan" => Value::Real(f64::NAN),
        "inf" => Value::Real(f64::INFINITY),
        "-inf" => Value::Real(f64::NEG_INFINITY),
        text => number::parse(text).unwrap_or_else(|| text.into()),
    }
}

fn from_string(cx: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(
        parse(args.str(0)?.as_bytes(), cx)?.unwrap_or_else(|| Value::vector([])),
    ))
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
    fn rows_without_quotes_are_split_as_the_library_reads_them() {
        let cx = cx();
        let parts: [&[u8]; 8] = [b",", b"a", b"1", b".5", b" ", b"\xc3\xa9", b"\xff", b"-"];
        let ends: [&[u8]; 4] = [b"", b"\n", b"\r\n", b"\r"];
        for case in 0_usize..20_000 {
            let mut number = case * 2_654_435_761 % (1 << 32);
            let mut row = Vec::new();
            for _ in 0..number % 7 {
                number /= 8;
                row.extend_from_slice(parts[number % parts.len()]);
            }
            row.extend_from_slice(ends[case % ends.len()]);
            let printed = |read: Result<Option<Value>>| match read {
                Ok(row) => format!("{row:?}"),
                Err(error) => error.to_string(),
            };
            let quickly = printed(parse(&row, &cx));
            // Without a byte it would have no buffer to read into.
            let count = row.len() + 1;
            let by_library = match row.is_empty() {
                true => printed(Ok(None)),
                false => printed(parse_quoted(&row, count, &cx)),
            };
            assert_eq!(quickly, by_library, "{row:?}");
        }
    }

    #[test]
    fn one_row_from_a_string() {
        let fields = |row: &str| printed("csv:from_string", &[row.into()]);
        assert_eq!(fields("1,2.5,a b,\"c,d\","), "[1,2.5,\"a b\",\"c,d\",null]");
        assert_eq!(fields(""), "[]");
    }
}
