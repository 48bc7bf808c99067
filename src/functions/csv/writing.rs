//! Rows that go into a file.

use csv::WriterBuilder;

use crate::functions::file::Output;
use crate::model::{Args, Cx, Source, Value, json};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

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

pub fn write_file(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut rows = args.open(1, cx)?;
    let mut output = Output::create(args.str(0)?, cx)?;
    while let Some(row) = rows.next(cx)? {
        write_row(&mut output, &row, cx)?;
    }
    output.finish()?;
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
