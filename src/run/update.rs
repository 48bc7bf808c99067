//! Changes the local database: creates and deletes objects, updates stored functions.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalog::Catalog;
use crate::catalog::undo::Undo;
use crate::model::conversion::conform;
use crate::model::function::{FunctionBody, View};
use crate::model::table::{Row, Table};
use crate::model::{Cx, Function, Source, Type, Value, nesting, size};
use crate::plan::{CreatedObject, FunctionUpdate, ObjectCreation};
use crate::run::call;
use crate::run::eval::eval;
use crate::syntax::ast::{Many, UpdateOp};
use crate::text::diagnostic::{Error, Result};

/// Creates one object with its initial values.
pub fn create(
    create: &ObjectCreation,
    instance: &CreatedObject,
    frame: &[Value],
    cx: &Cx,
) -> Result<Value> {
    let object = new_object(&create.ty, cx).map_err(|error| error.at(&instance.span))?;
    for (function, value) in &instance.values {
        let Some(value) = eval(value, frame, cx)? else {
            continue;
        };
        let values = values_of(value, cx)?;
        change(
            UpdateOp::Set,
            function,
            std::slice::from_ref(&object),
            values,
            cx,
        )
        .map_err(|error| error.at(&instance.span))?;
    }
    Ok(object)
}

/// A new object of a user's type.
pub fn new_object(ty: &Type, cx: &Cx) -> Result<Value> {
    let Type::User(user) = ty else {
        return Err(Error::run(format!(
            "objects of the type {ty} cannot be created"
        )));
    };
    let object = Catalog::of(cx).objects.create(user);
    Catalog::of(cx)
        .undo_log
        .record(Undo::Created(object.clone()));
    Ok(Value::Object(object))
}

/// Deletes an object, and every row of a stored function that refers to it.
pub fn delete(object: Option<Value>, cx: &Cx) -> Result<()> {
    let Some(Value::Object(object)) = object else {
        return Err(Error::run("only objects can be deleted"));
    };
    let value = Value::Object(object.clone());
    for function in Catalog::of(cx).functions.user_functions() {
        if let FunctionBody::Stored(table) = &function.body {
            remove_references(table, &value, cx)?;
        }
    }
    if Catalog::of(cx).objects.delete(&object) {
        Catalog::of(cx).undo_log.record(Undo::Deleted(object));
    }
    Ok(())
}

fn remove_references(table: &Arc<Table>, object: &Value, cx: &Cx) -> Result<()> {
    for (column, ty) in table.types().iter().enumerate() {
        if !object.type_of().is_subtype_of(ty) {
            continue;
        }
        let mut known = vec![None; table.types().len()];
        known[column] = Some(object.clone());
        for row in table.lookup(&known) {
            cx.token.check()?;
            remove(table, &row, cx);
        }
    }
    Ok(())
}

/// Runs an update statement over its rows: the arguments, then the value. `arguments` are those that
/// are updated even if there is no row of them.
pub fn update(
    change_of: &FunctionUpdate,
    mut rows: Box<dyn Source>,
    arguments: Option<Box<dyn Source>>,
    cx: &Cx,
) -> Result<()> {
    let arity = change_of.functions[0].arity();
    // All rows first: the update may change what they are taken from.
    let mut changes: IndexMap<Vec<Value>, Vec<Value>> = IndexMap::new();
    while let Some(row) = rows.next(cx)? {
        let mut args = match row {
            Value::Vector(columns) if arity > 0 => columns.to_vec(),
            value => vec![value],
        };
        let value = args.pop().unwrap_or(Value::Null);
        let values = values_of(value, cx)?;
        changes.entry(args).or_default().extend(values);
    }
    if let Some(mut rows) = arguments {
        while let Some(row) = rows.next(cx)? {
            let args = match row {
                _ if arity == 0 => vec![],
                Value::Vector(columns) if arity > 1 => columns.to_vec(),
                value => vec![value],
            };
            changes.entry(args).or_default();
        }
    }
    for (args, values) in changes {
        cx.token.check()?;
        let function = call::resolvent_among(&change_of.functions, &args)?;
        change(change_of.op, function, &args, values, cx)?;
    }
    Ok(())
}

/// The values that are set: the elements of a bag; none for null and false.
pub fn values_of(value: Value, cx: &Cx) -> Result<Vec<Value>> {
    match value {
        Value::Null | Value::Bool(false) => Ok(vec![]),
        Value::Bag(bag) => {
            let mut elements = bag.open(cx)?;
            let mut values = Vec::new();
            while let Some(element) = elements.next(cx)? {
                if !matches!(element, Value::Null | Value::Bool(false)) {
                    values.push(element);
                }
                size::check_elements(values.len(), "a bag that is stored")?;
            }
            Ok(values)
        }
        other => Ok(vec![other]),
    }
}

/// Sets, adds or removes values of a stored function, or of the inverse of one, for its arguments.
///
/// # Errors
///
/// The function cannot be updated, takes another number of arguments or other values, or a key of it
/// would be violated.
pub fn change(
    op: UpdateOp,
    function: &Arc<Function>,
    args: &[Value],
    values: Vec<Value>,
    cx: &Cx,
) -> Result<()> {
    if args.len() != function.arity() {
        return Err(Error::run(format!(
            "{} takes another number of arguments than {}",
            function.signature,
            args.len()
        )));
    }
    match &function.body {
        FunctionBody::Stored(table) => change_table(op, function, table, args, values, cx),
        FunctionBody::Inverse(view) => change_view(op, function, view, args, values, cx),
        _ => Err(Error::run(format!(
            "{} cannot be updated",
            function.signature
        ))),
    }
}

fn change_table(
    op: UpdateOp,
    function: &Function,
    table: &Arc<Table>,
    args: &[Value],
    values: Vec<Value>,
    cx: &Cx,
) -> Result<()> {
    let looks = cx.token.looks();
    let rows: Vec<Row> = looks
        .each(values)
        .map(|value| row(function, table, args, value?))
        .collect::<Result<_>>()?;
    if op == UpdateOp::Set {
        let mut known: Vec<Option<Value>> = args
            .iter()
            .zip(table.types())
            .map(|(a, ty)| conform(a, ty).or(Some(a.clone())))
            .collect();
        known.resize(table.types().len(), None);
        for old in table.lookup(&known) {
            cx.token.check()?;
            remove(table, &old, cx);
        }
    }
    for row in rows {
        cx.token.check()?;
        match op {
            UpdateOp::Remove => {
                remove(table, &row, cx);
            }
            UpdateOp::Set | UpdateOp::Add => {
                let place = table.insert(&row)?;
                Catalog::of(cx)
                    .undo_log
                    .record(Undo::Inserted(table.clone(), place, row));
            }
        }
    }
    Ok(())
}

/// `set employees(d) = e` sets `department(e) = d`.
fn change_view(
    op: UpdateOp,
    function: &Function,
    view: &View,
    args: &[Value],
    values: Vec<Value>,
    cx: &Cx,
) -> Result<()> {
    let Some(table) = view.table() else {
        return Ok(());
    };
    let width = function.signature.columns.len();
    if op == UpdateOp::Set {
        let mut known: Vec<Option<Value>> = args.iter().cloned().map(Some).collect();
        known.resize(args.len() + width, None);
        for old in table.lookup(&view.rearranged(&known, Some(Value::Bool(true)))) {
            cx.token.check()?;
            remove(table, &old, cx);
        }
    }
    // What the stored function can hold only once is replaced there, too.
    let inner = match op {
        UpdateOp::Remove => op,
        _ if view.stored.signature.many == Many::One => UpdateOp::Set,
        _ => UpdateOp::Add,
    };
    for value in values {
        let mut columns = args.to_vec();
        columns.extend(results_of(function, width, value)?);
        let mut row = view.rearranged(&columns, Value::Bool(true));
        let results = row.split_off(table.arity());
        let result = match results.as_slice() {
            [one] => one.clone(),
            several => Value::vector(several.iter().cloned()),
        };
        change(inner, &view.stored, &row, vec![result], cx)?;
    }
    Ok(())
}

fn remove(table: &Arc<Table>, row: &Row, cx: &Cx) {
    if table.remove(row) {
        Catalog::of(cx)
            .undo_log
            .record(Undo::Removed(table.clone(), row.clone()));
    }
}

/// The row of the arguments and one value, each as its column's type.
fn row(function: &Function, table: &Table, args: &[Value], value: Value) -> Result<Row> {
    let results = results_of(function, table.types().len() - table.arity(), value)?;
    let columns = args.iter().chain(&results).zip(table.types());
    let row = columns.map(|(value, ty)| {
        nesting::check(value)?;
        if let Value::Object(object) = value
            && object.is_deleted()
        {
            let message = format!(
                "{object} has been deleted, and can have no {}",
                function.name()
            );
            return Err(Error::run(message));
        }
        conform(value, ty).ok_or_else(|| {
            Error::run(format!(
                "{} does not take {value} where it has {ty}",
                function.signature
            ))
        })
    });
    row.collect()
}

/// The result columns that a value is.
fn results_of(function: &Function, width: usize, value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Vector(columns) if width > 1 && columns.len() == width => Ok(columns.to_vec()),
        other if width == 1 => Ok(vec![other]),
        other => Err(Error::run(format!(
            "{} has {width} results, not {other}",
            function.signature
        ))),
    }
}
