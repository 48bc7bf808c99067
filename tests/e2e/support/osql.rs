//! Runs the program itself: `osql().stdin("1+2;").run().expect_ok("3\n")`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tempfile::TempDir;

use super::wait::{PATIENCE, wait_for};

/// The program, with nothing to do yet, in an environment of its own: no `SA_HOME`, no colours
/// forbidden or asked for, empty folders for state, data and configuration.
pub fn osql() -> Osql {
    osql_at(Path::new(env!("CARGO_BIN_EXE_osql")))
}

/// The same for a copy of the program elsewhere.
pub fn osql_at(program: &Path) -> Osql {
    osql_by(Command::new(program))
}

/// The same for a command that starts the program.
pub fn osql_by(mut command: Command) -> Osql {
    let own = TempDir::new().expect("a temporary folder");
    command
        .env_remove("SA_HOME")
        .env_remove("NO_COLOR")
        .env("XDG_STATE_HOME", own.path().join("state"))
        .env("XDG_DATA_HOME", own.path().join("data"))
        .env("XDG_CONFIG_HOME", own.path().join("config"));
    Osql {
        command,
        stdin: None,
        own,
    }
}

/// A run of osql in preparation.
pub struct Osql {
    command: Command,
    stdin: Option<Vec<u8>>,
    own: TempDir,
}

impl Osql {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Osql {
        self.command.arg(arg);
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Osql {
        self.command.args(args);
        self
    }

    /// `-o statements`
    pub fn statements(self, statements: &str) -> Osql {
        self.arg("-o").arg(statements)
    }

    /// All of standard input. For more than a pipe holds, osql must read it.
    pub fn stdin(mut self, text: impl AsRef<[u8]>) -> Osql {
        self.stdin = Some(text.as_ref().to_vec());
        self
    }

    /// The home folder, by `SA_HOME`.
    pub fn home(self, folder: impl AsRef<OsStr>) -> Osql {
        self.env("SA_HOME", folder)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Osql {
        self.command.env(name, value);
        self
    }

    /// The working folder.
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Osql {
        self.command.current_dir(folder);
        self
    }

    /// A folder for this run alone, gone after it.
    pub fn own_folder(&self) -> PathBuf {
        self.own.path().to_owned()
    }

    /// Runs to the end.
    #[track_caller]
    pub fn run(self) -> Output {
        self.spawn().finish()
    }

    /// Starts; standard input stays open until [`Running::close_stdin`] or [`Running::finish`].
    #[track_caller]
    pub fn spawn(mut self) -> Running {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("osql starts");
        let stdin = child.stdin.take();
        let stdout = Captured::new(child.stdout.take().expect("is piped"));
        let stderr = Captured::new(child.stderr.take().expect("is piped"));
        let mut running = Running {
            child,
            stdin,
            stdout,
            stderr,
            _own: self.own,
        };
        if let Some(text) = self.stdin.take() {
            // A program that ends early does not read all.
            let _ = running.write(&text);
        }
        running
    }
}

/// What a run has come to.
#[derive(Debug)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    /// The exit status; 128 and its number for a signal.
    pub code: i32,
}

impl Output {
    /// The run went well, said nothing on standard error, and `stdout` is its output.
    #[track_caller]
    pub fn expect_ok(&self, stdout: &str) {
        assert_eq!(self.stderr, "", "standard error of {self:?}");
        assert_eq!(self.stdout, stdout);
        assert_eq!(self.code, 0);
    }

    /// The run ended with `code` and standard error holds `stderr`.
    #[track_caller]
    pub fn expect_error(&self, code: i32, stderr: &str) {
        assert!(self.stderr.contains(stderr), "{stderr:?} in {self:?}");
        assert_eq!(self.code, code, "of {self:?}");
    }

    /// The lines of standard output.
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

/// A running osql. Killed when dropped.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    pub stdout: Captured,
    pub stderr: Captured,
    _own: TempDir,
}

impl Running {
    /// Writes to standard input.
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.write(text.as_bytes()).expect("osql reads its input");
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name: `INT`, `TERM`, `KILL`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
    }

    /// Closes standard input and waits for the end.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        self.close_stdin();
        self.wait()
    }

    /// Waits for the end, with standard input as it is.
    #[track_caller]
    pub fn wait(&mut self) -> Output {
        let status = wait_for(|| {
            let ended = self.child.try_wait().expect("is a child");
            ended.ok_or_else(|| {
                let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
                format!("osql does not end; so far {stdout:?}, {stderr:?}")
            })
        });
        let code = status.code().or(status.signal().map(|s| 128 + s));
        Output {
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
            code: code.expect("has ended"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a running program, as far as it has come.
pub struct Captured {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    ended: bool,
}

impl Captured {
    /// Reads `from` on a thread of its own.
    pub fn new(mut from: impl Read + Send + 'static) -> Captured {
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let to = seen.clone();
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let read = from.read(&mut piece).unwrap_or(0);
                let mut seen = to.0.lock().unwrap_or_else(PoisonError::into_inner);
                seen.bytes.extend(&piece[..read]);
                seen.ended = read == 0;
                to.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Captured {
            seen,
            reader: Some(reader),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has come so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen().bytes).into_owned()
    }

    /// Waits until the text so far satisfies `enough`, and gives it.
    #[track_caller]
    pub fn wait_until(&self, mut enough: impl FnMut(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.seen();
        loop {
            let text = String::from_utf8_lossy(&seen.bytes).into_owned();
            if enough(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!seen.ended && !left.is_zero(), "waiting; so far {text:?}");
            let waited = self.seen.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a whole line that holds `part`, and gives it without its end.
    #[track_caller]
    pub fn wait_line(&self, part: &str) -> String {
        let whole = |text: &str| {
            let end = text.rfind('\n').map_or(0, |at| at + 1);
            let line = text[..end].lines().find(|line| line.contains(part));
            line.map(str::to_owned)
        };
        whole(&self.wait_until(|text| whole(text).is_some())).expect("was there")
    }

    /// Waits for at least `count` whole lines, and gives the first `count`.
    #[track_caller]
    pub fn wait_lines(&self, count: usize) -> Vec<String> {
        let text = self.wait_until(|text| text.matches('\n').count() >= count);
        text.lines().take(count).map(str::to_owned).collect()
    }

    /// Everything, once the program has closed it.
    pub fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.text()
    }
}

/// Writes a file into `folder` and gives its path as an argument.
pub fn file(folder: &Path, name: &str, text: &str) -> OsString {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("can be written");
    path.into_os_string()
}
