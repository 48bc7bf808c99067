//! Changes the local database: creates and deletes objects, updates stored functions.

use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::catalog::Catalog;
use crate::catalog::undo::Undo;
use crate::model::conversion::conform;
use crate::model::function::{FunctionBody, View};
use crate::model::memory::{Collecting, HeldMemory, Operator, bytes_of};
use crate::model::table::{Row, Table};
use crate::model::{Cx, Function, Source, Type, Value, nesting};
use crate::plan::{CreatedObject, FunctionUpdate, ObjectCreation, PlanExpr};
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
    // No object outlives the process.
    if table.lasting().is_some() {
        return Ok(());
    }
    for (column, ty) in table.types().iter().enumerate() {
        if !object.type_of().is_subtype_of(ty) {
            continue;
        }
        let mut known = vec![None; table.types().len()];
        known[column] = Some(object.clone());
        for row in table.lookup(&known, &cx.token)? {
            cx.token.check()?;
            remove(table, &row, cx);
        }
    }
    Ok(())
}

/// Runs an update statement that has one row, whose query makes no rows, without opening it: `None` if it
/// is another one. `frame` has the variables around it.
pub fn update_one(change_of: &FunctionUpdate, frame: &[Value], cx: &Cx) -> Option<Result<()>> {
    let query = &change_of.rows.query;
    let columns = &query.output.columns;
    let (value, args) = columns.split_last()?;
    let is_plain = query.steps.is_empty()
        && query.limit.is_none()
        && query.traceable.is_none()
        && !query.is_collected()
        && args.len() == change_of.functions.first()?.arity();
    is_plain.then(|| {
        let mut own = vec![Value::Null; query.slots];
        for (outer, inner) in &change_of.rows.captures {
            own[*inner] = frame[*outer].clone();
        }
        let mut given = Vec::with_capacity(args.len());
        for arg in args {
            match eval(arg, &own, cx)? {
                Some(arg) => given.push(arg),
                None => return Ok(()),
            }
        }
        // What is no bag need not become one to be taken apart.
        let value = match value {
            PlanExpr::Singleton(value) => eval(value, &own, cx)?.unwrap_or(Value::Null),
            value => match eval(value, &own, cx)? {
                Some(value) => value,
                None if change_of.arguments.is_some() => Value::Null,
                None => return Ok(()),
            },
        };
        let values = values_of(value, cx)?;
        let function = call::resolvent_among(&change_of.functions, &given)?;
        change(change_of.op, function, &given, values, cx)
    })
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
    let mut changes: IndexMap<Vec<Value>, Vec<Value>, RandomState> = IndexMap::default();
    let (mut held, mut memory) = (0, HeldMemory::default());
    while let Some(row) = rows.next(cx)? {
        let mut args = match row {
            Value::Vector(columns) if arity > 0 => columns.to_vec(),
            value => vec![value],
        };
        let value = args.pop().unwrap_or(Value::Null);
        let values = values_of(value, cx)?;
        // What the map takes for an entry, with what growing takes.
        const ENTRY: usize = 2 * size_of::<(Vec<Value>, Vec<Value>, u64, u64)>();
        held += bytes_of(&args) + bytes_of(&values) + ENTRY;
        memory.set(held, change_of.rows.query.operator("an update"), &cx.memory)?;
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
            let mut values = Collecting::new(Operator::named("a bag that is stored"));
            while let Some(element) = elements.next(cx)? {
                if !matches!(element, Value::Null | Value::Bool(false)) {
                    values.push(element, &cx.memory)?;
                }
            }
            Ok(values.into_values())
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
    if op == UpdateOp::Set
        && let [value] = values.as_slice()
        && table.is_unique_by_arguments_alone()
    {
        return set_only(function, table, args, value, cx);
    }
    let looks = cx.token.looks();
    let rows: Vec<Row> = looks
        .each(values)
        .map(|value| row(function, table, args, &value?).map(Row::from))
        .collect::<Result<_>>()?;
    if op == UpdateOp::Set {
        let mut known: Vec<Option<Value>> = args
            .iter()
            .zip(table.types())
            .map(|(a, ty)| conform(a, ty).or(Some(a.clone())))
            .collect();
        known.resize(table.types().len(), None);
        for old in table.lookup(&known, &cx.token)? {
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
                Catalog::of(cx).undo_log.record_inserted(table, place);
            }
        }
    }
    Ok(())
}

/// Sets the only value of a stored function for its arguments.
fn set_only(
    function: &Function,
    table: &Arc<Table>,
    args: &[Value],
    value: &Value,
    cx: &Cx,
) -> Result<()> {
    let row = row(function, table, args, value)?;
    let (place, replaced) = table.set(&row)?;
    let undo_log = &Catalog::of(cx).undo_log;
    match replaced {
        Some(old) => undo_log.record(Undo::Replaced(table.clone(), place, old)),
        None => undo_log.record_inserted(table, place),
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
        let known = view.rearranged(&known, Some(Value::Bool(true)));
        for old in table.lookup(&known, &cx.token)? {
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
        columns.extend_from_slice(results_of(function, width, &value)?);
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
    if let Some(place) = table.remove(row) {
        Catalog::of(cx)
            .undo_log
            .record(Undo::Removed(table.clone(), place, row.clone()));
    }
}

/// The row of the arguments and one value, each as its column's type.
fn row(function: &Function, table: &Table, args: &[Value], value: &Value) -> Result<Vec<Value>> {
    let results = results_of(function, table.types().len() - table.arity(), value)?;
    let columns = args.iter().chain(results).zip(table.types());
    let mut row = Vec::with_capacity(table.types().len());
    for (value, ty) in columns {
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
        row.push(conform(value, ty).ok_or_else(|| {
            Error::run(format!(
                "{} does not take {value} where it has {ty}",
                function.signature
            ))
        })?);
    }
    Ok(row)
}

/// The result columns that a value is.
fn results_of<'v>(function: &Function, width: usize, value: &'v Value) -> Result<&'v [Value]> {
    match value {
        Value::Vector(columns) if width > 1 && columns.len() == width => Ok(columns),
        other if width == 1 => Ok(std::slice::from_ref(other)),
        other => Err(Error::run(format!(
            "{} has {width} results, not {other}",
            function.signature
        ))),
    }
}
