//! Queries that look at some fields only of records or vectors that are read from somewhere ask for
//! these alone: `for each r in json:file_stream(f)`, `give vref(r,"temp")` becomes `for each r in
//! json:file_stream(f,["temp"])`, `give vref(r,"temp")`. What is not asked for is not built.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::{Function, Type, Value};
use crate::plan::used::mentions;
use crate::plan::walk::Visitor;
use crate::plan::{Call, Pattern, PlanExpr, Query, Slot, Step, Target};

/// The query with every step rewritten that can ask for less, and the functions that it does not call
/// any more; `None` if there is no such step.
pub fn ask(query: &Query, catalog: &Catalog) -> Option<(Query, Vec<Arc<Function>>)> {
    let mut asking: Option<Query> = None;
    let mut replaced = Vec::new();
    for (at, step) in query.steps.iter().enumerate() {
        let Some((slot, ty, call)) = reading(step) else {
            continue;
        };
        let Some(keys) = keys(query, slot, ty) else {
            continue;
        };
        let Some((whole, reduced)) = reduced(call, catalog) else {
            continue;
        };
        let mut args = call.args.clone();
        args.push(PlanExpr::Const(Value::vector(keys)));
        let asked = PlanExpr::Call(Box::new(Call {
            target: Target::One(reduced),
            args,
            span: call.span.clone(),
        }));
        match &mut asking.get_or_insert_with(|| query.clone()).steps[at] {
            Step::Iterate { over, .. } => *over = asked,
            Step::Let(_, value) => *value = asked,
            _ => continue,
        }
        replaced.push(whole);
    }
    asking.map(|asking| (asking, replaced))
}

/// The variable that a step gives what a call reads, and its type.
fn reading(step: &Step) -> Option<(Slot, &Type, &Call)> {
    let (pattern, value) = match step {
        Step::Iterate { pattern, over, .. } => (pattern, over),
        Step::Let(pattern, value) => (pattern, value),
        _ => return None,
    };
    match (pattern, value) {
        (Pattern::Bind(slot, ty), PlanExpr::Call(call)) => Some((*slot, ty, call)),
        _ => None,
    }
}

/// The function that is called, and the one that gives some fields only of what it gives.
fn reduced(call: &Call, catalog: &Catalog) -> Option<(Arc<Function>, Arc<Function>)> {
    let Target::One(whole) = &call.target else {
        return None;
    };
    let name = whole.native()?.fields?;
    let resolvents = catalog.functions.resolvents(whole.name()).ok()?;
    // A user may have added resolvents of that name.
    let gives_fields = |f: &&Arc<Function>| {
        f.arity() == call.args.len() + 1 && f.native().is_some_and(|native| native.name == name)
    };
    let reduced = resolvents.iter().find(gives_fields)?;
    Some((whole.clone(), reduced.clone()))
}

/// The keys of the fields that the query looks at of a record.
pub fn keys_of_record(query: &Query, slot: Slot) -> Vec<Value> {
    let mut keys = accesses(query, slot).keys;
    keys.retain(|key| matches!(key, Value::Str(_)));
    keys
}

fn accesses(query: &Query, slot: Slot) -> Accesses {
    let mut accesses = Accesses {
        slot,
        count: 0,
        keys: vec![],
    };
    accesses.query(query);
    accesses
}

/// The fields that the query looks at of a variable, if it does nothing else with it.
fn keys(query: &Query, slot: Slot, ty: &Type) -> Option<Vec<Value>> {
    let accesses = accesses(query, slot);
    let nothing_else = accesses.count > 0 && mentions(query)[slot] == accesses.count + 1;
    let fits = |key: &Value| match (ty, key) {
        (Type::Record, Value::Str(_)) => true,
        (Type::Vector(of), Value::Int(place)) => **of == Type::Object && *place > 0,
        _ => false,
    };
    (nothing_else && accesses.keys.iter().all(fits)).then_some(accesses.keys)
}

/// Collects which fields of a variable are looked at.
struct Accesses {
    slot: Slot,
    /// How often one is.
    count: usize,
    keys: Vec<Value>,
}

impl Visitor for Accesses {
    fn expr(&mut self, expr: &PlanExpr) {
        if let Some((slot, key)) = field_of(expr)
            && slot == self.slot
        {
            self.count += 1;
            if !self.keys.contains(key) {
                self.keys.push(key.clone());
            }
        }
        self.walk_expr(expr);
    }
}

/// The variable of which an expression is a field, and which field it is.
pub fn field_of(expr: &PlanExpr) -> Option<(Slot, &Value)> {
    let PlanExpr::Call(call) = expr else {
        return None;
    };
    let Target::One(function) = &call.target else {
        return None;
    };
    match call.args.as_slice() {
        [PlanExpr::Slot(slot), PlanExpr::Const(key)] if function.native()?.gives_field => {
            Some((*slot, key))
        }
        _ => None,
    }
}
