//! Results that must be collected before the first can be given: groups and sorted rows.

use std::cmp::Ordering;

use indexmap::IndexMap;

use super::Cx;
use super::eval::eval;
use super::query::{Pipeline, output};
use crate::compile::plan::{Group, Order, Query};
use crate::diagnostic::Result;
use crate::types::Value;

/// All results of a query that groups or sorts, in order.
pub fn collect(
    query: &Query,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<Vec<Value>> {
    let mut results: Vec<(Vec<Value>, Value)> = Vec::new();
    match &query.group {
        Some(group) => {
            for (keys, bags) in groups(group, query, pipeline, frame, cx)? {
                for ((_, slot), key) in group.keys.iter().zip(keys) {
                    frame[*slot] = key;
                }
                if aggregate(group, bags, frame, cx)? {
                    add(query, frame, &mut results, cx)?;
                }
            }
        }
        None => {
            while pipeline.next(&query.steps, frame, cx)? {
                add(query, frame, &mut results, cx)?;
            }
        }
    }
    results.sort_by(|(a, _), (b, _)| by_keys(&query.order, a, b));
    Ok(results.into_iter().map(|(_, value)| value).collect())
}

/// Keeps a row's result with its sort keys; a key without a value sorts as null.
fn add(
    query: &Query,
    frame: &[Value],
    results: &mut Vec<(Vec<Value>, Value)>,
    cx: &Cx,
) -> Result<()> {
    let Some(value) = output(query, frame, cx)? else {
        return Ok(());
    };
    let mut keys = Vec::with_capacity(query.order.len());
    for order in &query.order {
        keys.push(eval(&order.key, frame, cx)?.unwrap_or(Value::Null));
    }
    results.push((keys, value));
    Ok(())
}

fn by_keys(order: &[Order], a: &[Value], b: &[Value]) -> Ordering {
    let compared =
        order.iter().zip(a.iter().zip(b)).map(
            |(order, (a, b))| {
                if order.descending { b.cmp(a) } else { a.cmp(b) }
            },
        );
    compared.fold(Ordering::Equal, Ordering::then)
}

/// The groups in the order in which their first rows came: keys, and a bag for each aggregate.
fn groups(
    group: &Group,
    query: &Query,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<IndexMap<Vec<Value>, Vec<Vec<Value>>>> {
    let mut groups: IndexMap<Vec<Value>, Vec<Vec<Value>>> = IndexMap::new();
    while pipeline.next(&query.steps, frame, cx)? {
        let keys: Option<Vec<Value>> = group
            .keys
            .iter()
            .map(|(key, _)| eval(key, frame, cx))
            .collect::<Result<_>>()?;
        let Some(keys) = keys else { continue };
        let bags = groups
            .entry(keys)
            .or_insert_with(|| vec![vec![]; group.aggregates.len()]);
        for (aggregate, bag) in group.aggregates.iter().zip(bags) {
            bag.extend(eval(&aggregate.argument, frame, cx)?);
        }
    }
    Ok(groups)
}

/// Computes a group's aggregates; `false` if one has no result.
fn aggregate(group: &Group, bags: Vec<Vec<Value>>, frame: &mut [Value], cx: &Cx) -> Result<bool> {
    for (aggregate, bag) in group.aggregates.iter().zip(bags) {
        frame[aggregate.bag] = Value::bag(bag);
        match eval(&aggregate.call, frame, cx)? {
            Some(result) => frame[aggregate.result] = result,
            None => return Ok(false),
        }
    }
    Ok(true)
}
