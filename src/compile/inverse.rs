//! Derived functions that show the rows of one stored function with its columns in other places:
//! inverses above all. They can be looked up and updated as the stored function can.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile::rows;
use crate::model::function::{FunctionBody, Signature, View};
use crate::model::{Function, Type};
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, FunctionName, Literal, Select, Variable};
use crate::text::diagnostic::Result;

/// The view that a derived function like `select e where department(e) = d` is.
pub fn view(catalog: &Catalog, function: &Function) -> Result<Option<View>> {
    let FunctionBody::Derived(definition, _) = &function.body else {
        return Ok(None);
    };
    // Rows of tables are more than what one condition says.
    if let ast::Body::Query(query) = &definition.body
        && rows::needs_preparation(catalog, query)
    {
        return Ok(None);
    }
    let Some((stored_name, columns)) = columns_of(definition) else {
        return Ok(None);
    };
    for stored in catalog.functions.named(stored_name)?.iter() {
        if matches!(stored.body, FunctionBody::Stored(_))
            && fits(&function.signature, stored, &columns)
        {
            return Ok(Some(View {
                stored: stored.clone(),
                columns,
            }));
        }
    }
    Ok(None)
}

/// Whether the types of the function's columns can be those of the stored one.
fn fits(signature: &Signature, stored: &Function, columns: &[Option<usize>]) -> bool {
    let own: Vec<&Type> = types(signature);
    let theirs = types(&stored.signature);
    theirs.len() == columns.len()
        && theirs
            .iter()
            .zip(columns)
            .all(|(theirs, column)| match column {
                Some(column) => own[*column].is_subtype_of(theirs),
                None => **theirs == Type::Boolean,
            })
}

fn types(signature: &Signature) -> Vec<&Type> {
    let columns = signature.params.iter().chain(&signature.columns);
    columns.map(|c| &c.ty).collect()
}

/// The function `f` of a query `select x, … where f(…) = …` that uses every parameter and every
/// result once and nothing else; for each of its columns the parameter or result that it is, or
/// nothing for the `true` of a predicate.
fn columns_of(definition: &ast::CreateFunction) -> Option<(&FunctionName, Vec<Option<usize>>)> {
    let ast::Body::Query(query) = &definition.body else {
        return None;
    };
    let ExprKind::Select(select) = &query.kind else {
        return None;
    };
    if !is_plain(select) {
        return None;
    }
    let own = own_columns(definition, select)?;
    let (function, theirs) = stored_columns(select.filter.as_ref()?)?;
    let columns: Option<Vec<_>> = theirs
        .into_iter()
        .map(|column| match column {
            Some(name) => own.iter().position(|o| *o == name).map(Some),
            None => Some(None),
        })
        .collect();
    let columns = columns?;
    let each_once = (0..own.len()).all(|i| columns.iter().filter(|c| **c == Some(i)).count() == 1);
    each_once.then_some((function, columns))
}

fn is_plain(select: &Select) -> bool {
    !select.distinct
        && select.group_by.is_empty()
        && select.order_by.is_empty()
        && select.into.is_empty()
        && select.limit.is_none()
}

/// The names of the parameters, then of the results.
fn own_columns<'a>(
    definition: &'a ast::CreateFunction,
    select: &'a Select,
) -> Option<Vec<&'a str>> {
    let parameters = definition
        .parameters
        .iter()
        .map(|p| Some(&*p.name.as_ref()?.text));
    parameters.chain(select.items.iter().map(local)).collect()
}

/// The function that a condition calls, and the variables in its columns.
fn stored_columns(filter: &Expr) -> Option<(&FunctionName, Vec<Option<&str>>)> {
    if let ExprKind::Call { function, args } = &filter.kind {
        let mut columns = locals(args)?;
        columns.push(None);
        return Some((function, columns));
    }
    let ExprKind::Binary {
        op: BinaryOp::Eq | BinaryOp::In,
        left,
        right,
        ..
    } = &filter.kind
    else {
        return None;
    };
    let (call, value) = match (&left.kind, &right.kind) {
        (ExprKind::Call { .. }, _) => (left, right),
        _ => (right, left),
    };
    let ExprKind::Call { function, args } = &call.kind else {
        return None;
    };
    let mut columns = locals(args)?;
    match &value.kind {
        ExprKind::Tuple(parts) | ExprKind::Vector(parts) => columns.extend(locals(parts)?),
        ExprKind::Literal(Literal::Bool(true)) => columns.push(None),
        _ => columns.push(Some(local(value)?)),
    }
    Some((function, columns))
}

fn locals(list: &[Expr]) -> Option<Vec<Option<&str>>> {
    list.iter().map(|e| local(e).map(Some)).collect()
}

fn local(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Variable(Variable::Local(name)) => Some(&name.text),
        _ => None,
    }
}

/// The view that `as inverse of` makes of a stored function of one argument and one result.
pub fn inverse_of(stored: &Arc<Function>) -> View {
    View {
        stored: stored.clone(),
        columns: vec![Some(1), Some(0)],
    }
}

/// The function as one that can be updated: itself if it is stored, or the view that it is.
pub fn updatable(catalog: &Catalog, function: &Arc<Function>) -> Result<Option<Arc<Function>>> {
    match &function.body {
        FunctionBody::Stored(table) if table.lasting().is_some() => Ok(None),
        FunctionBody::Stored(_) | FunctionBody::Inverse(_) => Ok(Some(function.clone())),
        FunctionBody::Derived(definition, _) => Ok(view(catalog, function)?.map(|view| {
            let signature = function.signature.clone();
            let body = FunctionBody::Inverse(view);
            Arc::new(Function::new(signature, body, definition, None))
        })),
        _ => Ok(None),
    }
}
