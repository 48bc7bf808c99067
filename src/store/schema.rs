//! What tables a file has, and what osql has noted about them.
//!
//! A table that osql makes is a table of SQLite like any other. What SQLite does not know of it stands in
//! two tables beside it: `osql_tables` says which are osql's and what is written about them, `osql_columns` which
//! type of OSQL each column has, how long its strings may be, and its default. Where another program
//! has changed a table since, its columns count as they are now, and those of which nothing is noted are
//! taken by SQLite's own type.

use std::cell::RefCell;

use rusqlite::{Connection, OptionalExtension};

use super::cell::Cell;
use super::connection::StoreConnection;
use super::database::Database;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;

/// How tables are noted; a file that has a higher number was written by a newer osql.
pub(super) const FORMAT: i64 = 1;

/// A table of a file.
pub struct TableDescription {
    pub name: String,
    pub kind: TableKind,
    pub columns: Vec<ColumnDescription>,
    /// The places of columns that are unique together, in the order of their index.
    pub unique: Vec<Vec<usize>>,
    /// The indexes that statements have made.
    pub indexes: Vec<IndexDescription>,
    /// Whether osql has made it.
    pub is_own: bool,
    pub comment: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum TableKind {
    /// With numbered rows.
    Numbered,
    /// `WITHOUT ROWID`
    Keyed,
    View,
}

pub struct ColumnDescription {
    pub name: String,
    /// SQLite's type, as it was declared.
    pub declared: String,
    pub not_null: bool,
    /// SQLite's default, an expression.
    pub default: Option<String>,
    pub noted: Option<NotedColumn>,
}

/// What osql has noted about a column.
pub struct NotedColumn {
    pub ty: String,
    pub length: Option<i64>,
    /// An expression of OSQL.
    pub default: Option<String>,
}

#[derive(Clone)]
pub struct IndexDescription {
    pub name: String,
    pub columns: Vec<usize>,
    pub unique: bool,
}

/// Quotes a name for SQLite.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// All tables and views of a database.
pub fn describe(database: &Database, token: &Token) -> Result<Vec<TableDescription>> {
    let described = database.work(token, |connection| {
        let notes = Notes::read(connection)?;
        let mut tables = connection.prepare(
            "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' \
             AND type IN ('table', 'view', 'virtual') \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'osql\\_%' ESCAPE '\\' ORDER BY name",
        )?;
        let names = tables.query_map([], |row| {
            let (kind, keyed): (String, bool) = (row.get(1)?, row.get(2)?);
            let kind = match (kind.as_str(), keyed) {
                ("table", false) => TableKind::Numbered,
                ("table", true) => TableKind::Keyed,
                _ => TableKind::View,
            };
            Ok((row.get::<_, String>(0)?, kind))
        })?;
        let mut described = Vec::new();
        for found in names {
            let (name, kind) = found?;
            described.push(description(connection, name, kind, &notes)?);
        }
        Ok((described, notes.format))
    });
    let (tables, format) = described?;
    if format > FORMAT {
        return Err(Error::run(format!(
            "the tables of {} were written by a newer osql: they have the format {format}, and this osql knows {FORMAT}",
            database.path().display()
        ))
        .help("open it with that osql; sqlite3 can read it, too"));
    }
    Ok(tables)
}

/// One table, as it is now.
pub fn describe_table(
    database: &Database,
    name: &str,
    token: &Token,
) -> Result<Option<TableDescription>> {
    let name = name.to_lowercase();
    let mut tables = describe(database, token)?;
    let found = tables.iter().position(|t| t.name.to_lowercase() == name);
    Ok(found.map(|at| tables.swap_remove(at)))
}

/// What osql has noted.
struct Notes {
    exist: bool,
    format: i64,
}

impl Notes {
    fn read(connection: &Connection) -> rusqlite::Result<Notes> {
        let exist: i64 = connection.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('osql_tables', 'osql_columns')",
            [],
            |row| row.get(0),
        )?;
        let exist = exist == 2;
        let format = match exist {
            true => connection.query_row(
                "SELECT coalesce(max(format), 0) FROM osql_tables",
                [],
                |row| row.get(0),
            )?,
            false => 0,
        };
        Ok(Notes { exist, format })
    }
}

fn description(
    connection: &Connection,
    name: String,
    kind: TableKind,
    notes: &Notes,
) -> rusqlite::Result<TableDescription> {
    let mut key: Vec<(i64, usize)> = vec![];
    let mut columns = Vec::new();
    let mut info = connection.prepare_cached(
        "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?1) ORDER BY cid",
    )?;
    let mut rows = info.query([&name])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(4)?;
        if number > 0 {
            key.push((number, columns.len()));
        }
        columns.push(ColumnDescription {
            name: row.get(0)?,
            declared: row.get(1)?,
            not_null: row.get(2)?,
            default: row.get(3)?,
            noted: None,
        });
    }
    key.sort_unstable();
    let mut unique: Vec<Vec<usize>> = vec![];
    if !key.is_empty() {
        unique.push(key.into_iter().map(|(_, at)| at).collect());
    }
    let mut indexes = Vec::new();
    let mut list = connection.prepare_cached(
        "SELECT name, \"unique\", origin FROM pragma_index_list(?1) WHERE NOT partial ORDER BY seq DESC",
    )?;
    let mut rows = list.query([&name])?;
    while let Some(row) = rows.next()? {
        let (index, is_unique, origin): (String, bool, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let Some(places) = indexed(connection, &index)? else {
            continue;
        };
        match origin.as_str() {
            "c" => indexes.push(IndexDescription {
                name: index,
                columns: places,
                unique: is_unique,
            }),
            _ if is_unique && !unique.contains(&places) => unique.push(places),
            _ => {}
        }
    }
    let mut described = TableDescription {
        name,
        kind,
        columns,
        unique,
        indexes,
        is_own: false,
        comment: None,
    };
    if notes.exist {
        add_notes(connection, &mut described)?;
    }
    Ok(described)
}

/// The places of an index's columns; nothing if it is about something else.
fn indexed(connection: &Connection, index: &str) -> rusqlite::Result<Option<Vec<usize>>> {
    let mut info =
        connection.prepare_cached("SELECT cid FROM pragma_index_info(?1) ORDER BY seqno")?;
    let places = info.query_map([index], |row| row.get::<_, i64>(0))?;
    let places: Vec<i64> = places.collect::<rusqlite::Result<_>>()?;
    Ok(places
        .into_iter()
        .map(|place| usize::try_from(place).ok())
        .collect())
}

fn add_notes(connection: &Connection, table: &mut TableDescription) -> rusqlite::Result<()> {
    let comment = connection
        .prepare_cached("SELECT comment FROM osql_tables WHERE name = ?1 COLLATE NOCASE")?
        .query_row([&table.name], |row| row.get(0))
        .optional()?;
    table.is_own = comment.is_some();
    table.comment = comment.flatten();
    let mut noted = connection.prepare_cached(
        "SELECT column_name, type, length, default_value FROM osql_columns WHERE table_name = ?1 COLLATE NOCASE",
    )?;
    let mut rows = noted.query([&table.name])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let mut columns = table.columns.iter_mut();
        if let Some(column) = columns.find(|c| c.name.eq_ignore_ascii_case(&name)) {
            column.noted = Some(NotedColumn {
                ty: row.get(1)?,
                length: row.get(2)?,
                default: row.get(3)?,
            });
        }
    }
    Ok(())
}

/// A default of SQLite, as an expression of OSQL: the value that it has, or, where that may differ from
/// row to row as with `CURRENT_TIMESTAMP`, a call that asks SQLite each time. Nothing for null.
pub fn default_of(expression: &str, token: &Token) -> Option<String> {
    let upper = expression.to_uppercase();
    if upper.contains("CURRENT_") || upper.contains('(') {
        let written = serde_json::to_string(expression).ok()?;
        return Some(format!("sql:default({written})"));
    }
    match expression_value(expression, token).ok()? {
        Cell::Integer(int) => Some(int.to_string()),
        Cell::Real(real) => Some(format!("{real:?}")),
        Cell::Text(text) => serde_json::to_string(&text).ok(),
        Cell::Null | Cell::Blob(_) => None,
    }
}

/// The value of an expression of SQLite that is about no table.
pub fn expression_value(expression: &str, token: &Token) -> Result<Cell<'static>> {
    thread_local! {
        static WITHOUT_TABLES: RefCell<Option<StoreConnection>> = const { RefCell::new(None) };
    }
    let failed = |fault: rusqlite::Error| {
        token.check()?;
        Err(Error::run(format!(
            "SQLite cannot evaluate {expression}: {fault}"
        )))
    };
    WITHOUT_TABLES.with_borrow_mut(|kept| {
        let connection = match kept.take().map_or_else(StoreConnection::without_tables, Ok) {
            Ok(connection) => kept.insert(connection),
            Err(fault) => return failed(fault),
        };
        let sql = format!("SELECT ({expression})");
        let value = connection.under(token, |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row([], |row| Ok(Cell::of(row.get_ref(0)?).into_owned()))
        });
        value.or_else(failed)
    })
}
