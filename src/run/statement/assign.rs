//! Assignments to session variables.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile;
use crate::model::{Cx, Function, Type, Value};
use crate::run::query;
use crate::syntax::ast::{self, ExprKind, Variable};
use crate::text::diagnostic::{Error, Result};

/// `set :x = …`: a bag or stream is kept as what it is, not run; a call that is declared to give one
/// value is, and gives it.
pub fn assign(cx: &Cx, targets: &[Variable], value: &ast::Expr) -> Result<()> {
    let plan = Arc::new(compile::value(Catalog::of(cx), value)?);
    let result = query::single(&plan, vec![], cx)?.unwrap_or(Value::Null);
    let one = targets.len() > 1 || declared_single(Catalog::of(cx), value)?;
    let (result, ty) = match result {
        Value::Bag(bag) if one => {
            let mut elements = bag.open(cx)?;
            let first = elements.next(cx)?;
            match (first, elements.next(cx)?) {
                (Some(first), None) => (first, None),
                (None, _) => (Value::Null, None),
                _ => (Value::Bag(bag), None),
            }
        }
        value => (value, Some(plan.ty.clone())),
    };
    put(Catalog::of(cx), targets, result, ty).map_err(|error| error.at(&value.span))
}

fn declared_single(catalog: &Catalog, value: &ast::Expr) -> Result<bool> {
    let ExprKind::Call { function, .. } = &value.kind else {
        return Ok(false);
    };
    let resolvents = catalog.functions.resolvents(&function.name.text)?;
    let single = |f: &Arc<Function>| {
        f.signature.many == ast::Many::One && !f.signature.columns[0].ty.is_collection()
    };
    Ok(!resolvents.is_empty() && resolvents.iter().all(|f| f.is_user() && single(f)))
}

/// Sets the variables to the value, or each to its part of a tuple.
pub fn put(catalog: &Catalog, targets: &[Variable], value: Value, ty: Option<Type>) -> Result<()> {
    let part = |i: usize| match &value {
        _ if targets.len() == 1 => Ok(value.clone()),
        Value::Vector(parts) if parts.len() == targets.len() => Ok(parts[i].clone()),
        Value::Null => Ok(Value::Null),
        other => Err(Error::run(format!(
            "{} variables, but one value: {other}",
            targets.len()
        ))),
    };
    for (i, target) in targets.iter().enumerate() {
        let Variable::Session(name) = target else {
            let (Variable::Local(name) | Variable::Session(name)) = target;
            return Err(Error::compile(format!(
                "'{}' is not a session variable",
                name.span.text()
            ))
            .at(&name.span)
            .help(format!(
                "session variables have a colon: `set :{} = …`",
                name.text
            )));
        };
        let ty = ty.clone().filter(|_| targets.len() == 1);
        catalog.variables.set(&name.text, part(i)?, ty)?;
    }
    Ok(())
}
