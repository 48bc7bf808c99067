//! Who waits for something that the connection has yet to read: an answer to what was published, a
//! subscription, a response. While queries have much before them the connection reads no more, unless
//! somebody waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How many threads wait for the broker, and whether the connection has stopped reading.
#[derive(Default)]
pub struct Awaited {
    threads: AtomicUsize,
    /// Whoever begins to wait wakes the connection.
    held_back: AtomicBool,
}

impl Awaited {
    /// Whether somebody waits. Otherwise whoever begins to wait wakes the connection.
    pub fn by_somebody(&self) -> bool {
        // Before the look, so that nobody comes unseen between the two.
        self.held_back.store(true, Ordering::SeqCst);
        let waits = self.threads.load(Ordering::SeqCst) > 0;
        if waits {
            self.held_back.store(false, Ordering::SeqCst);
        }
        waits
    }

    /// This thread waits for the broker until what is given is dropped; `wake` is the connection's.
    pub fn by_this_thread(&self, wake: &Notify) -> AwaitedByThread<'_> {
        self.threads.fetch_add(1, Ordering::SeqCst);
        if self.held_back.swap(false, Ordering::SeqCst) {
            wake.notify_one();
        }
        AwaitedByThread(self)
    }
}

/// A thread that waits.
pub struct AwaitedByThread<'a>(&'a Awaited);

impl Drop for AwaitedByThread<'_> {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Ordering::SeqCst);
    }
}
