//! A real mosquitto on a free port of this machine, gone when it is dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
        let folder = Folder::new();
        let port = free_port();
        let config = format!(
            "user root\nlistener {port} 127.0.0.1\nlog_dest file {}\n{}\n",
            folder.0.join("log").display(),
            lines.replace("FOLDER", &folder.0.display().to_string())
        );
        folder.write("mosquitto.conf", config);
        let mut broker = Mosquitto {
            port,
            folder,
            child: None,
        };
        broker.start_again();
        broker
    }

    /// Starts the broker, which was stopped, with the same configuration.
    pub fn start_again(&mut self) {
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.folder.0.join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed");
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < end,
                "mosquitto does not start: {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(5));
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
