//! Random tables and queries beside SQLite: the same text in both, the same bag of rows, in the same
//! order where one is asked for.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::random::{Random, cases, generator};
use crate::support::session::Db;

/// Queries with more rows are left out: they would only take time.
const MOST_ROWS: usize = 2000;

/// The columns of the tables: whether they are integers.
const TABLES: [(&str, &[(&str, bool)]); 3] = [
    ("t", &[("id", true), ("a", true), ("b", true), ("s", false)]),
    ("u", &[("id", true), ("a", true), ("s", false)]),
    ("w", &[("k", true), ("v", true)]),
];

/// A row that a query goes through.
#[derive(Clone)]
pub(super) struct Row {
    name: String,
    columns: Vec<(String, bool)>,
}

pub(super) struct Maker<'r> {
    pub(super) random: &'r mut Random,
    pub(super) names: usize,
}

impl Maker<'_> {
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.random.below(n)
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("x{}", self.names)
    }

    /// A database: the same statements in both languages.
    pub(super) fn database(&mut self) -> String {
        let unique = ["", ", unique(a)", ", unique(a, b)", ", unique(b, s)"][self.below(4)];
        let not_null = ["", " not null"][self.below(2)];
        let mut text = format!(
            "create table t(id integer primary key, a integer{not_null}, b integer default 2, s varchar(5){unique});
             create table u(id integer primary key, a integer, s text);
             create table w(k integer, v integer);
             create view big as select id, a + 1 as a1 from t where id > 1;\n"
        );
        for (table, columns) in TABLES {
            let rows = self.below(7);
            for id in 0..rows {
                let values: Vec<String> = columns
                    .iter()
                    .map(|(name, is_number)| match (*name, is_number) {
                        ("id", _) => id.to_string(),
                        ("a", _) if !unique.is_empty() && table == "t" => (id % 5).to_string(),
                        ("a", _) if !not_null.is_empty() && table == "t" => {
                            self.below(4).to_string()
                        }
                        (_, true) => self.number_or_null(),
                        (_, false) => self.text_or_null(),
                    })
                    .collect();
                if unique == ", unique(a)" && table == "t" && id > 4 {
                    continue;
                }
                if unique == ", unique(b, s)" && table == "t" {
                    writeln!(text, "insert into t(id, a) values ({id}, {});", id % 3)
                        .expect("memory");
                    continue;
                }
                if unique == ", unique(a, b)" && table == "t" && id > 4 {
                    continue;
                }
                writeln!(text, "insert into {table} values ({});", values.join(","))
                    .expect("memory");
            }
        }
        for _ in 0..self.below(4) {
            let row = Row::of("w", "w");
            let change = match self.below(4) {
                0 => "insert into w select a, count(*) from u group by a;".to_owned(),
                1 => format!("delete from w where {};", self.condition(&[row], 1)),
                2 => format!(
                    "update w set v = {} where {};",
                    self.number(std::slice::from_ref(&row), 1),
                    self.condition(&[row], 1)
                ),
                _ => "insert into w(v) values (1), (null);".to_owned(),
            };
            text += &change;
            text.push('\n');
        }
        text
    }

    fn number_or_null(&mut self) -> String {
        match self.below(5) {
            0 => "null".into(),
            n => (n - 1).to_string(),
        }
    }

    fn text_or_null(&mut self) -> String {
        ["null", "'a'", "'b'", "'ab'"][self.below(4)].into()
    }

    fn column(&mut self, rows: &[Row], number: bool) -> Option<String> {
        let all: Vec<String> = rows
            .iter()
            .flat_map(|row| row.columns.iter().map(move |column| (row, column)))
            .filter(|(_, (_, is_number))| *is_number == number)
            .map(|(row, (name, _))| format!("{}.{name}", row.name))
            .collect();
        (!all.is_empty()).then(|| self.random.of(&all).clone())
    }

    pub(super) fn number(&mut self, rows: &[Row], depth: usize) -> String {
        let kinds = if depth == 0 { 4 } else { 11 };
        match self.below(kinds) {
            10 => format!(
                "{} {}",
                ["+", "- +", "+ -"][self.below(3)],
                self.number(rows, 0)
            ),
            0 => self.below(5).to_string(),
            1..=3 => self.column(rows, true).unwrap_or_else(|| "1".into()),
            4 => format!(
                "({} + {})",
                self.number(rows, depth - 1),
                self.number(rows, depth - 1)
            ),
            5 => format!(
                "({} - {} * 2)",
                self.number(rows, depth - 1),
                self.number(rows, depth - 1)
            ),
            6 => format!(
                "coalesce({}, {})",
                self.number(rows, depth - 1),
                self.number(rows, depth - 1)
            ),
            7 => format!(
                "case when {} then {} else {} end",
                self.condition(rows, depth - 1),
                self.number(rows, depth - 1),
                self.number(rows, depth - 1)
            ),
            8 => {
                let own = self.row();
                let mut all = rows.to_vec();
                all.push(own.1.clone());
                let aggregate = ["max", "min", "count", "sum"][self.below(4)];
                let argument = self.number(&[own.1], 0);
                format!(
                    "(select {aggregate}({argument}) from {} where {})",
                    own.0,
                    self.condition(&all, 0)
                )
            }
            _ => format!("abs({})", self.number(rows, depth - 1)),
        }
    }

    fn text(&mut self, rows: &[Row]) -> String {
        match self.below(3) {
            0 => ["'a'", "'b'"][self.below(2)].into(),
            1 => match self.column(rows, false) {
                Some(column) => format!("({column} || 'b')"),
                None => "'ab'".into(),
            },
            _ => self.column(rows, false).unwrap_or_else(|| "'a'".into()),
        }
    }

    pub(super) fn condition(&mut self, rows: &[Row], depth: usize) -> String {
        let kinds = if depth == 0 { 6 } else { 17 };
        let not = ["", "not "][self.below(2)];
        match self.below(kinds) {
            0..=2 => {
                let op = ["=", "=", "=", "<>", "<", "<=", ">", ">="][self.below(8)];
                format!(
                    "{} {op} {}",
                    self.number(rows, depth.min(1)),
                    self.number(rows, 0)
                )
            }
            3 => {
                let op = ["=", "<>", "<"][self.below(3)];
                format!("{} {op} {}", self.text(rows), self.text(rows))
            }
            4 => format!("{} is {not}null", self.number(rows, 0)),
            5 => format!(
                "{} {not}between {} and {}",
                self.number(rows, 0),
                self.number(rows, 0),
                self.number(rows, 0)
            ),
            6 => format!(
                "({} and {})",
                self.condition(rows, depth - 1),
                self.condition(rows, depth - 1)
            ),
            7 => format!(
                "({} or {})",
                self.condition(rows, depth - 1),
                self.condition(rows, depth - 1)
            ),
            8 | 9 => format!("not ({})", self.condition(rows, depth - 1)),
            15 => {
                let what = self.number(rows, 0);
                match self.below(4) {
                    0 => format!("not ({what}) is {not}null"),
                    1 => format!("not ({what}) {not}in (1, {})", self.number(rows, 0)),
                    2 => format!("not ({what}) {not}between 1 and {}", self.number(rows, 0)),
                    _ => format!("not ({what}) + 1 < {}", self.number(rows, 0)),
                }
            }
            16 => {
                let own = self.row();
                let pair = [self.number(rows, 0), self.number(rows, 0)];
                let inside = [own.1];
                let items = [self.number(&inside, 0), self.number(&inside, 0)];
                format!(
                    "({}) {not}in (select {} from {})",
                    pair.join(", "),
                    items.join(", "),
                    own.0
                )
            }
            10 => {
                let list: Vec<String> = (0..1 + self.below(3))
                    .map(|_| self.number_or_null())
                    .collect();
                format!("{} {not}in ({})", self.number(rows, 0), list.join(", "))
            }
            11 => format!(
                "{} {not}in ({}, {})",
                self.number(rows, 0),
                self.number(rows, 0),
                self.number(rows, 0)
            ),
            12 => {
                let own = self.row();
                let mut all = rows.to_vec();
                all.push(own.1.clone());
                let item = self.number(&[own.1], 0);
                let tested = self.number(rows, 0);
                format!(
                    "{tested} {not}in (select {item} from {} where {})",
                    own.0,
                    self.condition(&all, 0)
                )
            }
            13 => {
                let own = self.row();
                let mut all = rows.to_vec();
                all.push(own.1.clone());
                format!(
                    "{not}exists (select * from {} where {})",
                    own.0,
                    self.condition(&all, depth - 1)
                )
            }
            _ => format!(
                "{} {not}like {}",
                self.text(rows),
                ["'a%'", "'_b'", "'%'"][self.below(3)]
            ),
        }
    }

    /// What a from clause names, and its row.
    fn row(&mut self) -> (String, Row) {
        let name = self.fresh();
        match self.below(6) {
            0 => (
                format!("big {name}"),
                Row {
                    name,
                    columns: vec![("id".into(), true), ("a1".into(), true)],
                },
            ),
            1 => {
                let filter = self.condition(&[Row::of("t", "t")], 0);
                (
                    format!("(select id, b as b2, s from t where {filter}) {name}"),
                    Row {
                        name,
                        columns: vec![
                            ("id".into(), true),
                            ("b2".into(), true),
                            ("s".into(), false),
                        ],
                    },
                )
            }
            _ => {
                let (table, _) = TABLES[self.random.below(3)];
                (format!("{table} {name}"), Row::of(table, &name))
            }
        }
    }

    /// A from clause with its rows.
    fn from(&mut self) -> (String, Vec<Row>) {
        let (mut text, first) = self.row();
        let mut rows = vec![first];
        // SQLite joins from left to right, commas too; elsewhere a comma joins last. And it takes columns
        // that a join has made one for several where there is a right or full join behind.
        let mut has_comma = false;
        // SQLite 3.40 loses the rows of a full join behind a join of which it sees that it has no rows.
        let mut may_be_empty = false;
        for _ in 0..self.below(3) {
            let (item, row) = match self.below(6) {
                0 => self.joined_rows(),
                _ => {
                    let (item, row) = self.row();
                    (item, vec![row])
                }
            };
            let is_row = row.len() == 1;
            let is_first = rows.len() == 1 && is_row;
            rows.extend(row);
            let join = match self.below(8) {
                0 => {
                    has_comma = true;
                    write!(text, ", {item}").expect("memory");
                    continue;
                }
                1 if is_first => {
                    let side = ["", "left ", "right ", "full "][self.below(4)];
                    write!(text, " natural {side}join {item}").expect("memory");
                    break;
                }
                2 if is_first => {
                    let of = |row: &Row| -> Vec<String> {
                        row.columns.iter().map(|(name, _)| name.clone()).collect()
                    };
                    let right = of(&rows[1]);
                    let common = of(&rows[0]).into_iter().find(|name| right.contains(name));
                    let side = ["", "left ", "right ", "full "][self.below(4)];
                    match common {
                        Some(name) => write!(text, " {side}join {item} using ({name})"),
                        None => write!(text, " cross join {item}"),
                    }
                    .expect("memory");
                    break;
                }
                3 => "join",
                4 if !has_comma => "right join",
                5 if !has_comma && !may_be_empty => "full join",
                _ => "left join",
            };
            may_be_empty |= join == "join" || !is_row;
            write!(text, " {join} {item} on {}", self.condition(&rows, 1)).expect("memory");
        }
        (text, rows)
    }

    /// Two rows joined, in parentheses.
    fn joined_rows(&mut self) -> (String, Vec<Row>) {
        let ((left, left_row), (right, right_row)) = (self.row(), self.row());
        let rows = vec![left_row, right_row];
        let join = ["join", "left join", "right join", "full join"][self.below(4)];
        let text = format!("({left} {join} {right} on {})", self.condition(&rows, 0));
        (text, rows)
    }

    fn select(&mut self, width: usize) -> String {
        let (from, rows) = self.from();
        let filter = match self.below(4) {
            0 => String::new(),
            _ => format!(" where {}", self.condition(&rows, 2)),
        };
        if self.below(3) == 0 {
            return self.grouped(&from, &filter, &rows, width);
        }
        let distinct = ["", "distinct ", "all "][self.below(3)];
        let items: Vec<String> = (0..width)
            .map(|at| {
                format!(
                    "{}{}",
                    self.item(&rows),
                    [String::new(), format!(" n{at}")][self.below(2)]
                )
            })
            .collect();
        format!("select {distinct}{} from {from}{filter}", items.join(", "))
    }

    fn item(&mut self, rows: &[Row]) -> String {
        match self.below(4) {
            0 => self.text(rows),
            _ => self.number(rows, 1),
        }
    }

    fn aggregate(&mut self, rows: &[Row]) -> String {
        match self.below(7) {
            0 => "count(*)".into(),
            1 => format!("count(distinct {})", self.number(rows, 0)),
            2 => format!("sum({} + 0)", self.number(rows, 1)),
            3 => format!("min({})", self.text(rows)),
            4 => format!("max({} + 0)", self.number(rows, 1)),
            5 => format!(
                "sum({}) + count({})",
                self.number(rows, 0),
                self.number(rows, 0)
            ),
            _ => format!(
                "count({}{})",
                ["", "all "][self.below(2)],
                self.number(rows, 0)
            ),
        }
    }

    fn grouped(&mut self, from: &str, filter: &str, rows: &[Row], width: usize) -> String {
        let keys: Vec<String> = (0..self.below(width + 1))
            .map(|_| self.column(rows, true).unwrap_or_default())
            .collect();
        let mut items = keys.clone();
        while items.len() < width {
            items.push(self.aggregate(rows));
        }
        let mut text = format!("select {} from {from}{filter}", items.join(", "));
        if !keys.is_empty() {
            let positions: Vec<String> = (1..=keys.len()).map(|at| at.to_string()).collect();
            let keys = [&keys, &positions][self.below(2)];
            write!(text, " group by {}", keys.join(", ")).expect("memory");
            if self.below(3) == 0 {
                write!(
                    text,
                    " having {} > {}",
                    self.aggregate_of_number(rows),
                    self.below(3)
                )
                .expect("memory");
            }
        }
        text
    }

    fn aggregate_of_number(&mut self, rows: &[Row]) -> String {
        match self.below(3) {
            0 => "count(*)".into(),
            1 => format!("sum({})", self.number(rows, 0)),
            _ => format!("max({})", self.number(rows, 0)),
        }
    }

    pub(super) fn query(&mut self) -> (String, bool) {
        if self.below(8) == 0 {
            let (from, rows) = self.from();
            let filter = self.condition(&rows, 1);
            return (format!("select * from {from} where {filter};"), false);
        }
        let width = 1 + self.below(3);
        let mut text = self.select(width);
        if self.below(6) == 0 {
            let operator = ["union", "union all", "except", "intersect"][self.below(4)];
            write!(text, " {operator} {}", self.select(width)).expect("memory");
        }
        let ordered = self.below(2) == 0;
        if ordered {
            let keys: Vec<String> = (1..=width)
                .map(|at| format!("{at}{}", ["", " desc"][self.below(2)]))
                .collect();
            write!(text, " order by {}", keys.join(", ")).expect("memory");
            if self.below(3) == 0 {
                write!(text, " limit {}", self.below(4)).expect("memory");
                if self.below(2) == 0 {
                    write!(text, " offset {}", self.below(3)).expect("memory");
                }
            }
        }
        (text + ";", ordered)
    }
}

impl Row {
    pub(super) fn of(table: &str, name: &str) -> Row {
        let columns = TABLES.iter().find(|(known, _)| *known == table);
        let columns = columns.expect("it is a table").1.iter();
        Row {
            name: name.into(),
            columns: columns
                .map(|(name, number)| ((*name).into(), *number))
                .collect(),
        }
    }
}

/// What SQLite prints for the script.
fn sqlite(script: String) -> String {
    let mut sqlite = Command::new("sqlite3")
        .args(["-batch", ":memory:"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sqlite3 is installed");
    let mut input = sqlite.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || input.write_all(script.as_bytes()).expect("it reads"));
    let output = sqlite.wait_with_output().expect("it ends");
    writer.join().expect("all is written");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "SQLite says {errors}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// The outputs between marks, in order.
fn between_marks(printed: &str) -> Vec<Vec<String>> {
    let mut outputs: Vec<Vec<String>> = Vec::new();
    for line in printed.lines() {
        if line.trim_matches(['"', '\'']) == "next" {
            outputs.push(vec![]);
        } else if let Some(last) = outputs.last_mut() {
            last.push(line.to_owned());
        }
    }
    outputs
}

/// A row that SQLite quotes, as osql prints it.
fn as_printed(row: &str) -> String {
    let values: Vec<String> = row
        .split(',')
        .map(|v| v.replace('\'', "\"").replace("NULL", "null"))
        .collect();
    match values.as_slice() {
        [only] => only.clone(),
        several => format!("[{}]", several.join(",")),
    }
}

/// `CASES=100000` makes it long, `SEED=7` another one.
#[test]
fn queries_of_tables_give_the_rows_that_sqlite_gives() {
    let cases = cases(2000);
    let mut random = generator(0);
    let (mut done, mut with_rows) = (0, 0);
    let mut wrong: Vec<String> = Vec::new();
    while done < cases {
        let mut maker = Maker {
            random: &mut random,
            names: 0,
        };
        let database = maker.database();
        let queries: Vec<(String, bool)> = (0..40).map(|_| maker.query()).collect();
        let mut script = format!("{database}\n.mode quote\n");
        for (query, _) in &queries {
            write!(script, "select 'next';\n{query}\n").expect("memory");
        }
        let expected = between_marks(&sqlite(script));
        assert_eq!(expected.len(), queries.len(), "{database}");
        let mut db = Db::new();
        let made = db.run(&database);
        assert!(!made.contains("error"), "{made}\nafter\n{database}");
        for ((query, ordered), wanted) in queries.into_iter().zip(expected) {
            if wanted.len() > MOST_ROWS {
                continue;
            }
            let mut wanted: Vec<String> = wanted.iter().map(|row| as_printed(row)).collect();
            let printed = db.run(&query);
            let mut got: Vec<String> = printed.lines().map(str::to_owned).collect();
            with_rows += usize::from(!wanted.is_empty());
            if !ordered {
                wanted.sort_unstable();
                got.sort_unstable();
            }
            if got != wanted {
                wrong.push(format!(
                    "{query}\ngives {got:?}\n  not {wanted:?}, after\n{database}"
                ));
            }
            done += 1;
        }
    }
    println!("{done} queries, {with_rows} with rows");
    wrong.sort_by_key(|text| text.find('\n'));
    let shortest: Vec<_> = wrong.iter().take(6).map(|text| &**text).collect();
    assert!(
        wrong.is_empty(),
        "{} of {done} are wrong; the shortest:\n{}",
        wrong.len(),
        shortest.join("\n\n")
    );
    assert!(with_rows > done / 3, "{with_rows} of {done} have rows");
}
