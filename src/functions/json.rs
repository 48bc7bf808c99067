//! JSON: values to text and back, and files of it.

use std::sync::Arc;

use super::file::output::{OUTPUT_OPTIONS, Output, OutputOptions};
use super::mqtt::settings;
use crate::host::http;
use crate::host::json_file::{JsonFile, Scanned};
use crate::model::collection::{BATCH, FieldBatch};
use crate::model::column::ColumnBuilder;
use crate::model::json_fields::FieldScanner;
use crate::model::native::{BatchArgs, BatchForm, Native, Natives};
use crate::model::{Args, BatchColumn, Cx, Source, Value, json};
use crate::mqtt::SettingsReader;
use crate::run::call::short;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("stringify", |cx, a| {
        json::to_string(a.value(0), &cx.token.looks()).map(|s| Some(s.into()))
    }),
    Native::new("unstringify", |cx, a| {
        json::from_slice(a.str(0)?.as_bytes(), &cx.token.looks()).map(Some)
    })
    .fields("unstringify_fields")
    .batch(BatchForm::Column(values_of_texts))
    .fields_of_texts(fields_of_texts),
    Native::new("unstringify_fields", unstringify_fields).fields_of_texts(fields_of_texts),
    Native::new("unstringify_record", unstringify_record),
    Native::new("file_stream", file_stream)
        .fields("file_fields")
        .reads_files()
        .rows(|of| of.of_file(0, 80.0)),
    Native::new("file_fields", file_fields)
        .streaming_fields()
        .reads_files()
        .rows(|of| of.of_file(0, 80.0)),
    Native::new("write_file", write_file).only_acting(),
    Native::new("request", request).acting(),
];

fn unstringify_record(cx: &Cx, args: Args) -> Result<Option<Value>> {
    record(args.str(0)?.as_bytes(), cx).map(Some)
}

/// The record that a JSON text is.
fn record(text: &[u8], cx: &Cx) -> Result<Value> {
    match json::from_slice(text, &cx.token.looks())? {
        record @ Value::Record(_) => Ok(record),
        other => Err(Error::run(format!(
            "a JSON object is wanted here, not {}",
            short(&other)
        ))),
    }
}

fn request(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let url = args.str(0)?;
    let answer = http::get(cx, url)?;
    let answer = record(&answer, cx).map_err(|e| e.context(format!("the answer of {url}")))?;
    Ok(Some(answer))
}

fn file_stream(_: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(0)?.to_owned();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(FileValues(JsonFile::open(&path, cx)?)))
    })))
}

/// The keys that an argument names.
fn keys(args: Args, i: usize) -> Result<Vec<Arc<str>>> {
    let key = |key: &Value| match key {
        Value::Str(key) => Ok(key.clone()),
        other => Err(Error::run(format!(
            "the key of a record is a string, not {other}"
        ))),
    };
    args.vector(i)?.iter().map(key).collect()
}

fn unstringify_fields(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let text = args.str(0)?;
    let mut scanner = FieldScanner::new(keys(args, 1)?);
    let read = |text: &str| json::from_slice(text.as_bytes(), &cx.token.looks()).ok();
    if let Some(object) = scanner.whole_object(text.as_bytes())
        && let Some(record) = scanner.record(object, read)
    {
        return Ok(Some(record));
    }
    let value = json::from_slice(text.as_bytes(), &cx.token.looks())?;
    Ok(Some(match value {
        Value::Record(record) => scanner.reduced(&record),
        other => other,
    }))
}

/// The JSON texts of a column of strings, or of binaries that hold them.
fn texts<'a>(args: BatchArgs<'a>) -> impl Iterator<Item = Option<&'a [u8]>> {
    let text = move |row: usize| {
        let column = &args.columns[0];
        let text = match column {
            BatchColumn::Values(values) => match values.get(row)? {
                Value::Binary(bytes) => &bytes[..],
                value => value.as_str()?.as_bytes(),
            },
            column => column.text(row)?.as_bytes(),
        };
        // Whether to stop is asked as often as for what else is read.
        args.looks.steps(1 + text.len() / 16).ok()?;
        Some(text)
    };
    (0..args.rows).map(text)
}

fn values_of_texts(args: BatchArgs) -> Option<BatchColumn> {
    let values = texts(args).map(|text| json::from_slice(text?, args.looks).ok());
    let values = values.collect::<Option<Vec<Value>>>()?;
    Some(BatchColumn::of_elements(values))
}

fn fields_of_texts(args: BatchArgs, keys: &[Value]) -> Option<Vec<BatchColumn>> {
    let names = keys.iter().map(|key| match key {
        Value::Str(key) => Some(key.clone()),
        _ => None,
    });
    let mut scanner = FieldScanner::new(names.collect::<Option<_>>()?);
    let mut columns = vec![ColumnBuilder::default(); keys.len()];
    let read = |text: &str| json::from_slice(text.as_bytes(), args.looks).ok();
    for text in texts(args) {
        let text = text?;
        if let Some(object) = scanner.whole_object(text)
            && scanner.add_to(&mut columns, object, read).is_some()
        {
            continue;
        }
        match json::from_slice(text, args.looks) {
            Ok(Value::Record(record)) => scanner.add_record_to(&mut columns, &record),
            _ => return None,
        }
    }
    Some(columns.into_iter().map(ColumnBuilder::finish).collect())
}

fn file_fields(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (path, keys) = (args.str(0)?.to_owned(), keys(args, 1)?);
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(FileFields {
            file: JsonFile::open(&path, cx)?,
            scanner: FieldScanner::new(keys.clone()),
            width: keys.len(),
            other: None,
            failed: None,
        }))
    })))
}

/// The values of a file, of which records have some fields only.
struct FileFields {
    file: JsonFile,
    scanner: FieldScanner,
    /// How many fields are wanted.
    width: usize,
    /// What is no record and stands behind the latest batch.
    other: Option<Value>,
    /// What is wrong behind the latest batch.
    failed: Option<Error>,
}

impl FileFields {
    /// Adds the next record to columns. `false` at the end, and before anything else.
    fn add_next(&mut self, columns: &mut [ColumnBuilder], cx: &Cx) -> Result<bool> {
        let read = |text: &str| json::from_slice(text.as_bytes(), &cx.token.looks()).ok();
        let add = |scanner: &FieldScanner, text: &str| scanner.add_to(columns, text, read);
        match self.file.scan(&mut self.scanner, add, cx)? {
            Some(Scanned::Fields(())) => Ok(true),
            Some(Scanned::Value(Value::Record(record))) => {
                self.scanner.add_record_to(columns, &record);
                Ok(true)
            }
            Some(Scanned::Value(other)) => {
                self.other = Some(other);
                Ok(false)
            }
            None => Ok(false),
        }
    }

    /// Adds the next records to columns, as many as are at hand, or one; gives how many.
    fn add_many(&mut self, columns: &mut [ColumnBuilder], cx: &Cx) -> Result<usize> {
        let looks = cx.token.looks();
        let mut rows = 0;
        while rows < BATCH {
            rows += self
                .file
                .scan_many(&mut self.scanner, BATCH - rows, |scanner, text| {
                    let read = |text: &str| json::from_slice(text.as_bytes(), &looks).ok();
                    scanner.add_to(columns, text, read)
                });
            if rows == BATCH || rows > 0 && !self.file.is_at_hand() {
                break;
            }
            match self.add_next(columns, cx) {
                Ok(true) => rows += 1,
                Ok(false) => break,
                Err(error) if rows == 0 => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(rows)
    }
}

impl Source for FileFields {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if let Some(other) = self.other.take() {
            return Ok(Some(other));
        }
        let read = |text: &str| json::from_slice(text.as_bytes(), &cx.token.looks()).ok();
        let record = |scanner: &FieldScanner, text: &str| scanner.record(text, read);
        Ok(match self.file.scan(&mut self.scanner, record, cx)? {
            Some(Scanned::Fields(record)) => Some(record),
            Some(Scanned::Value(Value::Record(record))) => Some(self.scanner.reduced(&record)),
            Some(Scanned::Value(other)) => Some(other),
            None => None,
        })
    }

    fn fields(&mut self, cx: &Cx) -> Result<Option<FieldBatch>> {
        cx.token.check()?;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut columns = vec![ColumnBuilder::default(); self.width];
        let rows = match self.other {
            Some(_) => 0,
            None => self.add_many(&mut columns, cx)?,
        };
        if rows > 0 {
            let columns = columns.into_iter().map(ColumnBuilder::finish).collect();
            return Ok(Some(FieldBatch::Columns(columns)));
        }
        let other = self.other.take();
        Ok(other.map(|other| FieldBatch::Elements(vec![other])))
    }
}

/// The values of a file.
struct FileValues(JsonFile);

impl Source for FileValues {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        self.0.next(cx)
    }
}

fn write_file(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let options = match args.len() {
        3 => {
            let given = settings(args.record(2)?);
            let reader = SettingsReader(&given);
            reader.refuse_unknown(&OUTPUT_OPTIONS, "json:write_file")?;
            OutputOptions::read(&reader)?
        }
        _ => OutputOptions::default(),
    };
    let mut elements = args.open(1, cx)?;
    let mut output = Output::open(args.str(0)?, options, cx)?;
    while let Some(element) = elements.next(cx)? {
        let mut line = json::to_string(&element, &cx.token.looks())?;
        line.push('\n');
        output.write(line.as_bytes())?;
    }
    output.finish()?;
    Ok(Some(args.value(0).clone()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, elements, printed};
    use super::*;

    #[test]
    fn a_file_holds_what_was_written() {
        let folder = std::env::temp_dir().join(format!("osql-json-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = Value::str(folder.join("values.json").to_string_lossy());
        let values = Value::bag(vec![1.into(), Value::vector(["a".into(), Value::Null])]);
        assert_eq!(
            call("json:write_file", &[path.clone(), values]).expect("writes"),
            Some(path.clone())
        );
        let text = std::fs::read_to_string(path.as_str().expect("a string")).expect("a file");
        assert_eq!(text, "1\n[\"a\",null]\n");
        let stream = call("json:file_stream", std::slice::from_ref(&path))
            .expect("opens")
            .expect("a stream");
        assert_eq!(elements(&stream), "bag(1,[\"a\",null])");
        // A description: it starts anew each time.
        assert_eq!(elements(&stream), "bag(1,[\"a\",null])");
        std::fs::write(path.as_str().expect("a string"), "1 x").expect("writes");
        assert!(
            elements(&stream).contains("values.json: not JSON: expected value at line 1 column 3")
        );
        std::fs::remove_dir_all(&folder).expect("removes");
        assert!(elements(&stream).starts_with("error: cannot read "));
    }

    #[test]
    fn only_an_object_is_a_record() {
        assert_eq!(
            printed("json:unstringify_record", &["[1]".into()]),
            "error: a JSON object is wanted here, not [1]"
        );
    }
}
