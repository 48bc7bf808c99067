//! What lookups bind: only variables that something uses, and without a look at types that are sure.

use crate::model::Type;
use crate::model::function::FunctionBody;
use crate::plan::walk::{Visitor, VisitorMut};
use crate::plan::{Lookup, LookupColumn, Pattern, PlanExpr, Query, RowAction, Slot, Step};

/// How often the query mentions each variable, the places that bind it included.
pub fn mentions(query: &Query) -> Vec<usize> {
    let mut mentions = Mentions(vec![0; query.slots]);
    mentions.query(query);
    mentions.0
}

impl Query {
    /// The variables that are mentioned by the steps from this one on, and by what comes of the rows.
    pub fn slots_behind(&self, step: usize) -> Vec<Slot> {
        let mut slots = Slots(vec![]);
        self.steps[step..].iter().for_each(|step| slots.step(step));
        self.output.columns.iter().for_each(|expr| slots.expr(expr));
        self.order.iter().for_each(|order| slots.expr(&order.key));
        if let Some(group) = &self.group {
            group.keys.iter().for_each(|(key, _)| slots.expr(key));
            for aggregate in &group.aggregates {
                slots.expr(&aggregate.argument);
            }
            group.after.iter().for_each(|step| slots.step(step));
        }
        slots.0.sort_unstable();
        slots.0.dedup();
        slots.0
    }
}

struct Mentions(Vec<usize>);

impl Visitor for Mentions {
    fn slot(&mut self, slot: &Slot) {
        self.0[*slot] += 1;
    }
}

/// The variables that a pattern mentions, in order.
pub fn slots_of_pattern(pattern: &Pattern) -> Vec<Slot> {
    let mut slots = Slots(vec![]);
    slots.pattern(pattern);
    slots.0
}

/// The variables that a step mentions, in order.
pub fn slots_of_step(step: &Step) -> Vec<Slot> {
    let mut slots = Slots(vec![]);
    slots.step(step);
    slots.0
}

/// The variables that get a value in a step.
pub fn slots_bound_by(step: &Step) -> Vec<Slot> {
    let mut bound = vec![];
    add_bound(step, &mut bound);
    bound
}

fn add_bound(step: &Step, bound: &mut Vec<Slot>) {
    match step {
        Step::Filter(_) => {}
        Step::Let(pattern, _) | Step::Iterate { pattern, .. } => add_pattern(pattern, bound),
        Step::Solve(equation) => bound.push(equation.unknown),
        Step::Index { position, .. } => bound.push(*position),
        Step::Extent { slot, .. } => bound.push(*slot),
        Step::Lookup(lookup) => {
            for column in &lookup.columns {
                if let LookupColumn::Bind(pattern) = column {
                    add_pattern(pattern, bound);
                }
            }
        }
        Step::Join(join) => join.inner.iter().for_each(|step| add_bound(step, bound)),
        Step::Alternatives { branches, .. } => {
            let steps = branches.iter().flatten();
            steps.for_each(|step| add_bound(step, bound));
        }
        Step::Act(act) => {
            act.steps.iter().for_each(|step| add_bound(step, bound));
            if let RowAction::Change(change) = &act.action {
                bound.push(change.slot);
            }
        }
        Step::Optional { steps, .. } => steps.iter().for_each(|step| add_bound(step, bound)),
    }
}

fn add_pattern(pattern: &Pattern, bound: &mut Vec<Slot>) {
    match pattern {
        Pattern::Bind(slot, _) => bound.push(*slot),
        Pattern::Vector(parts) => parts.iter().for_each(|part| add_pattern(part, bound)),
        Pattern::Equal(_) | Pattern::Any => {}
    }
}

/// The variables that an expression mentions, in order.
pub fn slots_of_expr(expr: &PlanExpr) -> Vec<Slot> {
    let mut slots = Slots(vec![]);
    slots.expr(expr);
    slots.0
}

struct Slots(Vec<Slot>);

impl Visitor for Slots {
    fn slot(&mut self, slot: &Slot) {
        self.0.push(*slot);
    }
}

/// Left joins make null only what somebody reads.
pub fn find_optional(query: &mut Query) {
    let mentions = mentions(query);
    Optional(&mentions).query(query);
}

struct Optional<'a>(&'a [usize]);

impl VisitorMut for Optional<'_> {
    fn step(&mut self, step: &mut Step) {
        if let Step::Optional { bound, .. } = step {
            // The step that binds it and the join itself mention it.
            bound.retain(|slot| self.0[*slot] > 2);
        }
        self.walk_step(step);
    }
}

/// Tells the lookups of the query which columns of a row are copied into which variables, where that
/// is all there is to do with it.
pub fn find_copies(query: &mut Query) {
    let mentions = mentions(query);
    Copies(&mentions).query(query);
}

struct Copies<'a>(&'a [usize]);

impl VisitorMut for Copies<'_> {
    fn step(&mut self, step: &mut Step) {
        if let Step::Lookup(lookup) = step {
            lookup.copies = copies(lookup, self.0);
        }
        self.walk_step(step);
    }
}

fn copies(lookup: &Lookup, mentions: &[usize]) -> Option<Vec<(usize, Slot)>> {
    let FunctionBody::Stored(table) = &lookup.function.body else {
        return None;
    };
    let mut copies = Vec::new();
    for (at, (column, ty)) in lookup.columns.iter().zip(table.types()).enumerate() {
        match column {
            LookupColumn::Known(_) | LookupColumn::Bind(Pattern::Any) => {}
            LookupColumn::Bind(Pattern::Bind(slot, declared)) if is_sure(ty, declared) => {
                if mentions[*slot] > 1 {
                    copies.push((at, *slot));
                }
            }
            LookupColumn::Bind(_) => return None,
        }
    }
    Some(copies)
}

/// Whether a value of type `ty` is one of the declared type as it is.
fn is_sure(ty: &Type, declared: &Type) -> bool {
    *declared == Type::Object || ty.is_subtype_of(declared)
}
