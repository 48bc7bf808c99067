//! The fields that a query looks for in the JSON that it reads.

use std::sync::Arc;

use crate::compile::fields::field_of;
use crate::model::Value;
use crate::plan::walk::Visitor;
use crate::plan::{Pattern, PlanExpr, Query, Slot, Step, Sub, Target};
use crate::text::diagnostic::Span;

/// The keys that the query asks of records which it reads from texts, and where it does.
pub fn in_messages(query: &Query) -> Vec<(Arc<str>, Span)> {
    let mut keys = AskedKeys::default();
    keys.query(query);
    keys.found
}

#[derive(Default)]
struct AskedKeys {
    /// The variables of the query at hand that are records read from texts.
    read: Vec<Slot>,
    found: Vec<(Arc<str>, Span)>,
}

impl Visitor for AskedKeys {
    fn sub(&mut self, sub: &Sub) {
        let around = std::mem::take(&mut self.read);
        self.query(&sub.query);
        self.read = around;
    }

    fn step(&mut self, step: &Step) {
        if let Step::Let(Pattern::Bind(slot, _), PlanExpr::Call(call)) = step
            && let Target::One(function) = &call.target
            && function
                .native()
                .is_some_and(|native| native.fields_of_texts.is_some())
        {
            self.read.push(*slot);
        }
        self.walk_step(step);
    }

    fn expr(&mut self, expr: &PlanExpr) {
        if let Some((slot, Value::Str(key))) = field_of(expr)
            && self.read.contains(&slot)
            && let PlanExpr::Call(call) = expr
            && !self.found.iter().any(|(known, _)| known == key)
        {
            self.found.push((key.clone(), call.span.clone()));
        }
        self.walk_expr(expr);
    }
}
