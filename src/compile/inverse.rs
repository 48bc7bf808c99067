//! Derived functions that are inverses of stored ones, and can be updated as those can.

use std::sync::Arc;

use crate::diagnostic::Result;
use crate::functions::Function;
use crate::functions::function::Body;
use crate::session::World;
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, Variable};

/// The inverse that a derived function like `select e where department(e) = d` is.
pub fn inverted(world: &World, function: &Function) -> Result<Option<Arc<Function>>> {
    let Body::Derived(definition, _) = &function.body else {
        return Ok(None);
    };
    let Some(stored_name) = inverse_of(definition) else {
        return Ok(None);
    };
    let ([param], [column]) = (&*function.signature.params, &*function.signature.columns) else {
        return Ok(None);
    };
    for stored in world.library.named(stored_name)?.iter() {
        let ([argument], [result]) = (&*stored.signature.params, &*stored.signature.columns) else {
            continue;
        };
        let fits = column.ty.is_subtype_of(&argument.ty) && param.ty.is_subtype_of(&result.ty);
        if fits && matches!(stored.body, Body::Stored(_)) {
            let body = Body::Inverse(stored.clone());
            let inverse = Function::new(function.signature.clone(), body, definition, None);
            return Ok(Some(Arc::new(inverse)));
        }
    }
    Ok(None)
}

/// The function `f` of a definition whose query is `select x … where f(x) = parameter`.
fn inverse_of(definition: &ast::CreateFunction) -> Option<&ast::FunctionName> {
    let ast::Body::Query(query) = &definition.body else {
        return None;
    };
    let ExprKind::Select(select) = &query.kind else {
        return None;
    };
    let ([item], Some(filter)) = (&*select.items, &select.filter) else {
        return None;
    };
    let ExprKind::Binary {
        op, left, right, ..
    } = &filter.kind
    else {
        return None;
    };
    if !matches!(op, BinaryOp::Eq | BinaryOp::In) {
        return None;
    }
    let result = local(item)?;
    let [parameter] = &*definition.parameters else {
        return None;
    };
    let parameter = &parameter.name.as_ref()?.text;
    let side = |call: &'_ Expr, value: &Expr| -> bool {
        let ExprKind::Call { args, .. } = &call.kind else {
            return false;
        };
        let [arg] = args.as_slice() else { return false };
        local(arg) == Some(result) && local(value) == Some(&**parameter)
    };
    let call = if side(left, right) {
        left
    } else if side(right, left) {
        right
    } else {
        return None;
    };
    match &call.kind {
        ExprKind::Call { function, .. } => Some(function),
        _ => None,
    }
}

fn local(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Variable(Variable::Local(name)) => Some(&name.text),
        _ => None,
    }
}
