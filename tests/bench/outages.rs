//! A day of a relay in half an hour: 1,000 readings a second at QoS 1 are parsed and published again,
//! the broker is restarted each minute, a payload each second is no JSON, one reader is slow and one
//! comes and goes with a session that is kept. Says what became of every message, and whether memory
//! stayed flat.
//!
//! Needs mosquitto: `cargo bench --bench outages -- SECONDS RATE BETWEEN`, by default 1800, 1000 and 60;
//! BETWEEN are the seconds between restarts.

#[path = "../e2e/support/mosquitto.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod mosquitto;
#[path = "../e2e/support/port.rs"]
mod port;
mod program;
#[path = "../e2e/support/wait.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod wait;

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mosquitto::Mosquitto;

/// The broker keeps sessions across restarts and drops nothing.
const BROKER: &str = "persistence true\npersistence_location FOLDER/\nmax_queued_messages 0\n\
                      log_type subscribe\nlog_type debug";

/// How long what is left may take when all has been sent.
const PATIENCE: Duration = Duration::from_secs(120);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if arguments.iter().any(|a| a == "--test") {
        return Ok(());
    }
    let numbers: Vec<u64> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let number = |at: usize, otherwise| numbers.get(at).copied().unwrap_or(otherwise);
    let day = Day {
        seconds: number(0, 1800),
        rate: number(1, 1000),
        between: number(2, 60),
    };
    day.run()
}

/// How much there is to do.
struct Day {
    seconds: u64,
    rate: u64,
    /// Seconds between restarts of the broker.
    between: u64,
}

/// One osql with files for what it says.
struct Part {
    name: &'static str,
    child: Child,
    folder: PathBuf,
    /// Resident memory in kilobytes, as time went on.
    memory: Vec<u64>,
}

impl Part {
    fn start(name: &'static str, broker: &Mosquitto, options: &str, script: &str) -> Result<Part> {
        let folder = broker.folder.0.clone();
        let append = |kind: &str| {
            let path = folder.join(format!("{name}.{kind}"));
            File::options().create(true).append(true).open(path)
        };
        let at = broker.url("tcp");
        let register = format!(
            "set :m = mqtt:register_client('m', {{'connection': '{at}', 'clientid': '{name}', \
             'cleansession': false, 'reconnect-max': 1 {options}}});"
        );
        let child = program::osql()
            .args(["-o", &format!("{register} {script}")])
            .stdin(Stdio::null())
            .stdout(append("out")?)
            .stderr(append("err")?)
            .spawn()?;
        Ok(Part {
            name,
            child,
            folder,
            memory: Vec::new(),
        })
    }

    fn look(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes: Option<u64> =
            line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        self.memory.extend(kilobytes);
    }

    /// Asks it to end, as a user's Ctrl-C or a service manager does, and waits until it has.
    fn end(&mut self) -> Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// How often each number stands among what it printed.
    fn numbers(&self) -> Result<HashMap<u64, u32>> {
        let mut seen = HashMap::new();
        for line in
            BufReader::new(File::open(self.folder.join(format!("{}.out", self.name)))?).lines()
        {
            if let Ok(number) = line?.parse() {
                *seen.entry(number).or_default() += 1;
            }
        }
        Ok(seen)
    }

    fn said(&self, kind: &str) -> String {
        fs::read_to_string(self.folder.join(format!("{}.{kind}", self.name))).unwrap_or_default()
    }

    /// Memory after a tenth of the time, and the most of all after that.
    fn memory(&self) -> String {
        let early = self
            .memory
            .get(self.memory.len() / 10)
            .copied()
            .unwrap_or(0);
        let later = self.memory.iter().skip(self.memory.len() / 10);
        let most = later.max().copied().unwrap_or(0);
        format!(
            "{:.1} MB, then {:.1} MB at most",
            early as f64 / 1e3,
            most as f64 / 1e3
        )
    }
}

/// A reader prints the number of each reading.
const READ: &str = "select r['n'] from Record r, Binary b
                    where b in subscribe('m:out') and r = json:unstringify(charstring(b));";

/// A slow one takes some milliseconds for each, and says in the end how many it took.
const READ_SLOWLY: &str = "select r['n'] from Record r, Binary b, Number pause
                           where b in subscribe('m:out') and pause = sleep(0.005)
                             and r = json:unstringify(charstring(b));";

impl Day {
    fn run(&self) -> Result<()> {
        let mut broker = Mosquitto::start(BROKER);
        let mut relay = Part::start(
            "relay",
            &broker,
            ", 'qos': 1",
            "sink(publish((select Stream of r from Record r, Binary b
                 where b in subscribe('m:in') and r = json:unstringify(charstring(b))), 'm:out'));",
        )?;
        let mut reader = Part::start("reader", &broker, ", 'qos': 1", READ)?;
        let mut guest = Part::start("guest", &broker, ", 'qos': 1", READ)?;
        let mut slow = Part::start("slow", &broker, ", 'qos': 0", READ_SLOWLY)?;
        broker.wait_for_subscriptions(4);
        let last = self.seconds * self.rate;
        let mut publisher = Part::start(
            "publisher",
            &broker,
            ", 'qos': 1",
            &format!(
                "sink(publish((select Stream of case when mod(i,{0}) = 0 then '{{bad' else {{'n': i}} end
                     from Integer i where i in diota({1},1,{last})), 'm:in'));
                 mqtt:status('m')['acknowledged'];",
                self.rate,
                1.0 / self.rate as f64,
            ),
        )?;
        let begun = Instant::now();
        let mut restarts = 0;
        let mut guests = 1;
        while publisher.child.try_wait()?.is_none() {
            for part in [&mut relay, &mut reader, &mut slow, &mut publisher] {
                part.look();
            }
            let passed = begun.elapsed().as_secs();
            if passed / self.between > restarts {
                restarts = passed / self.between;
                broker.end("TERM");
                // It is away for a while, so that clients meet a port that nobody listens on.
                thread::sleep(Duration::from_secs(1));
                broker.start_again();
            }
            // The guest is away for a quarter of each three periods.
            let phase = passed % (3 * self.between);
            let away = phase * 4 > 9 * self.between;
            match (away, guest.child.try_wait()?.is_none()) {
                (true, true) => guest.end()?,
                (false, false) => {
                    guests += 1;
                    guest = Part::start("guest", &broker, ", 'qos': 1", READ)?;
                }
                _ => {}
            }
            thread::sleep(Duration::from_millis(500));
        }
        if guest.child.try_wait()?.is_some() {
            guest = Part::start("guest", &broker, ", 'qos': 1", READ)?;
        }
        self.drain(&[&reader, &guest])?;
        for part in [&mut relay, &mut reader, &mut guest, &mut slow] {
            part.end()?;
        }
        println!(
            "{last} messages in {:.0} s, {restarts} restarts of the broker, {guests} visits of the guest",
            begun.elapsed().as_secs_f64()
        );
        println!("publisher: {} acknowledged", publisher.said("out").trim());
        if let Some(line) = relay.said("err").lines().last() {
            println!("relay: {line}");
        }
        let mut lost = 0;
        for part in [&reader, &guest] {
            lost += self.account(part)?;
        }
        let taken = slow.numbers()?.len();
        println!(
            "slow: {taken} taken; {}",
            slow.said("err").lines().last().unwrap_or("nothing said")
        );
        for part in [&relay, &reader, &slow, &publisher] {
            println!("memory of {}: {}", part.name, part.memory());
        }
        match lost {
            0 => Ok(()),
            _ => Err("messages were lost".into()),
        }
    }

    /// Waits until these have the last reading.
    fn drain(&self, parts: &[&Part]) -> Result<()> {
        let last = self.seconds * self.rate - 1;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let mut all = true;
            for part in parts {
                all &= part.numbers()?.contains_key(&last);
            }
            if all {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }

    /// Says what became of the readings that a reader was to get; gives how many it did not.
    fn account(&self, part: &Part) -> Result<usize> {
        let seen = part.numbers()?;
        let wanted = (1..=self.seconds * self.rate).filter(|n| n % self.rate != 0);
        let lost: Vec<u64> = wanted.filter(|n| !seen.contains_key(n)).collect();
        let doubled: u32 = seen.values().map(|times| times - 1).sum();
        println!(
            "{}: {} readings, {} lost, {doubled} doubled",
            part.name,
            seen.len(),
            lost.len()
        );
        if let Some(first) = lost.first() {
            println!("  the first that is lost: {first}");
        }
        Ok(lost.len())
    }
}
