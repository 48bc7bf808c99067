//! CSV and JSON that other programs read: headers, records as columns, files that are added to and put aside.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::osql::{Output, osql};
use crate::support::session::Db;
use crate::support::wait::wait_until;

/// What Python's csv module reads, row by row, as JSON.
fn read_by_python(text: &str) -> String {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("rows.csv");
    fs::write(&path, text).expect("writes");
    let script = "import csv, json, sys\n\
                  for row in csv.reader(open(sys.argv[1], newline='', encoding='utf-8')): print(json.dumps(row, ensure_ascii=False))";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(&path)
        .output()
        .expect("python3 runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn csv(statements: &str) -> Output {
    osql().args(["--format", "csv", "-o", statements]).run()
}

#[test]
fn results_stand_under_the_names_of_their_columns() {
    for (statements, text) in [
        (
            "select x as a, 'x,' + x as b from Integer x where x in iota(1,2);",
            "a,b\n1,\"x,1\"\n2,\"x,2\"\n",
        ),
        (
            "select x as a from Integer x where x in iota(1,2);",
            "a\n1\n2\n",
        ),
        (
            "select x as a, x as b from Integer x where x in bag() and x > 0;",
            "a,b\n",
        ),
        ("1+1; [1,'a b',null];", "2\n1,a b,\n"),
        (
            "bag({'a':1,'b':'x'},{'b':'y','c d':[1,2]});",
            "a,b,c d\n1,x,\n,y,\"[1,2]\"\n",
        ),
        (
            "select {'a':1} as r from Integer x where x = 1;",
            "r\n\"{\"\"a\"\":1}\"\n",
        ),
        (
            "select |2026-01-31T12:00:00.5Z| as at, binary('01ff') as bytes, true as ok, 1.50 as r from Integer x where x = 1;",
            "at,bytes,ok,r\n2026-01-31T12:00:00.500Z,01ff,true,1.5\n",
        ),
        (
            "create table t(room Charstring, temp Real); insert into t values ('hall',20.5); select * from t;",
            "1\nroom,temp\nhall,20.5\n",
        ),
    ] {
        csv(statements).expect_ok(text);
    }
    let without = osql()
        .args(["--format", "csv", "--no-header", "-o"])
        .arg("select x as a, x as b from Integer x where x in iota(1,2); bag({'a':1});")
        .run();
    without.expect_ok("1,1\n2,2\n1\n");
}

#[test]
fn python_reads_what_is_written() {
    let statements = r#"
        bag({"a": "it's", "b": "say \"yes\", twice"}, {"a": "two\nlines", "b": null},
            {"a": " blanks ", "b": "åäö"}, {"a": "\r", "b": 1.5});"#;
    let written = csv(statements).stdout;
    assert_eq!(
        read_by_python(&written),
        r#"["a", "b"]
["it's", "say \"yes\", twice"]
["two\nlines", ""]
[" blanks ", "åäö"]
["\r", "1.5"]
"#
    );
}

#[test]
fn records_come_back() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("rows.csv");
    let script = |text: &str| text.replace("FILE", &file.display().to_string());
    let mut db = Db::new();
    db.gives(
        &script(
            r#"csv:write_file('FILE', bag({"room": "hall, north", "temp": 20.5}, {"room": null, "note": "a\nb"}));
               csv:file_records('FILE');
               select r["temp"] from Record r where r in csv:file_records('FILE') and r["room"] = 'hall, north';
               csv:file_stream('FILE');"#,
        ),
        r#"true
           {"room":"hall, north","temp":20.5,"note":null}
           {"room":null,"temp":null,"note":"a\nb"}
           20.5
           ["room","temp","note"]
           ["hall, north",20.5,null]
           [null,null,"a\nb"]"#,
    );
    assert_eq!(
        read_by_python(&fs::read_to_string(&file).expect("a file")),
        "[\"room\", \"temp\", \"note\"]\n[\"hall, north\", \"20.5\", \"\"]\n[\"\", \"\", \"a\\nb\"]\n"
    );
    fs::write(&file, "a,b\n1,2\n1,2,3\n").expect("writes");
    db.fails(
        &script("csv:file_records('FILE');"),
        &["line 3: the row has 3 fields, and the header 2"],
    );
}

#[test]
fn the_header_is_given_or_left_out() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("rows.csv");
    let mut db = Db::new();
    let mut written = |value: &str, options: &str| {
        db.does(&format!(
            "set :ok = csv:write_file('{}', {value}, {options});",
            file.display()
        ));
        fs::read_to_string(&file).expect("a file")
    };
    assert_eq!(written("bag([1,2])", "{'header': ['a','b']}"), "a,b\n1,2\n");
    assert_eq!(written("bag({'a':1})", "{'header': false}"), "1\n");
    assert_eq!(
        written("bag({'b':1,'a':2})", "{'header': true}"),
        "b,a\n1,2\n"
    );
    assert_eq!(written("bag()", "{'header': ['a','b']}"), "a,b\n");
    for (value, options, texts) in [
        (
            "bag([1])",
            "{'header': ['a','b']}",
            ["a row has 1 values", "the header 2 names"],
        ),
        (
            "bag([1])",
            "{'header': 'a'}",
            ["the header is true, false or the names", "not \"a\""],
        ),
        ("bag([1])", "{'kepp': 1}", ["kepp", "csv:write_file"]),
        (
            "bag([1])",
            "{'keep': 1}",
            ["keep is about files that rotate", "rotate"],
        ),
        ("bag(5)", "{}", ["a vector or a record, not 5", "[x] makes"]),
        (
            "streamof(bag({'a':1},{'b':2}))",
            "{}",
            ["a record has a field \"b\"", "the header has no column"],
        ),
    ] {
        db.fails(
            &format!("csv:write_file('{}', {value}, {options});", file.display()),
            &texts,
        );
    }
}

#[test]
fn a_file_is_added_to() {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (rows, values) = (path("rows.csv"), path("values.json"));
    let mut db = Db::new();
    let script = |text: &str| text.replace("ROWS", &rows).replace("VALUES", &values);
    for n in 1..=3 {
        db.does(&script(&format!(
            "set :ok = csv:write_file('ROWS', bag({{'n':{n},'s':'x'}}), {{'append': true}});
             set :ok = json:write_file('VALUES', streamof(bag({n})), {{'append': true}});"
        )));
    }
    assert_eq!(
        fs::read_to_string(&rows).expect("a file"),
        "n,s\n1,x\n2,x\n3,x\n"
    );
    assert_eq!(fs::read_to_string(&values).expect("a file"), "1\n2\n3\n");
    db.fails(
        &script("csv:write_file('ROWS', bag({'other':1}), {'append': true});"),
        &["rows.csv has other columns than other"],
    );
    // A last line that another program has not ended stays a line.
    fs::write(&values, "1").expect("writes");
    db.does(&script(
        "set :ok = json:write_file('VALUES', bag(2), {'append': true});",
    ));
    assert_eq!(fs::read_to_string(&values).expect("a file"), "1\n2\n");
    // Without the option it begins anew.
    db.does(&script("set :ok = json:write_file('VALUES', bag(7));"));
    assert_eq!(fs::read_to_string(&values).expect("a file"), "7\n");
}

/// The files in a folder with their texts.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}

#[test]
fn a_full_file_is_put_aside() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("r.csv").display().to_string();
    let mut db = Db::new();
    let rows = "(select {'n': i} from Integer i where i in iota(FROM,TO))";
    let mut write = |from: i64, to: i64, options: &str| {
        let rows = rows
            .replace("FROM", &from.to_string())
            .replace("TO", &to.to_string());
        db.does(&format!(
            "set :ok = csv:write_file('{file}', {rows}, {options});"
        ));
    };
    // The header has two bytes, and each row.
    write(1, 7, "{'rotate': 8}");
    let expected = [
        ("r.csv", "n\n7\n"),
        ("r.csv.1", "n\n1\n2\n3\n"),
        ("r.csv.2", "n\n4\n5\n6\n"),
    ];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(texts(folder.path()), BTreeMap::from(expected));
    // Another run goes on with the numbers, and keeps as many as it is told.
    write(1, 4, "{'rotate': 8, 'append': true, 'keep': 2}");
    let expected = [
        ("r.csv", "n\n3\n4\n"),
        ("r.csv.2", "n\n4\n5\n6\n"),
        ("r.csv.3", "n\n7\n1\n2\n"),
    ];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(texts(folder.path()), BTreeMap::from(expected));
    // A row that is longer than a file may be has one of its own.
    write(1_000_000, 1_000_000, "{'rotate': 2}");
    assert_eq!(texts(folder.path())["r.csv"], "n\n1000000\n");
}

/// A service that is killed in the midst of its work, again and again, and goes on: no part of a row is
/// left, and what the files have is what was written, in order.
#[test]
fn a_killed_program_leaves_whole_rows() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("rows.csv");
    let rows = r#"(select stream of {"n": i, "text": "a, \"b\"\nc" + i} from Integer i where i in natural_numbers())"#;
    let statement = format!(
        "csv:write_file('{}', {rows}, {{'append': true, 'rotate': 200000}});",
        file.display()
    );
    let size = || -> u64 {
        let entries = fs::read_dir(folder.path()).expect("a folder");
        entries
            .map(|entry| entry.and_then(|e| e.metadata()).map_or(0, |m| m.len()))
            .sum()
    };
    for _ in 0..4 {
        let before = size();
        let mut running = osql().statements(&statement).spawn();
        wait_until("rows are written", || size() > before + 300_000);
        running.signal("KILL");
        running.wait();
    }
    let all = texts(folder.path());
    assert!(all.len() > 5, "{:?}", all.keys());
    let (mut runs, mut rows) = (0, 0);
    let mut names: Vec<(u64, &String)> = all
        .keys()
        .map(|name| {
            let number = name
                .strip_prefix("rows.csv.")
                .map_or(u64::MAX, |n| n.parse().expect("a number"));
            (number, name)
        })
        .collect();
    names.sort_unstable();
    let mut latest: Option<u64> = None;
    for (_, name) in names {
        let mut reader = ::csv::ReaderBuilder::new().from_reader(all[name].as_bytes());
        assert_eq!(
            reader.headers().expect("a header"),
            vec!["n", "text"],
            "{name}"
        );
        for record in reader.records() {
            let record = record.unwrap_or_else(|e| panic!("{name}: {e}"));
            let number: u64 = record[0]
                .parse()
                .unwrap_or_else(|_| panic!("{name}: {record:?}"));
            assert_eq!(&record[1], format!("a, \"b\"\nc{number}"), "{name}");
            // The next number, or the first of another run.
            if latest.is_some_and(|latest| number == latest + 1) {
                rows += 1;
            } else {
                assert!(number <= 1, "{name}: {number} after {latest:?}");
                runs += 1;
            }
            latest = Some(number);
        }
    }
    assert_eq!(runs, 4);
    assert!(rows > 4000, "{rows}");
}
