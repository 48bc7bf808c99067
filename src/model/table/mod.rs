//! The rows of a stored function: its arguments, then its results. Indexed on whatever columns it
//! is looked up by: an index is made when it is first wanted.

mod hashed;
mod index;
mod named;
mod numbered;
mod rows;

use std::borrow::Borrow;
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::model::function::Signature;
use crate::model::table::index::Index;
pub use crate::model::table::named::NamedIndex;
pub use crate::model::table::rows::Place;
use crate::model::table::rows::{MOST, Rows};
use crate::model::{Type, Value};
use crate::syntax::ast::{Expr, Many};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

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
    contents: Mutex<Contents>,
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

struct Contents {
    /// Shared with those who read all of them, and copied if it changes meanwhile.
    rows: Arc<Rows>,
    indexes: Vec<Index>,
    /// Those that statements have made.
    named: Vec<Arc<NamedIndex>>,
}

/// How the rows with given values in some columns are found.
pub enum Access {
    Indexed,
    /// There are so few that no index is made.
    LookedThrough,
    /// An index is made by the first lookup.
    Unindexed,
}

/// Below that many rows a look through all is as fast as an index.
const SMALL: usize = 8;

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

    /// The number of rows.
    pub fn len(&self) -> usize {
        lock(&self.contents).rows.len()
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

    /// All rows as they are now, oldest place first.
    pub fn all(&self) -> Vec<Row> {
        let mut rows = self.scan();
        let mut all = Vec::with_capacity(rows.rows.len());
        while let Some(row) = rows.next() {
            all.push(row.into());
        }
        all
    }

    /// Reads all rows as they are now, whatever happens to them meanwhile.
    pub fn scan(&self) -> Scan {
        Scan {
            rows: lock(&self.contents).rows.clone(),
            next: 0,
        }
    }

    /// The rows that have the known values in their columns.
    pub fn lookup(&self, known: &[Option<Value>]) -> Vec<Row> {
        let columns: Vec<usize> = (0..known.len()).filter(|i| known[*i].is_some()).collect();
        if columns.is_empty() {
            return self.all();
        }
        let key: Vec<&Value> = known.iter().flatten().collect();
        self.find(&columns, &key).iter().map(Row::from).collect()
    }

    /// The rows that have the values of `key` in `columns`. Nothing else can be done with the table
    /// until the result is dropped.
    #[inline]
    pub fn find<V: Borrow<Value>>(&self, columns: &[usize], key: &[V]) -> Found<'_> {
        let mut contents = lock(&self.contents);
        let places = match self.unique_among(columns, &contents) {
            Some(unique) => contents.find_one(unique, columns, key),
            None => contents.find(columns, key),
        };
        Found { contents, places }
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
}

fn is_unique(unique: &[Vec<usize>], known: &[usize]) -> bool {
    let determined = |columns: &Vec<usize>| columns.iter().all(|c| known.contains(c));
    unique.iter().any(determined)
}

/// The rows that were found.
pub struct Found<'t> {
    contents: MutexGuard<'t, Contents>,
    places: Places,
}

/// Where they are.
enum Places {
    None,
    /// So many of these.
    Few([Place; SMALL], usize),
    /// What an index has.
    Indexed {
        index: usize,
        entry: u32,
    },
}

impl Found<'_> {
    /// The rows, oldest first.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Value]> {
        let places = self.contents.places(&self.places);
        places.iter().map(|place| self.contents.rows.get(*place))
    }
}

/// Many lookups by the value in one column. Nothing else can be done with the table meanwhile.
pub struct TableReader<'t> {
    contents: MutexGuard<'t, Contents>,
    column: usize,
    index: Option<usize>,
}

/// What a column must be.
#[derive(Clone, Copy)]
pub enum Key<'v> {
    Integer(i64),
    /// The object of that number.
    Object(u64),
    Value(&'v Value),
}

impl Key<'_> {
    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Key::Integer(i), value) => *value == Value::Int(i),
            (Key::Object(id), Value::Object(object)) => object.id() == id,
            (Key::Object(_), _) => false,
            (Key::Value(key), value) => value == key,
        }
    }
}

impl TableReader<'_> {
    /// Adds the places of the rows that have the key. `None` if it has to be looked up as a value.
    #[inline]
    pub fn find(&self, key: Key, places: &mut Vec<Place>) -> Option<()> {
        let rows = &self.contents.rows;
        match self.index {
            Some(index) => {
                let index = &self.contents.indexes[index];
                if let Some(entry) = index.find_key(key, rows)? {
                    places.extend_from_slice(index.places(&entry));
                }
            }
            None => places.extend(rows.iter().filter(|p| key.is(&rows.get(*p)[self.column]))),
        }
        Some(())
    }

    #[inline]
    pub fn row(&self, place: Place) -> &[Value] {
        self.contents.rows.get(place)
    }
}

/// All rows of a table, as they were when it was asked for them.
pub struct Scan {
    rows: Arc<Rows>,
    next: usize,
}

impl Scan {
    #[allow(clippy::should_implement_trait, reason = "it lends its rows")]
    pub fn next(&mut self) -> Option<&[Value]> {
        let place = self.rows.next(self.next)?;
        self.next = place as usize + 1;
        Some(self.rows.get(place))
    }

    /// The next rows, `most` at the most.
    pub fn some(&mut self, most: usize) -> Vec<&[Value]> {
        let mut rows = Vec::with_capacity(most);
        while rows.len() < most
            && let Some(place) = self.rows.next(self.next)
        {
            self.next = place as usize + 1;
            rows.push(self.rows.get(place));
        }
        rows
    }
}

impl Contents {
    fn new(width: usize) -> Contents {
        Contents {
            rows: Arc::new(Rows::new(width)),
            indexes: Vec::new(),
            named: Vec::new(),
        }
    }

    /// The number of the index on these columns.
    #[inline]
    fn indexed(&self, columns: &[usize]) -> Option<usize> {
        self.indexes.iter().position(|i| i.columns() == columns)
    }

    /// The place of a row that has the same values in these columns. A null is not equal to another.
    fn same(&mut self, columns: &[usize], row: &[Value]) -> Option<Place> {
        let key: Vec<&Value> = columns.iter().map(|c| &row[*c]).collect();
        if key.iter().any(|value| value.is_null()) {
            return None;
        }
        let places = self.find(columns, &key);
        self.places(&places).first().copied()
    }

    /// The number of the index on these columns, made if need be; none where there are few rows.
    #[inline]
    fn index(&mut self, columns: &[usize]) -> Option<usize> {
        let indexed = self.indexed(columns);
        if indexed.is_none() && self.rows.places() > SMALL {
            self.indexes.push(Index::of(columns, &self.rows));
            return Some(self.indexes.len() - 1);
        }
        indexed
    }

    fn find<V: Borrow<Value>>(&mut self, columns: &[usize], key: &[V]) -> Places {
        let Some(index) = self.index(columns) else {
            return self.look_through(columns, key);
        };
        match self.indexes[index].find(key, &self.rows) {
            Some(entry) => Places::Indexed { index, entry },
            None => Places::None,
        }
    }

    /// The row with the key in `columns`, of which those in `unique` say which it can be.
    fn find_one<V: Borrow<Value>>(
        &mut self,
        unique: &[usize],
        columns: &[usize],
        key: &[V],
    ) -> Places {
        let wanted = |column: &usize| {
            let mut pairs = columns.iter().zip(key);
            pairs.find_map(|(c, value)| (c == column).then(|| value.borrow()))
        };
        let of_unique: Vec<&Value> = unique.iter().filter_map(wanted).collect();
        let found = self.find(unique, &of_unique);
        let matches = |place: &&Place| {
            let row = self.rows.get(**place);
            columns
                .iter()
                .zip(key)
                .all(|(c, value)| row[*c] == *value.borrow())
        };
        let (mut few, mut count) = ([0; SMALL], 0);
        for place in self.places(&found).iter().filter(matches).take(SMALL) {
            few[count] = *place;
            count += 1;
        }
        Places::Few(few, count)
    }

    fn look_through<V: Borrow<Value>>(&self, columns: &[usize], key: &[V]) -> Places {
        let (mut places, mut count) = ([0; SMALL], 0);
        for place in self.rows.iter() {
            let row = self.rows.get(place);
            if columns.iter().zip(key).all(|(c, v)| row[*c] == *v.borrow()) {
                places[count] = place;
                count += 1;
            }
        }
        Places::Few(places, count)
    }

    #[inline]
    fn places<'a>(&'a self, places: &'a Places) -> &'a [Place] {
        match places {
            Places::None => &[],
            Places::Few(places, count) => &places[..*count],
            Places::Indexed { index, entry } => self.indexes[*index].places(entry),
        }
    }

    fn insert(&mut self, row: &[Value]) -> Place {
        let place = Arc::make_mut(&mut self.rows).insert(row);
        for index in &mut self.indexes {
            index.add(place, &self.rows);
        }
        place
    }

    fn put_back(&mut self, place: Place, row: &[Value]) {
        let place = Arc::make_mut(&mut self.rows).put_back(place, row);
        for index in &mut self.indexes {
            index.add(place, &self.rows);
        }
    }

    fn remove(&mut self, place: Place) {
        for index in &mut self.indexes {
            index.take(place, &self.rows);
        }
        Arc::make_mut(&mut self.rows).remove(place);
    }
}
