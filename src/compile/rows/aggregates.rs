//! Which selects are about all rows or groups of them: those with aggregates.

use std::sync::Arc;

use super::prepare::Preparation;
use crate::compile::names::children;
use crate::model::{Function, Type};
use crate::syntax::ast::{Expr, ExprKind, Select, UnaryOp};

impl Preparation<'_> {
    /// Whether rows are put together.
    pub fn is_grouped(&self, select: &Select) -> bool {
        let order = select.order_by.iter().map(|key| &key.expr);
        let mut given = select.items.iter().chain(&select.having).chain(order);
        !select.group_by.is_empty()
            || select.of_rows && (select.having.is_some() || given.any(|e| self.aggregates(e)))
    }

    /// Whether an expression is a bag by itself, which no row of a group contributes to.
    fn is_collection(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Select(_) | ExprKind::Bag(_) => true,
            ExprKind::Call { function, .. } => {
                let functions = self.catalog.functions.named(function);
                let many = |f: &Arc<Function>| f.signature.result_type().is_collection();
                functions.is_ok_and(|functions| functions.iter().all(many))
            }
            _ => false,
        }
    }

    /// Whether an expression has an aggregate of the rows.
    fn aggregates(&self, expr: &Expr) -> bool {
        if let ExprKind::Call { function, args } = &expr.kind
            && let [argument] = args.as_slice()
            && !self.is_collection(argument)
            && let Ok(functions) = self.catalog.functions.named(function)
        {
            let over_bag = |f: &Arc<Function>| {
                matches!(f.signature.params.as_slice(), [only] if matches!(only.ty, Type::Bag(_)))
                    && !f.signature.result_type().is_collection()
            };
            if functions.iter().any(over_bag) {
                return true;
            }
        }
        children(expr)
            .into_iter()
            .any(|child| self.aggregates(child))
    }
}

/// Whether `count(*)` or `f(distinct x)` is in it, which are about rows, whatever they are.
pub fn counts_rows(item: &Expr) -> bool {
    match &item.kind {
        ExprKind::Unary {
            op: UnaryOp::Distinct,
            ..
        } => true,
        ExprKind::Call { args, .. }
            if matches!(
                args.as_slice(),
                [Expr {
                    kind: ExprKind::AllColumns(None),
                    ..
                }]
            ) =>
        {
            true
        }
        _ => children(item).into_iter().any(counts_rows),
    }
}
