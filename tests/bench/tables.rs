//! Tables in memory beside SQLite and DuckDB, on the same statements and data, in turns: time and memory,
//! the worst first, and the geometric mean of the ratios to the better of both. Prints a Markdown table.
//! The answers must agree.
//!
//! Each run is a process of its own, of which only the statements in question are timed, by its own
//! clock: no start, and not what fills the tables. Every program reads them from a file, one a line. SQLite
//! and DuckDB run through Python, in memory, on one thread, in one transaction.
//!
//! Needs Python with the package duckdb: `cargo bench --bench tables`. Words behind `--` choose rows.
//! Variables: `PYTHON` is the Python with the package, `OSQL` another osql, `LIMIT` the seconds after which
//! a run is given up.

mod program;
mod python;
mod queries_run;
mod tables_list;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use queries_run::{Measured, Outcome};
use tables_list::{Engine, Task, tasks};
use tempfile::TempDir;

/// Runs of each task in each program; the fastest counts.
const ROUNDS: usize = 3;

/// After a run that took so long there is no other.
const LONG: Duration = Duration::from_secs(5);

/// Relative difference between two answers: sums of reals depend on their order.
const ACCURACY: f64 = 1e-9;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs the statements of two files, one a line, of which only the second is timed, and then a query.
const SCRIPT: &str = "
import sys, time
engine, setup, timed, query = sys.argv[1:]
if engine == 'sqlite':
    import sqlite3
    db = sqlite3.connect(':memory:', isolation_level=None)
else:
    import duckdb
    db = duckdb.connect(config={'threads': 1})
    db.execute('set enable_progress_bar = false')
db.execute('begin')
for statement in open(setup):
    db.execute(statement)
statements = open(timed).read().splitlines()
begun = time.perf_counter()
for statement in statements:
    rows = db.execute(statement).fetchall()
ended = time.perf_counter()
print(ended - begun)
if query:
    rows = db.execute(query).fetchall()
for row in rows:
    print(row)
print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).strip())
";

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    let limit = match std::env::var("LIMIT") {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("LIMIT is seconds, not {text}"))?,
        Err(_) => 60.0,
    };
    let bench = Bench {
        python: python::with("duckdb")?,
        folder: TempDir::new()?,
        limit: Duration::from_secs_f64(limit),
    };
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let mut rows = Vec::new();
    for task in tasks() {
        if words.is_empty() || words.iter().any(|word| task.what.contains(word.as_str())) {
            eprintln!("{}", task.what);
            rows.push(
                bench
                    .measure(&task)
                    .map_err(|e| format!("{}: {e}", task.what))?,
            );
        }
    }
    print(&bench.python.1, rows);
    Ok(())
}

struct Row {
    what: &'static str,
    osql: Outcome,
    sqlite: Outcome,
    duckdb: Outcome,
}

impl Row {
    /// How many times what the better of both took.
    fn ratio(&self) -> f64 {
        self.osql.seconds() / self.sqlite.seconds().min(self.duckdb.seconds())
    }
}

struct Bench {
    /// The Python that has DuckDB, and the version of that.
    python: (String, String),
    folder: TempDir,
    limit: Duration,
}

impl Bench {
    /// All programs in turns; their answers must agree.
    fn measure(&self, task: &Task) -> Result<Row> {
        let [mut osql, mut sqlite, mut duckdb] = [vec![], vec![], vec![]];
        for _ in 0..ROUNDS {
            if again(&osql) {
                osql.push(self.osql(task)?);
            }
            if again(&sqlite) {
                sqlite.push(self.python(task, Engine::Sqlite)?);
            }
            if again(&duckdb) {
                duckdb.push(self.python(task, Engine::DuckDb)?);
            }
            agree(&osql[0], &sqlite[0], "SQLite")?;
            agree(&osql[0], &duckdb[0], "DuckDB")?;
        }
        Ok(Row {
            what: task.what,
            osql: Outcome::fastest(osql)?,
            sqlite: Outcome::fastest(sqlite)?,
            duckdb: Outcome::fastest(duckdb)?,
        })
    }

    fn file(&self, name: &str, statements: &[String]) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, statements.join("\n") + "\n")?;
        Ok(path)
    }

    fn osql(&self, task: &Task) -> Result<Outcome> {
        let ended = |statements: Vec<String>| -> Vec<String> {
            statements
                .into_iter()
                .map(|statement| statement + ";")
                .collect()
        };
        let setup = self.file("setup.osql", &ended((task.setup)(Engine::Osql)))?;
        let timed = self.file("timed.osql", &ended((task.timed)(Engine::Osql)))?;
        let load = |path: &Path| format!("< '{}';", path.display());
        let query = match task.query {
            "" => String::new(),
            query => format!("{query};"),
        };
        let script = format!(
            "{} 'begun'; clock(); {} clock(); 'ended'; {query} {};",
            load(&setup),
            load(&timed),
            queries_run::MEMORY
        );
        let command = &mut program::osql();
        let Some(ended) = queries_run::run(command.args(["-o", &script]), self.limit)? else {
            return Ok(Outcome::GivenUp(self.limit.as_secs_f64()));
        };
        let lines: Vec<&str> = ended.lines.iter().map(String::as_str).collect();
        let at = |mark: &str| {
            let found = lines.iter().position(|line| *line == format!("\"{mark}\""));
            found.ok_or_else(|| format!("no mark {mark}"))
        };
        let (begun, ended) = (at("begun")?, at("ended")?);
        let clock = |at: usize| {
            lines[at]
                .parse::<f64>()
                .map_err(|_| format!("no time: {}", lines[at]))
        };
        let answer = match task.query {
            "" => &lines[begun + 2..ended - 1],
            _ => &lines[ended + 1..lines.len() - 1],
        };
        Ok(Outcome::Measured(Measured {
            seconds: clock(ended - 1)? - clock(begun + 1)?,
            megabytes: queries_run::megabytes(lines.last().copied().unwrap_or_default())?,
            answer: queries_run::words(last(answer)),
        }))
    }

    fn python(&self, task: &Task, engine: Engine) -> Result<Outcome> {
        let setup = self.file("setup.sql", &(task.setup)(engine))?;
        let timed = self.file("timed.sql", &(task.timed)(engine))?;
        let name = match engine {
            Engine::Sqlite => "sqlite",
            _ => "duckdb",
        };
        let mut command = Command::new(&self.python.0);
        command
            .args(["-c", SCRIPT, name])
            .args([setup, timed])
            .arg(task.query);
        let Some(ended) = queries_run::run(&mut command, self.limit)? else {
            return Ok(Outcome::GivenUp(self.limit.as_secs_f64()));
        };
        let lines: Vec<&str> = ended.lines.iter().map(String::as_str).collect();
        let [seconds, answer @ .., memory] = lines.as_slice() else {
            return Err(format!("no answer of {name}").into());
        };
        Ok(Outcome::Measured(Measured {
            seconds: seconds
                .parse()
                .map_err(|_| format!("no time of {name}: {seconds}"))?,
            megabytes: queries_run::megabytes(memory)?,
            answer: queries_run::words(last(answer)),
        }))
    }
}

fn again(runs: &[Outcome]) -> bool {
    runs.iter().all(|run| run.seconds() < LONG.as_secs_f64())
}

/// The last row of an answer.
fn last<'l, 'a>(lines: &'l [&'a str]) -> &'l [&'a str] {
    &lines[lines.len().saturating_sub(1)..]
}

/// The answers, word by word: numbers by their value, anything else by its text.
fn agree(ours: &Outcome, theirs: &Outcome, name: &str) -> Result<()> {
    let (Outcome::Measured(ours), Outcome::Measured(theirs)) = (ours, theirs) else {
        return Ok(());
    };
    let (ours, theirs) = (&ours.answer, &theirs.answer);
    let same = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= ACCURACY * b.abs().max(1.0),
        _ => a == b,
    };
    if !ours.is_empty() && ours.len() == theirs.len() && ours.iter().zip(theirs).all(same) {
        return Ok(());
    }
    Err(format!("osql says {ours:?}, {name} {theirs:?}").into())
}

fn print(duckdb: &str, mut rows: Vec<Row>) {
    println!("DuckDB {duckdb}\n");
    println!(
        "| | osql, ms | SQLite, ms | DuckDB, ms | ratio to the better | osql, MB | SQLite, MB | DuckDB, MB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    rows.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    for row in &rows {
        let programs = [&row.osql, &row.sqlite, &row.duckdb];
        let [osql, sqlite, duckdb] = programs.map(Outcome::time);
        let [ours, of_sqlite, of_duckdb] = programs.map(Outcome::memory);
        println!(
            "| {} | {osql} | {sqlite} | {duckdb} | {:.2} | {ours} | {of_sqlite} | {of_duckdb} |",
            row.what,
            row.ratio()
        );
    }
    let logarithms: f64 = rows.iter().map(|row| row.ratio().ln()).sum();
    let mean = (logarithms / rows.len() as f64).exp();
    println!("\n{} tasks, geometric mean {mean:.2}", rows.len());
}
