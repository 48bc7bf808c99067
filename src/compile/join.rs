//! Joins: where steps that do not depend on the rows before them meet these rows in conditions, the
//! rows of the steps are made once and kept, and found by the values in the conditions
//! ([`crate::run`]'s `join`). `for each i in a`, `for each j in b`, `filter f(i) = g(j)` becomes `for
//! each i in a`, `hash join on f(i) = g(j) with` (`for each j in b`); so does `for each i in a`, `for
//! each =i in b`, a test of membership.
//!
//! What comes out, how often and in which order, is what the nested loop gives. The rest is ruled so:
//!
//! 1. Conditions that become possible at the same step have no order among each other, save those with
//!    state. Those that rows are found by, equations between both sides or else the first comparison, are
//!    tested first: what a row does not meet it is not tested with. For a pair of rows for which one of
//!    them fails, all are tested in the order in which they were placed, so that no error comes up that
//!    another condition would have kept away.
//! 2. The inner side is run for the first outer row as it always was, and its rows are recorded. So
//!    nothing is evaluated that the nested loop would not evaluate, and an error comes where it came.
//!    Over batches all rows of the inner side are made at the first of them, which nobody sees: they have no
//!    state, and if one fails or there are very many, the evaluator begins anew.
//! 3. What is kept is what nothing changes: steps and sides with state, streams, and session variables
//!    that a loop may assign are left to the nested loop. Files are kept, unless the rows before arrive
//!    over time. Where something that is stored has changed, the rows are made anew.

use std::sync::Arc;

use super::repeatable::Search;
use crate::catalog::Catalog;
use crate::model::{Function, Type};
use crate::plan::join::{Join, JoinKey};
use crate::plan::used::{mentions, slots_bound_by, slots_of_expr, slots_of_pattern, slots_of_step};
use crate::plan::walk::Visitor;
use crate::plan::{Pattern, PlanExpr, Query, RowCondition, Slot, Step, uses};
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::Span;

/// Makes joins of the query's steps where they can be.
pub fn join(query: &mut Query, catalog: &Catalog) {
    let has_branches =
        |step: &Step| matches!(step, Step::Alternatives { .. } | Step::Optional { .. });
    let loops = query.steps.iter().filter(|step| step.is_many()).count();
    if loops < 2 && !query.steps.iter().any(has_branches) {
        return;
    }
    let mut joiner = Joiner {
        catalog,
        mentions: mentions(query),
        span: query.span.clone(),
        added: 0,
    };
    let steps = std::mem::take(&mut query.steps);
    query.steps = joiner.steps(steps, &Around::default());
    query.slots += joiner.added;
    let nameless = (0..joiner.added).map(|_| Arc::from(""));
    query.names.extend(nameless);
}

/// What surrounds the steps of a branch.
#[derive(Default)]
struct Around {
    /// The variables that change from row to row.
    varying: Vec<Slot>,
    /// Whether there are many rows.
    is_many: bool,
    /// Whether they arrive over time.
    is_live: bool,
}

/// Where a variable gets its value, seen from a place among steps.
#[derive(Clone, Copy, PartialEq)]
enum Bound {
    /// It is the same for all rows.
    Before,
    /// It changes with the rows around a branch.
    Around,
    /// By the step of that number.
    At(usize),
}

struct Joiner<'a> {
    catalog: &'a Catalog,
    /// How often the query mentions each variable.
    mentions: Vec<usize>,
    /// Where it stands in the source.
    span: Option<Span>,
    /// How many variables had to be added.
    added: usize,
}

/// The steps so far, and what they bind and use.
struct Done<'a> {
    around: &'a Around,
    steps: Vec<Step>,
    binder: Vec<Option<usize>>,
    /// The first step that makes many rows: what is bound before it is the same for all rows.
    first_many: Option<usize>,
}

impl Done<'_> {
    fn push(&mut self, step: Step) {
        let at = self.steps.len();
        for slot in slots_bound_by(&step) {
            if self.binder.len() <= slot {
                self.binder.resize(slot + 1, None);
            }
            self.binder[slot] = Some(at);
        }
        if step.is_many() && self.first_many.is_none() {
            self.first_many = Some(at);
        }
        self.steps.push(step);
    }

    /// Takes the steps from `start` on out.
    fn split_off(&mut self, start: usize) -> Vec<Step> {
        for binder in &mut self.binder {
            *binder = binder.filter(|at| *at < start);
        }
        self.first_many = self.first_many.filter(|at| *at < start);
        self.steps.split_off(start)
    }

    /// Whether rows change before the step of that number.
    fn is_many_before(&self, at: usize) -> bool {
        self.around.is_many || self.first_many.is_some_and(|many| many < at)
    }

    fn bound(&self, slot: Slot) -> Bound {
        match self.binder.get(slot).copied().flatten() {
            Some(at) if self.around.is_many || self.first_many.is_some_and(|f| f <= at) => {
                Bound::At(at)
            }
            Some(_) => Bound::Before,
            None if self.around.varying.contains(&slot) => Bound::Around,
            None => Bound::Before,
        }
    }
}

/// On which side of a join an expression is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Neither,
    Outer,
    Inner,
    Both,
}

impl Joiner<'_> {
    fn steps(&mut self, steps: Vec<Step>, around: &Around) -> Vec<Step> {
        let mut done = Done {
            around,
            steps: Vec::with_capacity(steps.len()),
            binder: vec![],
            first_many: None,
        };
        let mut rest = steps.into_iter().peekable();
        while let Some(step) = rest.next() {
            match step {
                Step::Filter(first) => {
                    let mut filters = vec![first];
                    while let Some(Step::Filter(next)) =
                        rest.next_if(|step| matches!(step, Step::Filter(_)))
                    {
                        filters.push(next);
                    }
                    self.filters(filters, &mut done);
                }
                Step::Alternatives { branches, bound } => {
                    let around = self.around(&done);
                    let branches = branches.map(|branch| self.steps(branch, &around));
                    let branches = Box::new(branches);
                    done.push(Step::Alternatives { branches, bound });
                }
                Step::Optional { steps, bound } => {
                    let around = self.around(&done);
                    let steps = self.steps(steps, &around);
                    done.push(Step::Optional { steps, bound });
                }
                step => match self.membership(&step, &done) {
                    Some(join) => done.push(join),
                    None => done.push(step),
                },
            }
        }
        done.steps
    }

    /// What surrounds branches that come after these steps.
    fn around(&self, done: &Done) -> Around {
        let slots = 0..done.binder.len();
        let bound = slots.filter(|slot| matches!(done.bound(*slot), Bound::At(_)));
        let all = done.steps.len();
        Around {
            varying: bound.chain(done.around.varying.iter().copied()).collect(),
            is_many: done.is_many_before(all),
            is_live: self.is_live_before(all, done),
        }
    }

    /// Whether the rows before a step arrive over time.
    fn is_live_before(&self, at: usize, done: &Done) -> bool {
        let is_live = |step: &Step| match step {
            Step::Iterate {
                stream: true, over, ..
            } => {
                let mut search = Search::new(self.catalog, false);
                search.expr(over);
                !search.repeatable || !matches!(over, PlanExpr::Call(_))
            }
            _ => false,
        };
        done.around.is_live || done.steps[..at].iter().any(is_live)
    }

    /// Adds filters: as conditions of a join with the last of the steps, or as they are.
    fn filters(&mut self, mut filters: Vec<RowCondition>, done: &mut Done) {
        if let Some(start) = start(&filters, done) {
            // What the first of them leave out need not be kept.
            let is_inner = |filter: &&RowCondition| side(filter, start, done) == Side::Inner;
            let inner = filters.iter().take_while(is_inner).count();
            for filter in filters.drain(..inner) {
                done.push(Step::Filter(filter));
            }
            let conditions = self.conditions(&filters, start, done);
            if let Some(mut join) = self.join(&filters[..conditions], start, done) {
                join.inner = done.split_off(start);
                filters.drain(..conditions);
                done.push(Step::Join(Box::new(join)));
            }
        }
        for filter in filters {
            done.push(Step::Filter(filter));
        }
    }

    /// How many of the filters become conditions: up to the last that has both sides, and none from the
    /// first on that has state.
    fn conditions(&self, filters: &[RowCondition], start: usize, done: &Done) -> usize {
        let mut search = Search::new(self.catalog, false);
        let stateless = filters.iter().take_while(|filter| {
            search.expr(filter);
            search.repeatable
        });
        let stateless = stateless.count();
        let meets = |filter: &RowCondition| side(filter, start, done) == Side::Both;
        filters[..stateless]
            .iter()
            .rposition(meets)
            .map_or(0, |last| last + 1)
    }

    /// The join of the steps from `start` on by the conditions, without the steps yet; `None` where
    /// their rows cannot be kept.
    fn join(&self, conditions: &[RowCondition], start: usize, done: &Done) -> Option<Join> {
        if conditions.is_empty() {
            return None;
        }
        let inner = &done.steps[start..];
        let mut keys: Vec<JoinKey> = vec![];
        for (at, condition) in conditions.iter().enumerate() {
            keys.extend(key(condition, at, |expr| side(expr, start, done)));
        }
        keys.sort_by_key(|key| key.op != BinaryOp::Eq);
        let mut search = Search::new(self.catalog, self.is_live_before(start, done));
        inner.iter().for_each(|step| search.step(step));
        keys.iter().for_each(|key| search.expr(&key.inner));
        if !search.repeatable {
            return None;
        }
        let mut given: Vec<PlanExpr> = search.constants.drain(..).map(PlanExpr::Const).collect();
        let mut used: Vec<Slot> = inner.iter().flat_map(slots_of_step).collect();
        let of_keys = keys.iter().flat_map(|key| slots_of_expr(&key.inner));
        used.extend(of_keys);
        let mut bound: Vec<Slot> = inner.iter().flat_map(slots_bound_by).collect();
        sort(&mut used);
        sort(&mut bound);
        let is_given = |slot: &&Slot| bound.binary_search(slot).is_err();
        given.extend(used.iter().filter(is_given).copied().map(PlanExpr::Slot));
        let mut within = vec![0; self.mentions.len()];
        let mut written = Written(vec![]);
        inner.iter().for_each(|step| written.step(step));
        for slot in written.0 {
            if let Some(within) = within.get_mut(slot) {
                *within += 1;
            }
        }
        // What was added is used by the conditions of its own join alone, which is within.
        let is_used = |slot: &Slot, within: &[usize]| {
            let within = within.get(*slot);
            within.is_some_and(|within| self.mentions[*slot] > *within)
        };
        bound.retain(|slot| is_used(slot, &within));
        let mut join = Join {
            functions: called(inner, &keys),
            inner: vec![],
            bound,
            wanted: vec![],
            keys,
            conditions: conditions.to_vec(),
            given,
            span: self.span.clone(),
        };
        for key in join.finding() {
            for slot in slots_of_expr(&join.conditions[key.condition]) {
                if let Some(within) = within.get_mut(slot) {
                    *within += 1;
                }
            }
        }
        let places = 0..join.bound.len();
        join.wanted = places
            .filter(|at| is_used(&join.bound[*at], &within))
            .collect();
        Some(join)
    }

    /// A step that goes through a collection for what equals something: a join with what is in it.
    fn membership(&mut self, step: &Step, done: &Done) -> Option<Step> {
        let Step::Iterate {
            pattern,
            over,
            stream,
        } = step
        else {
            return None;
        };
        let at = done.steps.len();
        let varies = |slot: Slot| done.bound(slot) != Bound::Before;
        if !done.is_many_before(at) || slots_of_expr(over).into_iter().any(varies) {
            return None;
        }
        let mut equal = vec![];
        let first = self.mentions.len() + self.added;
        let pattern = taken_apart(pattern, first, &varies, &mut equal);
        if equal.is_empty() || slots_of_pattern(&pattern).into_iter().any(varies) {
            return None;
        }
        let mut search = Search::new(self.catalog, self.is_live_before(at, done));
        let inner = vec![Step::Iterate {
            pattern: pattern.clone(),
            over: over.clone(),
            stream: *stream,
        }];
        inner.iter().for_each(|step| search.step(step));
        let constants = std::mem::take(&mut search.constants);
        equal.iter().for_each(|outer| search.expr(outer));
        if !search.repeatable {
            return None;
        }
        let mut given: Vec<PlanExpr> = constants.into_iter().map(PlanExpr::Const).collect();
        given.extend(slots_of_expr(over).into_iter().map(PlanExpr::Slot));
        self.added += equal.len();
        let hidden = first..first + equal.len();
        let is_added = |slot: &Slot| *slot >= self.mentions.len();
        let mut bound = slots_of_pattern(&pattern);
        bound.retain(|slot| is_added(slot) || self.mentions[*slot] > 1);
        let places = 0..bound.len();
        let wanted = places.filter(|at| !is_added(&bound[*at])).collect();
        let (mut keys, mut conditions) = (vec![], vec![]);
        for (condition, (outer, slot)) in equal.into_iter().zip(hidden).enumerate() {
            let inner = PlanExpr::Slot(slot);
            let sides = Box::new([outer.clone(), inner.clone()]);
            let equal = PlanExpr::Compare(BinaryOp::Eq, sides);
            conditions.push(RowCondition::unwritten(equal));
            keys.push(JoinKey {
                op: BinaryOp::Eq,
                outer,
                inner,
                condition,
            });
        }
        Some(Step::Join(Box::new(Join {
            functions: called(&inner, &keys),
            inner,
            bound,
            wanted,
            keys,
            conditions,
            given,
            span: self.span.clone(),
        })))
    }
}

/// The variables that steps mention, each as often as before there were joins among them.
struct Written(Vec<Slot>);

impl Visitor for Written {
    fn slot(&mut self, slot: &Slot) {
        self.0.push(*slot);
    }

    fn step(&mut self, step: &Step) {
        if let Step::Join(join) = step {
            join.inner.iter().for_each(|step| self.step(step));
            join.conditions.iter().for_each(|c| self.expr(c));
        } else {
            self.walk_step(step);
        }
    }
}

/// The step that the inner side of a join begins with: the last one from which on steps depend on
/// nothing before, and meet it in one of the filters.
fn start(filters: &[RowCondition], done: &Done) -> Option<usize> {
    // The first step that what comes from `start` on depends on.
    let mut needed = usize::MAX;
    let mut is_many = false;
    for start in (0..done.steps.len()).rev() {
        if !done.is_many_before(start) {
            return None;
        }
        let step = &done.steps[start];
        is_many |= step.is_many();
        for slot in slots_of_step(step) {
            match done.bound(slot) {
                Bound::Before => {}
                Bound::Around => return None,
                Bound::At(at) => needed = needed.min(at),
            }
        }
        let meets = |filter: &RowCondition| side(filter, start, done) == Side::Both;
        if is_many && needed >= start && filters.iter().any(meets) {
            return Some(start);
        }
    }
    None
}

fn sort(slots: &mut Vec<Slot>) {
    slots.sort_unstable();
    slots.dedup();
}

/// On which side of a join an expression is whose inner side begins at `start`.
fn side(expr: &PlanExpr, start: usize, done: &Done) -> Side {
    let mut side = Side::Neither;
    for slot in slots_of_expr(expr) {
        side = match (done.bound(slot), side) {
            (Bound::Before, side) => side,
            (Bound::At(at), Side::Neither | Side::Inner) if at >= start => Side::Inner,
            (Bound::At(at), _) if at >= start => Side::Both,
            (_, Side::Neither | Side::Outer) => Side::Outer,
            _ => Side::Both,
        };
    }
    side
}

/// The key that a condition is, if it compares one side with the other.
fn key(condition: &PlanExpr, at: usize, side: impl Fn(&PlanExpr) -> Side) -> Option<JoinKey> {
    let PlanExpr::Compare(op, sides) = condition else {
        return None;
    };
    let [left, right] = &**sides;
    let (op, outer, inner) = match (side(left), side(right)) {
        (Side::Outer, Side::Inner) => (*op, left, right),
        (Side::Inner, Side::Outer) => (turned(*op)?, right, left),
        _ => return None,
    };
    turned(op).map(|_| JoinKey {
        op,
        outer: outer.clone(),
        inner: inner.clone(),
        condition: at,
    })
}

/// The comparison with its sides exchanged, if rows can be found by it.
fn turned(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Eq => BinaryOp::Eq,
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        _ => return None,
    })
}

/// The pattern with a variable, `first` and so on, for each part that must equal what changes from row
/// to row.
fn taken_apart(
    pattern: &Pattern,
    first: Slot,
    varies: &impl Fn(Slot) -> bool,
    equal: &mut Vec<PlanExpr>,
) -> Pattern {
    match pattern {
        Pattern::Equal(expected) if slots_of_expr(expected).into_iter().any(varies) => {
            equal.push(expected.clone());
            Pattern::Bind(first + equal.len() - 1, Type::Object)
        }
        Pattern::Vector(parts) => {
            let part = |part| taken_apart(part, first, varies, equal);
            Pattern::Vector(parts.iter().map(part).collect())
        }
        other => other.clone(),
    }
}

/// The functions that steps and keys call, each once.
fn called(steps: &[Step], keys: &[JoinKey]) -> Vec<Arc<Function>> {
    let sides = keys.iter().flat_map(|key| [&key.outer, &key.inner]);
    let mut functions = uses::of_pieces(steps, sides);
    functions.sort_by_key(|function| function.id());
    functions.dedup_by_key(|function| function.id());
    functions
}
