//! Comma-separated values (RFC 4180): files as streams of vectors, and vectors into files.

mod reading;
mod writing;

use crate::model::csv::{CsvFieldReader, RowEnds};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value};
use crate::text::diagnostic::Result;

pub const NATIVES: Natives = &[
    Native::new("file_stream", reading::file_stream)
        .fields("file_fields")
        .reads_files()
        .rows(|of| of.of_file(0, 40.0)),
    Native::new("file_fields", reading::file_fields)
        .streaming_fields()
        .reads_files()
        .rows(|of| of.of_file(0, 40.0)),
    Native::new("file_records", reading::file_records)
        .reads_files()
        .rows(|of| of.of_file(0, 40.0)),
    Native::new("from_string", from_string),
    Native::new("write_file", writing::write_file).acting(),
    Native::new("write_through", writing::write_through).acting(),
];

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
            "error: a row of a CSV file is a vector or a record, not 1"
        );
    }

    #[test]
    fn one_row_from_a_string() {
        let fields = |row: &str| printed("csv:from_string", &[row.into()]);
        assert_eq!(fields("1,2.5,a b,\"c,d\","), "[1,2.5,\"a b\",\"c,d\",null]");
        assert_eq!(fields(""), "[]");
    }
}
