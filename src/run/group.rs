//! Results that must be collected before the first can be given: groups and sorted rows.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::aggregate::Accumulator;
use super::batch::{BatchResults, Fed, Feed, Wanted};
use super::eval::eval;
use super::pipeline::Pipeline;
use super::sorted::SortedResults;
use crate::host::traced::Traced;
use crate::model::{Cx, Value, size};
use crate::plan::{Group, GroupAggregate, Query};
use crate::text::diagnostic::Result;

/// All results of a query that groups or sorts, in order; the first `most` of them are enough.
pub fn collect(
    query: &Query,
    most: Option<usize>,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<Vec<Value>> {
    let mut results = SortedResults::new(most);
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
    results.finish(&query.order, cx)
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
    let in_batches = !group.aggregates.iter().any(|a| is_traced(a, cx));
    if let Some(program) = query.batch.as_ref().filter(|_| in_batches)
        && let Some(mut feed) = Feed::open(program, frame, cx)?
    {
        while let Some(fed) = feed.next(Wanted::Columns, frame, cx)? {
            match fed {
                Fed::Columns(results) => add_batch(group, &mut groups, &results, cx)?,
                Fed::Rows(first) | Fed::Rest(first) => {
                    *pipeline = Pipeline::resume(query.steps.len(), first);
                    add_rows(group, &mut groups, query, pipeline, frame, cx)?;
                }
                Fed::Values(_) => {}
            }
        }
    } else {
        add_rows(group, &mut groups, query, pipeline, frame, cx)?;
    }
    Ok(groups)
}

/// Adds the rows that the pipeline makes.
fn add_rows(
    group: &Group,
    groups: &mut Groups,
    query: &Query,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<()> {
    let mut keys = Vec::with_capacity(group.keys.len());
    each_row(query, pipeline, frame, cx, |frame| {
        keys.clear();
        for (key, _) in &group.keys {
            match eval(key, frame, cx)? {
                Some(key) => keys.push(key),
                None => return Ok(()),
            }
        }
        let held = held(group, groups, &keys, cx)?;
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
    })
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
fn add_batch(group: &Group, groups: &mut Groups, results: &BatchResults, cx: &Cx) -> Result<()> {
    let (keys, arguments) = results.columns.split_at(group.keys.len());
    let mut key = Vec::with_capacity(keys.len());
    for row in 0..results.rows {
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
