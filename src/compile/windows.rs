//! Queries that do nothing with count windows but aggregate them are rewritten so that the windows
//! are not made: `for each v in winagg(s,n,k)`, `give mean(v), max(v)` becomes `for each [a,b] in
//! sliding(s,n,k,["mean","max"])`, `give a, b`.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::{Function, Type, Value};
use crate::plan::used::mentions;
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
    function.native()?.window_aggregates?;
    Some(*slot)
}

/// The function that computes aggregates over the windows that the step makes, without making them.
fn window_aggregates(step: &Step, catalog: &Catalog) -> Option<Arc<Function>> {
    let Step::Iterate {
        over: Expr::Call(call),
        ..
    } = step
    else {
        return None;
    };
    let Target::One(function) = &call.target else {
        return None;
    };
    let name = function.native()?.window_aggregates?;
    let resolvents = catalog.functions.resolvents(name).ok()?;
    // A user may have added resolvents of that name.
    resolvents.iter().find(|f| f.native().is_some()).cloned()
}

/// The names of the aggregates that are called of `window`, one for each call.
fn aggregates(query: &mut Query, window: Slot) -> Vec<Arc<str>> {
    let mut names = Vec::new();
    visit_all(query, &mut |expr| {
        names.extend(aggregate_of(expr, window));
    });
    names
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
        f.native().is_some_and(|native| native.aggregate.is_some())
            && matches!(&*f.signature.params, [only] if matches!(only.ty, Type::Vector(_)))
    };
    let name = functions.first()?.name();
    let fits = *slot == window && functions.iter().all(over_vectors);
    fits.then(|| name.clone())
}

fn rewrite(query: &mut Query, at: usize, window: Slot, catalog: &Catalog) {
    let Some(sliding) = window_aggregates(&query.steps[at], catalog) else {
        return;
    };
    let first = query.slots;
    let mut names: Vec<Arc<str>> = Vec::new();
    visit_all(query, &mut |expr| {
        let Some(name) = aggregate_of(expr, window) else {
            return;
        };
        let known = names.iter().position(|n| *n == name);
        let place = known.unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        *expr = Expr::Known(first + place);
    });
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

/// Calls `see` with every expression of the query; queries inside are their own.
fn visit_all(query: &mut Query, see: &mut dyn FnMut(&mut Expr)) {
    visit_steps(&mut query.steps, see);
    query.output.columns.iter_mut().for_each(|e| visit(e, see));
    query.order.iter_mut().for_each(|o| visit(&mut o.key, see));
    if let Some(group) = &mut query.group {
        group.keys.iter_mut().for_each(|(key, _)| visit(key, see));
        for aggregate in &mut group.aggregates {
            visit(&mut aggregate.argument, see);
            visit(&mut aggregate.call, see);
        }
    }
}

fn visit_steps(steps: &mut [Step], see: &mut dyn FnMut(&mut Expr)) {
    for step in steps {
        match step {
            Step::Filter(expr) | Step::Index { base: expr, .. } => visit(expr, see),
            Step::Let(pattern, expr)
            | Step::Iterate {
                pattern,
                over: expr,
                ..
            } => {
                visit_pattern(pattern, see);
                visit(expr, see);
            }
            Step::Alternatives(branches) => branches.iter_mut().for_each(|b| visit_steps(b, see)),
            Step::Extent { .. } | Step::Lookup(_) => {}
        }
    }
}

fn visit_pattern(pattern: &mut Pattern, see: &mut dyn FnMut(&mut Expr)) {
    match pattern {
        Pattern::Equal(expr) => visit(expr, see),
        Pattern::Vector(parts) => parts.iter_mut().for_each(|p| visit_pattern(p, see)),
        Pattern::Bind(..) | Pattern::Solution(..) | Pattern::Any => {}
    }
}

fn visit(expr: &mut Expr, see: &mut dyn FnMut(&mut Expr)) {
    see(expr);
    let mut each = |list: &mut [Expr]| list.iter_mut().for_each(|e| visit(e, see));
    match expr {
        Expr::Call(call) | Expr::Arith(_, call) => each(&mut call.args),
        Expr::Compare(_, sides) => each(&mut **sides),
        Expr::And(list) | Expr::Or(list) | Expr::Vector(list) | Expr::Bag(list) => each(list),
        Expr::Record(fields) => fields.iter_mut().for_each(|(key, value)| {
            visit(key, see);
            visit(value, see);
        }),
        Expr::Case { arms, otherwise } => {
            for (condition, result) in arms {
                visit(condition, see);
                visit(result, see);
            }
            if let Some(otherwise) = otherwise {
                visit(otherwise, see);
            }
        }
        Expr::Convert(value, _) | Expr::Singleton(value) => visit(value, see),
        Expr::Member { needle, haystack } => {
            visit(needle, see);
            visit(haystack, see);
        }
        Expr::Const(_)
        | Expr::Slot(_)
        | Expr::Known(_)
        | Expr::Session(..)
        | Expr::Sub(_)
        | Expr::Collect(_) => {}
    }
}
