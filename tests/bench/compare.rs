//! osql beside what people use today, in one run on one machine: publishing beside `mosquitto_pub
//! -l`, starting beside `sqlite3`. Prints a Markdown table.
//!
//! Needs mosquitto, mosquitto-clients and sqlite3: `cargo bench --bench compare`.

mod broker;
mod measure;
mod program;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use broker::Broker;
use measure::{Cost, median};

/// Messages are the numbers from here on: 16 digits, 16 bytes.
const FIRST: u64 = 1_000_000_000_000_000;

/// Lines that one run of mosquitto_pub gets at QoS 1. It ends when the identifier of the last message
/// is acknowledged, and these count from 1 again after 65,535: what has not been sent by then is lost.
const LINES_AT_QOS_1: u64 = 50_000;

/// Runs of each publisher; the fastest counts.
const ROUNDS: usize = 3;

/// Starts of each program; the median counts.
const STARTS: usize = 101;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    println!("| | osql | beside it | ratio of times | of processor times |");
    println!("|---|---|---|---|---|");
    publishing(0, 500_000)?;
    publishing(1, 200_000)?;
    starting()
}

/// Publishes `count` messages with both programs in turns.
fn publishing(qos: u8, count: u64) -> Result<()> {
    let broker = Broker::start()?;
    let folder = tempfile::TempDir::new()?;
    let at_once = if qos == 0 { count } else { LINES_AT_QOS_1 };
    let files = write_lines(folder.path(), count, at_once)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(broker.receives(count, || osql(&broker, qos, count))?);
        theirs.push(broker.receives(count, || mosquitto_pub(&broker, qos, &files))?);
    }
    let what = format!("{count} publishes of 16 bytes at QoS {qos}");
    let name = match files.len() {
        1 => "mosquitto_pub -l".to_owned(),
        runs => format!("mosquitto_pub -l, {runs} runs"),
    };
    row(&what, Cost::least(&ours), &name, Cost::least(&theirs));
    Ok(())
}

fn osql(broker: &Broker, qos: u8, count: u64) -> Result<Cost> {
    let (port, last) = (broker.port, FIRST + count - 1);
    let script = format!(
        "mqtt:register_client('b', {{'connection': 'tcp://127.0.0.1:{port}', 'qos': {qos}}}); \
         sink(publish(siota({FIRST},{last}), 'b:bench'));"
    );
    measure::run(program::osql().args(["-o", &script]))
}

/// Runs it once for each file; gives what all runs cost together.
fn mosquitto_pub(broker: &Broker, qos: u8, files: &[PathBuf]) -> Result<Cost> {
    let mut all = Cost::default();
    for lines in files {
        all += measure::run(
            Command::new("mosquitto_pub")
                .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
                .args(["-t", "bench", "-q", &qos.to_string(), "-l"])
                .stdin(Stdio::from(File::open(lines)?)),
        )?;
    }
    Ok(all)
}

/// Writes the messages as lines into files of `at_once` lines each.
fn write_lines(folder: &Path, count: u64, at_once: u64) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for first in (FIRST..FIRST + count).step_by(usize::try_from(at_once)?) {
        let path = folder.join(first.to_string());
        let mut file = BufWriter::new(File::create(&path)?);
        for number in first..(first + at_once).min(FIRST + count) {
            writeln!(file, "{number}")?;
        }
        file.flush()?;
        files.push(path);
    }
    Ok(files)
}

/// Starts both programs in turns.
fn starting() -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        ours.push(measure::run(program::osql().args(["-o", "1;"]))?);
        theirs.push(measure::run(
            Command::new("sqlite3").args([":memory:", "select 1"]),
        )?);
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    println!(
        "| start to first result | {:.2} ms | sqlite3: {:.2} ms | {:.2} | |",
        ours * 1e3,
        theirs * 1e3,
        ours / theirs
    );
    Ok(())
}

fn row(what: &str, ours: Cost, name: &str, theirs: Cost) {
    println!(
        "| {what} | {ours} | {name}: {theirs} | {:.2} | {:.2} |",
        ours.wall / theirs.wall,
        ours.processor / theirs.processor
    );
}
