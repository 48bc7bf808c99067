//! Joins for a whole batch.

use super::evaluate::Scope;
use super::optional::{OptionalColumn, common};
use super::rows::Batch;
use crate::catalog::Catalog;
use crate::model::{BatchColumn, Value};
use crate::plan::batch::{BatchExpr, BatchJoin};
use crate::plan::join::JoinKey;
use crate::run::join::index::{HashIndex, OrderedIndex, holds};
use crate::run::join::{KeptIndex, KeptRows};
use crate::text::diagnostic::Error;

/// How many rows a batch is to become.
pub const MOST: usize = 1 << 16;

/// How many rows a batch may become: as many as one row meets.
const MOST_OF_ONE: usize = 1 << 22;

/// How many batches may fail before the rest is left to the evaluator, which makes the inner side anew
/// for each of them.
const FAILURES: usize = 4;

/// The inner side of a join, once a batch has needed it.
#[derive(Default)]
pub struct JoinInner {
    kept: Option<KeptRows>,
    /// How many changes of what is stored there had been before.
    changes: u64,
    failures: usize,
    /// Why the rows of the inner side could not be kept, where several outer rows want them.
    failed: Option<Error>,
}

impl JoinInner {
    /// The rows of the inner side as they are now, for so many outer rows; `None` where they cannot be
    /// kept.
    fn kept(&mut self, join: &BatchJoin, outer: usize, scope: Scope) -> Option<&KeptRows> {
        let changes = Catalog::of(scope.cx).changes();
        if self.kept.is_none() || self.changes != changes {
            self.changes = changes;
            self.kept = match KeptRows::of(&join.join, scope.frame, scope.cx) {
                Ok(kept) => kept,
                // One outer row alone needs none of them kept.
                Err(error) => {
                    self.failed = (outer > 1).then_some(error);
                    None
                }
            };
        }
        if self.kept.is_none() {
            self.refuse();
        }
        self.kept.as_ref()
    }

    /// What ends the query, if something does.
    pub fn take_error(&mut self) -> Option<Error> {
        self.failed.take()
    }

    /// A batch could not be computed.
    pub fn note_failure(&mut self) {
        self.failures += 1;
    }

    /// Leaves all to the evaluator.
    fn refuse(&mut self) {
        self.failures = FAILURES;
    }

    /// Whether the rest is to be left to the evaluator.
    pub fn has_refused(&self) -> bool {
        self.failures >= FAILURES
    }
}

impl BatchJoin {
    /// Replaces the rows of the batch by the pairs; `None` if the evaluator has to make them.
    pub fn run(&self, batch: &mut Batch, inner: &mut JoinInner, scope: Scope) -> Option<()> {
        if batch.rows == 0 {
            let nothing = self.join.wanted.iter();
            let nothing = nothing.map(|_| OptionalColumn::from(BatchColumn::Values(vec![])));
            batch.columns.extend(nothing);
            return Some(());
        }
        let kept = inner.kept(self, batch.rows, scope)?;
        let pairs = self.pairs(batch, kept, scope)?;
        let same = pairs.outer.len() == batch.rows && pairs.outer.iter().copied().eq(0..batch.rows);
        if !same {
            batch.pick(&pairs.outer);
        }
        for at in &self.join.wanted {
            let column = kept.rows().column(*at).picked(&pairs.inner)?;
            batch.columns.push(column.into());
        }
        Some(())
    }

    /// The number of the pairs, where each has all outputs; nothing is done with the batch.
    pub fn count(
        &self,
        batch: &Batch,
        outputs: &[BatchExpr],
        inner: &mut JoinInner,
        scope: Scope,
    ) -> Option<usize> {
        if batch.rows == 0 {
            return Some(0);
        }
        let kept = inner.kept(self, batch.rows, scope)?;
        let has_value = |output: &BatchExpr| match output {
            BatchExpr::Column(at) => match batch.columns.get(*at) {
                Some(column) => column.present().is_none() && !column.column.has_collection(),
                None => {
                    let at = self.join.wanted.get(*at - batch.columns.len());
                    at.is_some_and(|at| kept.rows().column(*at).is_numbers())
                }
            },
            output => output.is_at_hand(),
        };
        if !outputs.iter().all(has_value) {
            return None;
        }
        if let (KeptIndex::Ordered(index), [key]) = (kept.index(), self.join.finding())
            && index.is_exact()
            && let outer = self.keys.first()?.value(batch, scope)?
            && outer.present().is_none()
            && let BatchColumn::Ints(ints) = outer.column
        {
            let count = |int: &i64| index.range(key.op, &Value::Int(*int)).len();
            return Some(ints.iter().map(count).sum());
        }
        let pairs = self.pairs(batch, kept, scope)?;
        Some(pairs.inner.len())
    }

    fn pairs(&self, batch: &Batch, kept: &KeptRows, scope: Scope) -> Option<Pairs> {
        let mut pairs = Pairs {
            outer: Vec::with_capacity(batch.rows),
            inner: Vec::with_capacity(batch.rows),
        };
        let keys = self.keys.iter().map(|key| key.value(batch, scope));
        let keys = keys.collect::<Option<Vec<OptionalColumn>>>()?;
        // A row without one of the keys meets nothing.
        if let Some(mask) = common(&keys) {
            let mut some = batch.clone();
            some.keep(&mask);
            let mut pairs = self.pairs(&some, kept, scope)?;
            let rows = mask.iter().enumerate().filter(|(_, is)| **is);
            let rows: Vec<usize> = rows.map(|(row, _)| row).collect();
            pairs.outer.iter_mut().for_each(|row| *row = rows[*row]);
            return Some(pairs);
        }
        let keys: Vec<BatchColumn> = keys.into_iter().map(|key| key.column).collect();
        match (kept.index(), self.join.finding()) {
            (KeptIndex::Hash(index), _) if index.is_known() => {
                pairs.by_hash(&keys, batch.rows, index)?;
            }
            (KeptIndex::Ordered(index), [key]) => pairs.by_comparison(&keys[0], key, index)?,
            (KeptIndex::None, _) => {
                let every = 0..kept.rows().len() as u32;
                (0..batch.rows).try_for_each(|row| pairs.add(row, every.clone()))?;
            }
            _ => return None,
        }
        Some(pairs)
    }
}

/// The pairs of rows that meet.
struct Pairs {
    /// The rows of the batch.
    outer: Vec<usize>,
    inner: Vec<u32>,
}

impl Pairs {
    /// Puts a row of the batch together with these rows; `None` if that becomes too much.
    #[inline]
    fn add(&mut self, row: usize, inner: impl Iterator<Item = u32>) -> Option<()> {
        self.inner.extend(inner);
        self.outer.resize(self.inner.len(), row);
        (self.inner.len() <= MOST_OF_ONE).then_some(())
    }

    fn by_hash(&mut self, keys: &[BatchColumn], rows: usize, index: &HashIndex) -> Option<()> {
        if let [BatchColumn::Ints(ints)] = keys {
            for (row, int) in ints.iter().enumerate() {
                self.add(row, index.with_integer(*int))?;
            }
            return Some(());
        }
        if let [BatchColumn::Ints(ones), BatchColumn::Ints(others)] = keys {
            for (row, pair) in ones.iter().zip(others).enumerate() {
                self.add(row, index.with_integers([*pair.0, *pair.1]))?;
            }
            return Some(());
        }
        let mut values = Vec::with_capacity(keys.len());
        for row in 0..rows {
            values.clear();
            for key in keys {
                // An object is told by its number alone.
                values.push(key.value(row)?);
            }
            self.add(row, index.with_keys(&values))?;
        }
        Some(())
    }

    fn by_comparison(
        &mut self,
        outer: &BatchColumn,
        key: &JoinKey,
        index: &OrderedIndex,
    ) -> Option<()> {
        let (BatchColumn::Ints(ints), Some(inner)) = (outer, index.integers()) else {
            return None;
        };
        for (row, int) in ints.iter().enumerate() {
            let range = index.range(key.op, &Value::Int(*int));
            let range = range.start as u32..range.end as u32;
            if index.is_exact() {
                self.add(row, range)?;
            } else {
                let meets = |at: &u32| holds(key.op, *int, inner[*at as usize]);
                self.add(row, range.filter(meets))?;
            }
        }
        Some(())
    }
}
