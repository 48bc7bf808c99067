//! Where results and notices go. One writer for both the shell's rows and `print`, so that their
//! order on the screen is the order in which they came.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::text::wait::lock;

/// Standard output, buffered, and standard error, or whatever takes their place.
pub struct Console {
    out: Mutex<io::BufWriter<Box<dyn Write + Send>>>,
    err: Mutex<Box<dyn Write + Send>>,
    closed: AtomicBool,
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

    /// Says something on standard error, after all that was written to standard output before.
    /// `text` ends with a newline. A standard error that is closed says nothing.
    pub fn notice(&self, text: &str) {
        let _ = self.flush();
        let _ = lock(&self.err).write_all(text.as_bytes());
    }

    fn watched(&self, result: io::Result<()>) -> io::Result<()> {
        if matches!(&result, Err(e) if e.kind() == io::ErrorKind::BrokenPipe) {
            self.closed.store(true, Ordering::Relaxed);
        }
        result
    }
}
