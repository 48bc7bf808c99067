//! One aggregate over many groups at a time, in columns with a place for each group.

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::Accumulator;
use super::statistics::{Moments, Total};
use crate::model::native::AggregateKind;
use crate::model::{BatchColumn, Cx, RealSum, Value, number};
use crate::run::batch::HeldColumn;
use crate::text::diagnostic::Result;

/// What an aggregate makes of the elements of each group so far. Groups are known by their numbers.
pub struct GroupedAccumulator {
    kind: AggregateKind,
    columns: Columns,
    /// How many groups the columns have places for.
    groups: usize,
    /// What has become of groups that got something else than numbers where numbers are wanted. An
    /// error waits until the group is asked for.
    apart: HashMap<u32, Result<Accumulator>, RandomState>,
}

enum Columns {
    Count(Vec<i64>),
    Sum(Totals),
    Mean(Totals, Vec<u64>),
    Stdev(Vec<Moments>),
    Extreme(Extremes),
}

impl GroupedAccumulator {
    /// The aggregate, without groups.
    pub fn new(kind: AggregateKind) -> GroupedAccumulator {
        let columns = match kind {
            AggregateKind::Count => Columns::Count(Vec::new()),
            AggregateKind::Sum => Columns::Sum(Totals::default()),
            AggregateKind::Mean => Columns::Mean(Totals::default(), Vec::new()),
            AggregateKind::Stdev => Columns::Stdev(Vec::new()),
            AggregateKind::Min => Columns::Extreme(Extremes::new(Ordering::Less)),
            AggregateKind::Max => Columns::Extreme(Extremes::new(Ordering::Greater)),
        };
        GroupedAccumulator {
            kind,
            columns,
            groups: 0,
            apart: HashMap::default(),
        }
    }

    /// Makes places for so many groups.
    pub fn grow(&mut self, groups: usize) {
        if groups <= self.groups {
            return;
        }
        self.groups = groups;
        match &mut self.columns {
            Columns::Count(counts) => counts.resize(groups, 0),
            Columns::Sum(totals) => totals.grow(groups),
            Columns::Mean(totals, counts) => {
                totals.grow(groups);
                counts.resize(groups, 0);
            }
            Columns::Stdev(moments) => moments.resize(groups, Moments::default()),
            Columns::Extreme(extremes) => extremes.grow(groups),
        }
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        let totals = |totals: &Totals| {
            let integers = match totals.integers {
                Integers::Narrow(_) => size_of::<i64>(),
                Integers::Wide(_) => size_of::<i128>(),
            };
            let reals = match totals.reals.is_empty() {
                true => 0,
                false => size_of::<RealSum>() + size_of::<u64>(),
            };
            integers + reals
        };
        let of_group = match &self.columns {
            Columns::Count(_) => size_of::<i64>(),
            Columns::Sum(sums) => totals(sums),
            Columns::Mean(sums, _) => totals(sums) + size_of::<u64>(),
            Columns::Stdev(_) => size_of::<Moments>(),
            Columns::Extreme(extremes) => match &extremes.best {
                Best::Ints(_) | Best::Reals(_) => 1 + size_of::<i64>(),
                Best::Values(_) => 1 + size_of::<Value>(),
            },
        };
        self.groups * of_group + self.apart.len() * size_of::<(u32, Result<Accumulator>)>()
    }

    /// Each group takes an element, as [`Accumulator::add`] does: `groups` says which for each row.
    pub fn add_all(&mut self, groups: &[u32], column: &BatchColumn, cx: &Cx) {
        if let Columns::Count(counts) = &mut self.columns {
            groups.iter().for_each(|group| counts[*group as usize] += 1);
            return;
        }
        if self.apart.is_empty() {
            match column {
                BatchColumn::Ints(ints) => return self.add_ints(groups, ints.iter().copied()),
                BatchColumn::Reals(reals) => return self.add_reals(groups, reals.iter().copied()),
                BatchColumn::Int(int) => return self.add_ints(groups, std::iter::repeat(*int)),
                BatchColumn::Real(real) => return self.add_reals(groups, std::iter::repeat(*real)),
                _ => {}
            }
        }
        if let BatchColumn::Values(values) = column {
            for (group, value) in groups.iter().zip(values) {
                self.add(*group, value, cx);
            }
            return;
        }
        for (row, group) in groups.iter().enumerate() {
            if let Some(value) = column.value(row) {
                self.add(*group, &value, cx);
            }
        }
    }

    fn add_ints(&mut self, groups: &[u32], ints: impl Iterator<Item = i64>) {
        let rows = groups.iter().map(|group| *group as usize).zip(ints);
        match &mut self.columns {
            Columns::Count(_) => {}
            Columns::Sum(totals) => rows.for_each(|(group, int)| totals.add_int(group, int)),
            Columns::Mean(totals, counts) => rows.for_each(|(group, int)| {
                totals.add_int(group, int);
                counts[group] += 1;
            }),
            Columns::Stdev(moments) => {
                rows.for_each(|(group, int)| moments[group].add(int as f64));
            }
            Columns::Extreme(extremes) => extremes.add_ints(rows),
        }
    }

    fn add_reals(&mut self, groups: &[u32], reals: impl Iterator<Item = f64>) {
        let rows = groups.iter().map(|group| *group as usize).zip(reals);
        match &mut self.columns {
            Columns::Count(_) => {}
            Columns::Sum(totals) => rows.for_each(|(group, real)| totals.add_real(group, real)),
            Columns::Mean(totals, counts) => rows.for_each(|(group, real)| {
                totals.add_real(group, real);
                counts[group] += 1;
            }),
            Columns::Stdev(moments) => rows.for_each(|(group, real)| moments[group].add(real)),
            Columns::Extreme(extremes) => extremes.add_reals(rows),
        }
    }

    /// A group takes an element.
    pub fn add(&mut self, group: u32, value: &Value, cx: &Cx) {
        if let Some(apart) = self.apart.get_mut(&group) {
            if let Ok(so_far) = apart
                && let Err(error) = so_far.add(value.clone(), cx)
            {
                *apart = Err(error);
            }
            return;
        }
        let place = group as usize;
        match (&mut self.columns, value) {
            (Columns::Count(counts), _) => counts[place] += 1,
            (_, Value::Null) => {}
            (Columns::Extreme(extremes), value) => extremes.add(place, value),
            (_, Value::Int(int)) => self.add_ints(&[group], std::iter::once(*int)),
            (_, Value::Real(real)) => self.add_reals(&[group], std::iter::once(*real)),
            (_, other) => {
                let mut so_far = self.accumulator(place);
                let added = so_far.add(other.clone(), cx);
                self.apart.insert(group, added.map(|()| so_far));
            }
        }
    }

    /// What the columns have for a group.
    fn accumulator(&mut self, group: usize) -> Accumulator {
        match &mut self.columns {
            Columns::Count(counts) => Accumulator::Count(counts[group]),
            Columns::Sum(totals) => Accumulator::Sum(totals.total(group)),
            Columns::Mean(totals, counts) => Accumulator::Mean(totals.total(group), counts[group]),
            Columns::Stdev(moments) => Accumulator::Stdev(Box::new(moments[group].clone())),
            Columns::Extreme(extremes) => {
                Accumulator::Extreme(extremes.wanted, extremes.best(group))
            }
        }
    }

    /// The aggregate of a group; none where it got too little. Each group is asked for once.
    pub fn result(&mut self, group: u32) -> Result<Option<Value>> {
        if group as usize >= self.groups {
            return Accumulator::new(self.kind).result();
        }
        match self.apart.remove(&group) {
            Some(apart) => apart.and_then(Accumulator::result),
            None => self.accumulator(group as usize).result(),
        }
    }
}

impl GroupedAccumulator {
    /// Whether each group has a number as its result, all of one type.
    pub fn is_column(&self) -> bool {
        let counted = |counts: &[u64]| counts.iter().all(|count| *count > 0);
        self.apart.is_empty()
            && match &self.columns {
                Columns::Count(_) => true,
                Columns::Sum(totals) => totals.is_column(),
                Columns::Mean(_, counts) => counted(counts),
                Columns::Stdev(moments) => moments.iter().all(|moments| moments.count() > 1),
                Columns::Extreme(extremes) => {
                    !matches!(extremes.best, Best::Values(_)) && !extremes.found.contains(&false)
                }
            }
    }

    /// The results of all groups, where they are a column.
    pub fn into_column(self) -> HeldColumn {
        match self.columns {
            Columns::Count(counts) => HeldColumn::Ints(counts),
            Columns::Sum(totals) => totals.into_column(),
            Columns::Mean(totals, counts) => {
                let mean = |(group, count): (usize, u64)| totals.total(group).mean(count);
                HeldColumn::Reals(counts.into_iter().enumerate().filter_map(mean).collect())
            }
            Columns::Stdev(moments) => {
                HeldColumn::Reals(moments.iter().filter_map(Moments::stdev).collect())
            }
            Columns::Extreme(extremes) => match extremes.best {
                Best::Ints(best) => HeldColumn::Ints(best),
                Best::Reals(best) => HeldColumn::Reals(best),
                Best::Values(best) => HeldColumn::Values(best.into()),
            },
        }
    }
}

/// The sum of each group, as a [`Total`] of its own would have it.
#[derive(Default)]
struct Totals {
    integers: Integers,
    /// The sums of the reals, and how many these are, once there is one.
    reals: Vec<RealSum>,
    counts_of_reals: Vec<u64>,
    groups: usize,
}

/// Sums of integers: of 64 bits as long as they all fit.
enum Integers {
    Narrow(Vec<i64>),
    Wide(Vec<i128>),
}

impl Default for Integers {
    fn default() -> Self {
        Integers::Narrow(Vec::new())
    }
}

impl Totals {
    fn grow(&mut self, groups: usize) {
        self.groups = groups;
        match &mut self.integers {
            Integers::Narrow(sums) => sums.resize(groups, 0),
            Integers::Wide(sums) => sums.resize(groups, 0),
        }
        if !self.reals.is_empty() {
            self.grow_reals();
        }
    }

    fn grow_reals(&mut self) {
        self.reals.resize(self.groups, RealSum::default());
        self.counts_of_reals.resize(self.groups, 0);
    }

    #[inline]
    fn add_int(&mut self, group: usize, int: i64) {
        if let Integers::Narrow(sums) = &mut self.integers {
            let sum = &mut sums[group];
            match sum.checked_add(int) {
                Some(more) => *sum = more,
                None => self.add_wide(group, int),
            }
        } else {
            self.add_wide(group, int);
        }
    }

    #[cold]
    fn add_wide(&mut self, group: usize, int: i64) {
        if let Integers::Narrow(sums) = &self.integers {
            self.integers = Integers::Wide(sums.iter().copied().map(i128::from).collect());
        }
        if let Integers::Wide(sums) = &mut self.integers {
            sums[group] += i128::from(int);
        }
    }

    #[inline]
    fn add_real(&mut self, group: usize, real: f64) {
        if self.reals.len() < self.groups {
            self.grow_reals();
        }
        self.reals[group].add(real);
        self.counts_of_reals[group] += 1;
    }

    /// Whether all sums are integers of 64 bits, or all have a real.
    fn is_column(&self) -> bool {
        match &self.integers {
            Integers::Narrow(_) if self.reals.is_empty() => true,
            _ => {
                self.counts_of_reals.len() == self.groups
                    && self.counts_of_reals.iter().all(|count| *count > 0)
            }
        }
    }

    fn into_column(mut self) -> HeldColumn {
        if self.reals.is_empty()
            && let Integers::Narrow(sums) = &mut self.integers
        {
            return HeldColumn::Ints(std::mem::take(sums));
        }
        HeldColumn::Reals(
            (0..self.groups)
                .map(|group| self.total(group).real())
                .collect(),
        )
    }

    fn total(&self, group: usize) -> Total {
        let integers = match &self.integers {
            Integers::Narrow(sums) => i128::from(sums[group]),
            Integers::Wide(sums) => sums[group],
        };
        let reals = self.reals.get(group).cloned().unwrap_or_default();
        let count = self.counts_of_reals.get(group).copied().unwrap_or(0);
        Total::of(integers, reals, count)
    }
}

/// The smallest or largest of each group; the first of those that are equal.
struct Extremes {
    wanted: Ordering,
    best: Best,
    /// Which groups have one.
    found: Vec<bool>,
}

/// Where a group has none, there is anything of the kind.
enum Best {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    Values(Vec<Value>),
}

impl Extremes {
    fn new(wanted: Ordering) -> Extremes {
        Extremes {
            wanted,
            best: Best::Ints(Vec::new()),
            found: Vec::new(),
        }
    }

    fn grow(&mut self, groups: usize) {
        self.found.resize(groups, false);
        match &mut self.best {
            Best::Ints(best) => best.resize(groups, 0),
            Best::Reals(best) => best.resize(groups, 0.0),
            Best::Values(best) => best.resize(groups, Value::Null),
        }
    }

    fn add_ints(&mut self, rows: impl Iterator<Item = (usize, i64)>) {
        let Best::Ints(best) = &mut self.best else {
            rows.for_each(|(group, int)| self.add(group, &Value::Int(int)));
            return;
        };
        for (group, int) in rows {
            if !self.found[group] || int.cmp(&best[group]) == self.wanted {
                best[group] = int;
                self.found[group] = true;
            }
        }
    }

    fn add_reals(&mut self, rows: impl Iterator<Item = (usize, f64)>) {
        self.prepare_for(&Value::Real(0.0));
        let Best::Reals(best) = &mut self.best else {
            rows.for_each(|(group, real)| self.add(group, &Value::Real(real)));
            return;
        };
        for (group, real) in rows {
            if !self.found[group] || number::cmp_reals(real, best[group]) == self.wanted {
                best[group] = real;
                self.found[group] = true;
            }
        }
    }

    fn add(&mut self, group: usize, value: &Value) {
        self.prepare_for(value);
        match (&mut self.best, value) {
            (Best::Ints(_), Value::Int(int)) => self.add_ints(std::iter::once((group, *int))),
            (Best::Reals(_), Value::Real(real)) => self.add_reals(std::iter::once((group, *real))),
            (Best::Values(best), value)
                if !self.found[group] || value.cmp(&best[group]) == self.wanted =>
            {
                best[group] = value.clone();
                self.found[group] = true;
            }
            _ => {}
        }
    }

    /// Makes columns that can hold this value beside what they have.
    fn prepare_for(&mut self, value: &Value) {
        let fits = matches!(
            (&self.best, value),
            (Best::Ints(_), Value::Int(_))
                | (Best::Reals(_), Value::Real(_))
                | (Best::Values(_), _)
        );
        if fits {
            return;
        }
        let groups = self.found.len();
        let is_first = matches!(self.best, Best::Ints(_)) && !self.found.contains(&true);
        self.best = match value {
            Value::Real(_) if is_first => Best::Reals(vec![0.0; groups]),
            _ => Best::Values(
                (0..groups)
                    .map(|group| self.best(group))
                    .map(|best| best.unwrap_or(Value::Null))
                    .collect(),
            ),
        };
    }

    fn best(&self, group: usize) -> Option<Value> {
        self.found[group].then(|| match &self.best {
            Best::Ints(best) => Value::Int(best[group]),
            Best::Reals(best) => Value::Real(best[group]),
            Best::Values(best) => best[group].clone(),
        })
    }
}
