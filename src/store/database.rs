//! A database: one file, one connection that changes it, and others that read.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{Attempt, Explain, OpenMode, StoreConnection, StoreFault, patiently};
use super::failure;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};

/// How many changes are committed together while a stream goes on.
#[derive(Clone, Copy)]
pub struct GroupLimits {
    pub rows: u64,
    pub time: Duration,
}

/// How a database is opened.
pub struct DatabaseOptions {
    /// Whether a file that is not there is made.
    pub create: bool,
    pub read_only: bool,
    /// How long the lock of another program is waited for.
    pub busy: Duration,
    /// How many bytes the file may have.
    pub most_bytes: Option<u64>,
    pub limits: GroupLimits,
}

/// A database that is open.
pub struct Database {
    name: Arc<str>,
    path: PathBuf,
    busy: Duration,
    limits: GroupLimits,
    access: OpenMode,
    /// Whether readers see the state at which they began while somebody writes (write-ahead log).
    has_log: bool,
    /// Nothing once it is closed.
    writer: Mutex<Option<Writer>>,
    /// Connections that nobody reads on.
    readers: Mutex<Vec<StoreConnection>>,
    is_closed: AtomicBool,
}

struct Writer {
    connection: StoreConnection,
    transaction: TransactionState,
    savepoints: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum TransactionState {
    None,
    Open,
    /// SQLite has rolled it back by itself, as the disk was full.
    Lost,
}

impl Database {
    /// Opens the file.
    pub fn open(
        name: &str,
        path: &Path,
        options: &DatabaseOptions,
        token: &Token,
    ) -> Result<Database> {
        let busy = options.busy;
        let access = access(path, options)?;
        // Nothing is read before it is needed: a file that is none is noticed here.
        let connect = || -> Attempt<(StoreConnection, OpenMode)> {
            match opened(path, access, options) {
                Ok(connection) => Ok((connection, access)),
                Err(StoreFault::Sqlite(error)) if can_only_be_read(&error, path, access) => Ok((
                    opened(path, OpenMode::Immutable, options)?,
                    OpenMode::Immutable,
                )),
                Err(fault) => Err(fault),
            }
        };
        let (connection, mut access) = patiently(token, busy, connect).explain(name, path, busy)?;
        let of_file = || -> rusqlite::Result<(bool, bool)> {
            let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
            Ok((mode == "wal", connection.is_readonly("main")?))
        };
        let (has_log, read_only) = of_file()
            .map_err(StoreFault::from)
            .explain(name, path, busy)?;
        if read_only && matches!(access, OpenMode::Create | OpenMode::Write) {
            access = OpenMode::Read;
        }
        Ok(Database {
            name: name.into(),
            path: path.to_owned(),
            busy,
            limits: options.limits,
            access,
            has_log,
            writer: Mutex::new(Some(Writer {
                connection,
                transaction: TransactionState::None,
                savepoints: 0,
            })),
            readers: Mutex::default(),
            is_closed: AtomicBool::new(false),
        })
    }

    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn limits(&self) -> GroupLimits {
        self.limits
    }

    /// A number that changes when another program commits.
    pub fn version(&self) -> u64 {
        let version = self.attempt(&Token::new(), |connection| {
            connection
                .prepare_cached("PRAGMA data_version")?
                .query_row([], |row| row.get::<_, i64>(0))
        });
        version.map_or(0, i64::unsigned_abs)
    }

    pub fn is_read_only(&self) -> bool {
        matches!(self.access, OpenMode::Read | OpenMode::Immutable)
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Closes the file. Whoever reads it goes on to its next batch of rows.
    pub fn close(&self) -> Result<()> {
        let mut writer = lock(&self.writer);
        let is_open = |writer: &Writer| writer.transaction != TransactionState::None;
        if writer.as_ref().is_some_and(is_open) {
            return Err(Error::run(format!(
                "the database {} has changes that are not committed",
                self.name
            ))
            .help("commit or rollback first"));
        }
        self.is_closed.store(true, Ordering::Release);
        lock(&self.readers).clear();
        // The last connection writes the log into the file.
        *writer = None;
        Ok(())
    }

    fn closed(&self) -> Error {
        Error::run(format!("the database {} has been closed", self.name)).about_no_element()
    }

    /// Does something on the connection that changes the file; waits for locks of others.
    pub(super) fn attempt<T>(
        &self,
        token: &Token,
        mut work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Attempt<T> {
        patiently(token, self.busy, || {
            let mut writer = lock(&self.writer);
            let Some(writer) = &mut *writer else {
                return Err(StoreFault::Other(self.closed()));
            };
            let done = writer.connection.under(token, &mut work);
            if done.is_err()
                && writer.transaction == TransactionState::Open
                && writer.connection.is_autocommit()
            {
                writer.transaction = TransactionState::Lost;
            }
            Ok(done?)
        })
    }

    /// The same, with the error for a person.
    pub(super) fn work<T>(
        &self,
        token: &Token,
        work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.explain(self.attempt(token, work))
    }

    pub(super) fn explain<T>(&self, attempt: Attempt<T>) -> Result<T> {
        attempt.explain(&self.name, &self.path, self.busy)
    }

    /// Begins a transaction, if none is open.
    pub fn begin(&self, token: &Token) -> Result<()> {
        if self.is_read_only() {
            return Err(Error::run(format!(
                "the database {} ({}) can only be read",
                self.name,
                self.path.display()
            )));
        }
        if self.is_in_transaction() {
            return Ok(());
        }
        self.work(token, |connection| {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])
        })?;
        self.set_transaction(TransactionState::Open);
        Ok(())
    }

    /// Whether there are changes that are not committed.
    pub fn is_in_transaction(&self) -> bool {
        let writer = lock(&self.writer);
        writer
            .as_ref()
            .is_some_and(|writer| writer.transaction != TransactionState::None)
    }

    fn set_transaction(&self, state: TransactionState) {
        if let Some(writer) = &mut *lock(&self.writer) {
            writer.transaction = state;
        }
    }

    /// Marks a state of the transaction to which it can be rolled back.
    pub fn savepoint(&self, token: &Token) -> Result<u64> {
        let number = match &mut *lock(&self.writer) {
            Some(writer) => {
                writer.savepoints += 1;
                writer.savepoints
            }
            None => return Err(self.closed()),
        };
        self.work(token, |connection| {
            connection.execute_batch(&format!("SAVEPOINT mark{number}"))
        })?;
        Ok(number)
    }

    /// Undoes what has been done since the savepoint. Where that cannot be done, all of the transaction
    /// is undone, and cannot be committed.
    pub fn rollback_to(&self, number: u64) {
        if !self.is_in_transaction() {
            return;
        }
        let undone = self.attempt(&Token::new(), |connection| {
            connection.execute_batch(&format!("ROLLBACK TO mark{number}; RELEASE mark{number}"))
        });
        if undone.is_err() {
            self.rollback();
            self.set_transaction(TransactionState::Lost);
        }
    }

    /// Makes the changes final: they are on the disk.
    pub fn commit(&self) -> Result<()> {
        let state = match &*lock(&self.writer) {
            Some(writer) => writer.transaction,
            None => return Ok(()),
        };
        match state {
            TransactionState::None => return Ok(()),
            TransactionState::Lost => {
                self.rollback();
                return Err(Error::run(format!(
                    "the changes of the database {} were undone after an error, and cannot be committed",
                    self.name
                ))
                .about_no_element());
            }
            TransactionState::Open => {}
        }
        // What has been made is committed even if the statement is stopped now.
        let committed = self.work(&Token::new(), |connection| {
            connection.prepare_cached("COMMIT")?.execute([])
        });
        match committed {
            Ok(_) => {
                self.set_transaction(TransactionState::None);
                Ok(())
            }
            Err(error) => {
                self.rollback();
                Err(error.about_no_element())
            }
        }
    }

    /// Undoes all that has not been committed.
    pub fn rollback(&self) {
        if let Some(writer) = &mut *lock(&self.writer) {
            if !writer.connection.is_autocommit() {
                // What cannot be rolled back now is when the file is opened next.
                let _ = writer.connection.execute_batch("ROLLBACK");
            }
            writer.transaction = TransactionState::None;
        }
    }

    /// The rows as they are now, to be read in parts.
    pub fn snapshot(self: &Arc<Database>, token: &Token) -> Result<Snapshot> {
        let mut snapshot = Snapshot {
            database: self.clone(),
            reader: None,
        };
        if self.is_closed() {
            return Err(self.closed());
        }
        // What has not been committed only the writer sees; and without a log it would wait for readers.
        if self.has_log && !self.is_in_transaction() {
            let idle = lock(&self.readers).pop();
            let access = match self.access {
                OpenMode::Create => OpenMode::Write,
                other => other,
            };
            let begun = patiently(token, self.busy, || {
                let reader = match &idle {
                    Some(_) => None,
                    None => Some(StoreConnection::open(&self.path, access)?),
                };
                Ok(reader)
            });
            let reader = self.explain(begun)?.or(idle);
            if let Some(reader) = &reader {
                let begun = reader.execute_batch("BEGIN").map_err(StoreFault::from);
                self.explain(begun)?;
            }
            snapshot.reader = reader;
        }
        Ok(snapshot)
    }
}

/// What is there when it is asked for: rows read on it are all of one state of the file, as long as
/// nothing uncommitted is among them.
pub struct Snapshot {
    database: Arc<Database>,
    /// Its own connection; without one, the writer's.
    reader: Option<StoreConnection>,
}

impl Snapshot {
    pub(super) fn read<T>(
        &self,
        token: &Token,
        mut work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let database = &self.database;
        if database.is_closed() {
            return Err(database.closed());
        }
        let Some(reader) = &self.reader else {
            return database.work(token, work);
        };
        let read = patiently(token, database.busy, || Ok(reader.under(token, &mut work)?));
        database.explain(read)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take()
            && reader.execute_batch("ROLLBACK").is_ok()
            && !self.database.is_closed()
        {
            lock(&self.database.readers).push(reader);
        }
    }
}

fn access(path: &Path, options: &DatabaseOptions) -> Result<OpenMode> {
    if !options.create && !path.exists() {
        return Err(
            Error::run(format!("there is no database {}", path.display()))
                .help("open_database(file) makes one"),
        );
    }
    Ok(match (options.read_only, options.create) {
        (true, _) => OpenMode::Read,
        (false, true) => OpenMode::Create,
        (false, false) => OpenMode::Write,
    })
}

fn opened(path: &Path, access: OpenMode, options: &DatabaseOptions) -> Attempt<StoreConnection> {
    if path.is_dir() {
        return Err(StoreFault::Other(failure::cannot_open(path, "")));
    }
    let connection = StoreConnection::open(path, access)?;
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    // Reading looks at what kind of file it is.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if pages == 0 && access == OpenMode::Create && !options.read_only {
        // A log lets others read while one writes, and a commit waits for the disk once.
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    }
    if let Some(most) = options.most_bytes {
        let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = i64::try_from(most).unwrap_or(i64::MAX) / size.max(1);
        let pragma = format!("PRAGMA max_page_count = {}", pages.max(1));
        connection.query_row(&pragma, [], |_| Ok(()))?;
    }
    Ok(connection)
}

/// Whether a file with a log stands in a folder that cannot be written, and there is nothing in the log.
fn can_only_be_read(error: &rusqlite::Error, path: &Path, access: OpenMode) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly)
    ) && access != OpenMode::Immutable
        && path.is_file()
        && !Path::new(&log).exists()
}
