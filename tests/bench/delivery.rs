//! Publishing and receiving at every quality of service beside `mosquitto_pub -l` and
//! `mosquitto_sub`, in one run, with what the broker takes at most: `cargo bench --bench delivery`.
//! Prints a Markdown table. Every run counts what arrives. Words behind `--` choose rows:
//! `cargo bench --bench delivery -- 'received at QoS 1'`.

mod frames;
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod measure;
#[path = "../e2e/support/mosquitto.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod mosquitto;
#[path = "../e2e/support/port.rs"]
mod port;
mod program;
#[path = "../e2e/support/wait.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod wait;

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use measure::Cost;
use mosquitto::{Folder, Mosquitto};

/// Messages are the numbers from here on: 16 digits, 16 bytes.
const FIRST: usize = 1_000_000_000_000_000;

/// Lines that one run of mosquitto_pub gets above QoS 0: it loses what is left when the identifier
/// of its last message is acknowledged, and identifiers end at 65,535.
const LINES: usize = 50_000;

/// Runs of each program; the best counts.
const ROUNDS: usize = 3;

/// Nothing is thrown away, and nothing waits for a limit.
const BROKER: &str = "max_queued_messages 0\nmax_inflight_messages 0\nsys_interval 1\n\
                      log_type subscribe\nset_tcp_nodelay true";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    println!("Microseconds per message of 16 bytes: in all, and of processor time.");
    println!();
    println!("| | osql | mosquitto's | ratio of processor times | the broker's limit |");
    println!("|---|---|---|---|---|");
    publishing(0, 4, 500_000)?;
    publishing(1, 4, 200_000)?;
    publishing(2, 4, 100_000)?;
    publishing(2, 5, 100_000)?;
    receiving(0, 1_000_000)?;
    receiving(1, 1_000_000)?;
    receiving(2, 200_000)
}

/// Whether a row is asked for.
fn chosen(what: &str) -> bool {
    let rows: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    rows.is_empty() || rows.iter().any(|row| what.contains(row))
}

fn publishing(qos: u8, version: u8, count: usize) -> Result<()> {
    let v5 = if version == 5 { ", MQTT 5" } else { "" };
    let what = format!("{count} publications at QoS {qos}{v5}");
    if !chosen(&what) {
        return Ok(());
    }
    let broker = Mosquitto::start(BROKER);
    // Its count would be mixed up with that of the others.
    let bare = Mosquitto::start(BROKER);
    let folder = Folder::new();
    let lines = write_lines(&folder, count, if qos == 0 { count } else { LINES })?;
    let (mut ours, mut theirs, mut limit) = (Vec::new(), Vec::new(), f64::INFINITY);
    for _ in 0..ROUNDS {
        ours.push(arriving(&broker, qos, count, || {
            osql_publishes(&broker, qos, version, count)
        })?);
        theirs.push(arriving(&broker, qos, count, || {
            mosquitto_publishes(&broker, qos, version, &lines)
        })?);
        let frames = || frames::publish(bare.port, "bench", qos, count);
        limit = limit.min(match qos {
            2 => beside_a_reader(&bare, count, frames)?,
            _ => frames()?,
        });
    }
    row(&what, count, &ours, &theirs, limit);
    Ok(())
}

fn osql_publishes(broker: &Mosquitto, qos: u8, version: u8, count: usize) -> Result<Cost> {
    let last = FIRST + count - 1;
    let script = format!(
        "{} sink(publish(siota({FIRST},{last}), 'b:bench'));",
        register(broker, qos, version)
    );
    measure::run(program::osql().args(["-o", &script]))
}

fn register(broker: &Mosquitto, qos: u8, version: u8) -> String {
    let at = broker.url("tcp");
    format!(
        "mqtt:register_client('b', {{'connection': '{at}', 'qos': {qos}, 'version': {version}}});"
    )
}

fn mosquitto_publishes(
    broker: &Mosquitto,
    qos: u8,
    version: u8,
    files: &[PathBuf],
) -> Result<Cost> {
    let mut all = Cost::default();
    for lines in files {
        let mut command = mosquitto("mosquitto_pub", broker, qos);
        command.args(["-l", "-V", if version == 5 { "5" } else { "311" }]);
        all += measure::run(command.stdin(Stdio::from(File::open(lines)?)))?;
    }
    Ok(all)
}

fn mosquitto(program: &str, broker: &Mosquitto, qos: u8) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
        .args(["-t", "bench", "-q", &qos.to_string()]);
    command
}

/// Writes the messages as lines into files of `at_once` lines each.
fn write_lines(folder: &Folder, count: usize, at_once: usize) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for first in (FIRST..FIRST + count).step_by(at_once) {
        let mut text = Vec::new();
        for number in first..(first + at_once).min(FIRST + count) {
            writeln!(text, "{number}")?;
        }
        files.push(folder.write(&first.to_string(), text));
    }
    Ok(files)
}

/// Runs a publisher and sees to it that the broker has received its `count` messages.
fn arriving(
    broker: &Mosquitto,
    qos: u8,
    count: usize,
    publisher: impl FnOnce() -> Result<Cost>,
) -> Result<Cost> {
    if qos == 2 {
        return beside_a_reader(broker, count, publisher);
    }
    let before = received(broker)?;
    let cost = publisher()?;
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let arrived = received(broker)? - before;
        if arrived == count {
            return Ok(cost);
        }
        if Instant::now() > until {
            return Err(format!("{arrived} of {count} messages arrived").into());
        }
    }
}

/// The same where the broker's own count leaves messages out, as at QoS 2: a reader counts them.
fn beside_a_reader<T>(
    broker: &Mosquitto,
    count: usize,
    publisher: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let subscriptions = || broker.log().matches(" bench\n").count();
    let before = subscriptions();
    let mut reader = mosquitto("mosquitto_sub", broker, 0)
        .args(["-C", &count.to_string(), "-W", "60"])
        .stdout(Stdio::null())
        .spawn()?;
    while subscriptions() == before {
        thread::sleep(Duration::from_millis(2));
    }
    let result = publisher();
    match reader.wait()?.success() {
        true => result,
        false => Err(format!("fewer than {count} messages arrived within a minute").into()),
    }
}

/// The broker's own count of publications, as of its last second.
fn received(broker: &Mosquitto) -> Result<usize> {
    let output = Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
        .args(["-t", "$SYS/broker/publish/messages/received", "-C", "1"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn receiving(qos: u8, count: usize) -> Result<()> {
    let what = format!("{count} messages received at QoS {qos}");
    if !chosen(&what) {
        return Ok(());
    }
    let (mut ours, mut theirs, mut limit) = (Vec::new(), Vec::new(), f64::INFINITY);
    for _ in 0..ROUNDS {
        let broker = Mosquitto::start(BROKER);
        limit = limit.min(frames::publish(broker.port, "nobody", qos, count)?);
        let script = format!(
            "{} count(first_n(subscribe('b:bench'), {count}));",
            register(&broker, qos, 4)
        );
        let mut command = program::osql();
        ours.push(receive(&broker, qos, count, command.args(["-o", &script]))?);
        let broker = Mosquitto::start(BROKER);
        let mut command = mosquitto("mosquitto_sub", &broker, qos);
        let command = command.args(["-C", &count.to_string()]);
        theirs.push(receive(&broker, qos, count, command)?);
    }
    row(&what, count, &ours, &theirs, limit);
    Ok(())
}

/// Runs a receiver of `count` messages, which ends when it has them. Frames are sent to it as fast
/// as the broker takes them.
fn receive(broker: &Mosquitto, qos: u8, count: usize, receiver: &mut Command) -> Result<Cost> {
    thread::scope(|scope| {
        let sender = scope.spawn(move || {
            while !broker.log().contains(" bench\n") {
                thread::sleep(Duration::from_millis(2));
            }
            let begun = Instant::now();
            let sent = frames::publish(broker.port, "bench", qos, count);
            sent.map(|_| begun).map_err(|e| e.to_string())
        });
        let cost = measure::run(receiver)?;
        let ended = Instant::now();
        let begun = sender.join().map_err(|_| "the sender panicked")??;
        Ok(Cost {
            wall: (ended - begun).as_secs_f64(),
            ..cost
        })
    })
}

fn row(what: &str, count: usize, ours: &[Cost], theirs: &[Cost], limit: f64) {
    let each = |seconds: f64| seconds * 1e6 / count as f64;
    let (ours, theirs) = (Cost::least(ours), Cost::least(theirs));
    println!(
        "| {what} | {:.2} ({:.2}) | {:.2} ({:.2}) | {:.2} | {:.2} |",
        each(ours.wall),
        each(ours.processor),
        each(theirs.wall),
        each(theirs.processor),
        ours.processor / theirs.processor,
        each(limit)
    );
}
