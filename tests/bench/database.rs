//! The local database beside SQLite in memory, on the same data in one run: a join of two extents,
//! a lookup by key for each of many, groups, and a sum over numbers. Prints a Markdown table.
//!
//! Needs sqlite3: `cargo bench --bench database`; words behind `--` choose rows.

use std::error::Error;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use osql::model::memory::MemoryLimit;
use osql::run::statement::Outcome;
use osql::session::{Config, Session};
use osql::text::console::Console;
use osql::text::diagnostic::SourceText;

/// Objects in each extent, and rows in each table.
const OBJECTS: u32 = 100_000;

/// Runs of each query; the fastest counts.
const ROUNDS: usize = 5;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Query {
    what: &'static str,
    osql: &'static str,
    sqlite: &'static str,
}

const QUERIES: &[Query] = &[
    Query {
        what: "join of two extents of 100,000 on an indexed function",
        osql: "count(select o from Ord o, Item i where item(o) = nr(i))",
        sqlite: "select count(*) from ord join item on ord.item = item.nr",
    },
    Query {
        what: "the same, with a filter and a computed result",
        osql: "sum(select price(i) * amount(o) from Ord o, Item i where item(o) = nr(i) and amount(o) > 5)",
        sqlite: "select sum(price * amount) from ord join item on ord.item = item.nr where amount > 5",
    },
    Query {
        what: "100,000 rows in ten groups",
        osql: "count(select amount(o), sum(item(o)) from Ord o group by amount(o))",
        sqlite: "select count(*) from (select amount, sum(item) from ord group by amount)",
    },
    Query {
        what: "sum of sqrt over the odd numbers to 10^6",
        osql: "sum(select sqrt(x) from Integer x where x in iota(1,1000000) and odd(x))",
        sqlite: "with recursive c(x) as (select 1 union all select x+1 from c where x < 1000000) \
                 select sum(sqrt(x)) from c where x % 2 = 1",
    },
];

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    let sqlite = sqlite_times()?;
    let mut session = loaded()?;
    println!("| | osql | SQLite | time |\n|---|---|---|---|");
    for (query, theirs) in QUERIES.iter().zip(sqlite).filter(|(q, _)| chosen(q.what)) {
        let mut ours = f64::INFINITY;
        for _ in 0..ROUNDS {
            ours = ours.min(time(&mut session, query.osql)?);
        }
        let what = query.what;
        println!(
            "| {what} | {ours:.3} s | {theirs:.3} s | {:.2} |",
            ours / theirs
        );
    }
    Ok(())
}

/// Whether a row is asked for: words behind `--` choose rows that have them.
fn chosen(what: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let first = words.next();
    first.is_none_or(|word| what.contains(&word)) || words.any(|word| what.contains(&word))
}

/// A session with the data: orders of items.
fn loaded() -> Result<Session> {
    let mut session = Session::new(Config {
        home: "/".into(),
        timeout: None,
        console: Console::standard(),
        bail: false,
        memory: MemoryLimit::Bytes(u64::MAX),
    });
    let last = OBJECTS - 1;
    for statement in [
        "create type Item",
        "create function nr(Item) -> Integer key as stored",
        "create function price(Item) -> Integer as stored",
        "create type Ord",
        "create function item(Ord) -> Integer as stored",
        "create function amount(Ord) -> Integer as stored",
        &format!(
            "for each Integer i where i in iota(0,{last}) \
             create Item(nr, price) instances (i, mod(i * 7, 100))"
        ),
        &format!(
            "for each Integer i where i in iota(0,{last}) \
             create Ord(item, amount) instances (mod(i * 7919, {OBJECTS}), mod(i, 10))"
        ),
    ] {
        run(&mut session, statement)?;
    }
    Ok(session)
}

fn run(session: &mut Session, statement: &str) -> Result<()> {
    if let Outcome::Results(rows) = session.execute(&SourceText::new("<bench>", statement))? {
        for row in rows {
            row?;
        }
    }
    Ok(())
}

fn time(session: &mut Session, query: &str) -> Result<f64> {
    let began = Instant::now();
    run(session, query)?;
    Ok(began.elapsed().as_secs_f64())
}

/// The fastest run of each query in one sqlite3, by its own clock.
fn sqlite_times() -> Result<Vec<f64>> {
    let mut script = format!(
        "create table item(nr integer unique, price integer);\n\
         create table ord(item integer, amount integer);\n\
         create index ord_item on ord(item);\n\
         with recursive c(i) as (select 0 union all select i+1 from c where i < {OBJECTS} - 1)\n\
         insert into item select i, i * 7 % 100 from c;\n\
         with recursive c(i) as (select 0 union all select i+1 from c where i < {OBJECTS} - 1)\n\
         insert into ord select i * 7919 % {OBJECTS}, i % 10 from c;\n.timer on\n"
    );
    for query in QUERIES {
        script.push_str(&format!("{};\n", query.sqlite).repeat(ROUNDS));
    }
    let mut child = Command::new("sqlite3")
        .arg(":memory:")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("it is piped")?;
    stdin.write_all(script.as_bytes())?;
    drop(stdin);
    let output = String::from_utf8(child.wait_with_output()?.stdout)?;
    let real = |line: &str| -> Option<f64> {
        let rest = line.strip_prefix("Run Time: real ")?;
        rest.split(' ').next()?.parse().ok()
    };
    let times: Vec<f64> = output.lines().filter_map(real).collect();
    let fastest = |runs: &[f64]| runs.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(times.chunks(ROUNDS).map(fastest).collect())
}
