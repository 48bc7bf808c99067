//! What has changed since the last commit, so that it can be undone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::model::table::{NamedIndex, Place, Row, Table};
use crate::model::{Function, Object, UserType};
use crate::store::Database;
use crate::text::wait::lock;

/// One change, with what is needed to undo it.
pub enum Undo {
    /// Rows were put at so many places from this one on.
    Inserted(Arc<Table>, Place, u32),
    /// A row was taken away from its place.
    Removed(Arc<Table>, Place, Row),
    /// A row was put into the place of another.
    Replaced(Arc<Table>, Place, Row),
    CreatedIndex(Arc<Table>, Arc<NamedIndex>),
    DroppedIndex(Arc<Table>, Arc<NamedIndex>),
    /// A database was changed after this savepoint.
    InDatabase(Arc<Database>, u64),
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
    changes: Mutex<Changes>,
    /// How many changes there have been, final and undone ones among them.
    count: AtomicU64,
    auto_commit: AtomicBool,
}

#[derive(Default)]
struct Changes {
    list: Vec<Undo>,
    /// How many of them had been made when a mark was taken last: these do not grow any more.
    marked: usize,
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
        lock(&self.changes).list.push(change);
        self.count_one();
    }

    /// Records that a row was put at a place. Many one after the other are one change.
    pub fn record_inserted(&self, table: &Arc<Table>, place: Place) {
        let mut changes = lock(&self.changes);
        let may_grow = changes.list.len() > changes.marked;
        match changes.list.last_mut().filter(|_| may_grow) {
            Some(Undo::Inserted(same, first, count))
                if Arc::ptr_eq(same, table) && first.checked_add(*count) == Some(place) =>
            {
                *count += 1;
            }
            _ => changes.list.push(Undo::Inserted(table.clone(), place, 1)),
        }
        drop(changes);
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
        let mut changes = lock(&self.changes);
        changes.marked = changes.list.len();
        changes.marked
    }

    /// Whether a database can go back to where it stood when a mark was taken last, as there is a
    /// savepoint after that.
    pub fn has_savepoint(&self, database: &Arc<Database>) -> bool {
        let changes = lock(&self.changes);
        let since = changes.list.get(changes.marked..).unwrap_or_default();
        since.iter().any(
            |change| matches!(change, Undo::InDatabase(other, _) if Arc::ptr_eq(other, database)),
        )
    }

    pub fn is_empty(&self) -> bool {
        lock(&self.changes).list.is_empty()
    }

    /// Takes the changes since `mark` out, newest first, to be undone.
    pub fn since(&self, mark: usize) -> Vec<Undo> {
        let mut changes = lock(&self.changes);
        let mark = mark.min(changes.list.len());
        let mut taken = changes.list.split_off(mark);
        changes.marked = mark;
        taken.reverse();
        taken
    }

    pub fn forget(&self) {
        *lock(&self.changes) = Changes::default();
    }

    /// Whether each statement that succeeds is final at once.
    pub fn auto_commit(&self) -> bool {
        self.auto_commit.load(Ordering::Relaxed)
    }

    pub fn set_auto_commit(&self, on: bool) {
        self.auto_commit.store(on, Ordering::Relaxed);
    }
}
