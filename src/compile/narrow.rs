//! Equations over an integer column of a stored function that is scanned: `n(p)+1 = 5` is found by the
//! index on `n`, at 4.
//!
//! The filter stays where it is, so that what is looked up decides nothing (rule 2 of
//! [`super::solve`]); it only tells the lookup which rows it need not give. Reals are left to the
//! filter alone: what they are rounded from is no single value.

use crate::model::function::FunctionBody;
use crate::model::table::Table;
use crate::model::{Type, Value};
use crate::plan::used::{slots_of_expr, slots_of_pattern};
use crate::plan::{
    Lookup, LookupColumn, Narrowing, Pattern, PlanExpr, Slot, Step, Target, UnknownOperation,
};
use crate::syntax::ast::BinaryOp;

/// Narrows the scans among the steps by the filters that follow them.
pub fn narrow(steps: &mut [Step]) {
    for at in 0..steps.len() {
        let (until, after) = steps.split_at_mut(at + 1);
        match &mut until[at] {
            Step::Lookup(lookup) => lookup.narrowing = narrowing(lookup, after),
            Step::Alternatives { branches, .. } => {
                branches.iter_mut().for_each(|branch| narrow(branch));
            }
            Step::Optional { steps, .. } => narrow(steps),
            _ => {}
        }
    }
}

fn narrowing(lookup: &Lookup, after: &[Step]) -> Option<Narrowing> {
    let FunctionBody::Stored(table) = &lookup.function.body else {
        return None;
    };
    if !lookup.known.is_empty() || lookup.distinct {
        return None;
    }
    let scan = Scan::new(lookup, table);
    for step in after {
        let Step::Filter(condition) = step else {
            return None;
        };
        let narrowing = scan.narrowing(condition);
        if narrowing.is_some() {
            return narrowing;
        }
        // A row on which this filter fails must not be left out.
        if !cannot_fail(condition) {
            return None;
        }
    }
    None
}

/// A comparison of what has a value.
fn cannot_fail(condition: &PlanExpr) -> bool {
    let has_value = |side: &PlanExpr| matches!(side, PlanExpr::Slot(_) | PlanExpr::Const(_));
    matches!(condition, PlanExpr::Compare(_, sides) if sides.iter().all(has_value))
}

/// A scan, and the variables that it binds.
struct Scan {
    bound: Vec<Slot>,
    /// Those that are integers, with their columns.
    integers: Vec<(Slot, usize)>,
}

impl Scan {
    fn new(lookup: &Lookup, table: &Table) -> Scan {
        let (mut bound, mut integers) = (vec![], vec![]);
        for (at, column) in lookup.columns.iter().enumerate() {
            let LookupColumn::Bind(pattern) = column else {
                continue;
            };
            bound.extend(slots_of_pattern(pattern));
            // A variable that is declared Real would hold a real, and the operations would be rounded.
            if let Pattern::Bind(slot, declared) = pattern
                && table.types()[at] == Type::Integer
                && Type::Integer.is_subtype_of(declared)
            {
                integers.push((*slot, at));
            }
        }
        Scan { bound, integers }
    }

    fn narrowing(&self, condition: &PlanExpr) -> Option<Narrowing> {
        let PlanExpr::Compare(BinaryOp::Eq, sides) = condition else {
            return None;
        };
        let [left, right] = &**sides;
        self.solved(left, right)
            .or_else(|| self.solved(right, left))
    }

    /// The column that `side` is made of by operations, and what undoes them to get there from `value`.
    fn solved(&self, side: &PlanExpr, value: &PlanExpr) -> Option<Narrowing> {
        use BinaryOp::{Minus, Plus, Times};
        if !self.is_known(value) {
            return None;
        }
        let mut operations = vec![];
        let mut at = side;
        while let PlanExpr::Arith(op, call) = at {
            at = match (op, call.args.as_slice()) {
                (Minus, [inner]) => {
                    operations.push(UnknownOperation::Negation);
                    inner
                }
                (Plus | Minus | Times, [inner, operand]) if self.is_known(operand) => {
                    operations.push(UnknownOperation::OnLeft(*op, operand.clone()));
                    inner
                }
                (Plus | Minus | Times, [operand, inner]) if self.is_known(operand) => {
                    operations.push(UnknownOperation::OnRight(*op, operand.clone()));
                    inner
                }
                _ => return None,
            };
        }
        let PlanExpr::Slot(slot) = at else {
            return None;
        };
        let (_, column) = self.integers.iter().find(|(of, _)| of == slot)?;
        (!operations.is_empty()).then(|| Narrowing {
            column: *column,
            value: value.clone(),
            operations,
        })
    }

    /// Whether the expression has a value before the scan begins, and may be evaluated once more.
    fn is_known(&self, expr: &PlanExpr) -> bool {
        is_plain(expr) && !slots_of_expr(expr).iter().any(|s| self.bound.contains(s))
    }
}

/// Whether the expression is a constant or a variable, or built-in arithmetic on such, without reals.
fn is_plain(expr: &PlanExpr) -> bool {
    match expr {
        PlanExpr::Const(value) => matches!(value, Value::Int(_)),
        PlanExpr::Slot(_) | PlanExpr::Session(..) => true,
        PlanExpr::Arith(_, call) => {
            let built_in = |target: &Target| matches!(target, Target::One(f) if !f.is_user());
            built_in(&call.target) && call.args.iter().all(is_plain)
        }
        _ => false,
    }
}
