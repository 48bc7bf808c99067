//! osql beside what people use today, in one run on one machine: publishing beside `mosquitto_pub
//! -l`, starting beside `sqlite3`. Prints a Markdown table.
//!
//! Needs mosquitto, mosquitto-clients and sqlite3: `cargo bench --bench compare`.

mod broker;
mod measure;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use broker::Broker;
use measure::{Cost, median};

const OSQL: &str = env!("CARGO_BIN_EXE_osql");

/// Messages are the numbers from here on: 16 digits, 16 bytes.
const FIRST: u64 = 1_000_000_000_000_000;

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
    println!("| | osql | beside it | time | processor time |");
    println!("|---|---|---|---|---|");
    publishing(0, 500_000)?;
    publishing(1, 200_000)?;
    starting()
}

/// Publishes `count` messages with both programs in turns.
fn publishing(qos: u8, count: u64) -> Result<()> {
    let broker = Broker::start()?;
    let folder = tempfile::TempDir::new()?;
    let lines = folder.path().join("lines");
    write_lines(&lines, count)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(broker.receives(count, || osql(&broker, qos, count))?);
        theirs.push(broker.receives(count, || mosquitto_pub(&broker, qos, &lines))?);
    }
    let what = format!("{count} publishes of 16 bytes at QoS {qos}");
    row(
        &what,
        Cost::least(&ours),
        "mosquitto_pub -l",
        Cost::least(&theirs),
    );
    Ok(())
}

fn osql(broker: &Broker, qos: u8, count: u64) -> Result<Cost> {
    let (port, last) = (broker.port, FIRST + count - 1);
    let script = format!(
        "mqtt:register_client('b', {{'connection': 'tcp://127.0.0.1:{port}', 'qos': {qos}}}); \
         sink(publish(siota({FIRST},{last}), 'b:bench'));"
    );
    measure::run(Command::new(OSQL).args(["-o", &script]))
}

fn mosquitto_pub(broker: &Broker, qos: u8, lines: &Path) -> Result<Cost> {
    measure::run(
        Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
            .args(["-t", "bench", "-q", &qos.to_string(), "-l"])
            .stdin(Stdio::from(File::open(lines)?)),
    )
}

fn write_lines(to: &Path, count: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(to)?);
    for number in FIRST..FIRST + count {
        writeln!(file, "{number}")?;
    }
    Ok(file.flush()?)
}

/// Starts both programs in turns.
fn starting() -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        ours.push(measure::run(Command::new(OSQL).args(["-o", "1;"]))?);
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
