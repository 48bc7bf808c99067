//! A real mosquitto on a free port of this machine, gone when it is dropped.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that a broker may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of its own for a test, gone when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("osql-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    /// Writes a file into the folder; gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a temporary file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A broker.
pub struct Mosquitto {
    pub port: u16,
    pub folder: Folder,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts a broker that takes everybody; `lines` are added to its configuration, after the
    /// listener.
    pub fn start(lines: &str) -> Mosquitto {
        Mosquitto::configured(&format!("allow_anonymous true\n{lines}"))
    }

    /// Starts a broker with these lines after its listener.
    pub fn configured(lines: &str) -> Mosquitto {
        Mosquitto::on(free_port(), lines)
    }

    /// Starts a broker on `port`, or on another one if that has been taken meanwhile.
    pub fn on(port: u16, lines: &str) -> Mosquitto {
        let mut broker = Mosquitto {
            port,
            folder: Folder::new(),
            child: None,
        };
        // Others, of this run or of another, may take the port before the broker does.
        for _ in 0..20 {
            broker.configure(lines);
            if broker.launch() {
                return broker;
            }
            broker.port = free_port();
        }
        panic!("mosquitto finds no free port: {}", broker.log());
    }

    fn configure(&self, lines: &str) {
        // The types of entries are those that mosquitto writes without being told.
        let config = format!(
            "user root\nlistener {} 127.0.0.1\nlog_dest file {}\nlog_type error\n\
             log_type warning\nlog_type notice\nlog_type information\n{}\n",
            self.port,
            self.folder.0.join("log").display(),
            lines.replace("FOLDER", &self.folder.0.display().to_string())
        );
        self.folder.write("mosquitto.conf", config);
    }

    /// Waits until the broker has confirmed so many subscriptions in all. Its log must tell of them.
    #[track_caller]
    pub fn wait_for_subscriptions(&self, count: usize) {
        let end = Instant::now() + PATIENCE;
        while self.log().matches("Sending SUBACK").count() < count {
            assert!(Instant::now() < end, "{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts the broker, which was stopped, with the same configuration.
    pub fn start_again(&mut self) {
        let end = Instant::now() + PATIENCE;
        while !self.launch() {
            assert!(Instant::now() < end, "port {} stays taken", self.port);
        }
    }

    /// Starts the process and waits until it, and not another broker, listens on its port. `false` if
    /// the port is taken.
    fn launch(&mut self) -> bool {
        let before = self.log().len();
        let mut child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.folder.0.join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed; tests/run does that");
        let end = Instant::now() + PATIENCE;
        loop {
            // In this order: what a broker that has ended said is in the log by then.
            let ended = child.try_wait().expect("is a child").is_some();
            let log = self.log().split_off(before);
            // It says so when all its listeners are open.
            if log.contains(" running\n") {
                self.child = Some(child);
                return true;
            }
            if ended && log.contains("Address already in use") {
                return false;
            }
            if ended || Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                panic!("mosquitto does not start: {log}");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.0.join("log")).unwrap_or_default()
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("the broker runs");
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(child.id().to_string())
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Ends the broker with a signal and waits until it is gone.
    pub fn end(&mut self, signal: &str) {
        self.signal(signal);
        self.child
            .take()
            .expect("the broker runs")
            .wait()
            .expect("it ends");
    }

    /// Runs `mosquitto_pub` on `topic` with the lines of `input` as messages.
    pub fn publish_lines(&self, topic: &str, qos: u8, input: String) {
        let mut child = Command::new("mosquitto_pub")
            .args([
                "-p",
                &self.port.to_string(),
                "-t",
                topic,
                "-q",
                &qos.to_string(),
                "-l",
            ])
            .stdin(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub is installed");
        let mut stdin = child.stdin.take().expect("piped");
        let writer = thread::spawn(move || {
            std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it reads");
        });
        assert!(child.wait().expect("it ends").success());
        writer.join().expect("written");
    }

    /// Publishes one message with `mosquitto_pub` and these arguments besides.
    pub fn publish(&self, topic: &str, payload: &str, arguments: &[&str]) {
        let status = Command::new("mosquitto_pub")
            .args(["-p", &self.port.to_string(), "-t", topic, "-m", payload])
            .args(arguments)
            .status()
            .expect("mosquitto_pub is installed");
        assert!(status.success());
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A broker that was stopped would not hear anything milder.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
