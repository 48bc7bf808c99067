//! Lowers queries to programs over batches of rows: from a source on, as far as that goes.
//!
//! Each step of a query is done in one of three ways. It has a form over columns. Or it has none, and
//! no state either: then the evaluator does it, or the part of it that has no form, for the rows of a
//! batch one by one, and gives columns again. Or it has state: from there on the query goes row by row,
//! as its rows are asked for, since what acts must not act for a row that nobody wants, nor before the
//! row before it has come through.

mod alternatives;
mod evaluated;
mod expressions;
mod inlined;
mod optional;
mod records;
mod steps;

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::{Function, Type, Value};
use crate::plan::batch::{BatchExpr, BatchProgram, BatchTail, BatchWork};
use crate::plan::{PlanExpr, Query, Slot, Step};
use records::RecordOfText;

/// The program that the query can be, if any.
pub fn lower(query: &Query, catalog: &Catalog) -> Option<BatchProgram> {
    let joins = query.steps.iter().any(has_join);
    if joins && query.limit.is_some() && !query.is_collected() {
        // A few rows of the inner side may be all that is needed.
        return None;
    }
    let mut builder = Builder::new(query, catalog);
    builder.gives_at_once = !query.is_collected() && !query.has_contributions();
    let (lead, first, rest) = builder.source(&query.steps)?;
    let origin = builder.origin(first)?;
    // Where each step begins, and which steps have a form over columns.
    let mut begins = vec![];
    begins.resize_with(lead.len() + 1, || builder.mark());
    let mut over_columns = vec![];
    let mut tail = None;
    for (at, step) in (lead.len() + 1..).zip(rest) {
        begins.push(builder.mark());
        let evaluations = builder.evaluations;
        if builder.attempt(|builder| builder.step(step)).is_some() {
            match builder.evaluations == evaluations {
                true => over_columns.push(at),
                false => builder.evaluated.push(at),
            }
            continue;
        }
        let behind = query.slots_behind(at + 1);
        if builder
            .attempt(|builder| builder.row_steps(step, &behind))
            .is_none()
        {
            tail = Some(at);
            break;
        }
        builder.evaluated.push(at);
    }
    begins.push(builder.mark());
    let mut outputs = None;
    if tail.is_none() {
        let evaluations = builder.evaluations;
        outputs = builder.attempt(|builder| builder.outputs(query));
        // What nothing is done with in batches any more may as well be done one by one.
        let is_last = over_columns.last().unwrap_or(&lead.len()) + 1;
        let by_rows = outputs.is_none() || builder.evaluations > evaluations;
        let plain = |outputs: &(Vec<BatchExpr>, usize)| outputs.0.iter().all(BatchExpr::is_plain);
        let nothing_left =
            by_rows || outputs.as_ref().is_some_and(plain) && is_last < query.steps.len();
        if outputs.is_none() || builder.gives_at_once && nothing_left {
            tail = Some(is_last);
        }
    }
    let tail = match tail {
        Some(step) => {
            let is_worth_it = over_columns.iter().any(|at| *at < step);
            if !is_worth_it || !builder.may_go_before(query, step) {
                return None;
            }
            builder.go_back(&begins[step]);
            builder.evaluated.retain(|at| *at < step);
            outputs = Some((vec![], 0));
            Some(BatchTail {
                step,
                variables: builder.whole_variables(&query.slots_behind(step)),
            })
        }
        None => None,
    };
    let (outputs, required) = outputs?;
    let types = outputs.iter().map(|output| builder.type_of(output));
    Some(BatchProgram {
        lead: lead.to_vec(),
        origin,
        types: types.collect(),
        work: builder.work,
        outputs,
        required,
        functions: builder.functions,
        given: builder.given,
        tail,
        evaluated: builder.evaluated,
        gives_at_once: builder.gives_at_once,
    })
}

fn has_join(step: &Step) -> bool {
    match step {
        Step::Join(_) => true,
        Step::Optional { steps, .. } => steps.iter().any(has_join),
        _ => false,
    }
}

/// What can be done with the values of a column.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Object,
    /// They can be compared.
    Other,
}

fn kind(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Number | Type::Integer | Type::Real => Some(Kind::Number),
        Type::User(_) | Type::Userobject => Some(Kind::Object),
        Type::Bag(_) | Type::Stream(_) => None,
        _ => Some(Kind::Other),
    }
}

struct Builder<'c> {
    query: &'c Query,
    catalog: &'c Catalog,
    /// The columns that there are by now, with the variables that they stand for.
    columns: Vec<(Option<Slot>, Type)>,
    work: Vec<BatchWork>,
    /// The functions that are called.
    functions: Vec<Arc<Function>>,
    /// The fields of records and vectors that have a column: the variable, the key, the column.
    fields: Vec<(Slot, Value, usize)>,
    /// Records that texts hold, of which fields have columns, and what makes a column of the whole.
    records: Vec<RecordOfText>,
    /// Calls of stored functions that have a column: the function, its argument's column, its own.
    calls: Vec<(Arc<Function>, usize, usize)>,
    /// Variables that are the same for all rows and are read by what the evaluator computes.
    given: Vec<Slot>,
    /// The steps that the evaluator does, at least in part.
    evaluated: Vec<usize>,
    /// How many pieces there are that the evaluator does.
    evaluations: usize,
    /// Whether the rows are made of the elements of a stream.
    is_stream: bool,
    /// Whether what is stored, or objects, are read.
    reads_stored: bool,
    /// Whether results are given while rows are still being made.
    gives_at_once: bool,
    /// The columns of the variables of a function whose body takes the place of a call.
    inside: Option<Vec<(Slot, usize)>>,
    /// How many such bodies stand inside each other.
    depth: usize,
}

/// How far a builder has come.
struct Mark {
    columns: usize,
    work: usize,
    fields: usize,
    records: usize,
    calls: usize,
    evaluations: usize,
}

impl Builder<'_> {
    fn new<'c>(query: &'c Query, catalog: &'c Catalog) -> Builder<'c> {
        Builder {
            query,
            catalog,
            columns: vec![],
            work: vec![],
            functions: vec![],
            fields: vec![],
            records: vec![],
            calls: vec![],
            given: vec![],
            evaluated: vec![],
            evaluations: 0,
            is_stream: false,
            reads_stored: false,
            gives_at_once: false,
            inside: None,
            depth: 0,
        }
    }

    /// The steps before the one that makes the rows, which make one row at the most, it, and those behind
    /// it.
    fn source<'s>(&self, steps: &'s [Step]) -> Option<(&'s [Step], &'s Step, &'s [Step])> {
        let lead = steps.iter().take_while(|step| !step.is_many()).count();
        let (lead, rest) = steps.split_at(lead);
        let (first, rest) = rest.split_first()?;
        self.has_no_state(lead, &[]).then_some((lead, first, rest))
    }

    fn mark(&self) -> Mark {
        Mark {
            columns: self.columns.len(),
            work: self.work.len(),
            fields: self.fields.len(),
            records: self.records.len(),
            calls: self.calls.len(),
            evaluations: self.evaluations,
        }
    }

    fn go_back(&mut self, mark: &Mark) {
        self.columns.truncate(mark.columns);
        self.work.truncate(mark.work);
        self.fields.truncate(mark.fields);
        self.records.truncate(mark.records);
        self.calls.truncate(mark.calls);
        self.evaluations = mark.evaluations;
    }

    /// Leaves nothing behind where there is no result.
    fn attempt<T>(&mut self, lower: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mark = self.mark();
        let lowered = lower(self);
        if lowered.is_none() {
            self.go_back(&mark);
        }
        lowered
    }

    /// What comes out of a row, and how much of that a row has to have.
    fn outputs(&mut self, query: &Query) -> Option<(Vec<BatchExpr>, usize)> {
        let Some(group) = &query.group else {
            let has_contributions = query.has_contributions();
            let columns = query.columns_collected().map(|column| match column {
                PlanExpr::Singleton(value) if has_contributions => self.node(value),
                column => self.node(column),
            });
            let columns = columns.collect::<Option<Vec<BatchExpr>>>()?;
            // A row without a sort key is sorted all the same.
            return Some((columns, query.output.required()));
        };
        let mut outputs = Vec::new();
        for (key, _) in &group.keys {
            outputs.push(self.node(key)?);
        }
        for aggregate in &group.aggregates {
            if aggregate.elements {
                return None;
            }
            let argument = self.node(&aggregate.argument)?;
            let counts = matches!(&aggregate.running, Some(running) if running.counts());
            outputs.push(match self.kind(&argument) {
                // Each object counts, whichever it is.
                Kind::Object if counts => BatchExpr::Counted(Box::new(argument)),
                _ => argument,
            });
        }
        // A row without what an aggregate takes belongs to its group all the same.
        Some((outputs, group.keys.len()))
    }

    /// Whether the steps before this one may be done for a whole batch before it is begun with: it and
    /// those behind must not change what they read.
    fn may_go_before(&self, query: &Query, step: usize) -> bool {
        let mut outputs: Vec<&PlanExpr> = query.columns_collected().collect();
        if let Some(group) = &query.group {
            outputs.extend(group.keys.iter().map(|(key, _)| key));
            outputs.extend(group.aggregates.iter().map(|aggregate| &aggregate.argument));
        }
        !self.reads_stored || self.has_no_state(&query.steps[step..], &outputs)
    }
}
