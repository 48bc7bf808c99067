//! What can never answer: what needs all of a stream that never ends.

use crate::model::{Function, Value};
use crate::plan::walk::Visitor;
use crate::plan::{Call, PlanExpr, Query, Step, Sub, Target};
use crate::text::diagnostic::Span;

/// The places in a query that wait for the end of a stream that has none, and what waits there. A query
/// that stops by itself, by a limit or an end that it waits for, has an end.
pub fn never_answered(query: &Query) -> Vec<(Span, &'static str)> {
    let mut waits = Waits(vec![]);
    waits.whole(query);
    waits.0
}

struct Waits(Vec<(Span, &'static str)>);

impl Waits {
    fn whole(&mut self, query: &Query) {
        let is_endless = query.steps.iter().any(iterates_endlessly);
        let what = match &query.group {
            Some(group) if group.window.is_none() => Some("group by"),
            None if !query.order.is_empty() => Some("order by"),
            _ => None,
        };
        if let (true, Some(what), Some(span)) = (is_endless, what, &query.span) {
            self.0.push((span.clone(), what));
        }
        self.query(query);
    }
}

impl Visitor for Waits {
    fn expr(&mut self, expr: &PlanExpr) {
        if let PlanExpr::Call(call) = expr
            && let Some(native) = one(call).and_then(Function::native)
            && let Some(what) = match native.aggregate {
                Some(_) => Some("an aggregate"),
                None => native.needs_end.then_some("this function"),
            }
            && call.args.iter().any(is_endless)
        {
            self.0.push((call.span.clone(), what));
        }
        self.walk_expr(expr);
    }

    fn sub(&mut self, sub: &Sub) {
        self.whole(&sub.query);
    }
}

fn one(call: &Call) -> Option<&Function> {
    match &call.target {
        Target::One(function) => Some(function),
        Target::Late(_) => None,
    }
}

/// Whether an expression is what arrives over time, without an end, as far as the plan says it.
fn is_endless(expr: &PlanExpr) -> bool {
    match expr {
        PlanExpr::Call(call) => {
            let native = one(call).and_then(Function::native);
            native.is_some_and(|native| native.live) && !may_be_flow(call)
        }
        PlanExpr::Sub(sub) => {
            let query = &sub.query;
            query.limit.is_none() && query.steps.iter().any(iterates_endlessly)
        }
        _ => false,
    }
}

/// Whether a call may be about a flow inside the program, whose name has no colon: it ends when it is
/// dropped.
fn may_be_flow(call: &Call) -> bool {
    match call.args.first() {
        Some(PlanExpr::Const(Value::Str(name))) => !name.contains(':'),
        Some(PlanExpr::Const(_)) | None => false,
        Some(_) => true,
    }
}

fn iterates_endlessly(step: &Step) -> bool {
    matches!(step, Step::Iterate { over, .. } if is_endless(over))
}
