//! Numbers in bulk, in osql and in programs known to be fast at them. Each times its own queries, so
//! starting does not count, and the answers must agree.

use std::io::{Seek, Write};
use std::process::{Command, Stdio};

use super::{Result, installed, program};

/// Runs of each query in each program; the fastest counts.
const ROUNDS: usize = 3;

/// Relative difference between two answers: sums of reals depend on their order.
const ACCURACY: f64 = 1e-9;

struct Query {
    what: &'static str,
    osql: &'static str,
    duckdb: &'static str,
    sqlite: &'static str,
    /// The body of a function.
    luajit: &'static str,
}

const QUERIES: &[Query] = &[
    Query {
        what: "count of 10^7 integers",
        osql: "count(iota(1,10000000))",
        duckdb: "select count(*) from range(1,10000001)",
        sqlite: "select count(*) from generate_series(1,10000000)",
        luajit: "local n = 0 for i = 1, 1e7 do n = n + 1 end return n",
    },
    Query {
        what: "sum of sqrt over the odd numbers to 10^7",
        osql: "sum(select sqrt(x) from Integer x where x in iota(1,10000000) and odd(x))",
        duckdb: "select sum(sqrt(x)) from range(1,10000001) t(x) where x % 2 = 1",
        sqlite: "select sum(sqrt(value)) from generate_series(1,10000000) where value % 2 = 1",
        luajit: "local s, sqrt = 0, math.sqrt \
                 for x = 1, 1e7 do if x % 2 == 1 then s = s + sqrt(x) end end return s",
    },
    Query {
        what: "mean of the means of each 100 neighbours of 10^7",
        osql: "mean(mean(winagg(siota(1,10000000),100,1)))",
        duckdb: "select avg(m) from (select x, avg(x) over (rows between 99 preceding and current row) m \
                 from range(1,10000001) t(x)) where x >= 100",
        sqlite: "select avg(m) from (select value x, avg(value) over \
                 (rows between 99 preceding and current row) m \
                 from generate_series(1,10000000)) where x >= 100",
        luajit: "local ring, s, all, n = {}, 0, 0, 0 for i = 0, 99 do ring[i] = 0 end \
                 for x = 1, 1e7 do local at = x % 100 s = s + x - ring[at] ring[at] = x \
                 if x >= 100 then all = all + s / 100 n = n + 1 end end return all / n",
    },
];

/// The fastest run of a query, in seconds, and its answer.
#[derive(Clone, Copy)]
struct Timed {
    seconds: f64,
    answer: f64,
}

/// Prints a table of all queries in all programs.
pub fn compare() -> Result<()> {
    let ours = in_osql()?;
    let others = [
        ("DuckDB, one thread", in_duckdb()?),
        ("SQLite", in_sqlite()?),
        ("LuaJIT", in_luajit()?),
    ];
    let names: Vec<&str> = others.iter().map(|(name, _)| *name).collect();
    println!("Milliseconds, and osql's time divided by that of each\n");
    println!("| | osql | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(others.len()));
    for (at, query) in QUERIES.iter().enumerate() {
        let mut cells = vec![
            query.what.to_owned(),
            format!("{:.3}", ours[at].seconds * 1e3),
        ];
        for (name, theirs) in &others {
            let theirs = theirs.as_ref().map(|timed| timed[at]);
            cells.push(cell(ours[at], theirs).map_err(|e| format!("{name}: {}: {e}", query.what))?);
        }
        println!("| {} |", cells.join(" | "));
    }
    Ok(())
}

fn cell(ours: Timed, theirs: Option<Timed>) -> Result<String> {
    let Some(theirs) = theirs else {
        return Ok("not installed".to_owned());
    };
    if (ours.answer - theirs.answer).abs() > ACCURACY * theirs.answer.abs() {
        return Err(format!("{} is not {}", theirs.answer, ours.answer).into());
    }
    let ratio = ours.seconds / theirs.seconds;
    Ok(format!("{:.3} ({ratio:.3})", theirs.seconds * 1e3))
}

/// Each query stands between two looks at the clock.
fn in_osql() -> Result<Vec<Timed>> {
    let mut script = String::new();
    for query in QUERIES {
        script += &format!("clock(); {}; clock();\n", query.osql).repeat(ROUNDS);
    }
    let numbers = numbers(program::osql().args(["-o", &script]))?;
    let (runs, _) = numbers.as_chunks::<3>();
    let timed = runs.iter().map(|&[begun, answer, ended]| Timed {
        seconds: ended - begun,
        answer,
    });
    fastest(timed)
}

fn in_duckdb() -> Result<Option<Vec<Timed>>> {
    let has_module = Command::new("python3")
        .args(["-c", "import duckdb"])
        .stderr(Stdio::null())
        .status();
    if !has_module.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let mut script = "import duckdb, time\n\
                      db = duckdb.connect()\n\
                      db.execute('set threads=1')\n\
                      def run(query):\n    \
                          for _ in range(ROUNDS):\n        \
                              begun = time.perf_counter()\n        \
                              answer = db.execute(query).fetchone()[0]\n        \
                              print(time.perf_counter() - begun, answer)\n"
        .replace("ROUNDS", &ROUNDS.to_string());
    for query in QUERIES {
        script += &format!("run('{}')\n", query.duckdb);
    }
    pairs(Command::new("python3").args(["-c", &script])).map(Some)
}

fn in_luajit() -> Result<Option<Vec<Timed>>> {
    if !installed("luajit") {
        return Ok(None);
    }
    // os.clock() has steps of a microsecond, and the work is the processor's alone.
    let mut script = format!(
        "local function run(query) for _ = 1, {ROUNDS} do \
             local begun = os.clock() local answer = query() \
             print(string.format('%.17g %.17g', os.clock() - begun, answer)) end end\n"
    );
    for query in QUERIES {
        script += &format!("run(function() {} end)\n", query.luajit);
    }
    pairs(Command::new("luajit").args(["-e", &script])).map(Some)
}

/// By the shell's own timer, which writes `Run Time: real 0.1 user 0.1 sys 0.0` after each answer.
fn in_sqlite() -> Result<Option<Vec<Timed>>> {
    if !installed("sqlite3") {
        return Ok(None);
    }
    // It times only what comes from a file.
    let mut script = tempfile::tempfile()?;
    writeln!(script, ".timer on")?;
    for query in QUERIES {
        let line = format!("{};\n", query.sqlite);
        script.write_all(line.repeat(ROUNDS).as_bytes())?;
    }
    script.rewind()?;
    let numbers = numbers(Command::new("sqlite3").arg(":memory:").stdin(script))?;
    let (runs, _) = numbers.as_chunks::<4>();
    let timed = runs
        .iter()
        .map(|&[answer, seconds, _, _]| Timed { seconds, answer });
    fastest(timed).map(Some)
}

/// What a program times that writes seconds and answer for each run.
fn pairs(command: &mut Command) -> Result<Vec<Timed>> {
    let numbers = numbers(command)?;
    let (runs, _) = numbers.as_chunks::<2>();
    fastest(
        runs.iter()
            .map(|&[seconds, answer]| Timed { seconds, answer }),
    )
}

/// All words of a program's output that are numbers.
fn numbers(command: &mut Command) -> Result<Vec<f64>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let words = text.split_whitespace();
    Ok(words.filter_map(|word| word.parse().ok()).collect())
}

/// The fastest run of each query.
fn fastest(runs: impl Iterator<Item = Timed>) -> Result<Vec<Timed>> {
    let runs: Vec<Timed> = runs.collect();
    if runs.len() != QUERIES.len() * ROUNDS {
        return Err(format!("{} answers", runs.len()).into());
    }
    let faster = |a: Timed, b: &Timed| if b.seconds < a.seconds { *b } else { a };
    Ok(runs
        .chunks(ROUNDS)
        .map(|chunk| chunk[1..].iter().fold(chunk[0], faster))
        .collect())
}
