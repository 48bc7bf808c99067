//! A mosquitto of its own for the benchmark, which counts what it receives.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Result;
use super::measure::Cost;

/// The broker's own count of the messages that clients have published.
const RECEIVED: &str = "$SYS/broker/publish/messages/received";

/// A running mosquitto. Killed when dropped.
pub struct Broker {
    child: Child,
    pub port: u16,
    folder: TempDir,
}

impl Broker {
    pub fn start() -> Result<Broker> {
        Broker::start_with("")
    }

    /// With more lines of mosquitto.conf(5).
    pub fn start_with(settings: &str) -> Result<Broker> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = TempDir::new()?;
        let config = folder.path().join("mosquitto.conf");
        let log = folder.path().join("log").display().to_string();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\nuser root\n\
             log_dest file {log}\nlog_type subscribe\n{settings}"
        );
        fs::write(&config, text)?;
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("mosquitto: {e}"))?;
        let broker = Broker {
            child,
            port,
            folder,
        };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until {
                return Err("mosquitto does not start".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(broker)
    }

    /// Waits until somebody has subscribed to the topic.
    #[allow(dead_code, reason = "not every benchmark needs it")]
    pub fn subscribed(&self, topic: &str) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(10);
        let end = format!(" {topic}");
        while Instant::now() < until {
            let text = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            if text.lines().any(|line| line.ends_with(&end)) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(format!("nobody subscribes to {topic}").into())
    }

    /// One of mosquitto's own clients of it, for the rest of its arguments.
    #[allow(dead_code, reason = "not every benchmark needs it")]
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command
    }

    /// Runs a publisher and sees to it that the broker has received its `count` messages. The time is
    /// until then: what a publisher that is gone has left in the sockets is still to be read.
    pub fn receives(&self, count: u64, publisher: impl FnOnce() -> Result<Cost>) -> Result<Cost> {
        let before = self.received()?;
        let begun = Instant::now();
        let mut cost = publisher()?;
        cost.wall = (self.at_rest()? - begun).as_secs_f64();
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let received = self.received()? - before;
            if received == count {
                return Ok(cost);
            }
            if Instant::now() > until {
                return Err(format!("{received} of {count} messages arrived").into());
            }
        }
    }

    /// Waits until the broker has used no processor for a moment; gives when that began.
    fn at_rest(&self) -> Result<Instant> {
        let (mut used, mut since) = (self.processor_ticks()?, Instant::now());
        while since.elapsed() < Duration::from_millis(60) {
            thread::sleep(Duration::from_millis(1));
            let now = self.processor_ticks()?;
            if now != used {
                (used, since) = (now, Instant::now());
            }
        }
        Ok(since)
    }

    /// Hundredths of a second of processor time that the broker has used (proc(5)).
    fn processor_ticks(&self) -> Result<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat
            .rsplit_once(')')
            .ok_or("an unknown form of /proc/PID/stat")?;
        let fields = fields.split_whitespace().skip(11).take(2);
        Ok(fields
            .map(str::parse::<u64>)
            .sum::<std::result::Result<u64, _>>()?)
    }

    /// The count as of the broker's last second.
    fn received(&self) -> Result<u64> {
        let output = Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-t", RECEIVED, "-C", "1"])
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text.trim().parse()?)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
