//! Runs joins (`compile/join.rs` says by which rules).
//!
//! For the first outer row the steps of the inner side run as a nested loop, and their rows are
//! recorded. For the second, these are put into an index by their keys, and from then on each outer row
//! finds those that it meets.

pub mod index;
pub mod rows;

use std::ops::Range;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::host::traced::Traced;
use crate::model::{Cx, Value};
use crate::plan::join::{Join, JoinKey};
use crate::plan::{PlanExpr, Step};
use crate::run::element;
use crate::run::eval::{eval, holds};
use crate::run::join::index::{HashIndex, OrderedIndex, RowChain, RowKeys};
use crate::run::join::rows::InnerRows;
use crate::run::pipeline::Pipeline;
use crate::text::diagnostic::{Error, Kind, Result};
use crate::text::stoppable::Looks;

/// How many rows are given between two looks at the token.
const LOOK: u32 = 256;

/// How many rows of the inner side are made at once, or recorded, before it is known whether they are
/// needed: for one outer row they are not.
const MOST_AHEAD: usize = 1 << 24;

/// A join that runs. It is kept from one outer row to the next.
#[derive(Default)]
pub struct JoinRun {
    inner: Inner,
    /// How many changes of what is stored there had been before the rows were recorded.
    changes: u64,
    /// The values of the outer row's keys.
    keys: Vec<Value>,
    given: u32,
}

#[derive(Default)]
enum Inner {
    #[default]
    New,
    /// Made anew for each outer row; nothing between two of them.
    Remade(Option<Pipeline>),
    /// Being made for the first outer row, and not recorded any more, as there are many; nothing once
    /// they have all been made.
    Long(Option<Pipeline>),
    /// Made and recorded, for the present outer row.
    Recording(Pipeline, InnerRows),
    Recorded(InnerRows),
    Kept(Box<KeptRows>),
}

/// All rows of the inner side.
pub struct KeptRows {
    rows: InnerRows,
    index: KeptIndex,
    found: Found,
    /// The row that is looked at.
    latest: Option<usize>,
}

/// How the rows are found.
pub enum KeptIndex {
    Hash(HashIndex),
    Ordered(OrderedIndex),
    /// All of them are tested.
    None,
}

/// The rows that were found for an outer row and have not been taken yet.
enum Found {
    Nothing,
    Chain(RowChain),
    Compared(Range<usize>),
    /// All conditions are to be tested for these.
    Unknown(Range<usize>),
}

impl JoinRun {
    /// Begins with an outer row.
    pub fn start(&mut self, join: &Join, frame: &mut [Value], cx: &Cx) -> Result<()> {
        let changes = Catalog::of(cx).changes();
        let is_same = self.changes == changes;
        self.inner = match std::mem::take(&mut self.inner) {
            Inner::Recorded(rows) if is_same => {
                Inner::Kept(Box::new(KeptRows::new(join, rows, frame, cx)?))
            }
            Inner::Kept(kept) if is_same => Inner::Kept(kept),
            Inner::New if !may_be_kept(join, frame, cx) => Inner::Remade(None),
            Inner::Remade(_) => Inner::Remade(None),
            Inner::Long(_) if is_same => match KeptRows::made(join, usize::MAX, frame, cx) {
                Ok(kept) => Inner::Kept(Box::new(kept)),
                Err(error) if error.ends_evaluation() => return Err(error),
                // It fails where a row meets what comes before it.
                Err(_) => Inner::Remade(None),
            },
            _ => {
                self.changes = changes;
                let rows = InnerRows::new(join.bound.len());
                Inner::Recording(Pipeline::new(join.inner.len()), rows)
            }
        };
        match &mut self.inner {
            Inner::Kept(kept) => kept.find(join, &mut self.keys, frame, cx),
            Inner::Remade(pipeline) => {
                *pipeline = Some(Pipeline::new(join.inner.len()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Makes the next row in `frame`; `false` if there is none for this outer row.
    pub fn next(&mut self, join: &Join, frame: &mut [Value], cx: &Cx) -> Result<bool> {
        self.given = self.given.wrapping_add(1);
        if self.given.is_multiple_of(LOOK) {
            cx.token.check()?;
        }
        loop {
            let made = match &mut self.inner {
                Inner::Kept(kept) => return kept.next(join, &self.keys, frame, cx),
                Inner::Remade(Some(pipeline))
                | Inner::Long(Some(pipeline))
                | Inner::Recording(pipeline, _) => pipeline.next(&join.inner, frame, cx)?,
                Inner::New | Inner::Recorded(_) | Inner::Remade(None) | Inner::Long(None) => false,
            };
            if !made {
                self.end();
                return Ok(false);
            }
            if let Inner::Recording(pipeline, rows) = &mut self.inner {
                if join.has_streams() {
                    rows.note_taken(pipeline.taken());
                }
                // One outer row alone needs no more than one of the rows at a time.
                let pushed = rows.push(&join.bound, frame, join.operator(), cx);
                if rows.len() >= MOST_AHEAD || pushed.is_err() {
                    self.give_up();
                }
            }
            if meets(join, frame, cx)? {
                return Ok(true);
            }
        }
    }

    /// There are no more rows for the present outer row.
    fn end(&mut self) {
        self.inner = match std::mem::take(&mut self.inner) {
            Inner::Recording(_, rows) => Inner::Recorded(rows),
            Inner::Remade(_) => Inner::Remade(None),
            Inner::Long(_) => Inner::Long(None),
            other => other,
        };
    }

    /// Records no more rows: they are made once more if there is another outer row.
    fn give_up(&mut self) {
        self.inner = match std::mem::take(&mut self.inner) {
            Inner::Recording(pipeline, _) => Inner::Long(Some(pipeline)),
            other => other,
        };
    }

    /// `error` came while the present pair of rows was looked at: says of which elements of streams the
    /// inner row is made.
    pub fn explain(&self, join: &Join, names: &[Arc<str>], error: Error) -> Error {
        match &self.inner {
            Inner::Recording(pipeline, _)
            | Inner::Remade(Some(pipeline))
            | Inner::Long(Some(pipeline)) => pipeline.explain_steps(&join.inner, names, error),
            Inner::Kept(kept) => kept.explain(join, names, error),
            Inner::New | Inner::Recorded(_) | Inner::Remade(None) | Inner::Long(None) => error,
        }
    }

    /// Gives up the present outer row.
    pub fn rest(&mut self) {
        match &mut self.inner {
            Inner::Kept(kept) => kept.rest(),
            Inner::Remade(pipeline) | Inner::Long(pipeline) => *pipeline = None,
            Inner::Recording(..) => self.inner = Inner::New,
            Inner::New | Inner::Recorded(_) => {}
        }
    }

    /// Whether there is no outer row that may meet more.
    pub fn is_idle(&self) -> bool {
        match &self.inner {
            Inner::Kept(kept) => matches!(kept.found, Found::Nothing),
            Inner::Remade(pipeline) | Inner::Long(pipeline) => pipeline.is_none(),
            Inner::Recording(..) => false,
            Inner::New | Inner::Recorded(_) => true,
        }
    }
}

/// Whether the inner side would be the same if it were made again.
fn may_be_kept(join: &Join, frame: &[Value], cx: &Cx) -> bool {
    let is_repeatable = |given: &PlanExpr| match given {
        PlanExpr::Const(value) => value.is_repeatable(cx),
        PlanExpr::Slot(slot) => frame[*slot].is_repeatable(cx),
        _ => false,
    };
    join.given.iter().all(is_repeatable) && !join.functions.iter().any(|f| Traced::prints(f, cx))
}

/// Whether the conditions hold for the pair of rows in the frame: first those that rows are found by. If
/// one of these fails, all decide in their order.
fn meets(join: &Join, frame: &[Value], cx: &Cx) -> Result<bool> {
    for key in join.finding() {
        match holds(&join.conditions[key.condition], frame, cx) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) if error.kind() == Kind::Stopped => return Err(error),
            Err(_) => return meets_all(join, frame, cx),
        }
    }
    meets_others(join, frame, cx)
}

fn meets_all(join: &Join, frame: &[Value], cx: &Cx) -> Result<bool> {
    for condition in &join.conditions {
        if !holds(condition, frame, cx)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether those conditions hold that rows are not found by.
fn meets_others(join: &Join, frame: &[Value], cx: &Cx) -> Result<bool> {
    for condition in join.others() {
        if !holds(condition, frame, cx)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a row has for one side of the keys.
enum Side {
    Known,
    Nothing,
    /// One of them fails.
    Unknown,
}

/// Puts the values of one side of the keys into `values`.
fn values<'k>(
    side: impl Iterator<Item = &'k PlanExpr>,
    values: &mut Vec<Value>,
    frame: &[Value],
    cx: &Cx,
) -> Result<Side> {
    values.clear();
    for expr in side {
        match eval(expr, frame, cx) {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return Ok(Side::Nothing),
            Err(error) if error.kind() == Kind::Stopped => return Err(error),
            Err(_) => return Ok(Side::Unknown),
        }
    }
    Ok(Side::Known)
}

impl KeptRows {
    /// Makes all rows at once. Nothing where they cannot be kept, or one of them fails; an error where they
    /// are too many for a limit.
    pub fn of(join: &Join, frame: &[Value], cx: &Cx) -> Result<Option<KeptRows>> {
        if !may_be_kept(join, frame, cx) {
            return Ok(None);
        }
        // What is read to its end for a few rows may have none.
        match KeptRows::made(join, MOST_AHEAD, frame, cx) {
            Err(error) if error.ends_evaluation() => Err(error),
            made => Ok(made.ok()),
        }
    }

    /// Makes all rows at once, of which there may be so many.
    fn made(join: &Join, most: usize, frame: &[Value], cx: &Cx) -> Result<KeptRows> {
        let mut frame = frame.to_vec();
        let mut pipeline = Pipeline::new(join.inner.len());
        let mut rows = InnerRows::new(join.bound.len());
        while pipeline.next(&join.inner, &mut frame, cx)? {
            if join.has_streams() {
                rows.note_taken(pipeline.taken());
            }
            rows.push(&join.bound, &frame, join.operator(), cx)?;
            if rows.len() > most {
                return Err(Error::run(format!("there are more than {most} rows")));
            }
        }
        KeptRows::new(join, rows, &mut frame, cx)
    }

    pub fn rows(&self) -> &InnerRows {
        &self.rows
    }

    pub fn index(&self) -> &KeptIndex {
        &self.index
    }

    fn new(join: &Join, mut rows: InnerRows, frame: &mut [Value], cx: &Cx) -> Result<KeptRows> {
        let found = Found::Nothing;
        let finding = join.finding();
        if finding.is_empty() {
            let index = KeptIndex::None;
            return Ok(KeptRows {
                rows,
                index,
                found,
                latest: None,
            });
        }
        // The keys of each row until they are in the index, which then has them.
        let beside = rows.len() * (size_of::<RowKeys>() + index::BYTES_OF_ROW);
        rows.check_memory(beside, join.operator(), cx)?;
        let looks = cx.token.looks();
        let mut keys = Vec::with_capacity(rows.len());
        let mut row_keys = vec![];
        for row in 0..rows.len() {
            looks.step()?;
            rows.load(row, &join.bound, frame);
            let inner = finding.iter().map(|key| &key.inner);
            keys.push(match values(inner, &mut row_keys, frame, cx)? {
                Side::Known if finding.len() == 1 => {
                    row_keys.pop().map_or(RowKeys::Nothing, RowKeys::One)
                }
                Side::Known => RowKeys::Several(std::mem::take(&mut row_keys)),
                Side::Nothing => RowKeys::Nothing,
                Side::Unknown => RowKeys::Unknown,
            });
        }
        let index = if join.is_equation() {
            KeptIndex::Hash(HashIndex::new(keys, &looks)?)
        } else {
            KeptIndex::Ordered(OrderedIndex::new(keys, &looks)?)
        };
        Ok(KeptRows {
            rows,
            index,
            found,
            latest: None,
        })
    }

    /// Finds the rows that the outer row in the frame meets.
    fn find(&mut self, join: &Join, keys: &mut Vec<Value>, frame: &[Value], cx: &Cx) -> Result<()> {
        let every = 0..self.rows.len();
        let finding = join.finding();
        self.found = if every.is_empty() {
            Found::Nothing
        } else {
            let outer = finding.iter().map(|key| &key.outer);
            match values(outer, keys, frame, cx)? {
                Side::Known => self.found(finding, keys),
                Side::Nothing => Found::Nothing,
                Side::Unknown => Found::Unknown(every),
            }
        };
        Ok(())
    }

    fn found(&self, finding: &[JoinKey], keys: &[Value]) -> Found {
        match (&self.index, finding, keys) {
            (KeptIndex::Hash(index), _, keys) => Found::Chain(index.find(keys)),
            (KeptIndex::Ordered(index), [key, ..], [value, ..]) => {
                Found::Compared(index.range(key.op, value))
            }
            _ => Found::Unknown(0..self.rows.len()),
        }
    }

    /// The next row that was found, and whether it has the keys for certain.
    fn candidate(
        &mut self,
        finding: &[JoinKey],
        keys: &[Value],
        looks: &Looks,
    ) -> Result<Option<(usize, bool)>> {
        match (&mut self.found, &self.index, finding, keys) {
            (Found::Chain(chain), KeptIndex::Hash(index), _, _) => Ok(index.next(chain)),
            (Found::Compared(range), KeptIndex::Ordered(index), [key, ..], [value, ..]) => {
                index.next(key.op, value, range, looks)
            }
            (Found::Unknown(range), ..) => Ok(range.next().map(|row| (row, false))),
            _ => Ok(None),
        }
    }

    /// Gives the variables the values of the next row that is met; `false` if there is none.
    fn next(&mut self, join: &Join, keys: &[Value], frame: &mut [Value], cx: &Cx) -> Result<bool> {
        let looks = cx.token.looks();
        while let Some((row, is_found)) = self.candidate(join.finding(), keys, &looks)? {
            looks.step()?;
            self.latest = Some(row);
            let meets = if is_found {
                self.rows.load_wanted(row, join, frame);
                meets_others(join, frame, cx)?
            } else {
                self.rows.load(row, &join.bound, frame);
                meets(join, frame, cx)?
            };
            if meets {
                return Ok(true);
            }
        }
        self.rest();
        Ok(false)
    }

    /// Gives up the present outer row.
    fn rest(&mut self) {
        self.found = Found::Nothing;
        self.latest = None;
    }

    fn explain(&self, join: &Join, names: &[Arc<str>], error: Error) -> Error {
        let Some(row) = self.latest else {
            return error;
        };
        let streams = join.inner.iter().filter_map(|step| match step {
            Step::Iterate {
                stream: true, over, ..
            } => Some(over),
            _ => None,
        });
        let streams: Vec<&PlanExpr> = streams.collect();
        let taken = self.rows.taken(row, streams.len());
        let taken = streams.iter().zip(taken).rev();
        taken.fold(error, |error, (over, taken)| {
            element::blame_of(error, *taken, over, names)
        })
    }
}
