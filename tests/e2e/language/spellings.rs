//! One condition in many spellings: random equations over stored functions with missing values, nulls,
//! zeros, extremes and duplicates give the same rows, or fail, however they are written.
//!
//! `CASES=100000` makes it long, `SEED=2` other.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::support::random::{Random, cases, generator};
use crate::support::session::Db;

/// The stored functions, with the types of their values.
const COLUMNS: [(&str, &str); 7] = [
    ("a", "Integer"),
    ("b", "Integer"),
    ("n", "Number"),
    ("r", "Real"),
    ("s", "Charstring"),
    ("t", "Charstring"),
    ("o", "Record"),
];

const INTEGERS: [&str; 12] = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-2",
    "4",
    "9007199254740993",
    "9007199254740992",
    "9223372036854775807",
    "(-9223372036854775807-1)",
    "3037000500",
];
const REALS: [&str; 11] = [
    "0.0",
    "1.0",
    "0.5",
    "-0.0",
    "2.0",
    "0.1",
    "0.3",
    "1e16",
    "1e308",
    "1e-320",
    "9007199254740992.0",
];
const TEXTS: [&str; 6] = ["''", "'a'", "'x'", "'xa'", "'a1'", "'1'"];

fn literal(random: &mut Random, ty: &str) -> String {
    match ty {
        "Integer" => random.of(&INTEGERS).to_string(),
        "Real" => random.of(&REALS).to_string(),
        "Charstring" => random.of(&TEXTS).to_string(),
        "Record" => match random.below(4) {
            0 => "{'v':null}".to_owned(),
            1 => "{}".to_owned(),
            _ => format!("{{'v':{}}}", literal(random, "Number")),
        },
        _ if random.once_in(2) => literal(random, "Integer"),
        _ => literal(random, "Real"),
    }
}

/// A database of some objects, not each of which has each value.
fn database(random: &mut Random) -> Db {
    let mut script = "create type P; create function id(P) -> Integer as stored;\n".to_owned();
    for (name, ty) in COLUMNS {
        writeln!(script, "create function {name}(P) -> {ty} as stored;").expect("memory");
    }
    for id in 0..3 + random.below(4) {
        writeln!(script, "create P(id) instances :p ({id});").expect("memory");
        for (name, ty) in COLUMNS {
            if !random.once_in(5) {
                let value = literal(random, ty);
                writeln!(script, "set {name}(:p) = {value};").expect("memory");
            }
        }
    }
    Db::of(&script)
}

/// Part of a condition: text in which `{a}` stands for what the stored function `a` gives.
type Template = String;

fn number(random: &mut Random, depth: usize) -> Template {
    if depth == 0 || random.once_in(4) {
        return match random.below(9) {
            0..6 => format!("{{{}}}", random.of(&["a", "b", "n", "r"])),
            6 => "{o}['v']".to_owned(),
            _ => literal(random, "Number"),
        };
    }
    let one = number(random, depth - 1);
    let other = number(random, depth - 1);
    match random.below(16) {
        0..3 => format!("({one}+{other})"),
        3..6 => format!("({one} - {other})"),
        6..9 => format!("({one}*{other})"),
        9..12 => format!("({one}/{other})"),
        12 => format!("(- {one})"),
        13 => format!("mod({one},{other})"),
        14 => format!("abs({one})"),
        _ => format!("({one}^2)"),
    }
}

fn text(random: &mut Random, depth: usize) -> Template {
    if depth == 0 || random.once_in(4) {
        return match random.below(3) {
            0..2 => format!("{{{}}}", random.of(&["s", "t"])),
            _ => literal(random, "Charstring"),
        };
    }
    let one = text(random, depth - 1);
    match random.below(6) {
        0..4 => format!("({one}+{})", text(random, depth - 1)),
        4 => format!("({one}+{})", number(random, 0)),
        _ => format!("upper({one})"),
    }
}

/// Nothing in it can fail: a vector that is taken apart is not computed where it cannot match.
fn vector(random: &mut Random) -> Template {
    format!("[{},{}]", number(random, 0), number(random, 0))
}

fn expression(random: &mut Random) -> Template {
    let depth = 1 + random.below(3);
    match random.below(3) {
        0..2 => number(random, depth),
        _ => text(random, depth),
    }
}

/// The template with the calls of the stored functions for `of`.
fn calls(template: &str, of: &str) -> String {
    COLUMNS.iter().fold(template.to_owned(), |text, (name, _)| {
        text.replace(&format!("{{{name}}}"), &format!("{name}({of})"))
    })
}

/// The template with a variable for each stored function that it uses: their declarations, the
/// conditions that bind them, and the text.
fn variables(template: &str) -> (String, String, String) {
    let (mut from, mut bound, mut text) = (String::new(), String::new(), template.to_owned());
    for (name, ty) in COLUMNS {
        let place = format!("{{{name}}}");
        if template.contains(&place) {
            write!(from, ", {ty} v{name}").expect("memory");
            write!(bound, "{name}(p) = v{name} and ").expect("memory");
            text = text.replace(&place, &format!("v{name}"));
        }
    }
    (from, bound, text)
}

/// What a query gives: its rows in order, or that it fails. Where both sides of an equation fail, the
/// one that is written first says how.
fn answer(db: &mut Db, query: &str) -> String {
    let printed = db.run(query);
    if printed.lines().any(|l| l.starts_with("error: ")) {
        return "error: it fails".to_owned();
    }
    let mut rows: Vec<_> = printed.lines().collect();
    rows.sort_unstable();
    rows.join(" ")
}

/// The first answer, which all queries give.
#[track_caller]
fn same(db: &mut Db, queries: &[String]) -> String {
    let first = answer(db, &queries[0]);
    for query in &queries[1..] {
        let other = answer(db, query);
        assert_eq!(other, first, "{query}\ndiffers from {}", queries[0]);
    }
    first
}

/// What was found so far, by what it was.
#[derive(Default)]
struct Found(BTreeMap<&'static str, usize>);

impl Found {
    fn note(&mut self, answer: &str) {
        let kind = match answer {
            "" => "nothing",
            error if error.starts_with("error: ") => "error",
            _ => "rows",
        };
        *self.0.entry(kind).or_default() += 1;
        let done: usize = self.0.values().sum();
        if done.is_multiple_of(1000) {
            println!("{done} cases so far: {:?}", self.0);
        }
    }

    fn check(&self, done: usize) {
        println!("{done} cases: {:?}", self.0);
        for kind in ["nothing", "error", "rows"] {
            assert!(self.0.get(kind).is_some_and(|n| *n > done / 50), "{kind}");
        }
    }
}

/// A value to compare `left` with: often one that it has.
fn other_side(random: &mut Random, db: &mut Db, left: &Template) -> Template {
    if random.once_in(3) {
        return expression(random);
    }
    let id = random.below(4);
    let query = format!("select {} from P p where id(p) = {id};", calls(left, "p"));
    let value = db.run(&query).trim_end().to_owned();
    let odd = ["error", "inf", "nan", "-922337203685477580"];
    if value.is_empty() || value.contains('\n') || odd.iter().any(|o| value.contains(o)) {
        return expression(random);
    }
    value
}

#[test]
fn a_condition_on_stored_functions() {
    let cases = cases(400);
    let (mut done, mut found) = (0, Found::default());
    while done < cases {
        let mut random = generator(done as u64);
        let mut db = database(&mut random);
        for _ in 0..20 {
            let (left, right) = if random.once_in(8) {
                (vector(&mut random), vector(&mut random))
            } else {
                let left = expression(&mut random);
                let right = other_side(&mut random, &mut db, &left);
                (left, right)
            };
            let function = format!("e{done}");
            db.does(&format!(
                "create function {function}(P p) -> Object as {};",
                calls(&left, "p")
            ));
            let (l, r) = (calls(&left, "p"), calls(&right, "p"));
            let (from, bound, whole) = variables(&format!("{left} = {right}"));
            let of_q = format!("{} = {}", calls(&left, "q"), calls(&right, "q"));
            let queries = [
                format!("select id(p) from P p where {l} = {r};"),
                format!("select id(p) from P p where {r} = {l};"),
                format!("select id(p) from P p where {l} = {r} and 1 = 1;"),
                format!("select id(p) from P p where id(p) >= 0 and {l} = {r};"),
                format!("select id(p) from P p where some(select true where {l} = {r});"),
                format!(
                    "select id(p) from P p
                     where notany(select true where notany(select true where {l} = {r}));"
                ),
                format!("select id(p) from P p where p in (select q from P q) and {l} = {r};"),
                format!("select id(p) from P p where p in (select q from P q where {of_q});"),
            ];
            let given = same(&mut db, &queries);
            // Several conditions: one may fail for a row for which another has no value. So may what the
            // function gives, which may be a bag: it is taken apart before the other side is looked at.
            let several = [
                format!("select id(p) from P p where {function}(p) = {r};"),
                format!("select id(p) from P p{from} where {bound} {whole};"),
                format!("select id(p) from P p{from} where {whole} and {bound} 1 = 1;"),
                format!("select id(p) from P p, Object v where v = {l} and {r} = v;"),
            ];
            for query in several {
                let other = answer(&mut db, &query);
                assert!(
                    other == given || other.starts_with("error: "),
                    "{query}\ngives {other}, {}\n{given}",
                    queries[0]
                );
            }
            found.note(&given);
            done += 1;
        }
    }
    found.check(done);
}

/// Values for a variable, some of them twice.
fn values(random: &mut Random, ty: &str) -> Vec<String> {
    let count = 2 + random.below(5);
    let ty = if ty == "Object" { "Number" } else { ty };
    (0..count).map(|_| literal(random, ty)).collect()
}

#[test]
fn a_condition_on_a_variable_that_ranges() {
    let cases = cases(400);
    let (mut done, mut found) = (0, Found::default());
    while done < cases {
        let mut random = generator(1_000_000 + done as u64);
        let mut db = Db::new();
        for _ in 0..20 {
            let ty = *random.of(&["Number", "Integer", "Real", "Object", "Charstring"]);
            let depth = 1 + random.below(3);
            let left = match ty {
                "Charstring" => text(&mut random, depth),
                _ => number(&mut random, depth),
            };
            // Each column is the one variable.
            let place = |name: &str| format!("{{{name}}}");
            let left = left.replace("{o}['v']", "{a}");
            let left = COLUMNS
                .iter()
                .fold(left, |text, (name, _)| text.replace(&place(name), "x"));
            // The variable alone is bound by the equation, and then tested by the collection.
            let left = if left == "x" {
                "(x+x)".to_owned()
            } else {
                left
            };
            let ranging = values(&mut random, ty);
            let value = match random.below(3) {
                0 => literal(&mut random, if ty == "Charstring" { ty } else { "Number" }),
                _ => {
                    let given = random.of(&ranging);
                    let query = format!("select {left} from Object x where x = {given};");
                    let value = db.run(&query).trim_end().to_owned();
                    let odd = ["error", "inf", "nan", "-922337203685477580"];
                    let usable = !value.is_empty() && !odd.iter().any(|o| value.contains(o));
                    if usable { value } else { "4".to_owned() }
                }
            };
            let function = format!("g{done}");
            db.does(&format!(
                "create function {function}({ty} x) -> Object as {left};"
            ));
            let stored = format!("k{done}");
            db.does(&format!(
                "create function {stored}(Integer) -> {ty} as stored;"
            ));
            for (key, given) in ranging.iter().enumerate() {
                db.does(&format!("set {stored}({key}) = {given};"));
            }
            let bag = format!("x in bag({})", ranging.join(","));
            let from = format!("select x from {ty} x where");
            let queries = [
                format!("{from} {bag} and {left} = {value};"),
                format!("{from} {left} = {value} and {bag};"),
                format!("{from} {value} = {left} and {bag};"),
                format!("{from} {bag} and some(select true where {left} = {value});"),
                format!(
                    "{from} {bag} and notany(select true where notany(select true where {left} = {value}));"
                ),
                format!("{from} {bag} and {function}(x) = {value};"),
                format!("{from} {function}(x) = {value} and {bag};"),
                format!("{from} {value} = {function}(x) and {bag} and 1 = 1;"),
                format!(
                    "select x from {ty} x, Object v where {left} = v and v = {value} and {bag};"
                ),
                format!(
                    "select x from {ty} x, Integer i where {stored}(i) = x and {left} = {value};"
                ),
                format!(
                    "select x from {ty} x, Integer i where {left} = {value} and {stored}(i) = x;"
                ),
            ];
            let given = same(&mut db, &queries);
            found.note(&given);
            // What nothing but the condition binds is one of the values for which it holds.
            let solved = answer(&mut db, &format!("{from} {left} = {value};"));
            if !solved.starts_with("error: ") && !solved.is_empty() {
                let checked = format!("{from} x in bag({solved}) and {left} = {value};");
                assert_eq!(answer(&mut db, &checked), solved, "{checked}");
            }
            done += 1;
        }
    }
    found.check(done);
}
