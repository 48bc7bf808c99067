//! How many validations have passed and failed in a session.

use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
pub struct Validations {
    passed: AtomicUsize,
    failed: AtomicUsize,
}

impl Validations {
    /// One more that has passed or not.
    pub fn count(&self, passed: bool) {
        let count = if passed { &self.passed } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }

    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }
}
