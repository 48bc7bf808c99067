//! Random statements on tables of a database beside the same on tables in memory: the same answers and
//! the same errors, whatever changes, indexes and transactions come between.

use tempfile::TempDir;

use super::tables_beside_sqlite::{Maker, Row};
use crate::support::random::{cases, generator};
use crate::support::session::Db;

/// A statement that changes something, or ends a transaction.
fn change(maker: &mut Maker) -> String {
    let table = *["t", "u", "w"].get(maker.below(3)).expect("one of three");
    let row = Row::of(table, table);
    let column = if table == "w" { "v" } else { "a" };
    match maker.below(14) {
        0 => format!("delete from {table} where {};", maker.condition(&[row], 1)),
        1 | 2 => format!(
            "update {table} set {column} = {} where {};",
            maker.number(std::slice::from_ref(&row), 1),
            maker.condition(&[row], 1)
        ),
        3 => "update t set id = id + 1;".to_owned(),
        4 => format!("insert into t(id, a, b) values ({}, {}, 1), (1, 1, 1);", maker.below(9), maker.below(5)),
        5 => format!("insert into u(id, a) select id + {}, a from t;", maker.below(4)),
        6 => format!("insert into w(k) select stream of x from Integer x where x in iota(1,{});", maker.below(5)),
        7 => format!("insert into t(id) values ({}), ('a');", maker.below(9)),
        8 => format!("create {} index i on {table}({column});", ["", "unique"][maker.below(2)]),
        9 => "drop index if exists i;".to_owned(),
        10 => "auto_commit(false);".to_owned(),
        11 => "commit; auto_commit(true);".to_owned(),
        12 => "rollback;".to_owned(),
        _ => format!("create function f(Integer x) -> Integer as {{ insert into w values (x, x); insert into t(id, a) values (x, x); return x; }};
                      select f(x) from Integer x where x in bag({}, {});", maker.below(9), maker.below(9)),
    }
}

/// What is printed, in an order that does not depend on where rows stand.
fn sorted(printed: &str) -> Vec<String> {
    let mut lines: Vec<String> = printed.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// The same where an error names one of several rows that it could name: which it meets first depends on
/// where they stand.
fn without_row(printed: &str) -> String {
    let line = |line: &str| {
        let known = [" has a row with ", " has several rows with "];
        let named = known.iter().find_map(|part| line.split_once(part));
        named.map_or(line, |(before, _)| before).to_owned()
    };
    printed.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn statements_give_the_same_in_a_database_and_in_memory() {
    let rounds = cases(400).div_ceil(20);
    let mut random = generator(0);
    let (mut done, mut with_rows, mut failed) = (0, 0, 0);
    for _ in 0..rounds {
        let folder = TempDir::new().expect("a temporary folder");
        let mut maker = Maker {
            random: &mut random,
            names: 0,
        };
        let database = maker.database();
        let open = format!("open_database('{}/d.db');", folder.path().display());
        let lasting_text = database
            .lines()
            .map(|line| match line.trim().starts_with("create table") {
                true => line.replace(");", ") in d;"),
                false => line.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("\n");
        let (mut memory, mut lasting) = (Db::new(), Db::new());
        lasting.gives(&open, "\"d\"");
        let mut history = database.clone();
        assert_eq!(
            lasting.run(&lasting_text),
            memory.run(&database),
            "{database}"
        );
        for _ in 0..20 {
            let changed = change(&mut maker);
            history += &format!("\n{changed}");
            let (in_memory, in_file) = (memory.run(&changed), lasting.run(&changed));
            failed += usize::from(in_memory.contains("error"));
            assert_eq!(without_row(&in_file), without_row(&in_memory), "{history}");
            let (query, ordered) = maker.query();
            let (in_memory, in_file) = (memory.run(&query), lasting.run(&query));
            with_rows += usize::from(!in_memory.is_empty());
            match ordered {
                true => assert_eq!(in_file, in_memory, "{query}\nafter\n{history}"),
                false => assert_eq!(
                    sorted(&in_file),
                    sorted(&in_memory),
                    "{query}\nafter\n{history}"
                ),
            }
            done += 1;
        }
        // What has been committed is there for the next session.
        let all = "commit; select * from t; select * from u; select * from w;";
        let in_memory = sorted(&memory.run(all));
        assert_eq!(sorted(&lasting.run(all)), in_memory, "{history}");
        drop(lasting);
        let mut next = Db::new();
        next.gives(&open, "\"d\"");
        assert_eq!(sorted(&next.run(all)), in_memory, "{history}");
    }
    println!("{done} statements and queries, {with_rows} with rows, {failed} that failed");
    assert!(with_rows > done / 4, "{with_rows} of {done} have rows");
    assert!(failed > done / 50, "{failed} of {done} failed");
}
