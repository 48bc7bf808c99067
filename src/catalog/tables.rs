//! Tables and views by name. A table is a stored function without arguments, a view is a derived one;
//! both give a bag of rows whose columns have names.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::Function;
use crate::model::function::FunctionBody;
use crate::model::table::{NamedIndex, Table};
use crate::store::Database;
use crate::syntax::ast::{Many, Name};
use crate::text::diagnostic::{Error, Result, nearest};

impl Catalog {
    /// What a `from` clause can name to go through its rows, if it is no type: a table, a view, any
    /// function without arguments that gives a bag of named columns.
    ///
    /// A table of a database is called by its own name, unless something else is, and by `x.T` in any
    /// case.
    pub fn rows_named(&self, name: &str) -> Option<Arc<Function>> {
        let resolvents = self.functions.resolvents(name).ok()?;
        if let Some(found) = resolvents.iter().find(|f| has_rows(f)) {
            return Some(found.clone());
        }
        let (database, table) = match name.split_once('.') {
            Some((database, table)) => (Some(self.databases.find(database)?), table),
            None => (None, name),
        };
        let databases = match database {
            Some(database) => vec![database],
            None => self.databases.all(),
        };
        let tables = databases.iter().flat_map(|d| lasting_tables(self, d));
        let mut found = tables.filter(|(function, _)| bare_name(function.name()) == table);
        let first = found.next()?;
        // One name for two tables means neither.
        found.next().is_none().then_some(first.0)
    }

    /// The table that a statement changes.
    pub fn table(&self, name: &Name) -> Result<(Arc<Function>, Arc<Table>)> {
        let Some(function) = self.rows_named(&name.text) else {
            return Err(self.no_table(name));
        };
        match table_of(&function) {
            Some(table) => Ok((function.clone(), table.clone())),
            None => Err(
                Error::compile(format!("'{}' is a view, not a table", name.span.text()))
                    .at(&name.span)
                    .help("change the tables that it is made of"),
            ),
        }
    }

    /// The error for a table that does not exist.
    pub fn no_table(&self, name: &Name) -> Error {
        let written = name.span.text();
        let error = Error::compile(format!("there is no table '{written}'")).at(&name.span);
        let names = self.names_of_rows();
        match nearest(&name.text, names.iter().map(|n| &**n)) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error
                .help(format!("`create table {written}(…);` makes it"))
                .help("a variable is declared with its type: from Record r where r in …"),
        }
    }

    /// The index of that name, with its table.
    pub fn index_named(&self, name: &str) -> Option<(Arc<Function>, Arc<Table>, Arc<NamedIndex>)> {
        self.functions
            .user_functions()
            .into_iter()
            .find_map(|function| {
                let table = table_of(&function)?.clone();
                let index = table.named_index(name)?;
                Some((function, table, index))
            })
    }

    /// The names of all indexes that have one.
    pub fn names_of_indexes(&self) -> Vec<Arc<str>> {
        let functions = self.functions.user_functions();
        let tables = functions.iter().filter_map(|function| table_of(function));
        tables.flat_map(|table| table.names_of_indexes()).collect()
    }

    /// The names of the users' tables and views.
    pub fn names_of_rows(&self) -> Vec<Arc<str>> {
        let functions = self.functions.user_functions();
        let rows = functions.iter().filter(|f| has_rows(f));
        rows.map(|f| f.name().clone()).collect()
    }
}

fn has_rows(function: &Function) -> bool {
    function.arity() == 0
        && function.signature.many == Many::Bag
        && function.signature.columns.iter().all(|c| c.name.is_some())
}

/// The tables of a database.
pub fn lasting_tables(
    catalog: &Catalog,
    database: &Arc<Database>,
) -> Vec<(Arc<Function>, Arc<Table>)> {
    let functions = catalog.functions.user_functions().into_iter();
    let of_database = |function: Arc<Function>| {
        let table = table_of(&function)?.clone();
        let is_own = Arc::ptr_eq(table.lasting()?.stored().database(), database);
        is_own.then_some((function, table))
    };
    functions.filter_map(of_database).collect()
}

/// A table's own name, without that of its database.
pub fn bare_name(name: &str) -> &str {
    split(name).map_or(name, |(_, table)| table)
}

/// The rows of a function that is a table.
pub fn table_of(function: &Function) -> Option<&Arc<Table>> {
    match &function.body {
        FunctionBody::Stored(table) if table.is_table() => Some(table),
        _ => None,
    }
}

/// The error for a column that a table does not have.
pub fn no_column(row: &str, column: &Name, known: &[Arc<str>]) -> Error {
    let (_, written) = split(column.span.text()).unwrap_or(("", column.span.text()));
    let (_, wanted) = split(&column.text).unwrap_or(("", &*column.text));
    let error = Error::compile(format!("{row} has no column '{written}'")).at(&column.span);
    match nearest(wanted, known.iter().map(|n| &**n)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error.help(format!("its columns are {}", known.join(", "))),
    }
}

/// The row and the column of `t.a`.
pub fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once('.')
}
