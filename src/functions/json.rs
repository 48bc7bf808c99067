//! JSON: values to text and back, and files of it.

use std::io::{BufReader, Write};

use super::file::Output;
use crate::host::{file_input, http};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Source, Value, json};
use crate::run::call::short;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("stringify", |cx, a| {
        json::to_string(a.value(0), &cx.token.looks()).map(|s| Some(s.into()))
    }),
    Native::new("unstringify", |cx, a| {
        json::from_slice(a.str(0)?.as_bytes(), &cx.token.looks()).map(Some)
    }),
    Native::new("unstringify_record", unstringify_record),
    Native::new("file_stream", file_stream),
    Native::new("write_file", write_file).acting(),
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
        let file = file_input::open_text(&path, cx)?;
        let values = json::from_reader(BufReader::new(file));
        Ok(Box::new(Values {
            path: path.clone(),
            values: Box::new(values),
        }))
    })))
}

/// The JSON values of a file.
struct Values {
    path: String,
    values: Box<dyn Iterator<Item = Result<Value>> + Send>,
}

impl Source for Values {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        let value = self.values.next().transpose();
        if value.is_err() {
            // It may be that the wait for more was stopped.
            cx.token.check()?;
        }
        value.map_err(|e| e.context(&self.path))
    }
}

fn write_file(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut elements = args.open(1, cx)?;
    let mut output = Output::create(args.str(0)?, cx)?;
    while let Some(element) = elements.next(cx)? {
        let mut line = json::to_string(&element, &cx.token.looks())?;
        line.push('\n');
        output.write(|file| file.write_all(line.as_bytes()))?;
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
