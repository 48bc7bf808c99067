//! Results that must be collected before the first can be given: groups and sorted rows.

use std::cmp::Ordering;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::aggregate::Accumulator;
use super::batch::{BatchColumn, Feed};
use super::eval::eval;
use super::query::{Pipeline, output};
use crate::host::traced::Traced;
use crate::model::{Cx, Value, size};
use crate::plan::{Group, GroupAggregate, Order, Query};
use crate::run::call;
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable;

/// All results of a query that groups or sorts, in order.
pub fn collect(
    query: &Query,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<Vec<Value>> {
    let mut results = Results::default();
    match &query.group {
        Some(group) => {
            for (keys, held) in groups(group, query, pipeline, frame, cx)? {
                for ((_, slot), key) in group.keys.iter().zip(keys) {
                    frame[*slot] = key;
                }
                if aggregate(group, held, frame, cx)? {
                    let mut rows = Pipeline::new(group.after.len());
                    while rows.next(&group.after, frame, cx)? {
                        results.add(query, frame, cx)?;
                    }
                }
            }
        }
        None => each_row(query, pipeline, frame, cx, |frame| {
            results.add(query, frame, cx)
        })?,
    }
    results.sorted(&query.order, cx)
}

/// Gives each row of the query to `take`. One that fails is set aside where it was made of an element
/// of a live stream.
fn each_row(
    query: &Query,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
    mut take: impl FnMut(&mut [Value]) -> Result<()>,
) -> Result<()> {
    loop {
        let taken = match pipeline.next(&query.steps, frame, cx) {
            Ok(true) => take(frame),
            Ok(false) => return Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            pipeline.set_aside(query, error, cx)?;
        }
    }
}

/// Results with their sort keys.
#[derive(Default)]
struct Results {
    values: Vec<Value>,
    /// As many for each result as there are in `order by`.
    keys: Vec<Value>,
}

impl Results {
    /// Keeps a row's result; a key without a value sorts as null.
    fn add(&mut self, query: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        let Some(value) = output(query, frame, cx)? else {
            return Ok(());
        };
        for order in &query.order {
            let key = eval(&order.key, frame, cx)?.map(|key| sort_key(key, cx));
            self.keys.push(key.unwrap_or(Ok(Value::Null))?);
        }
        self.values.push(value);
        Ok(())
    }

    fn sorted(mut self, order: &[Order], cx: &Cx) -> Result<Vec<Value>> {
        if order.is_empty() {
            return Ok(self.values);
        }
        let keys: Vec<&[Value]> = self.keys.chunks(order.len()).collect();
        let mut places: Vec<usize> = (0..self.values.len()).collect();
        let looks = cx.token.looks();
        let steps = |place: &usize| keys[*place].iter().map(Value::steps).sum();
        stoppable::sort_by(&mut places, &looks, steps, |a, b| {
            by_keys(order, keys[*a], keys[*b])
        })?;
        let take = |place: usize| std::mem::replace(&mut self.values[place], Value::Null);
        Ok(places.into_iter().map(take).collect())
    }
}

/// The one value that a row is sorted by; null for none.
fn sort_key(key: Value, cx: &Cx) -> Result<Value> {
    if !key.is_collection() {
        return Ok(key);
    }
    let mut elements = key.elements(cx)?;
    let first = elements.next(cx)?;
    match elements.next(cx)? {
        Some(second) => {
            let first = call::short(&first.unwrap_or(Value::Null));
            let second = call::short(&second);
            Err(Error::run(format!(
                "a row is sorted by one value, but a key of 'order by' gives several: {first}, {second}"
            ))
            .help("sort by one of them, min(…) or max(…)"))
        }
        None => Ok(first.unwrap_or(Value::Null)),
    }
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

/// What a group has for one aggregate.
enum Held {
    /// What the aggregate makes of the rows so far. An error waits until the group is asked for.
    Running(Result<Accumulator>),
    Bag(Vec<Value>),
}

impl Held {
    fn new(aggregate: &GroupAggregate, cx: &Cx) -> Held {
        match &aggregate.running {
            Some(running) if !is_traced(aggregate, cx) => {
                Held::Running(Ok(Accumulator::new(running.kind)))
            }
            _ => Held::Bag(Vec::new()),
        }
    }

    fn add(&mut self, value: Value, cx: &Cx) {
        match self {
            Held::Running(running) => {
                if let Ok(so_far) = running
                    && let Err(error) = so_far.add(value, cx)
                {
                    *running = Err(error);
                }
            }
            Held::Bag(bag) => bag.push(value),
        }
    }
}

/// Whether calls of the aggregate are printed, with the bag.
fn is_traced(aggregate: &GroupAggregate, cx: &Cx) -> bool {
    let running = aggregate.running.as_ref();
    running.is_some_and(|running| Traced::prints(&running.function, cx))
}

/// Groups in the order in which their first rows came: by keys, what they have for each aggregate.
type Groups = IndexMap<Vec<Value>, Vec<Held>, RandomState>;

fn groups(
    group: &Group,
    query: &Query,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<Groups> {
    let mut groups = Groups::default();
    let mut keys = Vec::with_capacity(group.keys.len());
    if !group.aggregates.iter().any(|a| is_traced(a, cx))
        && let Some(program) = &query.batch
        && let Some(mut feed) = Feed::open(program, frame, cx)?
    {
        while let Some((columns, rows)) = feed.next(frame, cx)? {
            add_batch(group, &mut groups, &columns, rows, cx)?;
        }
        *pipeline = Pipeline::resume(query.steps.len(), feed.rest());
    }
    each_row(query, pipeline, frame, cx, |frame| {
        keys.clear();
        for (key, _) in &group.keys {
            match eval(key, frame, cx)? {
                Some(key) => keys.push(key),
                None => return Ok(()),
            }
        }
        let held = held(group, &mut groups, &keys, cx)?;
        for (aggregate, held) in group.aggregates.iter().zip(held) {
            let Some(value) = eval(&aggregate.argument, frame, cx)? else {
                continue;
            };
            if !aggregate.elements {
                held.add(value, cx);
                continue;
            }
            let mut elements = value.elements(cx)?;
            while let Some(element) = elements.next(cx)? {
                held.add(element, cx);
            }
        }
        Ok(())
    })?;
    Ok(groups)
}

/// What the group with these keys has.
fn held<'g>(
    group: &Group,
    groups: &'g mut Groups,
    keys: &[Value],
    cx: &Cx,
) -> Result<&'g mut Vec<Held>> {
    Ok(match groups.get_index_of(keys) {
        Some(at) => &mut groups[at],
        None => {
            size::check_distinct(groups.len())?;
            groups.entry(keys.to_vec()).or_insert_with(|| {
                let aggregates = group.aggregates.iter();
                aggregates.map(|a| Held::new(a, cx)).collect()
            })
        }
    })
}

/// Adds rows that have columns for the keys, and then for what the aggregates take.
fn add_batch(
    group: &Group,
    groups: &mut Groups,
    columns: &[BatchColumn],
    rows: usize,
    cx: &Cx,
) -> Result<()> {
    let (keys, arguments) = columns.split_at(group.keys.len());
    let mut key = Vec::with_capacity(keys.len());
    for row in 0..rows {
        key.clear();
        key.extend(keys.iter().filter_map(|column| column.value(row)));
        let held = held(group, groups, &key, cx)?;
        for (argument, held) in arguments.iter().zip(held) {
            if let Some(value) = argument.value(row) {
                held.add(value, cx);
            }
        }
    }
    Ok(())
}

/// Computes a group's aggregates; `false` if one that is required has no result.
fn aggregate(group: &Group, held: Vec<Held>, frame: &mut [Value], cx: &Cx) -> Result<bool> {
    for (aggregate, held) in group.aggregates.iter().zip(held) {
        let result = match (held, &aggregate.running) {
            (Held::Running(so_far), Some(running)) => so_far
                .and_then(Accumulator::result)
                .map_err(|error| error.at(&running.span))?,
            (Held::Running(_), None) => None,
            (Held::Bag(bag), _) => {
                frame[aggregate.bag] = Value::bag(bag);
                eval(&aggregate.call, frame, cx)?
            }
        };
        match result {
            Some(result) => frame[aggregate.result] = result,
            None if aggregate.required => return Ok(false),
            None => frame[aggregate.result] = Value::Null,
        }
    }
    Ok(true)
}
