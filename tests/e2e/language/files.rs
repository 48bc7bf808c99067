//! Text files that other programs wrote: how their lines end, the mark before their text, numbers that
//! are none.

use crate::support::session::Db;

/// A file that holds these bytes, as long as it is kept, and its path.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("writes");
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn a_row_may_end_with_a_carriage_return() {
    for text in [
        "1,2\r3,4\r",
        "1,2\n3,4\n",
        "1,2\r\n3,4\r\n",
        "1,2\r3,4",
        "\r1,2\n\r3,4",
    ] {
        let (_folder, path) = file("rows.csv", text.as_bytes());
        Db::new().gives(&format!("csv:file_stream('{path}');"), "[1,2]\n[3,4]");
    }
    let (_folder, path) = file("quoted.csv", b"\"a\rb\",1\r\"c\"\"\r\",2\r");
    Db::new().gives(
        &format!("csv:file_stream('{path}');"),
        r#"["a\rb",1]
        ["c\"\r",2]"#,
    );
}

#[test]
fn a_quote_within_a_field_swallows_no_row() {
    let (_folder, path) = file("inches.csv", b"3\" pipe,1\n4,2\n");
    Db::new().gives(
        &format!("csv:file_stream('{path}');"),
        r#"["3\" pipe",1]
        [4,2]"#,
    );
}

#[test]
fn a_row_is_named_by_the_line_it_is_in() {
    let (_folder, path) = file("bad.csv", b"1\r\n\"a\r\nb\"\r\n\xff\r\n");
    Db::new().fails(
        &format!("csv:file_stream('{path}');"),
        &["bad.csv, line 4: the row is not UTF-8 text"],
    );
}

#[test]
fn what_is_no_finite_number_comes_back() {
    let (_folder, path) = file("reals.csv", b"");
    Db::new().gives(
        &format!(
            "csv:write_file('{path}', bag([exp(1000), -exp(1000), exp(1000)-exp(1000), 1e300]));
             readlines('{path}');
             csv:file_stream('{path}');"
        ),
        r#"true
        "inf,-inf,nan,1e300"
        [inf,-inf,nan,1e300]"#,
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let (_folder, path) = file("m.txt", b"\xef\xbb\xbf1,2\n");
    let mut db = Db::new();
    db.gives(&format!("csv:file_stream('{path}');"), "[1,2]");
    db.gives(&format!("readlines('{path}');"), "\"1,2\"");
    db.gives(
        &format!("read_file_chunked('{path}', 100);"),
        "binary(\"efbbbf312c320a\")",
    );
    let (_folder, path) = file("m.json", b"\xef\xbb\xbf{\"a\":1}\n[2]");
    db.gives(&format!("json:file_stream('{path}');"), "{\"a\":1}\n[2]");
    db.gives("unstringify('\u{feff}[1]');", "[1]");
    let (_folder, path) = file("m.osql", b"\xef\xbb\xbfset :x = 7;");
    db.gives(&format!("load_osql('{path}') = null; :x;"), "7");
    // The beginning of a mark is text, and text that is shorter than a mark is whole.
    for (bytes, json) in [(&b"1"[..], "1"), (b"", ""), (b"12\n", "12")] {
        let (_folder, path) = file("short.json", bytes);
        db.gives(&format!("json:file_stream('{path}');"), json);
    }
    let (_folder, path) = file("cut.txt", b"\xef\xbb");
    db.fails(&format!("readlines('{path}');"), &["is not UTF-8 text"]);
}
