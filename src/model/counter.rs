//! Counts the elements that are taken from a stream, for errors that say which element they are about.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many elements have been taken from a stream by those who run it.
#[derive(Default)]
pub struct ElementCounter {
    taken: AtomicU64,
    /// The stream has ended, or failed, or is taken in batches: what fails now is not about the
    /// element that was taken last.
    over: AtomicBool,
    live: AtomicBool,
}

impl ElementCounter {
    /// The stream is started anew.
    pub fn restart(&self) {
        self.taken.store(0, Ordering::Relaxed);
        self.over.store(false, Ordering::Relaxed);
    }

    /// Whether the stream has elements that arrive over time.
    pub fn set_live(&self, live: bool) {
        self.live.store(live, Ordering::Relaxed);
    }

    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }

    /// One element has been taken.
    #[inline]
    pub fn one_more(&self) {
        // One thread runs a stream at a time.
        let taken = self.taken.load(Ordering::Relaxed);
        self.taken.store(taken + 1, Ordering::Relaxed);
    }

    /// A batch of `size` elements has been taken.
    pub fn batch(&self, size: usize) {
        let taken = self.taken.load(Ordering::Relaxed);
        self.taken.store(taken + size as u64, Ordering::Relaxed);
        self.over.store(true, Ordering::Relaxed);
    }

    /// No batch came: elements are taken one by one from here on.
    pub fn single(&self) {
        self.over.store(false, Ordering::Relaxed);
    }

    /// The stream has ended or failed.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The number of the element that is being worked on, from 1; 0 before the first.
    pub fn latest(&self) -> Option<u64> {
        let over = self.over.load(Ordering::Relaxed);
        (!over).then(|| self.taken.load(Ordering::Relaxed))
    }
}
