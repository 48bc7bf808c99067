//! `or` over batches: the rows that one of two branches makes, as often as the one that makes them more
//! often. `run::pipeline` has the same row by row.

use std::sync::Arc;

use super::dictionary::RowDictionary;
use super::evaluate::{Scope, joined};
use super::feed::{ArrivalUse, Fed, Feed, ResultUse};
use super::optional::OptionalColumn;
use super::rows::Batch;
use super::{JoinInners, work};
use crate::model::collection::BATCH;
use crate::model::memory::{HeldMemory, Operator};
use crate::model::{BatchColumn, Cx, Value, size};
use crate::plan::batch::{BatchAlternatives, BatchBranch, BatchSource};
use crate::plan::{Slot, Step};
use crate::run::pipeline::{Cursor, Pipeline};
use crate::text::diagnostic::{Error, Result};

/// How often rows have been given by the first branch and not by the second.
struct RowCounts {
    rows: RowDictionary,
    counts: Vec<u32>,
}

impl RowCounts {
    fn new(columns: usize) -> RowCounts {
        RowCounts {
            rows: RowDictionary::new(columns),
            counts: Vec::new(),
        }
    }

    /// How many bytes it takes.
    fn bytes(&self) -> usize {
        self.rows.bytes() + self.counts.capacity() * size_of::<u32>()
    }

    /// The first branch has given these rows.
    fn add(&mut self, columns: &[BatchColumn], rows: usize) {
        self.rows.number_all(columns, rows);
        self.counts.resize(self.rows.count(), 0);
        for number in self.rows.numbers() {
            self.counts[*number as usize] += 1;
        }
    }

    /// Which of the second branch's rows the first has not given as often.
    fn new_rows(&mut self, columns: &[BatchColumn], rows: usize) -> Vec<bool> {
        let counts = &mut self.counts;
        let is_new = |number: Option<u32>| match number.map(|number| &mut counts[number as usize]) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        self.rows
            .find_all(columns, rows)
            .into_iter()
            .map(is_new)
            .collect()
    }
}

/// What can be told apart: objects by their numbers.
fn told_apart(column: &BatchColumn, rows: usize) -> BatchColumn {
    match column {
        BatchColumn::Objects(numbers) => {
            BatchColumn::Ints(numbers.iter().map(|number| *number as i64).collect())
        }
        column => column.clone().spread(rows),
    }
}

impl BatchBranch {
    /// Of which row of the batch each of its rows is made, none before an earlier one's, and the columns of
    /// its variables; `None` if the evaluator has to make them.
    pub fn run(
        &self,
        batch: &Batch,
        joins: &mut JoinInners,
        scope: Scope,
    ) -> Option<(Vec<usize>, Vec<OptionalColumn>)> {
        let mut side = Batch {
            elements: Some((0..batch.rows).collect()),
            ..batch.clone()
        };
        work(&self.work, &mut side, joins, scope)?;
        let bound = self.columns.iter();
        let bound = bound.map(|at| side.columns.get(*at).cloned());
        let bound = bound.collect::<Option<Vec<OptionalColumn>>>()?;
        if bound.iter().any(|column| column.present().is_some()) {
            return None;
        }
        Some((side.elements.take()?, bound))
    }
}

impl BatchAlternatives {
    /// Replaces each row of the batch by those that the branches make of it; `None` if the evaluator has
    /// to make them.
    pub fn run(&self, batch: &mut Batch, joins: &mut JoinInners, scope: Scope) -> Option<()> {
        let mut sides = Vec::with_capacity(2);
        for branch in &self.branches {
            sides.push(branch.run(batch, joins, scope)?);
        }
        let (second, first) = (sides.pop()?, sides.pop()?);
        let new = match self.branches[0].columns.is_empty() {
            true => new_repeats(&first.0, &second.0, batch.rows),
            false => {
                // Each row of the batch has its own rows.
                let columns = |(rows, bound): &(Vec<usize>, Vec<OptionalColumn>)| {
                    let own = rows.iter().map(|row| *row as i64).collect();
                    let bound = bound
                        .iter()
                        .map(|column| told_apart(&column.column, rows.len()));
                    std::iter::once(BatchColumn::Ints(own))
                        .chain(bound)
                        .collect::<Vec<_>>()
                };
                let mut counts = RowCounts::new(1 + first.1.len());
                counts.add(&columns(&first), first.0.len());
                counts.new_rows(&columns(&second), second.0.len())
            }
        };
        self.merge(batch, first, second, &new)
    }

    /// For each row of the batch those of the first branch, then the new ones of the second.
    fn merge(
        &self,
        batch: &mut Batch,
        first: (Vec<usize>, Vec<OptionalColumn>),
        second: (Vec<usize>, Vec<OptionalColumn>),
        new: &[bool],
    ) -> Option<()> {
        let mut picked = Vec::with_capacity(first.0.len());
        // Where the rows of each branch stand in the result, and which of the second's are there.
        let mut places = [Vec::with_capacity(first.0.len()), Vec::new()];
        let mut of_second = Vec::new();
        let mut ones = first.0.iter().peekable();
        let mut others = second.0.iter().enumerate().peekable();
        for row in 0..batch.rows {
            while ones.next_if(|one| **one == row).is_some() {
                places[0].push(picked.len());
                picked.push(row);
            }
            while let Some((at, _)) = others.next_if(|(_, other)| **other == row) {
                if new[at] {
                    places[1].push(picked.len());
                    of_second.push(at);
                    picked.push(row);
                }
            }
        }
        batch.pick(&picked);
        let [of_one, of_other] = places;
        for (one, mut other) in first.1.into_iter().zip(second.1) {
            other.pick(&of_second);
            let parts = vec![(one, of_one.clone()), (other, of_other.clone())];
            batch.columns.push(joined(parts, picked.len())?);
        }
        Some(())
    }
}

/// Where nothing but its repetitions tells the rows of the second branch apart.
fn new_repeats(first: &[usize], second: &[usize], rows: usize) -> Vec<bool> {
    let mut given = vec![0u32; rows];
    first.iter().for_each(|row| given[*row] += 1);
    let is_new = |row: &usize| match &mut given[*row] {
        0 => true,
        given => {
            *given -= 1;
            false
        }
    };
    second.iter().map(is_new).collect()
}

/// The rows of two branches that begin with sources of their own: those of the first, then those of
/// the second that the first has not given as often.
pub struct AlternativesRun {
    branches: [BranchRun; 2],
    bound: Vec<Slot>,
    is_second: bool,
    given: RowCounts,
    memory: HeldMemory,
    /// Rows that were made and have not been taken.
    ahead: Batch,
}

impl AlternativesRun {
    /// Starts both branches; `None` where one must not run in batches.
    pub fn open(
        branches: &[BatchSource; 2],
        bound: &[Slot],
        frame: &[Value],
        cx: &Cx,
    ) -> Result<Option<AlternativesRun>> {
        let [first, second] = branches;
        let (Some(first), Some(second)) = (
            BranchRun::open(first, frame, cx)?,
            BranchRun::open(second, frame, cx)?,
        ) else {
            return Ok(None);
        };
        Ok(Some(AlternativesRun {
            branches: [first, second],
            bound: bound.to_vec(),
            is_second: false,
            given: RowCounts::new(bound.len()),
            memory: HeldMemory::default(),
            ahead: Batch::default(),
        }))
    }

    /// The next rows, `most` at the most; `None` at the end.
    pub fn next(&mut self, most: usize, cx: &Cx) -> Result<Option<Batch>> {
        if self.ahead.rows == 0 {
            match self.made(cx)? {
                Some(batch) => self.ahead = batch,
                None => return Ok(None),
            }
        }
        if self.ahead.rows <= most {
            return Ok(Some(std::mem::take(&mut self.ahead)));
        }
        let mut first = self.ahead.clone();
        first.pick(&(0..most).collect::<Vec<_>>());
        let rest: Vec<usize> = (most..self.ahead.rows).collect();
        self.ahead.pick(&rest);
        Ok(Some(first))
    }

    fn made(&mut self, cx: &Cx) -> Result<Option<Batch>> {
        loop {
            let branch = &mut self.branches[usize::from(self.is_second)];
            let Some((columns, rows)) = branch.next(&self.bound, cx)? else {
                if self.is_second {
                    return Ok(None);
                }
                self.is_second = true;
                continue;
            };
            let told: Vec<BatchColumn> = columns.iter().map(|c| told_apart(c, rows)).collect();
            let mut batch = Batch::new(columns, rows);
            if self.is_second {
                batch.keep(&self.given.new_rows(&told, rows));
            } else {
                self.given.add(&told, rows);
                size::check_numbered(self.given.counts.len())?;
                let one_side = Operator::named("one side of an 'or'");
                self.memory.set(self.given.bytes(), one_side, &cx.memory)?;
            }
            return Ok(Some(batch));
        }
    }
}

/// A branch that runs: in batches, or row by row where that has to be.
struct BranchRun {
    feed: Feed,
    steps: Arc<[Step]>,
    /// Which of the steps makes the rows of its batches.
    source: usize,
    /// What is made row by row before batches go on.
    rows: Option<Pipeline>,
    frame: Vec<Value>,
    /// What it came to behind the rows that were given last.
    failed: Option<Error>,
}

impl BranchRun {
    fn open(branch: &BatchSource, frame: &[Value], cx: &Cx) -> Result<Option<BranchRun>> {
        let mut frame = frame.to_vec();
        let feed = Feed::open(&branch.program, &mut frame, cx)?;
        Ok(feed.map(|feed| BranchRun {
            feed,
            source: branch.program.lead.len(),
            steps: branch.steps.clone(),
            rows: None,
            frame,
            failed: None,
        }))
    }

    /// The next rows, in columns of the variables, and how many; `None` at the end.
    fn next(&mut self, bound: &[Slot], cx: &Cx) -> Result<Option<(Vec<BatchColumn>, usize)>> {
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if let Some(rows) = &mut self.rows {
                let mut made = vec![Vec::new(); bound.len()];
                let mut count = 0;
                while count < BATCH {
                    match rows.next(&self.steps, &mut self.frame, cx) {
                        Ok(true) => {}
                        Ok(false) => {
                            self.rows = None;
                            break;
                        }
                        Err(error) => {
                            self.failed = Some(error);
                            break;
                        }
                    }
                    for (slot, values) in bound.iter().zip(&mut made) {
                        values.push(self.frame[*slot].clone());
                    }
                    count += 1;
                }
                if count > 0 {
                    let column = |values: Vec<Value>| {
                        let column = BatchColumn::of(values.iter());
                        column.unwrap_or(BatchColumn::Values(values))
                    };
                    return Ok(Some((made.into_iter().map(column).collect(), count)));
                }
                continue;
            }
            let arrivals = ArrivalUse::OneByOne;
            match self
                .feed
                .next(ResultUse::Columns, arrivals, &self.frame, cx)?
            {
                None => return Ok(None),
                Some(Fed::Columns(results)) if results.rows == 0 => {}
                Some(Fed::Columns(results)) => {
                    return Ok(Some((results.columns, results.rows)));
                }
                Some(Fed::Rows(first) | Fed::Rest(first)) => self.resume(first),
                // They were not to be taken later.
                Some(Fed::Later) => {}
            }
        }
    }

    fn resume(&mut self, first: Cursor) {
        self.rows = Some(Pipeline::resume(self.steps.len(), self.source, first));
    }
}
