//! Files of SQLite that keep the rows of tables beyond the process. Knows tables, rows and the five kinds
//! of values that SQLite has ([`Cell`]), no value of OSQL. The crate `rusqlite` is used here alone.
//!
//! A [`Database`] is a file with one connection that changes it. All changes since the last commit are one
//! transaction of SQLite, begun by the first of them; a statement that fails goes back to a savepoint.
//! Who reads all rows of a table has a [`Snapshot`]: where the file has a write-ahead log, and nothing
//! waits to be committed, that is a connection of its own, which sees the rows as they were when it began,
//! whatever is written meanwhile. Rows are read in parts, by their numbers, so that none but the
//! latest part is in memory.
//!
//! **Log.** A file that is made here has a write-ahead log (`journal_mode=WAL`): programs read while one
//! writes, and a commit waits for the disk once instead of twice. A file that another program made keeps
//! what it has. A commit is on the disk when it is done (`synchronous=FULL`), as messages are
//! acknowledged by it: with less, a power cut could take back what a broker has been told is safe.
//!
//! **Locks.** Only one program changes a file at a time. Its lock is waited for under the token of the
//! statement, so that Ctrl-C and `--timeout` end the wait, and for some seconds at the most; then the error says
//! so. SQLite itself never waits. A statement of SQLite that takes long looks at the token, too.
//!
//! Files: [`database`] opens, begins, commits; [`connection`] waits; [`table`] has the statements of a table; [`schema`]
//! reads what tables there are; [`failure`] says what is wrong.

mod cell;
mod connection;
mod database;
mod failure;
mod schema;
mod table;

pub use cell::Cell;
pub use database::{Database, DatabaseOptions, GroupLimits, Snapshot};
pub use failure::RowFailure;
pub use schema::{
    ColumnDescription, IndexDescription, NotedColumn, TableDescription, TableKind, default_of,
    describe, describe_table, expression_value,
};
pub use table::{CellRow, NewColumn, StoredTable, TablePart};
