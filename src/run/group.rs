//! Results that must be collected before the first can be given: groups and sorted rows.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use super::aggregate::grouped::GroupedAccumulator;
use super::batch::{
    ArrivalUse, BatchResults, Fed, Feed, HeldColumn, OptionalColumn, ResultUse, RowDictionary,
};
use super::eval::eval;
use super::pipeline::Pipeline;
use super::sorted::{CollectedRows, SortedResults};
use crate::host::traced::Traced;
use crate::model::collection::BATCH;
use crate::model::memory::{CountedValues, HeldMemory};
use crate::model::{BatchColumn, Cx, Value, column, size};
use crate::plan::{Group, GroupAggregate, PlanExpr, Query, Slot};
use crate::text::diagnostic::Result;
use crate::text::stoppable;

/// All results of a query that groups or sorts, in order; the first `most` of them are enough.
pub fn collect(
    query: &Query,
    most: Option<usize>,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<CollectedRows> {
    let mut results = SortedResults::new(query, most);
    match &query.group {
        Some(group) => {
            let groups = Groups::new(group, cx);
            let mut rows = GroupedRows {
                query,
                group,
                groups,
            };
            each(query, &mut rows, pipeline, frame, cx)?;
            rows.groups.finish(query, group, &mut results, frame, cx)?;
        }
        None => each(query, &mut results, pipeline, frame, cx)?,
    }
    results.finish(cx)
}

/// What takes the rows of a query: in batches, or one by one.
trait Collector {
    /// Whether batches are as good as rows.
    fn takes_batches(&self) -> bool;

    fn add_batch(&mut self, results: BatchResults, cx: &Cx) -> Result<()>;

    /// Takes the row whose variables are in the frame.
    fn add_row(&mut self, query: &Query, frame: &[Value], cx: &Cx) -> Result<()>;
}

/// Gives each row of the query to `collector`.
fn each(
    query: &Query,
    collector: &mut impl Collector,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<()> {
    let program = query.batch.as_ref().filter(|_| collector.takes_batches());
    let feed = match program {
        Some(program) => Feed::open(program, frame, cx)?,
        None => None,
    };
    let Some(mut feed) = feed else {
        return each_row(query, collector, pipeline, frame, cx);
    };
    let arrivals = ArrivalUse::Together(BATCH);
    while let Some(fed) = feed.next(ResultUse::Values, arrivals, frame, cx)? {
        match fed {
            // They were not to be taken later.
            Fed::Later => {}
            Fed::Columns(results) => collector.add_batch(results, cx)?,
            Fed::Rows(first) | Fed::Rest(first) => {
                *pipeline = Pipeline::resume(query.steps.len(), query.batch_source(), first);
                each_row(query, collector, pipeline, frame, cx)?;
            }
        }
    }
    Ok(())
}

/// The same for the rows that the pipeline makes. One that fails is set aside where it was made of an
/// element of a live stream.
fn each_row(
    query: &Query,
    collector: &mut impl Collector,
    pipeline: &mut Pipeline,
    frame: &mut [Value],
    cx: &Cx,
) -> Result<()> {
    loop {
        let taken = match pipeline.next(&query.steps, frame, cx) {
            Ok(true) => collector.add_row(query, frame, cx),
            Ok(false) => return Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            pipeline.set_aside(query, error, cx)?;
        }
    }
}

impl Collector for SortedResults {
    fn takes_batches(&self) -> bool {
        true
    }

    fn add_batch(&mut self, results: BatchResults, cx: &Cx) -> Result<()> {
        let mut columns = results.columns;
        // A key without a value sorts as null.
        let keys = results.optional.into_iter();
        columns.extend(keys.map(|key| key.into_nulls(results.rows)));
        self.add_columns(&columns, results.rows, cx)
    }

    fn add_row(&mut self, query: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        self.add(query, frame, cx)
    }
}

/// Groups that take the rows of a query.
struct GroupedRows<'q> {
    query: &'q Query,
    group: &'q Group,
    groups: Groups,
}

/// Groups, numbered in the order in which their first rows came, and given in that of their keys.
pub struct Groups {
    keys: RowDictionary,
    /// What the groups have for each aggregate.
    held: Vec<Held>,
    memory: HeldMemory,
}

/// A batch of rows for groups.
#[derive(Clone)]
pub struct GroupRows {
    /// A column for each key.
    pub keys: Vec<BatchColumn>,
    /// What the rows contribute to each aggregate, one value at the most.
    pub contributions: Vec<OptionalColumn>,
    pub rows: usize,
}

impl GroupRows {
    /// A row: its keys, and bags of what it contributes.
    pub fn row(&self, row: usize) -> (Vec<Value>, Vec<Value>) {
        let keys = self.keys.iter().filter_map(|key| key.value(row)).collect();
        let contributions = self.contributions.iter().map(|c| match c.value(row) {
            Some(value) => value,
            None => Value::bag(vec![]),
        });
        (keys, contributions.collect())
    }

    /// Some of the rows.
    pub fn part(&self, rows: Range<usize>) -> GroupRows {
        let contributions = self.contributions.iter();
        GroupRows {
            keys: self.keys.iter().map(|key| key.part(rows.clone())).collect(),
            contributions: contributions.map(|c| c.part(rows.clone())).collect(),
            rows: rows.len(),
        }
    }
}

/// What groups have for one aggregate.
enum Held {
    /// What the aggregate makes of the rows so far.
    Running(GroupedAccumulator),
    /// All that it is to be made of, for each group.
    Bags(Vec<CountedValues>, usize),
}

impl Held {
    fn new(aggregate: &GroupAggregate, cx: &Cx) -> Held {
        match &aggregate.running {
            Some(running) if !is_traced(aggregate, cx) => {
                Held::Running(GroupedAccumulator::new(running.kind))
            }
            _ => Held::Bags(Vec::new(), 0),
        }
    }

    fn grow(&mut self, groups: usize) {
        match self {
            Held::Running(running) => running.grow(groups),
            Held::Bags(bags, _) => bags.resize_with(groups, CountedValues::default),
        }
    }

    /// Whether each group has a result that is no collection and not null, and they are of one type.
    fn is_column(&self) -> bool {
        matches!(self, Held::Running(running) if running.is_column())
    }

    fn into_column(self) -> HeldColumn {
        match self {
            Held::Running(running) => running.into_column(),
            Held::Bags(..) => HeldColumn::default(),
        }
    }

    fn add(&mut self, group: u32, value: Value, cx: &Cx) {
        match self {
            Held::Running(running) => running.add(group, &value, cx),
            Held::Bags(bags, bytes) => {
                *bytes += size_of::<Value>() + value.heap_bytes();
                bags[group as usize].push(value);
            }
        }
    }

    /// How many bytes it takes.
    fn bytes(&self) -> usize {
        match self {
            Held::Running(running) => running.bytes(),
            Held::Bags(bags, bytes) => size_of_val(bags.as_slice()) + bytes,
        }
    }
}

/// Whether calls of the aggregate are printed, with the bag.
fn is_traced(aggregate: &GroupAggregate, cx: &Cx) -> bool {
    let running = aggregate.running.as_ref();
    running.is_some_and(|running| Traced::prints(&running.function, cx))
}

impl Collector for GroupedRows<'_> {
    fn takes_batches(&self) -> bool {
        // A traced aggregate needs its bags, with the values as they are.
        let aggregates = self.group.aggregates.iter().zip(&self.groups.held);
        aggregates.clone().all(|(aggregate, held)| {
            aggregate.running.is_none() || matches!(held, Held::Running(_))
        })
    }

    /// Takes rows that have columns for the keys, and then for what the aggregates take.
    fn add_batch(&mut self, results: BatchResults, cx: &Cx) -> Result<()> {
        let rows = GroupRows {
            keys: results.columns,
            contributions: results.optional,
            rows: results.rows,
        };
        self.groups.add_rows(self.query, rows, cx)
    }

    fn add_row(&mut self, _: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        let mut keys = Vec::with_capacity(self.group.keys.len());
        for (key, _) in &self.group.keys {
            match eval(key, frame, cx)? {
                Some(key) => keys.push(key),
                None => return Ok(()),
            }
        }
        let number = self.groups.keys.number(&keys);
        let groups = self.groups.keys.count();
        for held in &mut self.groups.held {
            held.grow(groups);
        }
        for (aggregate, held) in self.group.aggregates.iter().zip(&mut self.groups.held) {
            let Some(value) = eval(&aggregate.argument, frame, cx)? else {
                continue;
            };
            if !aggregate.elements {
                held.add(number, value, cx);
                continue;
            }
            let mut elements = value.elements(cx)?;
            while let Some(element) = elements.next(cx)? {
                held.add(number, element, cx);
            }
        }
        self.groups.check_size(self.query, cx)
    }
}

impl Groups {
    pub fn new(group: &Group, cx: &Cx) -> Groups {
        Groups {
            keys: RowDictionary::new(group.keys.len()),
            held: group.aggregates.iter().map(|a| Held::new(a, cx)).collect(),
            memory: HeldMemory::default(),
        }
    }

    /// Takes what a row contributes to each aggregate: a bag of it, or the value alone.
    pub fn add(
        &mut self,
        query: &Query,
        keys: &[Value],
        contributions: &[Value],
        cx: &Cx,
    ) -> Result<()> {
        let number = self.keys.number(keys);
        let groups = self.keys.count();
        for (held, value) in self.held.iter_mut().zip(contributions) {
            held.grow(groups);
            if !value.is_collection() {
                held.add(number, value.clone(), cx);
                continue;
            }
            let mut elements = value.elements(cx)?;
            while let Some(element) = elements.next(cx)? {
                held.add(number, element, cx);
            }
        }
        self.check_size(query, cx)
    }

    /// Takes a batch of rows.
    pub fn add_rows(&mut self, query: &Query, rows: GroupRows, cx: &Cx) -> Result<()> {
        self.keys.number_all(&rows.keys, rows.rows);
        let groups = self.keys.count();
        for (mut argument, held) in rows.contributions.into_iter().zip(&mut self.held) {
            held.grow(groups);
            let mut numbers = Cow::Borrowed(self.keys.numbers());
            // A row without a value for the aggregate belongs to its group all the same.
            if let Some(mask) = argument.present().map(<[bool]>::to_vec) {
                column::keep(numbers.to_mut(), &mask);
                argument.keep(&mask);
            }
            let argument = argument.column;
            match held {
                Held::Running(running) => running.add_all(&numbers, &argument, cx),
                Held::Bags(..) => {
                    for (row, group) in numbers.iter().enumerate() {
                        if let Some(value) = argument.value(row) {
                            held.add(*group, value, cx);
                        }
                    }
                }
            }
        }
        self.check_size(query, cx)
    }

    fn check_size(&mut self, query: &Query, cx: &Cx) -> Result<()> {
        size::check_numbered(self.keys.count())?;
        let bytes = self.keys.bytes() + self.held.iter().map(Held::bytes).sum::<usize>();
        let operator = query.operator("'group by'");
        self.memory.set(bytes, operator, &cx.memory)
    }

    /// Gives the rows that the groups make to `results`.
    pub fn finish(
        self,
        query: &Query,
        group: &Group,
        results: &mut SortedResults,
        frame: &mut [Value],
        cx: &Cx,
    ) -> Result<()> {
        let Groups {
            keys,
            mut held,
            memory: _memory,
        } = self;
        let groups = match group.always {
            true => keys.count().max(1),
            false => keys.count(),
        };
        held.iter_mut().for_each(|held| held.grow(groups));
        let keys: Vec<HeldColumn> = keys.into_firsts();
        // Where the results are sorted anyway the groups need not be.
        let order = match query.order.is_empty() {
            true => Some(in_order(&keys, groups, cx)?),
            false => None,
        };
        if let Some(places) = columns_given(query, group, &keys, &held) {
            let aggregates = held.into_iter().map(Held::into_column);
            let columns: Vec<HeldColumn> = keys.into_iter().chain(aggregates).collect();
            let columns = places.into_iter().map(|place| {
                let mut column = columns[place].clone();
                if let Some(order) = &order {
                    column.pick(order);
                }
                column
            });
            return results.take(columns.collect(), groups, cx);
        }
        let order = order.unwrap_or_else(|| (0..groups as u32).collect());
        for number in order.into_iter().map(|number| number as usize) {
            for ((_, slot), column) in group.keys.iter().zip(&keys) {
                if number < column.len() {
                    frame[*slot] = column.value(number);
                }
            }
            if !aggregate(group, number, &mut held, frame, cx)? {
                continue;
            }
            let mut rows = Pipeline::new(group.after.len());
            while rows.next(&group.after, frame, cx)? {
                results.add(query, frame, cx)?;
            }
        }
        Ok(())
    }
}

/// The numbers of the groups in the order of their keys.
fn in_order(keys: &[HeldColumn], groups: usize, cx: &Cx) -> Result<Vec<u32>> {
    let looks = cx.token.looks();
    let mut order: Vec<u32> = (0..groups as u32).collect();
    let steps = |at: &u32| keys.iter().map(|key| key.steps(*at as usize)).sum();
    let compare = |a: &u32, b: &u32| {
        let orders = keys.iter().map(|key| key.compare(*a as usize, *b as usize));
        orders.fold(Ordering::Equal, Ordering::then)
    };
    if let [HeldColumn::Ints(ints)] = keys {
        looks.steps(groups)?;
        order.sort_unstable_by_key(|at| ints[*at as usize]);
        return Ok(order);
    }
    stoppable::sort_by(&mut order, &looks, steps, compare)?;
    Ok(order)
}

/// Where the results are nothing but keys and aggregates of groups that all have them, and so are what
/// they are sorted by: which of these each column is.
fn columns_given(
    query: &Query,
    group: &Group,
    keys: &[HeldColumn],
    held: &[Held],
) -> Option<Vec<usize>> {
    // What is no number may be null, which not all that asks for it takes.
    let is_plain = |key: &HeldColumn| !matches!(key, HeldColumn::Values(_));
    if !group.after.is_empty() || !keys.iter().all(is_plain) || !held.iter().all(Held::is_column) {
        return None;
    }
    let keys = group.keys.iter().map(|(_, slot)| *slot);
    let slots: Vec<Slot> = keys
        .chain(group.aggregates.iter().map(|a| a.result))
        .collect();
    let place = |expr: &PlanExpr| match expr {
        PlanExpr::Slot(slot) | PlanExpr::Known(slot) => slots.iter().position(|of| of == slot),
        _ => None,
    };
    query.columns_collected().map(place).collect()
}

/// Computes a group's aggregates; `false` if one that is required has no result.
fn aggregate(
    group: &Group,
    number: usize,
    held: &mut [Held],
    frame: &mut [Value],
    cx: &Cx,
) -> Result<bool> {
    for (aggregate, held) in group.aggregates.iter().zip(held) {
        let result = match (held, &aggregate.running) {
            (Held::Running(so_far), Some(running)) => so_far
                .result(number as u32)
                .map_err(|error| error.at(&running.span))?,
            (Held::Running(_), None) => None,
            (Held::Bags(bags, _), _) => {
                let bag = std::mem::take(&mut bags[number]);
                frame[aggregate.bag] = Value::bag(bag.into_values());
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
