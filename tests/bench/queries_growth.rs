//! How the cost of each query grows with its rows: time and memory of osql at several sizes, and by how
//! much they grow for ten times as many rows, the worst first.
//!
//! What a start takes is taken off the times before they are compared, and what a process holds that does
//! nothing off the memory: else everything would seem to grow slowly. A query whose cost is not that of
//! its rows by nature, such as a join of all pairs, is measured by what it is about: its row says so.

use std::time::Duration;

use super::queries_files::{Files, short};
use super::queries_list::Query;
use super::queries_run::{self, Measured, Outcome, Prepared};
use super::{ROUNDS, Result, again};

/// Less than that is noise.
const LEAST_SECONDS: f64 = 0.0005;
const LEAST_MEGABYTES: f64 = 1.0;

struct Growth {
    what: &'static str,
    runs: Vec<Outcome>,
    /// By how much time and memory grew from each size to the next, as for ten times the rows.
    time: Vec<f64>,
    memory: Vec<f64>,
}

impl Growth {
    fn worst(&self) -> f64 {
        self.time.iter().copied().fold(0.0, f64::max)
    }
}

/// Measures the queries at each of the sizes, and prints a Markdown table.
pub fn report<'q>(
    queries: impl Iterator<Item = &'q Query>,
    files: &Files,
    scales: &[u64],
    limit: Duration,
) -> Result<()> {
    let start = start(limit)?;
    let mut rows = Vec::new();
    for query in queries {
        let mut runs = Vec::new();
        for scale in scales {
            let query = files.fill_in(query, Some(*scale))?;
            eprintln!("{}", query.what);
            runs.push(fastest(&query, limit).map_err(|e| format!("{}: {e}", query.what))?);
        }
        rows.push(growth(query.what, runs, scales, &start));
    }
    rows.sort_by(|a, b| b.worst().total_cmp(&a.worst()));
    println!(
        "A start takes {:.1} ms and {:.0} MB. Growth is without them, for ten times the rows.\n",
        start.seconds * 1e3,
        start.megabytes
    );
    let sizes: Vec<_> = scales.iter().map(|scale| short(*scale)).collect();
    let columns: Vec<_> = sizes
        .iter()
        .map(|size| format!("{size}, ms (MB)"))
        .collect();
    println!("| | {} | growth of time | of memory |", columns.join(" | "));
    println!("|{}", "---|".repeat(scales.len() + 3));
    for row in &rows {
        let costs: Vec<_> = row
            .runs
            .iter()
            .map(|run| format!("{} ({})", run.time(), run.memory()))
            .collect();
        println!(
            "| {} | {} | {} | {} |",
            row.what,
            costs.join(" | "),
            factors(&row.time),
            factors(&row.memory)
        );
    }
    Ok(())
}

fn factors(growth: &[f64]) -> String {
    let factors: Vec<_> = growth.iter().map(|factor| format!("{factor:.1}")).collect();
    factors.join(", ")
}

/// What the least query takes.
fn start(limit: Duration) -> Result<Measured> {
    let least = Prepared {
        what: "start".to_owned(),
        setup: String::new(),
        osql: "1".to_owned(),
        duckdb_setup: String::new(),
        duckdb: String::new(),
    };
    match fastest(&least, limit)? {
        Outcome::Measured(measured) => Ok(measured),
        Outcome::GivenUp(_) => Err("osql does not start".into()),
    }
}

fn fastest(query: &Prepared, limit: Duration) -> Result<Outcome> {
    let mut runs = Vec::new();
    for _ in 0..ROUNDS {
        if again(&runs) {
            runs.push(queries_run::osql(query, limit)?);
        }
    }
    Outcome::fastest(runs)
}

fn growth(what: &'static str, runs: Vec<Outcome>, scales: &[u64], start: &Measured) -> Growth {
    let seconds = |run: &Outcome| (run.seconds() - start.seconds).max(LEAST_SECONDS);
    let megabytes = |run: &Outcome| match run {
        Outcome::Measured(run) => (run.megabytes - start.megabytes).max(LEAST_MEGABYTES),
        Outcome::GivenUp(_) => f64::NAN,
    };
    let mut growth = Growth {
        what,
        time: vec![],
        memory: vec![],
        runs: vec![],
    };
    for (runs, scales) in runs.windows(2).zip(scales.windows(2)) {
        let decades = (scales[1] as f64 / scales[0] as f64).log10();
        let for_ten = |before: f64, after: f64| (after / before).powf(1.0 / decades);
        growth
            .time
            .push(for_ten(seconds(&runs[0]), seconds(&runs[1])));
        growth
            .memory
            .push(for_ten(megabytes(&runs[0]), megabytes(&runs[1])));
    }
    growth.runs = runs;
    growth
}
