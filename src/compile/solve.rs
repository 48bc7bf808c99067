//! Solving an equation for its one unbound variable.

use std::sync::Arc;

use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Name, UnaryOp, Variable};

use super::names::free;

/// Makes the solution out of the other side of the equation.
pub type Solution = Box<dyn Fn(Expr) -> Expr>;

/// The one unbound variable of `side`, and what it equals given the other side of the equation; if
/// `side` is arithmetic with exactly one use of one variable of `unbound`.
pub fn isolate(side: &Expr, unbound: &[Arc<str>]) -> Option<(Name, Solution)> {
    let uses: Vec<_> = free(side)
        .into_iter()
        .filter(|n| unbound.contains(&n.text))
        .collect();
    let [name] = uses.as_slice() else { return None };
    let name = (*name).clone();
    let solution = peel(side, &name.text, Box::new(|value| value))?;
    Some((name, solution))
}

/// Peels operators off `side` until the variable alone is left.
fn peel(side: &Expr, name: &str, so_far: Solution) -> Option<Solution> {
    let has = |e: &Expr| free(e).iter().any(|n| &*n.text == name);
    match &side.kind {
        ExprKind::Variable(Variable::Local(n)) if &*n.text == name => Some(so_far),
        ExprKind::Unary {
            op: UnaryOp::Minus,
            arg,
        } => {
            let negate = |value: Expr| Expr {
                span: value.span.clone(),
                kind: ExprKind::Unary {
                    op: UnaryOp::Minus,
                    arg: Box::new(value),
                },
            };
            peel(arg, name, Box::new(move |value| negate(so_far(value))))
        }
        ExprKind::Binary {
            op, left, right, ..
        } => {
            let in_left = has(left);
            let (inner, other) = if in_left {
                (left, right)
            } else {
                (right, left)
            };
            // `value op other` undoes the operator, or `other op value` does.
            let (undo, value_first) = match (op, in_left) {
                (BinaryOp::Plus, _) => (BinaryOp::Minus, true),
                (BinaryOp::Minus, true) => (BinaryOp::Plus, true),
                (BinaryOp::Minus, false) => (BinaryOp::Minus, false),
                (BinaryOp::Times, _) => (BinaryOp::Div, true),
                (BinaryOp::Div, true) => (BinaryOp::Times, true),
                (BinaryOp::Div, false) => (BinaryOp::Div, false),
                _ => return None,
            };
            let other = (**other).clone();
            let solved = move |value: Expr| {
                let value = so_far(value);
                let span = value.span.clone();
                let (left, right) = if value_first {
                    (value, other.clone())
                } else {
                    (other.clone(), value)
                };
                let (left, right) = (Box::new(left), Box::new(right));
                Expr {
                    kind: ExprKind::Binary {
                        op: undo,
                        op_span: span.clone(),
                        left,
                        right,
                    },
                    span,
                }
            };
            peel(inner, name, Box::new(solved))
        }
        _ => None,
    }
}
