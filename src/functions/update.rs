//! Changes of the local database by functions.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog::undo::Undo;
use crate::compile;
use crate::functions::meta;
use crate::model::function::FunctionBody;
use crate::model::native::{Native, Natives};
use crate::model::table::Table;
use crate::model::{Args, Cx, Function, Value};
use crate::run::{call, update};
use crate::syntax::ast::UpdateOp;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("createobject", createobject).acting(),
    Native::new("deleteobject", |cx, a| {
        update::delete(Some(a.value(0).clone()), cx)?;
        Ok(Some(Value::Bool(true)))
    })
    .acting(),
    Native::new("delete_objects", delete_objects).acting(),
    Native::new("setfunction", |cx, a| change(UpdateOp::Set, cx, a))
        .acting()
        .quotes_functions(),
    Native::new("addfunction", |cx, a| change(UpdateOp::Add, cx, a))
        .acting()
        .quotes_functions(),
    Native::new("remfunction", |cx, a| change(UpdateOp::Remove, cx, a))
        .acting()
        .quotes_functions(),
    Native::new("dropfunction", dropfunction)
        .acting()
        .quotes_functions(),
    Native::new("auto_commit", |cx, a| {
        let on = matches!(a.value(0), Value::Bool(true));
        Catalog::of(cx).undo_log.set_auto_commit(on);
        Ok(Some(Value::Bool(on)))
    })
    .acting(),
];

fn createobject(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let ty = meta::type_argument(cx, args, 0)?;
    update::new_object(&ty, cx).map(Some)
}

fn delete_objects(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut objects = args.collect(0, cx)?;
    objects.retain(|o| matches!(o, Value::Object(object) if !object.is_deleted()));
    let count = objects.len() as i64;
    for object in objects {
        cx.token.check()?;
        update::delete(Some(object), cx)?;
    }
    Ok(Some(Value::Int(count)))
}

fn change(op: UpdateOp, cx: &Cx, args: Args) -> Result<Option<Value>> {
    let given = args.vector(1)?;
    let function = call::resolvent(args.function(0)?, given, cx)?;
    let function = compile::updatable(Catalog::of(cx), &function)?.ok_or_else(|| {
        Error::run(format!("{} cannot be updated", function.signature))
            .help("stored functions can, and inverses of stored functions")
    })?;
    let row = args.vector(2)?;
    let value = match (function.signature.columns.len(), &**row) {
        (1, [only]) => only.clone(),
        _ => Value::Vector(row.clone()),
    };
    let values = update::values_of(value, cx)?;
    update::change(op, &function, given, values, cx)?;
    Ok(Some(Value::Bool(true)))
}

fn dropfunction(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let function = only_stored(cx, args.function(0)?)?;
    let FunctionBody::Stored(table) = &function.body else {
        return Err(Error::run(format!("{} is not stored", function.signature)));
    };
    if table.lasting().is_some() {
        let message = format!("{} is a table of a database", function.name());
        return Err(Error::run(message).help(format!("delete from {};", function.name())));
    }
    if args.int(1)? == 1 {
        table.clear();
        Catalog::of(cx).undo_log.count_one();
    } else {
        remove_all(table, cx)?;
    }
    Ok(Some(Value::Function(function.clone())))
}

fn remove_all(table: &Arc<Table>, cx: &Cx) -> Result<()> {
    for row in table.all(&cx.token)? {
        cx.token.check()?;
        if let Some(place) = table.remove(&row) {
            let undo = Undo::Removed(table.clone(), place, row);
            Catalog::of(cx).undo_log.record(undo);
        }
    }
    Ok(())
}

/// The function, or the only stored resolvent of a generic one.
fn only_stored(cx: &Cx, function: &Arc<Function>) -> Result<Arc<Function>> {
    if !function.is_generic() {
        return Ok(function.clone());
    }
    let resolvents = Catalog::of(cx).functions.resolvents(function.name())?;
    let mut stored = resolvents
        .iter()
        .filter(|f| matches!(f.body, FunctionBody::Stored(_)));
    match (stored.next(), stored.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(
            Error::run(format!("'{}' has several resolvents", function.name()))
                .help("name the one whose rows are meant"),
        ),
    }
}
