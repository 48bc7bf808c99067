//! Where results and notices go. One writer for both the shell's rows and `print`, so that their
//! order on the screen is the order in which they came.
//!
//! Whoever reads standard output may stop reading: a paused pager fills the pipe, and each write waits.
//! Queries may wait like that. Threads that must not, such as the one that keeps MQTT connections
//! alive, use [`Console::post`].

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, Thread};

use crate::text::diagnostic::Error;
use crate::text::shown::shown;
use crate::text::wait::{Token, lock};

/// How many bytes of posted notices may wait to be written. Further ones are counted instead.
const PENDING_BYTES: usize = 1 << 20;

/// Standard output, buffered, and standard error, or whatever takes their place.
pub struct Console {
    out: Mutex<io::BufWriter<Box<dyn Write + Send>>>,
    /// Held while notices are written, so that they keep their order.
    err: Mutex<Box<dyn Write + Send>>,
    closed: AtomicBool,
    quiet: AtomicBool,
    /// Whether notes are coloured.
    colour: AtomicBool,
    pending: Arc<Mutex<Pending>>,
}

/// Notices that were posted and are not written yet.
#[derive(Default)]
struct Pending {
    text: String,
    left_out: usize,
    /// The thread that writes them, once there has been one to write.
    writer: Option<Thread>,
    /// The console is gone, and the thread has nothing more to do.
    ended: bool,
}

impl Pending {
    fn take(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        match std::mem::take(&mut self.left_out) {
            0 => {}
            1 => text.push_str("1 more notice came faster than they could be written\n"),
            n => text.push_str(&format!(
                "{n} more notices came faster than they could be written\n"
            )),
        }
        text
    }
}

impl Console {
    /// The process's own standard output and error.
    pub fn standard() -> Console {
        Console::new(Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// A console that writes to these two. What goes to `out` is buffered here.
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Console {
        Console {
            out: Mutex::new(io::BufWriter::with_capacity(64 * 1024, out)),
            err: Mutex::new(err),
            closed: AtomicBool::new(false),
            quiet: AtomicBool::new(false),
            colour: AtomicBool::new(false),
            pending: Arc::default(),
        }
    }

    /// Writes to standard output, buffered until the next [`Console::flush`].
    pub fn write(&self, text: &str) -> io::Result<()> {
        self.watched(lock(&self.out).write_all(text.as_bytes()))
    }

    /// Sends what has been written on its way.
    pub fn flush(&self) -> io::Result<()> {
        self.watched(lock(&self.out).flush())
    }

    /// Whether nobody reads standard output any more, as after `osql … | head`. Found out by writing.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Says something on standard error, after all that was written to standard output and all
    /// notices that were posted before. `text` ends with a newline. A standard error that is closed
    /// says nothing.
    pub fn notice(&self, text: &str) {
        self.write_notices(&shown(text));
    }

    /// Says something beside the matter, as [`Console::notice`] does, on a line of its own: dimly where
    /// there are colours.
    pub fn aside(&self, text: &str, colour: bool) {
        let text = shown(text);
        self.write_notices(&match colour {
            true => format!("\x1b[2m{text}\x1b[0m\n"),
            false => format!("{text}\n"),
        });
    }

    /// Reports an error as [`Console::notice`] says something; `colour` adds ANSI escapes.
    pub fn report(&self, error: &Error, colour: bool) {
        self.write_notices(&error.render(colour));
    }

    /// Says what is likely wrong, unless nobody wants to know: see [`Console::set_notes`].
    pub fn note(&self, note: &Error) {
        if !self.quiet.load(Ordering::Relaxed) {
            self.write_notices(&note.render_note(self.colour.load(Ordering::Relaxed)));
        }
    }

    /// Whether notes are said, and in colour.
    pub fn set_notes(&self, wanted: bool, colour: bool) {
        self.quiet.store(!wanted, Ordering::Relaxed);
        self.colour.store(colour, Ordering::Relaxed);
    }

    /// Says something as [`Console::notice`] does, but never waits: a thread writes it. Where notices
    /// come faster than they can be written, the number of those left out is said instead.
    pub fn post(self: &Arc<Self>, text: &str) {
        let text = &shown(text);
        let mut pending = lock(&self.pending);
        if pending.text.len() + text.len() > PENDING_BYTES {
            pending.left_out += 1;
            return;
        }
        pending.text.push_str(text);
        match &pending.writer {
            Some(thread) => thread.unpark(),
            // Without a thread the next notice, or the end, takes it along.
            None => pending.writer = self.start_writer().ok(),
        }
    }

    /// Writes all that was posted or is buffered, as before the end of the program.
    pub fn finish(&self) -> io::Result<()> {
        self.write_notices("");
        self.flush()
    }

    fn write_notices(&self, last: &str) {
        let mut err = lock(&self.err);
        let _ = self.flush();
        let mut text = lock(&self.pending).take();
        text.push_str(last);
        let _ = err.write_all(text.as_bytes());
    }

    fn start_writer(self: &Arc<Self>) -> io::Result<Thread> {
        let pending = self.pending.clone();
        let console = Arc::downgrade(self);
        let thread = thread::Builder::new()
            .name("posted notices".to_owned())
            .spawn(move || write_posted(&pending, &console))?;
        Ok(thread.thread().clone())
    }

    fn watched(&self, result: io::Result<()>) -> io::Result<()> {
        if matches!(&result, Err(e) if e.kind() == io::ErrorKind::BrokenPipe) {
            self.closed.store(true, Ordering::Relaxed);
        }
        result
    }
}

/// Writes notices as they are posted, until the console is gone.
fn write_posted(pending: &Mutex<Pending>, console: &Weak<Console>) {
    let forever = Token::new();
    let news = || {
        let pending = lock(pending);
        (pending.ended || !pending.text.is_empty()).then_some(())
    };
    while let Ok(Some(())) = forever.wait(None, news) {
        match console.upgrade() {
            Some(console) => console.write_notices(""),
            None => return,
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.finish();
        let mut pending = lock(&self.pending);
        pending.ended = true;
        if let Some(thread) = &pending.writer {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A pipe whose reader takes one write each time it is allowed to.
    struct Slow {
        allowed: mpsc::Receiver<()>,
        seen: Arc<Mutex<String>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allowed.recv().map_err(io::Error::other)?;
            lock(&self.seen).push_str(&String::from_utf8_lossy(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_post_never_waits_for_standard_output_and_is_written_after_it() {
        let seen = Arc::new(Mutex::new(String::new()));
        let (allow, allowed) = mpsc::channel();
        let (allow_err, allowed_err) = mpsc::channel();
        let out = Slow {
            allowed,
            seen: seen.clone(),
        };
        let err = Slow {
            allowed: allowed_err,
            seen: seen.clone(),
        };
        let console = Arc::new(Console::new(Box::new(out), Box::new(err)));
        console.write("rows\n").expect("is buffered");
        // Nobody reads: far more than may wait comes, and every post returns.
        let line = "x".repeat(1023) + "\n";
        let most = PENDING_BYTES / line.len();
        for _ in 0..most + 5 {
            console.post(&line);
        }
        assert_eq!(*lock(&seen), "");
        allow.send(()).expect("standard output is written");
        (0..2).for_each(|_| allow_err.send(()).expect("standard error is written"));
        console.notice("last\n");
        let seen = lock(&seen);
        assert!(seen.starts_with("rows\nx"), "{}", &seen[..20]);
        let kept = seen.matches(&line).count();
        assert_eq!(kept, most);
        assert!(
            seen.ends_with("x\n5 more notices came faster than they could be written\nlast\n"),
            "{}",
            &seen[seen.len() - 100..]
        );
    }

    #[test]
    fn what_was_posted_is_written_when_the_console_goes() {
        let seen = Arc::new(Mutex::new(String::new()));
        let (allow, allowed) = mpsc::channel();
        let err = Slow {
            allowed,
            seen: seen.clone(),
        };
        let console = Arc::new(Console::new(Box::new(io::sink()), Box::new(err)));
        (0..9).for_each(|_| allow.send(()).expect("may write"));
        console.post("one\n");
        console.post("two\n");
        let weak = Arc::downgrade(&console);
        drop(console);
        while weak.strong_count() > 0 {
            thread::yield_now();
        }
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while *lock(&seen) != "one\ntwo\n" {
            assert!(std::time::Instant::now() < until, "{}", lock(&seen));
            thread::yield_now();
        }
    }
}
