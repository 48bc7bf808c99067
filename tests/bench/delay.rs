//! How long a message takes through a relay (subscribe, parse JSON, filter, publish), beside a script
//! with paho-mqtt in the same run: `cargo bench --bench delay`. Both go through one mosquitto with its
//! default settings, so with Nagle's algorithm on: a client that acknowledges late waits for itself.
//! Prints a Markdown table, the row first in which osql does worst beside the script.
//!
//! Words behind `--` choose rows: `cargo bench --bench delay -- 'QoS 1, 500'`. Needs mosquitto, Linux,
//! and Python with its module venv, into whose temporary environment paho-mqtt is installed.

#[allow(dead_code, reason = "another benchmark uses the rest")]
mod broker;
#[allow(dead_code, reason = "another benchmark uses the rest")]
mod measure;
mod probe;
mod program;

use std::error::Error;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use broker::Broker;
use probe::Delays;
use tempfile::TempDir;

/// Messages a second, and for how many seconds.
const RATES: [(u32, u32); 3] = [(50, 8), (500, 5), (2000, 4)];

/// Each pair of relays runs so often; what counts is the middle one of its medians, and so on.
const ROUNDS: usize = 3;

/// The relay as people write it with paho.
const SCRIPT: &str = r#"
import json, sys
import paho.mqtt.client as mqtt

port, qos = (int(text) for text in sys.argv[1:])

def relay(client, _, message):
    reading = json.loads(message.payload)
    if reading["celsius"] > 20:
        client.publish("out", json.dumps(reading), qos=qos)

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.on_message = relay
client.on_connect = lambda client, *_: client.subscribe("in", qos=qos)
client.connect("127.0.0.1", port)
client.loop_forever()
"#;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    let folder = TempDir::new()?;
    let python = python_with_paho(folder.path())?;
    let script = folder.path().join("relay.py");
    std::fs::write(&script, SCRIPT)?;
    let mut rows = Vec::new();
    for qos in 0..=2 {
        for (rate, seconds) in RATES {
            let what = format!("QoS {qos}, {rate} a second");
            if !chosen(&what) {
                continue;
            }
            let load = probe::Load { qos, rate, seconds };
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                ours.push(through(&load, |port| osql(port, qos))?);
                theirs.push(through(&load, |port| {
                    let mut command = Command::new(&python);
                    command.arg(&script);
                    command.args([port.to_string(), qos.to_string()]);
                    command
                })?);
            }
            rows.push(Row {
                what,
                ours: Delays::middle(&ours),
                theirs: Delays::middle(&theirs),
            });
        }
    }
    rows.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    println!("Milliseconds through a relay: median, 99th percentile, and of processor time.");
    println!();
    println!("| | osql | paho | the worse ratio |");
    println!("|---|---|---|---|");
    for row in &rows {
        println!(
            "| {} | {} | {} | {:.2} |",
            row.what,
            row.ours,
            row.theirs,
            row.ratio()
        );
    }
    Ok(())
}

struct Row {
    what: String,
    ours: Delays,
    theirs: Delays,
}

impl Row {
    fn ratio(&self) -> f64 {
        let median = self.ours.median / self.theirs.median;
        median.max(self.ours.slow / self.theirs.slow)
    }
}

/// Whether a row is asked for.
fn chosen(what: &str) -> bool {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    words.is_empty() || words.iter().any(|word| what.contains(word))
}

/// A Python that has paho-mqtt, in an environment of its own.
fn python_with_paho(folder: &Path) -> Result<std::path::PathBuf> {
    let environment = folder.join("python");
    let quietly = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    quietly(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    )
    .map_err(|e| {
        format!("the script beside osql needs python3 with its module venv (python3-venv): {e}")
    })?;
    let python = environment.join("bin/python");
    quietly(Command::new(&python).args(["-m", "pip", "install", "-q", "paho-mqtt"])).map_err(
        |e| format!("the script beside osql needs paho-mqtt, which pip cannot install here: {e}"),
    )?;
    Ok(python)
}

fn osql(port: u16, qos: u8) -> Command {
    let statements = format!(
        "mqtt:register_client('b', {{'connection': 'tcp://127.0.0.1:{port}', 'qos': {qos}}});
         sink(publish((select Stream of r from Record r, Binary b
                       where b in subscribe('b:in') and r = json:unstringify(charstring(b))
                         and r['celsius'] > 20), 'b:out'));"
    );
    let mut command = program::osql();
    command.args(["-o", &statements]);
    command
}

/// Sends a load through a relay.
fn through(load: &probe::Load, relay: impl FnOnce(u16) -> Command) -> Result<Delays> {
    let broker = Broker::start()?;
    let mut command = relay(broker.port);
    let relay = Running(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| format!("{command:?}: {e}"))?,
    );
    broker.subscribed("in")?;
    let before = measure::processor_time(relay.0.id())?;
    let mut delays = probe::measure(broker.port, load)?;
    let used = measure::processor_time(relay.0.id())? - before;
    delays.processor = used * 1e3 / f64::from(load.messages());
    Ok(delays)
}

/// A relay, which never ends by itself.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
