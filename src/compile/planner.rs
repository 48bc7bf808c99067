//! The order of a query's conditions. What each becomes when it is chosen stands in [`super::place`].
//!
//! The where clause is split into conjuncts. One after the other is chosen, the one that costs least
//! with the variables bound so far, until none is left: filters as soon as they can run, then what
//! binds one value, keyed lookups, streams (outermost among all that make many rows, because a stream
//! may never end), indexed lookups, bags, extents of types, and what has to be solved for a variable
//! that nothing else binds ([`super::solve`]) last. Conjuncts with state (streams,
//! rand, now, procedures) keep their written order among themselves, and what makes one value with
//! state, or filters by it, does so for each row of what is written before and of each extent:
//! `i in range(9) and rand(1) < 0.5` takes a sample.
//! A row of a `from` clause is a conjunct like others, see [`super::rows`].
//! How often a row occurs is the rule of [`super::multiplicity`]; the order changes nothing of it.

use std::sync::Arc;

use super::Compiler;
use super::frame::{Var, unbound};
use super::generate::has_extent;
use super::names::free;
use super::rows::RowSource;
use crate::catalog::fit::{Mode, fit};
use crate::model::Type;
use crate::plan::Slot;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Variable};
use crate::text::diagnostic::{Error, Result};

/// What a conjunct would cost if it were chosen next; the smallest goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Filter,
    OneValue,
    KeyedLookup,
    Stream,
    IndexedLookup,
    Bag,
    Alternatives,
    Scan,
    /// It has to be solved for its variable.
    Solution,
}

pub(super) struct Conjunct {
    pub expr: ast::Expr,
    pub stateful: bool,
    /// The derived functions of whose bodies it is a part.
    pub unfolded: Vec<u64>,
    /// It checks what others bind, and binds nothing.
    pub is_check: bool,
    /// The row whose columns it binds; the expression is these columns then.
    pub source: Option<Arc<RowSource>>,
}

impl Conjunct {
    /// One that the text has.
    pub fn written(expr: ast::Expr, stateful: bool) -> Conjunct {
        Conjunct {
            expr,
            stateful,
            unfolded: vec![],
            is_check: false,
            source: None,
        }
    }
}

impl Compiler<'_> {
    /// Adds the steps for a where clause to the topmost frame. `results` are the expressions that
    /// are evaluated for each row: all that they use must have a value then.
    pub(super) fn plan_conditions(
        &mut self,
        given: Vec<Conjunct>,
        filter: Option<&ast::Expr>,
        results: &[&ast::Expr],
    ) -> Result<()> {
        let mut conjuncts = Vec::new();
        if let Some(filter) = filter {
            split(filter, &mut conjuncts);
        }
        let mut pending = given;
        for conjunct in conjuncts {
            if self.action(&conjunct).is_some() {
                pending.push(Conjunct::written(conjunct, true));
                continue;
            }
            self.unnest(conjunct, &[], &mut pending)?;
        }
        self.choose_all(pending, Some(results))?;
        self.bind_rest(results)
    }

    /// Adds steps for all of `pending`, the cheapest first. Without `results` they are one of several
    /// alternatives, and only variables that they use get values.
    pub(super) fn choose_all(
        &mut self,
        mut pending: Vec<Conjunct>,
        results: Option<&[&ast::Expr]>,
    ) -> Result<()> {
        while !pending.is_empty() {
            match self.cheapest(&pending)? {
                Some(at) => {
                    let conjunct = pending.remove(at);
                    self.place(&conjunct)?;
                }
                None => self.bind_one_more(&mut pending, results)?,
            }
        }
        Ok(())
    }

    /// Where no conjunct can be chosen: binds a variable by what is left.
    fn bind_one_more(
        &mut self,
        pending: &mut Vec<Conjunct>,
        results: Option<&[&ast::Expr]>,
    ) -> Result<()> {
        for conjunct in pending.iter().filter(|c| c.source.is_none()) {
            if !self.is_do(conjunct) && self.generate_needed_index(&conjunct.expr)? {
                return Ok(());
            }
        }
        if let Some(at) = self.next_solution(pending)? {
            let conjunct = pending.remove(at);
            return self.place(&conjunct);
        }
        let wanted = match results {
            Some(_) => None,
            None => Some(self.unbound_in_all(pending)?),
        };
        if self.generate_extent(wanted.as_deref())? || self.unfold(pending)? {
            return Ok(());
        }
        let conjuncts = pending.iter().filter(|c| !self.is_do(c)).map(|c| &c.expr);
        let results = results.unwrap_or_default().iter().copied();
        let within: Vec<_> = conjuncts.chain(results).collect();
        if self.generate(&within, wanted.as_deref())? {
            return Ok(());
        }
        // A check has the call as it is written, not what it was unfolded into.
        let written = pending.iter().find(|c| c.is_check).unwrap_or(&pending[0]);
        let written = written.expr.clone();
        Err(self.nothing_binds(&written))
    }

    /// The first conjunct that can be solved.
    fn next_solution(&mut self, pending: &[Conjunct]) -> Result<Option<usize>> {
        let mut state_waits = false;
        for (at, conjunct) in pending.iter().enumerate() {
            if self.rank(conjunct)? == Some(Rank::Solution) && !(conjunct.stateful && state_waits) {
                return Ok(Some(at));
            }
            state_waits |= conjunct.stateful;
        }
        Ok(None)
    }

    /// Whether no other conjunct has one of the unbound variables of `pending[at]`, and so may bind it.
    fn is_alone(&mut self, pending: &[Conjunct], at: usize) -> Result<bool> {
        let unbound = self.unbound_names(&pending[at].expr)?;
        // Each `_do` goes through values of its own.
        let others = pending.iter().enumerate();
        let others = others.filter(|(i, other)| *i != at && !self.is_do(other));
        let mut used = others.flat_map(|(_, other)| free(&other.expr));
        Ok(!used.any(|name| unbound.contains(&name.text)))
    }

    /// Gives a value to the variables that no condition binds.
    fn bind_rest(&mut self, results: &[&ast::Expr]) -> Result<()> {
        while let Some(slot) = self
            .top()
            .vars
            .iter()
            .position(|v| !v.bound && v.span.is_some())
        {
            if !self.generate(results, None)? {
                let var = &self.top().vars[slot];
                let span = var.span.clone().expect("chosen for having one");
                return Err(unbound(&var.name, &span));
            }
        }
        Ok(())
    }

    fn cheapest(&mut self, pending: &[Conjunct]) -> Result<Option<usize>> {
        let mut best: Option<(Rank, usize)> = None;
        let mut state_waits = false;
        for (at, conjunct) in pending.iter().enumerate() {
            let rank = self.rank(conjunct)?;
            let Some(mut rank) = rank.filter(|_| !(conjunct.stateful && state_waits)) else {
                continue;
            };
            state_waits |= conjunct.stateful;
            if rank == Rank::Solution {
                if !self.is_alone(pending, at)? {
                    continue;
                }
                rank = Rank::OneValue;
            }
            if conjunct.stateful
                && rank <= Rank::OneValue
                && (best.is_some() || self.extent_comes_first(&conjunct.expr)?)
            {
                continue;
            }
            if best.is_none_or(|(so_far, _)| rank < so_far) {
                best = Some((rank, at));
            }
        }
        Ok(best.map(|(_, at)| at))
    }

    /// Whether a variable that may have to go through the extent of its type has no value yet, and
    /// `expr` gives none to such a variable.
    fn extent_comes_first(&mut self, expr: &ast::Expr) -> Result<bool> {
        let waiting = |var: &Var| !var.bound && var.span.is_some() && has_extent(&var.ty);
        if !self.top().vars.iter().any(waiting) {
            return Ok(false);
        }
        let bound_here = self.unbound_in(expr)?;
        Ok(!bound_here
            .iter()
            .any(|(_, slot)| has_extent(&self.top().vars[*slot].ty)))
    }

    /// The variables of the topmost frame that `expr` uses and that have no value yet.
    pub(super) fn unbound_in(&mut self, expr: &ast::Expr) -> Result<Vec<(Arc<str>, Slot)>> {
        let mut found: Vec<(Arc<str>, Slot)> = Vec::new();
        for name in free(expr) {
            if self.frames.iter().all(|f| f.find(&name.text).is_none()) {
                return Err(self.unknown_variable(name));
            }
            let Some(slot) = self.top().find(&name.text) else {
                continue;
            };
            if !self.top().vars[slot].bound && found.iter().all(|f| f.1 != slot) {
                found.push((name.text.clone(), slot));
            }
        }
        Ok(found)
    }

    fn unbound_in_all(&mut self, conjuncts: &[Conjunct]) -> Result<Vec<Slot>> {
        let mut slots = Vec::new();
        for conjunct in conjuncts {
            let unbound = self.unbound_in(&conjunct.expr)?;
            slots.extend(unbound.into_iter().map(|(_, slot)| slot));
        }
        Ok(slots)
    }

    pub(super) fn is_bound(&mut self, expr: &ast::Expr) -> Result<bool> {
        Ok(self.unbound_in(expr)?.is_empty())
    }

    fn rank(&mut self, conjunct: &Conjunct) -> Result<Option<Rank>> {
        if let Some(source) = &conjunct.source {
            return self.rank_row(source);
        }
        if self.waits_for_join(&conjunct.expr) {
            return Ok(None);
        }
        if conjunct.is_check && !self.is_bound(&conjunct.expr)? {
            return Ok(None);
        }
        self.rank_expr(&conjunct.expr)
    }

    fn rank_expr(&mut self, expr: &ast::Expr) -> Result<Option<Rank>> {
        if let Some(action) = self.action(expr) {
            return self.rank_action(&action);
        }
        if self.is_bound(expr)? {
            return Ok(Some(Rank::Filter));
        }
        match &expr.kind {
            ExprKind::Binary {
                op: BinaryOp::Eq,
                left,
                right,
                ..
            } => self.rank_equality(left, right),
            ExprKind::Binary {
                op: BinaryOp::In,
                left,
                right,
                ..
            } => self.rank_in(left, right),
            ExprKind::Binary {
                op: BinaryOp::Or,
                left,
                right,
                ..
            } => {
                let (mut of_left, mut of_right) = (self.unbound_in(left)?, self.unbound_in(right)?);
                of_left.sort();
                of_right.sort();
                if of_left != of_right {
                    return Ok(None);
                }
                let mut rank = Rank::Alternatives;
                for side in [left, right] {
                    match self.rank_expr(side)? {
                        Some(Rank::Solution) => rank = Rank::Solution,
                        Some(_) => {}
                        None if self.is_unfoldable(side)? => rank = Rank::Solution,
                        None => return Ok(None),
                    }
                }
                Ok(Some(rank))
            }
            ExprKind::Binary {
                op: BinaryOp::And, ..
            } => self.rank_conjunction(expr),
            _ => Ok(self
                .stored_call(expr)?
                .map(|call| self.rank_lookup(&call, false))),
        }
    }

    /// `a and b` on one side of an `or`: whether its conjuncts bind all its variables, one after the
    /// other. An `or` among them that binds some is not looked into, which keeps the work in proportion
    /// to the text.
    fn rank_conjunction(&mut self, expr: &ast::Expr) -> Result<Option<Rank>> {
        let mut conjuncts = Vec::new();
        split(expr, &mut conjuncts);
        let unbound = self.unbound_in(expr)?;
        let mut all = Some(Rank::Alternatives);
        while !conjuncts.is_empty() {
            let Some((at, rank)) = self.first_ranked(&conjuncts)? else {
                all = None;
                break;
            };
            let conjunct = conjuncts.remove(at);
            for (_, slot) in self.unbound_in(&conjunct)? {
                self.top().vars[slot].bound = true;
            }
            all = all.max(Some(rank));
        }
        for (_, slot) in unbound {
            self.top().vars[slot].bound = false;
        }
        Ok(all)
    }

    fn first_ranked(&mut self, conjuncts: &[ast::Expr]) -> Result<Option<(usize, Rank)>> {
        for (at, conjunct) in conjuncts.iter().enumerate() {
            let alternatives = matches!(
                conjunct.kind,
                ExprKind::Binary {
                    op: BinaryOp::Or,
                    ..
                }
            );
            if alternatives && !self.is_bound(conjunct)? {
                continue;
            }
            if let Some(rank) = self.rank_expr(conjunct)? {
                return Ok(Some((at, rank)));
            }
        }
        Ok(None)
    }

    fn rank_equality(&mut self, left: &ast::Expr, right: &ast::Expr) -> Result<Option<Rank>> {
        for (pattern, value) in [(left, right), (right, left)] {
            if !self.is_bound(value)? {
                continue;
            }
            if self.is_pattern(pattern)? {
                let ty = self.fragment(|c| c.expr(value))?.whole_type();
                if self.never_takes(pattern, &ty) {
                    // An error, unless something else binds the variable.
                    return Ok(Some(Rank::Solution));
                }
                // An equation with a stream binds each of its elements in turn.
                let stream = matches!(ty, Type::Stream(_)) && !self.takes_whole(pattern);
                return Ok(Some(if stream { Rank::Stream } else { Rank::OneValue }));
            }
            if let Some(call) = self.stored_call(pattern)? {
                return Ok(Some(self.rank_lookup(&call, true)));
            }
            if self.is_solvable(pattern)? {
                return Ok(Some(Rank::Solution));
            }
        }
        for (pattern, call) in [(left, right), (right, left)] {
            if self.is_pattern(pattern)?
                && let Some(call) = self.stored_call(call)?
            {
                return Ok(Some(self.rank_lookup(&call, false)));
            }
        }
        Ok(None)
    }

    fn rank_in(&mut self, left: &ast::Expr, right: &ast::Expr) -> Result<Option<Rank>> {
        let pattern = self.is_pattern(left)? || self.is_bound(left)?;
        if pattern && let Some(call) = self.stored_call(right)? {
            let result_known = self.is_bound(left)?;
            return Ok(Some(self.rank_lookup(&call, result_known)));
        }
        if !pattern || !self.is_bound(right)? {
            return Ok(None);
        }
        Ok(Some(if self.is_stream(right)? {
            Rank::Stream
        } else {
            Rank::Bag
        }))
    }

    pub(super) fn unbound_names(&mut self, expr: &ast::Expr) -> Result<Vec<Arc<str>>> {
        Ok(self
            .unbound_in(expr)?
            .into_iter()
            .map(|(name, _)| name)
            .collect())
    }

    /// Whether `expr` can take a value apart into unbound variables.
    pub(super) fn is_pattern(&mut self, expr: &ast::Expr) -> Result<bool> {
        match &expr.kind {
            ExprKind::Variable(Variable::Local(_)) => Ok(!self.is_bound(expr)?),
            ExprKind::Vector(elements) | ExprKind::Tuple(elements) => {
                for element in elements {
                    if !self.is_bound(element)? && !self.is_pattern(element)? {
                        return Ok(false);
                    }
                }
                Ok(!self.is_bound(expr)?)
            }
            _ => Ok(false),
        }
    }

    /// Whether the variable is declared to be a whole bag or stream.
    pub(super) fn takes_whole(&mut self, pattern: &ast::Expr) -> bool {
        let ExprKind::Variable(Variable::Local(name)) = &pattern.kind else {
            return false;
        };
        let slot = self.top().find(&name.text);
        slot.is_some_and(|slot| self.top().vars[slot].ty.is_collection())
    }

    /// Whether the variable is declared to be like the elements of a vector that it is set equal to:
    /// it then takes each of them.
    pub(super) fn takes_elements(&mut self, pattern: &ast::Expr, value: &Type) -> bool {
        let (ExprKind::Variable(Variable::Local(name)), Type::Vector(element)) =
            (&pattern.kind, value)
        else {
            return false;
        };
        let Some(slot) = self.top().find(&name.text) else {
            return false;
        };
        let declared = self.top().vars[slot].ty.clone();
        fit(value, &declared).is_none() && fit(element, &declared).is_some()
    }

    /// Whether the variable is declared to be what no value of the type, or element of one, can be.
    pub(super) fn never_takes(&mut self, pattern: &ast::Expr, ty: &Type) -> bool {
        let ExprKind::Variable(Variable::Local(name)) = &pattern.kind else {
            return false;
        };
        let Some(slot) = self.top().find(&name.text) else {
            return false;
        };
        let declared = self.top().vars[slot].ty.clone();
        is_never(&ty.element_of_collection(), &declared) && !self.takes_elements(pattern, ty)
    }

    /// Whether the value of a bound expression is a stream. Compiles it to see; what it is compiled to
    /// is not used.
    pub(super) fn is_stream(&mut self, expr: &ast::Expr) -> Result<bool> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        Ok(matches!(fragment.whole_type(), Type::Stream(_)))
    }

    pub(super) fn nothing_binds(&mut self, expr: &ast::Expr) -> Error {
        let name = free(expr).into_iter().find(|name| {
            self.frames
                .last()
                .is_some_and(|f| f.find(&name.text).is_some_and(|s| !f.vars[s].bound))
        });
        match name {
            Some(name) => unbound(&name.text, &name.span),
            None => {
                Error::compile("nothing gives this condition's variables a value").at(&expr.span)
            }
        }
    }
}

/// Whether no value of type `ty` can be bound to a variable that is declared so.
pub(super) fn is_never(ty: &Type, declared: &Type) -> bool {
    // `Vector of Number v … w = v[2]`: what is declared to hold numbers may hold windows of them.
    let window = *ty == Type::Number && matches!(declared, Type::Vector(_));
    !declared.is_collection() && !window && fit(ty, declared).is_none_or(|f| f.mode != Mode::Plain)
}

/// The conjuncts of a condition.
pub(super) fn split(expr: &ast::Expr, into: &mut Vec<ast::Expr>) {
    match &expr.kind {
        ExprKind::Binary {
            op: BinaryOp::And,
            left,
            right,
            ..
        } => {
            split(left, into);
            split(right, into);
        }
        _ => into.push(expr.clone()),
    }
}
