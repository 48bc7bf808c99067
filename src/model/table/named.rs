//! Indexes that statements make and drop by their names. One that is not unique only saves the first
//! lookup the time of making it.

use std::sync::Arc;

use super::{Contents, Index, Table};
use crate::model::Value;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

/// An index that has a name.
pub struct NamedIndex {
    pub name: Arc<str>,
    /// In ascending order, which is that in which they are looked up.
    columns: Vec<usize>,
    unique: bool,
}

impl NamedIndex {
    pub fn new(name: Arc<str>, mut columns: Vec<usize>, unique: bool) -> NamedIndex {
        columns.sort_unstable();
        columns.dedup();
        NamedIndex {
            name,
            columns,
            unique,
        }
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
    pub fn add_index(&self, index: Arc<NamedIndex>) -> Result<()> {
        let mut contents = lock(&self.contents);
        if index.unique {
            let rows = contents.rows.clone();
            for place in rows.iter() {
                let row = rows.get(place);
                if contents
                    .same(&index.columns, row)
                    .is_some_and(|p| p != place)
                {
                    let key = self.key(row, &index.columns);
                    return Err(
                        Error::run(format!("{} has several rows with {key}", self.name))
                            .help("a unique index says that there is one"),
                    );
                }
            }
        }
        contents.add_named(index);
        Ok(())
    }

    /// Whether a unique index says that at most one row has given values in these columns.
    pub(super) fn has_unique_index(&self, known: &[usize]) -> bool {
        let contents = lock(&self.contents);
        let unique = contents.named.iter().filter(|index| index.unique);
        let mut columns = unique.map(|index| &index.columns);
        columns.any(|columns| columns.iter().all(|c| known.contains(c)))
    }

    /// Takes an index that has a name away.
    pub fn drop_index(&self, index: &Arc<NamedIndex>) {
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
                let key = self.key(row, &index.columns);
                return Err(
                    Error::run(format!("{} has a row with {key} already", self.name))
                        .help(format!("the index {} says that there is one", index.name)),
                );
            }
        }
        Ok(())
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
