//! Conditions that do something: `_assign(variable, expression)` and `_do(expression)`.

use std::sync::Arc;

use super::Compiler;
use super::planner::{Conjunct, Rank};
use crate::model::Function;
use crate::model::native::CallForm;
use crate::plan::{ActionStep, RowAction, Slot, Step, VariableChange};
use crate::syntax::ast::{self, ExprKind, Variable};
use crate::text::diagnostic::Result;

/// A condition that does something.
pub(super) enum ActionCondition<'e> {
    Assign(&'e ast::Expr, &'e ast::Expr),
    Do(&'e ast::Expr),
}

/// A variable's slot, the function that says how it is changed, and the arguments behind the variable.
type ChangedVariable<'e> = (Slot, Arc<Function>, &'e [ast::Expr]);

impl Compiler<'_> {
    pub(super) fn action<'e>(&self, expr: &'e ast::Expr) -> Option<ActionCondition<'e>> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return None;
        };
        match (self.call_form(function), args.as_slice()) {
            (CallForm::AssignsVariable, [variable, value])
                if matches!(&variable.kind, ExprKind::Variable(Variable::Local(_))) =>
            {
                Some(ActionCondition::Assign(variable, value))
            }
            (CallForm::EvaluatesForAll, [expr]) => Some(ActionCondition::Do(expr)),
            _ => None,
        }
    }

    pub(super) fn is_do(&self, conjunct: &Conjunct) -> bool {
        matches!(self.action(&conjunct.expr), Some(ActionCondition::Do(_)))
    }

    /// What it would cost to place it next.
    pub(super) fn rank_action(&mut self, action: &ActionCondition) -> Result<Option<Rank>> {
        match action {
            ActionCondition::Assign(_, value) => {
                Ok(self.is_bound(value)?.then_some(Rank::OneValue))
            }
            ActionCondition::Do(expr) if self.is_bound(expr)? => Ok(Some(Rank::OneValue)),
            // What it changes must be there; what else has no value it goes through.
            ActionCondition::Do(expr) => match first_argument(expr) {
                Some(variable) if !self.is_bound(variable)? => Ok(None),
                _ => Ok(Some(Rank::Solution)),
            },
        }
    }

    pub(super) fn place_action(&mut self, action: &ActionCondition) -> Result<()> {
        match action {
            ActionCondition::Assign(variable, value) => {
                if let ExprKind::Variable(Variable::Local(name)) = &variable.kind
                    && let Some(slot) = self.top().find(&name.text)
                {
                    // It may have a value already.
                    self.top().vars[slot].bound = false;
                }
                self.place_let(variable, value)
            }
            ActionCondition::Do(expr) => self.place_do(expr),
        }
    }

    fn place_do(&mut self, expr: &ast::Expr) -> Result<()> {
        let before = self.top().steps.len();
        let own = self.unbound_in(expr)?;
        let element = changed_element(expr);
        while !self.is_bound(expr)? {
            if let Some(element) = &element
                && self.generate_index(element)?
            {
                continue;
            }
            if !self.generate_needed_index(expr)? && !self.generate(&[expr], None)? {
                return Err(self.nothing_binds(expr));
            }
        }
        let action = self.row_action(expr)?;
        let steps = self.top().steps.split_off(before);
        for (_, slot) in own {
            // Its values end with it: another such condition goes through its own.
            let var = &mut self.top().vars[slot];
            (var.bound, var.span) = (false, None);
        }
        let act = Box::new(ActionStep { steps, action });
        self.top().steps.push(Step::Act(act));
        Ok(())
    }

    fn row_action(&mut self, expr: &ast::Expr) -> Result<RowAction> {
        let Some((slot, function, args)) = self.changed_variable(expr)? else {
            return Ok(RowAction::Evaluate(self.as_value(expr)?.0));
        };
        let mut compiled = Vec::with_capacity(args.len());
        for arg in args {
            let fragment = self.fragment(|c| c.expr(arg))?;
            compiled.push(self.single(fragment).0);
        }
        Ok(RowAction::Change(VariableChange {
            slot,
            function,
            args: compiled,
            span: expr.span.clone(),
        }))
    }

    /// The local variable of the topmost frame that a call changes, the function that says how, and the
    /// arguments behind the variable.
    pub(super) fn changed_variable<'e>(
        &mut self,
        expr: &'e ast::Expr,
    ) -> Result<Option<ChangedVariable<'e>>> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return Ok(None);
        };
        let [variable, rest @ ..] = args.as_slice() else {
            return Ok(None);
        };
        let ExprKind::Variable(Variable::Local(name)) = &variable.kind else {
            return Ok(None);
        };
        if self.call_form(function) != CallForm::ChangesVariable {
            return Ok(None);
        }
        let resolvents = self.catalog.functions.named(function)?;
        let mut changing = resolvents.iter().filter(|f| f.arity() == args.len());
        let changing = changing.find(|f| f.native().is_some_and(|n| n.change.is_some()));
        // A variable of a query around would keep its value.
        let slot = self.top().find(&name.text).filter(|slot| {
            let captures = &self.frames.last().map(|frame| &frame.captures);
            captures.is_none_or(|captures| captures.iter().all(|c| c.1 != *slot))
        });
        match (slot, changing) {
            (Some(slot), Some(changing)) => Ok(Some((slot, changing.clone(), rest))),
            _ => Ok(None),
        }
    }
}

/// The element that `setf(a,i,j,v)` would change, `a[i,j]`: a position without a value goes through those of
/// the array.
fn changed_element(expr: &ast::Expr) -> Option<ast::Expr> {
    let ExprKind::Call { args, .. } = &expr.kind else {
        return None;
    };
    let [variable, positions @ .., _] = args.as_slice() else {
        return None;
    };
    matches!(variable.kind, ExprKind::Variable(_)).then(|| ast::Expr {
        kind: ExprKind::Index {
            base: Box::new(variable.clone()),
            indices: positions.to_vec(),
        },
        span: expr.span.clone(),
    })
}

/// The variable that a call may change.
fn first_argument(expr: &ast::Expr) -> Option<&ast::Expr> {
    match &expr.kind {
        ExprKind::Call { args, .. } => {
            let first = args.first();
            first.filter(|arg| matches!(arg.kind, ExprKind::Variable(_)))
        }
        _ => None,
    }
}
