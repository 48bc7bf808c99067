//! The order of a query's conditions, and what each does: filter, bind a variable, or look up rows.
//!
//! The where clause is split into conjuncts. One after the other is chosen, the one that costs least
//! with the variables bound so far, until none is left: filters as soon as they can run, then what
//! binds one value, keyed lookups, streams (outermost among all that make many rows, because a stream
//! may never end), indexed lookups, bags, and extents of types last. Conjuncts with state (streams,
//! rand, now, procedures) keep their written order among themselves.

use std::sync::Arc;

use super::fit::{Mode, fit};
use super::frame::unbound;
use super::names::{children, children_mut, free};
use super::plan::{Column, Expr, Lookup, Pattern, Slot, Step};
use super::stateful::is_stateful;
use super::{Compiler, choose, inverse, solve};
use crate::diagnostic::{Error, Result};
use crate::functions::Function;
use crate::functions::function::{Body, View};
use crate::session::World;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Name, Variable};
use crate::types::{Type, Value};

/// What a conjunct would cost if it were chosen next; the smallest goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Filter,
    OneValue,
    KeyedLookup,
    Stream,
    IndexedLookup,
    Bag,
    Alternatives,
    Scan,
}

struct Conjunct {
    expr: ast::Expr,
    stateful: bool,
}

impl Compiler<'_> {
    /// Adds the steps for a where clause to the topmost frame. `results` are the expressions that
    /// are evaluated for each row: all that they use must have a value then.
    pub(super) fn plan_conditions(
        &mut self,
        filter: Option<&ast::Expr>,
        results: &[&ast::Expr],
    ) -> Result<()> {
        let mut conjuncts = Vec::new();
        if let Some(filter) = filter {
            split(filter, &mut conjuncts);
        }
        let mut pending = Vec::new();
        for conjunct in conjuncts {
            self.unnest(conjunct, &mut pending)?;
        }
        self.choose_all(pending, results)?;
        self.bind_rest(results)
    }

    fn choose_all(&mut self, mut pending: Vec<Conjunct>, results: &[&ast::Expr]) -> Result<()> {
        while !pending.is_empty() {
            match self.cheapest(&pending)? {
                Some(at) => {
                    let conjunct = pending.remove(at).expr;
                    self.place(&conjunct)?;
                }
                None => {
                    let conjuncts = pending.iter().map(|c| &c.expr);
                    let within: Vec<_> = conjuncts.chain(results.iter().copied()).collect();
                    if !self.generate(&within)? {
                        return Err(self.nothing_binds(&pending[0].expr));
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives a value to the variables that no condition binds.
    fn bind_rest(&mut self, results: &[&ast::Expr]) -> Result<()> {
        while let Some(slot) = self
            .top()
            .vars
            .iter()
            .position(|v| !v.bound && v.span.is_some())
        {
            if !self.generate(results)? {
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
            let rank = self.rank(&conjunct.expr)?;
            let Some(rank) = rank.filter(|_| !(conjunct.stateful && state_waits)) else {
                continue;
            };
            state_waits |= conjunct.stateful;
            if best.is_none_or(|(so_far, _)| rank < so_far) {
                best = Some((rank, at));
            }
        }
        Ok(best.map(|(_, at)| at))
    }

    /// The variables of the topmost frame that `expr` uses and that have no value yet.
    fn unbound_in(&mut self, expr: &ast::Expr) -> Result<Vec<(Arc<str>, Slot)>> {
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

    fn is_bound(&mut self, expr: &ast::Expr) -> Result<bool> {
        Ok(self.unbound_in(expr)?.is_empty())
    }

    fn rank(&mut self, expr: &ast::Expr) -> Result<Option<Rank>> {
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
                let both = self.rank(left)?.is_some() && self.rank(right)?.is_some();
                let same = self.unbound_in(left)?.len() == self.unbound_in(right)?.len();
                Ok((both && same).then_some(Rank::Alternatives))
            }
            _ => Ok(self
                .stored_call(expr)?
                .map(|call| self.rank_lookup(&call, false))),
        }
    }

    fn rank_equality(&mut self, left: &ast::Expr, right: &ast::Expr) -> Result<Option<Rank>> {
        for (pattern, value) in [(left, right), (right, left)] {
            if !self.is_bound(value)? {
                continue;
            }
            if self.is_pattern(pattern)? {
                // An equation with a stream binds each of its elements in turn.
                let stream = self.is_live(value)? && !self.takes_whole(pattern);
                return Ok(Some(if stream { Rank::Stream } else { Rank::OneValue }));
            }
            if let Some(call) = self.stored_call(pattern)? {
                return Ok(Some(self.rank_lookup(&call, true)));
            }
            if solve::isolate(pattern, &self.unbound_names(pattern)?).is_some() {
                return Ok(Some(Rank::OneValue));
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
        Ok(Some(if self.is_live(right)? {
            Rank::Stream
        } else {
            Rank::Bag
        }))
    }

    fn unbound_names(&mut self, expr: &ast::Expr) -> Result<Vec<Arc<str>>> {
        Ok(self
            .unbound_in(expr)?
            .into_iter()
            .map(|(name, _)| name)
            .collect())
    }

    /// Whether `expr` can take a value apart into unbound variables.
    fn is_pattern(&mut self, expr: &ast::Expr) -> Result<bool> {
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
    fn takes_whole(&mut self, pattern: &ast::Expr) -> bool {
        let ExprKind::Variable(Variable::Local(name)) = &pattern.kind else {
            return false;
        };
        let slot = self.top().find(&name.text);
        slot.is_some_and(|slot| self.top().vars[slot].ty.is_collection())
    }

    /// Whether the variable is declared to be like the elements of a vector that it is set equal to:
    /// it then takes each of them.
    fn takes_elements(&mut self, pattern: &ast::Expr, value: &Type) -> bool {
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

    /// Whether the value of a bound expression is a stream. Compiles it to see, and forgets that.
    fn is_live(&mut self, expr: &ast::Expr) -> Result<bool> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        Ok(matches!(fragment.whole_type(), Type::Stream(_)))
    }

    /// Adds the steps for one conjunct.
    fn place(&mut self, expr: &ast::Expr) -> Result<()> {
        if self.is_bound(expr)? {
            let condition = self.filter(expr)?;
            self.top().steps.push(Step::Filter(condition));
            return Ok(());
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
                let holds = Column::Known(Expr::Const(Value::Bool(true)));
                self.place_lookup(call, vec![holds])
            }
        }
    }

    /// A condition in the topmost frame; what its functions are lifted over becomes steps before it.
    fn filter(&mut self, expr: &ast::Expr) -> Result<Expr> {
        if let ExprKind::Binary {
            op: BinaryOp::Or | BinaryOp::And,
            ..
        } = expr.kind
        {
            return self.condition(expr);
        }
        let fragment = self.fragment(|c| c.expr(expr))?;
        Ok(self.single(fragment).0)
    }

    fn place_equality(
        &mut self,
        whole: &ast::Expr,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<()> {
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
            let unbound = self.unbound_names(pattern)?;
            if let Some((name, solved)) = solve::isolate(pattern, &unbound) {
                self.place_solution(&name, &solved(value.clone()))?;
                let check = self.filter(whole)?;
                self.top().steps.push(Step::Filter(check));
                return Ok(());
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

    fn place_let(&mut self, pattern: &ast::Expr, value: &ast::Expr) -> Result<()> {
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
        {
            // Set equal to a value of a subtype, it is meant to be seen as what it is declared.
            let var = &mut self.top().vars[*slot];
            (var.ty, var.exact) = (declared.clone(), true);
        }
        self.top().steps.push(Step::Let(pattern, expr));
        Ok(())
    }

    fn place_solution(&mut self, name: &Name, value: &ast::Expr) -> Result<()> {
        let fragment = self.fragment(|c| c.expr(value))?;
        let (expr, _) = self.single(fragment);
        let slot = self
            .top()
            .find(&name.text)
            .ok_or_else(|| self.unknown_variable(name))?;
        let var = &mut self.top().vars[slot];
        var.bound = true;
        let pattern = Pattern::Solution(slot, var.ty.clone());
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
            Type::Object | Type::Tuple(_) => Type::Object,
            other => {
                return Err(Error::compile(format!("{other} has no elements"))
                    .at(&right.span)
                    .help(
                        "'in' takes a bag, a stream, a vector or a binary; use '=' for one value",
                    ));
            }
        };
        let (over, _) = self.fragment_value(fragment);
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
    fn pattern(&mut self, expr: &ast::Expr, ty: &Type) -> Result<Pattern> {
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
    fn bind(&mut self, name: &Name, ty: &Type) -> Result<Pattern> {
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
        let declared = var.ty.clone();
        if !declared.is_collection() && fit(ty, &declared).is_none_or(|f| f.mode != Mode::Plain) {
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
        let before: Vec<bool> = self.top().vars.iter().map(|v| v.bound).collect();
        let steps = std::mem::take(&mut self.top().steps);
        let mut branches = Vec::new();
        let mut after: Option<Vec<bool>> = None;
        for branch in [left, right] {
            for (var, bound) in self.top().vars.iter_mut().zip(&before) {
                var.bound = *bound;
            }
            let mut conjuncts = Vec::new();
            split(branch, &mut conjuncts);
            let conjuncts = conjuncts.into_iter().map(|expr| Conjunct {
                stateful: false,
                expr,
            });
            self.choose_all(conjuncts.collect(), &[])?;
            if !branches.is_empty() {
                // What the first has given is not given again.
                let first = self.condition(left)?;
                self.top().steps.push(Step::Filter(not(first)));
            }
            branches.push(std::mem::take(&mut self.top().steps));
            let bound: Vec<bool> = self.top().vars[..before.len()]
                .iter()
                .map(|v| v.bound)
                .collect();
            if after.as_ref().is_some_and(|first| *first != bound) {
                return Err(
                    Error::compile("both sides of 'or' must bind the same variables")
                        .at(&left.span.to(&right.span)),
                );
            }
            after = Some(bound);
        }
        self.top().steps = steps;
        self.top().steps.push(Step::Alternatives(branches));
        Ok(())
    }

    /// Where no conjunct can be chosen: binds one more variable from the positions of a vector, the
    /// rows of a stored function or the extent of a type. `false` if there is none.
    fn generate(&mut self, within: &[&ast::Expr]) -> Result<bool> {
        for expr in within {
            if self.generate_index(expr)? {
                return Ok(true);
            }
        }
        let extent = |ty: &Type| {
            matches!(
                ty,
                Type::User(_) | Type::Userobject | Type::Function | Type::Type
            )
        };
        let slot = self
            .top()
            .vars
            .iter()
            .position(|v| !v.bound && v.span.is_some() && extent(&v.ty));
        if let Some(slot) = slot {
            let var = &mut self.top().vars[slot];
            var.bound = true;
            let ty = var.ty.clone();
            self.top().steps.push(Step::Extent { slot, ty });
            return Ok(true);
        }
        for expr in within {
            if self.generate_rows(expr)? || self.generate_nodes(expr)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `v[i]` with `i` unbound: each position of `v`.
    fn generate_index(&mut self, expr: &ast::Expr) -> Result<bool> {
        if let ExprKind::Index { base, indices } = &expr.kind
            && let [index] = indices.as_slice()
            && let ExprKind::Variable(Variable::Local(name)) = &index.kind
            && !self.is_bound(index)?
            && self.is_bound(base)?
            && let Some(position) = self.top().find(&name.text)
        {
            let fragment = self.fragment(|c| c.expr(base))?;
            let (base, _) = self.single(fragment);
            self.top().vars[position].bound = true;
            self.top().steps.push(Step::Index {
                base,
                position,
                element: None,
            });
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_index(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `tclose(#'arcs', n)` with `n` unbound: each node of the graph of a stored function.
    fn generate_nodes(&mut self, expr: &ast::Expr) -> Result<bool> {
        if let ExprKind::Call { function, args } = &expr.kind
            && matches!(&*function.name.text, "tclose" | "tclosed" | "traverse")
            && let [graph, start, ..] = args.as_slice()
            && let ExprKind::Variable(Variable::Local(name)) = &start.kind
            && !self.is_bound(start)?
            && self.is_bound(graph)?
        {
            let graph = self.fragment(|c| c.expr(graph))?;
            let nodes =
                self.fragment(|c| c.call_fragments("transition_nodes", vec![graph], &expr.span))?;
            let (over, _) = self.fragment_value(nodes);
            let pattern = self.bind(name, &Type::Object)?;
            let stream = false;
            self.top().steps.push(Step::Iterate {
                pattern,
                over,
                stream,
            });
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_nodes(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A call of a stored function with an unbound argument: each of its rows.
    fn generate_rows(&mut self, expr: &ast::Expr) -> Result<bool> {
        if let Some(call) = self.stored_call(expr)?
            && !self.is_bound(expr)?
        {
            let columns = vec![Column::Bind(Pattern::Any); call.function.signature.columns.len()];
            self.place_lookup(call, columns)?;
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_rows(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The call of a stored function that `expr` is, if its arguments are values or unbound variables.
    fn stored_call(&mut self, expr: &ast::Expr) -> Result<Option<StoredCall>> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return Ok(None);
        };
        if &*function.name.text == "bag" {
            return Ok(None);
        }
        let resolvents = self.world.library.named(function)?;
        let may_be_stored =
            |f: &Arc<Function>| !matches!(f.body, Body::Native(_) | Body::Procedure(..));
        if !resolvents.iter().any(may_be_stored) {
            return Ok(None);
        }
        let mut types = Vec::with_capacity(args.len());
        for arg in args {
            types.push(if self.is_bound(arg)? {
                self.fragment(|c| c.expr(arg))?.whole_type()
            } else if let ExprKind::Variable(Variable::Local(name)) = &arg.kind
                && let Some(slot) = self.top().find(&name.text)
            {
                self.top().vars[slot].ty.clone()
            } else {
                return Ok(None);
            });
        }
        let Some(choice) = choose(&resolvents, &types) else {
            return Ok(None);
        };
        let [function] = choice.candidates.as_slice() else {
            return Ok(None);
        };
        if choice.modes.iter().any(|mode| *mode != Mode::Plain) {
            return Ok(None);
        }
        let view = match &function.body {
            Body::Stored(_) => None,
            Body::Inverse(view) => Some(view.clone()),
            _ => match exact_view(self.world, function)? {
                Some(view) => Some(view),
                None => return Ok(None),
            },
        };
        Ok(Some(StoredCall {
            function: function.clone(),
            view,
            args: args.clone(),
        }))
    }

    fn rank_lookup(&mut self, call: &StoredCall, result_known: bool) -> Rank {
        let known = call
            .args
            .iter()
            .filter(|arg| self.is_bound(arg).unwrap_or(false))
            .count();
        if known == call.args.len() && call.function.signature.many == ast::Many::One {
            Rank::KeyedLookup
        } else if known > 0 || result_known {
            Rank::IndexedLookup
        } else {
            Rank::Scan
        }
    }

    /// What a call's results are matched against, column by column.
    fn result_columns(&mut self, expr: &ast::Expr, width: usize) -> Result<Vec<Column>> {
        if width == 1 {
            return Ok(vec![self.column(expr)?]);
        }
        match &expr.kind {
            ExprKind::Tuple(parts) | ExprKind::Vector(parts) if parts.len() == width => {
                parts.iter().map(|part| self.column(part)).collect()
            }
            _ => Err(Error::compile(format!("the function has {width} results"))
                .at(&expr.span)
                .help("write as many variables in parentheses: (a, b) = …")),
        }
    }

    fn column(&mut self, expr: &ast::Expr) -> Result<Column> {
        match self.pattern(expr, &Type::Object)? {
            Pattern::Equal(known) => Ok(Column::Known(known)),
            pattern => Ok(Column::Bind(pattern)),
        }
    }

    fn place_lookup(&mut self, call: StoredCall, results: Vec<Column>) -> Result<()> {
        let mut columns = Vec::with_capacity(call.args.len() + results.len());
        for (arg, param) in call.args.iter().zip(&call.function.signature.params) {
            let known = self.is_bound(arg)?;
            match self.pattern(arg, &param.ty)? {
                Pattern::Equal(expr) if known => columns.push(Column::Known(expr)),
                pattern => columns.push(Column::Bind(pattern)),
            }
        }
        columns.extend(results);
        let mut function = call.function;
        if let Some(view) = &call.view {
            let yes = Column::Known(Expr::Const(Value::Bool(true)));
            columns = view.rearranged(&columns, yes);
            function = view.stored.clone();
        }
        let known = |i: &usize| matches!(columns[*i], Column::Known(_));
        let known: Vec<usize> = (0..columns.len()).filter(known).collect();
        let unique = matches!(&function.body, Body::Stored(table) if table.is_unique_by(&known));
        self.top().steps.push(Step::Lookup(Lookup {
            function,
            columns,
            unique,
        }));
        Ok(())
    }

    /// Takes calls of stored functions out of other calls where their arguments are not bound yet, so
    /// that they can be looked up: `name(dept(p)) = "x"` becomes `name(d) = "x" and dept(p) = d`.
    fn unnest(&mut self, mut expr: ast::Expr, pending: &mut Vec<Conjunct>) -> Result<()> {
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
        let stateful = is_stateful(self.world, &expr)?;
        pending.push(Conjunct { expr, stateful });
        for conjunct in taken {
            self.unnest(conjunct, pending)?;
        }
        Ok(())
    }

    fn take_out(&mut self, expr: &mut ast::Expr, taken: &mut Vec<ast::Expr>) -> Result<()> {
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
    fn hides_collections(&self, expr: &ast::Expr) -> Result<bool> {
        let ExprKind::Call { function, .. } = &expr.kind else {
            return Ok(matches!(
                expr.kind,
                ExprKind::Case { .. } | ExprKind::Select(_)
            ));
        };
        if &*function.name.text == "bag" {
            return Ok(true);
        }
        let resolvents = self.world.library.named(function)?;
        let whole = resolvents
            .iter()
            .flat_map(|f| &f.signature.params)
            .any(|p| p.ty.is_collection());
        Ok(whole)
    }

    /// The result type of a call of a stored function of unbound variables.
    fn unbound_stored_type(&mut self, expr: &ast::Expr) -> Result<Option<Type>> {
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
        let resolvents = self.world.library.named(function)?;
        let [only] = &*resolvents else {
            return Ok(None);
        };
        let stored = matches!(only.body, Body::Stored(_));
        Ok(
            (stored && only.arity() == args.len() && only.signature.columns.len() == 1)
                .then(|| only.signature.columns[0].ty.clone()),
        )
    }

    fn nothing_binds(&mut self, expr: &ast::Expr) -> Error {
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

/// A call of a stored function, or of a view of one.
struct StoredCall {
    function: Arc<Function>,
    view: Option<View>,
    args: Vec<ast::Expr>,
}

/// The view that a derived function is, if it has exactly the types of the stored function: its rows
/// are then the same.
fn exact_view(world: &World, function: &Function) -> Result<Option<View>> {
    let Some(view) = inverse::view(world, function)? else {
        return Ok(None);
    };
    let own = function
        .signature
        .params
        .iter()
        .chain(&function.signature.columns);
    let own: Vec<_> = own.map(|c| c.ty.clone()).collect();
    let stored = view
        .stored
        .signature
        .params
        .iter()
        .chain(&view.stored.signature.columns);
    let same = view
        .rearranged(&own, Type::Boolean)
        .into_iter()
        .zip(stored)
        .all(|(own, stored)| own == stored.ty);
    Ok(same.then_some(view))
}

/// Holds where `condition` does not.
fn not(condition: Expr) -> Expr {
    Expr::Case {
        arms: vec![(condition, Expr::Const(Value::Bool(false)))],
        otherwise: Some(Box::new(Expr::Const(Value::Bool(true)))),
    }
}

/// The conjuncts of a condition.
fn split(expr: &ast::Expr, into: &mut Vec<ast::Expr>) {
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
