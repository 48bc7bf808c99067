//! Hours of work in minutes: messages come in at a steady rate, JSON is parsed, filtered, windowed and
//! published, at QoS 1. Says whether one was lost, what it cost, and whether memory stayed flat.
//!
//! Needs mosquitto: `cargo bench --bench soak -- SECONDS RATE`, by default 600 and 20000.

#[allow(dead_code)]
mod broker;
#[allow(dead_code)]
mod measure;
mod program;

use std::error::Error;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use broker::Broker;

/// Of temperatures from 0 to 59, those above 30 pass.
const TEMPERATURES: u64 = 60;
const PASSING: u64 = 29;

/// Readings in a window.
const WINDOW: u64 = 10;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if arguments.iter().any(|a| a == "--test") {
        return Ok(());
    }
    let mut numbers = arguments.iter().filter_map(|a| a.parse::<u64>().ok());
    let (seconds, rate) = (
        numbers.next().unwrap_or(600),
        numbers.next().unwrap_or(20_000),
    );
    // Whole windows.
    let round = TEMPERATURES * WINDOW;
    soak((seconds * rate).div_ceil(round) * round, rate)
}

fn soak(messages: u64, rate: u64) -> Result<()> {
    // By default mosquitto itself drops what is behind 1000 waiting messages.
    let broker = Broker::start_with("max_queued_messages 0\n")?;
    let windows = messages / TEMPERATURES * PASSING / WINDOW;
    let mut reader = osql(
        &broker,
        &format!("count(extract(first_n(subscribe('b:out'),{windows})));"),
    )?;
    let mut worker = osql(
        &broker,
        &format!(
            "create function passing() -> Stream of Number
               as select Stream of r['temp'] from Record r, Binary b
                   where b in subscribe('b:in') and r = json:unstringify(charstring(b))
                     and r['temp'] > 30;
             sink(first_n(publish(mean(winagg(passing(),{WINDOW},{WINDOW})),'b:out'),{windows}));"
        ),
    )?;
    broker.subscribed("in")?;
    broker.subscribed("out")?;
    let begun = Instant::now();
    let mut publisher = osql(
        &broker,
        &format!(
            "sink(publish((select Stream of {{'n': i, 'temp': mod(i,{TEMPERATURES})}} from Integer i
                            where i in diota({},1,{messages})), 'b:in'));",
            1.0 / rate as f64
        ),
    )?;
    let mut memory = Vec::new();
    let (status, took) = loop {
        if let Some(status) = reader.try_wait()? {
            break (status, begun.elapsed());
        }
        memory.extend(resident(&worker));
        if begun.elapsed() > Duration::from_secs(60 + 2 * messages / rate) {
            reader.kill()?;
            break (reader.wait()?, begun.elapsed());
        }
        thread::sleep(Duration::from_millis(500));
    };
    let processor = processor_time(&worker);
    for other in [&mut publisher, &mut worker] {
        if !status.success() {
            other.kill()?;
        }
        other.wait()?;
    }
    let (early, late) = (memory.get(memory.len() / 4), memory.last());
    println!(
        "{messages} messages at {rate} a second, QoS 1: {}",
        if status.success() {
            "all windows arrived"
        } else {
            "LOST"
        }
    );
    println!(
        "{:.1} s; the worker's processor time {processor:.1} s",
        took.as_secs_f64()
    );
    println!(
        "the worker's memory after a quarter of the time {early:?} kB, at the end {late:?} kB"
    );
    if status.success() {
        Ok(())
    } else {
        Err("messages were lost".into())
    }
}

fn osql(broker: &Broker, script: &str) -> Result<Child> {
    let url = format!("tcp://127.0.0.1:{}", broker.port);
    let script =
        format!("mqtt:register_client('b', {{'connection': '{url}', 'qos': 1}}); {script}");
    Ok(program::osql()
        .args(["-o", &script])
        .stdout(Stdio::null())
        .spawn()?)
}

/// Resident memory in kilobytes, while the process runs.
fn resident(process: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Seconds of processor time so far; 0 once the process is gone.
fn processor_time(process: &Child) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse().ok())
        .collect();
    // Linux counts a hundred of them a second.
    ticks.iter().sum::<f64>() / 100.0
}
