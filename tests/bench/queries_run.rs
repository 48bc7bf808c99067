//! A program that runs one query in a process of its own, under a limit of time.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Result, program};

/// A query for each of two programs, with what fills their tables before.
#[allow(
    dead_code,
    reason = "a benchmark of its own statements runs no query of DuckDB's"
)]
pub struct Prepared {
    pub what: String,
    pub setup: String,
    pub osql: String,
    pub duckdb_setup: String,
    pub duckdb: String,
}

/// What one run took, and what it answered.
pub struct Measured {
    pub seconds: f64,
    /// The most memory that the process ever held, in megabytes.
    pub megabytes: f64,
    /// The words of its answer, without quotes and brackets.
    pub answer: Vec<String>,
}

pub enum Outcome {
    Measured(Measured),
    /// It was still running after so many seconds.
    GivenUp(f64),
}

impl Outcome {
    pub fn seconds(&self) -> f64 {
        match self {
            Outcome::Measured(measured) => measured.seconds,
            Outcome::GivenUp(seconds) => *seconds,
        }
    }

    pub fn is_given_up(&self) -> bool {
        matches!(self, Outcome::GivenUp(_))
    }

    pub fn time(&self) -> String {
        let above = if self.is_given_up() { "> " } else { "" };
        format!("{above}{:.1}", self.seconds() * 1e3)
    }

    pub fn memory(&self) -> String {
        match self {
            Outcome::Measured(measured) => format!("{:.0}", measured.megabytes),
            Outcome::GivenUp(_) => "?".to_owned(),
        }
    }

    pub fn fastest(runs: Vec<Outcome>) -> Result<Outcome> {
        let fastest = runs
            .into_iter()
            .min_by(|a, b| a.seconds().total_cmp(&b.seconds()));
        fastest.ok_or_else(|| "no run".into())
    }
}

/// What a process wrote and how long it took from its start to its end.
pub struct Ended {
    pub seconds: f64,
    pub lines: Vec<String>,
}

/// Runs a program, which must end well; `None` if it is killed after `limit`.
pub fn run(command: &mut Command, limit: Duration) -> Result<Option<Ended>> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    let mut output = child.stdout.take().ok_or("it is piped")?;
    let (sender, ended) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let read = output.read_to_string(&mut text);
        // Nobody listens after the limit.
        let _ = sender.send(read.map(|_| text));
    });
    let text = ended.recv_timeout(limit);
    if text.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    let seconds = begun.elapsed().as_secs_f64();
    reader.join().map_err(|_| "the reader panicked")?;
    let Ok(text) = text else {
        return Ok(None);
    };
    if !status.success() {
        return Err(status.to_string().into());
    }
    let lines = text?.lines().map(str::to_owned).collect();
    Ok(Some(Ended { seconds, lines }))
}

/// What osql asks the system about itself at its end.
pub const MEMORY: &str = "select l from Charstring l where l in readlines('/proc/self/status') \
                      and like(l, 'VmHWM:*');";

#[allow(dead_code, reason = "not every benchmark has one query for it")]
/// Runs osql with a query. What fills its stored functions stands between two looks at the clock and
/// does not count; all else of the process does.
pub fn osql(query: &Prepared, limit: Duration) -> Result<Outcome> {
    let Prepared { setup, osql, .. } = query;
    let script = format!("clock(); {setup} clock(); {osql}; {MEMORY}");
    let command = &mut program::osql();
    let Some(ended) = run(command.args(["-o", &script]), limit)? else {
        return Ok(Outcome::GivenUp(limit.as_secs_f64()));
    };
    let mut lines = ended.lines.iter().map(String::as_str);
    let begun = lines.next().ok_or("no time")?;
    let begun: f64 = begun.parse().map_err(|_| format!("no time: {begun}"))?;
    let lines: Vec<&str> = lines.collect();
    let [filled @ .., memory] = lines.as_slice() else {
        return Err("no answer".into());
    };
    // What is made may be named.
    let at = filled
        .iter()
        .position(|line| line.parse::<f64>().is_ok())
        .ok_or("no time")?;
    let filling = filled[at].parse::<f64>()? - begun;
    Ok(Outcome::Measured(Measured {
        seconds: ended.seconds - filling,
        megabytes: megabytes(memory)?,
        answer: words(&filled[at + 1..]),
    }))
}

/// The number in a line like `VmHWM: 9344 kB`.
pub fn megabytes(line: &str) -> Result<f64> {
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let kilobytes: f64 = digits.parse().map_err(|_| format!("no memory in {line}"))?;
    Ok(kilobytes / 1024.0)
}

/// What stands between brackets, commas and quotes.
pub fn words(lines: &[&str]) -> Vec<String> {
    let apart = |c: char| matches!(c, '[' | ']' | ',' | '"' | '(' | ')' | '\'' | ' ');
    let words = lines.iter().flat_map(|line| line.split(apart));
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}
