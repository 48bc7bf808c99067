//! One connection to a file, and how a lock of another program is waited for.

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::failure;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, from_now, lock};

/// After so many steps of SQLite's machine a long statement looks at its token: some milliseconds.
const LOOK_AFTER: i32 = 100_000;

/// Statements that are kept prepared.
const PREPARED: usize = 128;

/// The most bytes of the value of an expression.
const MOST_BYTES_OF_VALUE: i32 = 1 << 20;

/// The pauses between two attempts to get a lock grow up to this.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How a file is opened.
#[derive(Clone, Copy, PartialEq)]
pub enum OpenMode {
    Create,
    Write,
    Read,
    /// The file is read as if nobody could change it, as its folder cannot be written.
    Immutable,
}

/// A connection whose statements end when the token of who runs them is stopped.
pub struct StoreConnection {
    connection: Connection,
    running: Arc<Mutex<Token>>,
}

/// Why something could not be done: SQLite says so, or it was stopped meanwhile.
pub enum StoreFault {
    Sqlite(rusqlite::Error),
    Other(Error),
}

impl From<rusqlite::Error> for StoreFault {
    fn from(error: rusqlite::Error) -> StoreFault {
        StoreFault::Sqlite(error)
    }
}

impl From<Error> for StoreFault {
    fn from(error: Error) -> StoreFault {
        StoreFault::Other(error)
    }
}

pub type Attempt<T> = std::result::Result<T, StoreFault>;

impl StoreConnection {
    pub fn open(path: &Path, access: OpenMode) -> rusqlite::Result<StoreConnection> {
        let flags = match access {
            OpenMode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            OpenMode::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            OpenMode::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            OpenMode::Immutable => OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
        };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match access {
            OpenMode::Immutable => Connection::open_with_flags(immutable(path), flags)?,
            _ => Connection::open_with_flags(path, flags)?,
        };
        // A file from elsewhere runs no functions that its schema asks for.
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;")?;
        StoreConnection::watched(connection)
    }

    /// A connection to nothing, for expressions. They make no values that fill the memory.
    pub fn without_tables() -> rusqlite::Result<StoreConnection> {
        let connection = Connection::open_in_memory()?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MOST_BYTES_OF_VALUE)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        StoreConnection::watched(connection)
    }

    fn watched(mut connection: Connection) -> rusqlite::Result<StoreConnection> {
        // What is locked is waited for here, under the token, and not within SQLite.
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        let running = Arc::new(Mutex::new(Token::new()));
        let watched = running.clone();
        let is_stopped = move || lock(&watched).is_stopped();
        connection.progress_handler(LOOK_AFTER, Some(is_stopped))?;
        Ok(StoreConnection {
            connection,
            running,
        })
    }

    /// Does something under a token.
    pub fn under<T>(
        &self,
        token: &Token,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        *lock(&self.running) = token.clone();
        work(&self.connection)
    }
}

impl Deref for StoreConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + "?immutable=1"
}

/// Tries until nobody else holds a lock that is wanted, `busy` at the most.
pub fn patiently<T>(
    token: &Token,
    busy: Duration,
    mut work: impl FnMut() -> Attempt<T>,
) -> Attempt<T> {
    let until = from_now(busy);
    let mut pause = Duration::from_millis(1);
    loop {
        match work() {
            Err(StoreFault::Sqlite(error))
                if failure::is_busy(&error) && Instant::now() < until =>
            {
                token.sleep(pause)?;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
            Err(StoreFault::Sqlite(error)) if failure::is_interrupted(&error) => {
                token.check()?;
                return Err(StoreFault::Sqlite(error));
            }
            other => return other,
        }
    }
}

/// The error of a fault, of the database of that name.
pub fn explained(fault: StoreFault, name: &str, path: &Path, busy: Duration) -> Error {
    match fault {
        StoreFault::Other(error) => error,
        StoreFault::Sqlite(error) if failure::is_busy(&error) => {
            failure::locked(name, path, busy.as_secs_f64()).about_no_element()
        }
        StoreFault::Sqlite(error) => failure::explained(&error, name, path),
    }
}

/// The same for something that has come to a result.
pub trait Explain<T> {
    fn explain(self, name: &str, path: &Path, busy: Duration) -> Result<T>;
}

impl<T> Explain<T> for Attempt<T> {
    fn explain(self, name: &str, path: &Path, busy: Duration) -> Result<T> {
        self.map_err(|fault| explained(fault, name, path, busy))
    }
}
