//! Queries of every kind beside DuckDB on one thread, on the same data, in turns: time and memory, the
//! worst first, and the geometric mean of the ratios. Prints a Markdown table. The answers must agree.
//!
//! osql's time is that of its whole process, start included. DuckDB's is the time between the moment
//! before it opens its database and the last row of its answer, in a process of its own: Python's start
//! and its import of DuckDB, some 100 ms, are what a query through its package costs besides, and would
//! flatter osql; they are printed above the table. What fills stored functions and tables counts in a
//! row of its own only. Both read the same files, which were written just before.
//!
//! Needs Python with the package duckdb: `cargo bench --bench queries`. Words behind `--` choose rows.
//! Variables: `PYTHON` is the Python with the package, `OSQL` another osql, `SCALE` the number of rows of
//! every query (`SCALE=1e6`), `LIMIT` the seconds after which a query is given up. With several numbers
//! of rows, `SCALE=1e5,1e6,1e7` or `SCALE=all` for just these, it says how time and memory of osql grow
//! with them; DuckDB is not needed then.

mod program;
mod python;
mod queries_duckdb;
mod queries_files;
mod queries_growth;
mod queries_list;
mod queries_run;

use std::error::Error;
use std::time::Duration;

use queries_duckdb::DuckDb;
use queries_files::Files;
use queries_list::{QUERIES, Query};
use queries_run::{Measured, Outcome, Prepared};

/// Runs of each query in each program; the fastest counts.
const ROUNDS: usize = 3;

/// After a run that took so long there is no other.
const LONG: Duration = Duration::from_secs(2);

/// Relative difference between two answers: sums of reals depend on their order.
const ACCURACY: f64 = 1e-9;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    let scales = scales()?;
    let limit = Duration::from_secs_f64(number("LIMIT")?.unwrap_or(20.0));
    let files = Files::new()?;
    let queries = QUERIES.iter().filter(|query| chosen(query));
    if scales.len() > 1 {
        return queries_growth::report(queries, &files, &scales, limit);
    }
    let duckdb = DuckDb::find()?;
    let scale = scales.first().copied();
    let mut rows = Vec::new();
    for query in queries {
        let query = files.fill_in(query, scale)?;
        eprintln!("{}", query.what);
        let row = measure(&duckdb, &query, limit).map_err(|e| format!("{}: {e}", query.what))?;
        rows.push(row);
    }
    print(&duckdb, rows)
}

/// The numbers of rows that `SCALE` gives, from the least on.
fn scales() -> Result<Vec<u64>> {
    let text = match std::env::var("SCALE") {
        Ok(text) if text == "all" => "1e5,1e6,1e7".to_owned(),
        Ok(text) => text,
        Err(_) => return Ok(vec![]),
    };
    let wrong = || format!("SCALE is a number of rows, several with commas, or all, not {text}");
    let scale = |text: &str| text.trim().parse::<f64>().map(|scale| scale as u64);
    let scales = text.split(',').map(scale);
    let mut scales: Vec<u64> = scales
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| wrong())?;
    scales.sort_unstable();
    scales.dedup();
    Ok(scales)
}

/// A number that a variable of the environment gives.
fn number(variable: &str) -> Result<Option<f64>> {
    let Ok(text) = std::env::var(variable) else {
        return Ok(None);
    };
    let number: f64 = text
        .parse()
        .map_err(|_| format!("{variable} is a number, not {text}"))?;
    Ok(Some(number))
}

/// Whether a row is asked for: words behind `--` choose rows that have them in their kind or name.
fn chosen(query: &Query) -> bool {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let has = |word: &String| query.kind == word || query.what.contains(word.as_str());
    words.is_empty() || words.iter().any(has)
}

struct Row {
    what: String,
    ours: Outcome,
    theirs: Outcome,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours.seconds() / self.theirs.seconds()
    }

    /// What the ratio is beside that number, where one was given up.
    fn bound(&self) -> &'static str {
        match (self.ours.is_given_up(), self.theirs.is_given_up()) {
            (true, true) => "? ",
            (true, false) => "> ",
            (false, true) => "< ",
            (false, false) => "",
        }
    }
}

/// Both programs in turns; their answers must agree.
fn measure(duckdb: &DuckDb, query: &Prepared, limit: Duration) -> Result<Row> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        if again(&ours) {
            ours.push(queries_run::osql(query, limit)?);
        }
        if again(&theirs) {
            theirs.push(duckdb.run(query, limit)?);
        }
    }
    if let (Some(Outcome::Measured(ours)), Some(Outcome::Measured(theirs))) =
        (ours.first(), theirs.first())
    {
        agree(ours, theirs)?;
    }
    Ok(Row {
        what: query.what.clone(),
        ours: Outcome::fastest(ours)?,
        theirs: Outcome::fastest(theirs)?,
    })
}

fn again(runs: &[Outcome]) -> bool {
    runs.iter().all(|run| run.seconds() < LONG.as_secs_f64())
}

/// The answers, row by row: numbers by their value, anything else by its text.
fn agree(ours: &Measured, theirs: &Measured) -> Result<()> {
    let same = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= ACCURACY * b.abs().max(1.0),
        _ => a == b,
    };
    let (ours, theirs) = (&ours.answer, &theirs.answer);
    if !ours.is_empty() && ours.len() == theirs.len() && ours.iter().zip(theirs).all(same) {
        return Ok(());
    }
    Err(format!("osql says {ours:?}, DuckDB {theirs:?}").into())
}

fn print(duckdb: &DuckDb, mut rows: Vec<Row>) -> Result<()> {
    let (start, python) = duckdb.start()?;
    println!(
        "DuckDB {} through Python: {start:.0} ms from its start to the answer of `select 1`, \
         of which {python:.0} ms are Python and the import\n",
        duckdb.version
    );
    println!("| | osql, ms | DuckDB, ms | ratio | osql, MB | DuckDB, MB |");
    println!("|---|---|---|---|---|---|");
    rows.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    for row in &rows {
        let (ours, theirs) = (&row.ours, &row.theirs);
        println!(
            "| {} | {} | {} | {}{:.2} | {} | {} |",
            row.what,
            ours.time(),
            theirs.time(),
            row.bound(),
            row.ratio(),
            ours.memory(),
            theirs.memory()
        );
    }
    let logarithms: f64 = rows.iter().map(|row| row.ratio().ln()).sum();
    let mean = (logarithms / rows.len() as f64).exp();
    println!("\n{} queries, geometric mean {mean:.2}", rows.len());
    let given_up = rows.iter().filter(|row| !row.bound().is_empty()).count();
    if given_up > 0 {
        println!("Of {given_up} a run was given up: it counts with the time that it was given");
    }
    Ok(())
}
