//! What has changed since the last commit, so that it can be undone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::model::table::{Place, Row, Table};
use crate::model::{Function, Object, UserType};
use crate::text::wait::lock;

/// One change, with what is needed to undo it.
pub enum Undo {
    Inserted(Arc<Table>, Place, Row),
    Removed(Arc<Table>, Row),
    Created(Arc<Object>),
    Deleted(Arc<Object>),
    CreatedType(Arc<UserType>),
    DeletedType(Arc<UserType>),
    /// A function that was defined, and the one that it replaced.
    Defined(Arc<Function>, Option<Arc<Function>>),
    DeletedFunction(Arc<Function>),
}

/// The changes since the last commit, oldest first.
pub struct UndoLog {
    changes: Mutex<Vec<Undo>>,
    /// How many changes there have been, final and undone ones among them.
    count: AtomicU64,
    auto_commit: AtomicBool,
}

impl Default for UndoLog {
    fn default() -> Self {
        UndoLog {
            changes: Mutex::default(),
            count: AtomicU64::new(0),
            auto_commit: AtomicBool::new(true),
        }
    }
}

impl UndoLog {
    pub fn record(&self, change: Undo) {
        lock(&self.changes).push(change);
        self.count_one();
    }

    /// Counts a change that has been made and is not recorded.
    pub fn count_one(&self) {
        self.count.fetch_add(1, Ordering::Release);
    }

    /// How many changes there have been: what was read is still so as long as this stays. A change is
    /// counted after it has been made.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// How many changes there are: a mark to go back to.
    pub fn mark(&self) -> usize {
        lock(&self.changes).len()
    }

    /// Takes the changes since `mark` out, newest first, to be undone.
    pub fn since(&self, mark: usize) -> Vec<Undo> {
        let mut changes = lock(&self.changes);
        let mark = mark.min(changes.len());
        let mut taken = changes.split_off(mark);
        taken.reverse();
        taken
    }

    pub fn forget(&self) {
        lock(&self.changes).clear();
    }

    /// Whether each statement that succeeds is final at once.
    pub fn auto_commit(&self) -> bool {
        self.auto_commit.load(Ordering::Relaxed)
    }

    pub fn set_auto_commit(&self, on: bool) {
        self.auto_commit.store(on, Ordering::Relaxed);
    }
}
