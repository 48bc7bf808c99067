//! Where results and notices go. One writer for both the shell's rows and `print`, so that their
//! order on the screen is the order in which they came.

use std::io::{self, Write};
use std::sync::Mutex;

use crate::run::wait::lock;

/// Standard output, buffered, and standard error, or whatever takes their place.
pub struct Console {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
}

impl Console {
    /// The process's own standard output and error.
    pub fn standard() -> Console {
        Console::new(
            Box::new(io::BufWriter::with_capacity(64 * 1024, io::stdout())),
            Box::new(io::stderr()),
        )
    }

    /// A console that writes to these two.
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Console {
        Console {
            out: Mutex::new(out),
            err: Mutex::new(err),
        }
    }

    /// Writes to standard output, buffered until the next [`Console::flush`].
    pub fn write(&self, text: &str) -> io::Result<()> {
        lock(&self.out).write_all(text.as_bytes())
    }

    /// Sends what has been written on its way.
    pub fn flush(&self) -> io::Result<()> {
        lock(&self.out).flush()
    }

    /// Says something on standard error, after all that was written to standard output before.
    /// `text` ends with a newline. A standard error that is closed says nothing.
    pub fn notice(&self, text: &str) {
        let _ = self.flush();
        let _ = lock(&self.err).write_all(text.as_bytes());
    }
}
