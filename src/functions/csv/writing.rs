//! Rows that go into a file.

use crate::functions::file::output::{OUTPUT_OPTIONS, Output, OutputOptions};
use crate::functions::mqtt::settings;
use crate::model::csv_row::{CsvColumns, ROWS_FOR_NAMES};
use crate::model::{Args, Cx, Record, Source, Value};
use crate::mqtt::SettingsReader;
use crate::text::diagnostic::{Error, Result};

/// What the first line of a file says.
#[derive(Clone)]
enum Header {
    /// The keys of records; nothing where rows are vectors.
    Found,
    None,
    Given(CsvNames),
}

type CsvNames = Vec<std::sync::Arc<str>>;

/// A file of rows.
struct CsvOutput {
    output: Output,
    header: Header,
    /// Known once the first rows are.
    columns: Option<CsvColumns>,
}

impl CsvOutput {
    fn open(path: &str, options: &Options, cx: &Cx) -> Result<CsvOutput> {
        Ok(CsvOutput {
            output: Output::open(path, options.output.clone(), cx)?,
            header: options.header.clone(),
            columns: None,
        })
    }

    /// Begins the file, whose first rows are these.
    fn begin(&mut self, first: &[Value]) -> Result<()> {
        let columns = match &self.header {
            Header::Given(names) => CsvColumns::Named(names.clone()),
            _ => CsvColumns::of(first),
        };
        if !matches!(self.header, Header::None)
            && let Some(header) = columns.header()
        {
            self.output.begin_with(header)?;
        }
        self.columns = Some(columns);
        Ok(())
    }

    fn write(&mut self, row: &Value, cx: &Cx) -> Result<()> {
        if !matches!(row, Value::Vector(_) | Value::Record(_)) {
            return Err(Error::run(format!(
                "a row of a CSV file is a vector or a record, not {row}"
            ))
            .help("[x] makes a vector of x"));
        }
        if self.columns.is_none() {
            self.begin(std::slice::from_ref(row))?;
        }
        match &self.columns {
            Some(columns) => {
                let line = columns.line(row, &cx.token.looks())?;
                self.output.write(line.as_bytes())
            }
            None => Ok(()),
        }
    }
}

struct Options {
    output: OutputOptions,
    header: Header,
}

impl Options {
    const USUAL: Options = Options {
        output: OutputOptions {
            append: false,
            rotate: None,
            keep: None,
        },
        header: Header::Found,
    };

    fn read(given: &Record) -> Result<Options> {
        let header = match given.get("header") {
            None | Some(Value::Bool(true) | Value::Null) => Header::Found,
            Some(Value::Bool(false)) => Header::None,
            Some(Value::Vector(names)) => {
                let name = |name: &Value| match name {
                    Value::Str(name) => Ok(name.clone()),
                    other => Err(wrong_header(other)),
                };
                Header::Given(names.iter().map(name).collect::<Result<_>>()?)
            }
            Some(other) => return Err(wrong_header(other)),
        };
        let others = given.iter().filter(|(key, _)| &***key != "header");
        let others: Record = others.map(|(k, v)| (k.clone(), v.clone())).collect();
        let given = settings(&others);
        let reader = SettingsReader(&given);
        reader.refuse_unknown(&OUTPUT_OPTIONS, "csv:write_file")?;
        Ok(Options {
            output: OutputOptions::read(&reader)?,
            header,
        })
    }
}

fn wrong_header(given: &Value) -> Error {
    Error::run(format!(
        "the header is true, false or the names of the columns, not {given}"
    ))
    .help("write {\"header\": [\"room\", \"celsius\"]}")
}

pub fn write_file(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let options = match args.len() {
        3 => Options::read(args.record(2)?)?,
        _ => Options::USUAL,
    };
    let is_finite = matches!(args.value(1), Value::Bag(_));
    let mut rows = args.open(1, cx)?;
    let mut output = CsvOutput::open(args.str(0)?, &options, cx)?;
    // What is finite may have records with different fields.
    let mut first = Vec::new();
    while is_finite && first.len() < ROWS_FOR_NAMES {
        match rows.next(cx)? {
            Some(row) => first.push(row),
            None => break,
        }
    }
    if !first.is_empty() || matches!(output.header, Header::Given(_)) {
        output.begin(&first)?;
    }
    for row in &first {
        output.write(row, cx)?;
    }
    while let Some(row) = rows.next(cx)? {
        output.write(&row, cx)?;
    }
    output.output.finish()?;
    Ok(Some(Value::Bool(true)))
}

/// The bag or stream that writes its rows as it is read.
pub fn write_through(_: &Cx, args: Args) -> Result<Option<Value>> {
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
            output: Some(CsvOutput::open(&path, &Options::USUAL, cx)?),
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
    output: Option<CsvOutput>,
    every: u64,
    count: u64,
}

impl Source for Through {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(output) = &mut self.output {
            let Some(row) = self.rows.next(cx)? else {
                break;
            };
            output.write(&row, cx)?;
            self.count += 1;
            if self.count.is_multiple_of(self.every) {
                return Ok(Some(row));
            }
        }
        self.output
            .take()
            .map_or(Ok(None), |output| output.output.finish().map(|()| None))
    }
}
