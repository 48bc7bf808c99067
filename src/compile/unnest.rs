//! Takes calls of stored functions out of the calls around them, so that they can be looked up.

use std::sync::Arc;

use super::Compiler;
use super::names::children_mut;
use super::planner::Conjunct;
use super::stateful::is_stateful;
use crate::model::Type;
use crate::model::function::FunctionBody;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Name, Variable};
use crate::text::diagnostic::Result;

impl Compiler<'_> {
    /// Takes calls of stored functions out of other calls where their arguments are not bound yet, so
    /// that they can be looked up: `name(dept(p)) = "x"` becomes `name(d) = "x" and dept(p) = d`. The
    /// conjuncts are parts of the bodies of the functions `unfolded`.
    pub(super) fn unnest(
        &mut self,
        mut expr: ast::Expr,
        unfolded: &[u64],
        pending: &mut Vec<Conjunct>,
    ) -> Result<()> {
        let mut taken = Vec::new();
        let top_level = matches!(
            expr.kind,
            ExprKind::Binary {
                op: BinaryOp::Eq | BinaryOp::In,
                ..
            }
        );
        let whole = self.hides_collections(&expr)?;
        match &mut expr.kind {
            _ if whole => {}
            ExprKind::Binary { left, right, .. } if top_level => {
                for side in [left, right] {
                    if self.hides_collections(side)? {
                        continue;
                    }
                    for child in children_mut(side) {
                        self.take_out(child, &mut taken)?;
                    }
                }
            }
            ExprKind::Binary {
                op: BinaryOp::Or | BinaryOp::And,
                ..
            } => {}
            _ => {
                for child in children_mut(&mut expr) {
                    self.take_out(child, &mut taken)?;
                }
            }
        }
        let stateful = is_stateful(self.catalog, &expr)?;
        pending.push(Conjunct {
            unfolded: unfolded.to_vec(),
            ..Conjunct::written(expr, stateful)
        });
        for conjunct in taken {
            self.unnest(conjunct, unfolded, pending)?;
        }
        Ok(())
    }

    pub(super) fn take_out(
        &mut self,
        expr: &mut ast::Expr,
        taken: &mut Vec<ast::Expr>,
    ) -> Result<()> {
        if self.hides_collections(expr)? {
            return Ok(());
        }
        if let Some(ty) = self.unbound_stored_type(expr)? {
            let slot = self.hidden(ty, false);
            let name: Arc<str> = format!("value {slot}").into();
            self.top().vars[slot].name = name.clone();
            let variable = ExprKind::Variable(Variable::Local(Name {
                text: name,
                span: expr.span.clone(),
            }));
            let span = expr.span.clone();
            let call = std::mem::replace(&mut expr.kind, variable);
            let side = |kind| {
                Box::new(ast::Expr {
                    kind,
                    span: span.clone(),
                })
            };
            let kind = ExprKind::Binary {
                op: BinaryOp::Eq,
                op_span: span.clone(),
                left: side(call),
                right: side(expr.kind.clone()),
            };
            taken.push(ast::Expr { kind, span });
            return Ok(());
        }
        for child in children_mut(expr) {
            self.take_out(child, taken)?;
        }
        Ok(())
    }

    /// Whether functions inside `expr` must stay there: it takes collections whole, or not always.
    pub(super) fn hides_collections(&self, expr: &ast::Expr) -> Result<bool> {
        let ExprKind::Call { function, .. } = &expr.kind else {
            return Ok(matches!(
                expr.kind,
                ExprKind::Case { .. } | ExprKind::Select(_) | ExprKind::Bag(_)
            ));
        };
        let resolvents = self.catalog.functions.named(function)?;
        let whole = resolvents
            .iter()
            .flat_map(|f| &f.signature.params)
            .any(|p| p.ty.is_collection());
        Ok(whole)
    }

    /// The result type of a call of a stored function of unbound variables.
    pub(super) fn unbound_stored_type(&mut self, expr: &ast::Expr) -> Result<Option<Type>> {
        let ExprKind::Call { args, .. } = &expr.kind else {
            return Ok(None);
        };
        if self.is_bound(expr)? {
            return Ok(None);
        }
        if let Some(call) = self.stored_call(expr)? {
            return Ok(match call.function.signature.columns.as_slice() {
                [one] => Some(one.ty.clone()),
                _ => None,
            });
        }
        // Nested ones: the inner call is taken out in turn once this one has been.
        let ExprKind::Call { function, .. } = &expr.kind else {
            return Ok(None);
        };
        let resolvents = self.catalog.functions.named(function)?;
        let [only] = &*resolvents else {
            return Ok(None);
        };
        let stored = matches!(only.body, FunctionBody::Stored(_));
        Ok(
            (stored && only.arity() == args.len() && only.signature.columns.len() == 1)
                .then(|| only.signature.columns[0].ty.clone()),
        )
    }
}

/// Whether the variable has the value of a call that was taken out.
pub(super) fn is_taken_out(name: &Name) -> bool {
    // Nobody can write a name with a blank in it.
    name.text.starts_with("value ")
}
