//! Bags count. A condition does not only hold or not: it holds so many times, and a row occurs as
//! often as all its conditions together, their numbers multiplied, as a join in SQL counts pairs. So
//! neither the order of conditions nor who binds a variable first changes how often a row occurs:
//!
//! - `x in b` holds as often as b holds x, whether it binds x or tests it; b may be a stored function, a
//!   subquery, a vector, anything that has elements. A predicate that is defined by it counts the same.
//! - a function or comparison of single values that meets a bag is applied to each element (Daplex
//!   semantics), so `b = x` counts as `x in b` does, and `a = b` of two bags counts pairs;
//! - `p and q` holds the product of times, `p or q` as often as the one that holds more often;
//! - `some(…)`, `notany(…)`, `case`, `while` ask whether something holds, once (`is_true` in `run/eval.rs`
//!   says what that means for false and null);
//! - results and keys of groups count in the same way: a bag makes a row of each element. A call of an
//!   aggregate in a grouped query takes what each row of the group gives: one value, or the elements of
//!   a bag. A sort key makes no rows; it has to have one value.
//!
//! Accordingly a test of membership is a step that makes rows and not a filter.

use std::sync::Arc;

use super::Compiler;
use super::frame::Fragment;
use crate::model::{Type, Value};
use crate::plan::{Pattern, PlanExpr, Slot, Step};
use crate::syntax::ast::{self, BinaryOp, ExprKind, Name, Variable};
use crate::text::diagnostic::Result;

impl Compiler<'_> {
    /// Whether an equation with a bag is one for each of its elements.
    pub(super) fn is_solved_for_each(
        &mut self,
        solved: &ast::Expr,
        bag: &ast::Expr,
    ) -> Result<bool> {
        Ok(self.is_bound(bag)?
            && !self.is_pattern(solved)?
            && self.stored_call(solved)?.is_none()
            && self.fragment(|c| c.expr(bag))?.whole_type().is_collection())
    }

    /// An equation with each element of a bag: the same element solves it and checks the solution.
    pub(super) fn place_each(&mut self, solved: &ast::Expr, bag: &ast::Expr) -> Result<()> {
        let slot = self.hidden(Type::Object, false);
        let name: Arc<str> = format!("element {slot}").into();
        self.top().vars[slot].name = name.clone();
        let span = bag.span.clone();
        let kind = ExprKind::Variable(Variable::Local(Name {
            text: name,
            span: span.clone(),
        }));
        let element = ast::Expr {
            kind,
            span: span.clone(),
        };
        self.place_let(&element, bag)?;
        self.place_condition(&ast::Expr {
            kind: ExprKind::Binary {
                op: BinaryOp::Eq,
                op_span: span.clone(),
                left: Box::new(solved.clone()),
                right: Box::new(element),
            },
            span,
        })
    }

    /// Adds the step for an `or` of these branches, which bind these variables.
    pub(super) fn either(&mut self, branches: Vec<Vec<Step>>, bound: Vec<Slot>) {
        let branches: [Vec<Step>; 2] = branches.try_into().ok().expect("an 'or' has two sides");
        let branches = Box::new(branches);
        self.top()
            .steps
            .push(Step::Alternatives { branches, bound });
    }

    /// `and` and `or` of conditions whose variables all have values.
    pub(super) fn logical(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<(PlanExpr, Type)> {
        let sides = [left, right].map(|side| self.fragment(|c| c.expr(side)));
        let [left, right] = sides;
        let sides = [left?, right?];
        let counts = |side: &Fragment| !side.frame.steps.is_empty() || side.ty.is_collection();
        if !sides.iter().any(counts) {
            let sides = sides.map(|side| self.splice(side).0).into();
            let expr = match op {
                BinaryOp::And => PlanExpr::And(sides),
                _ => PlanExpr::Or(sides),
            };
            return Ok((expr, Type::Boolean));
        }
        let before = std::mem::take(&mut self.top().steps);
        let mut branches = Vec::new();
        for side in sides {
            let (condition, _) = self.single(side);
            self.require(condition, None);
            branches.push(std::mem::take(&mut self.top().steps));
        }
        self.top().steps = before;
        match op {
            BinaryOp::And => self.top().steps.extend(branches.into_iter().flatten()),
            _ => self.either(branches, vec![]),
        }
        Ok((PlanExpr::Const(Value::Bool(true)), Type::Boolean))
    }

    /// What `in` goes through, with its type, where `members` is compiled to a fragment. The one row that
    /// a call gives is the only member, not a vector of members: `(1,'x') in f(z)` is the same whether
    /// `f` gives one row or many.
    pub(super) fn members(&mut self, members: &ast::Expr, fragment: Fragment) -> (PlanExpr, Type) {
        let is_call = matches!(members.kind, ExprKind::Call { .. });
        match self.fragment_value(fragment) {
            (row, ty @ Type::Tuple(_)) if is_call => {
                (PlanExpr::Singleton(Box::new(row)), Type::bag(ty))
            }
            members => members,
        }
    }

    /// `x in b` with a value for x: a row for each element that equals it.
    pub(super) fn test_membership(&mut self, needle: &ast::Expr, bag: &ast::Expr) -> Result<()> {
        let fragment = self.fragment(|c| c.expr(needle))?;
        let (needle, ty) = self.single(fragment);
        let known = self.hidden(ty, true);
        let let_known = Pattern::Bind(known, Type::Object);
        self.top().steps.push(Step::Let(let_known, needle));
        let fragment = self.fragment(|c| c.expr(bag))?;
        let (over, ty) = self.members(bag, fragment);
        self.top().steps.push(Step::Iterate {
            pattern: Pattern::Equal(PlanExpr::Slot(known)),
            over,
            stream: matches!(ty, Type::Stream(_)),
        });
        Ok(())
    }
}
