//! When buffered output is passed on: one rule for the console and for files.
//!
//! Elements of a query may come in millions a second or one an hour. A buffer makes the former fast,
//! and must not hold the latter back. So it is flushed
//!
//! - before the thread that fills it waits for more ([`crate::text::wait::Token::before_waiting`]), and
//! - by a write that comes [`FLUSH_AFTER`] or more after the flush before, for elements that need no
//!   waiting but long computing.
//!
//! No source has to know whether its elements come over time, and none has to tell.

use std::time::{Duration, Instant};

/// How long a buffer that is being written to may go without being flushed.
pub const FLUSH_AFTER: Duration = Duration::from_millis(1);

/// Tells a writer when its next flush is due.
pub struct FlushTimer {
    flushed: Instant,
}

impl FlushTimer {
    /// For a writer that has nothing to flush yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> FlushTimer {
        FlushTimer {
            flushed: Instant::now(),
        }
    }

    /// Whether what has just been written is to be flushed now, which the caller then does.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = now.duration_since(self.flushed) >= FLUSH_AFTER;
        if due {
            self.flushed = now;
        }
        due
    }
}
