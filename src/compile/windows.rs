//! Queries that do nothing with count windows but aggregate them are rewritten so that the windows
//! are not made: `for each v in winagg(s,n,k)`, `give mean(v), max(v)` becomes `for each [a,b] in
//! sliding(s,n,k,["mean","max"])`, `give a, b`.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::functions::sliding::AGGREGATES;
use crate::model::{Function, Type, Value};
use crate::plan::used::mentions;
use crate::plan::walk::{Visitor, VisitorMut};
use crate::plan::{Call, Expr, Pattern, Query, Slot, Step, Target};

/// Rewrites every step of the query that makes windows only to aggregate them.
pub fn slide(query: &mut Query, catalog: &Catalog) {
    for at in 0..query.steps.len() {
        if let Some(window) = window_of(&query.steps[at]) {
            let names = aggregates(query, window);
            if !names.is_empty() && mentions(query)[window] == names.len() + 1 {
                rewrite(query, at, window, catalog);
            }
        }
    }
}

/// The variable that is each window of the step.
fn window_of(step: &Step) -> Option<Slot> {
    let Step::Iterate {
        pattern: Pattern::Bind(slot, Type::Vector(_) | Type::Object),
        over: Expr::Call(call),
        ..
    } = step
    else {
        return None;
    };
    let Target::One(function) = &call.target else {
        return None;
    };
    let windows = &**function.name() == "winagg" && !function.is_user();
    (windows && call.args.len() == 3).then_some(*slot)
}

/// The names of the aggregates that are called of `window`, one for each call.
fn aggregates(query: &Query, window: Slot) -> Vec<Arc<str>> {
    let mut calls = AggregateCalls {
        window,
        names: vec![],
    };
    calls.query(query);
    calls.names
}

/// Collects the names of the aggregates that are called of a window.
struct AggregateCalls {
    window: Slot,
    names: Vec<Arc<str>>,
}

impl Visitor for AggregateCalls {
    fn expr(&mut self, expr: &Expr) {
        self.names.extend(aggregate_of(expr, self.window));
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
    fn expr(&mut self, expr: &mut Expr) {
        let Some(name) = aggregate_of(expr, self.window) else {
            return self.walk_expr(expr);
        };
        let known = self.names.iter().position(|n| *n == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        *expr = Expr::Known(self.first + place);
    }
}

/// The aggregate that `expr` is of `window`, if it is one.
fn aggregate_of(expr: &Expr, window: Slot) -> Option<Arc<str>> {
    let Expr::Call(call) = expr else {
        return None;
    };
    let functions: &[Arc<Function>] = match &call.target {
        Target::One(function) => std::slice::from_ref(function),
        Target::Late(functions) => functions,
    };
    let [Expr::Slot(slot)] = call.args.as_slice() else {
        return None;
    };
    let over_vectors = |f: &Arc<Function>| {
        !f.is_user() && f.arity() == 1 && matches!(f.signature.params[0].ty, Type::Vector(_))
    };
    let name = functions.first()?.name();
    let fits =
        *slot == window && AGGREGATES.contains(&&**name) && functions.iter().all(over_vectors);
    fits.then(|| name.clone())
}

fn rewrite(query: &mut Query, at: usize, window: Slot, catalog: &Catalog) {
    let Ok(resolvents) = catalog.functions.resolvents("sliding") else {
        return;
    };
    // A user may add resolvents of that name.
    let Some(sliding) = resolvents.iter().find(|f| !f.is_user()).cloned() else {
        return;
    };
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
        && let Expr::Call(call) = over
    {
        let bind = |i| Pattern::Bind(first + i, Type::Object);
        *pattern = Pattern::Vector(results.map(bind).collect());
        let names = Value::vector(names.into_iter().map(Value::Str));
        let mut args = std::mem::take(&mut call.args);
        args.push(Expr::Const(names));
        *over = Expr::Call(Box::new(Call {
            target: Target::One(sliding),
            args,
            span: call.span.clone(),
        }));
    }
}
