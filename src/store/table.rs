//! The statements of one table.

use std::sync::Arc;

use rusqlite::{Connection, Row, params_from_iter};

use super::cell::Cell;
use super::connection::StoreFault;
use super::database::{Database, Snapshot};
use super::failure::{RowFailure, not_unique};
use super::schema::{FORMAT, NotedColumn, TableKind, quoted};
use crate::text::diagnostic::Result;
use crate::text::wait::Token;

/// A table, or a view, of a database.
pub struct StoredTable {
    database: Arc<Database>,
    name: String,
    columns: Vec<String>,
    kind: TableKind,
    /// What SQLite calls the number of a row; no column has that name.
    number: &'static str,
    /// The columns as a statement lists them.
    list: String,
}

/// A column that is to be made.
pub struct NewColumn {
    pub name: String,
    /// SQLite's type.
    pub declared: &'static str,
    pub not_null: bool,
    pub noted: NotedColumn,
}

/// A row that a statement gives.
pub struct CellRow<'r> {
    row: &'r Row<'r>,
    first: usize,
}

impl CellRow<'_> {
    /// What is in the column at this place of the table.
    pub fn cell(&self, at: usize) -> Cell<'_> {
        let value = self.row.get_ref(self.first + at);
        value.map_or(Cell::Null, Cell::of)
    }
}

/// Where a part of a table's rows begins and ends.
#[derive(Clone, Copy)]
pub struct TablePart {
    /// The number of the last row that was read; of rows without numbers, how many were.
    pub after: i64,
    /// The number of the last row that is wanted.
    pub until: i64,
    pub most: usize,
}

impl StoredTable {
    /// The table of that name, which exists.
    pub fn new(
        database: Arc<Database>,
        name: String,
        columns: Vec<String>,
        kind: TableKind,
    ) -> StoredTable {
        let is_free = |number: &&'static str| {
            columns
                .iter()
                .all(|column| !column.eq_ignore_ascii_case(number))
        };
        let number = ["rowid", "_rowid_", "oid"].into_iter().find(is_free);
        let kind = match (kind, number) {
            // A table whose columns take all three names.
            (TableKind::Numbered, None) => TableKind::Keyed,
            _ => kind,
        };
        let list: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        StoredTable {
            database,
            name,
            columns,
            kind,
            number: number.unwrap_or_default(),
            list: list.join(", "),
        }
    }

    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether its rows can be told apart, so that single ones can be changed.
    pub fn has_numbers(&self) -> bool {
        self.kind == TableKind::Numbered
    }

    pub fn is_view(&self) -> bool {
        self.kind == TableKind::View
    }

    /// Makes the table, and notes what is to be known about it.
    pub fn create(
        &self,
        columns: &[NewColumn],
        unique: &[Vec<usize>],
        comment: Option<&str>,
        token: &Token,
    ) -> Result<()> {
        let mut parts: Vec<String> = columns.iter().map(definition).collect();
        for places in unique {
            let names = places.iter().map(|at| quoted(&self.columns[*at]));
            let names: Vec<String> = names.collect();
            parts.push(format!("UNIQUE ({})", names.join(", ")));
        }
        let create = format!("CREATE TABLE {} ({})", quoted(&self.name), parts.join(", "));
        self.database.work(token, |connection| {
            connection.execute_batch(NOTES)?;
            connection.execute_batch(&create)?;
            forget(connection, &self.name)?;
            connection.execute(
                "INSERT INTO osql_tables (name, format, comment) VALUES (?1, ?2, ?3)",
                (&self.name, FORMAT, comment),
            )?;
            let mut note = connection.prepare_cached(
                "INSERT INTO osql_columns (table_name, column_name, type, length, default_value) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for column in columns {
                let NotedColumn {
                    ty,
                    length,
                    default,
                } = &column.noted;
                note.execute((&self.name, &column.name, ty, length, default))?;
            }
            Ok(())
        })
    }

    pub fn drop(&self, token: &Token) -> Result<()> {
        let what = if self.is_view() { "VIEW" } else { "TABLE" };
        let drop = format!("DROP {what} {}", quoted(&self.name));
        self.database.work(token, |connection| {
            connection.execute_batch(&drop)?;
            let noted = connection.table_exists(Some("main"), "osql_tables")?;
            if noted {
                forget(connection, &self.name)?;
            }
            Ok(())
        })
    }

    pub fn create_index(
        &self,
        name: &str,
        columns: &[usize],
        unique: bool,
        token: &Token,
    ) -> std::result::Result<(), RowFailure> {
        let columns: Vec<String> = columns
            .iter()
            .map(|at| quoted(&self.columns[*at]))
            .collect();
        let create = format!(
            "CREATE {}INDEX {} ON {} ({})",
            if unique { "UNIQUE " } else { "" },
            quoted(name),
            quoted(&self.name),
            columns.join(", ")
        );
        self.change(token, |connection| connection.execute_batch(&create))
    }

    /// Gives the values in these columns of rows that have the same, if there are such.
    pub fn first_repeated(
        &self,
        columns: &[usize],
        token: &Token,
        mut take: impl FnMut(&CellRow),
    ) -> Result<()> {
        let columns: Vec<String> = columns
            .iter()
            .map(|at| quoted(&self.columns[*at]))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} IS NOT NULL GROUP BY {} HAVING count(*) > 1 LIMIT 1",
            columns.join(", "),
            quoted(&self.name),
            columns.join(" IS NOT NULL AND "),
            columns.join(", ")
        );
        self.database.work(token, |connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            if let Some(row) = rows.next()? {
                take(&CellRow { row, first: 0 });
            }
            Ok(())
        })
    }

    pub fn drop_index(&self, name: &str, token: &Token) -> Result<()> {
        let drop = format!("DROP INDEX {}", quoted(name));
        self.database
            .work(token, |connection| connection.execute_batch(&drop))
    }

    fn change<T>(
        &self,
        token: &Token,
        work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> std::result::Result<T, RowFailure> {
        self.database.attempt(token, work).map_err(|fault| {
            if let StoreFault::Sqlite(error) = &fault
                && let Some(columns) = not_unique(error)
            {
                return RowFailure::NotUnique(columns);
            }
            match self.database.explain::<()>(Err(fault)) {
                Err(error) => RowFailure::Other(error),
                Ok(()) => RowFailure::NotUnique(vec![]),
            }
        })
    }

    /// Adds a row; with the number that it is to have, if there is one.
    pub fn insert(
        &self,
        number: Option<i64>,
        cells: &[Cell],
        token: &Token,
    ) -> std::result::Result<(), RowFailure> {
        let marks = vec!["?"; cells.len() + usize::from(number.is_some())].join(", ");
        let numbered = match number {
            Some(_) => format!("{}, ", self.number),
            None => String::new(),
        };
        let sql = format!(
            "INSERT INTO {} ({numbered}{}) VALUES ({marks})",
            quoted(&self.name),
            self.list
        );
        let number = number.map(Cell::Integer);
        self.change(token, |connection| {
            let given = number.iter().chain(cells);
            connection
                .prepare_cached(&sql)?
                .execute(params_from_iter(given))
                .map(drop)
        })
    }

    /// Changes columns of the row of that number.
    pub fn update(
        &self,
        number: i64,
        columns: &[usize],
        cells: &[Cell],
        token: &Token,
    ) -> std::result::Result<(), RowFailure> {
        let set = columns
            .iter()
            .map(|at| format!("{} = ?", quoted(&self.columns[*at])));
        let set: Vec<String> = set.collect();
        let sql = format!(
            "UPDATE {} SET {} WHERE {} = ?",
            quoted(&self.name),
            set.join(", "),
            self.number
        );
        let number = Cell::Integer(number);
        self.change(token, |connection| {
            let given = cells.iter().chain([&number]);
            connection
                .prepare_cached(&sql)?
                .execute(params_from_iter(given))
                .map(drop)
        })
    }

    /// Takes the row of that number away.
    pub fn delete(&self, number: i64, token: &Token) -> std::result::Result<(), RowFailure> {
        let sql = format!(
            "DELETE FROM {} WHERE {} = ?",
            quoted(&self.name),
            self.number
        );
        self.change(token, |connection| {
            connection.prepare_cached(&sql)?.execute([number]).map(drop)
        })
    }

    /// Does something within the transaction, and undoes it if it fails.
    pub fn whole<T>(
        &self,
        token: &Token,
        work: impl FnOnce() -> std::result::Result<T, RowFailure>,
    ) -> std::result::Result<T, RowFailure> {
        let mark = self.database.savepoint(token)?;
        let done = work();
        match &done {
            Ok(_) => self.database.work(token, |connection| {
                connection.execute_batch(&format!("RELEASE mark{mark}"))
            })?,
            Err(_) => self.database.rollback_to(mark),
        }
        done
    }

    /// The number of the last row.
    pub fn last_number(&self, snapshot: &Snapshot, token: &Token) -> Result<i64> {
        if !self.has_numbers() {
            return Ok(i64::MAX);
        }
        let sql = format!("SELECT max({}) FROM {}", self.number, quoted(&self.name));
        snapshot.read(token, |connection| {
            let last = connection
                .prepare_cached(&sql)?
                .query_row([], |row| row.get::<_, Option<i64>>(0))?;
            Ok(last.unwrap_or(i64::MIN))
        })
    }

    /// Gives a part of the rows, in the order of their numbers, with their numbers; where there are none,
    /// with how many were before. Gives the last.
    pub fn part(
        &self,
        snapshot: &Snapshot,
        part: TablePart,
        token: &Token,
        mut take: impl FnMut(i64, &CellRow),
    ) -> Result<Option<i64>> {
        let (table, number) = (quoted(&self.name), self.number);
        let most = i64::try_from(part.most).unwrap_or(i64::MAX);
        let sql = match self.has_numbers() {
            true => format!(
                "SELECT {number}, {} FROM {table} WHERE {number} > ?1 AND {number} <= ?2 ORDER BY {number} LIMIT ?3",
                self.list
            ),
            false => format!("SELECT 0, {} FROM {table} LIMIT ?3 OFFSET ?1", self.list),
        };
        snapshot.read(token, |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((part.after, part.until, most))?;
            let (mut last, mut count) = (None, part.after);
            while let Some(row) = rows.next()? {
                count += 1;
                let number = match self.has_numbers() {
                    true => row.get(0)?,
                    false => count,
                };
                last = Some(number);
                take(number, &CellRow { row, first: 1 });
            }
            Ok(last)
        })
    }

    /// Gives the rows that are equal to the cells in these columns, as SQLite compares them, with their
    /// numbers, as long as `take` says that more are wanted.
    pub fn find(
        &self,
        columns: &[usize],
        cells: &[Cell],
        token: &Token,
        mut take: impl FnMut(i64, &CellRow) -> bool,
    ) -> Result<()> {
        let conditions = columns
            .iter()
            .map(|at| format!("{} IS ?", quoted(&self.columns[*at])));
        let conditions: Vec<String> = conditions.collect();
        let number = match self.has_numbers() {
            true => self.number,
            false => "0",
        };
        let sql = format!(
            "SELECT {number}, {} FROM {} WHERE {}{}",
            self.list,
            quoted(&self.name),
            conditions.join(" AND "),
            match self.has_numbers() {
                true => format!(" ORDER BY {number}"),
                false => String::new(),
            }
        );
        self.database.work(token, |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(cells))?;
            while let Some(row) = rows.next()? {
                if !take(row.get(0)?, &CellRow { row, first: 1 }) {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn definition(column: &NewColumn) -> String {
    let not_null = if column.not_null { " NOT NULL" } else { "" };
    let definition = format!("{} {}{not_null}", quoted(&column.name), column.declared);
    definition.replace("  ", " ")
}

/// Takes the notes about a table away, which another program may have dropped before.
fn forget(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM osql_tables WHERE name = ?1 COLLATE NOCASE",
        [table],
    )?;
    connection.execute(
        "DELETE FROM osql_columns WHERE table_name = ?1 COLLATE NOCASE",
        [table],
    )?;
    Ok(())
}

const NOTES: &str = "
    CREATE TABLE IF NOT EXISTS osql_tables (
        name TEXT PRIMARY KEY, format INTEGER NOT NULL, comment TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS osql_columns (
        table_name TEXT, column_name TEXT, type TEXT NOT NULL, length INTEGER, default_value TEXT,
        PRIMARY KEY (table_name, column_name)) WITHOUT ROWID;";
