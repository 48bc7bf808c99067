//! The program under limits of time and memory: statements run one by one in a process of its own, and
//! what one of them does that none may do is seen.
//!
//! None may panic, end the process by a signal, run on after its time is over, or take more than
//! [`MOST_MEMORY`].

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use osql::text::wait::lock;
use tempfile::TempDir;

/// How long a statement may run: the program's `--timeout`.
pub const TIME: Duration = Duration::from_millis(500);

/// How much longer it may take until the program goes on, on a machine that has other things to do.
const LATE: Duration = Duration::from_millis(500);

/// After that a process is not waited for any more.
const LOST: Duration = Duration::from_secs(20);

/// In kilobytes, what a process may ever have in memory.
const MOST_MEMORY: u64 = 1 << 20;

/// In kilobytes, the addresses that a process may have, so that a fault does not harm the machine. Most
/// are stacks that are only reserved.
const ADDRESSES: u64 = 12 << 20;

/// What a statement did that none may do.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// With what it said on standard error.
    Panicked(String),
    /// The process ended by this signal, with what it said on standard error.
    Signal(i32, String),
    Outlived(Duration),
    /// Kilobytes.
    Memory(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Panicked(said) => write!(f, "panics: {said}"),
            Fault::Signal(signal, said) => write!(f, "ends the process by signal {signal}: {said}"),
            Fault::Outlived(time) => write!(f, "runs for {time:?}, and should for {TIME:?}"),
            Fault::Memory(kilobytes) => write!(f, "takes {} MB", kilobytes >> 10),
        }
    }
}

/// A process that runs statements.
pub struct Bounded {
    child: Child,
    stdin: ChildStdin,
    output: Arc<Output>,
    done: u64,
    /// Where it may write files.
    _folder: TempDir,
}

/// What it has printed.
#[derive(Default)]
struct Output {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    /// How many statements are done.
    done: u64,
    ended: bool,
    /// The end of standard output and of standard error.
    out: Vec<u8>,
    err: Vec<u8>,
}

const MARK: &str = "@@ done ";

impl Bounded {
    /// A process that has run `script`.
    #[track_caller]
    pub fn start(script: &str) -> Bounded {
        let folder = TempDir::new().expect("a temporary folder");
        prepare(folder.path());
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -v {ADDRESSES}; exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_osql"))
            .args(["--timeout", &TIME.as_secs_f64().to_string(), "-"])
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("SA_HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env("XDG_STATE_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("osql starts");
        let output = Arc::new(Output::default());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        output
            .clone()
            .read(out.expect("is piped"), |state| &mut state.out);
        output
            .clone()
            .read(err.expect("is piped"), |state| &mut state.err);
        let stdin = child.stdin.take().expect("is piped");
        let mut bounded = Bounded {
            child,
            stdin,
            output,
            done: 0,
            _folder: folder,
        };
        for statement in script.split_inclusive(";\n") {
            match bounded.run(statement) {
                Ok(_) => {}
                // A machine that was busy: another process may have more time.
                Err(Fault::Outlived(_)) => return Bounded::start(script),
                Err(fault) => panic!("{statement} {fault}"),
            }
        }
        bounded
    }

    /// Runs a statement, with its semicolon. After a fault the process is of no use any more. `Ok(false)`
    /// if the statement has ended the process as it may.
    pub fn run(&mut self, statement: &str) -> Result<bool, Fault> {
        self.done += 1;
        let text = format!("{statement}\n'{MARK}{}';\n", self.done);
        let begun = Instant::now();
        let waited = self.waited();
        // A process that has ended does not read.
        let _ = self.stdin.write_all(text.as_bytes());
        let went_on = self.output.wait(self.done, begun + TIME + LOST);
        let waited = self.waited().saturating_sub(waited);
        let took = begun.elapsed().saturating_sub(waited);
        let said = || {
            let state = lock(&self.output.state);
            String::from_utf8_lossy(&state.err).into_owned()
        };
        if said().contains("panicked at") {
            return Err(Fault::Panicked(said()));
        }
        let Some(went_on) = went_on else {
            return Err(Fault::Outlived(took));
        };
        if !went_on {
            let status = self.child.wait().expect("is a child");
            return match status.signal() {
                Some(signal) => Err(Fault::Signal(signal, said())),
                None => Ok(false),
            };
        }
        let memory = self.most_memory();
        match took {
            took if took > TIME + LATE => Err(Fault::Outlived(took)),
            _ if memory > MOST_MEMORY => Err(Fault::Memory(memory)),
            _ => Ok(true),
        }
    }

    /// How long its threads have waited for a processor so far, on a machine that has other things to
    /// do: the longest wait of one thread (schedstat, the second number, in nanoseconds).
    fn waited(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let waits = threads
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|thread| {
                let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
                text.split_whitespace().nth(1)?.parse().ok()
            });
        Duration::from_nanos(waits.max().unwrap_or(0))
    }

    /// The most memory that it has had so far, in kilobytes (proc(5)).
    fn most_memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|n| n.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Files to read.
fn prepare(folder: &Path) {
    for (name, text) in [
        ("data.csv", "a,1,2.5\n\"b\nc\",,x\n"),
        ("data.json", "{\"a\":1}\n[1,2,\n3]\ntrue\n"),
        ("text.txt", "one\ntwo\r\nthree"),
        ("script.osql", "1+1;\nset :loaded = 2;\n"),
    ] {
        std::fs::write(folder.join(name), text).expect("can be written");
    }
}

impl Output {
    fn read(
        self: Arc<Output>,
        mut from: impl Read + Send + 'static,
        end: fn(&mut State) -> &mut Vec<u8>,
    ) {
        const KEPT: usize = 4096;
        thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            loop {
                let read = from.read(&mut piece).unwrap_or(0);
                let mut state = lock(&self.state);
                if read == 0 {
                    state.ended = true;
                }
                let kept = end(&mut state);
                kept.extend(&piece[..read]);
                let text = String::from_utf8_lossy(kept).into_owned();
                kept.drain(..kept.len().saturating_sub(KEPT));
                if let Some(at) = text.rfind(MARK)
                    && let Some((number, _)) = text[at + MARK.len()..].split_once('"')
                    && let Ok(number) = number.parse()
                {
                    state.done = state.done.max(number);
                }
                self.news.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
    }

    /// Waits until statement `number` is done; `Some(false)` if the process has ended instead, `None` if
    /// neither has happened by then.
    fn wait(&self, number: u64, until: Instant) -> Option<bool> {
        let mut state = lock(&self.state);
        loop {
            if state.done >= number {
                return Some(true);
            }
            if state.ended {
                return Some(false);
            }
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.news.wait_timeout(state, left);
            state = waited.expect("no reader panics").0;
        }
    }
}

/// Statements that are tried, and what came of them.
pub struct Trial {
    tried: AtomicUsize,
    faults: Mutex<Vec<String>>,
    /// No more are tried after that.
    until: Option<Instant>,
}

/// So many statements share a process, whose variables and tables they change.
const TOGETHER: usize = 1000;

/// More faults than that are not looked for.
const ENOUGH: usize = 25;

impl Trial {
    /// None tried yet. The environment variable `LIMIT` ends a long trial after so many.
    pub fn new() -> Trial {
        let seconds = std::env::var("LIMIT").ok();
        let seconds = seconds.map(|n| n.parse().expect("LIMIT is a number"));
        Trial {
            tried: AtomicUsize::new(0),
            faults: Mutex::default(),
            until: seconds.map(|n| Instant::now() + Duration::from_secs(n)),
        }
    }

    /// Runs `count` statements, which `generate` makes, after `script`, and anew after it where one did
    /// what it must not.
    pub fn run(&self, count: usize, script: &str, mut generate: impl FnMut() -> String) {
        let mut process: Option<(Bounded, Vec<String>)> = None;
        for _ in 0..count {
            if lock(&self.faults).len() >= ENOUGH || self.until.is_some_and(|t| t < Instant::now())
            {
                return;
            }
            let statement = generate();
            let (running, before) =
                process.get_or_insert_with(|| (Bounded::start(script), Vec::new()));
            let went = running.run(&statement);
            self.tried.fetch_add(1, Ordering::Relaxed);
            match went {
                Ok(true) if before.len() < TOGETHER => before.push(statement),
                Ok(_) => process = None,
                Err(fault) => {
                    if let Some(fault) = confirmed(script, before, &statement, fault) {
                        println!("{fault}");
                        lock(&self.faults).push(fault);
                    }
                    process = None;
                }
            }
        }
    }

    /// None did what it must not.
    #[track_caller]
    pub fn expect_none(self) {
        let tried = self.tried.into_inner();
        let faults = self.faults.into_inner().expect("no panic");
        println!("{tried} statements, {} faults", faults.len());
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

/// The fault with its statement, if it is one: a machine that was busy is none.
fn confirmed(script: &str, before: &[String], statement: &str, fault: Fault) -> Option<String> {
    let late = |fault: &Option<Fault>| matches!(fault, Some(Fault::Outlived(_)));
    let alone = || Bounded::start(script).run(statement).err();
    match alone() {
        None => {}
        first if late(&first) => {
            if (0..2).all(|_| late(&alone())) {
                return Some(format!("{statement}\n  {fault}"));
            }
            return None;
        }
        Some(fault) => return Some(format!("{statement}\n  {fault}")),
    }
    let mut together = Bounded::start(script);
    for earlier in before {
        // One of them may have been late.
        if matches!(together.run(earlier), Ok(false) | Err(Fault::Signal(..))) {
            return None;
        }
    }
    let again = together.run(statement).err();
    let history = before.join("\n");
    match (again, &fault) {
        (None, Fault::Outlived(_) | Fault::Memory(_)) => None,
        _ => Some(format!("{statement}\n  {fault}, but only after\n{history}")),
    }
}
