//! The steps of a condition that was chosen to be next: a filter, what binds variables, a lookup of rows,
//! a solution, the sides of an `or`.

use super::Compiler;
use super::frame::Var;
use super::names::free;
use super::planner::{Conjunct, is_never, split};
use super::unnest::is_taken_out;
use crate::catalog::fit::fit;
use crate::model::{Type, Value};
use crate::plan::{LookupColumn, Pattern, PlanExpr, RowCondition, Step};
use crate::syntax::ast::{self, BinaryOp, ExprKind, Name, Variable};
use crate::text::diagnostic::{Error, Result, Span};

impl Compiler<'_> {
    /// Adds the steps for one conjunct.
    pub(super) fn place(&mut self, conjunct: &Conjunct) -> Result<()> {
        if let Some(source) = &conjunct.source {
            return self.place_row(source);
        }
        if conjunct.is_check && self.is_bound(&conjunct.expr)? {
            let condition = self.condition(&conjunct.expr)?;
            self.require(condition, Some(&conjunct.expr.span));
            return Ok(());
        }
        self.place_condition(&conjunct.expr)
    }

    pub(super) fn place_condition(&mut self, expr: &ast::Expr) -> Result<()> {
        if let Some(action) = self.action(expr) {
            return self.place_action(&action);
        }
        if self.is_bound(expr)? {
            return self.place_filter(expr);
        }
        match &expr.kind {
            ExprKind::Binary {
                op: BinaryOp::Eq,
                left,
                right,
                ..
            } => self.place_equality(expr, left, right),
            ExprKind::Binary {
                op: BinaryOp::In,
                left,
                right,
                ..
            } => self.place_in(left, right),
            ExprKind::Binary {
                op: BinaryOp::Or,
                left,
                right,
                ..
            } => self.place_alternatives(left, right),
            _ => {
                let call = self
                    .stored_call(expr)?
                    .expect("ranked as a stored function's call");
                let holds = LookupColumn::Known(PlanExpr::Const(Value::Bool(true)));
                self.place_lookup(call, vec![holds])
            }
        }
    }

    /// A condition whose variables all have values.
    fn place_filter(&mut self, expr: &ast::Expr) -> Result<()> {
        if let ExprKind::Binary {
            op: BinaryOp::In,
            left,
            right,
            ..
        } = &expr.kind
            && self.stored_call(right)?.is_some()
        {
            return self.place_in(left, right);
        }
        let condition = self.filter(expr)?;
        self.require(condition, Some(&expr.span));
        Ok(())
    }

    /// A condition in the topmost frame; what its functions are lifted over becomes steps before it.
    pub(super) fn filter(&mut self, expr: &ast::Expr) -> Result<PlanExpr> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        Ok(self.single(fragment).0)
    }

    /// Only rows for which the condition holds go on; `span` is where it is written by itself.
    pub(super) fn require(&mut self, expr: PlanExpr, span: Option<&Span>) {
        if !matches!(expr, PlanExpr::Const(Value::Bool(true))) {
            let span = span.cloned();
            self.top()
                .steps
                .push(Step::Filter(RowCondition { expr, span }));
        }
    }

    fn place_equality(
        &mut self,
        whole: &ast::Expr,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<()> {
        for (solved, bag) in [(left, right), (right, left)] {
            if self.is_solved_for_each(solved, bag)? {
                return self.place_each(solved, bag);
            }
        }
        for (pattern, value) in [(left, right), (right, left)] {
            if !self.is_bound(value)? {
                continue;
            }
            if self.is_pattern(pattern)? {
                return self.place_let(pattern, value);
            }
            if let Some(call) = self.stored_call(pattern)? {
                let columns = self.result_columns(value, call.function.signature.columns.len())?;
                return self.place_lookup(call, columns);
            }
            if self.is_solvable(pattern)? {
                return self.place_solution(whole, pattern, value);
            }
        }
        for (pattern, call) in [(left, right), (right, left)] {
            if self.is_pattern(pattern)?
                && let Some(call) = self.stored_call(call)?
            {
                let columns =
                    self.result_columns(pattern, call.function.signature.columns.len())?;
                return self.place_lookup(call, columns);
            }
        }
        Err(self.nothing_binds(whole))
    }

    pub(super) fn place_let(&mut self, pattern: &ast::Expr, value: &ast::Expr) -> Result<()> {
        let fragment = self.fragment(|c| c.expr(value))?;
        if self.takes_elements(pattern, &fragment.whole_type()) {
            return self.place_in(pattern, value);
        }
        let (expr, ty) = if self.takes_whole(pattern) {
            let ty = fragment.whole_type();
            let expr = if ty.is_collection() {
                self.wrap(fragment)
            } else {
                self.splice(fragment).0
            };
            (expr, ty)
        } else {
            self.single(fragment)
        };
        let pattern = self.pattern(pattern, &ty)?;
        if let Pattern::Bind(slot, declared @ Type::User(_)) = &pattern
            && ty != *declared
            && ty.is_subtype_of(declared)
        {
            // Set equal to a value of a subtype, it is meant to be seen as what it is declared.
            let var = &mut self.top().vars[*slot];
            (var.ty, var.exact) = (declared.clone(), true);
        }
        self.top().steps.push(Step::Let(pattern, expr));
        Ok(())
    }

    fn place_in(&mut self, left: &ast::Expr, right: &ast::Expr) -> Result<()> {
        if let Some(call) = self.stored_call(right)? {
            let columns = self.result_columns(left, call.function.signature.columns.len())?;
            return self.place_lookup(call, columns);
        }
        let fragment = self.fragment(|c| c.expr(right))?;
        let ty = fragment.whole_type();
        let element = match &ty {
            Type::Bag(of) | Type::Stream(of) | Type::Vector(of) => (**of).clone(),
            Type::Binary => Type::Integer,
            Type::Object | Type::Tuple(_) | Type::Array(_) => Type::Object,
            // `x in kids(d)+1`: the bag has been taken out, and each of its elements comes by itself.
            _ if free(right).iter().any(|name| is_taken_out(name)) => {
                return self.place_let(left, right);
            }
            other => {
                return Err(Error::compile(format!("{other} has no elements"))
                    .at(&right.span)
                    .help(
                        "'in' takes a bag, a stream, a vector, an array or a binary; use '=' for one value",
                    ));
            }
        };
        let (over, ty) = self.members(right, fragment);
        let element = match &ty {
            Type::Bag(row) if matches!(**row, Type::Tuple(_)) => (**row).clone(),
            _ => element,
        };
        let pattern = self.pattern(left, &element)?;
        let stream = matches!(ty, Type::Stream(_));
        self.top().steps.push(Step::Iterate {
            pattern,
            over,
            stream,
        });
        Ok(())
    }

    /// The pattern that `expr` is for values of type `ty`: unbound variables in it get a value.
    pub(super) fn pattern(&mut self, expr: &ast::Expr, ty: &Type) -> Result<Pattern> {
        if self.is_bound(expr)? {
            let fragment = self.fragment(|c| c.expr(expr))?;
            return Ok(Pattern::Equal(self.single(fragment).0));
        }
        match &expr.kind {
            ExprKind::Variable(Variable::Local(name)) => self.bind(name, ty),
            ExprKind::Vector(elements) | ExprKind::Tuple(elements) => {
                let types: Vec<Type> = match ty {
                    Type::Tuple(types) if types.len() == elements.len() => types.to_vec(),
                    other => vec![other.element().clone(); elements.len()],
                };
                let types = types
                    .into_iter()
                    .map(|t| if t == *ty { Type::Object } else { t });
                let elements = elements.iter().zip(types);
                let patterns = elements.map(|(element, ty)| self.pattern(element, &ty));
                Ok(Pattern::Vector(patterns.collect::<Result<_>>()?))
            }
            _ => Err(self.nothing_binds(expr)),
        }
    }

    /// Binds a variable to values of type `ty`, which tells more of its own type.
    pub(super) fn bind(&mut self, name: &Name, ty: &Type) -> Result<Pattern> {
        let slot = self
            .top()
            .find(&name.text)
            .ok_or_else(|| self.unknown_variable(name))?;
        let var = &mut self.top().vars[slot];
        var.bound = true;
        if var.ty.is_collection() && !ty.is_collection() && *ty != Type::Object {
            // `Stream of Vector v … v in s`: declared like what it is taken from.
            var.ty = ty.clone();
        }
        if let (Type::Bag(of), Type::Bag(elements)) = (&var.ty, ty)
            && fit(elements, of).is_none()
        {
            // `Bag of Integer b … b = (select p from Person p)`: what is in a bag is not declared
            // strictly, in the reference neither.
            var.ty = ty.clone();
        }
        let declared = var.ty.clone();
        if is_never(ty, &declared) {
            let message = format!(
                "'{}' is declared {declared}, but its values are {ty}",
                name.span.text()
            );
            let error = Error::compile(message).at(&name.span);
            return Err(match (ty, &declared) {
                (Type::Binary, Type::Charstring) => {
                    error.help("declare it Binary and use charstring(…) to read it as text")
                }
                _ => error.help(format!("declare it {ty}")),
            });
        }
        if ty.is_subtype_of(&declared) && *ty != Type::Object {
            self.top().vars[slot].ty = ty.clone();
        }
        Ok(Pattern::Bind(slot, declared))
    }

    /// `a or b` with unbound variables: the rows of each, one after the other.
    fn place_alternatives(&mut self, left: &ast::Expr, right: &ast::Expr) -> Result<()> {
        let binding = |var: &Var| (var.bound, var.ty.clone(), var.exact);
        let before: Vec<_> = self.top().vars.iter().map(binding).collect();
        let steps = std::mem::take(&mut self.top().steps);
        let mut branches = Vec::new();
        let mut first_binding: Option<Vec<(bool, Type, bool)>> = None;
        for branch in [left, right] {
            for (var, before) in self.top().vars.iter_mut().zip(&before) {
                (var.bound, var.ty, var.exact) = before.clone();
            }
            let mut conjuncts = Vec::new();
            split(branch, &mut conjuncts);
            let conjuncts = conjuncts.into_iter();
            let conjuncts = conjuncts.map(|expr| Conjunct::written(expr, false));
            self.choose_all(conjuncts.collect(), None)?;
            branches.push(std::mem::take(&mut self.top().steps));
            let Some(first) = &first_binding else {
                let vars = &self.top().vars[..before.len()];
                first_binding = Some(vars.iter().map(binding).collect());
                continue;
            };
            let same = |(var, first): (&Var, &(bool, Type, bool))| var.bound == first.0;
            if !self.top().vars.iter().zip(first).all(same) {
                return Err(
                    Error::compile("both sides of 'or' must bind the same variables")
                        .at(&left.span.to(&right.span)),
                );
            }
            // Where they bind a variable to different types, no more is known than before.
            let vars = self.top().vars.iter_mut().zip(first).zip(before.iter());
            for ((var, (_, ty, exact)), before) in vars {
                if var.ty != *ty || var.exact != *exact {
                    (var.ty, var.exact) = (before.1.clone(), before.2);
                }
            }
        }
        self.top().steps = steps;
        let vars = self.top().vars[..before.len()].iter().zip(&before);
        let bound = vars
            .enumerate()
            .filter(|(_, (var, before))| var.bound && !before.0)
            .map(|(slot, _)| slot)
            .collect();
        self.either(branches, bound);
        Ok(())
    }
}
