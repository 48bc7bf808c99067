//! The databases that are open, and when what was changed in them is committed.
//!
//! A table in a database is changed within one transaction of its file, which the first change since the
//! last commit begins. A statement that ends commits it, as it makes other changes final. A statement that
//! fails goes back: in a database to the savepoint that was made before its first change, which the log of
//! changes names ([`Undo::InDatabase`]).
//!
//! **Groups.** A statement over a live stream has no end at which to commit, and a commit for each element
//! would wait for the disk each time. So elements are committed in groups. A group ends between two
//! elements, never within one:
//!
//! - when it has so many rows (1,000) or is so old (1 second), see [`GroupLimits`];
//! - and before the query waits for the next element while acknowledgements are held back for the group:
//!   the broker may be waiting for them, as it sends no more than a few messages without an answer.
//!
//! A message is acknowledged after the commit of what was made of it ([`ReceiptHold`]). A process that is
//! killed loses the last group at the most, and the broker sends its messages again. With a key in the
//! table, what was committed and not acknowledged yet is there once: its second row is refused, and set
//! aside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::catalog::undo::Undo;
use crate::mqtt::ReceiptHold;
use crate::store::{Database, GroupLimits};
use crate::text::diagnostic::{Error, Kind, Result, nearest};
use crate::text::wait::{Token, from_now, lock};

/// The databases of a session.
#[derive(Default)]
pub struct Databases {
    open: Mutex<Vec<Arc<Database>>>,
    /// The acknowledgements of messages whose rows are not committed.
    receipts: Arc<ReceiptHold>,
    group: Mutex<CommitGroup>,
    /// Whether anything waits to be committed: asked for each element.
    has_group: AtomicBool,
    /// Whether any is open: asked for each row of some joins.
    has_some: AtomicBool,
    /// When other programs' changes were looked for, and what they had come to.
    looked: Mutex<Option<(Instant, u64)>>,
}

/// Whether another program has changed something is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What has been changed since the last commit.
#[derive(Default)]
struct CommitGroup {
    rows: u64,
    /// When it is to be committed at the latest, and with how many rows.
    due: Option<(Instant, u64)>,
    /// The thread that is between two elements of a live stream, if one is.
    between: Option<ThreadId>,
}

impl Databases {
    pub fn new(receipts: Arc<ReceiptHold>) -> Databases {
        Databases {
            receipts,
            ..Databases::default()
        }
    }

    /// The databases that are open, in the order in which they were opened.
    pub fn all(&self) -> Vec<Arc<Database>> {
        lock(&self.open).clone()
    }

    pub fn add(&self, database: Arc<Database>) {
        lock(&self.open).push(database);
        self.has_some.store(true, Ordering::Relaxed);
    }

    pub fn remove(&self, database: &Arc<Database>) {
        lock(&self.open).retain(|other| !Arc::ptr_eq(other, database));
    }

    pub fn find(&self, name: &str) -> Option<Arc<Database>> {
        let name = name.to_lowercase();
        let open = lock(&self.open);
        open.iter().find(|other| **other.name() == *name).cloned()
    }

    /// The database of that name.
    pub fn get(&self, name: &str) -> Result<Arc<Database>> {
        self.find(name).ok_or_else(|| {
            let error = Error::run(format!("there is no database '{name}'"));
            let names: Vec<Arc<str>> = self.all().iter().map(|d| d.name().clone()).collect();
            match nearest(name, names.iter().map(|n| &**n)) {
                Some(near) => error.help(format!("did you mean '{near}'?")),
                None => error.help(format!("open_database('{name}.db') opens one")),
            }
        })
    }

    /// A number that another program changes by what it commits.
    pub fn changes_of_others(&self) -> u64 {
        if !self.has_some.load(Ordering::Relaxed) {
            return 0;
        }
        let mut looked = lock(&self.looked);
        match looked.as_mut() {
            Some((at, changes)) if at.elapsed() < LOOK_EVERY => *changes,
            _ => {
                let versions = self.all().into_iter().map(|database| database.version());
                let changes = versions.fold(0, u64::wrapping_add);
                *looked = Some((Instant::now(), changes));
                changes
            }
        }
    }

    fn changed(&self, limits: GroupLimits, rows: u64) {
        let mut group = lock(&self.group);
        group.rows += rows;
        let (at, most) = (from_now(limits.time), limits.rows);
        group.due = Some(match group.due {
            Some((due, rows)) => (due.min(at), rows.min(most)),
            None => (at, most),
        });
        self.has_group.store(true, Ordering::Release);
    }

    fn forget_group(&self) {
        let mut group = lock(&self.group);
        let between = group.between;
        *group = CommitGroup {
            between,
            ..CommitGroup::default()
        };
        self.has_group.store(false, Ordering::Release);
    }

    /// When the group is to be committed at the latest: now, where it has as many rows as it may have.
    fn due(&self) -> Option<Instant> {
        let group = lock(&self.group);
        let (at, most) = group.due?;
        match group.rows >= most {
            true => Some(Instant::now()),
            false => Some(at),
        }
    }

    fn is_between_elements(&self) -> bool {
        lock(&self.group).between == Some(thread::current().id())
    }
}

impl Catalog {
    /// Does something to a database, of which `rows` of a table are the change, so that it can be undone.
    pub fn change_database<T>(
        &self,
        database: &Arc<Database>,
        rows: usize,
        token: &Token,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        database.begin(token)?;
        self.databases.receipts.turn_on();
        self.databases.changed(database.limits(), rows as u64);
        if !self.undo_log.has_savepoint(database) {
            let savepoint = database.savepoint(token)?;
            self.undo_log
                .record(Undo::InDatabase(database.clone(), savepoint));
        }
        let done = work();
        self.undo_log.count_one();
        done
    }

    /// Makes all changes since the last commit final. Where a database cannot take them, all is as it was
    /// at the last commit.
    pub fn commit(&self) -> Result<()> {
        let changed = self.databases.all().into_iter();
        for database in changed.filter(|database| database.is_in_transaction()) {
            if let Err(error) = database.commit() {
                self.undo(0);
                return Err(error);
            }
        }
        self.undo_log.forget();
        self.databases.forget_group();
        self.databases.receipts.release();
        Ok(())
    }

    /// All changes since the last commit have been undone.
    pub(super) fn rolled_back(&self) {
        if !self.databases.has_group.load(Ordering::Acquire) {
            return;
        }
        for database in self.databases.all() {
            database.rollback();
        }
        self.databases.forget_group();
        self.databases.receipts.withdraw();
    }

    /// A statement is about to ask a live stream for its next element: what it has made of those before
    /// is committed, if it is time.
    #[inline]
    pub fn between_elements(&self) -> Result<()> {
        match self.databases.has_group.load(Ordering::Acquire) {
            true => self.end_of_group(),
            false => Ok(()),
        }
    }

    fn end_of_group(&self) -> Result<()> {
        if !self.undo_log.auto_commit() {
            return Ok(());
        }
        lock(&self.databases.group).between = Some(thread::current().id());
        match self.databases.due() {
            Some(at) if at <= Instant::now() => self.commit(),
            _ => Ok(()),
        }
    }

    /// An element has come.
    #[inline]
    pub fn begin_element(&self) {
        if self.databases.has_group.load(Ordering::Acquire) {
            lock(&self.databases.group).between = None;
        }
    }

    /// This thread is about to wait, or waits still: commits where that is to be done now. Gives when to
    /// ask again.
    pub fn about_to_wait(&self) -> Result<Option<Instant>> {
        if !self.databases.has_group.load(Ordering::Acquire)
            || !self.undo_log.auto_commit()
            || !self.databases.is_between_elements()
        {
            return Ok(None);
        }
        match self.databases.due() {
            Some(at) if at > Instant::now() && !self.databases.receipts.holds_some() => {
                Ok(Some(at))
            }
            _ => self.commit().map(|()| None),
        }
    }

    /// A statement has failed, and began where the log of changes stood at `mark`: nothing of it stays.
    /// One over a live stream that was stopped while it waited for the next element is as good as at its
    /// end: what it made of those that came stays.
    pub fn end_of_failed_statement(&self, error: &Error, mark: usize) {
        let is_at_end = error.kind() == Kind::Stopped
            && self.undo_log.auto_commit()
            && self.databases.has_group.load(Ordering::Acquire)
            && self.databases.is_between_elements();
        if !is_at_end || self.commit().is_err() {
            self.undo(mark);
        }
        lock(&self.databases.group).between = None;
    }
}
