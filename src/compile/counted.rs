//! A query whose results are only counted does not make them: `count(select r from Record r where
//! r in s and r['a'] > 1)` reads the field `a` and nothing else. Only results that are sure to be there
//! are left out: variables that a step has bound to a value of their type.

use std::sync::Arc;

use super::query::Draft;
use crate::catalog::Catalog;
use crate::model::native::AggregateKind;
use crate::model::{Function, Type, Value};
use crate::plan::{Pattern, PlanExpr, Query, QueryOutput, ResultCollections, Slot, Step, Sub};

/// The arguments of a call of one of the functions, with a query that is only counted made so.
pub fn only_counted(
    functions: &[Arc<Function>],
    mut args: Vec<PlanExpr>,
    catalog: &Catalog,
) -> Vec<PlanExpr> {
    if let ([function], [PlanExpr::Sub(sub)]) = (functions, &mut *args)
        && function.native().and_then(|native| native.aggregate) == Some(AggregateKind::Count)
    {
        count_only(sub, catalog);
    }
    args
}

fn count_only(sub: &mut Sub, catalog: &Catalog) {
    // As it was before it asked for what its results need.
    let query = match &sub.query.traceable {
        Some(traceable) => &traceable.query,
        None => &sub.query,
    };
    let is_plain = query.group.is_none() && !query.distinct && query.order.is_empty();
    let is_needless = |column: &PlanExpr| match column {
        PlanExpr::Slot(slot) => query.steps.iter().any(|step| surely_binds(step, *slot)),
        _ => false,
    };
    if !is_plain || !query.output.columns.iter().all(is_needless) {
        return;
    }
    let mut counted = Query::clone(query);
    counted.output = QueryOutput {
        columns: vec![PlanExpr::Const(Value::Int(1))],
        collections: ResultCollections::Whole,
    };
    counted.ty = Type::Integer;
    sub.query = Arc::new(Draft::of_query(counted).finish(catalog));
}

/// Whether the step gives the variable a value that is one result.
fn surely_binds(step: &Step, slot: Slot) -> bool {
    match step {
        Step::Iterate { pattern, .. } | Step::Let(pattern, _) => {
            pattern_surely_binds(pattern, slot)
        }
        Step::Extent { slot: bound, .. } => *bound == slot,
        Step::Join(join) => join.inner.iter().any(|step| surely_binds(step, slot)),
        _ => false,
    }
}

fn pattern_surely_binds(pattern: &Pattern, slot: Slot) -> bool {
    match pattern {
        // Anything else may be null, or a collection of many results.
        Pattern::Bind(bound, ty) => *bound == slot && *ty != Type::Object && !ty.is_collection(),
        Pattern::Vector(parts) => parts.iter().any(|part| pattern_surely_binds(part, slot)),
        Pattern::Equal(_) | Pattern::Any => false,
    }
}
