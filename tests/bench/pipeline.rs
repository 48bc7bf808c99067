//! osql beside what people use today for the same work: a filter of JSON messages between two topics
//! beside `mosquitto_sub | jq | mosquitto_pub`, and numbers beside DuckDB, SQLite and LuaJIT. Prints
//! two Markdown tables.
//!
//! Needs mosquitto and mosquitto-clients; of jq, Python's duckdb, sqlite3 and luajit it takes what is
//! there: `cargo bench --bench pipeline`, with `-- filter` or `-- numbers` for one part.

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod broker;
#[allow(dead_code, reason = "other benchmarks use the rest")]
mod measure;
mod numbers;
mod program;

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use broker::Broker;
use measure::Cost;

/// Messages that go in. Of temperatures from 0.5 to 59.5, those above 30 pass.
const MESSAGES: u64 = 200_000;
const TEMPERATURES: u64 = 60;

/// Runs of each filter in turns; the fastest counts.
const ROUNDS: usize = 3;

/// More than the slower filter needs.
const PATIENCE: Duration = Duration::from_secs(120);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    if chosen("filter") {
        filters()?;
        println!();
    }
    if chosen("numbers") {
        numbers::compare()?;
    }
    Ok(())
}

/// Whether a part is asked for: `filter` or `numbers` behind `--`; both where nothing is.
fn chosen(part: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let first = words.next();
    first.is_none_or(|word| word == part) || words.any(|word| word == part)
}

/// What one run of a filter took and what came out.
struct Run {
    cost: Cost,
    arrived: usize,
}

/// The runs of one filter.
struct Runs {
    cost: Cost,
    arrived: Vec<usize>,
}

impl Runs {
    fn of(runs: &[Run]) -> Runs {
        Runs {
            cost: Cost::least(&runs.iter().map(|r| r.cost).collect::<Vec<_>>()),
            arrived: runs.iter().map(|r| r.arrived).collect(),
        }
    }

    /// Messages read per second of processor time.
    fn throughput(&self) -> f64 {
        MESSAGES as f64 / self.cost.processor
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cost, per_second) = (self.cost, self.throughput());
        write!(f, "{cost} | {per_second:.0} | {:?}", self.arrived)
    }
}

/// Both filters in turns, each with a broker of its own, then their table.
fn filters() -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let messages = folder.path().join("messages");
    let passing = write_messages(&messages)?;
    let jq = installed("jq");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(filter(&messages, passing, one_query)?);
        if jq {
            theirs.push(filter(&messages, passing, three_programs)?);
        }
    }
    println!("{MESSAGES} JSON messages in at QoS 0, {passing} pass and go out\n");
    println!("| | time (processor time) | messages per second of processor time | arrived |");
    println!("|---|---|---|---|");
    let ours = Runs::of(&ours);
    println!("| osql | {ours} |");
    let name = "mosquitto_sub, jq, mosquitto_pub";
    if !jq {
        println!("| {name} | not installed | | |");
        return Ok(());
    }
    let theirs = Runs::of(&theirs);
    println!("| {name} | {theirs} |");
    let ratio = ours.throughput() / theirs.throughput();
    println!("\nosql's throughput is {ratio:.2} times theirs");
    Ok(())
}

/// Writes the messages as lines; gives how many pass.
fn write_messages(path: &Path) -> Result<usize> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut passing = 0;
    for n in 0..MESSAGES {
        let whole = n % TEMPERATURES;
        writeln!(
            file,
            r#"{{"sensor":"hall/{}","n":{n},"temp":{whole}.5,"unit":"C"}}"#,
            n % 7
        )?;
        passing += usize::from(whole >= 30);
    }
    file.flush()?;
    Ok(passing)
}

/// Runs a filter from topic `in` to topic `out`, which must end by itself after the last message.
/// Only its own processor time counts: the other programs are still to be waited for when it ends.
fn filter(
    messages: &Path,
    passing: usize,
    start: impl FnOnce(&Broker) -> Result<Vec<Child>>,
) -> Result<Run> {
    let folder = tempfile::TempDir::new()?;
    let out = folder.path().join("out");
    let broker = Broker::start_with("max_queued_messages 0\n")?;
    let mut reader = broker
        .client("mosquitto_sub")
        .args(["-t", "out", "-C", &passing.to_string()])
        .stdout(File::create(&out)?)
        .spawn()?;
    broker.subscribed("out")?;
    let workers = start(&broker)?;
    broker.subscribed("in")?;
    let mut feeder = broker
        .client("mosquitto_pub")
        .args(["-t", "in", "-l"])
        .stdin(File::open(messages)?)
        .spawn()?;
    let cost = measure::until_end(workers, PATIENCE)?;
    feeder.wait()?;
    // All that was sent has been handed over once the reader has what it counts, or is idle.
    let arrived = settled(&mut reader, &out, passing)?;
    Ok(Run { cost, arrived })
}

/// Lines that the reader wrote, when it has ended or has written none for two seconds.
fn settled(reader: &mut Child, out: &Path, passing: usize) -> Result<usize> {
    let lines = || -> Result<usize> {
        let bytes = fs::read(out)?;
        Ok(bytes.iter().filter(|&&b| b == b'\n').count())
    };
    let (mut last, mut since) = (0, Instant::now());
    while reader.try_wait()?.is_none() {
        let now = lines()?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > Duration::from_secs(2) {
            reader.kill()?;
            reader.wait()?;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(lines()?.min(passing))
}

fn one_query(broker: &Broker) -> Result<Vec<Child>> {
    let port = broker.port;
    let script = format!(
        "mqtt:register_client('b', {{'connection': 'tcp://127.0.0.1:{port}', 'qos': 0}});
         sink(publish((select Stream of r from Record r, Binary b
                        where b in first_n(subscribe('b:in'), {MESSAGES})
                          and r = json:unstringify(charstring(b)) and r['temp'] > 30), 'b:out'));"
    );
    let query = program::osql()
        .args(["-o", &script])
        .stdout(Stdio::null())
        .spawn()?;
    Ok(vec![query])
}

fn three_programs(broker: &Broker) -> Result<Vec<Child>> {
    let mut sub = broker
        .client("mosquitto_sub")
        .args(["-t", "in", "-C", &MESSAGES.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut jq = Command::new("jq")
        .args(["-c", "select(.temp>30)"])
        .stdin(sub.stdout.take().ok_or("it is piped")?)
        .stdout(Stdio::piped())
        .spawn()?;
    let publisher = broker
        .client("mosquitto_pub")
        .args(["-t", "out", "-l"])
        .stdin(jq.stdout.take().ok_or("it is piped")?)
        .spawn()?;
    Ok(vec![sub, jq, publisher])
}

/// Whether the program can be started.
fn installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}
