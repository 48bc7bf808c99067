//! Changes the rows of tables: what a statement changes is all changed, or nothing of it is.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::tables::table_of;
use crate::catalog::undo::Undo;
use crate::host::failed;
use crate::model::conversion::converted;
use crate::model::table::{Place, Row, Table};
use crate::model::{Cx, Source, Type, Value, nesting, size};
use crate::plan::{InsertedColumn, InsertionRows, RowChange, RowChangeKind, Sub};
use crate::run::call::short;
use crate::run::eval::{captured, eval};
use crate::run::query;
use crate::text::diagnostic::{Error, Result};

/// Makes the change, and gives the number of rows that it is about.
pub fn change(change: &RowChange, frame: &[Value], cx: &Cx) -> Result<usize> {
    let Some(table) = table_of(&change.function) else {
        return Err(Error::run(format!(
            "{} is no table",
            change.function.name()
        )));
    };
    let (old, new) = match &change.kind {
        RowChangeKind::Insert(InsertionRows::Query(sub), columns) if is_stream(sub) => {
            return insert_stream(table, sub, columns, frame, cx);
        }
        RowChangeKind::Insert(rows, columns) => {
            (vec![], inserted(table, rows, columns, frame, cx)?)
        }
        RowChangeKind::Delete(rows) => {
            let rows = query::open(&rows.query, captured(rows, frame), cx)?;
            (all_rows(rows, table.types().len(), cx)?, vec![])
        }
        RowChangeKind::Update(rows, columns) => {
            let rows = query::open(&rows.query, captured(rows, frame), cx)?;
            let width = table.types().len();
            updated(table, all_rows(rows, width + columns.len(), cx)?, columns)?
        }
    };
    let number = old.len().max(new.len());
    replace(table, &old, new, cx)?;
    Ok(number)
}

fn is_stream(sub: &Sub) -> bool {
    sub.stream || sub.query.is_stream()
}

/// Inserts what a stream gives, each row as it comes: there may be no end of them. In a database they are
/// committed in groups, so that what has been committed stays if one fails later. Of a live stream a row
/// that is not taken is set aside.
fn insert_stream(
    table: &Arc<Table>,
    sub: &Sub,
    columns: &[InsertedColumn],
    frame: &[Value],
    cx: &Cx,
) -> Result<usize> {
    let catalog = Catalog::of(cx);
    let mut rows = query::open(&sub.query, captured(sub, frame), cx)?;
    let mut number = 0;
    loop {
        // A live stream says itself when it is between two elements: an element may give several rows.
        if number > 0 && !rows.is_live() {
            catalog.between_elements()?;
        }
        let Some(row) = rows.next(cx)? else {
            return Ok(number);
        };
        let inserted = columns_of(row, given(columns))
            .and_then(|given| complete(table, given, columns, frame, cx))
            .and_then(|row| replace(table, &[], vec![row], cx));
        match inserted {
            Ok(()) => number += 1,
            Err(error) if rows.is_live() => failed::set_aside(rows.explain(error), cx)?,
            Err(error) => return Err(error.context(format_args!("row {}", number + 1))),
        }
    }
}

/// Takes rows out and puts others in. Where one cannot be put in, all is as it was.
fn replace(table: &Arc<Table>, old: &[Row], new: Vec<Row>, cx: &Cx) -> Result<()> {
    if let Some(rows) = table.lasting() {
        let number = old.len().max(new.len());
        if number == 0 {
            return Ok(());
        }
        let work = || table.replace_lasting(rows, old, &new, &cx.token);
        let database = rows.stored().database();
        return Catalog::of(cx).change_database(database, number, &cx.token, work);
    }
    let mut removed: Vec<(Place, &Row)> = Vec::with_capacity(old.len());
    let mut inserted: Vec<Place> = Vec::with_capacity(new.len());
    let make = || -> Result<()> {
        for row in old {
            cx.token.check()?;
            if let Some(place) = table.remove(row) {
                removed.push((place, row));
            }
        }
        for row in new {
            cx.token.check()?;
            inserted.push(table.insert(&row)?);
        }
        Ok(())
    };
    if let Err(error) = make() {
        for place in inserted.into_iter().rev() {
            table.take_back(place..place + 1);
        }
        for (place, row) in removed.into_iter().rev() {
            table.put_back(place, row);
        }
        return Err(error);
    }
    let log = &Catalog::of(cx).undo_log;
    for (place, row) in removed {
        log.record(Undo::Removed(table.clone(), place, row.clone()));
    }
    for place in inserted {
        log.record_inserted(table, place);
    }
    Ok(())
}

/// The rows that are to be inserted, each value as its column takes it.
fn inserted(
    table: &Table,
    rows: &InsertionRows,
    columns: &[InsertedColumn],
    frame: &[Value],
    cx: &Cx,
) -> Result<Vec<Row>> {
    let value = |expr| Ok(eval(expr, frame, cx)?.unwrap_or(Value::Null));
    let complete = |given| complete(table, given, columns, frame, cx);
    let width = given(columns);
    let mut new = Vec::new();
    match rows {
        InsertionRows::Values(rows) => {
            for row in rows {
                cx.token.check()?;
                let values = row.values.iter().map(value).collect::<Result<Vec<_>>>();
                let made = values.and_then(&complete);
                new.push(made.map_err(|error| error.at(&row.span))?);
            }
        }
        InsertionRows::Query(sub) => {
            let mut rows = query::open(&sub.query, captured(sub, frame), cx)?;
            each_row(rows.as_mut(), width, cx, |row| {
                new.push(complete(row)?);
                size::check_elements(new.len(), "what is inserted")
            })?;
        }
    }
    Ok(new)
}

/// How many values are given for each row.
fn given(columns: &[InsertedColumn]) -> usize {
    let given = |column: &&InsertedColumn| matches!(column, InsertedColumn::Given(_));
    columns.iter().filter(given).count()
}

/// A row with its defaults, each value as its column takes it.
fn complete(
    table: &Table,
    given: Vec<Value>,
    columns: &[InsertedColumn],
    frame: &[Value],
    cx: &Cx,
) -> Result<Row> {
    let mut row = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let value = match column {
            InsertedColumn::Given(place) => given[*place].clone(),
            InsertedColumn::Default(default) => eval(default, frame, cx)?.unwrap_or(Value::Null),
        };
        row.push(fitting(table, at, value)?);
    }
    Ok(row.into())
}

/// The columns that a result of a query is.
fn columns_of(row: Value, width: usize) -> Result<Vec<Value>> {
    match row {
        Value::Vector(columns) if width != 1 && columns.len() == width => Ok(columns.to_vec()),
        value if width == 1 => Ok(vec![value]),
        other => Err(Error::run(format!(
            "a row of {width} values is wanted, not {}",
            short(&other)
        ))),
    }
}

fn all_rows(mut rows: Box<dyn Source>, width: usize, cx: &Cx) -> Result<Vec<Row>> {
    let mut all: Vec<Row> = Vec::new();
    each_row(rows.as_mut(), width, cx, |row| {
        all.push(row.into());
        size::check_elements(all.len(), "the rows that a statement changes")
    })?;
    Ok(all)
}

/// Hands over the values of each row, from columns where the rows come as such.
fn each_row(
    rows: &mut dyn Source,
    width: usize,
    cx: &Cx,
    mut take: impl FnMut(Vec<Value>) -> Result<()>,
) -> Result<()> {
    while width > 1
        && let Some(columns) = rows.columns(cx)?
    {
        if columns.len() != width {
            let message = format!(
                "a row of {width} values is wanted, not of {}",
                columns.len()
            );
            return Err(Error::run(message));
        }
        let columns = columns
            .into_iter()
            .map(|column| column.values().into_iter());
        let mut columns: Vec<_> = columns.collect();
        while columns[0].len() > 0 {
            take(columns.iter_mut().filter_map(Iterator::next).collect())?;
        }
    }
    while let Some(row) = rows.next(cx)? {
        take(columns_of(row, width)?)?;
    }
    Ok(())
}

/// Each row as it was, and as it becomes.
fn updated(table: &Table, rows: Vec<Row>, columns: &[usize]) -> Result<(Vec<Row>, Vec<Row>)> {
    let width = table.types().len();
    let (mut old, mut new) = (
        Vec::with_capacity(rows.len()),
        Vec::with_capacity(rows.len()),
    );
    for row in rows {
        let (before, values) = row.split_at(width);
        let mut after = before.to_vec();
        for (column, value) in columns.iter().zip(values) {
            after[*column] = fitting(table, *column, value.clone())?;
        }
        old.push(before.into());
        new.push(after.into());
    }
    Ok((old, new))
}

/// The value as a column takes it.
fn fitting(table: &Table, at: usize, value: Value) -> Result<Value> {
    let (rule, ty) = (&table.rules()[at], &table.types()[at]);
    if !matches!(value, Value::Int(_) | Value::Real(_) | Value::Str(_)) {
        nesting::check(&value)?;
    }
    if value.is_null() {
        if rule.not_null {
            return Err(Error::run(format!(
                "{} is not null, and has no value here",
                rule.name
            )));
        }
        return Ok(value);
    }
    let wrong = || {
        let error = Error::run(format!(
            "{} is {ty}, and cannot be {}",
            rule.name,
            short(&value)
        ));
        match (ty, &value) {
            (Type::Timeval(_), Value::Str(_)) => {
                error.help("a time is written |2024-07-01T12:00:00Z|")
            }
            _ => error,
        }
    };
    let value = match converted(&value, ty).ok_or_else(wrong)? {
        Some(converted) => converted,
        None => value,
    };
    if let (Some(length), Value::Str(text)) = (rule.length, &value)
        && text.chars().count() as u64 > length
    {
        let message = format!("{} has {length} characters at the most", rule.name);
        return Err(Error::run(message).help(format!("{} is longer", short(&value))));
    }
    if let Value::Object(object) = &value
        && object.is_deleted()
    {
        return Err(Error::run(format!(
            "{object} has been deleted, and can be in no row"
        )));
    }
    Ok(value)
}
