//! A real mosquitto on a free port of this machine, gone when it is dropped.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::port::Port;
use super::wait::{wait_for, wait_until};

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

/// A broker.
pub struct Mosquitto {
    pub port: u16,
    pub folder: Folder,
    /// Keeps others from the port while the broker is down.
    claim: Port,
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
        Mosquitto::on(Port::claim(), lines)
    }

    /// Starts a broker that takes only this user; a file in its folder has the password.
    pub fn with_login(user: &str, password: &str) -> Mosquitto {
        let folder = Folder::new();
        set_password(&folder.write("passwords", ""), user, password);
        let lines = "allow_anonymous false\npassword_file FOLDER/passwords";
        Mosquitto::begin(Port::claim(), folder, lines)
    }

    /// Gives the user of a broker with a login another password, for the next start.
    pub fn change_password(&self, user: &str, password: &str) {
        set_password(&self.folder.0.join("passwords"), user, password);
    }

    /// Starts a broker on `port`, or on another one if that has been taken meanwhile.
    pub fn on(port: Port, lines: &str) -> Mosquitto {
        Mosquitto::begin(port, Folder::new(), lines)
    }

    fn begin(port: Port, folder: Folder, lines: &str) -> Mosquitto {
        let mut broker = Mosquitto {
            port: port.number(),
            folder,
            claim: port,
            child: None,
        };
        // Who is no test may take the port before the broker does.
        for _ in 0..20 {
            broker.configure(lines);
            if broker.launch() {
                return broker;
            }
            broker.claim = Port::claim();
            broker.port = broker.claim.number();
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
        wait_for(|| {
            let log = self.log();
            match log.matches("Sending SUBACK").count() < count {
                true => Err(log),
                false => Ok(()),
            }
        });
    }

    /// Starts the broker, which was stopped, with the same configuration.
    pub fn start_again(&mut self) {
        wait_until("a port that stays taken", || self.launch());
    }

    /// Starts the process and waits until it, and not another broker, listens on its port. `false` if
    /// the port is taken.
    fn launch(&mut self) -> bool {
        let before = self.log().len();
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.folder.0.join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed; tests/run does that");
        let child = self.child.insert(child);
        let log = self.folder.0.join("log");
        wait_for(|| {
            // In this order: what a broker that has ended said is in the log by then.
            let ended = child.try_wait().expect("is a child").is_some();
            let said = fs::read_to_string(&log)
                .unwrap_or_default()
                .split_off(before);
            // It says so when all its listeners are open.
            if said.contains(" running\n") {
                return Ok(true);
            }
            if ended && said.contains("Address already in use") {
                return Ok(false);
            }
            assert!(!ended, "mosquitto does not start: {said}");
            Err(said)
        })
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
        let mut sent: Option<Instant> = None;
        wait_until("the broker has ended", || {
            // mosquitto loses one that comes before its loop begins, though it listens by then.
            if sent.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
                self.signal(signal);
                sent = Some(Instant::now());
            }
            let child = self.child.as_mut().expect("the broker runs");
            child.try_wait().expect("can be asked").is_some()
        });
        self.child = None;
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
        self.publish_by(topic, "-m", payload.as_ref(), arguments);
    }

    /// The same with what a file holds.
    pub fn publish_file(&self, topic: &str, file: &Path, arguments: &[&str]) {
        self.publish_by(topic, "-f", file.as_ref(), arguments);
    }

    fn publish_by(&self, topic: &str, flag: &str, what: &OsStr, arguments: &[&str]) {
        let status = Command::new("mosquitto_pub")
            .args(["-p", &self.port.to_string(), "-t", topic, flag])
            .arg(what)
            .args(arguments)
            .status()
            .expect("mosquitto_pub is installed");
        assert!(status.success());
    }
}

fn set_password(file: &Path, user: &str, password: &str) {
    let made = Command::new("mosquitto_passwd")
        .arg("-b")
        .arg(file)
        .args([user, password])
        .status();
    assert!(made.expect("comes with mosquitto").success());
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
