//! What SQLite keeps in one column of a row.

use std::borrow::Cow;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

/// A value of SQLite, in one of its five storage classes.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl Cell<'_> {
    pub fn text(text: &str) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(text))
    }
}

impl<'a> Cell<'a> {
    /// The same, with what it holds.
    pub(super) fn into_owned(self) -> Cell<'static> {
        match self {
            Cell::Null => Cell::Null,
            Cell::Integer(int) => Cell::Integer(int),
            Cell::Real(real) => Cell::Real(real),
            Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
            Cell::Blob(bytes) => Cell::Blob(Cow::Owned(bytes.into_owned())),
        }
    }

    /// Text that is no UTF-8, which other programs may have written, has signs in place of what is wrong.
    pub(super) fn of(value: ValueRef<'a>) -> Cell<'a> {
        match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(int) => Cell::Integer(int),
            ValueRef::Real(real) => Cell::Real(real),
            ValueRef::Text(bytes) => Cell::Text(String::from_utf8_lossy(bytes)),
            ValueRef::Blob(bytes) => Cell::Blob(Cow::Borrowed(bytes)),
        }
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Null => ValueRef::Null,
            Cell::Integer(int) => ValueRef::Integer(*int),
            Cell::Real(real) => ValueRef::Real(*real),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
