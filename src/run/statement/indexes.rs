//! Statements that create and drop indexes of tables.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::tables::no_column;
use crate::catalog::undo::Undo;
use crate::model::Cx;
use crate::model::table::{NamedIndex, Table};
use crate::syntax::ast::{CreateIndex, DropIndex};
use crate::text::diagnostic::{Error, Result, nearest};

/// Creates an index of a table. Its name is its own among those of all tables.
pub fn create_index(cx: &Cx, definition: &CreateIndex) -> Result<()> {
    let catalog = Catalog::of(cx);
    let (function, table) = catalog.table(&definition.table)?;
    let name = &definition.name;
    if let Some((other, _, _)) = catalog.index_named(&name.text) {
        if definition.if_absent {
            return Ok(());
        }
        let written = name.span.text();
        let message = format!("there is an index '{written}' already, of {}", other.name());
        return Err(Error::compile(message)
            .at(&name.span)
            .help(format!("`drop index {written};` drops it")));
    }
    let mut columns = Vec::with_capacity(definition.columns.len());
    for column in &definition.columns {
        let rules = table.rules();
        let Some(at) = rules.iter().position(|rule| rule.name == column.text) else {
            let names: Vec<Arc<str>> = rules.iter().map(|rule| rule.name.clone()).collect();
            return Err(no_column(function.name(), column, &names));
        };
        columns.push(at);
    }
    let index = Arc::new(NamedIndex::new(
        name.text.clone(),
        columns,
        definition.unique,
    ));
    let add = || table.add_index(index.clone(), &cx.token);
    changed(catalog, &table, cx, add).map_err(|error| error.at(&name.span))?;
    catalog.undo_log.record(Undo::CreatedIndex(table, index));
    // How rows are found depends on the indexes of a database.
    catalog.functions.changed();
    Ok(())
}

/// Drops an index.
pub fn drop_index(cx: &Cx, drop: &DropIndex) -> Result<()> {
    let catalog = Catalog::of(cx);
    let name = &drop.name;
    let Some((_, table, index)) = catalog.index_named(&name.text) else {
        if drop.if_present {
            return Ok(());
        }
        let message = format!("there is no index '{}'", name.span.text());
        let error = Error::compile(message).at(&name.span);
        let names = catalog.names_of_indexes();
        return Err(match nearest(&name.text, names.iter().map(|n| &**n)) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error,
        });
    };
    changed(catalog, &table, cx, || table.drop_index(&index, &cx.token))?;
    catalog.undo_log.record(Undo::DroppedIndex(table, index));
    catalog.functions.changed();
    Ok(())
}

/// Does something to a table, in the transaction of its database where it has one.
fn changed(
    catalog: &Catalog,
    table: &Table,
    cx: &Cx,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    match table.lasting() {
        Some(rows) => catalog.change_database(rows.stored().database(), 0, &cx.token, work),
        None => work(),
    }
}
