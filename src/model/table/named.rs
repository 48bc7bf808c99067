//! Indexes that statements make and drop by their names. One that is not unique only saves the first
//! lookup the time of making it.

use std::sync::Arc;

use super::Table;
use super::contents::Contents;
use super::index::Index;
use crate::model::Value;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};

/// An index that has a name.
pub struct NamedIndex {
    pub name: Arc<str>,
    /// In ascending order, which is that in which they are looked up.
    columns: Vec<usize>,
    /// The same as they were written, which is their order in a database.
    written: Vec<usize>,
    unique: bool,
}

impl NamedIndex {
    pub fn new(name: Arc<str>, written: Vec<usize>, unique: bool) -> NamedIndex {
        let mut columns = written.clone();
        columns.sort_unstable();
        columns.dedup();
        NamedIndex {
            name,
            columns,
            written,
            unique,
        }
    }

    /// The columns as they were written.
    pub fn written(&self) -> &[usize] {
        &self.written
    }

    pub fn is_unique(&self) -> bool {
        self.unique
    }
}

impl Table {
    /// The index of that name.
    pub fn named_index(&self, name: &str) -> Option<Arc<NamedIndex>> {
        let contents = lock(&self.contents);
        let mut named = contents.named.iter();
        named.find(|index| *index.name == *name).cloned()
    }

    /// The names of all that have one.
    pub fn names_of_indexes(&self) -> Vec<Arc<str>> {
        let contents = lock(&self.contents);
        let named = contents.named.iter();
        named.map(|index| index.name.clone()).collect()
    }

    /// Adds an index that has a name. An error if it is to be unique and the rows are not.
    pub fn add_index(&self, index: Arc<NamedIndex>, token: &Token) -> Result<()> {
        if let Some(lasting) = &self.lasting {
            self.create_lasting_index(lasting, &index, token)?;
        }
        let mut contents = lock(&self.contents);
        if index.unique {
            let rows = contents.rows.clone();
            for place in rows.iter() {
                let row = rows.get(place);
                if contents
                    .same(&index.columns, row)
                    .is_some_and(|p| p != place)
                {
                    return Err(self.several_rows(row, &index.columns));
                }
            }
        }
        contents.add_named(index);
        Ok(())
    }

    /// An index of a database, which is there already.
    pub fn know_index(&self, index: Arc<NamedIndex>) {
        lock(&self.contents).named.push(index);
    }

    /// Whether a unique index says that at most one row has given values in these columns.
    pub(super) fn has_unique_index(&self, known: &[usize]) -> bool {
        let contents = lock(&self.contents);
        let unique = contents.named.iter().filter(|index| index.unique);
        let mut columns = unique.map(|index| &index.columns);
        columns.any(|columns| columns.iter().all(|c| known.contains(c)))
    }

    /// Takes an index that has a name away, from the database, too.
    pub fn drop_index(&self, index: &Arc<NamedIndex>, token: &Token) -> Result<()> {
        if let Some(lasting) = &self.lasting {
            lasting.stored().drop_index(&index.name, token)?;
        }
        self.forget_index(index);
        Ok(())
    }

    /// Takes an index that has a name away here.
    pub fn forget_index(&self, index: &Arc<NamedIndex>) {
        let mut contents = lock(&self.contents);
        contents.named.retain(|other| !Arc::ptr_eq(other, index));
        let is_needed = self.unique.contains(&index.columns)
            || contents
                .named
                .iter()
                .any(|other| other.columns == index.columns);
        if !is_needed {
            contents.indexes.retain(|i| i.columns() != index.columns);
        }
    }

    /// Puts an index back that was dropped. What was done after that has been undone, so that it fits.
    pub fn put_back_index(&self, index: Arc<NamedIndex>) {
        lock(&self.contents).add_named(index);
    }

    /// An error if the row has what a unique index that has a name says another has.
    pub(super) fn check_named(&self, contents: &mut Contents, row: &[Value]) -> Result<()> {
        for at in 0..contents.named.len() {
            let index = contents.named[at].clone();
            if index.unique && contents.same(&index.columns, row).is_some() {
                return Err(self.duplicate_in(row, &index));
            }
        }
        Ok(())
    }

    /// The error for rows that have the same values in columns that are to be unique.
    pub(super) fn several_rows(&self, row: &[Value], columns: &[usize]) -> Error {
        let key = self.key(row, columns);
        Error::run(format!("{} has several rows with {key}", self.name))
            .help("a unique index says that there is one")
    }

    fn duplicate_in(&self, row: &[Value], index: &NamedIndex) -> Error {
        let key = self.key(row, &index.columns);
        Error::run(format!("{} has a row with {key} already", self.name))
            .help(format!("the index {} says that there is one", index.name))
    }

    /// The columns of unique indexes that have names.
    pub(super) fn unique_indexes(&self) -> Vec<Vec<usize>> {
        let contents = lock(&self.contents);
        let unique = contents.named.iter().filter(|index| index.unique);
        unique.map(|index| index.written.clone()).collect()
    }

    /// The error for a row that is another's by its values in the columns of some unique index.
    pub(super) fn duplicate_by_index(&self, row: &[Value], columns: &[usize]) -> Error {
        let named = lock(&self.contents).named.clone();
        match named
            .iter()
            .find(|index| index.unique && index.written == columns)
        {
            Some(index) => self.duplicate_in(row, index),
            None => {
                let key = self.key(row, columns);
                Error::run(format!("{} has a row with {key} already", self.name))
            }
        }
    }

    /// Whether an index of a database helps to find rows by their values in these columns.
    pub fn is_indexed(&self, known: &[usize]) -> bool {
        let contents = lock(&self.contents);
        let named = contents.named.iter().map(|index| &index.written);
        let mut all = self.unique.iter().chain(named);
        all.any(|columns| columns.first().is_some_and(|first| known.contains(first)))
    }

    /// The values in these columns, for a message.
    pub(super) fn key(&self, row: &[Value], columns: &[usize]) -> String {
        let named = |column: &usize| format!("{} = {}", self.rules[*column].name, row[*column]);
        let key: Vec<String> = columns.iter().map(named).collect();
        key.join(" and ")
    }
}

impl Contents {
    pub(super) fn add_named(&mut self, index: Arc<NamedIndex>) {
        if self.indexed(&index.columns).is_none() {
            self.indexes.push(Index::of(&index.columns, &self.rows));
        }
        self.named.push(index);
    }
}
