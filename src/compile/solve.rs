//! Solving a condition changes no answer.
//!
//! A condition holds for the values for which it, as it is written, is true. To turn `e(x) = v` round
//! is a plan for where the values of `x` come from, not another meaning of the condition:
//!
//! 1. A condition that can be turned round binds a variable only where nothing else does: no collection,
//!    no row of a stored function, no position of a vector. Where something else does, what it gives is
//!    filtered by the condition. For no inverse finds all that is true: reals are rounded, so that many
//!    solve `x + 1e16 = 1e16`, and any number solves `0 * x = 0`.
//! 2. What the inverse gives is a candidate. It is bound only if the condition as it is written holds
//!    for it, and is of the declared type.
//! 3. An inverse that does not apply (it overflows, divides by zero, or the string does not end so) has
//!    no candidate, which is no error. Where so many values solve the condition that they cannot be
//!    told, the error says that nothing gives the variable a value.
//! 4. What `x = v`, `x in b` or a row binds is equal to what it is bound by, also where it is declared
//!    to be of another type: a `Real` never becomes what an integer beyond 2^53 is rounded to.
//! 5. A call of a derived function is solved as its body would be, and is then checked as a call
//!    ([`super::unfold`]).

use std::sync::Arc;

use super::Compiler;
use super::names::free;
use crate::model::Type;
use crate::plan::{Equation, Pattern, PlanExpr, Step, UnknownOperation};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Name, UnaryOp, Variable};
use crate::text::diagnostic::{Result, Span};

/// An expression that is operations on one use of one unknown variable.
pub(super) struct Isolated<'e> {
    pub unknown: &'e Name,
    /// The outermost first.
    operations: Vec<IsolatedOperation<'e>>,
}

struct IsolatedOperation<'e> {
    whole: &'e Expr,
    operand: Option<&'e Expr>,
}

/// What operations make of the unknown in `side`, if it has exactly one use of one variable of
/// `unbound`.
pub(super) fn isolate<'e>(side: &'e Expr, unbound: &[Arc<str>]) -> Option<Isolated<'e>> {
    let uses: Vec<_> = free(side)
        .into_iter()
        .filter(|n| unbound.contains(&n.text))
        .collect();
    let [name] = uses.as_slice() else { return None };
    let has = |e: &Expr| free(e).iter().any(|n| n.text == name.text);
    let mut operations = Vec::new();
    let mut at = side;
    loop {
        let (inner, operand) = match &at.kind {
            ExprKind::Variable(Variable::Local(unknown)) if !operations.is_empty() => {
                return Some(Isolated {
                    unknown,
                    operations,
                });
            }
            ExprKind::Unary {
                op: UnaryOp::Minus,
                arg,
            } => (arg, None),
            ExprKind::Binary {
                op: BinaryOp::Plus | BinaryOp::Minus | BinaryOp::Times | BinaryOp::Div,
                left,
                right,
                ..
            } if has(left) => (left, Some(&**right)),
            ExprKind::Binary {
                op: BinaryOp::Plus | BinaryOp::Minus | BinaryOp::Times | BinaryOp::Div,
                left,
                right,
                ..
            } => (right, Some(&**left)),
            _ => return None,
        };
        operations.push(IsolatedOperation { whole: at, operand });
        at = inner;
    }
}

impl Compiler<'_> {
    /// Whether `side` can be solved for its unknown once the other side has a value.
    pub(super) fn is_solvable(&mut self, side: &Expr) -> Result<bool> {
        let unbound = self.unbound_names(side)?;
        let Some(isolated) = isolate(side, &unbound) else {
            return Ok(false);
        };
        let frame = self.top();
        let slot = frame.find(&isolated.unknown.text);
        Ok(slot.is_some_and(|slot| {
            let ty = &frame.vars[slot].ty;
            !ty.is_collection() && !matches!(ty, Type::User(_) | Type::Boolean | Type::Record)
        }))
    }

    /// Solves `side = value` for the unknown in `side`. The operands and the value are evaluated once;
    /// the condition as it is written is then checked with them.
    pub(super) fn place_solution(&mut self, whole: &Expr, side: &Expr, value: &Expr) -> Result<()> {
        let unbound = self.unbound_names(side)?;
        let Some(isolated) = isolate(side, &unbound) else {
            return Err(self.nothing_binds(whole));
        };
        let unknown = isolated.unknown;
        let (value, known_value) = self.held(value)?;
        let mut operations = Vec::new();
        let mut operands = Vec::new();
        for operation in &isolated.operations {
            let Some(operand) = operation.operand else {
                operations.push(UnknownOperation::Negation);
                operands.push(None);
                continue;
            };
            let (held, known) = self.held(operand)?;
            let ExprKind::Binary { op, left, .. } = &operation.whole.kind else {
                return Err(self.nothing_binds(whole));
            };
            operations.push(if std::ptr::eq(&**left, operand) {
                UnknownOperation::OnRight(*op, known)
            } else {
                UnknownOperation::OnLeft(*op, known)
            });
            operands.push(Some(held));
        }
        let written = rebuilt(&isolated, operands);
        let condition = equation(whole, written, value);
        let slot = self
            .top()
            .find(&unknown.text)
            .ok_or_else(|| self.unknown_variable(unknown))?;
        self.top().vars[slot].bound = true;
        let condition = self.filter(&condition)?;
        let ty = self.top().vars[slot].ty.clone();
        self.top().steps.push(Step::Solve(Box::new(Equation {
            unknown: slot,
            ty,
            value: known_value,
            operations,
            condition,
            span: unknown.span.clone(),
        })));
        Ok(())
    }

    /// Evaluates a bound expression into a variable of its own: the variable as an expression, in the
    /// text and in the plan.
    fn held(&mut self, expr: &Expr) -> Result<(Expr, PlanExpr)> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        let (value, ty) = self.single(fragment);
        if let PlanExpr::Const(_) = value {
            return Ok((expr.clone(), value));
        }
        let slot = self.hidden(ty, true);
        let name: Arc<str> = format!("value {slot}").into();
        self.top().vars[slot].name = name.clone();
        let pattern = Pattern::Bind(slot, Type::Object);
        self.top().steps.push(Step::Let(pattern, value));
        Ok((variable(name, &expr.span), PlanExpr::Slot(slot)))
    }
}

pub(super) fn variable(text: Arc<str>, span: &Span) -> Expr {
    let span = span.clone();
    Expr {
        kind: ExprKind::Variable(Variable::Local(Name {
            text,
            span: span.clone(),
        })),
        span,
    }
}

/// The operations on the unknown, with the variables that hold their operands.
fn rebuilt(isolated: &Isolated, operands: Vec<Option<Expr>>) -> Expr {
    let unknown = isolated.unknown;
    let mut inner = variable(unknown.text.clone(), &unknown.span);
    for (operation, held) in isolated.operations.iter().zip(operands).rev() {
        let kind = match (&operation.whole.kind, held) {
            (
                ExprKind::Binary {
                    op, op_span, left, ..
                },
                Some(held),
            ) => {
                let on_right = operation.operand.is_some_and(|o| std::ptr::eq(&**left, o));
                let (left, right) = if on_right {
                    (held, inner)
                } else {
                    (inner, held)
                };
                ExprKind::Binary {
                    op: *op,
                    op_span: op_span.clone(),
                    left: Box::new(left),
                    right: Box::new(right),
                }
            }
            _ => ExprKind::Unary {
                op: UnaryOp::Minus,
                arg: Box::new(inner),
            },
        };
        inner = Expr {
            kind,
            span: operation.whole.span.clone(),
        };
    }
    inner
}

/// `left = right`, where `whole` stands in the text.
pub(super) fn equation(whole: &Expr, left: Expr, right: Expr) -> Expr {
    Expr {
        kind: ExprKind::Binary {
            op: BinaryOp::Eq,
            op_span: whole.span.clone(),
            left: Box::new(left),
            right: Box::new(right),
        },
        span: whole.span.clone(),
    }
}
