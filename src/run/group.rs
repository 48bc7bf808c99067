//! Results that must be collected before the first can be given: groups and sorted rows.

use super::aggregate::grouped::GroupedAccumulator;
use super::batch::{BatchResults, Fed, Feed, HeldColumn, ResultUse, RowDictionary};
use super::eval::eval;
use super::pipeline::Pipeline;
use super::sorted::{CollectedRows, SortedResults};
use crate::host::traced::Traced;
use crate::model::{Cx, Value, size};
use crate::plan::{Group, GroupAggregate, PlanExpr, Query, Slot};
use crate::text::diagnostic::Result;

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
            let mut groups = Groups::new(group, cx);
            each(query, &mut groups, pipeline, frame, cx)?;
            groups.finish(query, &mut results, frame, cx)?;
        }
        None => each(query, &mut results, pipeline, frame, cx)?,
    }
    results.finish(cx)
}

/// What takes the rows of a query: in batches, or one by one.
trait Collector {
    /// Whether batches are as good as rows.
    fn takes_batches(&self) -> bool;

    fn add_batch(&mut self, results: &BatchResults, cx: &Cx) -> Result<()>;

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
    while let Some(fed) = feed.next(ResultUse::Values, frame, cx)? {
        match fed {
            Fed::Columns(results) => collector.add_batch(&results, cx)?,
            // A feed that has just been opened takes them.
            Fed::Live => {}
            Fed::Rows(first) | Fed::Rest(first) => {
                *pipeline = Pipeline::resume(query.steps.len(), first);
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

    fn add_batch(&mut self, results: &BatchResults, cx: &Cx) -> Result<()> {
        self.add_columns(&results.columns, results.rows, cx)
    }

    fn add_row(&mut self, query: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        self.add(query, frame, cx)
    }
}

/// Groups in the order in which their first rows came.
struct Groups<'q> {
    group: &'q Group,
    keys: RowDictionary,
    /// What the groups have for each aggregate.
    held: Vec<Held>,
}

/// What groups have for one aggregate.
enum Held {
    /// What the aggregate makes of the rows so far.
    Running(GroupedAccumulator),
    /// All that it is to be made of, for each group.
    Bags(Vec<Vec<Value>>),
}

impl Held {
    fn new(aggregate: &GroupAggregate, cx: &Cx) -> Held {
        match &aggregate.running {
            Some(running) if !is_traced(aggregate, cx) => {
                Held::Running(GroupedAccumulator::new(running.kind))
            }
            _ => Held::Bags(Vec::new()),
        }
    }

    fn grow(&mut self, groups: usize) {
        match self {
            Held::Running(running) => running.grow(groups),
            Held::Bags(bags) => bags.resize(groups, Vec::new()),
        }
    }

    /// Whether each group has a result that is no collection and not null, and they are of one type.
    fn is_column(&self) -> bool {
        matches!(self, Held::Running(running) if running.is_column())
    }

    fn into_column(self) -> HeldColumn {
        match self {
            Held::Running(running) => running.into_column(),
            Held::Bags(_) => HeldColumn::default(),
        }
    }

    fn add(&mut self, group: u32, value: Value, cx: &Cx) {
        match self {
            Held::Running(running) => running.add(group, &value, cx),
            Held::Bags(bags) => bags[group as usize].push(value),
        }
    }
}

/// Whether calls of the aggregate are printed, with the bag.
fn is_traced(aggregate: &GroupAggregate, cx: &Cx) -> bool {
    let running = aggregate.running.as_ref();
    running.is_some_and(|running| Traced::prints(&running.function, cx))
}

impl Collector for Groups<'_> {
    fn takes_batches(&self) -> bool {
        // A traced aggregate needs its bags, with the values as they are.
        let aggregates = self.group.aggregates.iter().zip(&self.held);
        aggregates.clone().all(|(aggregate, held)| {
            aggregate.running.is_none() || matches!(held, Held::Running(_))
        })
    }

    /// Takes rows that have columns for the keys, and then for what the aggregates take.
    fn add_batch(&mut self, results: &BatchResults, cx: &Cx) -> Result<()> {
        let (keys, arguments) = results.columns.split_at(self.group.keys.len());
        self.keys.number_all(keys, results.rows);
        self.check_size()?;
        let groups = self.keys.count();
        let numbers = self.keys.numbers();
        for (argument, held) in arguments.iter().zip(&mut self.held) {
            held.grow(groups);
            match held {
                Held::Running(running) => running.add_all(numbers, argument, cx),
                Held::Bags(bags) => {
                    for (row, group) in numbers.iter().enumerate() {
                        bags[*group as usize].extend(argument.value(row));
                    }
                }
            }
        }
        Ok(())
    }

    fn add_row(&mut self, _: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        let mut keys = Vec::with_capacity(self.group.keys.len());
        for (key, _) in &self.group.keys {
            match eval(key, frame, cx)? {
                Some(key) => keys.push(key),
                None => return Ok(()),
            }
        }
        let number = self.keys.number(&keys);
        self.check_size()?;
        let groups = self.keys.count();
        for held in &mut self.held {
            held.grow(groups);
        }
        for (aggregate, held) in self.group.aggregates.iter().zip(&mut self.held) {
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
        Ok(())
    }
}

impl Groups<'_> {
    fn new<'q>(group: &'q Group, cx: &Cx) -> Groups<'q> {
        Groups {
            group,
            keys: RowDictionary::new(group.keys.len()),
            held: group.aggregates.iter().map(|a| Held::new(a, cx)).collect(),
        }
    }

    fn check_size(&self) -> Result<()> {
        size::check_distinct(self.keys.count().saturating_sub(1))
    }

    /// Gives the rows that the groups make to `results`.
    fn finish(
        self,
        query: &Query,
        results: &mut SortedResults,
        frame: &mut [Value],
        cx: &Cx,
    ) -> Result<()> {
        let Groups {
            group,
            keys,
            mut held,
        } = self;
        let groups = keys.count();
        let keys: Vec<HeldColumn> = keys.into_firsts();
        if let Some(places) = columns_given(query, group, &keys, &held) {
            let aggregates = held.into_iter().map(Held::into_column);
            let columns: Vec<HeldColumn> = keys.into_iter().chain(aggregates).collect();
            let columns = places.into_iter().map(|place| columns[place].clone());
            results.take(columns.collect(), groups);
            return Ok(());
        }
        for number in 0..groups {
            for ((_, slot), column) in group.keys.iter().zip(&keys) {
                frame[*slot] = column.value(number);
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
            (Held::Bags(bags), _) => {
                frame[aggregate.bag] = Value::bag(std::mem::take(&mut bags[number]));
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
