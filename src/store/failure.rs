//! What SQLite says is wrong, as a person needs to hear it.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::text::diagnostic::Error;

/// Why a row cannot be put into a table.
#[derive(Debug)]
pub enum RowFailure {
    /// Another row has the same values in these columns, which are unique together.
    NotUnique(Vec<String>),
    Other(Error),
}

impl From<Error> for RowFailure {
    fn from(error: Error) -> RowFailure {
        RowFailure::Other(error)
    }
}

/// Whether another connection holds a lock that this one wants.
pub fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Whether the progress handler has ended it.
pub fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// The columns that are unique, if the error is about them.
pub fn not_unique(error: &rusqlite::Error) -> Option<Vec<String>> {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else {
        return None;
    };
    let is_unique = matches!(
        code.extended_code,
        ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID
    );
    let (_, columns) = message.split_once(": ")?;
    if !is_unique || columns.starts_with("index ") {
        return None;
    }
    let column = |column: &str| Some(column.trim().split_once('.')?.1.to_owned());
    columns.split(',').map(column).collect()
}

/// The error for a person, of the database of that name in that file.
pub fn explained(error: &rusqlite::Error, name: &str, path: &Path) -> Error {
    let file = path.display();
    let said = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::run(format!("{file} is no SQLite database"))
            .help("give another name to a new one, or take the file away"),
        Some(ErrorCode::DatabaseCorrupt) => {
            Error::run(format!("the database {file} is damaged: {said}"))
                .help("`sqlite3 FILE .recover` saves what can be read")
        }
        Some(ErrorCode::DiskFull) => Error::run(format!(
            "there is no room left for the database {name} ({file})"
        ))
        .help("nothing of what has not been committed is kept; what has been is safe"),
        Some(ErrorCode::ReadOnly) => {
            Error::run(format!("the database {name} ({file}) can only be read"))
                .help("the file and its folder have to be writable")
        }
        Some(ErrorCode::CannotOpen) => cannot_open(path, &said),
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            Error::run(format!("the database {file} may not be opened: {said}"))
        }
        Some(ErrorCode::SystemIoFailure) => Error::run(format!(
            "the database {name} ({file}) cannot be read or written: {said}"
        ))
        .help("nothing of what has not been committed is kept; what has been is safe"),
        Some(ErrorCode::ConstraintViolation) => {
            Error::run(format!("the database {name} does not take it: {said}"))
        }
        Some(ErrorCode::SchemaChanged) => gone(name, &said),
        Some(ErrorCode::Unknown) if said.contains("no such") => gone(name, &said),
        _ => Error::run(format!("the database {name} ({file}): {said}")),
    }
}

/// The error for a table or column that another program has dropped since the database was opened.
fn gone(name: &str, said: &str) -> Error {
    Error::run(format!("the database {name} has changed: {said}")).help(format!(
        "another program changed its tables: close_database('{name}') and open it again"
    ))
}

/// Why a file cannot be opened, which SQLite does not say.
pub fn cannot_open(path: &Path, said: &str) -> Error {
    let file = path.display();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if path.is_dir() {
        return Error::run(format!("{file} is a folder, not a database"));
    }
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let message = format!(
            "{file} cannot be opened: there is no folder {}",
            folder.display()
        );
        return Error::run(message).help("make the folder first");
    }
    match path.exists() {
        true => Error::run(format!("{file} cannot be opened: {said}"))
            .help("who runs osql must be allowed to read it"),
        false => Error::run(format!("{file} cannot be created: {said}"))
            .help("its folder has to be writable"),
    }
}

/// The error for a lock that was waited for in vain.
pub fn locked(name: &str, path: &Path, seconds: f64) -> Error {
    Error::run(format!(
        "the database {name} ({}) is locked by another program's transaction",
        path.display()
    ))
    .help(format!(
        "it was waited for {seconds} seconds; open_database(file, {{'busy': 60}}) waits longer"
    ))
}
