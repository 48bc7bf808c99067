//! The rows of a table that is in a database, beyond the process: one more way in which the rows of a
//! [`Table`] are kept, so that whatever works on a table works on this one.
//!
//! All rows are read in parts of a thousand, so that a table may be larger than the memory. Rows with
//! given values are looked for by SQLite, by a statement that is kept prepared, where SQLite compares the
//! values as OSQL does ([`KeptAs::key`]); what it finds is compared once more, as it may find too many:
//! a column of another program's table may not care for capitals. Nothing here makes an index: a join
//! looks for rows only where the file has one ([`Table::is_indexed`]), and goes by hash else.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::kept_value::{KeptAs, KeptKey};
use super::{NamedIndex, Row, Table};
use crate::model::collection::BATCH;
use crate::model::{Type, Value};
use crate::store::{
    Cell, CellRow, NewColumn, NotedColumn, RowFailure, Snapshot, StoredTable, TablePart,
};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;

/// The rows of a table in a database.
pub struct LastingRows {
    stored: StoredTable,
    kept: Vec<KeptAs>,
    /// Whether osql has made the table.
    is_own: bool,
}

impl LastingRows {
    pub fn new(stored: StoredTable, kept: Vec<KeptAs>, is_own: bool) -> LastingRows {
        LastingRows {
            stored,
            kept,
            is_own,
        }
    }

    pub fn stored(&self) -> &StoredTable {
        &self.stored
    }

    /// About how many rows there are: counting them would read them all.
    pub fn about(&self) -> usize {
        let token = Token::new();
        let last = self
            .stored
            .database()
            .snapshot(&token)
            .and_then(|snapshot| self.stored.last_number(&snapshot, &token));
        match self.stored.has_numbers() {
            true => usize::try_from(last.unwrap_or(0)).unwrap_or(0),
            false => 0,
        }
    }

    fn row(&self, cells: &CellRow) -> impl Iterator<Item = Value> {
        let columns = self.kept.iter().enumerate();
        columns.map(|(at, kept)| kept.value(cells.cell(at)))
    }

    /// Reads all rows as they are now.
    pub fn scan(self: &Arc<LastingRows>, token: &Token) -> Result<LastingScan> {
        let snapshot = self.stored.database().snapshot(token)?;
        let until = self.stored.last_number(&snapshot, token)?;
        let after = match self.stored.has_numbers() {
            true => i64::MIN,
            false => 0,
        };
        Ok(LastingScan {
            rows: self.clone(),
            snapshot,
            part: TablePart {
                after,
                until,
                most: BATCH,
            },
            token: token.clone(),
            numbers: vec![],
            cells: vec![],
            next: 0,
            is_at_end: until == i64::MIN,
        })
    }

    /// Gives the rows that have the values of `key` in `columns`, with their numbers, as long as `take`
    /// wants more.
    fn each<V: Borrow<Value>>(
        self: &Arc<LastingRows>,
        columns: &[usize],
        key: &[V],
        token: &Token,
        mut take: impl FnMut(i64, &[Value]) -> bool,
    ) -> Result<()> {
        let (mut places, mut cells): (Vec<usize>, Vec<Cell>) = (vec![], vec![]);
        for (at, value) in columns.iter().zip(key) {
            if let KeptKey::Cell(cell) = self.kept[*at].key(value.borrow()) {
                places.push(*at);
                cells.push(cell);
            }
        }
        let is_meant = |row: &[Value]| {
            let mut pairs = columns.iter().zip(key);
            pairs.all(|(at, value)| row[*at] == *value.borrow())
        };
        if places.is_empty() {
            let mut scan = self.scan(token)?;
            while scan.advance()? {
                let number = scan.number();
                if is_meant(scan.row()) && !take(number, scan.row()) {
                    break;
                }
            }
            return Ok(());
        }
        let mut row: Vec<Value> = Vec::with_capacity(self.kept.len());
        self.stored.find(&places, &cells, token, |number, cells| {
            row.clear();
            row.extend(self.row(cells));
            !is_meant(&row) || take(number, &row)
        })
    }

    /// The rows that have the values of `key` in `columns`.
    pub fn find<V: Borrow<Value>>(
        self: &Arc<LastingRows>,
        columns: &[usize],
        key: &[V],
        token: &Token,
    ) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        self.each(columns, key, token, |_, row| {
            found.extend_from_slice(row);
            true
        })?;
        Ok(found)
    }

    /// The numbers of rows, each of another one; of those that are gone, none.
    fn numbers_of(
        self: &Arc<LastingRows>,
        rows: &[Row],
        unique: &[Vec<usize>],
        token: &Token,
    ) -> Result<Vec<Option<i64>>> {
        let indexed = unique.first();
        let all: Vec<usize> = (0..self.kept.len()).collect();
        let mut numbers = vec![None; rows.len()];
        if let Some(columns) = indexed.or((rows.len() == 1).then_some(&all)) {
            // Rows may be equal whose unique columns are null.
            let mut used: HashSet<i64, RandomState> = HashSet::default();
            for (row, found) in rows.iter().zip(&mut numbers) {
                token.check()?;
                let key: Vec<&Value> = columns.iter().map(|at| &row[*at]).collect();
                self.each(columns, &key, token, |number, same| {
                    if *same == **row && used.insert(number) {
                        *found = Some(number);
                    }
                    found.is_none()
                })?;
            }
            return Ok(numbers);
        }
        let mut wanted: HashMap<&[Value], Vec<usize>, RandomState> = HashMap::default();
        for (at, row) in rows.iter().enumerate() {
            wanted.entry(row).or_default().push(at);
        }
        let mut scan = self.scan(token)?;
        while scan.advance()? {
            if let Some(places) = wanted.get_mut(scan.row())
                && let Some(at) = places.pop()
            {
                numbers[at] = Some(scan.number());
            }
        }
        Ok(numbers)
    }

    fn insert(
        &self,
        number: Option<i64>,
        row: &[Value],
        token: &Token,
    ) -> std::result::Result<(), RowFailure> {
        let cells = row
            .iter()
            .zip(&self.kept)
            .map(|(value, kept)| kept.cell(value));
        let cells: Vec<Cell> = cells.collect::<Result<_>>()?;
        self.stored.insert(number, &cells, token)
    }

    /// Changes one row of a table of another program, where it is.
    fn update(
        &self,
        number: i64,
        old: &[Value],
        new: &[Value],
        token: &Token,
    ) -> std::result::Result<(), RowFailure> {
        let columns: Vec<usize> = (0..new.len()).filter(|at| old[*at] != new[*at]).collect();
        if columns.is_empty() {
            return Ok(());
        }
        let cells = columns.iter().map(|at| self.kept[*at].cell(&new[*at]));
        let cells: Vec<Cell> = cells.collect::<Result<_>>()?;
        self.stored.update(number, &columns, &cells, token)
    }
}

impl Table {
    /// What takes the rows of a table that is in a database out and puts others in. A change of rows
    /// gives as many others, each in the place of one. Where one cannot be put in, all is as it was.
    pub fn replace_lasting(
        &self,
        rows: &Arc<LastingRows>,
        old: &[Row],
        new: &[Row],
        token: &Token,
    ) -> Result<()> {
        if !old.is_empty() && !rows.stored.has_numbers() {
            return Err(Error::run(format!(
                "the rows of {} cannot be changed: they have no numbers",
                self.name
            ))
            .help("it is a view, or a table WITHOUT ROWID; sqlite3 can change it"));
        }
        let numbers = rows.numbers_of(old, &self.unique, token)?;
        if let ([], [row]) = (old, new) {
            let put = rows.insert(None, row, token);
            return put.map_err(|failure| self.failed(rows, failure, row, token));
        }
        // What is wrong with a row is looked for while the rows before it are there.
        let failed = |row| move |failure| RowFailure::Other(self.failed(rows, failure, row, token));
        let done = rows.stored.whole(token, || {
            if !rows.is_own && !new.is_empty() && !old.is_empty() {
                for ((number, before), after) in numbers.iter().zip(old).zip(new) {
                    token.check()?;
                    if let Some(number) = number {
                        rows.update(*number, before, after, token)
                            .map_err(failed(after))?;
                    }
                }
                return Ok(());
            }
            for number in numbers.iter().flatten() {
                token.check()?;
                rows.stored.delete(*number, token)?;
            }
            for (place, row) in new.iter().enumerate() {
                token.check()?;
                let number = numbers.get(place).copied().flatten();
                rows.insert(number, row, token).map_err(failed(row))?;
            }
            Ok(())
        });
        done.map_err(|failure| self.failed(rows, failure, &[], token))
    }

    /// The error for a row that a table in a database does not take.
    fn failed(
        &self,
        rows: &Arc<LastingRows>,
        failure: RowFailure,
        row: &[Value],
        token: &Token,
    ) -> Error {
        let columns = match failure {
            RowFailure::Other(error) => return error,
            RowFailure::NotUnique(columns) => columns,
        };
        let named = self.unique_indexes();
        let all = self.unique.iter().chain(&named);
        let is_taken = |places: &&Vec<usize>| {
            let key: Vec<&Value> = places.iter().filter_map(|at| row.get(*at)).collect();
            !key.is_empty()
                && !key.iter().any(|value| value.is_null())
                && rows
                    .find(places, &key, token)
                    .is_ok_and(|found| !found.is_empty())
        };
        match all.into_iter().find(is_taken) {
            Some(places) => self.occurs_already(row, places),
            None => Error::run(format!(
                "{} has a row with the same {} already",
                self.name,
                columns.join(" and ")
            )),
        }
    }

    /// Makes an index in the database.
    pub(super) fn create_lasting_index(
        &self,
        rows: &LastingRows,
        index: &NamedIndex,
        token: &Token,
    ) -> Result<()> {
        let columns = index.written();
        let is_wrong = |at: &&usize| match rows.kept[**at] {
            KeptAs::Json => true,
            KeptAs::Any => index.is_unique(),
            _ => false,
        };
        if let Some(at) = columns.iter().find(is_wrong) {
            return Err(not_indexed(&self.rules[*at].name, &self.types[*at]));
        }
        let unique = index.is_unique();
        let made = rows
            .stored
            .create_index(&index.name, columns, unique, token);
        made.map_err(|failure| match failure {
            RowFailure::Other(error) => error,
            RowFailure::NotUnique(_) => self.repeated(rows, columns, token),
        })
    }

    /// The error for rows that have the same values in columns that are to be unique.
    fn repeated(&self, rows: &LastingRows, columns: &[usize], token: &Token) -> Error {
        let mut row = vec![Value::Null; self.rules.len()];
        let found = rows.stored.first_repeated(columns, token, |cells| {
            for (place, at) in columns.iter().enumerate() {
                row[*at] = rows.kept[*at].value(cells.cell(place));
            }
        });
        match found {
            Ok(()) => self.several_rows(&row, columns),
            Err(error) => error,
        }
    }
}

/// The error for columns of which SQLite cannot tell whether two values are equal.
pub fn not_indexed(column: &str, ty: &Type) -> Error {
    Error::run(format!(
        "{column} is {ty}, and cannot be unique or indexed in a database"
    ))
    .help("numbers, strings, times, booleans and binaries can be compared there")
}

/// A table of a database as it is to be made: its columns by name, type and what they take.
pub fn new_columns(table: &Table) -> Result<Vec<NewColumn>> {
    let columns = table.rules.iter().zip(&table.types);
    let column = |(rule, ty): (&super::ColumnRule, &Type)| {
        if KeptAs::of(ty).is_none() {
            let error = Error::run(format!(
                "a column of a database cannot hold a {ty}, as {} would",
                rule.name
            ));
            return Err(error.help("it would mean nothing after the session"));
        }
        Ok(NewColumn {
            name: rule.name.to_string(),
            declared: KeptAs::declared(ty),
            not_null: rule.not_null,
            noted: NotedColumn {
                ty: ty.to_string(),
                length: rule.length.and_then(|length| i64::try_from(length).ok()),
                default: rule.default.as_ref().map(|d| d.span.text().to_owned()),
            },
        })
    };
    for places in &table.unique {
        for at in places {
            let ty = &table.types[*at];
            if KeptAs::of(ty).is_some_and(|kept| !kept.is_comparable()) {
                return Err(not_indexed(&table.rules[*at].name, ty));
            }
        }
    }
    columns.map(column).collect()
}

/// All rows of a table in a database, part by part.
pub struct LastingScan {
    rows: Arc<LastingRows>,
    snapshot: Snapshot,
    part: TablePart,
    token: Token,
    /// The numbers of the rows of the part.
    numbers: Vec<i64>,
    cells: Vec<Value>,
    /// How many of the part have been given.
    next: usize,
    is_at_end: bool,
}

impl LastingScan {
    /// Goes on to the next row; `false` at the end.
    pub fn advance(&mut self) -> Result<bool> {
        if self.next == self.numbers.len() && !self.read()? {
            return Ok(false);
        }
        self.next += 1;
        Ok(true)
    }

    /// Reads the next part; `false` if there is none.
    fn read(&mut self) -> Result<bool> {
        self.numbers.clear();
        self.cells.clear();
        self.next = 0;
        if self.is_at_end {
            return Ok(false);
        }
        self.token.check()?;
        let LastingScan {
            rows,
            numbers,
            cells,
            ..
        } = self;
        let read = rows
            .stored
            .part(&self.snapshot, self.part, &self.token, |number, row| {
                numbers.push(number);
                cells.extend(rows.row(row));
            })?;
        self.is_at_end = self.numbers.len() < self.part.most;
        if let Some(last) = read {
            self.part.after = last;
        }
        Ok(!self.numbers.is_empty())
    }

    /// The row that it has come to.
    pub fn row(&self) -> &[Value] {
        self.at(self.next - 1)
    }

    fn number(&self) -> i64 {
        self.numbers[self.next - 1]
    }

    fn at(&self, place: usize) -> &[Value] {
        let width = self.rows.kept.len();
        &self.cells[place * width..(place + 1) * width]
    }

    /// The next rows, `most` at the most.
    pub fn some(&mut self, most: usize) -> Result<Vec<&[Value]>> {
        if self.next == self.numbers.len() && !self.read()? {
            return Ok(vec![]);
        }
        let first = self.next;
        self.next = self.numbers.len().min(first + most);
        Ok((first..self.next).map(|place| self.at(place)).collect())
    }
}
