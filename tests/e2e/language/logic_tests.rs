//! Runs files of SQLite's logic tests: statements and queries with what they give. The files are none of
//! ours; `LOGIC_TESTS=folder/select1.test:folder/select2.test` says where some are.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use osql::model::Value;

use crate::support::md5::md5;
use crate::support::session::Db;

/// How a query's results are compared.
#[derive(Clone, Copy, PartialEq)]
enum Sorted {
    Not,
    ByRow,
    ByValue,
}

/// One test of a file.
enum Record {
    Statement {
        fails: bool,
    },
    Query {
        types: String,
        sorted: Sorted,
        expected: Vec<String>,
    },
}

/// What came of the tests of a file.
#[derive(Default)]
struct Report {
    agreed: usize,
    /// Queries with what they give and what was expected, by the reason.
    disagreed: BTreeMap<Reason, Vec<String>>,
    /// How often which error was given.
    unsupported: BTreeMap<String, usize>,
    /// Tests of what other databases do differently.
    of_others: usize,
}

/// Why another result than SQLite's is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// `7 / 2` is 3.5 in OSQL and 3 in SQLite.
    Division,
    /// Without a table `1 in (2)` has no result, where SQLite has 0, and a function of null none either.
    WithoutRows,
    /// A statement that SQLite refuses.
    DoesNotFail,
    /// What rows an earlier statement should have changed, which is not supported.
    NotChanged,
    Unknown,
}

impl Reason {
    fn of(sql: &str, is_changed: bool) -> Reason {
        let mut depth = 0;
        let outside = sql.chars().filter(|c| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        });
        let words = outside.collect::<String>().to_lowercase();
        let mut words = words.split_whitespace();
        if sql.contains('/') {
            Reason::Division
        } else if words.all(|word| word != "from") {
            Reason::WithoutRows
        } else if !is_changed {
            Reason::NotChanged
        } else {
            Reason::Unknown
        }
    }
}

impl Report {
    fn disagrees(&mut self, reason: Reason, text: String) {
        self.disagreed.entry(reason).or_default().push(text);
    }

    /// How many disagree for no known reason.
    fn unexplained(&self) -> usize {
        self.disagreed.get(&Reason::Unknown).map_or(0, Vec::len)
    }

    fn add(&mut self, other: Report) {
        self.agreed += other.agreed;
        self.of_others += other.of_others;
        for (reason, texts) in other.disagreed {
            self.disagreed.entry(reason).or_default().extend(texts);
        }
        for (error, count) in other.unsupported {
            *self.unsupported.entry(error).or_default() += count;
        }
    }
}

/// An error without what names and places differ in.
fn kind_of_error(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    let (message, place) = first.split_once(" at `").unwrap_or((first, ""));
    if message.contains("expected") || message.contains("begins no statement") {
        let found = place.trim_end_matches('`');
        let found = match found.parse::<f64>() {
            Ok(_) => "a number",
            Err(_) => found,
        };
        return format!("{message}, not {found}");
    }
    let quoted = message.split('\'').enumerate();
    quoted
        .map(|(at, part)| if at % 2 == 0 { part } else { "'…'" })
        .collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let unsupported: usize = self.unsupported.values().sum();
        writeln!(
            f,
            "{} agreed, {} disagreed, {unsupported} not supported, {} of other databases",
            self.agreed,
            self.disagreed.values().map(Vec::len).sum::<usize>(),
            self.of_others
        )?;
        for (error, count) in &self.unsupported {
            writeln!(f, "  {count} times {error}")?;
        }
        for (reason, texts) in &self.disagreed {
            writeln!(f, "  {} disagree: {reason:?}", texts.len())?;
            let shown = if *reason == Reason::Unknown { 20 } else { 2 };
            for text in texts.iter().take(shown) {
                writeln!(f, "{text}\n")?;
            }
        }
        Ok(())
    }
}

/// Runs all tests of a file.
fn run(file: &str) -> Report {
    let mut db = Db::with_timeout(Some(Duration::from_secs(60)));
    let mut report = Report::default();
    for part in file.replace("\r\n", "\n").split("\n\n") {
        let mut lines: Vec<&str> = part.lines().filter(|l| !l.starts_with('#')).collect();
        let words =
            |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        let mut is_ours = true;
        while let Some(line) = lines.first()
            && (line.starts_with("onlyif") || line.starts_with("skipif") || line.is_empty())
        {
            is_ours &= !line.starts_with("onlyif");
            lines.remove(0);
        }
        let Some((head, body)) = lines.split_first() else {
            continue;
        };
        let head = words(head);
        let Some(record) = record(&head, body) else {
            if head.first().is_some_and(|word| word == "halt") && is_ours {
                break;
            }
            continue;
        };
        if !is_ours {
            report.of_others += 1;
            continue;
        }
        let sql = body
            .split(|line| *line == "----")
            .next()
            .unwrap_or_default();
        test(&mut db, &record, &sql.join("\n"), &mut report);
    }
    report
}

fn record(head: &[String], body: &[&str]) -> Option<Record> {
    let kind = head.first()?;
    if kind == "statement" {
        return Some(Record::Statement {
            fails: head.get(1)? == "error",
        });
    }
    if kind != "query" {
        return None;
    }
    let sorted = match head.get(2).map(String::as_str) {
        Some("rowsort") => Sorted::ByRow,
        Some("valuesort") => Sorted::ByValue,
        _ => Sorted::Not,
    };
    let expected = body.iter().skip_while(|line| **line != "----").skip(1);
    Some(Record::Query {
        types: head.get(1)?.clone(),
        sorted,
        expected: expected.map(|line| (*line).to_owned()).collect(),
    })
}

fn test(db: &mut Db, record: &Record, sql: &str, report: &mut Report) {
    let rows = db.rows(&format!("{sql};"));
    let (types, sorted, expected) = match (record, &rows) {
        (Record::Statement { fails: true }, Ok(_)) => {
            report.disagrees(Reason::DoesNotFail, format!("{sql}\ndoes not fail"));
            return;
        }
        (Record::Statement { fails: true }, Err(_)) | (Record::Statement { .. }, Ok(_)) => {
            report.agreed += 1;
            return;
        }
        (Record::Query { types, .. }, Ok(_)) if types.is_empty() => return,
        (
            Record::Query {
                types,
                sorted,
                expected,
            },
            Ok(_),
        ) => (types, *sorted, expected),
        (_, Err(error)) => {
            let kind = kind_of_error(error);
            *report.unsupported.entry(kind).or_default() += 1;
            if std::env::var_os("LOGIC_TESTS_ERRORS").is_some() {
                println!("{sql}\n{error}");
            }
            return;
        }
    };
    let given = values(&rows.unwrap_or_default(), types, sorted);
    let is_same = match expected
        .first()
        .and_then(|line| line.split_once(" values hashing to "))
    {
        Some((count, hash)) => {
            let text: String = given.iter().map(|value| format!("{value}\n")).collect();
            given.len().to_string() == count && md5(text.as_bytes()) == hash
        }
        None => {
            let mut wanted = expected.clone();
            if sorted == Sorted::ByValue {
                wanted.sort_unstable();
            }
            given == wanted
        }
    };
    if is_same {
        report.agreed += 1;
        return;
    }
    let shown = |values: &[String]| {
        values
            .iter()
            .take(30)
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let reason = Reason::of(sql, report.unsupported.is_empty());
    let text = format!("{sql}\ngives {}\n  not {}", shown(&given), shown(expected));
    report.disagrees(reason, text);
}

/// The values of all rows as text, in the order in which they are compared.
fn values(rows: &[Value], types: &str, sorted: Sorted) -> Vec<String> {
    let row = |row: &Value| -> Vec<String> {
        let columns = match row {
            Value::Vector(columns) if types.len() > 1 => columns.to_vec(),
            one => vec![one.clone()],
        };
        let mut types = types.chars();
        columns
            .iter()
            .map(|value| text(value, types.next().unwrap_or('T')))
            .collect()
    };
    let mut rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    if sorted == Sorted::ByRow {
        rows.sort_unstable();
    }
    let mut values: Vec<String> = rows.into_iter().flatten().collect();
    if sorted == Sorted::ByValue {
        values.sort_unstable();
    }
    values
}

/// A value as the files write it, in a column of type I, R or T.
fn text(value: &Value, ty: char) -> String {
    match (value, ty) {
        (Value::Null, _) => "NULL".into(),
        (Value::Bool(yes), _) => i64::from(*yes).to_string(),
        (Value::Int(int), 'R') => format!("{:.3}", *int as f64),
        (Value::Real(real), 'R') => format!("{real:.3}"),
        (Value::Real(real), 'I') => (*real as i64).to_string(),
        (Value::Str(text), 'I') => text.parse::<i64>().unwrap_or(0).to_string(),
        (Value::Str(text), _) if text.is_empty() => "(empty)".into(),
        (Value::Str(text), _) => text
            .chars()
            .map(|c| if (' '..='~').contains(&c) { c } else { '@' })
            .collect(),
        (other, _) => other.to_string(),
    }
}

#[test]
fn a_file_of_logic_tests_is_run() {
    let report = run("
statement ok
create table t(a integer, b text)

statement ok
insert into t values (1, 'one'), (2, null), (3, '')

statement error
insert into t values (1)

query IT rowsort
select a, b from t
----
1
one
2
NULL
3
(empty)

query I nosort
select a from t order by a desc
----
3 values hashing to 53c225db474ffb86c7e9459e87ebf56e

query R valuesort label-1
select a * 1.5 from t
----
1.500
3.000
4.500

onlyif other
query I nosort
select 1 from nowhere
----
1

skipif other
query I nosort
select count(*) from t
----
4

query I nosort
select nothing from t
----
1

halt

query I nosort
select count(*) from t
----
4
");
    assert_eq!(report.agreed, 6, "{report}");
    assert_eq!(report.of_others, 1, "{report}");
    assert_eq!(
        report.disagreed.get(&Reason::Unknown).map(Vec::as_slice),
        Some(&["select count(*) from t\ngives 3\n  not 4".to_owned()][..]),
        "{report}"
    );
    assert_eq!(report.unsupported.len(), 1, "{report}");
}

/// Those that the environment names, if it does.
#[test]
fn logic_tests_of_others_agree() {
    let files = std::env::var("LOGIC_TESTS").unwrap_or_default();
    let mut all = Report::default();
    let mut number = 0;
    for file in files.split(':').filter(|file| !file.is_empty()) {
        let text = std::fs::read(file).expect("it can be read");
        let report = run(&String::from_utf8_lossy(&text));
        println!("{file}: {report}");
        number += 1;
        all.add(report);
    }
    println!("{number} files: {all}");
    assert_eq!(all.unexplained(), 0, "queries disagree for no known reason");
}
