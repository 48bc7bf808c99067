//! Queries that do nothing with count windows but aggregate them are rewritten so that the windows
//! are not made: `for each v in winagg(s,n,k)`, `give mean(v), max(v)` becomes `for each [a,b] in
//! sliding(s,n,k,["mean","max"])`, `give a, b`.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::{Function, Type, Value};
use crate::plan::used::mentions;
use crate::plan::walk::{Visitor, VisitorMut};
use crate::plan::{Call, Pattern, PlanExpr, Query, Slot, Step, Target};

/// The query with every step rewritten that makes windows only to aggregate them, and the aggregates
/// that it does not call any more; `None` if there is no such step.
pub fn slide(query: &Query, catalog: &Catalog) -> Option<(Query, Vec<Arc<Function>>)> {
    let mut slid: Option<Query> = None;
    let mut replaced = Vec::new();
    for at in 0..query.steps.len() {
        let current = slid.as_ref().unwrap_or(query);
        let Some(window) = window_of(&current.steps[at]) else {
            continue;
        };
        let calls = aggregates(current, window);
        if calls.is_empty() || mentions(current)[window] != calls.len() + 1 {
            continue;
        }
        let Some(sliding) = window_aggregates(&current.steps[at], catalog) else {
            continue;
        };
        let mut rewritten = current.clone();
        rewrite(&mut rewritten, at, window, &sliding);
        slid = Some(rewritten);
        replaced.extend(calls);
    }
    slid.map(|slid| (slid, replaced))
}

/// What the step iterates over, if it is a call that makes count windows: the name of the function that
/// aggregates over such windows, and what each window is matched with.
fn windows_of(step: &Step) -> Option<(&'static str, &Pattern)> {
    let Step::Iterate {
        pattern,
        over: PlanExpr::Call(call),
        ..
    } = step
    else {
        return None;
    };
    let Target::One(function) = &call.target else {
        return None;
    };
    Some((function.native()?.window_aggregates?, pattern))
}

/// The variable that is each window of the step.
fn window_of(step: &Step) -> Option<Slot> {
    match windows_of(step)?.1 {
        Pattern::Bind(slot, Type::Vector(_) | Type::Object) => Some(*slot),
        _ => None,
    }
}

/// The function that computes aggregates over the windows that the step makes, without making them.
fn window_aggregates(step: &Step, catalog: &Catalog) -> Option<Arc<Function>> {
    let (name, _) = windows_of(step)?;
    let resolvents = catalog.functions.resolvents(name).ok()?;
    // A user may have added resolvents of that name.
    resolvents.iter().find(|f| f.native().is_some()).cloned()
}

/// The aggregates that are called of `window`, one for each call.
fn aggregates(query: &Query, window: Slot) -> Vec<Arc<Function>> {
    let mut calls = AggregateCalls {
        window,
        functions: vec![],
    };
    calls.query(query);
    calls.functions
}

/// Collects the aggregates that are called of a window.
struct AggregateCalls {
    window: Slot,
    functions: Vec<Arc<Function>>,
}

impl Visitor for AggregateCalls {
    fn expr(&mut self, expr: &PlanExpr) {
        self.functions
            .extend(aggregate_of(expr, self.window).cloned());
        self.walk_expr(expr);
    }
}

/// Puts a variable in the place of each aggregate that is called of a window: those from `first` on,
/// one for each name.
struct Replacement {
    window: Slot,
    first: Slot,
    names: Vec<Arc<str>>,
}

impl VisitorMut for Replacement {
    fn expr(&mut self, expr: &mut PlanExpr) {
        let Some(function) = aggregate_of(expr, self.window) else {
            return self.walk_expr(expr);
        };
        let name = function.name().clone();
        let known = self.names.iter().position(|n| *n == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        *expr = PlanExpr::Known(self.first + place);
    }
}

/// The aggregate that `expr` calls of `window`, if it does nothing else.
fn aggregate_of(expr: &PlanExpr, window: Slot) -> Option<&Arc<Function>> {
    let PlanExpr::Call(call) = expr else {
        return None;
    };
    let functions: &[Arc<Function>] = match &call.target {
        Target::One(function) => std::slice::from_ref(function),
        Target::Late(functions) => functions,
    };
    let [PlanExpr::Slot(slot)] = call.args.as_slice() else {
        return None;
    };
    let over_vectors = |f: &Arc<Function>| {
        f.native().is_some_and(|native| native.aggregate.is_some())
            && matches!(&*f.signature.params, [only] if matches!(only.ty, Type::Vector(_)))
    };
    let first = functions.first()?;
    let fits = *slot == window && functions.iter().all(over_vectors);
    fits.then_some(first)
}

fn rewrite(query: &mut Query, at: usize, window: Slot, sliding: &Arc<Function>) {
    let first = query.slots;
    let mut replacement = Replacement {
        window,
        first,
        names: vec![],
    };
    replacement.query(query);
    let names = replacement.names;
    let results = 0..names.len();
    query.slots += names.len();
    query.names.extend(names.iter().cloned());
    if let Step::Iterate { pattern, over, .. } = &mut query.steps[at]
        && let PlanExpr::Call(call) = over
    {
        let bind = |i| Pattern::Bind(first + i, Type::Object);
        *pattern = Pattern::Vector(results.map(bind).collect());
        let names = Value::vector(names.into_iter().map(Value::Str));
        let mut args = std::mem::take(&mut call.args);
        args.push(PlanExpr::Const(names));
        *over = PlanExpr::Call(Box::new(Call {
            target: Target::One(sliding.clone()),
            args,
            span: call.span.clone(),
        }));
    }
}
