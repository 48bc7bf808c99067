//! What queries read of files field by field is what they read of whole rows and records: the same
//! results, and the same errors at the same places.

use std::fmt::Write;

use crate::support::random::{Random, cases, generator};
use crate::support::session::Db;

/// A file that holds these bytes, as long as it is kept, and its path.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("writes");
    let path = path.display().to_string();
    (folder, path)
}

/// Queries with `r` for what is read: `FROM` is the beginning of their conditions.
const OF_ROWS: [&str; 9] = [
    "select r[2], r[1] from Vector r where FROM",
    "select r[1] + 1 from Vector r where FROM and r[1] > 2",
    "sum(select r[1] from Vector r where FROM and r[2] != 'b')",
    "mean(select r[1] * 2 from Vector r where FROM)",
    "count(select r[3] from Vector r where FROM)",
    "count(select r from Vector r where FROM and r[1] > 2)",
    "select r[2], count(r[1]) from Vector r where FROM group by r[2]",
    "select r[1] from Vector r where FROM order by r[1] limit 3",
    "select distinct r[3] from Vector r where FROM and (r[1] = 3 or r[2] = 'a')",
];

const OF_RECORDS: [&str; 9] = [
    "select r['b'], r['a'] from Record r where FROM",
    "select r['a'] + 1 from Record r where FROM and r['a'] > 2",
    "sum(select r['a'] from Record r where FROM and r['b'] != 'b')",
    "mean(select r['a'] * 2 from Record r where FROM)",
    "count(select r['c'] from Record r where FROM)",
    "count(select r from Record r where FROM and r['a'] > 2)",
    "select r['b'], count(r['a']) from Record r where FROM group by r['b']",
    "select r['a'] from Record r where FROM order by r['a'] limit 3",
    "select distinct r['c'] from Record r where FROM and (r['a'] = 3 or r['b'] = 'a')",
];

fn row(random: &mut Random, text: &mut Vec<u8>) {
    let fields: [&[u8]; 16] = [
        b"1", b"2", b"3", b"4", b"-7", b"12", b"0.5", b"2.25", b"a", b"b", b"", b"\"a\"",
        b"\"x,y\"", b"\"3\"", b" 4 ", b"1e3",
    ];
    let width = if random.once_in(40) {
        random.below(5)
    } else {
        4
    };
    for field in 0..width {
        if field > 0 {
            text.push(b',');
        }
        // Mostly of one kind in each place.
        let choice = match field {
            _ if random.once_in(30) => random.below(fields.len()),
            0 => random.below(6),
            1 => 8 + random.below(2),
            _ => random.below(10),
        };
        text.extend_from_slice(fields[choice]);
    }
    if random.once_in(300) {
        text.extend_from_slice(b",\xff");
    }
    let ends: [&[u8]; 5] = [b"\n", b"\n", b"\r\n", b"\r", b"\n\n"];
    let end = random.of(&ends);
    text.extend_from_slice(end);
}

fn record(random: &mut Random, text: &mut Vec<u8>) {
    let values = [
        "1",
        "2",
        "3",
        "4",
        "-7",
        "12",
        "0.5",
        "2.25",
        "\"a\"",
        "\"b\"",
        "null",
        "true",
        "\"\\u0061\"",
        "[1,{\"a\":2}]",
        "-0",
        "\"grün\"",
        "1.5e3",
        "12345678901234567",
        "0.1234567890123456789",
        "\"\\ud83d\\ude00\\n\"",
        "{\"b\":[[[]],{}]}",
    ];
    if random.once_in(60) {
        text.extend_from_slice(random.of(&["7", "[1]", "\"a\"", "{}"]).as_bytes());
        text.push(b'\n');
        return;
    }
    let mut line = String::from("{");
    // Now and then a key comes twice.
    let keys = match random.once_in(40) {
        true => ["b", "x", "a", "b", "a"],
        false => ["b", "x", "a", "c", "y"],
    };
    for (at, key) in keys.iter().enumerate() {
        let choice = match *key {
            _ if random.once_in(30) => random.below(values.len()),
            "a" => random.below(6),
            "b" => 8 + random.below(2),
            _ => random.below(10),
        };
        if !random.once_in(50) {
            let comma = if at > 0 && line.len() > 1 { "," } else { "" };
            let space = if random.once_in(9) { " " } else { "" };
            write!(line, "{comma}\"{key}\":{space}{}", values[choice]).expect("writes");
        }
    }
    line.push('}');
    if random.once_in(300) {
        line.push_str("{\"a\":}");
    }
    text.extend_from_slice(line.as_bytes());
    text.extend_from_slice(random.of(&["\n", "\n", "\n", " ", "\r\n"]).as_bytes());
}

fn compare(name: &str, make: fn(&mut Random, &mut Vec<u8>), queries: &[&str], whole: &str) {
    let mut db = Db::new();
    for case in 0..cases(60) {
        let mut random = generator(case as u64);
        let mut text = Vec::new();
        let rows = if random.once_in(6) {
            3000
        } else {
            random.below(40)
        };
        for _ in 0..rows {
            make(&mut random, &mut text);
        }
        if random.once_in(5) {
            text.splice(0..0, "\u{feff}".bytes());
        }
        let (_folder, path) = file(name, &text);
        let stream = match name {
            "rows.csv" => format!("csv:file_stream('{path}')"),
            _ => format!("json:file_stream('{path}')"),
        };
        let query = random.of(queries);
        let by_field = query.replace("FROM", &format!("r in {stream}"));
        // Whoever looks at all of it gets all of it.
        let only_whole = format!(" and {whole} >= 0");
        let of_whole = query.replace("FROM", &format!("r in {stream}{only_whole}"));
        let plan = db.run(&format!("explain({by_field});"));
        assert!(plan.contains(&format!("{path}\\\",[")), "{plan}");
        let fields = db.run(&format!("{by_field};"));
        // An error may quote the query.
        let all = db.run(&format!("{of_whole};")).replace(&only_whole, "");
        assert_eq!(
            fields,
            all,
            "case {case}: {by_field}\n{}",
            String::from_utf8_lossy(&text)
        );
    }
}

#[test]
fn rows_by_field_are_whole_rows() {
    compare("rows.csv", row, &OF_ROWS, "dim(r)");
}

#[test]
fn records_by_field_are_whole_records() {
    compare("values.json", record, &OF_RECORDS, "record_length(r)");
}

/// Queries with `r` for the record that a payload `b` holds.
const OF_PAYLOADS: [&str; 9] = [
    "select r['b'], r['a'] from Record r, Binary b where FROM",
    "select r['a'] + 1 from Record r, Binary b where FROM and r['a'] > 2",
    "sum(select r['a'] from Record r, Binary b where FROM and r['b'] != 'b')",
    "count(select r['c'] from Record r, Binary b where FROM)",
    "select r from Record r, Binary b where FROM and r['a'] > 2",
    "select r from Record r, Binary b where FROM",
    "select r['a'], b from Record r, Binary b where FROM and (r['a'] = 3 or r['b'] = 'a')",
    "select r['b'], count(r['a']) from Record r, Binary b where FROM group by r['b']",
    "select distinct r['c'] from Record r, Binary b where FROM order by r['c']",
];

/// Fields of records that payloads hold are those of the whole records, and so is what is wrong.
#[test]
fn payloads_by_field_are_whole_payloads() {
    let mut db = Db::new();
    for case in 0..cases(60) {
        let mut random = generator(1000 + case as u64);
        let payloads = if random.once_in(6) {
            1500
        } else {
            random.below(30)
        };
        let mut all = Vec::new();
        for _ in 0..payloads {
            let mut text = Vec::new();
            if random.once_in(100) {
                text.extend_from_slice("\u{feff}".as_bytes());
            }
            record(&mut random, &mut text);
            if random.once_in(150) {
                let at = random.below(text.len());
                text.truncate(at);
            }
            if random.once_in(150) {
                let at = random.below(text.len() + 1);
                text.insert(at, *random.of(b"\xff{}\"\\,:0 "));
            }
            let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
            all.push(format!("binary('{hex}')"));
        }
        db.run(&format!("set :payloads = [{}];", all.join(",")));
        let query = random.of(&OF_PAYLOADS);
        let of = "b in :payloads and r = json:unstringify(charstring(b))";
        let by_field = query.replace("FROM", of);
        let only_whole = " and record_length(r) >= 0";
        let of_whole = query.replace("FROM", &format!("{of}{only_whole}"));
        let fields = db.run(&format!("{by_field};"));
        let whole = db.run(&format!("{of_whole};")).replace(only_whole, "");
        assert_eq!(fields, whole, "case {case}: {by_field}");
    }
}

#[test]
fn what_is_asked_for_is_in_the_plan() {
    let (_folder, path) = file("t.json", b"{\"a\":1,\"b\":2}\n{\"b\":3}\n");
    let mut db = Db::new();
    db.gives(
        &format!("select r['b'] * 2 from Record r where r in json:file_stream('{path}');"),
        "4\n6",
    );
    // Whoever names fields gets these.
    db.gives(
        &format!("json:file_stream('{path}', ['b']);"),
        "{\"b\":2}\n{\"b\":3}",
    );
    db.gives(
        &format!("select r from Record r where r in json:file_stream('{path}', ['a']);"),
        "{\"a\":1}\n{}",
    );
    db.gives(
        &format!("select r['b'] from Record r where r in json:file_stream('{path}', ['a']);"),
        "null\nnull",
    );
    let (_folder, path) = file("t.csv", b"1,a,2.5\n2,b\n");
    db.gives(
        &format!("csv:file_stream('{path}', [3,1]);"),
        "[1,null,2.5]\n[2,null]",
    );
    db.gives(
        &format!("csv:file_stream('{path}', 'read', [2,2]);"),
        "[null,\"a\",null]\n[null,\"b\"]",
    );
    db.gives(
        &format!("select r[3] from Vector r where r in csv:file_stream('{path}');"),
        "2.5",
    );
    db.gives(
        "select r['b'] from Record r where r = json:unstringify('{\"a\":[1,{\"x\":null}],\"b\":7}');",
        "7",
    );
    db.fails(
        "select r['b'] from Record r where r = json:unstringify('{\"a\":[1,],\"b\":7}');",
        &["not JSON: trailing comma at line 1 column 9"],
    );
}
