//! The rows of a stored function: its arguments, then its results. Indexed on whatever columns it
//! is looked up by: an index is made when it is first wanted. The rows of a table of SQL's kind may be
//! in a database instead, where they outlive the process ([`lasting`]).

mod contents;
mod found;
mod hashed;
mod index;
mod kept_value;
mod lasting;
mod named;
mod numbered;
mod rows;

use std::borrow::Borrow;
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex};

use contents::{Contents, SMALL};
pub use found::{Found, Key, Scan, TableReader};
pub use kept_value::KeptAs;
pub use lasting::{LastingRows, new_columns};
pub use named::NamedIndex;
use rows::MOST;
pub use rows::Place;

use crate::model::function::Signature;
use crate::model::{Type, Value};
use crate::syntax::ast::{Expr, Many};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};

/// A row by itself: arguments, then results.
pub type Row = Arc<[Value]>;

/// The rows of a stored function.
pub struct Table {
    name: String,
    types: Vec<Type>,
    /// The columns of the arguments, the first ones.
    arguments: Vec<usize>,
    /// Whether those determine the results.
    unique_arguments: bool,
    /// Sets of columns whose values together occur at most once.
    unique: Vec<Vec<usize>>,
    /// What the columns of a table of SQL's kind take; nothing for any other stored function.
    rules: Vec<ColumnRule>,
    /// The rows, where they are in memory; the indexes that have names in any case.
    contents: Mutex<Contents>,
    /// The rows, where they are in a database.
    lasting: Option<Arc<LastingRows>>,
}

/// What a column of a table takes.
#[derive(Clone)]
pub struct ColumnRule {
    pub name: Arc<str>,
    pub not_null: bool,
    /// How many characters a string may have.
    pub length: Option<u64>,
    /// What a row has that is inserted without a value; null if there is nothing.
    pub default: Option<Arc<Expr>>,
}

/// How the rows with given values in some columns are found.
pub enum Access {
    Indexed,
    /// There are so few that no index is made.
    LookedThrough,
    /// An index is made by the first lookup.
    Unindexed,
}

impl Table {
    /// An empty table for a stored function of that signature.
    pub fn new(signature: &Signature) -> Table {
        let arity = signature.params.len();
        let columns: Vec<_> = signature.params.iter().chain(&signature.columns).collect();
        let keys = columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.key)
            .map(|(i, _)| vec![i]);
        let mut unique: Vec<Vec<usize>> = keys.collect();
        if signature.many == Many::One {
            unique.push((0..arity).collect());
        }
        let arguments: Vec<usize> = (0..arity).collect();
        Table {
            name: signature.name.to_string(),
            types: columns.iter().map(|c| c.ty.clone()).collect(),
            unique_arguments: is_unique(&unique, &arguments),
            arguments,
            unique,
            rules: vec![],
            contents: Mutex::new(Contents::new(columns.len())),
            lasting: None,
        }
    }

    /// An empty table with columns that have these rules, some of them unique together.
    pub fn with_rules(
        signature: &Signature,
        rules: Vec<ColumnRule>,
        unique: Vec<Vec<usize>>,
    ) -> Table {
        let table = Table::new(signature);
        Table {
            unique_arguments: false,
            unique,
            rules,
            ..table
        }
    }

    /// The same with its rows in a database.
    pub fn in_database(self, lasting: LastingRows) -> Table {
        Table {
            lasting: Some(Arc::new(lasting)),
            ..self
        }
    }

    /// The rows, where they are in a database.
    pub fn lasting(&self) -> Option<&Arc<LastingRows>> {
        self.lasting.as_ref()
    }

    /// Whether it is a table of SQL's kind, whose columns may be null.
    pub fn is_table(&self) -> bool {
        !self.rules.is_empty()
    }

    /// What the columns take, where it is a table.
    pub fn rules(&self) -> &[ColumnRule] {
        &self.rules
    }

    /// Sets of columns whose values together occur at most once.
    pub fn unique(&self) -> &[Vec<usize>] {
        &self.unique
    }

    /// The columns of the arguments.
    pub fn arguments(&self) -> &[usize] {
        &self.arguments
    }

    /// Whether the arguments determine the results.
    pub fn is_unique_by_arguments(&self) -> bool {
        self.unique_arguments
    }

    /// Whether they determine the results, and nothing else has to be unique.
    pub fn is_unique_by_arguments_alone(&self) -> bool {
        self.unique.as_slice() == std::slice::from_ref(&self.arguments)
    }

    /// Whether at most one row has given values in these columns.
    pub fn is_unique_by(&self, known: &[usize]) -> bool {
        is_unique(&self.unique, known) || self.has_unique_index(known)
    }

    /// The number of rows; about so many of one in a database.
    pub fn len(&self) -> usize {
        match &self.lasting {
            Some(lasting) => lasting.about(),
            None => lock(&self.contents).rows.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The types of the columns: arguments, then results.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    pub fn arity(&self) -> usize {
        self.arguments.len()
    }

    /// Reads all rows as they are now, whatever happens to them meanwhile.
    pub fn scan(&self, token: &Token) -> Result<Scan> {
        Ok(match &self.lasting {
            Some(lasting) => Scan::Lasting(Box::new(lasting.scan(token)?)),
            None => Scan::Memory {
                rows: lock(&self.contents).rows.clone(),
                next: 0,
            },
        })
    }

    /// All rows as they are now, oldest place first.
    pub fn all(&self, token: &Token) -> Result<Vec<Row>> {
        let mut rows = self.scan(token)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(row.into());
        }
        Ok(all)
    }

    /// The rows that have the known values in their columns.
    pub fn lookup(&self, known: &[Option<Value>], token: &Token) -> Result<Vec<Row>> {
        let columns: Vec<usize> = (0..known.len()).filter(|i| known[*i].is_some()).collect();
        if columns.is_empty() {
            return self.all(token);
        }
        let key: Vec<&Value> = known.iter().flatten().collect();
        let found = self.find(&columns, &key, token)?;
        Ok(found.iter().map(Row::from).collect())
    }

    /// The rows that have the values of `key` in `columns`. Nothing else can be done with the table
    /// until the result is dropped.
    #[inline]
    pub fn find<V: Borrow<Value>>(
        &self,
        columns: &[usize],
        key: &[V],
        token: &Token,
    ) -> Result<Found<'_>> {
        if let Some(lasting) = &self.lasting {
            return Ok(Found::Cells {
                cells: lasting.find(columns, key, token)?,
                width: self.types.len(),
            });
        }
        let mut contents = lock(&self.contents);
        let places = match self.unique_among(columns, &contents) {
            Some(unique) => contents.find_one(unique, columns, key),
            None => contents.find(columns, key),
        };
        Ok(Found::Places { contents, places })
    }

    /// Fewer columns than these that are unique together, where there is no index on all of these: one
    /// need not be made.
    fn unique_among(&self, columns: &[usize], contents: &Contents) -> Option<&[usize]> {
        if columns.len() < 2 || contents.indexed(columns).is_some() {
            return None;
        }
        let fewer = |unique: &&Vec<usize>| {
            unique.len() < columns.len() && unique.iter().all(|c| columns.contains(c))
        };
        self.unique.iter().find(fewer).map(Vec::as_slice)
    }

    /// Integers between which all values in a column are. `None` if some are no integers, or if there
    /// are so few rows that there is no index.
    pub fn integers(&self, column: usize) -> Option<RangeInclusive<i64>> {
        if self.lasting.is_some() {
            return None;
        }
        let mut contents = lock(&self.contents);
        let index = contents.index(&[column])?;
        contents.indexes[index].integers()
    }

    /// Finds rows by the value in one column, many times.
    pub fn reader(&self, column: &[usize; 1]) -> TableReader<'_> {
        let mut contents = lock(&self.contents);
        TableReader {
            index: contents.index(column),
            column: column[0],
            contents,
        }
    }

    /// How rows are found by their values in `columns`.
    pub fn access(&self, columns: &[usize]) -> Access {
        if self.lasting.is_some() {
            return match self.is_indexed(columns) {
                true => Access::Indexed,
                false => Access::LookedThrough,
            };
        }
        let contents = lock(&self.contents);
        if contents.indexed(columns).is_some() {
            Access::Indexed
        } else if contents.rows.places() <= SMALL {
            Access::LookedThrough
        } else {
            Access::Unindexed
        }
    }

    /// Adds a row, and gives its place. An error if its key or arguments occur already.
    pub fn insert(&self, row: &[Value]) -> Result<Place> {
        let mut contents = lock(&self.contents);
        self.check_room(&contents)?;
        for columns in &self.unique {
            if let Some(other) = contents.same(columns, row) {
                return Err(self.duplicate(row, contents.rows.get(other), columns));
            }
        }
        self.check_named(&mut contents, row)?;
        Ok(contents.insert(row))
    }

    /// Puts the one row of its arguments into the table, in the place of the one that they had: gives the
    /// place, and that row. Only for a table in which nothing but the arguments has to be unique, see
    /// [`Table::is_unique_by_arguments_alone`].
    pub fn set(&self, row: &[Value]) -> Result<(Place, Option<Row>)> {
        let mut contents = lock(&self.contents);
        let found = contents.find(&self.arguments, &row[..self.arguments.len()]);
        let old = contents.places(&found).first().copied();
        if old.is_none() {
            self.check_room(&contents)?;
        }
        let replaced = old.map(|old| {
            let replaced = Row::from(contents.rows.get(old));
            contents.remove(old);
            replaced
        });
        Ok((contents.insert(row), replaced))
    }

    fn check_room(&self, contents: &Contents) -> Result<()> {
        if contents.rows.places() < MOST {
            return Ok(());
        }
        Err(
            Error::run(format!("{} has {MOST} values already", self.name))
                .help("that is how many a stored function can have"),
        )
    }

    /// Takes the rows away that were put at these places, those that were put last first. What was done
    /// after that has been undone, so that they stand there.
    pub fn take_back(&self, places: Range<Place>) {
        let mut contents = lock(&self.contents);
        for place in places.rev() {
            if contents.rows.at(place).is_some() {
                contents.remove(place);
            }
        }
    }

    /// Puts a row back to the place from which it was taken. What was done after that has been undone, so
    /// that it fits.
    pub fn put_back(&self, place: Place, row: &[Value]) {
        lock(&self.contents).put_back(place, row);
    }

    /// Takes all rows away for good.
    pub fn clear(&self) {
        let mut contents = lock(&self.contents);
        let named = std::mem::take(&mut contents.named);
        *contents = Contents::new(self.types.len());
        named
            .into_iter()
            .for_each(|index| contents.add_named(index));
    }

    /// Takes one row equal to `row` away, and gives its place, if there is one.
    pub fn remove(&self, row: &[Value]) -> Option<Place> {
        let mut contents = lock(&self.contents);
        // An index on the arguments is there anyway where they are unique.
        let all: Vec<usize> = (0..row.len()).collect();
        let columns = self.unique.first().unwrap_or(&all);
        let key: Vec<&Value> = columns.iter().map(|c| &row[*c]).collect();
        let places = contents.find(columns, &key);
        let same = |place: &&Place| contents.rows.get(**place) == row;
        let place = contents.places(&places).iter().find(same).copied();
        if let Some(place) = place {
            contents.remove(place);
        }
        place
    }

    fn duplicate(&self, row: &[Value], other: &[Value], columns: &[usize]) -> Error {
        if self.is_table() {
            return self.duplicate_row(row, columns);
        }
        let part = |row: &[Value], from, to: usize| {
            let values: Vec<_> = row[from..to].iter().map(Value::to_string).collect();
            values.join(",")
        };
        let width = self.types.len();
        let arity = self.arity();
        let (args, old) = (part(row, 0, arity), part(other, arity, width));
        let new = part(row, arity, width);
        let holder = part(other, 0, arity);
        if columns.iter().all(|c| *c < arity) && columns.len() < arity {
            let keys: Vec<_> = columns.iter().map(|c| row[*c].to_string()).collect();
            let keys = keys.join(",");
            Error::run(format!(
                "{}({args}) cannot be {new}: its argument {keys} is a key, and {}({holder}) has it",
                self.name, self.name
            ))
        } else if columns.iter().all(|c| *c < arity) {
            Error::run(format!(
                "{}({args}) has the value {old} already, and can have only one: {new} was not added",
                self.name
            ))
            .help("use 'set' to replace the value; declare the result 'Bag of' to have several")
        } else {
            Error::run(format!(
                "{}({args}) cannot be {new}: the value is a key, and {}({holder}) has it",
                self.name, self.name
            ))
        }
    }

    fn duplicate_row(&self, row: &[Value], columns: &[usize]) -> Error {
        let key = self.key(row, columns);
        let columns: Vec<&str> = columns.iter().map(|c| &*self.rules[*c].name).collect();
        Error::run(format!("{} has a row with {key} already", self.name)).help(format!(
            "unique({}) says that there is one",
            columns.join(", ")
        ))
    }

    /// The error for a row that is another's by its values in these columns.
    fn occurs_already(&self, row: &[Value], columns: &[usize]) -> Error {
        if self.unique.iter().any(|unique| unique == columns) {
            return self.duplicate_row(row, columns);
        }
        self.duplicate_by_index(row, columns)
    }
}

fn is_unique(unique: &[Vec<usize>], known: &[usize]) -> bool {
    let determined = |columns: &Vec<usize>| columns.iter().all(|c| known.contains(c));
    unique.iter().any(determined)
}
