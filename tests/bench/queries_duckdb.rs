//! DuckDB on one thread, through its Python package.

use std::process::Command;
use std::time::Duration;

use super::queries_run::{self, Measured, Outcome, Prepared};
use super::{Result, python};

/// Runs what fills tables (the first argument) and then the query (the second), which alone is timed.
const SCRIPT: &str = "
import sys, time, duckdb
setup, query = sys.argv[1], sys.argv[2]
begun = time.perf_counter()
db = duckdb.connect(config={'threads': 1})
db.execute('set enable_progress_bar = false')
opened = time.perf_counter()
if setup:
    db.execute(setup)
filled = time.perf_counter()
for statement in query.split(';'):
    rows = db.execute(statement).fetchall()
ended = time.perf_counter()
print(ended - filled + opened - begun)
for row in rows:
    print(row)
print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).strip())
";

pub struct DuckDb {
    python: String,
    pub version: String,
}

impl DuckDb {
    /// The Python that has the package.
    pub fn find() -> Result<DuckDb> {
        let (python, version) = python::with("duckdb")?;
        Ok(DuckDb { python, version })
    }

    pub fn run(&self, query: &Prepared, limit: Duration) -> Result<Outcome> {
        let mut command = self.script(&query.duckdb_setup, &query.duckdb);
        let Some(ended) = queries_run::run(&mut command, limit)? else {
            return Ok(Outcome::GivenUp(limit.as_secs_f64()));
        };
        let lines: Vec<&str> = ended.lines.iter().map(String::as_str).collect();
        let [seconds, answer @ .., memory] = lines.as_slice() else {
            return Err("no answer of DuckDB".into());
        };
        Ok(Outcome::Measured(Measured {
            seconds: seconds
                .parse()
                .map_err(|_| format!("no time of DuckDB: {seconds}"))?,
            megabytes: queries_run::megabytes(memory)?,
            answer: queries_run::words(answer),
        }))
    }

    fn script(&self, setup: &str, query: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT, setup, query]);
        command
    }

    /// Milliseconds from the start of Python to the answer of the least query, and how many of them are
    /// not DuckDB's own; the fastest of some.
    pub fn start(&self) -> Result<(f64, f64)> {
        let mut fastest = (f64::INFINITY, f64::INFINITY);
        for _ in 0..5 {
            let limit = Duration::from_secs(60);
            let ended = queries_run::run(&mut self.script("", "select 1"), limit)?;
            let ended = ended.ok_or("DuckDB does not start")?;
            let own: f64 = ended.lines.first().ok_or("no time")?.parse()?;
            let (whole, besides) = (ended.seconds * 1e3, (ended.seconds - own) * 1e3);
            fastest = (fastest.0.min(whole), fastest.1.min(besides));
        }
        Ok(fastest)
    }
}
